//! Whether what was bad is good again: the same kind of test with the sides exchanged. Assumed is that it
//! is still bad, and the evidence against that must be overwhelming.

use serde::{Deserialize, Serialize};

use crate::interval;
use crate::run::Standing;

/// While a fault goes on, its end is told by mistake once in so many looks at most: at one look a second
/// within eleven days of fault.
pub const LOOKS_TO_A_FALSE_END: f64 = 1e6;
/// Standard errors between what was seen and what was seen at least: 95 %, one side.
const ERRORS: f64 = 1.645;
/// How much may be left of the guard, as alternatives: it is back at it, or well below.
const LEFT: [f64; ALTERNATIVES] = [1.0, 0.3, 0.03];
/// ... and how many floors a rate may have come back to.
const FLOORS: [f64; ALTERNATIVES] = [1.0, 2.0, 4.0];
const ALTERNATIVES: usize = 3;
/// Where between the guard (0) and what was seen (1) it stops being bad, on a log scale. Nearer to what
/// was seen an end is told earlier, and a fault that abates a little is more easily taken for its end.
const BETWEEN: f64 = 0.75;
/// What was seen lies beyond the guard by this factor of its odds at least, else there would be nothing
/// to tell them apart by.
const APART: f64 = 1.2;
/// Evidence is kept linear, and stops here instead of overflowing.
const MOST: f64 = 1e250;

/// The state of a test of whether a fault is over.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    boundary: f64,
    evidence: [f64; ALTERNATIVES],
}

impl Recovery {
    /// Of a share above its guard.
    #[must_use]
    pub fn of_share(standing: &Standing, guard: f64) -> Self {
        let odds = |share: f64| {
            let share = share.clamp(1e-9, 1.0 - 1e-9);
            share / (1.0 - share)
        };
        let (least, _) = interval::wilson(standing.k, standing.n, ERRORS);
        let guard = odds(guard);
        let odds = guard * (odds(least) / guard).max(APART).powf(BETWEEN);
        Self { boundary: odds / (1.0 + odds), evidence: [0.0; ALTERNATIVES] }
    }

    /// Of a rate below its floor; `standing` says how many came of how many that the floor expected.
    #[must_use]
    pub fn of_rate(standing: &Standing, floor: f64) -> Self {
        let k = standing.k as f64;
        let most = (k + ERRORS * (k + 1.0).sqrt()) / (standing.n as f64).max(1.0);
        // One in a hundred of those expected is as good as none.
        let most = most.clamp(0.01, APART.recip());
        Self { boundary: floor * most.powf(BETWEEN), evidence: [0.0; ALTERNATIVES] }
    }

    /// A share of this or more, or a rate of this or less, is still bad.
    #[must_use]
    pub fn boundary(&self) -> f64 {
        self.boundary
    }

    /// Looks at k failures among n requests, and says whether it is over. Nothing among nothing changes
    /// nothing.
    pub fn look(&mut self, k: u64, n: u64, guard: f64) -> bool {
        let n = n.max(k);
        if n > 0 {
            for (evidence, left) in self.evidence.iter_mut().zip(LEFT) {
                let back = (guard.min(self.boundary) * left).max(1e-12);
                let log = k as f64 * (back / self.boundary).ln()
                    + (n - k) as f64 * ((1.0 - back) / (1.0 - self.boundary)).ln();
                *evidence = ((*evidence + 1.0) * log.exp()).min(MOST);
            }
        }
        self.is_over()
    }

    /// Looks at k events within so many seconds, and says whether the rate is back.
    pub fn look_at_rate(&mut self, k: u64, seconds: f64, floor: f64) -> bool {
        if self.boundary > 0.0 && seconds > 0.0 {
            for (evidence, floors) in self.evidence.iter_mut().zip(FLOORS) {
                let back = (floor * floors).max(self.boundary);
                let log = k as f64 * (back / self.boundary).ln() - (back - self.boundary) * seconds;
                *evidence = ((*evidence + 1.0) * log.exp()).min(MOST);
            }
        }
        self.is_over()
    }

    fn is_over(&self) -> bool {
        self.evidence.iter().sum::<f64>() / ALTERNATIVES as f64 >= LOOKS_TO_A_FALSE_END
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn standing(k: u64, n: u64) -> Standing {
        Standing { log_evidence: 21.0, since: 0, k, n }
    }

    fn looks_until_over(
        recovery: Recovery,
        guard: f64,
        share: f64,
        rate: f64,
        most: u64,
        seed: u64,
    ) -> Option<u64> {
        let (mut recovery, mut stream) = (recovery, Stream::new(seed));
        (1..=most).find(|_| {
            let n = stream.poisson(rate);
            recovery.look(stream.binomial(n, share), n, guard)
        })
    }

    #[test]
    fn the_boundary_lies_between_the_guard_and_what_was_seen() {
        for (k, n) in [(2, 3), (12, 40), (40, 700), (5000, 5000)] {
            let boundary = Recovery::of_share(&standing(k, n), 0.01).boundary();
            let seen = k as f64 / n as f64;
            assert!(boundary > 0.01 && boundary < seen, "{k} of {n}: {boundary}");
        }
        let boundary = Recovery::of_rate(&standing(3, 60), 10.0).boundary();
        assert!(boundary > 0.5 && boundary < 10.0, "{boundary}");
    }

    #[test]
    fn a_fault_of_any_share_above_the_boundary_goes_on_for_a_day() {
        for (share, seen) in [(0.2_f64, (20, 80)), (0.05, (45, 800)), (0.03, (45, 800))] {
            let recovery = Recovery::of_share(&standing(seen.0, seen.1), 0.01);
            for seed in 0..3 {
                let over =
                    looks_until_over(recovery, 0.01, share.max(recovery.boundary()), 10.0, 86_400, seed);
                assert_eq!(over, None, "share {share}, seed {seed}");
            }
        }
    }

    #[test]
    fn what_is_back_at_the_guard_is_seen_in_reasonable_time() {
        for (seen, rate, most) in
            [((20, 80), 10.0, 45), ((40, 700), 10.0, 135), ((20, 80), 100.0, 6), ((40, 700), 100.0, 15)]
        {
            let recovery = Recovery::of_share(&standing(seen.0, seen.1), 0.01);
            let mut took: Vec<u64> = (0..99)
                .map(|seed| looks_until_over(recovery, 0.01, 0.01, rate, 100_000, seed).expect("it is over"))
                .collect();
            took.sort_unstable();
            assert!(took[49] <= most, "{seen:?} at {rate}/s: {} s", took[49]);
        }
    }

    #[test]
    fn traffic_that_is_back_is_seen_and_a_trickle_is_none() {
        let mut trickle = Recovery::of_rate(&standing(3, 60), 10.0);
        assert!((0..10_000).all(|_| !trickle.look_at_rate(0, 1.0, 10.0)));
        let mut back = Recovery::of_rate(&standing(3, 60), 10.0);
        let took = (1..).find(|_| back.look_at_rate(12, 1.0, 10.0)).expect("at some time");
        assert!(took <= 5, "{took}");
    }

    #[test]
    fn nothing_among_nothing_changes_nothing() {
        let mut recovery = Recovery::of_share(&standing(20, 80), 0.01);
        let before = recovery;
        assert!(!recovery.look(0, 0, 0.01));
        assert_eq!(recovery, before);
    }
}
