//! The configuration of both roles: one TOML file a role, every length of time with its unit, unknown
//! keys refused, single keys overridden by the environment.
//!
//! - `document` reads a text into a role's type and says where a mistake is.
//! - `check` compares keys of one file with each other, and nothing else: what another component's file
//!   or its latency decides is not judged here.
//! - `live` holds what is in force; `reload` replaces it when the file changes, or keeps it.

pub mod check;
pub mod directory;
pub mod document;
pub mod environment;
pub mod front;
pub mod length;
pub mod live;
pub mod mistake;
mod range;
pub mod reload;
mod shape;
mod tree;
