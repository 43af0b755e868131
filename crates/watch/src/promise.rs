//! What a plan promises before anything was seen: each of its tests, the guard as far as it is stated, and
//! how late a fault is told at worst. An alert says the same of itself, by what it has seen.

use std::time::Duration;

use model::Span;

use crate::alert::Symptom;
use crate::budget::{self, Budget};
use crate::delay;
use crate::detect::Against;
use crate::guard::Signal;
use crate::plan::{GuardSource, Plan, Reason, Watched};
use crate::scenario::name_of;

/// The traffic that delays are stated for, requests a second: a busy service, an ordinary one, a quiet one.
const RATES: [f64; 3] = [100.0, 10.0, 1.0];

/// A test of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Promise<'p> {
    /// The service.
    pub service: &'p str,
    /// Where it is declared.
    pub span: Span,
    /// What is tested, as test files call it: `failing`, `failing:timeout`, `slow`.
    pub test: String,
    /// Where the guard comes from.
    pub guard: &'p GuardSource,
    /// How often it is looked at.
    pub every: Duration,
    /// False alarms a year: its part of the plan's.
    pub yearly: f64,
    /// How long a fault takes to be told, with 95 %, at so many events a second. Nothing where the guard is
    /// not stated.
    pub at_worst: Vec<(f64, Duration)>,
}

/// The tests of a plan, in its order, and how long each takes to tell a fault that makes a share of `failing`
/// fail.
#[must_use]
pub fn promises(plan: &Plan, failing: f64) -> Vec<Promise<'_>> {
    let budget = budget::split(plan);
    let services = plan.services.iter().enumerate();
    services.flat_map(|(place, service)| of_service(plan, &budget, place, service, failing)).collect()
}

fn of_service<'p>(
    plan: &'p Plan,
    budget: &Budget,
    place: usize,
    service: &'p Watched,
    failing: f64,
) -> Vec<Promise<'p>> {
    let tests = service.guards().filter(|(signal, _)| budget.yearly(place, *signal) > 0.0);
    tests
        .map(|(signal, guard)| {
            let (every, rates) = match (signal, &service.probe) {
                // Walks come one by one.
                (Signal::Probe, Some(probe)) => {
                    (probe.every, vec![probe.every.as_secs_f64().max(1e-3).recip()])
                }
                _ => (plan.look, RATES.to_vec()),
            };
            let at_worst = match (signal, guard) {
                // A drop of the traffic is told after as long as the traffic itself says, not a share of it.
                (Signal::Traffic, _) | (_, GuardSource::History(_) | GuardSource::Own) => Vec::new(),
                (_, GuardSource::Declared(guard)) => {
                    let threshold = budget.threshold(place, signal);
                    let against = Against { guard: *guard, dispersion: 1.0, threshold };
                    rates.iter().map(|&rate| (rate, delay::worst(&against, failing, rate, every))).collect()
                }
            };
            Promise {
                service: &service.name,
                span: service.span,
                test: name(service, signal),
                guard,
                every,
                yearly: budget.yearly(place, signal),
                at_worst,
            }
        })
        .collect()
}

fn name(service: &Watched, signal: Signal) -> String {
    let reason = |reason: Option<&Reason>| Symptom::Failing(reason.map(|reason| reason.name.clone()));
    let symptom = match signal {
        // With one reason that counts, all failures are its.
        Signal::Failures => {
            let mut counting = service.reasons.iter().filter(|reason| reason.counts);
            let only = counting.next().filter(|_| counting.next().is_none());
            reason(only)
        }
        Signal::Reason(place) => reason(service.reasons.get(usize::from(place))),
        Signal::Slow => Symptom::Slow,
        Signal::PileUp(place) => {
            let timeout = service.pile_up.get(usize::from(place)).map_or(0, Duration::as_millis);
            Symptom::PileUp(u64::try_from(timeout).unwrap_or(u64::MAX))
        }
        Signal::Traffic => Symptom::TrafficGone,
        // Which step fails, only a walk can say.
        Signal::Probe => return "probe-failing".to_owned(),
    };
    name_of(&symptom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{plan, service};

    fn lines(plan: &Plan) -> Vec<String> {
        let line = |promise: &Promise<'_>| {
            let at = |(rate, delay): &(f64, Duration)| format!("{}s at {rate}/s", delay.as_secs());
            let at_worst: Vec<String> = promise.at_worst.iter().map(at).collect();
            format!("{} {:.3} {}", promise.test, promise.yearly, at_worst.join(", "))
        };
        promises(plan, 0.2).iter().map(line).collect()
    }

    #[test]
    fn each_test_that_exists_is_promised_once_with_its_delay_where_its_guard_is_stated() {
        let mut stated = service(&["timeout", "error"]);
        stated.failures = GuardSource::Declared(0.01);
        stated.by_reason = vec![(1, GuardSource::Own)];
        stated.traffic = Some(GuardSource::Declared(3.0));
        insta::assert_snapshot!(lines(&plan(vec![stated, service(&["error"])])).join("\n"), @r"
        failing 0.250 2s at 100/s, 11s at 10/s, 99s at 1/s
        failing:timeout 0.167 2s at 100/s, 11s at 10/s, 100s at 1/s
        failing:error 0.167 
        traffic-gone 0.167 
        failing:error 0.250
        ");
    }
}
