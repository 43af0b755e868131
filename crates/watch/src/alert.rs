//! What people are told: alerts with their evidence, how they open, change and end, and silences.

pub(crate) mod book;
pub(crate) mod outbox;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::audits::{Change, OpenFinding};
use crate::time::At;

/// What an alert is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Symptom {
    /// Requests fail: all reasons together, or one of them by its name.
    Failing(Option<String>),
    /// Single targets fail while the service as a whole need not; [`Alert::replicas`] names them.
    ReplicaFailing,
    /// Requests are slow.
    Slow,
    /// Durations pile up at a timeout, in milliseconds.
    PileUp(u64),
    /// Requests stay away.
    TrafficGone,
    /// The probe fails, at the step of this name.
    ProbeFailing(String),
    /// The budget of the objective burns.
    Burning(Burn),
    /// Nothing is known: its inputs are silent.
    Blind,
    /// The configuration has a finding that it did not have: the rule's name, or how many there are.
    Finding(String),
    /// No audit where one was due.
    AuditOverdue,
    /// Forewarn itself is hindered: a disk that is full, a channel that takes nothing.
    Hindered(String),
}

/// Which pair of windows burnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Burn {
    /// 14.4 times too fast over an hour and five minutes.
    Hour,
    /// 6 times over six hours and half an hour.
    SixHours,
    /// 3 times over a day and two hours.
    Day,
    /// Once over three days and six hours.
    ThreeDays,
}

impl Burn {
    /// All pairs, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Hour, Self::SixHours, Self::Day, Self::ThreeDays];

    /// How many times too fast the budget burns over both windows (Site Reliability Workbook, chapter 5,
    /// and the pair of a day that generators of rules add).
    #[must_use]
    pub fn factor(self) -> f64 {
        match self {
            Self::Hour => 14.4,
            Self::SixHours => 6.0,
            Self::Day => 3.0,
            Self::ThreeDays => 1.0,
        }
    }

    /// The long and the short window.
    #[must_use]
    pub fn windows(self) -> (Duration, Duration) {
        const MINUTE: Duration = Duration::from_secs(60);
        const HOUR: Duration = Duration::from_secs(3_600);
        match self {
            Self::Hour => (HOUR, MINUTE * 5),
            Self::SixHours => (HOUR * 6, MINUTE * 30),
            Self::Day => (HOUR * 24, HOUR * 2),
            Self::ThreeDays => (HOUR * 72, HOUR * 6),
        }
    }
}

/// What is known of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Health {
    /// Inputs speak and no test is against it.
    Good,
    /// A test is against it.
    Bad,
    /// Inputs are silent: nothing is known.
    Unknown,
}

/// An alert that is or was open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Its number, unique in the journal.
    pub id: u64,
    /// The service, by name; "forewarn" for its own.
    pub service: String,
    /// What it is about.
    pub symptom: Symptom,
    /// When it was opened.
    pub opened: At,
    /// Since when it has gone on, as far as the counts say.
    pub since: At,
    /// What is known now: `Bad`, or `Unknown` where the inputs fell silent while it was open.
    pub health: Health,
    /// The counts that opened it.
    pub evidence: Option<Evidence>,
    /// Targets whose own test is against them, by address.
    pub replicas: Vec<String>,
    /// Open findings about the service or a call of it.
    pub findings: Vec<OpenFinding>,
    /// The last changes of its settings, newest first.
    pub changes: Vec<Change>,
    /// When it ended, and why that is believed.
    pub ended: Option<(At, String)>,
}

/// The counts behind an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// So many failed, were slow, ...
    pub k: u64,
    /// of so many, since `Alert::since`.
    pub n: u64,
    /// The guard: the share (or the rate) that would still have been fine.
    pub guard: f64,
    /// What the guard rests on, in words: "declared", "14 days of history".
    pub guard_basis: String,
    /// How often a test like this raises a false alarm, a year, as history implies; `None` where
    /// there is too little of it to say.
    pub implied: Option<f64>,
    /// How often it may, a year: its part of the installation's budget.
    pub budget: f64,
    /// How long a fault like this takes at most to be seen at this traffic, with 95 %.
    pub worst_delay: Duration,
}

/// Alerts that are not told for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Its number.
    pub id: u64,
    /// The service; all where absent.
    pub service: Option<String>,
    /// From when.
    pub from: At,
    /// Until when.
    pub until: At,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
}

/// Something to be done in the world. Whoever does it tells the journal how it went
/// ([`crate::journal::Input::Delivered`]); until then it is in the outbox of the state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Unique in the journal; a receiver that has seen it may drop the second.
    pub key: u64,
    /// The channel's place in the plan.
    pub channel: u16,
    /// What is told.
    pub notice: Notice,
}

/// Why a channel did not take what it was handed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// In words, without secrets.
    pub why: String,
    /// Whether it may take the same later.
    pub again: bool,
}

impl Refusal {
    /// It may take it later.
    #[must_use]
    pub fn for_now(why: impl Into<String>) -> Self {
        Self { why: why.into(), again: true }
    }

    /// It will never take it.
    #[must_use]
    pub fn for_good(why: impl Into<String>) -> Self {
        Self { why: why.into(), again: false }
    }
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Notice {
    /// An alert was opened.
    Opened(Alert),
    /// Something about an open alert changed: it became unknown or known again, the reason is known now,
    /// more targets are concerned, more of the budget burns.
    Changed(Alert),
    /// An open alert is told again, to a channel that would forget it.
    Again(Alert),
    /// It ended.
    Ended(Alert),
}

impl Notice {
    /// The alert it is about.
    #[must_use]
    pub fn alert(&self) -> &Alert {
        match self {
            Self::Opened(alert) | Self::Changed(alert) | Self::Again(alert) | Self::Ended(alert) => alert,
        }
    }
}

/// The name of Forewarn's own alerts in the place of a service's.
pub const OWN: &str = "forewarn";
