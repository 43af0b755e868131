//! Groups of rules, wherever they stand: a file of their own, or an object in a cluster.

use std::time::Duration;

use model::monitor::{Alert, FoundBy, Query, Rule, RuleGroup};
use model::{Origin, Sourced};
use text::{Node, NodeKind};

use super::{is_list, length, text_at};
use crate::{Context, Fragment, promql};

/// Where `for` is absent, an alert is not pending at all (prometheus.io, "Alerting rules").
const PENDING: &str = "Prometheus rule `for`";
const VERSION: &str = "all versions, prometheus.io Recording rules";

/// The groups of a document, if it is a file of rules.
pub(super) fn groups(root: Node<'_>) -> Option<Node<'_>> {
    let groups = root.entry("groups").filter(is_list)?.value;
    let is_rule = |rule: Node<'_>| {
        rule.get("expr").is_some() && (rule.get("alert").is_some() || rule.get("record").is_some())
    };
    let rules = |group: Node<'_>| group.get("rules").is_some_and(|rules| rules.items().any(is_rule));
    groups.items().any(rules).then_some(groups)
}

/// Reads a file's groups.
pub(super) fn read(context: &Context<'_>, groups: Node<'_>, fragment: &mut Fragment) {
    let file = context.source.path().rsplit('/').next().unwrap_or_default().to_owned();
    add(groups, &file, FoundBy::Path, fragment);
}

/// Reads groups that are found in a way.
pub(super) fn add(groups: Node<'_>, file: &str, by: FoundBy, fragment: &mut Fragment) {
    for (index, group) in groups.items().enumerate() {
        let Some(rules) = group.get("rules").filter(|rules| rules.kind() == NodeKind::List) else { continue };
        let name = text_at(group, "name");
        let path = format!("groups[{index}]");
        let interval = length(group, "interval", &path, fragment);
        let rules: Vec<Rule> = rules.items().filter_map(|node| rule(node, &path, fragment)).collect();
        fragment.monitor.groups.push(RuleGroup {
            name: name.map_or_else(|| path.clone(), |name| name.text().to_owned()),
            at: name.map_or_else(|| group.span(), |name| name.span()),
            file: file.to_owned(),
            // 0 is the global one (prometheus rulefmt: a zero interval is none).
            interval: interval.filter(|interval| !interval.value.is_zero()),
            rules,
            by,
            evaluator: None,
            assumptions: Vec::new(),
        });
    }
}

fn rule(node: Node<'_>, path: &str, fragment: &mut Fragment) -> Option<Rule> {
    let alert = text_at(node, "alert");
    let name = alert.or_else(|| text_at(node, "record"))?;
    let expression = node.get("expr")?.scalar()?;
    // A number without quotes is no expression that asks anything.
    let query = if expression.text().is_empty() {
        Query::unknown(expression.span())
    } else {
        promql::query(expression)
    };
    let alert = alert.is_some().then(|| Alert {
        pending: length(node, "for", &format!("{path}.{}", name.text()), fragment).unwrap_or(Sourced {
            value: Duration::ZERO,
            origin: Origin::Default { near: name.span(), of: PENDING, version: VERSION },
        }),
        labels: node
            .get("labels")
            .into_iter()
            .flat_map(Node::entries)
            .filter_map(|entry| Some((entry.key.text().to_owned(), entry.value.text()?.to_owned())))
            .filter(|(_, value)| !value.contains("{{"))
            .collect(),
    });
    Some(Rule { name: Sourced::written(name.text().to_owned(), name.span()), query, alert })
}
