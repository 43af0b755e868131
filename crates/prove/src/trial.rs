//! One run of the service under one configuration and one seed, and what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::file::{Reason, Test};
use crate::proxy::{Counted, Spread};
use crate::verdict::{Seen, Verdict};

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

/// Why a run could not be had. It says nothing about the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Where: a process, a step, a key of the test file.
    pub place: String,
    /// What happened.
    pub what: String,
    /// The last lines that the process wrote, where one is meant; secrets left out.
    pub log: Vec<String>,
    /// What to do.
    pub help: String,
}

impl Trouble {
    /// Whether a process that is given the configuration did not come up, or went. Where it is varied on
    /// purpose, and the process does come up as it stands, this is the service's answer to it; what befalls a
    /// process that never sees it, is not.
    pub(crate) fn is_refusal(&self, test: &Test) -> bool {
        let mut processes = test.processes.iter().filter(|process| process.name == self.place);
        processes.any(|process| {
            let of_environment = process.environment.iter().map(|(_, text)| text);
            process.command.iter().chain(of_environment).any(|text| text.contains("${candidate}"))
        })
    }

    /// Why, in one line: of its log the first line that speaks of an error, if there is one, from the name
    /// of the tested file on.
    pub(crate) fn reason(&self, test: &Test) -> String {
        let error = self.log.iter().find(|line| line.to_ascii_lowercase().contains("error"));
        let Some(line) = error.or(self.log.last()) else { return format!("{} {}", self.place, self.what) };
        // The directory of a run is another one each time.
        let name = test.candidate.file.rsplit('/').next().unwrap_or_default();
        let from = line.find(&format!("/{name}")).map_or(0, |at| at + 1);
        format!("{}: {}", self.place, &line[from..])
    }
}

impl Trouble {
    /// Where and what, with the last line of the log, in one line.
    #[must_use]
    pub fn line(&self) -> String {
        let last = self.log.iter().rev().find(|line| !line.trim().is_empty());
        let last = last.map_or_else(String::new, |line| format!(" ({})", line.trim()));
        format!("{}: {}{last}", self.place, self.what)
    }
}
