//! The life of alerts: one per service and kind of trouble is opened, changes and ends. Told is the
//! difference between what is and what was told last; under a silence nothing is told, and afterwards
//! what is still so.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::outbox::Outbox;
use super::{Alert, Effect, Evidence, Health, Notice, Symptom};
use crate::audits::Known;
use crate::silence::Silences;
use crate::time::At;

/// So many alerts that ended are remembered.
const MOST_ENDED: usize = 200;

/// A kind of trouble: tests of one kind are told in one alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Failures, all or by reason.
    Failing,
    /// Single targets.
    Replicas,
    Slow,
    PileUp,
    Traffic,
    Probe,
    Burning,
    Blind,
    /// Findings of one audit, by their hashes.
    Findings(Vec<String>),
    Overdue,
    /// By what.
    Hindered(String),
    /// A channel takes nothing, by its name; all others are told.
    Refuses(String),
}

impl Kind {
    /// Whether it is seen by looks, and unknown when they show nothing.
    pub(crate) fn is_seen_by_looks(&self) -> bool {
        match self {
            Self::Failing | Self::Replicas | Self::Slow | Self::PileUp | Self::Traffic | Self::Burning => {
                true
            }
            Self::Probe | Self::Blind | Self::Findings(_) | Self::Overdue => false,
            Self::Hindered(_) | Self::Refuses(_) => false,
        }
    }

    /// The channel that cannot be told of it.
    fn refuses(&self) -> Option<&str> {
        if let Self::Refuses(channel) = self { Some(channel) } else { None }
    }

    /// Whether it says that the service itself is bad.
    pub(crate) fn is_trouble(&self) -> bool {
        self.is_seen_by_looks() || *self == Self::Probe
    }
}

/// All alerts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Book {
    cases: Vec<Case>,
    ended: VecDeque<Alert>,
    next_id: u64,
    /// Something is to be told.
    stirred: bool,
}

/// An alert that is open, or has ended and is not told of yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) alert: Alert,
    pub(crate) kind: Kind,
    /// Its opening was told.
    told: bool,
    /// Something about it changed since it was told.
    changed: bool,
}

/// What an alert is opened with.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    pub(crate) service: String,
    pub(crate) kind: Kind,
    pub(crate) symptom: Symptom,
    pub(crate) since: At,
    pub(crate) evidence: Option<Evidence>,
}

impl Book {
    /// Opens an alert, and gives it to be completed.
    pub(crate) fn open(&mut self, at: At, opening: Opening, known: &Known) -> &mut Alert {
        let Opening { service, kind, symptom, since, evidence } = opening;
        let (findings, changes) = known.about(&service);
        let alert = Alert {
            id: self.next_id,
            service,
            symptom,
            opened: at,
            since: since.min(at),
            health: Health::Bad,
            evidence,
            replicas: Vec::new(),
            findings,
            changes,
            ended: None,
        };
        self.next_id += 1;
        self.stirred = true;
        self.cases.push(Case { alert, kind, told: false, changed: false });
        &mut self.cases.last_mut().expect("bug: it was pushed").alert
    }

    /// The open alert of a service and kind, to be looked at.
    pub(crate) fn find(&self, service: &str, kind: &Kind) -> Option<&Alert> {
        let is = |case: &&Case| case.alert.service == service && case.kind == *kind;
        self.open_cases().find(is).map(|case| &case.alert)
    }

    /// Changes an open alert, and has that told if the change says that it matters.
    pub(crate) fn change(&mut self, service: &str, kind: &Kind, change: impl FnOnce(&mut Alert) -> bool) {
        let is = |case: &&mut Case| {
            case.alert.ended.is_none() && case.alert.service == service && case.kind == *kind
        };
        if let Some(case) = self.cases.iter_mut().find(is)
            && change(&mut case.alert)
        {
            case.changed = true;
            self.stirred = true;
        }
    }

    /// Ends an open alert, where there is one.
    pub(crate) fn end(&mut self, at: At, service: &str, kind: &Kind, why: &str) {
        self.end_where(at, why, |case| case.alert.service == service && case.kind == *kind);
    }

    /// Ends all open alerts that are so.
    pub(crate) fn end_where(&mut self, at: At, why: &str, is: impl Fn(&Case) -> bool) {
        let open = self.cases.iter_mut().filter(|case| case.alert.ended.is_none());
        for case in open.filter(|case| is(case)) {
            case.alert.ended = Some((at, why.to_owned()));
            case.alert.health = Health::Good;
            self.stirred = true;
        }
    }

    /// Takes note of what is known of the open alerts of a service; told where it is news.
    pub(crate) fn set_health(&mut self, service: &str, health: Health, of: impl Fn(&Case) -> bool) {
        for case in &mut self.cases {
            let is_of = case.alert.ended.is_none() && case.alert.service == service && of(case);
            if is_of && case.alert.health != health {
                case.alert.health = health;
                case.changed = true;
                self.stirred = true;
            }
        }
    }

    /// Attaches what an audit found and what was changed before it. A change is news to whoever was told;
    /// findings come with the next notice.
    pub(crate) fn attach(&mut self, known: &Known) {
        for case in self.cases.iter_mut().filter(|case| case.alert.ended.is_none()) {
            if !case.kind.is_trouble() {
                continue;
            }
            let (findings, changes) = known.about(&case.alert.service);
            case.alert.findings = findings;
            if case.alert.changes != changes {
                case.alert.changes = changes;
                case.changed = true;
                self.stirred = true;
            }
        }
    }

    /// Something may be told that was silenced.
    pub(crate) fn stir(&mut self) {
        self.stirred = true;
    }

    /// Tells what is to be told: of each alert at most one thing.
    pub(crate) fn tell(
        &mut self,
        at: At,
        silences: &Silences,
        outbox: &mut Outbox,
        effects: &mut Vec<Effect>,
    ) {
        if !std::mem::take(&mut self.stirred) {
            return;
        }
        let ended = &mut self.ended;
        self.cases.retain_mut(|case| {
            let over = case.alert.ended.is_some();
            // Nobody was told that it began, so nobody is told that it is over.
            let tells = (case.told || !over) && (!case.told || over || case.changed);
            if tells && silences.cover(&case.alert.service, at) {
                return true;
            }
            if tells {
                let notice = match (case.told, over) {
                    (false, _) => Notice::Opened,
                    (true, true) => Notice::Ended,
                    (true, false) => Notice::Changed,
                };
                outbox.tell(&notice(case.alert.clone()), case.kind.refuses(), effects);
                case.told = true;
                case.changed = false;
            }
            if over {
                ended.push_back(case.alert.clone());
            }
            !over
        });
        let surplus = self.ended.len().saturating_sub(MOST_ENDED);
        self.ended.drain(..surplus);
    }

    /// The open alerts.
    pub(crate) fn open_cases(&self) -> impl Iterator<Item = &Case> + Clone {
        self.cases.iter().filter(|case| case.alert.ended.is_none())
    }

    /// The open alerts whose opening was told and that may be told again, with the channel that cannot be.
    pub(crate) fn told<'a>(
        &'a self,
        at: At,
        silences: &'a Silences,
    ) -> impl Iterator<Item = (&'a Alert, Option<&'a str>)> + Clone {
        let told = self.open_cases().filter(|case| case.told);
        let told = told.filter(move |case| !silences.cover(&case.alert.service, at));
        told.map(|case| (&case.alert, case.kind.refuses()))
    }

    /// The last alerts that ended, the newest last.
    pub(crate) fn ended(&self) -> impl ExactSizeIterator<Item = &Alert> {
        self.ended.iter()
    }
}
