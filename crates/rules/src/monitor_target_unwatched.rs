//! Targets whose vanishing no rule notices: every alert on their series then falls silent.

use std::collections::BTreeMap;

use model::monitor::{Evaluator, FoundBy, Job, Monitor, Series};
use model::{Environment, FailureMode, Finding, Fleet, Label, Level, Origin, Subject};

use crate::monitored::{self, Watch};
use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "monitor-target-unwatched",
    summary: "nothing notices that a target is gone, and its alerts fall silent",
    mode: FailureMode::SilentAlert,
    level: Level::Warning,
    since: "0.2",
    docs: include_str!("monitor_target_unwatched.md"),
    check: Check::Environment(check),
};

fn check(_: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let monitor = &environment.monitor;
    let alerts = Watch::all(monitor);
    for (index, evaluator) in monitor.evaluators.iter().enumerate() {
        if !is_whole(monitor, evaluator) {
            continue;
        }
        let own: Vec<&Watch<'_>> =
            alerts.iter().filter(|watch| watch.group.evaluator == Some(index)).collect();
        let watched: Vec<&Series> = monitor
            .rules()
            .filter(|(group, _)| group.evaluator == Some(index))
            .flat_map(|(_, rule)| &rule.query.watches)
            .collect();
        let using: Vec<&Watch<'_>> =
            own.iter().copied().filter(|watch| !watch.rule.query.series.is_empty()).collect();
        if using.is_empty() || own.iter().any(|watch| !watch.rule.query.parsed) {
            continue;
        }
        if watched.is_empty() {
            found.report(finding(evaluator, None, &using));
            continue;
        }
        for (job, using) in used(monitor, index, &using) {
            let gone = |series: &&Series| series.can_be_of(job) != Some(false);
            if !job.any_name && !watched.iter().any(gone) {
                found.report(finding(evaluator, Some(job), &using));
            }
        }
    }
}

/// Whether all rules that something loads are here, so that what is not found is not there.
fn is_whole(monitor: &Monitor, evaluator: &Evaluator) -> bool {
    let is_read = |file: &model::FileId| monitor.groups.iter().any(|group| group.at.file == *file);
    evaluator.by == FoundBy::Path
        && !evaluator.loads.is_empty()
        && evaluator.loads.iter().all(|loads| !loads.files.is_empty() && loads.files.iter().all(is_read))
}

/// The jobs that alerts name, each with those alerts.
fn used<'f, 'w>(
    monitor: &'f Monitor,
    evaluator: usize,
    using: &[&'w Watch<'f>],
) -> Vec<(&'f Job, Vec<&'w Watch<'f>>)> {
    let mut jobs: BTreeMap<usize, Vec<&Watch<'_>>> = BTreeMap::new();
    for (index, job) in monitor.jobs.iter().enumerate().filter(|(_, job)| job.evaluator == Some(evaluator)) {
        for watch in using {
            if watch.rule.query.series.iter().any(|series| series.can_be_of(job) == Some(true)) {
                jobs.entry(index).or_default().push(watch);
            }
        }
    }
    jobs.into_iter().map(|(index, using)| (&monitor.jobs[index], using)).collect()
}

fn finding(evaluator: &Evaluator, job: Option<&Job>, using: &[&Watch<'_>]) -> Finding {
    let names: Vec<&str> = using.iter().map(|watch| watch.name()).collect();
    let verb = if names.len() == 1 { "falls" } else { "fall" };
    let title = match job {
        Some(job) => format!(
            "no rule notices that the targets of `{}` are gone: {} {verb} silent with them",
            job.name.value,
            labels::names(&names)
        ),
        None => {
            format!("no rule notices that a target is gone: {} {verb} silent with it", labels::names(&names))
        }
    };
    let mut places: Vec<Label> = match job {
        Some(job) => vec![monitored::place(job.name.origin.clone(), "nothing asks whether it is up")],
        None => evaluator
            .loads
            .iter()
            .take(1)
            .map(|loads| {
                monitored::place(
                    loads.pattern.origin.clone(),
                    "none of the rules asks whether a target is up",
                )
            })
            .collect(),
    };
    places.extend(using.iter().take(2).map(|watch| {
        let first = watch.rule.query.series.first().map_or(watch.rule.query.at, |series| series.at);
        monitored::place(
            Origin::Written(first),
            "gives nothing where there are no series, which ends the alert",
        )
    }));
    let help = match job {
        Some(job) => format!("add an alert on `up{{job=\"{}\"}} == 0` or `absent(...)`", job.name.value),
        None => "add an alert on `up == 0`, and `absent(...)` for series that must be there".to_owned(),
    };
    let mut assumptions: Vec<String> =
        using.iter().flat_map(|watch| watch.group.assumptions.clone()).collect();
    assumptions.dedup();
    Finding {
        rule: RULE.name,
        level: Level::Warning,
        basis: monitored::basis(&places),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: Subject::Setting(job.map_or_else(|| evaluator.name.clone(), |job| job.name.value.clone())),
        title,
        labels: places,
        arithmetic: Vec::new(),
        help,
        assumptions,
    }
}
