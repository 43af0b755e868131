//! `forewarn test`: runs test files and says what came of them. What a file is, its `kind` says; each kind
//! is run in a module of its own, and all of them are written by the same renderers.

mod asked;
mod beyond;
mod record;
pub(crate) mod render;
mod scenario;
mod service;

use std::fs;
use std::path::{Path, PathBuf};

use audit::Error;
use model::declared::{Mistakes, Table};
use prove::trial::Trouble;
use text::{FileId, Source, Syntax, Tree};
use watch::plan::Plan;
use wire::tested::{Report, Tested, VERSION, Verdict};

use crate::arguments::{ColorArgument, TestArguments, TestFormatArgument};
use crate::output::{to_stderr, to_stdout};
use crate::terminal::Terminal;
use crate::{CLEAN, FINDINGS, NOT_DONE};

/// The kinds of test files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What the watch tells of given series.
    Scenario,
    /// A service under a configuration.
    Service,
}

const KINDS: &[(&str, Kind)] = &[("scenario", Kind::Scenario), ("service", Kind::Service)];

/// Why a file gave no outcome.
enum Halt {
    /// Something came in the way.
    Obstacle(Obstacle),
    /// Somebody ended it: the exit code that says how.
    Signal(u8),
}

/// What came in the way of something that was asked for.
#[derive(Debug)]
enum Obstacle {
    /// Something is wrong outside the test.
    Error(Error),
    /// A run could not be had.
    Trouble(Trouble),
}

impl From<Error> for Obstacle {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Trouble> for Obstacle {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl<O: Into<Obstacle>> From<O> for Halt {
    fn from(obstacle: O) -> Self {
        Self::Obstacle(obstacle.into())
    }
}

impl Obstacle {
    /// As it is told on stderr.
    fn told(&self, terminal: &Terminal) -> String {
        match self {
            Self::Error(error) => audit::render::error(error, terminal.stderr(ColorArgument::Auto)),
            Self::Trouble(trouble) => render::trouble(trouble),
        }
    }

    /// The same in one line.
    fn line(&self) -> String {
        match self {
            Self::Error(error) => error.to_string(),
            Self::Trouble(trouble) => trouble.line(),
        }
    }
}

/// No test file, configuration or plan is larger; what is, is something else.
const LARGEST: u64 = 4 << 20;

/// Runs all files; one that cannot be run does not keep the others from it.
pub(crate) fn run(arguments: &TestArguments, terminal: &Terminal) -> Result<u8, Error> {
    let files: Vec<_> = arguments.files.iter().map(|path| (path.as_path(), read(path))).collect();
    let kind = |file: &Result<(Source, Kind), Error>| file.as_ref().ok().map(|&(_, kind)| kind);
    let kinds: Vec<_> = files.iter().map(|(path, file)| (*path, kind(file))).collect();
    asked::of_files(arguments, &kinds)?;
    let mut report = Report { version: VERSION, files: Vec::new() };
    for (path, read) in files {
        let outcome = match read.map_err(Halt::from).and_then(|file| tested(path, file, arguments, terminal))
        {
            Ok(outcome) => outcome,
            Err(Halt::Signal(code)) => {
                to_stderr("stopped; its processes have ended\n");
                return Ok(code);
            }
            Err(Halt::Obstacle(obstacle)) => {
                to_stderr(&obstacle.told(terminal));
                match obstacle {
                    Obstacle::Error(error) => stopped(path, &error),
                    Obstacle::Trouble(trouble) => Tested {
                        help: Some(trouble.help.clone()),
                        log: trouble.log.clone(),
                        ..stopped(path, &Error::stopped(trouble.place, trouble.what, trouble.help))
                    },
                }
            }
        };
        report.files.push(outcome);
    }
    match arguments.format {
        TestFormatArgument::Text => {
            to_stdout(&render::text(&report, arguments.verbose))?;
            to_stderr(&render::summary(&report));
        }
        TestFormatArgument::Json => to_stdout(&report.json())?,
        TestFormatArgument::Junit => to_stdout(&render::junit(&report))?,
        TestFormatArgument::Github => to_stdout(&render::github(&report))?,
    }
    Ok(code(&report))
}

/// What is not known counts more than what failed: whoever asks for a test, a search or a record wants it had.
fn code(report: &Report) -> u8 {
    let code = |file: &Tested| match file.verdict {
        _ if file.service.as_ref().is_some_and(|service| !service.undone.is_empty()) => NOT_DONE,
        Verdict::Passed => CLEAN,
        Verdict::Failed => FINDINGS,
        Verdict::Inconclusive | Verdict::Open | Verdict::Stopped => NOT_DONE,
    };
    report.files.iter().map(code).max().unwrap_or(CLEAN)
}

fn read(path: &Path) -> Result<(Source, Kind), Error> {
    let source = source(path, "name a test file")?;
    let kind = kind(&source)?;
    Ok((source, kind))
}

fn tested(
    path: &Path,
    (source, kind): (Source, Kind),
    arguments: &TestArguments,
    terminal: &Terminal,
) -> Result<Tested, Halt> {
    match kind {
        Kind::Scenario => Ok(scenario::tested(path, source)?),
        Kind::Service => service::tested(path, &source, arguments, terminal),
    }
}

/// A file without a kind is left to the reader of scenarios, which says what a test file needs.
fn kind(source: &Source) -> Result<Kind, Error> {
    let tree = Tree::parse(Syntax::Toml, source);
    let mut m = Mistakes::default();
    // Whatever else is wrong, the reader of the kind says in its own words.
    let top =
        tree.documents().next().and_then(|root| Table::open(root, "the test file", &mut Mistakes::default()));
    let kind = top.map(|top| top.word("kind", KINDS, &mut m));
    m.or(kind.flatten().unwrap_or(Kind::Scenario))
        .map_err(|mistakes| Error::Mistakes { source: source.renamed(source.path()), mistakes })
}

fn stopped(path: &Path, error: &Error) -> Tested {
    let help = match error {
        Error::Stopped { help, .. } => Some(help.clone()),
        Error::Mistakes { .. } | Error::Several(_) => None,
    };
    let (verdict, stopped) = (Verdict::Stopped, Some(error.to_string()));
    Tested { verdict, stopped, help, ..Tested::of(shown(path), String::new()) }
}

/// The plan of a `forewarn.toml`.
pub(crate) fn plan(path: &Path, help: &str) -> Result<Plan, Error> {
    let source = source(path, help)?;
    watch::config::parse(&source).map_err(|mistakes| Error::Mistakes { source, mistakes })
}

#[expect(clippy::disallowed_methods, reason = "the binary reads the files that it was given")]
fn source(path: &Path, help: &str) -> Result<Source, Error> {
    let unread = |what: String, help: &str| Error::stopped(path.display(), what, help);
    let bytes = fs::File::open(path)
        .and_then(|file| {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut std::io::Read::take(file, LARGEST + 1), &mut bytes)?;
            Ok(bytes)
        })
        .map_err(|error| unread(format!("cannot be read: {error}"), help))?;
    if bytes.len() as u64 > LARGEST {
        return Err(unread(
            format!("is larger than {} MiB", LARGEST >> 20),
            "name a file that is written by hand",
        ));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let what = format!("is no text: byte {} is not UTF-8", error.utf8_error().valid_up_to() + 1);
        unread(what, help)
    })?;
    Ok(Source::new(FileId(0), shown(path), text))
}

fn shown(path: &Path) -> String {
    let parts: PathBuf = path.components().collect();
    parts.display().to_string().replace('\\', "/")
}
