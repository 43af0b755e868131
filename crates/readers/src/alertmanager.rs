//! Alertmanager: the tree of routes with the times that hold at each, and when an alert that is no longer
//! sent ends. Receivers are never read: they hold secrets.

use std::time::Duration;

use model::monitor::{Compare, Matcher, Route, Router};
use model::{Origin, Sourced, Span};
use text::{Node, NodeKind, Syntax, Tree};

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
    let matchers = matchers(node, path, fragment);
    let mut own =
        |key, of: &Sourced<Duration>| length(node, key, path, fragment).unwrap_or_else(|| of.clone());
    let mut route = Route {
        matchers,
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
fn matchers(node: Node<'_>, path: &str, fragment: &mut Fragment) -> Vec<Matcher> {
    let mut matchers = Vec::new();
    let mut unread = |key: &str, span: Span| {
        let key = format!("{path}.{key}");
        fragment.ignored.push(Ignored { key, span, reason: Reason::NotAnAmount });
    };
    for (key, compare) in [("match", Compare::Is), ("match_re", Compare::Matches)] {
        for entry in node.get(key).map(Node::entries).unwrap_or_default() {
            let label = entry.key.text().to_owned();
            match entry.value.text() {
                Some(value) => matchers.push(Matcher { label, compare, value: value.to_owned() }),
                None => unread(&format!("{key}.{label}"), entry.value.span()),
            }
        }
    }
    let Some(list) = node.get("matchers") else { return matchers };
    let items = match list.kind() {
        NodeKind::List => list.items().collect(),
        _ => vec![list],
    };
    for item in items {
        let Some(text) = item.scalar() else {
            unread("matchers", item.span());
            continue;
        };
        for part in parts(text.text()) {
            match matcher(part) {
                Some(matcher) => matchers.push(matcher),
                None => unread("matchers", text.span()),
            }
        }
    }
    matchers
}

/// `{a="b", c="d"}` in one text, or one a text: what stands between the commas that stand in no quotes.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let text = text.trim();
    let text = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(move |c: char| {
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        c == ',' && !quoted
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

fn matcher(text: &str) -> Option<Matcher> {
    let marks =
        [("=~", Compare::Matches), ("!~", Compare::MatchesNot), ("!=", Compare::IsNot), ("=", Compare::Is)];
    // A quoted label may hold the marks.
    let label_end = match text.strip_prefix('"') {
        Some(quoted) => quoted.find('"')? + 2,
        None => 0,
    };
    let at = label_end + text[label_end..].find(['=', '!'])?;
    let (label, rest) = text.split_at(at);
    let label = unquoted(label.trim()).filter(|label| !label.is_empty())?;
    let (mark, compare) = marks.into_iter().find(|(mark, _)| rest.starts_with(mark))?;
    Some(Matcher { label, compare, value: unquoted(rest[mark.len()..].trim())? })
}

/// A text without its quotes, escapes resolved; `None` where quotes do not fit.
fn unquoted(text: &str) -> Option<String> {
    let Some(text) = text.strip_prefix('"') else {
        return (!text.contains('"')).then(|| text.to_owned());
    };
    let (mut whole, mut characters) = (String::new(), text.chars());
    loop {
        match characters.next()? {
            '"' => return characters.as_str().is_empty().then_some(whole),
            '\\' => match characters.next()? {
                'n' => whole.push('\n'),
                c @ ('"' | '\\') => whole.push(c),
                // Written for the regular expression, and kept for it.
                c => whole.extend(['\\', c]),
            },
            c => whole.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use text::{FileId, Source};

    use super::*;

    /// The matchers of a route, and what of them was not read.
    fn read(route: &str) -> (Vec<String>, Vec<String>) {
        let source = Source::new(FileId(0), "alertmanager.yml", route);
        let tree = Tree::parse(Syntax::Yaml, &source);
        let mut fragment = Fragment::default();
        let root = tree.documents().next().expect("a document");
        let shown = matchers(root, "route", &mut fragment).into_iter();
        let shown = shown.map(|matcher| format!("{} {:?} {}", matcher.label, matcher.compare, matcher.value));
        (shown.collect(), fragment.ignored.into_iter().map(|ignored| ignored.key).collect())
    }

    #[test]
    fn matchers_are_split_outside_quotes_only() {
        let text = r#"
matchers:
  - 'team=~"a,b"'
  - '{code=~"5[0-9]{1,3}", says="\"so, so\"", path=~"a\.b"}'
  - severity=page, tier != gold,
  - '"odd=name"="x"'
"#;
        let expected = [
            "team Matches a,b",
            "code Matches 5[0-9]{1,3}",
            "says Is \"so, so\"",
            "path Matches a\\.b",
            "severity Is page",
            "tier IsNot gold",
            "odd=name Is x",
        ];
        assert_eq!(read(text), (expected.map(str::to_owned).to_vec(), Vec::new()));
        assert_eq!(read("matchers: 'a=\"b,c\"'").0, ["a Is b,c"]);
    }

    #[test]
    fn what_cannot_be_read_is_counted() {
        let text = r#"
match: { a: [x], b: y }
matchers:
  - severity
  - 'x="open'
  - '="nothing"'
  - x=~a{1,3}
  - severity: page
  - good=one
"#;
        let (matchers, ignored) = read(text);
        assert_eq!(matchers, ["b Is y", "x Matches a{1", "good Is one"]);
        assert_eq!(ignored.len(), 6, "{ignored:?}");
        assert_eq!(ignored[0], "route.match.a");
        assert_eq!(ignored[1], "route.matchers");
    }
}
