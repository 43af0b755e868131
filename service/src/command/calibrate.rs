//! `authd calibrate`: which argon2id parameters take a wanted time here, to be written into `front.toml`.

use std::io::{self, Write};

use clap::Args;

use crate::config::length::Length;
use crate::hash::calibrate::{Proposal, Wanted, measure, propose};

/// What is wanted.
#[derive(Debug, Args)]
pub struct Calibrate {
    /// How long a hash may take while all threads hash
    #[arg(long, value_name = "TIME", default_value = "250ms")]
    target: Length,
    /// Hashes at a time [default: one a processor]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: Option<u32>,
    /// What all threads may use together, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(8..=1_048_576))]
    memory: u32,
}

impl Calibrate {
    /// Measures, and writes what was found.
    pub fn run(&self, out: &mut dyn Write) -> io::Result<()> {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = self.threads.unwrap_or_else(|| u32::try_from(processors).unwrap_or(u32::MAX));
        let memory_kib = self.memory.saturating_mul(1024);
        let wanted = Wanted { target: self.target.get(), threads, memory_kib };
        self.write(&propose(wanted, |cost| measure(cost, threads)), threads, out)
    }

    fn write(&self, proposals: &[Proposal], threads: u32, out: &mut dyn Write) -> io::Result<()> {
        let (target, memory) = (self.target, self.memory);
        writeln!(out, "argon2id here, {threads} at a time; wanted: {target} and {memory} MiB for all\n")?;
        writeln!(out, "memory_kib  iterations    alone  together  memory of all  hashes a second")?;
        for Proposal { cost, took, fits } in proposals {
            let all = u64::from(cost.memory_kib) * u64::from(threads) / 1024;
            let (alone, together) = (took.alone.as_secs_f64() * 1e3, took.together.as_secs_f64() * 1e3);
            let rate = f64::from(threads) / took.together.as_secs_f64().max(1e-9);
            let (memory, iterations) = (cost.memory_kib, cost.iterations);
            let mark = if *fits { "" } else { "  more than wanted" };
            writeln!(
                out,
                "{memory:>10}  {iterations:>10}  {alone:>4.0} ms  {together:>5.0} ms  {all:>9} MiB  {rate:>15.1}{mark}"
            )?;
        }
        let Some(Proposal { cost, fits, .. }) = proposals.first() else { return Ok(()) };
        let why = if *fits {
            "the most memory that fits"
        } else {
            "the least that OWASP holds for safe, though it is more than wanted"
        };
        writeln!(out, "\n# For front.toml: {why}.\n[passwords]")?;
        writeln!(out, "memory_kib = {}\niterations = {}\nlanes = 1", cost.memory_kib, cost.iterations)?;
        writeln!(out, "hash_threads = {threads}")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::hash::Cost;
    use crate::hash::calibrate::Took;

    #[test]
    fn the_parameters_to_write_stand_below_what_was_measured() {
        let row = |memory_kib, iterations, millis, fits| Proposal {
            cost: Cost { memory_kib, iterations, lanes: 1 },
            took: Took { alone: Duration::from_millis(millis), together: Duration::from_millis(millis + 40) },
            fits,
        };
        let wanted = Calibrate { target: Length::millis(250), threads: None, memory: 512 };
        let mut out = Vec::new();
        wanted.write(&[row(262_144, 1, 190, true), row(135_168, 2, 205, true)], 2, &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
        argon2id here, 2 at a time; wanted: 250ms and 512 MiB for all

        memory_kib  iterations    alone  together  memory of all  hashes a second
            262144           1   190 ms    230 ms        512 MiB              8.7
            135168           2   205 ms    245 ms        264 MiB              8.2

        # For front.toml: the most memory that fits.
        [passwords]
        memory_kib = 262144
        iterations = 1
        lanes = 1
        hash_threads = 2
        ");
    }
}
