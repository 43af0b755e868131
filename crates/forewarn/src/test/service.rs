//! A configuration test: reads what it needs, runs the service under each configuration, and says what
//! that shows. What a run is and how it is judged, `prove` says.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use audit::Error;
use prove::file::Test;
use prove::proof::{self, Proof, Texts};
use prove::run::Runner;
use prove::words::Words;
use text::{FileId, Source};
use tokio::runtime::Runtime;
use wire::tested::{Tested, Verdict};

use super::record::record;
use super::{Halt, shown};
use crate::arguments::TestArguments;
use crate::output::to_stderr;
use crate::signals::Signals;
use crate::terminal::Terminal;

/// A configuration test that was read, with everything that it needs to be run.
pub(super) struct Case {
    /// The test file, as it was named.
    pub(super) path: String,
    /// The directory of the test file.
    base: PathBuf,
    /// What it says.
    pub(super) test: Test,
    /// What is put to the test.
    pub(super) candidate: Source,
    /// What is in force; `None` where it is itself put to the test.
    pub(super) current: Option<Source>,
    /// The files of latency that it names.
    pub(super) measurements: Vec<String>,
    /// What is known before a run.
    words: Words,
}

impl Case {
    fn read(path: &Path, source: &Source, candidate: Option<&Path>) -> Result<Self, Error> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let base = absolute(parent)?;
        let measurements = RefCell::new(Vec::new());
        let measurement = |name: &str| {
            measurements.borrow_mut().push(name.to_owned());
            read(&base.join(name), FileId(1), name).map_err(|error| error.to_string())
        };
        let test = prove::parse::parse(source, &measurement)
            .map_err(|mistakes| Error::Mistakes { source: source.renamed(source.path()), mistakes })?;
        let in_force = parent.join(&test.candidate.file);
        let in_force = super::source(&in_force, "`file` of [candidate] is relative to the test file")?;
        let (candidate, current) = match candidate {
            Some(candidate) => (super::source(candidate, "name a file with --candidate")?, Some(in_force)),
            None => (in_force, None),
        };
        let words = words(source.text())?;
        let measurements = measurements.into_inner();
        Ok(Self { path: shown(path), base, test, candidate, current, measurements, words })
    }

    /// What carries it out.
    pub(super) fn runner(&self, keep: bool) -> Runner<'_> {
        Runner::new(&self.test, &self.base, &std::env::temp_dir(), keep, self.words.clone())
    }
}

/// Runs it.
pub(super) fn tested(
    path: &Path,
    source: &Source,
    arguments: &TestArguments,
    _terminal: &Terminal,
) -> Result<Tested, Halt> {
    let case = Case::read(path, source, arguments.candidate.as_deref())?;
    let runtime = runtime()?;
    let proof = runtime.block_on(prove(&case, arguments));
    // What is still on its way through a proxy has nothing to say any more.
    runtime.shutdown_background();
    let proof = proof?;
    if arguments.record && proof.outcome == proof::Outcome::Held {
        record(path, source.text(), &case, &proof)?;
    }
    let verdict = match proof.outcome {
        proof::Outcome::Held => Verdict::Passed,
        proof::Outcome::Failed => Verdict::Failed,
        proof::Outcome::Inconclusive => Verdict::Inconclusive,
        proof::Outcome::Open => Verdict::Open,
    };
    Ok(Tested {
        path: case.path,
        name: case.test.name,
        verdict,
        stopped: None,
        help: None,
        log: Vec::new(),
        scenario: None,
        service: None,
    })
}

async fn prove(case: &Case, arguments: &TestArguments) -> Result<Proof, Halt> {
    let signals = Signals::listen()?;
    let runner = case.runner(arguments.keep);
    let texts = Texts { candidate: case.candidate.text(), current: case.current.as_ref().map(Source::text) };
    let proof = proof::prove(&runner, texts, arguments.seed, arguments.budget, || signals.ended()).await;
    for trouble in runner.unheeded() {
        to_stderr(&super::render::warning(&trouble));
    }
    proof.map_err(|trouble| signals.code().map_or(Halt::Trouble(trouble), Halt::Signal))
}

fn runtime() -> Result<Runtime, Error> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        let what = format!("cannot begin: {error}");
        Error::stopped("forewarn test", what, "look at the limits of this process")
    })
}

/// The program itself, and every variable of the environment that the test names.
#[expect(clippy::disallowed_methods, reason = "the test file names the variables that it may use")]
fn words(text: &str) -> Result<Words, Error> {
    let mut words = Words::default();
    let program = std::env::current_exe().map_err(|error| {
        Error::stopped("forewarn", format!("does not find itself: {error}"), "name it with its path")
    })?;
    words.set("forewarn", program.to_string_lossy());
    for name in prove::words::variables(text) {
        if let Ok(value) = std::env::var(name) {
            words.set_secret(name, value);
        }
    }
    Ok(words)
}

#[expect(clippy::disallowed_methods, reason = "processes of a test run in directories of their own")]
fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|error| {
        Error::stopped(path.display(), error.to_string(), "name the test file with its whole path")
    })
}

#[expect(clippy::disallowed_methods, reason = "the test file names the measurement")]
fn read(path: &Path, id: FileId, name: &str) -> std::io::Result<Source> {
    std::fs::read_to_string(path).map(|text| Source::new(id, name, text))
}
