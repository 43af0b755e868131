//! What `forewarn check --format sarif` prints: SARIF 2.1.0 (OASIS standard), of its objects those
//! that Forewarn fills. The names and their meaning are the standard's; nothing is added to them.

use std::collections::BTreeMap;

use serde::Serialize;

/// Where the schema of the standard is published.
pub const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The version of the standard.
pub const VERSION: &str = "2.1.0";
/// The name of the repository's root, which whoever reads the log knows where to find.
pub const ROOT: &str = "%SRCROOT%";

/// A log file (`sarifLog`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    /// [`SCHEMA`].
    #[serde(rename = "$schema")]
    pub schema: &'static str,
    /// [`VERSION`].
    pub version: &'static str,
    /// One run.
    pub runs: Vec<Run>,
}

/// One run of a tool.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// What ran.
    pub tool: Tool,
    /// How it ran.
    pub invocations: Vec<Invocation>,
    /// What [`ROOT`] stands for, in words: where it lies differs from machine to machine.
    pub original_uri_base_ids: BTreeMap<&'static str, BaseId>,
    /// In which unit columns count.
    pub column_kind: ColumnKind,
    /// The findings.
    pub results: Vec<ResultObject>,
}

/// A name that relative locations start from.
#[derive(Debug, Serialize)]
pub struct BaseId {
    /// What it stands for.
    pub description: Message,
}

/// In which unit columns count.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ColumnKind {
    /// UTF-16 code units, as editors and browsers count.
    Utf16CodeUnits,
}

/// What ran.
#[derive(Debug, Serialize)]
pub struct Tool {
    /// The tool itself.
    pub driver: Driver,
}

/// The tool itself (`toolComponent`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Driver {
    /// Its name.
    pub name: &'static str,
    /// Its version, by Semantic Versioning.
    pub semantic_version: &'static str,
    /// Every rule, whether or not it found anything.
    pub rules: Vec<Rule>,
    /// What the tool can say about its own run.
    pub notifications: Vec<NotificationKind>,
}

/// A rule (`reportingDescriptor`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Its name.
    pub id: &'static str,
    /// What it finds, in one line.
    pub short_description: Message,
    /// What it finds, in a paragraph.
    pub full_description: Message,
    /// Its page.
    pub help: Help,
    /// The highest level it gives.
    pub default_configuration: Configuration,
    /// What the standard has no place for.
    pub properties: RuleProperties,
}

/// How a rule reports (`reportingConfiguration`).
#[derive(Debug, Serialize)]
pub struct Configuration {
    /// The level.
    pub level: Level,
}

/// A page, as text and as Markdown (`multiformatMessageString`).
#[derive(Debug, Serialize)]
pub struct Help {
    /// For who shows text alone.
    pub text: &'static str,
    /// For who renders Markdown.
    pub markdown: &'static str,
}

/// Properties of a rule that code hosts look at.
#[derive(Debug, Serialize)]
pub struct RuleProperties {
    /// Words to filter by.
    pub tags: Vec<&'static str>,
    /// How bad what it finds is.
    #[serde(rename = "problem.severity")]
    pub problem_severity: ProblemSeverity,
}

/// How bad what a rule finds is, in the words of code scanning.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemSeverity {
    /// Can take the service down.
    Error,
    /// Hurts some requests, or makes an outage longer.
    Warning,
    /// Worth knowing.
    Recommendation,
}

/// Something that a tool can say about its own run (`reportingDescriptor`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotificationKind {
    /// Its name.
    pub id: &'static str,
    /// What it means.
    pub short_description: Message,
}

/// How a tool ran.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    /// Whether the audit was done; whatever it found.
    pub execution_successful: bool,
    /// What could not be judged or read.
    pub tool_execution_notifications: Vec<Notification>,
}

/// Something said about a run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// Which kind of thing.
    pub descriptor: Reference,
    /// The rule that it keeps from judging, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub associated_rule: Option<Reference>,
    /// How much it matters.
    pub level: Level,
    /// What is said.
    pub message: Message,
    /// Where.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Location>,
}

/// Points at a rule or a kind of notification (`reportingDescriptorReference`).
#[derive(Debug, Serialize)]
pub struct Reference {
    /// Its name.
    pub id: &'static str,
    /// Its place in its list.
    pub index: usize,
}

/// A level of the standard.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Can take the service down.
    Error,
    /// Hurts some requests, or makes an outage longer.
    Warning,
    /// Worth knowing.
    Note,
}

/// A finding (`result`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultObject {
    /// The rule's name.
    pub rule_id: &'static str,
    /// The rule's place in the driver's list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_index: Option<usize>,
    /// What it costs when it happens.
    pub level: Level,
    /// What can happen, the sum, what to do.
    pub message: Message,
    /// The place to change: one.
    pub locations: Vec<Location>,
    /// The other places; links in the message lead to them by number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related_locations: Vec<Location>,
    /// What makes it the same finding when lines and values change.
    pub partial_fingerprints: BTreeMap<&'static str, String>,
}

/// A place.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// Its number, for links in messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<usize>,
    /// File and region; absent for what lies outside the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub physical_location: Option<PhysicalLocation>,
    /// Whom it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logical_locations: Vec<LogicalLocation>,
    /// What is said about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
}

/// A place in a file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PhysicalLocation {
    /// The file.
    pub artifact_location: ArtifactLocation,
    /// Where in it.
    pub region: Region,
}

/// A file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactLocation {
    /// A relative reference (RFC 3986, section 4.2).
    pub uri: String,
    /// What it is relative to: [`ROOT`].
    pub uri_base_id: &'static str,
}

/// A stretch of a file. Lines and columns count from 1; the end column is the one behind the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Region {
    /// The first line.
    pub start_line: u32,
    /// The first column.
    pub start_column: u32,
    /// The last line.
    pub end_line: u32,
    /// Just behind the last column.
    pub end_column: u32,
}

/// A thing that has a name and need not stand in one file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogicalLocation {
    /// Its name.
    pub fully_qualified_name: String,
    /// `service`, `call` or `setting`.
    pub kind: &'static str,
}

/// Words.
#[derive(Debug, Serialize)]
pub struct Message {
    /// The words; `[text](1)` leads to the related location of that number.
    pub text: String,
}

impl Message {
    /// These words.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

impl Log {
    /// As printed, with a final line break.
    pub fn json(&self) -> String {
        // Strings and numbers alone: nothing here can fail to serialise.
        crate::printed(serde_json::to_string_pretty(self).unwrap_or_default())
    }
}
