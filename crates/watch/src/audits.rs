//! What an audit of the configuration tells the watch: what is found open, and what is set where; so
//! that an alert can show the line that was changed.

use serde::{Deserialize, Serialize};

/// An audit that was run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Audited {
    /// What stopped it, in words; then the rest is empty and what was known before still holds.
    pub stopped: Option<String>,
    /// What is open.
    pub findings: Vec<OpenFinding>,
    /// What is set, of everything that has a place.
    pub settings: Vec<KnownSetting>,
}

/// A finding that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFinding {
    /// Its identity: the same finding has the same after lines have moved.
    pub hash: String,
    /// The rule.
    pub rule: String,
    /// "error", "warning" or "note".
    pub level: String,
    /// The services it is about: one, or caller and callee.
    pub services: Vec<String>,
    /// Where: `auth/auth.toml:14:19`.
    pub place: String,
    /// What can happen.
    pub title: String,
}

/// A setting that is known by its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownSetting {
    /// The services it belongs to: the owner, and whom it calls with it.
    pub services: Vec<String>,
    /// The key, with its path.
    pub key: String,
    /// What is written; "(secret)" where it may be one.
    pub value: String,
    /// The file.
    pub path: String,
    /// The line.
    pub line: u32,
}

/// A setting that was changed between two audits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Where it stands now, or stood.
    pub setting: KnownSetting,
    /// What was written before; nothing where the key is new.
    pub before: Option<String>,
    /// Whether it was taken away.
    pub gone: bool,
    /// When the audit saw it.
    pub seen: crate::time::At,
}
