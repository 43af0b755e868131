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
}
