//! Kustomizations: what they are built from, what they rename, the ConfigMaps they generate, and the
//! patches they hold. A patch becomes a partial component of the target's identity; that it overrides
//! is for `audit::join` to apply.

mod base;
mod json_patch;

use model::Sourced;
use text::{Node, NodeKind, Scalar, Source, Syntax, Tree};

use crate::kubernetes::{Absent, Kind, Object, identity, objects, read_object};
use crate::variables::{Variable, variables};
use crate::{Component, ComponentKind, Context, Dialect, Fragment, Kustomization, Owner};
use base::Base;

/// Kustomizations.
pub(crate) static KUSTOMIZE: Dialect =
    Dialect { name: "kustomize", docs: include_str!("kustomize.md"), speaks, read };

/// The names `kustomize build` looks for, kubectl.docs.kubernetes.io "kustomization file".
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

fn speaks(context: &Context<'_>, tree: &Tree<'_>) -> bool {
    let path = context.source.path();
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let declared = |node: Node<'_>| {
        node.get("apiVersion").and_then(Node::text).is_some_and(|v| v.starts_with("kustomize.config.k8s.io/"))
    };
    tree.syntax() == Syntax::Yaml && (NAMES.contains(&name) || tree.documents().any(declared))
}

fn read(context: &Context<'_>, tree: &Tree<'_>, fragment: &mut Fragment) {
    let Some(root) = tree.documents().find(|document| document.kind() == NodeKind::Map) else { return };
    let text = |key| root.get(key).and_then(Node::text).unwrap_or("").to_owned();
    let mut kustomization = Kustomization {
        name_prefix: text("namePrefix"),
        name_suffix: text("nameSuffix"),
        namespace: Some(text("namespace")).filter(|namespace| !namespace.is_empty()),
        ..Kustomization::default()
    };
    for key in ["resources", "bases", "components"] {
        let written = root.get(key).into_iter().flat_map(Node::items).filter_map(Node::text);
        kustomization.resources.extend(written.filter(|path| is_local(path)).map(str::to_owned));
    }
    let resources = kustomization.resources.clone();
    let base = Base::of(context.source.id(), &resources);
    for patch in patches(root) {
        read_patch(context, &patch, &base, &mut kustomization, fragment);
    }
    for generator in root.get("configMapGenerator").into_iter().flat_map(Node::items) {
        generate(context, generator, &mut kustomization, fragment);
    }
    fragment.kustomization = Some(kustomization);
}

/// Whether a resource lies in this tree of files. Remote ones are URLs or repositories with a
/// revision behind `?`.
fn is_local(path: &str) -> bool {
    !path.contains("://")
        && !path.contains('?')
        && !path.starts_with("github.com/")
        && !path.starts_with("git@")
}

/// A patch as a kustomization writes it.
struct Patch<'t> {
    /// A file, or the patch itself.
    at: Place<'t>,
    /// Whom it patches, where that is not in the patch.
    target: Option<Node<'t>>,
}

enum Place<'t> {
    File(&'t str),
    Inline(Scalar<'t>),
}

/// All patches in the order in which they are applied: the two old lists, then `patches`.
fn patches(root: Node<'_>) -> Vec<Patch<'_>> {
    let list = |key| root.get(key).into_iter().flat_map(Node::items);
    let mut patches = Vec::new();
    for scalar in list("patchesStrategicMerge").filter_map(Node::scalar) {
        let inline = scalar.text().contains('\n');
        let at = if inline { Place::Inline(scalar) } else { Place::File(scalar.text()) };
        patches.push(Patch { at, target: None });
    }
    for item in list("patches").chain(list("patchesJson6902")) {
        let target = item.get("target");
        let inline = item.get("patch").or_else(|| item.get("inline")).and_then(Node::scalar);
        if let Some(scalar) = inline {
            patches.push(Patch { at: Place::Inline(scalar), target });
        } else if let Some(path) = item.get("path").or(Some(item)).and_then(Node::text) {
            patches.push(Patch { at: Place::File(path), target });
        }
    }
    patches
}

fn read_patch(
    context: &Context<'_>,
    patch: &Patch<'_>,
    base: &Base<'_>,
    kustomization: &mut Kustomization,
    fragment: &mut Fragment,
) {
    match patch.at {
        Place::Inline(scalar) => {
            let tree = Tree::parse_scalar(Syntax::Yaml, scalar);
            read_tree(context, &tree, patch.target, base, fragment);
        }
        // Without a target the file names whom it patches and is read as what it looks like.
        Place::File(path) => match (patch.target, file(context, path)) {
            (Some(target), Some(source)) => {
                let tree = Tree::parse(Syntax::Yaml, source);
                let context = Context { source, ..*context };
                read_tree(&context, &tree, Some(target), base, fragment);
                fragment.included.push(source.id());
            }
            _ => kustomization.patches.push(path.to_owned()),
        },
    }
}

/// One neighbour by its path.
fn file<'c>(context: &Context<'c>, path: &str) -> Option<&'c Source> {
    context.neighbours.find(context.source.id(), path).into_iter().next()
}

/// Reads a patch: a list is JSON 6902, an object is a strategic merge.
fn read_tree(
    context: &Context<'_>,
    tree: &Tree<'_>,
    target: Option<Node<'_>>,
    base: &Base<'_>,
    fragment: &mut Fragment,
) {
    fragment.problems.extend(tree.problems().iter().cloned());
    for document in tree.documents().filter(|document| document.kind() == NodeKind::List) {
        let Some(target) = target else { continue };
        let is_read = |found: &Found| found.kind.runs() || found.kind.stored().is_some();
        for found in base.targets(context, target).into_iter().filter(is_read) {
            json_patch::read(context, document, &found, fragment);
        }
    }
    for mut object in objects(tree).filter(|object| !object.is_deleted()) {
        let Some(target) = target else {
            read_object(context, &object, Absent::Unchanged, fragment);
            continue;
        };
        for found in base.targets(context, target) {
            object.kind = found.kind;
            object.name.value = found.name;
            object.namespace = found.namespace;
            read_object(context, &object, Absent::Unchanged, fragment);
        }
    }
}

/// One generated ConfigMap: literals are its variables, files are joined to it.
fn generate(
    context: &Context<'_>,
    generator: Node<'_>,
    kustomization: &mut Kustomization,
    fragment: &mut Fragment,
) {
    let Some(name) = generator.get("name").and_then(Node::scalar) else { return };
    let text = name.text();
    let namespace = generator.get("namespace").and_then(Node::text);
    let component = fragment.components.len();
    fragment.components.push(Component {
        name: Sourced::written(text.to_owned(), name.span()),
        identity: identity(Kind::ConfigMap, namespace, text),
        kind: ComponentKind::Config,
        aliases: Vec::new(),
        ports: Vec::new(),
        labels: Vec::new(),
        forwards: false,
        finishes: false,
        namespace: None,
        sidecar: None,
        partial: generator.get("behavior").and_then(Node::text) == Some("merge"),
        extent: generator.span(),
    });
    for key in ["files", "envs"] {
        for item in generator.get(key).into_iter().flat_map(Node::items).filter_map(Node::text) {
            // `name=path` gives the file another name inside the ConfigMap.
            let path = item.split_once('=').map_or(item, |(_, path)| path);
            kustomization.generated.push((text.to_owned(), path.to_owned()));
        }
    }
    if let Some(path) = generator.get("env").and_then(Node::text) {
        kustomization.generated.push((text.to_owned(), path.to_owned()));
    }
    let Some(literals) = generator.entry("literals") else { return };
    let pieces: Vec<_> = literals
        .value
        .items()
        .filter_map(Node::scalar)
        .filter_map(|literal| {
            let equals = literal.text().find('=')?;
            Some((literal.piece(0..equals), literal.piece(equals + 1..literal.text().len())))
        })
        .collect();
    let pairs: Vec<_> = pieces
        .iter()
        .filter_map(|(name, value)| Some(Variable { name: name.scalar()?, value: value.scalar()? }))
        .collect();
    let owner = Owner::Component(component);
    let (groups, ignored) = variables(owner, "data", literals.key.span(), &pairs, context.declared);
    fragment.groups.extend(groups);
    fragment.ignored.extend(ignored);
}

/// An object as a patch's target.
#[derive(Debug, Clone)]
struct Found {
    kind: Kind,
    name: String,
    namespace: Option<String>,
    /// Names of the containers, in order, with the names of their variables.
    containers: Vec<(String, Vec<String>)>,
    /// The same of the init containers.
    init_containers: Vec<(String, Vec<String>)>,
}

impl Found {
    fn of(object: &Object<'_>) -> Self {
        let spec = object.node.at(object.kind.template()).and_then(|template| template.get("spec"));
        let names = |list: &str| {
            let items = spec.and_then(|spec| spec.get(list)).into_iter().flat_map(Node::items);
            items.map(|container| (name_of(container), variables_of(container))).collect()
        };
        Self {
            kind: object.kind,
            name: object.name.value.clone(),
            namespace: object.namespace.clone(),
            containers: names("containers"),
            init_containers: names("initContainers"),
        }
    }
}

/// The `name` of a container or a variable.
fn name_of(node: Node<'_>) -> String {
    node.get("name").and_then(Node::text).unwrap_or("").to_owned()
}

/// The names of a container's variables, in order.
fn variables_of(container: Node<'_>) -> Vec<String> {
    container.get("env").into_iter().flat_map(Node::items).map(name_of).collect()
}
