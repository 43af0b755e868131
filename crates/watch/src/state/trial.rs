//! One test of a service: its guard, the evidence that is enough, and whether it is still being looked
//! for or has been found, and its end is. Without a guard nothing is looked for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::detect::{Against, Crossing, RatioTest, Recovery, TrafficTest};
use crate::guard::{Guard, Signal};
use crate::plan::GuardSource;
use crate::time::At;

/// A guard may hold for an hour of the week.
const HOUR: Duration = Duration::from_secs(3600);

/// What a guard rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Basis {
    /// Somebody stated it.
    Declared,
    /// It is learnt from a file of history.
    History,
    /// It is learnt from the journal.
    Own,
}

impl From<&GuardSource> for Basis {
    fn from(source: &GuardSource) -> Self {
        match source {
            GuardSource::Declared(_) => Self::Declared,
            GuardSource::History(_) => Self::History,
            GuardSource::Own => Self::Own,
        }
    }
}

/// A test of a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Trial {
    pub(super) signal: Signal,
    /// The logarithm of the evidence that is enough.
    pub(super) threshold: f64,
    pub(super) basis: Basis,
    /// Absent until it is learnt.
    pub(super) guard: Option<Guard>,
    /// The guard is that of all failures, until one of its own is learnt.
    pub(super) follows: bool,
    pub(super) phase: Phase,
}

/// What is being looked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "nearly every test is of the largest variant nearly always")]
pub(super) enum Phase {
    /// A share above its guard.
    Share(RatioTest),
    /// A rate below its guard.
    Rate(TrafficTest),
    /// The end of what was found.
    End(Recovery),
}

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    /// The evidence is enough.
    Crossed(Crossing),
    /// It is over; the share or the rate is on the good side of this.
    Over(f64),
}

/// What a look counted: k of n, from a moment on until another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) from: At,
    pub(super) at: At,
    pub(super) k: u64,
    pub(super) n: u64,
}

impl Trial {
    pub(super) fn new(signal: Signal, threshold: f64, source: &GuardSource) -> Self {
        let guard = match source {
            GuardSource::Declared(level) => Some(Guard::declared(*level)),
            GuardSource::History(_) | GuardSource::Own => None,
        };
        let basis = Basis::from(source);
        Self { signal, threshold, basis, guard, follows: false, phase: Phase::looking_for(signal) }
    }

    /// Takes over what the same test had gathered under an earlier plan.
    pub(super) fn inherit(&mut self, earlier: Self) {
        if self.basis != Basis::Declared && earlier.basis == self.basis {
            self.guard = earlier.guard;
            self.follows = earlier.follows;
        }
        self.phase = earlier.phase;
    }

    #[inline]
    pub(super) fn look(&mut self, sample: &Sample) -> Option<Verdict> {
        let guard = self.guard.as_ref()?;
        let against = against(guard, self.signal, sample, self.threshold);
        self.phase.look(self.signal, sample, &against)
    }

    /// Whether its guard is learnt.
    pub(super) fn is_learnt(&self) -> bool {
        self.basis != Basis::Declared
    }

    /// What its guard rests on, in words.
    pub(super) fn basis(&self) -> String {
        let days = self.guard.as_ref().map_or(0.0, |guard| guard.days);
        let of = match self.basis {
            Basis::Declared => return "declared".to_owned(),
            Basis::History => "history",
            Basis::Own => "its own history",
        };
        let length = match days {
            days if days < 1.0 => format!("{:.0} h", days * 24.0),
            days if days < 1.95 => "1 day".to_owned(),
            days => format!("{days:.0} days"),
        };
        let follows = if self.follows { ", of all failures" } else { "" };
        format!("{length} of {of}{follows}")
    }

    /// Whether something was found whose end has not been.
    pub(super) fn is_bad(&self) -> bool {
        matches!(self.phase, Phase::End(_))
    }
}

/// What a sample is held against: the guard of its hour, or of all the hours of a gap the one that lets
/// most pass.
pub(super) fn against(guard: &Guard, signal: Signal, sample: &Sample, threshold: f64) -> Against {
    let mut against = guard.against(sample.at, threshold);
    if guard.level.len() > 1 && sample.at.since(sample.from) > HOUR {
        let hours = (sample.at.since(sample.from).as_secs() / HOUR.as_secs()).min(168);
        let levels = (0..=hours).map(|hour| {
            let back = hour.saturating_mul(3_600_000);
            guard.at(At(sample.at.0.saturating_sub(back)))
        });
        against.guard = match signal {
            Signal::Traffic => levels.fold(against.guard, f64::min),
            _ => levels.fold(against.guard, f64::max),
        };
    }
    against
}

impl Phase {
    pub(super) fn looking_for(signal: Signal) -> Self {
        match signal {
            Signal::Traffic => Self::Rate(TrafficTest::default()),
            _ => Self::Share(RatioTest::default()),
        }
    }

    #[inline]
    pub(super) fn look(&mut self, signal: Signal, sample: &Sample, against: &Against) -> Option<Verdict> {
        let Sample { at, k, n, .. } = *sample;
        let within = sample.at.since(sample.from);
        match self {
            Self::Share(test) => {
                let crossing = test.look(at, k, n, against)?;
                *self = Self::End(Recovery::of_share(&crossing));
                Some(Verdict::Crossed(crossing))
            }
            Self::Rate(test) => {
                let crossing = test.look(at, k, within, against)?;
                *self = Self::End(Recovery::of_rate(&crossing));
                Some(Verdict::Crossed(crossing))
            }
            Self::End(recovery) => {
                let over = match signal {
                    Signal::Traffic => recovery.look_at_rate(k, within, against.guard),
                    _ => recovery.look(k, n, against.guard),
                };
                if !over {
                    return None;
                }
                let boundary = recovery.boundary();
                *self = Self::looking_for(signal);
                Some(Verdict::Over(boundary))
            }
        }
    }
}
