//! Arithmetic of a call's time: how many attempts, and how long they take at worst.

use std::time::Duration;

use crate::{CallView, Covers, Knob, Limit, Setting, Value};

/// Tries in all, the first included; at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempts(pub u64);

impl Attempts {
    /// The attempts of a call and the setting that says so; one where nothing does.
    pub fn of(call: CallView<'_>) -> (Attempts, Option<&Setting>) {
        let attempts = call.knob(Knob::Attempts).and_then(|s| Some((s, s.count()?.max(1))));
        let retries = call.knob(Knob::Retries).and_then(|s| Some((s, s.count()?.saturating_add(1))));
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
    /// The back-off of a call; none where nothing is set. An unset factor is 1 without a longest
    /// wait and 2 with one.
    pub fn of(call: CallView<'_>) -> Option<Backoff> {
        let length = |knob| call.knob(knob).and_then(Setting::limit).and_then(Limit::finite);
        let base = length(Knob::BackoffBase)?;
        let max = length(Knob::BackoffMax);
        let factor = match call.knob(Knob::BackoffFactor).map(|s| &s.value.value) {
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
        let mut sum = Duration::ZERO;
        let mut wait = self.base.min(self.max);
        for done in 0..retries {
            // Once the wait stands still the rest is a product; counts can be absurdly large.
            let next = Duration::try_from_secs_f64(wait.as_secs_f64() * self.factor)
                .unwrap_or(Duration::MAX)
                .min(self.max);
            if next == wait {
                let left = u32::try_from(retries - done).unwrap_or(u32::MAX);
                return sum.saturating_add(wait.saturating_mul(left));
            }
            sum = sum.saturating_add(wait);
            wait = next;
        }
        sum
    }
}

/// How long a call takes at worst before its caller gives up: the overall limit where there is
/// one, else every attempt to its limit with the waits between.
pub fn worst_case(call: CallView<'_>) -> Limit {
    let attempts = Attempts::of(call).0.0;
    let attempt = call
        .limit(Covers::Attempt)
        .or_else(|| call.limit(Covers::FirstByte))
        .or_else(|| call.limit(Covers::BetweenBytes))
        .map_or(Limit::Never, |(_, limit)| limit);
    let connect = call.limit(Covers::Connect).map_or(Limit::After(Duration::ZERO), |(_, limit)| limit);
    let tries = match (call.limit(Covers::Attempt), attempt) {
        (Some(_), attempt) => attempt,
        (None, attempt) => attempt.then(connect),
    }
    .times(attempts);
    let waits = Backoff::of(call).map_or(Duration::ZERO, |b| b.total(attempts.saturating_sub(1)));
    let sum = tries.then(Limit::After(waits));
    call.limit(Covers::WholeCall).map_or(sum, |(_, overall)| overall.min(sum))
}
