//! Guards: what would still be fine, stated or learnt from history.

use serde::{Deserialize, Serialize};

/// Which test of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Signal {
    /// The share of failures that count, all reasons together.
    Failures,
    /// The share of one reason, by its place.
    Reason(u16),
    /// The share of slow requests.
    Slow,
    /// The share of durations at a timeout, by its place.
    PileUp(u16),
    /// Requests a second; the guard is a floor.
    Traffic,
    /// The share of walks of the probe that fail.
    Probe,
}

/// A guard that was learnt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Learnt {
    /// Of which test.
    pub signal: Signal,
    /// What was learnt.
    pub guard: Guard,
}

/// What would still be fine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    /// The guard at each hour of the week (UTC, Monday first), or one for all hours.
    pub level: Vec<f32>,
    /// How many days of history it rests on; 0 where it was declared.
    pub days: f32,
    /// The variance of the counts over that of independent ones (1 where they are independent).
    pub dispersion: f32,
    /// How often a test against it would raise a false alarm, a year, at its part of the budget, as
    /// history implies; `None` where there is too little to say.
    pub implied: Option<f64>,
}
