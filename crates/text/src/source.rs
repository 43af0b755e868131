//! A source file as text, the byte spans that point into it, and the line index that turns a
//! byte offset into a line and column. Must not read the disk.

use std::sync::{Arc, OnceLock};

/// Which source a span points into: an index into the list of sources of one audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A half-open range of bytes in one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The source it points into.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The smallest span that holds both; `self` where they lie in different files.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        if self.file != other.file {
            return self;
        }
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Whether `other` lies wholly inside.
    pub fn contains(self, other: Span) -> bool {
        self.file == other.file && self.start <= other.start && other.end <= self.end
    }
}

/// A place as people name it. Both numbers count from 1; columns count characters, not bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// Where each line of a text starts.
#[derive(Debug, Clone)]
pub struct LineIndex {
    starts: Box<[u32]>,
}

impl LineIndex {
    /// Reads the line starts of a text. A line ends with `\n`; a `\r` before it belongs to the line.
    pub fn new(text: &str) -> Self {
        let starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(i, _)| i as u32 + 1))
            .collect();
        Self { starts }
    }

    /// The line of a byte offset, from 1. Offsets past the end belong to the last line.
    pub fn line(&self, offset: u32) -> u32 {
        self.starts.partition_point(|&start| start <= offset) as u32
    }

    /// The byte offset at which a line (from 1) starts; `None` past the last line.
    pub fn start(&self, line: u32) -> Option<u32> {
        self.starts.get(line.checked_sub(1)? as usize).copied()
    }

    /// How many lines there are (an empty text has one).
    pub fn len(&self) -> u32 {
        self.starts.len() as u32
    }

    /// Never: a text has at least one line.
    pub fn is_empty(&self) -> bool {
        false
    }
}

/// One source: its name, its text, and its line index (made when first asked for).
#[derive(Debug)]
pub struct Source {
    id: FileId,
    path: String,
    text: Arc<str>,
    lines: OnceLock<LineIndex>,
}

impl Source {
    /// A source named `path` (relative, with `/`). A leading byte order mark stays part of the
    /// text, so that offsets are those of the file; parsers skip it.
    pub fn new(id: FileId, path: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        Self { id, path: path.into(), text: text.into(), lines: OnceLock::new() }
    }

    /// The same source under another name, for a file that stands inside this one (an entry of a
    /// ConfigMap): number, text and positions are those of this source.
    #[must_use]
    pub fn renamed(&self, path: impl Into<String>) -> Self {
        Self { id: self.id, path: path.into(), text: Arc::clone(&self.text), lines: OnceLock::new() }
    }

    /// Its number in the audit.
    pub fn id(&self) -> FileId {
        self.id
    }

    /// Its path as shown to people: relative to the root, with `/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its line index.
    pub fn lines(&self) -> &LineIndex {
        self.lines.get_or_init(|| LineIndex::new(&self.text))
    }

    /// Line and column of a byte offset.
    pub fn position(&self, offset: u32) -> Position {
        let line = self.lines().line(offset);
        let start = self.lines().start(line).unwrap_or(0) as usize;
        let end = (offset as usize).min(self.text.len()).max(start);
        let column = self.text.get(start..end).map_or(end - start, |s| s.chars().count()) as u32 + 1;
        Position { line, column }
    }

    /// The text under a span; empty where the span does not fit this source.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }
}
