//! Carries mutations out: a run for each, with the seed of the run that held, and what that shows.

use std::future::Future;
use std::time::Duration;

use wire::tested::Fate;

use super::noticed::{alike, noticed};
use super::{Mutated, Mutation};
use crate::beside::side_by_side;
use crate::file::Objective;
use crate::run::{Runner, Until};
use crate::trial::{Kind, Refusal, Run, Trial, Trouble};
use crate::verdict::Verdict;

/// Runs every mutation, so many side by side, and compares each with the run that held.
///
/// # Errors
/// What kept a run from being had.
pub async fn mutate<F, R>(
    held: &Trial,
    mutations: Vec<Mutation>,
    lanes: usize,
    told: &dyn Fn(&str),
    run: F,
) -> Result<Vec<Mutated>, Trouble>
where
    F: Fn(Mutation) -> R,
    R: Future<Output = Result<Run, Trouble>>,
{
    let run = &run;
    let one = async |mutation: Mutation| {
        let run = run(mutation.clone()).await?;
        let mutated = judged(held, mutation, run);
        told(&line(&mutated));
        Ok(mutated)
    };
    side_by_side(lanes, mutations.into_iter().map(one)).await
}

/// A mutation and its fate in one line.
fn line(mutated: &Mutated) -> String {
    let Mutation { key, before, after, how } = &mutated.mutation;
    let fate = match mutated.fate {
        Fate::Caught => "caught",
        Fate::Refused => "refused",
        Fate::Missed => "MISSED",
        Fate::Equal => "changes nothing",
    };
    format!("{key} = {after} ({how} of {before}): {fate}: {}", mutated.why)
}

fn judged(held: &Trial, mutation: Mutation, run: Run) -> Mutated {
    let (fate, why, trial) = match run {
        Run::Refused(Refusal { why, trouble, .. }) => match trouble.kind {
            Kind::Setup => (Fate::Caught, why, None),
            _ => (Fate::Refused, why, None),
        },
        Run::Seen(trial) => {
            let changes: Vec<String> = noticed(held, &trial).iter().map(ToString::to_string).collect();
            let (fate, why) = match (trial.verdict, changes.is_empty()) {
                (Verdict::Failed, true) => (Fate::Caught, "the objective does not hold".to_owned()),
                (Verdict::Failed, false) => (Fate::Caught, changes.join(", ")),
                (Verdict::Held | Verdict::Open, true) => (Fate::Equal, alike(held, &trial)),
                (Verdict::Held, false) => {
                    (Fate::Missed, format!("the objective holds; {}", changes.join(", ")))
                }
                (Verdict::Open, false) => {
                    (Fate::Missed, format!("not known in time; {}", changes.join(", ")))
                }
            };
            (fate, why, Some(*trial))
        }
    };
    Mutated { mutation, fate, why, trial }
}

/// How long people may come to a mutation: as long as it took the run that held to be known, and half as
/// long again, since no two runs are alike; and as long as somebody waits for an answer that never comes.
fn patience(held: &Trial, objective: &Objective) -> Duration {
    held.elapsed.mul_f64(1.5).max(Duration::from_secs(5)) + objective.within
}

/// How long all of them take, about: most end sooner, and a large service starts later.
#[must_use]
pub fn takes(held: &Trial, objective: &Objective, mutations: usize, lanes: usize) -> Duration {
    /// Starting and stopping a small service.
    const ON_TOP: Duration = Duration::from_secs(2);
    (patience(held, objective) + ON_TOP) * mutations.div_ceil(lanes.max(1)) as u32
}

/// The same with the real service, under a configuration that is given as its text and held.
///
/// # Errors
/// What kept a run from being had.
pub async fn mutate_service<S: Future<Output = ()>>(
    runner: &Runner<'_>,
    configuration: &str,
    held: &Trial,
    mutations: Vec<Mutation>,
    lanes: usize,
    told: &dyn Fn(&str),
    stop: impl Fn() -> S,
) -> Result<Vec<Mutated>, Trouble> {
    let people = patience(held, &runner.test().objective);
    let run = async |mutation: Mutation| {
        let text = runner.test().candidate.set(configuration, &mutation.key, &mutation.after)?;
        let label = format!("{} = {}", mutation.key, mutation.after);
        runner.run(&label, &text, held.seed, Until::Known(people), stop()).await
    };
    mutate(held, mutations, lanes, told, run).await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::file::Reason;
    use crate::proxy::Counted;
    use crate::verdict::Seen;

    fn came(verdict: Verdict, good: u64, bad: u64, calls: u64) -> Trial {
        let seen = Seen { good, failed: BTreeMap::from([(Reason::Timeout, bad)]) };
        let counted = Counted { calls, ..Counted::default() };
        let dependencies = vec![("d".to_owned(), counted)];
        Trial { came: good + bad, seen, verdict, dependencies, ..Trial::of_nobody("") }
    }

    fn refused(kind: Kind) -> Run {
        Run::Refused(Refusal::of("", Trouble::new(kind, "front", "out of range", "")))
    }

    #[tokio::test]
    async fn each_mutation_has_the_fate_that_its_run_shows() {
        let held = came(Verdict::Held, 1151, 0, 1151);
        let answers = [
            ("1", refused(Kind::Ended), Fate::Refused),
            ("2", refused(Kind::Setup), Fate::Caught),
            ("3", Run::Seen(Box::new(came(Verdict::Failed, 16, 4, 20))), Fate::Caught),
            ("4", Run::Seen(Box::new(came(Verdict::Held, 1160, 0, 1160))), Fate::Equal),
            ("5", Run::Seen(Box::new(came(Verdict::Held, 1160, 0, 5800))), Fate::Missed),
            ("6", Run::Seen(Box::new(came(Verdict::Open, 1160, 0, 5800))), Fate::Missed),
        ];
        let mutations = answers.iter().map(|(after, ..)| Mutation {
            key: "k".to_owned(),
            before: "9".to_owned(),
            after: (*after).to_owned(),
            how: "a tenth",
        });
        let answer = async |mutation: Mutation| {
            let found = answers.iter().find(|(after, ..)| *after == mutation.after);
            Ok::<_, Trouble>(found.unwrap().1.clone())
        };
        let all = mutate(&held, mutations.collect(), 2, &|_| {}, answer).await.unwrap();
        let fates: Vec<Fate> = all.iter().map(|mutated| mutated.fate).collect();
        assert_eq!(fates, answers.map(|(.., fate)| fate));
        assert_eq!(all[4].why, "the objective holds; 5.00 calls a person at d instead of 1.00");
    }
}
