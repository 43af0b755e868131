//! Whether two runs differ in anything that people or a dependency could notice: how many failed, how often
//! and over how many connections a dependency was called, how long it took. It does not ask what the verdict
//! is: the measure says what a mutation changed, the verdict whether the test saw it.

use std::fmt;
use std::time::Duration;

use crate::figures::ms;
use crate::trial::Trial;
use evidence::alike;

/// The chance that one measure calls two runs different that are not.
pub const WRONG: f64 = 0.001;

/// What can be noticed.
#[derive(Debug, Clone, PartialEq)]
pub enum Noticed {
    /// More people failed, or fewer.
    Failures {
        /// Who failed, of how many, without the change.
        before: (u64, u64),
        /// The same with it.
        after: (u64, u64),
    },
    /// A dependency is called more often by each person, or less often.
    Calls {
        /// Its name.
        dependency: String,
        /// Calls a person without the change.
        before: f64,
        /// The same with it.
        after: f64,
    },
    /// A dependency has more new connections for each person, or fewer.
    Connections {
        /// Its name.
        dependency: String,
        /// Connections a person without the change.
        before: f64,
        /// The same with it.
        after: f64,
    },
    /// Those who succeeded waited longer, or shorter.
    Durations {
        /// Half took at most so long without the change.
        before: Duration,
        /// The same with it.
        after: Duration,
    },
}

/// What differs between a run and one with a change, more than chance explains.
#[must_use]
pub fn noticed(before: &Trial, after: &Trial) -> Vec<Noticed> {
    let mut all = Vec::new();
    let fared = |trial: &Trial| (trial.seen.bad(), trial.seen.people());
    let ((k, n), (l, m)) = (fared(before), fared(after));
    if alike::shares(k, n, l, m) < WRONG {
        all.push(Noticed::Failures { before: (k, n), after: (l, m) });
    }
    for (name, was) in &before.dependencies {
        let Some((_, is)) = after.dependencies.iter().find(|(other, _)| other == name) else { continue };
        let (n, m) = (before.came, after.came);
        let each = |count: u64, people: u64| count as f64 / people.max(1) as f64;
        if alike::rates(was.calls, n, is.calls, m) < WRONG {
            let (before, after) = (each(was.calls, n), each(is.calls, m));
            all.push(Noticed::Calls { dependency: name.clone(), before, after });
        }
        // A pool makes its connections once: of runs of different lengths their rates say nothing.
        let as_long = n.max(m) <= 2 * n.min(m);
        if as_long && alike::rates(was.connections, n, is.connections, m) < WRONG {
            let (before, after) = (each(was.connections, n), each(is.connections, m));
            all.push(Noticed::Connections { dependency: name.clone(), before, after });
        }
    }
    if let Some((apart, limit)) = alike::lengths(&before.took, &after.took, WRONG)
        && apart > limit
    {
        all.push(Noticed::Durations { before: before.durations.p50, after: after.durations.p50 });
    }
    all
}

impl fmt::Display for Noticed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failures { before: (k, n), after: (l, m) } => {
                write!(f, "{l} of {m} fail instead of {k} of {n}")
            }
            Self::Calls { dependency, before, after } => {
                write!(f, "{after:.2} calls a person at {dependency} instead of {before:.2}")
            }
            Self::Connections { dependency, before, after } => {
                write!(f, "{after:.2} new connections a person at {dependency} instead of {before:.2}")
            }
            Self::Durations { before, after } if before == after => {
                f.write_str("the slow ones take another time")
            }
            Self::Durations { before, after } => {
                write!(f, "half take {} instead of {}", ms(*after), ms(*before))
            }
        }
    }
}

/// What two runs that nobody could tell apart have in common, with what would have been noticed.
#[must_use]
pub fn alike(before: &Trial, after: &Trial) -> String {
    let mut words = vec![format!(
        "{} of {} fail ({} of {})",
        after.seen.bad(),
        after.seen.people(),
        before.seen.bad(),
        before.seen.people()
    )];
    for (name, was) in &before.dependencies {
        let Some((_, is)) = after.dependencies.iter().find(|(other, _)| other == name) else { continue };
        let each = |count: u64, people: u64| count as f64 / people.max(1) as f64;
        words.push(format!(
            "{:.2} calls a person at {name} ({:.2}) over {} connections ({})",
            each(is.calls, after.came),
            each(was.calls, before.came),
            is.connections,
            was.connections
        ));
    }
    if let Some((apart, limit)) = alike::lengths(&before.took, &after.took, WRONG) {
        words.push(format!("durations {apart:.3} apart ({limit:.3} would be noticed)"));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::file::Reason;
    use crate::proxy::Counted;
    use crate::trial::Durations;
    use crate::verdict::Seen;

    /// A run of so many people, who make so many calls over so many connections and take a time that is
    /// spread over 100 ms.
    fn run(good: u64, bad: u64, (calls, connections): (u64, u64), least: u64) -> Trial {
        let took: Vec<Duration> = (0..good).map(|n| Duration::from_millis(least + n * 100 / good)).collect();
        let seen = Seen { good, failed: BTreeMap::from([(Reason::Timeout, bad)]) };
        let counted = Counted { calls, connections, ..Counted::default() };
        Trial {
            came: good + bad,
            seen,
            durations: Durations::of(&took),
            took,
            dependencies: vec![("d".to_owned(), counted)],
            ..Trial::of_nobody("")
        }
    }

    fn words(before: &Trial, after: &Trial) -> Vec<String> {
        noticed(before, after).iter().map(Noticed::to_string).collect()
    }

    #[test]
    fn each_measure_notices_its_own_and_chance_is_no_change() {
        let before = run(1150, 1, (1151, 25), 200);
        assert!(words(&before, &run(1160, 3, (1163, 31), 201)).is_empty());
        let fails = words(&before, &run(1000, 160, (1160, 25), 200));
        assert_eq!(fails, ["160 of 1160 fail instead of 1 of 1151"]);
        let calls = words(&before, &run(1150, 1, (2302, 25), 200));
        assert_eq!(calls, ["2.00 calls a person at d instead of 1.00"]);
        let connections = words(&before, &run(1150, 1, (1151, 1151), 200));
        assert_eq!(connections, ["1.00 new connections a person at d instead of 0.02"]);
        let slower = words(&before, &run(1150, 1, (1151, 25), 220));
        assert_eq!(slower, ["half take 269 ms instead of 249 ms"]);
    }

    #[test]
    fn a_run_that_ended_early_had_its_connections_made_already() {
        let before = run(1150, 1, (1151, 25), 200);
        assert_eq!(
            words(&before, &run(16, 4, (20, 15), 220)).first().unwrap(),
            "4 of 20 fail instead of 1 of 1151"
        );
        assert!(!words(&before, &run(16, 4, (20, 15), 220)).iter().any(|line| line.contains("connections")));
    }

    #[test]
    fn what_is_alike_is_said_with_what_would_have_been_noticed() {
        let line = alike(&run(1000, 0, (1000, 25), 200), &run(1000, 0, (1000, 26), 200));
        let expected = "0 of 1000 fail (0 of 1000), 1.00 calls a person at d (1.00) over 26 connections (25), \
                        durations 0.000 apart (0.087 would be noticed)";
        assert_eq!(line, expected);
    }
}
