//! Carries out a test: puts it on a stage, lets people come, says how they fared; and gives all of it back.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use daemon::http::Network;
use tokio::time::Instant;

use crate::file::Test;
use crate::people::{Came, People};
use crate::stage::Stage;
use crate::trial::{Durations, Kind, Run, Trial, Trouble};
use crate::verdict::{Seen, Verdict};
use crate::words::Words;

/// How a run is to end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Until {
    /// As soon as the verdict is known, at the latest after so long.
    Known(Duration),
    /// When so many people have come, at the latest after so long.
    People(u64, Duration),
    /// As soon as the verdict is known; where it is that the objective does not hold, people go on coming
    /// until their share is known to within a fifth of itself too.
    Measured {
        /// At the latest after so long.
        within: Duration,
        /// Nobody comes for the sake of the share alone after so long.
        share_within: Duration,
    },
}

impl Until {
    /// How long it takes at the latest.
    pub(crate) fn at_most(self) -> Duration {
        let (Self::Known(length) | Self::People(_, length) | Self::Measured { within: length, .. }) = self;
        length
    }
}

/// What a run is made of.
pub struct Runner<'t> {
    test: &'t Test,
    /// The directory of the test file.
    base: PathBuf,
    /// Below which directory rooms are made.
    rooms: PathBuf,
    /// Rooms stay after the end.
    keep: bool,
    /// What is known before a run: variables of the environment, the program itself.
    words: Words,
    network: Network,
    kept: Mutex<Vec<(String, PathBuf)>>,
    unheeded: Mutex<Vec<Trouble>>,
    /// Whom to tell how far a run is.
    tell: Box<dyn Fn(&Told<'_>) + Send + Sync + 't>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// Its label.
    pub label: &'a str,
    /// How people fared so far.
    pub seen: &'a Seen,
}

impl<'t> Runner<'t> {
    /// What is needed to run a test whose file lies in `base`.
    pub fn new(test: &'t Test, base: &Path, rooms: &Path, keep: bool, words: Words) -> Self {
        let (base, rooms) = (base.to_path_buf(), rooms.to_path_buf());
        let (kept, unheeded) = (Mutex::default(), Mutex::default());
        let tell = Box::new(|_: &Told<'_>| {});
        Self { test, base, rooms, keep, words, network: Network::default(), kept, unheeded, tell }
    }

    /// The same, and somebody is told how far it is, at each person.
    #[must_use]
    pub fn telling(self, tell: impl Fn(&Told<'_>) + Send + Sync + 't) -> Self {
        Self { tell: Box::new(tell), ..self }
    }

    /// The test.
    pub fn test(&self) -> &'t Test {
        self.test
    }

    /// One run under one configuration, which is given as its text. `stop` ends it early; then nothing is
    /// left either.
    ///
    /// # Errors
    /// What kept the run from being had, and is no answer of the service's to its configuration.
    pub async fn run(
        &self,
        label: &str,
        configuration: &str,
        seed: u64,
        until: Until,
        stop: impl Future<Output = ()>,
    ) -> Result<Run, Trouble> {
        let mut stage = self.stage(label, configuration, seed)?;
        let trial = async {
            stage.open().await?;
            self.perform(&mut stage, label, seed, until).await
        };
        let trial = tokio::select! {
            trial = trial => trial,
            () = stop => {
                Err(Trouble::new(Kind::Stopped, self.test.name.as_str(), "was stopped", "run it again"))
            }
        };
        let unheeded = stage.clear().await;
        let mut all = self.unheeded.lock().unwrap_or_else(PoisonError::into_inner);
        for trouble in unheeded {
            // Each run stops the same processes.
            if !all.iter().any(|other| other.place == trouble.place) {
                all.push(trouble);
            }
        }
        match trial {
            Ok(trial) => Ok(Run::Seen(Box::new(trial))),
            Err(trouble) => trouble.refusal(label, self.test).map(Run::Refused),
        }
    }

    /// The processes that did not end when they were asked to, in any run. That says nothing about the
    /// objective.
    pub fn unheeded(&self) -> Vec<Trouble> {
        self.unheeded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The directories of runs that stay, by the label of the run.
    pub fn kept(&self) -> Vec<(String, PathBuf)> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A stage with the copy of the configuration.
    fn stage(&self, label: &str, configuration: &str, seed: u64) -> Result<Stage<'t>, Trouble> {
        let (words, network) = (self.words.clone(), self.network.clone());
        let mut stage = Stage::below(&self.rooms, self.keep, self.test, words, network)?;
        if self.keep {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push((label.to_owned(), stage.path().to_path_buf()));
        }
        stage.set("base", self.base.to_string_lossy());
        stage.connect(seed)?;
        stage.give(configuration)?;
        Ok(stage)
    }

    /// Lets people come, until it is over.
    async fn perform(
        &self,
        stage: &mut Stage<'_>,
        label: &str,
        seed: u64,
        until: Until,
    ) -> Result<Trial, Trouble> {
        stage.replay();
        let before = stage.counted();
        let begun = Instant::now();
        let tell = |seen: &Seen| (self.tell)(&Told { label, seen });
        let people = People::new(self.test, stage.arrivals(seed), &tell);
        let came = people.come(until, || stage.dead()).await?;
        let names = self.test.dependencies.iter().map(|dependency| dependency.name.clone());
        let counted = stage.counted().into_iter().zip(&before).map(|(now, before)| now.since(before));
        let dependencies = names.zip(counted).collect();
        let (label, elapsed) = (label.to_owned(), begun.elapsed());
        let (verdict, known) = came.known.map_or((Verdict::Open, None), |(verdict, at)| (verdict, Some(at)));
        let Came { came, turned_away, seen, met, took, .. } = came;
        let durations = Durations::of(&took);
        Ok(Trial {
            label,
            seed,
            came,
            turned_away,
            seen,
            met,
            verdict,
            known,
            durations,
            took,
            dependencies,
            elapsed,
        })
    }
}
