//! What an audit gives: everything that any output format shows. Rendering takes no decision.

use std::collections::BTreeSet;

use model::{Fleet, Level, NotEvaluated};
use rules::Margins;
use text::{FileId, Source, Span};

use crate::Repository;
use crate::allow::Allow;
use crate::fold::Reported;
use crate::load::BaselineFile;
use crate::notice::Notice;
use crate::proof::Proofs;
use crate::request::Error;
use crate::settle::{Aside, SetAside};

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
    /// Ours perhaps, but not evaluated; why, in words ("template: ...", "symbolic link, not followed").
    NotEvaluated(String),
    /// Ours perhaps, but not to be had as text; why, in words ("not UTF-8 at line 3", "does not exist").
    Unreadable(String),
}

impl FileStatus {
    /// What of a file is missing because the file is broken, in words; the reader gave up there.
    pub(crate) fn broken(&self) -> Option<String> {
        match self {
            Self::Unreadable(why) => Some(why.clone()),
            Self::PartlyRead { from_line: Some(line), problem, .. } => {
                Some(format!("not read from line {line} on: {problem}"))
            }
            _ => None,
        }
    }
}

/// Everything an audit knows.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The sources.
    pub sources: Sources,
    /// What became of each file, by path. `show files` prints exactly this.
    pub files: Vec<FileReport>,
    /// What was named to be audited and could not be, or not to its end; the rest was.
    pub unread: Option<Error>,
    /// The fleet.
    pub fleet: Fleet,
    /// The margins that the rules compared with.
    pub margins: Margins,
    /// What `forewarn watch` would watch by the same `forewarn.toml`.
    pub watched: Option<watch::plan::Plan>,
    /// The names of all environments, those that were not asked for included.
    pub environments: Vec<String>,
    /// Findings to show, worst first, then by place.
    pub findings: Vec<Reported>,
    /// The configuration tests of the tree, and which findings they would settle.
    pub proofs: Proofs,
    /// Findings not shown, and why.
    pub set_aside: Vec<SetAside>,
    /// What is to be said about suppressions and the baseline, worst first, then by place.
    pub notices: Vec<Notice>,
    /// Notices not shown, because a level says so.
    pub hidden_notices: usize,
    /// All suppressions, whether they hide something or not; [`Aside::Allowed`] counts in this list.
    pub allows: Vec<Allow>,
    /// The baseline, where one is wanted.
    pub baseline: Option<BaselineFile>,
    /// The worst level of all findings and notices that are neither `off`, suppressed nor in the
    /// baseline, whether or not they are shown.
    pub worst: Option<Level>,
    /// What could not be judged.
    pub not_evaluated: Vec<NotEvaluated>,
    /// Constructs in files that were read but not understood, with their place and words.
    pub problems: Vec<(Span, String)>,
    /// Keys of our topics that are no setting: place and reason.
    pub ignored: Vec<readers::Ignored>,
    /// Whether every rule ran, in every environment, on all that `forewarn.toml` speaks of: only then
    /// is gone what does not occur.
    pub exhaustive: bool,
    /// The rules that ran, by name.
    pub rules_run: Vec<&'static str>,
    /// What the sources are called in their repository.
    pub repository: Repository,
}

/// How many there are of what an outcome holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
    pub(crate) notes: usize,
    /// Findings shown inside another one.
    pub(crate) folded: usize,
    /// Findings and notices not shown because a level says so.
    pub(crate) hidden: usize,
    /// Findings not shown because a suppression covers them.
    pub(crate) suppressed: usize,
    /// Findings not shown because the baseline holds them.
    pub(crate) baselined: usize,
    /// Files read to the end.
    pub(crate) files_whole: usize,
    /// Files read in part.
    pub(crate) files_partly: usize,
    /// Files looked at and not read.
    pub(crate) files_skipped: usize,
    /// Services by name, over all environments.
    pub(crate) services: usize,
    /// Calls by the names of both ends, over all environments.
    pub(crate) calls: usize,
}

impl Outcome {
    /// The counts, which every format that has them takes from here.
    pub(crate) fn counts(&self) -> Counts {
        let of = |level| self.findings.iter().filter(|reported| reported.finding.level == level).count();
        let aside = |is: fn(Aside) -> bool| self.set_aside.iter().filter(|aside| is(aside.why)).count();
        let files = |is: fn(&FileStatus) -> bool| self.files.iter().filter(|file| is(&file.status)).count();
        let files_whole = files(|status| matches!(status, FileStatus::Read { .. }));
        let files_partly = files(|status| matches!(status, FileStatus::PartlyRead { .. }));
        let environments = &self.fleet.environments;
        let services: BTreeSet<&str> = environments
            .iter()
            .flat_map(|e| e.services.iter().map(|service| service.name.as_str()))
            .collect();
        let calls: BTreeSet<(&str, &str)> = environments
            .iter()
            .flat_map(|e| e.calls(&self.fleet).map(|call| (call.from().name(), call.to().name())))
            .collect();
        Counts {
            errors: of(Level::Error),
            warnings: of(Level::Warning),
            notes: of(Level::Note),
            folded: self.findings.iter().map(|reported| reported.also.len()).sum(),
            hidden: aside(|why| why == Aside::Level) + self.hidden_notices,
            suppressed: aside(|why| matches!(why, Aside::Allowed(_))),
            baselined: aside(|why| why == Aside::Baseline),
            files_whole,
            files_partly,
            files_skipped: self.files.len() - files_whole - files_partly,
            services: services.len(),
            calls: calls.len(),
        }
    }

    /// Whether there are several environments, so that findings say in which they hold.
    pub(crate) fn several_environments(&self) -> bool {
        self.fleet.environments.len() > 1
    }

    /// Whether anything that is neither `off`, suppressed nor in the baseline reaches a level, shown or
    /// not.
    pub fn reaches(&self, level: Level) -> bool {
        self.worst >= Some(level)
    }
}
