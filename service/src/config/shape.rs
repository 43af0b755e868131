//! Makes a role's type of a [`tree`](super::tree): a deserializer that knows the path and the place of
//! whatever fails, lists the keys that a table has and its type does not, and can be told to leave out
//! keys that failed before. Which keys there are, and what may be in them, is asked of the types.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, Expected, MapAccess, SeqAccess, Unexpected, Visitor};

use super::tree::{Entry, Node};

/// Why a value was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// A key is needed and not there.
    Missing(&'static str),
    /// Something else is wrong: what, in a sentence without an end.
    Other(String),
}

/// A value that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unread {
    /// The key of the value, or of the table that lacks one. `None` until it is known.
    pub(super) path: Option<String>,
    /// Why.
    pub(super) cause: Cause,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Missing(key) => write!(f, "`{key}` is missing"),
            Cause::Other(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Unread {}

impl de::Error for Unread {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self { path: None, cause: Cause::Other(what.to_string()) }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { path: None, cause: Cause::Missing(field) }
    }

    // What stands there is named by its kind alone: it may be a secret in the wrong place.
    fn invalid_type(found: Unexpected<'_>, needed: &dyn Expected) -> Self {
        Self::custom(format!("{} is needed, and {} stands here", in_words(needed), kind(&found)))
    }

    fn invalid_value(found: Unexpected<'_>, needed: &dyn Expected) -> Self {
        match found {
            Unexpected::Signed(number) => Self::custom(outside(number, needed)),
            Unexpected::Unsigned(number) => Self::custom(outside(number, needed)),
            found => Self::invalid_type(found, needed),
        }
    }
}

fn outside(number: impl fmt::Display, needed: &dyn Expected) -> String {
    match needed.to_string().as_str() {
        "u32" => format!("{number} is out of range: 0 to {}", u32::MAX),
        "a nonzero u32" => format!("{number} is out of range: 1 to {}", u32::MAX),
        _ => format!("{number} is out of range"),
    }
}

fn kind(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a number",
        Unexpected::Float(_) => "a number with a fraction",
        Unexpected::Str(_) => "text",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a table",
        _ => "something else",
    }
}

fn in_words(needed: &dyn Expected) -> String {
    match needed.to_string().as_str() {
        "u8" | "u16" | "u32" | "u64" | "usize" | "a nonzero u32" => "a whole number".to_owned(),
        "a string" | "path string" => "text in double quotes".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a boolean" => "true or false".to_owned(),
        table if table.starts_with("struct ") => "a table".to_owned(),
        other => other.to_owned(),
    }
}

/// A key that a table has and its type does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unknown {
    /// The key.
    pub(super) key: String,
    /// The keys that its table may have.
    pub(super) known: &'static [&'static str],
}

/// What is noted on the way, across attempts.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Keys to be left out, by path.
    pub(super) left_out: BTreeSet<String>,
    /// Unknown keys, by path.
    pub(super) unknown: RefCell<BTreeMap<String, Unknown>>,
}

/// A value to be read.
#[derive(Debug, Clone)]
pub(super) struct Reading<'a> {
    /// The value.
    pub(super) entry: &'a Entry,
    /// Its key with all tables.
    pub(super) path: String,
    /// What is noted.
    pub(super) notes: &'a Notes,
}

impl<'a> Reading<'a> {
    fn below(&self, key: &str, entry: &'a Entry) -> Self {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { entry, path, notes: self.notes }
    }

    /// The keys of a table that are to be read.
    fn keys(&self, known: &'static [&'static str]) -> Option<Keys<'a>> {
        let Node::Table(keys) = &self.entry.node else { return None };
        let mut next = Vec::new();
        for (key, entry) in keys {
            let reading = self.below(key, entry);
            if !known.contains(&key.as_str()) {
                let unknown = Unknown { key: key.clone(), known };
                self.notes.unknown.borrow_mut().insert(reading.path, unknown);
            } else if !self.notes.left_out.contains(&reading.path) {
                next.push((key.as_str(), reading));
            }
        }
        Some(Keys { rest: next.into_iter(), value: None })
    }

    fn number<T: std::str::FromStr>(text: &str) -> Result<T, Unread> {
        text.trim()
            .parse()
            .map_err(|_| de::Error::custom("a whole number is needed, and the variable has none"))
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
            match &self.entry.node {
                Node::Variable(text) => visitor.$visit(Self::number::<$type>(text)?),
                _ => self.deserialize_any(visitor),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Reading<'_> {
    type Error = Unread;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        match &self.entry.node {
            Node::Text(text) | Node::Variable(text) => visitor.visit_str(text),
            Node::Integer(Some(number)) => visitor.visit_i64(*number),
            Node::Integer(None) => Err(de::Error::custom("the number is too long")),
            Node::Float(number) => visitor.visit_f64(*number),
            Node::Boolean(truth) => visitor.visit_bool(*truth),
            Node::Date => Err(de::Error::invalid_type(Unexpected::Other("a date"), &visitor)),
            Node::List(entries) => visitor.visit_seq(Elements { of: &self, rest: entries.iter(), at: 0 }),
            Node::Table(_) => Err(de::Error::invalid_type(Unexpected::Map, &visitor)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        match self.keys(known) {
            Some(keys) => visitor.visit_map(keys),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_newtype_struct(self)
    }

    /// A variable's list is written with commas.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        let Node::Variable(text) = &self.entry.node else { return self.deserialize_any(visitor) };
        let place = &self.entry.value;
        let entries: Vec<Entry> = text
            .split(',')
            .map(|part| Entry {
                key: place.clone(),
                value: place.clone(),
                node: Node::Variable(part.trim().to_owned()),
            })
            .collect();
        visitor.visit_seq(Elements { of: &self, rest: entries.iter(), at: 0 })
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        match &self.entry.node {
            Node::Variable(text) if text == "true" => visitor.visit_bool(true),
            Node::Variable(text) if text == "false" => visitor.visit_bool(false),
            _ => self.deserialize_any(visitor),
        }
    }

    numbers!(
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_i64 visit_i64 i64
    );

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple tuple_struct
        map enum identifier ignored_any
    }
}

/// The keys of a table, one after the other.
struct Keys<'a> {
    rest: std::vec::IntoIter<(&'a str, Reading<'a>)>,
    value: Option<Reading<'a>>,
}

impl<'de> MapAccess<'de> for Keys<'_> {
    type Error = Unread;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unread> {
        let Some((key, reading)) = self.rest.next() else { return Ok(None) };
        self.value = Some(reading);
        seed.deserialize(StrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unread> {
        let reading = self.value.take().expect("bug: a value is asked for once, after its key");
        let path = reading.path.clone();
        seed.deserialize(reading).map_err(|unread| Unread { path: unread.path.or(Some(path)), ..unread })
    }
}

/// The values of a list, one after the other.
struct Elements<'a> {
    of: &'a Reading<'a>,
    rest: std::slice::Iter<'a, Entry>,
    at: usize,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Unread;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Unread> {
        let Some(entry) = self.rest.next() else { return Ok(None) };
        self.at += 1;
        let reading = Reading { entry, path: self.of.path.clone(), notes: self.of.notes };
        let wrong = |unread: Unread| match unread.cause {
            Cause::Other(what) => <Unread as de::Error>::custom(format!("number {}: {what}", self.at)),
            Cause::Missing(_) => unread,
        };
        seed.deserialize(reading).map(Some).map_err(wrong)
    }
}
