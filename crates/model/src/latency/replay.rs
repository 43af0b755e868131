//! Measured latency as something that can be drawn from: a length for every share of calls, the tail
//! included. Between quantiles it is the same line that [`Latency::share_above`] goes by, so that what is
//! replayed and what is predicted are one distribution.

use std::time::Duration;

use super::{Latency, Stretch};

/// A distribution to draw from.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// Share of calls at or below, and the latency there; rising in both. Never empty.
    points: Vec<(f64, Duration)>,
    /// The share up to which so many calls can show a latency at all.
    shown: f64,
    /// The caller's timeout then in force, where calls were cut by it.
    cut: Option<Duration>,
}

impl Latency {
    /// The distribution to draw from; `None` where nothing was measured that the caller's own timeout did
    /// not cut.
    ///
    /// Beyond the quantiles the line of the outermost two goes on: below the lowest one, and above the
    /// highest as far as so many calls can show. What the timeout then in force cut took at least that
    /// long, so it is drawn no shorter.
    pub fn replay(&self) -> Option<Replay> {
        let points = self.visible().to_vec();
        let highest = points.last()?.0;
        let cut = self.quantiles.get(points.len()).map(|&(_, at_least)| at_least);
        // One call in so many is the rarest that was there to be seen.
        let shown = match self.calls {
            0 => highest,
            calls => (1.0 - 1.0 / calls as f64).max(highest),
        };
        Some(Replay { points, shown, cut })
    }
}

impl Replay {
    /// The latency at a share of calls, 0 to 1.
    pub fn at(&self, share: f64) -> Duration {
        let share = share.clamp(0.0, self.shown);
        let above = self.points.partition_point(|&(q, _)| q < share);
        match (above.checked_sub(1), self.points.get(above)) {
            (Some(below), Some(&upper)) => Stretch::between(self.points[below], upper).latency(share),
            (None, Some(&lowest)) => self.below(share, lowest),
            (Some(last), None) => self.above(share, self.points[last]),
            (None, None) => Duration::ZERO,
        }
    }

    /// The share of calls that take at most so long: where [`Replay::at`] passes it.
    pub fn share_within(&self, limit: Duration) -> f64 {
        if self.at(self.shown) <= limit {
            return 1.0;
        }
        // Halving 50 times leaves less than a share can be told from its neighbour.
        let (mut low, mut high) = (0.0, self.shown);
        for _ in 0..50 {
            let middle = 0.5 * (low + high);
            if self.at(middle) <= limit { low = middle } else { high = middle }
        }
        low
    }

    /// The share above which it was not measured but carried on: beyond the highest quantile.
    pub fn measured_up_to(&self) -> f64 {
        self.points.last().map_or(0.0, |&(share, _)| share)
    }

    /// What was measured there: longer latencies are carried on.
    pub fn measured_at(&self) -> Duration {
        self.points.last().map_or(Duration::ZERO, |&(_, latency)| latency)
    }

    /// The longest latency that is ever drawn.
    pub fn longest(&self) -> Duration {
        self.at(1.0)
    }

    /// The least that those calls took which the timeout then in force cut, where there are any.
    pub fn cut(&self) -> Option<Duration> {
        self.cut
    }

    fn below(&self, share: f64, lowest: (f64, Duration)) -> Duration {
        let carried = match self.points.get(1) {
            Some(&next) => Stretch::between(lowest, next).carried_on(share),
            None => None,
        };
        // One quantile alone has no line: in proportion down to nothing.
        carried.unwrap_or_else(|| lowest.1.mul_f64(share / lowest.0)).min(lowest.1)
    }

    fn above(&self, share: f64, highest: (f64, Duration)) -> Duration {
        let before = self.points.len().checked_sub(2).map(|at| self.points[at]);
        let carried = before.and_then(|before| Stretch::between(before, highest).carried_on(share));
        let carried = carried.unwrap_or(highest.1).max(highest.1);
        match self.cut {
            Some(cut) if share > highest.0 => carried.max(cut),
            _ => carried,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Limit, Share};

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
    fn what_is_drawn_has_the_share_above_a_limit_that_is_predicted() {
        let seen = latency(&[(0.5, 222), (0.99, 505), (0.999, 661)], 41_200, Some(1000));
        let replay = seen.replay().unwrap();
        let draws = 100_000;
        let above =
            (0..draws).filter(|i| replay.at((f64::from(*i) + 0.5) / f64::from(draws)) > MS * 300).count();
        let Share::Known { share, .. } = seen.share_above(MS * 300) else { panic!("known") };
        assert!((above as f64 / f64::from(draws) - share).abs() < 1e-4, "{above} {share}");
    }

    #[test]
    fn what_the_timeout_cut_is_drawn_at_least_that_long() {
        let seen = latency(&[(0.5, 222), (0.9, 505), (0.99, 1000), (0.999, 1000)], 10_000, Some(1000));
        let replay = seen.replay().unwrap();
        assert_eq!(replay.measured_up_to(), 0.9);
        assert!(replay.at(0.9) <= MS * 505 && replay.at(0.95) >= MS * 1000);
    }

    #[test]
    fn one_quantile_alone_is_drawn_in_proportion_and_never_above() {
        let replay = latency(&[(0.5, 100)], 1000, None).replay().unwrap();
        assert_eq!(replay.at(0.25), MS * 50);
        assert_eq!(replay.at(0.9), MS * 100);
        assert_eq!(latency(&[], 1000, None).replay(), None);
    }

    #[test]
    fn the_tail_goes_on_as_far_as_so_many_calls_can_show() {
        let few = latency(&[(0.5, 100), (0.9, 200)], 100, None).replay().unwrap();
        let many = latency(&[(0.5, 100), (0.9, 200)], 100_000, None).replay().unwrap();
        assert_eq!(few.at(1.0), few.at(0.99));
        assert!(many.at(1.0) > few.at(1.0) && few.at(1.0) > MS * 200);
    }

    proptest! {
        #[test]
        fn a_higher_share_is_never_shorter(
            lengths in prop::collection::vec(0_u32..5000, 1..6),
            calls in 0_u64..100_000,
            in_force in prop::option::of(1_u32..5000),
            a in 0.0..=1.0_f64,
            b in 0.0..=1.0_f64,
        ) {
            let mut lengths = lengths;
            lengths.sort_unstable();
            let quantiles: Vec<(f64, u32)> =
                lengths.iter().zip([0.25, 0.5, 0.9, 0.99, 0.999]).map(|(ms, q)| (q, *ms)).collect();
            if let Some(replay) = latency(&quantiles, calls, in_force).replay() {
                prop_assert!(replay.at(a.min(b)) <= replay.at(a.max(b)));
                let limit = Duration::from_millis((a * 5000.0) as u64);
                let share = replay.share_within(limit);
                prop_assert!(share == 0.0 || replay.at(share) <= limit);
                prop_assert!(share == 1.0 || replay.at((share + 1e-9).min(1.0)) >= limit);
            }
        }
    }
}
