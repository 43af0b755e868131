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

/// A length of time for people, recognisable as what is written: the largest unit in which it is
/// at least 2 and exact with one decimal at most ("2.5 min", "24 h"), else seconds ("185 s",
/// "1.25 s"), below one second milliseconds. Exact for whole milliseconds below 10 000 s; beyond,
/// what is exact in nothing is rounded ("16.7 h"), because nobody reads 60000 s.
pub fn pretty(length: Duration) -> String {
    /// Below this seconds are read at a glance.
    const MANY_SECONDS: u128 = 10_000_000_000_000;
    const LARGE: [(TimeUnit, &str); 3] =
        [(TimeUnit::Days, "d"), (TimeUnit::Hours, "h"), (TimeUnit::Minutes, "min")];
    let nanos = length.as_nanos();
    let in_seconds = nanos < MANY_SECONDS;
    let tenths = |unit: TimeUnit| u128::from(unit.nanos() / 10);
    let mut large = LARGE
        .into_iter()
        .filter(|&(unit, _)| nanos >= 2 * u128::from(unit.nanos()))
        .filter(|&(unit, _)| in_seconds || unit != TimeUnit::Minutes);
    if let Some((unit, name)) = large.clone().find(|&(unit, _)| nanos.is_multiple_of(tenths(unit))) {
        return decimal(nanos / tenths(unit), 1, name);
    }
    if let Some((unit, name)) = large.next().filter(|_| !in_seconds) {
        return decimal((nanos + tenths(unit) / 2) / tenths(unit), 1, name);
    }
    // Thousandths of the unit, rounded.
    let thousandths = |unit: TimeUnit, name| {
        let part = u128::from(unit.nanos() / 1_000);
        decimal((nanos + part / 2) / part, 3, name)
    };
    match nanos {
        0 => "0 s".to_owned(),
        1..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => thousandths(TimeUnit::Microseconds, "µs"),
        1_000_000..1_000_000_000 => thousandths(TimeUnit::Milliseconds, "ms"),
        _ => thousandths(TimeUnit::Seconds, "s"),
    }
}

/// So many parts of which ten to the power of `decimals` make one, without zeros at the end.
fn decimal(parts: u128, decimals: u32, name: &str) -> String {
    let one = 10_u128.pow(decimals);
    let (whole, part) = (parts / one, parts % one);
    if part == 0 {
        return format!("{whole} {name}");
    }
    let digits = format!("{part:0width$}", width = decimals as usize);
    format!("{whole}.{} {name}", digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_stay_recognisable() {
        for (ms, shown) in [
            (0, "0 s"),
            (1, "1 ms"),
            (637, "637 ms"),
            (1_250, "1.25 s"),
            (12_345, "12.345 s"),
            (90_000, "90 s"),
            (150_000, "2.5 min"),
            (185_000, "185 s"),
            (3_600_000, "60 min"),
            (5_000_000, "5000 s"),
            (5_400_000, "90 min"),
            (9_000_000, "2.5 h"),
            (30_000_000, "8.3 h"),
            (60_000_000, "16.7 h"),
            (86_400_000, "24 h"),
            (172_800_000, "2 d"),
            (1_000_000_000, "11.6 d"),
        ] {
            assert_eq!(pretty(Duration::from_millis(ms)), shown, "{ms} ms");
        }
        assert_eq!(pretty(Duration::from_nanos(1_500)), "1.5 µs");
        assert_eq!(pretty(Duration::from_nanos(999)), "999 ns");
        assert_eq!(pretty(Duration::MAX), "213503982334601.3 d");
    }

    fn parsed(shown: &str) -> Duration {
        let (number, unit) = shown.split_once(' ').expect("a number and a unit");
        let unit = match unit {
            "ms" => TimeUnit::Milliseconds,
            "s" => TimeUnit::Seconds,
            "min" => TimeUnit::Minutes,
            "h" => TimeUnit::Hours,
            other => panic!("{other}"),
        };
        unit.times(number.parse().expect("a number"))
    }

    proptest! {
        #[test]
        fn whole_milliseconds_below_ten_thousand_seconds_are_exact(
            ms in prop_oneof![0..10_000_000_u64, (0..10_000_u64).prop_map(|s| s * 1_000)],
        ) {
            let length = Duration::from_millis(ms);
            prop_assert_eq!(parsed(&pretty(length)), length);
        }
    }
}
