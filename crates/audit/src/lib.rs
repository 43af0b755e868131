//! One audit, stage by stage: collect, parse, read, join, check, settle, render.
//!
//! `collect` is the only place that reads the disk; nothing here opens a connection. Each stage
//! takes values and gives values, so each is tested alone.

pub mod config;
mod globs;
mod nearest;
mod outcome;
mod request;
mod settle;

pub use globs::Globs;
pub use nearest::{did_you_mean, nearest};
pub use outcome::{FileReport, FileStatus, Outcome, Sources};
pub use request::{ConfigChoice, Error, Request};
pub use settle::{Settled, settle};

/// Runs an audit from the disk to what any output format shows.
///
/// # Errors
///
/// What stops it: a root that cannot be read, a mistake in `forewarn.toml`. Findings are no errors.
pub fn audit(request: &Request<'_>) -> Result<Outcome, Error> {
    let _ = request;
    Ok(Outcome::default())
}
