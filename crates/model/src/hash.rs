//! What one password hash costs: its parameters, how long it was measured to take, and what other
//! parameters would take by the algorithm's definition. Judges nothing.

use std::time::Duration;

use crate::{GroupView, HashField, Knob, Setting, Value};

/// The parameters that decide how long a hash takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HashSpec {
    /// Argon2id (RFC 9106).
    Argon2id {
        /// Memory, in KiB.
        memory: u64,
        /// Passes over the memory.
        iterations: u64,
        /// Lanes.
        lanes: u64,
    },
    /// bcrypt.
    Bcrypt {
        /// The logarithm of the rounds.
        cost: u64,
    },
}

/// How long a hash took on a host.
#[derive(Debug, Clone, PartialEq)]
pub struct HashTime {
    /// What was measured.
    pub spec: HashSpec,
    /// When and where, in the words of the source.
    pub window: String,
    /// How many hashes were measured.
    pub runs: u64,
    /// Half of them took at most this long.
    pub median: Duration,
    /// All but one in a hundred took at most this long.
    pub p99: Duration,
}

/// The hash that a group of settings configures.
#[derive(Debug, Clone)]
pub enum HashOf<'f> {
    /// Its parameters, and the settings that say so.
    Known(HashSpec, Vec<&'f Setting>),
    /// An algorithm that is not known here, or parameters that are not stated: what is missing, in
    /// words.
    Unknown(String),
}

impl<'f> HashOf<'f> {
    /// The hash of a group; `None` where it says nothing of one.
    pub fn of(group: GroupView<'f>) -> Option<Self> {
        let knob = |field| group.knob(Knob::Hash(field));
        let algorithm = knob(HashField::Algorithm);
        let [memory, iterations, lanes, cost] =
            [HashField::Memory, HashField::Iterations, HashField::Lanes, HashField::Cost].map(knob);
        let is_argon = match algorithm.map(|setting| &setting.value.value) {
            Some(Value::Text(name)) => match name.to_ascii_lowercase().as_str() {
                "argon2" | "argon2id" => true,
                "bcrypt" | "bcrypt_sha256" => false,
                _ => return Some(Self::Unknown(format!("how long one {name} hash takes"))),
            },
            _ if memory.is_some() || iterations.is_some() => true,
            _ if cost.is_some() => false,
            _ => return None,
        };
        let known = || {
            let count = |setting: Option<&'f Setting>| setting.and_then(Setting::count).filter(|&n| n > 0);
            if is_argon {
                let spec = HashSpec::Argon2id {
                    memory: count(memory)?,
                    iterations: count(iterations)?,
                    lanes: count(lanes).unwrap_or(1),
                };
                Some((spec, [memory, iterations, lanes].into_iter().flatten().collect()))
            } else {
                Some((HashSpec::Bcrypt { cost: count(cost)? }, cost.into_iter().collect()))
            }
        };
        Some(match known() {
            Some((spec, settings)) => Self::Known(spec, settings),
            None if is_argon => Self::Unknown("the memory and the iterations of argon2id".to_owned()),
            None => Self::Unknown("the cost of bcrypt".to_owned()),
        })
    }
}

impl HashSpec {
    /// How much more work this is than another of the same algorithm; `None` where they cannot be
    /// compared. Argon2 fills its memory once a pass (RFC 9106, section 3); bcrypt doubles its rounds
    /// with each step of its cost.
    pub fn work_of(self, other: Self) -> Option<f64> {
        match (self, other) {
            (
                Self::Argon2id { memory: m, iterations: t, .. },
                Self::Argon2id { memory: m_, iterations: t_, .. },
            ) => Some((m as f64 * t as f64) / (m_ as f64 * t_ as f64)),
            (Self::Bcrypt { cost }, Self::Bcrypt { cost: other }) => {
                let steps = i32::try_from(cost).ok()?.checked_sub(i32::try_from(other).ok()?)?;
                Some(2_f64.powi(steps))
            }
            _ => None,
        }
    }

    /// In words: "argon2id with 64 MiB, 3 iterations".
    pub fn words(self) -> String {
        match self {
            Self::Argon2id { memory, iterations, lanes } => {
                let memory = if memory.is_multiple_of(1024) {
                    format!("{} MiB", memory / 1024)
                } else {
                    format!("{memory} KiB")
                };
                let many =
                    |count: u64, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
                format!("argon2id with {memory}, {}, {}", many(iterations, "iteration"), many(lanes, "lane"))
            }
            Self::Bcrypt { cost } => format!("bcrypt with cost {cost}"),
        }
    }
}

impl HashTime {
    /// How long a hash of other parameters takes at the median, by the work it is.
    pub fn scaled(&self, spec: HashSpec) -> Option<Duration> {
        let work = spec.work_of(self.spec)?;
        Duration::try_from_secs_f64(self.median.as_secs_f64() * work).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argon(memory: u64, iterations: u64) -> HashSpec {
        HashSpec::Argon2id { memory, iterations, lanes: 1 }
    }

    #[test]
    fn work_grows_with_memory_and_passes_and_doubles_with_the_cost() {
        assert_eq!(argon(65536, 3).work_of(argon(65536, 1)), Some(3.0));
        assert_eq!(argon(19456, 2).work_of(argon(38912, 1)), Some(1.0));
        assert_eq!(HashSpec::Bcrypt { cost: 14 }.work_of(HashSpec::Bcrypt { cost: 12 }), Some(4.0));
        assert_eq!(HashSpec::Bcrypt { cost: 10 }.work_of(HashSpec::Bcrypt { cost: 12 }), Some(0.25));
        assert_eq!(argon(8, 1).work_of(HashSpec::Bcrypt { cost: 4 }), None);
        let absurd = HashSpec::Bcrypt { cost: u64::MAX };
        assert_eq!(absurd.work_of(HashSpec::Bcrypt { cost: 4 }), None);
    }

    #[test]
    fn a_time_that_is_no_length_is_none() {
        let time = HashTime {
            spec: HashSpec::Bcrypt { cost: 4 },
            window: String::new(),
            runs: 1,
            median: Duration::from_secs(1),
            p99: Duration::from_secs(1),
        };
        assert_eq!(time.scaled(HashSpec::Bcrypt { cost: 31 }), Some(Duration::from_secs(1 << 27)));
        assert_eq!(time.scaled(HashSpec::Bcrypt { cost: 1_000_000 }), None);
    }

    #[test]
    fn words_name_the_parameters() {
        assert_eq!(argon(65536, 3).words(), "argon2id with 64 MiB, 3 iterations, 1 lane");
        assert_eq!(argon(100, 1).words(), "argon2id with 100 KiB, 1 iteration, 1 lane");
    }
}
