//! Whether a share has risen above its guard: a mixture of Shiryaev-Roberts e-detectors on counts of
//! failures among requests (Shin, Ramdas, Rinaldo, "E-detectors: a nonparametric framework for sequential
//! change detection", 2022).
//!
//! Each alternative q has a factor `(q/g)^k ((1-q)/(1-g))^(n-k)`, whose mean is at most 1 as long as a
//! request fails with a probability of at most g, whatever came before. `R <- (R + 1) factor` then has a
//! mean of at most one a look, and so does the weighted sum over alternatives: the mean number of looks
//! until it reaches A by chance is at least A, for every process that stays at or below the guard.

use serde::{Deserialize, Serialize};

use crate::run::{Counts, Run, Standing, standing};

/// How many alternatives are weighed at once. Their odds are spaced evenly on a log scale, so that every
/// share in between is hardly seen later than if it had been named; each costs time at every look.
const ALTERNATIVES: usize = 8;
/// The odds of the smallest alternative over those of the guard: a share of 1.25 guards still counts
/// against the guard under it.
const LEAST_ODDS_RATIO: f64 = 1.5;
/// The share of the largest alternative, where the guard leaves room for it.
const LARGEST: f64 = 0.95;
/// ... and where it does not, its odds over those of the guard.
const LARGEST_ODDS_RATIO: f64 = 8.0;
/// Guards are kept in this range; outside of it nothing can be tested.
const GUARDS: (f64, f64) = (1e-9, 0.9);
/// Evidence is kept linear, and stops here instead of overflowing: far beyond any threshold.
const MOST: f64 = 1e250;
/// Up to so many requests a factor is a product of powers, which no alternative takes down to zero: the
/// least factor of one success is 0.01, and 0.01^128 is still a number above zero.
const BY_POWERS: u64 = 128;
/// ... and whose failures alone stay below e to this, which is just below the most: their power would
/// overflow sooner than what successes take down again.
const LOG_BY_POWERS: f64 = 575.0;

/// The alternatives over one guard, with what a look needs of them computed once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stated", into = "Stated")]
pub struct Mixture {
    stated: Stated,
    /// The logarithm of what one failure, and one success, multiplies the evidence with.
    log_failure: [f64; ALTERNATIVES],
    log_success: [f64; ALTERNATIVES],
    failure: [f64; ALTERNATIVES],
    success: [f64; ALTERNATIVES],
}

/// What a mixture was made of; the rest of it follows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Stated {
    guard: f64,
    dispersion: f64,
}

impl From<Stated> for Mixture {
    fn from(stated: Stated) -> Self {
        Self::new(stated.guard, stated.dispersion)
    }
}

impl From<Mixture> for Stated {
    fn from(mixture: Mixture) -> Self {
        mixture.stated
    }
}

impl Mixture {
    /// Alternatives over a guard. Factors are taken to the power of 1 / dispersion: their means stay at or
    /// below 1, and counts that vary more than independent ones would are believed less.
    #[must_use]
    pub fn new(guard: f64, dispersion: f64) -> Self {
        let stated = Stated { guard, dispersion };
        let guard = if guard.is_nan() { GUARDS.1 } else { guard.clamp(GUARDS.0, GUARDS.1) };
        let mildness = if dispersion > 1.0 { dispersion.recip() } else { 1.0 };
        let odds = guard / (1.0 - guard);
        let largest = (LARGEST / (1.0 - LARGEST) / odds).max(LARGEST_ODDS_RATIO);
        let spacing = (largest / LEAST_ODDS_RATIO).ln() / (ALTERNATIVES - 1) as f64;
        let mut mixture = Self {
            stated,
            log_failure: [0.0; ALTERNATIVES],
            log_success: [0.0; ALTERNATIVES],
            failure: [1.0; ALTERNATIVES],
            success: [1.0; ALTERNATIVES],
        };
        for i in 0..ALTERNATIVES {
            let odds = odds * LEAST_ODDS_RATIO * (spacing * i as f64).exp();
            let q = odds / (1.0 + odds);
            mixture.log_failure[i] = mildness * (q / guard).ln();
            mixture.log_success[i] = -mildness * ((1.0 - guard) * (1.0 + odds)).ln();
            mixture.failure[i] = mixture.log_failure[i].exp();
            mixture.success[i] = mixture.log_success[i].exp();
        }
        mixture
    }

    /// The guard it was made of.
    #[must_use]
    pub fn guard(&self) -> f64 {
        self.stated.guard
    }

    /// Whether it was made of these.
    #[must_use]
    pub fn is_of(&self, guard: f64, dispersion: f64) -> bool {
        self.stated == Stated { guard, dispersion }
    }

    /// What one failure and one success add to the logarithm of the evidence, for each alternative.
    pub fn alternatives(&self) -> impl Iterator<Item = (f64, f64)> {
        self.log_failure.into_iter().zip(self.log_success)
    }

    /// The logarithm of the weight that each alternative has.
    #[must_use]
    pub fn log_weight(&self) -> f64 {
        -(ALTERNATIVES as f64).ln()
    }

    /// What a look multiplies the evidence of each alternative with, up to the most that it may become.
    #[inline]
    fn factors(&self, k: u64, n: u64) -> [f64; ALTERNATIVES] {
        // The last alternative is the largest.
        let log_failures = k as f64 * self.log_failure[ALTERNATIVES - 1];
        if n <= BY_POWERS && log_failures <= LOG_BY_POWERS {
            let mut factors = powers(self.success, n - k);
            if k > 0 {
                let failures = powers(self.failure, k);
                for i in 0..ALTERNATIVES {
                    factors[i] *= failures[i];
                }
            }
            factors
        } else {
            self.log_factors(k, n).map(|log| log.exp().min(MOST))
        }
    }

    #[inline]
    fn log_factors(&self, k: u64, n: u64) -> [f64; ALTERNATIVES] {
        let (failures, successes) = (k as f64, (n - k) as f64);
        std::array::from_fn(|i| failures * self.log_failure[i] + successes * self.log_success[i])
    }
}

/// Each base to the same power, by squaring: the same bits on every machine.
#[inline]
fn powers(mut base: [f64; ALTERNATIVES], mut exponent: u64) -> [f64; ALTERNATIVES] {
    let mut power = [1.0; ALTERNATIVES];
    while exponent > 0 {
        if exponent & 1 == 1 {
            for i in 0..ALTERNATIVES {
                power[i] *= base[i];
            }
        }
        for base in &mut base {
            *base *= *base;
        }
        exponent >>= 1;
    }
    power
}

/// The state of a test of one share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    mixture: Mixture,
    evidence: [f64; ALTERNATIVES],
    runs: [Run; ALTERNATIVES],
    counted: Counts,
}

impl Detector {
    /// A test that has seen nothing.
    #[must_use]
    pub fn new(mixture: Mixture) -> Self {
        Self {
            mixture,
            evidence: [0.0; ALTERNATIVES],
            runs: [Run::default(); ALTERNATIVES],
            counted: Counts::default(),
        }
    }

    /// The alternatives it weighs.
    #[must_use]
    pub fn mixture(&self) -> &Mixture {
        &self.mixture
    }

    /// Goes on with other alternatives, as where the guard depends on the hour. What was gathered stays:
    /// its mean is what it was.
    pub fn face(&mut self, mixture: Mixture) {
        self.mixture = mixture;
    }

    /// Looks at k failures among n requests and gives the evidence, to be compared with A. Nothing among
    /// nothing changes nothing. More failures than requests count as so many requests.
    #[inline]
    pub fn look(&mut self, stamp: u64, k: u64, n: u64) -> f64 {
        self.look_once_for(1.0, stamp, k, n)
    }

    /// Looks once where so many looks would be taken, for simulations: as many runs begin.
    #[inline]
    pub fn look_once_for(&mut self, looks: f64, stamp: u64, k: u64, n: u64) -> f64 {
        let n = n.max(k);
        if n > 0 {
            let factors = self.mixture.factors(k, n);
            let logs = self.mixture.log_factors(k, n);
            for i in 0..ALTERNATIVES {
                self.evidence[i] = ((self.evidence[i] + looks) * factors[i]).min(MOST);
                self.runs[i].add(stamp, logs[i], self.counted);
            }
            self.counted.add(k, n);
        }
        self.evidence.iter().sum::<f64>() / ALTERNATIVES as f64
    }

    /// Since when, and with which counts, the alternative with the most evidence has been likelier than
    /// the guard.
    #[must_use]
    pub fn standing(&self) -> Standing {
        standing(&self.evidence, &self.runs, self.counted)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::{Stream, Table};

    fn binomial(k: u64, n: u64, p: f64) -> f64 {
        let choose = (1..=k).map(|i| (n - k + i) as f64 / i as f64).product::<f64>();
        choose * p.powi(k as i32) * (1.0 - p).powi((n - k) as i32)
    }

    proptest! {
        #[test]
        fn a_look_has_a_mean_of_at_most_one_at_and_below_the_guard(
            guard in 1e-5..0.8_f64, below in 0.0..=1.0_f64, dispersion in 1.0..10.0_f64, n in 1_u64..50,
        ) {
            let mixture = Mixture::new(guard, dispersion);
            let look = |k| Detector::new(mixture).look(0, k, n);
            let mean: f64 = (0..=n).map(|k| binomial(k, n, guard * below) * look(k)).sum();
            prop_assert!(mean <= 1.0 + 1e-9, "{mean}");
        }

        #[test]
        fn more_failures_are_more_evidence(guard in 1e-5..0.8_f64, n in 1_u64..2000, k in 0_u64..2000) {
            let k = k.min(n - 1);
            let look = |k| Detector::new(Mixture::new(guard, 1.0)).look(0, k, n);
            prop_assert!(look(k + 1) >= look(k));
        }

        #[test]
        fn it_is_read_back_as_it_was(looks in prop::collection::vec((0_u64..20, 0_u64..400), 0..50)) {
            let mut detector = Detector::new(Mixture::new(0.013, 1.7));
            for (at, (k, n)) in looks.into_iter().enumerate() {
                detector.look(at as u64, k, n);
            }
            let bytes = postcard::to_allocvec(&detector).expect("it is written");
            prop_assert!(bytes.len() <= 1024);
            prop_assert_eq!(postcard::from_bytes::<Detector>(&bytes).expect("it is read"), detector);
        }

        #[test]
        fn factors_by_powers_are_those_by_logarithms(
            log_guard in -20.8..-0.1_f64, k in 0_u64..=128, n in 0_u64..=128,
        ) {
            let (mixture, n) = (Mixture::new(log_guard.exp(), 1.0), n.max(k));
            let factors = mixture.factors(k, n);
            for (factor, log) in factors.into_iter().zip(mixture.log_factors(k, n)) {
                let log = log.min(MOST.ln());
                prop_assert!((factor.ln() - log).abs() < 1e-9 * log.abs().max(1.0), "{factor} {log}");
            }
        }
    }

    #[test]
    fn failures_that_overflow_are_counted_with_the_successes_that_take_them_down() {
        let mixture = Mixture::new(1e-9, 1.0);
        let [.., largest] = mixture.factors(35, 128);
        let [.., log] = mixture.log_factors(35, 128);
        assert!(
            mixture.failure[ALTERNATIVES - 1].powi(35).is_infinite()
                && (largest.ln() - log).abs() < 1e-9 * log
        );
        assert_eq!(mixture.factors(128, 128)[ALTERNATIVES - 1], MOST);
    }

    #[test]
    fn its_state_is_small() {
        assert!(size_of::<Detector>() <= 1024);
    }

    #[test]
    fn alarms_by_chance_are_as_rare_as_stated() {
        let mut stream = Stream::new(3);
        for (rate, guard) in [(1.0, 0.01), (10.0, 0.01), (100.0, 0.0005)] {
            let (failures, successes) = (Table::poisson(rate * guard), Table::poisson(rate * (1.0 - guard)));
            let mut detector = Detector::new(Mixture::new(guard, 1.0));
            let mut alarms = 0;
            for at in 0..200_000 {
                let k = failures.draw(&mut stream);
                if detector.look(at, k, k + successes.draw(&mut stream)) >= 500.0 {
                    alarms += 1;
                    detector = Detector::new(*detector.mixture());
                }
            }
            assert!((10..=400).contains(&alarms), "{rate}/s at {guard}: {alarms} in 400 times A looks");
        }
    }

    #[test]
    fn nothing_among_nothing_changes_nothing() {
        let mut detector = Detector::new(Mixture::new(0.01, 1.0));
        detector.look(1, 3, 20);
        let before = detector.clone();
        detector.look(2, 0, 0);
        assert_eq!(detector, before);
    }

    #[test]
    fn a_run_begins_where_the_fault_does() {
        let mut detector = Detector::new(Mixture::new(0.01, 1.0));
        for at in 0..500 {
            detector.look(at, u64::from(at % 10 == 0), 10);
        }
        for at in 500..520 {
            detector.look(at, 2, 10);
        }
        let standing = detector.standing();
        assert!((495..=502).contains(&standing.since), "{standing:?}");
        assert!(standing.k >= 36 && standing.n <= 250, "{standing:?}");
        assert!(standing.log_evidence > 20.0, "{standing:?}");
    }

    #[test]
    fn a_fault_of_any_length_stays_a_number() {
        let mut detector = Detector::new(Mixture::new(1e-9, 1.0));
        for at in 0..10_000 {
            assert!(detector.look(at, 1_000_000, 1_000_000).is_finite());
        }
        assert!(detector.standing().log_evidence.is_finite());
        for guard in [0.0, 1.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Detector::new(Mixture::new(guard, f64::NAN)).look(0, u64::MAX, 1).is_finite(), "{guard}");
        }
    }

    #[test]
    fn the_guard_may_change_with_the_hour() {
        let mut detector = Detector::new(Mixture::new(0.01, 1.0));
        detector.look(0, 5, 50);
        detector.face(Mixture::new(0.1, 1.0));
        assert!(detector.mixture().is_of(0.1, 1.0));
        let (before, after) = (detector.standing().log_evidence, detector.look(1, 5, 50).ln());
        assert!(after < before + 1.0, "what is usual now is hardly evidence: {before} {after}");
    }
}
