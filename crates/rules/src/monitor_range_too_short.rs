//! A range that holds fewer than two samples, of which no rate can be taken.

use std::collections::BTreeMap;
use std::time::Duration;

use model::monitor::{Condition, Monitor, Range, Rule as MonitorRule, RuleGroup};
use model::{Environment, FailureMode, Finding, Fleet, Label, Level, Sourced, Subject, pretty};

use crate::monitored;
use crate::{Check, Found, Margins, Rule};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "monitor-range-too-short",
    summary: "a rule looks back over less than two samples and sees nothing",
    mode: FailureMode::SilentAlert,
    level: Level::Error,
    since: "0.2",
    docs: include_str!("monitor_range_too_short.md"),
    check: Check::Environment(check),
};

/// A range, and the time between the samples of its series.
type Sparse<'m> = (Sourced<Duration>, &'m Range);

fn check(_: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let monitor = &environment.monitor;
    for (group, rule) in monitor.rules() {
        // Numerator and denominator mostly look back alike: that is one finding.
        let mut short: BTreeMap<(Duration, Duration), Vec<Sparse<'_>>> = BTreeMap::new();
        for range in rule.query.ranges.iter().filter(|range| range.needs_two) {
            let Some(every) = monitor.sampled(group, &range.of) else { continue };
            if range.length.value < every.value.saturating_mul(2) {
                let key = (range.length.value, every.value);
                short.entry(key).or_default().push((every, range));
            }
        }
        for short in short.into_values() {
            let ranges: Vec<&Range> = short.iter().map(|(_, range)| *range).collect();
            found.report(finding(monitor, group, rule, &short[0].0, &ranges));
        }
    }
    unknown(monitor, found);
}

/// Alerts whose intervals no file here says; once a file.
fn unknown(monitor: &Monitor, found: &mut Found) {
    let mut files: Vec<&str> = monitor
        .alerts()
        .filter(|(group, rule, _)| {
            group.evaluator.is_none() && rule.query.ranges.iter().any(|range| range.needs_two)
        })
        .map(|(group, ..)| group.file.as_str())
        .collect();
    files.sort_unstable();
    files.dedup();
    for file in files {
        found.needs(
            RULE.name,
            Subject::Setting(format!("rules of {file}")),
            "the scrape interval: the configuration of the server that loads them",
        );
    }
}

fn finding(
    monitor: &Monitor,
    group: &RuleGroup,
    rule: &MonitorRule,
    every: &Sourced<Duration>,
    ranges: &[&Range],
) -> Finding {
    let (length, apart) = (ranges[0].length.value, every.value);
    let name = &rule.name.value;
    let never = length <= apart;
    let feeds: Vec<&str> = monitor
        .alerts()
        .filter(|(_, alert, _)| alert.query.series.iter().any(|series| series.metric == *name))
        .map(|(_, alert, _)| alert.name.value.as_str())
        .collect();
    let is_alert = rule.alert.is_some();
    let branches = matches!(rule.query.condition, Condition::Any(_));
    let level =
        if never && !branches && (is_alert || !feeds.is_empty()) { Level::Error } else { Level::Warning };
    let functions = &ranges[0].function;
    let what = match (is_alert, feeds.first()) {
        (true, _) if branches => format!("a part of the alert `{name}` can never fire"),
        (true, _) if never => format!("the alert `{name}` can never fire"),
        (true, _) => format!("the alert `{name}` is blind at times"),
        (false, Some(first)) if never => {
            format!("`{name}` is never recorded, and the alert `{first}` never fires")
        }
        (false, _) if never => format!("`{name}` is never recorded"),
        (false, _) => format!("`{name}` has gaps"),
    };
    let title = format!(
        "{what}: `{functions}` needs two samples, and its range of {} holds {}",
        pretty(length),
        if never { "one at most" } else { "one or two" }
    );
    let mut labels: Vec<Label> = ranges
        .iter()
        .take(3)
        .map(|range| {
            monitored::at(&range.length, format!("looks back {} over `{}`", pretty(length), range.of.metric))
        })
        .collect();
    labels.push(monitored::at(every, format!("a sample every {}", pretty(apart))));
    let sum = if never {
        format!(
            "2 x {} between samples = {}, more than the range of {}",
            pretty(apart),
            pretty(apart * 2),
            pretty(length)
        )
    } else {
        // A range that starts anywhere between two samples holds the second as often as it is longer.
        let share = 2.0 - length.as_secs_f64() / apart.as_secs_f64();
        format!(
            "(2 x {} - {}) / {} = {} of all evaluations see one sample",
            pretty(apart),
            pretty(length),
            pretty(apart),
            model::stated_percent(share)
        )
    };
    Finding {
        rule: RULE.name,
        level,
        basis: monitored::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: Subject::Setting(name.clone()),
        title,
        labels,
        arithmetic: vec![sum],
        help: format!(
            "look back over at least {}, four samples, so that one lost scrape does no harm; or take samples more often",
            pretty(apart * 4)
        ),
        assumptions: group.assumptions.clone(),
    }
}
