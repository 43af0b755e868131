//! `cargo xtask bench false-alarms [--years N]`: how often the watch raises an alarm where nothing is
//! wrong, and whether it takes a fault for over that goes on. On virtual time, with the product's own
//! tests, thresholds and guards; beside it Prometheus' usual rules on the same counts. Writes
//! docs/bench/false-alarms.md.
//!
//! A year of 24 services takes about a minute on two cores; the bar is one of ten.

mod faults;
mod moving;
mod prometheus;
mod steady;
mod world;

use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::time::Duration;

use watch::plan::{Access, GuardSource, Intake, Mapping, Plan, Reason, Scrape, Targets, Watched};

use super::target_directory;
use crate::{print, say};

/// Looks a year, one a second.
const LOOKS: f64 = 31_557_600.0;
/// Services of an installation.
const SERVICES: usize = 24;
const PAGE: &str = "docs/bench/false-alarms.md";

pub(super) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let years = match arguments {
        [] => 1.0,
        [flag, years] if flag == "--years" => years
            .parse::<f64>()
            .ok()
            .filter(|years| *years > 0.0 && *years <= 1000.0)
            .ok_or("--years takes a number")?,
        _ => return Err("cargo xtask bench false-alarms [--years N]".into()),
    };
    if cfg!(debug_assertions) {
        say("building xtask in release");
        super::succeed(Command::new("cargo").args(["build", "--release", "-p", "xtask"]))?;
        let mut again = Command::new(target_directory().join("release/xtask"));
        let status = again.args(["bench", "false-alarms", "--years", &years.to_string()]).status();
        let is_met = status.map_err(|error| error.to_string())?.success();
        return Ok(if is_met { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let mut page = Page::default();
    page.line("# False alarms");
    page.line("");
    page.line(&format!(
        "`cargo xtask bench false-alarms --years {years}`, {}; {}; {}.",
        word_of(Command::new("date").arg("+%F")),
        word_of(Command::new("rustc").arg("--version")),
        format_args!("forewarn {}", env!("CARGO_PKG_VERSION")),
    ));
    page.line("Virtual time, one look a second, requests and failures drawn by seeds.");
    let parts = [steady::run(years, &mut page), faults::run(&mut page), moving::run(years, &mut page)];
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

/// An installation that tests nothing but the failures of its services.
fn plan(false_alarms: f64) -> Plan {
    let scrape = Scrape {
        targets: vec![Targets::Url("http://127.0.0.1:9100/metrics".into())],
        access: Access::default(),
        mapping: Mapping::default(),
        timeout: Duration::from_millis(500),
        most: 1 << 20,
    };
    let service = Watched {
        name: "login".into(),
        span: model::Span { file: model::FileId(0), start: 0, end: 0 },
        intake: Intake::Scrape(scrape),
        reasons: vec![Reason { name: "error".into(), counts: true }],
        failures: GuardSource::Own,
        by_reason: Vec::new(),
        latency: None,
        pile_up: Vec::new(),
        traffic: None,
        objective: None,
        probe: None,
    };
    Plan {
        false_alarms,
        look: Duration::from_secs(1),
        services: vec![service; SERVICES],
        channels: Vec::new(),
        heartbeat: None,
        audit: None,
        journal: "journal".into(),
        keep: Duration::from_secs(86_400),
        listen: None,
    }
}

/// Does each piece of work, two at a time; results in the order of the work.
fn in_two_threads<W: Sync, R: Send>(what: &str, work: &[W], one: impl Fn(&W) -> R + Sync) -> Vec<R> {
    let next = Mutex::new(0usize);
    let done = Mutex::new(Vec::new());
    let take = || {
        let mut next = next.lock().expect("bug: a thread panicked");
        *next += 1;
        *next - 1
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((at, piece)) = {
                    let at = take();
                    work.get(at).map(|piece| (at, piece))
                } {
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
