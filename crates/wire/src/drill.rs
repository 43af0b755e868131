//! What `forewarn drill --format json` prints, version 1 (`schema/drill-v1.json`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of this format.
pub const VERSION: u32 = 1;

/// What a drill came to. Lengths are in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "forewarn drill, version 1")]
pub struct Drill {
    /// The version of this format.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// The outage that was told anew.
    pub name: String,
    /// What reproduces its delays and arrivals.
    pub seed: u64,
    /// Sign-ins a second.
    pub rate: f64,
    /// Where the directory kept its accounts: `SQLite` or `PostgreSQL`.
    pub database: String,
    /// Whether the fault was to stay.
    pub stay: bool,
    /// Whether every promise held.
    pub held: bool,
    /// The promises.
    pub promises: Vec<Promise>,
    /// Whether `check` refused the edit.
    pub refused_by_check: bool,
    /// Whether `test` refused it.
    pub refused_by_test: bool,
    /// How long it was healthy before the edit was deployed.
    pub healthy_seconds: f64,
    /// How often the watch told something in that time.
    pub healthy_notices: u64,
    /// Sign-ins in that time.
    pub healthy_people: u64,
    /// Those of them that failed.
    pub healthy_failed: u64,
    /// The share of sign-ins that the replayed latency fails under the edit.
    pub predicted_share: f64,
    /// Sign-ins while the fault was in force.
    pub hurt_people: u64,
    /// Those of them that failed.
    pub hurt_failed: u64,
    /// From the first failed sign-in to the alert; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detection_seconds: Option<f64>,
    /// From the first failed sign-in to the line of the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause_seconds: Option<f64>,
    /// The line: `front.toml:20`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// From the first failed sign-in to the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outage_seconds: Option<f64>,
    /// From the last failed sign-in to the end that the watch told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_seconds: Option<f64>,
    /// How often the watch told an end while the fault was in force.
    pub false_ends: u64,
    /// What was left afterwards: processes, ports, files.
    pub left: Vec<String>,
    /// How long the drill took.
    pub seconds: f64,
}

/// A promise of a drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Promise {
    /// What it is about.
    pub what: String,
    /// What was promised.
    pub promised: String,
    /// What was measured.
    pub measured: String,
    /// Whether it held.
    pub held: bool,
}

/// The JSON Schema of [`Drill`], with a final line break.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Drill);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

impl Drill {
    /// As printed, with a final line break.
    pub fn json(&self) -> String {
        // Strings and numbers alone: nothing here can fail to serialise.
        crate::printed(serde_json::to_string_pretty(self).unwrap_or_default())
    }
}
