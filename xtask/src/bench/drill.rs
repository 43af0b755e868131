//! `cargo xtask bench drill`: the drill again and again, by seed: what is refused, how soon the rest is told,
//! whether an end is claimed while the fault stays, and whether anything is left and the exit code says how it
//! ended, also where a drill is interrupted or killed at any second. Writes `docs/bench/drill.md`.
//!
//! `--seeds N`, `--at-once N` and `--interrupts N` say how many, `--program FILE` which program instead of a
//! release build; with any of them but `--at-once` nothing is written.

mod left;
mod report;

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rig::draw::Draw;
use rig::scratch::Scratch;
use wire::drill::Drill;

use super::service::told;
use super::{succeed, target_directory};
use crate::{print, say};

/// How many drills of each kind, how many at a time, and how many that are ended early.
const SEEDS: u64 = 20;
const AT_ONCE: usize = 4;
const INTERRUPTS: u64 = 20;
/// Everything that is drawn for those follows from it.
const SEED: u64 = 2_023;
/// An early end comes within so many seconds: that is how long a drill takes.
const COURSE: f64 = 55.0;
/// So long may pass until nothing is left of a drill that was ended early.
const GONE: Duration = Duration::from_secs(15);
/// A drill that takes longer hangs.
const HANGS: Duration = Duration::from_secs(300);
/// Where the report is.
const PAGE: &str = "docs/bench/drill.md";

/// One drill to be had.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Job {
    /// To its end, by seed; whether the fault stays.
    Whole(u64, bool),
    /// Ended by a signal after so many seconds.
    Ended(u64, f64, Signal),
}

/// A signal that ends a drill.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Signal {
    name: &'static str,
    number: i32,
}

/// Every other one leaves no chance to tidy up (POSIX.1-2017, `kill`, for the numbers).
const SIGNALS: [Signal; 4] = [
    Signal { name: "INT", number: 2 },
    Signal { name: "KILL", number: 9 },
    Signal { name: "TERM", number: 15 },
    Signal { name: "KILL", number: 9 },
];

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    /// With this exit code; by a signal: 128 and its number, as a shell says it.
    Code(i32),
    /// It hung.
    Never,
}

/// What became of it.
#[derive(Debug)]
enum Outcome {
    Whole { drill: Option<Box<Drill>>, end: End, said: String },
    Ended { end: End, gone_after: Duration },
}

/// A drill that was had.
#[derive(Debug)]
struct Had {
    job: Job,
    outcome: Outcome,
    /// What was found of it afterwards: processes and files.
    left: Vec<String>,
}

impl Had {
    /// Whether the exit code says what happened: 0 that every promise held and 1 that one did not; or the
    /// signal. A drill that was over before its signal came was not ended by it.
    fn is_told_by_its_code(&self) -> bool {
        match (&self.job, &self.outcome) {
            (Job::Whole(..), Outcome::Whole { drill: Some(drill), end, .. }) => {
                *end == End::Code(i32::from(!drill.held))
            }
            (Job::Ended(_, _, signal), Outcome::Ended { end, .. }) => *end == End::Code(128 + signal.number),
            _ => false,
        }
    }
}

pub(super) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let (mut seeds, mut at_once, mut interrupts) = (SEEDS, AT_ONCE, INTERRUPTS);
    let mut program = None;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let value = words.next();
        let number: Option<u64> = value.and_then(|number| number.parse().ok());
        match (word.as_str(), number) {
            ("--program", None) if value.is_some() => program = value.map(PathBuf::from),
            ("--seeds", Some(number)) => seeds = number,
            ("--at-once", Some(number)) => {
                at_once = usize::try_from(number.max(1)).map_err(|e| e.to_string())?
            }
            ("--interrupts", Some(number)) => interrupts = number,
            _ => {
                return Err(
                    "`bench drill` takes --seeds N, --at-once N, --interrupts N and --program FILE".into()
                );
            }
        }
    }
    let usual = (seeds, interrupts) == (SEEDS, INTERRUPTS) && program.is_none();
    let program = match program {
        Some(program) => program,
        None => {
            say("building forewarn in release");
            let build = ["build", "--release", "--quiet", "--locked", "-p", "forewarn"];
            succeed(Command::new("cargo").args(build))?;
            target_directory().join("release/forewarn")
        }
    };
    let program = program.canonicalize().map_err(told)?;
    let scratch = Scratch::new("drills").map_err(told)?;
    let ports = left::listening();
    let mut draw = Draw(SEED);
    let signals = SIGNALS.iter().cycle();
    let ends = (0..interrupts)
        .zip(signals)
        .map(|(number, signal)| Job::Ended(number, draw.between(0.0, COURSE), *signal));
    let whole =
        [false, true].into_iter().flat_map(|stay| (1..=seeds).map(move |seed| Job::Whole(seed, stay)));
    let jobs: Vec<Job> = whole.chain(ends).collect();
    let had = all(&jobs, at_once, &program, scratch.path())?;
    let ports: Vec<u16> = left::listening().into_iter().filter(|port| !ports.contains(port)).collect();
    let (page, met) = report::page(&had, &ports, at_once);
    if usual {
        std::fs::write(PAGE, &page).map_err(|error| format!("{PAGE}: {error}"))?;
        say(&format!("wrote {PAGE}"));
    } else {
        print(&page);
    }
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Has all of them, so many at a time, and gives them in their order.
fn all(jobs: &[Job], at_once: usize, program: &Path, scratch: &Path) -> Result<Vec<Had>, String> {
    let next = Mutex::new(jobs.iter().enumerate());
    let had = Mutex::new(Vec::new());
    let work = || {
        loop {
            let job = next.lock().map_err(|error| error.to_string())?.next();
            let Some((place, &job)) = job else { return Ok(()) };
            let home = scratch.join(place.to_string());
            std::fs::create_dir(&home).map_err(told)?;
            let (outcome, left) = drill(job, program, &home)?;
            let one = Had { job, outcome, left };
            say(&report::line(&one));
            had.lock().map_err(|error| error.to_string())?.push((place, one));
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended
            .map(|ended| ended.unwrap_or_else(|_| Err("a thread failed".into())))
            .collect::<Result<Vec<()>, String>>()
    })?;
    let mut had = had.into_inner().map_err(|error| error.to_string())?;
    had.sort_by_key(|(place, _)| *place);
    Ok(had.into_iter().map(|(_, one)| one).collect())
}

/// Has one, in a temporary directory of its own.
fn drill(job: Job, program: &Path, home: &Path) -> Result<(Outcome, Vec<String>), String> {
    let seed = match job {
        Job::Whole(seed, _) | Job::Ended(seed, ..) => seed.to_string(),
    };
    let (out, err) = (home.with_extension("json"), home.with_extension("err"));
    let file = |path: &PathBuf| std::fs::File::create(path).map_err(told);
    let mut command = Command::new(program);
    command.args(["drill", "--format", "json", "--seed", &seed]).env("TMPDIR", home);
    if let Job::Whole(_, true) = job {
        command.arg("--stay");
    }
    let mut child =
        command.stdin(Stdio::null()).stdout(file(&out)?).stderr(file(&err)?).spawn().map_err(told)?;
    match job {
        Job::Whole(..) => {
            let end = waited(&mut child, HANGS)?;
            let json = std::fs::read(&out).map_err(told)?;
            let drill = serde_json::from_slice(&json).ok();
            let said = std::fs::read_to_string(&err).unwrap_or_default();
            Ok((Outcome::Whole { drill, end, said }, left::of(home)))
        }
        Job::Ended(_, after, signal) => {
            std::thread::sleep(Duration::from_secs_f64(after));
            let number = child.id().to_string();
            succeed(Command::new("kill").args(["-s", signal.name, &number]))?;
            let begun = Instant::now();
            let end = waited(&mut child, HANGS)?;
            while !left::of(home).is_empty() && begun.elapsed() < GONE {
                std::thread::sleep(Duration::from_millis(20));
            }
            Ok((Outcome::Ended { end, gone_after: begun.elapsed() }, left::of(home)))
        }
    }
}

/// Waits for its end; kills what hangs.
fn waited(child: &mut Child, most: Duration) -> Result<End, String> {
    let end = Instant::now() + most;
    loop {
        if let Some(status) = child.try_wait().map_err(told)? {
            let by_signal = status.signal().map(|number| 128 + number);
            return Ok(status.code().or(by_signal).map_or(End::Never, End::Code));
        }
        if Instant::now() >= end {
            child.kill().and_then(|()| child.wait()).map_err(told)?;
            return Ok(End::Never);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_that_does_not_end_by_its_signal_is_not_told_by_its_code() {
        let [interrupted, killed, ..] = SIGNALS;
        for (signal, end, is_told) in [
            (interrupted, End::Code(130), true),
            (interrupted, End::Code(0), false),
            (interrupted, End::Code(137), false),
            (interrupted, End::Never, false),
            (killed, End::Code(137), true),
        ] {
            let outcome = Outcome::Ended { end, gone_after: Duration::ZERO };
            let had = Had { job: Job::Ended(1, 5.0, signal), outcome, left: Vec::new() };
            assert_eq!(had.is_told_by_its_code(), is_told, "{signal:?} {end:?}");
        }
        let outcome = Outcome::Whole { drill: None, end: End::Code(0), said: String::new() };
        assert!(!Had { job: Job::Whole(1, false), outcome, left: Vec::new() }.is_told_by_its_code());
    }
}
