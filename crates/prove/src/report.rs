//! What a test showed, as it is published: the line to paste first, the runs side by side, and what there
//! was no time, or no way, to prove.

mod line;
#[cfg(test)]
mod tests;
mod unproved;

use std::collections::BTreeMap;
use std::time::Duration;

use wire::tested::{self, Change, Overhead, Service};

pub(crate) use line::{tally, weather};
pub use unproved::too_short;

use crate::file::{Reason, Test};
use crate::forecast::{Forecast, waits};
use crate::proof::Proof;
use crate::proxy::Spread;
use crate::trial::{Run, Trial};
use crate::verdict::Verdict;

/// What was put to the test, in the words of whoever asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The file that was tested, as it was named.
    pub candidate: String,
    /// The file in force; `None` where it is itself the candidate.
    pub current: Option<String>,
    /// Where the candidate differs from it; secrets left out.
    pub changes: Vec<Change>,
    /// The time that all runs together had.
    pub budget: Duration,
    /// The seed of all runs.
    pub seed: u64,
    /// The command that does the same again.
    pub again: String,
}

/// All of it.
#[must_use]
pub fn service(test: &Test, asked: Asked, proof: &Proof) -> Service {
    let predicted = prediction(test, &asked.changes, proof);
    let about = about(test, &asked.changes, proof);
    let line = line::line(test, &asked, proof, about, predicted);
    let at = about.and_then(|change| change.line);
    let added = proof.seen().map(Trial::added).fold(Spread::default(), |sum, added| sum.with(&added));
    let ran = proof.runs().map(|run| tested::Run {
        label: run.label().to_owned(),
        seen: run.seen().map(seen),
        refused: run.refusal().map(|refusal| refusal.why.clone()),
        stopped: None,
    });
    let left_out = proof.left_out.iter().map(|left_out| tested::Run {
        label: left_out.label.to_owned(),
        seen: None,
        refused: None,
        stopped: Some(left_out.why.clone()),
    });
    let unproved = unproved::unproved(test, &asked, proof);
    Service {
        line,
        candidate: asked.candidate,
        current: asked.current,
        changes: asked.changes,
        at,
        good: test.objective.good,
        within_seconds: test.objective.within.as_secs_f64(),
        latency: weather(test),
        budget_seconds: asked.budget.as_secs_f64(),
        seed: asked.seed,
        again: asked.again,
        predicted,
        runs: ran.chain(left_out).collect(),
        unproved,
        overhead: Overhead {
            p50_seconds: added.quantile(0.5).as_secs_f64(),
            p99_seconds: added.quantile(0.99).as_secs_f64(),
            most_seconds: added.most().as_secs_f64(),
            turns: added.count(),
        },
        undone: Vec::new(),
        search: None,
        mutations: None,
    }
}

/// People who wait so many times as often as others try again what was cut.
const AGAIN: f64 = 1.2;

/// The share that the replayed latency alone fails, where the one key that was changed is the one that is
/// searched.
fn prediction(test: &Test, changes: &[Change], proof: &Proof) -> Option<f64> {
    let (tested, [change]) = (proof.tested.seen()?, changes) else { return None };
    let search = test.search.as_ref().filter(|search| search.key == change.key)?;
    let limit = search.length(change.after.as_deref()?)?;
    // How often somebody waits whom nothing keeps from waiting.
    let best = proof.seen().find(|trial| trial.verdict == Verdict::Held).unwrap_or(tested);
    let usual = waits(search, best);
    // Who tries again what was cut fails only where every attempt does, of which a forecast knows nothing.
    let tries_again = waits(search, tested) > AGAIN * usual;
    Some(Forecast::of(test, usual).filter(|_| !tries_again)?.failed(limit))
}

/// The change that the outcome is told of: the one that the service names where it refuses the candidate, else
/// the first that has a line.
fn about<'a>(test: &Test, changes: &'a [Change], proof: &Proof) -> Option<&'a Change> {
    let named = match &proof.tested {
        Run::Refused(refusal) => named(test, changes, &refusal.trouble.log),
        Run::Seen(_) => None,
    };
    named.or_else(|| changes.iter().find(|change| change.line.is_some())).or(changes.first())
}

/// The change of which a log speaks: by its whole key, else its line, the last part of its key, or its value.
fn named<'a>(test: &Test, changes: &'a [Change], log: &[String]) -> Option<&'a Change> {
    let is_said = |text: &str| log.iter().any(|line| is_word_of(text, line));
    let file = test.candidate.copy();
    let is_line_said = |line: u32| is_said(&format!("{file}:{line}")) || is_said(&format!("line {line}"));
    let by = |is_named: &dyn Fn(&Change) -> bool| changes.iter().find(|change| is_named(change));
    by(&|change| is_said(&change.key))
        .or_else(|| by(&|change| change.line.is_some_and(is_line_said)))
        .or_else(|| by(&|change| is_said(text::last_step(&change.key))))
        .or_else(|| by(&|change| change.after.as_deref().is_some_and(is_said)))
}

/// Whether a text stands in a line as a word, or words, of its own.
fn is_word_of(text: &str, line: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    !text.is_empty()
        && line.match_indices(text).any(|(at, _)| {
            let (before, after) = (&line[..at], &line[at + text.len()..]);
            !before.ends_with(is_part) && !after.starts_with(is_part)
        })
}

fn seen(trial: &Trial) -> tested::Seen {
    let (share, share_low, share_high) = trial.seen.share().unwrap_or((0.0, 0.0, 1.0));
    let took = |length: Duration| (!trial.took.is_empty()).then_some(length.as_secs_f64());
    tested::Seen {
        verdict: verdict(trial.verdict).to_owned(),
        known_after_seconds: trial.known.map(|known| known.as_secs_f64()),
        people: trial.seen.people(),
        good: trial.seen.good,
        failed: trial.seen.failed.iter().map(|(reason, &count)| (name(*reason).to_owned(), count)).collect(),
        met: trial.met.iter().map(|(reason, what)| (name(*reason).to_owned(), what.clone())).collect(),
        share,
        share_low,
        share_high,
        p50_seconds: took(trial.durations.p50),
        p95_seconds: took(trial.durations.p95),
        p99_seconds: took(trial.durations.p99),
        calls_per_person: trial
            .calls_per_person()
            .into_iter()
            .map(|(name, calls)| (name.to_owned(), calls))
            .collect::<BTreeMap<_, _>>(),
        seconds: trial.elapsed.as_secs_f64(),
    }
}

/// A verdict in a word.
#[must_use]
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "held",
        Verdict::Failed => "failed",
        Verdict::Open => "open",
    }
}

/// A reason in a word.
#[must_use]
pub fn name(reason: Reason) -> &'static str {
    match reason {
        Reason::Timeout => "timeout",
        Reason::Throttled => "throttled",
        Reason::Credentials => "credentials",
        Reason::Dependency => "dependency",
        Reason::Harness => "harness",
    }
}
