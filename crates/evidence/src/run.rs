//! Since when something has gone on: for each alternative the start of its best run, as a CUSUM keeps
//! it, with the counts from there on. Decides nothing.

use serde::{Deserialize, Serialize};

/// How things stand for the alternative that the counts support best.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The evidence against the guard, as the logarithm of an e-detector.
    pub log_evidence: f64,
    /// The stamp of the look at which the best alternative's run began.
    pub since: u64,
    /// So many events counted
    pub k: u64,
    /// of so many, from that look on.
    pub n: u64,
}

/// How things stand, given the evidence and the run of each alternative, which weigh alike.
pub(crate) fn standing<const N: usize>(evidence: &[f64; N], runs: &[Run; N], counted: Counts) -> Standing {
    let best = (0..N).max_by(|&a, &b| evidence[a].total_cmp(&evidence[b]));
    let run = &runs[best.unwrap_or(0)];
    let Counts { k, n } = run.counts(counted);
    let sum: f64 = evidence.iter().sum();
    Standing { log_evidence: (sum / N as f64).ln(), since: run.since(), k, n }
}

/// Counts from some moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) k: u64,
    pub(crate) n: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, k: u64, n: u64) {
        self.k = self.k.saturating_add(k);
        self.n = self.n.saturating_add(n);
    }

    pub(crate) fn beyond(self, earlier: Self) -> Self {
        Self { k: self.k - earlier.k, n: self.n - earlier.n }
    }
}

/// One alternative's run: it begins anew whenever the counts so far speak for the guard.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Run {
    score: f64,
    since: u64,
    before: Counts,
}

impl Run {
    /// Adds a look's logarithm of the factor; `before` is what was counted until then.
    #[inline]
    pub(crate) fn add(&mut self, stamp: u64, log_factor: f64, before: Counts) {
        if self.score <= 0.0 {
            *self = Self { score: 0.0, since: stamp, before };
        }
        self.score += log_factor;
    }

    pub(crate) fn since(&self) -> u64 {
        self.since
    }

    pub(crate) fn counts(&self, until: Counts) -> Counts {
        until.beyond(self.before)
    }
}
