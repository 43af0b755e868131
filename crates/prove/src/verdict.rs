//! Whether an objective holds, said as soon as it is known and not before.

use std::collections::BTreeMap;
use std::time::Duration;

use evidence::bound;
use model::wilson;

use crate::file::{Objective, Reason};

/// The chance of a wrong verdict, either way.
pub const WRONG: f64 = 0.01;

/// What people met with so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Those who succeeded in time.
    pub good: u64,
    /// Those who did not, by reason. [`Reason::Harness`] is told and not counted.
    pub failed: BTreeMap<Reason, u64>,
}

impl Seen {
    /// Notes how one person fared.
    pub fn note(&mut self, fared: Result<(), Reason>) {
        match fared {
            Ok(()) => self.good += 1,
            Err(reason) => *self.failed.entry(reason).or_default() += 1,
        }
    }

    /// Notes how others fared.
    pub fn add(&mut self, others: &Self) {
        self.good += others.good;
        for (reason, count) in &others.failed {
            *self.failed.entry(*reason).or_default() += count;
        }
    }

    /// Those who failed and count.
    #[must_use]
    pub fn bad(&self) -> u64 {
        self.failed.iter().filter(|(reason, _)| **reason != Reason::Harness).map(|(_, count)| count).sum()
    }

    /// All who count.
    #[must_use]
    pub fn people(&self) -> u64 {
        self.good + self.bad()
    }

    /// The share who failed, with its 95 % interval; nothing where nobody came.
    #[must_use]
    pub fn share(&self) -> Option<(f64, f64, f64)> {
        let people = self.people();
        (people > 0).then(|| {
            let share = self.bad() as f64 / people as f64;
            let (low, high) = wilson(share, people as f64);
            (share, low, high)
        })
    }
}

/// What can be said of an objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Held,
    /// It does not.
    Failed,
    /// Neither is shown yet.
    Open,
}

/// Judges what was seen, with a chance of at most [`WRONG`] to be wrong however often it is asked. An
/// objective for a number of people is about those people alone, and of them nothing is guessed.
#[must_use]
pub fn judge(objective: &Objective, seen: &Seen) -> Verdict {
    let bad_at_most = 1.0 - objective.good;
    let (k, n) = (seen.bad(), seen.people());
    if let Some(people) = objective.people {
        // All of them are awaited, so that the share that is told is the share of all of them.
        return match k <= objective.may_fail(people) {
            _ if n < people => Verdict::Open,
            true => Verdict::Held,
            false => Verdict::Failed,
        };
    }
    if bound::above(bad_at_most, k, n) >= WRONG.recip() {
        Verdict::Failed
    } else if bound::below(bad_at_most, k, n) >= WRONG.recip() {
        Verdict::Held
    } else {
        Verdict::Open
    }
}

/// How many people show that an objective holds if not one of them fails; how long that takes at a rate.
#[must_use]
pub fn least(objective: &Objective, rate: f64) -> (u64, Duration) {
    let people = objective.people.unwrap_or_else(|| bound::least_to_show_below(1.0 - objective.good, WRONG));
    (people, Duration::from_secs_f64(people as f64 / rate.max(1e-3)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(good: u64, timeouts: u64) -> Seen {
        Seen { good, failed: BTreeMap::from([(Reason::Timeout, timeouts), (Reason::Harness, 7)]) }
    }

    const OBJECTIVE: Objective = Objective { good: 0.995, within: Duration::from_secs(5), people: None };

    #[test]
    fn a_fifth_that_fails_is_known_after_few_and_health_after_many() {
        assert_eq!(judge(&OBJECTIVE, &seen(0, 0)), Verdict::Open);
        assert_eq!(judge(&OBJECTIVE, &seen(16, 4)), Verdict::Failed);
        assert_eq!(judge(&OBJECTIVE, &seen(500, 0)), Verdict::Open);
        assert_eq!(judge(&OBJECTIVE, &seen(1300, 0)), Verdict::Held);
        assert_eq!(judge(&OBJECTIVE, &seen(995, 5)), Verdict::Open);
    }

    #[test]
    fn of_a_number_of_people_all_are_awaited_and_a_share_may_fail() {
        let of = |good| Objective { good, people: Some(24), ..OBJECTIVE };
        assert_eq!(judge(&of(0.95), &seen(0, 23)), Verdict::Open);
        assert_eq!(judge(&of(0.95), &seen(23, 1)), Verdict::Held);
        assert_eq!(judge(&of(0.95), &seen(22, 2)), Verdict::Failed);
        assert_eq!(judge(&of(1.0), &seen(24, 0)), Verdict::Held);
        assert_eq!(of(0.95).may_fail(20), 1);
        assert_eq!(least(&of(0.95), 8.0).0, 24);
    }

    #[test]
    fn what_the_harness_did_is_told_and_not_counted() {
        assert_eq!(seen(10, 2).people(), 12);
        assert_eq!(seen(0, 0).share(), None);
    }
}
