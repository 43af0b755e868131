//! The two ends of the watch that touch the world: inputs (scrapes, logs, probes, files) become entries of
//! the journal, effects become requests. Owns the clock and the journal's database.
//!
//! Knows no rule and no reader: whoever starts it hands in how the configuration is audited.

mod access;
mod discover;
pub mod follow;
pub mod http;
pub mod lines;
pub mod notes;
pub mod scrape;
