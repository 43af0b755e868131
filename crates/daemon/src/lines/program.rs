//! A log format whose lines are literal text with fields between, as a program of fields and the text after
//! each: how NGINX and Envoy write lines.
//!
//! A field ends where the text after it first appears. So nothing that a client sends can move a field that
//! stands before it, and nothing before such a field can be moved where the writer escapes quotes.

use memchr::memchr;

use super::{Heard, Says};

/// What a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// Nothing that is needed.
    Other,
    /// A list of attempts, as NGINX writes one: "a, b : c".
    Attempts,
    /// The status, or "-".
    Status,
    /// The statuses of attempts; the last one counts.
    StatusOfAttempts,
    /// Seconds with a fraction, or "-".
    Seconds,
    /// Seconds of attempts, which add up.
    SecondsOfAttempts,
    /// Whole milliseconds, or "-".
    Millis,
    /// Method, path and version, one space between.
    Request,
    /// The path.
    Path,
    /// Words that tell why.
    Why,
}

/// What stands in the text of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text as it stands in each line.
    Text(Vec<u8>),
    /// A field, with the name it has in the format.
    Field(Field, String),
}

/// How a writer keeps quotes out of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    /// There are none in fields, or nothing is known: the first one ends a field.
    End,
    /// Those of a field have a backslash before them.
    Backslash,
}

#[derive(Debug)]
pub(super) struct Program {
    opening: Box<[u8]>,
    steps: Vec<Step>,
    quotes: Quotes,
}

/// A field and the text after it.
#[derive(Debug)]
struct Step {
    field: Field,
    text: Box<[u8]>,
}

impl Program {
    /// A program of a format's pieces.
    ///
    /// # Errors
    ///
    /// Where it cannot be told where a field that is needed ends.
    pub(super) fn new(pieces: Vec<Piece>, quotes: Quotes) -> Result<(Self, Says), String> {
        let mut opening = Vec::new();
        let mut steps: Vec<(Field, String, Vec<u8>)> = Vec::new();
        for piece in pieces {
            match (piece, steps.last_mut()) {
                (Piece::Text(text), None) => opening.extend(text),
                (Piece::Text(text), Some((.., after))) => after.extend(text),
                (Piece::Field(field, name), Some(last)) if last.2.is_empty() => {
                    last.0 = together((last.0, &last.1), (field, &name))?;
                    last.1 = name;
                }
                (Piece::Field(field, name), _) => steps.push((field, name, Vec::new())),
            }
        }
        let says = Says::of(steps.iter().map(|(field, ..)| *field));
        let steps = steps.into_iter().map(|(field, _, text)| Step { field, text: text.into() }).collect();
        Ok((Self { opening: opening.into(), steps, quotes }, says))
    }

    /// What a line says; nothing where it is not of the format.
    pub(super) fn read<'l>(&self, line: &'l [u8]) -> Option<Heard<'l>> {
        let mut rest = line.strip_prefix(&*self.opening)?;
        let mut heard = Heard::default();
        for step in &self.steps {
            let end = step.end(rest, self.quotes)?;
            let value = &rest[..end];
            rest = &rest[end + step.text.len()..];
            match step.field {
                Field::Other | Field::Attempts => {}
                Field::Status => heard.status = status(value)?,
                Field::StatusOfAttempts => {
                    heard.status = attempts(value).try_fold(0, |_, value| status(value))?;
                }
                Field::Seconds => heard.micros = seconds(value)?,
                Field::SecondsOfAttempts => {
                    heard.micros =
                        attempts(value).try_fold(None, |sum, value| Some(add(sum, seconds(value)?)))?;
                }
                Field::Millis => heard.micros = millis(value)?,
                Field::Request => {
                    heard.path = path(value.split(|byte| *byte == b' ').nth(1).unwrap_or_default())
                }
                Field::Path => heard.path = path(value),
                Field::Why => heard.why = if value == b"-" { b"" } else { value },
            }
        }
        Some(heard)
    }
}

impl Says {
    fn of(fields: impl Iterator<Item = Field>) -> Self {
        let mut says = Self::default();
        for field in fields {
            match field {
                Field::Other | Field::Attempts => {}
                Field::Status | Field::StatusOfAttempts => says.status = true,
                Field::Seconds | Field::SecondsOfAttempts | Field::Millis => says.time = true,
                Field::Request | Field::Path => says.path = true,
                Field::Why => says.why = true,
            }
        }
        says
    }
}

/// Two fields with nothing between, as one: the path may have the host before it.
fn together((first, name): (Field, &str), (second, next): (Field, &str)) -> Result<Field, String> {
    match (first, second) {
        (Field::Other, Field::Other) => Ok(Field::Other),
        (Field::Other, Field::Path) => Ok(Field::Path),
        (Field::Path, Field::Other) => Ok(Field::Path),
        _ => Err(format!(
            "nothing stands between {name} and {next} in the log's format, so that one cannot be told from the \
             other: put a space between them"
        )),
    }
}

impl Step {
    /// Where the field ends; the text after it stands there.
    fn end(&self, rest: &[u8], quotes: Quotes) -> Option<usize> {
        let Some(first) = self.text.first() else { return Some(rest.len()) };
        let list = matches!(self.field, Field::Attempts | Field::StatusOfAttempts | Field::SecondsOfAttempts);
        let mut from = 0;
        loop {
            let at = from + memchr(*first, rest.get(from..)?)?;
            let inside = match first {
                b' ' => list && within_attempts(rest, at),
                b',' => list && rest.get(at + 1) == Some(&b' '),
                b'"' => quotes == Quotes::Backslash && is_escaped(&rest[..at]),
                _ => false,
            };
            if !inside && rest[at..].starts_with(&self.text) {
                return Some(at);
            }
            from = at + 1;
        }
    }
}

/// Whether the space here parts attempts of a list: "a, b", or "a : b" after an internal redirect.
fn within_attempts(rest: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| rest.get(before));
    match before {
        Some(b',') => true,
        // The second space of " : ".
        Some(b':') => at >= 2 && rest.get(at - 2) == Some(&b' '),
        _ => rest.get(at + 1) == Some(&b':') && rest.get(at + 2) == Some(&b' '),
    }
}

/// Whether what follows has a backslash before it that is not itself escaped.
fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The attempts of a list.
fn attempts(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| matches!(byte, b',' | b' ' | b':')).filter(|attempt| !attempt.is_empty())
}

fn add(sum: Option<u64>, time: Option<u64>) -> Option<u64> {
    match (sum, time) {
        (Some(sum), Some(time)) => Some(sum.saturating_add(time)),
        (sum, time) => sum.or(time),
    }
}

/// A status of up to three digits; "-" is none.
pub(super) fn status(text: &[u8]) -> Option<u16> {
    match text {
        [b'-'] => Some(0),
        [_] | [_, _] | [_, _, _] => {
            text.iter().try_fold(0, |sum: u16, byte| digit(*byte).map(|digit| sum * 10 + digit))
        }
        _ => None,
    }
}

fn digit(byte: u8) -> Option<u16> {
    byte.is_ascii_digit().then(|| u16::from(byte - b'0'))
}

/// Seconds with a fraction as microseconds; "-" is none.
pub(super) fn seconds(text: &[u8]) -> Option<Option<u64>> {
    if text == b"-" {
        return Some(None);
    }
    let dot = text.iter().position(|byte| *byte == b'.').unwrap_or(text.len());
    let fraction = text.get(dot + 1..).unwrap_or_default();
    let mut micros = whole(&text[..dot])?.checked_mul(1_000_000)?;
    let mut worth = 100_000;
    for byte in fraction {
        micros = micros.checked_add(u64::from(digit(*byte)?) * worth)?;
        worth /= 10;
    }
    Some(Some(micros))
}

/// Whole milliseconds as microseconds; "-" is none.
pub(super) fn millis(text: &[u8]) -> Option<Option<u64>> {
    if text == b"-" { Some(None) } else { whole(text)?.checked_mul(1000).map(Some) }
}

/// A whole number; at least one digit.
pub(super) fn whole(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |sum, byte| sum.checked_mul(10)?.checked_add(u64::from(digit(*byte)?)))
}

/// A path without the scheme and host that may stand before it.
pub(super) fn path(text: &[u8]) -> &[u8] {
    if text.first() == Some(&b'/') {
        return text;
    }
    let after = text.windows(3).position(|part| part == b"://").map_or(text, |scheme| &text[scheme + 3..]);
    memchr(b'/', after).map_or(text, |slash| &after[slash..])
}
