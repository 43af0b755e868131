//! Arithmetic of a call's time: how many attempts, and how long they take at worst.

use std::time::Duration;

use crate::time::times;
use crate::{CallView, Covers, Knob, Limit, Setting, Value, pretty};

/// Tries in all, the first included; at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempts(pub u64);

impl Attempts {
    /// The attempts of a call and the setting that says so; one where nothing does.
    pub fn of(call: CallView<'_>) -> (Attempts, Option<&Setting>) {
        Self::among(|knob| call.knob(knob))
    }

    fn among<'f>(setting: impl Fn(Knob) -> Option<&'f Setting>) -> (Attempts, Option<&'f Setting>) {
        let attempts = setting(Knob::Attempts).and_then(|s| Some((s, s.count()?.max(1))));
        let retries = setting(Knob::Retries).and_then(|s| Some((s, s.count()?.saturating_add(1))));
        match attempts.or(retries) {
            Some((setting, count)) => (Attempts(count), Some(setting)),
            None => (Attempts(1), None),
        }
    }
}

/// The waits between attempts, at worst (no jitter taken off).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Wait before the first retry.
    pub base: Duration,
    /// Longest single wait.
    pub max: Duration,
    /// Growth from retry to retry; 1 keeps the wait constant.
    pub factor: f64,
}

impl Backoff {
    /// The back-off among settings; none where nothing is set. An unset factor is 1 without a longest
    /// wait and 2 with one.
    fn among<'f>(setting: impl Fn(Knob) -> Option<&'f Setting>) -> Option<Backoff> {
        let length = |knob| setting(knob).and_then(Setting::limit).and_then(Limit::finite);
        let base = length(Knob::BackoffBase)?;
        let max = length(Knob::BackoffMax);
        let factor = match setting(Knob::BackoffFactor).map(|s| &s.value.value) {
            Some(Value::Number(factor)) => *factor,
            Some(Value::Count(factor)) => *factor as f64,
            _ => {
                if max.is_some() {
                    2.0
                } else {
                    1.0
                }
            }
        };
        Some(Backoff { base, max: max.unwrap_or(Duration::MAX), factor: factor.max(0.0) })
    }

    /// The sum of the first `retries` waits.
    pub fn total(self, retries: u64) -> Duration {
        /// More waits than anyone configures; beyond them the closed form is exact enough.
        const ONE_BY_ONE: u64 = 1_000;
        let (mut sum, mut wait) = (Duration::ZERO, self.base.min(self.max));
        for done in 0..retries.min(ONE_BY_ONE) {
            let next = self.after(wait);
            // Once the wait stands still the rest is a product.
            if next == wait {
                return sum.saturating_add(times(wait, retries - done));
            }
            sum = sum.saturating_add(wait);
            wait = next;
        }
        let left = retries.saturating_sub(ONE_BY_ONE);
        if left == 0 { sum } else { sum.saturating_add(self.geometric(wait, left)) }
    }

    /// The wait that follows a wait.
    fn after(self, wait: Duration) -> Duration {
        if wait == Duration::ZERO || self.factor == 1.0 {
            return wait;
        }
        // What does not fit a duration is above any longest wait.
        Duration::try_from_secs_f64(wait.as_secs_f64() * self.factor).unwrap_or(Duration::MAX).min(self.max)
    }

    /// `count` waits from `wait` on: the geometric sum up to the longest wait, then that one again
    /// and again.
    fn geometric(self, wait: Duration, count: u64) -> Duration {
        let (first, max, count) = (wait.as_secs_f64(), self.max.as_secs_f64(), count as f64);
        let growing =
            if self.factor > 1.0 { ((max / first).ln() / self.factor.ln()).max(0.0) } else { count };
        let growing = growing.min(count);
        // exp_m1 keeps its digits where the factor is next to 1.
        let sum = first * (growing * self.factor.ln()).exp_m1() / (self.factor - 1.0);
        Duration::try_from_secs_f64(sum + max * (count - growing)).unwrap_or(Duration::MAX)
    }
}

/// What a call's time is made of, each part with the setting that says so.
#[derive(Clone, Copy)]
pub struct Budget<'f> {
    /// Tries in all.
    pub attempts: (Attempts, Option<&'f Setting>),
    /// What ends one attempt: its own limit, else that of the first byte, else of a gap. Of the
    /// last two the attempt can take longer, never shorter.
    pub attempt: Option<(&'f Setting, Limit)>,
    /// The connect, where it comes before what `attempt` covers.
    pub connect: Option<(&'f Setting, Limit)>,
    /// The waits between the attempts, if there are any.
    pub backoff: Option<Backoff>,
    /// What ends the call with all its attempts.
    pub overall: Option<(&'f Setting, Limit)>,
}

impl<'f> Budget<'f> {
    /// The budget of a call.
    pub fn of(call: CallView<'f>) -> Self {
        Self::among(|knob| call.knob(knob))
    }

    /// The budget that settings give which act together; `setting` finds the one of a knob.
    pub fn among(setting: impl Fn(Knob) -> Option<&'f Setting>) -> Self {
        let limit = |covers| setting(Knob::Timeout(covers)).and_then(|s| Some((s, s.limit()?)));
        let whole = limit(Covers::Attempt);
        Self {
            attempts: Attempts::among(&setting),
            attempt: whole.or_else(|| limit(Covers::FirstByte)).or_else(|| limit(Covers::BetweenBytes)),
            connect: if whole.is_some() { None } else { limit(Covers::Connect) },
            backoff: Backoff::among(&setting),
            overall: limit(Covers::WholeCall),
        }
    }

    /// One attempt at worst.
    pub fn one_attempt(&self) -> Limit {
        let limit = |part: Option<(&Setting, Limit)>, absent| part.map_or(absent, |(_, limit)| limit);
        limit(self.attempt, Limit::Never).then(limit(self.connect, Limit::After(Duration::ZERO)))
    }

    /// All waits between so many attempts.
    pub fn waits(&self, attempts: Attempts) -> Duration {
        self.backoff.map_or(Duration::ZERO, |backoff| backoff.total(attempts.0.saturating_sub(1)))
    }

    /// So many attempts to their end, with the waits between.
    pub fn takes(&self, attempts: Attempts) -> Limit {
        self.one_attempt().times(attempts.0).then(Limit::After(self.waits(attempts)))
    }

    /// Every attempt to its end, with the waits between: what the call takes if nothing ends it as
    /// a whole.
    pub fn all_attempts(&self) -> Limit {
        self.takes(self.attempts.0)
    }

    /// Every attempt to its end with the waits between, written out: "(2 + 1) x 5 s + 2 s back-off =
    /// 17 s". `None` where nothing ends an attempt.
    pub fn written(&self) -> Option<String> {
        let (attempts, by) = self.attempts;
        let attempt = pretty(self.attempt?.1.finite()?);
        let one = match self.connect.and_then(|(_, limit)| limit.finite()) {
            Some(connect) if attempts.0 > 1 => format!("({} connect + {attempt})", pretty(connect)),
            Some(connect) => format!("{} connect + {attempt}", pretty(connect)),
            None => attempt,
        };
        let mut sum = match (attempts.0, by) {
            (1, _) => one,
            (count, Some(setting)) if setting.knob == Knob::Retries => format!("({} + 1) x {one}", count - 1),
            (count, _) => format!("{count} x {one}"),
        };
        let waits = self.waits(attempts);
        if !waits.is_zero() {
            sum += &format!(" + {} back-off", pretty(waits));
        }
        let all = self.all_attempts().to_string();
        // A lone number is no sum.
        Some(if sum.contains(' ') && sum != all { format!("{sum} = {all}") } else { sum })
    }

    /// How long the call takes at worst before its caller gives up.
    pub fn worst_case(&self) -> Limit {
        let sum = self.all_attempts();
        self.overall.map_or(sum, |(_, overall)| overall.min(sum))
    }
}

/// What ends a caller's wait for an answer to one request first, what that covers, and after how long;
/// `None` where no finite limit is known.
///
/// Of several limits the shortest decides: to a callee that answers when its work is done, the first
/// byte, the attempt and the call come to the same. What covers more wins a draw.
pub fn patience(call: CallView<'_>) -> Option<(&Setting, Covers, Duration)> {
    [Covers::WholeCall, Covers::Attempt, Covers::FirstByte, Covers::BetweenBytes]
        .into_iter()
        .filter_map(|covers| {
            let (setting, limit) = call.limit(covers)?;
            Some((setting, covers, limit.finite()?))
        })
        .min_by_key(|&(.., limit)| limit)
}

/// How long a call takes at worst before its caller gives up: the overall limit where there is
/// one, else every attempt to its limit with the waits between.
pub fn worst_case(call: CallView<'_>) -> Limit {
    Budget::of(call).worst_case()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Origin, Sourced, Span, Unit};

    /// The sum by its definition.
    fn naive(backoff: Backoff, retries: u64) -> Duration {
        let (mut sum, mut wait) = (Duration::ZERO, backoff.base.min(backoff.max));
        for _ in 0..retries {
            sum += wait;
            wait = Duration::try_from_secs_f64(wait.as_secs_f64() * backoff.factor)
                .unwrap_or(Duration::MAX)
                .min(backoff.max);
        }
        sum
    }

    fn backoffs() -> impl Strategy<Value = Backoff> {
        (0..10_000_u64, 0..100_000_u64, 0.0..4.0_f64).prop_map(|(base, max, factor)| Backoff {
            base: Duration::from_millis(base),
            max: Duration::from_millis(max),
            factor,
        })
    }

    fn setting(length: Limit) -> Setting {
        let nowhere = Span { file: crate::FileId(0), start: 0, end: 0 };
        Setting {
            unit: Unit::InValue,
            ..Setting::new(
                String::new(),
                Knob::Timeout(Covers::Attempt),
                Sourced { value: Value::Time(length), origin: Origin::Written(nowhere) },
            )
        }
    }

    fn limits() -> impl Strategy<Value = Limit> {
        prop_oneof![
            4 => (0..100_000_u64).prop_map(|ms| Limit::After(Duration::from_millis(ms))),
            1 => Just(Limit::Never),
        ]
    }

    /// The worst case of a call made of these parts; a part that is `None` is not set.
    fn worst(attempts: u64, parts: [Option<Limit>; 3], backoff: Option<Backoff>) -> Limit {
        let settings = parts.map(|part| part.map(setting));
        let [attempt, connect, overall] =
            settings.each_ref().map(|s| s.as_ref().map(|s| (s, s.limit().unwrap())));
        Budget { attempts: (Attempts(attempts), None), attempt, connect, backoff, overall }.worst_case()
    }

    proptest! {
        #[test]
        fn total_is_the_sum_of_the_waits(backoff in backoffs(), retries in 0..1_500_u64) {
            let (fast, slow) = (backoff.total(retries), naive(backoff, retries));
            let apart = fast.abs_diff(slow);
            // Past a thousand waits each was rounded to the nanosecond on one side only.
            prop_assert!(apart <= Duration::from_micros(1) + slow.mul_f64(1e-6), "{fast:?} {slow:?}");
            if retries <= 1_000 {
                prop_assert_eq!(apart, Duration::ZERO);
            }
        }

        #[test]
        fn absurd_counts_cost_nothing(backoff in backoffs(), near_one in -1e-6..1e-6_f64) {
            let slow = Backoff { factor: 1.0 + near_one, ..backoff };
            prop_assert!(slow.total(u64::MAX) >= slow.total(1_000_000));
            prop_assert!(backoff.total(u64::MAX) >= backoff.total(1_000_000));
        }

        #[test]
        fn worst_case_never_falls_when_a_part_rises(
            attempts in (1..50_u64, 1..50_u64),
            attempt in (limits(), limits()),
            connect in (limits(), limits()),
            overall in prop::option::of((limits(), limits())),
            backoff in prop::option::of((backoffs(), 0..1000_u64)),
        ) {
            let low = worst(
                attempts.0.min(attempts.1),
                [
                    Some(attempt.0.min(attempt.1)),
                    Some(connect.0.min(connect.1)),
                    overall.map(|(a, b)| a.min(b)),
                ],
                backoff.map(|(b, _)| b),
            );
            let high = worst(
                attempts.0.max(attempts.1),
                [
                    Some(attempt.0.max(attempt.1)),
                    Some(connect.0.max(connect.1)),
                    overall.map(|(a, b)| a.max(b)),
                ],
                backoff.map(|(b, more)| Backoff { base: b.base + Duration::from_millis(more), ..b }),
            );
            prop_assert!(low <= high, "{low} {high}");
        }
    }

    #[test]
    fn constant_back_off_of_no_length_is_nothing() {
        let none = Backoff { base: Duration::ZERO, max: Duration::MAX, factor: f64::INFINITY };
        assert_eq!(none.total(u64::MAX), Duration::ZERO);
    }

    #[test]
    fn sum_is_shown_by_its_parts() {
        let s = |n| Some(Limit::After(Duration::from_secs(n)));
        let waits = Backoff { base: Duration::from_secs(1), max: Duration::MAX, factor: 1.0 };
        // (2 + 1) x 5 s + 2 x 1 s
        assert_eq!(worst(3, [s(5), None, None], Some(waits)), Limit::After(Duration::from_secs(17)));
        assert_eq!(worst(3, [s(5), None, s(10)], Some(waits)), Limit::After(Duration::from_secs(10)));
        assert_eq!(worst(3, [None, None, None], None), Limit::Never);
    }
}
