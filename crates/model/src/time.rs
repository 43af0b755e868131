//! Lengths of time as configuration states them: units, limits that may be absent, and how they
//! are shown. Owns no clock.

use std::fmt;
use std::time::Duration;

/// A unit that a configuration can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeUnit {
    /// 10⁻⁹ s.
    Nanoseconds,
    /// 10⁻⁶ s.
    Microseconds,
    /// 10⁻³ s.
    Milliseconds,
    /// 1 s.
    Seconds,
    /// 60 s.
    Minutes,
    /// 3 600 s.
    Hours,
    /// 86 400 s.
    Days,
}

impl TimeUnit {
    /// How many nanoseconds one of it has.
    pub fn nanos(self) -> u64 {
        match self {
            Self::Nanoseconds => 1,
            Self::Microseconds => 1_000,
            Self::Milliseconds => 1_000_000,
            Self::Seconds => 1_000_000_000,
            Self::Minutes => 60_000_000_000,
            Self::Hours => 3_600_000_000_000,
            Self::Days => 86_400_000_000_000,
        }
    }

    /// So many of it. Negative, absent or absurdly large numbers are clamped to what a
    /// [`Duration`] can hold.
    pub fn times(self, number: f64) -> Duration {
        let seconds = number * (self.nanos() as f64 / 1e9);
        // Round to the nanosecond: 0.1 s is 100 ms, not 99.999999 ms.
        let nanos = (seconds * 1e9).round();
        if nanos.is_nan() || nanos <= 0.0 {
            Duration::ZERO
        } else if nanos >= u64::MAX as f64 {
            Duration::from_nanos(u64::MAX)
        } else {
            Duration::from_nanos(nanos as u64)
        }
    }

    /// The name in full, as used in sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "nanoseconds",
            Self::Microseconds => "microseconds",
            Self::Milliseconds => "milliseconds",
            Self::Seconds => "seconds",
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Days => "days",
        }
    }
}

/// How long something may take: so long, or without limit. Orders as one expects, `Never` last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// At most this long.
    After(Duration),
    /// It never ends by itself: disabled, infinite, or unset where nothing is the default.
    Never,
}

impl Limit {
    /// The length, if there is one.
    pub fn finite(self) -> Option<Duration> {
        match self {
            Self::After(length) => Some(length),
            Self::Never => None,
        }
    }

    /// Both one after the other.
    #[must_use]
    pub fn then(self, other: Limit) -> Limit {
        match (self, other) {
            (Self::After(a), Self::After(b)) => Self::After(a.saturating_add(b)),
            _ => Self::Never,
        }
    }

    /// So many of it, one after the other.
    #[must_use]
    pub fn times(self, count: u64) -> Limit {
        match self {
            Self::After(length) => Self::After(times(length, count)),
            Self::Never if count == 0 => Self::After(Duration::ZERO),
            Self::Never => Self::Never,
        }
    }
}

/// A length so many times; the longest [`Duration`] where that does not fit.
pub(crate) fn times(length: Duration, count: u64) -> Duration {
    let nanos = length.as_nanos().saturating_mul(u128::from(count));
    match u64::try_from(nanos / 1_000_000_000) {
        // The remainder of a division by 10⁹ fits.
        Ok(seconds) => Duration::new(seconds, (nanos % 1_000_000_000) as u32),
        Err(_) => Duration::MAX,
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(length) => f.write_str(&pretty(*length)),
            Self::Never => f.write_str("no limit"),
        }
    }
}

/// A length of time for people: the largest unit in which it is a short number ("300 ms",
/// "1.5 s", "2 min", "16.7 h"), at most one decimal, and never rounded to something that reads as
/// another whole value.
pub fn pretty(length: Duration) -> String {
    let nanos = length.as_nanos() as f64;
    let (unit, name) = match length.as_nanos() {
        0 => return "0 s".to_owned(),
        n if n < 1_000 => (1.0, "ns"),
        n if n < 1_000_000 => (1e3, "µs"),
        n if n < 1_000_000_000 => (1e6, "ms"),
        n if n < 120_000_000_000 => (1e9, "s"),
        n if n < 7_200_000_000_000 => (60e9, "min"),
        n if n < 172_800_000_000_000 => (3_600e9, "h"),
        _ => (86_400e9, "d"),
    };
    let number = nanos / unit;
    let decimals = if (number - number.round()).abs() < 1e-9 {
        0
    } else if number < 10.0 {
        2
    } else {
        1
    };
    let shown = format!("{number:.decimals$}");
    let shown = if decimals > 0 { shown.trim_end_matches('0').trim_end_matches('.') } else { &shown };
    format!("{shown} {name}")
}
