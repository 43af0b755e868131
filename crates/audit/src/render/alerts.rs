//! The table of alerts: what each looks at, when it speaks, and how long that takes at worst.

use std::time::Duration;

use model::monitor::{Alert, Condition, Monitor, NoWay, Rule, RuleGroup};
use model::stated_percent;
use model::{Environment, Origin, pretty};
use watch::plan::{GuardSource, Plan};
use watch::promise::{Promise, promises};

use super::Table;
use super::table::{Cell, place};
use crate::Outcome;

/// Every alert of the monitoring, and every test of `forewarn watch`. The outage that its delay is reckoned for is the one that the margins call
/// plausible.
pub fn alerts(outcome: &Outcome) -> Table {
    let row = |environment: &Environment, group: &RuleGroup, rule: &Rule, alert: &Alert| -> Vec<Cell> {
        let monitor = &environment.monitor;
        let failing = outcome.margins.at(&rule.name.origin).plausible_failure;
        let (worst, sum) = way(monitor, group, rule, alert, failing);
        let wait = match &monitor.routers[..] {
            [router] => pretty(router.route(&rule.name.value, alert).group_wait.value),
            _ => String::new(),
        };
        vec![
            environment.name.clone().into(),
            rule.name.value.clone().into(),
            ranges(rule, &monitor.condition(group, rule)).into(),
            limits(&monitor.condition(group, rule)).join(", ").into(),
            pretty(alert.pending.value).into(),
            wait.into(),
            worst.into(),
            sum.into(),
            place(outcome, &rule.name.origin),
        ]
    };
    let environments = outcome.fleet.environments.iter();
    let mut rows: Vec<_> = environments
        .flat_map(|environment| {
            let alerts = environment.monitor.alerts();
            alerts.map(move |(group, rule, alert)| row(environment, group, rule, alert))
        })
        .collect();
    rows.extend(outcome.watched.iter().flat_map(|plan| watched(outcome, plan)));
    rows.sort();
    let columns =
        &["environment", "alert", "range", "fires_at", "for", "group_wait", "at_worst", "sum", "where"];
    Table::new(columns, rows)
}

/// The tests of the watch. They know no environment and no range: each look adds to the evidence.
fn watched(outcome: &Outcome, plan: &Plan) -> Vec<Vec<Cell>> {
    let row = |promise: &Promise<'_>, failing: f64| -> Vec<Cell> {
        let origin = Origin::Written(promise.span);
        let (fires_at, at_worst) = match promise.guard {
            GuardSource::Declared(guard) if promise.at_worst.is_empty() => {
                (format!("< {guard}"), String::new())
            }
            GuardSource::Declared(guard) => {
                (format!("more than {} fail", stated_percent(*guard)), delays(&promise.at_worst))
            }
            GuardSource::History(file) => (format!("its guard, learnt from {file}"), String::new()),
            GuardSource::Own => ("its guard, learnt as it watches".to_owned(), String::new()),
        };
        let at_worst = if at_worst.is_empty() { "not known".to_owned() } else { at_worst };
        let yearly = format!("{:.2} false alarms a year", promise.yearly);
        let sum = match promise.guard {
            GuardSource::Declared(_) => {
                format!("{} fail; {yearly} if the guard is true", stated_percent(failing))
            }
            GuardSource::History(_) | GuardSource::Own => yearly,
        };
        vec![
            "".into(),
            format!("{} of {}", promise.test, promise.service).into(),
            format!("a look every {}", pretty(promise.every)).into(),
            fires_at.into(),
            pretty(Duration::ZERO).into(),
            pretty(Duration::ZERO).into(),
            at_worst.into(),
            sum.into(),
            place(outcome, &origin),
        ]
    };
    plan.services
        .iter()
        .flat_map(|service| {
            let failing = outcome.margins.at(&Origin::Written(service.span)).plausible_failure;
            let promises = promises(plan, failing).into_iter().filter(|promise| promise.span == service.span);
            promises.map(move |promise| row(&promise, failing)).collect::<Vec<_>>()
        })
        .collect()
}

fn delays(at_worst: &[(f64, Duration)]) -> String {
    let one = |(rate, delay): &(f64, Duration)| match *delay {
        Duration::MAX => format!("never at {rate}/s"),
        delay => format!("{} at {rate}/s", pretty(delay)),
    };
    at_worst.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The ranges of an alert's expression and of what it takes from rules that record, longest first.
fn ranges(rule: &Rule, condition: &Condition) -> String {
    let own = rule.query.ranges.iter().map(|range| range.length.value);
    let recorded = condition.shares().into_iter().map(|share| share.window.value);
    let mut lengths: Vec<Duration> = own.chain(recorded).collect();
    lengths.sort();
    lengths.dedup();
    lengths.into_iter().rev().map(pretty).collect::<Vec<_>>().join(", ")
}

/// The limits of a condition.
fn limits(condition: &Condition) -> Vec<String> {
    match condition {
        Condition::All(list) | Condition::Any(list) => {
            let mut all: Vec<String> = list.iter().flat_map(limits).collect();
            all.dedup();
            all
        }
        Condition::Gone => vec!["gone".to_owned()],
        Condition::Above(_, limit) | Condition::Below(_, limit) => match condition.share() {
            Some(share) => vec![format!("{} fail", stated_percent(share.above))],
            None if matches!(condition, Condition::Above(..)) => vec![format!("> {}", limit.written)],
            None => vec![format!("< {}", limit.written)],
        },
        Condition::Other(_) => Vec::new(),
    }
}

/// The worst case in words, and its sum.
fn way(monitor: &Monitor, group: &RuleGroup, rule: &Rule, alert: &Alert, failing: f64) -> (String, String) {
    match monitor.way(group, rule, alert, failing) {
        Ok(way) => {
            let delay = way.delay;
            let parts = [
                (delay.fill, "range"),
                (delay.scrape, "scrape"),
                (delay.recording, "recording"),
                (delay.evaluation, "evaluation"),
                (delay.pending, "pending"),
                (delay.group_wait, "group wait"),
            ];
            let parts: Vec<String> = parts
                .into_iter()
                .filter(|(length, _)| !length.is_zero())
                .map(|(length, what)| format!("{} {what}", pretty(length)))
                .collect();
            let worst = pretty(delay.worst());
            let worst = if way.complete { worst } else { format!("{worst} after its value shows it") };
            (worst, parts.join(" + "))
        }
        Err(NoWay::Unreached(above)) => (
            "never".to_owned(),
            format!("{} of all fail, {} must", stated_percent(failing), stated_percent(above)),
        ),
        Err(NoWay::Blind(range, every)) => {
            ("never".to_owned(), format!("a range of {}, a sample every {}", pretty(range), pretty(every)))
        }
        Err(NoWay::NotKnown) => (
            "not known".to_owned(),
            "no file here says who evaluates it, or how often it is scraped".to_owned(),
        ),
    }
}
