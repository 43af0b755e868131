//! One sample of the text format: `name{label="value",...} value [time] [# exemplar]`. Nothing is copied.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use memchr::memchr2;

/// A label, by the places of its parts in what follows the metric's name.
#[derive(Debug, Clone, Copy)]
struct Label {
    name: (usize, usize),
    value: (usize, usize),
    /// Whether there is a backslash in its value.
    escaped: bool,
}

/// Room for the labels of a sample, used again for the next.
#[derive(Debug, Default)]
pub(super) struct Room(Vec<Label>);

/// The labels of a sample.
#[derive(Debug)]
pub(super) struct Labels<'l> {
    text: &'l [u8],
    all: &'l [Label],
}

impl<'l> Labels<'l> {
    fn name(&self, label: Label) -> &'l [u8] {
        self.text.get(label.name.0..label.name.1).unwrap_or_default()
    }

    fn value(&self, label: Label) -> Cow<'l, [u8]> {
        let raw = self.text.get(label.value.0..label.value.1).unwrap_or_default();
        if label.escaped { Cow::Owned(unescaped(raw)) } else { Cow::Borrowed(raw) }
    }

    /// A label's value; an absent one is empty.
    pub(super) fn get(&self, name: &[u8]) -> Cow<'l, [u8]> {
        let found = self.all.iter().find(|label| self.name(**label) == name);
        found.map_or(Cow::Borrowed(&[]), |label| self.value(*label))
    }

    /// The same for the same labels in any order; an empty one is as good as none.
    pub(super) fn identity(&self) -> u64 {
        self.all.iter().fold(0, |sum, label| {
            let value = self.value(*label);
            if value.is_empty() {
                return sum;
            }
            let mut hasher = DefaultHasher::new();
            (self.name(*label), &*value).hash(&mut hasher);
            sum.wrapping_add(hasher.finish())
        })
    }
}

fn unescaped(raw: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            text.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'n') => text.push(b'\n'),
            Some(known @ (b'\\' | b'"')) => text.push(known),
            // Prometheus, too, leaves what it does not know as it stands.
            Some(other) => text.extend([b'\\', other]),
            None => text.push(b'\\'),
        }
    }
    text
}

/// Reads what follows a metric's name: labels and the text of the value.
///
/// # Errors
///
/// Says what is not as the format has it.
pub(super) fn sample<'l>(rest: &'l [u8], room: &'l mut Room) -> Result<(Labels<'l>, &'l [u8]), &'static str> {
    room.0.clear();
    let mut at = blank(rest, 0);
    if rest.get(at) == Some(&b'{') {
        at = labels(rest, at + 1, &mut room.0)?;
    }
    let (value, at) = word(rest, blank(rest, at));
    if value.is_empty() {
        return Err("no value");
    }
    trailing(rest, at)?;
    Ok((Labels { text: rest, all: &room.0 }, value))
}

/// Reads labels up to and with the closing brace; gives the place after it.
fn labels(text: &[u8], mut at: usize, all: &mut Vec<Label>) -> Result<usize, &'static str> {
    loop {
        at = blank(text, at);
        if text.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        let begin = at;
        while text.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
            at += 1;
        }
        let name = (begin, at);
        if begin == at || text.get(begin).is_some_and(u8::is_ascii_digit) {
            return Err("a label without a name");
        }
        at = blank(text, at);
        if text.get(at) != Some(&b'=') {
            return Err("a label without `=`");
        }
        at = blank(text, at + 1);
        if text.get(at) != Some(&b'"') {
            return Err("a label's value without quotes");
        }
        let (value, escaped, after) = quoted(text, at + 1)?;
        let known = |label: &Label| text.get(label.name.0..label.name.1) == text.get(name.0..name.1);
        if all.iter().any(known) {
            return Err("a label that stands twice");
        }
        all.push(Label { name, value, escaped });
        at = blank(text, after);
        match text.get(at) {
            Some(b',') => at += 1,
            Some(b'}') => {}
            _ => return Err("labels without an end"),
        }
    }
}

/// Reads up to the closing quote: where the value stands, whether it has escapes, the place after it.
fn quoted(text: &[u8], begin: usize) -> Result<((usize, usize), bool, usize), &'static str> {
    let (mut at, mut escaped) = (begin, false);
    loop {
        let next = text.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest));
        at += next.ok_or("a label's value without an end")?;
        if text.get(at) == Some(&b'"') {
            return Ok(((begin, at), escaped, at + 1));
        }
        escaped = true;
        at += 2;
    }
}

/// What follows a quoted text that begins at a place.
pub(super) fn after_quoted(text: &[u8], begin: usize) -> Option<u8> {
    let (_, _, after) = quoted(text, begin).ok()?;
    text.get(blank(text, after)).copied()
}

/// What may follow the value: a time, an exemplar.
fn trailing(text: &[u8], at: usize) -> Result<(), &'static str> {
    let (time, at) = word(text, blank(text, at));
    if time.is_empty() || time.first() == Some(&b'#') {
        return Ok(());
    }
    if !is_number(time) {
        return Err("something after the value that is no time");
    }
    match word(text, blank(text, at)).0.first() {
        None | Some(b'#') => Ok(()),
        Some(_) => Err("something after the time"),
    }
}

/// The place after blanks.
fn blank(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    at
}

/// A word, and the place after it.
fn word(text: &[u8], begin: usize) -> (&[u8], usize) {
    let rest = text.get(begin..).unwrap_or_default();
    let length = rest.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(rest.len());
    (&rest[..length], begin + length)
}

/// A number as the format writes it. Rust and Go agree on all of them but Go's hexadecimal ones, which
/// nobody writes.
pub(super) fn number(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn is_number(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit) || number(text).is_some()
}

/// The place after the metric's name that a line begins with; 0 where it begins with none.
pub(super) fn name_end(line: &[u8]) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
    if line.first().is_none_or(u8::is_ascii_digit) {
        return 0;
    }
    line.iter().position(|byte| !is_part(byte)).unwrap_or(line.len())
}
