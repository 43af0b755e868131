//! Moments of the journal. Whoever runs the watch reads the clock; here it is only compared.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since the start of 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct At(pub u64);

impl At {
    /// So long after it.
    #[must_use]
    pub fn after(self, length: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(length.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long ago an earlier moment was; nothing if it was later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The hour of the week in UTC, 0 to 167, from Monday 00:00 on.
    #[must_use]
    pub fn hour_of_week(self) -> usize {
        // The first of January 1970 was a Thursday: 72 hours after a Monday.
        let hour = (self.0 / 3_600_000 + 72) % 168;
        usize::try_from(hour).expect("bug: below 168")
    }
}
