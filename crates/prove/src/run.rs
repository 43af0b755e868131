//! Carries out a test: the room, the proxies, the processes, the people; and gives all of it back.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use daemon::http::Network;
use text::edit::{self, NotSet};
use text::{FileId, Source, Syntax};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::file::{Dependency, Load, Reason, Test};
use crate::parse::PATIENCE;
use crate::person::{self, Fared};
use crate::process::Running;
use crate::proxy::draws::Draws;
use crate::proxy::{Counted, Delay, Proxy, Weather};
use crate::room::Room;
use crate::trial::{Durations, Trial, Trouble};
use crate::verdict::{Seen, Verdict, judge};
use crate::words::Words;

/// So many people may be on their way at once; who comes on top is not let in, which is the harness's fault.
const MOST_AT_ONCE: usize = 2_000;

/// Where a trouble with what is done before people come is said to be.
pub(crate) const SETUP: &str = "[[setup]]";

/// How a run is to end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Until {
    /// As soon as the verdict is known, at the latest after so long.
    Known(Duration),
    /// When so many people have come, at the latest after so long.
    People(u64, Duration),
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
}

/// A service that runs, with everything that it needs.
struct Stage {
    room: Room,
    words: Words,
    proxies: Vec<Proxy>,
    processes: Vec<Running>,
}

impl<'t> Runner<'t> {
    /// What is needed to run a test whose file lies in `base`.
    pub fn new(test: &'t Test, base: &Path, rooms: &Path, keep: bool, words: Words) -> Self {
        let (base, rooms) = (base.to_path_buf(), rooms.to_path_buf());
        Self { test, base, rooms, keep, words, network: Network::default() }
    }

    /// The test.
    pub(crate) fn test(&self) -> &'t Test {
        self.test
    }

    /// One run under one configuration, which is given as its text. `stop` ends it early; then nothing is
    /// left either.
    ///
    /// # Errors
    /// What kept the run from being had.
    pub async fn trial(
        &self,
        label: &str,
        configuration: &str,
        seed: u64,
        until: Until,
        stop: impl Future<Output = ()>,
    ) -> Result<Trial, Trouble> {
        let mut stage = self.stage(configuration, seed).await?;
        let stopped = || Trouble {
            place: self.test.name.clone(),
            what: "was stopped".to_owned(),
            log: Vec::new(),
            help: "nothing is left of it; run it again".to_owned(),
        };
        let trial = async {
            self.set_up(&mut stage, seed).await?;
            self.perform(&mut stage, label, seed, until).await
        };
        let trial = tokio::select! {
            trial = trial => trial,
            () = stop => Err(stopped()),
        };
        stage.clear().await;
        trial
    }

    /// Starts everything.
    async fn stage(&self, configuration: &str, seed: u64) -> Result<Stage, Trouble> {
        let of_host = |error: io::Error| Trouble {
            place: "this machine".to_owned(),
            what: error.to_string(),
            log: Vec::new(),
            help: "a run needs a temporary directory, free ports of loopback and a shell".to_owned(),
        };
        let room = Room::below(&self.rooms, self.keep).map_err(of_host)?;
        let mut words = self.words.clone();
        words.set("work", room.path().to_string_lossy());
        words.set("base", self.base.to_string_lossy());
        words.set("seed", seed.to_string());
        for process in &self.test.processes {
            let port = room.port(&process.name).map_err(of_host)?;
            words.set(format!("port.{}", process.name), port.to_string());
        }
        let mut proxies = Vec::new();
        for (dependency, number) in self.test.dependencies.iter().zip(1_u64..) {
            let address = fill(&words, &dependency.name, &dependency.address)?;
            // Calm until people come.
            let seed = seed.wrapping_add(number << 32);
            let proxy = Proxy::start(address, Weather::default(), seed).map_err(of_host)?;
            words.set(format!("proxy.{}", dependency.name), proxy.address().to_string());
            proxies.push(proxy);
        }
        let candidate = self.copy(configuration, &words, &room)?;
        words.set("candidate", candidate.to_string_lossy());
        let mut stage = Stage { room, words, proxies, processes: Vec::new() };
        for process in &self.test.processes {
            let mut running = Running::start(process, &stage.words, &stage.room)?;
            let ready = running.ready(process, &stage.words).await;
            stage.processes.push(running);
            if let Err(trouble) = ready {
                stage.clear().await;
                return Err(trouble);
            }
        }
        Ok(stage)
    }

    /// Writes the candidate into the room, with what the test sets in it.
    fn copy(&self, configuration: &str, words: &Words, room: &Room) -> Result<PathBuf, Trouble> {
        let file = Path::new(&self.test.candidate.file);
        let name = file.file_name().unwrap_or(file.as_os_str());
        let syntax = syntax(file).ok_or_else(|| Trouble {
            place: self.test.candidate.file.clone(),
            what: "is in no syntax that values can be set in".to_owned(),
            log: Vec::new(),
            help: "TOML, YAML, JSON, properties, INI and .env are known by the end of the name".to_owned(),
        })?;
        let mut text = configuration.to_owned();
        for edit in &self.test.candidate.set {
            let value = fill(words, "[candidate.set]", &edit.value)?;
            let source = Source::new(FileId(0), self.test.candidate.file.as_str(), text);
            text = edit::set(syntax, &source, &edit.key, &value)
                .map_err(|not_set| self.not_set(&edit.key, &not_set))?;
        }
        let path = room.path().join(name);
        std::fs::write(&path, text).map_err(|error| Trouble {
            place: path.display().to_string(),
            what: error.to_string(),
            log: Vec::new(),
            help: "the temporary directory must be writable".to_owned(),
        })?;
        Ok(path)
    }

    pub(crate) fn not_set(&self, key: &str, not_set: &NotSet) -> Trouble {
        let (what, help) = match not_set {
            NotSet::NoKey(beside) => {
                let known: Vec<&str> = beside.iter().map(String::as_str).collect();
                let last = key.rsplit('.').next().unwrap_or(key);
                (format!("has no key `{key}`"), model::did_you_mean(last, "keys there", &known))
            }
            NotSet::NotAScalar(_) => {
                (format!("`{key}` is a table or a list"), "name one of its values".to_owned())
            }
            NotSet::NotWritable(_) => {
                (format!("`{key}` cannot be set so that it is read back"), "use plain text".to_owned())
            }
        };
        Trouble { place: self.test.candidate.file.clone(), what, log: Vec::new(), help }
    }

    /// Does what is done once, before people come.
    async fn set_up(&self, stage: &mut Stage, seed: u64) -> Result<(), Trouble> {
        for setup in &self.test.setup {
            for user in 0..setup.persons {
                let words = of_person(&stage.words, user.into(), seed);
                if let Err(fared) = person::walk(&setup.steps, words, &self.network, PATIENCE).await {
                    return Err(Trouble {
                        place: SETUP.to_owned(),
                        what: format!("person {user}: {}", stage.words.cover(&fared.what)),
                        log: stage.last_log(),
                        help: "what is set up must succeed without any delay; try the step by hand"
                            .to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Lets people come, until it is over.
    async fn perform(
        &self,
        stage: &mut Stage,
        label: &str,
        seed: u64,
        until: Until,
    ) -> Result<Trial, Trouble> {
        for (proxy, dependency) in stage.proxies.iter().zip(&self.test.dependencies) {
            proxy.set(weather(dependency));
        }
        let before: Vec<Counted> = stage.proxies.iter().map(Proxy::counted).collect();
        let begun = Instant::now();
        let people = People::new(self, stage, seed);
        let Came { came, seen, verdict, took } = people.come(stage, until, &self.test.name).await?;
        let dependencies = self
            .test
            .dependencies
            .iter()
            .zip(stage.proxies.iter().zip(before))
            .map(|(dependency, (proxy, before))| (dependency.name.clone(), proxy.counted().since(&before)))
            .collect();
        let (label, elapsed) = (label.to_owned(), begun.elapsed());
        let durations = Durations::of(&took);
        Ok(Trial { label, seed, came, seen, verdict, durations, took, dependencies, elapsed })
    }
}

impl Stage {
    /// Stops everything, the last one first.
    async fn clear(mut self) {
        while let Some(process) = self.processes.pop() {
            process.stop(&self.room).await;
        }
    }

    /// Whatever has ended, although nobody asked it to.
    fn dead(&mut self) -> Option<Trouble> {
        let words = &self.words;
        self.processes.iter_mut().find_map(|process| {
            let status = process.ended().filter(|_| !process.ends_by_itself())?;
            let what = format!("ended while people came: {status}");
            Some(process.trouble(&what, words, "its log says why; `--keep` keeps the directory of the run"))
        })
    }

    fn last_log(&self) -> Vec<String> {
        self.processes.last().map_or(Vec::new(), |process| process.trouble("", &self.words, "").log)
    }
}

/// What came of the people of a run.
struct Came {
    came: u64,
    seen: Seen,
    verdict: Verdict,
    /// How long those took who succeeded, the shortest first.
    took: Vec<Duration>,
}

/// The people of a run.
struct People<'r> {
    runner: &'r Runner<'r>,
    words: Words,
    seed: u64,
    gaps: Draws,
    on_their_way: JoinSet<Result<Duration, Fared>>,
    came: u64,
    seen: Seen,
    took: Vec<Duration>,
}

impl<'r> People<'r> {
    fn new(runner: &'r Runner<'r>, stage: &Stage, seed: u64) -> Self {
        Self {
            runner,
            words: stage.words.clone(),
            seed,
            gaps: Draws::of(seed, u64::MAX),
            on_their_way: JoinSet::new(),
            came: 0,
            seen: Seen::default(),
            took: Vec::new(),
        }
    }

    async fn come(mut self, stage: &mut Stage, until: Until, test: &str) -> Result<Came, Trouble> {
        let (Until::Known(budget) | Until::People(_, budget)) = until;
        let end = Instant::now() + budget;
        let mut next = Instant::now();
        while !self.is_over(until) {
            tokio::select! {
                biased;
                () = sleep_until(end) => break,
                Some(fared) = self.on_their_way.join_next() => self.note(fared, test)?,
                () = sleep_until(next), if self.lets_in(until) => {
                    self.enter();
                    next = self.after(next);
                }
            }
            // A service that is gone fails everybody, which says nothing about the objective.
            if !self.seen.failed.is_empty()
                && let Some(trouble) = stage.dead()
            {
                return Err(trouble);
            }
        }
        // Once it is known it stays; asked again after those on their way, it might be another.
        let verdict = judge(&self.runner.test.objective, &self.seen);
        // Whoever is left out is a slow one, and what they asked of dependencies was counted. At the end of
        // the budget nobody is waited for.
        if Instant::now() < end || matches!(until, Until::People(..)) {
            self.await_all(stage, test).await?;
        }
        let verdict = match verdict {
            Verdict::Open => judge(&self.runner.test.objective, &self.seen),
            known => known,
        };
        self.took.sort_unstable();
        Ok(Came { came: self.came, seen: self.seen, verdict, took: self.took })
    }

    /// Waits for those who were let in, none of whom waits longer than the objective's patience.
    async fn await_all(&mut self, stage: &mut Stage, test: &str) -> Result<(), Trouble> {
        // A moment more, so that patience ends by itself and is told as what it is.
        let end = Instant::now() + self.runner.test.objective.within + Duration::from_secs(1);
        while let Ok(Some(fared)) = timeout_at(end, self.on_their_way.join_next()).await {
            self.note(fared, test)?;
            if !self.seen.failed.is_empty()
                && let Some(trouble) = stage.dead()
            {
                return Err(trouble);
            }
        }
        // Whoever is there still has not succeeded in time.
        for _ in 0..self.on_their_way.len() {
            self.seen.note(Err(Reason::Timeout));
        }
        Ok(())
    }

    fn is_over(&self, until: Until) -> bool {
        match until {
            Until::Known(_) => judge(&self.runner.test.objective, &self.seen) != Verdict::Open,
            Until::People(people, _) => self.seen.people() >= people,
        }
    }

    fn lets_in(&self, until: Until) -> bool {
        let all = match until {
            Until::Known(_) => self.runner.test.objective.people.unwrap_or(u64::MAX),
            Until::People(people, _) => people,
        };
        if self.seen.people() + self.on_their_way.len() as u64 >= all {
            return false;
        }
        match self.runner.test.load {
            Load::AtOnce(count) => self.on_their_way.len() < count as usize,
            Load::Rate(_) => self.on_their_way.len() < MOST_AT_ONCE,
        }
    }

    fn enter(&mut self) {
        let persons: u64 =
            self.runner.test.setup.iter().map(|setup| u64::from(setup.persons)).max().unwrap_or(0);
        let user = if persons > 0 { self.came % persons } else { self.came };
        self.came += 1;
        let words = of_person(&self.words, user, self.seed);
        let steps = self.runner.test.steps.clone();
        let network = self.runner.network.clone();
        let patience = self.runner.test.objective.within;
        self.on_their_way.spawn(async move { person::walk(&steps, words, &network, patience).await });
    }

    /// When the next one comes.
    fn after(&mut self, last: Instant) -> Instant {
        match self.runner.test.load {
            Load::AtOnce(_) => last,
            // Arrivals of equal chance at any moment: gaps are exponential.
            Load::Rate(rate) => last + Duration::from_secs_f64(-self.gaps.share().ln() / rate),
        }
    }

    fn note(
        &mut self,
        fared: Result<Result<Duration, Fared>, tokio::task::JoinError>,
        test: &str,
    ) -> Result<(), Trouble> {
        match fared {
            Ok(Ok(took)) => {
                self.took.push(took);
                self.seen.note(Ok(()));
            }
            Ok(Err(fared)) => self.seen.note(Err(fared.reason)),
            Err(error) => {
                return Err(Trouble {
                    place: test.to_owned(),
                    what: format!("a person was lost: {error}"),
                    log: Vec::new(),
                    help: "that is a bug of Forewarn's".to_owned(),
                });
            }
        }
        Ok(())
    }
}

fn of_person(words: &Words, user: u64, seed: u64) -> Words {
    let mut words = words.clone();
    words.set("user", user.to_string());
    words.set("seed", seed.to_string());
    words
}

fn fill(words: &Words, place: &str, text: &str) -> Result<String, Trouble> {
    words.fill(text).map_err(|unknown| Trouble {
        place: place.to_owned(),
        what: format!("`${{{}}}` stands for nothing", unknown.name),
        log: Vec::new(),
        help: unknown.help,
    })
}

/// How a dependency behaves while people come.
#[must_use]
pub fn weather(dependency: &Dependency) -> Weather {
    let replayed = &dependency.replayed;
    let delay = |latency: &Option<model::Latency>| {
        let of = latency.as_ref()?.replay()?;
        Some(Delay { of, on_top: replayed.on_top })
    };
    Weather {
        connect: delay(&replayed.connect),
        answer: delay(&replayed.answer),
        request: delay(&replayed.request),
        bandwidth: dependency.bandwidth,
        fault: dependency.fault,
    }
}

/// The syntax of a file by its name.
#[must_use]
pub fn syntax(path: &Path) -> Option<Syntax> {
    let name = path.file_name()?.to_str()?;
    match path.extension().and_then(|extension| extension.to_str()) {
        _ if name == ".env" || name.ends_with(".env") => Some(Syntax::Env),
        Some("toml") => Some(Syntax::Toml),
        Some("yaml" | "yml") => Some(Syntax::Yaml),
        Some("json") => Some(Syntax::Json),
        Some("properties") => Some(Syntax::Properties),
        Some("ini" | "conf" | "cfg") => Some(Syntax::Ini),
        _ => None,
    }
}
