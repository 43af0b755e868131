//! A liveness probe that asks what the readiness probe asks, and gives up no later: the container is
//! restarted before, or as soon as, it is taken out of rotation.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{
    Environment, FailureMode, Finding, Fleet, GroupKind, GroupView, Knob, Label, Level, Probe, ProbeField,
    Setting, Subject, pretty,
};

use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "probe-liveness-tighter",
    summary: "a liveness probe gives up no later than the readiness probe that asks the same",
    mode: FailureMode::ProbeKill,
    level: Level::Warning,
    since: "0.1",
    docs: include_str!("probe_liveness_tighter.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    for service in environment.services(fleet) {
        // Each process of a service has probes of its own.
        let mut processes: BTreeMap<Option<&str>, Vec<GroupView<'_>>> = BTreeMap::new();
        for group in service.groups().filter(|group| group.group().kind == GroupKind::Probe) {
            processes.entry(group.group().process.as_deref()).or_default().push(group);
        }
        for groups in processes.values() {
            let find = |probe| groups.iter().find_map(|&group| Prober::of(group, probe));
            let (Some(liveness), Some(readiness)) = (find(Probe::Liveness), find(Probe::Readiness)) else {
                continue;
            };
            if liveness.mark.value.value == readiness.mark.value.value
                && liveness.gives_up() <= readiness.gives_up()
            {
                found.report(finding(service.name(), &liveness, &readiness));
            }
        }
    }
}

/// A probe with all that says when it gives up.
struct Prober<'f> {
    mark: &'f Setting,
    /// What it does in one word, for whoever reads the finding.
    action: Option<&'f Setting>,
    period: (&'f Setting, Duration),
    failures: (&'f Setting, u64),
    timeout: (&'f Setting, Duration),
}

impl<'f> Prober<'f> {
    fn of(group: GroupView<'f>, probe: Probe) -> Option<Self> {
        let knob = |field| group.knob(Knob::Probe(probe, field));
        let length = |field| knob(field).and_then(|setting| Some((setting, setting.length()?)));
        Some(Self {
            mark: knob(ProbeField::Mark)?,
            action: knob(ProbeField::Action),
            period: length(ProbeField::Period)?,
            failures: knob(ProbeField::Failures).and_then(|setting| Some((setting, setting.count()?)))?,
            timeout: length(ProbeField::Timeout)?,
        })
    }

    /// How long after a container hangs at the latest.
    fn gives_up(&self) -> Duration {
        let times = u32::try_from(self.failures.1).unwrap_or(u32::MAX);
        self.period.1.saturating_mul(times).saturating_add(self.timeout.1)
    }

    fn sum(&self, name: &str) -> String {
        let (period, timeout) = (pretty(self.period.1), pretty(self.timeout.1));
        format!("{name}: {} x {period} + {timeout} = {}", self.failures.1, pretty(self.gives_up()))
    }

    fn settings(&self) -> [&'f Setting; 3] {
        [self.failures.0, self.period.0, self.timeout.0]
    }
}

fn finding(name: &str, liveness: &Prober<'_>, readiness: &Prober<'_>) -> Finding {
    let (dies, leaves) = (liveness.gives_up(), readiness.gives_up());
    let is_tighter = dies < leaves;
    let labels: Vec<Label> = vec![
        labels::at(liveness.failures.0, format!("restarts `{name}` after {}", pretty(dies))),
        labels::at(readiness.failures.0, format!("takes it out of rotation after {}", pretty(leaves))),
        labels::at(liveness.action.unwrap_or(liveness.mark), "asks what the readiness probe asks"),
    ];
    // The number of failures that is one more than what the readiness probe comes to.
    let more = leaves.as_secs_f64() / liveness.period.1.as_secs_f64().max(1.0);
    let settings: Vec<&Setting> = liveness.settings().into_iter().chain(readiness.settings()).collect();
    Finding {
        rule: RULE.name,
        level: if is_tighter { Level::Warning } else { Level::Note },
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: Subject::Service(name.to_owned()),
        title: if is_tighter {
            format!(
                "a slow `{name}` is restarted after {}, before it leaves rotation after {}",
                pretty(dies),
                pretty(leaves)
            )
        } else {
            format!("a slow `{name}` is restarted when it leaves rotation, both after {}", pretty(dies))
        },
        labels,
        arithmetic: vec![liveness.sum("liveness"), readiness.sum("readiness")],
        help: format!(
            "raise `{}` to {:.0} or more, or let the liveness probe ask something that depends on nothing else",
            liveness.failures.0.key,
            more.floor() + 1.0
        ),
        assumptions: labels::guesses_of(&settings),
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn restarted_before_it_leaves_rotation() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.yaml: auth [probe] process=web
              liveness.mark       liveness.mark       a1
              liveness.timeout    liveness.timeout    1s
              liveness.period     liveness.period     5s
              liveness.failures   liveness.failures   2
            auth.yaml: auth [probe] process=web
              readiness.mark      readiness.mark      a1
              readiness.timeout   readiness.timeout   1s
              readiness.period    readiness.period    10s
              readiness.failures  readiness.failures  3   default "Kubernetes failureThreshold"
        "#), @r"
        warning (in file, probe-kill, auth): a slow `auth` is restarted after 11 s, before it leaves rotation after 31 s
          auth.yaml:5 liveness.failures = 2 -- restarts `auth` after 11 s
          auth.yaml:10 readiness.failures = 3 -- takes it out of rotation after 31 s; 3 is the default of Kubernetes failureThreshold, not set here
          auth.yaml:2 liveness.mark = a1 -- asks what the readiness probe asks
          sum: liveness: 2 x 5 s + 1 s = 11 s
          sum: readiness: 3 x 10 s + 1 s = 31 s
          help: raise `liveness.failures` to 7 or more, or let the liveness probe ask something that depends on nothing else
        ");
    }

    #[test]
    fn both_at_once_is_a_note() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.yaml: auth [probe]
              liveness.mark       liveness.mark       a1
              liveness.timeout    liveness.timeout    1s
              liveness.period     liveness.period     10s
              liveness.failures   liveness.failures   3
            auth.yaml: auth [probe]
              readiness.mark      readiness.mark      a1
              readiness.timeout   readiness.timeout   1s
              readiness.period    readiness.period    10s
              readiness.failures  readiness.failures  3
        "#), @r"
        note (in file, probe-kill, auth): a slow `auth` is restarted when it leaves rotation, both after 31 s
          auth.yaml:5 liveness.failures = 3 -- restarts `auth` after 31 s
          auth.yaml:10 readiness.failures = 3 -- takes it out of rotation after 31 s
          auth.yaml:2 liveness.mark = a1 -- asks what the readiness probe asks
          sum: liveness: 3 x 10 s + 1 s = 31 s
          sum: readiness: 3 x 10 s + 1 s = 31 s
          help: raise `liveness.failures` to 4 or more, or let the liveness probe ask something that depends on nothing else
        ");
    }

    #[test]
    fn quiet_where_they_ask_differently_or_readiness_comes_first() {
        let fleet = |process: &str, mark: &str, failures: u64| {
            format!(
                "a: auth [probe] process=web
                   m  liveness.mark       a1
                   t  liveness.timeout    1s
                   p  liveness.period     10s
                   f  liveness.failures   {failures}
                 a: auth [probe] process={process}
                   m  readiness.mark      {mark}
                   t  readiness.timeout   1s
                   p  readiness.period    10s
                   f  readiness.failures  3"
            )
        };
        assert_eq!(run(&RULE, &fleet("web", "b2", 1)), "");
        assert_eq!(run(&RULE, &fleet("proxy", "a1", 1)), "");
        assert_eq!(run(&RULE, &fleet("web", "a1", 4)), "");
        assert_ne!(run(&RULE, &fleet("web", "a1", 1)), "");
    }
}
