//! Lengths of time as `forewarn.toml` writes them: always with a unit.

use std::time::Duration;

use crate::TimeUnit;

/// The units, by the words that may stand behind a number.
pub const UNITS: &[(&str, TimeUnit)] = &[
    ("ns", TimeUnit::Nanoseconds),
    ("us", TimeUnit::Microseconds),
    ("µs", TimeUnit::Microseconds),
    ("ms", TimeUnit::Milliseconds),
    ("s", TimeUnit::Seconds),
    ("m", TimeUnit::Minutes),
    ("min", TimeUnit::Minutes),
    ("h", TimeUnit::Hours),
    ("d", TimeUnit::Days),
];

/// Why a text is no length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoLength {
    /// A bare number.
    NoUnit,
    /// Below zero.
    Negative,
    /// Something else.
    NotALength,
}

/// Reads "300ms", "1.5 s", "2 min", "1m30s"; `None` where the text is something else.
#[must_use]
pub fn length_of(text: &str) -> Option<Duration> {
    length(text).ok()
}

/// Reads "300ms", "1.5 s", "2 min", "1m30s".
pub(super) fn length(text: &str) -> Result<Duration, NoLength> {
    let mut rest = text.trim();
    if rest.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        return Err(NoLength::Negative);
    }
    let mut sum = Duration::ZERO;
    if rest.is_empty() {
        return Err(NoLength::NotALength);
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, behind) = rest.split_at(end);
        let number: f64 = number.parse().map_err(|_| NoLength::NotALength)?;
        let behind = behind.trim_start();
        if behind.is_empty() {
            return Err(NoLength::NoUnit);
        }
        let end = behind.find(|c: char| !c.is_alphabetic()).unwrap_or(behind.len());
        let (word, behind) = behind.split_at(end);
        let &(_, unit) = UNITS.iter().find(|(name, _)| *name == word).ok_or(NoLength::NotALength)?;
        sum = sum.saturating_add(unit.times(number));
        rest = behind.trim_start();
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_carry_a_unit_and_are_not_negative() {
        for (text, expected) in [
            ("300ms", Ok(Duration::from_millis(300))),
            ("1.5 s", Ok(Duration::from_millis(1500))),
            ("2 min", Ok(Duration::from_secs(120))),
            ("1m30s", Ok(Duration::from_secs(90))),
            ("250µs", Ok(Duration::from_micros(250))),
            ("0s", Ok(Duration::ZERO)),
            ("300", Err(NoLength::NoUnit)),
            ("-5s", Err(NoLength::Negative)),
            ("-5", Err(NoLength::Negative)),
            ("soon", Err(NoLength::NotALength)),
            ("1 fortnight", Err(NoLength::NotALength)),
            ("1.2.3s", Err(NoLength::NotALength)),
            ("", Err(NoLength::NotALength)),
        ] {
            assert_eq!(length(text), expected, "{text}");
        }
    }
}
