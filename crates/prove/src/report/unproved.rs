//! What a test had no time, or no way, to prove: said beside what it showed, so that nobody takes one for
//! the other.

use std::time::Duration;

use evidence::bound;
use model::{grouped, percent, pretty};

use super::Asked;
use crate::file::{Load, Reason, Test};
use crate::notes::notes;
use crate::people::MOST_AT_ONCE;
use crate::proof::{Proof, for_current};
use crate::trial::Trial;
use crate::verdict::{Verdict, WRONG, least};

/// How much rarer failures are of which one would like to know as well, once an objective holds.
const RARER: f64 = 0.2;
/// A quantile was reached where so many of the calls are expected beyond it: of fewer, none may have been
/// there (Hanley, Lippman-Hand 1983, the rule of three).
const EXPECTED: f64 = 3.0;
/// Answers that came later than what was drawn are told from this part on.
const LATE: f64 = 0.01;

pub(super) fn unproved(test: &Test, asked: &Asked, proof: &Proof) -> Vec<String> {
    let mut told: Vec<String> = proof.seen().filter_map(|trial| open(test, trial)).collect();
    if !told.is_empty() {
        told.extend(too_short(test, asked.budget, asked.current.is_some()));
    }
    if let Some(tested) = proof.tested.seen() {
        told.extend(rarer(test, tested));
        told.extend(tail(test, tested));
    }
    for trial in proof.seen() {
        told.extend(harness(trial));
        told.extend(credentials(trial));
    }
    if let Some(tested) = proof.tested.seen() {
        told.extend(dependencies(tested));
        told.extend(notes(test, &tested.dependencies));
    }
    for change in &asked.changes {
        if test.candidate.writes(&change.key) {
            told.push(format!("{} differs too, but the test itself writes what it needs there", change.key));
        }
    }
    told
}

/// Says that a budget is too short for the objective to be shown even if nobody fails, and which one would do;
/// nothing where it is not, or nobody knows how fast people come. `compared` is whether what is in force is run
/// too.
#[must_use]
pub fn too_short(test: &Test, budget: Duration, compared: bool) -> Option<String> {
    let Load::Rate(rate) = test.load else { return None };
    let (needed, takes) = least(&test.objective, rate);
    let (first, runs) = match compared {
        true => (budget.saturating_sub(for_current(test, budget)), 2),
        false => (budget, 1),
    };
    if first >= takes {
        return None;
    }
    // A quarter more for each: a few may fail.
    let would_do = Duration::from_secs((takes * runs).mul_f64(1.25).as_secs_f64().ceil() as u64);
    Some(format!(
        "a budget of {} is too short to show that {} succeed, even if nobody fails: that takes {} people{}{}; --budget {} would do",
        pretty(budget),
        percent(test.objective.good),
        grouped(needed),
        time(test, needed),
        if compared { ", with the candidate and with what is in force" } else { "" },
        pretty(would_do).replace(' ', "")
    ))
}

/// A verdict that is not known yet: how many people it takes.
fn open(test: &Test, trial: &Trial) -> Option<String> {
    if trial.verdict != Verdict::Open {
        return None;
    }
    let (needed, _) = least(&test.objective, 1.0);
    let came = format!(
        "{} came within {} and {} failed",
        grouped(trial.seen.people()),
        seconds(trial.elapsed),
        grouped(trial.seen.bad())
    );
    Some(format!(
        "{}: that {} succeed takes {} people of whom none fails{}; {came}",
        trial.label,
        percent(test.objective.good),
        grouped(needed),
        time(test, needed)
    ))
}

/// That failures are rarer still than the objective allows.
fn rarer(test: &Test, trial: &Trial) -> Option<String> {
    if trial.verdict != Verdict::Held || test.objective.people.is_some() {
        return None;
    }
    let share = (1.0 - test.objective.good) * RARER;
    let needed = bound::least_to_show_below(share, WRONG);
    (trial.seen.people() < needed).then(|| {
        format!(
            "{}: that at most {} fail would take {} people of whom none fails{}; {} came within {}",
            trial.label,
            percent(share),
            grouped(needed),
            time(test, needed),
            grouped(trial.seen.people()),
            seconds(trial.elapsed)
        )
    })
}

/// How long it takes for so many people to come.
fn time(test: &Test, people: u64) -> String {
    match test.load {
        Load::Rate(rate) => {
            format!(", {} at {rate} a second", seconds(Duration::from_secs_f64(people as f64 / rate)))
        }
        Load::AtOnce(_) => String::new(),
    }
}

/// The quantiles of the replayed latency beyond which too few answers were drawn, and those that nobody
/// measured.
fn tail(test: &Test, trial: &Trial) -> Vec<String> {
    let mut told = Vec::new();
    for dependency in &test.dependencies {
        let drawn = trial.dependencies.iter().find(|(name, _)| *name == dependency.name);
        let drawn = drawn.map_or(0, |(_, counted)| counted.drawn);
        let Some(latency) = &dependency.replayed.answer else { continue };
        let Some(replay) = latency.replay() else { continue };
        let measured = |&&(share, _): &&(f64, Duration)| share <= replay.measured_up_to();
        let seen = latency.quantiles.iter().filter(measured);
        let missed = seen.clone().find(|(share, _)| (1.0 - share) * (drawn as f64) < EXPECTED);
        if latency.window == crate::observed::STATED {
            continue;
        }
        if let Some((share, length)) = missed {
            told.push(format!(
                "{}: {} delays of {} were drawn, too few to meet those above p{} ({}) more than by chance",
                trial.label,
                grouped(drawn),
                dependency.name,
                (share * 1e4).round() / 1e2,
                pretty(*length)
            ));
        }
    }
    told
}

/// Whom Forewarn itself kept from asking.
fn harness(trial: &Trial) -> Vec<String> {
    let mut told = Vec::new();
    if trial.turned_away > 0 {
        told.push(format!(
            "{}: {} more people came and were not let in, for {} were on their way: fewer came than the load says",
            trial.label,
            grouped(trial.turned_away),
            grouped(MOST_AT_ONCE as u64)
        ));
    }
    let all = trial.seen.failed.get(&Reason::Harness).copied().unwrap_or(0);
    let could_not = all.saturating_sub(trial.turned_away);
    if could_not > 0 {
        let what = trial.met.get(&Reason::Harness).map_or("", String::as_str);
        told.push(format!(
            "{}: {} of the people could not even ask and are not counted ({what})",
            trial.label,
            grouped(could_not)
        ));
    }
    told
}

/// Refused credentials say something about the test.
fn credentials(trial: &Trial) -> Option<String> {
    let count = trial.seen.failed.get(&Reason::Credentials).copied()?;
    (count * 2 > trial.seen.bad()).then(|| {
        format!(
            "{}: most of those who failed were refused (401, 403): look at the accounts of the test first",
            trial.label
        )
    })
}

/// What came in the way of replaying what was asked.
fn dependencies(trial: &Trial) -> Vec<String> {
    let mut told = Vec::new();
    for (name, counted) in &trial.dependencies {
        if counted.late as f64 > counted.drawn as f64 * LATE {
            let mean = counted.late_by.checked_div(u32::try_from(counted.late).unwrap_or(u32::MAX));
            told.push(format!(
                "{}: {name} itself took longer than what was drawn in {} of {} answers, by {} in the mean",
                trial.label,
                grouped(counted.late),
                grouped(counted.drawn),
                pretty(Duration::from_millis(mean.unwrap_or_default().as_millis().try_into().unwrap_or(0)))
            ));
        }
        if counted.failed > 0 {
            told.push(format!(
                "{}: {name} took no connection {} times",
                trial.label,
                grouped(counted.failed)
            ));
        }
    }
    told
}

/// To a tenth of a second below ten, else whole.
fn seconds(length: Duration) -> String {
    let seconds = length.as_secs_f64();
    if seconds < 10.0 {
        format!("{seconds:.1} s")
    } else {
        pretty(Duration::from_secs(seconds.round() as u64))
    }
}
