//! A limit on the share of failures that the outage to be noticed does not reach.

use model::monitor::{Condition, Guarded, Reach, Share};
use model::{Environment, FailureMode, Finding, Fleet, Level, Origin, Subject, pretty};

use crate::monitored::{self, Watch};
use crate::{Check, Found, Margins, Rule};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "monitor-threshold-unreachable",
    summary: "an alert asks for more failures than a serious outage causes",
    mode: FailureMode::SilentAlert,
    level: Level::Error,
    since: "0.2",
    docs: include_str!("monitor_threshold_unreachable.md"),
    check: Check::Environment(check),
};

fn check(_: &Fleet, environment: &Environment, margins: &Margins, found: &mut Found) {
    for test in &environment.monitor.guards {
        let plausible = margins.at(&test.guard.origin).plausible_failure;
        if test.guard.value >= plausible {
            found.report(guarded(test, plausible));
        }
    }
    let alerts = Watch::all(&environment.monitor);
    for watch in &alerts {
        let plausible = margins.at(&watch.rule.name.origin).plausible_failure;
        if let Reach::Never(share) = watch.condition.reach(plausible) {
            let reached = alerts.iter().any(|other| {
                watch.is_about(&share, other)
                    && matches!(other.condition.reach(plausible), Reach::After(_, Some(_)))
            });
            if share.above >= 1.0 || !reached {
                found.report(unreachable(watch, &share, plausible));
            }
        } else if let Some((dead, alive)) = quicker_part(&watch.condition, plausible) {
            found.report(slower(watch, &dead, &alive, plausible));
        }
    }
}

/// A test of our own that is silent by its guard.
fn guarded(test: &Guarded, plausible: f64) -> Finding {
    let Guarded { service, what, guard } = test;
    let (guard, place) = (model::stated_percent(guard.value), guard.origin.clone());
    Finding {
        rule: RULE.name,
        level: Level::Warning,
        basis: model::Basis::InFile,
        mode: RULE.mode,
        environments: Vec::new(),
        subject: Subject::Service(service.clone()),
        title: format!(
            "the test of {what} of `{service}` allows {guard}: an outage that fails {} raises no alert",
            model::stated_percent(plausible)
        ),
        labels: vec![monitored::place(place, format!("a guard of {guard}"))],
        arithmetic: vec![format!(
            "{} <= {guard}: what the guard allows is never against it",
            model::stated_percent(plausible)
        )],
        help: format!(
            "state a guard a little above what fails on a normal day, below {}",
            model::stated_percent(plausible)
        ),
        assumptions: Vec::new(),
    }
}

/// A part of a condition that is never reached although it looks back over less than the part that is.
fn quicker_part(condition: &Condition, plausible: f64) -> Option<(Share, Share)> {
    let Condition::Any(parts) = condition else { return None };
    let mut dead: Option<Share> = None;
    let mut alive: Option<Share> = None;
    for part in parts.iter().flat_map(flat) {
        match part.reach(plausible) {
            Reach::Never(share) => dead = dead.or(Some(share)),
            Reach::After(_, Some(share)) => alive = alive.or(Some(share)),
            Reach::After(..) | Reach::Unknown(_) => return None,
        }
    }
    let (dead, alive) = (dead?, alive?);
    (dead.window.value < alive.window.value).then_some((dead, alive))
}

/// `a or b or c` is read as `(a or b) or c`.
fn flat(condition: &Condition) -> Vec<&Condition> {
    match condition {
        Condition::Any(parts) => parts.iter().flat_map(flat).collect(),
        one => vec![one],
    }
}

/// The limit with its sum, where it is more than a number.
fn limit(share: &Share) -> Vec<String> {
    let written = &share.limit.written;
    let is_sum = written.parse::<f64>().is_err();
    let mut sums = Vec::new();
    if is_sum {
        let value = (share.limit.value * 1e6).round() / 1e6;
        sums.push(format!("{written} = {value}, a share of {}", model::stated_percent(share.above)));
    }
    sums
}

fn guesses(watch: &Watch<'_>, share: &Share) -> Vec<String> {
    let mut guesses = watch.group.assumptions.clone();
    if !share.within {
        guesses.push(format!(
            "that `{}` counts some of what `{}` counts",
            share.part.metric, share.whole.metric
        ));
    }
    guesses
}

fn unreachable(watch: &Watch<'_>, share: &Share, plausible: f64) -> Finding {
    let name = watch.name();
    let impossible = share.above >= 1.0;
    let above = model::stated_percent(share.above);
    let title = if impossible {
        format!(
            "the alert `{name}` can never fire: no more than 100 % of anything fails, and it asks for more than {above}"
        )
    } else {
        format!(
            "the alert `{name}` fires when more than {above} fail: an outage that fails {} raises none",
            model::stated_percent(plausible)
        )
    };
    let mut labels =
        vec![monitored::place(Origin::Written(share.limit.at), format!("more than {above} must fail"))];
    labels.push(watch.label(""));
    let mut arithmetic = limit(share);
    if !impossible {
        arithmetic.push(format!(
            "{} < {above}: an outage that must be noticed does not reach it",
            model::stated_percent(plausible)
        ));
    }
    Finding {
        rule: RULE.name,
        level: match (impossible, watch.alert.pages()) {
            (true, _) => Level::Error,
            (false, true) => Level::Warning,
            (false, false) => Level::Note,
        },
        basis: model::Basis::InFile,
        mode: RULE.mode,
        environments: Vec::new(),
        subject: watch.subject(),
        title,
        labels,
        arithmetic,
        help: if impossible {
            "compare the share itself: 0.05 is 5 %, and multiplied by 100 it is 5".to_owned()
        } else {
            format!(
                "ask for less than {}: a threshold above what usually fails; a budget that large needs an alert of its own \
                 beside its burn rates",
                model::stated_percent(plausible)
            )
        },
        assumptions: guesses(watch, share),
    }
}

fn slower(watch: &Watch<'_>, dead: &Share, alive: &Share, plausible: f64) -> Finding {
    let name = watch.name();
    let wait = alive.window.value.mul_f64((alive.above / plausible).clamp(0.0, 1.0));
    let labels = vec![
        monitored::place(
            Origin::Written(dead.limit.at),
            format!("more than {} must fail", model::stated_percent(dead.above)),
        ),
        monitored::place(
            Origin::Written(alive.limit.at),
            format!(
                "what is left asks for {} over {}",
                model::stated_percent(alive.above),
                pretty(alive.window.value)
            ),
        ),
    ];
    let mut arithmetic = limit(dead);
    arithmetic.push(format!(
        "{} / {} x {} = {} until the other part is reached",
        model::stated_percent(alive.above),
        model::stated_percent(plausible),
        pretty(alive.window.value),
        pretty(wait)
    ));
    Finding {
        rule: RULE.name,
        level: Level::Warning,
        basis: monitored::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: watch.subject(),
        title: format!(
            "the quicker part of the alert `{name}` is out of reach of an outage that fails {}: what is left takes {}",
            model::stated_percent(plausible),
            pretty(wait)
        ),
        labels,
        arithmetic,
        help: "hold a tighter objective on failures that are not the users' own, or add an alert on the share itself"
            .to_owned(),
        assumptions: guesses(watch, dead),
    }
}
