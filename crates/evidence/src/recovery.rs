//! Whether what was bad is good again: the same kind of test with the sides exchanged. Assumed is that it
//! is still bad, and the evidence against that must be overwhelming.

use serde::{Deserialize, Serialize};

/// What may be left of the guard, as alternatives: back at the guard, or well below it.
const BACK: [f64; ALTERNATIVES] = [1.0, 0.3, 0.03];
const ALTERNATIVES: usize = 3;
/// Where between the guard (0) and what was seen (1) it stops being bad, on a log scale. Nearer to what
/// was seen an end is told earlier, and a fault that abates a little is more easily taken for its end.
const BETWEEN: f64 = 2.0 / 3.0;
/// Evidence is kept linear, and stops here instead of overflowing.
const MOST: f64 = 1e250;

/// The boundary of a share that was seen to be at least `seen` while it should be at most `guard`: at or
/// above it things are still bad.
#[must_use]
pub fn boundary(guard: f64, seen: f64) -> f64 {
    let odds = |share: f64| {
        let share = share.clamp(1e-9, 1.0 - 1e-9);
        share / (1.0 - share)
    };
    let (guard, seen) = (odds(guard), odds(seen).max(odds(guard) * 1.2));
    let odds = guard * (seen / guard).powf(BETWEEN);
    odds / (1.0 + odds)
}

/// The boundary of a rate that was seen to be at most `seen` while it should be at least `floor`: at or
/// below it things are still bad.
#[must_use]
pub fn boundary_of_rate(floor: f64, seen: f64) -> f64 {
    // One event in a hundred that are expected is as good as none.
    let seen = seen.clamp(floor * 0.01, floor * 0.8);
    floor * (seen / floor).powf(BETWEEN)
}

/// The state of a test of whether a fault is over.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Recovery {
    evidence: [f64; ALTERNATIVES],
}

impl Recovery {
    /// Looks at k failures among n requests, and gives the evidence against a share of `boundary` or
    /// more. It reaches A by chance once in A looks at most.
    pub fn look(&mut self, k: u64, n: u64, guard: f64, boundary: f64) -> f64 {
        let n = n.max(k);
        if n > 0 && boundary > 0.0 && boundary < 1.0 {
            for (evidence, back) in self.evidence.iter_mut().zip(BACK) {
                let q = (guard.min(boundary) * back).max(1e-12);
                let log =
                    k as f64 * (q / boundary).ln() + (n - k) as f64 * ((1.0 - q) / (1.0 - boundary)).ln();
                *evidence = ((*evidence + 1.0) * log.exp()).min(MOST);
            }
        }
        self.sum()
    }

    /// Looks at k events, and gives the evidence against a rate that expects `boundary` events or fewer,
    /// for one that expects `floor` of them or more.
    pub fn look_at_rate(&mut self, k: u64, floor: f64, boundary: f64) -> f64 {
        if boundary > 0.0 && floor > boundary && floor.is_finite() {
            for (evidence, times) in self.evidence.iter_mut().zip([1.0, 2.0, 4.0]) {
                let rate = floor * times;
                let log = k as f64 * (rate / boundary).ln() - (rate - boundary);
                *evidence = ((*evidence + 1.0) * log.exp()).min(MOST);
            }
        }
        self.sum()
    }

    fn sum(&self) -> f64 {
        self.evidence.iter().sum::<f64>() / ALTERNATIVES as f64
    }
}
