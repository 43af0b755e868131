//! How lengths of time are spread, counted in steps: small enough to note every turn.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Steps of one doubling: a length is known to within an eighth of itself.
const STEPS: u64 = 8;
/// Longer than 2^24 µs, some 17 s, is not told apart.
const DOUBLINGS: u64 = 24;
/// Below [`STEPS`] µs each microsecond is a step of its own.
const ALL: usize = ((DOUBLINGS - STEPS.ilog2() as u64 + 1) * STEPS) as usize;

/// Lengths of time, counted by step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread {
    counts: [u64; ALL],
}

/// The same, while they are noted.
#[derive(Debug)]
pub(super) struct Notes {
    counts: [AtomicU64; ALL],
}

impl Default for Spread {
    fn default() -> Self {
        Self { counts: [0; ALL] }
    }
}

impl Default for Notes {
    fn default() -> Self {
        Self { counts: std::array::from_fn(|_| AtomicU64::default()) }
    }
}

impl Notes {
    pub(super) fn note(&self, length: Duration) {
        self.counts[step(length)].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> Spread {
        Spread { counts: std::array::from_fn(|at| self.counts[at].load(Ordering::Relaxed)) }
    }
}

impl Spread {
    /// How many lengths there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// What a share of them, 0 to 1, did not exceed, to within an eighth; zero where there are none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        let rank = (share * self.count() as f64).ceil().max(1.0) as u64;
        let mut counted = 0;
        let reached = self.counts.iter().position(|count| {
            counted += count;
            counted >= rank
        });
        reached.map_or(Duration::ZERO, upper)
    }

    /// What none of them exceeded, to within an eighth.
    #[must_use]
    pub fn most(&self) -> Duration {
        self.counts.iter().rposition(|&count| count > 0).map_or(Duration::ZERO, upper)
    }

    /// All of these and all of those.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        Self { counts: std::array::from_fn(|at| self.counts[at] + other.counts[at]) }
    }

    pub(super) fn since(&self, earlier: &Self) -> Self {
        Self { counts: std::array::from_fn(|at| self.counts[at].saturating_sub(earlier.counts[at])) }
    }
}

fn step(length: Duration) -> usize {
    let micros = u64::try_from(length.as_micros()).unwrap_or(u64::MAX);
    let step = match micros.checked_ilog2() {
        Some(doubling) if micros >= STEPS => {
            let small = u64::from(doubling - STEPS.ilog2());
            (small + 1) * STEPS + ((micros >> small) - STEPS)
        }
        _ => micros,
    };
    usize::try_from(step).unwrap_or(ALL).min(ALL - 1)
}

/// The first microsecond that is beyond a step.
fn upper(step: usize) -> Duration {
    let step = step as u64 + 1;
    let micros = match step / STEPS {
        0 | 1 => step,
        above => (STEPS + step % STEPS) << (above - 1),
    };
    Duration::from_micros(micros)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantiles_are_read_off_to_within_an_eighth() {
        let notes = Notes::default();
        let before = notes.now();
        assert_eq!(
            (before.count(), before.quantile(0.5), before.most()),
            (0, Duration::ZERO, Duration::ZERO)
        );
        for micros in 1..=1000 {
            notes.note(Duration::from_micros(micros));
        }
        let spread = notes.now().since(&before);
        assert_eq!(spread.count(), 1000);
        let is_near = |length: Duration, micros: u64| {
            (micros..=micros + micros / 8 + 1).contains(&(length.as_micros() as u64))
        };
        assert!(is_near(spread.quantile(0.5), 500), "{:?}", spread.quantile(0.5));
        assert!(is_near(spread.quantile(0.99), 990), "{:?}", spread.quantile(0.99));
        assert!(is_near(spread.most(), 1000), "{:?}", spread.most());
        assert_eq!(spread.with(&spread).count(), 2000);
    }

    proptest! {
        #[test]
        fn a_step_ends_above_what_it_holds_and_the_one_before_it_does_not(micros in 0_u64..1 << DOUBLINGS) {
            let length = Duration::from_micros(micros);
            let step = step(length);
            prop_assert!(upper(step) > length, "{step} {:?}", upper(step));
            prop_assert!(step == 0 || upper(step - 1) <= length, "{step}");
        }
    }
}
