//! Measured latency of a call, and the share of calls above a limit with its interval.
//!
//! Knows where it was cut: a caller sees nothing beyond its own timeout, so quantiles beyond the
//! timeout then in force are not used.

mod replay;

use std::time::Duration;

pub use replay::Replay;

use crate::Limit;
use crate::normal::{normal_score, normal_share, wilson};

/// What was measured of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Latency {
    /// When, in the words of the source.
    pub window: String,
    /// How many calls were measured.
    pub calls: u64,
    /// The caller's timeout then in force; `None` where it is not known.
    pub in_force: Option<Limit>,
    /// Share of calls at or below (0 to 1), and the latency there; rising in both.
    pub quantiles: Vec<(f64, Duration)>,
}

/// The share of calls above a limit.
#[derive(Debug, Clone, PartialEq)]
pub enum Share {
    /// Estimated.
    Known {
        /// The estimate, 0 to 1.
        share: f64,
        /// Lower end of the 95 % Wilson interval.
        low: f64,
        /// Upper end of the 95 % Wilson interval.
        high: f64,
    },
    /// At least this much: the limit lies below the lowest measured quantile.
    AtLeast(f64),
    /// At most this much: the limit lies above the highest quantile that was seen, or fewer calls
    /// take longer than so many calls can show.
    AtMost(f64),
    /// Cannot be said; why, in words.
    NotEvaluated(String),
}

/// Of more durations than this not every one is a quantile of its own, but in the tail.
const EVERY: usize = 1_000;

impl Latency {
    /// What so many single calls took.
    #[must_use]
    pub fn of_durations(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        let calls = durations.len();
        let step = calls.div_ceil(EVERY).max(1);
        let is_kept = |rank: usize| rank.is_multiple_of(step) || rank == 1 || calls - rank < EVERY;
        let ranked = durations.into_iter().zip(1..);
        let quantiles = ranked
            .filter(|&(_, rank)| is_kept(rank))
            .map(|(duration, rank)| (rank as f64 / calls as f64, duration))
            .collect();
        Self { window: String::new(), calls: calls as u64, in_force: None, quantiles }
    }

    /// The latency at a share of calls (0 to 1), between the measured quantiles; `None` outside
    /// them or beyond the timeout then in force.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let quantiles = self.visible();
        let above = quantiles.iter().position(|&(q, _)| q >= share)?;
        match above.checked_sub(1) {
            _ if quantiles[above].0 == share => Some(quantiles[above].1),
            None => None,
            Some(below) => Some(Stretch::between(quantiles[below], quantiles[above]).latency(share)),
        }
    }

    /// The share of calls that take longer than `limit`. Between two quantiles the latency is
    /// taken as lognormal: straight in log time against the normal score.
    pub fn share_above(&self, limit: Duration) -> Share {
        if self.calls == 0 {
            return Share::NotEvaluated("the number of calls measured".into());
        }
        let quantiles = self.visible();
        let above = quantiles.partition_point(|&(_, t)| t <= limit);
        let calls = self.calls as f64;
        // The rule of three: 95 % sure after n calls without a case is only a share below 3/n.
        let least = 3.0 / calls;
        let at_or_below = match (above.checked_sub(1), quantiles.get(above)) {
            (None, None) => {
                return Share::NotEvaluated("at least one quantile below the timeout then in force".into());
            }
            (None, Some(&(q, _))) => return Share::AtLeast(1.0 - q),
            (Some(last), None) => return Share::AtMost((1.0 - quantiles[last].0).max(least).min(1.0)),
            (Some(below), Some(&upper)) => Stretch::between(quantiles[below], upper).share(limit),
        };
        let share = (1.0 - at_or_below).clamp(0.0, 1.0);
        if share < least {
            return Share::AtMost(least.min(1.0));
        }
        let (low, high) = wilson(share, calls);
        Share::Known { share, low, high }
    }

    /// The quantiles that the caller's own timeout did not cut.
    pub fn visible(&self) -> &[(f64, Duration)] {
        let end = match self.in_force {
            Some(Limit::After(cut)) => self.quantiles.partition_point(|&(_, t)| t < cut),
            _ => self.quantiles.len(),
        };
        &self.quantiles[..end]
    }
}

/// The distribution between two neighbouring quantiles, as a straight line between two points.
struct Stretch {
    from: (f64, Duration),
    to: (f64, Duration),
    scale: Scale,
}

/// In which measures the line is straight.
enum Scale {
    /// Normal score against the logarithm of time: the lognormal.
    LogNormal { scores: (f64, f64) },
    /// Share against time: where an end is 0 or 1 (no score) or takes no time (no logarithm).
    Plain,
}

impl Stretch {
    fn between(from: (f64, Duration), to: (f64, Duration)) -> Self {
        let scale = match (normal_score(from.0), normal_score(to.0)) {
            (Some(a), Some(b)) if from.1 > Duration::ZERO => Scale::LogNormal { scores: (a, b) },
            _ => Scale::Plain,
        };
        Self { from, to, scale }
    }

    /// The share of calls at or below a latency inside the stretch.
    fn share(&self, latency: Duration) -> f64 {
        let (t0, t1, t) = (self.from.1.as_secs_f64(), self.to.1.as_secs_f64(), latency.as_secs_f64());
        let share = match self.scale {
            Scale::LogNormal { scores: (z0, z1) } => {
                normal_share(z0 + (z1 - z0) * (t.ln() - t0.ln()) / (t1.ln() - t0.ln()))
            }
            Scale::Plain => self.from.0 + (self.to.0 - self.from.0) * (t - t0) / (t1 - t0),
        };
        share.clamp(self.from.0, self.to.0)
    }

    /// The latency at a share inside the stretch.
    fn latency(&self, share: f64) -> Duration {
        let (t0, t1) = (self.from.1.as_secs_f64(), self.to.1.as_secs_f64());
        let latency = self.lognormal(share).or_else(|| {
            let seconds = t0 + (t1 - t0) * (share - self.from.0) / (self.to.0 - self.from.0);
            Duration::try_from_secs_f64(seconds).ok()
        });
        latency.unwrap_or(self.to.1).clamp(self.from.1, self.to.1)
    }

    /// The latency at a share on either side of the stretch, where its line is a lognormal's.
    fn carried_on(&self, share: f64) -> Option<Duration> {
        if share <= 0.0 { Some(Duration::ZERO) } else { self.lognormal(share) }
    }

    fn lognormal(&self, share: f64) -> Option<Duration> {
        let Scale::LogNormal { scores: (z0, z1) } = self.scale else { return None };
        let z = normal_score(share).filter(|_| z1 > z0)?;
        let (t0, t1) = (self.from.1.as_secs_f64(), self.to.1.as_secs_f64());
        let seconds = (t0.ln() + (z - z0) / (z1 - z0) * (t1.ln() - t0.ln())).exp();
        Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn latency(quantiles: &[(f64, u32)], calls: u64, in_force: Option<u32>) -> Latency {
        Latency {
            window: String::new(),
            calls,
            in_force: in_force.map(|ms| Limit::After(MS * ms)),
            quantiles: quantiles.iter().map(|&(q, ms)| (q, MS * ms)).collect(),
        }
    }

    #[test]
    fn share_between_two_quantiles_is_lognormal() {
        let seen = latency(&[(0.5, 222), (0.99, 505), (0.999, 661)], 41_200, Some(1000));
        let Share::Known { share, low, high } = seen.share_above(MS * 300) else { panic!("known") };
        assert!((share - 0.197).abs() < 0.002 && low < share && share < high, "{share} {low} {high}");
    }

    #[test]
    fn single_durations_are_quantiles_and_their_tail_is_kept() {
        let few = Latency::of_durations(vec![MS * 30, MS * 10, MS * 20, MS * 40]);
        assert_eq!(few.quantiles, [(0.25, MS * 10), (0.5, MS * 20), (0.75, MS * 30), (1.0, MS * 40)]);
        let many = Latency::of_durations((1..=100_000).map(|n| MS * n).collect());
        assert!(many.quantiles.len() < 2100, "{}", many.quantiles.len());
        assert_eq!((many.calls, many.quantile(0.5)), (100_000, Some(MS * 50_000)));
        assert_eq!(many.quantile(0.99999), Some(MS * 99_999));
    }

    #[test]
    fn limit_below_all_quantiles_is_the_worst_case_and_not_silent() {
        let seen = latency(&[(0.5, 222), (0.99, 505)], 1000, None);
        assert_eq!(seen.share_above(MS * 100), Share::AtLeast(0.5));
    }

    #[test]
    fn limit_beyond_the_cut_is_bounded_by_what_was_seen_below_it() {
        let seen = latency(&[(0.5, 222), (0.75, 505), (0.99, 1000)], 1000, Some(1000));
        assert_eq!(seen.share_above(MS * 2000), Share::AtMost(0.25));
        let blind = latency(&[(0.5, 1000)], 1000, Some(1000));
        assert!(matches!(blind.share_above(MS * 2000), Share::NotEvaluated(_)));
    }

    #[test]
    fn few_calls_show_no_small_share() {
        let seen = latency(&[(0.5, 10), (0.999, 20)], 100, None);
        assert_eq!(seen.share_above(MS * 30), Share::AtMost(0.03));
        assert_eq!(seen.share_above(MS * 20), Share::AtMost(0.03));
        assert!(matches!(seen.share_above(MS * 11), Share::Known { .. }));
    }

    #[test]
    fn equal_quantiles_count_as_the_highest_of_them() {
        let seen = latency(&[(0.5, 10), (0.75, 10), (0.875, 20)], 10_000, None);
        assert!(matches!(seen.share_above(MS * 10), Share::Known { share, .. } if share == 0.25));
    }

    #[test]
    fn quantiles_without_logarithm_are_joined_plainly() {
        let seen = latency(&[(0.0, 0), (0.5, 10), (1.0, 20)], 10_000, None);
        assert!(
            matches!(seen.share_above(MS * 5), Share::Known { share, .. } if (share - 0.75).abs() < 1e-9)
        );
        assert_eq!(seen.quantile(0.75), Some(MS * 15));
        assert_eq!(seen.quantile(1.0), Some(MS * 20));
    }

    /// Quantiles that rise in both, sometimes with ties, with calls and a cut.
    fn measured() -> impl Strategy<Value = Latency> {
        let points = prop::collection::vec((0.0..=1.0_f64, 0..5000_u32), 1..6);
        (points, 1..1_000_000_u64, prop::option::of(1..6000_u32)).prop_map(|(points, calls, cut)| {
            let (mut shares, mut times): (Vec<_>, Vec<_>) = points.into_iter().unzip();
            shares.sort_by(f64::total_cmp);
            shares.dedup();
            times.sort_unstable();
            latency(&shares.into_iter().zip(times).collect::<Vec<_>>(), calls, cut)
        })
    }

    /// What a share claims: the estimate or the bound.
    fn claim(share: &Share) -> Option<f64> {
        match *share {
            Share::Known { share, .. } | Share::AtLeast(share) | Share::AtMost(share) => Some(share),
            Share::NotEvaluated(_) => None,
        }
    }

    proptest! {
        #[test]
        fn share_lies_in_its_interval_and_falls_as_the_limit_rises(
            seen in measured(),
            (a, b) in (0..7000_u32, 0..7000_u32),
        ) {
            let shares = [a.min(b), a.max(b)].map(|ms| seen.share_above(MS * ms));
            for share in &shares {
                if let Some(claim) = claim(share) {
                    prop_assert!((0.0..=1.0).contains(&claim), "{share:?}");
                }
                if let Share::Known { share, low, high } = *share {
                    prop_assert!(low <= share + 1e-12 && share <= high + 1e-12);
                }
            }
            // A lower bound may be below what is known further up (it is only a bound), and a bound
            // of so few calls that 3/n exceeds it says nothing of order.
            if let [Some(left), Some(right)] = [claim(&shares[0]), claim(&shares[1])]
                && !matches!(shares[0], Share::AtLeast(_))
            {
                prop_assert!(right <= left + 1e-12, "{shares:?}");
            }
        }

        #[test]
        fn quantile_and_share_are_inverse(seen in measured(), part in 0.0..1.0_f64) {
            let visible = seen.visible();
            let (Some(first), Some(last)) = (visible.first(), visible.last()) else { return Ok(()) };
            let share = first.0 + part * (last.0 - first.0);
            let Some(at) = seen.quantile(share) else { return Ok(()) };
            prop_assert!(first.1 <= at && at <= last.1);
            // Calls above the latency of a quantile are at most what that quantile leaves, up to
            // the nanosecond to which it is rounded and the resolution of the calls.
            if let Share::Known { share: above, .. } = seen.share_above(at + Duration::from_nanos(1)) {
                prop_assert!(above <= 1.0 - share + 1e-5, "{above} {share}");
            }
        }
    }
}
