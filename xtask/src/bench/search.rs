//! `cargo xtask bench search`: the search for the smallest safe value on the shipped example, seed by seed,
//! against the value that is computed from the latency that is replayed; and what the example's test makes of
//! a configuration that is broken in known ways. Writes `docs/bench/search.md`.
//!
//! `--seeds N` says how many seeds, `--program FILE` which program instead of a release build; with either of
//! them nothing is written.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use serde_json::Value;

use super::service::told;
use super::{succeed, target_directory};
use crate::{print, say};

/// Where the report is.
const PAGE: &str = "docs/bench/search.md";
/// The test, and the edit that it refuses.
const TEST: &str = "examples/auth-timeout/auth.test.toml";
const CANDIDATE: &str = "examples/auth-timeout/candidate.toml";
/// For the runs of the candidate and of what is in force, which are not what is measured here.
const BUDGET: &str = "20s";
/// Seeds where nobody says how many.
const SEEDS: u64 = 10;
/// How far the value may lie from the computed one, as a part of it, and in how many of ten seeds it must
/// not lie further.
const OFF: f64 = 0.2;
const NEAR_OF_TEN: f64 = 0.9;
/// How long a test with its search may take, in seconds.
const LONGEST: f64 = 180.0;
/// The share of mutations that change behaviour which must be caught.
const CAUGHT: f64 = 0.9;

pub(super) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let (mut seeds, mut program) = (SEEDS, None);
    for option in arguments.chunks(2) {
        match option {
            [name, number] if name == "--seeds" => {
                seeds = number.parse().ok().filter(|seeds| *seeds > 0).ok_or("--seeds takes a number")?;
            }
            [name, file] if name == "--program" => program = Some(PathBuf::from(file)),
            _ => return Err("`bench search` takes --seeds N and --program FILE".into()),
        }
    }
    let is_usual = seeds == SEEDS && program.is_none();
    let program = match program {
        Some(program) => program,
        None => {
            say("building forewarn in release");
            let build = ["build", "--quiet", "--locked", "--release", "-p", "forewarn"];
            succeed(Command::new("cargo").args(build))?;
            target_directory().join("release/forewarn")
        }
    };
    let mut searches = Vec::new();
    for seed in 1..=seeds {
        let search = Search::of(&program, seed)?;
        say(&format!("seed {seed}: {} s, {}", search.seconds as u64, search.line));
        searches.push(search);
    }
    let mutations = Mutations::had(&program)?;
    let (page, met) = page(&searches, &mutations);
    if is_usual {
        std::fs::write(PAGE, page).map_err(|error| format!("{PAGE}: {error}"))?;
        say(&format!("wrote {PAGE}"));
    } else {
        print(&page);
    }
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a test says, and how long it took in seconds.
fn tested(program: &Path, arguments: &[&str]) -> Result<(Value, f64), String> {
    let began = Instant::now();
    let output = Command::new(program).args(["test", TEST, "--format", "json"]).args(arguments).output();
    let output = output.map_err(told)?;
    let seconds = began.elapsed().as_secs_f64();
    let report: Value = serde_json::from_slice(&output.stdout).map_err(|error| {
        format!("the test said no JSON: {error}: {}", String::from_utf8_lossy(&output.stderr))
    })?;
    let service = report.pointer("/files/0/service").cloned();
    let why = || format!("the test could not be run: {}", String::from_utf8_lossy(&output.stderr));
    Ok((service.ok_or_else(why)?, seconds))
}

/// One search.
struct Search {
    seed: u64,
    line: String,
    /// What was found with its interval, in seconds.
    found: Option<[f64; 3]>,
    computed: f64,
    safe: String,
    people: u64,
    values: usize,
    side_by_side: u64,
    /// Trials that were made again, since the machine was busy.
    disturbed: u64,
    /// The search alone, in seconds.
    alone: f64,
    /// All of the test, in seconds.
    seconds: f64,
}

impl Search {
    fn of(program: &Path, seed: u64) -> Result<Self, String> {
        let seed_word = seed.to_string();
        let asked = ["--candidate", CANDIDATE, "--search", "--budget", BUDGET, "--seed", &seed_word];
        let (service, seconds) = tested(program, &asked)?;
        let search = service.get("search").ok_or("the test searched nothing")?;
        let number = |key: &str| search.get(key).and_then(Value::as_f64);
        let count = |key: &str| search.get(key).and_then(Value::as_u64).unwrap_or(0);
        let tried = search.get("tried").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let found = number("smallest_seconds").zip(number("smallest_low_seconds"));
        let found = found.zip(number("smallest_high_seconds")).map(|((value, low), high)| [value, low, high]);
        let safe = number("safe_seconds").zip(search.get("safe_verdict").and_then(Value::as_str));
        Ok(Self {
            seed,
            line: search.get("line").and_then(Value::as_str).unwrap_or_default().to_owned(),
            found,
            computed: number("predicted_seconds").ok_or("nothing was computed")?,
            safe: safe.map_or(String::new(), |(value, verdict)| format!("{} ({verdict})", ms(value))),
            people: tried.iter().filter_map(|tried| tried.get("people")?.as_u64()).sum(),
            values: tried.len(),
            side_by_side: count("side_by_side"),
            disturbed: count("disturbed"),
            alone: number("seconds").unwrap_or(0.0),
            seconds,
        })
    }

    /// The value that was found, as a part of the computed one.
    fn ratio(&self) -> Option<f64> {
        self.found.map(|[value, ..]| value / self.computed)
    }

    fn is_near(&self) -> bool {
        self.ratio().is_some_and(|ratio| (ratio - 1.0).abs() <= OFF)
    }
}

/// The example's own configuration, broken.
struct Mutations {
    line: String,
    all: Vec<[String; 5]>,
    /// The share caught of those that change behaviour.
    share: f64,
    seconds: f64,
}

impl Mutations {
    fn had(program: &Path) -> Result<Self, String> {
        say("breaking the configuration that holds");
        let (service, seconds) = tested(program, &["--mutate"])?;
        let mutations = service.get("mutations").ok_or("nothing was broken")?;
        let all: Vec<[String; 5]> = mutations
            .get("all")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|one| {
                ["key", "before", "after", "fate", "why"]
                    .map(|key| one.get(key).and_then(Value::as_str).unwrap_or_default().to_owned())
            })
            .collect();
        let of = |fate: &str| all.iter().filter(|one| one[3] == fate).count();
        let (caught, missed) = (of("caught") + of("refused"), of("missed"));
        let line = mutations.get("line").and_then(Value::as_str).unwrap_or_default().to_owned();
        say(&line);
        let share = caught as f64 / (caught + missed).max(1) as f64;
        Ok(Self { line, all, share, seconds })
    }
}

fn ms(seconds: f64) -> String {
    format!("{:.0} ms", seconds * 1000.0)
}

fn version(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

/// The page, and whether every bar was met.
fn page(searches: &[Search], mutations: &Mutations) -> (String, bool) {
    let near = searches.iter().filter(|search| search.is_near()).count();
    let longest = searches.iter().map(|search| search.seconds).fold(0.0, f64::max);
    let is_near = near as f64 >= NEAR_OF_TEN * searches.len() as f64;
    let bars = [
        (
            format!("seeds whose value is within {:.0} % of the computed one", OFF * 100.0),
            format!("{near} of {}", searches.len()),
            "9 of 10".to_owned(),
            is_near,
        ),
        (
            "longest test with its search".to_owned(),
            format!("{longest:.0} s"),
            format!("{LONGEST:.0} s"),
            longest <= LONGEST,
        ),
        (
            "mutations that change behaviour and are caught".to_owned(),
            format!("{:.0} %", mutations.share * 100.0),
            format!("{:.0} %", CAUGHT * 100.0),
            mutations.share >= CAUGHT,
        ),
    ];
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let mut page = String::from(
        "# The smallest safe value, and what the test of the example catches\n\n\
         What `cargo xtask bench search` wrote: `forewarn test examples/auth-timeout/auth.test.toml` with\n\
         `--candidate examples/auth-timeout/candidate.toml --budget 20s --search`, once for each seed, and with\n\
         `--mutate`. A search takes two minutes at most, whatever the budget of the runs before it is.\n\
         50 people a second; 99.5 % must succeed; one call to the directory each, whose measured latency is\n\
         replayed. The computed value is where that latency leaves 0.5 % above it.\n\n",
    );
    let _ = writeln!(page, "- date: {}", version("date", "+%F"));
    let _ = writeln!(
        page,
        "- {}; {processors} processors, shared with other work",
        version("rustc", "--version")
    );
    page.push_str("\n## Bars\n\n| what | figure | bar | |\n|---|---:|---:|---|\n");
    for (what, figure, bar, met) in &bars {
        let _ =
            writeln!(page, "| {what} | {figure} | {bar} | {} |", if *met { "met" } else { "**not met**" });
    }
    page.push_str(
        "\n## The search\n\n| seed | found | 95 % interval | computed | ratio | called safe | people | values | side by side | made again | search | whole test |\n\
         |---:|---:|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for search in searches {
        let (found, interval) = match search.found {
            Some([value, low, high]) => (ms(value), format!("{} to {}", ms(low), ms(high))),
            None => ("none".to_owned(), String::new()),
        };
        let ratio = search.ratio().map_or(String::new(), |ratio| format!("{ratio:.2}"));
        let _ = writeln!(
            page,
            "| {} | {found} | {interval} | {} | {ratio} | {} | {} | {} | {} | {} | {:.0} s | {:.0} s |",
            search.seed,
            ms(search.computed),
            search.safe,
            search.people,
            search.values,
            search.side_by_side,
            search.disturbed,
            search.alone,
            search.seconds
        );
    }
    let _ = write!(
        page,
        "\n## Mutations\n\n{}. All of it took {:.0} s.\n\n\
         Whether a mutation changes behaviour is measured without asking the verdict: the share of people who\n\
         fail, calls and connections of each person at the directory, and durations, each compared with the run\n\
         that held with a chance of 1 in 1000 to call different what is not.\n\n\
         | key | was | is | | why |\n|---|---|---|---|---|\n",
        mutations.line, mutations.seconds
    );
    for [key, before, after, fate, why] in &mutations.all {
        let fate = if fate == "equal" { "changes nothing here" } else { fate };
        let _ = writeln!(page, "| `{key}` | {before} | {after} | {fate} | {} |", why.replace('|', "\\|"));
    }
    (page, bars.iter().all(|(.., met)| *met))
}
