//! Prometheus: its own configuration and its files of rules; and the objects with which an operator is told
//! the same in a cluster. Must not say which rules are good.

mod operator;
mod rules;
mod server;

use std::time::Duration;

use model::{Origin, Sourced, Span};
use text::{Entry, Node, NodeKind, Scalar, Syntax, Tree};

use crate::{Context, Dialect, Fragment, Ignored, Reason, promql};

pub(crate) use operator::object;

/// The dialect.
pub(crate) static PROMETHEUS: Dialect =
    Dialect { name: "prometheus", docs: include_str!("prometheus.md"), speaks, read };

/// What holds where nothing is written.
#[derive(Debug, Clone, Copy)]
struct Default {
    seconds: u64,
    of: &'static str,
    version: &'static str,
}

fn speaks(_: &Context<'_>, tree: &Tree<'_>) -> bool {
    matches!(tree.syntax(), Syntax::Yaml | Syntax::Json)
        && tree.documents().any(|root| rules::groups(root).is_some() || server::is_server(root))
}

fn read(context: &Context<'_>, tree: &Tree<'_>, fragment: &mut Fragment) {
    for root in tree.documents() {
        if let Some(groups) = rules::groups(root) {
            rules::read(context, groups, fragment);
        } else if server::is_server(root) {
            server::read(context, root, fragment);
        } else {
            continue;
        }
        // Every length in there belongs to the monitoring, none to a call.
        fragment.read_whole.push(root.span());
    }
}

/// A length of time at a key, if it is written as one.
fn length(node: Node<'_>, key: &str, path: &str, fragment: &mut Fragment) -> Option<Sourced<Duration>> {
    let entry = node.entry(key)?;
    let scalar = entry.value.scalar()?;
    match promql::length(scalar.text()) {
        Some(length) => Some(Sourced::written(length, place(scalar))),
        None => {
            let reason = if scalar.text().is_empty() { Reason::Empty } else { Reason::NotAnAmount };
            let key = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            fragment.ignored.push(Ignored { key, span: scalar.span(), reason });
            None
        }
    }
}

/// The same, or what holds where it is not written.
fn length_or(
    node: Option<Node<'_>>,
    key: &str,
    path: &str,
    default: Default,
    near: Span,
    fragment: &mut Fragment,
) -> Sourced<Duration> {
    let Default { seconds, of, version } = default;
    node.and_then(|node| length(node, key, path, fragment)).unwrap_or(Sourced {
        value: Duration::from_secs(seconds),
        origin: Origin::Default { near, of, version },
    })
}

fn place(scalar: Scalar<'_>) -> Span {
    scalar.span()
}

fn text_at<'t>(node: Node<'t>, key: &str) -> Option<Scalar<'t>> {
    node.get(key)?.scalar().filter(|scalar| !scalar.text().is_empty())
}

fn is_list(entry: &Entry<'_>) -> bool {
    entry.value.kind() == NodeKind::List
}
