//! Builds a tree from a parser's events, and says what disturbs its readers: duplicate keys,
//! nesting without end, aliases that multiply. Must not know a syntax's grammar.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::tree::{FEW, NodeData, Shape};
use crate::{FileId, NodeKind, PositionMap, Problem, ProblemKind, Style, Syntax, Tree};

/// Builds a tree from a parser's events: open and close collections, add scalars in between. Keys
/// and values of a map alternate. All offsets are bytes of the text being parsed.
pub struct TreeBuilder {
    nodes: Vec<NodeData>,
    links: Vec<u32>,
    documents: Vec<u32>,
    comments: Vec<(u32, u32)>,
    problems: Vec<(u32, u32, ProblemKind, String)>,
    /// Open collections: node, and where its children start in `children`.
    open: Vec<(u32, usize)>,
    /// The children seen so far of every open collection, outermost first.
    children: Vec<u32>,
    /// Collections open inside the one that was too deep to keep.
    skipped: usize,
    length: u32,
}

impl TreeBuilder {
    pub(crate) fn new(text: &str) -> Self {
        Self {
            nodes: Vec::new(),
            links: Vec::new(),
            documents: Vec::new(),
            comments: Vec::new(),
            problems: Vec::new(),
            open: Vec::new(),
            children: Vec::new(),
            skipped: 0,
            length: text.len() as u32,
        }
    }

    /// What the tree is now, between two documents.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            nodes: self.nodes.len(),
            links: self.links.len(),
            documents: self.documents.len(),
            comments: self.comments.len(),
            problems: self.problems.len(),
        }
    }

    /// Forgets what was added since, so that a document can be read again.
    pub(crate) fn rewind(&mut self, to: Checkpoint) {
        self.nodes.truncate(to.nodes);
        self.links.truncate(to.links);
        self.documents.truncate(to.documents);
        self.comments.truncate(to.comments);
        self.problems.truncate(to.problems);
        self.open.clear();
        self.children.clear();
        self.skipped = 0;
    }

    /// How many collections are open.
    pub fn depth(&self) -> usize {
        self.open.len() + self.skipped
    }

    /// The kind of the innermost open collection and how many children it has so far (a map's
    /// keys and values counted each).
    pub fn innermost(&self) -> Option<(NodeKind, usize)> {
        let &(id, first) = self.open.last()?;
        let kind = match self.nodes[id as usize].shape {
            Shape::Map { .. } => NodeKind::Map,
            _ => NodeKind::List,
        };
        Some((kind, self.children.len() - first))
    }

    fn place(&mut self, start: u32, end: u32, shape: Shape) -> u32 {
        if self.skipped > 0 {
            return self.nodes.len() as u32 - 1; // The scalar that stands for what was too deep.
        }
        let id = self.nodes.len() as u32;
        self.nodes.push(NodeData { start, end, shape });
        if self.open.is_empty() {
            self.documents.push(id);
        } else {
            self.children.push(id);
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
        self.open.push((id, self.children.len()));
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
        let Some((id, first_child)) = self.open.pop() else { return };
        let first = self.links.len() as u32;
        let children = self.children.drain(first_child..);
        // Whatever a parser says of brackets in garbage, a collection holds what is in it.
        let inside = children.as_slice().iter().map(|&child| &self.nodes[child as usize]);
        let (first_start, last_end) =
            inside.fold((u32::MAX, 0), |(start, last), child| (child.start.min(start), child.end.max(last)));
        let node = &mut self.nodes[id as usize];
        node.start = node.start.min(first_start);
        node.end = end.max(node.start).max(last_end);
        match &mut node.shape {
            Shape::Map { first: f, count } => (*f, *count) = (first, children.len() as u32 / 2),
            Shape::List { first: f, count } => (*f, *count) = (first, children.len() as u32),
            Shape::Scalar { .. } | Shape::Alias(_) => {}
        }
        self.links.extend(children);
    }

    /// Takes back the innermost map's last key if it has no value yet: what it says is not known.
    pub fn forget_key(&mut self) {
        if let Some((NodeKind::Map, children)) = self.innermost()
            && children % 2 == 1
            && self.skipped == 0
        {
            self.children.pop();
        }
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

    pub(crate) fn finish<'x>(
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
        let expansion = self.expansion();
        let follow_aliases = expansion.nodes.saturating_sub(self.nodes.len() as u64) <= Tree::MAX_EXPANSION
            && expansion.depth <= Tree::MAX_DEPTH as u64;
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

    /// What a walk that follows every alias would see of the documents.
    fn expansion(&self) -> Expansion {
        if !self.nodes.iter().any(|node| matches!(node.shape, Shape::Alias(_))) {
            return Expansion { nodes: self.nodes.len() as u64, depth: 0 };
        }
        // Children and alias targets make a graph without cycles, because an alias to a collection
        // that is still open was refused. A node is measured when all it leads to has been: it is
        // met once to put those on the stack and once more below them.
        let mut measured = vec![Expansion::default(); self.nodes.len()];
        let mut stack: Vec<(u32, bool)> = self.documents.iter().map(|&id| (id, false)).collect();
        while let Some((id, ready)) = stack.pop() {
            if measured[id as usize].nodes > 0 {
                continue;
            }
            let leads_to: &[u32] = match &self.nodes[id as usize].shape {
                Shape::Scalar { .. } => &[],
                Shape::List { first, count } => &self.links[*first as usize..(first + count) as usize],
                Shape::Map { first, count } => &self.links[*first as usize..(first + 2 * count) as usize],
                Shape::Alias(target) => std::slice::from_ref(target),
            };
            if ready {
                measured[id as usize] = Expansion::over(leads_to, &measured);
            } else {
                stack.push((id, true));
                let open = leads_to.iter().filter(|&&next| measured[next as usize].nodes == 0);
                stack.extend(open.map(|&next| (next, false)));
            }
        }
        Expansion::over(&self.documents, &measured)
    }

    fn report_duplicates(&mut self, syntax: Syntax, text: &str) {
        if matches!(syntax, Syntax::Nginx | Syntax::Haproxy) {
            return; // A repeated directive is a list there, not a mistake.
        }
        let key_text = |id: u32| match &self.nodes[id as usize].shape {
            Shape::Scalar { text: Some(decoded), .. } => Some(&**decoded),
            Shape::Scalar { inner, .. } => Some(&text[inner.0 as usize..inner.1 as usize]),
            _ => None,
        };
        let mut keys: Vec<&str> = Vec::new();
        let mut seen: HashSet<&str> = HashSet::new();
        let mut found = Vec::new();
        for node in &self.nodes {
            let Shape::Map { first, count } = node.shape else { continue };
            let pairs = self.links[first as usize..(first + 2 * count) as usize].chunks_exact(2);
            keys.clear();
            seen.clear();
            for pair in pairs {
                let Some(name) = key_text(pair[0]).filter(|&name| name != "<<") else { continue };
                let again = match count as usize {
                    ..=FEW => keys.contains(&name),
                    _ => !seen.insert(name),
                };
                if again {
                    let key = &self.nodes[pair[0] as usize];
                    found.push((key.start, key.end, name.to_owned()));
                }
                keys.push(name);
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

/// How much of a tree there was between two documents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Checkpoint {
    nodes: usize,
    links: usize,
    documents: usize,
    comments: usize,
    problems: usize,
}

/// What following every alias below a node comes to.
#[derive(Debug, Clone, Copy, Default)]
struct Expansion {
    /// How many nodes a walk visits; 0 while not known.
    nodes: u64,
    /// How many levels deep it goes.
    depth: u64,
}

impl Expansion {
    fn over(leads_to: &[u32], measured: &[Expansion]) -> Expansion {
        let own = Expansion { nodes: 1, depth: 0 };
        let all = leads_to.iter().map(|&id| measured[id as usize]).fold(own, |sum, next| Expansion {
            nodes: sum.nodes.saturating_add(next.nodes),
            depth: sum.depth.max(next.depth),
        });
        Expansion { depth: all.depth + 1, ..all }
    }
}
