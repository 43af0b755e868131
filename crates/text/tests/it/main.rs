//! What the trees of this crate promise, seen from outside.

mod yaml;
