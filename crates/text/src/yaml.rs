//! YAML into the tree: saphyr-parser's events, with the spans made exact and the comments put
//! back. Must not interpret scalars, tags or merge keys; that is for the tree's readers.
//!
//! The events are right about what a text says and loose about where it says it: a closing quote
//! or bracket is reported behind the blanks and comments that follow it, a block scalar from its
//! first content line on, an unindented list behind its first dash, the end of a block collection
//! at the next token. So a cursor walks the bytes between the tokens, once, from left to right,
//! and finds the true borders there, together with the comments.

use std::borrow::Cow;
use std::ops::Range;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span};

use crate::align::{align, block_indent};
use crate::builder::Checkpoint;
use crate::readable::{flatten, flatten_quoted, readable, without};
use crate::{NodeKind, ProblemKind, Style, Syntax, TreeBuilder};

pub(crate) fn parse(text: &str, builder: &mut TreeBuilder) {
    let mut readable = readable(text);
    let mut offsets = Offsets::new(text);
    let mut start = 0;
    let mut mended = 0;
    let mut placeholders = Vec::new();
    loop {
        offsets.rebase(start);
        let mut reader = Reader {
            text,
            bytes: text.as_bytes(),
            readable: &readable,
            document: (start, builder.checkpoint()),
            builder,
            offsets: &offsets,
            at: start,
            end: start,
            anchors: Vec::new(),
            foreign_anchors: 0,
        };
        let Some(stop) = reader.read() else { break };
        if mended < MAX_MENDED {
            let placeholder = stop.placeholder(&readable);
            let text = match &placeholder {
                Some(line) => Some(without(&readable, line.clone())),
                None => stop.flattened(&readable, reader.at),
            };
            if let Some(text) = text {
                let (document, checkpoint) = reader.document;
                builder.rewind(checkpoint);
                readable = Cow::Owned(text);
                placeholders.extend(placeholder);
                mended += 1;
                start = document;
                continue;
            }
        }
        reader.close_all();
        reader.skip_to(stop.at);
        // One broken document does not cost the others: each starts at a line of its own.
        let restart = next_document(text, stop.at.max(start + 1));
        let end = restart.unwrap_or(text.len());
        builder.problem(
            stop.at as u32..end as u32,
            ProblemKind::Stopped,
            format!("not readable as YAML: {}", stop.reason),
        );
        let Some(restart) = restart else { break };
        start = restart;
    }
    for line in placeholders {
        let message = "a line that is neither a key nor a value, perhaps to be filled in by a script";
        builder.problem(line.start as u32..line.end as u32, ProblemKind::Skipped, message);
    }
}

/// How often a text is read again because of lines in brackets or quotes that stand too far left, or
/// of placeholder lines: each time costs a reading of their document.
const MAX_MENDED: usize = 16;

/// Where the rest of a document could not be read, and why.
struct Stop {
    at: usize,
    reason: String,
}

impl Stop {
    /// The text in which what stands too far left no longer does, if that is what stopped the
    /// reading and something can be done about it.
    fn flattened(&self, text: &str, cursor: usize) -> Option<String> {
        match &*self.reason {
            "invalid indentation" | "invalid indentation in flow construct" => flatten(text, cursor, self.at),
            "invalid indentation in quoted scalar" => flatten_quoted(text, self.at),
            _ => None,
        }
    }

    /// The line of one bare word where a map's key should be, if that is what stopped the reading:
    /// scripts put whole lines in the place of such words. Without it the rest can be read.
    fn placeholder(&self, text: &str) -> Option<Range<usize>> {
        if self.reason != "simple key expect ':'" {
            return None;
        }
        // Found out at the next token, on the same line or a later one.
        let before = text[..self.at].trim_end();
        let here = text[self.at..].find('\n').map_or(text.len(), |end| self.at + end);
        [here, before.len()].into_iter().find_map(|end| {
            let start = text[..end].rfind('\n').map_or(0, |end| end + 1);
            let line = &text[start..end];
            let word = line.trim();
            let word_start = start + (line.len() - line.trim_start().len());
            let is_bare = |byte: u8| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$' | b'@' | b'%' | b'.')
            };
            (!word.is_empty() && !word.starts_with('-') && word.bytes().all(is_bare))
                .then(|| word_start..word_start + word.len())
        })
    }
}

/// The first line at or behind a byte that starts a document (`---` at column 0).
fn next_document(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < bytes.len() {
        if (at == 0 || bytes[at - 1] == b'\n')
            && bytes[at..].starts_with(b"---")
            && bytes.get(at + 3).is_none_or(u8::is_ascii_whitespace)
        {
            return Some(at);
        }
        at += bytes[at..].iter().position(|&b| b == b'\n')? + 1;
    }
    None
}

struct Reader<'t, 'b> {
    text: &'t str,
    /// What saphyr reads: the text, with blanks for some characters that it refuses.
    readable: &'t str,
    /// Where the document starts, and what the tree was then.
    document: (usize, Checkpoint),
    bytes: &'t [u8],
    builder: &'b mut TreeBuilder,
    offsets: &'b Offsets<'t>,
    /// The cursor: what stands before this byte has been dealt with.
    at: usize,
    /// Where the last value or bracket ended.
    end: usize,
    /// The node of each anchor; saphyr numbers them from 1, a redefined name gets a new number.
    anchors: Vec<Option<u32>>,
    /// How many of the anchors belong to earlier documents, from where they must not be used.
    foreign_anchors: usize,
}

impl<'t> Reader<'t, '_> {
    /// Reads documents, to the end of the text or to what cannot be read.
    fn read(&mut self) -> Option<Stop> {
        let readable: &'t str = self.readable;
        let mut events = Parser::new_from_str(&readable[self.at..]);
        while let Some(event) = events.next_event() {
            match event {
                Ok((Event::StreamEnd, _)) => break,
                Ok((Event::DocumentStart(true), mark)) if !self.starts_document(&mark) => {
                    // saphyr counts wide characters wrongly in a directive, and is out of step then.
                    return Some(Stop { at: self.at, reason: "a directive that is not ASCII".to_owned() });
                }
                Ok((event, mark)) => self.take(event, mark),
                Err(error) => {
                    let at = self.offsets.byte(error.marker());
                    if !self.step_over(&error, at) {
                        return Some(Stop { at, reason: error.info().to_owned() });
                    }
                }
            }
        }
        self.skip_to(readable.len());
        None
    }

    fn starts_document(&self, mark: &Span) -> bool {
        self.bytes[self.offsets.byte(&mark.start)..].starts_with(b"---")
    }

    /// Reports an error behind which saphyr's state is sound, so that reading can go on: an alias
    /// without an anchor has been consumed like any other when it is found out.
    fn step_over(&mut self, error: &ScanError, at: usize) -> bool {
        let undefined_alias = error.info().contains("unknown anchor");
        if undefined_alias {
            self.skip_to(at);
            self.undefined_alias(at, self.property_end(at));
        }
        undefined_alias
    }

    fn take(&mut self, event: Event<'_>, mark: Span) {
        match event {
            Event::DocumentStart(explicit) => {
                self.foreign_anchors = self.anchors.len();
                let start = self.offsets.byte(&mark.start);
                if explicit {
                    self.skip_to(start);
                }
                self.document = (self.at, self.builder.checkpoint());
                if explicit {
                    self.at = start + "---".len();
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let properties = anchor > 0 || tag.is_some();
                let id = match style {
                    ScalarStyle::Plain if text.is_empty() => self.empty(properties, mark),
                    ScalarStyle::Plain => self.plain(properties, mark, text),
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                        self.quoted(properties, mark, text)
                    }
                    ScalarStyle::Literal | ScalarStyle::Folded => self.block(properties, mark, text),
                };
                self.anchor(anchor, id);
            }
            Event::Alias(anchor) => {
                let (start, end) = (self.offsets.byte(&mark.start), self.offsets.byte(&mark.end));
                self.skip_to(start);
                let target = self.anchors.get(anchor - 1).copied().flatten();
                match target.filter(|_| anchor > self.foreign_anchors) {
                    None => self.undefined_alias(start, end),
                    Some(target) => {
                        self.pass(end);
                        self.builder.alias(start as u32..end as u32, target);
                    }
                }
            }
            Event::SequenceStart(anchor, tag) => {
                let start = self.list_start(anchor > 0 || tag.is_some(), mark);
                self.end = self.at.max(start);
                let id = self.builder.open(NodeKind::List, start as u32);
                self.anchor(anchor, id);
            }
            Event::MappingStart(anchor, tag) => {
                let start = self.collection_start(anchor > 0 || tag.is_some(), mark);
                self.end = self.at.max(start);
                let id = self.builder.open(NodeKind::Map, start as u32);
                self.anchor(anchor, id);
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(mark),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
    }

    fn anchor(&mut self, number: usize, node: u32) {
        if number > 0 {
            self.anchors.resize(number, None);
            self.anchors[number - 1] = Some(node);
        }
    }

    fn undefined_alias(&mut self, start: usize, end: usize) {
        let span = start as u32..end as u32;
        self.builder.problem(
            span.clone(),
            ProblemKind::Skipped,
            "this alias has no anchor before it in the document",
        );
        self.builder.scalar(Style::Plain, span.clone(), span.start..span.start, None);
        self.pass(end);
    }

    fn plain(&mut self, properties: bool, mark: Span, text: Cow<'_, str>) -> u32 {
        let start = self.content_start(properties, mark);
        let end = self.offsets.byte(&mark.end).max(start);
        self.scalar(Style::Plain, (start, end), (start, end), text)
    }

    fn quoted(&mut self, properties: bool, mark: Span, text: Cow<'_, str>) -> u32 {
        let start = self.content_start(properties, mark);
        let close = self.closing_quote(start);
        let end = (close + 1).min(self.bytes.len());
        self.scalar(Style::Quoted, (start, end), (start + 1, close), text)
    }

    /// A block scalar spans from its `|` or `>` to the end of its last content line; the line
    /// break behind that stays outside, as it does for every other value.
    fn block(&mut self, properties: bool, mark: Span, text: Cow<'_, str>) -> u32 {
        if properties {
            self.content_start(true, mark);
        }
        self.skip_until(|byte| matches!(byte, b'|' | b'>'));
        let header = self.at;
        let indicators = self.bytes[header..].iter().skip(1);
        let indicators = indicators.take_while(|b| matches!(b, b'+' | b'-' | b'0'..=b'9')).count();
        let header_end = (header + 1 + indicators).min(self.bytes.len());
        let keep = self.bytes[header..header_end].contains(&b'+');
        self.skip_to(line_end(self.bytes, header_end));
        let body = self.at + break_length(&self.bytes[self.at..]);
        let stop = self.offsets.byte(&mark.end).max(body);
        let length = block_length(&self.text[body..stop], &text, keep);
        let (inner, end) = match length {
            0 => ((header_end, header_end), header_end),
            length => ((body, body + length), body + length),
        };
        self.scalar(Style::Block, (header, end), inner, text)
    }

    /// Adds a scalar; its text is kept only where it is not what the source says letter by letter.
    fn scalar(
        &mut self,
        style: Style,
        outer: (usize, usize),
        inner: (usize, usize),
        text: Cow<'_, str>,
    ) -> u32 {
        self.pass(outer.1);
        let written = &self.text[inner.0..inner.1];
        let text = if self.readable[inner.0..inner.1] == *written {
            text
        } else {
            Cow::Owned(self.restored(style, outer.0, inner, &text))
        };
        let as_written = *written == *text;
        self.builder.scalar(
            style,
            outer.0 as u32..outer.1 as u32,
            inner.0 as u32..inner.1 as u32,
            (!as_written).then(|| text.into_owned().into_boxed_str()),
        )
    }

    /// The text of a scalar in which saphyr was given blanks for tabs and line breaks.
    fn restored(&self, style: Style, start: usize, inner: (usize, usize), text: &str) -> String {
        let written = &self.text[inner.0..inner.1];
        if style == Style::Plain {
            // Only a line break can have been in it: a tab behind a colon ends a plain scalar.
            return written.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        }
        let mark = self.bytes.get(start).copied();
        let readable = &self.readable[inner.0..inner.1];
        let places = align(Syntax::Yaml, style, mark, readable, inner.0 as u32, text);
        let mut restored = String::with_capacity(text.len());
        let mut folded = 0..0;
        for (offset, char) in text.char_indices() {
            let place = (places.source(offset as u32) as usize).saturating_sub(inner.0);
            let there = written.as_bytes().get(place).filter(|b| char == ' ' && b.is_ascii_whitespace());
            let Some(&blank) = there else {
                restored.push(char);
                continue;
            };
            if folded.contains(&place) {
                continue;
            }
            let run = blanks_around(written, place);
            let breaks = written[run.clone()].matches('\n').count();
            if breaks > 0 && style == Style::Quoted {
                restored.push_str(&if breaks == 1 { " ".to_owned() } else { "\n".repeat(breaks - 1) });
                folded = run;
            } else {
                restored.push(if blank == b'\t' { '\t' } else { ' ' });
            }
        }
        restored
    }

    /// A value that is not there stands directly behind what announces it: `:`, `-`, `?`, an
    /// anchor or a tag. Without such a mark it stands at the cursor.
    fn empty(&mut self, properties: bool, mark: Span) -> u32 {
        let place = if properties {
            self.offsets.byte(&mark.end)
        } else {
            let (at, byte) = self.next_token();
            match (self.builder.innermost(), byte) {
                (Some((NodeKind::List, _)), b'-') => at + 1,
                (Some((NodeKind::Map, children)), b':') if children % 2 == 1 => at + 1,
                (Some((NodeKind::Map, children)), b':') if children % 2 == 0 => at,
                (Some((NodeKind::Map, children)), b'?') if children % 2 == 0 => at + 1,
                _ => self.at,
            }
        };
        self.skip_to(place);
        self.pass(self.at);
        let at = self.at as u32;
        self.builder.scalar(Style::Plain, at..at, at..at, None)
    }

    /// Where a list starts. saphyr reports an unindented one (`key:` and `- item` at the same
    /// column) behind its first dash; only a value or key of a block map can be written so.
    fn list_start(&mut self, properties: bool, mark: Span) -> usize {
        let in_map = matches!(self.builder.innermost(), Some((NodeKind::Map, _)));
        if !properties && in_map && mark.is_empty() {
            self.skip_until(|byte| byte == b'-');
            return self.at;
        }
        self.collection_start(properties, mark)
    }

    /// Where a collection starts; the cursor moves behind its bracket if it has one. The event of
    /// a collection in brackets ends behind the bracket, any other ends where it starts.
    fn collection_start(&mut self, properties: bool, mark: Span) -> usize {
        let start = self.content_start(properties, mark);
        if matches!(self.bytes.get(start), Some(b'[' | b'{')) && self.offsets.byte(&mark.end) > start {
            self.at = start + 1;
        }
        start
    }

    fn close(&mut self, mark: Span) {
        let at = self.offsets.byte(&mark.start);
        if !mark.is_empty() && matches!(self.bytes.get(at), Some(b']' | b'}')) {
            self.skip_to(at);
            self.pass(at + 1);
        }
        self.builder.close(self.end as u32);
    }

    fn close_all(&mut self) {
        while self.builder.depth() > 0 {
            self.builder.forget_key();
            self.builder.close(self.end as u32);
        }
    }

    /// Where a node's content starts, behind its anchor and tag; the cursor moves there.
    fn content_start(&mut self, properties: bool, mark: Span) -> usize {
        let start = self.offsets.byte(&mark.start);
        self.skip_to(start);
        if properties {
            while let Some(b'&' | b'!') = self.bytes.get(self.at) {
                self.at = self.property_end(self.at);
                self.skip_until(|byte| !byte.is_ascii_whitespace());
            }
        }
        self.at
    }

    /// Where the anchor, alias or tag at a byte ends.
    fn property_end(&self, at: usize) -> usize {
        let rest = &self.bytes[at..];
        if rest.starts_with(b"!<") {
            return rest.iter().position(|&b| b == b'>').map_or(self.bytes.len(), |i| at + i + 1);
        }
        let ends =
            |&byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b'[' | b']' | b'{' | b'}');
        rest.iter().position(ends).map_or(self.bytes.len(), |length| at + length)
    }

    fn closing_quote(&self, start: usize) -> usize {
        let quote = self.bytes[start];
        let mut at = start + 1;
        while let Some(&byte) = self.bytes.get(at) {
            if byte == b'\\' && quote == b'"' {
                at += 1;
            } else if byte == quote {
                if quote == b'"' || self.bytes.get(at + 1) != Some(&quote) {
                    break;
                }
                at += 1;
            }
            at += 1;
        }
        at.min(self.bytes.len())
    }

    /// Marks the end of what was added last: collections without brackets end there. The cursor
    /// may already be further, behind the comment on the first line of an empty block scalar.
    fn pass(&mut self, end: usize) {
        self.at = self.at.max(end);
        self.end = end;
    }

    /// Moves the cursor forward to a byte; the comments on the way are recorded.
    fn skip_to(&mut self, target: usize) {
        while self.at < target {
            if self.bytes[self.at] == b'#' && self.opens_comment() {
                self.comment();
            } else {
                self.at += 1;
            }
        }
    }

    /// Moves the cursor forward to a byte of a kind, outside of comments, which are recorded.
    fn skip_until(&mut self, wanted: impl Fn(u8) -> bool) {
        while let Some(&byte) = self.bytes.get(self.at) {
            if byte == b'#' && self.opens_comment() {
                self.comment();
            } else if wanted(byte) {
                return;
            } else {
                self.at += 1;
            }
        }
    }

    fn opens_comment(&self) -> bool {
        self.at == 0
            || self.bytes[self.at - 1].is_ascii_whitespace()
            || self.text[..self.at].ends_with('\u{feff}')
    }

    fn comment(&mut self) {
        let end = line_end(self.bytes, self.at);
        self.builder.comment(self.at as u32..end as u32);
        self.at = end;
    }

    /// The first byte at or behind the cursor that is neither blank nor in a comment; 0 at the end.
    fn next_token(&self) -> (usize, u8) {
        let mut at = self.at;
        while let Some(&byte) = self.bytes.get(at) {
            match byte {
                b'#' => at = line_end(self.bytes, at),
                b' ' | b'\t' | b'\r' | b'\n' => at += 1,
                _ => return (at, byte),
            }
        }
        (at, 0)
    }
}

/// The run of white space that holds a byte.
fn blanks_around(text: &str, place: usize) -> Range<usize> {
    let (before, behind) = text.as_bytes().split_at(place);
    let before = before.iter().rev().take_while(|b| b.is_ascii_whitespace()).count();
    let behind = behind.iter().take_while(|b| b.is_ascii_whitespace()).count();
    place - before..place + behind
}

/// The end of the line that holds a byte, before its line break.
fn line_end(bytes: &[u8], from: usize) -> usize {
    bytes[from..].iter().position(|b| matches!(b, b'\n' | b'\r')).map_or(bytes.len(), |i| from + i)
}

fn break_length(bytes: &[u8]) -> usize {
    match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

/// How much of what saphyr consumed for a block scalar's body belongs to it: up to the end of the
/// last content line; where blank lines at the end are kept, up to the last kept line break.
fn block_length(raw: &str, decoded: &str, keep: bool) -> usize {
    let indent = block_indent(raw, decoded);
    let mut end = raw.len();
    loop {
        let start = raw[..end].rfind(['\n', '\r']).map_or(0, |i| i + 1);
        let line = &raw[start..end];
        let blank = line.len() <= indent && line.bytes().all(|b| b == b' ');
        if !blank {
            return end;
        }
        let before = &raw[..start];
        let newline = if before.ends_with("\r\n") { 2 } else { before.len().min(1) };
        end = start - newline;
        if start == 0 || keep {
            return end;
        }
    }
}

/// From saphyr's character numbers to bytes.
struct Offsets<'t> {
    text: &'t str,
    /// The byte of every [`Offsets::STEP`]th character; empty where the text is ASCII.
    steps: Vec<u32>,
    /// How many characters precede the part that is being parsed.
    base: usize,
    /// How many bytes precede it.
    base_byte: usize,
}

impl<'t> Offsets<'t> {
    const STEP: usize = 64;

    fn new(text: &'t str) -> Self {
        let mut steps = Vec::new();
        if !text.is_ascii() {
            steps.extend(text.char_indices().step_by(Self::STEP).map(|(byte, _)| byte as u32));
        }
        Self { text, steps, base: 0, base_byte: 0 }
    }

    /// Marks from now on count from this byte.
    fn rebase(&mut self, byte: usize) {
        self.base += self.text[self.base_byte..byte].chars().count();
        self.base_byte = byte;
    }

    fn byte(&self, mark: &Marker) -> usize {
        let character = self.base + mark.index();
        let Some(&step) = self.steps.get(character / Self::STEP) else {
            return if self.steps.is_empty() { character.min(self.text.len()) } else { self.text.len() };
        };
        let rest = &self.text[step as usize..];
        let within = rest.char_indices().nth(character % Self::STEP);
        step as usize + within.map_or(rest.len(), |(byte, _)| byte)
    }
}
