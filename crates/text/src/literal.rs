//! A scalar as a parser found it, before it has its place in a tree: what the parsers that look
//! ahead or put sections together hold in the meantime. Decides nothing about its meaning.

use std::ops::Range;

use crate::{Style, TreeBuilder};

/// A scalar as written, with byte offsets of the text being parsed.
#[derive(Debug, Clone)]
pub(crate) struct Literal {
    pub(crate) style: Style,
    /// Quotes included.
    pub(crate) outer: Range<u32>,
    /// Between the quotes.
    pub(crate) inner: Range<u32>,
    /// The text, where it is not the bytes of `inner`.
    pub(crate) decoded: Option<Box<str>>,
}

impl Literal {
    /// A scalar without quotes.
    pub(crate) fn plain(range: Range<usize>) -> Self {
        let range = bytes(range);
        Self { style: Style::Plain, outer: range.clone(), inner: range, decoded: None }
    }

    /// A scalar between one-byte quotes; `outer` holds both of them.
    pub(crate) fn quoted(outer: Range<usize>) -> Self {
        let inner = bytes(outer.start + 1..outer.end - 1);
        Self { style: Style::Quoted, outer: bytes(outer), inner, decoded: None }
    }

    /// The same with its decoded text, which is dropped where it equals the bytes written.
    #[must_use]
    pub(crate) fn meaning(mut self, decoded: String, text: &str) -> Self {
        self.decoded = (decoded != self.raw(text)).then(|| decoded.into());
        self
    }

    /// The bytes written between the quotes.
    pub(crate) fn raw<'t>(&self, text: &'t str) -> &'t str {
        &text[self.inner.start as usize..self.inner.end as usize]
    }

    /// The decoded text.
    pub(crate) fn text<'t>(&'t self, text: &'t str) -> &'t str {
        self.decoded.as_deref().unwrap_or_else(|| self.raw(text))
    }

    /// Adds it to a tree.
    pub(crate) fn place(self, builder: &mut TreeBuilder) {
        builder.scalar(self.style, self.outer, self.inner, self.decoded);
    }
}

/// Offsets as the tree holds them.
pub(crate) fn bytes(range: Range<usize>) -> Range<u32> {
    range.start as u32..range.end as u32
}

/// The byte at which parsing starts: behind a byte order mark.
pub(crate) fn behind_bom(text: &str) -> usize {
    if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
}

/// The bytes of the rest of the line from `at` on, without its line break (`\n` or `\r\n`).
pub(crate) fn rest_of_line(text: &str, at: usize) -> Range<usize> {
    let end = text[at..].find('\n').map_or(text.len(), |i| at + i);
    let line = &text[at..end];
    at..at + line.strip_suffix('\r').unwrap_or(line).len()
}

/// The byte behind the line break of the line that holds `at`.
pub(crate) fn next_line(text: &str, at: usize) -> usize {
    text.as_bytes()[at..].iter().position(|&b| b == b'\n').map_or(text.len(), |i| at + i + 1)
}
