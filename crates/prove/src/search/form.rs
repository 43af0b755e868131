//! How a length of time is written in the place of another one: in the unit and the form that stand there.
//! Which unit a bare number has, whoever wrote the test file says.

use std::time::Duration;

use model::TimeUnit;
use model::declared::{UNITS, length_of};

/// The form of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    unit: TimeUnit,
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
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, behind) = text.split_at(end);
        number.parse::<f64>().ok()?;
        let word = behind.trim_start();
        let gap = behind[..behind.len() - word.len()].to_owned();
        let parts = number.contains('.');
        let unit = if word.is_empty() {
            bare
        } else {
            UNITS.iter().find(|(known, _)| *known == word).map(|&(_, unit)| unit)
        };
        match unit {
            Some(unit) => Some(Self { unit, gap, word: word.to_owned(), parts }),
            // `1m30s` has no unit of its own.
            None => length_of(text).map(|_| Self::of_milliseconds()),
        }
    }

    /// The length that a text says in this form.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<Duration> {
        let text = text.trim();
        if !self.word.is_empty() {
            return length_of(text);
        }
        let number = text.parse::<f64>().ok().filter(|number| *number >= 0.0)?;
        Some(self.unit.times(number))
    }

    fn of_milliseconds() -> Self {
        Self { unit: TimeUnit::Milliseconds, gap: String::new(), word: "ms".to_owned(), parts: false }
    }

    /// The shortest length that can be written and is not shorter than this one, and its text.
    #[must_use]
    pub fn write(&self, length: Duration) -> (Duration, String) {
        let unit = u128::from(self.unit.nanos());
        let nanos = length.as_nanos();
        if self.parts {
            let number = nanos as f64 / unit as f64;
            // Thousandths of a unit are finer than anybody writes.
            let thousandths = (number * 1000.0).round() / 1000.0;
            return (self.unit.times(thousandths), format!("{thousandths}{}{}", self.gap, self.word));
        }
        if !nanos.is_multiple_of(unit) && !self.word.is_empty() && self.unit > TimeUnit::Milliseconds {
            // Whoever takes seconds with their word takes milliseconds with theirs.
            return Self { gap: self.gap.clone(), ..Self::of_milliseconds() }.write(length);
        }
        let whole = nanos.div_ceil(unit).max(1);
        let whole = u64::try_from(whole).unwrap_or(u64::MAX);
        (self.unit.times(whole as f64), format!("{whole}{}{}", self.gap, self.word))
    }
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
            ("300", Some(TimeUnit::Milliseconds), 545, Some((545, "545"))),
            ("300", None, 545, None),
            ("never", None, 545, None),
        ] {
            let expected = expected.map(|(ms, text)| (ms, text.to_owned()));
            assert_eq!(written(like, bare, ms), expected, "{like}");
            let read = Form::of(like, bare).and_then(|form| form.read(like));
            assert_eq!(read.is_some(), expected.is_some(), "{like}");
        }
    }
}
