//! A share over a short range that a single failure lifts above its limit when there is little traffic.

use model::monitor::{Condition, Share};
use model::{Environment, FailureMode, Finding, Fleet, Level, Origin, pretty};

use crate::monitored::{self, Watch};
use crate::{Check, Found, Margins, Rule};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "monitor-ratio-flaps",
    summary: "one failed request is enough for an alert when there is little traffic",
    mode: FailureMode::FalseAlarm,
    level: Level::Note,
    since: "0.2",
    docs: include_str!("monitor_ratio_flaps.md"),
    check: Check::Environment(check),
};

/// Below so many requests a second a single failure may raise the alert without a word from us: 360 an
/// hour, what is left at night of a service that has a request a second by day.
const QUIET: f64 = 0.1;

fn check(_: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    for watch in Watch::all(&environment.monitor) {
        let is_held = !watch.alert.pending.value.is_zero();
        if is_held || watch.rule.query.bounds_traffic {
            continue;
        }
        let Some(share) = strictest(&watch.condition) else { continue };
        if most(&share) / share.window.value.as_secs_f64() >= QUIET {
            found.report(finding(&watch, &share));
        }
    }
}

/// So many requests in the range, and a single failure is above the limit still.
fn most(share: &Share) -> f64 {
    1.0 / share.above
}

/// The comparison that needs the most failures: all must hold. `None` where anything else must hold too,
/// which may be a least traffic.
fn strictest(condition: &Condition) -> Option<Share> {
    let of = |share: &Share| most(share) / share.window.value.as_secs_f64();
    match condition {
        Condition::All(list) => {
            let shares: Option<Vec<Share>> = list.iter().map(strictest).collect();
            shares?.into_iter().min_by(|a, b| of(a).total_cmp(&of(b)))
        }
        one => one
            .share()
            .filter(|share| share.above > 0.0 && share.above < 1.0 && !share.window.value.is_zero()),
    }
}

fn finding(watch: &Watch<'_>, share: &Share) -> Finding {
    let window = pretty(share.window.value);
    let requests = (most(share) - 1e-9).floor().max(1.0);
    let labels = vec![
        monitored::at(
            &share.window,
            format!("{requests} requests in {window} or fewer: one failure is enough"),
        ),
        monitored::place(
            Origin::Written(share.limit.at),
            format!("more than {} must fail", model::stated_percent(share.above)),
        ),
        watch.label("no `for`"),
    ];
    Finding {
        rule: RULE.name,
        level: Level::Note,
        basis: monitored::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: watch.subject(),
        title: format!(
            "one failed request raises `{}` while there are {requests} requests in {window} or fewer",
            watch.name()
        ),
        labels,
        arithmetic: vec![format!(
            "1 of {requests} = {}, more than {}; {requests} in {window} are {} a second",
            model::percent(1.0 / requests),
            model::stated_percent(share.above),
            (requests / share.window.value.as_secs_f64() * 100.0).round() / 100.0
        )],
        help:
            "ask for a least traffic too (`and sum(rate(...)) > ...`), look back further, or give it a `for`"
                .to_owned(),
        assumptions: [vec!["that traffic can be so low".to_owned()], watch.group.assumptions.clone()]
            .concat(),
    }
}
