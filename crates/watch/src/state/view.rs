//! What the state shows to whoever serves it: per service its health, counts, tests and targets. Borrows
//! where it can; changes nothing.

use super::service::{Service, Walks};
use super::trial::{Basis, Phase, Trial};
use super::{MOST_REPLICA_TESTS, State};
use crate::alert::Health;
use crate::guard::Signal;
use crate::journal::Why;
use crate::tally::Tally;
use crate::time::At;
use crate::window::Lost;

/// A service as it stands.
#[derive(Debug, Clone, Copy)]
pub struct ServiceView<'a> {
    service: &'a Service,
    now: At,
}

/// A test as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct TestView {
    /// Which.
    pub signal: Signal,
    /// The guard now; nothing where it is not learnt yet, and then the test does not run.
    pub guard: Option<f64>,
    /// What the guard rests on, in words.
    pub guard_basis: String,
    /// How often it would raise a false alarm a year, as history implies.
    pub implied: Option<f64>,
    /// The logarithm of the evidence against the service; nothing while it is looked for an end.
    pub log_evidence: Option<f64>,
    /// The logarithm of the evidence that is enough.
    pub threshold: f64,
    /// It is against the service.
    pub bad: bool,
}

/// A target as it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetView<'a> {
    /// Its address.
    pub name: &'a str,
    /// What is known of it.
    pub health: Health,
    /// When it last said something usable.
    pub heard: Option<At>,
    /// Why it gave nothing at the last look.
    pub why: Option<Why>,
    /// The logarithm of the evidence of its own test.
    pub log_evidence: Option<f64>,
    /// Where its input goes on, for one that is read once.
    pub position: Option<&'a [u8]>,
}

/// A test that does not run, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The service.
    pub service: String,
    /// What is not tested: "all failures".
    pub test: String,
    /// Why, in words: "the guard is not learnt yet".
    pub why: String,
}

impl State {
    /// The services, in the order of the last [`crate::journal::Input::Started`].
    pub fn services(&self) -> impl ExactSizeIterator<Item = ServiceView<'_>> {
        self.services.iter().map(|service| ServiceView { service, now: self.now })
    }

    /// Tests that do not run, and why.
    #[must_use]
    pub fn waiting(&self) -> Vec<Waiting> {
        let mut waiting = Vec::new();
        for view in self.services() {
            let name = view.name();
            let mut add = |test: String, why: String| {
                waiting.push(Waiting { service: name.to_owned(), test, why });
            };
            for trial in view.service.trials.iter().filter(|trial| trial.guard.is_none()) {
                let learnt = match trial.basis {
                    // A guard that is stated is always there.
                    Basis::Declared | Basis::Own => "the guard is not learnt yet",
                    Basis::History => "the guard is not learnt from its file of history",
                };
                add(view.signal(trial.signal), learnt.to_owned());
            }
            if let Some(target) = view.service.holds_up_traffic() {
                let why = format!("{target} is silent, and without it the sum is not whole");
                add("traffic".to_owned(), why);
            }
            if view.service.untested() > 0 {
                let untested = view.service.untested();
                let why =
                    format!("{untested} are not tested one by one: that is done for {MOST_REPLICA_TESTS}");
                add("targets".to_owned(), why);
            }
        }
        waiting
    }

    /// Where the input of a target goes on, for one that is read once.
    #[must_use]
    pub fn position(&self, service: &str, target: &str) -> Option<&[u8]> {
        let service = self.services.iter().find(|kept| kept.outline.name == service)?;
        service.targets.iter().find(|kept| kept.name == target)?.baseline.position()
    }
}

impl<'a> ServiceView<'a> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        &self.service.outline.name
    }

    /// The names of its reasons, in the order of [`Tally::failed`].
    #[must_use]
    pub fn reasons(&self) -> &'a [String] {
        &self.service.outline.reasons
    }

    /// What is known of it.
    #[must_use]
    pub fn health(&self) -> Health {
        self.service.health()
    }

    /// All that was counted since the journal began.
    #[must_use]
    pub fn total(&self) -> &'a Tally {
        &self.service.total
    }

    /// What the last look counted.
    #[must_use]
    pub fn last(&self) -> &'a Tally {
        &self.service.targets.sum
    }

    /// When something usable was last heard of it; where nothing was, since when it is waited for.
    #[must_use]
    pub fn heard(&self) -> At {
        self.service.heard()
    }

    /// What could not be counted.
    #[must_use]
    pub fn lost(&self) -> &'a Lost {
        &self.service.targets.lost
    }

    /// Walks of its probe.
    #[must_use]
    pub fn walks(&self) -> &'a Walks {
        &self.service.walks
    }

    /// Its tests.
    pub fn tests(&self) -> impl Iterator<Item = TestView> + use<'a> {
        let now = self.now;
        self.service.trials.iter().map(move |trial| TestView::new(trial, now))
    }

    /// Its targets.
    pub fn targets(&self) -> impl ExactSizeIterator<Item = TargetView<'a>> + use<'a> {
        self.service.targets.iter().map(|target| TargetView {
            name: &target.name,
            health: match (target.baseline.heard(), target.is_bad()) {
                (None, _) => Health::Unknown,
                _ if target.baseline.is_blind() => Health::Unknown,
                (_, true) => Health::Bad,
                (_, false) => Health::Good,
            },
            heard: target.baseline.heard(),
            why: target.baseline.why(),
            log_evidence: target.log_evidence(),
            position: target.baseline.position(),
        })
    }

    /// What a test of it is about, in words.
    #[must_use]
    pub fn signal(&self, signal: Signal) -> String {
        match signal {
            Signal::Failures => "all failures".to_owned(),
            Signal::Reason(place) => {
                let name = self.reasons().get(usize::from(place)).map_or("", String::as_str);
                format!("failures by `{name}`")
            }
            Signal::Slow => "slow requests".to_owned(),
            Signal::PileUp(place) => {
                let timeout = self.service.outline.pile_up.get(usize::from(place));
                format!("durations at {} ms", timeout.copied().unwrap_or_default())
            }
            Signal::Traffic => "traffic".to_owned(),
            Signal::Probe => "the probe".to_owned(),
        }
    }
}

impl TestView {
    fn new(trial: &Trial, now: At) -> Self {
        let guard = trial.guard.as_ref();
        let log_evidence = match &trial.phase {
            Phase::Share(test) => test.standing().map(|standing| standing.log_evidence),
            Phase::Rate(_) | Phase::End(_) => None,
        };
        Self {
            signal: trial.signal,
            guard: guard.map(|guard| guard.at(now)),
            guard_basis: trial.basis(),
            implied: guard.and_then(|guard| guard.implied),
            log_evidence,
            threshold: trial.threshold,
            bad: trial.is_bad(),
        }
    }
}
