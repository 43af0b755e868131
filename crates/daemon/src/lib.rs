//! The two ends of the watch that touch the world: inputs (scrapes, logs, probes, files) become entries of
//! the journal, effects become requests. Owns the clock and the journal's database.
//!
//! Knows no rule and no reader: whoever starts it hands in how the configuration is audited.

mod access;
pub mod clock;
mod discover;
mod files;
pub mod follow;
pub mod http;
pub mod lines;
pub mod notes;
pub mod probe;
pub mod run;
mod schedule;
pub mod scrape;
mod send;
mod serve;
mod store;

pub use run::{Host, Setup, check, rehearse, run, verify};
pub use schedule::Audit;
pub use serve::ask;
pub use store::Stopped;
