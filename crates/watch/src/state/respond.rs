//! From news of a service to its alerts: what opens one, what changes it, what ends it.

use super::State;
use super::service::News;
use crate::alert::book::{Case, Kind, Opening};
use crate::alert::{Alert, Evidence, Health, Symptom};
use crate::burn::Burnt;
use crate::detect::Crossing;
use crate::guard::Signal;
use crate::plan::Plan;
use crate::time::At;

impl State {
    /// Opens, changes and ends alerts as the news of a service say.
    pub(super) fn respond(&mut self, plan: &Plan, at: At, place: usize, news: &[News]) {
        let leading = leading_reason(news);
        for news in news {
            match news {
                News::Crossed(signal, crossing) => {
                    let about = if matches!(signal, Signal::Reason(_)) { leading } else { *signal };
                    self.crossed(plan, at, place, (*signal, about), crossing);
                }
                News::Over(signal, boundary) => self.over(at, place, *signal, *boundary),
                News::ReplicaCrossed(crossing) => self.replica_crossed(plan, at, place, crossing),
                News::ReplicaOver => self.settle_replicas(at, place),
                News::Burns(burnt) => self.burns(at, place, burnt),
                News::BurnsNoMore => {
                    let service = &self.services[place].outline.name;
                    self.book.end(at, service, &Kind::Burning, "the short window burns no longer");
                }
                News::Known(known) => self.set_known(at, place, *known),
            }
        }
        self.see_replicas(place);
    }

    fn crossed(
        &mut self,
        plan: &Plan,
        at: At,
        place: usize,
        (signal, about): (Signal, Signal),
        crossing: &Crossing,
    ) {
        let service = &self.services[place];
        let symptom = service.symptom(about);
        let kind = Kind::of(signal);
        let name = service.outline.name.clone();
        if self.book.find(&name, &kind).is_some() {
            self.book.change(&name, &kind, |alert| alert.sharpen(symptom));
            return;
        }
        let evidence = service.evidence(plan, signal, crossing);
        let since = crossing.since;
        let opening = Opening { service: name, kind, symptom, since, evidence: Some(evidence) };
        self.book.open(at, opening, &self.known);
    }

    fn over(&mut self, at: At, place: usize, signal: Signal, boundary: f64) {
        let service = &self.services[place];
        let kind = Kind::of(signal);
        if service.trials.iter().any(|trial| trial.is_bad() && Kind::of(trial.signal) == kind) {
            return;
        }
        let guard = service.trials.iter().find(|trial| trial.signal == signal);
        let guard = guard.and_then(|trial| trial.guard.as_ref()).map_or(0.0, |guard| guard.at(at));
        let why = match signal {
            Signal::Traffic => format!("above {boundary:.3} a second again; the guard is {guard:.3}"),
            _ => format!("below {} again; the guard is {}", model::percent(boundary), model::percent(guard)),
        };
        self.book.end(at, &service.outline.name, &kind, &why);
        if kind == Kind::Failing {
            self.keep_replicas(place);
        }
    }

    /// A target that was only named in an alert about the whole service would be told of no more when that
    /// ends: its test begins anew, so that one that is still bad has an alert of its own within seconds, and
    /// one whose end merely takes longer to show than that of all together has none.
    fn keep_replicas(&mut self, place: usize) {
        let Some(service) = self.services.get_mut(place) else { return };
        let name = &service.outline.name;
        let kinds = [Kind::Failing, Kind::Replicas];
        if !kinds.iter().any(|kind| self.book.find(name, kind).is_some()) {
            service.targets.test_anew();
        }
    }

    fn replica_crossed(&mut self, plan: &Plan, at: At, place: usize, crossing: &Crossing) {
        let service = &self.services[place];
        let name = service.outline.name.clone();
        let bad: Vec<String> = service.targets.bad().map(|target| target.name.clone()).collect();
        if self.book.find(&name, &Kind::Failing).is_some() {
            self.book.change(&name, &Kind::Failing, |alert| alert.name_replicas(&bad));
            return;
        }
        if self.book.find(&name, &Kind::Replicas).is_some() {
            self.book.change(&name, &Kind::Replicas, |alert| alert.name_replicas(&bad));
            return;
        }
        let evidence = service.replica_evidence(plan, crossing);
        let opening = Opening {
            service: name,
            kind: Kind::Replicas,
            symptom: Symptom::ReplicaFailing,
            since: crossing.since,
            evidence: Some(evidence),
        };
        self.book.open(at, opening, &self.known).replicas = bad;
    }

    /// Ends the alert about single targets when none is bad any more.
    pub(super) fn settle_replicas(&mut self, at: At, place: usize) {
        let Some(service) = self.services.get(place) else { return };
        if service.targets.bad().next().is_none() {
            let why = "each of its targets is good again, or is no longer listed";
            self.book.end(at, &service.outline.name, &Kind::Replicas, why);
        }
    }

    /// An alert about single targets is unknown while all of them are silent.
    fn see_replicas(&mut self, place: usize) {
        let Some(service) = self.services.get(place) else { return };
        if service.unknown || service.targets.bad().next().is_none() {
            return;
        }
        let silent = service.targets.bad().all(|target| target.baseline.is_blind());
        let health = if silent { Health::Unknown } else { Health::Bad };
        self.book.set_health(&service.outline.name, health, |case| case.kind == Kind::Replicas);
    }

    fn burns(&mut self, at: At, place: usize, burnt: &Burnt) {
        let service = &self.services[place];
        let name = service.outline.name.clone();
        let symptom = Symptom::Burning(burnt.burn);
        let evidence = Evidence::from(burnt);
        if self.book.find(&name, &Kind::Burning).is_some() {
            self.book.change(&name, &Kind::Burning, |alert| {
                alert.evidence = Some(evidence);
                alert.sharpen(symptom)
            });
            return;
        }
        let since = at;
        let opening =
            Opening { service: name, kind: Kind::Burning, symptom, since, evidence: Some(evidence) };
        self.book.open(at, opening, &self.known);
    }

    fn set_known(&mut self, at: At, place: usize, known: bool) {
        let service = &self.services[place];
        let name = &service.outline.name;
        let health = if known { Health::Bad } else { Health::Unknown };
        let has_intake = service.has_intake();
        let is_of = |case: &Case| {
            if has_intake { case.kind.is_seen_by_looks() } else { case.kind == Kind::Probe }
        };
        self.book.set_health(name, health, is_of);
        if known {
            self.book.end(at, name, &Kind::Blind, "its inputs speak again");
        }
    }

    /// Tells of services that have been silent for long. One with an open alert is told of there.
    pub(super) fn open_blind(&mut self, at: At) {
        for service in &self.services {
            let heard = service.heard();
            // What the plan does not have is not looked at either.
            if service.place.is_none() || at.since(heard) < service.patience() {
                continue;
            }
            let name = &service.outline.name;
            let is_told = |case: &Case| {
                case.alert.service == *name && (case.kind.is_trouble() || case.kind == Kind::Blind)
            };
            if self.book.open_cases().any(is_told) {
                continue;
            }
            let opening = Opening {
                service: name.clone(),
                kind: Kind::Blind,
                symptom: Symptom::Blind,
                since: heard,
                evidence: None,
            };
            self.book.open(at, opening, &self.known).health = Health::Unknown;
        }
    }

    /// Ends what a new plan no longer watches or tests.
    pub(super) fn settle_plan(&mut self, at: At) {
        let services = &self.services;
        let of = |case: &Case| services.iter().find(|service| service.outline.name == case.alert.service);
        let watched = |case: &Case| of(case).is_some_and(|service| service.place.is_some());
        self.book.end_where(at, "the service is no longer watched", |case| {
            (case.kind.is_trouble() || case.kind == Kind::Blind) && !watched(case)
        });
        self.book.end_where(at, "what is tested has changed: the test begins anew", |case| {
            let Some(service) = of(case) else { return false };
            match case.kind {
                Kind::Replicas => service.targets.bad().next().is_none(),
                Kind::Burning => !service.burns(),
                Kind::Failing | Kind::Slow | Kind::PileUp | Kind::Traffic | Kind::Probe => {
                    let is_bad = |kind: &Kind| {
                        let mut trials = service.trials.iter();
                        trials.any(|trial| trial.is_bad() && Kind::of(trial.signal) == *kind)
                    };
                    !is_bad(&case.kind)
                }
                Kind::Blind | Kind::Findings(_) | Kind::Overdue => false,
                Kind::Hindered(_) | Kind::Refuses(_) => false,
            }
        });
        for place in 0..self.services.len() {
            self.keep_replicas(place);
        }
    }
}

/// Of the reasons that crossed at one look the one with the most failures: it names the alert.
fn leading_reason(news: &[News]) -> Signal {
    let reasons = news.iter().filter_map(|news| match news {
        News::Crossed(signal @ Signal::Reason(_), crossing) => Some((crossing.k, *signal)),
        _ => None,
    });
    reasons.max_by_key(|(k, _)| *k).map_or(Signal::Failures, |(_, signal)| signal)
}

impl Kind {
    /// The kind of trouble that a test finds.
    fn of(signal: Signal) -> Self {
        match signal {
            Signal::Failures | Signal::Reason(_) => Self::Failing,
            Signal::Slow => Self::Slow,
            Signal::PileUp(_) => Self::PileUp,
            Signal::Traffic => Self::Traffic,
            Signal::Probe => Self::Probe,
        }
    }
}

impl Alert {
    /// Says more exactly what it is about, where it is known now; whether it is.
    fn sharpen(&mut self, symptom: Symptom) -> bool {
        let sharper = match (&self.symptom, &symptom) {
            (Symptom::Failing(None), Symptom::Failing(Some(_))) => true,
            // The most urgent pair comes first.
            (Symptom::Burning(told), Symptom::Burning(now)) => now < told,
            _ => false,
        };
        if sharper {
            self.symptom = symptom;
        }
        sharper
    }

    /// Names the targets that are bad. It is news when they are twice as many as were named before, so
    /// that a fault that goes round is not told once for each.
    fn name_replicas(&mut self, bad: &[String]) -> bool {
        let many = bad.len() >= 2 * self.replicas.len().max(1) || self.replicas.is_empty();
        if many {
            self.replicas = bad.to_vec();
        }
        many
    }
}
