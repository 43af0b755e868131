//! Tests of one signal of one service: `evidence` with moments and guards. A look takes counts and says
//! whether the evidence has crossed; what that leads to is decided elsewhere.

mod recovery;

use std::time::Duration;

use evidence::{Mixture, Standing, rate, ratio};
use serde::{Deserialize, Serialize};

pub use recovery::Recovery;

use crate::time::At;

/// What a look is held against.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// The share, or the requests a second, that would still be fine.
    pub guard: f64,
    /// The variance of the counts over that of independent ones; evidence is weighed down by it.
    pub dispersion: f64,
    /// The logarithm of the evidence that is enough ([`crate::budget::Budget::threshold`]).
    pub threshold: f64,
}

impl Against {
    /// Whether evidence is enough.
    #[must_use]
    pub fn is_crossed_by(&self, evidence: f64) -> bool {
        evidence.ln() >= self.threshold
    }
}

/// Evidence that was enough.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Crossing {
    /// So many failed; or came, where traffic is tested,
    pub k: u64,
    /// of so many requests; or where so many had to be expected,
    pub n: u64,
    /// since then.
    pub since: At,
    /// What would still have been fine.
    pub guard: f64,
    /// The logarithm of the evidence.
    pub log_evidence: f64,
}

impl Crossing {
    fn new(standing: Standing, guard: f64) -> Self {
        let Standing { log_evidence, since, k, n } = standing;
        Self { k, n, since: At(since), guard, log_evidence }
    }
}

/// Whether a share is above its guard: failures, a reason, slow requests, walks of a probe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RatioTest {
    /// Absent until the first look says against what.
    detector: Option<ratio::Detector>,
}

impl RatioTest {
    /// Looks at k of n. Nothing among nothing changes nothing. The guard may be another one than at the
    /// last look, as it is at another hour.
    #[inline]
    pub fn look(&mut self, at: At, k: u64, n: u64, against: &Against) -> Option<Crossing> {
        let Against { guard, dispersion, .. } = *against;
        let mixture = || Mixture::new(guard, dispersion);
        let detector = self.detector.get_or_insert_with(|| ratio::Detector::new(mixture()));
        if !detector.mixture().is_of(guard, dispersion) {
            detector.face(mixture());
        }
        let evidence = detector.look(at.0, k, n);
        against.is_crossed_by(evidence).then(|| Crossing::new(detector.standing(), guard))
    }

    /// How things stand, crossed or not; nothing before the first look.
    #[must_use]
    pub fn standing(&self) -> Option<Crossing> {
        self.detector.as_ref().map(|detector| Crossing::new(detector.standing(), detector.mixture().guard()))
    }

    /// Forgets everything, as after an alert has ended.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

/// Whether requests stay away: fewer a second than the guard.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrafficTest {
    detector: rate::Detector,
}

impl TrafficTest {
    /// Looks at k requests that came within so long.
    pub fn look(&mut self, at: At, k: u64, within: Duration, against: &Against) -> Option<Crossing> {
        let expected = against.guard * within.as_secs_f64();
        let evidence = self.detector.look(at.0, k, expected, against.dispersion);
        against.is_crossed_by(evidence).then(|| Crossing::new(self.detector.standing(), against.guard))
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}
