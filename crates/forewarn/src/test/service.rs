//! A configuration test: reads what it needs, runs the service under each configuration, and says what
//! that shows. What a run is and how it is judged, `prove` says.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use audit::Error;
use audit::render::shell_word;
use prove::difference;
use prove::file::Test;
use prove::machine::Meter;
use prove::proof::{self, Outcome, Proof, Texts};
use prove::report::{self, Asked};
use prove::run::{Runner, Told};
use prove::trial::Trouble;
use prove::words::Words;
use readers::Reading;
use text::{FileId, ProblemKind, Source, Syntax, Tree, last_step};
use tokio::runtime::Runtime;
use wire::tested::{Change, Tested, Verdict};

use super::beyond::{self, Beyond, Standing};
use super::record::Recording;
use super::{Halt, Obstacle, asked, shown};
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
    /// The files of latency that it names, as they were read.
    pub(super) measurements: Vec<Source>,
    /// Where the two differ.
    changes: Vec<Change>,
    /// What is known before a run.
    words: Words,
}

impl Case {
    fn read(path: &Path, source: &Source, arguments: &TestArguments) -> Result<Self, Obstacle> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let base = absolute(parent)?;
        let measurements = RefCell::new(Vec::new());
        let measurement = |name: &str| {
            let source = read(&base.join(name), FileId(1), name).map_err(|error| error.to_string())?;
            measurements.borrow_mut().push(source.renamed(name));
            Ok(source)
        };
        let mut test = prove::parse::parse(source, &measurement)
            .map_err(|mistakes| Error::Mistakes { source: source.renamed(source.path()), mistakes })?;
        asked::of_test(arguments, path, &test)?;
        let in_force = path.with_file_name(&test.candidate.file);
        // The file of the test is whichever of the two is not named.
        let named = |file: Option<&PathBuf>, help| match file {
            Some(file) => super::source(file, help),
            None => super::source(&in_force, "`file` of [candidate] is relative to the test file"),
        };
        let current = named(arguments.current.as_ref(), "name a file with --current")?;
        let candidate = named(arguments.candidate.as_ref(), "name a file with --candidate")?;
        let syntax = test.candidate.syntax.or_else(|| recognised(&test.candidate.file, current.text()));
        for source in [&current, &candidate] {
            syntax.map_or(Ok(()), |syntax| legible(syntax, source))?;
        }
        test.candidate.syntax = syntax;
        for source in [&current, &candidate] {
            let place = |trouble: Trouble| Trouble { place: source.path().to_owned(), ..trouble };
            test.candidate.takes(source.text()).map_err(place)?;
        }
        let searched = test.search.as_ref().map(|search| search.key.as_str());
        let changes = test.candidate.changes(searched, &current, &candidate);
        if let [first, ..] = changes.as_slice()
            && test.candidate.writes(&first.key)
        {
            let what =
                "differs only in what [candidate.set] writes over, so that nothing of it would be tested";
            return Err(
                Error::stopped(candidate.path(), what, "test it where that is not written over").into()
            );
        }
        if changes.is_empty() && candidate.path() != current.path() {
            let (one, other) = (candidate.path(), current.path());
            to_stderr(&format!("warning: {one} says the same as {other}: what is in force is tested\n"));
        }
        // What says the same is what is in force.
        let current = (!changes.is_empty()).then_some(current);
        let words = words(source.text())?;
        let measurements = measurements.into_inner();
        Ok(Self { path: shown(path), base, test, candidate, current, changes, measurements, words })
    }

    /// The candidate with the service's own defaults in the place of what was changed.
    fn defaults(&self) -> Option<Result<String, String>> {
        let prove::file::Candidate { syntax, set, .. } = &self.test.candidate;
        let current = self.current.as_ref()?;
        Some(difference::with_defaults(*syntax, current, &self.candidate, &self.changes, set))
    }

    /// What was put to the test, fit to be shown.
    fn asked(&self, path: &Path, arguments: &TestArguments) -> Asked {
        Asked {
            candidate: self.candidate.path().to_owned(),
            current: self.current.as_ref().map(|current| current.path().to_owned()),
            changes: self.changes.iter().cloned().map(|change| self.shown(change)).collect(),
            budget: arguments.budget,
            seed: arguments.seed,
            again: again(path, arguments),
        }
    }

    /// A change with its secrets hidden: by what the key is called, by what stands around it in its file, and
    /// by what stands for a variable.
    fn shown(&self, change: Change) -> Change {
        let hidden = |value: String, source: Option<&Source>| {
            let named = format!("{} = ", last_step(&change.key));
            let line = format!("{named}{value}");
            let redacted = audit::redact(&line);
            let value = redacted.strip_prefix(&named).unwrap_or(&redacted);
            self.words.cover(&audit::redact_part(value, source.map_or("", Source::text)))
        };
        let before = change.before.map(|before| hidden(before, self.current.as_ref()));
        let after = change.after.map(|after| hidden(after, Some(&self.candidate)));
        Change { before, after, ..change }
    }

    /// Where the file in force is.
    pub(super) fn in_force(&self) -> PathBuf {
        self.base.join(&self.test.candidate.file)
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
    terminal: &Terminal,
) -> Result<Tested, Halt> {
    let case = Case::read(path, source, arguments)?;
    let recording = arguments.record.then(|| Recording::begin(path, source, &case)).transpose()?;
    let runtime = runtime()?;
    let progress = Progress::new(terminal.can_redraw());
    let runner = case.runner(arguments.keep).telling(|told| progress.tell(told));
    beyond::can_be_had(&case, &runner, arguments)?;
    let told = |line: &str| {
        progress.clear();
        to_stderr(&format!("  {line}\n"));
    };
    let shown = runtime.block_on(shown_by(&case, &runner, arguments, &told));
    // What is still on its way through a proxy has nothing to say any more.
    runtime.shutdown_background();
    progress.clear();
    for (label, room) in runner.kept() {
        to_stderr(&format!("kept: {label}: {}\n", room.display()));
    }
    for trouble in runner.unheeded() {
        to_stderr(&super::render::warning(&trouble));
    }
    let (proof, mut beyond) = shown?;
    if let Some(recording) = recording
        && let Err(error) = recording.end(&case.test, &proof)
    {
        beyond.undone("--record", error);
    }
    let mut service = report::service(&case.test, case.asked(path, arguments), &proof);
    beyond.publish(&mut service, arguments, terminal);
    Ok(Tested {
        verdict: match proof.outcome {
            Outcome::Held => Verdict::Passed,
            Outcome::Failed => Verdict::Failed,
            Outcome::Inconclusive => Verdict::Inconclusive,
            Outcome::Open => Verdict::Open,
        },
        service: Some(service),
        ..Tested::of(case.path.clone(), case.test.name.clone())
    })
}

/// The proof, and what is asked for beyond it.
async fn shown_by(
    case: &Case,
    runner: &Runner<'_>,
    arguments: &TestArguments,
    told: &dyn Fn(&str),
) -> Result<(Proof, Beyond), Halt> {
    let signals = Signals::listen()?;
    if let Some(why) = report::too_short(&case.test, arguments.budget, case.current.is_some()) {
        told(&why);
    }
    let meter = Meter::start();
    let proof = prove(case, runner, arguments, &signals).await?;
    let lanes = meter.lanes();
    let standing = Standing { case, arguments, runner, proof: &proof, lanes, signals: &signals, told };
    let beyond = standing.beyond().await;
    // A search that was ended has come to nothing, and a run of it may have come to an end by chance.
    signals.code().map_or(Ok((proof, beyond)), |code| Err(Halt::Signal(code)))
}

async fn prove(
    case: &Case,
    runner: &Runner<'_>,
    arguments: &TestArguments,
    signals: &Signals,
) -> Result<Proof, Halt> {
    let texts = Texts {
        candidate: case.candidate.text(),
        current: case.current.as_ref().map(Source::text),
        default: case.defaults(),
    };
    let proof = proof::prove(runner, texts, arguments.seed, arguments.budget, || signals.ended()).await;
    // A run that may fail without harm may also have been ended.
    match signals.code() {
        Some(code) => Err(Halt::Signal(code)),
        None => Ok(proof?),
    }
}

/// The syntax in which an audit reads a file.
fn recognised(path: &str, text: &str) -> Option<Syntax> {
    match readers::syntax_of(path, text) {
        Reading::As(syntax) => Some(syntax),
        Reading::NotOurs(_) | Reading::Template(_) => None,
    }
}

/// A configuration that cannot be read to its end cannot be compared either.
fn legible(syntax: Syntax, source: &Source) -> Result<(), Error> {
    let tree = Tree::parse(syntax, source);
    let is_lost = |kind| matches!(kind, ProblemKind::Stopped | ProblemKind::Skipped);
    let Some(problem) = tree.problems().iter().find(|problem| is_lost(problem.kind)) else {
        return Ok(());
    };
    let mistake = model::declared::Mistake {
        span: problem.span,
        what: problem.message.clone(),
        help: "correct the syntax here, or name a file in the syntax of the one in force".to_owned(),
    };
    Err(Error::Mistakes { source: source.renamed(source.path()), mistakes: vec![mistake] })
}

/// The command that does the same again.
fn again(path: &Path, arguments: &TestArguments) -> String {
    let mut words = vec!["forewarn".to_owned(), "test".to_owned(), shell_word(&path.to_string_lossy())];
    for (file, option) in [(&arguments.candidate, "--candidate"), (&arguments.current, "--current")] {
        if let Some(file) = file {
            words.extend([option.to_owned(), shell_word(&file.to_string_lossy())]);
        }
    }
    for (asked, option) in [(arguments.search, "--search"), (arguments.mutate, "--mutate")] {
        if asked {
            words.push(option.to_owned());
        }
    }
    let budget = model::pretty(arguments.budget).replace(' ', "");
    words.extend(["--budget".to_owned(), budget, "--seed".to_owned(), arguments.seed.to_string()]);
    words.join(" ")
}

/// A line on a terminal that says how far a run is.
struct Progress {
    shown: bool,
    drawn: Mutex<Option<Instant>>,
}

impl Progress {
    /// The line is drawn at most this often.
    const BEAT: Duration = Duration::from_millis(100);

    fn new(shown: bool) -> Self {
        Self { shown, drawn: Mutex::default() }
    }

    #[expect(clippy::disallowed_methods, reason = "a line is drawn by the clock and decides nothing")]
    fn tell(&self, told: &Told<'_>) {
        let Ok(mut drawn) = self.drawn.lock() else { return };
        let now = Instant::now();
        if self.shown && drawn.is_none_or(|last| now - last >= Self::BEAT) {
            *drawn = Some(now);
            let (people, bad) = (told.seen.people(), told.seen.bad());
            to_stderr(&format!("\r\u{1b}[K{}: {people} people, {bad} failed", told.label));
        }
    }

    fn clear(&self) {
        if self.drawn.lock().is_ok_and(|drawn| drawn.is_some()) {
            to_stderr("\r\u{1b}[K");
        }
    }
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
    words.redact(audit::redact);
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
