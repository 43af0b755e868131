//! Alertmanager: the tree of routes with the times that hold at each, and when an alert that is no longer
//! sent ends. Receivers are never read: they hold secrets.

use std::time::Duration;

use model::monitor::{Compare, Matcher, Route, Router};
use model::{Origin, Sourced, Span};
use text::{Node, NodeKind, Scalar, Syntax, Tree};

use crate::{Context, Dialect, Fragment, Ignored, Reason, promql};

/// The dialect.
pub(crate) static ALERTMANAGER: Dialect =
    Dialect { name: "alertmanager", docs: include_str!("alertmanager.md"), speaks, read };

const VERSION: &str = "all versions, prometheus.io Alertmanager Configuration";

/// Deeper trees of routes than this are not followed.
const DEEPEST: usize = 32;

/// What holds where nothing is written (prometheus.io, Alertmanager "Configuration", `<route>` and
/// `<global>`): the key, its default in seconds, and whose it is.
const GROUP_WAIT: (&str, u64, &str) = ("group_wait", 30, "Alertmanager group_wait");
const GROUP_INTERVAL: (&str, u64, &str) = ("group_interval", 300, "Alertmanager group_interval");
const REPEAT: (&str, u64, &str) = ("repeat_interval", 14_400, "Alertmanager repeat_interval");
const RESOLVE: (&str, u64, &str) = ("resolve_timeout", 300, "Alertmanager resolve_timeout");

fn speaks(_: &Context<'_>, tree: &Tree<'_>) -> bool {
    matches!(tree.syntax(), Syntax::Yaml | Syntax::Json) && tree.documents().any(|root| is_router(root))
}

fn is_router(root: Node<'_>) -> bool {
    let route = root.get("route").filter(|route| route.kind() == NodeKind::Map);
    let receivers = root.get("receivers").is_some_and(|list| list.kind() == NodeKind::List);
    receivers && route.is_some_and(|route| route.get("receiver").is_some())
}

fn read(context: &Context<'_>, tree: &Tree<'_>, fragment: &mut Fragment) {
    for root in tree.documents().filter(|root| is_router(*root)) {
        let Some(route) = root.entry("route") else { continue };
        let near = route.key.span();
        let global = root.entry("global");
        let of_global = global.as_ref().map_or(near, |entry| entry.key.span());
        let resolve_after = global
            .and_then(|entry| length(entry.value, RESOLVE, "global", fragment))
            .unwrap_or_else(|| default(RESOLVE, of_global));
        let parent = Route {
            matchers: Vec::new(),
            receiver: None,
            group_wait: default(GROUP_WAIT, near),
            group_interval: default(GROUP_INTERVAL, near),
            repeat: default(REPEAT, near),
            goes_on: false,
            routes: Vec::new(),
        };
        let root_route = self::route(route.value, "route", &parent, 0, fragment);
        let name = context.source.path().to_owned();
        fragment.monitor.routers.push(Router { name, at: near, root: root_route, resolve_after });
        fragment.read_whole.push(root.span());
    }
}

fn default((_, seconds, of): (&str, u64, &'static str), near: Span) -> Sourced<Duration> {
    Sourced { value: Duration::from_secs(seconds), origin: Origin::Default { near, of, version: VERSION } }
}

fn length(
    node: Node<'_>,
    (key, ..): (&str, u64, &'static str),
    path: &str,
    fragment: &mut Fragment,
) -> Option<Sourced<Duration>> {
    let scalar = node.get(key)?.scalar()?;
    let length = promql::length(scalar.text());
    if length.is_none() {
        let reason = if scalar.text().is_empty() { Reason::Empty } else { Reason::NotAnAmount };
        fragment.ignored.push(Ignored { key: format!("{path}.{key}"), span: scalar.span(), reason });
    }
    Some(Sourced::written(length?, scalar.span()))
}

/// A route and those below it; what it does not say is its parent's.
fn route(node: Node<'_>, path: &str, parent: &Route, depth: usize, fragment: &mut Fragment) -> Route {
    let mut own =
        |key, of: &Sourced<Duration>| length(node, key, path, fragment).unwrap_or_else(|| of.clone());
    let mut route = Route {
        matchers: matchers(node),
        receiver: node.get("receiver").and_then(Node::text).map(str::to_owned).or(parent.receiver.clone()),
        group_wait: own(GROUP_WAIT, &parent.group_wait),
        group_interval: own(GROUP_INTERVAL, &parent.group_interval),
        repeat: own(REPEAT, &parent.repeat),
        goes_on: node.get("continue").and_then(Node::text) == Some("true"),
        routes: Vec::new(),
    };
    if depth < DEEPEST {
        let below = node.get("routes").into_iter().flat_map(Node::items).enumerate();
        route.routes = below
            .map(|(index, node)| {
                self::route(node, &format!("{path}.routes[{index}]"), &route, depth + 1, fragment)
            })
            .collect();
    }
    route
}

/// What an alert must carry, in the three ways of writing it.
fn matchers(node: Node<'_>) -> Vec<Matcher> {
    let old = [("match", Compare::Is), ("match_re", Compare::Matches)];
    let mut matchers: Vec<Matcher> = old
        .into_iter()
        .flat_map(|(key, compare)| {
            let entries = node.get(key).map(Node::entries).unwrap_or_default().into_iter();
            entries.filter_map(move |entry| {
                let (label, value) = (entry.key.text().to_owned(), entry.value.text()?.to_owned());
                Some(Matcher { label, compare, value })
            })
        })
        .collect();
    let texts = node.get("matchers").into_iter().flat_map(|list| match list.kind() {
        NodeKind::List => list.items().filter_map(Node::scalar).collect(),
        _ => Vec::from_iter(list.scalar()),
    });
    // `{a="b", c="d"}` in one text, or one a text.
    let split = |text: Scalar<'_>| -> Vec<String> {
        let text = text.text().trim().trim_start_matches('{').trim_end_matches('}').to_owned();
        text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    };
    matchers.extend(texts.flat_map(split).filter_map(|text| matcher(&text)));
    matchers
}

fn matcher(text: &str) -> Option<Matcher> {
    let marks =
        [("=~", Compare::Matches), ("!~", Compare::MatchesNot), ("!=", Compare::IsNot), ("=", Compare::Is)];
    let at = text.find(['=', '!'])?;
    let (label, rest) = text.split_at(at);
    let (mark, compare) = marks.into_iter().find(|(mark, _)| rest.starts_with(mark))?;
    let value = rest[mark.len()..].trim();
    let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    Some(Matcher { label: label.trim().trim_matches('"').to_owned(), compare, value: value.to_owned() })
}
