//! How often which test may raise a false alarm: the yearly budget of the whole installation, split over
//! the tests that there are. A test that does not exist costs nothing. Findings, blind services and
//! audits that are overdue are facts, not tests.

use std::time::Duration;

use crate::guard::Signal;
use crate::plan::{Intake, Plan, Targets, Watched};

/// The part of the tests of all failures; the others share the rest.
const FAILURES: f64 = 0.5;
const YEAR: Duration = Duration::from_secs(31_557_600);

/// How the budget was split.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    parts: Vec<Vec<Part>>,
}

/// The part of one test.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Part {
    test: Test,
    /// False alarms a year.
    yearly: f64,
    /// Looks a year.
    looks: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Of(Signal),
    /// Each target for itself; all of a service together have one part.
    Replicas,
}

/// Splits the budget of a plan.
#[must_use]
pub fn split(plan: &Plan) -> Budget {
    let tests: Vec<Vec<Test>> = plan.services.iter().map(tests).collect();
    let is_main = |test: &Test| *test == Test::Of(Signal::Failures);
    let main = tests.iter().flatten().filter(|test| is_main(test)).count();
    let others = tests.iter().flatten().count() - main;
    let of_main = if others == 0 { 1.0 } else { FAILURES };
    let of_others = if main == 0 { 1.0 } else { 1.0 - FAILURES };
    let part = |service: &Watched, test: Test| {
        let share = if is_main(&test) { of_main / main as f64 } else { of_others / others as f64 };
        let every = match (test, &service.probe) {
            (Test::Of(Signal::Probe), Some(probe)) => probe.every,
            _ => plan.look,
        };
        let looks = YEAR.as_secs_f64() / every.as_secs_f64().max(0.001);
        Part { test, yearly: plan.false_alarms * share, looks }
    };
    let parts = plan.services.iter().zip(tests);
    Budget {
        parts: parts
            .map(|(service, tests)| tests.into_iter().map(|test| part(service, test)).collect())
            .collect(),
    }
}

/// The tests of a service.
fn tests(service: &Watched) -> Vec<Test> {
    let mut tests = Vec::new();
    if service.intake != Intake::None {
        tests.push(Test::Of(Signal::Failures));
        let counting = service.reasons.iter().filter(|reason| reason.counts).count();
        // The only reason is all failures, which are tested already.
        if counting > 1 {
            let reasons = service.reasons.iter().zip(0..).filter(|(reason, _)| reason.counts);
            tests.extend(reasons.map(|(_, place)| Test::Of(Signal::Reason(place))));
        }
        tests.extend(service.latency.iter().map(|_| Test::Of(Signal::Slow)));
        tests.extend(service.pile_up.iter().zip(0..).map(|(_, place)| Test::Of(Signal::PileUp(place))));
        tests.extend(service.traffic.iter().map(|_| Test::Of(Signal::Traffic)));
        if has_replicas(&service.intake) {
            tests.push(Test::Replicas);
        }
    }
    tests.extend(service.probe.iter().map(|_| Test::Of(Signal::Probe)));
    tests
}

fn has_replicas(intake: &Intake) -> bool {
    match intake {
        Intake::Scrape(scrape) => {
            scrape.targets.len() > 1
                || !scrape.targets.iter().all(|targets| matches!(targets, Targets::Url(_)))
        }
        Intake::None | Intake::Log(_) => false,
    }
}

impl Budget {
    /// The logarithm of the evidence that is enough; beyond any evidence where the test does not exist.
    #[must_use]
    pub fn threshold(&self, service: usize, signal: Signal) -> f64 {
        self.part(service, Test::Of(signal)).map_or(f64::INFINITY, |part| (part.looks / part.yearly).ln())
    }

    /// How many false alarms a year a test may raise; none where it does not exist.
    #[must_use]
    pub fn yearly(&self, service: usize, signal: Signal) -> f64 {
        self.part(service, Test::Of(signal)).map_or(0.0, |part| part.yearly)
    }

    /// How many looks a year a test takes.
    #[must_use]
    pub fn looks(&self, service: usize, signal: Signal) -> f64 {
        self.part(service, Test::Of(signal)).map_or(0.0, |part| part.looks)
    }

    /// The threshold of one of so many replicas of a service.
    #[must_use]
    pub fn replica_threshold(&self, service: usize, replicas: usize) -> f64 {
        let part = self.part(service, Test::Replicas);
        part.map_or(f64::INFINITY, |part| (part.looks * replicas.max(1) as f64 / part.yearly).ln())
    }

    /// How many false alarms a year all replicas of a service together may raise.
    #[must_use]
    pub fn replicas_yearly(&self, service: usize) -> f64 {
        self.part(service, Test::Replicas).map_or(0.0, |part| part.yearly)
    }

    fn part(&self, service: usize, test: Test) -> Option<&Part> {
        self.parts.get(service)?.iter().find(|part| part.test == test)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{plan, service};
    use crate::plan::{GuardSource, LatencyObjective};

    #[test]
    fn all_tests_together_have_the_budget_and_no_more() {
        let mut slow = service(&["timeout", "error"]);
        let (guard, slow_from) = (GuardSource::Own, Duration::from_millis(300));
        slow.latency = Some(LatencyObjective { slow: slow_from, guard });
        let plan = plan(vec![service(&["error"]), slow]);
        let budget = split(&plan);
        let signals = [Signal::Failures, Signal::Reason(0), Signal::Reason(1), Signal::Slow, Signal::Traffic];
        let yearly = |service| signals.map(|signal| budget.yearly(service, signal));
        assert_eq!(yearly(0), [0.25, 0.0, 0.0, 0.0, 0.0]);
        let third = 0.5 / 3.0;
        assert_eq!(yearly(1), [0.25, third, third, third, 0.0]);
        assert_eq!(budget.threshold(0, Signal::Slow), f64::INFINITY);
    }

    #[test]
    fn where_there_is_nothing_else_the_failures_have_all_of_it() {
        let budget = split(&plan(vec![service(&["error"]); 24]));
        let threshold = budget.threshold(7, Signal::Failures);
        assert!((threshold - (31_557_600.0 * 24.0_f64).ln()).abs() < 1e-9, "{threshold}");
        assert_eq!(budget.threshold(24, Signal::Failures), f64::INFINITY);
    }

    #[test]
    fn replicas_share_the_part_of_their_service() {
        let mut many = service(&["error"]);
        if let Intake::Scrape(scrape) = &mut many.intake {
            scrape.targets.push(scrape.targets[0].clone());
        }
        let budget = split(&plan(vec![many]));
        assert_eq!(budget.replicas_yearly(0), 0.5);
        let more = budget.replica_threshold(0, 20) - budget.replica_threshold(0, 1);
        assert!((more - 20.0_f64.ln()).abs() < 1e-9);
    }
}
