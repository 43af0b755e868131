//! Guards: what would still be fine, stated or learnt from history.

mod season;
mod share;
mod traffic;

use serde::{Deserialize, Serialize};

use self::share::Asked;
use crate::budget;
use crate::detect::Against;
use crate::history::Minute;
use crate::plan::{GuardSource, Plan, Watched};
use crate::tally::Tally;
use crate::time::At;

/// Hours of a week.
const HOURS: usize = 168;
const MINUTES_A_DAY: f32 = 1440.0;

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

impl Guard {
    /// A guard that somebody stated.
    #[must_use]
    pub fn declared(level: f64) -> Self {
        Self { level: vec![level as f32], days: 0.0, dispersion: 1.0, implied: None }
    }

    /// What would be fine at a moment.
    #[must_use]
    pub fn at(&self, at: At) -> f64 {
        let hour = if self.level.len() == HOURS { at.hour_of_week() } else { 0 };
        // A guard without a level lets everything pass.
        self.level.get(hour).map_or(1.0, |level| f64::from(*level))
    }

    /// What a look at a moment is held against.
    #[must_use]
    pub fn against(&self, at: At, threshold: f64) -> Against {
        Against { guard: self.at(at), dispersion: f64::from(self.dispersion), threshold }
    }
}

/// Learns the guards of a service that its plan does not state, as far as its history has what it takes.
#[must_use]
pub fn learn(history: &[Minute], plan: &Plan, service: usize) -> Vec<Learnt> {
    let Some(watched) = plan.services.get(service) else { return Vec::new() };
    let budget = budget::split(plan);
    let looks = (60.0 / plan.look.as_secs_f64().max(0.001)).round().clamp(1.0, 600.0) as usize;
    let open = watched.guards().filter(|(_, source)| !matches!(source, GuardSource::Declared(_)));
    let signals = open.map(|(signal, _)| signal).filter(|signal| budget.yearly(service, *signal) > 0.0);
    let learn = |signal: Signal| {
        let asked = Asked {
            threshold: budget.threshold(service, signal),
            yearly: budget.yearly(service, signal),
            looks,
        };
        let guard = match signal {
            Signal::Traffic => traffic::learn(history, asked),
            _ => share::learn(&minutes(history, watched, signal), asked),
        };
        guard.map(|guard| Learnt { signal, guard })
    };
    signals.filter_map(learn).collect()
}

/// The counts of a test of a share, out of those of its service; none in minutes that do not have them.
fn minutes(history: &[Minute], service: &Watched, signal: Signal) -> Vec<share::Minute> {
    let of = |tally: &Tally| -> Option<(u64, u64)> {
        let failed = |place: usize| tally.failed.get(place).copied();
        Some(match signal {
            Signal::Failures => {
                let counting = service.reasons.iter().enumerate().filter(|(_, reason)| reason.counts);
                let failures = counting.filter_map(|(place, _)| failed(place));
                (failures.fold(0, u64::saturating_add), tally.requests)
            }
            Signal::Reason(place) => (failed(usize::from(place))?, tally.requests),
            Signal::Slow => (tally.slow, tally.timed),
            Signal::PileUp(place) => (*tally.piled.get(usize::from(place))?, tally.timed),
            Signal::Traffic | Signal::Probe => return None,
        })
    };
    let minute = |minute: &Minute| {
        let (k, n) = of(&minute.tally)?;
        Some(share::Minute { at: minute.at, k, n })
    };
    history.iter().filter_map(minute).collect()
}

#[cfg(test)]
mod tests;
