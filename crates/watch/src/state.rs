//! The state of the watch, and the one function that moves it.

mod evidence;
mod respond;
mod service;
mod targets;
mod trial;
mod view;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use service::Walks;
pub use targets::MOST_REPLICA_TESTS;
pub use view::{ServiceView, TargetView, TestView, Waiting};

use crate::alert::book::{Book, Kind, Opening};
use crate::alert::outbox::{Delivery, Outbox};
use crate::alert::{Alert, Effect, OWN, Silence, Symptom};
use crate::audits::{Audited, Change, Known, OpenFinding};
use crate::budget;
use crate::journal::{Entry, Input, Outline};
use crate::plan::Plan;
use crate::silence::Silences;
use crate::time::At;
use service::Service;

/// What time alone brings about is looked at so often.
const TURN: Duration = Duration::from_millis(250);
/// After a start an audit has so long before it is missed.
const GRACE: Duration = Duration::from_secs(60);

/// Everything that the watch knows, as the journal made it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    /// The moment of the last entry; never earlier than one before it.
    now: At,
    /// When the watch last began; nothing before its first entry.
    begun: Option<At>,
    /// What time alone brings about is looked at then.
    turn: At,
    /// In the order of the last [`Input::Started`].
    services: Vec<Service>,
    book: Book,
    outbox: Outbox,
    silences: Silences,
    known: Known,
    /// When the first audit was awaited.
    awaiting: Option<At>,
}

/// Moves the state by one entry; what is to be done is appended to `effects`, and stays in the outbox of
/// the state until its delivery is journaled.
///
/// The plan is taken over by [`Input::Started`]. Between two of them it must stay what it is.
pub fn step(plan: &Plan, state: &mut State, entry: &Entry, effects: &mut Vec<Effect>) {
    let at = state.now.max(entry.at);
    state.now = at;
    if state.begun.is_none() && !matches!(entry.input, Input::Started(_)) {
        state.begin(plan, at, &plan.outlines(), effects);
    }
    match &entry.input {
        Input::Started(outlines) => state.begin(plan, at, outlines, effects),
        Input::ClockSet(moved) => state.set_clock(*moved),
        Input::Targets { service, targets } => {
            if let Some(service) = state.services.get_mut(usize::from(*service)) {
                service.targets.list(targets);
            }
            state.settle_replicas(at, usize::from(*service));
        }
        Input::Look { service, readings } => {
            let mut news = Vec::new();
            let service = usize::from(*service);
            if let Some(service) = state.services.get_mut(service) {
                service.look(at, readings, &mut news);
            }
            state.respond(plan, at, service, &news);
        }
        Input::Walked { service, walk } => {
            let mut news = Vec::new();
            let service = usize::from(*service);
            if let Some(service) = state.services.get_mut(service) {
                service.walked(at, walk, &mut news);
            }
            state.respond(plan, at, service, &news);
        }
        Input::Learnt { service, guards } => {
            if let Some(service) = state.services.get_mut(usize::from(*service)) {
                service.learn(guards);
            }
        }
        Input::Audited(audited) => state.take_audit(at, audited),
        Input::Delivered { key, outcome } => match state.outbox.delivered(at, *key, outcome, effects) {
            Delivery::AsBefore => {}
            Delivery::Fails(channel, why) => {
                let what = format!("the channel `{channel}` takes nothing: {why}");
                state.hinder(at, Kind::Refuses(channel), what);
            }
            Delivery::Drops(channel, why) => {
                let what =
                    format!("the channel `{channel}` refuses a notice for good, which is dropped: {why}");
                state.hinder(at, Kind::Refuses(channel), what);
            }
            Delivery::Works(channel) => {
                state.book.end(at, OWN, &Kind::Refuses(channel), "it takes notices again");
            }
        },
        Input::Silenced(silence) => {
            state.silences.add(silence);
            state.book.stir();
        }
        Input::Unsilenced(id) => {
            state.silences.end(*id);
            state.book.stir();
        }
        Input::Hindered { what, over: false } => state.hinder(at, Kind::Hindered(what.clone()), what.clone()),
        Input::Hindered { what, over: true } => {
            state.book.end(at, OWN, &Kind::Hindered(what.clone()), "it is over")
        }
        Input::Tick => {}
    }
    if at >= state.turn {
        state.turn = at.after(TURN);
        state.pass_time(plan, at, effects);
    }
    state.book.tell(at, &state.silences, &mut state.outbox, effects);
}

impl State {
    /// Takes over a plan, and the services that later entries name.
    fn begin(&mut self, plan: &Plan, at: At, outlines: &[Outline], effects: &mut Vec<Effect>) {
        let budget = budget::split(plan);
        let mut earlier = std::mem::take(&mut self.services);
        self.services = outlines
            .iter()
            .map(|outline| {
                let place = earlier.iter().position(|service| service.outline.name == outline.name);
                let earlier = place.map(|place| earlier.swap_remove(place));
                Service::begin(at, outline, plan, &budget, earlier)
            })
            .collect();
        self.settle_plan(at);
        self.begun = Some(at);
        self.turn = at;
        if plan.audit.is_some() {
            self.awaiting.get_or_insert(at);
        } else {
            self.awaiting = None;
        }
        self.outbox.begin(at, &plan.channels, effects);
    }

    /// The wall clock was set: lengths that are under way are what they were.
    fn set_clock(&mut self, moved: i64) {
        // A clock that was set back leaves `at` where it is until it is reached again.
        let Ok(moved) = u64::try_from(moved) else { return };
        let moved = |at: At| At(at.0.saturating_add(moved));
        for service in &mut self.services {
            service.shift(moved);
        }
        self.known.shift(moved);
        self.begun = self.begun.map(moved);
        self.awaiting = self.awaiting.map(moved);
    }

    fn take_audit(&mut self, at: At, audited: &Audited) {
        let stopped = Kind::Hindered("audit".to_owned());
        if let Some(why) = &audited.stopped {
            self.hinder(at, stopped, format!("the audit was stopped: {why}"));
            return;
        }
        self.book.end(at, OWN, &stopped, "an audit was run to its end");
        self.book.end(at, OWN, &Kind::Overdue, "an audit was run");
        let new = self.known.take(at, audited);
        let known = &self.known;
        self.book.end_where(at, "no longer found", |case| match &case.kind {
            Kind::Findings(hashes) => !hashes.iter().any(|hash| known.has_finding(hash)),
            _ => false,
        });
        self.book.attach(&self.known);
        // A note is worth knowing, not worth a page; it stands in alerts of its service all the same.
        let told: Vec<OpenFinding> = new.into_iter().filter(|finding| finding.level != "note").collect();
        if !told.is_empty() {
            self.tell_findings(at, told);
        }
    }

    /// Opens one alert of all findings that an audit has for the first time.
    fn tell_findings(&mut self, at: At, found: Vec<OpenFinding>) {
        /// So many findings stand in one notice; the number of all of them does always.
        const MOST: usize = 50;
        let first = &found[0];
        let same = |name: &String| found.iter().all(|finding| finding.services.contains(name));
        let service = first.services.iter().find(|name| same(name)).map_or(OWN, String::as_str).to_owned();
        let symptom = match found.len() {
            1 => Symptom::Finding(first.rule.clone()),
            many => Symptom::Finding(format!("{many} findings")),
        };
        let hashes = found.iter().map(|finding| finding.hash.clone()).collect();
        let kind = Kind::Findings(hashes);
        let opening = Opening { service, kind, symptom, since: at, evidence: None };
        let alert = self.book.open(at, opening, &self.known);
        alert.findings = found;
        alert.findings.truncate(MOST);
    }

    fn hinder(&mut self, at: At, kind: Kind, what: String) {
        if self.book.find(OWN, &kind).is_none() {
            let symptom = Symptom::Hindered(what);
            let opening = Opening { service: OWN.to_owned(), kind, symptom, since: at, evidence: None };
            self.book.open(at, opening, &self.known);
        }
    }

    /// What time alone brings about.
    fn pass_time(&mut self, plan: &Plan, at: At, effects: &mut Vec<Effect>) {
        if self.silences.turn(at) {
            self.book.stir();
        }
        self.open_blind(at);
        self.miss_audit(plan, at);
        self.book.tell(at, &self.silences, &mut self.outbox, effects);
        self.outbox.turn(at, effects);
        self.outbox.again(at, self.book.told(at, &self.silences), effects);
    }

    fn miss_audit(&mut self, plan: &Plan, at: At) {
        let (Some(schedule), Some(awaiting), Some(begun)) = (&plan.audit, self.awaiting, self.begun) else {
            return;
        };
        let last = self.known.audited().unwrap_or(awaiting);
        let missed = at.since(last) > schedule.overdue && at.since(begun) >= GRACE.min(schedule.overdue);
        if missed && self.book.find(OWN, &Kind::Overdue).is_none() {
            let opening = Opening {
                service: OWN.to_owned(),
                kind: Kind::Overdue,
                symptom: Symptom::AuditOverdue,
                since: last,
                evidence: None,
            };
            self.book.open(at, opening, &self.known);
        }
    }

    /// The moment of the last entry.
    #[must_use]
    pub fn now(&self) -> At {
        self.now
    }

    /// The alerts that are open, the oldest first.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.book.open_cases().map(|case| &case.alert)
    }

    /// The last alerts that ended, the newest last.
    pub fn ended(&self) -> impl ExactSizeIterator<Item = &Alert> {
        self.book.ended()
    }

    /// The effects whose delivery is not journaled. After a restart [`Input::Started`] hands them out
    /// again by itself.
    pub fn outbox(&self) -> impl Iterator<Item = &Effect> {
        self.outbox.undelivered()
    }

    /// How many effects were dropped, as too many waited or their channel is no longer in the plan.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.outbox.dropped()
    }

    /// The silences that hold, or will.
    #[must_use]
    pub fn silences(&self) -> &[Silence] {
        self.silences.as_slice()
    }

    /// The number of the next silence: one that no silence ever had.
    #[must_use]
    pub fn next_silence(&self) -> u64 {
        self.silences.next()
    }

    /// What the last audit found.
    #[must_use]
    pub fn findings(&self) -> &[OpenFinding] {
        self.known.findings()
    }

    /// The settings that were changed, the newest first.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        self.known.changes()
    }

    /// When the last audit was run that was not stopped.
    #[must_use]
    pub fn audited(&self) -> Option<At> {
        self.known.audited()
    }
}

#[cfg(test)]
mod tests;
