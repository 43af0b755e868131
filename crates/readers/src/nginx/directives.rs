//! Directives with their blocks, `include`s replaced by what they bring in.

use std::collections::BTreeMap;

use text::{FileId, Node, NodeKind, Scalar, Span, Syntax, Tree};

use crate::Context;

/// More files than this are not followed (the largest configurations published have some hundreds).
const MOST_FILES: usize = 500;
/// Blocks and includes nested deeper than this are left out.
const DEEPEST: usize = 64;
/// Directives after expansion: a file included a thousand times over a thousand times is an attack.
const MOST_DIRECTIVES: usize = 20_000;

/// One directive.
pub(super) struct Directive<'t> {
    name: Scalar<'t>,
    pub(super) arguments: Vec<Scalar<'t>>,
    pub(super) block: Option<Vec<Directive<'t>>>,
}

impl<'t> Directive<'t> {
    pub(super) fn name(&self) -> &'t str {
        self.name.text()
    }

    pub(super) fn name_span(&self) -> Span {
        self.name.span()
    }

    /// Name and arguments, the block not included.
    pub(super) fn at(&self) -> Span {
        self.arguments.last().map_or(self.name.span(), |last| self.name.span().to(last.span()))
    }

    /// All arguments.
    pub(super) fn value_span(&self) -> Span {
        match (self.arguments.first(), self.arguments.last()) {
            (Some(first), Some(last)) => first.span().to(last.span()),
            _ => self.name.span(),
        }
    }

    /// The first argument.
    pub(super) fn argument(&self) -> Option<Scalar<'t>> {
        self.arguments.first().copied()
    }

    /// The arguments with blanks between them.
    pub(super) fn words(&self) -> String {
        self.arguments.iter().map(|argument| argument.text()).collect::<Vec<_>>().join(" ")
    }

    /// How an operator tells a server block from others: its first name, else what it listens on.
    pub(super) fn server_name(&self) -> &'t str {
        let find = |name| {
            let inside = self.block.as_deref().unwrap_or_default();
            let found = inside.iter().find(|directive| directive.name() == name)?;
            found.argument().map(Scalar::text).filter(|text| !text.is_empty() && *text != "_")
        };
        find("server_name").or_else(|| find("listen")).unwrap_or("_")
    }
}

/// The files that a configuration includes.
pub(super) struct Files<'s> {
    trees: Vec<Tree<'s>>,
    /// By the argument of an `include`: the trees it brings in.
    included: BTreeMap<Span, Vec<usize>>,
}

impl<'s> Files<'s> {
    /// All files that a tree includes, directly or not. Paths are relative to the tree's own file,
    /// as NGINX takes them relative to the main one.
    pub(super) fn of(context: &'s Context<'_>, tree: &Tree<'_>) -> Self {
        let mut files = Self { trees: Vec::new(), included: BTreeMap::new() };
        let mut known: BTreeMap<FileId, usize> = BTreeMap::new();
        let mut patterns = Vec::new();
        for root in tree.documents() {
            includes(root, &mut patterns);
        }
        while let Some((at, pattern)) = patterns.pop() {
            for source in context.neighbours.find(tree.file(), &pattern) {
                if source.id() == tree.file() || files.trees.len() >= MOST_FILES {
                    continue;
                }
                let index = *known.entry(source.id()).or_insert_with(|| {
                    let tree = Tree::parse(Syntax::Nginx, source);
                    for root in tree.documents() {
                        includes(root, &mut patterns);
                    }
                    files.trees.push(tree);
                    files.trees.len() - 1
                });
                files.included.entry(at).or_default().push(index);
            }
        }
        files
    }

    pub(super) fn ids(&self) -> Vec<FileId> {
        let mut ids: Vec<FileId> = self.trees.iter().map(Tree::file).collect();
        ids.sort_unstable();
        ids
    }

    /// The directives of a tree, with those of included files in their places.
    pub(super) fn expand<'t>(&'t self, tree: &'t Tree<'_>) -> Vec<Directive<'t>> {
        let mut expansion = Expansion { files: self, left: MOST_DIRECTIVES, chain: Vec::new() };
        let mut directives = Vec::new();
        for root in tree.documents() {
            expansion.block(root, 0, &mut directives);
        }
        directives
    }
}

/// Where includes stand in a block, and what they name.
fn includes(node: Node<'_>, into: &mut Vec<(Span, String)>) {
    for entry in node.written_entries() {
        let Some(last) = entry.value.items().last() else { continue };
        if last.kind() == NodeKind::Map {
            includes(last, into);
        } else if entry.key.text() == "include"
            && let Some(pattern) = last.text().filter(|pattern| !pattern.contains('$'))
        {
            into.push((last.span(), pattern.to_owned()));
        }
    }
}

struct Expansion<'t, 's> {
    files: &'t Files<'s>,
    left: usize,
    /// The includes being expanded, against cycles.
    chain: Vec<usize>,
}

impl<'t> Expansion<'t, '_> {
    fn block(&mut self, node: Node<'t>, depth: usize, into: &mut Vec<Directive<'t>>) {
        for entry in node.written_entries() {
            if depth > DEEPEST || self.left == 0 {
                return;
            }
            self.left -= 1;
            let mut arguments: Vec<Scalar<'t>> = Vec::new();
            let mut block = None;
            for item in entry.value.items() {
                match item.scalar() {
                    Some(scalar) => arguments.push(scalar),
                    None => {
                        let mut inside = Vec::new();
                        self.block(item, depth + 1, &mut inside);
                        block = Some(inside);
                    }
                }
            }
            if entry.key.text() == "include"
                && let Some(pattern) = arguments.first()
                && let Some(indexes) = self.files.included.get(&pattern.span())
            {
                let files = self.files;
                for &index in indexes {
                    if self.chain.contains(&index) {
                        continue;
                    }
                    self.chain.push(index);
                    for root in files.trees[index].documents() {
                        self.block(root, depth + 1, into);
                    }
                    self.chain.pop();
                }
                continue;
            }
            into.push(Directive { name: entry.key, arguments, block });
        }
    }
}
