//! What `forewarn baseline` stores in `forewarn-baseline.json`, version 1 (`schema/baseline-v1.json`).

use schemars::JsonSchema;
use serde::Serialize;

use crate::check::{Level, Subject};

/// The version of this format.
pub const VERSION: u32 = 1;

/// Findings that are accepted until they are gone.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "forewarn baseline, version 1")]
pub struct Baseline {
    /// The version of this format.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// The findings, in order of rule, environment, subject, key and level.
    pub findings: Vec<Accepted>,
}

/// Findings of one identity and level. No line and no value: both may change.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Accepted {
    /// The rule's name.
    pub rule: String,
    /// The environment; absent where the rule looks at all of them together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Whom they are about.
    pub subject: Subject,
    /// The key they point at; may be empty.
    pub key: String,
    /// The level up to which they are accepted.
    pub level: Level,
    /// How many there are.
    #[schemars(range(min = 1))]
    pub count: usize,
}

/// The JSON Schema of [`Baseline`], with a final line break.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Baseline);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

impl Baseline {
    /// As stored, with a final line break.
    pub fn json(&self) -> String {
        // Strings and numbers alone: nothing here can fail to serialise.
        crate::printed(serde_json::to_string_pretty(self).unwrap_or_default())
    }
}
