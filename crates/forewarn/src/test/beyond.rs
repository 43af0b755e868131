//! What is asked of a configuration test beyond its verdict: the smallest safe value of a setting, and
//! whether the test tells broken configurations from the one that holds.

use std::path::Path;
use std::time::Duration;

use audit::Error;
use model::{Covers, Knob, pretty};
use prove::mutate::{self, Controls, Mutated, Written, mutations};
use prove::picture::{self, Mark};
use prove::proof::Proof;
use prove::run::Runner;
use prove::search::{Searched, search_service, searchable};
use prove::trial::{Run, Trial};
use prove::verdict::Verdict;
use text::Source;
use wire::tested::{Service, Undone};

use super::Obstacle;
use super::service::Case;
use crate::arguments::TestArguments;
use crate::output::{to_file, to_stderr};
use crate::signals::Signals;
use crate::terminal::Terminal;

/// How long a search may take with everything: a test with it ends within three minutes.
const SEARCH: Duration = Duration::from_secs(110);

/// What was found beyond the verdict.
#[derive(Debug, Default)]
pub(super) struct Beyond {
    searched: Option<Searched>,
    /// Of which file.
    mutated: Option<(String, Vec<Mutated>)>,
    picture: Option<String>,
    /// What there is none of, after what the runs showed.
    unproved: Vec<String>,
    /// What something came in the way of, by the option that asks for it.
    undone: Vec<(&'static str, Obstacle)>,
}

impl Beyond {
    /// Something came in the way of what an option asks for.
    pub(super) fn undone(&mut self, option: &'static str, obstacle: impl Into<Obstacle>) {
        self.undone.push((option, obstacle.into()));
    }

    /// Puts it into what is published, and the picture into its file; tells what came in the way.
    pub(super) fn publish(mut self, service: &mut Service, arguments: &TestArguments, terminal: &Terminal) {
        if let (Some(file), Some(picture)) = (&arguments.picture, &self.picture)
            && let Err(error) = to_file(file, picture, "--picture")
        {
            self.undone("--picture", error);
        }
        service.search = self.searched.as_ref().map(Searched::published);
        service.mutations = self.mutated.as_ref().map(|(of, all)| mutate::published(all, of));
        service.unproved.extend(self.unproved);
        for (option, obstacle) in self.undone {
            to_stderr(&obstacle.told(terminal));
            service.undone.push(Undone { option: option.to_owned(), why: obstacle.line() });
        }
    }
}

/// What is known before anything runs of what cannot be had beyond the verdict.
///
/// # Errors
/// What cannot be had, and why.
pub(super) fn can_be_had(
    case: &Case,
    runner: &Runner<'_>,
    arguments: &TestArguments,
) -> Result<(), Obstacle> {
    if arguments.search || arguments.picture.is_some() {
        searchable(runner, case.candidate.text())?;
    }
    Ok(())
}

/// Where a test stands when its runs are over.
pub(super) struct Standing<'a> {
    pub(super) case: &'a Case,
    pub(super) arguments: &'a TestArguments,
    pub(super) runner: &'a Runner<'a>,
    pub(super) proof: &'a Proof,
    /// How many runs the machine can carry side by side, as those of the proof showed.
    pub(super) lanes: usize,
    pub(super) signals: &'a Signals,
    /// Is told how it goes on.
    pub(super) told: &'a dyn Fn(&str),
}

impl Standing<'_> {
    /// Does what is asked for. The verdict stands, whatever comes in the way of it.
    pub(super) async fn beyond(&self) -> Beyond {
        let mut beyond = Beyond::default();
        if self.arguments.search {
            self.search(&mut beyond).await;
        }
        if self.arguments.picture.is_some() {
            let marks = marks(self.case, self.proof);
            beyond.picture = picture::picture(&self.case.test, &marks, beyond.searched.as_ref());
            if beyond.picture.is_none() {
                beyond
                    .unproved
                    .push("a picture: no run has a value of the setting that is searched".to_owned());
            }
        }
        if self.arguments.mutate
            && let Err(obstacle) = self.mutate(&mut beyond).await
        {
            beyond.undone("--mutate", obstacle);
        }
        beyond
    }

    async fn search(&self, beyond: &mut Beyond) {
        let (source, seed) = (searched_in(self.case, self.proof), self.arguments.seed);
        (self.told)(&format!("searching in {}: at most {}", source.path(), pretty(SEARCH)));
        let stop = || self.signals.ended();
        match search_service(self.runner, source.text(), seed, SEARCH, self.told, stop).await {
            Ok(searched) => beyond.searched = Some(searched),
            Err(trouble) => beyond.undone("--search", trouble),
        }
        let candidate = self.case.candidate.path();
        if source.path() != candidate {
            let why = format!("since the service does not come up with {candidate}");
            beyond.unproved.push(format!("search: of {}, {why}", source.path()));
        }
    }

    /// Breaks the configuration that holds; says why there is nothing to break, or what came in the way.
    async fn mutate(&self, beyond: &mut Beyond) -> Result<(), Obstacle> {
        let Some((source, held)) = held(self.case, self.proof) else {
            let why = "no configuration was shown to hold, so there is none to break on purpose";
            beyond.unproved.push(format!("mutations: {why}"));
            return Ok(());
        };
        let all = mutations(&settings(self.case, source)?);
        if all.is_empty() {
            let file = &self.case.test.candidate.file;
            let why =
                "that can be broken is written; [[setting]] in forewarn.toml beside it says what keys mean";
            beyond.unproved.push(format!("mutations: no setting of {file} {why}"));
            return Ok(());
        }
        let takes = mutate::takes(held, &self.case.test.objective, all.len(), self.lanes);
        // To the second: how long the service takes to start and to stop is a guess.
        let takes = pretty(Duration::from_secs(takes.as_secs() + 1));
        (self.told)(&format!("breaking {} in {} ways: about {takes}", source.path(), all.len()));
        let (text, lanes, stop) = (source.text(), self.lanes, || self.signals.ended());
        let mutated = mutate::mutate_service(self.runner, text, held, all, lanes, self.told, stop).await?;
        beyond.mutated = Some((source.path().to_owned(), mutated));
        Ok(())
    }
}

/// The values that the configurations have, and their runs.
fn marks(case: &Case, proof: &Proof) -> Vec<Mark> {
    let mark = |label: &str, source: &Source, trial: Option<&Trial>| {
        Mark::of(&case.test, label, source.text(), trial?)
    };
    // What is tested alone is what is in force.
    let tested = if case.current.is_some() { "candidate" } else { "in force" };
    let candidate = mark(tested, &case.candidate, proof.tested.seen());
    let current = case.current.as_ref().and_then(|current| mark("in force", current, proof.current()));
    candidate.into_iter().chain(current).collect()
}

/// The configuration whose setting is searched: the candidate, unless the service does not come up with it.
fn searched_in<'a>(case: &'a Case, proof: &Proof) -> &'a Source {
    match (&proof.tested, &case.current) {
        (Run::Refused(_), Some(current)) => current,
        _ => &case.candidate,
    }
}

/// The configuration that holds: the candidate, or else what is in force; and its run.
fn held<'a>(case: &'a Case, proof: &'a Proof) -> Option<(&'a Source, &'a Trial)> {
    let candidate = proof.tested.seen().map(|trial| (&case.candidate, trial));
    let current = case.current.as_ref().zip(proof.current());
    candidate.into_iter().chain(current).find(|(_, trial)| trial.verdict == Verdict::Held)
}

/// What an audit of the directory of the configuration knows of its keys, with what this text says.
fn settings(case: &Case, source: &Source) -> Result<Vec<Written>, Error> {
    let in_force = case.in_force();
    let directory = in_force.parent().unwrap_or(Path::new(".")).to_path_buf();
    let outcome = audit::audit(&audit::Request { roots: vec![directory], ..audit::Request::default() })?;
    let mut known: Vec<Written> = Vec::new();
    for setting in &outcome.fleet.settings {
        let Some(span) = setting.value.origin.span().filter(|_| !setting.value.origin.is_default()) else {
            continue;
        };
        let is_here = is_same(Path::new(outcome.sources.get(span.file).path()), &in_force);
        // Several environments may share a setting.
        if !is_here || known.iter().any(|other| other.key == setting.key) {
            continue;
        }
        if let (Some(controls), Some(value)) =
            (controls(setting.knob), case.test.candidate.get(source.text(), &setting.key))
        {
            known.push(Written { key: setting.key.clone(), value, controls });
        }
    }
    Ok(known)
}

/// How a setting can be broken, by what it controls.
fn controls(knob: Knob) -> Option<Controls> {
    match knob {
        Knob::Timeout(Covers::Idle | Covers::Lifetime) => Some(Controls::Idle),
        Knob::Timeout(_) => Some(Controls::Timeout),
        Knob::Attempts | Knob::Retries => Some(Controls::Attempts),
        Knob::PoolSize | Knob::ConnectionLimit => Some(Controls::Pool),
        Knob::KeepAlive => Some(Controls::Switch),
        _ => None,
    }
}

#[expect(clippy::disallowed_methods, reason = "whether two names are one file only the disk knows")]
fn is_same(one: &Path, other: &Path) -> bool {
    one == other || one.canonicalize().ok().is_some_and(|one| other.canonicalize().ok() == Some(one))
}
