//! `[[watch.service]]`: what is watched, and what must agree within one service.

use std::time::Duration;

use model::declared::{Mistakes, Table, length_at};
use model::did_you_mean;
use text::{Node, NodeKind, Span};

use super::guard::{self, Of};
use super::preset::{self, Preset};
use super::{log, probe, scrape};
use crate::plan::{GuardSource, Intake, LatencyObjective, LogFormat, Objective, Reason, Watched};

pub(super) const SERVICE: &[&str] = &[
    "name",
    "preset",
    "scrape",
    "targets_file",
    "dns",
    "labels",
    "timeout",
    "most",
    "bearer_file",
    "basic",
    "ca",
    "server_name",
    "requests",
    "failed",
    "user",
    "durations",
    "log",
    "guard",
    "guards",
    "latency",
    "pile_up",
    "traffic",
    "objective",
    "probe",
];
pub(super) const LATENCY: &[&str] = &["slow", "guard"];
pub(super) const OBJECTIVE: &[&str] = &["good", "period"];

/// The keys that mean something only where an endpoint is scraped.
const OF_SCRAPES: [&str; 9] =
    ["labels", "timeout", "most", "bearer_file", "basic", "ca", "server_name", "requests", "durations"];

/// The period of an objective where the file does not say, as most who have one write it.
const PERIOD: Duration = Duration::from_secs(30 * 86_400);

/// How requests can fail, as they are found.
#[derive(Debug, Default)]
pub(super) struct Reasons(Vec<Reason>);

impl Reasons {
    /// A reason that is written.
    pub(super) fn written(&mut self, name: &str, counts: bool, span: Span, m: &mut Mistakes) -> usize {
        if let Some(at) = self.0.iter().position(|reason| reason.name == name) {
            let help = "a failure counts or it does not: keep one of them";
            m.add(span, format!("`{name}` stands in `failed` and in `user`"), help);
            return at;
        }
        self.add(name, counts)
    }

    /// A reason of a preset; none where the file says it already.
    pub(super) fn preset(&mut self, name: &str, counts: bool) -> Option<usize> {
        let written = self.0.iter().any(|reason| reason.name == name);
        (!written).then(|| self.add(name, counts))
    }

    fn add(&mut self, name: &str, counts: bool) -> usize {
        self.0.push(Reason { name: name.to_owned(), counts });
        self.0.len() - 1
    }
}

/// All services.
pub(super) fn read(node: Option<Node<'_>>, look: Duration, m: &mut Mistakes) -> Vec<Watched> {
    let mut services: Vec<Watched> = Vec::new();
    for table in Table::list(node, "[[watch.service]]", SERVICE, m) {
        let Some(service) = service(&table, look, m) else { continue };
        if services.iter().any(|other| other.name == service.name) {
            let what = format!("a second service `{}`", service.name);
            m.add(service.span, what, "name each service once; one can have several targets");
        }
        services.push(service);
    }
    services
}

fn service(table: &Table<'_>, look: Duration, m: &mut Mistakes) -> Option<Watched> {
    let name = table.needed_text("name", m);
    let span = table.place("name");
    if name == Some("forewarn") {
        m.add(span, "`forewarn` is how alerts about Forewarn itself are named", "take another name");
    }
    let words = preset::words();
    let preset = table.word("preset", &words, m);
    let mut reasons = Reasons::default();
    let intake = intake(table, preset, look, &mut reasons, m);
    let failures = guard::read(table, "guard", Of::Share, m).unwrap_or(GuardSource::Own);
    let by_reason = by_reason(table, &reasons, m);
    let latency = latency(table, &failures, m);
    let pile_up = pile_up(table, m);
    let traffic = guard::read(table, "traffic", Of::Rate, m);
    let objective = table.get("objective").and_then(|node| objective(node, m));
    let probe = table.get("probe").and_then(|node| probe::read(node, m));
    let watched = Watched {
        name: name?.to_owned(),
        span,
        intake,
        reasons: reasons.0,
        failures,
        by_reason,
        latency,
        pile_up,
        traffic,
        objective,
        probe,
    };
    agree(table, &watched, m);
    Some(watched)
}

fn intake(
    table: &Table<'_>,
    preset: Option<&'static Preset>,
    look: Duration,
    reasons: &mut Reasons,
    m: &mut Mistakes,
) -> Intake {
    let scraped = scrape::WHERE.iter().copied().find(|key| table.get(key).is_some());
    // The log of a product that has a usual place need not be written.
    let usual = preset.and_then(|preset| preset.log.as_ref()).filter(|log| log.path.is_some());
    let logged = table.get("log").is_some() || (scraped.is_none() && usual.is_some());
    match (scraped, logged) {
        (Some(key), true) => {
            m.add(
                table.place("log"),
                format!("`{key}` and `log` together"),
                "a request would count twice: keep one",
            );
            Intake::None
        }
        (Some(key), false) => {
            let of_preset = preset.and_then(|preset| preset.scrape.as_ref());
            if let (Some(preset), None) = (preset, of_preset) {
                let what = format!(
                    "`{key}` with `preset = \"{}\"`, whose metrics have no count of failures",
                    preset.name
                );
                m.add(table.place(key), what, "follow its access log: `log = { paths = [...] }`");
            }
            Intake::Scrape(scrape::read(table, of_preset, look, reasons, m))
        }
        (None, true) => {
            let of_preset = preset.and_then(|preset| preset.log.as_ref());
            if let (Some(preset), None) = (preset, of_preset) {
                let what = format!("`log` with `preset = \"{}\"`, whose log is not known", preset.name);
                m.add(table.place("log"), what, "scrape its metrics: `scrape = \"http://...\"`");
            }
            for key in OF_SCRAPES.iter().filter(|key| table.get(key).is_some()) {
                m.add(table.place(key), format!("`{key}` belongs to a service that is scraped"), "remove it");
            }
            Intake::Log(log::read(table, of_preset, reasons, m))
        }
        (None, false) => {
            if table.get("probe").is_none() || preset.is_some() {
                m.add(
                    table.span(),
                    "nothing says where the counts of this service come from",
                    "add `scrape = \"http://...\"`, `targets_file`, `dns` or `log`, or a [watch.service.probe] alone",
                );
            }
            Intake::None
        }
    }
}

fn by_reason(table: &Table<'_>, reasons: &Reasons, m: &mut Mistakes) -> Vec<(usize, GuardSource)> {
    let names: Vec<&str> = reasons.0.iter().map(|reason| reason.name.as_str()).collect();
    let mut guards = Vec::new();
    for entry in Table::named(table.get("guards"), "`guards`", m) {
        let name = entry.key.text();
        let Some(at) = names.iter().position(|known| *known == name) else {
            let help = did_you_mean(name, "reasons", &names);
            m.add(entry.key.span(), format!("there is no reason `{name}`"), help);
            continue;
        };
        guards.extend(guard::guard(entry.value, name, Of::Share, m).map(|guard| (at, guard)));
    }
    guards
}

/// The guard of slow requests is learnt from the same history as that of failures, unless it is said.
fn latency(table: &Table<'_>, failures: &GuardSource, m: &mut Mistakes) -> Option<LatencyObjective> {
    let latency = Table::new(table.get("latency")?, "`latency`", LATENCY, m)?;
    if latency.get("slow").is_none() {
        latency.lacks("`slow`", "`slow = \"500ms\"`", m);
    }
    let guard = guard::read(&latency, "guard", Of::Share, m).unwrap_or_else(|| match failures {
        GuardSource::History(file) => GuardSource::History(file.clone()),
        GuardSource::Declared(_) | GuardSource::Own => GuardSource::Own,
    });
    Some(LatencyObjective { slow: super::positive(&latency, "slow", m)?, guard })
}

fn pile_up(table: &Table<'_>, m: &mut Mistakes) -> Vec<Duration> {
    let Some(node) = table.get("pile_up") else { return Vec::new() };
    let nodes: Vec<Node<'_>> = match node.kind() {
        NodeKind::List => node.items().collect(),
        NodeKind::Scalar | NodeKind::Map => vec![node],
    };
    let mut list: Vec<Duration> = Vec::new();
    for node in nodes {
        let Some(length) = length_at(node, "pile_up", m) else { continue };
        if length.is_zero() || list.contains(&length) {
            let what = if length.is_zero() { "is 0" } else { "stands twice" };
            m.add(node.span(), format!("a timeout of `pile_up` {what}"), "remove it");
            continue;
        }
        list.push(length);
    }
    list
}

fn objective(node: Node<'_>, m: &mut Mistakes) -> Option<Objective> {
    let table = Table::new(node, "`objective`", OBJECTIVE, m)?;
    let good = guard::read(&table, "good", Of::Goal, m);
    let period = super::positive(&table, "period", m).unwrap_or(PERIOD);
    // The longest window of a burn rate is three days.
    if period < Duration::from_secs(7 * 86_400) {
        m.add(
            table.place("period"),
            "`period` is shorter than a week",
            "write \"7d\" or more, such as \"30d\"",
        );
    }
    if table.get("good").is_none() {
        table.lacks("`good`", "`good = \"99.9%\"`", m);
    }
    match good? {
        GuardSource::Declared(good) => Some(Objective { good, period }),
        GuardSource::History(_) | GuardSource::Own => None,
    }
}

/// What is tested needs its counts.
fn agree(table: &Table<'_>, watched: &Watched, m: &mut Mistakes) {
    for key in ["latency", "pile_up"] {
        if table.get(key).is_none() {
            continue;
        }
        match &watched.intake {
            Intake::Scrape(scrape) if scrape.mapping.durations.is_none() => m.add(
                table.place(key),
                format!("`{key}` without `durations`"),
                "add `durations = 'auth_request_duration_seconds'`, a histogram",
            ),
            Intake::Log(log) => no_time(key, &log.format, table, m),
            Intake::None if watched.probe.is_some() => m.add(
                table.place(key),
                format!("`{key}` of a service that only a probe looks at"),
                "add `scrape` or `log`: a few walks are too few for a share of slow ones",
            ),
            Intake::Scrape(_) | Intake::None => {}
        }
    }
    if watched.intake == Intake::None {
        for key in ["failed", "user", "traffic", "objective", "guard"] {
            if table.get(key).is_some() && watched.probe.is_some() {
                m.add(
                    table.place(key),
                    format!("`{key}` of a service that only a probe looks at"),
                    "add `scrape` or `log`; the guard of the probe stands in [watch.service.probe]",
                );
            }
        }
        return;
    }
    let counted = watched.reasons.iter().any(|reason| reason.counts);
    if !counted && watched.latency.is_none() && watched.traffic.is_none() {
        m.add(
            table.span(),
            "nothing says which requests of this service failed",
            "add `failed = { timeout = '...' }`, `latency` or `traffic`",
        );
    }
    if !counted && (watched.objective.is_some() || table.get("guard").is_some()) {
        let key = if watched.objective.is_some() { "objective" } else { "guard" };
        m.add(table.place(key), format!("`{key}` without `failed`"), "say which requests failed");
    }
}

/// A log whose lines hold no time cannot tell what is slow.
fn no_time(key: &str, format: &LogFormat, table: &Table<'_>, m: &mut Mistakes) {
    let help = match format {
        LogFormat::Nginx(format) if !format.as_deref().unwrap_or("").contains("$request_time") => {
            "log `$request_time`, and write the `log_format` of nginx.conf here, such as \
             log_format = '$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent $request_time'"
        }
        LogFormat::Envoy(Some(format)) if !format.contains("%DURATION%") => "log `%DURATION%`",
        LogFormat::Json { duration: None, .. } => "add `duration` and `unit` to `log`",
        _ => return,
    };
    m.add(table.place(key), format!("`{key}` of a log whose lines hold no duration"), help);
}
