//! What the trees of this crate promise, seen from outside.

mod any_text;
mod outline;

mod env;
mod haproxy;
mod ini;
mod json;
mod nginx;
mod properties;
mod toml;
mod tree;
mod yaml;
