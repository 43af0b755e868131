//! `forewarn.toml`: what its owner declares about services, calls, keys, measurements and rules.
//! Read with spans, so that a finding can point at the declaration. Unknown keys are refused with
//! "did you mean".

pub(crate) mod guards;
mod hash;
mod parse;
#[cfg(test)]
mod tests;
mod words;

pub use model::declared::Mistake;
pub use model::declared::measurement::parse as parse_measurement;
use model::declared::{Mistakes, Table};
use model::{HashTime, Knob, Latency, Level, Limit, Sourced, TimeUnit, did_you_mean};
use readers::platforms::Platform;
use rules::MarginSet;
use text::{Source, Span};
use watch::plan::Plan;

use crate::allow::Allow;
use crate::globs::Globs;
use crate::notice::NoticeKind;

/// A whole `forewarn.toml`. Paths and globs are relative to the directory that holds it.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Globs of files that are not looked at.
    pub exclude: Vec<String>,
    /// Environments by name, each with the globs of the files that belong to it alone.
    pub environments: Vec<(String, Vec<String>)>,
    /// `[[service]]`.
    pub services: Vec<DeclaredService>,
    /// `[[call]]`.
    pub calls: Vec<DeclaredCall>,
    /// `[[setting]]`.
    pub settings: Vec<DeclaredSetting>,
    /// `[[observed]]`.
    pub observed: Vec<Observed>,
    /// `[[hash]]`.
    pub hashes: Vec<Hashes>,
    /// `[margins]`.
    pub margins: MarginSet,
    /// `[rules]`: levels by rule; `None` is `off`.
    pub levels: Vec<(String, Option<Level>)>,
    /// `[[override]]`, in order; a later one wins.
    pub overrides: Vec<Override>,
    /// `[[allow]]`.
    pub allows: Vec<Allow>,
    /// What is watched; `None` where that has mistakes, which whoever watches by it tells.
    pub watched: Option<Plan>,
    /// `baseline` of `[check]`: a file, and where it is named.
    pub baseline: Option<(String, Span)>,
}

/// A service, declared or corrected.
#[derive(Debug, Clone)]
pub struct DeclaredService {
    /// Its name, where it is declared.
    pub name: Sourced<String>,
    /// Globs of the files that configure it.
    pub files: Vec<String>,
    /// Host names under which it is addressed.
    pub hosts: Vec<String>,
    /// It only forwards requests.
    pub forwards: Option<bool>,
    /// It is a platform of somebody else's, whose limits are known; where that is said.
    pub platform: Option<(&'static Platform, Span)>,
}

/// A call, declared or corrected.
#[derive(Debug, Clone)]
pub struct DeclaredCall {
    /// The caller.
    pub from: String,
    /// The callee.
    pub to: String,
    /// Where it is declared.
    pub span: Span,
    /// `absent = true`: what looks like this call is none.
    pub absent: bool,
    /// See [`model::Call::passes_deadline`].
    pub passes_deadline: Option<bool>,
    /// See [`model::Call::idempotent`].
    pub idempotent: Option<bool>,
    /// See [`model::Call::per_request`].
    pub per_request: Option<u64>,
}

/// The exact meaning of a key.
#[derive(Debug, Clone)]
pub struct DeclaredSetting {
    /// Globs of the files it holds for.
    pub files: Vec<String>,
    /// The key with its path; `*` stands for one segment.
    pub key: String,
    /// What it controls.
    pub knob: Knob,
    /// The unit of a bare number.
    pub unit: Option<TimeUnit>,
    /// 0 means no limit.
    pub zero_is_never: bool,
    /// The callee, where the setting belongs to a call of the file's service.
    pub to: Option<String>,
    /// Where it is declared.
    pub span: Span,
}

/// Measured latency of a call.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The caller.
    pub from: String,
    /// The callee.
    pub to: String,
    /// The environment it was measured in; any where not said.
    pub environment: Option<String>,
    /// What was measured, or the file that says it.
    pub what: Measurement,
    /// Where it is declared.
    pub span: Span,
}

/// Measured times of password hashes.
#[derive(Debug, Clone)]
pub enum Hashes {
    /// One, stated in place.
    Here(Sourced<HashTime>),
    /// A file of `[[hash]]` tables, relative to `forewarn.toml`.
    File {
        /// The file.
        path: String,
        /// Where it is named.
        span: Span,
    },
}

/// A measurement, here or in a file of its own.
#[derive(Debug, Clone)]
pub enum Measurement {
    /// Stated in place.
    Here(Latency),
    /// A file of quantiles or of a histogram, relative to `forewarn.toml`. What the table states
    /// beside it (window, calls, timeout in force) wins over what the file says.
    File {
        /// The file.
        path: String,
        /// When it was measured.
        window: Option<String>,
        /// How many calls were measured.
        calls: Option<u64>,
        /// The caller's timeout then in force.
        in_force: Option<Limit>,
    },
}

impl Measurement {
    /// The latency, given what the file says where one is named; what is stated in place wins.
    /// `None` where the file is missing.
    pub fn latency(&self, file: Option<Latency>) -> Option<Latency> {
        match self {
            Self::Here(latency) => Some(latency.clone()),
            Self::File { window, calls, in_force, .. } => file.map(|file| Latency {
                window: window.clone().unwrap_or(file.window),
                calls: calls.unwrap_or(file.calls),
                in_force: in_force.or(file.in_force),
                quantiles: file.quantiles,
            }),
        }
    }
}

/// Margins and levels of a part of the tree.
#[derive(Debug, Clone, Default)]
pub struct Override {
    /// Globs of the files it holds for.
    pub paths: Vec<String>,
    /// Margins, all of them (those not stated are taken over from `[margins]`).
    pub margins: Option<MarginSet>,
    /// Levels; `None` is `off`.
    pub levels: Vec<(String, Option<Level>)>,
}

/// Reads a `forewarn.toml`.
///
/// # Errors
///
/// Every mistake in it, in order of place. A file with a mistake is not used at all: an audit under
/// half a configuration would claim more than it knows.
pub fn parse(source: &Source) -> Result<Config, Vec<Mistake>> {
    let rules: Vec<&str> = rules::RULES.iter().map(|rule| rule.name).collect();
    let notices: Vec<&str> = NoticeKind::ALL.iter().map(|kind| kind.name()).collect();
    let config = parse::parse(source, &rules, &notices)?;
    Ok(Config { watched: watch::config::parse(source).ok(), ..config })
}

/// Reads a file of `[[hash]]` tables, as `forewarn observe hash` writes it.
///
/// # Errors
///
/// Every mistake in it, in order of place; at least one.
pub fn parse_hashes(source: &Source) -> Result<Vec<Sourced<HashTime>>, Vec<Mistake>> {
    hash::parse(source)
}

/// What to say of a rule that there is not: what is wrong, and what to do.
pub(crate) fn no_rule(name: &str, rules: &[&str]) -> (String, String) {
    (format!("there is no rule `{name}`"), did_you_mean(name, "rules", rules))
}

/// A list of globs of a table.
pub(crate) fn globs(table: &Table<'_>, key: &str, m: &mut Mistakes) -> Vec<String> {
    let texts = table.texts(key, m);
    for &(glob, span) in &texts {
        if let Err(why) = Globs::check(glob) {
            let what = format!("`{glob}` is no glob: {why}");
            m.add(span, what, "`*` stands for part of a name, `**` for any directories, `{a,b}` for a or b");
        }
    }
    texts.into_iter().map(|(glob, _)| glob.to_owned()).collect()
}
