//! Probes that keep the default time limit.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{
    Basis, Environment, FailureMode, Finding, Fleet, GroupKind, GroupView, Knob, Level, Probe, ProbeField,
    Setting, Subject, Value, pretty,
};

use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "probe-default-timeout",
    summary: "a probe that does work keeps the short default time limit",
    mode: FailureMode::ProbeKill,
    level: Level::Note,
    since: "0.1",
    docs: include_str!("probe_default_timeout.md"),
    check: Check::Environment(check),
};

/// A default of at least this much is no trap: the longest pause that one expects of a healthy
/// process (a garbage collection, a throttled CPU period) is shorter.
const AMPLE: Duration = Duration::from_secs(3);

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    for service in environment.services(fleet) {
        // Each process of a service has probes of its own; what one needs says nothing of another.
        let mut processes: BTreeMap<Option<&str>, Vec<GroupView<'_>>> = BTreeMap::new();
        for group in service.groups().filter(|group| group.group().kind == GroupKind::Probe) {
            processes.entry(group.group().process.as_deref()).or_default().push(group);
        }
        let has_several = processes.len() > 1;
        for (process, groups) in processes {
            if let Some(finding) = finding(service.name(), process.filter(|_| has_several), &groups) {
                found.report(finding);
            }
        }
    }
}

/// What there is to say of one process of a service; its name where there are several.
fn finding(name: &str, process: Option<&str>, groups: &[GroupView<'_>]) -> Option<Finding> {
    let mut short: Vec<Prober<'_>> = groups.iter().copied().filter_map(Prober::with_default).collect();
    // Worst first: a restart costs more than a pause in rotation.
    short.sort_by_key(|prober| prober.probe);
    // What its author gave another probe: somebody found the default too short.
    let raised = groups
        .iter()
        .flat_map(|group| group.settings())
        .filter(|s| matches!(s.knob, Knob::Probe(p, ProbeField::Timeout) if p != Probe::Health))
        .filter(|s| !s.value.origin.is_default())
        .filter_map(|s| Some((s, s.length()?)))
        .max_by_key(|&(_, limit)| limit);
    let first = short.first()?;
    let raised = raised.filter(|&(_, limit)| limit > first.limit);
    let restarts = first.probe == Probe::Liveness;
    let mut labels: Vec<_> = short.iter().map(|prober| prober.label()).collect();
    if let Some((setting, limit)) = raised {
        labels.push(labels::at(setting, format!("another probe of it may take {}", pretty(limit))));
    }
    let settings: Vec<&Setting> = short.iter().map(|prober| prober.timeout).collect();
    let of = process.map_or_else(String::new, |process| format!(" of container `{process}`"));
    let wanted = raised.map_or(Duration::from_secs(5), |(_, limit)| limit);
    let wanted = first.period.map_or(wanted, |period| wanted.min(period));
    Some(Finding {
        rule: RULE.name,
        level: RULE.level,
        basis: Basis::InFile,
        mode: RULE.mode,
        environments: Vec::new(),
        subject: Subject::Service(name.to_owned()),
        title: format!(
            "`{name}` is {} when {} longer than {}, the default",
            if restarts { "restarted" } else { "taken out of rotation" },
            first.failures(&of),
            pretty(first.limit)
        ),
        labels,
        arithmetic: Vec::new(),
        help: format!(
            "set `{}` to what the probe takes under load, {} for example",
            first.timeout.key,
            pretty(wanted)
        ),
        assumptions: labels::guesses_of(&settings),
    })
}

/// One probe that keeps its default.
struct Prober<'f> {
    probe: Probe,
    timeout: &'f Setting,
    limit: Duration,
    period: Option<Duration>,
    failures: Option<u64>,
    action: Option<&'f str>,
}

impl<'f> Prober<'f> {
    fn with_default(group: GroupView<'f>) -> Option<Self> {
        let (probe, timeout) = group.settings().find_map(|setting| match setting.knob {
            Knob::Probe(probe, ProbeField::Timeout) => Some((probe, setting)),
            _ => None,
        })?;
        let limit = timeout.length()?;
        let action = match group.knob(Knob::Probe(probe, ProbeField::Action)).map(|s| &s.value.value) {
            Some(Value::Text(action)) => Some(action.as_str()),
            _ => None,
        };
        // A TCP probe waits for the kernel, not for the program; a health check restarts nothing; a
        // startup probe is there to fail until the program has started.
        if !timeout.value.origin.is_default()
            || limit >= AMPLE
            || !matches!(probe, Probe::Liveness | Probe::Readiness)
            || action == Some("tcp")
        {
            return None;
        }
        Some(Self {
            probe,
            timeout,
            limit,
            period: group.knob(Knob::Probe(probe, ProbeField::Period)).and_then(Setting::length),
            failures: group.knob(Knob::Probe(probe, ProbeField::Failures)).and_then(Setting::count),
            action,
        })
    }

    /// "3 liveness probes of container `web` in a row take".
    fn failures(&self, of: &str) -> String {
        let probe = if self.probe == Probe::Liveness { "liveness" } else { "readiness" };
        match self.failures {
            Some(1) => format!("one {probe} probe{of} takes"),
            Some(failures) => format!("{failures} {probe} probes{of} in a row take"),
            None => format!("its {probe} probe{of} takes"),
        }
    }

    fn label(&self) -> model::Label {
        let what = match self.action {
            Some("exec") => "starts a command and waits for it",
            Some(_) | None => "waits for the program to answer",
        };
        labels::at(self.timeout, what)
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn a_command_restarts_after_the_default_second() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.yaml: auth [probe]
              timeoutSeconds    liveness.timeout   1s  default "Kubernetes timeoutSeconds"
              failureThreshold  liveness.failures  3   default "Kubernetes failureThreshold"
              exec              liveness.action    exec
            auth.yaml: auth [probe]
              timeoutSeconds    readiness.timeout  1s  default "Kubernetes timeoutSeconds"
              httpGet           readiness.action   http
        "#), @r"
        note (in file, probe-kill, auth): `auth` is restarted when 3 liveness probes in a row take longer than 1 s, the default
          auth.yaml:2 timeoutSeconds = 1s -- starts a command and waits for it; 1 s is the default of Kubernetes timeoutSeconds, not set here
          auth.yaml:6 timeoutSeconds = 1s -- waits for the program to answer; 1 s is the default of Kubernetes timeoutSeconds, not set here
          help: set `timeoutSeconds` to what the probe takes under load, 5 s for example
        ");
    }

    #[test]
    fn liveness_was_forgotten_when_readiness_was_raised() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.yaml: auth [probe]
              timeoutSeconds  liveness.timeout   1s  default "Kubernetes timeoutSeconds"
              httpGet         liveness.action    http
            auth.yaml: auth [probe]
              timeoutSeconds  readiness.timeout  5s
        "#), @r"
        note (in file, probe-kill, auth): `auth` is restarted when its liveness probe takes longer than 1 s, the default
          auth.yaml:2 timeoutSeconds = 1s -- waits for the program to answer; 1 s is the default of Kubernetes timeoutSeconds, not set here
          auth.yaml:5 timeoutSeconds = 5s -- another probe of it may take 5 s
          help: set `timeoutSeconds` to what the probe takes under load, 5 s for example
        ");
    }

    #[test]
    fn what_one_container_needs_says_nothing_of_another() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.yaml: auth [probe] process=proxy
              timeoutSeconds    liveness.timeout   1s  default "Kubernetes timeoutSeconds"
              failureThreshold  liveness.failures  3   default "Kubernetes failureThreshold"
              httpGet           liveness.action    http
            auth.yaml: auth [probe] process=web
              timeoutSeconds    liveness.timeout   10s
        "#), @r"
        note (in file, probe-kill, auth): `auth` is restarted when 3 liveness probes of container `proxy` in a row take longer than 1 s, the default
          auth.yaml:2 timeoutSeconds = 1s -- waits for the program to answer; 1 s is the default of Kubernetes timeoutSeconds, not set here
          help: set `timeoutSeconds` to what the probe takes under load, 5 s for example
        ");
    }

    #[test]
    fn a_plain_http_probe_is_a_note() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.yaml: auth [probe]
              timeoutSeconds  readiness.timeout  1s  default "Kubernetes timeoutSeconds"
              httpGet         readiness.action   http
        "#), @r"
        note (in file, probe-kill, auth): `auth` is taken out of rotation when its readiness probe takes longer than 1 s, the default
          auth.yaml:2 timeoutSeconds = 1s -- waits for the program to answer; 1 s is the default of Kubernetes timeoutSeconds, not set here
          help: set `timeoutSeconds` to what the probe takes under load, 5 s for example
        ");
    }

    #[test]
    fn tcp_probes_written_limits_and_marks_are_quiet() {
        for fleet in [
            r#"
            auth.yaml: auth [probe]
              timeoutSeconds  liveness.timeout  1s  default "Kubernetes timeoutSeconds"
              tcpSocket       liveness.action   tcp
            "#,
            r#"
            auth.yaml: auth [probe]
              timeoutSeconds  liveness.timeout  1s
            "#,
            r#"
            compose.yaml: auth [probe]
              timeout  health.timeout  1s  default "Toy timeout"
            "#,
        ] {
            assert_eq!(run(&RULE, fleet), "", "{fleet}");
        }
    }
}
