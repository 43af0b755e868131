//! Access logs to follow: where they are, how a line is read, and which lines are failures.

use std::ops::RangeInclusive;

use model::TimeUnit;
use model::declared::{Mistakes, Table, kind};
use text::{Node, NodeKind, Span};

use super::filled;
use super::preset::{Known, LogPreset};
use super::service::Reasons;
use crate::plan::{Log, LogFormat, Outcome};

pub(super) const LOG: &[&str] =
    &["paths", "format", "log_format", "under", "status", "duration", "unit", "path", "reason"];
pub(super) const OUTCOME: &[&str] = &["status", "flags"];

/// The words of `format`, as a preset names them too.
pub(super) const FORMATS: &[(&str, Form)] =
    &[("nginx", Form::Nginx), ("envoy", Form::Envoy), ("haproxy", Form::HaProxy), ("json", Form::Json)];
/// The keys that name the fields of a JSON line.
const FIELDS: [&str; 5] = ["status", "duration", "unit", "path", "reason"];

/// How a line is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Nginx,
    Envoy,
    HaProxy,
    Json,
}

/// A log whose lines nobody counts by reason: for how long its requests took.
pub fn log(node: Node<'_>, m: &mut Mistakes) -> Option<Log> {
    let log = Table::new(node, "`log`", LOG, m)?;
    let (paths, under) = which(&log, m);
    if paths.is_empty() {
        m.add(log.place("paths"), "`log` without `paths`", "add `paths = [\"access.log\"]`");
    }
    Some(Log { paths, format: format(&log, Some(&log), None, m), under, failed: Vec::new() })
}

/// Which files, and requests to which paths.
fn which(log: &Table<'_>, m: &mut Mistakes) -> (Vec<String>, Vec<String>) {
    let paths = log.texts("paths", m).into_iter().map(|(path, _)| path.to_owned()).collect();
    let mut under = Vec::new();
    for (prefix, span) in log.texts("under", m) {
        if !prefix.starts_with('/') {
            m.add(span, "a path of `under` does not begin with `/`", "write \"/login\"");
        }
        under.push(prefix.to_owned());
    }
    (paths, under)
}

/// The logs of a service; the reasons of its outcomes are appended to `reasons`.
pub(super) fn read(
    table: &Table<'_>,
    preset: Option<&LogPreset>,
    reasons: &mut Reasons,
    m: &mut Mistakes,
) -> Log {
    let log = table.get("log").and_then(|node| Table::new(node, "`log`", LOG, m));
    let usual = preset.and_then(|preset| preset.path);
    let (mut paths, under) = log.as_ref().map(|log| which(log, m)).unwrap_or_default();
    if paths.is_empty() && log.as_ref().is_none_or(|log| log.get("paths").is_none()) {
        paths.extend(usual.map(str::to_owned));
    }
    if paths.is_empty() {
        let place = log.as_ref().map_or_else(|| table.span(), |log| log.place("paths"));
        m.add(place, "`log` without `paths`", "add `paths = [\"/var/log/...\"]`");
    }
    Log {
        paths,
        format: format(table, log.as_ref(), preset, m),
        under,
        failed: failed(table, preset, reasons, m),
    }
}

fn format(
    table: &Table<'_>,
    log: Option<&Table<'_>>,
    preset: Option<&LogPreset>,
    m: &mut Mistakes,
) -> LogFormat {
    let said = log.and_then(|log| log.word("format", FORMATS, m));
    let of_preset = preset
        .and_then(|preset| FORMATS.iter().find(|(name, _)| *name == preset.format))
        .map(|&(_, form)| form);
    let Some(form) = said.or(of_preset) else {
        if log.is_none_or(|log| log.get("format").is_none()) {
            let place = log.map_or_else(|| table.span(), Table::span);
            m.add(place, "`log` without `format`", "add `format = \"nginx\"`, `envoy`, `haproxy` or `json`");
        }
        return LogFormat::HaProxy;
    };
    let text = log.and_then(|log| filled(log, "log_format", m));
    if let Some(log) = log {
        for key in FIELDS.iter().filter(|key| form != Form::Json && log.get(key).is_some()) {
            m.add(log.place(key), format!("`{key}` of `log` belongs to `format = \"json\"`"), "remove it");
        }
        if text.is_some() && matches!(form, Form::HaProxy | Form::Json) {
            m.add(log.place("log_format"), "`log_format` belongs to NGINX and Envoy", "remove it");
        }
    }
    match form {
        Form::Nginx => LogFormat::Nginx(text),
        Form::Envoy => LogFormat::Envoy(text),
        Form::HaProxy => LogFormat::HaProxy,
        Form::Json => json(log, m),
    }
}

/// A second has so many of a unit.
const UNITS: &[(&str, TimeUnit)] = &[
    ("s", TimeUnit::Seconds),
    ("ms", TimeUnit::Milliseconds),
    ("us", TimeUnit::Microseconds),
    ("ns", TimeUnit::Nanoseconds),
];

fn json(log: Option<&Table<'_>>, m: &mut Mistakes) -> LogFormat {
    let mut field = |key| log.and_then(|log| filled(log, key, m));
    let (status, duration, path, reason) =
        (field("status"), field("duration"), field("path"), field("reason"));
    let unit = log.and_then(|log| log.word("unit", UNITS, m));
    if let (Some(log), Some(_), None) = (log, &duration, unit)
        && log.get("unit").is_none()
    {
        m.add(log.place("duration"), "`duration` of `log` without its unit", "add `unit = \"ms\"`");
    }
    #[expect(clippy::cast_precision_loss, reason = "a power of ten")]
    let a_second = |unit: TimeUnit| (TimeUnit::Seconds.nanos() / unit.nanos()) as f64;
    LogFormat::Json {
        status: status.unwrap_or_else(|| "status".to_owned()),
        duration: duration.map(|field| (field, a_second(unit.unwrap_or(TimeUnit::Milliseconds)))),
        path,
        reason,
    }
}

fn failed(
    table: &Table<'_>,
    preset: Option<&LogPreset>,
    reasons: &mut Reasons,
    m: &mut Mistakes,
) -> Vec<(usize, Outcome)> {
    let mut list = Vec::new();
    for (key, counts) in [("failed", true), ("user", false)] {
        for entry in Table::named(table.get(key), &format!("`{key}`"), m) {
            let reason = reasons.written(entry.key.text(), counts, entry.key.span(), m);
            list.extend(outcome(key, entry.value, m).map(|outcome| (reason, outcome)));
        }
    }
    if let Some(preset) = preset.filter(|_| table.get("failed").is_none()) {
        for (name, known) in preset.failed {
            let outcome = match *known {
                Known::Status(from, to) => Outcome { status: vec![(from, to)], flags: Vec::new() },
                Known::Flags(flags) => {
                    Outcome { status: Vec::new(), flags: flags.iter().map(|&flag| flag.to_owned()).collect() }
                }
            };
            list.extend(reasons.preset(name, true).map(|reason| (reason, outcome)));
        }
    }
    list
}

/// `"504"`, `["500-599", 499]` or `{ status = ..., flags = [...] }`.
fn outcome(key: &str, node: Node<'_>, m: &mut Mistakes) -> Option<Outcome> {
    if node.kind() != NodeKind::Map {
        return Some(Outcome { status: statuses(key, node, m), flags: Vec::new() });
    }
    let table = Table::new(node, format!("a reason of `{key}`"), OUTCOME, m)?;
    let status = table.get("status").map(|node| statuses("status", node, m)).unwrap_or_default();
    let flags: Vec<String> = table.texts("flags", m).into_iter().map(|(flag, _)| flag.to_owned()).collect();
    if status.is_empty() && flags.is_empty() {
        m.add(
            node.span(),
            "a reason without status and flags",
            "write `{ status = \"504\" }` or `{ flags = [\"UT\"] }`",
        );
    }
    Some(Outcome { status, flags })
}

/// One status, a range of them, or a list of both.
pub(super) fn statuses(key: &str, node: Node<'_>, m: &mut Mistakes) -> Vec<(u16, u16)> {
    let nodes: Vec<Node<'_>> = match node.kind() {
        NodeKind::List => node.items().collect(),
        NodeKind::Scalar | NodeKind::Map => vec![node],
    };
    nodes
        .into_iter()
        .filter_map(|node| {
            let read = node.text().and_then(status);
            if read.is_none() {
                no_status(key, node, node.span(), m);
            }
            read
        })
        .collect()
}

fn no_status(key: &str, node: Node<'_>, span: Span, m: &mut Mistakes) {
    let what = match node.text() {
        Some(text) => format!("`{key}` is no status: `{text}`"),
        None => format!("`{key}` is {}, not a status", kind(node)),
    };
    m.add(span, what, "write \"504\", \"500-599\" or \"5xx\"");
}

/// What HTTP can say (RFC 9110), and NGINX' and HAProxy's own codes below 100 are none of it.
const STATUS: RangeInclusive<u16> = 100..=999;

fn status(text: &str) -> Option<(u16, u16)> {
    let (from, to) = match text.trim().split_once('-') {
        Some((from, to)) => (from.trim().parse().ok()?, to.trim().parse().ok()?),
        None => match text.trim().strip_suffix("xx") {
            Some(class) => {
                let class: u16 = class.parse().ok().filter(|class| *class < 10)?;
                (class * 100, class * 100 + 99)
            }
            None => {
                let code = text.trim().parse().ok()?;
                (code, code)
            }
        },
    };
    (from <= to && STATUS.contains(&from) && STATUS.contains(&to)).then_some((from, to))
}
