//! What an audit gives: everything that any output format shows. Rendering takes no decision.

use model::{Finding, Fleet, Level, NotEvaluated};
use text::{FileId, Source, Span};

/// The sources of an audit, by number.
#[derive(Debug, Default)]
pub struct Sources {
    list: Vec<Source>,
}

impl Sources {
    /// Sources whose numbers are their places in the list.
    pub fn new(list: Vec<Source>) -> Self {
        Self { list }
    }

    /// A source by number.
    pub fn get(&self, id: FileId) -> &Source {
        &self.list[id.0 as usize]
    }

    /// All sources, by number.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Source> {
        self.list.iter()
    }
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReport {
    /// Its path, relative, with `/`.
    pub path: String,
    /// What became of it.
    pub status: FileStatus,
}

/// What can become of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileStatus {
    /// Read to the end.
    Read {
        /// As which dialect, or as which syntax where no dialect spoke it.
        dialect: &'static str,
        /// How many settings it gave.
        settings: usize,
    },
    /// Read up to a place, or without some of its parts.
    PartlyRead {
        /// As which dialect or syntax.
        dialect: &'static str,
        /// How many settings it gave.
        settings: usize,
        /// Not evaluated from this line on; `None` where only parts are missing.
        from_line: Option<u32>,
        /// What stood there.
        problem: String,
    },
    /// No configuration of ours; why, in words.
    NotOurs(String),
    /// Ours perhaps, but not evaluated; why, in words ("template: ...", "not UTF-8 at line 3", "cannot be read: ...").
    NotEvaluated(String),
}

/// Everything an audit knows.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The sources.
    pub sources: Sources,
    /// What became of each file, by path. `show files` prints exactly this.
    pub files: Vec<FileReport>,
    /// The fleet.
    pub fleet: Fleet,
    /// Findings to show, worst first, then by place.
    pub findings: Vec<Finding>,
    /// Findings not shown because a level says `off`, or below the level asked for.
    pub hidden: usize,
    /// The worst level of all findings that are not `off`, whether or not they are shown.
    pub worst: Option<Level>,
    /// What could not be judged.
    pub not_evaluated: Vec<NotEvaluated>,
    /// Constructs in files that were read but not understood, with their place and words.
    pub problems: Vec<(Span, String)>,
    /// Keys of our topics that are no setting: place and reason.
    pub ignored: Vec<readers::Ignored>,
    /// How many rules ran.
    pub rules_run: usize,
}

impl Outcome {
    /// Whether any finding that is not `off` reaches a level, shown or not.
    pub fn reaches(&self, level: Level) -> bool {
        self.worst >= Some(level)
    }
}
