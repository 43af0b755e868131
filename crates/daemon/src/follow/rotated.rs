//! Names that a log gets when it is rotated away: `access.log.1`, `access.log-20261122`,
//! `access-20261122.log`, `access.log.old`; and which of two is the newer.

use std::cmp::Ordering;

/// What was put into a log's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Suffix {
    /// A number that grows with age.
    Number(u64),
    /// A date, its digits alone.
    Date(String),
    /// The one before, where only one is kept.
    Old,
}

/// A number of a date has at least year, month and day in six digits.
const DATE: usize = 6;

impl Suffix {
    /// What makes a name that of a rotated log; nothing where it is another log's.
    pub(super) fn of(log: &str, name: &str) -> Option<Self> {
        if let Some(added) = name.strip_prefix(log) {
            return Self::written(added);
        }
        // The end of a name stays where it is that of a type: `access-20261122.log`.
        let (stem, end) = log.rsplit_once('.')?;
        Self::written(name.strip_prefix(stem)?.strip_suffix(end)?.strip_suffix('.')?)
    }

    fn written(added: &str) -> Option<Self> {
        let rest = added.strip_prefix(['.', '-', '_'])?;
        if rest == "old" {
            return Some(Self::Old);
        }
        let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
        let part =
            |character: char| character.is_ascii_digit() || matches!(character, '.' | '-' | '_' | 'T' | ':');
        if digits.is_empty() || !rest.chars().all(part) {
            return None;
        }
        if digits.len() < DATE { rest.parse().ok().map(Self::Number) } else { Some(Self::Date(digits)) }
    }

    /// Which of two is the newer, as far as their names say; nothing where they are made differently.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(own), Self::Number(other)) => Some(other.cmp(own)),
            (Self::Date(own), Self::Date(other)) => Some(own.cmp(other)),
            _ => None,
        }
    }
}

/// Whether a name is that of a compressed file.
pub(super) fn is_compressed(name: &str) -> bool {
    [".gz", ".bz2", ".xz", ".zst", ".lz4", ".Z", ".zip"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_names_are_told_from_those_of_other_logs() {
        let number = |number| Some(Suffix::Number(number));
        let date = |digits: &str| Some(Suffix::Date(digits.to_owned()));
        let cases = [
            ("access.log.1", number(1)),
            ("access.log.12", number(12)),
            ("access.log-20261122", date("20261122")),
            ("access.log.2026-11-22_10", date("2026112210")),
            ("access-20261122.log", date("20261122")),
            ("access.1.log", number(1)),
            ("access.log.old", Some(Suffix::Old)),
            ("access.log.1.gz", None),
            ("access-api.log", None),
            ("access.log.bak", None),
            ("access.log", None),
            ("access2.log", None),
            ("error.log.1", None),
        ];
        for (name, suffix) in cases {
            assert_eq!(Suffix::of("access.log", name), suffix, "{name}");
        }
        assert_eq!(Suffix::of("log", "log.1"), number(1));
    }

    #[test]
    fn a_lower_number_and_a_later_date_are_newer() {
        assert_eq!(Suffix::Number(1).compare(&Suffix::Number(2)), Some(Ordering::Greater));
        let date = |digits: &str| Suffix::Date(digits.to_owned());
        assert_eq!(date("20261122").compare(&date("20261121")), Some(Ordering::Greater));
        assert_eq!(date("20261122").compare(&Suffix::Number(1)), None);
    }
}
