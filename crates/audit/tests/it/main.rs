//! Audits from text to text, in memory.

mod any_file;
mod budget;
mod formats;
mod join;
mod proofs;
mod rule_pages;
mod secrets;
