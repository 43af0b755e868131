//! Where the service of a test runs, with everything that it needs: its directory, what `${NAME}` stands for
//! there, the proxies before its dependencies, and its processes.
//!
//! Says nothing of what is done there: runs of a test have a stage each, and a drill has one.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use daemon::http::Network;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::arrivals::Arrivals;
use crate::file::{Dependency, Process, Ready, Reason, Test};
use crate::parse::PATIENCE;
use crate::person;
use crate::process::{Group, Running};
use crate::proxy::{Counted, Delay, Fault, Proxy, Weather};
use crate::room::{self, MACHINE, Room};
use crate::trial::{Kind, Trouble};
use crate::words::Words;

/// How long a dependency may take to take a connection before anybody comes.
const FOUND_WITHIN: Duration = Duration::from_secs(5);

/// A place for the service of a test.
pub struct Stage<'t> {
    test: &'t Test,
    room: Room,
    words: Words,
    /// One for each dependency.
    proxies: Vec<Proxy>,
    /// Those that run, in the order of their start.
    processes: Vec<Running>,
    /// All that ever ran.
    started: Vec<(String, Group)>,
    network: Network,
}

impl<'t> Stage<'t> {
    /// Makes a directory below another one, which stays after the end where it is to be kept, and gives every
    /// process a port. What `words` say holds here too.
    ///
    /// # Errors
    /// This machine lacks something.
    pub fn below(
        parent: &Path,
        keep: bool,
        test: &'t Test,
        words: Words,
        network: Network,
    ) -> Result<Self, Trouble> {
        let room = Room::below(parent, keep).map_err(|error| room::trouble(MACHINE, &error))?;
        let (proxies, processes, started) = (Vec::new(), Vec::new(), Vec::new());
        let mut stage = Self { test, room, words, proxies, processes, started, network };
        let path = stage.path().to_string_lossy().into_owned();
        stage.set("work", path);
        for process in &test.processes {
            stage.port(&process.name)?;
        }
        Ok(stage)
    }

    /// Puts a proxy before each dependency. Until [`Stage::replay`] it passes on what comes as it comes.
    ///
    /// # Errors
    /// This machine lacks something, or an address is not known.
    pub fn connect(&mut self, seed: u64) -> Result<(), Trouble> {
        self.set("seed", seed.to_string());
        for (dependency, number) in self.test.dependencies.iter().zip(1_u64..) {
            let address = fill(&self.words, &dependency.name, &dependency.address)?;
            let seed = seed.wrapping_add(number << 32);
            let proxy = Proxy::start(address, Weather::default(), seed)
                .map_err(|error| room::trouble(MACHINE, &error))?;
            self.set(format!("proxy.{}", dependency.name), proxy.address().to_string());
            self.set(format!("proxy.{}.port", dependency.name), proxy.address().port().to_string());
            self.proxies.push(proxy);
        }
        Ok(())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.room.path()
    }

    /// What `${NAME}` stands for here.
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// Lets a name stand for a text here.
    pub fn set(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.words.set(name, text);
    }

    /// Gives a process a port of its own: `${port.NAME}`.
    ///
    /// # Errors
    /// None can be had.
    pub fn port(&mut self, name: &str) -> Result<(), Trouble> {
        let port = self.room.port(name).map_err(|error| room::trouble(MACHINE, &error))?;
        self.set(format!("port.{name}"), port.to_string());
        Ok(())
    }

    /// All ports where somebody may listen, and who.
    pub fn ports(&self) -> Vec<(String, u16)> {
        let names = self.test.dependencies.iter().map(|dependency| format!("proxy of {}", dependency.name));
        let proxies = self.proxies.iter().map(|proxy| proxy.address().port());
        self.room.ports().into_iter().chain(names.zip(proxies)).collect()
    }

    /// The groups of all processes that were ever started here, with their names.
    pub fn started(&self) -> &[(String, Group)] {
        &self.started
    }

    /// A configuration with what the test sets in it.
    ///
    /// # Errors
    /// It cannot be set.
    pub fn configured(&self, configuration: &str) -> Result<String, Trouble> {
        self.test.candidate.written(configuration, &self.words)
    }

    /// Writes the copy of a configuration that the service is given: `${candidate}`.
    ///
    /// # Errors
    /// What the test sets in it cannot be set, or it cannot be written.
    pub fn give(&mut self, configuration: &str) -> Result<(), Trouble> {
        let text = self.configured(configuration)?;
        let path = self.path().join(self.test.candidate.copy());
        let written = room::private(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| room::trouble(path.display().to_string(), &error))?;
        self.set("candidate", path.to_string_lossy());
        Ok(())
    }

    /// Starts the processes of the test, each when the one before is ready, and does what is done once, before
    /// people come.
    ///
    /// # Errors
    /// What it was that one of them is not ready, or a dependency not there, or something not done.
    pub async fn open(&mut self) -> Result<(), Trouble> {
        for process in &self.test.processes {
            let ready = self.start(process).await;
            ready.map_err(|trouble| self.by_dependency(trouble))?;
        }
        self.find_dependencies().await?;
        self.set_up().await
    }

    /// Starts a process, and waits until it is ready.
    ///
    /// # Errors
    /// What it was that it is not.
    pub async fn start(&mut self, process: &Process) -> Result<(), Trouble> {
        is_untaken(process, &self.room).await?;
        self.begin(process)?;
        let running = self.processes.last_mut().expect("bug: it was begun");
        running.ready(process, &self.words).await
    }

    /// Starts a process without waiting for anything.
    ///
    /// # Errors
    /// What kept it from being started.
    pub fn begin(&mut self, process: &Process) -> Result<(), Trouble> {
        let running = Running::start(process, &self.words, &self.room)?;
        self.started.push((process.name.clone(), running.group()));
        // Where it is stopped in order, whatever happens while it is waited for.
        self.processes.push(running);
        Ok(())
    }

    /// Whether the process that was begun last has ended.
    pub fn has_last_ended(&mut self) -> bool {
        self.processes.last_mut().is_none_or(|last| last.ended().is_some())
    }

    /// Ends the process that was begun last; how it ended, where it did so by itself.
    pub async fn end_last(&mut self) -> Option<ExitStatus> {
        let mut last = self.processes.pop()?;
        let status = last.ended();
        last.stop(&self.room, &self.words).await;
        status
    }

    /// A process may not be ready because of what it needs, which is not its own doing then.
    fn by_dependency(&self, mut trouble: Trouble) -> Trouble {
        for (dependency, proxy) in self.test.dependencies.iter().zip(&self.proxies) {
            if proxy.counted().failed > 0 {
                trouble.kind = Kind::Host;
                trouble.what += &format!("; its dependency `{}` took no connection", dependency.name);
                trouble.help = format!("start `{}` first; {}", dependency.name, trouble.help);
            }
        }
        trouble
    }

    /// Without its dependency a service fails everybody, which says nothing about its configuration.
    async fn find_dependencies(&self) -> Result<(), Trouble> {
        for dependency in self.test.dependencies.iter().filter(|known| known.fault != Fault::Refuse) {
            let address = fill(&self.words, &dependency.name, &dependency.address)?;
            let what = match timeout(FOUND_WITHIN, TcpStream::connect(&address)).await {
                Ok(Ok(_)) => continue,
                Ok(Err(error)) => format!("cannot be reached at {address}: {error}"),
                Err(_) => format!("takes no connection at {address} within {}", model::pretty(FOUND_WITHIN)),
            };
            let (name, what) = (dependency.name.as_str(), self.words.cover(&what));
            let help = "start it before the test, or as a [[process]] of it; or correct `address`";
            return Err(Trouble::new(Kind::Host, name, what, help));
        }
        Ok(())
    }

    async fn set_up(&mut self) -> Result<(), Trouble> {
        for setup in &self.test.setup {
            for user in 0..setup.persons {
                let mut words = self.words.clone();
                words.set("user", user.to_string());
                if let Err(fared) = person::walk(&setup.steps, words, &self.network, PATIENCE).await {
                    let kind = if fared.reason == Reason::Harness { Kind::File } else { Kind::Setup };
                    let what = format!("person {user}: {}", self.words.cover(&fared.what));
                    let help = "what is set up must succeed without any delay; try the step by hand";
                    let log = self.processes.last_mut().map(|process| process.last_log(&self.words));
                    return Err(Trouble {
                        log: log.unwrap_or_default(),
                        ..Trouble::new(kind, "[[setup]]", what, help)
                    });
                }
            }
        }
        Ok(())
    }

    /// From now on the dependencies behave as the test says.
    pub fn replay(&self) {
        for (proxy, dependency) in self.proxies.iter().zip(&self.test.dependencies) {
            proxy.set(weather(dependency));
        }
    }

    /// Those who come here.
    pub fn arrivals(&self, seed: u64) -> Arrivals {
        Arrivals::of(self.test, &self.network, self.words.clone(), seed)
    }

    /// What went through the proxy of each dependency so far.
    pub(crate) fn counted(&self) -> Vec<Counted> {
        self.proxies.iter().map(Proxy::counted).collect()
    }

    /// Whatever has ended, although nobody asked it to.
    pub fn dead(&mut self) -> Option<Trouble> {
        let words = &self.words;
        self.processes.iter_mut().find_map(|process| {
            let status = process.ended().filter(|_| !process.ends_by_itself())?;
            let what = format!("ended while people came: {status}");
            let help = "its log says why; `--keep` keeps the directory of the run";
            Some(process.trouble(Kind::Died, &what, words, help))
        })
    }

    /// Stops everything, the last one first; gives those that did not end when they were asked to.
    pub async fn clear(mut self) -> Vec<Trouble> {
        let mut unheeded = Vec::new();
        while let Some(process) = self.processes.pop() {
            unheeded.extend(process.stop(&self.room, &self.words).await);
        }
        self.room.close().await;
        unheeded
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

fn fill(words: &Words, place: &str, text: &str) -> Result<String, Trouble> {
    words.fill(text).map_err(|unknown| Trouble::of_unknown(place, unknown))
}

/// How a dependency behaves while people come.
fn weather(dependency: &Dependency) -> Weather {
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
