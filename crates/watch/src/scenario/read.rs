//! From the tables of a scenario to its nouns.

use std::time::Duration;

use model::declared::{Mistakes, Table, length_of};
use model::did_you_mean;
use text::{Node, Span};

use super::series::{Sample, series};
use super::{Expected, Feed, Scenario, Target, Window};
use crate::alert::{Burn, Symptom};
use crate::audits::{Audited, KnownSetting, OpenFinding};
use crate::guard::{Guard, Learnt, Signal};
use crate::journal::{Fault, Walk};
use crate::plan::{Plan, Watched};
use crate::tally::Tally;

pub(super) const TOP: &[&str] = &[
    "kind", "name", "plan", "watch", "interval", "series", "length", "others", "service", "audit", "audited",
    "silence", "restarts", "expect",
];
pub(super) const SERVICE: &[&str] =
    &["name", "requests", "failed", "timed", "slow", "piled", "target", "walks", "learnt"];
pub(super) const TARGET: &[&str] = &["name", "replicas", "requests", "failed", "timed", "slow", "piled"];
pub(super) const AUDITED: &[&str] = &["at", "stopped", "findings", "settings"];
pub(super) const FINDING: &[&str] = &["hash", "rule", "level", "services", "place", "title"];
pub(super) const SETTING: &[&str] = &["services", "key", "value", "path", "line"];
pub(super) const SILENCE: &[&str] = &["from", "until", "service", "reason"];
pub(super) const EXPECT: &[&str] =
    &["service", "alert", "opened", "unknown", "ended", "failures", "delay", "replicas", "shows"];

/// The longest a scenario may be: four weeks.
const LONGEST: Duration = Duration::from_secs(28 * 86_400);

/// What the values of series are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    /// Running totals, as a target shows them.
    Totals,
    /// What came within each interval.
    Counts,
}

const VALUES: &[(&str, Values)] = &[("totals", Values::Totals), ("counts", Values::Counts)];
const OTHERS: &[(&str, bool)] = &[("forbidden", true), ("allowed", false)];
/// The windows of burn rates, by the longer one.
pub(super) const BURNS: &[(&str, Burn)] =
    &[("1h", Burn::Hour), ("6h", Burn::SixHours), ("1d", Burn::Day), ("3d", Burn::ThreeDays)];

/// How a step of a probe can fail, by the words of `walks`; a status is its number.
const FAULTS: &[(&str, Fault)] = &[
    ("dns", Fault::Dns),
    ("connect", Fault::Connect),
    ("tls", Fault::Tls),
    ("timeout", Fault::Timeout),
    ("broken", Fault::Broken),
    ("answer", Fault::Answer),
    ("ours", Fault::Ours),
];

/// How series become looks.
#[derive(Debug, Clone, Copy)]
struct Pace {
    values: Values,
    /// So many looks a sample.
    looks: usize,
}

/// The scenario of a root table.
pub(super) fn scenario(root: Node<'_>, plan: Plan, m: &mut Mistakes) -> Option<Scenario> {
    let top = Table::new(root, "the scenario", TOP, m)?;
    let name = top.text("name", m).unwrap_or("").to_owned();
    let pace = pace(&top, &plan, m);
    let mut feeds: Vec<Feed> = Vec::new();
    for table in Table::list(top.get("service"), "[[service]]", SERVICE, m) {
        let Some((place, watched)) = watched(&table, "name", &plan, m) else { continue };
        if feeds.iter().any(|feed| feed.service == place) {
            m.add(
                table.place("name"),
                format!("a second service `{}`", watched.name),
                "one can have several [[service.target]]",
            );
        }
        feeds.push(Feed {
            service: place,
            targets: targets(&table, watched, pace, m),
            walks: walks(&table, watched, m),
            learnt: learnt(&table, watched, m),
        });
    }
    let audits = audits(top.get("audited"), m);
    let expected = expected(top.get("expect"), &plan, m);
    let length = length(&top, &plan, &feeds, &audits, m);
    for restart in top.texts("restarts", m) {
        moment(restart.0, restart.1, "restarts", m);
    }
    let restarts = top.texts("restarts", &mut Mistakes::default());
    let restarts = restarts.into_iter().filter_map(|(text, _)| length_of(text)).collect();
    let silences = silences(top.get("silence"), m);
    let others = top.word("others", OTHERS, m).unwrap_or(true);
    Some(Scenario { name, plan, length, feeds, audits, silences, restarts, expected, others })
}

fn pace(top: &Table<'_>, plan: &Plan, m: &mut Mistakes) -> Pace {
    let values = top.word("series", VALUES, m).unwrap_or(Values::Totals);
    let interval = top.length("interval", m).unwrap_or(plan.look);
    let (look, interval) = (plan.look.as_millis().max(1), interval.as_millis());
    if interval == 0 || interval % look != 0 {
        m.add(
            top.place("interval"),
            format!("`interval` is no multiple of `look`, {}", super::clock(plan.look)),
            "write such a multiple: counts are spread over the looks of an interval",
        );
        return Pace { values, looks: 1 };
    }
    Pace { values, looks: usize::try_from(interval / look).unwrap_or(1) }
}

/// The service of the plan that a key names.
fn watched<'p>(table: &Table<'_>, key: &str, plan: &'p Plan, m: &mut Mistakes) -> Option<(u16, &'p Watched)> {
    let name = table.needed_text(key, m)?;
    let found = plan.services.iter().zip(0..).find(|(service, _)| service.name == name);
    if found.is_none() {
        let names: Vec<&str> = plan.services.iter().map(|service| service.name.as_str()).collect();
        let what = format!("the plan watches no service `{name}`");
        m.add(table.place(key), what, did_you_mean(name, "services", &names));
    }
    found.map(|(service, place)| (place, service))
}

fn targets(table: &Table<'_>, watched: &Watched, pace: Pace, m: &mut Mistakes) -> Vec<Target> {
    let mut targets: Vec<Target> = Vec::new();
    let own = table.get("requests").is_some();
    if own && table.get("target").is_some() {
        m.add(table.place("requests"), "`requests` and [[service.target]] together", "keep one of them");
    }
    if own {
        targets.extend(
            totals(table, watched, pace, m).map(|totals| Target { name: watched.name.clone(), totals }),
        );
    }
    for target in Table::list(table.get("target"), "[[service.target]]", TARGET, m) {
        let name = target.needed_text("name", m);
        if target.get("requests").is_none() {
            target.lacks("`requests`", "`requests = '0+100x60'`", m);
        }
        let replicas = target.count("replicas", m);
        if replicas.is_some_and(|replicas| !(1..=1000).contains(&replicas)) {
            m.add(target.place("replicas"), "`replicas` is out of range", "write from 1 to 1000");
            continue;
        }
        let (Some(name), Some(totals)) = (name, totals(&target, watched, pace, m)) else { continue };
        let names = match replicas {
            None => vec![name.to_owned()],
            Some(replicas) => (1..=replicas).map(|at| format!("{name}-{at}")).collect(),
        };
        for name in names {
            if targets.iter().any(|other| other.name == name) {
                m.add(target.place("name"), format!("a second target `{name}`"), "name each target once");
            }
            targets.push(Target { name, totals: totals.clone() });
        }
    }
    targets
}

/// What a target says, look by look.
fn totals(table: &Table<'_>, watched: &Watched, pace: Pace, m: &mut Mistakes) -> Option<Vec<Option<Tally>>> {
    let requests = samples_of(table.get("requests")?, "requests", m)?;
    let longest = requests.len();
    let column = |node: Option<Node<'_>>, key: &str, m: &mut Mistakes| -> Option<Vec<u64>> {
        let node = node?;
        let samples = samples_of(node, key, m)?;
        if samples.len() > longest {
            let what = format!("`{key}` has {} samples and `requests` {longest}", samples.len());
            m.add(node.span(), what, "make `requests` as long: without them nothing is said");
        }
        Some(spread(&samples, longest, pace))
    };
    let mut failed = vec![None; watched.reasons.len()];
    let reasons: Vec<&str> = watched.reasons.iter().map(|reason| reason.name.as_str()).collect();
    for entry in Table::named(table.get("failed"), "`failed`", m) {
        let name = entry.key.text();
        match reasons.iter().position(|reason| *reason == name) {
            Some(at) => failed[at] = column(Some(entry.value), name, m),
            None => {
                let help = did_you_mean(name, "reasons", &reasons);
                m.add(entry.key.span(), format!("{} has no reason `{name}`", watched.name), help);
            }
        }
    }
    let mut piled = vec![None; watched.pile_up.len()];
    for entry in Table::named(table.get("piled"), "`piled`", m) {
        let at = length_of(entry.key.text())
            .and_then(|length| watched.pile_up.iter().position(|known| *known == length));
        match at {
            Some(at) => piled[at] = column(Some(entry.value), entry.key.text(), m),
            None => {
                let known: Vec<String> = watched.pile_up.iter().map(|length| super::clock(*length)).collect();
                let help = format!("`pile_up` of the plan: {}", known.join(", "));
                m.add(entry.key.span(), format!("`{}` is no timeout of `pile_up`", entry.key.text()), help);
            }
        }
    }
    let slow = column(table.get("slow"), "slow", m);
    let timed = column(table.get("timed"), "timed", m);
    let all = spread(&requests, longest, pace);
    // Where durations are counted and nobody says of how many, all requests have one.
    let durations = slow.is_some() || piled.iter().any(Option::is_some);
    let timed = timed.or_else(|| durations.then(|| all.clone()));
    let value = |column: &Option<Vec<u64>>, at: usize| column.as_ref().map_or(0, |column| column[at]);
    let says = |look: usize| matches!(requests[look.div_ceil(pace.looks)], Sample::Value(_));
    let looks = (longest - 1) * pace.looks + 1;
    let tally = |look: usize| Tally {
        requests: all[look],
        failed: failed.iter().map(|column| value(column, look)).collect(),
        timed: value(&timed, look),
        slow: value(&slow, look),
        piled: piled.iter().map(|column| value(column, look)).collect(),
    };
    Some((0..looks).map(|look| says(look).then(|| tally(look))).collect())
}

/// Running totals at every look: what comes between two samples is spread evenly; a series that ended
/// stands still; while nothing is said the total goes on from what it was.
fn spread(samples: &[Sample], length: usize, pace: Pace) -> Vec<u64> {
    let mut totals = Vec::with_capacity((length.saturating_sub(1)) * pace.looks + 1);
    let mut before = 0u64;
    for at in 0..length {
        let value = match (samples.get(at), pace.values) {
            (Some(Sample::Value(value)), Values::Totals) => *value,
            (Some(Sample::Value(value)), Values::Counts) => before.saturating_add(*value),
            (Some(Sample::Missing) | None, _) => before,
        };
        if at > 0 {
            for look in 1..pace.looks {
                // A total that fell began anew within the interval; when, the series does not say.
                let risen = value.checked_sub(before).map_or(0, |risen| {
                    risen / pace.looks as u64 * look as u64
                        + risen % pace.looks as u64 * look as u64 / pace.looks as u64
                });
                totals.push(before + risen);
            }
        }
        totals.push(value);
        before = value;
    }
    totals
}

fn samples_of(node: Node<'_>, key: &str, m: &mut Mistakes) -> Option<Vec<Sample>> {
    let read = node.text().ok_or_else(|| "it is no text".to_owned()).and_then(series);
    match read {
        Ok(samples) => Some(samples),
        Err(why) => {
            m.add(
                node.span(),
                format!("`{key}` is no series: {why}"),
                "write it as promtool takes it: '0+100x60 6000+90x30 _x5'",
            );
            None
        }
    }
}

/// `okx60 login:timeoutx3`: how walks ended, one after the other.
fn walks(table: &Table<'_>, watched: &Watched, m: &mut Mistakes) -> Vec<Walk> {
    let Some(text) = table.text("walks", m) else { return Vec::new() };
    let Some(probe) = &watched.probe else {
        m.add(
            table.place("walks"),
            format!("the plan has no probe of {}", watched.name),
            "add [watch.service.probe], or remove `walks`",
        );
        return Vec::new();
    };
    let steps: Vec<&str> = probe.steps.iter().map(|step| step.name.as_str()).collect();
    let mut walks = Vec::new();
    for token in text.split_whitespace() {
        let many =
            token.rsplit_once('x').and_then(|(what, times)| Some((what, times.parse::<usize>().ok()?)));
        let (what, times) = many.unwrap_or((token, 1));
        let failed = match what.rsplit_once(':') {
            None if what == "ok" => Some(None),
            Some((step, fault)) => {
                let step = steps.iter().zip(0u16..).find(|(name, _)| **name == step).map(|(_, place)| place);
                let known = FAULTS.iter().find(|(word, _)| *word == fault).map(|&(_, fault)| fault);
                let fault = known.or_else(|| fault.parse().ok().map(Fault::Status));
                step.zip(fault).map(Some)
            }
            None => None,
        };
        let Some(failed) = failed.filter(|_| times <= 1_000_000) else {
            let faults: Vec<&str> = FAULTS.iter().map(|&(word, _)| word).collect();
            let help = format!(
                "write `okx60`, or a step and how it failed (`login:timeoutx3`, `login:503`); steps: {}; faults: {}",
                steps.join(", "),
                faults.join(", ")
            );
            m.add(table.place("walks"), format!("`{token}` of `walks` is no walk"), help);
            continue;
        };
        walks.extend(std::iter::repeat_n(Walk { failed, steps: Vec::new() }, times));
    }
    walks
}

/// What history would have taught: `{ failures = 0.01, slow = 0.02, traffic = 50.0, probe = 0.01, timeout = 0.001 }`.
fn learnt(table: &Table<'_>, watched: &Watched, m: &mut Mistakes) -> Vec<Learnt> {
    let mut signals = vec![
        ("failures".to_owned(), Signal::Failures),
        ("slow".to_owned(), Signal::Slow),
        ("traffic".to_owned(), Signal::Traffic),
        ("probe".to_owned(), Signal::Probe),
    ];
    signals.extend(
        watched.reasons.iter().zip(0..).map(|(reason, at)| (reason.name.clone(), Signal::Reason(at))),
    );
    signals.extend(
        watched.pile_up.iter().zip(0..).map(|(length, at)| (super::clock(*length), Signal::PileUp(at))),
    );
    let names: Vec<&str> = signals.iter().map(|(name, _)| name.as_str()).collect();
    let entries = Table::named(table.get("learnt"), "`learnt`", m);
    let known: Vec<&str> = entries.iter().map(|entry| entry.key.text()).collect();
    let Some(values) = table.get("learnt").and_then(|node| Table::new(node, "`learnt`", &known, m)) else {
        return Vec::new();
    };
    let mut list = Vec::new();
    for entry in &entries {
        let name = entry.key.text();
        let Some(&(_, signal)) = signals.iter().find(|(known, _)| known == name) else {
            m.add(
                entry.key.span(),
                format!("there is no test `{name}`"),
                did_you_mean(name, "tests", &names),
            );
            continue;
        };
        let most = if signal == Signal::Traffic { 1e9 } else { 0.999 };
        let help = "write a share such as 0.01; of traffic, requests a second";
        #[expect(clippy::cast_possible_truncation, reason = "a guard's table holds single precision")]
        let level = values.number(name, 1e-9..=most, help, m).map(|level| level as f32);
        let guard =
            level.map(|level| Guard { level: vec![level], days: 14.0, dispersion: 1.0, implied: None });
        list.extend(guard.map(|guard| Learnt { signal, guard }));
    }
    list
}

fn audits(node: Option<Node<'_>>, m: &mut Mistakes) -> Vec<(Duration, Audited)> {
    let mut list = Vec::new();
    for table in Table::list(node, "[[audited]]", AUDITED, m) {
        let at = needed_moment(&table, "at", m);
        let findings = Table::list(table.get("findings"), "[[audited.findings]]", FINDING, m);
        let settings = Table::list(table.get("settings"), "[[audited.settings]]", SETTING, m);
        let words =
            |table: &Table<'_>, key: &str, m: &mut Mistakes| table.text(key, m).unwrap_or("").to_owned();
        let names = |table: &Table<'_>, m: &mut Mistakes| {
            table.texts("services", m).into_iter().map(|(name, _)| name.to_owned()).collect()
        };
        let findings = findings.iter().map(|finding| OpenFinding {
            hash: finding.needed_text("hash", m).unwrap_or("").to_owned(),
            rule: words(finding, "rule", m),
            level: finding.text("level", m).unwrap_or("error").to_owned(),
            services: names(finding, m),
            place: words(finding, "place", m),
            title: words(finding, "title", m),
        });
        let findings = findings.collect();
        let settings = settings.iter().map(|setting| KnownSetting {
            services: names(setting, m),
            key: setting.needed_text("key", m).unwrap_or("").to_owned(),
            value: words(setting, "value", m),
            path: setting.needed_text("path", m).unwrap_or("").to_owned(),
            line: setting.count("line", m).and_then(|line| u32::try_from(line).ok()).unwrap_or(1),
        });
        let settings = settings.collect();
        let stopped = table.text("stopped", m).map(str::to_owned);
        list.extend(at.map(|at| (at, Audited { stopped, findings, settings })));
    }
    list.sort_by_key(|(at, _)| *at);
    list
}

fn silences(node: Option<Node<'_>>, m: &mut Mistakes) -> Vec<(Duration, Duration, Option<String>, String)> {
    let mut list = Vec::new();
    for table in Table::list(node, "[[silence]]", SILENCE, m) {
        let from = needed_moment(&table, "from", m);
        let until = needed_moment(&table, "until", m);
        let service = table.text("service", m).map(str::to_owned);
        let reason = table.text("reason", m).unwrap_or("").to_owned();
        list.extend(from.zip(until).map(|(from, until)| (from, until, service, reason)));
    }
    list.sort_by_key(|(from, ..)| *from);
    list
}

fn needed_moment(table: &Table<'_>, key: &str, m: &mut Mistakes) -> Option<Duration> {
    if table.get(key).is_none() {
        table.lacks(format!("`{key}`"), format!("`{key} = \"2m\"`, from the start on"), m);
    }
    table.length(key, m)
}

fn moment(text: &str, span: Span, key: &str, m: &mut Mistakes) -> Option<Duration> {
    let read = length_of(text);
    if read.is_none() {
        m.add(span, format!("`{key}` is no length of time: `{text}`"), "write it from the start on: \"2m\"");
    }
    read
}

/// As long as anything is said, where the file does not say.
fn length(
    top: &Table<'_>,
    plan: &Plan,
    feeds: &[Feed],
    audits: &[(Duration, Audited)],
    m: &mut Mistakes,
) -> Duration {
    let looks = |looks: usize| plan.look.saturating_mul(u32::try_from(looks).unwrap_or(u32::MAX));
    let said = feeds
        .iter()
        .flat_map(|feed| &feed.targets)
        .map(|target| looks(target.totals.len().saturating_sub(1)));
    let walked = feeds.iter().filter_map(|feed| {
        let probe = plan.services[usize::from(feed.service)].probe.as_ref()?;
        Some(probe.every.saturating_mul(u32::try_from(feed.walks.len()).unwrap_or(u32::MAX)))
    });
    let audited = audits.iter().map(|(at, _)| *at);
    let longest = said.chain(walked).chain(audited).max().unwrap_or_default();
    let length = top.length("length", m).unwrap_or(longest);
    if length.is_zero() {
        m.add(
            top.span(),
            "the scenario has no length",
            "add [[service]] with `requests`, or `length = \"10m\"`",
        );
    } else if length > LONGEST {
        m.add(top.place("length"), "the scenario is longer than four weeks", "make it shorter");
    }
    length.min(LONGEST)
}

fn expected(node: Option<Node<'_>>, plan: &Plan, m: &mut Mistakes) -> Vec<Expected> {
    let mut list = Vec::new();
    for table in Table::list(node, "[[expect]]", EXPECT, m) {
        let service = table.needed_text("service", m);
        let of_plan =
            service.filter(|name| *name != "forewarn").and_then(|_| watched(&table, "service", plan, m));
        let alert = table.needed_text("alert", m);
        let symptom = alert
            .and_then(|alert| symptom(alert, table.place("alert"), of_plan.map(|(_, watched)| watched), m));
        let opened = window(&table, "opened", m).unwrap_or(Window::Within(Duration::ZERO, Duration::MAX));
        let failures = table.text("failures", m).and_then(|text| {
            let read = range(text, |text| text.parse().ok(), (0, u64::MAX));
            if read.is_none() {
                m.add(
                    table.place("failures"),
                    format!("`failures` is no range: `{text}`"),
                    "write \"..40\" or \"10..40\"",
                );
            }
            read
        });
        let expected = (service, symptom);
        let (unknown, ended) = (window(&table, "unknown", m), window(&table, "ended", m));
        let delay = window(&table, "delay", m);
        let mut list_of = |key: &str| -> Vec<String> {
            table.texts(key, m).into_iter().map(|(text, _)| text.to_owned()).collect()
        };
        let (replicas, shows) = (list_of("replicas"), list_of("shows"));
        if let (Some(service), Some(symptom)) = expected {
            list.push(Expected {
                service: service.to_owned(),
                symptom,
                opened,
                unknown,
                ended,
                failures,
                delay,
                replicas,
                shows,
            });
        }
    }
    list
}

/// `"60s..65s"`, `"..65s"`, `"60s.."`, `"never"`.
fn window(table: &Table<'_>, key: &str, m: &mut Mistakes) -> Option<Window> {
    let text = table.text(key, m)?;
    if text == "never" {
        return Some(Window::Never);
    }
    let read = range(text, length_of, (Duration::ZERO, Duration::MAX));
    if read.is_none() {
        let what = format!("`{key}` is no window: `{text}`");
        m.add(
            table.place(key),
            what,
            "write \"60s..65s\", \"..65s\", \"60s..\" or \"never\", from the start on",
        );
    }
    read.map(|(from, until)| Window::Within(from, until))
}

fn range<T: PartialOrd + Copy>(text: &str, read: impl Fn(&str) -> Option<T>, all: (T, T)) -> Option<(T, T)> {
    let (from, until) = text.split_once("..")?;
    let end = |text: &str, open: T| if text.trim().is_empty() { Some(open) } else { read(text.trim()) };
    let (from, until) = (end(from, all.0)?, end(until, all.1)?);
    (from <= until).then_some((from, until))
}

/// A symptom by its name, as [`super::name_of`] gives it.
fn symptom(text: &str, span: Span, watched: Option<&Watched>, m: &mut Mistakes) -> Option<Symptom> {
    const WORDS: &[&str] = &[
        "failing",
        "failing:REASON",
        "replica-failing",
        "slow",
        "pile-up:TIMEOUT",
        "traffic-gone",
        "probe-failing:STEP",
        "burning:1h",
        "burning:6h",
        "burning:1d",
        "burning:3d",
        "blind",
        "finding:RULE",
        "audit-overdue",
        "hindered:BY",
    ];
    let (word, of) = text.split_once(':').map_or((text, None), |(word, of)| (word, Some(of)));
    let read = match (word, of) {
        ("failing", None) => Some(Symptom::Failing(None)),
        ("failing", Some(reason)) => {
            let reasons: Vec<&str> = watched
                .into_iter()
                .flat_map(|watched| &watched.reasons)
                .map(|reason| reason.name.as_str())
                .collect();
            if watched.is_some() && !reasons.contains(&reason) {
                m.add(
                    span,
                    format!("there is no reason `{reason}`"),
                    did_you_mean(reason, "reasons", &reasons),
                );
            }
            Some(Symptom::Failing(Some(reason.to_owned())))
        }
        ("replica-failing", None) => Some(Symptom::ReplicaFailing),
        ("slow", None) => Some(Symptom::Slow),
        ("pile-up", Some(at)) => {
            length_of(at).and_then(|at| u64::try_from(at.as_millis()).ok()).map(Symptom::PileUp)
        }
        ("traffic-gone", None) => Some(Symptom::TrafficGone),
        ("probe-failing", Some(step)) => Some(Symptom::ProbeFailing(step.to_owned())),
        ("burning", Some(burn)) => {
            BURNS.iter().find(|(window, _)| *window == burn).map(|&(_, burn)| Symptom::Burning(burn))
        }
        ("blind", None) => Some(Symptom::Blind),
        ("finding", Some(finding)) => Some(Symptom::Finding(finding.to_owned())),
        ("audit-overdue", None) => Some(Symptom::AuditOverdue),
        ("hindered", Some(by)) => Some(Symptom::Hindered(by.to_owned())),
        _ => None,
    };
    if read.is_none() {
        m.add(span, format!("there is no alert `{text}`"), did_you_mean(text, "alerts", WORDS));
    }
    read
}
