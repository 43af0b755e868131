//! An alert that calls a person, later than it is wanted: the sum of everything between fault and notice.

use std::time::Duration;

use model::monitor::{Monitor, Share, Way};
use model::{Environment, FailureMode, Finding, Fleet, Label, Level, pretty};

use crate::monitored::{self, Watch};
use crate::{Check, Found, MarginSet, Margins, Rule};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "monitor-alert-late",
    summary: "a person is called later after the fault than is wanted",
    mode: FailureMode::LateAlert,
    level: Level::Warning,
    since: "0.2",
    docs: include_str!("monitor_alert_late.md"),
    check: Check::Environment(check),
};

/// The way of an alert on a share of failures, with the share; `None` where a part of it is not known.
fn way(monitor: &Monitor, watch: &Watch<'_>, failing: f64) -> Option<(Way, Share)> {
    match monitor.way(watch.group, watch.rule, watch.alert, failing) {
        Ok(way) if way.complete => {
            let share = way.share.clone()?;
            Some((way, share))
        }
        _ => None,
    }
}

fn check(_: &Fleet, environment: &Environment, margins: &Margins, found: &mut Found) {
    let monitor = &environment.monitor;
    let alerts = Watch::all(monitor);
    for watch in alerts.iter().filter(|watch| watch.alert.pages()) {
        let margins = margins.at(&watch.rule.name.origin);
        let wanted = margins.detect_within.unwrap_or(MarginSet::DETECT_WITHIN);
        let failing = margins.plausible_failure;
        let Some((way, share)) = way(monitor, watch, failing) else { continue };
        if way.delay.worst() <= wanted {
            continue;
        }
        // Slow alerts stand beside quick ones by design: only the quickest is judged.
        let quicker = alerts.iter().filter(|other| other.alert.pages()).any(|other| {
            let is_other = !std::ptr::eq(other.rule, watch.rule);
            let worst = self::way(monitor, other, failing).map(|(way, _)| way.delay.worst());
            is_other && watch.is_about(&share, other) && worst.is_some_and(|worst| worst < way.delay.worst())
        });
        if !quicker {
            found.report(finding(watch, &way, &share, wanted, margins));
        }
    }
}

fn finding(watch: &Watch<'_>, way: &Way, share: &Share, wanted: Duration, margins: &MarginSet) -> Finding {
    let delay = way.delay;
    let failing = margins.plausible_failure;
    let mut parts: Vec<(Duration, Label, String)> = vec![
        (
            delay.fill,
            monitored::at(
                &share.window,
                format!(
                    "holds {} of failures after {}",
                    model::stated_percent(share.above),
                    pretty(delay.fill)
                ),
            ),
            format!("{} until the range is full enough", pretty(delay.fill)),
        ),
        (
            delay.evaluation,
            monitored::at(&way.evaluation, "the next evaluation"),
            format!("{} evaluation", pretty(delay.evaluation)),
        ),
    ];
    if let Some(scrape) = &way.scrape {
        let label = monitored::at(scrape, "the next sample");
        parts.push((delay.scrape, label, format!("{} scrape", pretty(delay.scrape))));
    }
    if let Some(recording) = &way.recording {
        let label = monitored::at(recording, "until it is recorded");
        parts.push((delay.recording, label, format!("{} recording", pretty(delay.recording))));
    }
    if !delay.pending.is_zero() {
        let label = monitored::at(&watch.alert.pending, "pending for so long");
        parts.push((delay.pending, label, format!("{} pending", pretty(delay.pending))));
    }
    if let Some(wait) = way.wait.as_ref().filter(|wait| !wait.value.is_zero()) {
        let label = monitored::at(wait, "the notice waits for others");
        parts.push((delay.group_wait, label, format!("{} group wait", pretty(delay.group_wait))));
    }
    let sum: Vec<String> = parts.iter().map(|(.., words)| words.clone()).collect();
    let arithmetic = vec![
        format!(
            "{} / {} x {} = {} until the range is full enough",
            model::stated_percent(share.above),
            model::stated_percent(failing),
            pretty(share.window.value),
            pretty(delay.fill)
        ),
        format!("{} = {}, more than {}", sum.join(" + "), pretty(delay.worst()), pretty(wanted)),
    ];
    // The longest part first: it is the one to change.
    parts.sort_by(|(a, ..), (b, ..)| b.cmp(a));
    let mut labels: Vec<Label> = parts.into_iter().map(|(_, label, _)| label).collect();
    labels.push(watch.label(""));
    let declared = margins.detect_within.is_some();
    Finding {
        rule: RULE.name,
        level: if declared { Level::Warning } else { Level::Note },
        basis: monitored::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: watch.subject(),
        title: format!(
            "`{}` calls a person up to {} after a fault that fails {}; {} are {}",
            watch.name(),
            pretty(delay.worst()),
            model::stated_percent(failing),
            pretty(wanted),
            if declared { "wanted" } else { "usual" }
        ),
        labels,
        arithmetic,
        help: "shorten the longest part; a short range with a threshold well above what usually fails needs no `for`; \
               say what is wanted with [margins] detect_within"
            .to_owned(),
        assumptions: watch.group.assumptions.clone(),
    }
}
