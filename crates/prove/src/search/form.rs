//! How a length of time is written in the place of another one: in the unit and the form that stand there.
//! Which unit a bare number has, whoever wrote the test file says.

use std::fmt;
use std::time::Duration;

use model::TimeUnit;
use model::declared::{UNITS, length_of};

/// The form of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    unit: TimeUnit,
    /// What stands before the number: `PT` of ISO 8601.
    before: &'static str,
    /// What stands between the number and the word.
    gap: String,
    /// The word of the unit; empty where the number is bare.
    word: String,
    /// Whether parts of a unit are written: `1.5`.
    parts: bool,
}

impl Form {
    /// The form of a text; `bare` is the unit of a number that carries none. `None` where the text is no
    /// length of time, or its unit is not known.
    #[must_use]
    pub fn of(text: &str, bare: Option<TimeUnit>) -> Option<Self> {
        let text = text.trim();
        if iso(text).is_some() {
            let (word, gap) = ("S".to_owned(), String::new());
            return Some(Self { unit: TimeUnit::Seconds, before: "PT", gap, word, parts: true });
        }
        let end = text.find(|c: char| !c.is_ascii_digit() && !".eE_".contains(c)).unwrap_or(text.len());
        let (digits, behind) = text.split_at(end);
        number(digits)?;
        let word = behind.trim_start();
        let gap = behind[..behind.len() - word.len()].to_owned();
        let parts = digits.contains('.');
        let unit = if word.is_empty() {
            bare
        } else {
            UNITS.iter().find(|(known, _)| *known == word).map(|&(_, unit)| unit)
        };
        match unit {
            Some(unit) => Some(Self { unit, before: "", gap, word: word.to_owned(), parts }),
            // `1m30s` has no unit of its own.
            None => length_of(text).map(|_| Self::of_milliseconds()),
        }
    }

    /// The length that a text says in this form.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<Duration> {
        let text = text.trim();
        if !self.before.is_empty() {
            return iso(text);
        }
        if !self.word.is_empty() {
            return length_of(&text.replace('_', ""));
        }
        Some(self.unit.times(number(text)?))
    }

    fn of_milliseconds() -> Self {
        let (word, gap) = ("ms".to_owned(), String::new());
        Self { unit: TimeUnit::Milliseconds, before: "", gap, word, parts: false }
    }

    /// The shortest length that can be written and is not shorter than this one, and its text.
    #[must_use]
    pub fn write(&self, length: Duration) -> (Duration, String) {
        let unit = u128::from(self.unit.nanos());
        let nanos = length.as_nanos();
        if self.parts {
            // Thousandths of a unit are finer than anybody writes. None at all often means "no limit".
            let thousandths = nanos.saturating_mul(1000).div_ceil(unit).max(1);
            let number = thousandths as f64 / 1000.0;
            // A bare `2` would be another type than the `1.0` before it.
            let text = match number.fract() {
                0.0 if self.word.is_empty() => self.with(format_args!("{number:.1}")),
                _ => self.with(number),
            };
            return (self.unit.times(number), text);
        }
        if !nanos.is_multiple_of(unit) && !self.word.is_empty() && self.unit > TimeUnit::Milliseconds {
            // Whoever takes seconds with their word takes milliseconds with theirs.
            return Self { gap: self.gap.clone(), ..Self::of_milliseconds() }.write(length);
        }
        let whole = nanos.div_ceil(unit).max(1);
        let whole = u64::try_from(whole).unwrap_or(u64::MAX);
        (self.unit.times(whole as f64), self.with(whole))
    }

    fn with(&self, number: impl fmt::Display) -> String {
        format!("{}{number}{}{}", self.before, self.gap, self.word)
    }
}

/// A number that is not negative; TOML and YAML part its digits by `_`.
fn number(text: &str) -> Option<f64> {
    let digits = text.replace('_', "");
    let begins = digits.starts_with(|c: char| c.is_ascii_digit());
    digits.parse::<f64>().ok().filter(|number| begins && number.is_finite())
}

/// A duration of ISO 8601 that is made of days and less: `PT1M30S`.
fn iso(text: &str) -> Option<Duration> {
    let (days, time) = text.strip_prefix('P')?.split_once('T').unwrap_or((&text[1..], ""));
    let part = |rest: &mut &str, word: char, unit: TimeUnit| -> Option<Duration> {
        let Some((digits, behind)) = rest.split_once(word) else { return Some(Duration::ZERO) };
        *rest = behind;
        Some(unit.times(number(digits)?))
    };
    let (mut days, mut time) = (days, time);
    let sum = part(&mut days, 'D', TimeUnit::Days)?
        + part(&mut time, 'H', TimeUnit::Hours)?
        + part(&mut time, 'M', TimeUnit::Minutes)?
        + part(&mut time, 'S', TimeUnit::Seconds)?;
    (days.is_empty() && time.is_empty() && text.len() > 2).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(like: &str, bare: Option<TimeUnit>, ms: u64) -> Option<(u128, String)> {
        let (length, text) = Form::of(like, bare)?.write(Duration::from_millis(ms));
        Some((length.as_millis(), text))
    }

    #[test]
    fn a_value_is_written_as_the_one_before_it() {
        for (like, bare, ms, expected) in [
            ("300ms", None, 545, Some((545, "545ms"))),
            ("1s", None, 545, Some((545, "545ms"))),
            ("1s", None, 2000, Some((2000, "2s"))),
            ("1 s", None, 545, Some((545, "545 ms"))),
            ("1.5s", None, 545, Some((545, "0.545s"))),
            ("1m30s", None, 545, Some((545, "545ms"))),
            ("1", Some(TimeUnit::Seconds), 545, Some((1000, "1"))),
            ("1.0", Some(TimeUnit::Seconds), 545, Some((545, "0.545"))),
            ("1.0", Some(TimeUnit::Seconds), 2000, Some((2000, "2.0"))),
            ("300", Some(TimeUnit::Milliseconds), 545, Some((545, "545"))),
            ("1_000", Some(TimeUnit::Milliseconds), 1545, Some((1545, "1545"))),
            ("1_000ms", None, 545, Some((545, "545ms"))),
            ("1e3", Some(TimeUnit::Milliseconds), 545, Some((545, "545"))),
            ("1.5h", None, 551, Some((3600, "0.001h"))),
            ("1.5m", None, 20, Some((60, "0.001m"))),
            ("1.5m", None, 545, Some((600, "0.01m"))),
            ("PT1S", None, 545, Some((545, "PT0.545S"))),
            ("PT1M30S", None, 2000, Some((2000, "PT2S"))),
            ("P1DT2H", None, 2000, Some((2000, "PT2S"))),
            ("300", None, 545, None),
            ("P1Y", None, 545, None),
            ("PT", None, 545, None),
            ("PTS", None, 545, None),
            ("5 seconds", None, 545, None),
            ("-1", Some(TimeUnit::Seconds), 545, None),
            ("never", None, 545, None),
        ] {
            let expected = expected.map(|(ms, text)| (ms, text.to_owned()));
            assert_eq!(written(like, bare, ms), expected, "{like}");
            let read = Form::of(like, bare).and_then(|form| form.read(like));
            assert_eq!(read.is_some(), expected.is_some(), "{like}");
        }
    }

    #[test]
    fn a_text_says_the_same_length_in_every_form() {
        for (text, bare, ms) in [
            ("1_500", Some(TimeUnit::Milliseconds), 1500),
            ("1.5e3", Some(TimeUnit::Milliseconds), 1500),
            ("1.5", Some(TimeUnit::Seconds), 1500),
            ("1_500ms", None, 1500),
            ("1s500ms", None, 1500),
            ("PT1.5S", None, 1500),
            ("PT1M30S", None, 90_000),
            ("P1DT1H", None, 90_000_000),
        ] {
            let read = Form::of(text, bare).and_then(|form| form.read(text));
            assert_eq!(read, Some(Duration::from_millis(ms)), "{text}");
        }
    }
}
