//! Carries out a test: the room, the proxies, the processes, the people; and gives all of it back.

use std::future::Future;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use daemon::http::Network;
use text::edit::{self, NotSet};
use text::{FileId, Source, Syntax};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::file::{Dependency, Process, Ready, Reason, Test};
use crate::parse::PATIENCE;
use crate::people::{Came, People};
use crate::person;
use crate::process::Running;
use crate::proxy::{Counted, Delay, Fault, Proxy, Weather};
use crate::room::{self, MACHINE, Room};
use crate::trial::{Durations, Kind, Run, Trial, Trouble};
use crate::verdict::{Seen, Verdict};
use crate::words::Words;

/// How long a dependency may take to take a connection before anybody comes.
const FOUND_WITHIN: Duration = Duration::from_secs(5);

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
        let mut stage = self.open(label, configuration, seed)?;
        let trial = async {
            self.start(&mut stage).await?;
            self.find_dependencies(&stage).await?;
            self.set_up(&mut stage, seed).await?;
            self.perform(&mut stage, label, seed, until).await
        };
        let trial = tokio::select! {
            trial = trial => trial,
            () = stop => {
                let help = "nothing is left of it; run it again";
                Err(Trouble::new(Kind::Stopped, self.test.name.as_str(), "was stopped", help))
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

    /// Makes the room, the proxies and the copy of the configuration.
    fn open(&self, label: &str, configuration: &str, seed: u64) -> Result<Stage, Trouble> {
        let of_host = |error: io::Error| room::trouble(MACHINE, &error);
        let room = Room::below(&self.rooms, self.keep).map_err(of_host)?;
        if self.keep {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push((label.to_owned(), room.path().to_path_buf()));
        }
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
            words.set(format!("proxy.{}.port", dependency.name), proxy.address().port().to_string());
            proxies.push(proxy);
        }
        let candidate = self.copy(configuration, &words, &room)?;
        words.set("candidate", candidate.to_string_lossy());
        Ok(Stage { room, words, proxies, processes: Vec::new() })
    }

    /// Starts the processes, each when the one before is ready.
    async fn start(&self, stage: &mut Stage) -> Result<(), Trouble> {
        for process in &self.test.processes {
            is_untaken(process, &stage.room).await?;
            let running = Running::start(process, &stage.words, &stage.room)?;
            // Where it is stopped in order, whatever happens while it is waited for.
            stage.processes.push(running);
            if let Some(running) = stage.processes.last_mut() {
                let ready = running.ready(process, &stage.words).await;
                ready.map_err(|trouble| self.by_dependency(trouble, stage))?;
            }
        }
        Ok(())
    }

    /// A process may not be ready because of what it needs, which is not its own doing then.
    fn by_dependency(&self, mut trouble: Trouble, stage: &Stage) -> Trouble {
        for (dependency, proxy) in self.test.dependencies.iter().zip(&stage.proxies) {
            if proxy.counted().failed > 0 {
                trouble.kind = Kind::Host;
                trouble.what += &format!("; its dependency `{}` took no connection", dependency.name);
                trouble.help = format!("start `{}` first; {}", dependency.name, trouble.help);
            }
        }
        trouble
    }

    /// Without its dependency a service fails everybody, which says nothing about its configuration.
    async fn find_dependencies(&self, stage: &Stage) -> Result<(), Trouble> {
        for dependency in self.test.dependencies.iter().filter(|known| known.fault != Fault::Refuse) {
            let address = fill(&stage.words, &dependency.name, &dependency.address)?;
            let what = match timeout(FOUND_WITHIN, TcpStream::connect(&address)).await {
                Ok(Ok(_)) => continue,
                Ok(Err(error)) => format!("cannot be reached at {address}: {error}"),
                Err(_) => format!("takes no connection at {address} within {}", model::pretty(FOUND_WITHIN)),
            };
            let help = "start it before the test, or as a [[process]] of it; or correct `address`";
            return Err(Trouble::new(Kind::Host, dependency.name.as_str(), stage.words.cover(&what), help));
        }
        Ok(())
    }

    /// Writes the candidate into the room, with what the test sets in it.
    fn copy(&self, configuration: &str, words: &Words, room: &Room) -> Result<PathBuf, Trouble> {
        let file = Path::new(&self.test.candidate.file);
        let syntax = syntax(file).ok_or_else(|| {
            let what = "is in no syntax that values can be set in";
            let help = "TOML, YAML, JSON, properties, INI and .env are known by the end of the name";
            Trouble::new(Kind::File, self.test.candidate.file.as_str(), what, help)
        })?;
        let mut text = configuration.to_owned();
        for edit in &self.test.candidate.set {
            let value = fill(words, "[candidate.set]", &edit.value)?;
            let source = Source::new(FileId(0), self.test.candidate.file.as_str(), text);
            text = edit::set(syntax, &source, &edit.key, &value)
                .map_err(|not_set| self.not_set(&edit.key, &not_set))?;
        }
        let path = room.path().join(self.test.candidate.copy());
        let written = room::private(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| room::trouble(path.to_string_lossy(), &error))?;
        Ok(path)
    }

    pub(crate) fn not_set(&self, key: &str, not_set: &NotSet) -> Trouble {
        let (what, help) = match not_set {
            NotSet::NoKey(beside) if beside.is_empty() => {
                let help = "no key is there; a candidate is in the syntax of the file in force";
                (format!("has no key `{key}`"), help.to_owned())
            }
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
        Trouble::new(Kind::File, self.test.candidate.file.as_str(), what, help)
    }

    /// Does what is done once, before people come.
    async fn set_up(&self, stage: &mut Stage, seed: u64) -> Result<(), Trouble> {
        for setup in &self.test.setup {
            for user in 0..setup.persons {
                let words = of_person(&stage.words, user.into(), seed);
                if let Err(fared) = person::walk(&setup.steps, words, &self.network, PATIENCE).await {
                    let kind = if fared.reason == Reason::Harness { Kind::File } else { Kind::Setup };
                    let what = format!("person {user}: {}", stage.words.cover(&fared.what));
                    let help = "what is set up must succeed without any delay; try the step by hand";
                    let log = stage.last_log();
                    return Err(Trouble { log, ..Trouble::new(kind, "[[setup]]", what, help) });
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
        let tell = |seen: &Seen| (self.tell)(&Told { label, seen });
        let people = People::new(self.test, &self.network, stage.words.clone(), seed, &tell);
        let came = people.come(until, || stage.dead()).await?;
        let dependencies = self
            .test
            .dependencies
            .iter()
            .zip(stage.proxies.iter().zip(before))
            .map(|(dependency, (proxy, before))| (dependency.name.clone(), proxy.counted().since(&before)))
            .collect();
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

impl Stage {
    /// Stops everything, the last one first; gives those that did not end when they were asked to.
    async fn clear(mut self) -> Vec<Trouble> {
        let mut unheeded = Vec::new();
        while let Some(process) = self.processes.pop() {
            unheeded.extend(process.stop(&self.room, &self.words).await);
        }
        unheeded
    }

    /// Whatever has ended, although nobody asked it to.
    fn dead(&mut self) -> Option<Trouble> {
        let words = &self.words;
        self.processes.iter_mut().find_map(|process| {
            let status = process.ended().filter(|_| !process.ends_by_itself())?;
            let what = format!("ended while people came: {status}");
            let help = "its log says why; `--keep` keeps the directory of the run";
            Some(process.trouble(Kind::Died, &what, words, help))
        })
    }

    fn last_log(&mut self) -> Vec<String> {
        self.processes.last_mut().map_or(Vec::new(), |process| process.last_log(&self.words))
    }
}

/// A port is free when it is given out; somebody may have taken it since.
async fn is_untaken(process: &Process, room: &Room) -> Result<(), Trouble> {
    /// Another test that looks for a port holds each for a moment.
    const LOOKS: [Duration; 2] = [Duration::ZERO, Duration::from_millis(50)];
    let Some(port) = room.port(&process.name).ok().filter(|_| process.ready != Ready::Ended) else {
        return Ok(());
    };
    for wait in LOOKS {
        sleep(wait).await;
        if Room::is_free(port) {
            return Ok(());
        }
    }
    let what = format!("somebody listens already on {port}, its ${{port.{}}}", process.name);
    let help = "no process before it may listen there; run it again if another program does";
    Err(Trouble::new(Kind::Host, process.name.as_str(), what, help))
}

pub(crate) fn of_person(words: &Words, user: u64, seed: u64) -> Words {
    let mut words = words.clone();
    words.set("user", user.to_string());
    words.set("seed", seed.to_string());
    words
}

fn fill(words: &Words, place: &str, text: &str) -> Result<String, Trouble> {
    words.fill(text).map_err(|unknown| {
        Trouble::new(Kind::File, place, format!("`${{{}}}` stands for nothing", unknown.name), unknown.help)
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
