//! The rules, group by group.

use std::fmt::Write as _;
use std::time::Duration;

use model::TimeUnit;

use super::promql::{length, number, quoted, sum};
use super::{Known, Pace, delay};
use crate::alert::Burn;
use crate::plan::{Compare, Durations, Matcher, Selector};

/// Fewer failures than these in the long window are no burn: one failure of a night without traffic is
/// any share.
const FEW: u32 = 10;

const FALLBACK: &str = "Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.";
/// The label by which a route can tell these alerts from Forewarn's own.
pub(super) const SOURCE: &str = "forewarn_export";

/// An alert as its test sees it.
pub(super) struct Alert {
    pub(super) name: &'static str,
    pub(super) labels: Vec<(&'static str, String)>,
    pub(super) annotations: Vec<(&'static str, String)>,
}

pub(super) fn written(known: &[Known<'_>], pace: Pace, left_out: &mut Vec<String>) -> String {
    let mut yaml = String::from("groups:\n");
    for known in known {
        group(&mut yaml, known.name(), "", pace.scrape);
        counts(&mut yaml, known, pace);
        if let Some(alert) = failing(known, pace) {
            let expr = above(known, "failures", "requests", known.failures, pace.failures, pace, alert.name);
            rule(&mut yaml, &alert, &expr, None, Some(pace.range + pace.scrape));
        }
        if let Some(alert) = slow(known, pace) {
            let expr = above(known, "slow", "timed", known.slow, pace.others, pace, alert.name);
            rule(&mut yaml, &alert, &expr, None, Some(pace.range + pace.scrape));
        }
        traffic(&mut yaml, known, pace, left_out);
        gone(&mut yaml, known, pace);
        burn(&mut yaml, known, left_out);
    }
    if known.is_empty() {
        return "groups: []\n".to_owned();
    }
    yaml
}

fn group(yaml: &mut String, service: &str, what: &str, interval: Duration) {
    let name = quoted(&format!("forewarn_{service}{what}"));
    let _ = writeln!(yaml, "  - name: {name}\n    interval: {}\n    rules:", length(interval));
}

fn record(yaml: &mut String, service: &str, name: &str, expr: &str) {
    let _ = writeln!(yaml, "      - record: {name}\n        expr: {}", quoted(expr));
    let _ = writeln!(yaml, "        labels:\n          service: {}", quoted(service));
}

fn rule(yaml: &mut String, alert: &Alert, expr: &str, wait: Option<Duration>, keep: Option<Duration>) {
    let _ = writeln!(yaml, "      - alert: {}\n        expr: |-", alert.name);
    for line in expr.lines() {
        let _ = writeln!(yaml, "          {line}");
    }
    if let Some(wait) = wait {
        let _ = writeln!(yaml, "        for: {}", length(wait));
    }
    if let Some(keep) = keep {
        let _ = writeln!(yaml, "        keep_firing_for: {}", length(keep));
    }
    yaml.push_str("        labels:\n");
    for (label, value) in &alert.labels {
        let _ = writeln!(yaml, "          {label}: {}", quoted(value));
    }
    yaml.push_str("        annotations:\n");
    for (name, text) in &alert.annotations {
        let _ = writeln!(yaml, "          {name}: {}", quoted(text));
    }
}

/// All selectors of failures that count.
pub(super) fn failed<'k>(known: &'k Known<'_>) -> Vec<&'k Selector> {
    let counts = |reason: usize| known.service.reasons.get(reason).is_some_and(|reason| reason.counts);
    known.mapping.failed.iter().filter(|(reason, _)| counts(*reason)).map(|(_, selector)| selector).collect()
}

fn requests<'k>(known: &'k Known<'_>) -> Vec<&'k Selector> {
    known.mapping.requests.iter().collect()
}

fn counts(yaml: &mut String, known: &Known<'_>, pace: Pace) {
    let range = length(pace.range);
    let (service, requests, failed) = (known.name(), requests(known), failed(known));
    record(yaml, service, &series("requests", &range), &sum("increase", &requests, &range));
    if known.failures.is_some() {
        let expr = format!("{} or vector(0)", sum("increase", &failed, &range));
        record(yaml, service, &series("failures", &range), &expr);
    }
    if let (Some(_), Some(durations), Some(latency)) =
        (known.slow, &known.mapping.durations, &known.service.latency)
    {
        let count = of_histogram(durations, "_count");
        record(yaml, service, &series("timed", &range), &sum("increase", &[&count], &range));
        let mut fast = of_histogram(durations, "_bucket");
        fast.labels.push(bucket(&bound(durations.unit, latency.slow)));
        let expr = format!("{} - {}", sum("increase", &[&count], &range), sum("increase", &[&fast], &range));
        record(yaml, service, &series("slow", &range), &expr);
    }
}

/// A recorded series: level, metric and operation, as Prometheus' conventions have it.
fn series(what: &str, range: &str) -> String {
    format!("service:forewarn_{what}:increase{range}")
}

fn of_histogram(durations: &Durations, end: &str) -> Selector {
    let Selector { metric, labels } = &durations.series;
    Selector { metric: format!("{metric}{end}"), labels: labels.clone() }
}

/// A length in the unit of a histogram.
fn bound(unit: TimeUnit, slow: Duration) -> String {
    number(slow.as_nanos() as f64 / unit.nanos() as f64)
}

/// The bucket of a bound, whether a client writes it as "1" or as "1.0".
fn bucket(bound: &str) -> Matcher {
    let escaped = bound.replace('.', "\\.");
    let value = if bound.contains('.') { format!("{escaped}0*") } else { format!("{escaped}(\\.0+)?") };
    Matcher { label: "le".to_owned(), compare: Compare::Matches, value }
}

/// The share of `k` of `n` where `k` is more than chance at the guard; and an alert that was firing goes on
/// while nothing is known, since silence is no recovery.
fn above(
    known: &Known<'_>,
    k: &str,
    n: &str,
    guard: Option<(f64, f64)>,
    enough: f64,
    pace: Pace,
    alert: &str,
) -> String {
    let (guard, dispersion) = guard.unwrap_or((1.0, 1.0));
    let enough = enough * dispersion;
    let range = length(pace.range);
    let of = |what: &str| format!("{}{{service=\"{}\"}}", series(what, &range), known.name());
    let (k, n, counted) = (of(k), of(n), pace.counted(pace.range));
    let third = number(enough / 3.0);
    let (square, slope) =
        (number(enough * enough / 9.0), number(2.0 * enough * guard * (1.0 - guard) * counted));
    format!(
        "(\n  {k} / {n}\n  and\n  ({k} - {guard} * {n}) * {counted}\n    > {third} + sqrt({square} + {slope} * {n})\n)\n{}",
        latched(known, alert, "", &n),
        guard = number(guard),
        counted = number(counted),
    )
}

fn latched(known: &Known<'_>, alert: &str, labels: &str, unless: &str) -> String {
    let service = known.name();
    format!(
        "or\n(\n  max by (service) (ALERTS{{alertname=\"{alert}\",alertstate=\"firing\",service=\"{service}\",source=\"{SOURCE}\"{labels}}})\n  \
         unless on (service) {unless}\n)"
    )
}

fn labels(service: &str, severity: &str) -> Vec<(&'static str, String)> {
    vec![("service", service.to_owned()), ("severity", severity.to_owned()), ("source", SOURCE.to_owned())]
}

/// What is said of a rule that holds counts against a guard.
fn held(
    known: &Known<'_>,
    what: &str,
    guard: (f64, f64),
    enough: f64,
    pace: Pace,
) -> Vec<(&'static str, String)> {
    let (guard, dispersion) = guard;
    // A fifth, as in the outage that Forewarn is measured by, or half of what the guard leaves.
    let share = if guard < 0.1 { 0.2 } else { ((1.0 + guard) * 50.0).ceil() / 100.0 };
    let seen: Vec<String> = [1.0, 10.0, 100.0]
        .into_iter()
        .map(|rate| {
            let delay = delay(share, rate, guard, enough * dispersion, pace);
            let delay = delay.map_or("never".to_owned(), length);
            format!("{delay} at {rate}/s")
        })
        .collect();
    vec![
        (
            "summary",
            format!(
                "{}: more requests {what} than the guard of {} lets pass",
                known.name(),
                model::stated_percent(guard)
            ),
        ),
        (
            "worst_delay",
            format!(
                "where {} {what}: {}; and what Alertmanager adds",
                model::stated_percent(share),
                seen.join(", ")
            ),
        ),
        ("fallback", FALLBACK.to_owned()),
    ]
}

/// The alert of failures.
pub(super) fn failing(known: &Known<'_>, pace: Pace) -> Option<Alert> {
    let annotations = held(known, "fail", known.failures?, pace.failures, pace);
    Some(Alert { name: "ForewarnFailing", labels: labels(known.name(), "page"), annotations })
}

fn slow(known: &Known<'_>, pace: Pace) -> Option<Alert> {
    let unit = known.mapping.durations.as_ref()?.unit;
    let mut annotations = held(known, "are slow", known.slow?, pace.others, pace);
    let latency = known.service.latency.as_ref()?;
    annotations.push(("needs", format!("a bucket of the histogram at {}", bound(unit, latency.slow))));
    Some(Alert { name: "ForewarnSlow", labels: labels(known.name(), "page"), annotations })
}

/// The shortest range, up to an hour, in which the floor is far enough above chance.
fn traffic(yaml: &mut String, known: &Known<'_>, pace: Pace, left_out: &mut Vec<String>) {
    let Some(floor) = known.floor else { return };
    let ranges =
        (0..12).map(|doubling| pace.range * (1 << doubling)).take_while(|range| range.as_secs() <= 3600);
    let far = |range: &Duration| floor * range.as_secs_f64() * pace.counted(*range) > 4.0 * pace.others;
    let Some(range) = ranges.into_iter().find(far) else {
        left_out.push(format!(
            "the floor of the traffic of {}, which is too low to be told from chance within an hour",
            known.name()
        ));
        return;
    };
    let counted = pace.counted(range);
    let expected = floor * range.as_secs_f64() * counted;
    // The lower tail of a Poisson count is below exp(-t^2 / 2 expected).
    let least = expected - (2.0 * pace.others * expected).sqrt();
    let alert = Alert {
        name: "ForewarnTrafficGone",
        labels: labels(known.name(), "page"),
        annotations: vec![
            ("summary", format!("{}: fewer requests than {} a second", known.name(), number(floor))),
            (
                "worst_delay",
                format!(
                    "where all requests stay away: {}; and what Alertmanager adds",
                    length(range + pace.scrape * 2)
                ),
            ),
            ("fallback", FALLBACK.to_owned()),
        ],
    };
    let n = sum("increase", &requests(known), &length(range));
    let expr = format!("{n} * {} < {}", number(counted), number(least));
    rule(yaml, &alert, &expr, None, Some(pace.range));
}

/// The alert of a target that does not answer.
pub(super) fn target_down(known: &Known<'_>, pace: Pace) -> Alert {
    Alert {
        name: "ForewarnTargetDown",
        labels: labels(known.name(), "ticket"),
        annotations: vec![
            ("summary", format!("{}: a target does not answer scrapes", known.name())),
            ("worst_delay", format!("{}; and what Alertmanager adds", length(pace.scrape * 4))),
            ("fallback", FALLBACK.to_owned()),
        ],
    }
}

/// The alert of a service of which nothing is known.
pub(super) fn blind(known: &Known<'_>, pace: Pace) -> Alert {
    Alert {
        name: "ForewarnBlind",
        labels: labels(known.name(), "page"),
        annotations: vec![
            ("summary", format!("{}: Prometheus has none of its series, so no rule can fire", known.name())),
            ("worst_delay", format!("{}; and what Alertmanager adds", length(pace.scrape * 4))),
            ("fallback", FALLBACK.to_owned()),
        ],
    }
}

/// A target that showed the series within the last hour tells its own job, so that none need be named.
fn gone(yaml: &mut String, known: &Known<'_>, pace: Pace) {
    let all = requests(known);
    let seen: Vec<String> = all
        .iter()
        .map(|selector| format!("count by (job, instance) (count_over_time({selector}[1h]))"))
        .collect();
    let expr = format!("up == 0\nand on (job, instance) ({})", seen.join(" or "));
    rule(yaml, &target_down(known, pace), &expr, Some(pace.scrape * 2), None);
    let any: Vec<String> = all.iter().map(|selector| format!("count({selector})")).collect();
    rule(yaml, &blind(known, pace), &format!("absent({})", any.join(" or ")), Some(pace.scrape * 2), None);
}

/// What the workbook makes of a pair: somebody is woken, or it waits for the day.
fn severity(burn: Burn) -> &'static str {
    match burn {
        Burn::Hour | Burn::SixHours => "page",
        Burn::Day | Burn::ThreeDays => "ticket",
    }
}

/// The alerts of an objective, with the pairs of windows that can be reached.
pub(super) fn burning(known: &Known<'_>) -> Vec<(Alert, u64, u64, f64)> {
    let Some(objective) = known.service.objective else { return Vec::new() };
    let reached = Burn::ALL.into_iter().filter(|burn| burn.factor() * (1.0 - objective.good) < 1.0);
    reached
        .map(|burn| {
            let (factor, (long, short)) = (burn.factor(), burn.windows());
            let share = factor * (1.0 - objective.good);
            let mut labels = labels(known.name(), severity(burn));
            let (long_text, short_text) = (length(long), length(short));
            let (long, short) = (long.as_secs(), short.as_secs());
            labels.push(("window", long_text.clone()));
            let polluted = share / share.max(0.2) * long as f64;
            let annotations = vec![
                (
                    "summary",
                    format!(
                        "{}: the budget of {} burns {factor} times too fast over {long_text} and {short_text}",
                        known.name(),
                        model::stated_percent(objective.good)
                    ),
                ),
                (
                    "worst_delay",
                    format!(
                        "where {} fail and nothing failed before: {}; and what Alertmanager adds",
                        model::stated_percent(share.max(0.2)),
                        length(Duration::from_secs(60) * ((polluted / 60.0).ceil() as u32 + 1))
                    ),
                ),
                ("fallback", FALLBACK.to_owned()),
            ];
            (Alert { name: "ForewarnBurning", labels, annotations }, long, short, share)
        })
        .collect()
}

fn burn(yaml: &mut String, known: &Known<'_>, left_out: &mut Vec<String>) {
    let burning = burning(known);
    if known.service.objective.is_some() && burning.len() < Burn::ALL.len() {
        left_out.push(format!(
            "burn rates of {} that its objective makes unreachable: more than all requests would have to fail",
            known.name()
        ));
    }
    if burning.is_empty() {
        return;
    }
    // Long ranges are dear, and nothing of them changes within a minute.
    group(yaml, known.name(), "_burn", Duration::from_secs(60));
    let (requests, failed) = (requests(known), failed(known));
    let mut windows: Vec<u64> = burning.iter().flat_map(|&(_, long, short, _)| [long, short]).collect();
    windows.sort_unstable();
    windows.dedup();
    for window in windows {
        let window = length(Duration::from_secs(window));
        let failures = sum("rate", &failed, &window);
        let expr = format!("({failures} or vector(0)) / {}", sum("rate", &requests, &window));
        record(yaml, known.name(), &format!("service:forewarn_failure_ratio:rate{window}"), &expr);
    }
    for (alert, long, short, share) in &burning {
        let (long, short) = (length(Duration::from_secs(*long)), length(Duration::from_secs(*short)));
        let of = |window: &str| {
            format!("service:forewarn_failure_ratio:rate{window}{{service=\"{}\"}}", known.name())
        };
        let expr = format!(
            "(\n  {} > {share}\n  and\n  {} > {share}\n  and on ()\n  {} > {FEW}\n)\n{}",
            of(&long),
            of(&short),
            sum("increase", &failed, &long),
            latched(known, alert.name, &format!(",window=\"{long}\""), &of(&short)),
            share = number(*share),
        );
        rule(yaml, alert, &expr, None, Some(Duration::from_secs(300)));
    }
}
