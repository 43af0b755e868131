//! A grace period that ends before the wait ahead of the stop signal does.

use std::time::Duration;

use model::{Environment, FailureMode, Finding, Fleet, Knob, Level, Subject, pretty};

use crate::shutdown_drain_window::{seconds, work};
use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "shutdown-grace-below-prestop",
    summary: "the grace period is over before the stop signal is sent",
    mode: FailureMode::DrainCut,
    level: Level::Warning,
    since: "0.1",
    docs: include_str!("shutdown_grace_below_prestop.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    for service in environment.services(fleet) {
        let Some((grace, allowed)) = service.knob(Knob::Grace).and_then(|s| Some((s, s.length()?))) else {
            continue;
        };
        let stops = service.groups().flat_map(|group| group.settings());
        let longest = stops
            .filter(|setting| setting.knob == Knob::PreStop)
            .filter_map(|setting| Some((setting, setting.length()?)))
            .max_by_key(|&(_, wait)| wait);
        let Some((stop, wait)) = longest.filter(|&(_, wait)| wait >= allowed) else { continue };
        let name = service.name();
        let both = [grace, stop];
        // What the service needs after the signal, where its own limits say so.
        let after = work(service).map_or(Duration::from_secs(5), |(_, needed)| needed);
        let labels = vec![
            labels::at(grace, format!("the kill comes {} after the stop began", pretty(allowed))),
            labels::at(stop, format!("the first {} pass before the signal", pretty(wait))),
        ];
        found.report(Finding {
            rule: RULE.name,
            level: RULE.level,
            basis: labels::basis(&labels),
            mode: RULE.mode,
            environments: Vec::new(),
            subject: Subject::Service(name.to_owned()),
            title: format!(
                "`{name}` has next to no time between its stop signal and the kill: the wait before the signal, \
                 {}, takes up the grace period of {}",
                pretty(wait),
                pretty(allowed)
            ),
            labels,
            arithmetic: vec![format!("{} (grace) - {} (wait before the signal): nothing is left of it", pretty(allowed), pretty(wait))],
            help: format!(
                "raise `{}` to {} or more: the wait, then the longest request",
                grace.key,
                seconds(wait + after)
            ),
            assumptions: labels::guesses_of(&both),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn a_hook_as_long_as_the_default_grace() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.yaml: auth [lifecycle]
              grace  grace  30s  default "Kubernetes terminationGracePeriodSeconds"
              sleep  pre-stop  30s
        "#), @r"
        warning (in file, drain-cut, auth): `auth` has next to no time between its stop signal and the kill: the wait before the signal, 30 s, takes up the grace period of 30 s
          auth.yaml:2 grace = 30s -- the kill comes 30 s after the stop began; 30 s is the default of Kubernetes terminationGracePeriodSeconds, not set here
          auth.yaml:3 sleep = 30s -- the first 30 s pass before the signal
          sum: 30 s (grace) - 30 s (wait before the signal): nothing is left of it
          help: raise `grace` to 35 s or more: the wait, then the longest request
        ");
    }

    #[test]
    fn a_grace_that_outlasts_the_hook_is_quiet() {
        for fleet in [
            r#"
            auth.yaml: auth [lifecycle]
              grace  grace  45s
              sleep  pre-stop  30s
            "#,
            r#"
            auth.yaml: auth [lifecycle]
              grace  grace  1s
            "#,
        ] {
            assert_eq!(run(&RULE, fleet), "", "{fleet}");
        }
    }
}
