//! `KEY=value` files as Docker Compose, the dotenv libraries and `sh` read them, where they agree.
//!
//! - `export` may stand before a key; blanks around `=` are dropped; `KEY: value` is read too.
//! - An unquoted value ends at a `#` behind a blank; blanks at its end are dropped.
//! - `'...'` is literal; in `"..."` the escapes `\n \r \t \" \\` and a backslash before a line
//!   break are resolved, every other backslash stays. `\$` stays as well, so that a literal dollar
//!   can be told from a variable. Both may span lines.
//! - A quoted text with more text behind it (`"a"b`) is one unquoted value, its quotes included.
//! - A key without `=` (taken from the environment by Compose) has an empty value.
//!
//! Must not expand variables: `${X:-d}` is text.

use crate::literal::{Literal, behind_bom, bytes, next_line, rest_of_line};
use crate::{NodeKind, ProblemKind, TreeBuilder};

pub(crate) fn parse(text: &str, builder: &mut TreeBuilder) {
    let mut at = behind_bom(text);
    let mut end = at;
    while at < text.len() {
        let line = rest_of_line(text, at);
        let (found, next) = read_line(text, line, builder);
        if let Some((key, value)) = found {
            if builder.depth() == 0 {
                builder.open(NodeKind::Map, key.outer.start);
            }
            end = value.outer.end as usize;
            key.place(builder);
            value.place(builder);
        }
        at = next;
    }
    builder.close(end as u32);
}

type Assignment = (Literal, Literal);

/// Reads one line, and the lines that a quoted value takes beyond it. Gives the byte at which the
/// next line starts.
fn read_line(
    text: &str,
    line: std::ops::Range<usize>,
    builder: &mut TreeBuilder,
) -> (Option<Assignment>, usize) {
    let next = next_line(text, line.end);
    let start = behind_blanks(text, line.start, line.end);
    let rest = &text[start..line.end];
    if rest.is_empty() {
        return (None, next);
    }
    if rest.starts_with('#') {
        builder.comment(bytes(start..line.end));
        return (None, next);
    }
    let name = match rest.strip_prefix("export") {
        Some(exported) if exported.starts_with([' ', '\t']) => {
            behind_blanks(text, start + "export".len(), line.end)
        }
        _ => start,
    };
    let length = text[name..line.end].find(is_no_part_of_a_key).unwrap_or(line.end - name);
    // `KEY: value`, while a colon inside a key is part of it.
    let colon = text[name..name + length].ends_with(':') as usize;
    let key = name..name + length - colon;
    let sign = behind_blanks(text, key.end, line.end);
    let value = match text.as_bytes()[sign..line.end].first() {
        Some(b'=' | b':') if !key.is_empty() => sign + 1,
        None if !key.is_empty() => key.end,
        Some(b'#') if !key.is_empty() && sign > key.end => key.end,
        _ => {
            let message = "neither a comment nor a key with its value";
            builder.problem(bytes(start..line.end), ProblemKind::Skipped, message);
            return (None, next);
        }
    };
    let (value, end) = read_value(text, value, line.end, builder);
    (Some((Literal::plain(key), value)), next_line(text, end))
}

/// Letters, digits and what environments and dotenv files use in names.
fn is_no_part_of_a_key(char: char) -> bool {
    !(char.is_alphanumeric() || "_.-:[]/".contains(char))
}

/// The value that starts at `sign`, and where its last line ends.
fn read_value(text: &str, sign: usize, line_end: usize, builder: &mut TreeBuilder) -> (Literal, usize) {
    let start = behind_blanks(text, sign, line_end);
    if let Some(&quote @ (b'"' | b'\'')) = text.as_bytes()[start..line_end].first() {
        match closing_quote(text.as_bytes(), start, quote) {
            Some(end) if is_end_of_value(text, end, builder) => {
                let value = Literal::quoted(start..end);
                let value = match quote {
                    b'"' => {
                        let decoded = decode(value.raw(text));
                        value.meaning(decoded, text)
                    }
                    _ => value,
                };
                return (value, end);
            }
            Some(end) if end <= line_end => {}
            _ => {
                let message = "a quote is opened here and not closed";
                builder.problem(bytes(start..line_end), ProblemKind::Skipped, message);
            }
        }
    }
    let mut marks = text[start..line_end].match_indices('#').map(|(i, _)| start + i);
    let end = marks.find(|&mark| text[..mark].ends_with([' ', '\t'])).unwrap_or(line_end);
    if end < line_end {
        builder.comment(bytes(end..line_end));
    }
    let value = match text[start..end].trim_end_matches([' ', '\t']).len() {
        0 => sign..sign,
        length => start..start + length,
    };
    (Literal::plain(value), line_end)
}

/// Whether nothing but blanks or a comment stands between `at` and the end of its line. The comment
/// is noted.
fn is_end_of_value(text: &str, at: usize, builder: &mut TreeBuilder) -> bool {
    let line = rest_of_line(text, at);
    let rest = behind_blanks(text, at, line.end);
    let comment = text[rest..line.end].starts_with('#');
    if comment {
        builder.comment(bytes(rest..line.end));
    }
    comment || rest == line.end
}

fn behind_blanks(text: &str, at: usize, end: usize) -> usize {
    end - text[at..end].trim_start_matches([' ', '\t']).len()
}

/// The byte behind the quote that closes the one at `start`. Only double quotes know escapes.
fn closing_quote(text: &[u8], start: usize, quote: u8) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match *text.get(at)? {
            b'\\' if quote == b'"' => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

fn decode(raw: &str) -> String {
    let mut decoded = String::with_capacity(raw.len());
    let mut rest = raw.chars();
    while let Some(char) = rest.next() {
        if char != '\\' {
            decoded.push(char);
            continue;
        }
        match rest.next() {
            Some('n') => decoded.push('\n'),
            Some('r') => decoded.push('\r'),
            Some('t') => decoded.push('\t'),
            Some(itself @ ('"' | '\\')) => decoded.push(itself),
            Some('\n') => {}
            Some('\r') if rest.as_str().starts_with('\n') => {
                rest.next();
            }
            Some(other) => decoded.extend(['\\', other]),
            None => decoded.push('\\'),
        }
    }
    decoded
}
