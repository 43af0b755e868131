//! A configuration file that stands inside another one: an entry of a ConfigMap, an inline `content`.
//! Finds its syntax, reads it as any file, and takes what it says over to the component that holds it.

use text::{Node, NodeKind, Scalar, Span, Syntax, Tree};

use crate::{Context, Fragment, Mount, Owner, Reading, read, syntax_of};

/// The tree of a file with this name and text, if it is configuration.
pub fn tree(name: &str, text: Scalar<'_>) -> Option<Tree<'static>> {
    let several_lines = text.text().trim_end().contains('\n');
    let syntax = match syntax_of(name, text.text()) {
        Reading::As(syntax) if several_lines || name.contains('.') => syntax,
        Reading::As(_) | Reading::Template(_) => return None,
        // A key without a telling name (`config`) may still hold a whole file.
        Reading::NotOurs(_) if !several_lines || has_extension(name) => return None,
        Reading::NotOurs(_) => by_content(text.text())?,
    };
    let tree = Tree::parse_scalar(syntax, text);
    let holds_keys = tree.documents().any(|document| document.kind() != NodeKind::Scalar);
    holds_keys.then_some(tree)
}

/// Whether a name ends as file names do; such a name has been judged already.
fn has_extension(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty()
            && (2..=4).contains(&extension.len())
            && extension.bytes().all(|b| b.is_ascii_alphabetic())
    })
}

/// The syntax of a text whose name says nothing.
fn by_content(text: &str) -> Option<Syntax> {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))?;
    if first.starts_with("#!") {
        None
    } else if first.starts_with('{') {
        Some(Syntax::Json)
    } else if first.starts_with('[') && first.ends_with(']') {
        Some(Syntax::Toml)
    } else if first.ends_with(':') || first.contains(": ") {
        Some(Syntax::Yaml)
    } else if first.ends_with(';') || first.ends_with('{') {
        Some(Syntax::Nginx)
    } else if first.contains('=') {
        Some(Syntax::Properties)
    } else {
        None
    }
}

/// Reads a file named `name` inside the context's source and gives it to a component. `path` is put
/// before its keys, because several files of one component may have the same keys.
pub(crate) fn absorb(
    context: &Context<'_>,
    name: &str,
    path: &str,
    tree: &Tree<'_>,
    component: usize,
    into: &mut Fragment,
) {
    let source = context.source.renamed(name);
    let inner = Context { source: &source, neighbours: context.neighbours, declared: context.declared };
    take(read(&inner, tree), path, component, into);
}

/// Takes a fragment over into another one: what belonged to its file belongs to the component.
fn take(inner: Fragment, path: &str, component: usize, into: &mut Fragment) {
    let before = into.components.len();
    into.components.extend(inner.components);
    into.groups.extend(inner.groups.into_iter().map(|mut group| {
        group.owner = match group.owner {
            // Whose it is, is settled by who holds it.
            Owner::File | Owner::Layer(_) => Owner::Component(component),
            Owner::Component(index) => Owner::Component(before + index),
        };
        for setting in &mut group.settings {
            setting.key = format!("{path}.{}", setting.key);
        }
        for target in &mut group.targets {
            target.key = format!("{path}.{}", target.key);
        }
        group
    }));
    into.mounts
        .extend(inner.mounts.into_iter().map(|mount| Mount { component: before + mount.component, ..mount }));
    into.monitor.extend(inner.monitor);
    into.included.extend(inner.included);
    into.ignored.extend(inner.ignored.into_iter().map(|mut ignored| {
        ignored.key = format!("{path}.{}", ignored.key);
        ignored
    }));
    into.problems.extend(inner.problems);
    into.components[component].forwards |= inner.forwards;
}

/// Where a node stands that was reached through an alias: at the alias, for it says what holds here.
pub(crate) fn place(node: Node<'_>) -> Span {
    node.via().unwrap_or_else(|| node.span())
}
