//! What watches the services: who scrapes them, which rules are evaluated, how an alert finds its way to a
//! person; with the arithmetic of how long that takes, and whether it can happen at all.
//!
//! An expression arrives here as what it asks ([`Condition`]) of which amounts ([`Quantity`]); what is not
//! understood of it is `Other`, and nothing is ever concluded from that.

mod delay;
mod quantity;
mod route;

use std::time::Duration;

use text::{FileId, Span};

use crate::Sourced;

pub use delay::{Delay, NoWay, Reach, Way, pending};
pub use quantity::{Condition, Flow, Limit, Quantity, Recorded, Share};
pub use route::{Route, Router};

/// Everything that watches an environment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Monitor {
    /// What scrapes targets and evaluates rules.
    pub evaluators: Vec<Evaluator>,
    /// What is scraped.
    pub jobs: Vec<Job>,
    /// The rules.
    pub groups: Vec<RuleGroup>,
    /// What carries alerts to people.
    pub routers: Vec<Router>,
    /// Tests of our own whose guard is stated.
    pub guards: Vec<Guarded>,
}

impl Monitor {
    /// Takes over what another one holds, its numbers moved behind those here.
    pub fn extend(&mut self, other: Self) {
        let before = self.evaluators.len();
        let moved = |evaluator: Option<usize>| evaluator.map(|index| index + before);
        self.evaluators.extend(other.evaluators);
        self.jobs.extend(other.jobs.into_iter().map(|job| Job { evaluator: moved(job.evaluator), ..job }));
        let groups = other.groups.into_iter();
        self.groups.extend(groups.map(|group| RuleGroup { evaluator: moved(group.evaluator), ..group }));
        self.routers.extend(other.routers);
        self.guards.extend(other.guards);
    }

    /// How many things it holds that somebody wrote.
    pub fn len(&self) -> usize {
        let rules: usize = self.groups.iter().map(|group| group.rules.len()).sum();
        self.evaluators.len() + self.jobs.len() + rules + self.routers.len() + self.guards.len()
    }

    /// Whether nothing watches.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rules with the group that each stands in.
    pub fn rules(&self) -> impl Iterator<Item = (&RuleGroup, &Rule)> {
        self.groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, rule)))
    }

    /// The alerts with the group that each stands in.
    pub fn alerts(&self) -> impl Iterator<Item = (&RuleGroup, &Rule, &Alert)> {
        self.rules().filter_map(|(group, rule)| Some((group, rule, rule.alert.as_ref()?)))
    }

    /// Who evaluates a group, where that is known.
    pub fn evaluator_of(&self, group: &RuleGroup) -> Option<&Evaluator> {
        group.evaluator.map(|index| &self.evaluators[index])
    }

    /// How often a group is evaluated, where that is known.
    pub fn evaluation(&self, group: &RuleGroup) -> Option<Sourced<Duration>> {
        group.interval.clone().or_else(|| Some(self.evaluator_of(group)?.evaluation.clone()))
    }

    /// What is recorded under a name by the rules of whoever evaluates a group.
    pub fn recorded(&self, group: &RuleGroup, name: &str) -> Option<(&RuleGroup, &Rule)> {
        self.rules().find(|(other, rule)| {
            rule.alert.is_none() && rule.name.value == name && other.evaluator == group.evaluator
        })
    }

    /// The jobs of whoever evaluates a group.
    pub fn jobs_of(&self, group: &RuleGroup) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(move |job| job.evaluator.is_some() && job.evaluator == group.evaluator)
    }

    /// How often a job is scraped.
    pub fn scrape(&self, job: &Job) -> Option<Sourced<Duration>> {
        job.scrape.clone().or_else(|| Some(self.evaluators[job.evaluator?].scrape.clone()))
    }
}

/// A test of our own whose guard is stated: it is silent as long as no larger share fails.
#[derive(Debug, Clone, PartialEq)]
pub struct Guarded {
    /// The service that is tested.
    pub service: String,
    /// What of it: "all failures", or a reason.
    pub what: String,
    /// The guard, and the table that states it.
    pub guard: Sourced<f64>,
}

/// How what belongs together is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FoundBy {
    /// By the path of its file.
    Path,
    /// By the labels of its object, in the same deployment.
    Label,
}

/// What scrapes targets and evaluates rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluator {
    /// As its operator would name it.
    pub name: String,
    /// Where it is configured: the block, or its first key.
    pub at: Span,
    /// How it finds rules and, where by label, its jobs.
    pub by: FoundBy,
    /// How often a job is scraped that does not say.
    pub scrape: Sourced<Duration>,
    /// How often a group is evaluated that does not say.
    pub evaluation: Sourced<Duration>,
    /// The files of rules it loads.
    pub loads: Vec<Loads>,
}

/// Files of rules that are loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Loads {
    /// The path or glob.
    pub pattern: Sourced<String>,
    /// The files here that it names.
    pub files: Vec<FileId>,
}

/// Targets that are scraped alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its name, which its series carry.
    pub name: Sourced<String>,
    /// Other names that its series can carry instead.
    pub aliases: Vec<String>,
    /// Its series may carry any name: it is set from what is scraped.
    pub any_name: bool,
    /// How often it is scraped, where it says so itself.
    pub scrape: Option<Sourced<Duration>>,
    /// How it is found.
    pub by: FoundBy,
    /// Who scrapes it, by place in [`Monitor::evaluators`].
    pub evaluator: Option<usize>,
}

impl Job {
    /// Whether a series that it gives can carry this name.
    pub fn is_called(&self, name: &str) -> bool {
        self.name.value == name || self.aliases.iter().any(|alias| alias == name)
    }
}

/// Rules that are evaluated together, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleGroup {
    /// Its name.
    pub name: String,
    /// Where its name stands.
    pub at: Span,
    /// The name of its file, without directories: of the entry, where it stands inside another file.
    pub file: String,
    /// How often it is evaluated, where it says so itself.
    pub interval: Option<Sourced<Duration>>,
    /// Its rules.
    pub rules: Vec<Rule>,
    /// How it is found.
    pub by: FoundBy,
    /// Who evaluates it, by place in [`Monitor::evaluators`].
    pub evaluator: Option<usize>,
    /// What had to be guessed to say who, in words.
    pub assumptions: Vec<String>,
}

/// A rule: it records a series, or it raises an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name: of a rule that records, the name of the series.
    pub name: Sourced<String>,
    /// What it asks.
    pub query: Query,
    /// What it raises; `None` where it records.
    pub alert: Option<Alert>,
}

/// What an alert says beside its expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// How long the expression must hold.
    pub pending: Sourced<Duration>,
    /// Labels that the rule puts on it; those with a template are left out.
    pub labels: Vec<(String, String)>,
}

impl Alert {
    /// A label that the rule puts on it.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str())
    }

    /// Whether it calls a person at once, by the words that teams use for that.
    pub fn pages(&self) -> bool {
        const WORDS: [&str; 8] = ["page", "pager", "critical", "crit", "emergency", "high", "disaster", "p1"];
        ["severity", "level", "priority"]
            .iter()
            .filter_map(|name| self.label(name))
            .any(|value| WORDS.contains(&value.to_ascii_lowercase().as_str()))
    }
}

/// What an expression asks, as far as it is understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Where it stands.
    pub at: Span,
    /// All of it was understood as an expression; else the rest is empty.
    pub parsed: bool,
    /// Every range it looks back over.
    pub ranges: Vec<Range>,
    /// Every series it names.
    pub series: Vec<Series>,
    /// Series whose vanishing it notices.
    pub watches: Vec<Series>,
    /// It asks for a least traffic.
    pub bounds_traffic: bool,
    /// The amount it gives.
    pub value: Quantity,
    /// When it gives any.
    pub condition: Condition,
}

impl Query {
    /// One of which nothing is understood.
    pub fn unknown(at: Span) -> Self {
        Self {
            at,
            parsed: false,
            ranges: Vec::new(),
            series: Vec::new(),
            watches: Vec::new(),
            bounds_traffic: false,
            value: Quantity::Other(None),
            condition: Condition::Other(None),
        }
    }
}

/// A look back over a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    /// Over which series.
    pub of: Series,
    /// How far.
    pub length: Sourced<Duration>,
    /// The function that takes it.
    pub function: String,
    /// The function gives nothing for fewer than two samples.
    pub needs_two: bool,
}

/// Series that an expression selects.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The name of the metric; empty where it is not stated.
    pub metric: String,
    /// What the labels must be.
    pub labels: Vec<Matcher>,
    /// What its name and its labels say that it counts.
    pub counts: Counts,
    /// Where it is selected.
    pub at: Span,
}

impl Series {
    /// What a label must be; an absent label is empty.
    pub fn matcher<'s>(&'s self, label: &str) -> Option<&'s Matcher> {
        self.labels.iter().find(|matcher| matcher.label == label)
    }

    /// Whether series of a job can be among them; `None` where only their labels can tell.
    pub fn can_be_of(&self, job: &Job) -> Option<bool> {
        let matcher = self.matcher("job")?;
        if job.any_name {
            return None;
        }
        let names = std::iter::once(&job.name.value).chain(&job.aliases);
        let held: Vec<Option<bool>> = names.map(|name| matcher.holds(name)).collect();
        if held.contains(&Some(true)) {
            Some(true)
        } else if held.contains(&None) {
            None
        } else {
            Some(false)
        }
    }
}

/// What a series counts, by the words of its metric and its labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// What failed.
    Failures,
    /// What went well.
    Successes,
    /// Nothing says.
    Unsaid,
}

/// What a label must be; an absent label is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher {
    /// The label.
    pub label: String,
    /// How it is compared.
    pub compare: Compare,
    /// With what.
    pub value: String,
}

/// How a text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// It is the same.
    Is,
    /// It is not the same.
    IsNot,
    /// The expression fits all of it.
    Matches,
    /// The expression does not fit all of it.
    MatchesNot,
}

impl std::fmt::Display for Compare {
    /// As PromQL and Alertmanager write it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Is => "=",
            Self::IsNot => "!=",
            Self::Matches => "=~",
            Self::MatchesNot => "!~",
        })
    }
}

impl Matcher {
    /// Whether a value fits; `None` where that would need more than words joined by `|`.
    pub fn holds(&self, value: &str) -> Option<bool> {
        Some(match self.compare {
            Compare::Is => self.value == value,
            Compare::IsNot => self.value != value,
            Compare::Matches => fits(&self.value, value)?,
            Compare::MatchesNot => !fits(&self.value, value)?,
        })
    }
}

/// Whether an expression fits a text: words joined by `|`, and `.*` or `.+` for any of them.
fn fits(expression: &str, text: &str) -> Option<bool> {
    let plain = expression.strip_prefix('^').unwrap_or(expression);
    let plain = plain.strip_suffix('$').unwrap_or(plain);
    let plain = plain.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(plain);
    match plain {
        ".*" => return Some(true),
        ".+" => return Some(!text.is_empty()),
        _ => {}
    }
    let is_word = |word: &str| word.chars().all(|c| c.is_alphanumeric() || "_-/: ".contains(c));
    let mut known = true;
    for word in plain.split('|') {
        if is_word(word) {
            if word == text {
                return Some(true);
            }
        } else if let Some(start) = word.strip_suffix(".*").filter(|start| is_word(start)) {
            if text.starts_with(start) {
                return Some(true);
            }
        } else {
            known = false;
        }
    }
    known.then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_expressions_are_compared_and_others_left_open() {
        for (expression, text, held) in [
            ("api", "api", Some(true)),
            ("api|auth", "auth", Some(true)),
            ("^(api|auth)$", "login", Some(false)),
            ("api.*", "api-v2", Some(true)),
            ("api.*", "auth", Some(false)),
            (".*", "", Some(true)),
            (".+", "", Some(false)),
            ("a[0-9]+", "a1", None),
            ("a[0-9]+|api", "api", Some(true)),
        ] {
            assert_eq!(fits(expression, text), held, "{expression} {text}");
        }
    }
}
