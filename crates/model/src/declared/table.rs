//! Typed fields of a table: each gives a value or notes a mistake, never both, and reading goes on
//! so that one run shows all mistakes.

use std::time::Duration;

use text::{Entry, Node, NodeKind, Span, Style};

use super::Mistake;
use super::length::{NoLength, length};
use crate::Limit;
use crate::figures::in_a_row;
use crate::nearest::{did_you_mean, nearest};

/// Mistakes as they are found.
#[derive(Debug, Default)]
pub struct Mistakes {
    all: Vec<Mistake>,
    lacks: Vec<Lack>,
}

/// Something that a table lacks. All that one table lacks is one mistake.
#[derive(Debug)]
struct Lack {
    span: Span,
    table: String,
    what: String,
    add: String,
}

impl Mistakes {
    /// Notes a mistake.
    pub fn add(&mut self, span: Span, what: impl Into<String>, help: impl Into<String>) {
        self.all.push(Mistake { span, what: what.into(), help: help.into() });
    }

    /// The value if no mistake was noted.
    ///
    /// # Errors
    ///
    /// All mistakes, by place.
    pub fn or<T>(mut self, value: T) -> Result<T, Vec<Mistake>> {
        // Stable: what one table lacks stays in the order in which it was looked for.
        self.lacks.sort_by_key(|lack| (lack.span, lack.table.clone()));
        let of_one_table = |a: &Lack, b: &Lack| (a.span, &a.table) == (b.span, &b.table);
        for lacks in self.lacks.chunk_by(of_one_table) {
            let row = |of: fn(&Lack) -> &String| in_a_row(&lacks.iter().map(of).cloned().collect::<Vec<_>>());
            let what = format!("{} without {}", lacks[0].table, row(|lack| &lack.what));
            let help = format!("add {}", row(|lack| &lack.add));
            self.all.push(Mistake { span: lacks[0].span, what, help });
        }
        if self.all.is_empty() {
            return Ok(value);
        }
        self.all.sort_by_key(|mistake| (mistake.span, mistake.what.clone()));
        Err(self.all)
    }
}

/// A table whose keys are known.
#[derive(Debug)]
pub struct Table<'t> {
    node: Node<'t>,
    /// As people write it: `[margins]`, `[[call]]`.
    name: String,
    /// What stands below a key that is not known, by the known one that seems to be meant: it is read as
    /// that one, so that a slip of the finger is one mistake, and not also that the other key is missing.
    meant: Vec<(String, Node<'t>)>,
    is_sound: bool,
}

impl<'t> Table<'t> {
    /// The table at a node. Keys that are not known are mistakes.
    pub fn new(node: Node<'t>, name: impl Into<String>, known: &[&str], m: &mut Mistakes) -> Option<Self> {
        let name = name.into();
        if node.kind() != NodeKind::Map {
            m.add(
                node.span(),
                format!("{name} is {}, not a table", kind(node)),
                format!("write {name} and its keys below it"),
            );
            return None;
        }
        let (mut meant, mut is_sound) = (Vec::new(), true);
        for entry in node.written_entries() {
            let key = entry.key.text();
            if !known.contains(&key) {
                is_sound = false;
                let help = did_you_mean(key, &format!("keys of {name}"), known);
                m.add(entry.key.span(), format!("{name} has no key `{key}`"), help);
                let absent = known.iter().copied().filter(|known| node.get(known).is_none());
                meant.extend(nearest(key, absent).map(|near| (near.to_owned(), entry.value)));
            }
        }
        Some(Self { node, name, meant, is_sound })
    }

    /// The table at a node whose keys somebody else knows.
    pub fn open(node: Node<'t>, name: impl Into<String>, m: &mut Mistakes) -> Option<Self> {
        let keys: Vec<&str> = node.written_entries().map(|entry| entry.key.text()).collect();
        Self::new(node, name, &keys, m)
    }

    /// The tables of a list of tables (`[[call]]`).
    pub fn list(node: Option<Node<'t>>, name: &str, known: &[&str], m: &mut Mistakes) -> Vec<Self> {
        let Some(node) = node else { return Vec::new() };
        if node.kind() != NodeKind::List {
            m.add(
                node.span(),
                format!("`{}` is {}, not a list of tables", name.trim_matches(['[', ']']), kind(node)),
                format!("write {name}, once for each"),
            );
            return Vec::new();
        }
        node.items().filter_map(|item| Self::new(item, name, known, m)).collect()
    }

    /// The value of a key, whatever it is.
    pub fn get(&self, key: &str) -> Option<Node<'t>> {
        let meant = || self.meant.iter().find(|(known, _)| known == key).map(|&(_, value)| value);
        self.node.get(key).or_else(meant)
    }

    /// Whether all keys are known. Where one is not, what seems to be missing may stand below it.
    pub fn is_sound(&self) -> bool {
        self.is_sound
    }

    /// Notes that the table lacks something that must be there, and what to add.
    pub fn lacks(&self, what: impl Into<String>, add: impl Into<String>, m: &mut Mistakes) {
        let (what, add) = (what.into(), add.into());
        m.lacks.push(Lack { span: self.span(), table: self.name.clone(), what, add });
    }

    /// Where to point for a key: its value, or the table where it is absent.
    pub fn place(&self, key: &str) -> Span {
        self.get(key).map_or_else(|| self.span(), Node::span)
    }

    /// Where to point for the table: its first key, since the whole of it can be long.
    pub fn span(&self) -> Span {
        self.node.written_entries().next().map_or_else(|| self.node.span(), |entry| entry.key.span())
    }

    /// A text.
    pub fn text(&self, key: &str, m: &mut Mistakes) -> Option<&'t str> {
        self.get(key).and_then(|node| self.text_of(key, node, m))
    }

    /// A text that must be there.
    pub fn needed_text(&self, key: &str, m: &mut Mistakes) -> Option<&'t str> {
        let text = self.text(key, m);
        if self.get(key).is_none() {
            self.lacks(format!("`{key}`"), format!("`{key} = \"...\"`"), m);
        } else if text.is_some_and(|text| text.trim().is_empty()) {
            m.add(self.place(key), format!("`{key}` is empty"), "say what it is");
            return None;
        }
        text
    }

    fn text_of(&self, key: &str, node: Node<'t>, m: &mut Mistakes) -> Option<&'t str> {
        match node.scalar() {
            Some(scalar) if scalar.style() != Style::Plain => Some(scalar.text()),
            _ => {
                self.wrong(key, node, "a text", "put it in quotes", m);
                None
            }
        }
    }

    fn wrong(&self, key: &str, node: Node<'t>, expected: &str, help: &str, m: &mut Mistakes) {
        let what = format!("`{key}` of {} is {}, not {expected}", self.name, kind(node));
        m.add(node.span(), what, help);
    }

    /// A list of texts; one text alone counts as a list of one.
    pub fn texts(&self, key: &str, m: &mut Mistakes) -> Vec<(&'t str, Span)> {
        let Some(node) = self.get(key) else { return Vec::new() };
        match node.kind() {
            NodeKind::List => {
                node.items().filter_map(|item| Some((self.text_of(key, item, m)?, item.span()))).collect()
            }
            NodeKind::Scalar => self.text_of(key, node, m).map(|t| (t, node.span())).into_iter().collect(),
            NodeKind::Map => {
                self.wrong(key, node, "a list of texts", "write `[\"...\", \"...\"]`", m);
                Vec::new()
            }
        }
    }

    /// `true` or `false`.
    pub fn flag(&self, key: &str, m: &mut Mistakes) -> Option<bool> {
        let node = self.get(key)?;
        match plain(node) {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => {
                self.wrong(key, node, "a flag", "write `true` or `false`, without quotes", m);
                None
            }
        }
    }

    /// A whole number from 0 up.
    pub fn count(&self, key: &str, m: &mut Mistakes) -> Option<u64> {
        let node = self.get(key)?;
        let count = plain(node).and_then(|text| text.replace('_', "").parse().ok());
        if count.is_none() {
            self.wrong(key, node, "a count", "write a whole number from 0 up, without quotes", m);
        }
        count
    }

    /// A number in a range.
    pub fn number(
        &self,
        key: &str,
        range: std::ops::RangeInclusive<f64>,
        help: &str,
        m: &mut Mistakes,
    ) -> Option<f64> {
        let node = self.get(key)?;
        let Some(number) = plain(node).and_then(|text| text.replace('_', "").parse::<f64>().ok()) else {
            self.wrong(key, node, "a number", help, m);
            return None;
        };
        if range.contains(&number) {
            return Some(number);
        }
        m.add(node.span(), format!("`{key}` of {} is out of range: {number}", self.name), help);
        None
    }

    /// A length of time, with its unit.
    pub fn length(&self, key: &str, m: &mut Mistakes) -> Option<Duration> {
        length_at(self.get(key)?, key, m)
    }

    /// A length of time, or `"never"`.
    pub fn limit(&self, key: &str, m: &mut Mistakes) -> Option<Limit> {
        let node = self.get(key)?;
        if node.text() == Some("never") {
            return Some(Limit::Never);
        }
        length_at(node, key, m).map(Limit::After)
    }

    /// One of the words of a table of words.
    pub fn word<T: Copy>(&self, key: &str, words: &[(&str, T)], m: &mut Mistakes) -> Option<T> {
        let node = self.get(key)?;
        let word = self.text_of(key, node, m)?;
        word_of(key, word, node.span(), words, m)
    }

    /// The entries of a table whose keys are free names.
    pub fn named(node: Option<Node<'t>>, name: &str, m: &mut Mistakes) -> Vec<Entry<'t>> {
        let Some(node) = node else { return Vec::new() };
        if node.kind() != NodeKind::Map {
            m.add(
                node.span(),
                format!("{name} is {}, not a table", kind(node)),
                format!("write {name} and its keys below it"),
            );
        }
        node.entries()
    }
}

/// One of the words of a table of words.
pub fn word_of<T: Copy>(
    key: &str,
    word: &str,
    span: Span,
    words: &[(&str, T)],
    m: &mut Mistakes,
) -> Option<T> {
    let found = words.iter().find(|(name, _)| *name == word).map(|&(_, value)| value);
    if found.is_none() {
        let names: Vec<&str> = words.iter().map(|&(name, _)| name).collect();
        m.add(span, format!("`{key}` is unknown: `{word}`"), did_you_mean(word, "allowed", &names));
    }
    found
}

/// A length of time at a node.
pub fn length_at(node: Node<'_>, key: &str, m: &mut Mistakes) -> Option<Duration> {
    const HELP: &str = "write a number with its unit in quotes: \"300ms\", \"1.5s\", \"2min\"";
    let Some(text) = node.text() else {
        m.add(node.span(), format!("`{key}` is {}, not a length of time", kind(node)), HELP);
        return None;
    };
    match length(text) {
        Ok(length) => Some(length),
        Err(why) => {
            let what = match why {
                NoLength::NoUnit => format!("`{key}` has no unit"),
                NoLength::Negative => format!("`{key}` is negative"),
                NoLength::NotALength => format!("`{key}` is no length of time"),
            };
            m.add(node.span(), what, HELP);
            None
        }
    }
}

/// The text of a scalar without quotes.
pub fn plain(node: Node<'_>) -> Option<&str> {
    node.scalar().filter(|scalar| scalar.style() == Style::Plain).map(text::Scalar::text)
}

/// What a node is, in words.
pub fn kind(node: Node<'_>) -> &'static str {
    match node.kind() {
        NodeKind::List => "a list",
        NodeKind::Map => "a table",
        NodeKind::Scalar => match plain(node) {
            None => "a text",
            Some("true" | "false") => "a flag",
            Some(_) => "a number",
        },
    }
}
