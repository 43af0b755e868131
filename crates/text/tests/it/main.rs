//! What the trees of this crate promise, seen from outside.

mod outline;

mod nginx;
mod yaml;
