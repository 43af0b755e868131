//! Whether a fault is over. Missing data never says so: a look that counted nothing changes nothing.

use std::time::Duration;

use evidence::{Standing, recovery};
use serde::{Deserialize, Serialize};

use super::Crossing;

/// The test of one open alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    test: recovery::Recovery,
}

impl Recovery {
    /// Of a share that crossed its guard.
    #[must_use]
    pub fn of_share(crossing: &Crossing) -> Self {
        Self { test: recovery::Recovery::of_share(&standing(crossing), crossing.guard) }
    }

    /// Of a rate that fell below its guard.
    #[must_use]
    pub fn of_rate(crossing: &Crossing) -> Self {
        Self { test: recovery::Recovery::of_rate(&standing(crossing), crossing.guard) }
    }

    /// A share of this or more, or a rate of this or less, is still bad.
    #[must_use]
    pub fn boundary(&self) -> f64 {
        self.test.boundary()
    }

    /// Looks at k failures of n; whether it is over.
    pub fn look(&mut self, k: u64, n: u64, guard: f64) -> bool {
        self.test.look(k, n, guard)
    }

    /// Looks at k requests within so long; whether they are back.
    pub fn look_at_rate(&mut self, k: u64, within: Duration, guard: f64) -> bool {
        self.test.look_at_rate(k, within.as_secs_f64(), guard)
    }
}

fn standing(crossing: &Crossing) -> Standing {
    let Crossing { k, n, since, log_evidence, .. } = *crossing;
    Standing { log_evidence, since: since.0, k, n }
}
