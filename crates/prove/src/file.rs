//! A test file: how the service is started, what stands behind a proxy, what a user does, and what must
//! hold. Nouns only; `parse` reads them, the other modules carry them out.
//!
//! In every text `${NAME}` stands for something that is only known when it runs: `${work}` (a directory of
//! its own), `${base}` (the directory of the test file), `${forewarn}` (the program that runs the test),
//! `${port.NAME}` (a free port), `${proxy.NAME}` (host and port of a dependency's proxy),
//! `${proxy.NAME.port}` (its port alone, where TLS wants another name for the host: localhost, say),
//! `${candidate}` (the path of the copy of the configuration), `${seed}`, `${user}` (a number, another one
//! for each person), what a step kept, and in capitals a variable of the environment, whose value is never
//! printed.

use std::time::Duration;

use model::{Latency, Span, TimeUnit};
use text::Syntax;

use crate::proxy::Fault;
use crate::search::Form;

/// A whole file of `kind = "service"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// What it is called in reports.
    pub name: String,
    /// The configuration that is tested.
    pub candidate: Candidate,
    /// What is started, in this order; each is ready before the next one starts.
    pub processes: Vec<Process>,
    /// What stands behind a proxy.
    pub dependencies: Vec<Dependency>,
    /// What is done once, before people come: accounts are registered, databases filled.
    pub setup: Vec<Setup>,
    /// What a person does, one step after the other.
    pub steps: Vec<watch::plan::Step>,
    /// How many people come.
    pub load: Load,
    /// What must hold.
    pub objective: Objective,
    /// The setting whose smallest safe value can be searched.
    pub search: Option<Search>,
}

impl Test {
    /// The latency that the setting of the search has to bear, where it is replayed.
    #[must_use]
    pub fn awaited(&self) -> Option<&Latency> {
        let search = self.search.as_ref()?;
        let dependency = self.dependencies.iter().find(|known| known.name == search.dependency)?;
        match search.awaits {
            Awaits::Answer => dependency.replayed.answer.as_ref(),
            Awaits::Connect => dependency.replayed.connect.as_ref(),
            Awaits::Other => None,
        }
    }
}

/// A configuration file of the service.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The file in force, relative to the test file.
    pub file: String,
    /// What it is written in: what the test file says, or else what the name of the file does. Without one
    /// its keys are not known, only its text is.
    pub syntax: Option<Syntax>,
    /// What is written over in the copy that the service is given, before each run: a text that stands there,
    /// and what stands there instead.
    pub replace: Vec<Edit>,
    /// The same by key: its path, and its text. Addresses of proxies and ports, as a rule.
    pub set: Vec<Edit>,
}

/// One key, or one text, and what is written there.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// The key with its path: `directory.url`. Or the text.
    pub key: String,
    /// The text, quotes left out.
    pub value: String,
    /// Where the test file says so.
    pub span: Span,
}

/// A process of the test.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// Its name in reports, and of its log in the directory of the run.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Variables, beside `PATH`, `HOME`, `LANG` and `TMPDIR`; nothing else is passed on.
    pub environment: Vec<(String, String)>,
    /// Names of variables that are passed on as well, where they are set. A `*` at the end of a name stands
    /// for any end: `PIP_*`.
    pub pass: Vec<String>,
    /// Where it runs; the directory of the run where absent.
    pub directory: Option<String>,
    /// How one sees that it is ready.
    pub ready: Ready,
    /// How long that may take.
    pub ready_within: Duration,
    /// How long it may take to end when it is asked to; then it is killed.
    pub stop_within: Duration,
}

impl Process {
    /// Whether it is given the candidate: its command or its environment names the copy, as `${candidate}` or
    /// by the name that it has in the directory of the run. The file in force is another one.
    #[must_use]
    pub fn is_given(&self, candidate: &Candidate) -> bool {
        let of_environment = self.environment.iter().map(|(_, text)| text);
        self.command.iter().chain(of_environment).any(|text| candidate.is_named_in(text))
    }
}

/// How one sees that a process is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// A `GET` is answered with a status of 200 to 299.
    Http(String),
    /// A connection is taken: host and port.
    Tcp(String),
    /// It ended by itself with 0: a migration, a preparation.
    Ended,
}

/// What stands behind a proxy.
#[derive(Debug, Clone, PartialEq)]
pub struct Dependency {
    /// Its name in `${proxy.NAME}`.
    pub name: String,
    /// Where it is: host and port.
    pub address: String,
    /// What was observed of it.
    pub replayed: Replayed,
    /// What else befalls its connections.
    pub fault: Fault,
    /// Bytes a second towards the service.
    pub bandwidth: Option<u64>,
}

/// Latency by phase.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Replayed {
    /// Of making a connection. The handshake of TCP itself is the kernel's, which makes it at once: what is
    /// held back is all that follows. A limit on connecting sees it where that covers a greeting, a log-in
    /// or TLS.
    pub connect: Option<Latency>,
    /// Of an answer, as its caller saw it.
    pub answer: Option<Latency>,
    /// Of a request on its way there.
    pub request: Option<Latency>,
    /// What is drawn comes on top of what the dependency takes here.
    pub on_top: bool,
}

/// What is done once, before people come.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// The steps, for each person once.
    pub steps: Vec<watch::plan::Step>,
    /// For how many persons (`${user}` counts them from 0).
    pub persons: u32,
}

/// How many people come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Load {
    /// So many a second, at random moments of equal chance, however long the ones before take.
    Rate(f64),
    /// Always so many at a time.
    AtOnce(u32),
}

/// What must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// The share of people who succeed, 0 to 1.
    pub good: f64,
    /// Who takes longer has not succeeded.
    pub within: Duration,
    /// So many people come, and of them that share must succeed: for a service that can be asked only a few
    /// times. Where absent, people come until the share is known for all who could.
    pub people: Option<u64>,
}

impl Objective {
    /// How many of so many people may fail.
    #[must_use]
    pub fn may_fail(&self, people: u64) -> u64 {
        // A share of 95 % is no exact number: of 20 people, 1 may fail.
        ((1.0 - self.good) * people as f64 + 1e-9) as u64
    }
}

/// The setting whose value is searched.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// The key in the candidate.
    pub key: String,
    /// The unit of its value, where that is a bare number.
    pub unit: Option<TimeUnit>,
    /// From where to where.
    pub from: Duration,
    /// See `from`.
    pub to: Duration,
    /// Times this, the smallest value that held is called safe.
    pub margin: f64,
    /// The dependency whose latency the setting must bear, for the prediction.
    pub dependency: String,
    /// What of it the setting waits for.
    pub awaits: Awaits,
}

impl Search {
    /// The length that a text in the place of the setting says; `None` where it says none, or 0, which may
    /// stand for no limit at all.
    #[must_use]
    pub fn length(&self, text: &str) -> Option<Duration> {
        Form::of(text, self.unit)?.read(text).filter(|length| !length.is_zero())
    }
}

/// What a setting waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaits {
    /// An answer of the dependency.
    Answer,
    /// A connection to it.
    Connect,
    /// Something that is not replayed: a place in a pool.
    Other,
}

/// Why a person did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// No answer in time: 504, or the person's own patience.
    Timeout,
    /// 429.
    Throttled,
    /// 401 or 403: says something about the test's accounts, not about the configuration.
    Credentials,
    /// Another 5xx, or the connection broke.
    Dependency,
    /// Forewarn itself could not; such a person is not counted.
    Harness,
}
