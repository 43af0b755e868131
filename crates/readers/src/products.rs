//! What products document about their own keys: the unit of a bare number, what a limit covers,
//! what 0 means, what holds where nothing is written. Rows apply by a product's own file names and
//! key paths, or in a file that is recognised as the product's by its keys; never by a repository.
//! The facts are rows of `table` and of the products in `recognised`; what is not documented has none.

mod authentication;
mod recognised;
mod table;

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use model::{Covers, Knob, Limit, TimeUnit, Value};

use crate::setting::Place;
use crate::words::split_once;
use crate::{Meaning, Zero};

pub(crate) use recognised::{Product, recognise};

use table::ROWS;

/// The pages of products that are read without a dialect of their own: where each lies in `src`, and
/// what it says.
pub static PRODUCT_PAGES: &[(&str, &str)] =
    &[("products/authentication.md", include_str!("products/authentication.md"))];

/// One documented fact about keys of a product.
#[derive(Debug)]
pub(crate) struct Row {
    /// File names, `|` between alternatives; empty for any file.
    files: &'static str,
    /// Keys with the end of their path, `|` between alternatives. Case, `-`, `_` and `.` do not count,
    /// so that `hikari.connection-timeout` is `hikari: { connectionTimeout }` as well as
    /// `HIKARI_CONNECTION_TIMEOUT`. What stands before a `**` may be anywhere in the path.
    #[cfg_attr(not(test), expect(dead_code, reason = "`ends` are made of it; the tests name rows by it"))]
    keys: &'static str,
    /// The same, taken apart.
    ends: [Option<PathEnd>; Row::MOST],
    /// What the keys control; `None` where their words say it.
    pub(crate) knob: Option<Knob>,
    /// The unit of a bare number.
    bare: Option<TimeUnit>,
    /// What 0 means.
    zero: Zero,
    /// The unit that a well-known other product gives a key of this name.
    elsewhere: Option<TimeUnit>,
    /// Numbers that its consumer takes for something else.
    taken: &'static [Taken],
    /// What holds where the key is absent; only in the file of a recognised product.
    pub(crate) default: Option<Absent>,
    /// Where it is documented.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by people and by the test of the table"))]
    source: &'static str,
}

/// A value as a fact states it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Held {
    Seconds(u64),
    Count(u64),
    Text(&'static str),
    /// No time limit.
    Never,
    /// Any number of them.
    Unlimited,
}

impl Held {
    /// As the model has it.
    pub(crate) fn value(self) -> Value {
        match self {
            Self::Seconds(number) => Value::Time(Limit::After(Duration::from_secs(number))),
            Self::Count(count) => Value::Count(count),
            Self::Text(text) => Value::Text(text.to_owned()),
            Self::Never => Value::Time(Limit::Never),
            Self::Unlimited => Value::Text("unlimited".to_owned()),
        }
    }
}

/// A number that the consumer of a key takes for something else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    /// As written, without unit.
    number: f64,
    /// What it stands for.
    pub(crate) holds: Held,
    /// What the consumer does, with its document, where nobody would expect it: what is written then
    /// does not hold. `None` where the spelling is the documented one.
    pub(crate) against: Option<&'static str>,
}

/// A spelling that the document defines: -1 for ever, 0 unlimited.
const fn spelt(number: f64, holds: Held) -> Taken {
    Taken { number, holds, against: None }
}

/// A number that says one thing and holds another.
const fn unheeded(number: f64, holds: Held, why: &'static str) -> Taken {
    Taken { number, holds, against: Some(why) }
}

/// What holds where a key is absent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Absent {
    /// What holds.
    pub(crate) holds: Held,
    /// Whose default.
    pub(crate) of: &'static str,
    /// For which versions, and where that is documented.
    pub(crate) version: &'static str,
    /// The block without which nobody asks for the key, as a path from the root; empty for the file.
    pub(crate) needs: &'static str,
    /// A choice made elsewhere in the file that decides whether the key counts.
    pub(crate) when: Option<Choice>,
}

/// A choice between alternatives, one of which a key belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    /// The key that chooses, with its path.
    pub(crate) key: &'static str,
    /// Its values for this alternative, `|` between them.
    pub(crate) says: &'static str,
    /// Whether this alternative holds where nothing is chosen.
    pub(crate) unsaid: bool,
}

/// The end of a key's path.
#[derive(Debug, Clone, Copy)]
struct PathEnd {
    /// What must stand somewhere before it.
    behind: Option<&'static str>,
    end: &'static str,
}

impl Row {
    /// No row has more alternatives.
    const MOST: usize = 3;

    const fn ends(keys: &'static str) -> [Option<PathEnd>; Self::MOST] {
        let mut ends = [None; Self::MOST];
        let mut count = 0;
        let mut rest = Some(keys);
        while let Some(keys) = rest {
            let (key, others) = split_once(keys, "|");
            ends[count] = Some(match split_once(key, "**") {
                (before, Some(end)) => PathEnd { behind: Some(before), end },
                (end, None) => PathEnd { behind: None, end },
            });
            count += 1;
            rest = others;
        }
        ends
    }

    /// Whether it speaks of files of a name.
    fn is_within(&self, file: &str) -> bool {
        self.files.is_empty() || self.files.split('|').any(|name| name == file)
    }

    /// Whether the keys are the whole path, from the root on.
    fn is_whole(&self, path: &Flat) -> bool {
        self.ends.iter().flatten().any(|PathEnd { behind, end }| match (path.ends_with(end), behind) {
            (Some(at), None) => at == 0,
            (Some(at), Some(before)) => path.starts_with(before, at),
            (None, _) => false,
        })
    }

    /// The key of a row of one key, as written in the table.
    pub(crate) fn key(&self) -> &'static str {
        self.ends[0].map_or("", |only| only.end)
    }

    /// What a number stands for to the consumer, where that is something else.
    pub(crate) fn taken(&self, number: f64) -> Option<&'static Taken> {
        self.taken.iter().find(|taken| taken.number == number)
    }

    /// The meaning of a key that its words already class as `knob`.
    pub(crate) fn meaning(&self, knob: Option<Knob>) -> Option<Meaning> {
        let knob = self.knob.or(knob)?;
        Some(Meaning { knob, bare: self.bare, zero: self.zero, elsewhere: self.elsewhere })
    }

    pub(crate) const fn literal(self) -> Self {
        Self { zero: Zero::Literal, ..self }
    }

    pub(crate) const fn elsewhere(self, unit: TimeUnit) -> Self {
        Self { elsewhere: Some(unit), ..self }
    }

    const fn taking(self, taken: &'static [Taken]) -> Self {
        Self { taken, ..self }
    }

    /// What holds where the key is absent.
    const fn or(self, holds: Held, of: &'static str, version: &'static str) -> Self {
        let default = Absent { holds, of, version, needs: "", when: None };
        Self { default: Some(default), ..self }
    }

    /// The default holds only where there is such a block.
    const fn needs(self, block: &'static str) -> Self {
        let Some(default) = self.default else { panic!("only a default needs a block") };
        Self { default: Some(Absent { needs: block, ..default }), ..self }
    }

    /// The default holds only where a key chooses it.
    const fn when(self, key: &'static str, says: &'static str, unsaid: bool) -> Self {
        let Some(default) = self.default else { panic!("only a default is chosen") };
        let when = Some(Choice { key, says, unsaid });
        Self { default: Some(Absent { when, ..default }), ..self }
    }

    const fn within(self, files: &'static str) -> Self {
        Self { files, ..self }
    }
}

pub(crate) const fn row(
    keys: &'static str,
    knob: Option<Knob>,
    bare: Option<TimeUnit>,
    source: &'static str,
) -> Row {
    Row {
        files: "",
        keys,
        ends: Row::ends(keys),
        knob,
        bare,
        zero: Zero::Never,
        elsewhere: None,
        taken: &[],
        default: None,
        source,
    }
}

/// A limit whose bare number has a unit.
pub(crate) const fn limit(keys: &'static str, covers: Covers, unit: TimeUnit, source: &'static str) -> Row {
    row(keys, Some(Knob::Timeout(covers)), Some(unit), source)
}

/// A unit alone: what the keys control, their words say.
pub(crate) const fn unit(keys: &'static str, unit: TimeUnit, source: &'static str) -> Row {
    row(keys, None, Some(unit), source)
}

/// A meaning without a time.
pub(crate) const fn means(keys: &'static str, knob: Knob, source: &'static str) -> Row {
    row(keys, Some(knob), None, source)
}

/// All facts. Those of a dialect stand with it and hold elsewhere too, in an environment for instance.
fn all() -> impl Iterator<Item = &'static Row> {
    crate::spring::ROWS.iter().chain(ROWS)
}

/// A row and one of the ends of paths that it is of.
struct Entry {
    /// Its place in the table.
    number: usize,
    row: &'static Row,
    /// What must stand somewhere before the end.
    behind: Option<&'static str>,
}

/// The table by the ends of paths, in the spelling of a [`Flat`].
static BY_END: LazyLock<HashMap<Vec<u8>, Vec<Entry>>> = LazyLock::new(|| {
    let mut by_end: HashMap<_, Vec<Entry>> = HashMap::new();
    for (number, row) in all().enumerate() {
        for PathEnd { behind, end } in row.ends.iter().flatten() {
            let key: Vec<u8> = flat(end).map(|byte| byte.to_ascii_lowercase()).collect();
            by_end.entry(key).or_default().push(Entry { number, row, behind: *behind });
        }
    }
    by_end
});

/// The row for a key: the first of the table that speaks of its path and file.
pub(crate) fn find(place: &Place<'_>) -> Option<&'static Row> {
    let path = Flat::of(place);
    if let Some(row) = place.product.and_then(|product| product.rows.iter().find(|row| row.is_whole(&path))) {
        return Some(row);
    }
    let file = place.file.rsplit('/').next().unwrap_or(place.file);
    let found = path.ends().filter_map(|(at, end)| {
        let speaks = |entry: &&Entry| {
            entry.behind.is_none_or(|before| path.holds(before, at)) && entry.row.is_within(file)
        };
        BY_END.get(end)?.iter().find(speaks)
    });
    found.min_by_key(|entry| entry.number).map(|entry| entry.row)
}

/// The bytes of a key that count in every spelling.
fn flat(key: &str) -> impl DoubleEndedIterator<Item = u8> {
    key.bytes().filter(u8::is_ascii_alphanumeric)
}

/// A path without what spellings differ in: letters and digits only, lower case, item numbers left
/// out; with the places at which a word or segment starts.
struct Flat {
    bytes: [u8; Flat::MOST],
    starts: [bool; Flat::MOST],
    length: usize,
}

impl Flat {
    /// The end of a path that is looked at; no row needs more.
    const MOST: usize = 192;

    fn of(place: &Place<'_>) -> Self {
        let mut flat = Self { bytes: [0; Self::MOST], starts: [false; Self::MOST], length: 0 };
        let segments = place.parents.iter().filter(|parent| !parent.starts_with('['));
        // Of a path that is too long its beginning is left out.
        let total: usize = segments.clone().map(|part| part.len()).sum::<usize>() + place.leaf.len();
        let mut skip = total.saturating_sub(Self::MOST);
        for segment in segments.chain([&place.leaf]) {
            let mut starts = true;
            for &byte in segment.as_bytes() {
                if skip > 0 {
                    skip -= 1;
                } else if !byte.is_ascii_alphanumeric() {
                    starts = true;
                } else {
                    flat.bytes[flat.length] = byte.to_ascii_lowercase();
                    flat.starts[flat.length] = starts;
                    flat.length += 1;
                    starts = false;
                }
            }
        }
        flat
    }

    /// What the path ends with from the start of each word on, and where that is.
    fn ends(&self) -> impl Iterator<Item = (usize, &[u8])> {
        (0..self.length).filter(|&at| self.starts[at]).map(|at| (at, &self.bytes[at..self.length]))
    }

    /// Whether the path ends with a key, from the start of a word on; gives where.
    fn ends_with(&self, key: &str) -> Option<usize> {
        let mut at = self.length;
        for byte in flat(key).rev() {
            at = at.checked_sub(1)?;
            if self.bytes[at] != byte.to_ascii_lowercase() {
                return None;
            }
        }
        (at < self.length && self.starts[at]).then_some(at)
    }

    /// Whether the path starts with a key that ends before `end`.
    fn starts_with(&self, key: &str, end: usize) -> bool {
        let wanted = || flat(key);
        let found = &self.bytes[..end];
        wanted().count() <= end && wanted().zip(found).all(|(want, have)| want.eq_ignore_ascii_case(have))
    }

    /// Whether the path holds a key before `end`, from the start of a word on.
    fn holds(&self, key: &str, end: usize) -> bool {
        let wanted = || flat(key);
        (0..end).filter(|&start| self.starts[start]).any(|start| {
            let found = &self.bytes[start..end];
            wanted().count() <= found.len()
                && wanted().zip(found).all(|(want, have)| want.eq_ignore_ascii_case(have))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str, key: &str) -> Option<&'static str> {
        let segments: Vec<&str> = key.split('/').collect();
        let (leaf, parents) = segments.split_last()?;
        find(&Place { file, parents, leaf, product: None }).map(|row| row.keys)
    }

    #[test]
    fn a_row_is_found_in_every_spelling_of_its_key() {
        for key in [
            "spring/datasource/hikari/connection-timeout",
            "spring/datasource/hikari/connectionTimeout",
            "SPRING_DATASOURCE_HIKARI_CONNECTION_TIMEOUT",
            "HIKARI_CONNECTIONTIMEOUT",
        ] {
            assert_eq!(found("application.yml", key), Some("hikari.connectionTimeout"), "{key}");
        }
        assert_eq!(found("a.yml", "myhikari/connectionTimeout"), None);
        assert_eq!(found("a.yml", "connectionTimeout"), None);
    }

    #[test]
    fn what_stands_before_two_stars_may_be_anywhere_in_the_path() {
        let keys = "resilience4j.retry**maxAttempts";
        assert_eq!(found("a.yml", "resilience4j/retry/instances/directory/max-attempts"), Some(keys));
        assert_eq!(found("a.yml", "spring/retry/instances/directory/max-attempts"), None);
    }

    #[test]
    fn a_row_of_a_file_holds_in_that_file_alone() {
        assert_eq!(found("etc/redis/redis.conf", "timeout"), Some("timeout"));
        assert_eq!(found("etc/redis.yaml", "timeout"), None);
        assert_eq!(found("service_config.json", "methodConfig/[0]/timeout"), Some("methodConfig.timeout"));
    }

    #[test]
    fn the_longer_of_two_keys_that_end_alike_has_its_own_row() {
        let longest = found("a.yml", "resilience4j/retry/instances/a/exponential-max-wait-duration");
        assert_eq!(longest, Some("resilience4j.retry**exponentialMaxWaitDuration"));
        let first = found("a.yml", "resilience4j/retry/instances/a/wait-duration");
        assert_eq!(first, Some("resilience4j.retry**waitDuration"));
    }

    #[test]
    fn names_that_other_products_use_too_are_read_by_their_file() {
        assert_eq!(found("etc/rabbitmq.conf", "heartbeat"), Some("heartbeat"));
        assert_eq!(found("app.yaml", "heartbeat"), None);
        assert_eq!(found("etc/kafka/client.properties", "request/timeout/ms"), Some("request.timeout.ms"));
        assert_eq!(found("app.properties", "request/timeout/ms"), None);
        assert_eq!(found("config/database.yml", "production/idle_timeout"), Some("idle_timeout"));
    }

    #[test]
    fn every_row_names_a_product_with_its_document_and_says_something() {
        for row in all().chain(recognised::PRODUCTS.iter().flat_map(|product| product.rows)) {
            assert!(row.source.split_whitespace().count() >= 2, "{}: {}", row.keys, row.source);
            assert!(row.source.starts_with(char::is_alphabetic), "{}: {}", row.keys, row.source);
            assert!(row.knob.is_some() || row.bare.is_some(), "{}", row.keys);
        }
    }
}
