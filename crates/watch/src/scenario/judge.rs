//! Whether what was told is what was expected.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Expected, Scenario, Told, Window, clock, name_of};
use crate::alert::{Health, Symptom};

/// Where what happened is not what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What was expected; nothing where nothing was.
    pub expected: Option<String>,
    /// What happened instead; nothing where nothing did.
    pub happened: Option<String>,
}

/// Compares what was told with what the scenario expects; nothing where they agree.
#[must_use]
pub fn judge(scenario: &Scenario, told: &[Told]) -> Vec<Difference> {
    let mut left: Vec<&Told> = told.iter().collect();
    let mut differences = Vec::new();
    for expected in &scenario.expected {
        let same = |told: &&Told| told.service == expected.service && expected.is(&told.symptom);
        // The one at the right time, where there are several; else the first, to show how far it is off.
        let at = left
            .iter()
            .position(|told| same(told) && expected.opened.holds(told.opened))
            .or_else(|| left.iter().position(same));
        let found = at.map(|at| left.remove(at));
        if !expected.holds(found) {
            differences.push(Difference { expected: Some(expected.shown()), happened: found.map(shown) });
        }
    }
    let of_scenario = |told: &Told| {
        told.service == "forewarn"
            || scenario
                .feeds
                .iter()
                .any(|feed| scenario.plan.services[usize::from(feed.service)].name == told.service)
    };
    if scenario.others {
        let others = left.into_iter().filter(|told| of_scenario(told));
        differences.extend(others.map(|told| Difference { expected: None, happened: Some(shown(told)) }));
    }
    differences
}

impl Window {
    fn holds(self, at: Duration) -> bool {
        match self {
            Self::Never => false,
            Self::Within(from, until) => (from..=until).contains(&at),
        }
    }

    fn agrees(self, at: Option<Duration>) -> bool {
        match at {
            None => self == Self::Never,
            Some(at) => self.holds(at),
        }
    }

    fn shown(self) -> String {
        match self {
            Self::Never => "never".to_owned(),
            Self::Within(Duration::ZERO, Duration::MAX) => "at any time".to_owned(),
            Self::Within(from, Duration::MAX) => format!("from {} on", clock(from)),
            Self::Within(Duration::ZERO, until) => format!("until {}", clock(until)),
            Self::Within(from, until) => format!("from {} to {}", clock(from), clock(until)),
        }
    }
}

impl Expected {
    /// "failing" without a reason is failing for any.
    fn is(&self, symptom: &Symptom) -> bool {
        self.symptom == *symptom
            || matches!((&self.symptom, symptom), (Symptom::Failing(None), Symptom::Failing(Some(_))))
    }

    fn holds(&self, found: Option<&Told>) -> bool {
        let Some(told) = found else { return self.opened == Window::Never };
        let unknown = told.health.iter().find(|(_, health)| *health == Health::Unknown).map(|(at, _)| *at);
        let ended = told.ended.as_ref().map(|(at, _)| *at);
        let delay = told.evidence.as_ref().map(|evidence| evidence.worst_delay);
        let k = told.evidence.as_ref().map(|evidence| evidence.k);
        self.opened.holds(told.opened)
            && self.unknown.is_none_or(|window| window.agrees(unknown))
            && self.ended.is_none_or(|window| window.agrees(ended))
            && self.delay.is_none_or(|window| window.agrees(delay))
            && self.failures.is_none_or(|(from, until)| k.is_some_and(|k| (from..=until).contains(&k)))
            && self
                .shows
                .iter()
                .all(|place| told.places.iter().any(|shown| shown.starts_with(place.as_str())))
    }

    /// In one line.
    fn shown(&self) -> String {
        let mut line = format!("{} {}: opened {}", self.service, name_of(&self.symptom), self.opened.shown());
        let windows = [("unknown", self.unknown), ("ended", self.ended), ("worst delay", self.delay)];
        for (what, window) in windows {
            if let Some(window) = window {
                let _ = write!(line, ", {what} {}", window.shown());
            }
        }
        if let Some((from, until)) = self.failures {
            let until = if until == u64::MAX { String::new() } else { until.to_string() };
            let _ = write!(line, ", {from}..{until} failures");
        }
        if !self.replicas.is_empty() {
            let _ = write!(line, ", names {}", self.replicas.join(", "));
        }
        if !self.shows.is_empty() {
            let _ = write!(line, ", shows {}", self.shows.join(", "));
        }
        line
    }
}

/// An alert in one line, with its times.
pub(super) fn shown(told: &Told) -> String {
    let mut line = format!("{} {}: opened {}", told.service, name_of(&told.symptom), clock(told.opened));
    if let Some(evidence) = &told.evidence {
        let _ =
            write!(line, " ({} of {}, worst delay {})", evidence.k, evidence.n, clock(evidence.worst_delay));
    }
    for (at, health) in &told.health {
        let word = match health {
            Health::Good => "good",
            Health::Bad => "known again",
            Health::Unknown => "unknown",
        };
        let _ = write!(line, ", {word} {}", clock(*at));
    }
    match &told.ended {
        Some((at, _)) => {
            let _ = write!(line, ", ended {}", clock(*at));
        }
        None => line.push_str(", still open"),
    }
    if !told.replicas.is_empty() {
        let _ = write!(line, ", names {}", told.replicas.join(", "));
    }
    if !told.places.is_empty() {
        let _ = write!(line, ", shows {}", told.places.join(", "));
    }
    line
}

impl Told {
    /// In one line, with its times.
    #[must_use]
    pub fn line(&self) -> String {
        shown(self)
    }
}
