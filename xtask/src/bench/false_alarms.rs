//! `cargo xtask bench false-alarms [--years N] [--threads N]`: how often the watch raises an alarm where
//! nothing is wrong, whether it takes a fault for over that goes on, and what a load that moves over the
//! day does to both. On virtual time, through the product's own step function: plans of 24 services, their
//! looks as the daemon journals them, and what is told is what counts. Beside it Prometheus' usual rules on
//! the same counts. Writes docs/bench/false-alarms.md.
//!
//! A year of 24 services takes about two minutes of a core; the bar is one of ten.

mod day;
mod faults;
mod installation;
mod learnt;
mod moving;
mod prometheus;
mod share;
mod steady;

use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use installation::SERVICES;

use super::target_directory;
use crate::{print, say};

/// Seconds of a year.
const YEAR: f64 = 31_557_600.0;
const PAGE: &str = "docs/bench/false-alarms.md";

pub(super) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let asked = Asked::read(arguments)
        .ok_or("cargo xtask bench false-alarms [--years N] [--threads N], of 0.001 to 1000 years")?;
    if cfg!(debug_assertions) {
        say("building xtask in release");
        super::succeed(Command::new("cargo").args(["build", "--release", "-p", "xtask"]))?;
        let mut again = Command::new(target_directory().join("release/xtask"));
        let status = again.args(["bench", "false-alarms"]).args(arguments).status();
        let is_met = status.map_err(|error| error.to_string())?.success();
        return Ok(if is_met { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let mut page = Page::default();
    page.line("# False alarms");
    page.line("");
    page.line(&format!(
        "`cargo xtask bench false-alarms --years {}`, {}; {}; {}.",
        asked.years,
        word_of(Command::new("date").arg("+%F")),
        word_of(Command::new("rustc").arg("--version")),
        format_args!("forewarn {}", env!("CARGO_PKG_VERSION")),
    ));
    page.line("Virtual time, one look a second, requests and failures drawn by seeds. Every look and every delivery");
    page.line("goes through the watch's own `step`, as the daemon journals them; counted is what it tells.");
    let parts = [steady::run, faults::run, moving::run, day::run].map(|part| part(asked, &mut page));
    std::fs::write(PAGE, &page.text).map_err(|error| format!("{PAGE}: {error}"))?;
    Ok(if parts.into_iter().all(|met| met) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is printed and written.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        print(line);
        self.text.push_str(line);
        self.text.push('\n');
    }
}

fn word_of(command: &mut Command) -> String {
    let output = command.output();
    output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What was asked for.
#[derive(Debug, Clone, Copy)]
struct Asked {
    years: f64,
    threads: usize,
}

impl Asked {
    fn read(arguments: &[String]) -> Option<Self> {
        let mut asked = Self { years: 1.0, threads: 2 };
        let mut arguments = arguments.iter();
        while let Some(flag) = arguments.next() {
            let value = arguments.next()?;
            match flag.as_str() {
                "--years" => {
                    asked.years = value.parse().ok().filter(|years| (0.001..=1000.0).contains(years))?
                }
                "--threads" => {
                    asked.threads = value.parse().ok().filter(|threads| (1..=256).contains(threads))?
                }
                _ => return None,
            }
        }
        Some(asked)
    }

    /// Does each piece of work, some at a time; results in the order of the work.
    fn in_threads<W: Sync, R: Send>(self, what: &str, work: &[W], one: impl Fn(&W) -> R + Sync) -> Vec<R> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..self.threads.min(work.len()) {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(piece) = work.get(at) else { return };
                        let result = one(piece);
                        let mut done = done.lock().expect("bug: a thread panicked");
                        done.push((at, result));
                        say(&format!("{what}: {} of {}", done.len(), work.len()));
                    }
                });
            }
        });
        let mut done = done.into_inner().expect("bug: a thread panicked");
        done.sort_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

/// A year of an installation, or what is left of the last one: independent of the others.
#[derive(Debug, Clone, Copy)]
struct Piece {
    seed: u64,
    seconds: u64,
}

impl Piece {
    fn of(years: f64) -> Vec<Self> {
        let year = |at: u64| Self { seed: at, seconds: ((years - at as f64).min(1.0) * YEAR) as u64 };
        (0..years.ceil() as u64).map(year).collect()
    }

    /// Goes through its seconds, and tells now and then how far it is.
    fn each_second(&self, what: &str, mut second: impl FnMut(u64)) {
        let part = (self.seconds / 10).max(1);
        let begun = Instant::now();
        for at in 0..self.seconds {
            if at > 0 && at.is_multiple_of(part) {
                let looks = (at * SERVICES as u64) as f64;
                say(&format!(
                    "{what}: year {}: {} % ({:.2} us a look)",
                    self.seed + 1,
                    at * 100 / self.seconds,
                    begun.elapsed().as_secs_f64() * 1e6 / looks,
                ));
            }
            second(at);
        }
    }
}

/// The middle one; "never" where that did not come.
fn median(figures: impl Iterator<Item = Option<u64>>) -> String {
    quantile(figures, 0.5)
}

fn quantile(figures: impl Iterator<Item = Option<u64>>, part: f64) -> String {
    let mut figures: Vec<u64> = figures.map(|figure| figure.unwrap_or(u64::MAX)).collect();
    figures.sort_unstable();
    let last = figures.len().saturating_sub(1);
    match figures.get(((figures.len() as f64 * part) as usize).min(last)) {
        None => String::new(),
        Some(&u64::MAX) => "never".to_owned(),
        Some(figure) => format!("{figure} s"),
    }
}

/// What may be expected where so many came, with 95 %, by the normal approximation of a Poisson count's
/// root, which is good from a few on.
fn poisson_interval(count: u64) -> (f64, f64) {
    let root = |count: f64| count.max(0.0).sqrt();
    let least = (root(count as f64) - 0.98).max(0.0).powi(2);
    (least, (root(count as f64 + 1.0) + 0.98).powi(2))
}
