//! Rules for Prometheus from a plan: a fallback that tells of the worst while Forewarn is down, with
//! promtool tests beside them. Writes text and no file.
//!
//! What makes these rules slower and coarser than the watch itself is Prometheus' clock: samples come every
//! scrape, and a range needs several. What keeps them from flapping is the same as in the watch: a bound on
//! the false alarms a year, from which the threshold follows for every traffic.

mod cases;
mod promql;
mod rules;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::guard::{Learnt, Signal};
use crate::plan::{Compare, GuardSource, Intake, Mapping, Matcher, Plan, Selector, Watched};

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The rules.
    pub rules: String,
    /// Tests of them, for `promtool test rules`.
    pub tests: String,
    /// What the plan watches and the rules cannot, each in a sentence.
    pub left_out: Vec<String>,
}

/// The name of the file of rules, which the tests name too.
pub const RULES: &str = "forewarn.rules.yml";
/// The name of the file of tests.
pub const TESTS: &str = "forewarn.rules.test.yml";

/// The seconds of a year.
const YEAR: f64 = 31_557_600.0;
/// The part of the yearly budget that the rules on failures have, as in the watch itself.
const FAILURES: f64 = 0.5;

/// Exports a plan, given the guards that were learnt of its services, by their place, and how often
/// Prometheus scrapes them.
#[must_use]
pub fn export(plan: &Plan, learnt: &[Vec<Learnt>], scrape: Duration) -> Exported {
    let mut left_out = Vec::new();
    let mut known: Vec<Known<'_>> = plan
        .services
        .iter()
        .enumerate()
        .filter_map(|(at, service)| {
            let none = Vec::new();
            Known::of(service, learnt.get(at).unwrap_or(&none), &mut left_out)
        })
        .collect();
    let told_by_job = told_apart(&mut known);
    let pace = Pace::of(plan, scrape, &known);
    let rules = rules::written(&known, pace, &mut left_out);
    let tests = cases::written(&known, pace, &mut left_out);
    let mut header = format!(
        "# Written by `forewarn export prometheus`: a fallback while Forewarn is down, which tells earlier and\n\
         # with evidence. For Prometheus 2.42 and later, which scrape every {}.\n",
        promql::length(pace.scrape)
    );
    if !told_by_job.is_empty() {
        header.push_str(&format!(
            "# {} show the same series: they are told apart by `job`, which must be the service's name.\n",
            told_by_job.join(", ")
        ));
    }
    for sentence in &left_out {
        header.push_str(&format!("# Not in these rules: {sentence}.\n"));
    }
    Exported { rules: header + &rules, tests, left_out }
}

/// Services with the same series are told apart by the label that names the scrape's job: the plan knows
/// them by their endpoints, which Prometheus does not see. Gives their names.
fn told_apart(known: &mut [Known<'_>]) -> Vec<String> {
    let requests: Vec<Vec<Selector>> = known.iter().map(|known| known.mapping.requests.clone()).collect();
    let shared = |at: usize| {
        let others = requests.iter().enumerate().filter(|(other, _)| *other != at).flat_map(|(_, list)| list);
        others.into_iter().any(|other| requests[at].contains(other))
    };
    let mut names = Vec::new();
    for at in (0..known.len()).filter(|at| shared(*at)) {
        let known = &mut known[at];
        let name = known.name().to_owned();
        let job = Matcher { label: "job".to_owned(), compare: Compare::Is, value: name.clone() };
        let mapping = &mut known.mapping;
        let failed = mapping.failed.iter_mut().map(|(_, selector)| selector);
        let durations = mapping.durations.iter_mut().map(|durations| &mut durations.series);
        for selector in mapping.requests.iter_mut().chain(failed).chain(durations) {
            selector.labels.push(job.clone());
        }
        names.push(name);
    }
    names
}

/// A service that rules can watch.
struct Known<'p> {
    service: &'p Watched,
    /// Its series, told from those of other services.
    mapping: Mapping,
    /// The guard of its failures, and how much its counts vary beyond independent ones.
    failures: Option<(f64, f64)>,
    slow: Option<(f64, f64)>,
    /// The floor of its traffic, in requests a second.
    floor: Option<f64>,
}

impl<'p> Known<'p> {
    fn of(service: &'p Watched, learnt: &[Learnt], left_out: &mut Vec<String>) -> Option<Self> {
        let name = &service.name;
        let Intake::Scrape(scrape) = &service.intake else {
            let why = match service.intake {
                Intake::Log(_) => "its counts come from a log, which Prometheus does not read",
                _ => "only a probe looks at it",
            };
            left_out.push(format!("{name}, since {why}"));
            return None;
        };
        let mut guard = |source: &GuardSource, signal: Signal, what: &str| {
            let known = match source {
                GuardSource::Declared(guard) => Some((*guard, 1.0)),
                GuardSource::History(_) | GuardSource::Own => {
                    let learnt = learnt.iter().find(|learnt| learnt.signal == signal);
                    learnt.map(|learnt| level(learnt, signal))
                }
            };
            if known.is_none() {
                let why = match source {
                    GuardSource::History(file) => {
                        format!("since {file} says too little to learn a guard from; state one")
                    }
                    _ => "whose guard only the watch itself learns; state one".to_owned(),
                };
                left_out.push(format!("{what} of {name}, {why}"));
            }
            known
        };
        let counted = service.reasons.iter().any(|reason| reason.counts);
        let failures = counted.then(|| guard(&service.failures, Signal::Failures, "failures")).flatten();
        let slow =
            service.latency.as_ref().and_then(|latency| guard(&latency.guard, Signal::Slow, "slow requests"));
        let traffic = service.traffic.as_ref();
        let floor = traffic.and_then(|source| guard(source, Signal::Traffic, "the floor of the traffic"));
        for (there, what) in [
            (!service.by_reason.is_empty(), "guards of single reasons"),
            (!service.pile_up.is_empty(), "durations that pile up"),
            (service.probe.is_some(), "the probe"),
        ] {
            if there {
                left_out.push(format!("{what} of {name}"));
            }
        }
        Some(Self {
            service,
            mapping: scrape.mapping.clone(),
            failures,
            slow,
            floor: floor.map(|(floor, _)| floor),
        })
    }

    fn name(&self) -> &'p str {
        &self.service.name
    }
}

/// One guard for all hours: the one that lets most pass. Prometheus has no table of the hours of the week.
fn level(learnt: &Learnt, signal: Signal) -> (f64, f64) {
    let levels = learnt.guard.level.iter().map(|level| f64::from(*level));
    let level = match signal {
        Signal::Traffic => levels.fold(f64::INFINITY, f64::min),
        _ => levels.fold(0.0, f64::max),
    };
    (level, f64::from(learnt.guard.dispersion).max(1.0))
}

/// How Prometheus looks, and how much evidence is enough for it.
#[derive(Debug, Clone, Copy)]
struct Pace {
    scrape: Duration,
    /// The range of the fast rules: four scrapes, so that one that fails leaves enough to count with.
    range: Duration,
    /// The logarithm of the evaluations to a false alarm that the budget allows a rule on failures.
    failures: f64,
    /// The same of any other rule.
    others: f64,
}

impl Pace {
    fn of(plan: &Plan, scrape: Duration, known: &[Known<'_>]) -> Self {
        let evaluations = YEAR / scrape.as_secs_f64();
        let enough =
            |rules: usize, share: f64| (evaluations * rules.max(1) as f64 / (plan.false_alarms * share)).ln();
        let failures = known.iter().filter(|known| known.failures.is_some()).count();
        let others =
            known.iter().map(|known| usize::from(known.slow.is_some()) + usize::from(known.floor.is_some()));
        Self {
            scrape,
            range: scrape * 4,
            failures: enough(failures, FAILURES),
            others: enough(others.sum(), 1.0 - FAILURES),
        }
    }

    /// What is really counted of an increase: Prometheus extrapolates from the first and last sample of a
    /// range to its ends, by at most one scrape.
    fn counted(self, range: Duration) -> f64 {
        (range - self.scrape).as_secs_f64() / range.as_secs_f64()
    }
}

/// How many failures of `n` are more than chance at a guard, by Bernstein's inequality: with a
/// probability of at most `exp(-enough)` there are `n * guard` and so many more, for any `n`.
fn excess(n: f64, guard: f64, enough: f64) -> f64 {
    enough / 3.0 + (enough * enough / 9.0 + 2.0 * enough * guard * (1.0 - guard) * n).sqrt()
}

/// How long a fault of a share takes at most until the rule sees it, at so many requests a second; `None`
/// where it never does. Nothing fails before, which is when it takes longest.
fn delay(share: f64, rate: f64, guard: f64, enough: f64, pace: Pace) -> Option<Duration> {
    let range = pace.range.as_secs_f64();
    let counted = pace.counted(pace.range);
    let n = rate * range * counted;
    let needed = n * guard + excess(n, guard, enough);
    let polluted = needed / (rate * share);
    // What is counted of the range must be able to hold that many.
    (polluted < range * counted).then(|| Duration::from_secs_f64(polluted.ceil()) + pace.scrape * 2)
}
