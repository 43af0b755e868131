//! `cargo xtask bench drill`: the drill again and again, by seed: what is refused, how soon the rest is told,
//! whether an end is claimed while the fault stays, and whether anything is left, also where a drill is
//! interrupted or killed at any second. Writes `docs/bench/drill.md`.
//!
//! `--seeds N`, `--at-once N` and `--interrupts N` say how many, `--program FILE` which program instead of a
//! release build; with any of them but `--at-once` nothing is written.

mod left;
mod report;

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
    /// Ended after so many seconds by a signal of this name.
    Ended(u64, f64, &'static str),
}

/// What became of it.
#[derive(Debug)]
enum Outcome {
    Whole { drill: Option<Box<Drill>>, code: Option<i32>, said: String },
    Ended { code: Option<i32>, gone_after: Duration },
}

/// A drill that was had.
#[derive(Debug)]
struct Had {
    job: Job,
    outcome: Outcome,
    /// What was found of it afterwards: processes and files.
    left: Vec<String>,
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
    let ends = (0..interrupts).map(|number| {
        // Every other one has no chance to tidy up itself.
        let signal = if number % 2 == 0 { "INT" } else { "KILL" };
        Job::Ended(number, draw.between(0.0, COURSE), signal)
    });
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
            let code = waited(&mut child, HANGS)?;
            let json = std::fs::read(&out).map_err(told)?;
            let drill = serde_json::from_slice(&json).ok();
            let said = std::fs::read_to_string(&err).unwrap_or_default();
            Ok((Outcome::Whole { drill, code, said }, left::of(home)))
        }
        Job::Ended(_, after, signal) => {
            std::thread::sleep(Duration::from_secs_f64(after));
            let number = child.id().to_string();
            succeed(Command::new("kill").args(["-s", signal, &number]))?;
            let begun = Instant::now();
            let code = waited(&mut child, HANGS)?;
            while !left::of(home).is_empty() && begun.elapsed() < GONE {
                std::thread::sleep(Duration::from_millis(20));
            }
            Ok((Outcome::Ended { code, gone_after: begun.elapsed() }, left::of(home)))
        }
    }
}

/// Waits for its end; kills what hangs.
fn waited(child: &mut Child, most: Duration) -> Result<Option<i32>, String> {
    let end = Instant::now() + most;
    loop {
        if let Some(status) = child.try_wait().map_err(told)? {
            return Ok(status.code());
        }
        if Instant::now() >= end {
            child.kill().and_then(|()| child.wait()).map_err(told)?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
