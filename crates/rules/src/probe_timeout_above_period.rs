//! Probes that may take longer than the time between two of them.

use std::time::Duration;

use model::{
    Environment, FailureMode, Finding, Fleet, GroupView, Knob, Label, Level, Probe, ProbeField, Setting,
    Subject, pretty,
};

use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "probe-timeout-above-period",
    summary: "a probe may take longer than the time between two probes",
    mode: FailureMode::ProbeKill,
    level: Level::Warning,
    since: "0.1",
    docs: include_str!("probe_timeout_above_period.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    for service in environment.services(fleet) {
        let mut slow: Vec<Slow<'_>> = service.groups().filter_map(Slow::of).collect();
        slow.sort_by_key(|slow| slow.probe);
        let Some(first) = slow.first() else { continue };
        let name = service.name();
        let settings: Vec<&Setting> = slow.iter().flat_map(|slow| [slow.timeout, slow.period]).collect();
        // A probe counts as failed when its time is up, so this many time limits pass one after the
        // other; the period no longer matters.
        let failures = first.failures.unwrap_or(1);
        let times = u32::try_from(failures).unwrap_or(u32::MAX);
        let (takes, promised) = (first.limit.saturating_mul(times), first.every.saturating_mul(times));
        // A period that nobody wrote promised nothing.
        let is_promised = slow.iter().any(|slow| !slow.period.value.origin.is_default());
        let level = if is_promised { RULE.level } else { Level::Note };
        let labels: Vec<Label> = slow
            .iter()
            .flat_map(|slow| {
                [
                    labels::at(
                        slow.timeout,
                        format!("one {} probe may take {}", slow.name(), pretty(slow.limit)),
                    ),
                    labels::at(slow.period, format!("the next is due after {}", pretty(slow.every))),
                ]
            })
            .collect();
        found.report(Finding {
            rule: RULE.name,
            level,
            basis: labels::basis(&labels),
            mode: RULE.mode,
            environments: Vec::new(),
            subject: Subject::Service(name.to_owned()),
            title: format!(
                "a hanging `{name}` is noticed after {}, not {}: its {} probe may take longer than its period",
                pretty(takes),
                pretty(promised),
                first.name()
            ),
            labels,
            arithmetic: vec![
                format!("{} > {}", pretty(first.limit), pretty(first.every)),
                format!("{failures} x {} = {}", pretty(first.limit), pretty(takes)),
            ],
            help: format!(
                "set `{}` to at most {}, or `{}` to {} or more",
                first.timeout.key,
                pretty(first.every),
                first.period.key,
                pretty(first.limit)
            ),
            assumptions: labels::guesses_of(&settings),
        });
    }
}

/// One probe that may outlast its period.
struct Slow<'f> {
    probe: Probe,
    timeout: &'f Setting,
    limit: Duration,
    period: &'f Setting,
    every: Duration,
    failures: Option<u64>,
}

impl<'f> Slow<'f> {
    fn of(group: GroupView<'f>) -> Option<Self> {
        let (probe, timeout) = group.settings().find_map(|setting| match setting.knob {
            Knob::Probe(probe, ProbeField::Timeout) => Some((probe, setting)),
            _ => None,
        })?;
        let period = group.knob(Knob::Probe(probe, ProbeField::Period))?;
        let (limit, every) = (timeout.length()?, period.length()?);
        // A health check's period starts when the check before it has ended, so nothing is late; a
        // startup probe that waits longer only gives the program more time to start.
        let late = matches!(probe, Probe::Liveness | Probe::Readiness) && limit > every;
        late.then(|| Self {
            probe,
            timeout,
            limit,
            period,
            every,
            failures: group.knob(Knob::Probe(probe, ProbeField::Failures)).and_then(Setting::count),
        })
    }

    fn name(&self) -> &'static str {
        if self.probe == Probe::Liveness { "liveness" } else { "readiness" }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn a_probe_longer_than_its_default_period() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.yaml: auth [probe]
              timeoutSeconds    liveness.timeout   30s
              periodSeconds     liveness.period    10s  default "Kubernetes periodSeconds"
              failureThreshold  liveness.failures  3
        "#), @r"
        note (in file, probe-kill, auth): a hanging `auth` is noticed after 90 s, not 30 s: its liveness probe may take longer than its period
          auth.yaml:2 timeoutSeconds = 30s -- one liveness probe may take 30 s
          auth.yaml:3 periodSeconds = 10s -- the next is due after 10 s; 10 s is the default of Kubernetes periodSeconds, not set here
          sum: 30 s > 10 s
          sum: 3 x 30 s = 90 s
          help: set `timeoutSeconds` to at most 10 s, or `periodSeconds` to 30 s or more
        ");
    }

    #[test]
    fn equal_ones_and_health_checks_are_quiet() {
        for fleet in [
            r#"
            auth.yaml: auth [probe]
              timeoutSeconds  liveness.timeout  10s
              periodSeconds   liveness.period   10s
            "#,
            r#"
            compose.yaml: auth [probe]
              timeout   health.timeout  30s
              interval  health.period   10s
            "#,
        ] {
            assert_eq!(run(&RULE, fleet), "", "{fleet}");
        }
    }
}
