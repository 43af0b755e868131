//! A configuration as it was written, TOML with the environment laid over it, before anyone knows what
//! its keys mean: every key and value with its place.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::environment::Environment;
use super::mistake::{Mistake, Place};

/// A value and the place of its key and of itself.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Where the key is.
    pub(super) key: Place,
    /// Where the value is.
    pub(super) value: Place,
    /// What it is.
    pub(super) node: Node,
}

/// What stands somewhere.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// Keys below.
    Table(BTreeMap<String, Entry>),
    /// Values in order.
    List(Vec<Entry>),
    /// Text in quotes.
    Text(String),
    /// A whole number; `None` where it is longer than any of ours.
    Integer(Option<i64>),
    /// A number with a fraction.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// A date or a time of the day.
    Date,
    /// The value of a variable, which becomes what its key needs.
    Variable(String),
}

/// A text and an environment, read as far as anyone can who does not know the keys.
pub(super) struct Parsed {
    /// What they say.
    pub(super) root: Entry,
    /// Where the text is no TOML.
    pub(super) malformed: Vec<Malformed>,
    /// Variables without a value.
    pub(super) empty: Vec<Mistake>,
}

/// A place where a text is no TOML.
pub(super) struct Malformed {
    /// What to say of it.
    pub(super) mistake: Mistake,
    /// Whether it spoils no more than its own line. Else what the other lines mean is a guess: they may
    /// belong to other tables than it seems.
    pub(super) alone: bool,
}

/// Reads a text and lays an environment over it.
pub(super) fn parse(text: &str, environment: &Environment) -> Parsed {
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let node = Node::Table(keys(table.get_ref(), &lines));
    let mut root = Entry { key: Place::File, value: Place::File, node };
    let mut empty = Vec::new();
    for (name, path, value) in environment.overrides() {
        if value.is_empty() {
            let help = "give it a value, or unset it".to_owned();
            let place = Place::Variable(name.to_owned());
            empty.push(Mistake::error(place, path.join("."), "the variable is empty".to_owned(), help));
        } else {
            lay_over(&mut root, name, &path, value);
        }
    }
    let malformed = errors.iter().map(|error| malformed(error, &lines)).collect();
    Parsed { root, malformed, empty }
}

/// What to say of an error of the parser's, whose own display would repeat the line, secrets and all.
fn malformed(error: &toml::de::Error, lines: &Lines<'_>) -> Malformed {
    let start = error.span().map(|span| span.start);
    let place = start.map_or(Place::File, |start| lines.place(start));
    let say = |what: String, help: &str| Mistake::error(place.clone(), "", what, help.to_owned());
    match error.message() {
        message if message.contains("duplicate key") => {
            let mistake = say("the key stands here for the second time".to_owned(), "write it once");
            Malformed { mistake, alone: true }
        }
        message if message.contains("must be quoted") => {
            let written = start.map_or("", |start| lines.whole(start)).trim_start();
            let alone = written.contains('=') && !written.starts_with('[');
            let mistake = say(
                "a value needs quotes, unless it is a number, true or false".to_owned(),
                "write it in double quotes",
            );
            Malformed { mistake, alone }
        }
        message => {
            let what = format!("this is no TOML: {}", message.replace("invalid ", "malformed "));
            Malformed {
                mistake: say(what, "correct it; the rest is read only once this is TOML"),
                alone: false,
            }
        }
    }
}

fn keys(table: &DeTable<'_>, lines: &Lines<'_>) -> BTreeMap<String, Entry> {
    table
        .iter()
        .map(|(key, value)| {
            let places = (lines.place(key.span().start), lines.place(value.span().start));
            let node = node(value.get_ref(), lines);
            (key.get_ref().to_string(), Entry { key: places.0, value: places.1, node })
        })
        .collect()
}

fn node(value: &DeValue<'_>, lines: &Lines<'_>) -> Node {
    match value {
        DeValue::String(text) => Node::Text(text.to_string()),
        DeValue::Integer(number) => Node::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok()),
        DeValue::Float(number) => Node::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(truth) => Node::Boolean(*truth),
        DeValue::Datetime(_) => Node::Date,
        DeValue::Array(values) => {
            let entry = |value: &toml::Spanned<DeValue<'_>>| {
                let place = lines.place(value.span().start);
                Entry { key: place.clone(), value: place, node: node(value.get_ref(), lines) }
            };
            Node::List(values.iter().map(entry).collect())
        }
        DeValue::Table(table) => Node::Table(keys(table, lines)),
    }
}

/// Sets one key. Where the file has something else than a table on the way, the file's mistake is the
/// one to tell.
fn lay_over(root: &mut Entry, name: &str, path: &[String], value: &str) {
    let place = Place::Variable(name.to_owned());
    let here = |node| Entry { key: place.clone(), value: place.clone(), node };
    let Some((last, tables)) = path.split_last() else { return };
    let mut entry = root;
    for table in tables {
        let Node::Table(keys) = &mut entry.node else { return };
        entry = keys.entry(table.clone()).or_insert_with(|| here(Node::Table(BTreeMap::new())));
    }
    if let Node::Table(keys) = &mut entry.node {
        keys.insert(last.clone(), here(Node::Variable(value.to_owned())));
    }
}

/// Finds lines and columns of bytes.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The line around a byte.
    fn whole(&self, byte: usize) -> &'a str {
        let line = self.starts.partition_point(|start| *start <= byte);
        let start = self.starts[line.saturating_sub(1)];
        self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or("")
    }

    fn place(&self, byte: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= byte);
        let start = self.starts[line.saturating_sub(1)];
        let before = self.text.get(start..byte).map_or(0, |text| text.chars().count());
        Place::Line { line, column: before + 1 }
    }
}
