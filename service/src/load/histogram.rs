//! Lengths of time, counted in buckets whose width grows with the length: any quantile is known with a
//! relative error of at most 1/128, whatever came, in some 60 KiB.

use std::time::Duration;

/// Buckets for each doubling, as a power of two.
const FINE: u32 = 7;

/// Counted lengths of time.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    /// By [`bucket`], in microseconds; grows as needed.
    counts: Vec<u64>,
    count: u64,
    max: Duration,
}

impl Histogram {
    /// Counts a length.
    pub fn add(&mut self, length: Duration) {
        let micros = u64::try_from(length.as_micros()).unwrap_or(u64::MAX);
        let bucket = bucket(micros);
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.count += 1;
        self.max = self.max.max(length);
    }

    /// Counts what another one counted, too.
    pub fn merge(&mut self, other: &Self) {
        if other.counts.len() > self.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (own, more) in self.counts.iter_mut().zip(&other.counts) {
            *own += more;
        }
        self.count += other.count;
        self.max = self.max.max(other.max);
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest, exactly.
    #[must_use]
    pub fn max(&self) -> Duration {
        self.max
    }

    /// The length that so many in a thousand do not exceed: the top of the bucket of the one at that
    /// rank, so that it is never too short. Zero where nothing was counted.
    #[must_use]
    pub fn quantile(&self, per_thousand: u64) -> Duration {
        let rank = (self.count.saturating_mul(per_thousand).div_ceil(1000)).max(1);
        let mut below = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            below += count;
            if below >= rank {
                return Duration::from_micros(top(bucket)).min(self.max);
            }
        }
        self.max
    }
}

/// The bucket of a number: below 2^FINE its own, then 2^FINE for each doubling.
fn bucket(number: u64) -> usize {
    let shift = (u64::BITS - number.leading_zeros()).saturating_sub(FINE + 1);
    let within = usize::try_from(number >> shift).unwrap_or(usize::MAX);
    ((shift as usize) << FINE) + within
}

/// The largest number of a bucket.
fn top(bucket: usize) -> u64 {
    let shift = (bucket >> FINE).saturating_sub(1);
    let within = (bucket - (shift << FINE)) as u64;
    (within << shift) + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_one_has_no_length() {
        assert_eq!(Histogram::default().quantile(500), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn buckets_hold_their_numbers_and_are_narrow(number: u64) {
            let top = top(bucket(number));
            prop_assert!(top >= number);
            prop_assert!(top - number <= number / 128, "{number} is counted as {top}");
            prop_assert!(top == u64::MAX || bucket(top + 1) == bucket(number) + 1);
        }

        #[test]
        fn quantiles_are_the_exact_ones_within_their_error(
            mut micros in prop::collection::vec(prop_oneof![0..1000_u64, 0..100_000_000_u64], 1..400),
            cut in 0..400_usize,
            per_thousand in 1..=1000_u64,
        ) {
            let mut parts = [Histogram::default(), Histogram::default()];
            for (at, micros) in micros.iter().enumerate() {
                parts[usize::from(at >= cut)].add(Duration::from_micros(*micros));
            }
            let [mut whole, rest] = parts;
            whole.merge(&rest);
            micros.sort_unstable();
            let rank = (micros.len() as u64 * per_thousand).div_ceil(1000).max(1);
            let exact = micros[usize::try_from(rank).unwrap() - 1];
            let found = u64::try_from(whole.quantile(per_thousand).as_micros()).unwrap();
            prop_assert!(found >= exact && found - exact <= exact / 128, "{found} for {exact}");
            prop_assert_eq!(whole.count(), micros.len() as u64);
        }
    }
}
