//! One service under watch: its targets, its tests, its probe and its budget. A look or a walk goes in,
//! and what it showed comes out as news; what people are told is decided elsewhere.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::targets::{MOST_REPLICA_TESTS, ReplicaGuard, ReplicaVerdict, Targets, failures};
use super::trial::{Sample, Trial, Verdict};
use crate::alert::Health;
use crate::budget::Budget;
use crate::burn::{Burning, Burnt, Turn};
use crate::detect::Crossing;
use crate::guard::{Learnt, Signal};
use crate::journal::{Fault, Outline, Reading, Walk};
use crate::plan::{Intake, Plan, Watched};
use crate::tally::Tally;
use crate::time::At;
use crate::window::BLIND_LOOKS;

/// A service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Service {
    pub(super) outline: Outline,
    /// Its place in the plan; none where the plan has no such service, or one whose readings are made of
    /// other things. Then it is read, and nothing is tested.
    pub(super) place: Option<u16>,
    /// Which reasons count.
    counts: Vec<bool>,
    pub(super) targets: Targets,
    pub(super) trials: Vec<Trial>,
    /// The logarithm of the evidence that would be enough for a replica, if it were the only one.
    pub(super) replica_threshold: f64,
    traffic: Traffic,
    burning: Option<Box<Budgeted>>,
    /// All that was ever counted.
    pub(super) total: Tally,
    pub(super) walks: Walks,
    /// Nothing is known of it.
    pub(super) unknown: bool,
    /// Silence is counted from here on, where nothing was heard later.
    pub(super) since: At,
    /// How often it is looked at, or walked through where nothing else is known of it.
    every: Duration,
    /// How often its probe walks.
    probe_every: Duration,
    /// It has inputs beside its probe.
    has_intake: bool,
}

/// Requests since the last look to which every target said something.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Traffic {
    k: u64,
    from: Option<At>,
}

/// An objective and how its budget burns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Budgeted {
    good: f64,
    burning: Burning,
}

/// Walks of the probe.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Walks {
    /// Those that said something about the service.
    pub ended: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Those that Forewarn itself could not walk.
    pub ours: u64,
    /// When one last said something.
    pub(super) heard: Option<At>,
    /// How many in a row said nothing.
    silent: u32,
    /// The step at which the last one failed.
    pub(super) step: Option<u16>,
}

/// What a look or a walk showed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum News {
    /// A test crossed.
    Crossed(Signal, Crossing),
    /// What a test had found is over; on the good side of this.
    Over(Signal, f64),
    /// A test of a single target crossed.
    ReplicaCrossed(Crossing),
    /// What was found of a single target is over.
    ReplicaOver,
    /// A budget burns, or faster.
    Burns(Burnt),
    /// It burns no more.
    BurnsNoMore,
    /// Nothing is known any more, or something is again.
    Known(bool),
}

impl Service {
    /// A service of the journal, with what is known of it under the same name from before.
    pub(super) fn begin(
        at: At,
        outline: &Outline,
        plan: &Plan,
        budget: &Budget,
        earlier: Option<Self>,
    ) -> Self {
        let place = plan.services.iter().position(|watched| {
            let now = watched.outline();
            now.name == outline.name && now.same_readings(outline)
        });
        let mut service = Self {
            outline: outline.clone(),
            place: place.and_then(|place| u16::try_from(place).ok()),
            counts: Vec::new(),
            targets: Targets::default(),
            trials: Vec::new(),
            replica_threshold: f64::INFINITY,
            traffic: Traffic::default(),
            burning: None,
            total: Tally::empty(outline.reasons.len(), outline.pile_up.len()),
            walks: Walks::default(),
            unknown: true,
            since: at,
            every: plan.look,
            probe_every: plan.look,
            has_intake: true,
        };
        if let Some(place) = place {
            service.adopt(&plan.services[place], place, budget);
        }
        if let Some(earlier) = earlier {
            service.inherit(earlier);
        }
        service
    }

    fn adopt(&mut self, watched: &Watched, place: usize, budget: &Budget) {
        self.counts = watched.reasons.iter().map(|reason| reason.counts).collect();
        self.has_intake = watched.intake != Intake::None;
        if let Some(probe) = &watched.probe {
            self.probe_every = probe.every;
            if !self.has_intake {
                self.every = probe.every;
            }
        }
        for (signal, source) in watched.guards() {
            let threshold = budget.threshold(place, signal);
            // A test without a part of the budget is no test.
            if threshold.is_finite() {
                self.trials.push(Trial::new(signal, threshold, source));
            }
        }
        self.replica_threshold = budget.replica_threshold(place, 1);
        self.burning = watched
            .objective
            .map(|objective| Box::new(Budgeted { good: objective.good, burning: Burning::default() }));
    }

    fn inherit(&mut self, earlier: Self) {
        self.targets = earlier.targets;
        self.walks = earlier.walks;
        self.unknown = earlier.unknown;
        if !earlier.outline.same_readings(&self.outline) {
            self.targets.begin_anew();
            return;
        }
        self.total = earlier.total;
        self.traffic = earlier.traffic;
        let mut trials = earlier.trials;
        for trial in &mut self.trials {
            if let Some(place) = trials.iter().position(|earlier| earlier.signal == trial.signal) {
                trial.inherit(trials.swap_remove(place));
            }
        }
        if let (Some(now), Some(earlier)) = (&mut self.burning, earlier.burning) {
            now.burning = earlier.burning;
        }
    }

    /// One look: what each target said.
    pub(super) fn look(&mut self, at: At, readings: &[Reading], news: &mut Vec<News>) {
        if let Some(looked) = self.targets.looked
            && at.since(looked) > 2 * self.every
        {
            self.targets.lost.late += 1;
        }
        let from = self.targets.heard.unwrap_or(at);
        let mut replicas = Vec::new();
        let guard = self.trials.iter().find(|trial| trial.signal == Signal::Failures);
        let threshold = self.replica_threshold + (self.targets.len().max(1) as f64).ln();
        let guard =
            guard.and_then(|trial| trial.guard.as_ref()).map(|guard| ReplicaGuard { guard, threshold });
        let heard = self.targets.look((at, self.every), readings, &self.counts, guard, &mut replicas);
        self.note_known(!self.targets.is_blind(), heard.anything, news);
        news.extend(replicas.into_iter().map(|ReplicaVerdict { verdict, .. }| match verdict {
            Verdict::Crossed(crossing) => News::ReplicaCrossed(crossing),
            Verdict::Over(_) => News::ReplicaOver,
        }));
        let came = &self.targets.sum;
        if came.requests > 0 || came.timed > 0 {
            self.total.add(came);
            let failed = failures(came, &self.counts);
            if let Some(budgeted) = &mut self.burning {
                match budgeted.burning.add(at, failed, came.requests, budgeted.good) {
                    None => {}
                    Some(Turn::Burns(burnt)) => news.push(News::Burns(burnt)),
                    Some(Turn::Over) => news.push(News::BurnsNoMore),
                }
            }
            self.test(from, at, news);
        }
        self.count_traffic(at, heard.everything, heard.lost, news);
    }

    /// Tests what came since the last look.
    fn test(&mut self, from: At, at: At, news: &mut Vec<News>) {
        let came = &self.targets.timely;
        let failed = failures(came, &self.counts);
        for trial in &mut self.trials {
            let (k, n) = match trial.signal {
                Signal::Failures => (failed, came.requests),
                Signal::Reason(place) => (at_place(&came.failed, place), came.requests),
                Signal::Slow => (came.slow, came.timed),
                Signal::PileUp(place) => (at_place(&came.piled, place), came.timed),
                Signal::Traffic | Signal::Probe => continue,
            };
            if let Some(verdict) = trial.look(&Sample { from, at, k, n }) {
                news.push(News::of(trial.signal, verdict));
            }
        }
    }

    /// Tests the traffic when every target has said what came since they all last did: a part of the
    /// targets would look like a drop.
    fn count_traffic(&mut self, at: At, everything: bool, lost: bool, news: &mut Vec<News>) {
        let Some(trial) = self.trials.iter_mut().find(|trial| trial.signal == Signal::Traffic) else {
            return;
        };
        if lost {
            self.traffic = Traffic { k: 0, from: None };
            return;
        }
        self.traffic.k = self.traffic.k.saturating_add(self.targets.sum.requests);
        if !everything {
            return;
        }
        let Traffic { k, from } = std::mem::replace(&mut self.traffic, Traffic { k: 0, from: Some(at) });
        if let Some(from) = from
            && let Some(verdict) = trial.look(&Sample { from, at, k, n: 0 })
        {
            news.push(News::of(Signal::Traffic, verdict));
        }
    }

    /// A walk of the probe ended.
    pub(super) fn walked(&mut self, at: At, walk: &Walk, news: &mut Vec<News>) {
        if let Some((_, Fault::Ours)) = walk.failed {
            self.walks.ours += 1;
            self.walks.silent = self.walks.silent.saturating_add(1);
            if !self.has_intake {
                self.note_known(self.walks.silent < BLIND_LOOKS, false, news);
            }
            return;
        }
        let from = self.walks.heard.unwrap_or(at);
        self.walks.ended += 1;
        self.walks.silent = 0;
        self.walks.heard = Some(at);
        if let Some((step, _)) = walk.failed {
            self.walks.failed += 1;
            self.walks.step = Some(step);
        }
        if !self.has_intake {
            self.note_known(true, true, news);
        }
        let failed = u64::from(walk.failed.is_some());
        if let Some(trial) = self.trials.iter_mut().find(|trial| trial.signal == Signal::Probe)
            && let Some(verdict) = trial.look(&Sample { from, at, k: failed, n: 1 })
        {
            news.push(News::of(Signal::Probe, verdict));
        }
    }

    /// Becomes known by anything usable, and unknown when nothing was for several looks.
    fn note_known(&mut self, known: bool, heard: bool, news: &mut Vec<News>) {
        let unknown = if self.unknown { !heard } else { !known };
        if unknown != self.unknown {
            self.unknown = unknown;
            news.push(News::Known(!unknown));
        }
    }

    /// Takes over guards that were learnt; one that is stated stays. A reason without a guard of its own
    /// follows that of all failures.
    pub(super) fn learn(&mut self, guards: &[Learnt]) {
        let learnt = |signal: Signal| guards.iter().find(|learnt| learnt.signal == signal);
        for trial in self.trials.iter_mut().filter(|trial| trial.is_learnt()) {
            if let Some(learnt) = learnt(trial.signal) {
                trial.guard = Some(learnt.guard.clone());
                trial.follows = false;
            } else if matches!(trial.signal, Signal::Reason(_))
                && (trial.guard.is_none() || trial.follows)
                && let Some(learnt) = learnt(Signal::Failures)
            {
                trial.guard = Some(learnt.guard.clone());
                trial.follows = true;
            }
        }
    }

    /// When something was last heard of it.
    pub(super) fn heard(&self) -> At {
        let heard = if self.has_intake { self.targets.heard } else { self.walks.heard };
        heard.map_or(self.since, |heard| heard.max(self.since))
    }

    /// How long it may be silent before that alone is told.
    pub(super) fn patience(&self) -> Duration {
        /// One restart of a service is no page.
        const LEAST: Duration = Duration::from_secs(15);
        LEAST.max(3 * self.every)
    }

    pub(super) fn health(&self) -> Health {
        if self.unknown {
            Health::Unknown
        } else if self.trials.iter().any(Trial::is_bad) || self.targets.bad().next().is_some() || self.burns()
        {
            Health::Bad
        } else {
            Health::Good
        }
    }

    pub(super) fn burns(&self) -> bool {
        self.burning.as_ref().is_some_and(|budgeted| budgeted.burning.burns().is_some())
    }

    /// Whether it has inputs beside its probe.
    pub(super) fn has_intake(&self) -> bool {
        self.has_intake
    }

    /// The place of the reason that counts, where it is the only one.
    pub(super) fn only_reason(&self) -> Option<u16> {
        let mut counting = (0..).zip(&self.counts).filter(|(_, counts)| **counts).map(|(place, _)| place);
        let first = counting.next();
        if counting.next().is_none() { first } else { None }
    }

    pub(super) fn every(&self) -> Duration {
        self.every
    }

    pub(super) fn probe_every(&self) -> Duration {
        self.probe_every
    }

    /// The target that keeps the traffic from being tested, by being silent.
    pub(super) fn holds_up_traffic(&self) -> Option<&str> {
        self.trials.iter().find(|trial| trial.signal == Signal::Traffic && trial.guard.is_some())?;
        let mut targets = self.targets.iter();
        targets.find(|target| target.baseline.is_blind()).map(|target| target.name.as_str())
    }

    /// How many targets are not tested one by one.
    pub(super) fn untested(&self) -> usize {
        if self.replica_threshold.is_finite() {
            self.targets.len().saturating_sub(MOST_REPLICA_TESTS)
        } else {
            0
        }
    }

    /// Moves all moments that lengths are measured from, as the clock was moved.
    pub(super) fn shift(&mut self, moved: impl Fn(At) -> At) {
        self.targets.shift(&moved);
        self.since = moved(self.since);
        self.walks.heard = self.walks.heard.map(&moved);
        self.traffic.from = self.traffic.from.map(&moved);
        if let Some(budgeted) = &mut self.burning {
            budgeted.burning.shift(&moved);
        }
    }
}

impl News {
    fn of(signal: Signal, verdict: Verdict) -> Self {
        match verdict {
            Verdict::Crossed(crossing) => Self::Crossed(signal, crossing),
            Verdict::Over(boundary) => Self::Over(signal, boundary),
        }
    }
}

fn at_place(counts: &[u64], place: u16) -> u64 {
    counts.get(usize::from(place)).copied().unwrap_or(0)
}
