//! One audit, stage by stage: collect, parse, read, join, check, settle, render.
//!
//! `collect` is the only place that reads the disk; nothing here opens a connection. Each stage
//! takes values and gives values, so each is tested alone.

pub mod config;
mod outcome;

pub use outcome::{FileReport, FileStatus, Outcome, Sources};
