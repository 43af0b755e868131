//! Configuration tests: the real service runs with a candidate's values, its dependency behind a proxy
//! that replays the latency of production, and a verdict says whether the objective holds.
//!
//! Knows no rule and no reader; what a latency is, `model` says.

#![allow(clippy::disallowed_methods, reason = "a test of a service runs it by the clock of the machine")]

pub mod arrivals;
mod beside;
mod candidate;
pub mod difference;
pub mod figures;
pub mod file;
pub mod forecast;
mod log;
pub mod machine;
pub mod mutate;
pub mod notes;
mod observed;
pub mod parse;
mod people;
pub mod person;
pub mod picture;
pub mod process;
pub mod proof;
pub mod proxy;
pub mod report;
pub mod room;
pub mod run;
pub mod search;
pub mod stage;
pub mod trial;
pub mod verdict;
pub mod words;
