//! What `forewarn test --record` stores in `forewarn-tests.json` beside the test files, version 1
//! (`schema/tests-v1.json`).

use schemars::JsonSchema;
use serde::Serialize;

/// The version of this format.
pub const VERSION: u32 = 1;

/// Configuration tests that passed, each by the last run of each configuration that was recorded.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "forewarn tests, version 1")]
pub struct Record {
    /// The version of this format. A reader that knows version 1 can read every record that says 1: fields
    /// may be added, none is removed or changes its meaning.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// The runs, by test file; the last run of each last.
    pub tests: Vec<Held>,
}

/// A configuration test whose objective held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Held {
    /// The test file; this and all other paths are relative to the record, with `/`.
    pub test: String,
    /// The file that the tested configuration is, or is to be.
    pub candidate: String,
    /// The day of the run, in UTC, as `2027-03-01`.
    pub date: String,
    /// The version of Forewarn that ran it.
    pub forewarn: String,
    /// The seed of delays and arrivals.
    pub seed: u64,
    /// The people who came.
    pub people: u64,
    /// Those who succeeded in time.
    pub good: u64,
    /// What the run was made of, as far as Forewarn knows: the candidate, the test file and files of latency,
    /// and the regular files of up to 10 MiB that its processes are given by `${base}/...`. Not the programs
    /// found on the search path, variables of the environment, or what a process reads besides.
    pub inputs: Vec<Input>,
}

/// A file that a run was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Input {
    /// The file. Of the candidate it is where the tested text belongs.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal digits, as `sha256sum` prints it.
    pub sha256: String,
}

/// The JSON Schema of [`Record`], with a final line break.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Record);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

impl Record {
    /// As stored, with a final line break.
    pub fn json(&self) -> String {
        // Strings and numbers alone: nothing here can fail to serialise.
        crate::printed(serde_json::to_string_pretty(self).unwrap_or_default())
    }
}
