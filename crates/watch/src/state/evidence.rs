//! What an alert says of the test that opened it: what it is about, the counts, the guard and what it
//! rests on, how often such a test is wrong, and how long such a fault takes to be seen.

use std::time::Duration;

use super::service::Service;
use super::trial::{Sample, Trial, against};
use crate::alert::{Evidence, Symptom};
use crate::budget;
use crate::burn::Burnt;
use crate::delay;
use crate::detect::{Against, Crossing};
use crate::guard::Signal;
use crate::plan::Plan;

impl Service {
    /// What a test is about.
    pub(super) fn symptom(&self, signal: Signal) -> Symptom {
        let reason = |place: u16| self.outline.reasons.get(usize::from(place)).cloned();
        match signal {
            // With one reason that counts, all failures are its.
            Signal::Failures => Symptom::Failing(self.only_reason().and_then(reason)),
            Signal::Reason(place) => Symptom::Failing(reason(place)),
            Signal::Slow => Symptom::Slow,
            Signal::PileUp(place) => {
                let timeout = self.outline.pile_up.get(usize::from(place));
                Symptom::PileUp(timeout.copied().unwrap_or_default())
            }
            Signal::Traffic => Symptom::TrafficGone,
            Signal::Probe => {
                let step = self.walks.step.and_then(|step| self.outline.steps.get(usize::from(step)));
                Symptom::ProbeFailing(step.cloned().unwrap_or_default())
            }
        }
    }

    /// The counts of a test that crossed.
    pub(super) fn evidence(&self, plan: &Plan, signal: Signal, crossing: &Crossing) -> Evidence {
        let place = self.place.map_or(usize::MAX, usize::from);
        let yearly = budget::split(plan).yearly(place, signal);
        self.evidence_within(yearly, signal, crossing)
    }

    /// The counts of a single target whose own test crossed.
    pub(super) fn replica_evidence(&self, plan: &Plan, crossing: &Crossing) -> Evidence {
        let place = self.place.map_or(usize::MAX, usize::from);
        let yearly = budget::split(plan).replicas_yearly(place);
        // What history implies is of all targets together.
        Evidence { implied: None, ..self.evidence_within(yearly, Signal::Failures, crossing) }
    }

    fn evidence_within(&self, yearly: f64, signal: Signal, crossing: &Crossing) -> Evidence {
        let Crossing { k, n, guard, .. } = *crossing;
        let trial = self.trials.iter().find(|trial| trial.signal == signal);
        Evidence {
            k,
            n,
            guard,
            guard_basis: trial.map_or_else(String::new, Trial::basis),
            implied: trial.and_then(|trial| trial.guard.as_ref()?.implied),
            budget: yearly,
            worst_delay: trial.map_or(Duration::MAX, |trial| self.worst_delay(trial, crossing)),
        }
    }

    /// How long a fault like this takes to be seen at the traffic it was seen at.
    fn worst_delay(&self, trial: &Trial, crossing: &Crossing) -> Duration {
        let Crossing { k, n, since, guard, .. } = *crossing;
        let Some(table) = &trial.guard else { return Duration::MAX };
        let sample = Sample { from: since, at: since, k, n };
        let against = Against { guard, ..against(table, trial.signal, &sample, trial.threshold) };
        let share = k as f64 / n.max(1) as f64;
        match trial.signal {
            Signal::Traffic => worst_of_rate(&against, share, self.every()),
            // Walks come one by one.
            Signal::Probe => {
                let every = self.probe_every();
                delay::worst(&against, share, every.as_secs_f64().max(1e-3).recip(), every)
            }
            _ => {
                let looked = self.targets.looked.unwrap_or(since);
                let within = looked.since(since) + self.every();
                delay::worst(&against, share, n as f64 / within.as_secs_f64().max(1e-3), self.every())
            }
        }
    }
}

/// How long a rate that falls to a part of its floor takes to be seen at most, with 95 %: as
/// [`delay::worst`], by the divergence of Poisson counts.
fn worst_of_rate(against: &Against, left: f64, look: Duration) -> Duration {
    let divergence = if left > 0.0 { left.mul_add(left.ln(), 1.0 - left) } else { 1.0 };
    let information = divergence * against.guard / against.dispersion.max(1.0);
    if information <= 0.0 || !information.is_finite() {
        return Duration::MAX;
    }
    Duration::try_from_secs_f64(2.0 * against.threshold / information + look.as_secs_f64())
        .unwrap_or(Duration::MAX)
}

impl From<&Burnt> for Evidence {
    fn from(burnt: &Burnt) -> Self {
        Self {
            k: burnt.k,
            n: burnt.n,
            guard: burnt.share,
            guard_basis: "the budget of the objective".to_owned(),
            implied: None,
            // It is arithmetic on facts, and has no part of the false alarms.
            budget: 0.0,
            worst_delay: Duration::ZERO,
        }
    }
}
