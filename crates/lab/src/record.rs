//! What a drill saw. All moments are lengths since it began.

use std::time::Duration;

pub use crate::ledger::Count;
pub use crate::traces::Left;

/// What `forewarn check` said of the edit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Whether it refused the edit: exit code 1.
    pub refused: bool,
    /// What was found, of the finding that rests on what was measured.
    pub title: String,
    /// Where.
    pub place: String,
    /// The arithmetic.
    pub sum: String,
    /// How long it took.
    pub took: Duration,
}

/// What `forewarn test` said of the edit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tested {
    /// Whether it refused the edit: exit code 1.
    pub refused: bool,
    /// All of it in one line.
    pub line: String,
    /// How people fared under the edit,
    pub candidate: Count,
    /// and under what is in force.
    pub current: Count,
    /// How long it took.
    pub took: Duration,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The service runs, and people come.
    Opened,
    /// The watch runs.
    Watched,
    /// Act one: the edit is proposed.
    Proposed,
    /// It was checked.
    Checked(Checked),
    /// It was tested.
    Tested(Tested),
    /// Nothing happened all the while.
    Quiet(Quiet),
    /// Act two: the edit is deployed all the same.
    Deployed,
    /// The service took it.
    Taken,
    /// The first sign-in failed.
    Failing,
    /// The audit of the watch tells of a new finding.
    Found(String),
    /// The watch tells that sign-ins fail.
    Alerted {
        /// In its words.
        title: String,
        /// How long after the first failed sign-in.
        after: Duration,
    },
    /// It names the line that was changed.
    Cause(Cause),
    /// The good value is back in the file.
    Restored,
    /// The service took it.
    TakenBack,
    /// The watch tells that it is over.
    Over {
        /// In its words.
        title: String,
        /// How long after the last failed sign-in.
        after: Duration,
    },
    /// The fault stayed, and the drill ends.
    Stayed,
    /// Everything is stopped.
    Cleared(Left),
}

/// The time before the edit was deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quiet {
    /// How long it was.
    pub length: Duration,
    /// How people fared.
    pub count: Count,
    /// How often the watch told something.
    pub notices: u64,
    /// More sign-ins failed than may, under what was in force: this machine is too busy for the service, and
    /// nothing is said of the edit.
    pub busy: bool,
}

/// The line that was changed, as the watch tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cause {
    /// Where: `front.toml:20`.
    pub place: String,
    /// The key.
    pub key: String,
    /// What stood there.
    pub before: String,
    /// What stands there.
    pub after: String,
    /// How long after the first failed sign-in it was told.
    pub told: Duration,
}

/// What a drill saw.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    /// What reproduces it.
    pub seed: u64,
    /// Sign-ins a second.
    pub rate: f64,
    /// Where the directory kept its accounts.
    pub database: &'static str,
    /// The fault was to stay.
    pub stay: bool,
    /// The directory was to stay.
    pub kept: Option<String>,
    /// The share of sign-ins that must succeed.
    pub good: f64,
    /// The share that the replayed latency fails under the edit.
    pub predicted: f64,
    /// Act one.
    pub checked: Option<Checked>,
    /// See `checked`.
    pub tested: Option<Tested>,
    /// The time before act two.
    pub quiet: Quiet,
    /// Act two: when the file was replaced,
    pub deployed: Option<Duration>,
    /// when the service took it,
    pub taken: Option<Duration>,
    /// when the first sign-in failed,
    pub first_failed: Option<Duration>,
    /// when the watch told of its new finding,
    pub found: Option<Duration>,
    /// when it told that sign-ins fail,
    pub alerted: Option<Duration>,
    /// with which line,
    pub cause: Option<Cause>,
    /// and how people fared while the fault was in force.
    pub hurt: Count,
    /// When the good value was back in the file,
    pub restored: Option<Duration>,
    /// when the last sign-in failed,
    pub last_failed: Option<Duration>,
    /// and when the watch told that it is over.
    pub over: Option<Duration>,
    /// How often it told so while the fault was in force,
    pub false_ends: u64,
    /// which was so long.
    pub lasted: Duration,
    /// What is left.
    pub left: Option<Left>,
    /// How long all of it took.
    pub took: Duration,
}

impl Record {
    /// How long after the first failed sign-in the watch told of it.
    #[must_use]
    pub fn detection(&self) -> Option<Duration> {
        Some(self.alerted?.saturating_sub(self.first_failed?))
    }

    /// How long after the last failed sign-in it told that it is over.
    #[must_use]
    pub fn recovery(&self) -> Option<Duration> {
        Some(self.over?.saturating_sub(self.last_failed?))
    }

    /// From the first failed sign-in to the last.
    #[must_use]
    pub fn outage(&self) -> Option<Duration> {
        Some(self.last_failed?.saturating_sub(self.first_failed?))
    }
}
