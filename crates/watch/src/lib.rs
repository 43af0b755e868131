//! The watching side, pure: entries go in one by one, effects come out. Time, readings, deliveries and
//! audits are entries of the journal; so a replay gives the same state and the same alerts, a test runs
//! on virtual time, and a crash loses nothing that was journaled.
//!
//! Opens no socket and no file, reads no clock. Numbers are drawn only where a guard is learnt, by a fixed
//! seed: the same history gives the same guard.

pub mod alert;
pub mod audits;
pub mod budget;
pub mod burn;
pub mod checkpoint;
pub mod config;
pub mod delay;
pub mod detect;
pub mod export;
#[cfg(test)]
mod fixture;
pub mod guard;
pub mod history;
pub mod journal;
pub mod plan;
pub mod promise;
pub mod scenario;
mod silence;
pub mod state;
pub mod tally;
pub mod time;
pub mod window;

pub use state::{State, step};
