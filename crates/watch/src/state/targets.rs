//! The targets of a service: they come, go and come again, are summed, and each is tested for itself, so
//! that one bad one of twenty is seen.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::trial::{Phase, Sample, Verdict, against};
use crate::guard::{Guard, Signal};
use crate::journal::Reading;
use crate::tally::Tally;
use crate::time::At;
use crate::window::{BLIND_LOOKS, Baseline, Lost, Worth};

/// So many targets of a service are tested one by one, in the order they are listed; the others count in
/// the sum alone. With 0.7 KB a test this bounds a service to 360 KB.
pub const MOST_REPLICA_TESTS: usize = 512;
/// A target may miss so many looks and still counts among the others: not every answer comes in time.
const MOST_MISSED: u32 = 2;
/// So many targets that went are remembered, the last ones, so that one that comes again is not counted
/// twice and loses nothing.
const MOST_GONE: usize = 64;

/// The targets of a service.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Targets {
    list: Vec<Target>,
    gone: Vec<Target>,
    /// What the last look counted, over all targets.
    pub(super) sum: Tally,
    /// The part of it that came since the look before. What a target counted over a longer time, in which
    /// others went on, is not of one time with theirs: a bad replica that speaks again would make a look
    /// bad that was not.
    pub(super) timely: Tally,
    /// When the last look was.
    pub(super) looked: Option<At>,
    /// When any target last said something usable.
    pub(super) heard: Option<At>,
    /// How many looks in a row gave nothing usable.
    silent: u32,
    pub(super) lost: Lost,
}

/// One target.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) baseline: Baseline,
    /// Its own test, of the failures that count.
    test: Option<Box<Phase>>,
}

/// What a look was worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Heard {
    /// Some target said something usable.
    pub(super) anything: bool,
    /// Every target was counted: nothing is missing from the sum.
    pub(super) everything: bool,
    /// Something that came since the last look cannot be known.
    pub(super) lost: bool,
}

/// What each replica is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReplicaGuard<'a> {
    pub(super) guard: &'a Guard,
    pub(super) threshold: f64,
}

/// What was found of one replica.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ReplicaVerdict {
    pub(super) target: usize,
    pub(super) verdict: Verdict,
}

impl Targets {
    /// Takes over a new list. Known ones keep what was last heard of them, by name.
    pub(super) fn list(&mut self, names: &[String]) {
        let mut known = std::mem::take(&mut self.list);
        known.append(&mut self.gone);
        for name in names {
            let place = known.iter().position(|target| target.name == *name);
            let target = place.map(|place| known.remove(place));
            self.list.push(target.unwrap_or_else(|| Target { name: name.clone(), ..Target::default() }));
        }
        for target in &mut known {
            target.test = None;
        }
        let surplus = known.len().saturating_sub(MOST_GONE);
        known.drain(..surplus);
        self.gone = known;
        let tested = if names.len() > 1 { MOST_REPLICA_TESTS } else { 0 };
        for (place, target) in self.list.iter_mut().enumerate() {
            match &target.test {
                None if place < tested => {
                    target.test = Some(Box::new(Phase::looking_for(Signal::Failures)));
                }
                Some(_) if place >= tested => target.test = None,
                _ => {}
            }
        }
    }

    /// Takes what targets said. What came is in [`Self::sum`]; what was found of single ones is appended
    /// to `found`.
    pub(super) fn look(
        &mut self,
        (at, every): (At, Duration),
        readings: &[Reading],
        counts: &[bool],
        replicas: Option<ReplicaGuard<'_>>,
        found: &mut Vec<ReplicaVerdict>,
    ) -> Heard {
        self.sum.clear();
        self.timely.clear();
        let oldest = self.heard.map(|heard| At(heard.0.saturating_sub(millis(every * MOST_MISSED))));
        let mut heard = Heard::default();
        let mut counted = 0;
        for reading in readings {
            let place = usize::from(reading.target);
            let Some(target) = self.list.get_mut(place) else {
                self.lost.stray += 1;
                continue;
            };
            let from = target.baseline.heard().unwrap_or(at);
            let is_timely = oldest.is_none_or(|oldest| from >= oldest);
            let sum = if is_timely { &mut self.timely } else { &mut self.sum };
            let (k, n) = (failures(sum, counts), sum.requests);
            let worth = target.baseline.take(at, &reading.said, sum);
            let (k, n) = (failures(sum, counts) - k, sum.requests - n);
            self.lost.note(worth);
            heard.anything |= !matches!(worth, Worth::Nothing(_));
            heard.lost |= matches!(worth, Worth::First | Worth::Fell);
            if worth != Worth::Counted {
                continue;
            }
            counted += 1;
            if let (Some(test), Some(ReplicaGuard { guard, threshold })) = (&mut target.test, replicas) {
                let sample = Sample { from, at, k, n };
                let against = against(guard, Signal::Failures, &sample, threshold);
                if let Some(verdict) = test.look(Signal::Failures, &sample, &against) {
                    found.push(ReplicaVerdict { target: place, verdict });
                }
            }
        }
        self.sum.add(&self.timely);
        heard.everything = counted == self.list.len() && counted > 0;
        self.looked = Some(at);
        if heard.anything {
            self.heard = Some(at);
            self.silent = 0;
        } else {
            self.silent = self.silent.saturating_add(1);
        }
        heard
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Target> {
        self.list.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether nothing is known of the service: several looks in a row gave nothing.
    pub(super) fn is_blind(&self) -> bool {
        self.silent >= BLIND_LOOKS
    }

    /// The targets whose own test is against them.
    pub(super) fn bad(&self) -> impl Iterator<Item = &Target> {
        self.list.iter().filter(|target| target.is_bad())
    }

    /// Looks anew for what was found of single targets.
    pub(super) fn test_anew(&mut self) {
        for target in self.list.iter_mut().filter(|target| target.is_bad()) {
            target.test = Some(Box::new(Phase::looking_for(Signal::Failures)));
        }
    }

    /// Forgets what was counted, but not where inputs that are read once go on.
    pub(super) fn begin_anew(&mut self) {
        for target in self.list.iter_mut().chain(&mut self.gone) {
            target.baseline.forget_totals();
            if target.test.is_some() {
                target.test = Some(Box::new(Phase::looking_for(Signal::Failures)));
            }
        }
        self.sum = Tally::default();
        self.timely = Tally::default();
    }

    /// Moves all moments, as the clock was moved.
    pub(super) fn shift(&mut self, moved: impl Fn(At) -> At) {
        self.looked = self.looked.map(&moved);
        self.heard = self.heard.map(&moved);
        for target in self.list.iter_mut().chain(&mut self.gone) {
            target.baseline.shift(&moved);
        }
    }
}

impl Target {
    pub(super) fn is_bad(&self) -> bool {
        matches!(self.test.as_deref(), Some(Phase::End(_)))
    }

    pub(super) fn log_evidence(&self) -> Option<f64> {
        match self.test.as_deref() {
            Some(Phase::Share(test)) => Some(test.standing()?.log_evidence),
            _ => None,
        }
    }
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

/// The failures that count.
pub(super) fn failures(tally: &Tally, counts: &[bool]) -> u64 {
    let counted = tally.failed.iter().zip(counts).filter(|(_, counts)| **counts);
    counted.fold(0, |sum, (failed, _)| sum.saturating_add(*failed))
}
