//! What was counted of a service: requests, failures by reason, slow ones.

use serde::{Deserialize, Serialize};

/// Counts of one service at one target, either running totals or what came since the last reading.
/// Which reason, which objective and which limit a place stands for, the plan says
/// ([`crate::plan::Watched`]).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Requests that ended, however they ended.
    pub requests: u64,
    /// Failed ones by reason, in the order of [`crate::plan::Watched::reasons`].
    pub failed: Vec<u64>,
    /// Requests whose duration is known.
    pub timed: u64,
    /// Those of them that took longer than the objective.
    pub slow: u64,
    /// Those of them that ended just after one of the configured timeouts, in the order of
    /// [`crate::plan::Watched::pile_up`].
    pub piled: Vec<u64>,
}

impl Tally {
    /// Adds counts of the same shape.
    pub fn add(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.timed = self.timed.saturating_add(other.timed);
        self.slow = self.slow.saturating_add(other.slow);
        add(&mut self.failed, &other.failed);
        add(&mut self.piled, &other.piled);
    }

    /// What came on top of an earlier running total; `None` where any count fell, as after a restart of
    /// what counts.
    #[must_use]
    pub fn beyond(&self, earlier: &Self) -> Option<Self> {
        Some(Self {
            requests: self.requests.checked_sub(earlier.requests)?,
            failed: beyond(&self.failed, &earlier.failed)?,
            timed: self.timed.checked_sub(earlier.timed)?,
            slow: self.slow.checked_sub(earlier.slow)?,
            piled: beyond(&self.piled, &earlier.piled)?,
        })
    }
}

fn add(to: &mut Vec<u64>, from: &[u64]) {
    if to.len() < from.len() {
        to.resize(from.len(), 0);
    }
    for (to, from) in to.iter_mut().zip(from) {
        *to = to.saturating_add(*from);
    }
}

fn beyond(now: &[u64], earlier: &[u64]) -> Option<Vec<u64>> {
    now.iter().enumerate().map(|(at, now)| now.checked_sub(earlier.get(at).copied().unwrap_or(0))).collect()
}
