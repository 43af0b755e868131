//! The one spanned tree that every syntax is read into.
//!
//! Nodes lie in one arena in the order they were parsed; an alias is a pointer, never a copy, so
//! no input can make the tree larger than its text. Must not know any product.

use std::borrow::Cow;

use crate::{FileId, Node, PositionMap, Scalar, Source, Span, TreeBuilder};

/// Up to so many keys it is quicker to compare them one by one than to hash them.
pub(crate) const FEW: usize = 16;

/// The syntaxes that become a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Syntax {
    /// YAML, several documents, anchors, merge keys.
    Yaml,
    /// JSON, with comments and trailing commas allowed.
    Json,
    /// TOML 1.1.
    Toml,
    /// Java `.properties`.
    Properties,
    /// INI: sections of `key = value`; `;` and `#` comments.
    Ini,
    /// `KEY=value` lines with optional `export` and shell-like quotes.
    Env,
    /// NGINX directives. `name arg arg { ... }` is an entry `name` whose value is the list of its
    /// arguments, with a map as last item where there is a block.
    Nginx,
    /// HAProxy. A directive is an entry as in NGINX; a section is one with a map as last item.
    Haproxy,
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes: the only style whose text may mean a number or a boolean.
    Plain,
    /// In single or double quotes (or TOML's literal strings).
    Quoted,
    /// A YAML block scalar, `|` or `>`, or a TOML multi-line string.
    Block,
}

/// What kind of thing a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// A single value.
    Scalar,
    /// An ordered list.
    List,
    /// Keys and values, in the order written.
    Map,
}

/// Something in the text that stopped or disturbed the parser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub span: Span,
    /// What kind.
    pub kind: ProblemKind,
    /// In words: what was found. Never repeats a value of the file.
    pub message: String,
}

/// The kinds of problem a text can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProblemKind {
    /// The text from here on was not understood and is not in the tree.
    Stopped,
    /// One construct was not understood; what follows it is in the tree.
    Skipped,
    /// A key was written twice in one map; the later one counts.
    DuplicateKey,
    /// Nesting deeper than [`Tree::MAX_DEPTH`]; the inside was left out.
    TooDeep,
    /// Aliases that would expand to more than [`Tree::MAX_EXPANSION`] nodes, or deeper than
    /// [`Tree::MAX_DEPTH`] levels; none is followed.
    AliasBomb,
}

/// A comment with its mark (`#`, `;`, `//`), without the line break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comment<'t> {
    /// The text with its mark.
    pub text: &'t str,
    /// Where it stands in the source.
    pub span: Span,
}

#[derive(Debug)]
pub(crate) struct NodeData {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) shape: Shape,
}

#[derive(Debug)]
pub(crate) enum Shape {
    /// `text` is `None` where the scalar's text is exactly the bytes `inner` of the tree's text.
    Scalar { style: Style, inner: (u32, u32), text: Option<Box<str>> },
    /// A range of `links`.
    List { first: u32, count: u32 },
    /// A range of `links`, key and value alternating; `count` is the number of entries.
    Map { first: u32, count: u32 },
    /// Stands for another node.
    Alias(u32),
}

/// A parsed text: documents of nodes with spans.
#[derive(Debug)]
pub struct Tree<'s> {
    pub(crate) file: FileId,
    pub(crate) syntax: Syntax,
    pub(crate) text: Cow<'s, str>,
    /// From `text` to the source; `None` where `text` is the source's text.
    pub(crate) map: Option<PositionMap>,
    pub(crate) nodes: Vec<NodeData>,
    pub(crate) links: Vec<u32>,
    pub(crate) documents: Vec<u32>,
    pub(crate) comments: Vec<(u32, u32)>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) follow_aliases: bool,
}

impl<'s> Tree<'s> {
    /// Nesting deeper than this is left out of the tree (200 is what real files and our tests
    /// reach; recursion over 256 levels stays within a thread's stack).
    pub const MAX_DEPTH: usize = 256;
    /// The most nodes that following every alias may visit in a tree beyond those written in it.
    pub const MAX_EXPANSION: u64 = 1_000_000;

    /// Parses a source. Never fails: see [`Tree::problems`].
    pub fn parse(syntax: Syntax, source: &'s Source) -> Tree<'s> {
        Self::build(syntax, source.id(), Cow::Borrowed(source.text()), None)
    }

    /// Parses the text of a scalar, for instance a configuration file inside a ConfigMap. Spans
    /// of the new tree point into the source that holds the scalar.
    pub fn parse_scalar(syntax: Syntax, scalar: Scalar<'_>) -> Tree<'static> {
        let map = scalar.position_map();
        Tree::build(syntax, scalar.tree().file, Cow::Owned(scalar.text().to_owned()), Some(map))
    }

    /// A tree of one plain scalar: a text put together from pieces of a source (a variable replaced,
    /// half of `name=value`), with the map that leads from it back to the source.
    pub fn of_text(file: FileId, text: String, map: PositionMap) -> Tree<'static> {
        let mut builder = TreeBuilder::new(&text);
        let whole = 0..text.len() as u32;
        builder.scalar(Style::Plain, whole.clone(), whole, None);
        builder.finish(Syntax::Env, file, Cow::Owned(text), Some(map))
    }

    fn build<'x>(syntax: Syntax, file: FileId, text: Cow<'x, str>, map: Option<PositionMap>) -> Tree<'x> {
        let mut builder = TreeBuilder::new(&text);
        match syntax {
            Syntax::Yaml => crate::yaml::parse(&text, &mut builder),
            Syntax::Json => crate::json::parse(&text, &mut builder),
            Syntax::Toml => crate::toml::parse(&text, &mut builder),
            Syntax::Properties => crate::properties::parse(&text, &mut builder),
            Syntax::Ini => crate::ini::parse(&text, &mut builder),
            Syntax::Env => crate::dotenv::parse(&text, &mut builder),
            Syntax::Nginx => crate::nginx::parse(&text, &mut builder),
            Syntax::Haproxy => crate::haproxy::parse(&text, &mut builder),
        }
        builder.finish(syntax, file, text, map)
    }

    /// The source this tree was read from.
    pub fn file(&self) -> FileId {
        self.file
    }

    /// Its syntax.
    pub fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// The first root, if it is a scalar.
    pub fn scalar(&self) -> Option<Scalar<'_>> {
        self.documents().next()?.scalar()
    }

    /// The roots, one a document. Every syntax but YAML has exactly one, a map or a list; an empty
    /// text has none.
    pub fn documents(&self) -> impl ExactSizeIterator<Item = Node<'_>> {
        self.documents.iter().map(|&id| self.node(id))
    }

    /// What disturbed the parser, in order of place.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// All comments, in order of place.
    pub fn comments(&self) -> impl ExactSizeIterator<Item = Comment<'_>> {
        self.comments.iter().map(|&(start, end)| Comment {
            text: &self.text[start as usize..end as usize],
            span: self.span(start, end),
        })
    }

    /// The comment that stands behind `span` on the line where `span` ends.
    pub fn comment_behind(&self, span: Span) -> Option<Comment<'_>> {
        let next = self.comments.partition_point(|&(start, _)| self.source_offset(start) < span.end);
        let comment = self.comments.get(next).map(|&(start, end)| Comment {
            text: &self.text[start as usize..end as usize],
            span: self.span(start, end),
        })?;
        let (start, _) = self.comments[next];
        let line_start = self.text[..start as usize].rfind('\n').map_or(0, |i| i as u32 + 1);
        (self.source_offset(line_start) <= span.end).then_some(comment)
    }

    /// The comment lines directly above the line where `span` starts, first line first.
    pub fn comments_above(&self, span: Span) -> Vec<Comment<'_>> {
        let mut above = Vec::new();
        let mut next = self.comments.partition_point(|&(start, _)| self.source_offset(start) < span.start);
        // Walk up while each comment is alone on its line and the line below it is the last one seen.
        let mut floor = self.text_line_start(span.start);
        while next > 0 {
            let (start, end) = self.comments[next - 1];
            let line = self.text[..start as usize].rfind('\n').map_or(0, |i| i + 1);
            let alone = self.text[line..start as usize].trim_start_matches('\u{feff}');
            let alone = alone.bytes().all(|b| b == b' ' || b == b'\t');
            // A comment in front of the span, on its line, ends behind the floor: `get` is `None`.
            let between = self.text.get(end as usize..floor as usize);
            let adjacent = between.is_some_and(|text| text.matches('\n').count() == 1);
            if !alone || !adjacent {
                break;
            }
            above.push(Comment {
                text: &self.text[start as usize..end as usize],
                span: self.span(start, end),
            });
            floor = line as u32;
            next -= 1;
        }
        above.reverse();
        above
    }

    /// Start, in this tree's text, of the line that holds the source offset.
    fn text_line_start(&self, source_offset: u32) -> u32 {
        let offset = match &self.map {
            None => source_offset as usize,
            Some(map) => {
                // The map is monotonic: find the last text offset that is not behind the source's.
                let (mut low, mut high) = (0u32, self.text.len() as u32);
                while low < high {
                    let mid = low + (high - low).div_ceil(2);
                    if map.source(mid) <= source_offset { low = mid } else { high = mid - 1 }
                }
                low as usize
            }
        };
        let offset = offset.min(self.text.len());
        self.text.as_bytes()[..offset].iter().rposition(|&b| b == b'\n').map_or(0, |i| i as u32 + 1)
    }

    fn source_offset(&self, offset: u32) -> u32 {
        self.map.as_ref().map_or(offset, |map| map.source(offset))
    }

    pub(crate) fn span(&self, start: u32, end: u32) -> Span {
        Span { file: self.file, start: self.source_offset(start), end: self.source_offset(end) }
    }

    pub(crate) fn node(&self, id: u32) -> Node<'_> {
        let mut target = id;
        let mut via = None;
        while let Shape::Alias(next) = self.nodes[target as usize].shape {
            if !self.follow_aliases {
                break;
            }
            via.get_or_insert(target);
            target = next;
        }
        Node::new(self, target, via)
    }
}
