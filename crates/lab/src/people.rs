//! Steady sign-ins: people come at random moments of equal chance, by a seed, and how each fared is kept.

use std::time::Duration;

use daemon::http::Network;
use prove::file::Test;
use prove::person;
use prove::proxy::draws::Draws;
use prove::words::Words;
use tokio::task::{JoinHandle, JoinSet};

use crate::ledger::Ledger;

/// So many may be on their way; nobody comes on top, so that a service that answers nobody does not use up
/// this machine.
const MOST_AT_ONCE: usize = 2_000;
/// The stream of arrivals, beside those of connections.
const ARRIVALS: u64 = u64::MAX - 1;

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
                    let number = ledger.begin();
                    let walked = person::walk(&steps, words, &network, patience).await;
                    ledger.end(number, walked.is_err());
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
