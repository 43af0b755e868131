//! The cursors with which readers walk a tree: nodes, entries and scalars. Aliases and merge keys
//! are followed here. Must not interpret what a scalar says.

use std::collections::HashMap;

use crate::tree::{FEW, NodeData, Shape};
use crate::{NodeKind, PositionMap, Span, Style, Syntax, Tree};

/// How far merge keys are followed from map to map: real ones go two or three maps deep.
const MERGE_DEPTH: usize = 16;

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

/// The entries of a map and of what it merges, while they are collected.
#[derive(Default)]
struct Winners<'t> {
    entries: Vec<Entry<'t>>,
    /// Where each key stands, once there are more than [`FEW`].
    places: HashMap<&'t str, usize>,
}

impl<'t> Winners<'t> {
    fn position(&self, key: &str) -> Option<usize> {
        if self.entries.len() <= FEW {
            return self.entries.iter().position(|entry| entry.key.text() == key);
        }
        self.places.get(key).copied()
    }

    fn push(&mut self, entry: Entry<'t>) {
        self.entries.push(entry);
        let unplaced = match self.entries.len() {
            ..=FEW => return,
            count => self.places.len().min(count),
        };
        for (place, entry) in self.entries.iter().enumerate().skip(unplaced) {
            self.places.insert(entry.key.text(), place);
        }
    }
}

impl<'t> Node<'t> {
    pub(crate) fn new(tree: &'t Tree<'t>, id: u32, via: Option<u32>) -> Self {
        Self { tree, id, via }
    }

    fn data(self) -> &'t NodeData {
        &self.tree.nodes[self.id as usize]
    }

    /// The tree it stands in.
    pub fn tree(self) -> &'t Tree<'t> {
        self.tree
    }

    /// What it is. An alias that is not followed (see [`AliasBomb`](crate::ProblemKind::AliasBomb)) is an empty scalar.
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
    pub fn written_entries(self) -> impl ExactSizeIterator<Item = Entry<'t>> + Clone + use<'t> {
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
        let mut winners = Winners::default();
        self.collect_entries(&mut winners, 0);
        winners.entries
    }

    fn collect_entries(self, into: &mut Winners<'t>, depth: usize) {
        if depth > MERGE_DEPTH {
            return;
        }
        let nearer = into.entries.len();
        let mut merges = Vec::new();
        for entry in self.written_entries() {
            if self.is_merge(&entry) {
                merges.push(entry.value);
                continue;
            }
            match into.position(entry.key.text()) {
                Some(earlier) if earlier < nearer => {}
                Some(earlier) => into.entries[earlier] = entry,
                None => into.push(entry),
            }
        }
        for merge in merges {
            match merge.kind() {
                NodeKind::Map => merge.collect_entries(into, depth + 1),
                NodeKind::List => merge.items().for_each(|item| item.collect_entries(into, depth + 1)),
                NodeKind::Scalar => {}
            }
        }
    }

    fn is_merge(self, entry: &Entry<'_>) -> bool {
        self.tree.syntax == Syntax::Yaml && entry.key.text() == "<<" && entry.key.style() == Style::Plain
    }

    /// The entry of a key, merge keys followed.
    pub fn entry(self, key: &str) -> Option<Entry<'t>> {
        self.entry_at(key, 0)
    }

    fn entry_at(self, key: &str, depth: usize) -> Option<Entry<'t>> {
        let mut own = None;
        let mut merges = Vec::new();
        for entry in self.written_entries() {
            if self.is_merge(&entry) {
                merges.push(entry.value);
            }
            if entry.key.text() == key {
                own = Some(entry);
            }
        }
        if own.is_some() || depth > MERGE_DEPTH {
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
