//! The one spanned tree that every syntax is read into, and the cursor with which readers walk it.
//!
//! Nodes lie in one arena in the order they were parsed; an alias is a pointer, never a copy, so
//! no input can make the tree larger than its text. Must not know any product.

use std::borrow::Cow;

use crate::{FileId, PositionMap, Source, Span};

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
    /// Aliases that would expand to more than [`Tree::MAX_EXPANSION`] nodes; they are not followed.
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
    /// The most nodes that following every alias may visit, per tree.
    pub const MAX_EXPANSION: u64 = 1_000_000;

    /// Parses a source. Never fails: see [`Tree::problems`].
    pub fn parse(syntax: Syntax, source: &'s Source) -> Tree<'s> {
        Self::build(syntax, source.id(), Cow::Borrowed(source.text()), None)
    }

    /// Parses the text of a scalar, for instance a configuration file inside a ConfigMap. Spans
    /// of the new tree point into the source that holds the scalar.
    pub fn parse_scalar(syntax: Syntax, scalar: Scalar<'_>) -> Tree<'static> {
        let map = scalar.position_map();
        Tree::build(syntax, scalar.tree.file, Cow::Owned(scalar.text().to_owned()), Some(map))
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
            let alone = self.text[line..start as usize].bytes().all(|b| b == b' ' || b == b'\t');
            let adjacent =
                self.text[end as usize..floor as usize].bytes().filter(|&b| b == b'\n').count() == 1;
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

    fn node(&self, id: u32) -> Node<'_> {
        let mut target = id;
        let mut via = None;
        while let Shape::Alias(next) = self.nodes[target as usize].shape {
            if !self.follow_aliases {
                break;
            }
            via.get_or_insert(target);
            target = next;
        }
        Node { tree: self, id: target, via }
    }
}

/// A cursor on a node. Copy it freely.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    tree: &'t Tree<'t>,
    id: u32,
    via: Option<u32>,
}

/// A key with its value.
#[derive(Clone, Copy)]
pub struct Entry<'t> {
    /// The key.
    pub key: Scalar<'t>,
    /// The value.
    pub value: Node<'t>,
}

impl<'t> Node<'t> {
    fn data(self) -> &'t NodeData {
        &self.tree.nodes[self.id as usize]
    }

    /// The tree it stands in.
    pub fn tree(self) -> &'t Tree<'t> {
        self.tree
    }

    /// What it is. An alias that is not followed (see [`ProblemKind::AliasBomb`]) is an empty scalar.
    pub fn kind(self) -> NodeKind {
        match self.data().shape {
            Shape::Scalar { .. } | Shape::Alias(_) => NodeKind::Scalar,
            Shape::List { .. } => NodeKind::List,
            Shape::Map { .. } => NodeKind::Map,
        }
    }

    /// Where the value is written; behind an alias, where the anchor's value is written.
    pub fn span(self) -> Span {
        self.tree.span(self.data().start, self.data().end)
    }

    /// Where the alias stands through which this node was reached.
    pub fn via(self) -> Option<Span> {
        let data = &self.tree.nodes[self.via? as usize];
        Some(self.tree.span(data.start, data.end))
    }

    /// The scalar, if it is one.
    pub fn scalar(self) -> Option<Scalar<'t>> {
        match self.data().shape {
            Shape::Scalar { .. } => Some(Scalar { tree: self.tree, id: self.id }),
            _ => None,
        }
    }

    /// The scalar's text, if it is one.
    pub fn text(self) -> Option<&'t str> {
        self.scalar().map(Scalar::text)
    }

    /// The items, if it is a list; none otherwise.
    pub fn items(self) -> impl ExactSizeIterator<Item = Node<'t>> + use<'t> {
        let (first, count) = match self.data().shape {
            Shape::List { first, count } => (first, count),
            _ => (0, 0),
        };
        let tree = self.tree;
        tree.links[first as usize..(first + count) as usize].iter().map(move |&id| tree.node(id))
    }

    /// The entries as written, if it is a map; none otherwise. `<<` is an entry like any other.
    pub fn written_entries(self) -> impl ExactSizeIterator<Item = Entry<'t>> + use<'t> {
        let (first, count) = match self.data().shape {
            Shape::Map { first, count } => (first, count),
            _ => (0, 0),
        };
        let tree = self.tree;
        tree.links[first as usize..(first + 2 * count) as usize].chunks_exact(2).map(move |pair| Entry {
            key: Scalar { tree, id: tree.node(pair[0]).id },
            value: tree.node(pair[1]),
        })
    }

    /// The entries that count: duplicates reduced to the last, YAML merge keys (`<<`) followed.
    /// Own keys win over merged ones; of several merged maps the earlier wins.
    pub fn entries(self) -> Vec<Entry<'t>> {
        let mut entries = Vec::new();
        self.collect_entries(&mut entries, 0);
        entries
    }

    fn collect_entries(self, into: &mut Vec<Entry<'t>>, depth: usize) {
        if depth > 16 {
            return; // A merge chain this long is a cycle of aliases or an attack.
        }
        let here = into.len();
        let mut merges = Vec::new();
        for entry in self.written_entries() {
            let key = entry.key.text();
            if key == "<<" && self.tree.syntax == Syntax::Yaml {
                merges.push(entry.value);
            } else if into[..here].iter().any(|e| e.key.text() == key) {
            } else if let Some(earlier) = into[here..].iter().position(|e| e.key.text() == key) {
                into[here + earlier] = entry;
            } else {
                into.push(entry);
            }
        }
        for merge in merges {
            match merge.kind() {
                NodeKind::Map => merge.collect_entries(into, depth + 1),
                NodeKind::List => {
                    for item in merge.items() {
                        item.collect_entries(into, depth + 1);
                    }
                }
                NodeKind::Scalar => {}
            }
        }
    }

    /// The entry of a key, merge keys followed.
    pub fn entry(self, key: &str) -> Option<Entry<'t>> {
        self.entry_at(key, 0)
    }

    fn entry_at(self, key: &str, depth: usize) -> Option<Entry<'t>> {
        let mut own = None;
        let mut merges = Vec::new();
        for entry in self.written_entries() {
            let text = entry.key.text();
            if text == key {
                own = Some(entry);
            } else if text == "<<" && self.tree.syntax == Syntax::Yaml {
                merges.push(entry.value);
            }
        }
        if own.is_some() || depth > 16 {
            return own;
        }
        merges.into_iter().find_map(|merge| match merge.kind() {
            NodeKind::Map => merge.entry_at(key, depth + 1),
            NodeKind::List => merge.items().find_map(|item| item.entry_at(key, depth + 1)),
            NodeKind::Scalar => None,
        })
    }

    /// The value of a key, merge keys followed.
    pub fn get(self, key: &str) -> Option<Node<'t>> {
        self.entry(key).map(|entry| entry.value)
    }

    /// The value at the end of a path of keys.
    pub fn at(self, path: &[&str]) -> Option<Node<'t>> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }
}

impl std::fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind() {
            NodeKind::Scalar => write!(f, "{:?}", self.text().unwrap_or("*")),
            NodeKind::List => f.debug_list().entries(self.items()).finish(),
            NodeKind::Map => {
                f.debug_map().entries(self.written_entries().map(|e| (e.key.text(), e.value))).finish()
            }
        }
    }
}

/// A scalar and its place.
#[derive(Clone, Copy)]
pub struct Scalar<'t> {
    tree: &'t Tree<'t>,
    id: u32,
}

impl<'t> Scalar<'t> {
    fn data(self) -> &'t NodeData {
        &self.tree.nodes[self.id as usize]
    }

    /// The tree it stands in.
    pub fn tree(self) -> &'t Tree<'t> {
        self.tree
    }

    /// Its text, decoded: quotes, escapes and indentation removed. A key that is no scalar (YAML
    /// allows maps as keys) has an empty text.
    pub fn text(self) -> &'t str {
        match &self.data().shape {
            Shape::Scalar { text: Some(text), .. } => text,
            Shape::Scalar { inner, .. } => &self.tree.text[inner.0 as usize..inner.1 as usize],
            _ => "",
        }
    }

    /// How it was written.
    pub fn style(self) -> Style {
        match self.data().shape {
            Shape::Scalar { style, .. } => style,
            _ => Style::Quoted,
        }
    }

    /// The whole scalar as written, quotes included.
    pub fn span(self) -> Span {
        self.tree.span(self.data().start, self.data().end)
    }

    /// The span of a piece of [`Scalar::text`], by byte range: true inside quotes, escapes, folded
    /// lines and block scalars.
    pub fn part(self, range: std::ops::Range<usize>) -> Span {
        let map = self.position_map();
        Span {
            file: self.tree.file,
            start: map.source(range.start as u32),
            end: map.source(range.end as u32),
        }
    }

    /// A piece of it as a tree of one scalar; empty where the range does not fit the text.
    pub fn piece(self, range: std::ops::Range<usize>) -> Tree<'static> {
        let text = self.text().get(range.clone()).unwrap_or("").to_owned();
        let map = self.position_map().after(&PositionMap::shifted(range.start as u32));
        Tree::of_text(self.tree.file, text, map)
    }

    /// From offsets of its text to offsets of the source.
    pub fn position_map(self) -> PositionMap {
        let data = self.data();
        let inner = match &data.shape {
            Shape::Scalar { text: None, inner, .. } => PositionMap::shifted(inner.0),
            Shape::Scalar { text: Some(text), inner, style } => {
                let raw = &self.tree.text[inner.0 as usize..inner.1 as usize];
                let mark = self.tree.text.as_bytes().get(data.start as usize).copied();
                crate::align::align(self.tree.syntax, *style, mark, raw, inner.0, text)
            }
            _ => PositionMap::shifted(data.start),
        };
        match &self.tree.map {
            None => inner,
            Some(outer) => outer.after(&inner),
        }
    }
}

impl std::fmt::Debug for Scalar<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.text())
    }
}

/// Builds a tree from a parser's events: open and close collections, add scalars in between. Keys
/// and values of a map alternate. All offsets are bytes of the text being parsed.
pub struct TreeBuilder {
    nodes: Vec<NodeData>,
    links: Vec<u32>,
    documents: Vec<u32>,
    comments: Vec<(u32, u32)>,
    problems: Vec<(u32, u32, ProblemKind, String)>,
    /// Open collections: node, and the children seen so far.
    open: Vec<(u32, Vec<u32>)>,
    /// Collections open inside the one that was too deep to keep.
    skipped: usize,
    length: u32,
}

impl TreeBuilder {
    fn new(text: &str) -> Self {
        Self {
            nodes: Vec::new(),
            links: Vec::new(),
            documents: Vec::new(),
            comments: Vec::new(),
            problems: Vec::new(),
            open: Vec::new(),
            skipped: 0,
            length: text.len() as u32,
        }
    }

    /// How many collections are open.
    pub fn depth(&self) -> usize {
        self.open.len() + self.skipped
    }

    /// The kind of the innermost open collection and how many children it has so far (a map's
    /// keys and values counted each).
    pub fn innermost(&self) -> Option<(NodeKind, usize)> {
        let (id, children) = self.open.last()?;
        let kind = match self.nodes[*id as usize].shape {
            Shape::Map { .. } => NodeKind::Map,
            _ => NodeKind::List,
        };
        Some((kind, children.len()))
    }

    fn place(&mut self, start: u32, end: u32, shape: Shape) -> u32 {
        if self.skipped > 0 {
            return self.nodes.len() as u32 - 1; // The scalar that stands for what was too deep.
        }
        let id = self.nodes.len() as u32;
        self.nodes.push(NodeData { start, end, shape });
        match self.open.last_mut() {
            Some((_, children)) => children.push(id),
            None => self.documents.push(id),
        }
        id
    }

    /// Adds a scalar that spans `outer` (quotes included) and whose text is the bytes `inner`, or
    /// `decoded` where decoding changed it. Gives the node's number, for anchors.
    pub fn scalar(
        &mut self,
        style: Style,
        outer: std::ops::Range<u32>,
        inner: std::ops::Range<u32>,
        decoded: Option<Box<str>>,
    ) -> u32 {
        let shape = Shape::Scalar { style, inner: (inner.start, inner.end), text: decoded };
        self.place(outer.start, outer.end, shape)
    }

    /// Opens a list or a map at a byte.
    pub fn open(&mut self, kind: NodeKind, start: u32) -> u32 {
        if self.skipped > 0 || self.open.len() >= Tree::MAX_DEPTH {
            if self.skipped == 0 {
                let message = format!("nested deeper than {} levels", Tree::MAX_DEPTH);
                self.problem(start..start, ProblemKind::TooDeep, message);
                self.scalar(Style::Quoted, start..start, start..start, None);
            }
            self.skipped += 1;
            return self.nodes.len() as u32 - 1;
        }
        let shape = match kind {
            NodeKind::Map => Shape::Map { first: 0, count: 0 },
            _ => Shape::List { first: 0, count: 0 },
        };
        let id = self.place(start, start, shape);
        self.open.push((id, Vec::new()));
        id
    }

    /// Closes the innermost collection at a byte. A map left with a key and no value gets an
    /// empty one. Closing nothing does nothing.
    pub fn close(&mut self, end: u32) {
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        if let Some((NodeKind::Map, children)) = self.innermost()
            && children % 2 == 1
        {
            self.scalar(Style::Plain, end..end, end..end, None);
        }
        let Some((id, children)) = self.open.pop() else { return };
        let first = self.links.len() as u32;
        let node = &mut self.nodes[id as usize];
        node.end = end.max(node.start);
        match &mut node.shape {
            Shape::Map { first: f, count } => (*f, *count) = (first, children.len() as u32 / 2),
            Shape::List { first: f, count } => (*f, *count) = (first, children.len() as u32),
            Shape::Scalar { .. } | Shape::Alias(_) => {}
        }
        self.links.extend(children);
    }

    /// Adds an alias to an earlier node. An alias to a collection that is still open (a cycle) is
    /// an empty scalar.
    pub fn alias(&mut self, span: std::ops::Range<u32>, target: u32) -> u32 {
        if self.open.iter().any(|&(id, _)| id == target) {
            return self.scalar(Style::Plain, span.clone(), span.start..span.start, None);
        }
        self.place(span.start, span.end, Shape::Alias(target))
    }

    /// Adds a comment, mark included.
    pub fn comment(&mut self, span: std::ops::Range<u32>) {
        self.comments.push((span.start, span.end));
    }

    /// Reports a problem.
    pub fn problem(&mut self, span: std::ops::Range<u32>, kind: ProblemKind, message: impl Into<String>) {
        self.problems.push((span.start, span.end, kind, message.into()));
    }

    fn finish<'x>(
        mut self,
        syntax: Syntax,
        file: FileId,
        text: Cow<'x, str>,
        map: Option<PositionMap>,
    ) -> Tree<'x> {
        self.skipped = 0;
        while !self.open.is_empty() {
            self.close(self.length);
        }
        self.comments.sort_unstable();
        self.report_duplicates(syntax, &text);
        let follow_aliases = self.expansion() <= Tree::MAX_EXPANSION;
        if !follow_aliases {
            self.problem(0..self.length, ProblemKind::AliasBomb, "aliases expand without measure");
        }
        self.problems.sort_by_key(|&(start, _, kind, _)| (start, kind));
        let mut tree = Tree {
            file,
            syntax,
            text,
            map,
            nodes: self.nodes,
            links: self.links,
            documents: self.documents,
            comments: self.comments,
            problems: Vec::new(),
            follow_aliases,
        };
        tree.problems = self
            .problems
            .into_iter()
            .map(|(start, end, kind, message)| Problem { span: tree.span(start, end), kind, message })
            .collect();
        tree
    }

    /// How many nodes a walk that follows every alias would visit.
    fn expansion(&self) -> u64 {
        if !self.nodes.iter().any(|node| matches!(node.shape, Shape::Alias(_))) {
            return self.nodes.len() as u64;
        }
        // A child has a higher number than its collection, an alias's target is closed before the
        // alias and so has a lower number than the alias; both are known when nodes are taken from
        // the last to the first only for children, so sizes are computed on demand, once each.
        let mut sizes = vec![0u64; self.nodes.len()];
        let mut stack: Vec<(u32, bool)> = self.documents.iter().map(|&id| (id, false)).collect();
        while let Some((id, ready)) = stack.pop() {
            if sizes[id as usize] > 0 {
                continue;
            }
            let children: &[u32] = match &self.nodes[id as usize].shape {
                Shape::Scalar { .. } => &[],
                Shape::List { first, count } => &self.links[*first as usize..(first + count) as usize],
                Shape::Map { first, count } => &self.links[*first as usize..(first + 2 * count) as usize],
                Shape::Alias(target) => std::slice::from_ref(target),
            };
            if ready {
                sizes[id as usize] =
                    children.iter().fold(1u64, |sum, &child| sum.saturating_add(sizes[child as usize]));
            } else {
                stack.push((id, true));
                stack.extend(children.iter().filter(|&&c| sizes[c as usize] == 0).map(|&c| (c, false)));
            }
        }
        self.documents.iter().fold(0u64, |sum, &id| sum.saturating_add(sizes[id as usize]))
    }

    fn report_duplicates(&mut self, syntax: Syntax, text: &str) {
        if syntax == Syntax::Nginx {
            return; // A repeated directive is a list there, not a mistake.
        }
        let mut seen: std::collections::HashSet<&str> = std::collections::HashSet::new();
        let mut found = Vec::new();
        for node in &self.nodes {
            let Shape::Map { first, count } = node.shape else { continue };
            seen.clear();
            for pair in self.links[first as usize..(first + 2 * count) as usize].chunks_exact(2) {
                let key = &self.nodes[pair[0] as usize];
                let Shape::Scalar { text: decoded, inner, .. } = &key.shape else { continue };
                let name = decoded.as_deref().unwrap_or(&text[inner.0 as usize..inner.1 as usize]);
                if name != "<<" && !seen.insert(name) {
                    found.push((key.start, key.end, name.to_owned()));
                }
            }
        }
        for (start, end, name) in found {
            self.problem(
                start..end,
                ProblemKind::DuplicateKey,
                format!("`{name}` is written twice; the later one counts"),
            );
        }
    }
}
