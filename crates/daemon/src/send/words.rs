//! Alerts in one line, for people: what, how much of it, against which guard, since when. The numbers are
//! the core's.

use watch::alert::{Alert, Burn, Evidence, Health, Notice, Symptom};

use super::published::moment;

/// What happened, in one line.
pub(crate) fn notice(of: &Notice) -> String {
    match of {
        Notice::Opened(of) => alert(of),
        Notice::Changed(of) if of.health == Health::Unknown => {
            format!("{}: inputs are silent, whether it goes on is not known: {}", of.service, matter(of))
        }
        Notice::Changed(of) => format!("{}; this changed since it was opened", alert(of)),
        Notice::Again(of) => format!("{}; still open", alert(of)),
        Notice::Ended(of) => {
            let why = of.ended.as_ref().map_or("", |(_, why)| why.as_str());
            format!("{}: ended: {}: {why}", of.service, matter(of))
        }
    }
}

/// An alert, in one line.
pub(crate) fn alert(of: &Alert) -> String {
    let mut line = format!("{}: {}", of.service, matter(of));
    if let Some(evidence) = &of.evidence {
        line.push_str(&counts(&of.symptom, evidence));
    }
    line.push_str(&format!(", since {}", moment(of.since)));
    line
}

/// What it is about.
fn matter(of: &Alert) -> String {
    match &of.symptom {
        Symptom::Failing(None) => "requests fail".to_owned(),
        Symptom::Failing(Some(reason)) => format!("requests fail ({reason})"),
        Symptom::ReplicaFailing => format!("requests fail at {}", of.replicas.join(", ")),
        Symptom::Slow => "requests are slow".to_owned(),
        Symptom::PileUp(timeout) => format!("requests end just after the timeout of {timeout} ms"),
        Symptom::TrafficGone => "requests stay away".to_owned(),
        Symptom::ProbeFailing(step) => format!("the probe fails at {step}"),
        Symptom::Burning(burn) => {
            let factor = burn.factor();
            let window = match burn {
                Burn::Hour => "an hour",
                Burn::SixHours => "6 hours",
                Burn::Day => "a day",
                Burn::ThreeDays => "3 days",
            };
            format!("the error budget burns {factor} times too fast over {window}")
        }
        Symptom::Blind => "its inputs are silent, nothing is known".to_owned(),
        Symptom::Finding(rule) => format!("the configuration has a new finding ({rule})"),
        Symptom::AuditOverdue => "no audit where one was due".to_owned(),
        Symptom::Hindered(by) => format!("hindered: {by}"),
    }
}

fn counts(symptom: &Symptom, evidence: &Evidence) -> String {
    let Evidence { k, n, guard, guard_basis, .. } = evidence;
    if *symptom == Symptom::TrafficGone {
        return format!(" ({k} came, guard {} a second, {guard_basis})", share(*guard));
    }
    format!(" ({k} of {n}, guard {} %, {guard_basis})", share(*guard * 100.0))
}

/// A number with as many digits as tell something.
pub(crate) fn share(number: f64) -> String {
    let digits = if number >= 10.0 {
        1
    } else if number >= 0.1 {
        2
    } else {
        4
    };
    let text = format!("{number:.digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
