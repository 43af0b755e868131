//! A length of time in configuration: a number with a unit, such as `300ms`, `3s`, `10m`, `12h`, `30d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;
use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A length of time that was written with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub struct Length(Duration);

/// Units, longest first, in milliseconds.
const UNITS: &[(&str, u64)] = &[("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Length {
    /// A length of so many milliseconds.
    #[must_use]
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// A length of so many seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The length itself.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

/// Why a text is no length of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoLength(String);

impl fmt::Display for NoLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no length of time: write a whole number and a unit (ms, s, m, h, d), such as \"300ms\"",
            self.0
        )
    }
}

impl std::error::Error for NoLength {}

impl FromStr for Length {
    type Err = NoLength;

    fn from_str(text: &str) -> Result<Self, NoLength> {
        let wrong = || NoLength(text.to_owned());
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, unit) = text.split_at(digits);
        let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        number.checked_mul(*millis).map(Self::millis).ok_or_else(wrong)
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(Written)
    }
}

/// Takes text, and says of a number that it lacks a unit.
struct Written;

impl Visitor<'_> for Written {
    type Value = Length;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a length of time in double quotes, such as \"300ms\",")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Length, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Length, E> {
        Err(E::custom(NoUnit(number)))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Length, E> {
        self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// A length of time written as a bare number.
struct NoUnit(i64);

impl fmt::Display for NoUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number) = self;
        write!(f, "{number} has no unit: write \"{number}ms\" or \"{number}s\" (units are ms, s, m, h, d)")
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let fits = UNITS.iter().find(|(_, unit)| millis % unit == 0 && millis >= *unit);
        let (name, unit) = fits.unwrap_or(&("ms", 1));
        write!(f, "{}{name}", millis / unit)
    }
}

impl From<Length> for String {
    fn from(length: Length) -> Self {
        length.to_string()
    }
}
