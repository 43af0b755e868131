//! Runs a scenario: inputs become entries of a journal on virtual time, and what is told is written down.

use std::time::Duration;

use super::{Feed, Scenario};
use crate::alert::{Alert, Effect, Evidence, Health, Notice, Silence, Symptom};
use crate::journal::{Entry, Input, Reading, Said, Why};
use crate::plan::{Access, Channel, ChannelKind, Intake, Plan};
use crate::tally::Tally;
use crate::time::At;
use crate::{State, step};

/// Where a scenario begins: a Monday, 00:00 UTC, so that the hours of the week are those of the clock.
const START: At = At(4 * 86_400_000);

/// An alert that was told.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Its number.
    pub id: u64,
    /// The service.
    pub service: String,
    /// What it is about.
    pub symptom: Symptom,
    /// When it was told first, from the start on.
    pub opened: Duration,
    /// The counts that opened it.
    pub evidence: Option<Evidence>,
    /// Targets that it named.
    pub replicas: Vec<String>,
    /// Places that it showed: of findings and of changed settings.
    pub places: Vec<String>,
    /// When what is known of it changed, and to what.
    pub health: Vec<(Duration, Health)>,
    /// When it ended, and why that is believed.
    pub ended: Option<(Duration, String)>,
}

/// Runs a scenario; gives the alerts that it told, in the order that they were opened.
#[must_use]
pub fn run(scenario: &Scenario) -> Vec<Told> {
    let mut world = World::new(scenario);
    world.begin(&scenario.feeds);
    let looks = scenario.length.as_millis() / scenario.plan.look.as_millis().max(1);
    for look in 0..=usize::try_from(looks).unwrap_or(usize::MAX) {
        world.look(scenario, look);
    }
    world.told
}

/// The watch, and the world that it is told about and tells.
struct World {
    plan: Plan,
    state: State,
    at: At,
    /// Whether anything came in at this moment.
    heard: bool,
    told: Vec<Told>,
    /// What logs had counted at the look before, by feed and target.
    read: Vec<Vec<Option<Tally>>>,
    /// How many walks of each feed's probe ended.
    walked: Vec<usize>,
    audited: usize,
    restarted: usize,
    silenced: usize,
}

impl World {
    fn new(scenario: &Scenario) -> Self {
        let mut plan = scenario.plan.clone();
        // One channel that takes everything: how a channel fares is not what a scenario is about.
        let access = Access::default();
        let kind = ChannelKind::Lines("-".to_owned());
        plan.channels =
            vec![Channel { name: "scenario".to_owned(), kind, access, timeout: Duration::from_secs(1) }];
        plan.heartbeat = None;
        if scenario.audits.is_empty() {
            plan.audit = None;
        }
        Self {
            plan,
            state: State::default(),
            at: START,
            heard: false,
            told: Vec::new(),
            read: scenario.feeds.iter().map(|feed| vec![None; feed.targets.len()]).collect(),
            walked: vec![0; scenario.feeds.len()],
            audited: 0,
            restarted: 0,
            silenced: 0,
        }
    }

    fn begin(&mut self, feeds: &[Feed]) {
        self.tell(Input::Started(self.plan.outlines()));
        for feed in feeds {
            let service = feed.service;
            if !feed.targets.is_empty() {
                let targets = feed.targets.iter().map(|target| target.name.clone()).collect();
                self.tell(Input::Targets { service, targets });
            }
            if !feed.learnt.is_empty() {
                self.tell(Input::Learnt { service, guards: feed.learnt.clone() });
            }
        }
    }

    /// Everything that comes in at one look.
    fn look(&mut self, scenario: &Scenario, look: usize) {
        let passed = self.plan.look.saturating_mul(u32::try_from(look).unwrap_or(u32::MAX));
        self.at = START.after(passed);
        self.heard = false;
        while scenario.restarts.get(self.restarted).is_some_and(|at| *at <= passed) {
            self.restarted += 1;
            self.tell(Input::Started(self.plan.outlines()));
        }
        while let Some((_, audited)) = scenario.audits.get(self.audited).filter(|(at, _)| *at <= passed) {
            self.audited += 1;
            self.tell(Input::Audited(audited.clone()));
        }
        while let Some((from, until, service, reason)) =
            scenario.silences.get(self.silenced).filter(|(from, ..)| *from <= passed)
        {
            self.silenced += 1;
            self.tell(Input::Silenced(Silence {
                id: self.silenced as u64,
                service: service.clone(),
                from: START.after(*from),
                until: START.after(*until),
                reason: reason.clone(),
                by: "scenario".to_owned(),
            }));
        }
        for (place, feed) in scenario.feeds.iter().enumerate() {
            self.read_targets(place, feed, look);
            self.walk(place, feed, passed);
        }
        if !self.heard {
            self.tell(Input::Tick);
        }
    }

    fn read_targets(&mut self, place: usize, feed: &Feed, look: usize) {
        if feed.targets.is_empty() {
            return;
        }
        let is_log = matches!(self.plan.services[usize::from(feed.service)].intake, Intake::Log(_));
        let mut readings = Vec::with_capacity(feed.targets.len());
        for (target, (at, was)) in (0..).zip(feed.targets.iter().zip(&mut self.read[place])) {
            let said = match at.totals.get(look).and_then(Option::as_ref) {
                None => Said::Nothing(if is_log { Why::NoFile } else { Why::Connect }),
                Some(totals) if is_log => {
                    let nothing = || Tally::empty(totals.failed.len(), totals.piled.len());
                    let mut tally = nothing();
                    was.get_or_insert_with(nothing).advance(totals, &mut tally);
                    Said::Since { tally, position: look.to_le_bytes().to_vec() }
                }
                Some(totals) => Said::Totals(totals.clone()),
            };
            readings.push(Reading { target, said });
        }
        self.tell(Input::Look { service: feed.service, readings });
    }

    fn walk(&mut self, place: usize, feed: &Feed, passed: Duration) {
        let Some(probe) = &self.plan.services[usize::from(feed.service)].probe else { return };
        let every = probe.every;
        while let Some(walk) = feed.walks.get(self.walked[place]) {
            let due = every.saturating_mul(u32::try_from(self.walked[place] + 1).unwrap_or(u32::MAX));
            if due > passed {
                return;
            }
            self.walked[place] += 1;
            self.tell(Input::Walked { service: feed.service, walk: walk.clone() });
        }
    }

    /// Gives an entry to the watch, and takes every notice at once.
    fn tell(&mut self, input: Input) {
        self.heard = true;
        let mut entries = vec![Entry { at: self.at, input }];
        while let Some(entry) = entries.pop() {
            let mut effects: Vec<Effect> = Vec::new();
            step(&self.plan, &mut self.state, &entry, &mut effects);
            for effect in effects {
                self.note(effect.notice);
                entries.push(Entry {
                    at: self.at,
                    input: Input::Delivered { key: effect.key, outcome: Ok(()) },
                });
            }
        }
    }

    fn note(&mut self, notice: Notice) {
        let now = self.at.since(START);
        let (alert, ended) = match notice {
            Notice::Opened(alert) | Notice::Changed(alert) | Notice::Again(alert) => (alert, false),
            Notice::Ended(alert) => (alert, true),
        };
        let at = match self.told.iter().position(|told| told.id == alert.id) {
            Some(at) => at,
            None => {
                self.told.push(Told {
                    id: alert.id,
                    service: alert.service.clone(),
                    symptom: alert.symptom.clone(),
                    opened: now,
                    evidence: alert.evidence.clone(),
                    replicas: Vec::new(),
                    places: Vec::new(),
                    health: Vec::new(),
                    ended: None,
                });
                self.told.len() - 1
            }
        };
        let told = &mut self.told[at];
        let new = |list: &[String], found: Vec<String>| -> Vec<String> {
            found.into_iter().filter(|one| !list.contains(one)).collect()
        };
        let (places, replicas) =
            (new(&told.places, places(&alert)), new(&told.replicas, alert.replicas.clone()));
        told.places.extend(places);
        told.replicas.extend(replicas);
        if ended {
            told.ended = Some((now, alert.ended.map(|(_, why)| why).unwrap_or_default()));
        } else if told.health.last().map_or(Health::Bad, |(_, health)| *health) != alert.health {
            told.health.push((now, alert.health));
        }
    }
}

fn places(alert: &Alert) -> Vec<String> {
    let findings = alert.findings.iter().map(|finding| finding.place.clone());
    let changes =
        alert.changes.iter().map(|change| format!("{}:{}", change.setting.path, change.setting.line));
    findings.chain(changes).collect()
}
