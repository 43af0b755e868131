//! INI: `[section]`, `key = value` or `key: value`, comments behind `;` and `#`. There are many
//! dialects; this is what holds for most of them (Python's configparser and oslo.config, systemd,
//! Grafana, PgBouncer, MySQL).
//!
//! - Keys before the first section stand at the top, each section is a map. A section written twice
//!   is one map, placed where it first stands.
//! - The first `=` or `:` ends the key. A single word alone is a key with an empty value.
//! - A ` ;` or ` #` behind a blank, outside quotes, starts a comment and ends the value. Consumers
//!   differ here; the ones that take it as text would refuse a number with such a tail anyway.
//! - A value wholly in quotes is its inside; there are no escapes.
//! - A value goes on in the next line when that line is indented deeper than the key and either the
//!   value is empty so far or the line does not look like a key with a value (lines are joined with
//!   a line break), or when it ends with a backslash behind a blank (joined with a blank).
//!
//! Must not know any section's or key's name.

use std::collections::HashMap;
use std::ops::Range;

use crate::literal::{Literal, behind_bom, bytes, next_line, rest_of_line};
use crate::{NodeKind, ProblemKind, TreeBuilder};

pub(crate) fn parse(text: &str, builder: &mut TreeBuilder) {
    let mut file = File::default();
    let mut at = behind_bom(text);
    while at < text.len() {
        let line = rest_of_line(text, at);
        file.read_line(text, line.clone(), builder);
        at = next_line(text, line.end);
    }
    file.finish_entry(text);
    file.place(builder);
}

/// What has been read of a file: sections are put together before they have their place.
#[derive(Default)]
struct File {
    /// The first one has no name.
    sections: Vec<Section>,
    by_name: HashMap<String, usize>,
    current: usize,
    entry: Option<Unfinished>,
}

#[derive(Default)]
struct Section {
    /// The whole header and the name in it.
    header: Option<(u32, Literal)>,
    entries: Vec<(Literal, Literal)>,
    end: u32,
}

/// An entry that later lines may continue.
struct Unfinished {
    key: Literal,
    indent: usize,
    /// The stretches of its value, each with what joins it to the one before.
    value: Vec<(char, Range<usize>)>,
    /// Whether a backslash asks for the next line.
    joins_next: bool,
}

impl File {
    fn read_line(&mut self, text: &str, line: Range<usize>, builder: &mut TreeBuilder) {
        let start = line.end - text[line.clone()].trim_start_matches([' ', '\t']).len();
        let indent = start - line.start;
        let rest = &text[start..line.end];
        let Some(first) = rest.chars().next() else {
            self.finish_entry(text);
            return;
        };
        if self.entry.as_ref().is_some_and(|entry| entry.joins_next) {
            self.continue_entry(text, ' ', start..line.end, builder);
        } else if matches!(first, ';' | '#') {
            builder.comment(bytes(start..line.end));
        } else if self.entry.as_ref().is_some_and(|entry| entry.goes_on_with(text, indent, rest)) {
            self.continue_entry(text, '\n', start..line.end, builder);
        } else {
            self.finish_entry(text);
            match first {
                '[' => self.open_section(text, start..line.end, builder),
                _ => self.open_entry(text, indent, start..line.end, builder),
            }
        }
    }

    fn open_section(&mut self, text: &str, line: Range<usize>, builder: &mut TreeBuilder) {
        let (content, _) = value_and_comment(text, line.clone(), builder);
        let close = text[content.clone()].find(']').map(|i| content.start + i);
        let name = match close {
            Some(close) if close + 1 < content.end => {
                let span = bytes(close + 1..content.end);
                builder.problem(span, ProblemKind::Skipped, "text behind a section's name");
                content.start + 1..close
            }
            Some(close) => content.start + 1..close,
            None => {
                builder.problem(bytes(content.clone()), ProblemKind::Skipped, "a section's name without `]`");
                content.start + 1..content.end
            }
        };
        let trimmed = text[name.clone()].trim_matches([' ', '\t']);
        let start = name.end - text[name.clone()].trim_start_matches([' ', '\t']).len();
        if self.sections.is_empty() {
            self.sections.push(Section::default());
        }
        let next = self.sections.len();
        self.current = *self.by_name.entry(trimmed.to_owned()).or_insert(next);
        let end = close.map_or(content.end, |close| close + 1) as u32;
        if self.current == next {
            let name = Literal::plain(start..start + trimmed.len());
            let header = Some((line.start as u32, name));
            self.sections.push(Section { header, entries: Vec::new(), end });
        }
        self.sections[self.current].end = end;
    }

    fn open_entry(&mut self, text: &str, indent: usize, line: Range<usize>, builder: &mut TreeBuilder) {
        let rest = &text[line.clone()];
        let (key, value) = match rest.find(['=', ':']) {
            Some(sign) => (line.start..line.start + sign, line.start + sign + 1..line.end),
            None => {
                let (content, _) = value_and_comment(text, line.clone(), builder);
                (content.clone(), content.end..content.end)
            }
        };
        let key = key.start..key.start + text[key].trim_end_matches([' ', '\t']).len();
        let alone = value.is_empty() && key.end == value.start;
        if key.is_empty() || (alone && text[key.clone()].contains([' ', '\t'])) {
            let message = "neither a section, nor a key with its value, nor a comment";
            builder.problem(bytes(line), ProblemKind::Skipped, message);
            return;
        }
        let (value, joins_next) = value_and_comment(text, value, builder);
        let value = vec![('\n', value)];
        self.entry = Some(Unfinished { key: Literal::plain(key), indent, value, joins_next });
    }

    fn continue_entry(&mut self, text: &str, joint: char, line: Range<usize>, builder: &mut TreeBuilder) {
        let (value, joins_next) = value_and_comment(text, line, builder);
        if let Some(entry) = &mut self.entry {
            entry.value.push((joint, value));
            entry.joins_next = joins_next;
        }
    }

    fn finish_entry(&mut self, text: &str) {
        let Some(entry) = self.entry.take() else { return };
        if self.sections.is_empty() {
            self.sections.push(Section::default());
        }
        let section = &mut self.sections[self.current];
        let (key, value) = entry.finish(text);
        section.end = value.outer.end;
        section.entries.push((key, value));
    }

    fn place(self, builder: &mut TreeBuilder) {
        let mut end = 0;
        for section in self.sections {
            let starts = section.header.as_ref().map(|&(start, _)| start);
            let first = section.entries.first().map(|(key, _)| key.outer.start);
            let Some(start) = starts.or(first) else { continue };
            if builder.depth() == 0 {
                builder.open(NodeKind::Map, start);
            }
            let named = section.header.is_some();
            if let Some((start, name)) = section.header {
                name.place(builder);
                builder.open(NodeKind::Map, start);
            }
            for (key, value) in section.entries {
                key.place(builder);
                value.place(builder);
            }
            if named {
                builder.close(section.end);
            }
            end = end.max(section.end);
        }
        builder.close(end);
    }
}

impl Unfinished {
    /// Whether an indented line clearly belongs to this entry's value.
    fn goes_on_with(&self, text: &str, indent: usize, line: &str) -> bool {
        let empty = self.value.first().is_some_and(|(_, first)| text[first.clone()].is_empty());
        indent > self.indent && !line.starts_with('[') && (empty || !looks_like_an_entry(line))
    }

    fn finish(self, text: &str) -> (Literal, Literal) {
        let mut written = self.value.iter().map(|(_, stretch)| stretch).filter(|stretch| !stretch.is_empty());
        let start = written.next().or_else(|| self.value.first().map(|(_, stretch)| stretch));
        let start = start.map_or(self.key.outer.end as usize, |stretch| stretch.start);
        let end = written.next_back().map_or_else(
            || self.value.iter().map(|(_, stretch)| stretch.end).find(|&end| end >= start).unwrap_or(start),
            |stretch| stretch.end,
        );
        let mut decoded = String::new();
        for (joint, stretch) in self.value {
            if !decoded.is_empty() && !stretch.is_empty() {
                decoded.push(joint);
            }
            decoded.push_str(&text[stretch]);
        }
        let raw = &text[start..end];
        let quoted = ['"', '\''].into_iter().any(|quote| {
            raw.strip_prefix(quote)
                .and_then(|rest| rest.strip_suffix(quote))
                .is_some_and(|inside| !inside.contains([quote, '\n']))
        });
        let value = match quoted {
            true => Literal::quoted(start..end),
            false => Literal::plain(start..end).meaning(decoded, text),
        };
        (self.key, value)
    }
}

/// Whether a line reads `word =` or `word: `.
fn looks_like_an_entry(line: &str) -> bool {
    let word = line.find(|c: char| !(c.is_alphanumeric() || "_-.".contains(c))).unwrap_or(line.len());
    let behind = line[word..].trim_start_matches([' ', '\t']);
    let sign = behind.starts_with('=') && !behind.starts_with("==");
    let colon =
        line[word..].strip_prefix(':').is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
    word > 0 && (sign || colon)
}

/// The value in a stretch of a line, without blanks around it and without a comment or a backslash
/// behind it, and whether there was such a backslash. The comment is noted.
fn value_and_comment(text: &str, line: Range<usize>, builder: &mut TreeBuilder) -> (Range<usize>, bool) {
    let bytes_of = text.as_bytes();
    let mut at = line.start;
    let mut mark = line.end;
    let mut behind_blank = true;
    while at < line.end {
        let byte = bytes_of[at];
        match byte {
            b';' | b'#' if at > 0 && matches!(bytes_of[at - 1], b' ' | b'\t') => {
                mark = at;
                break;
            }
            b'"' | b'\'' if behind_blank => {
                let close = bytes_of[at + 1..line.end].iter().position(|&b| b == byte);
                at += close.map_or(0, |i| i + 1);
            }
            _ => {}
        }
        behind_blank = matches!(byte, b' ' | b'\t' | b'=');
        at += 1;
    }
    if mark < line.end {
        builder.comment(bytes(mark..line.end));
    }
    let blanks = [' ', '\t'];
    let value = text[line.start..mark].trim_end_matches(blanks);
    let before = value.strip_suffix('\\').filter(|rest| rest.is_empty() || rest.ends_with(blanks));
    let joins_next = mark == line.end && before.is_some();
    let value = if joins_next { before.unwrap_or(value).trim_end_matches(blanks) } else { value };
    let end = line.start + value.len();
    let start = end - value.trim_start_matches(blanks).len();
    if start == end { (line.start..line.start, joins_next) } else { (start..end, joins_next) }
}
