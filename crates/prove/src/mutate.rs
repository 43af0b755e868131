//! Known ways to break a configuration: the proof that a test is not empty. Which keys there are and what
//! they control, whoever reads configurations says; here is only what is made of their text.

/// What a setting controls, as far as there is a known way to break it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controls {
    /// How long something may take.
    Timeout,
    /// How long an idle connection is kept.
    Idle,
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

/// All known ways to break settings. One that leaves the text as it is, is none.
#[must_use]
pub fn mutations(settings: &[Written]) -> Vec<Mutation> {
    settings.iter().flat_map(of).collect()
}

/// How it is broken, and what is made of a quantity then.
type Way = (&'static str, fn(&Quantity<'_>) -> Option<String>);

fn of(setting: &Written) -> Vec<Mutation> {
    let Some(quantity) = Quantity::parse(&setting.value) else { return Vec::new() };
    let ways: &[Way] = match setting.controls {
        Controls::Timeout => &[
            ("a tenth", |quantity| quantity.times(1, 10)),
            ("seconds for milliseconds", |quantity| quantity.in_unit("ms", "s")),
            ("milliseconds for seconds", |quantity| quantity.in_unit("s", "ms")),
        ],
        // Longer than the other side keeps it: whoever sends then meets a closed connection.
        Controls::Idle => &[("ten times", |quantity| quantity.times(10, 1))],
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
        assert_eq!(after("30", Controls::Timeout), ["3"]);
        assert_eq!(after("64", Controls::Pool), ["12"]);
        assert_eq!(after("3", Controls::Attempts), ["0", "15"]);
        assert_eq!(after("30s", Controls::Idle), ["300s"]);
    }

    #[test]
    fn what_cannot_be_broken_is_left_out() {
        assert!(after("never", Controls::Timeout).is_empty());
        assert_eq!(after("0", Controls::Attempts), Vec::<String>::new());
        assert_eq!(after("1", Controls::Pool), Vec::<String>::new());
    }
}
