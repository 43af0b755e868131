//! Known ways to break a configuration: the proof that a test is not empty. Which keys there are and what
//! they control, whoever reads configurations says; here is what is made of their text, and what a test
//! makes of that.

mod drive;
mod noticed;

use wire::tested::{self, Fate};

pub use drive::{mutate, mutate_service, takes};
pub use noticed::{Noticed, WRONG, alike, noticed};

use crate::trial::Trial;

/// What a setting controls, as far as there is a known way to break it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controls {
    /// How long something may take.
    Timeout,
    /// How long an idle connection is kept.
    Idle,
    /// Whether something is on: keeping connections alive.
    Switch,
    /// How many connections there may be.
    Pool,
    /// How often something is tried.
    Attempts,
}

/// A setting as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The key with its path.
    pub key: String,
    /// The text of its value.
    pub value: String,
    /// What it controls.
    pub controls: Controls,
}

/// A configuration broken in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutation {
    /// The key.
    pub key: String,
    /// What stood there.
    pub before: String,
    /// What is written there.
    pub after: String,
    /// How it is broken, in words: "a tenth".
    pub how: &'static str,
}

/// A mutation, and what the test made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Mutated {
    /// What was broken.
    pub mutation: Mutation,
    /// What the test made of it.
    pub fate: Fate,
    /// Why, in words.
    pub why: String,
    /// The run, where people came.
    pub trial: Option<Trial>,
}

/// All of them as they are published; `of` names the file that was broken.
#[must_use]
pub fn published(all: &[Mutated], of: &str) -> tested::Mutations {
    let one = |mutated: &Mutated| tested::Mutated {
        key: mutated.mutation.key.clone(),
        before: mutated.mutation.before.clone(),
        after: mutated.mutation.after.clone(),
        how: mutated.mutation.how.to_owned(),
        fate: mutated.fate,
        why: mutated.why.clone(),
    };
    tested::Mutations { line: score(all), of: of.to_owned(), all: all.iter().map(one).collect() }
}

/// How many of those that change something are told apart, in one line.
#[must_use]
pub fn score(all: &[Mutated]) -> String {
    let of = |fate| all.iter().filter(|mutated| mutated.fate == fate).count();
    let (caught, refused, missed) = (of(Fate::Caught), of(Fate::Refused), of(Fate::Missed));
    let changing = caught + refused + missed;
    let mut line = format!("{} of {changing} mutations that change behaviour are caught", caught + refused);
    if refused > 0 {
        line.push_str(&format!(" ({refused} of them by the service, which refuses to start)"));
    }
    match of(Fate::Equal) {
        0 => {}
        1 => line.push_str("; 1 changes nothing here"),
        equal => line.push_str(&format!("; {equal} change nothing here")),
    }
    line
}

/// All known ways to break settings. One that leaves the text as it is, is none.
#[must_use]
pub fn mutations(settings: &[Written]) -> Vec<Mutation> {
    settings.iter().flat_map(of).collect()
}

/// How it is broken, and what is made of a quantity then.
type Way = (&'static str, fn(&Quantity<'_>) -> Option<String>);

fn of(setting: &Written) -> Vec<Mutation> {
    if setting.controls == Controls::Switch {
        return inverted(setting).into_iter().collect();
    }
    let Some(quantity) = Quantity::parse(&setting.value) else { return Vec::new() };
    let ways: &[Way] = match setting.controls {
        Controls::Timeout => &[
            ("a tenth", |quantity| quantity.times(1, 10)),
            ("seconds for milliseconds", |quantity| quantity.in_unit("ms", "s")),
            ("milliseconds for seconds", |quantity| quantity.in_unit("s", "ms")),
            // A bare number is read in its product's unit; people write it in the other one.
            ("a thousand times", |quantity| quantity.bare()?.times(1000, 1)),
            ("a thousandth", |quantity| quantity.bare()?.times(1, 1000)),
        ],
        // Longer than the other side keeps it: whoever sends then meets a closed connection.
        Controls::Idle => &[("ten times", |quantity| quantity.times(10, 1))],
        Controls::Switch => &[],
        Controls::Pool => &[("a fifth", |quantity| quantity.times(1, 5))],
        Controls::Attempts => {
            &[("none", |quantity| quantity.set(0)), ("five times", |quantity| quantity.times(5, 1))]
        }
    };
    let written = |&(how, way): &Way| {
        let after = way(&quantity).filter(|after| *after != setting.value)?;
        Some(Mutation { key: setting.key.clone(), before: setting.value.clone(), after, how })
    };
    ways.iter().filter_map(written).collect()
}

fn inverted(setting: &Written) -> Option<Mutation> {
    const PAIRS: [(&str, &str); 3] = [("true", "false"), ("on", "off"), ("yes", "no")];
    let other = PAIRS.iter().find_map(|&(one, other)| match setting.value.as_str() {
        value if value == one => Some(other),
        value if value == other => Some(one),
        _ => None,
    })?;
    Some(Mutation {
        key: setting.key.clone(),
        before: setting.value.clone(),
        after: other.to_owned(),
        how: "inverted",
    })
}

/// A whole number and what stands behind it.
struct Quantity<'a> {
    number: u64,
    unit: &'a str,
}

impl<'a> Quantity<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let number = text[..end].parse().ok()?;
        Some(Self { number, unit: text[end..].trim_start() })
    }

    /// So many times, over so many; in a smaller unit where the number does not divide, and at least 1.
    fn times(&self, by: u64, over: u64) -> Option<String> {
        let times = self.number.checked_mul(by)?;
        if times.is_multiple_of(over) {
            return self.set(times / over);
        }
        match self.unit {
            "s" => Some(format!("{}ms", times.checked_mul(1000)? / over)),
            unit => Some(format!("{}{unit}", (times / over).max(1))),
        }
    }

    /// Itself, where it has no unit.
    fn bare(&self) -> Option<&Self> {
        self.unit.is_empty().then_some(self)
    }

    fn in_unit(&self, from: &str, to: &str) -> Option<String> {
        (self.unit == from).then(|| format!("{}{to}", self.number))
    }

    fn set(&self, number: u64) -> Option<String> {
        Some(format!("{number}{}", self.unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(value: &str, controls: Controls) -> Vec<String> {
        let setting = Written { key: "k".to_owned(), value: value.to_owned(), controls };
        mutations(&[setting]).into_iter().map(|mutation| mutation.after).collect()
    }

    #[test]
    fn each_kind_of_setting_breaks_in_its_ways() {
        assert_eq!(after("1s", Controls::Timeout), ["100ms", "1ms"]);
        assert_eq!(after("300ms", Controls::Timeout), ["30ms", "300s"]);
        assert_eq!(after("30s", Controls::Timeout), ["3s", "30ms"]);
        assert_eq!(after("30", Controls::Timeout), ["3", "30000", "1"]);
        assert_eq!(after("true", Controls::Switch), ["false"]);
        assert_eq!(after("off", Controls::Switch), ["on"]);
        assert_eq!(after("64", Controls::Pool), ["12"]);
        assert_eq!(after("3", Controls::Attempts), ["0", "15"]);
        assert_eq!(after("30s", Controls::Idle), ["300s"]);
    }

    #[test]
    fn what_the_service_refuses_counts_as_caught_and_what_changes_nothing_does_not_count() {
        let of = |fate| Mutated {
            mutation: Mutation { key: "k".into(), before: "1s".into(), after: "1ms".into(), how: "a tenth" },
            fate,
            why: String::new(),
            trial: None,
        };
        let all = [Fate::Caught, Fate::Refused, Fate::Equal, Fate::Missed].map(of);
        let expected = "2 of 3 mutations that change behaviour are caught (1 of them by the service, which \
                        refuses to start); 1 changes nothing here";
        assert_eq!(score(&all), expected);
    }

    #[test]
    fn what_cannot_be_broken_is_left_out() {
        assert!(after("never", Controls::Timeout).is_empty());
        assert_eq!(after("0", Controls::Attempts), Vec::<String>::new());
        assert_eq!(after("1", Controls::Pool), Vec::<String>::new());
    }
}
