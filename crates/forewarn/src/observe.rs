//! `forewarn observe`: measures on this host what configuration cannot say, and writes it in the form
//! that `forewarn.toml` takes.

mod hash;
mod host;

use std::fmt::Write as _;
use std::time::Duration;

use audit::{Date, Error};
use model::HashSpec;

use crate::CLEAN;
use crate::arguments::{HashAlgorithm, HashArguments, ObserveWhat};
use crate::output::{can_be_written, to_file, to_stderr, to_stdout};
use crate::replace::kept_from_measurement;
use crate::settings::today;

/// What OWASP's Password Storage Cheat Sheet names as the least for Argon2id: 19 MiB, 2 iterations,
/// 1 lane.
const ARGON2ID: (u32, u32, u32) = (19456, 2, 1);

/// The cost that the `bcrypt` crate, Kratos, Authelia and Keystone take by default.
const BCRYPT: u32 = 12;

/// Measures.
pub(crate) fn run(what: ObserveWhat) -> Result<u8, Error> {
    let ObserveWhat::Hash(arguments) = what;
    let spec = spec(&arguments)?;
    if let Some(path) = &arguments.output {
        if let Some(what) = kept_from_measurement(path) {
            let help = "name another file, and that file in [[hash]] of forewarn.toml";
            return Err(Error::stopped(format_args!("--output {}", path.display()), what, help));
        }
        can_be_written(path, "--output")?;
    }
    let mut times = hash::times(spec, arguments.runs)?;
    times.sort_unstable();
    let measured = Measured { spec, host: host::processor(), date: today(None)?, times: &times };
    match &arguments.output {
        Some(path) => to_file(path, &measured.toml(), "--output")?,
        None => to_stdout(&measured.toml())?,
    }
    to_stderr(&format!("{}\n", measured.summary()));
    Ok(CLEAN)
}

/// The parameters to measure; those of the other algorithm are refused.
fn spec(arguments: &HashArguments) -> Result<HashSpec, Error> {
    let HashArguments { algorithm, memory, iterations, lanes, cost, .. } = *arguments;
    let algorithm =
        algorithm.unwrap_or(if cost.is_some() { HashAlgorithm::Bcrypt } else { HashAlgorithm::Argon2id });
    let stray = |options: &[(&str, bool)], of: &str| match options.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((option, _)) => Err(Error::stopped(option, format!("is no parameter of {of}"), "leave it out")),
    };
    match algorithm {
        HashAlgorithm::Argon2id => {
            stray(&[("--cost", cost.is_some())], "argon2id")?;
            let (memory, iterations, lanes) =
                (memory.unwrap_or(ARGON2ID.0), iterations.unwrap_or(ARGON2ID.1), lanes.unwrap_or(ARGON2ID.2));
            Ok(HashSpec::Argon2id {
                memory: memory.into(),
                iterations: iterations.into(),
                lanes: lanes.into(),
            })
        }
        HashAlgorithm::Bcrypt => {
            let argon2 = [("--memory", memory), ("--iterations", iterations), ("--lanes", lanes)];
            stray(&argon2.map(|(option, value)| (option, value.is_some())), "bcrypt")?;
            Ok(HashSpec::Bcrypt { cost: cost.unwrap_or(BCRYPT).into() })
        }
    }
}

/// What was measured, where and when.
struct Measured<'t> {
    spec: HashSpec,
    host: String,
    date: Date,
    /// Rising.
    times: &'t [Duration],
}

impl Measured<'_> {
    /// The time that a share of the runs did not exceed, by nearest rank: of fewer than a hundred runs
    /// the 99th percentile is the slowest.
    fn quantile(&self, share: f64) -> Duration {
        let rank = (self.times.len() as f64 * share).ceil() as usize;
        self.times.get(rank.max(1) - 1).copied().unwrap_or_default()
    }

    /// As a table of `forewarn.toml`.
    fn toml(&self) -> String {
        let mut text = String::from("[[hash]]\n");
        let mut line = |key: &str, value: &dyn std::fmt::Display| {
            writeln!(text, "{key} = {value}").expect("bug: a String takes all");
        };
        match self.spec {
            HashSpec::Argon2id { memory, iterations, lanes } => {
                line("algorithm", &"\"argon2id\"");
                line("memory", &memory);
                line("iterations", &iterations);
                line("lanes", &lanes);
            }
            HashSpec::Bcrypt { cost } => {
                line("algorithm", &"\"bcrypt\"");
                line("cost", &cost);
            }
        }
        line("host", &quoted(&self.host));
        line("measured", &quoted(&self.date.to_string()));
        line("runs", &self.times.len());
        line("median", &quoted(&milliseconds(self.quantile(0.5))));
        line("p99", &quoted(&milliseconds(self.quantile(0.99))));
        text
    }

    /// In one line, for whoever waits.
    fn summary(&self) -> String {
        format!(
            "measured {}: median {}, p99 {}, {} runs, one at a time, on {}",
            self.spec.words(),
            milliseconds(self.quantile(0.5)),
            milliseconds(self.quantile(0.99)),
            self.times.len(),
            self.host
        )
    }
}

/// To the hundredth of a millisecond: more is noise.
fn milliseconds(time: Duration) -> String {
    format!("{:.2}ms", time.as_secs_f64() * 1e3)
}

/// A TOML text. Names of processors have no control characters; what has one loses it.
fn quoted(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("\"{}\"", plain.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use text::{FileId, Source};

    fn measured(spec: HashSpec, times: &[Duration]) -> Measured<'_> {
        let date = Date::parse("2026-11-22").expect("a day");
        Measured { spec, host: r#"a "fast" host"#.to_owned(), date, times }
    }

    #[test]
    fn what_is_written_is_what_forewarn_toml_takes() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        for spec in
            [HashSpec::Argon2id { memory: 19456, iterations: 2, lanes: 1 }, HashSpec::Bcrypt { cost: 12 }]
        {
            let written = measured(spec, &times).toml();
            let source = Source::new(FileId(0), "hash.toml", written.as_str());
            let read = audit::config::parse_hashes(&source).unwrap_or_else(|m| panic!("{m:?}\n{written}"));
            let [time] = read.as_slice() else { panic!("one table: {written}") };
            assert_eq!(time.value.spec, spec);
            assert_eq!(time.value.median, Duration::from_millis(100));
            assert_eq!(time.value.p99, Duration::from_millis(198));
            assert_eq!(time.value.window, r#"2026-11-22 on a "fast" host"#);
        }
    }

    #[test]
    fn of_few_runs_the_99th_percentile_is_the_slowest() {
        let times = [3, 5, 9].map(Duration::from_millis);
        let measured = measured(HashSpec::Bcrypt { cost: 4 }, &times);
        assert_eq!(measured.quantile(0.5), times[1]);
        assert_eq!(measured.quantile(0.99), times[2]);
    }
}
