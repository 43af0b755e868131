//! What was counted of a service: requests, failures by reason, slow ones.

use serde::{Deserialize, Serialize};

/// Counts of one service at one target, either running totals or what came since the last reading.
/// Which reason, which objective and which limit a place stands for, the plan says
/// ([`crate::plan::Watched`]).
#[derive(Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
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

impl Clone for Tally {
    fn clone(&self) -> Self {
        Self {
            requests: self.requests,
            failed: self.failed.clone(),
            timed: self.timed,
            slow: self.slow,
            piled: self.piled.clone(),
        }
    }

    // The derived one would let go of the buffers that every look of every target needs again.
    fn clone_from(&mut self, from: &Self) {
        self.requests = from.requests;
        self.failed.clone_from(&from.failed);
        self.timed = from.timed;
        self.slow = from.slow;
        self.piled.clone_from(&from.piled);
    }
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

    /// Adds what `now` counts beyond this running total to `gained`, and moves the total there. Where any
    /// count fell, as after a restart of what counts, or its shape is another one, nothing is gained and
    /// the total begins anew; then `false` is given. Allocates nothing where shapes are the same.
    pub fn advance(&mut self, now: &Self, gained: &mut Self) -> bool {
        let grew = now.is_beyond(self);
        if grew {
            gained.requests = gained.requests.saturating_add(now.requests - self.requests);
            gained.timed = gained.timed.saturating_add(now.timed - self.timed);
            gained.slow = gained.slow.saturating_add(now.slow - self.slow);
            gain(&mut gained.failed, &now.failed, &self.failed);
            gain(&mut gained.piled, &now.piled, &self.piled);
        }
        self.clone_from(now);
        grew
    }

    /// Whether it counts the same things as an earlier total, and none of them less often.
    #[must_use]
    pub fn is_beyond(&self, earlier: &Self) -> bool {
        self.same_shape(earlier)
            && self.requests >= earlier.requests
            && self.timed >= earlier.timed
            && self.slow >= earlier.slow
            && grew(&earlier.failed, &self.failed)
            && grew(&earlier.piled, &self.piled)
    }

    /// Whether it counts the same things.
    #[must_use]
    pub fn same_shape(&self, other: &Self) -> bool {
        self.failed.len() == other.failed.len() && self.piled.len() == other.piled.len()
    }

    /// Nothing counted, in a shape with so many reasons and timeouts.
    #[must_use]
    pub fn empty(reasons: usize, pile_up: usize) -> Self {
        Self { failed: vec![0; reasons], piled: vec![0; pile_up], ..Self::default() }
    }

    /// Counts nothing any more, and keeps its buffers. Places come back with what is added: to fill the few
    /// that there are with zeros would take more time than all else of a look.
    pub fn clear(&mut self) {
        self.requests = 0;
        self.timed = 0;
        self.slow = 0;
        self.failed.clear();
        self.piled.clear();
    }
}

fn grew(earlier: &[u64], now: &[u64]) -> bool {
    earlier.iter().zip(now).all(|(earlier, now)| now >= earlier)
}

fn gain(gained: &mut Vec<u64>, now: &[u64], earlier: &[u64]) {
    if gained.len() < now.len() {
        gained.resize(now.len(), 0);
    }
    for ((gained, now), earlier) in gained.iter_mut().zip(now).zip(earlier) {
        *gained = gained.saturating_add(now - earlier);
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
