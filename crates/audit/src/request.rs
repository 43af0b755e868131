//! What is asked of an audit, and what can stop it. Reads nothing.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use model::Level;
use text::Source;

use crate::config::Mistake;
use crate::date::Date;

/// What is asked of an audit.
#[derive(Clone)]
pub struct Request<'a> {
    /// Files and directories; several are joined into one fleet.
    pub roots: Vec<PathBuf>,
    /// Which `forewarn.toml` holds.
    pub config: ConfigChoice,
    /// Globs of files that are not looked at, beside those of `forewarn.toml`.
    pub exclude: Vec<String>,
    /// Files that are not looked at because this run writes them.
    pub not_read: Vec<PathBuf>,
    /// The environments to judge; all where empty.
    pub environments: Vec<String>,
    /// The only rules to run; all where empty.
    pub only_rules: Vec<String>,
    /// Rules not to run.
    pub skip_rules: Vec<String>,
    /// Findings below it are hidden and counted.
    pub min_level: Level,
    /// Which baseline holds.
    pub baseline: BaselineChoice,
    /// Which day it is; where nobody says, no suppression expires.
    pub today: Option<Date>,
    /// How many threads read files; as many as the machine has where not said.
    pub threads: Option<NonZeroUsize>,
    /// Told now and then how many files are done, and of how many.
    pub progress: Option<&'a (dyn Fn(usize, usize) + Sync)>,
}

impl Default for Request<'_> {
    fn default() -> Self {
        Self {
            roots: vec![PathBuf::from(".")],
            config: ConfigChoice::Find,
            exclude: Vec::new(),
            not_read: Vec::new(),
            environments: Vec::new(),
            only_rules: Vec::new(),
            skip_rules: Vec::new(),
            min_level: Level::Note,
            baseline: BaselineChoice::Find,
            today: None,
            threads: None,
            progress: None,
        }
    }
}

/// Which `forewarn.toml` holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigChoice {
    /// The nearest one, from the first root upward; none is fine.
    Find,
    /// None, even if there is one.
    None,
    /// This one.
    File(PathBuf),
}

/// Which baseline holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaselineChoice {
    /// The one that `forewarn.toml` names, else the one beside it, or in the first root where there is
    /// no `forewarn.toml`; none is fine unless it is named.
    Find,
    /// The same, and none is fine in any case: it is about to be written.
    FindOrMake,
    /// None, even if there is one.
    None,
    /// This one.
    File(PathBuf),
    /// This one; none is fine: it is about to be written.
    FileOrMake(PathBuf),
}

/// Why an audit could not be done. Findings are never errors.
#[derive(Debug)]
pub enum Error {
    /// Something outside the files stands in the way.
    Stopped {
        /// Where: a path, an option.
        place: String,
        /// What is wrong there.
        what: String,
        /// What to do.
        help: String,
    },
    /// Mistakes in `forewarn.toml`, in a file of measurements or in a baseline; at least one.
    Mistakes {
        /// The file; every mistake's span points into it.
        source: Source,
        /// The mistakes, by place.
        mistakes: Vec<Mistake>,
    },
    /// Several at once, in the order in which they are to be told.
    Several(Vec<Error>),
}

impl Error {
    /// Something outside the files stands in the way.
    pub fn stopped(place: impl fmt::Display, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Stopped { place: place.to_string(), what: what.into(), help: help.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped { place, what, .. } => write!(f, "{place}: {what}"),
            Self::Mistakes { source, mistakes } => {
                let count = mistakes.len();
                let noun = if count == 1 { "mistake" } else { "mistakes" };
                write!(f, "{}: {count} {noun}", source.path())
            }
            Self::Several(errors) => {
                let said: Vec<String> = errors.iter().map(Self::to_string).collect();
                f.write_str(&said.join("; "))
            }
        }
    }
}

impl std::error::Error for Error {}
