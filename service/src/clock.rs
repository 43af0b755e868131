//! Wall-clock time as a value that is handed in, so that tests decide what time it is. Timers and
//! limits run on tokio's clock; this one dates tokens, lockouts and sessions.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Whole seconds since 1970-01-01 UTC: the `NumericDate` of RFC 7519, section 2.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The moment of a `NumericDate`.
    #[must_use]
    pub fn of_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// The moment that is later by a length.
    #[must_use]
    pub fn after(self, length: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(length.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long ago another moment was; zero where it is still to come.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

const MILLIS_OF_DAY: i64 = 86_400_000;

/// As RFC 3339 has it, in UTC: `2026-11-22T19:30:00Z`, with milliseconds where there are any; with `#`
/// always, so that lines that begin with one sort by it.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.0.div_euclid(MILLIS_OF_DAY));
        let millis = self.0.rem_euclid(MILLIS_OF_DAY);
        let (hour, minute) = (millis / 3_600_000, millis / 60_000 % 60);
        let (second, rest) = (millis / 1000 % 60, millis % 1000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if rest != 0 || f.alternate() {
            write!(f, ".{rest:03}")?;
        }
        f.write_str("Z")
    }
}

/// Why a text is no moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoTimestamp(String);

impl fmt::Display for NoTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no moment: write it in UTC, such as 2026-11-22T19:30:00Z", self.0)
    }
}

impl std::error::Error for NoTimestamp {}

impl FromStr for Timestamp {
    type Err = NoTimestamp;

    fn from_str(text: &str) -> Result<Self, NoTimestamp> {
        written(text).ok_or_else(|| NoTimestamp(text.to_owned()))
    }
}

/// Reads what `Display` writes.
fn written(text: &str) -> Option<Timestamp> {
    let (day, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (time, millis) = match time.split_once('.') {
        Some((time, millis)) => (time, field(millis, 3, 0, 999)?),
        None => (time, 0),
    };
    let mut day = day.split('-');
    let (year, month) = (field(day.next()?, 4, 0, 9999)?, field(day.next()?, 2, 1, 12)?);
    let date_of_month = field(day.next()?, 2, 1, 31)?;
    let mut time = time.split(':');
    let (hour, minute) = (field(time.next()?, 2, 0, 23)?, field(time.next()?, 2, 0, 59)?);
    let second = field(time.next()?, 2, 0, 59)?;
    let days = days(year, month, date_of_month);
    let complete = day.next().is_none() && time.next().is_none();
    let exists = date(days) == (year, month, date_of_month);
    let seconds = hour * 3600 + minute * 60 + second;
    (complete && exists).then_some(Timestamp(days * MILLIS_OF_DAY + seconds * 1000 + millis))
}

/// A number of so many digits within bounds.
fn field(text: &str, digits: usize, least: i64, most: i64) -> Option<i64> {
    let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = text.parse().ok()?;
    (fits && (least..=most).contains(&number)).then_some(number)
}

/// The days from 1970-01-01 to a date of the Gregorian calendar. A year begins in March here, so that
/// the day that some years have more is the last of one; 400 years have 146 097 days.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of so many days after 1970-01-01; the inverse of [`days`].
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, turn) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + turn, month, day)
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// What time it is.
    fn now(&self) -> Timestamp;
}

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands until it is moved.
#[derive(Debug)]
pub struct VirtualClock(AtomicI64);

impl VirtualClock {
    /// A clock that stands at a moment.
    #[must_use]
    pub fn at(moment: Timestamp) -> Self {
        Self(AtomicI64::new(moment.0))
    }

    /// Moves the clock on.
    pub fn advance(&self, length: Duration) {
        self.0.fetch_add(i64::try_from(length.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_moment_is_written_as_rfc_3339_has_it() {
        let written = |millis: i64| Timestamp(millis).to_string();
        assert_eq!(written(0), "1970-01-01T00:00:00Z");
        assert_eq!(written(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(written(11_017 * MILLIS_OF_DAY), "2000-03-01T00:00:00Z");
        assert_eq!(written(19_782 * MILLIS_OF_DAY), "2024-02-29T00:00:00Z");
        assert_eq!(written(47_540 * MILLIS_OF_DAY), "2100-02-28T00:00:00Z");
        assert_eq!(written(47_541 * MILLIS_OF_DAY), "2100-03-01T00:00:00Z");
        assert_eq!(written(1_795_375_800_250), "2026-11-22T19:30:00.250Z");
        assert_eq!(written(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(format!("{:#}", Timestamp(0)), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "Z",
            "2026-11-22",
            "2026-11-22T19:30:00",
            "2026-11-22T19:30Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T19:30:60Z",
            "2026-11-22T19:30:00.5Z",
            "2026-11-22T19:30:00:00Z",
            "+026-11-22T19:30:00Z",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(NoTimestamp(text.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn a_written_moment_is_read_back(millis in -62_167_219_200_000i64..253_402_300_800_000) {
            let moment = Timestamp(millis);
            prop_assert_eq!(moment.to_string().parse(), Ok(moment));
        }
    }
}
