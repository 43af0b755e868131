//! What a test says of a candidate: its own run, the same run under what is in force, and what follows
//! from both.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use crate::file::{Load, Test};
use crate::run::{Runner, Until};
use crate::trial::{Trial, Trouble};
use crate::verdict::{Verdict, least};

/// What is put to the test.
#[derive(Debug, Clone)]
pub struct Texts<'a> {
    /// The configuration that is proposed.
    pub candidate: &'a str,
    /// The one in force; `None` where it is itself the candidate.
    pub current: Option<&'a str>,
    /// The candidate with the service's own defaults in the place of what was changed, or why there is no
    /// such text; `None` where nothing is compared.
    pub default: Option<Result<String, String>>,
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
    /// The runs that were had, that of the candidate first.
    pub trials: Vec<Trial>,
    /// The runs that were not.
    pub left_out: Vec<LeftOut>,
}

impl Proof {
    /// The run under what is in force, where that is another one than the first.
    #[must_use]
    pub fn current(&self) -> Option<&Trial> {
        self.trials.iter().skip(1).find(|trial| trial.label == CURRENT)
    }
}

/// A run that was not had, which is no failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Which it would have been.
    pub label: &'static str,
    /// Why not.
    pub why: String,
}

/// Labels of runs.
pub const CANDIDATE: &str = "candidate";
/// See [`CANDIDATE`].
pub const CURRENT: &str = "current";
/// See [`CANDIDATE`].
pub const DEFAULT: &str = "default";

/// Less time than this shows nothing that is worth a start of the service.
pub(crate) const LEAST: Duration = Duration::from_millis(500);
/// The part of the budget after which nobody comes for the sake of a share alone, whose verdict is known.
const FOR_A_SHARE: u32 = 4;

/// Puts a candidate to the test, within a budget for all runs together. The candidate comes first; what is in
/// force must be known to be sound before a failure is the candidate's. For these two, starting and stopping
/// the service is not counted: how long that takes is the service's business, and the verdict needs its
/// people. Defaults, which no verdict needs, take what is left on the clock.
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
    let until =
        |within: Duration| Until::Measured { within, share_within: (budget / FOR_A_SHARE).min(within) };
    let Some(current) = texts.current else {
        let trial = runner.trial(CURRENT, texts.candidate, seed, until(budget), stop()).await?;
        return Ok(Proof {
            outcome: outcome(trial.verdict, None),
            trials: vec![trial],
            left_out: Vec::new(),
        });
    };
    let begun = Instant::now();
    let first = budget.saturating_sub(for_current(runner.test(), budget));
    let candidate = runner.trial(CANDIDATE, texts.candidate, seed, until(first), stop()).await?;
    let mut left = budget.saturating_sub(candidate.elapsed);
    let held = candidate.verdict == Verdict::Held;
    let mut proof =
        Proof { outcome: outcome(candidate.verdict, None), trials: vec![candidate], left_out: Vec::new() };
    match runner.trial(CURRENT, current, seed, until(left), stop()).await {
        Ok(trial) => {
            left = left.saturating_sub(trial.elapsed);
            proof.outcome = outcome(proof.trials[0].verdict, Some(trial.verdict));
            proof.trials.push(trial);
        }
        // What holds, holds; a failure means nothing beside a baseline that cannot even be run.
        Err(trouble) if held => proof.left_out.push(LeftOut { label: CURRENT, why: trouble.line() }),
        Err(trouble) => return Err(trouble),
    }
    let came: Duration = proof.trials.iter().map(|trial| trial.elapsed).sum();
    let to_start = begun.elapsed().saturating_sub(came) / 2;
    left = left.min(budget.saturating_sub(begun.elapsed() + to_start));
    let default = match texts.default {
        Some(Ok(_)) if left < LEAST => Err("the budget was used up".to_owned()),
        Some(Ok(text)) => {
            let trial = runner.trial(DEFAULT, &text, seed, until(left), stop()).await;
            trial.map_err(|trouble| trouble.line())
        }
        Some(Err(why)) => Err(why),
        None => return Ok(proof),
    };
    match default {
        Ok(trial) => proof.trials.push(trial),
        Err(why) => proof.left_out.push(LeftOut { label: DEFAULT, why }),
    }
    Ok(proof)
}

/// What is kept of the budget for what is in force. It mostly holds, which takes longer to show than that
/// something fails.
fn for_current(test: &Test, budget: Duration) -> Duration {
    match test.load {
        // A quarter more: people come at random moments, and a few may fail.
        Load::Rate(rate) => (least(&test.objective, rate).1 * 5 / 4).min(budget / 2),
        Load::AtOnce(_) => budget / 2,
    }
}

fn outcome(candidate: Verdict, current: Option<Verdict>) -> Outcome {
    match (candidate, current) {
        (Verdict::Held, _) => Outcome::Held,
        (_, Some(Verdict::Failed)) => Outcome::Inconclusive,
        (Verdict::Failed, _) => Outcome::Failed,
        (Verdict::Open, _) => Outcome::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(outcome(candidate, current), expected, "{candidate:?} {current:?}");
        }
    }
}
