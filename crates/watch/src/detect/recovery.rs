//! Whether a fault is over. Missing data never says so: a look that counted nothing changes nothing.

use std::time::Duration;

use evidence::{interval, recovery};
use serde::{Deserialize, Serialize};

use super::Crossing;

/// While a fault goes on, its end is told by mistake once in so many looks at most: at one look a second
/// within eleven days of fault.
const LOOKS_TO_A_FALSE_END: f64 = 1e6;
/// Standard errors between what was seen and what is taken to be seen at least: 95 %, one side.
const ERRORS: f64 = 1.645;

/// The test of one open alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    boundary: f64,
    test: recovery::Recovery,
}

impl Recovery {
    /// Of a share that crossed its guard.
    #[must_use]
    pub fn of_share(crossing: &Crossing) -> Self {
        let (least, _) = interval::wilson(crossing.k, crossing.n, ERRORS);
        Self { boundary: recovery::boundary(crossing.guard, least), test: recovery::Recovery::default() }
    }

    /// Of a rate that fell below its guard.
    #[must_use]
    pub fn of_rate(crossing: &Crossing) -> Self {
        let k = crossing.k as f64;
        let most = (k + ERRORS * (k + 1.0).sqrt()) / (crossing.n as f64).max(1.0) * crossing.guard;
        Self {
            boundary: recovery::boundary_of_rate(crossing.guard, most),
            test: recovery::Recovery::default(),
        }
    }

    /// At or beyond this it is still bad.
    #[must_use]
    pub fn boundary(&self) -> f64 {
        self.boundary
    }

    /// Looks at k failures of n; whether it is over.
    pub fn look(&mut self, k: u64, n: u64, guard: f64) -> bool {
        self.test.look(k, n, guard, self.boundary) >= LOOKS_TO_A_FALSE_END
    }

    /// Looks at k requests within so long; whether they are back.
    pub fn look_at_rate(&mut self, k: u64, within: Duration, guard: f64) -> bool {
        let seconds = within.as_secs_f64();
        self.test.look_at_rate(k, guard * seconds, self.boundary * seconds) >= LOOKS_TO_A_FALSE_END
    }
}
