//! A grace period that leaves less time after the stop signal than the service needs to finish.

use std::time::Duration;

use model::{
    Covers, Environment, FailureMode, Finding, Fleet, Knob, Level, ServiceView, Setting, Subject, pretty,
};

use crate::{Check, Found, Margins, Rule, labels, round};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "shutdown-drain-window",
    summary: "after the stop signal less time is left than the service takes to finish",
    mode: FailureMode::DrainCut,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("shutdown_drain_window.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    for service in environment.services(fleet) {
        let Some((needs, needed)) = work(service) else { continue };
        let name = service.name();
        let subject = Subject::Service(name.to_owned());
        let Some((grace, allowed)) = service.knob(Knob::Grace).and_then(|s| Some((s, s.length()?))) else {
            if !needs.value.origin.is_default() && needs.knob == Knob::Timeout(Covers::Drain) {
                let needs = format!(
                    "the grace period of what stops `{name}`; declare its key with [[setting]] controls = \"grace\""
                );
                found.needs(RULE.name, subject, needs);
            }
            continue;
        };
        let stop = longest(service, Knob::PreStop);
        let wait = stop.map_or(Duration::ZERO, |(_, wait)| wait);
        // Where nothing at all is left, `shutdown-grace-below-prestop` has said so.
        if wait >= allowed {
            continue;
        }
        let window = allowed - wait;
        if needed <= window {
            continue;
        }
        let mut settings = vec![grace, needs];
        settings.extend(stop.map(|(setting, _)| setting));
        let drains = needs.knob == Knob::Timeout(Covers::Drain);
        let written = settings.iter().filter(|setting| !setting.value.origin.is_default()).count();
        let level = match (drains, needs.value.origin.is_default()) {
            _ if written == 0 => Level::Note,
            (true, _) => Level::Error,
            // A handler's limit says how long a request may take, not that one does.
            (false, false) => Level::Warning,
            (false, true) => Level::Note,
        };
        let mut labels =
            vec![labels::at(grace, format!("the kill comes {} after the stop began", pretty(allowed)))];
        labels.extend(stop.map(|(setting, wait)| {
            labels::at(setting, format!("the first {} pass before the signal", pretty(wait)))
        }));
        labels.push(labels::at(
            needs,
            if drains { "takes this long to finish its work" } else { "lets a request run this long" },
        ));
        let sum = if wait.is_zero() {
            format!("{} (grace) < {} (needed)", pretty(allowed), pretty(needed))
        } else {
            format!(
                "{} (grace) - {} (wait before the signal) = {} < {} (needed)",
                pretty(allowed),
                pretty(wait),
                pretty(window),
                pretty(needed)
            )
        };
        found.report(Finding {
            rule: RULE.name,
            level,
            basis: labels::basis(&labels),
            mode: RULE.mode,
            environments: Vec::new(),
            subject,
            title: format!(
                "requests of `{name}` that run longer than {} are cut at every stop: {} {}",
                pretty(window),
                if drains { "it drains for up to" } else { "it lets a request run for" },
                pretty(needed)
            ),
            labels,
            arithmetic: vec![sum],
            help: format!(
                "raise `{}` to {} or more{}",
                grace.key,
                seconds(wait + needed + SLACK),
                if drains {
                    format!(", or lower `{}` to {}", needs.key, pretty(window))
                } else {
                    String::new()
                }
            ),
            assumptions: labels::guesses_of(&settings),
        });
    }
}

/// Time for the process itself to end once its work is done: our choice, small against any grace.
const SLACK: Duration = Duration::from_secs(5);

/// How long the service needs after the stop signal: its drain limit, else the longest request its
/// handlers may take; with the setting that says so.
pub(crate) fn work(service: ServiceView<'_>) -> Option<(&Setting, Duration)> {
    longest(service, Knob::Timeout(Covers::Drain))
        .or_else(|| longest(service, Knob::Timeout(Covers::Handler)))
}

/// A grace period to write: orchestrators count it in whole seconds.
pub(crate) fn seconds(length: Duration) -> String {
    format!("{} s", round::up(length).as_secs_f64().ceil())
}

fn longest<'f>(service: ServiceView<'f>, knob: Knob) -> Option<(&'f Setting, Duration)> {
    let settings = service.groups().flat_map(|group| group.settings());
    settings
        .filter(|s| s.knob == knob)
        .filter_map(|s| Some((s, s.length()?)))
        .max_by_key(|&(_, length)| length)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn a_drain_longer_than_what_the_hook_leaves() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.yaml: auth [lifecycle]
              grace  grace  30s  default "Kubernetes terminationGracePeriodSeconds"
              sleep  pre-stop  10s
            auth.toml: auth
              shutdown  drain  25s
        "#), @"
        error (across files, drain-cut, auth): requests of `auth` that run longer than 20 s are cut at every stop: it drains for up to 25 s
          auth.yaml:2 grace = 30s -- the kill comes 30 s after the stop began; 30 s is the default of Kubernetes terminationGracePeriodSeconds, not set here
          auth.yaml:3 sleep = 10s -- the first 10 s pass before the signal
          auth.toml:5 shutdown = 25s -- takes this long to finish its work
          sum: 30 s (grace) - 10 s (wait before the signal) = 20 s < 25 s (needed)
          help: raise `grace` to 40 s or more, or lower `shutdown` to 20 s
        ");
    }

    #[test]
    fn a_request_longer_than_the_grace() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.yaml: auth [lifecycle]
              grace  grace  30s  default "Kubernetes terminationGracePeriodSeconds"
            auth.toml: auth
              worker_timeout  handler  2m
        "#), @"
        warning (across files, drain-cut, auth): requests of `auth` that run longer than 30 s are cut at every stop: it lets a request run for 2 min
          auth.yaml:2 grace = 30s -- the kill comes 30 s after the stop began; 30 s is the default of Kubernetes terminationGracePeriodSeconds, not set here
          auth.toml:4 worker_timeout = 2m -- lets a request run this long
          sum: 30 s (grace) < 2 min (needed)
          help: raise `grace` to 130 s or more
        ");
    }

    #[test]
    fn a_drain_without_a_known_grace_is_not_judged() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth
              shutdown  drain  25s
        "#), @r#"
        not evaluated: auth: needs the grace period of what stops `auth`; declare its key with [[setting]] controls = "grace"
        "#);
    }

    #[test]
    fn equal_limits_and_used_up_graces_are_quiet() {
        for fleet in [
            r#"
            auth.yaml: auth [lifecycle]
              grace  grace  30s
            auth.toml: auth
              shutdown  drain  30s
            "#,
            r#"
            auth.yaml: auth [lifecycle]
              grace  grace  30s
              sleep  pre-stop  40s
            auth.toml: auth
              shutdown  drain  30s
            "#,
            r#"
            auth.yaml: auth [lifecycle]
              grace  grace  30s
            auth.toml: auth
              shutdown  drain  20s
              worker_timeout  handler  2m
            "#,
        ] {
            assert_eq!(run(&RULE, fleet), "", "{fleet}");
        }
    }
}
