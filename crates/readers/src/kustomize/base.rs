//! The objects that a kustomization's patches can mean: those of its resources, of the kustomizations
//! among them, and so on. Looked for when the first patch asks.

use std::cell::OnceCell;

use text::{FileId, Node, NodeKind, Syntax, Tree};

use super::{Found, NAMES, is_local};
use crate::kubernetes::{Kind, objects};
use crate::{Context, Neighbours};

/// Deeper chains of kustomizations than this are not followed; real ones have two or three levels.
const LEVELS: usize = 8;

/// The objects below a kustomization.
pub(super) struct Base<'a> {
    from: FileId,
    resources: &'a [String],
    found: OnceCell<Vec<Found>>,
}

impl<'a> Base<'a> {
    pub(super) fn of(from: FileId, resources: &'a [String]) -> Self {
        Self { from, resources, found: OnceCell::new() }
    }

    /// The objects that a patch's `target` selects. A target that names an object nobody has seen is
    /// taken at its word.
    pub(super) fn targets(&self, context: &Context<'_>, target: Node<'_>) -> Vec<Found> {
        let text = |key| target.get(key).and_then(Node::text);
        let all = self.found.get_or_init(|| {
            let mut found = Vec::new();
            let mut seen = vec![self.from];
            collect(context.neighbours, self.from, self.resources, LEVELS, &mut seen, &mut found);
            found
        });
        let fits = |pattern: Option<&str>, text: &str| pattern.is_none_or(|pattern| matches(pattern, text));
        let selected: Vec<Found> = all
            .iter()
            .filter(|found| {
                fits(text("kind"), found.kind.name())
                    && fits(text("name"), &found.name)
                    && (found.namespace.is_none()
                        || fits(text("namespace"), found.namespace.as_deref().unwrap_or("")))
            })
            .cloned()
            .collect();
        // Labels select among those; which they are is not followed.
        if target.get("labelSelector").is_some() || target.get("annotationSelector").is_some() {
            return if selected.len() == 1 { selected } else { Vec::new() };
        }
        if !selected.is_empty() {
            return selected;
        }
        let (Some(kind), Some(name)) = (text("kind").and_then(Kind::named), text("name")) else {
            return Vec::new();
        };
        vec![Found {
            kind,
            name: name.to_owned(),
            namespace: text("namespace").map(str::to_owned),
            containers: Vec::new(),
            init_containers: Vec::new(),
        }]
    }
}

/// Whether a target's field, an anchored regular expression, fits a name. Of the expression language
/// only `.*` is known; anything else is taken literally and fits nothing.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern = pattern.trim_start_matches('^').trim_end_matches('$');
    match pattern.split_once(".*") {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices().map(|(i, _)| i).chain([rest.len()]).any(|i| matches(after, &rest[i..]))
        }),
    }
}

fn collect(
    neighbours: &dyn Neighbours,
    from: FileId,
    resources: &[String],
    levels: usize,
    seen: &mut Vec<FileId>,
    found: &mut Vec<Found>,
) {
    for resource in resources {
        let files = neighbours.find(from, resource);
        let directory = resource.trim_end_matches('/');
        let inside = NAMES.iter().flat_map(|name| neighbours.find(from, &format!("{directory}/{name}")));
        for source in files.into_iter().chain(inside) {
            if seen.contains(&source.id()) {
                continue;
            }
            seen.push(source.id());
            let tree = Tree::parse(Syntax::Yaml, source);
            found.extend(objects(&tree).map(|object| Found::of(&object)));
            if levels > 0 {
                let below: Vec<String> = tree
                    .documents()
                    .filter(|document| document.kind() == NodeKind::Map)
                    .flat_map(|root| {
                        ["resources", "bases", "components"].into_iter().filter_map(move |key| root.get(key))
                    })
                    .flat_map(Node::items)
                    .filter_map(Node::text)
                    .filter(|path| is_local(path))
                    .map(str::to_owned)
                    .collect();
                collect(neighbours, source.id(), &below, levels - 1, seen, found);
            }
        }
    }
}
