//! One run of the service under one configuration and one seed, and what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::file::{Process, Reason, Test};
use crate::proxy::{Counted, Spread};
use crate::verdict::{Seen, Verdict};
use crate::words::Unknown;

/// What came of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Which configuration: "candidate", "current", "default", or a value of the search.
    pub label: String,
    /// The seed of its delays and arrivals.
    pub seed: u64,
    /// How many people were let in; some may have been on their way still when the run ended.
    pub came: u64,
    /// How many on top came and found no room, since so many were on their way: of those who failed by
    /// [`Reason::Harness`].
    pub turned_away: u64,
    /// How people fared.
    pub seen: Seen,
    /// What the first one met with who failed for a reason: at which step, and what was seen there.
    pub met: BTreeMap<Reason, String>,
    /// What that says of the objective; [`Verdict::Open`] where the budget was used up before it was known.
    pub verdict: Verdict,
    /// When that was known, from when people began to come; `None` where it is not.
    pub known: Option<Duration>,
    /// How long those took who succeeded.
    pub durations: Durations,
    /// The same one by one, the shortest first.
    pub took: Vec<Duration>,
    /// What went through the proxy of each dependency while people came, by its name.
    pub dependencies: Vec<(String, Counted)>,
    /// How long people came.
    pub elapsed: Duration,
}

impl Trial {
    /// A run to which nobody came.
    #[cfg(test)]
    pub(crate) fn of_nobody(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            seed: 1,
            came: 0,
            turned_away: 0,
            seen: Seen::default(),
            met: BTreeMap::new(),
            verdict: Verdict::Open,
            known: None,
            durations: Durations::default(),
            took: Vec::new(),
            dependencies: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }

    /// What the proxies added by themselves to turns, either way: how long after a turn was due it was
    /// passed on.
    #[must_use]
    pub fn added(&self) -> Spread {
        let all = self.dependencies.iter().map(|(_, counted)| counted.released.with(&counted.forwarded));
        all.fold(Spread::default(), |sum, spread| sum.with(&spread))
    }

    /// Calls at each dependency for each person who came: retries show here.
    #[must_use]
    pub fn calls_per_person(&self) -> Vec<(&str, f64)> {
        let came = self.came.max(1) as f64;
        self.dependencies.iter().map(|(name, counted)| (name.as_str(), counted.calls as f64 / came)).collect()
    }
}

/// Quantiles of durations; zero where nobody succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Durations {
    /// Half took at most this.
    pub p50: Duration,
    /// 95 % took at most this.
    pub p95: Duration,
    /// 99 % took at most this.
    pub p99: Duration,
    /// Nobody took longer.
    pub most: Duration,
}

impl Durations {
    /// Those of durations in order, the shortest first.
    #[must_use]
    pub fn of(took: &[Duration]) -> Self {
        let at = |share: f64| {
            let place = (share * took.len() as f64).ceil() as usize;
            took.get(place.saturating_sub(1)).copied().unwrap_or_default()
        };
        Self { p50: at(0.5), p95: at(0.95), p99: at(0.99), most: at(1.0) }
    }
}

/// What became of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Run {
    /// People came.
    Seen(Box<Trial>),
    /// The service did not come up with its configuration, or did not stay.
    Refused(Refusal),
}

impl Run {
    /// Under which configuration.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Seen(trial) => &trial.label,
            Self::Refused(refusal) => &refusal.label,
        }
    }

    /// Why they could not come, where they could not.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Seen(_) => None,
            Self::Refused(refusal) => Some(refusal),
        }
    }

    /// The run to which people came.
    ///
    /// # Errors
    /// Why they could not.
    pub fn come_up(self) -> Result<Box<Trial>, Trouble> {
        match self {
            Self::Seen(trial) => Ok(trial),
            Self::Refused(refusal) => Err(refusal.trouble),
        }
    }

    /// The run to which people came, where they did.
    #[must_use]
    pub fn seen(&self) -> Option<&Trial> {
        match self {
            Self::Seen(trial) => Some(trial),
            Self::Refused(_) => None,
        }
    }
}

/// The service's answer to a configuration with which it does not come up, or does not stay. Whether that is
/// the configuration's doing, only another one shows with which it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which configuration, as in [`Trial::label`].
    pub label: String,
    /// Why, in one line, which is the same in each run.
    pub why: String,
    /// What was seen, in full.
    pub trouble: Trouble,
}

impl Refusal {
    /// That of a run that a test makes up.
    #[cfg(test)]
    pub(crate) fn of(label: &str, trouble: Trouble) -> Self {
        Self { label: label.to_owned(), why: trouble.line(), trouble }
    }
}

/// Why a run could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Of which kind it is.
    pub kind: Kind,
    /// Where: a process, a step, a key of the test file.
    pub place: String,
    /// What happened.
    pub what: String,
    /// The last lines that the process wrote, where one is meant; secrets left out.
    pub log: Vec<String>,
    /// What to do.
    pub help: String,
}

/// What kept a run from being had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A process ended before it was ready, or was to end and failed.
    Ended,
    /// A process was not ready in time.
    NotReady,
    /// What is done once before people come did not succeed.
    Setup,
    /// A process ended while people came.
    Died,
    /// A process did not end when it was asked to, which keeps no run from being had.
    Lingered,
    /// The test file, or a file that it names, asks for something that is not there.
    File,
    /// Something around the service: a port, a program, a dependency, this machine.
    Host,
    /// Somebody ended it.
    Stopped,
}

impl Trouble {
    /// One of which no process has anything to say.
    pub fn new(
        kind: Kind,
        place: impl Into<String>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { kind, place: place.into(), what: what.into(), log: Vec::new(), help: help.into() }
    }

    /// A text names something that stands for nothing.
    pub(crate) fn of_unknown(place: &str, unknown: Unknown) -> Self {
        Self::new(Kind::File, place, format!("`${{{}}}` stands for nothing", unknown.name), unknown.help)
    }

    /// The same as the service's answer to its configuration, if that is what it is: a process that is given
    /// the configuration did not come up, or went, or cannot be set up. What befalls one that never sees it, and
    /// what is around it, is not.
    pub(crate) fn refusal(self, label: &str, test: &Test) -> Result<Refusal, Self> {
        let is_given = |process: &Process| process.is_given(&test.candidate);
        let is_its_answer = match self.kind {
            Kind::Ended | Kind::NotReady | Kind::Died => {
                test.processes.iter().any(|process| process.name == self.place && is_given(process))
            }
            Kind::Setup => test.processes.iter().any(is_given),
            Kind::Lingered | Kind::File | Kind::Host | Kind::Stopped => false,
        };
        if !is_its_answer {
            return Err(self);
        }
        Ok(Refusal { label: label.to_owned(), why: self.reason(test), trouble: self })
    }

    /// Why, in one line: of its log the first line that speaks of an error, if there is one, from the name
    /// of the tested file on.
    fn reason(&self, test: &Test) -> String {
        let error = self.log.iter().find(|line| line.to_ascii_lowercase().contains("error"));
        let last = || self.log.iter().rev().find(|line| !line.trim().is_empty());
        let said = error.or_else(last).map(|line| {
            let said = without_directory(line, test.candidate.copy());
            said.trim().trim_start_matches("error: ").to_owned()
        });
        match (self.kind, said) {
            (Kind::Ended, Some(said)) => format!("{}: {said}", self.place),
            (Kind::Setup, _) | (_, None) => format!("{}: {}", self.place, self.what),
            (_, Some(said)) => format!("{}: {} ({said})", self.place, self.what),
        }
    }

    /// Where and what, with the last line of the log, in one line.
    #[must_use]
    pub fn line(&self) -> String {
        let last = self.log.iter().rev().find(|line| !line.trim().is_empty());
        let last = last.map_or_else(String::new, |line| format!(" ({})", line.trim()));
        format!("{}: {}{last}", self.place, self.what)
    }
}

/// A line in which a file is named without its directory, which is another one in each run.
fn without_directory(line: &str, file: &str) -> String {
    let Some(at) = line.find(&format!("/{file}")) else { return line.to_owned() };
    let begins = |c: char| c.is_whitespace() || "'\"([=:".contains(c);
    let path = line[..at].rfind(begins).map_or(0, |before| before + 1);
    format!("{}{}", &line[..path], &line[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_a_run_is_named_without_its_directory_and_nothing_else_is_lost() {
        for (line, expected) in [
            ("error: /tmp/r/a.toml:3: no", "error: a.toml:3: no"),
            ("unknown directive in /tmp/r/a.toml:3", "unknown directive in a.toml:3"),
            ("parsing [/tmp/r/a.toml:3] : soon", "parsing [a.toml:3] : soon"),
            ("a.toml:3: no", "a.toml:3: no"),
            ("/tmp/r/a.toml", "a.toml"),
        ] {
            assert_eq!(without_directory(line, "a.toml"), expected);
        }
    }
}
