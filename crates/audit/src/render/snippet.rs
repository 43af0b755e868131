//! Source lines with labels: which lines of which file are drawn, secrets hidden, long lines cut
//! around what is labelled.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Element, Group, Origin, Renderer, Snippet};
use model::{FileId, Span};
use text::Source;

use super::plain;
use crate::plain::lines;
use crate::redact;

/// How text is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// With colours. Nothing is said by colour alone.
    pub colour: bool,
    /// Columns to draw in.
    pub width: usize,
}

impl Default for Style {
    /// Plain, 120 columns wide: what a file or a log takes.
    fn default() -> Self {
        Self { colour: false, width: 120 }
    }
}

impl Style {
    pub(super) fn draw(self, groups: &[Group<'_>]) -> String {
        let renderer = if self.colour { Renderer::styled() } else { Renderer::plain() };
        let mut drawn = renderer.term_width(self.width).render(groups);
        // A snippet whose place was said before it (see `draw`) is drawn below a bare mark.
        if drawn.contains(BARE) {
            drawn = drawn.split_inclusive('\n').filter(|line| !is_bare(line)).collect();
        }
        drawn
    }
}

/// How the renderer begins the place of a further file.
const BARE: &str = "::: ";

/// Whether a drawn line is such a beginning with no place behind it.
fn is_bare(line: &str) -> bool {
    let mut inside = false;
    let words: String = line
        .chars()
        .filter(|&c| {
            let hidden = inside || c == '\u{1b}';
            inside = hidden && c != 'm';
            !hidden
        })
        .collect();
    words.trim() == BARE.trim()
}

/// Lines further apart than this are drawn as snippets of their own.
const FAR: u32 = 12;
/// Of a line longer than this only the surroundings of the labels are handed to the renderer, which
/// takes 50 ms to cut a line of 100 kB: a minified file is one line of megabytes.
const LONG: usize = 10_000;
/// How much of a long line is drawn on each side of a label, in bytes.
const AROUND: usize = 120;

/// A place to draw, with words.
pub(super) struct Mark {
    pub(super) span: Span,
    pub(super) text: String,
}

/// Texts of files with their secrets hidden, each made once.
#[derive(Default)]
pub(super) struct Redacted<'s>(BTreeMap<FileId, std::borrow::Cow<'s, str>>);

impl<'s> Redacted<'s> {
    fn text(&mut self, source: &'s Source) -> &str {
        self.0.entry(source.id()).or_insert_with(|| lines(redact(source.text())))
    }
}

/// Draws the marks: file by file in the order in which they first appear, the very first mark as
/// the place of the matter.
pub(super) fn elements<'s>(
    marks: &[Mark],
    source: impl Fn(FileId) -> &'s Source,
    redacted: &mut Redacted<'s>,
) -> Vec<Element<'static>> {
    let mut files: Vec<FileId> = Vec::new();
    for mark in marks {
        if !files.contains(&mark.span.file) {
            files.push(mark.span.file);
        }
    }
    let mut elements = Vec::new();
    for file in files {
        let source = source(file);
        let mut here: Vec<(usize, Drawn)> = marks
            .iter()
            .enumerate()
            .filter(|(_, mark)| mark.span.file == file)
            .map(|(number, mark)| (number, Drawn::new(mark, source)))
            .collect();
        // Clusters of near lines, the cluster with the earliest mark first.
        here.sort_by_key(|(number, drawn)| (drawn.line, *number));
        let mut clusters: Vec<Vec<(usize, Drawn)>> = Vec::new();
        for (number, drawn) in here {
            match clusters.last_mut() {
                Some(cluster) if cluster.last().is_some_and(|(_, last)| drawn.line - last.line <= FAR) => {
                    cluster.push((number, drawn));
                }
                _ => clusters.push(vec![(number, drawn)]),
            }
        }
        clusters.sort_by_key(|cluster| cluster.iter().map(|&(number, _)| number).min());
        let text = redacted.text(source);
        for cluster in clusters {
            draw(cluster, source, text, &mut elements);
        }
    }
    elements
}

/// A mark reduced to one line.
struct Drawn {
    line: u32,
    start: usize,
    end: usize,
    text: String,
}

impl Drawn {
    fn new(mark: &Mark, source: &Source) -> Self {
        let (start, end) = on_one_line(mark.span, source);
        Self { line: source.lines().line(start as u32), start, end, text: plain(&mark.text) }
    }
}

/// Where to point for a span, in bytes. A block is pointed at by its first line.
pub(super) fn on_one_line(span: Span, source: &Source) -> (usize, usize) {
    let text = source.text();
    let start = floor(text, span.start as usize);
    let line = source.lines().line(start as u32);
    let line_end = source.lines().start(line + 1).map_or(text.len(), |next| next as usize);
    let line_end = start + text[start..line_end.max(start)].trim_end().len();
    let end = floor(text, span.end as usize).clamp(start, line_end.max(start));
    (start, start + text[start..end].trim_end().len())
}

/// The nearest border of a character at or below an offset.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

fn draw(cluster: Vec<(usize, Drawn)>, source: &Source, text: &str, elements: &mut Vec<Element<'static>>) {
    let lines = source.lines();
    let (top, bottom) = cluster
        .iter()
        .fold((u32::MAX, 0), |(top, bottom), (_, drawn)| (top.min(drawn.line), bottom.max(drawn.line)));
    let mut shown = String::new();
    // Where each original offset of a labelled line came to stand.
    let mut moved: Vec<(u32, Vec<Piece>)> = Vec::new();
    for line in top..=bottom {
        let start = lines.start(line).unwrap_or(0) as usize;
        let end = lines.start(line + 1).map_or(text.len(), |next| next as usize);
        let body = text[start..end].trim_end_matches(['\n', '\r']);
        let labels: Vec<(usize, usize)> = cluster
            .iter()
            .filter(|(_, drawn)| drawn.line == line)
            .map(|(_, drawn)| (drawn.start - start, drawn.end - start))
            .collect();
        moved.push((line, cut(body, start, &labels, &mut shown)));
        shown.push('\n');
    }
    let place = |drawn: &Drawn, offset: usize| {
        let pieces = moved.iter().find(|(line, _)| *line == drawn.line).map(|(_, pieces)| pieces.as_slice());
        let piece = pieces.unwrap_or(&[]).iter().rev().find(|piece| piece.source <= offset);
        piece.map_or(0, |piece| piece.shown + (offset - piece.source).min(piece.length))
    };
    let mut snippet = Snippet::source(shown.clone()).line_start(top as usize);
    let is_cut = moved.iter().any(|(_, pieces)| pieces.iter().any(|piece| piece.is_cut));
    match cluster.iter().min_by_key(|(number, _)| *number) {
        // The renderer counts columns in what it is given, so of a cut line we say the place.
        Some((_, first)) if is_cut => {
            let at = source.position(first.start as u32);
            let place = Origin::path(source.path().to_owned()).line(at.line as usize);
            elements.push(place.char_column(at.column as usize).into());
        }
        _ => snippet = snippet.path(source.path().to_owned()),
    }
    for (number, drawn) in cluster {
        let kind = if number == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let (start, end) = (place(&drawn, drawn.start), place(&drawn, drawn.end));
        let label = (!drawn.text.is_empty()).then_some(drawn.text);
        snippet = snippet.annotation(kind.span(start..end).label(label));
    }
    elements.push(snippet.into());
}

/// A stretch of a line that is drawn.
struct Piece {
    source: usize,
    shown: usize,
    length: usize,
    is_cut: bool,
}

/// Appends a line, of a long one only what lies around its labels.
fn cut(body: &str, start: usize, labels: &[(usize, usize)], shown: &mut String) -> Vec<Piece> {
    if body.len() <= LONG {
        let piece = Piece { source: start, shown: shown.len(), length: body.len(), is_cut: false };
        shown.push_str(body);
        return vec![piece];
    }
    let mut windows: Vec<(usize, usize)> = labels
        .iter()
        .map(|&(from, to)| {
            let to = to.min(from + AROUND);
            (floor(body, from.saturating_sub(AROUND)), floor(body, to + AROUND))
        })
        .collect();
    windows.sort_unstable();
    if windows.is_empty() {
        windows.push((0, floor(body, AROUND)));
    }
    let mut pieces: Vec<Piece> = Vec::new();
    let mut done = 0;
    for (from, to) in windows {
        let from = from.max(done);
        if to <= from {
            continue;
        }
        if from > done {
            shown.push_str("...");
        }
        pieces.push(Piece { source: start + from, shown: shown.len(), length: to - from, is_cut: true });
        let _ = write!(shown, "{}", &body[from..to]);
        done = to;
    }
    if done < body.len() {
        shown.push_str("...");
    }
    pieces
}
