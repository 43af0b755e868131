//! What an audit reports: findings, and what it could not judge. A finding is never an error.

use crate::{Origin, Setting};

/// How something breaks. Shared by rules, diagnosis and postmortem: the one noun that joins
/// prediction and outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureMode {
    /// A limit cuts calls that would have succeeded.
    PrematureTimeout,
    /// The caller gives up while the callee still works.
    TimeoutInversion,
    /// Nothing ends a call to a peer that hangs.
    MissingDeadline,
    /// Retries multiply into more load than the callee bears.
    RetryStorm,
    /// Retries that can never run.
    RetryInert,
    /// A repeated call does its work twice.
    DuplicateWork,
    /// Waiting for a pool hides what is slow, or the pool runs dry.
    PoolExhaustion,
    /// A connection is reused in the moment its other end closes it.
    KeepAliveRace,
    /// Requests in flight are cut at shutdown.
    DrainCut,
    /// A probe kills or removes what is only slow.
    ProbeKill,
    /// A number is read in another unit than its author meant.
    UnitConfusion,
    /// Values that should agree do not: of two environments, of two fallbacks, of a value and what
    /// is said about it.
    ConfigurationDrift,
    /// Something written has no effect.
    InertSetting,
    /// A token or a key is used after its end.
    ExpiredCredential,
    /// An outage of which nobody is told.
    SilentAlert,
    /// An outage of which people are told too late.
    LateAlert,
    /// An alarm where nothing is wrong, after which the next one is not believed.
    FalseAlarm,
}

impl FailureMode {
    /// Its name as printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::PrematureTimeout => "premature-timeout",
            Self::TimeoutInversion => "timeout-inversion",
            Self::MissingDeadline => "missing-deadline",
            Self::RetryStorm => "retry-storm",
            Self::RetryInert => "retry-inert",
            Self::DuplicateWork => "duplicate-work",
            Self::PoolExhaustion => "pool-exhaustion",
            Self::KeepAliveRace => "keepalive-race",
            Self::DrainCut => "drain-cut",
            Self::ProbeKill => "probe-kill",
            Self::UnitConfusion => "unit-confusion",
            Self::ConfigurationDrift => "configuration-drift",
            Self::InertSetting => "inert-setting",
            Self::ExpiredCredential => "expired-credential",
            Self::SilentAlert => "silent-alert",
            Self::LateAlert => "late-alert",
            Self::FalseAlarm => "false-alarm",
        }
    }
}

/// What it costs when it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Hurts some requests, or makes an outage longer.
    Warning,
    /// Can take the service down.
    Error,
}

impl Level {
    /// Its name as printed and as files write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a finding rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// One file decides.
    InFile,
    /// Files of several components decide.
    AcrossFiles,
    /// Measured latency decides.
    Observed,
    /// A guessed unit, meaning or edge; [`Finding::assumptions`] says which. Never an error.
    Assumed,
}

/// Whom a finding is about: names, so that it keeps its identity when lines move.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// One service.
    Service(String),
    /// One call, caller and callee.
    Call(String, String),
    /// One key of one file group.
    Setting(String),
}

/// A place with words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// The place. A label without any (nothing written, nothing near) is not shown.
    pub origin: Origin,
    /// What to say there; may be empty.
    pub text: String,
}

impl Label {
    /// Points at a setting's value and says something about it.
    pub fn of(setting: &Setting, text: impl Into<String>) -> Self {
        Self { origin: setting.value.origin.clone(), text: text.into() }
    }
}

/// One thing a rule reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// What it costs.
    pub level: Level,
    /// What it rests on.
    pub basis: Basis,
    /// How it breaks.
    pub mode: FailureMode,
    /// The environments it holds in; `check` fills it.
    pub environments: Vec<String>,
    /// Whom it is about.
    pub subject: Subject,
    /// What can happen, with the numbers.
    pub title: String,
    /// Where; the first is the one to change. Never empty.
    pub labels: Vec<Label>,
    /// The sum, written out; one line each.
    pub arithmetic: Vec<String>,
    /// What to do.
    pub help: String,
    /// What had to be guessed, in words.
    pub assumptions: Vec<String>,
}

impl Finding {
    /// Names what had to be guessed, once each. A finding that rests on a guess is assumed, and then a
    /// warning at most.
    pub fn assume(&mut self, guesses: impl IntoIterator<Item = String>) {
        self.assumptions.extend(guesses);
        self.assumptions.sort();
        self.assumptions.dedup();
        if !self.assumptions.is_empty() {
            self.basis = Basis::Assumed;
            self.level = self.level.min(self.most());
        }
    }

    /// The highest level it may have.
    pub fn most(&self) -> Level {
        if self.basis == Basis::Assumed { Level::Warning } else { Level::Error }
    }
}

/// Something a rule would have judged and could not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotEvaluated {
    /// The rule's name.
    pub rule: &'static str,
    /// Whom it would have been about.
    pub subject: Subject,
    /// What is missing, to stand behind "needs".
    pub needs: String,
}
