//! What a test says of a candidate: its own run, the same run under what is in force, and what follows
//! from both.

use std::future::Future;
use std::time::Duration;

use crate::file::Test;
use crate::run::{Runner, Until};
use crate::trial::{Trial, Trouble};
use crate::verdict::Verdict;

/// What is put to the test.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a> {
    /// The configuration that is proposed.
    pub candidate: &'a str,
    /// The one in force; `None` where it is itself the candidate.
    pub current: Option<&'a str>,
}

/// What a test says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The objective holds under the candidate.
    Held,
    /// It does not, and it does under what is in force, as far as was seen.
    Failed,
    /// It does not hold under what is in force either: the test says nothing about the candidate.
    Inconclusive,
    /// The time was used up before it was known.
    Open,
}

/// What was seen, and what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    /// What it says.
    pub outcome: Outcome,
    /// The candidate's run first.
    pub trials: Vec<Trial>,
}

/// Puts a candidate to the test, within a budget for all runs together. Starting and stopping the service
/// is not counted: how long that takes is the service's business.
///
/// # Errors
/// What kept a run from being had.
pub async fn prove<S: Future<Output = ()>>(
    runner: &Runner<'_>,
    texts: Texts<'_>,
    seed: u64,
    budget: Duration,
    mut stop: impl FnMut() -> S,
) -> Result<Proof, Trouble> {
    // The current one mostly holds, which takes longer to show than that something fails.
    let part = if texts.current.is_some() { budget / 2 } else { budget };
    let candidate = runner.trial("candidate", texts.candidate, seed, Until::Known(part), stop()).await?;
    let left = budget.saturating_sub(candidate.elapsed);
    let mut trials = vec![candidate];
    if let Some(current) = texts.current {
        trials.push(runner.trial("current", current, seed, Until::Known(left), stop()).await?);
    }
    Ok(Proof { outcome: outcome(&trials), trials })
}

fn outcome(trials: &[Trial]) -> Outcome {
    let verdict = |place: usize| trials.get(place).map(|trial| trial.verdict);
    match (verdict(0), verdict(1)) {
        (Some(Verdict::Held), _) => Outcome::Held,
        (_, Some(Verdict::Failed)) => Outcome::Inconclusive,
        (Some(Verdict::Failed), _) => Outcome::Failed,
        (Some(Verdict::Open) | None, _) => Outcome::Open,
    }
}

/// The share of people whom the replayed latency alone cuts, if a limit of this length stood before each
/// of so many calls to a dependency.
#[must_use]
pub fn predicted(test: &Test, dependency: &str, limit: Duration, calls: f64) -> Option<f64> {
    let dependency = test.dependencies.iter().find(|known| known.name == dependency)?;
    let replay = dependency.replayed.answer.as_ref()?.replay()?;
    Some(1.0 - replay.share_within(limit).powf(calls.max(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(verdict: Verdict) -> Trial {
        Trial { verdict, ..Trial::of_nobody("") }
    }

    #[test]
    fn a_baseline_that_fails_makes_a_failure_inconclusive_and_never_a_success() {
        use Verdict::{Failed, Held, Open};
        for (candidate, current, expected) in [
            (Failed, Some(Held), Outcome::Failed),
            (Failed, Some(Open), Outcome::Failed),
            (Failed, Some(Failed), Outcome::Inconclusive),
            (Open, Some(Failed), Outcome::Inconclusive),
            (Held, Some(Failed), Outcome::Held),
            (Open, None, Outcome::Open),
            (Failed, None, Outcome::Failed),
        ] {
            let trials: Vec<Trial> = [Some(candidate), current].into_iter().flatten().map(trial).collect();
            assert_eq!(outcome(&trials), expected, "{candidate:?} {current:?}");
        }
    }
}
