//! Steady sign-ins: people come at random moments of equal chance, by a seed, and how each fared is kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use daemon::http::Network;
use prove::file::{Reason, Test};
use prove::person;
use prove::proxy::draws::Draws;
use prove::words::Words;
use tokio::task::{JoinHandle, JoinSet};

/// So many may be on their way; nobody comes on top, so that a service that answers nobody does not use up
/// this machine.
const MOST_AT_ONCE: usize = 2_000;
/// The stream of arrivals, beside those of connections.
const ARRIVALS: u64 = u64::MAX - 1;

/// One person's sign-in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignIn {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    /// Why it failed, where it did.
    pub(crate) failed: Option<Reason>,
}

/// All sign-ins that are over, in the order of their end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Vec<SignIn>>>);

impl Ledger {
    fn look(&self) -> MutexGuard<'_, Vec<SignIn>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many ended from one moment on, and how many of them failed.
    pub(crate) fn since(&self, from: Instant) -> Count {
        self.count(|one| one.ended >= from)
    }

    /// How many were begun within a time and have ended, and how many of them failed.
    pub(crate) fn begun(&self, from: Instant, to: Instant) -> Count {
        self.count(|one| one.began >= from && one.began < to)
    }

    fn count(&self, is: impl Fn(&SignIn) -> bool) -> Count {
        let mut count = Count::default();
        for one in self.look().iter().filter(|one| is(one)) {
            count.people += 1;
            count.failed += u64::from(one.failed.is_some());
        }
        count
    }

    /// The first that failed from one moment on.
    pub(crate) fn first_failed(&self, from: Instant) -> Option<SignIn> {
        self.look().iter().find(|one| one.ended >= from && one.failed.is_some()).copied()
    }

    /// The last that failed from one moment on.
    pub(crate) fn last_failed(&self, from: Instant) -> Option<SignIn> {
        self.look().iter().rfind(|one| one.ended >= from && one.failed.is_some()).copied()
    }
}

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

/// People who come until this is dropped.
#[derive(Debug)]
pub(crate) struct People {
    coming: JoinHandle<()>,
}

impl People {
    /// Lets them come, so many a second.
    pub(crate) fn come(test: &Test, words: &Words, rate: f64, seed: u64, ledger: Ledger) -> Self {
        let steps = test.steps.clone();
        let patience = test.objective.within;
        let persons = test.setup.iter().map(|setup| u64::from(setup.persons)).max().unwrap_or(1).max(1);
        let words = words.clone();
        let coming = tokio::spawn(async move {
            let mut gaps = Draws::of(seed, ARRIVALS);
            let network = Network::default();
            let mut under_way = JoinSet::new();
            let mut next = tokio::time::Instant::now();
            for number in 0_u64.. {
                tokio::time::sleep_until(next).await;
                // Arrivals of equal chance at any moment: gaps are exponential.
                next += Duration::from_secs_f64(-gaps.share().ln() / rate);
                while under_way.try_join_next().is_some() {}
                if under_way.len() >= MOST_AT_ONCE {
                    continue;
                }
                let mut words = words.clone();
                words.set("user", (number % persons).to_string());
                let (steps, network, ledger) = (steps.clone(), network.clone(), ledger.clone());
                under_way.spawn(async move {
                    let began = Instant::now();
                    let failed = person::walk(&steps, words, &network, patience).await.err();
                    let failed = failed.map(|fared| fared.reason);
                    ledger.look().push(SignIn { began, ended: Instant::now(), failed });
                });
            }
        });
        Self { coming }
    }
}

impl Drop for People {
    fn drop(&mut self) {
        self.coming.abort();
    }
}
