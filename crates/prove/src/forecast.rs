//! What the replayed latency alone says of a limit on waiting for it: whom it cuts, and how long it must be.
//! What else befalls people, only a run shows.

use std::time::Duration;

use model::{Latency, Replay};

use crate::file::{Awaits, Search, Test};
use crate::trial::Trial;

/// What is to be expected of the setting that a test searches.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    replay: Replay,
    /// How often a person waits, one time after the other.
    waits: f64,
}

impl Forecast {
    /// That of people who wait so often each; `None` where the setting waits for nothing that is replayed.
    #[must_use]
    pub fn of(test: &Test, waits: f64) -> Option<Self> {
        Self::over(test.awaited()?, waits)
    }

    /// The same for a latency.
    pub(crate) fn over(latency: &Latency, waits: f64) -> Option<Self> {
        let replay = latency.replay()?;
        (waits > 0.0).then_some(Self { replay, waits })
    }

    /// The share of people who fail at a limit.
    #[must_use]
    pub fn failed(&self, limit: Duration) -> f64 {
        1.0 - self.replay.share_within(limit).powf(self.waits)
    }

    /// The smallest limit at which as many succeed as must.
    #[must_use]
    pub fn smallest(&self, good: f64) -> Duration {
        self.replay.at(good.powf(self.waits.recip()))
    }
}

/// How often each person of a run waited for what the setting waits for.
pub(crate) fn waits(search: &Search, trial: &Trial) -> f64 {
    let Some((_, counted)) = trial.dependencies.iter().find(|(name, _)| *name == search.dependency) else {
        return 1.0;
    };
    let each = |count: u64| count as f64 / trial.came.max(1) as f64;
    match search.awaits {
        // Somebody who is still on the way, or failed early, has not made all calls.
        Awaits::Answer | Awaits::Other => each(counted.calls).round().max(1.0),
        // A pool makes one connection for many people.
        Awaits::Connect => each(counted.connections),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Counted;

    const MS: Duration = Duration::from_millis(1);

    fn forecast(waits: f64) -> Forecast {
        let quantiles = vec![(0.5, MS * 222), (0.99, MS * 505), (0.999, MS * 661)];
        let latency = Latency { window: String::new(), calls: 41_200, in_force: None, quantiles };
        Forecast::over(&latency, waits).expect("it is replayed")
    }

    #[test]
    fn at_the_smallest_limit_as_many_fail_as_may_however_often_they_wait() {
        for waits in [0.1, 1.0, 3.0] {
            let forecast = forecast(waits);
            let failed = forecast.failed(forecast.smallest(0.995));
            assert!((failed - 0.005).abs() < 1e-6, "{waits}: {failed}");
        }
        let [rarely, once, often] = [0.1, 1.0, 3.0].map(|waits| forecast(waits).smallest(0.995));
        assert!(rarely < once && once < often, "{rarely:?} {once:?} {often:?}");
    }

    #[test]
    fn who_waits_for_a_connection_waits_as_often_as_one_is_made() {
        let counted = Counted { calls: 290, connections: 5, ..Counted::default() };
        let trial =
            Trial { came: 100, dependencies: vec![("d".to_owned(), counted)], ..Trial::of_nobody("") };
        let search = |awaits| Search {
            key: "k".to_owned(),
            unit: None,
            from: MS,
            to: MS,
            margin: 1.5,
            dependency: "d".to_owned(),
            awaits,
        };
        assert_eq!(waits(&search(Awaits::Answer), &trial), 3.0);
        assert_eq!(waits(&search(Awaits::Connect), &trial), 0.05);
        assert_eq!(waits(&search(Awaits::Answer), &Trial::of_nobody("")), 1.0);
    }
}
