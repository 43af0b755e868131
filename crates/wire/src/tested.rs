//! What `forewarn test --format json` prints, version 1 (`schema/test-v1.json`).

use schemars::JsonSchema;
use serde::Serialize;

/// The version of this format.
pub const VERSION: u32 = 1;

/// What became of test files.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "forewarn test, version 1")]
pub struct Report {
    /// The version of this format.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// The files, in the order in which they were named.
    pub files: Vec<Tested>,
}

/// A test file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Tested {
    /// The file, as it was named.
    pub path: String,
    /// What it shows, in its own words; may be empty.
    pub name: String,
    /// What became of it.
    pub verdict: Verdict,
    /// How much virtual time it took, in seconds.
    pub virtual_seconds: f64,
    /// The alerts that were told, in order, each in one line.
    pub alerts: Vec<String>,
    /// Where what happened is not what was expected.
    pub differences: Vec<Difference>,
    /// Why it could not be run; absent where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

/// What became of a test file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All that was expected happened, and nothing else.
    Passed,
    /// Something else happened.
    Failed,
    /// It could not be run.
    Stopped,
}

/// Where what happened is not what was expected.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Difference {
    /// What was expected; absent where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What happened; absent where nothing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub happened: Option<String>,
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
