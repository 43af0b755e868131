//! What `forewarn watch` tells a webhook, version 1 (`schema/alert-v1.json`). A file of JSON lines holds
//! the same objects; `GET /api/v1/alerts` lists their alerts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of this format.
pub const VERSION: u32 = 1;

/// Something that people are told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "forewarn alert, version 1")]
pub struct Notice {
    /// The version of this format. A reader that knows version 1 can read every notice that says 1:
    /// fields may be added, none is removed or changes its meaning. Words of lists may be added too.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// Names this notice; one that is sent again has the same. The header `Idempotency-Key` says it too.
    pub key: String,
    /// What happened.
    pub event: Event,
    /// In one line, for people.
    pub title: String,
    /// The alert, as it is now.
    pub alert: Alert,
}

/// What happened to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// It was opened.
    Opened,
    /// More or less is known of it.
    Changed,
    /// It is still open.
    Again,
    /// It ended.
    Ended,
}

/// An alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// The same from its opening to its end.
    pub id: u64,
    /// The service; `forewarn` where it is about Forewarn itself.
    pub service: String,
    /// What it is about.
    pub symptom: Symptom,
    /// In one line, for people.
    pub title: String,
    /// When it was opened, RFC 3339 in UTC.
    pub opened: String,
    /// Since when it has gone on, as far as the counts say.
    pub since: String,
    /// What is known now.
    pub health: Health,
    /// The counts that opened it; absent where it is a fact and no test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Targets whose own test is against them, by address.
    pub replicas: Vec<String>,
    /// Open findings of the audit about the service or a call of it.
    pub findings: Vec<Finding>,
    /// The last changes of its settings, newest first.
    pub changes: Vec<Change>,
    /// When it ended, RFC 3339 in UTC; absent while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// Why it is believed to have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_because: Option<String>,
}

/// What an alert is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Symptom {
    /// Requests fail.
    Failing {
        /// For one reason; for any where absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Single targets fail.
    ReplicaFailing,
    /// Requests are slow.
    Slow,
    /// Durations pile up at a timeout.
    PileUp {
        /// The timeout, in milliseconds.
        timeout_ms: u64,
    },
    /// Requests stay away.
    TrafficGone,
    /// The probe fails.
    ProbeFailing {
        /// The step that fails.
        step: String,
    },
    /// The budget of the objective burns.
    Burning {
        /// How many times too fast.
        factor: f64,
        /// Over so many seconds.
        window_s: u64,
    },
    /// Its inputs are silent: nothing is known.
    Blind,
    /// The configuration has a finding that it did not have.
    Finding {
        /// The rule, or how many there are.
        rule: String,
    },
    /// No audit where one was due.
    AuditOverdue,
    /// Forewarn itself is hindered.
    Hindered {
        /// By what.
        by: String,
    },
}

/// What is known of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// Inputs speak and no test is against it.
    Good,
    /// A test is against it.
    Bad,
    /// Inputs are silent.
    Unknown,
}

/// The counts behind an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// So many failed, were slow, ...
    pub k: u64,
    /// of so many.
    pub n: u64,
    /// The share, or for traffic the requests a second, that would still have been fine.
    pub guard: f64,
    /// What the guard rests on.
    pub guard_basis: String,
    /// How many false alarms a year a test like this raises on the history that was seen; absent where
    /// there is too little of it to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub implied_false_alarms_per_year: Option<f64>,
    /// How many it may raise a year, on condition that the guard is true.
    pub false_alarm_budget_per_year: f64,
    /// How long a fault like this takes at most to be seen at this traffic, with 95 %, in seconds.
    pub worst_delay_s: f64,
}

/// An open finding of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The same after lines have moved.
    pub fingerprint: String,
    /// The rule; `forewarn explain` tells about it.
    pub rule: String,
    /// `error`, `warning` or `note`.
    pub level: String,
    /// Whom it is about.
    pub services: Vec<String>,
    /// Where: `auth/auth.toml:14:19`.
    pub place: String,
    /// What can happen.
    pub title: String,
}

/// A setting that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The key, with its path.
    pub key: String,
    /// Where it stands or stood: `auth/auth.toml:14`.
    pub place: String,
    /// What was written before; absent where the key is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What is written now; absent where it was taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// When the audit saw it, RFC 3339 in UTC.
    pub seen: String,
}

/// A silence: alerts that are not told for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Silence {
    /// Its number.
    pub id: u64,
    /// The service; all where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// From when, RFC 3339 in UTC.
    pub from: String,
    /// Until when.
    pub until: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
}

/// What `POST /api/v1/silences` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSilence {
    /// The service; all where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// For how many seconds from now.
    pub seconds: u64,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
}

/// The JSON Schema of [`Notice`], with a final line break.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Notice);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

impl Notice {
    /// In one line, without a line break.
    #[must_use]
    pub fn line(&self) -> String {
        // Strings and finite numbers alone: nothing here can fail to serialise.
        crate::printed(serde_json::to_string(self).unwrap_or_default()).trim_end().to_owned()
    }
}
