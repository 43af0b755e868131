//! The files that a configuration discovers its resources from (`lds_config`, `cds_config`, the
//! `config_source` of a route table): they are read as part of it.

use text::{FileId, Node, NodeKind, Tree};

use super::resources::Resources;
use crate::protobuf::{at, get};
use crate::{Context, Reading, syntax_of};

/// More files than this are not followed; one of each kind is usual.
const MOST_FILES: usize = 100;

/// The fields that say where resources come from. Secrets and endpoints hold nothing of ours.
const SOURCES: [&str; 6] =
    ["lds_config", "ldsConfig", "cds_config", "cdsConfig", "config_source", "configSource"];

/// The discovered files.
pub(super) struct Files<'s> {
    trees: Vec<Tree<'s>>,
}

impl<'s> Files<'s> {
    /// All files that a tree discovers resources from, directly or not.
    pub(super) fn of(context: &'s Context<'_>, tree: &Tree<'_>) -> Self {
        let mut trees: Vec<Tree<'s>> = Vec::new();
        let mut paths = paths(tree);
        while let Some(path) = paths.pop() {
            for source in context.neighbours.find(tree.file(), &path) {
                let known = trees.iter().any(|tree| tree.file() == source.id());
                if source.id() == tree.file() || known || trees.len() >= MOST_FILES {
                    continue;
                }
                let Reading::As(syntax) = syntax_of(source.path(), source.text()) else { continue };
                let found = Tree::parse(syntax, source);
                if !Resources::of(&found).documents.is_empty() {
                    paths.extend(self::paths(&found));
                    trees.push(found);
                }
            }
        }
        Self { trees }
    }

    pub(super) fn ids(&self) -> Vec<FileId> {
        let mut ids: Vec<FileId> = self.trees.iter().map(Tree::file).collect();
        ids.sort_unstable();
        ids
    }

    /// The resources of each file.
    pub(super) fn resources(&self) -> impl Iterator<Item = Resources<'_>> {
        self.trees.iter().map(Resources::of)
    }
}

/// The paths at which a tree discovers resources.
fn paths(tree: &Tree<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for document in Resources::of(tree).documents {
        sources(document, &mut found);
    }
    found
}

fn sources(node: Node<'_>, into: &mut Vec<String>) {
    match node.kind() {
        NodeKind::Map => {
            for entry in node.entries() {
                if SOURCES.contains(&entry.key.text()) {
                    let path =
                        at(entry.value, &["path_config_source", "path"]).or_else(|| get(entry.value, "path"));
                    into.extend(path.and_then(Node::text).filter(|path| !path.is_empty()).map(str::to_owned));
                } else {
                    sources(entry.value, into);
                }
            }
        }
        NodeKind::List => node.items().for_each(|item| sources(item, into)),
        NodeKind::Scalar => {}
    }
}
