//! Per-account lockout as arithmetic: what a failed attempt makes of the count, when a lock ends.
//! Keeps nothing and knows no clock.
//!
//! A lock must not shut the owner out for ever. So it is short, doubles only up to a stated longest
//! time, does not grow by attempts made while it holds, and is counted apart for a device that has
//! signed in before (the device cookies of OWASP's page *Slow Down Online Guessing Attacks*): whoever
//! guesses from elsewhere locks the account for strangers, not for its owner.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::account::{DeviceId, Login};
use crate::clock::Timestamp;

/// Whose failures are counted together: strangers to an account, or one of its known devices.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The login that is tried, whether or not it exists.
    pub login: Login,
    /// The device, where it has proved that it signed in before.
    pub device: Option<DeviceId>,
}

/// When an account is locked, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Failures within the window that lock.
    pub threshold: u32,
    /// How long a failure counts.
    pub window: Duration,
    /// How long the first lock lasts; each further one twice as long as the one before.
    pub duration: Duration,
    /// The longest a lock lasts.
    pub longest: Duration,
}

/// The failures of one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lockout {
    /// Failures since the first that counts.
    pub failures: u32,
    /// The first failure that counts.
    pub since: Timestamp,
    /// Locks since the last success.
    pub locks: u32,
    /// The end of the lock, if there was one.
    pub until: Option<Timestamp>,
}

impl Lockout {
    /// Whether the subject is locked at a moment.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// What a failed attempt makes of the failures so far.
    #[must_use]
    pub fn fail(before: Option<Self>, now: Timestamp, policy: Policy) -> Self {
        let mut state = before.unwrap_or(Self { failures: 0, since: now, locks: 0, until: None });
        if state.holds(now) {
            return state;
        }
        if now.since(state.since) >= policy.window || state.failures == 0 {
            // A quiet window ends the doubling too, counted from the end of the last lock.
            let quiet = state.until.is_none_or(|until| now.since(until) >= policy.window);
            let locks = if quiet { 0 } else { state.locks };
            state = Self { failures: 0, since: now, locks, until: state.until };
        }
        state.failures += 1;
        if state.failures >= policy.threshold {
            let doubled = policy.duration.saturating_mul(1 << state.locks.min(16));
            state.until = Some(now.after(doubled.min(policy.longest)));
            state.locks = state.locks.saturating_add(1);
            state.failures = 0;
        }
        state
    }

    /// Whether the failures have no effect any more: what a further failure makes of them is what it
    /// makes of none.
    #[must_use]
    pub fn spent(&self, now: Timestamp, policy: Policy) -> bool {
        let quiet = |moment| now.since(moment) >= policy.window;
        quiet(self.since) && self.until.is_none_or(|until| !self.holds(now) && quiet(until))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{Lockout, Policy};
    use crate::clock::Timestamp;

    const MINUTE: u64 = 60_000;

    fn policies() -> impl Strategy<Value = Policy> {
        (1..6_u32, 1..30 * MINUTE, 1..10 * MINUTE, 1..30 * MINUTE).prop_map(
            |(threshold, window, duration, longest)| Policy {
                threshold,
                window: Duration::from_millis(window),
                duration: Duration::from_millis(duration),
                longest: Duration::from_millis(longest),
            },
        )
    }

    /// Waits between failures: mostly short ones, some longer than any window.
    fn waits() -> impl Strategy<Value = Vec<u64>> {
        proptest::collection::vec(prop_oneof![4 => 0..MINUTE, 2 => 0..40 * MINUTE, 1 => Just(0)], 1..60)
    }

    /// The states after each failure, with the moment of it.
    fn failures(waits: &[u64], policy: Policy) -> Vec<(Timestamp, Lockout)> {
        let mut now = Timestamp(0);
        let mut state = None;
        let next = |wait: &u64| {
            now = now.after(Duration::from_millis(*wait));
            let after = Lockout::fail(state, now, policy);
            state = Some(after);
            (now, after)
        };
        waits.iter().map(next).collect()
    }

    proptest! {
        #[test]
        fn no_lock_is_longer_than_the_longest(policy in policies(), waits in waits()) {
            for (now, state) in failures(&waits, policy) {
                if let Some(until) = state.until {
                    prop_assert!(until.since(now) <= policy.longest);
                }
            }
        }

        #[test]
        fn failures_while_a_lock_holds_change_nothing(policy in policies(), waits in waits()) {
            for pair in failures(&waits, policy).windows(2) {
                let ((_, before), (now, after)) = (pair[0], pair[1]);
                if before.holds(now) {
                    prop_assert_eq!(before, after);
                }
            }
        }

        #[test]
        fn a_lock_takes_as_many_failures_as_the_threshold(policy in policies(), waits in waits()) {
            let mut open = 0;
            let mut before = None::<Lockout>;
            for (now, after) in failures(&waits, policy) {
                open += u32::from(!before.is_some_and(|before| before.holds(now)));
                if before.is_none_or(|before| before.until != after.until) && after.holds(now) {
                    prop_assert!(open >= policy.threshold, "{open} failures");
                    open = 0;
                }
                before = Some(after);
            }
        }

        #[test]
        fn failures_in_a_row_lock(policy in policies()) {
            let waits = vec![0; usize::try_from(policy.threshold).unwrap()];
            let (now, last) = failures(&waits, policy).pop().unwrap();
            let positive = !policy.duration.min(policy.longest).is_zero();
            prop_assert_eq!(last.holds(now), positive);
        }

        #[test]
        fn what_is_spent_has_no_effect(policy in policies(), first in waits(), later in waits()) {
            let (last, state) = failures(&first, policy).pop().unwrap();
            let now = last.after(policy.window + policy.longest);
            prop_assert!(state.spent(now, policy), "a quiet window spends everything");
            let (mut with, mut without) = (Some(state), None);
            let mut at = now;
            for wait in later {
                at = at.after(Duration::from_millis(wait));
                let after = (Lockout::fail(with, at, policy), Lockout::fail(without, at, policy));
                prop_assert_eq!(after.0.holds(at), after.1.holds(at));
                prop_assert_eq!((after.0.failures, after.0.locks), (after.1.failures, after.1.locks));
                (with, without) = (Some(after.0), Some(after.1));
            }
        }
    }
}
