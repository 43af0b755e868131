//! What a test says of a candidate: its own run, the same run under what is in force, and what follows
//! from both.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use crate::file::{Load, Test};
use crate::run::{Runner, Until};
use crate::trial::{Run, Trial, Trouble};
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
    /// It does not, and it does under what is in force, as far as was seen; or the service does not come up with
    /// the candidate, and does with what is in force.
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
    /// The run of what was put to the test.
    pub tested: Run,
    /// The runs beside it.
    pub beside: Vec<Run>,
    /// The runs that were not had.
    pub left_out: Vec<LeftOut>,
}

impl Proof {
    /// All runs that were had, that of what was put to the test first.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        std::iter::once(&self.tested).chain(&self.beside)
    }

    /// Those to which people came.
    pub fn seen(&self) -> impl Iterator<Item = &Trial> {
        self.runs().filter_map(Run::seen)
    }

    /// The run under what is in force, where that is not itself put to the test.
    #[must_use]
    pub fn current(&self) -> Option<&Trial> {
        self.beside.iter().filter_map(Run::seen).find(|trial| trial.label == CURRENT)
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
/// force must be known to be sound before a failure is the candidate's, and to come up before a refusal is. For
/// these two, starting and stopping the service is not counted: how long that takes is the service's business,
/// and the verdict needs its people. Defaults, which no verdict needs, take what is left on the clock.
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
        let run = runner.run(CURRENT, texts.candidate, seed, until(budget), stop()).await?;
        let trial = run.come_up()?;
        return Ok(Proof {
            outcome: outcome(trial.verdict, None),
            tested: Run::Seen(trial),
            beside: Vec::new(),
            left_out: Vec::new(),
        });
    };
    let begun = Instant::now();
    let first = budget.saturating_sub(for_current(runner.test(), budget));
    let tested = runner.run(CANDIDATE, texts.candidate, seed, until(first), stop()).await?;
    let mut came = tested.seen().map_or(Duration::ZERO, |trial| trial.elapsed);
    let baseline = runner.run(CURRENT, current, seed, until(budget.saturating_sub(came)), stop()).await;
    let baseline = baseline.and_then(|run| run.come_up().map_err(|trouble| in_force(trouble, &tested)));
    let (mut beside, mut left_out) = (Vec::new(), Vec::new());
    let outcome = match baseline {
        Ok(baseline) => {
            let outcome = match &tested {
                Run::Seen(candidate) => outcome(candidate.verdict, Some(baseline.verdict)),
                Run::Refused(_) => Outcome::Failed,
            };
            came += baseline.elapsed;
            beside.push(Run::Seen(baseline));
            outcome
        }
        // What holds, holds; a failure means nothing beside a baseline that cannot even be run.
        Err(trouble) if tested.seen().is_some_and(|candidate| candidate.verdict == Verdict::Held) => {
            left_out.push(LeftOut { label: CURRENT, why: trouble.line() });
            Outcome::Held
        }
        Err(trouble) => return Err(trouble),
    };
    let to_start = begun.elapsed().saturating_sub(came) / 2;
    let left = budget.saturating_sub(came).min(budget.saturating_sub(begun.elapsed() + to_start));
    let default = match texts.default {
        Some(Ok(_)) if left < LEAST => Err("the budget was used up".to_owned()),
        Some(Ok(text)) => {
            let run = runner.run(DEFAULT, &text, seed, until(left), stop()).await;
            run.map_err(|trouble| trouble.line())
        }
        Some(Err(why)) => Err(why),
        None => return Ok(Proof { outcome, tested, beside, left_out }),
    };
    match default {
        Ok(run) => beside.push(run),
        Err(why) => left_out.push(LeftOut { label: DEFAULT, why }),
    }
    Ok(Proof { outcome, tested, beside, left_out })
}

/// Why nothing can be said beside what is in force, which did not come up.
fn in_force(trouble: Trouble, tested: &Run) -> Trouble {
    let too = if tested.seen().is_none() { " too" } else { "" };
    let what = format!("with what is in force{too}: {}", trouble.what);
    Trouble { what, ..trouble }
}

/// What is kept of the budget for what is in force. It mostly holds, which takes longer to show than that
/// something fails.
pub(crate) fn for_current(test: &Test, budget: Duration) -> Duration {
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
