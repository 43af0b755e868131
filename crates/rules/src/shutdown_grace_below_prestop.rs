//! A grace period that ends before the wait ahead of the stop signal does.

use std::time::Duration;

use model::{
    Covers, Environment, FailureMode, Finding, Fleet, Knob, Level, ServiceView, Setting, Subject, pretty,
};

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
        let mut settings = vec![grace, stop];
        let mut labels = vec![
            labels::at(grace, format!("the kill comes {} after the stop began", pretty(allowed))),
            labels::at(stop, format!("the first {} pass before the signal", pretty(wait))),
        ];
        let cut = Cut::of(service, allowed);
        if let Some(cut) = &cut {
            settings.push(cut.needs);
            labels.push(labels::at(cut.needs, cut.words()));
        }
        // What the service needs after the signal, where its own limits say so.
        let after = work(service).map_or(Duration::from_secs(5), |(_, needed)| needed);
        found.report(Finding {
            rule: RULE.name,
            // It serves on while it waits, and most of what it was sent before is done by then.
            level: if cut.is_some_and(|cut| cut.is_chosen()) { RULE.level } else { Level::Note },
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
            arithmetic: vec![format!(
                "{} (grace) - {} (wait before the signal): nothing is left of it but {} that are added",
                pretty(allowed),
                pretty(wait),
                pretty(ADDED)
            )],
            help: format!(
                "raise `{}` to {} or more: the wait, then the longest request",
                grace.key,
                seconds(wait + after)
            ),
            assumptions: labels::guesses_of(&settings),
        });
    }
}

/// What is left after the signal all the same: Kubernetes gives a container whose grace period is used up
/// 2 s more (`pkg/kubelet/kuberuntime`, `minimumGracePeriodInSeconds`).
const ADDED: Duration = Duration::from_secs(2);

/// Work that is known to be cut, though the service goes on serving while it waits for the signal.
struct Cut<'f> {
    needs: &'f Setting,
    drains: bool,
}

impl<'f> Cut<'f> {
    /// A drain begins with the signal, a request may have begun with the stop.
    fn of(service: ServiceView<'f>, allowed: Duration) -> Option<Self> {
        let (needs, needed) = work(service)?;
        let drains = needs.knob == Knob::Timeout(Covers::Drain);
        let window = if drains { ADDED } else { allowed + ADDED };
        (needed > window).then_some(Self { needs, drains })
    }

    fn words(&self) -> &'static str {
        if self.drains {
            "takes this long to finish its work, after the signal"
        } else {
            "lets a request run this long"
        }
    }

    /// Whether somebody asked for that time. A drain has a default only where it was asked for.
    fn is_chosen(&self) -> bool {
        self.drains || !self.needs.value.origin.is_default()
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
        note (in file, drain-cut, auth): `auth` has next to no time between its stop signal and the kill: the wait before the signal, 30 s, takes up the grace period of 30 s
          auth.yaml:2 grace = 30s -- the kill comes 30 s after the stop began; 30 s is the default of Kubernetes terminationGracePeriodSeconds, not set here
          auth.yaml:3 sleep = 30s -- the first 30 s pass before the signal
          sum: 30 s (grace) - 30 s (wait before the signal): nothing is left of it but 2 s that are added
          help: raise `grace` to 35 s or more: the wait, then the longest request
        ");
    }

    #[test]
    fn a_drain_that_begins_when_the_grace_is_over() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.yaml: auth [lifecycle]
              grace  grace  30s
              sleep  pre-stop  30s
            auth.toml: auth
              shutdown  drain  20s
        "#), @r"
        warning (across files, drain-cut, auth): `auth` has next to no time between its stop signal and the kill: the wait before the signal, 30 s, takes up the grace period of 30 s
          auth.yaml:2 grace = 30s -- the kill comes 30 s after the stop began
          auth.yaml:3 sleep = 30s -- the first 30 s pass before the signal
          auth.toml:5 shutdown = 20s -- takes this long to finish its work, after the signal
          sum: 30 s (grace) - 30 s (wait before the signal): nothing is left of it but 2 s that are added
          help: raise `grace` to 50 s or more: the wait, then the longest request
        ");
    }

    #[test]
    fn requests_that_end_while_the_hook_waits_are_not_cut() {
        let with = |limit: &str| {
            let text = format!(
                "auth.yaml: auth [lifecycle]
                   grace  grace  60s
                   sleep  pre-stop  60s
                 auth.toml: auth
                   worker_timeout  handler  {limit}"
            );
            run(&RULE, &text)
        };
        assert!(with("30s").starts_with("note"), "{}", with("30s"));
        assert!(with("61s").starts_with("note"), "{}", with("61s"));
        assert!(with("2m").starts_with("warning"), "{}", with("2m"));
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
