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
    /// Why it could not be run; absent where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// What to do about that; absent where the mistakes in a file are told one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The last lines that the process wrote, where one kept it from being run; secrets left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// What a scenario of the watch came to; absent where the file is none, or could not be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario: Option<Scenario>,
    /// What a configuration test came to; absent where the file is none, or could not be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
}

impl Tested {
    /// A file of which nothing is known yet.
    pub fn of(path: String, name: String) -> Self {
        Self {
            path,
            name,
            verdict: Verdict::Open,
            stopped: None,
            help: None,
            log: Vec::new(),
            scenario: None,
            service: None,
        }
    }
}

/// What became of a test file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All that was expected happened, and nothing else; the objective holds.
    Passed,
    /// Something else happened; the objective does not hold, and it does under the configuration in force; the
    /// service does not come up with the candidate, and does with the configuration in force.
    Failed,
    /// The objective does not hold under the configuration in force either: nothing is said of the candidate.
    Inconclusive,
    /// The budget was used up before it was known.
    Open,
    /// It could not be run.
    Stopped,
}

/// What a scenario of the watch came to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Scenario {
    /// How much virtual time it took, in seconds.
    pub virtual_seconds: f64,
    /// The alerts that were told, in order, each in one line.
    pub alerts: Vec<String>,
    /// Where what happened is not what was expected.
    pub differences: Vec<Difference>,
}

/// What a configuration test came to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Service {
    /// All of it in one line that can be pasted.
    pub line: String,
    /// The file that was tested, as it was named.
    pub candidate: String,
    /// The file in force; absent where it is itself the candidate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// Where the candidate differs from the file in force.
    pub changes: Vec<Change>,
    /// The line of the candidate that the outcome is told of: the first that was changed, or the one that the
    /// service names where it refuses the candidate; absent where nothing was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<u32>,
    /// The share of people who must succeed, 0 to 1.
    pub good: f64,
    /// Who takes longer has not succeeded, in seconds.
    pub within_seconds: f64,
    /// Under which latency people came, in words.
    pub latency: String,
    /// The time that all runs together had, in seconds.
    pub budget_seconds: f64,
    /// The seed of delays and arrivals.
    pub seed: u64,
    /// The command that does the same again.
    pub again: String,
    /// The share of people that the replayed latency alone would fail under the candidate, where a setting says
    /// how long an answer is awaited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted: Option<f64>,
    /// The runs: the candidate's first.
    pub runs: Vec<Run>,
    /// What there was no time, or no way, to prove.
    pub unproved: Vec<String>,
    /// What was asked for beyond the verdict, and something came in the way of; the exit code is then 2, whatever
    /// the verdict.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub undone: Vec<Undone>,
    /// What the proxies added by themselves, in seconds: half of the turns, and 99 % of them, at most.
    pub overhead: Overhead,
    /// The search for the smallest safe value, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
    /// What became of the broken candidates, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutations: Option<Mutations>,
}

/// A key with another value in the candidate.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Change {
    /// The key with its path.
    pub key: String,
    /// The line in the candidate, from 1; absent where the candidate leaves the key out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What is in force; absent where the key is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What the candidate says; absent where it leaves the key out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// One run under one configuration.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Run {
    /// Which configuration: `candidate`, `current`, `default`.
    pub label: String,
    /// What was seen; absent where nobody could come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// Why the service did not come up with this configuration, or did not stay; absent where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Why it could not be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

/// What was seen in a run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Seen {
    /// Whether the objective holds: `held`, `failed` or `open`.
    pub verdict: String,
    /// When that was known, in seconds from when people began to come; absent where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_after_seconds: Option<f64>,
    /// The people who came, those whom the harness failed left out.
    pub people: u64,
    /// Those who succeeded in time.
    pub good: u64,
    /// Those who did not, by reason: `timeout`, `throttled`, `credentials`, `dependency`; `harness` is told and not counted.
    pub failed: std::collections::BTreeMap<String, u64>,
    /// What the first one met with who failed for a reason: at which step, and what was seen there.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub met: std::collections::BTreeMap<String, String>,
    /// The share who failed, 0 to 1, with its 95 % interval.
    pub share: f64,
    /// See `share`.
    pub share_low: f64,
    /// See `share`.
    pub share_high: f64,
    /// How long those took who succeeded, in seconds: half at most this; absent where nobody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_seconds: Option<f64>,
    /// The same, 95 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95_seconds: Option<f64>,
    /// The same, 99 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_seconds: Option<f64>,
    /// Calls at each dependency for each person who came: retries show here.
    pub calls_per_person: std::collections::BTreeMap<String, f64>,
    /// How long people came, in seconds.
    pub seconds: f64,
}

/// What the proxies added by themselves, in seconds, to turns of conversations with dependencies.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
pub struct Overhead {
    /// Half of the turns were passed on at most this long after they were due.
    pub p50_seconds: f64,
    /// 99 % of them.
    pub p99_seconds: f64,
    /// All of them.
    pub most_seconds: f64,
    /// How many turns there were, either way.
    pub turns: u64,
}

/// Something that was asked for and could not be had.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Undone {
    /// The option that asks for it: `--search`, `--mutate`, `--picture`, `--record`.
    pub option: String,
    /// What came in the way.
    pub why: String,
}

/// The search for the smallest safe value of a setting.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Search {
    /// The setting's key.
    pub key: String,
    /// What was found, in words.
    pub line: String,
    /// The smallest value with which the objective holds, in seconds; absent where there is none to state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smallest_seconds: Option<f64>,
    /// Its 95 % interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smallest_low_seconds: Option<f64>,
    /// See `smallest_low_seconds`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smallest_high_seconds: Option<f64>,
    /// The value that is called safe: the smallest one times the margin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safe_seconds: Option<f64>,
    /// Whether the objective holds there: `held`, `failed` or `open`; or `refused`, where the service does not
    /// take that value; or `untried`, where no time was left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safe_verdict: Option<String>,
    /// The margin.
    pub margin: f64,
    /// What the replayed latency alone predicts for the smallest value, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted_seconds: Option<f64>,
    /// Whether larger values failed fewer people.
    pub monotone: bool,
    /// The values that were tried, rising.
    pub tried: Vec<Tried>,
    /// Those that the service does not take, rising, in seconds.
    pub refused_seconds: Vec<f64>,
    /// Those for which no time was left, rising, in seconds.
    pub untried_seconds: Vec<f64>,
    /// How many trials were made side by side.
    pub side_by_side: usize,
    /// How many were made again, since the machine had no time for them.
    pub disturbed: u64,
    /// How long all of it took, in seconds.
    pub seconds: f64,
}

/// A value that was tried.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Tried {
    /// The value in seconds.
    pub seconds: f64,
    /// The people who came.
    pub people: u64,
    /// Those who did not succeed.
    pub failed: u64,
    /// The share that the replayed latency alone would fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted: Option<f64>,
}

/// What a test made of broken configurations.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Mutations {
    /// All of it in one line.
    pub line: String,
    /// The file that was broken: the candidate, or what is in force where that alone holds.
    pub of: String,
    /// Each way in which it was broken.
    pub all: Vec<Mutated>,
}

/// A configuration that was broken in a known way.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Mutated {
    /// The key.
    pub key: String,
    /// What stood there.
    pub before: String,
    /// What was written there.
    pub after: String,
    /// How it was broken, in words.
    pub how: String,
    /// What the test made of it.
    pub fate: Fate,
    /// Why, in words.
    pub why: String,
}

/// What a test made of a broken candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It was told apart from the candidate.
    Caught,
    /// It behaves in another way, and the test did not see it.
    Missed,
    /// It changes nothing that people or the dependency could notice here.
    Equal,
    /// The service refused it when it started, which is a catch of its own.
    Refused,
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
