//! From the nouns of the core to those that are published (`wire::alert`). Takes no decision.

use jiff::Timestamp;
use watch::alert::{Alert, Evidence, Health, Notice, Silence, Symptom};
use watch::audits::{Change, OpenFinding};
use watch::time::At;
use wire::alert as out;

use super::words;

/// A moment as published: RFC 3339 in UTC, to the millisecond.
pub(crate) fn moment(at: At) -> String {
    let millis = i64::try_from(at.0).unwrap_or(i64::MAX);
    // Beyond the year 9999 no clock is right anyway.
    Timestamp::from_millisecond(millis).map_or_else(|_| millis.to_string(), |at| format!("{at:.3}"))
}

/// A notice under its key.
pub(crate) fn notice(key: &str, notice: &Notice) -> out::Notice {
    let (event, of) = match notice {
        Notice::Opened(alert) => (out::Event::Opened, alert),
        Notice::Changed(alert) => (out::Event::Changed, alert),
        Notice::Again(alert) => (out::Event::Again, alert),
        Notice::Ended(alert) => (out::Event::Ended, alert),
    };
    out::Notice {
        version: out::VERSION,
        key: key.to_owned(),
        event,
        title: words::notice(notice),
        alert: alert(of),
    }
}

/// An alert.
pub(crate) fn alert(of: &Alert) -> out::Alert {
    out::Alert {
        id: of.id,
        service: of.service.clone(),
        symptom: symptom(&of.symptom),
        title: words::alert(of),
        opened: moment(of.opened),
        since: moment(of.since),
        health: health(of.health),
        evidence: of.evidence.as_ref().map(evidence),
        replicas: of.replicas.clone(),
        findings: of.findings.iter().map(finding).collect(),
        changes: of.changes.iter().map(change).collect(),
        ended: of.ended.as_ref().map(|(at, _)| moment(*at)),
        ended_because: of.ended.as_ref().map(|(_, why)| why.clone()),
    }
}

/// A silence.
pub(crate) fn silence(of: &Silence) -> out::Silence {
    out::Silence {
        id: of.id,
        service: of.service.clone(),
        from: moment(of.from),
        until: moment(of.until),
        reason: of.reason.clone(),
        by: of.by.clone(),
    }
}

fn symptom(of: &Symptom) -> out::Symptom {
    match of {
        Symptom::Failing(reason) => out::Symptom::Failing { reason: reason.clone() },
        Symptom::ReplicaFailing => out::Symptom::ReplicaFailing,
        Symptom::Slow => out::Symptom::Slow,
        Symptom::PileUp(timeout_ms) => out::Symptom::PileUp { timeout_ms: *timeout_ms },
        Symptom::TrafficGone => out::Symptom::TrafficGone,
        Symptom::ProbeFailing(step) => out::Symptom::ProbeFailing { step: step.clone() },
        Symptom::Burning(burn) => {
            out::Symptom::Burning { factor: burn.factor(), window_s: burn.windows().0.as_secs() }
        }
        Symptom::Blind => out::Symptom::Blind,
        Symptom::Finding(rule) => out::Symptom::Finding { rule: rule.clone() },
        Symptom::AuditOverdue => out::Symptom::AuditOverdue,
        Symptom::Hindered(by) => out::Symptom::Hindered { by: by.clone() },
    }
}

fn health(of: Health) -> out::Health {
    match of {
        Health::Good => out::Health::Good,
        Health::Bad => out::Health::Bad,
        Health::Unknown => out::Health::Unknown,
    }
}

fn evidence(of: &Evidence) -> out::Evidence {
    out::Evidence {
        k: of.k,
        n: of.n,
        guard: shortest(of.guard),
        guard_basis: of.guard_basis.clone(),
        implied_false_alarms_per_year: of.implied,
        false_alarm_budget_per_year: of.budget,
        worst_delay_s: of.worst_delay.as_secs_f64(),
    }
}

/// Guards are kept in single precision; the shortest decimal that means the same is what was written.
fn shortest(number: f64) -> f64 {
    (number as f32).to_string().parse().unwrap_or(number)
}

fn finding(of: &OpenFinding) -> out::Finding {
    out::Finding {
        fingerprint: of.hash.clone(),
        rule: of.rule.clone(),
        level: of.level.clone(),
        services: of.services.clone(),
        place: of.place.clone(),
        title: of.title.clone(),
    }
}

fn change(of: &Change) -> out::Change {
    out::Change {
        key: of.setting.key.clone(),
        place: format!("{}:{}", of.setting.path, of.setting.line),
        before: of.before.clone(),
        after: (!of.gone).then(|| of.setting.value.clone()),
        seen: moment(of.seen),
    }
}
