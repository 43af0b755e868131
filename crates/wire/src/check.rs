//! What `forewarn check --format json` prints, version 1 (`schema/check-v1.json`).

use schemars::JsonSchema;
use serde::Serialize;

/// The version of this format.
pub const VERSION: u32 = 1;

/// The result of one audit.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "forewarn check, version 1")]
pub struct Report {
    /// The version of this format. A reader that knows version 1 can read every report that says 1:
    /// fields may be added, none is removed or changes its meaning.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// Counts of everything below.
    pub summary: Summary,
    /// What was found, worst first, then by path, place and rule.
    pub findings: Vec<Finding>,
    /// What is to be said about suppressions and the baseline, worst first, then by path and place.
    pub notices: Vec<Notice>,
    /// Every suppression that was read, with how much it hides.
    pub suppressions: Vec<Suppression>,
    /// What could not be judged, and what that would need.
    pub not_evaluated: Vec<NotEvaluated>,
    /// What became of every file looked at, by path.
    pub files: Vec<File>,
    /// Constructs in files that were read but not understood.
    pub problems: Vec<Problem>,
}

/// Counts.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Summary {
    /// Findings that can take the service down.
    pub errors: usize,
    /// Findings that hurt some requests or make an outage longer.
    pub warnings: usize,
    /// Findings worth knowing.
    pub notes: usize,
    /// Findings that stand in `also` of another one; they are not counted above.
    pub folded: usize,
    /// Findings and notices left out because a level says so.
    pub hidden: usize,
    /// Findings left out because a suppression covers them.
    pub suppressed: usize,
    /// Findings left out because the baseline holds them.
    pub baselined: usize,
    /// Notices.
    pub notices: usize,
    /// Files read, in whole or in part.
    pub files_read: usize,
    /// Files looked at and not read.
    pub files_skipped: usize,
    /// Environments, by name.
    pub environments: Vec<String>,
    /// Services, over all environments.
    pub services: usize,
    /// Calls between services, over all environments.
    pub calls: usize,
    /// Settings in effect, defaults included.
    pub settings: usize,
    /// Rules that ran.
    pub rules_run: usize,
}

/// One finding.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Finding {
    /// The rule's name; `forewarn explain` tells about it.
    pub rule: String,
    /// The same as long as rule, environments, subject and the key pointed at are: lines and values may
    /// change. Findings that share all of these share it.
    pub fingerprint: String,
    /// What it costs when it happens.
    pub level: Level,
    /// What the finding rests on.
    pub basis: Basis,
    /// How it breaks, e.g. `timeout-inversion`.
    pub mode: String,
    /// Whom it is about.
    pub subject: Subject,
    /// The environments it holds in.
    pub environments: Vec<String>,
    /// What can happen, with the numbers.
    pub title: String,
    /// Where; the first is the place to change.
    pub labels: Vec<Label>,
    /// The sum, one line each.
    pub arithmetic: Vec<String>,
    /// What to do.
    pub help: String,
    /// What had to be guessed; not empty where `basis` is `assumed`.
    pub assumptions: Vec<String>,
    /// Configuration tests whose run would settle it; absent where the tree has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<SettlingTest>,
    /// The same failure at the same place, reached on other paths or told by other rules; none of a
    /// finding that stands here itself.
    pub also: Vec<Finding>,
}

/// A configuration test whose run would settle a finding.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SettlingTest {
    /// The test file, with `/`.
    pub path: String,
    /// The command that runs it.
    pub command: String,
    /// The last recorded run whose objective held; absent where none was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<TestRun>,
}

/// A recorded run of a configuration test whose objective held.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TestRun {
    /// The day, in UTC, as `2027-03-01`.
    pub date: String,
    /// The people who came.
    pub people: u64,
    /// The seed of delays and arrivals.
    pub seed: u64,
    /// The files that have changed since, relative to the test file; empty where what was tested is what is
    /// there.
    pub changed: Vec<String>,
}

/// Something to be said about a suppression or the baseline.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Notice {
    /// What kind.
    pub kind: NoticeKind,
    /// Its level; it counts for the exit code as that of a finding does.
    pub level: Level,
    /// The file, with `/`.
    pub path: String,
    /// Where.
    pub start: Place,
    /// What is the matter.
    pub title: String,
    /// What to do.
    pub help: String,
}

/// What kind of notice.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// A comment that is meant to suppress a finding is not understood.
    SuppressionUnknown,
    /// A suppression is past its day and no longer acts.
    SuppressionExpired,
    /// A suppression hides nothing.
    SuppressionUnused,
    /// Entries of the baseline no longer occur.
    BaselineGone,
}

/// A suppression, from a comment or from `[[allow]]` in `forewarn.toml`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Suppression {
    /// The rules it is about.
    pub rules: Vec<String>,
    /// The file it stands in, with `/`.
    pub path: String,
    /// Where.
    pub start: Place,
    /// The last day on which it acts, as `2027-03-01`; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Why the findings are accepted.
    pub reason: String,
    /// How many findings it hides; none where it is past its day.
    pub findings: usize,
}

/// What a finding costs when it happens.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Can take the service down.
    Error,
    /// Hurts some requests, or makes an outage longer.
    Warning,
    /// Worth knowing.
    Note,
}

/// What a finding rests on.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// One file decides.
    InFile,
    /// Files of several components decide.
    AcrossFiles,
    /// Measured latency decides.
    Observed,
    /// A guessed unit, meaning or call.
    Assumed,
}

/// Whom something is about, by name: it stays the same when lines move.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Subject {
    /// One service.
    Service {
        /// Its name.
        name: String,
    },
    /// One call.
    Call {
        /// The caller.
        from: String,
        /// The callee.
        to: String,
    },
    /// One key.
    Setting {
        /// The key with its path.
        key: String,
    },
}

/// A place with words.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Label {
    /// The file, with `/`.
    pub path: String,
    /// Where it starts.
    pub start: Place,
    /// Just behind its end.
    pub end: Place,
    /// How the value there is known.
    pub origin: Origin,
    /// The product default in effect there, with what documents it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What is said about it; may be empty.
    pub text: String,
}

/// A place in a file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Place {
    /// Line, from 1.
    #[schemars(range(min = 1))]
    pub line: u32,
    /// Column in characters, from 1.
    #[schemars(range(min = 1))]
    pub column: u32,
    /// Offset in bytes, from 0.
    pub byte: u32,
}

/// How a value is known.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// It stands there.
    Written,
    /// Nothing is written; a default applies. The place is the block in which the key is absent.
    Default,
    /// Made of several places; this is the one that decides.
    Derived,
    /// Stated in `forewarn.toml`.
    Declared,
    /// Measured.
    Observed,
}

/// Something that could not be judged.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NotEvaluated {
    /// The rule that could not judge. What no rule gets to see stands under another name: `units` (a
    /// number whose unit nothing says), `values` (what stands where an amount is read and is none),
    /// `calls` (addresses of which nothing says who calls them), `kustomization` and `forewarn.toml` (something named there that is not among the files).
    pub rule: String,
    /// Whom it would have been about.
    pub subject: Subject,
    /// What is missing.
    pub needs: String,
}

/// What became of one file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct File {
    /// The file, with `/`.
    pub path: String,
    /// What became of it.
    pub status: FileStatus,
    /// The dialect or syntax it was read as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// How many settings it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<usize>,
    /// The line from which on it was not read; absent where only parts are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_line: Option<u32>,
    /// Why it was not, or not wholly, read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What can become of a file.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileStatus {
    /// Read to the end.
    Read,
    /// Read up to a place, or without some of its parts.
    PartlyRead,
    /// No configuration that Forewarn looks at.
    NotOurs,
    /// Configuration perhaps, but not evaluated.
    NotEvaluated,
}

/// A construct that was not understood.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// The file, with `/`.
    pub path: String,
    /// Where.
    pub start: Place,
    /// What was found.
    pub message: String,
}

/// The JSON Schema of [`Report`], with a final line break.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Report);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

impl Report {
    /// As printed, with a final line break.
    pub fn json(&self) -> String {
        // Strings and numbers alone: nothing here can fail to serialise.
        crate::printed(serde_json::to_string_pretty(self).unwrap_or_default())
    }
}
