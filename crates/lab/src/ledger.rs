//! How every sign-in of a drill fared, and when: asked while more of them come.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Sign-ins and those of them that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// All.
    pub people: u64,
    /// Those that failed.
    pub failed: u64,
}

impl Count {
    /// The share that failed; 0 of nobody.
    #[must_use]
    pub fn share(self) -> f64 {
        self.failed as f64 / (self.people as f64).max(1.0)
    }
}

/// One sign-in.
#[derive(Debug, Clone, Copy)]
struct SignIn {
    began: Instant,
    over: Option<Over>,
}

#[derive(Debug, Clone, Copy)]
struct Over {
    at: Instant,
    failed: bool,
}

/// All sign-ins, in the order in which they began.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Vec<SignIn>>>);

impl Ledger {
    fn look(&self) -> MutexGuard<'_, Vec<SignIn>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One begins; gives its number.
    pub(crate) fn begin(&self) -> usize {
        let mut all = self.look();
        all.push(SignIn { began: Instant::now(), over: None });
        all.len() - 1
    }

    /// One is over.
    pub(crate) fn end(&self, number: usize, failed: bool) {
        if let Some(one) = self.look().get_mut(number) {
            one.over = Some(Over { at: Instant::now(), failed });
        }
    }

    /// How many ended from one moment on, and how many of them failed.
    pub(crate) fn ended(&self, from: Instant) -> Count {
        self.count(|_, over| over.at >= from)
    }

    /// How many of those that were begun within a time have ended, and how many of them failed.
    pub(crate) fn begun(&self, from: Instant, to: Instant) -> Count {
        self.count(|one, _| one.began >= from && one.began < to)
    }

    /// Whether all are over that were begun before a moment. Whoever is on the way longest has failed, as a
    /// rule: without them a share is too small.
    pub(crate) fn is_complete(&self, to: Instant) -> bool {
        self.look().iter().all(|one| one.began >= to || one.over.is_some())
    }

    fn count(&self, is: impl Fn(&SignIn, Over) -> bool) -> Count {
        let mut count = Count::default();
        for one in self.look().iter() {
            if let Some(over) = one.over.filter(|over| is(one, *over)) {
                count.people += 1;
                count.failed += u64::from(over.failed);
            }
        }
        count
    }

    /// When the first one failed from one moment on.
    pub(crate) fn first_failed(&self, from: Instant) -> Option<Instant> {
        self.failed(from).into_iter().min()
    }

    /// When the last one failed from one moment on.
    pub(crate) fn last_failed(&self, from: Instant) -> Option<Instant> {
        self.failed(from).into_iter().max()
    }

    fn failed(&self, from: Instant) -> Vec<Instant> {
        let all = self.look();
        let over = all.iter().filter_map(|one| one.over);
        over.filter(|over| over.failed && over.at >= from).map(|over| over.at).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_on_the_way_still_is_missed_and_not_counted() {
        let ledger = Ledger::default();
        let from = Instant::now();
        let (first, second, third) = (ledger.begin(), ledger.begin(), ledger.begin());
        let to = Instant::now();
        ledger.end(second, true);
        ledger.end(first, false);
        assert_eq!(ledger.begun(from, to), Count { people: 2, failed: 1 });
        assert!(!ledger.is_complete(to));
        let later = Instant::now();
        assert_eq!(ledger.first_failed(later), None);
        ledger.end(third, true);
        assert!(ledger.is_complete(to));
        assert_eq!(ledger.begun(from, to), Count { people: 3, failed: 2 });
        assert_eq!(ledger.begun(to, Instant::now()), Count::default());
        assert_eq!(ledger.ended(later), Count { people: 1, failed: 1 });
        assert!(ledger.first_failed(from) < ledger.last_failed(from));
        assert_eq!(ledger.first_failed(later), ledger.last_failed(from));
    }
}
