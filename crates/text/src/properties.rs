//! Java `.properties`, by the rules of `java.util.Properties.load`: the key ends at the first
//! unescaped `=`, `:` or blank; a backslash at a line's end joins the next line without its
//! indentation; `\t \n \r \f \uXXXX` are resolved and every other backslash is dropped.
//!
//! Two things differ on purpose. Blanks at the end of a value are left out, since consumers trim
//! them or refuse the value. A lone carriage return does not end a line, so that lines are those of
//! the editor. Keys stay flat: that `a.b` means nesting is the reader's knowledge.

use crate::literal::{Literal, behind_bom, bytes, next_line, rest_of_line};
use crate::{NodeKind, ProblemKind, TreeBuilder};

pub(crate) fn parse(text: &str, builder: &mut TreeBuilder) {
    let mut at = behind_bom(text);
    let mut end = at;
    while at < text.len() {
        at = behind_blanks(text, at);
        match text.as_bytes().get(at) {
            Some(b'#' | b'!') => builder.comment(bytes(rest_of_line(text, at))),
            Some(_) if !ends_line(text, at) => {
                let (pair, behind) = read_pair(text, at, builder);
                at = behind;
                if let Some((key, value)) = pair {
                    if builder.depth() == 0 {
                        builder.open(NodeKind::Map, key.outer.start);
                    }
                    end = value.outer.end as usize;
                    key.place(builder);
                    value.place(builder);
                }
            }
            _ => {}
        }
        at = next_line(text, at);
    }
    builder.close(end as u32);
}

/// The key and the value that start at `start`, and where their last line ends.
fn read_pair(text: &str, start: usize, builder: &mut TreeBuilder) -> (Option<(Literal, Literal)>, usize) {
    let (key, sign) = stretch(text, start, |byte| matches!(byte, b'=' | b':' | b' ' | b'\t' | b'\x0c'));
    if key == start {
        // Joined lines without anything on them are blank.
        let line = rest_of_line(text, sign);
        if !line.is_empty() {
            builder.problem(bytes(line), ProblemKind::Skipped, "no key before the separator");
        }
        return (None, sign);
    }
    let mut value = behind_joins(text, sign);
    if let Some(b'=' | b':') = text.as_bytes().get(value) {
        value = behind_joins(text, value + 1);
    }
    let (value_end, behind) = stretch(text, value, |_| false);
    let key = decode(text, start..key, builder);
    // An absent value stands behind the key or its separator, not on the next line.
    let value = if value_end > value { value..value_end } else { sign_end(text, sign)..sign_end(text, sign) };
    let value = decode(text, value, builder);
    (Some((key, value)), behind)
}

/// The byte behind a separator that stands at or behind `sign` on the same line.
fn sign_end(text: &str, sign: usize) -> usize {
    let at = behind_blanks(text, sign);
    if matches!(text.as_bytes().get(at), Some(b'=' | b':')) { at + 1 } else { sign }
}

/// Reads from `start` to the end of the logical line or to an unescaped byte that `stops`. Gives
/// the end of what was read without blanks at its end, and the byte that stopped it.
fn stretch(text: &str, start: usize, stops: impl Fn(u8) -> bool) -> (usize, usize) {
    let mut at = start;
    let mut end = start;
    while let Some(&byte) = text.as_bytes().get(at) {
        if stops(byte) || ends_line(text, at) {
            break;
        }
        if byte == b'\\' && at + 1 < text.len() && ends_line(text, at + 1) {
            at = behind_blanks(text, next_line(text, at));
            continue;
        }
        let escaped = (byte == b'\\').then(|| text[at + 1..].chars().next()).flatten();
        at += 1 + escaped.map_or(0, char::len_utf8);
        if !matches!(byte, b' ' | b'\t' | b'\x0c') {
            end = at;
        }
    }
    (end, at)
}

/// Whether a line break (`\n` or `\r\n`) stands at `at`.
fn ends_line(text: &str, at: usize) -> bool {
    let rest = &text.as_bytes()[at..];
    rest.starts_with(b"\n") || rest.starts_with(b"\r\n")
}

fn behind_blanks(text: &str, at: usize) -> usize {
    at + text.as_bytes()[at..].iter().take_while(|&&b| matches!(b, b' ' | b'\t' | b'\x0c')).count()
}

/// The byte behind blanks and joined line ends.
fn behind_joins(text: &str, at: usize) -> usize {
    let mut at = behind_blanks(text, at);
    while text.as_bytes().get(at) == Some(&b'\\') && at + 1 < text.len() && ends_line(text, at + 1) {
        at = behind_blanks(text, next_line(text, at));
    }
    at
}

fn decode(text: &str, range: std::ops::Range<usize>, builder: &mut TreeBuilder) -> Literal {
    let raw = &text[range.clone()];
    let literal = Literal::plain(range.clone());
    if !raw.contains('\\') {
        return literal;
    }
    let mut units = Vec::with_capacity(raw.len());
    let mut rest = raw.char_indices();
    while let Some((at, char)) = rest.next() {
        let resolved = if char == '\\' { rest.next().map(|(_, escaped)| escaped) } else { Some(char) };
        match (char, resolved) {
            ('\\', Some('t')) => units.push(u16::from(b'\t')),
            ('\\', Some('n')) => units.push(u16::from(b'\n')),
            ('\\', Some('r')) => units.push(u16::from(b'\r')),
            ('\\', Some('f')) => units.push(0x0c),
            ('\\', Some('u')) => match hexadecimal(&raw[at + 2..]) {
                Some(unit) => {
                    units.push(unit);
                    rest.nth(3);
                }
                None => {
                    let span = bytes(range.start + at..range.start + at + 2);
                    builder.problem(span, ProblemKind::Skipped, "`\\u` without four hexadecimal digits");
                    units.push(u16::from(b'u'));
                }
            },
            ('\\', Some('\n')) => skip_blanks(&mut rest),
            ('\\', Some('\r')) if rest.as_str().starts_with('\n') => {
                rest.next();
                skip_blanks(&mut rest);
            }
            (_, Some(char)) => units.extend_from_slice(char.encode_utf16(&mut [0; 2])),
            (_, None) => {}
        }
    }
    literal.meaning(String::from_utf16_lossy(&units), text)
}

fn skip_blanks(rest: &mut std::str::CharIndices<'_>) {
    for _ in 0..behind_blanks(rest.as_str(), 0) {
        rest.next();
    }
}

/// The first four bytes as a hexadecimal number.
fn hexadecimal(digits: &str) -> Option<u16> {
    let digits = digits.get(..4)?;
    if digits.bytes().all(|b| b.is_ascii_hexdigit()) { u16::from_str_radix(digits, 16).ok() } else { None }
}
