//! Endpoints to scrape: where they are, and which of their series are what.

use std::time::Duration;

use model::TimeUnit;
use model::declared::{Mistakes, Table, kind};
use text::{Node, NodeKind, Span};

use super::access;
use super::filled;
use super::preset::ScrapePreset;
use super::service::Reasons;
use crate::plan::{Compare, Durations, Mapping, Matcher, Scrape, Selector, Targets};

pub(super) const TARGETS_FILE: &[&str] = &["glob", "scheme", "path"];
pub(super) const DNS: &[&str] = &["name", "port", "scheme", "path"];
pub(super) const DURATIONS: &[&str] = &["series", "unit"];

/// The keys of a service that make it one that is scraped.
pub(super) const WHERE: [&str; 3] = ["scrape", "targets_file", "dns"];

/// The path of an endpoint where the file does not say; Prometheus' own default.
const PATH: &str = "/metrics";
/// How many bytes an answer may have where the file does not say.
const MOST: u64 = 10 * 1024 * 1024;

/// Endpoints of a service; the reasons of its mapping are appended to `reasons`.
pub(super) fn read(
    table: &Table<'_>,
    preset: Option<&ScrapePreset>,
    look: Duration,
    reasons: &mut Reasons,
    m: &mut Mistakes,
) -> Scrape {
    let mut targets: Vec<Targets> = table
        .texts("scrape", m)
        .into_iter()
        .filter_map(|(text, span)| access::url("scrape", text, span, m).map(Targets::Url))
        .collect();
    if table.get("scrape").is_some_and(|node| node.kind() == NodeKind::List && node.items().len() == 0) {
        m.add(table.place("scrape"), "`scrape` is empty", "name at least one URL");
    }
    targets.extend(table.get("targets_file").and_then(|node| targets_file(node, m)));
    targets.extend(table.get("dns").and_then(|node| dns(node, m)));
    Scrape {
        targets,
        access: access::read(table, m),
        mapping: mapping(table, preset, reasons, m),
        timeout: timeout(table, look, m),
        most: most(table, m),
    }
}

/// Half of a look where the file does not say: an answer that takes longer would be late for the next.
fn timeout(table: &Table<'_>, look: Duration, m: &mut Mistakes) -> Duration {
    let Some(timeout) = super::positive(table, "timeout", m) else { return look / 2 };
    if timeout >= look {
        m.add(
            table.place("timeout"),
            format!("`timeout` is {timeout:?} and the service is looked at every {look:?}"),
            "a look must end before the next begins: write a shorter one, or a longer `look` of [watch]",
        );
    }
    timeout
}

fn most(table: &Table<'_>, m: &mut Mistakes) -> u64 {
    let most = table.count("most", m);
    // A gigabyte every second would be the end of the host that Forewarn runs on.
    if most.is_some_and(|most| !(1024..=1_073_741_824).contains(&most)) {
        m.add(table.place("most"), "`most` is out of range", "write bytes, from 1024 to 1073741824");
    }
    most.unwrap_or(MOST)
}

fn targets_file(node: Node<'_>, m: &mut Mistakes) -> Option<Targets> {
    if let Some(glob) = node.text() {
        return Some(Targets::File {
            glob: glob.to_owned(),
            scheme: "http".to_owned(),
            path: PATH.to_owned(),
        });
    }
    let table = Table::new(node, "`targets_file`", TARGETS_FILE, m)?;
    let (scheme, path) = scheme_and_path(&table, m);
    Some(Targets::File { glob: table.needed_text("glob", m)?.to_owned(), scheme, path })
}

fn dns(node: Node<'_>, m: &mut Mistakes) -> Option<Targets> {
    let table = Table::new(node, "`dns`", DNS, m)?;
    let (scheme, path) = scheme_and_path(&table, m);
    let name = table.needed_text("name", m);
    let port = table.count("port", m).and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
    if port.is_none() {
        m.add(table.place("port"), "`dns` without a port", "add `port = 8080`, from 1 to 65535");
    }
    Some(Targets::Dns { name: name?.to_owned(), port: port?, scheme, path })
}

fn scheme_and_path(table: &Table<'_>, m: &mut Mistakes) -> (String, String) {
    let scheme = table.word("scheme", &[("http", "http"), ("https", "https")], m).unwrap_or("http");
    let path = filled(table, "path", m).unwrap_or_else(|| PATH.to_owned());
    if !path.starts_with('/') {
        m.add(table.place("path"), "`path` does not begin with `/`", "write \"/metrics\"");
    }
    (scheme.to_owned(), path)
}

fn mapping(
    table: &Table<'_>,
    preset: Option<&ScrapePreset>,
    reasons: &mut Reasons,
    m: &mut Mistakes,
) -> Mapping {
    let mut requests: Vec<Selector> =
        table.texts("requests", m).into_iter().filter_map(|(text, span)| select(text, span, m)).collect();
    match preset {
        Some(preset) if table.get("requests").is_none() => requests.push(known(preset.requests)),
        None if table.get("requests").is_none() && table.get("preset").is_none() => m.add(
            table.span(),
            "nothing says which series count requests",
            "add `requests = 'auth_login_total'`, or a `preset`",
        ),
        _ => {}
    }
    let mut failed = Vec::new();
    for (key, counts) in [("failed", true), ("user", false)] {
        let Some(node) = table.get(key) else { continue };
        for entry in Table::named(Some(node), &format!("`{key}`"), m) {
            let reason = reasons.written(entry.key.text(), counts, entry.key.span(), m);
            failed.extend(selectors(key, entry.value, m).into_iter().map(|one| (reason, one)));
        }
    }
    if let Some(preset) = preset {
        for (key, counts, list) in [("failed", true, preset.failed), ("user", false, preset.user)] {
            for (name, series) in list.iter().filter(|_| table.get(key).is_none()) {
                failed.extend(reasons.preset(name, counts).map(|reason| (reason, known(series))));
            }
        }
    }
    let durations = match table.get("durations") {
        Some(node) => durations(node, m),
        None => {
            preset.map(|preset| Durations { series: known(preset.durations.0), unit: preset.durations.1 })
        }
    };
    let mut mapping = Mapping { requests, failed, durations };
    narrow(table, preset, &mut mapping, m);
    mapping
}

/// `labels` hold for every series of the mapping: one endpoint can show several services.
fn narrow(table: &Table<'_>, preset: Option<&ScrapePreset>, mapping: &mut Mapping, m: &mut Mistakes) {
    let mut labels = Vec::new();
    for entry in Table::named(table.get("labels"), "`labels`", m) {
        match entry.value.text() {
            Some(value) => labels.push(Matcher {
                label: entry.key.text().to_owned(),
                compare: Compare::Is,
                value: value.to_owned(),
            }),
            None => m.add(
                entry.value.span(),
                format!("`{}` of `labels` is {}, not a text", entry.key.text(), kind(entry.value)),
                "put it in quotes",
            ),
        }
    }
    if let Some(label) = preset.and_then(|preset| preset.label) {
        let said = labels.iter().any(|matcher| matcher.label == label);
        if !said && table.get("requests").is_none() {
            m.add(
                table.place("preset"),
                format!("this preset counts all services behind the endpoint together without `{label}`"),
                format!("add `labels = {{ {label} = \"...\" }}`"),
            );
        }
    }
    let durations = mapping.durations.iter_mut().map(|durations| &mut durations.series);
    let failed = mapping.failed.iter_mut().map(|(_, selector)| selector);
    for selector in mapping.requests.iter_mut().chain(failed).chain(durations) {
        selector.labels.extend(labels.iter().cloned());
    }
}

fn durations(node: Node<'_>, m: &mut Mistakes) -> Option<Durations> {
    let (series, unit) = match node.text() {
        Some(text) => (select(text, node.span(), m), None),
        None => {
            let table = Table::new(node, "`durations`", DURATIONS, m)?;
            let unit = table.word("unit", &[("s", TimeUnit::Seconds), ("ms", TimeUnit::Milliseconds)], m);
            (table.needed_text("series", m).and_then(|text| select(text, table.place("series"), m)), unit)
        }
    };
    let series = series?;
    if let Some(stem) = ["_bucket", "_count", "_sum"].iter().find_map(|end| series.metric.strip_suffix(end)) {
        m.add(
            node.span(),
            format!("`durations` names a series of the histogram, `{}`", series.metric),
            format!("name the histogram: `{stem}`"),
        );
    }
    Some(Durations { series, unit: unit.unwrap_or(TimeUnit::Seconds) })
}

/// One selector or a list of them.
fn selectors(key: &str, node: Node<'_>, m: &mut Mistakes) -> Vec<Selector> {
    let nodes: Vec<Node<'_>> = match node.kind() {
        NodeKind::List => node.items().collect(),
        NodeKind::Scalar | NodeKind::Map => vec![node],
    };
    let read = nodes.into_iter().filter_map(|node| match node.text() {
        Some(text) => select(text, node.span(), m),
        None => {
            let what = format!("`{key}` is {}, not a selector of series", kind(node));
            m.add(node.span(), what, "write a metric and its labels: 'auth_login_total{result=\"timeout\"}'");
            None
        }
    });
    read.collect()
}

fn select(text: &str, span: Span, m: &mut Mistakes) -> Option<Selector> {
    match super::selector(text) {
        Ok(selector) => Some(selector),
        Err(why) => {
            let help = "write a metric and its labels: 'auth_login_total{result=\"timeout\"}'";
            m.add(span, format!("`{text}` is no selector: {why}"), help);
            None
        }
    }
}

fn known(series: &str) -> Selector {
    super::selector(series).expect("bug: a preset's series is no selector")
}
