//! A small authentication service in two roles: the *front* (`authd serve`) verifies passwords and
//! issues tokens and keeps no state that another replica would miss; the *directory*
//! (`authd directory`) keeps accounts, sessions and lockouts in SQLite or PostgreSQL. The front calls
//! the directory over HTTP, so that there is a chain client, front, directory, database, and every hop
//! has limits of its own.
//!
//! It is the workload that Forewarn guards in its examples, drills and benchmarks. It imports none of
//! Forewarn's crates, and only the binary imports it.

pub mod account;
pub mod api;
pub mod clock;
pub mod command;
pub mod config;
pub mod directory;
pub mod entropy;
pub mod front;
pub mod hash;
pub mod hop;
pub mod http;
pub mod load;
pub mod lockout;
pub mod material;
pub mod metrics;
pub mod secret;
pub mod session;
pub mod store;
mod tapped;
pub mod token;
