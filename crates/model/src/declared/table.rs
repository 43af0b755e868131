//! Typed fields of a table: each gives a value or notes a mistake, never both, and reading goes on
//! so that one run shows all mistakes.

use std::time::Duration;

use text::{Entry, Node, NodeKind, Span, Style};

use super::Mistake;
use super::length::{NoLength, length};
use crate::Limit;
use crate::nearest::did_you_mean;

/// Mistakes as they are found.
#[derive(Debug, Default)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// Notes a mistake.
    pub fn add(&mut self, span: Span, what: impl Into<String>, help: impl Into<String>) {
        self.0.push(Mistake { span, what: what.into(), help: help.into() });
    }

    /// The value if no mistake was noted.
    ///
    /// # Errors
    ///
    /// All mistakes, by place.
    pub fn or<T>(mut self, value: T) -> Result<T, Vec<Mistake>> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0.sort_by_key(|mistake| (mistake.span, mistake.what.clone()));
        Err(self.0)
    }
}

/// A table whose keys are known.
#[derive(Debug)]
pub struct Table<'t> {
    node: Node<'t>,
    /// As people write it: `[margins]`, `[[call]]`.
    name: String,
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
        for entry in node.written_entries() {
            let key = entry.key.text();
            if !known.contains(&key) {
                let help = did_you_mean(key, &format!("keys of {name}"), known);
                m.add(entry.key.span(), format!("{name} has no key `{key}`"), help);
            }
        }
        Some(Self { node, name })
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
        self.node.get(key)
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
            m.add(self.span(), format!("{} without `{key}`", self.name), format!("add `{key} = \"...\"`"));
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
