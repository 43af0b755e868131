//! Tables of what was read: files, services, calls, settings, rules. Sorted; secrets hidden.

use model::{Covers, Environment, HashField, Knob, Origin, Probe, ProbeField, Topic};

use super::{count, plain};
use crate::plain::{columns, padded};
use crate::{FileStatus, Outcome};

/// What stands in a row under a column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell {
    /// A path, or a place in a file: it stays as it is, since whoever looks for the file needs it.
    Place(String),
    /// Anything else; secrets are hidden.
    Text(String),
}

impl Cell {
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Place(place) => crate::plain::line(place),
            Self::Text(text) => plain(text),
        }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Rows of text under named columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    columns: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(columns: &'static [&'static str], rows: impl IntoIterator<Item = Vec<Cell>>) -> Self {
        let mut rows: Vec<Vec<String>> =
            rows.into_iter().map(|row| row.iter().map(Cell::shown).collect()).collect();
        rows.dedup();
        Self { columns, rows }
    }

    /// Columns side by side under their names.
    pub fn text(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| columns(&row[column]));
            cells.max().unwrap_or(0).max(self.columns[column].len())
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let names: Vec<String> =
            self.columns.iter().map(|name| name.to_uppercase().replace('_', " ")).collect();
        let mut shown = String::new();
        for row in std::iter::once(&names).chain(&self.rows) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(&padded(cell, *width));
                line.push_str("  ");
            }
            shown.push_str(line.trim_end());
            shown.push('\n');
        }
        shown
    }

    /// A list of objects.
    pub fn json(&self) -> String {
        wire::table::json(self.columns, &self.rows)
    }
}

/// Every file looked at, and what became of it.
pub fn files(outcome: &Outcome) -> Table {
    let row = |file: &crate::FileReport| {
        let (status, dialect, settings, reason) = match &file.status {
            FileStatus::Read { dialect, settings } => ("read", *dialect, settings.to_string(), String::new()),
            FileStatus::PartlyRead { dialect, settings, from_line, problem } => (
                "partly read",
                *dialect,
                settings.to_string(),
                match from_line {
                    Some(line) => format!("not from line {line} on: {problem}"),
                    None => format!("not all: {problem}"),
                },
            ),
            FileStatus::NotOurs(why) => ("not ours", "", String::new(), why.clone()),
            FileStatus::NotEvaluated(why) | FileStatus::Unreadable(why) => {
                ("not evaluated", "", String::new(), why.clone())
            }
        };
        vec![Cell::Place(file.path.clone()), status.into(), dialect.into(), settings.into(), reason.into()]
    };
    Table::new(&["path", "status", "read_as", "settings", "reason"], outcome.files.iter().map(row))
}

/// Every service, and where it is introduced.
pub fn services(outcome: &Outcome) -> Table {
    let rows = environments(outcome).flat_map(|environment| {
        environment.services.iter().map(|service| {
            let kind = match (service.external, service.forwards) {
                (true, _) => "address alone",
                (false, true) => "forwards",
                (false, false) => "",
            };
            let groups = count(service.groups.len(), "group");
            vec![
                environment.name.clone().into(),
                service.name.clone().into(),
                kind.into(),
                groups.into(),
                place(outcome, &service.origin),
            ]
        })
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    Table::new(&["environment", "service", "kind", "settings", "where"], rows)
}

/// Who calls whom, how long it may take at worst, and where the callee's address stands.
pub fn calls(outcome: &Outcome) -> Table {
    let rows = environments(outcome).flat_map(|environment| {
        environment.calls(&outcome.fleet).map(|view| {
            let call = view.call();
            let latency = call.latency.as_ref().map_or_else(String::new, |l| {
                let p99 = l
                    .value
                    .quantile(0.99)
                    .map_or_else(|| "p99 unknown".to_owned(), |p| format!("p99 {}", model::pretty(p)));
                format!("{p99}, {}", l.value.window)
            });
            vec![
                environment.name.clone().into(),
                view.from().name().into(),
                view.to().name().into(),
                model::Attempts::of(view).0.0.to_string().into(),
                at_worst(view).into(),
                latency.into(),
                place(outcome, &call.origin),
                call.assumptions.join("; ").into(),
            ]
        })
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    let columns = &["environment", "from", "to", "attempts", "at_worst", "measured", "where", "assumed"];
    Table::new(columns, rows)
}

/// How long a call takes at worst; what bounds it may not be in the files.
fn at_worst(call: model::CallView<'_>) -> String {
    let bounded = call.settings().any(|setting| match setting.knob {
        model::Knob::Timeout(covers) => covers.bounds_answer() && setting.limit().is_some(),
        _ => false,
    });
    if bounded { model::worst_case(call).to_string() } else { "not known".to_owned() }
}

/// Every setting in effect, what it controls, and where its value comes from.
pub fn settings(outcome: &Outcome) -> Table {
    let mut rows: Vec<(Option<model::Span>, Vec<Cell>)> = outcome
        .fleet
        .settings
        .iter()
        .map(|setting| {
            let from = match &setting.value.origin {
                Origin::Declared(_) => "forewarn.toml".to_owned(),
                origin => origin
                    .default_of()
                    .map_or_else(String::new, |(of, version)| format!("default: {of}, {version}")),
            };
            let row = vec![
                place(outcome, &setting.value.origin),
                setting.key.clone().into(),
                setting.value.value.to_string().into(),
                knob(setting.knob).into(),
                from.into(),
                setting.assumptions.join("; ").into(),
            ];
            (setting.value.origin.span(), row)
        })
        .collect();
    let path =
        |span: &Option<model::Span>| span.map(|s| (outcome.sources.get(s.file).path().to_owned(), s.start));
    rows.sort_by(|(a, row), (b, other)| path(a).cmp(&path(b)).then_with(|| row.cmp(other)));
    Table::new(
        &["where", "key", "value", "controls", "from", "assumed"],
        rows.into_iter().map(|(_, row)| row),
    )
}

/// Every rule.
pub fn rules() -> Table {
    let row = |rule: &&'static rules::Rule| {
        vec![rule.name.into(), rule.level.name().into(), rule.mode.name().into(), rule.summary.into()]
    };
    let mut rows: Vec<_> = rules::RULES.iter().map(row).collect();
    rows.sort();
    Table::new(&["rule", "level", "mode", "summary"], rows)
}

fn environments(outcome: &Outcome) -> impl Iterator<Item = &Environment> {
    outcome.fleet.environments.iter()
}

pub(super) fn place(outcome: &Outcome, origin: &Origin) -> Cell {
    Cell::Place(origin.span().map_or_else(String::new, |span| {
        let source = outcome.sources.get(span.file);
        let at = source.position(span.start);
        format!("{}:{}:{}", source.path(), at.line, at.column)
    }))
}

/// What a setting controls, in words.
fn knob(knob: Knob) -> String {
    let words = match knob {
        Knob::Timeout(Covers::Unknown) => "a time limit",
        Knob::Timeout(covers) => return format!("limit of {}", covers.words()),
        Knob::Attempts => "attempts",
        Knob::Retries => "retries",
        Knob::BackoffBase => "first wait between attempts",
        Knob::BackoffMax => "longest wait between attempts",
        Knob::BackoffFactor => "growth of the wait between attempts",
        Knob::Jitter => "random part of the wait",
        Knob::RetryOn => "what is retried",
        Knob::PoolSize => "connections of the pool",
        Knob::PoolIdle => "idle connections of the pool",
        Knob::PoolFloor => "connections the pool keeps open",
        Knob::ConnectionLimit => "connections the server accepts",
        Knob::ConnectionsReserved => "connections kept for administrators",
        Knob::Instances => "instances at most",
        Knob::Workers => "requests a process works on at once",
        Knob::Processes => "worker processes of an instance",
        Knob::KeepAlive => "keep-alive",
        Knob::PingInterval => "time between pings",
        Knob::PingFloor => "shortest time between pings",
        Knob::Streams => "whether it carries streams",
        Knob::Upgrades => "whether connections become tunnels",
        Knob::Grace => "time from stop signal to kill",
        Knob::PreStop => "wait before the stop signal",
        Knob::Interval => "interval",
        Knob::TokenLife => "life of a token",
        Knob::TokenRefresh => "time between renewals of a token",
        Knob::TokenLead => "renewal before a token's end",
        Knob::ClockSkew => "tolerated difference of clocks",
        Knob::Hash(field) => match field {
            HashField::Algorithm => "password hash",
            HashField::Memory => "KiB of one password hash",
            HashField::Iterations => "passes of the password hash",
            HashField::Lanes => "lanes of the password hash",
            HashField::Cost => "cost of the password hash",
            HashField::AtOnce => "password hashes at once",
        },
        Knob::Probe(probe, field) => {
            let probe = match probe {
                Probe::Liveness => "liveness",
                Probe::Readiness => "readiness",
                Probe::Startup => "startup",
                Probe::Health => "health",
            };
            let field = match field {
                ProbeField::Timeout => "timeout",
                ProbeField::Period => "period",
                ProbeField::InitialDelay => "initial delay",
                ProbeField::Failures => "failures that count",
                ProbeField::Action => "what it asks",
                ProbeField::Mark => "mark of what it asks",
            };
            return format!("{probe} probe: {field}");
        }
        Knob::Other(topic) => match topic {
            Topic::Timeout => "something about time limits",
            Topic::Retry => "something about retries",
            Topic::Backoff => "something about back-off",
            Topic::KeepAlive => "something about keep-alive",
            Topic::Pool => "something about pools",
            Topic::Probe => "something about probes",
            Topic::Lifecycle => "something about start and stop",
            Topic::Capacity => "something about capacity",
            Topic::Credential => "something about tokens or hashes",
        },
    };
    words.to_owned()
}
