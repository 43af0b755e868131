//! Who comes when, and what they do: drawn by a seed, one after the other.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use daemon::http::Network;
use watch::plan::Step;

use crate::file::Test;
use crate::person::{self, Fared};
use crate::proxy::draws::Draws;
use crate::words::Words;

/// How long somebody took, or why it came to nothing.
pub type Fare = Result<Duration, Fared>;

/// The stream of arrivals, beside those of connections.
pub(crate) const STREAM: u64 = u64::MAX;

/// Those who come.
pub struct Arrivals {
    steps: Arc<[Step]>,
    network: Network,
    words: Words,
    /// For all steps together.
    patience: Duration,
    /// For how many something was set up, who come again and again; `None` where nothing was.
    known: Option<u64>,
    came: u64,
    gaps: Draws,
}

impl Arrivals {
    pub(crate) fn of(test: &Test, network: &Network, words: Words, seed: u64) -> Self {
        let persons = test.setup.iter().map(|setup| u64::from(setup.persons));
        Self {
            steps: test.steps.clone().into(),
            network: network.clone(),
            words,
            patience: test.objective.within,
            known: persons.max(),
            came: 0,
            gaps: Draws::of(seed, STREAM),
        }
    }

    /// How long after the last one the next one comes, at so many a second.
    pub fn gap(&mut self, rate: f64) -> Duration {
        // Arrivals of equal chance at any moment: gaps are exponential.
        Duration::from_secs_f64(-self.gaps.share().ln() / rate)
    }

    /// Somebody comes, and walks the steps.
    pub fn come(&mut self) -> impl Future<Output = Fare> + Send + use<> {
        let number = self.came;
        self.came += 1;
        let mut words = self.words.clone();
        words.set("user", self.known.map_or(number, |known| number % known).to_string());
        let (steps, network, patience) = (Arc::clone(&self.steps), self.network.clone(), self.patience);
        async move { person::walk(&steps, words, &network, patience).await }
    }
}
