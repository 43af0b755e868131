//! Whether a rate has fallen below its floor: the Shiryaev-Roberts e-detector of `ratio` on counts that
//! are expected to be at least so many.
//!
//! For a rate of c floors the factor is `c^k exp((1-c) m)`, where m is what the floor expects: its mean is
//! at most 1 for Poisson counts of any mean at or above m.

use serde::{Deserialize, Serialize};

use crate::run::{Counts, Run, Standing, standing};

/// The alternatives: shares of the floor that may be left.
const LEFT: [f64; ALTERNATIVES] = [0.75, 0.5, 0.25, 0.05, 0.001];
const ALTERNATIVES: usize = 5;
/// Evidence is kept linear, and stops here instead of overflowing.
const MOST: f64 = 1e250;

/// The state of a test of one rate.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Detector {
    evidence: [f64; ALTERNATIVES],
    runs: [Run; ALTERNATIVES],
    counted: Counts,
    /// What the floor expected beyond the whole numbers that runs count.
    owed: f64,
}

impl Detector {
    /// Looks at k events where the floor expects so many, and gives the evidence, to be compared with A.
    /// Factors are taken to the power of 1 / dispersion.
    pub fn look(&mut self, stamp: u64, k: u64, expected: f64, dispersion: f64) -> f64 {
        if expected > 0.0 && expected.is_finite() {
            let mildness = if dispersion > 1.0 { dispersion.recip() } else { 1.0 };
            self.owed += expected;
            let whole = self.owed.floor();
            self.owed -= whole;
            for (i, left) in LEFT.iter().enumerate() {
                let log = mildness * (k as f64 * left.ln() + (1.0 - left) * expected);
                self.evidence[i] = ((self.evidence[i] + 1.0) * log.exp()).min(MOST);
                self.runs[i].add(stamp, log, self.counted);
            }
            self.counted.add(k, whole as u64);
        }
        self.evidence.iter().sum::<f64>() / ALTERNATIVES as f64
    }

    /// Since when the alternative with the most evidence has been likelier than the floor; k events came
    /// where n were expected.
    #[must_use]
    pub fn standing(&self) -> Standing {
        standing(&self.evidence, &self.runs, self.counted)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_look_has_a_mean_of_at_most_one_at_and_above_the_floor(
            floor in 0.01..30.0_f64, above in 1.0..3.0_f64, dispersion in 1.0..10.0_f64,
        ) {
            let (mean, mut chance, mut sum) = (floor * above, (-floor * above).exp(), 0.0);
            for k in 0..400 {
                sum += chance * Detector::default().look(0, k, floor, dispersion);
                chance *= mean / (k + 1) as f64;
            }
            prop_assert!(sum <= 1.0 + 1e-9, "{sum}");
        }

        #[test]
        fn fewer_events_are_more_evidence(floor in 0.01..1000.0_f64, k in 0_u64..1000) {
            let look = |k| Detector::default().look(0, k, floor, 1.0);
            prop_assert!(look(k) >= look(k + 1));
        }
    }

    #[test]
    fn a_standstill_is_seen_soon_and_its_beginning_is_known() {
        let mut detector = Detector::default();
        for at in 0..100 {
            detector.look(at, 12, 10.0, 1.0);
        }
        let crossed = (100..).find(|&at| detector.look(at, 0, 10.0, 1.0) >= 1e9).expect("at some time");
        assert!(crossed <= 103, "{crossed}");
        let standing = detector.standing();
        assert_eq!((standing.since, standing.k), (100, 0));
        assert_eq!(standing.n, 10 * (crossed - 99));
    }

    #[test]
    fn a_floor_of_nothing_is_never_missed() {
        let mut detector = Detector::default();
        for floor in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(detector.look(0, 0, floor, 1.0), 0.0);
        }
    }
}
