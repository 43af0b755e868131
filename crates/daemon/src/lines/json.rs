//! One JSON object a line: finds the values of the named members, and builds no tree.
//!
//! A name may lead into objects by dots, or be a key that has dots itself. Where a key is there twice, the
//! last one counts, as in most readers of JSON. What is around the members is only followed by its brackets
//! and strings; a line whose brackets do not close is malformed.

use memchr::memchr2;

use super::{Heard, Line, Says, program};

/// Objects and lists below a member that is not needed; more is malformed.
const DEEP: usize = 128;
/// Status, duration, path, reason.
const FIELDS: usize = 4;

/// Which members say what.
#[derive(Debug)]
pub(super) struct Fields {
    names: [Option<Box<[u8]>>; FIELDS],
    /// Microseconds of the duration's unit.
    unit: f64,
    scratch: Box<[Vec<u8>; 2]>,
}

/// The members that were found, as they are written.
type Found<'l> = [Option<&'l [u8]>; FIELDS];

impl Fields {
    pub(super) fn new(
        status: &str,
        duration: Option<&(String, f64)>,
        path: Option<&str>,
        reason: Option<&str>,
    ) -> Result<(Self, Says), String> {
        let says =
            Says { status: true, time: duration.is_some(), path: path.is_some(), why: reason.is_some() };
        let a_second = duration.map_or(1.0, |(_, a_second)| *a_second);
        if !(a_second.is_finite() && a_second > 0.0) {
            return Err("a second has to have more than none of the duration's unit".to_owned());
        }
        let named = |name: &str| Some(name.as_bytes().into());
        let names = [
            named(status),
            duration.and_then(|(name, _)| named(name)),
            path.and_then(named),
            reason.and_then(named),
        ];
        Ok((Self { names, unit: 1e6 / a_second, scratch: Box::default() }, says))
    }

    /// What a line says; one without a status is of no request.
    pub(super) fn read<'l>(&'l mut self, line: &'l [u8]) -> Line<'l> {
        let wanted = self.names.each_ref().map(|name| name.as_deref());
        let Some([status, duration, path, why]) = members(line, &wanted) else { return Line::Malformed };
        let Some(status) = status else { return Line::Notice };
        let micros = match duration {
            None | Some(b"null" | b"\"\"" | b"\"-\"") => Some(None),
            Some(text) => micros(unquoted(text), self.unit).map(Some),
        };
        let [path_scratch, why_scratch] = &mut *self.scratch;
        match program::status(unquoted(status)).zip(micros) {
            None => Line::Malformed,
            Some((status, micros)) => Line::Request(Heard {
                status,
                micros,
                path: resolved(path, path_scratch),
                why: resolved(why, why_scratch),
            }),
        }
    }
}

/// Whether a line is an object, and its member of a name as it is written.
#[cfg(test)]
pub(super) fn member(line: &[u8], name: &str) -> (bool, Option<Vec<u8>>) {
    let found = members(line, &[Some(name.as_bytes()), None, None, None]);
    (found.is_some(), found.and_then(|[found, ..]| found.map(<[u8]>::to_vec)))
}

/// The wanted members of the one object that a line is.
fn members<'l>(line: &'l [u8], wanted: &[Option<&[u8]>; FIELDS]) -> Option<Found<'l>> {
    let mut found = Found::default();
    let mut scanner = Scanner { line, at: 0 };
    scanner.space();
    scanner.members(wanted, &mut found)?;
    scanner.space();
    (scanner.at == line.len()).then_some(found)
}

fn micros(text: &[u8], unit: f64) -> Option<u64> {
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    if !(number.is_finite() && number >= 0.0) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "finite, not below zero; saturates"
    )]
    Some((number * unit).round() as u64)
}

/// A string without its quotes; other values as they are.
fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] => inner,
        _ => value,
    }
}

/// A string with its escapes resolved.
fn resolved<'l>(value: Option<&'l [u8]>, scratch: &'l mut Vec<u8>) -> &'l [u8] {
    let inner = unquoted(value.unwrap_or_default());
    if !inner.contains(&b'\\') {
        return inner;
    }
    scratch.clear();
    let mut utf8 = [0; 4];
    for character in (Characters { rest: inner }) {
        match character {
            Unit::Byte(byte) => scratch.push(byte),
            Unit::Character(character) => {
                scratch.extend_from_slice(character.encode_utf8(&mut utf8).as_bytes());
            }
        }
    }
    scratch
}

/// Goes over a line.
struct Scanner<'l> {
    line: &'l [u8],
    at: usize,
}

impl<'l> Scanner<'l> {
    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// An object of which the wanted members are kept. It goes as deep as wanted names have dots.
    fn members(&mut self, wanted: &[Option<&[u8]>; FIELDS], found: &mut Found<'l>) -> Option<()> {
        self.expect(b'{')?;
        self.space();
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            let key = unquoted(self.string()?);
            self.space();
            self.expect(b':')?;
            self.space();
            let mut below = [None; FIELDS];
            let mut here = [false; FIELDS];
            for (index, name) in wanted.iter().enumerate() {
                match name.and_then(|name| after_key(name, key)) {
                    Some([]) => here[index] = true,
                    Some([b'.', rest @ ..]) => {
                        below[index] = Some(rest);
                        // The last of two members of the same name is the one that counts.
                        found[index] = None;
                    }
                    _ => {}
                }
            }
            let start = self.at;
            if self.peek() == Some(b'{') && below.iter().any(Option::is_some) {
                self.members(&below, found)?;
            } else {
                self.value()?;
            }
            let value = &self.line[start..self.at];
            for (found, _) in found.iter_mut().zip(here).filter(|(_, here)| *here) {
                *found = Some(value);
            }
            self.space();
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
            self.space();
        }
    }

    /// A string, its quotes included.
    fn string(&mut self) -> Option<&'l [u8]> {
        let start = self.at;
        self.expect(b'"')?;
        loop {
            let rest = self.line.get(self.at..)?;
            let stop = memchr2(b'"', b'\\', rest)?;
            self.at += stop + 1;
            if rest[stop] == b'"' {
                return Some(&self.line[start..self.at]);
            }
            self.at += 1;
        }
    }

    /// Any value.
    fn value(&mut self) -> Option<()> {
        let mut open = [0; DEEP];
        let mut deep = 0;
        loop {
            self.space();
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                bracket @ (b'{' | b'[') => {
                    *open.get_mut(deep)? = if bracket == b'{' { b'}' } else { b']' };
                    deep += 1;
                    self.at += 1;
                    continue;
                }
                bracket @ (b'}' | b']') if deep > 0 && open[deep - 1] == bracket => {
                    deep -= 1;
                    self.at += 1;
                }
                b',' | b':' if deep > 0 => {
                    self.at += 1;
                    continue;
                }
                _ => self.word()?,
            }
            if deep == 0 {
                return Some(());
            }
        }
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Option<()> {
        let start = self.at;
        let of_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        while self.peek().is_some_and(of_word) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

/// What is left of a name after a key that it begins with.
fn after_key<'n>(name: &'n [u8], key: &[u8]) -> Option<&'n [u8]> {
    if !key.contains(&b'\\') {
        return name.strip_prefix(key);
    }
    let mut rest = name;
    let mut utf8 = [0; 4];
    for unit in (Characters { rest: key }) {
        rest = match unit {
            Unit::Byte(byte) => rest.strip_prefix(&[byte])?,
            Unit::Character(character) => rest.strip_prefix(character.encode_utf8(&mut utf8).as_bytes())?,
        };
    }
    Some(rest)
}

/// The characters of a string, its escapes resolved.
struct Characters<'s> {
    rest: &'s [u8],
}

enum Unit {
    /// As it is written.
    Byte(u8),
    /// By an escape.
    Character(char),
}

impl Iterator for Characters<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        if *first != b'\\' {
            return Some(Unit::Byte(*first));
        }
        let (escape, rest) = rest.split_first()?;
        self.rest = rest;
        Some(Unit::Character(match escape {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.by_number(),
            other => char::from(*other),
        }))
    }
}

impl Characters<'_> {
    /// The character of `\uXXXX`, or of two of them for one beyond the first plane.
    fn by_number(&mut self) -> char {
        let Some(high) = self.four() else { return char::REPLACEMENT_CHARACTER };
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER);
        }
        let Some(rest) = self.rest.strip_prefix(b"\\u") else { return char::REPLACEMENT_CHARACTER };
        let mut low = Characters { rest };
        match low.four().filter(|low| (0xdc00..0xe000).contains(low)) {
            Some(number) => {
                self.rest = low.rest;
                char::from_u32(0x10000 + ((high - 0xd800) << 10) + (number - 0xdc00))
                    .unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            None => char::REPLACEMENT_CHARACTER,
        }
    }

    fn four(&mut self) -> Option<u32> {
        let (digits, rest) = self.rest.split_first_chunk::<4>()?;
        let number = digits
            .iter()
            .try_fold(0, |number, digit| Some(number * 16 + char::from(*digit).to_digit(16)?))?;
        self.rest = rest;
        Some(number)
    }
}
