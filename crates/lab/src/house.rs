//! What a drill runs in: the room with the service's files, the service with its dependency behind the
//! proxy, and the watch.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use daemon::http::Network;
use prove::file::{Process, Ready, Test};
use prove::parse::PATIENCE;
use prove::person;
use prove::process::Running;
use prove::proxy::{Proxy, Weather};
use prove::room::{self, MACHINE, Room};
use prove::run::weather;
use prove::trial::{Kind, Trouble};
use prove::words::Words;
use text::{FileId, Source, Syntax, edit};

use crate::course::Options;
use crate::database::{self, Database};
use crate::scenario;
use crate::traces::Traces;

/// The service's files, as they are deployed. What else is written stays outside of their folder, which the
/// watch looks at.
const SERVICE: &str = "config/service";
/// The same with the edit that is proposed.
const PROPOSED: &str = "config/proposed";
/// What the watch writes.
const WATCH: &str = "watch";
/// How long the watch may take to be ready, and to end.
const LONG: Duration = Duration::from_secs(20);

/// The house of a drill.
pub(crate) struct House {
    room: Room,
    pub(crate) words: Words,
    proxy: Proxy,
    /// In the order of their start.
    running: Vec<Running>,
    traces: Traces,
    /// The configuration in force when all began.
    good: String,
    /// The bad edit.
    bad: String,
}

impl House {
    /// Makes the room and its files; nothing runs yet but the proxy.
    pub(crate) fn build(test: &Test, options: &Options) -> Result<Self, Trouble> {
        let Options { seed, keep, database, forewarn, below, .. } = options;
        let (seed, keep) = (*seed, *keep);
        let room = Room::below(below, keep).map_err(|error| of_host(&error))?;
        let mut words = Words::default();
        let service = room.path().join(SERVICE);
        words.set("forewarn", forewarn.to_string_lossy());
        words.set("work", room.path().to_string_lossy());
        words.set("base", service.to_string_lossy());
        words.set("candidate", service.join(&test.candidate.file).to_string_lossy());
        words.set("seed", seed.to_string());
        let mut ports = Vec::new();
        let processes = test.processes.iter().map(|process| process.name.as_str());
        for name in processes.chain([WATCH]) {
            let port = room.port(name).map_err(|error| of_host(&error))?;
            words.set(format!("port.{name}"), port.to_string());
            ports.push((name.to_owned(), port));
        }
        let dependency = &test.dependencies[0];
        let address = filled(&words, &dependency.address)?;
        // Calm until people come.
        let proxy = Proxy::start(address, Weather::default(), seed).map_err(|error| of_host(&error))?;
        words.set(format!("proxy.{}", dependency.name), proxy.address().to_string());
        ports.push((format!("proxy of {}", dependency.name), proxy.address().port()));
        let traces = Traces { room: room.path().to_path_buf(), kept: keep, groups: Vec::new(), ports };
        let copy = |text: &str| configured(test, text, &words);
        let (good, bad) = (copy(scenario::FRONT)?, copy(scenario::CANDIDATE)?);
        let house = Self { room, words, proxy, running: Vec::new(), traces, good, bad };
        house.furnish(database).map_err(|error| of_host(&error))?;
        Ok(house)
    }

    fn furnish(&self, database: &Database) -> io::Result<()> {
        let watch = self.words.fill(scenario::WATCH).map_err(|unknown| io::Error::other(unknown.name))?;
        for (folder, front) in [(SERVICE, &self.good), (PROPOSED, &self.bad)] {
            let folder = self.path().join(folder);
            std::fs::create_dir_all(&folder)?;
            std::fs::write(folder.join("front.toml"), front)?;
            std::fs::write(folder.join("directory.toml"), scenario::DIRECTORY)?;
            std::fs::write(folder.join("observed.toml"), scenario::OBSERVED)?;
            std::fs::write(folder.join("auth.test.toml"), database.in_test(scenario::TEST))?;
            if let Database::Postgres(_) = database {
                std::fs::write(folder.join(database::SCRIPT_NAME), database::SCRIPT)?;
            }
            std::fs::write(folder.join("forewarn.toml"), format!("{}{watch}", scenario::FOREWARN))?;
        }
        std::fs::create_dir(self.path().join(WATCH))
    }

    /// Where all of it is.
    pub(crate) fn path(&self) -> &Path {
        self.room.path()
    }

    /// The files in force.
    fn service(&self) -> PathBuf {
        self.path().join(SERVICE)
    }

    /// Where the watch tells.
    pub(crate) fn notices(&self) -> PathBuf {
        self.path().join(WATCH).join("notices.jsonl")
    }

    /// Where the service says that it took another configuration.
    pub(crate) fn log(&self) -> PathBuf {
        self.path().join("front.log")
    }

    /// Starts the service, and registers those who sign in later.
    pub(crate) async fn open(&mut self, test: &Test) -> Result<(), Trouble> {
        for process in &test.processes {
            self.start(process).await?;
        }
        for setup in &test.setup {
            for user in 0..setup.persons {
                let mut words = self.words.clone();
                words.set("user", user.to_string());
                let walked = person::walk(&setup.steps, words, &Network::default(), PATIENCE).await;
                walked.map_err(|fared| {
                    let what = format!("person {user}: {}", self.words.cover(&fared.what));
                    let help = "run the drill again with --keep, and look at front.log";
                    Trouble::new(Kind::Setup, "register", what, help)
                })?;
            }
        }
        self.proxy.set(weather(&test.dependencies[0]));
        Ok(())
    }

    /// Starts the watch.
    pub(crate) async fn watch(&mut self) -> Result<(), Trouble> {
        let command = ["${forewarn}", "watch", "--config", "${base}/forewarn.toml"];
        self.start(&Process {
            name: WATCH.to_owned(),
            command: command.map(str::to_owned).to_vec(),
            environment: Vec::new(),
            directory: None,
            ready: Ready::Http("http://127.0.0.1:${port.watch}/healthz".to_owned()),
            pass: Vec::new(),
            ready_within: LONG,
            stop_within: LONG,
        })
        .await
    }

    async fn start(&mut self, process: &Process) -> Result<(), Trouble> {
        let words = self.words.clone();
        self.begin(process)?.ready(process, &words).await
    }

    /// Starts a process without waiting for anything.
    pub(crate) fn begin(&mut self, process: &Process) -> Result<&mut Running, Trouble> {
        let running = Running::start(process, &self.words, &self.room)?;
        self.traces.groups.push((process.name.clone(), running.group()));
        self.running.push(running);
        Ok(self.running.last_mut().expect("bug: it was pushed"))
    }

    /// Whether the process that was started last has ended.
    pub(crate) fn has_last_ended(&mut self) -> bool {
        self.running.last_mut().is_none_or(|last| last.ended().is_some())
    }

    /// Ends the process that was started last, and gives how it ended where it did so by itself.
    pub(crate) async fn end_last(&mut self) -> Option<ExitStatus> {
        let mut last = self.running.pop()?;
        let status = last.ended();
        last.stop(&self.room, &self.words).await;
        status
    }

    /// Whatever has ended although nobody asked it to.
    pub(crate) fn dead(&mut self) -> Option<Trouble> {
        let words = &self.words;
        self.running.iter_mut().find_map(|process| {
            let status = process.ended().filter(|_| !process.ends_by_itself())?;
            let what = format!("ended in the middle of the drill: {status}");
            Some(process.trouble(
                Kind::Died,
                &what,
                words,
                "its log says why; `--keep` keeps the directory of the drill",
            ))
        })
    }

    /// Puts the bad edit in force, as a deployment does: the file is replaced as a whole.
    pub(crate) fn deploy_bad(&self) -> Result<(), Trouble> {
        self.deploy(&self.bad)
    }

    /// Puts the good value back.
    pub(crate) fn deploy_good(&self) -> Result<(), Trouble> {
        self.deploy(&self.good)
    }

    fn deploy(&self, text: &str) -> Result<(), Trouble> {
        let beside = self.path().join("front.toml.new");
        std::fs::write(&beside, text)
            .and_then(|()| std::fs::rename(&beside, self.service().join("front.toml")))
            .map_err(|error| of_host(&error))
    }

    /// Stops everything, the last one first, and gives what to look for afterwards.
    pub(crate) async fn clear(mut self) -> Traces {
        while !self.running.is_empty() {
            self.end_last().await;
        }
        self.traces
    }
}

/// A configuration with the addresses of this house.
fn configured(test: &Test, text: &str, words: &Words) -> Result<String, Trouble> {
    let mut text = text.to_owned();
    for set in &test.candidate.set {
        let value = filled(words, &set.value)?;
        let source = Source::new(FileId(0), test.candidate.file.as_str(), text);
        text = edit::set(Syntax::Toml, &source, &set.key, &value)
            .map_err(|_| bug(&format!("{} cannot be set", set.key)))?;
    }
    Ok(text)
}

fn filled(words: &Words, text: &str) -> Result<String, Trouble> {
    words.fill(text).map_err(|unknown| bug(&format!("`${{{}}}` stands for nothing", unknown.name)))
}

fn bug(what: &str) -> Trouble {
    Trouble::new(Kind::File, "the drill", what, "that is a bug of Forewarn's")
}

pub(crate) fn of_host(error: &io::Error) -> Trouble {
    room::trouble(MACHINE, error)
}
