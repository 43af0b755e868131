//! `cargo xtask bench check DIR`: speed and memory of a whole audit as ratios to a bare event pass over
//! the same YAML and to yamllint over the same tree. Both sides in the same run, taking turns.
//!
//! `cargo xtask bench build`: what a newcomer and a rule's author wait for: a cold release build, and
//! the tests linked again after a rule was edited.
//!
//! `cargo xtask bench false-alarms`: how often the watch cries wolf; see there.
//! `cargo xtask bench intake`: lines of a log a second, beside mtail and `wc -l`; see there.
//! `cargo xtask bench proxy`: what the proxy of configuration tests adds, beside HAProxy; see there.
//!
//! `cargo xtask bench search`: what the search of a configuration test finds, and what the test catches.
//!
//! `cargo xtask bench auth` and `cargo xtask bench auth-timing`: the authentication service; see there.
//!
//! `cargo xtask bench detect` and `cargo xtask bench watch`: the watch, beside Prometheus with Alertmanager
//! and alone; see there.
//!
//! `cargo xtask bench drill`: drills by seed, and such as are ended early; see there.
//!
//! `cargo xtask bench keystone`: logins at OpenStack Keystone for several pools and latencies of its
//! database. Writes `docs/bench/keystone.md`; a test of `forewarn` does the work.

mod auc;
mod auth;
mod auth_timing;
mod detect;
mod drill;
mod false_alarms;
mod intake;
mod proxy;
mod search;
mod service;
mod watch;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::{print, say};

/// Rounds of the quick sides; the median counts.
const ROUNDS: usize = 7;
/// Rounds of yamllint, which takes long.
const SLOW_ROUNDS: usize = 5;

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    match arguments {
        [name, dir] if name == "check" => check(Path::new(dir)),
        [name] if name == "build" => build(),
        [name] if name == "keystone" => keystone(),
        [name] if name == "auth" => auth::run(),
        [name] if name == "auth-timing" => auth_timing::run(),
        [name, rest @ ..] if name == "detect" => detect::run(rest),
        [name, rest @ ..] if name == "drill" => drill::run(rest),
        [name, rest @ ..] if name == "false-alarms" => false_alarms::run(rest),
        [name, rest @ ..] if name == "watch" => watch::run(rest),
        [name, rest @ ..] if name == "intake" => intake::run(rest),
        [name, rest @ ..] if name == "search" => search::run(rest),
        [name, rest @ ..] if name == "proxy" => proxy::run(rest),
        [name, rest @ ..] if name == "source" => detect::source(rest),
        [name, dir] if name == "event-pass" => event_pass(Path::new(dir)),
        _ => Err(
            "name a benchmark: check DIR, build, auth, auth-timing, detect, drill, false-alarms, watch, intake, \
             keystone, proxy, or search"
                .into(),
        ),
    }
}

fn check(dir: &Path) -> Result<ExitCode, String> {
    let trees = if dir.join("trees").is_dir() { dir.join("trees") } else { dir.to_path_buf() };
    say("building forewarn and xtask in release");
    let target = target_directory();
    succeed(Command::new("cargo").args(["build", "--release", "-p", "forewarn", "-p", "xtask"]))?;
    let forewarn = target.join("release/forewarn");
    let xtask = target.join("release/xtask");
    let yamllint = yamllint(&target)?;

    let audit = |threads: &str| {
        let mut command = Command::new(&forewarn);
        command.args(["check", "--no-config", "--exit-zero", "--threads", threads]).arg(&trees);
        command
    };
    let events = || {
        let mut command = Command::new(&xtask);
        command.args(["bench", "event-pass"]).arg(&trees);
        command
    };
    let lint = || {
        let mut command = Command::new(&yamllint);
        command.args(["-f", "parsable"]).arg(&trees);
        command
    };
    let (mut audits, mut passes, mut lints, mut peaks) = (vec![], vec![], vec![], vec![]);
    for round in 0..ROUNDS {
        say(&format!("round {} of {ROUNDS}", round + 1));
        passes.push(timed(&mut events())?.0);
        let (time, peak) = timed(&mut audit("1"))?;
        audits.push(time);
        peaks.push(peak);
        if round < SLOW_ROUNDS {
            lints.push(timed(&mut lint())?.0);
        }
    }
    let both_cores = timed(&mut audit("2"))?;
    let (audit, pass, lint) = (median(&mut audits), median(&mut passes), median(&mut lints));
    peaks.sort_unstable();
    let peak = peaks[peaks.len() / 2].max(both_cores.1);
    let (files, bytes) = yaml_files(&trees).iter().fold((0, 0), |(files, bytes), path| {
        (files + 1, bytes + std::fs::metadata(path).map_or(0, |file| file.len()))
    });
    let version = |command: &mut Command| {
        let output = command.output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Some(if text.is_empty() { String::from_utf8_lossy(&output.stderr).trim().to_owned() } else { text })
    };
    let of = |program: &Path| version(Command::new(program).arg("--version")).unwrap_or_default();
    print(&format!("date: {}", version(Command::new("date").arg("+%F")).unwrap_or_default()));
    print(&format!(
        "versions: {}; {}; {}; saphyr-parser {}",
        of(&forewarn),
        of(&yamllint),
        of(Path::new("rustc")),
        locked_version("saphyr-parser")
    ));
    print(&format!(
        "input: {files} YAML files with {bytes} bytes for the event pass; the whole tree for the others"
    ));
    print("| side | median | ratio | bar |");
    print("|---|---:|---:|---:|");
    print(&format!("| bare event pass, 1 thread ({ROUNDS} rounds) | {:.0} ms | 1.0 | |", ms(pass)));
    let times = ms(audit) / ms(pass);
    print(&format!(
        "| forewarn check, 1 thread ({ROUNDS} rounds) | {:.0} ms | {times:.1} x the event pass | 6 x |",
        ms(audit)
    ));
    let faster = ms(lint) / ms(audit);
    print(&format!(
        "| yamllint ({SLOW_ROUNDS} rounds) | {:.0} ms | {faster:.1} x forewarn | 30 x |",
        ms(lint)
    ));
    print(&format!("| forewarn check, 2 threads (once) | {:.0} ms | | |", ms(both_cores.0)));
    print(&format!("peak memory of forewarn check: {:.1} MB; bar 120 MB", peak as f64 / 1e6));
    let met = times <= 6.0 && faster >= 30.0 && peak <= 120_000_000;
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn build() -> Result<ExitCode, String> {
    let cold = target_directory().join("bench-cold");
    let _ = std::fs::remove_dir_all(&cold);
    succeed(Command::new("cargo").args(["fetch", "--locked", "--quiet"]))?;
    say("cold release build");
    let start = Instant::now();
    succeed(
        Command::new("cargo")
            .args(["build", "--release", "--locked", "--quiet", "-p", "forewarn", "--target-dir"])
            .arg(&cold),
    )?;
    let release = start.elapsed();
    let _ = std::fs::remove_dir_all(&cold);

    let rule = Path::new("crates/rules/src/retry_amplification.rs");
    let text = std::fs::read(rule).map_err(|error| format!("{}: {error}", rule.display()))?;
    let mut edits = Vec::new();
    for round in 0..=SLOW_ROUNDS {
        say(&format!("edit of a rule, round {round} of {SLOW_ROUNDS}"));
        // The same text again: a new time stamp is an edit to cargo, and the tree stays clean.
        std::fs::write(rule, &text).map_err(|error| error.to_string())?;
        let start = Instant::now();
        succeed(Command::new("cargo").args(["test", "--locked", "--quiet", "-p", "rules", "--no-run"]))?;
        let alone = start.elapsed();
        succeed(Command::new("cargo").args(["test", "--locked", "--quiet", "-p", "audit", "--no-run"]))?;
        // The first round builds what was never built.
        if round > 0 {
            edits.push((alone, start.elapsed()));
        }
    }
    let mut alone: Vec<Duration> = edits.iter().map(|&(alone, _)| alone).collect();
    let mut with_pages: Vec<Duration> = edits.iter().map(|&(_, both)| both).collect();
    let (alone, with_pages) = (median(&mut alone), median(&mut with_pages));
    let lock = std::fs::read_to_string("Cargo.lock").map_err(|error| format!("Cargo.lock: {error}"))?;
    let packages = lock.lines().filter(|line| *line == "[[package]]").count();
    print("| what | figure | bar |");
    print("|---|---:|---:|");
    print(&format!("| cold release build | {:.0} s | 480 s |", release.as_secs_f64()));
    print(&format!("| locked packages, ours included | {packages} | 350 |"));
    print(&format!(
        "| edit of a rule to its unit tests, linked (median of {SLOW_ROUNDS}) | {:.1} s | 10 s |",
        alone.as_secs_f64()
    ));
    print(&format!(
        "| ... and to its executed page, linked (median of {SLOW_ROUNDS}) | {:.1} s | 10 s |",
        with_pages.as_secs_f64()
    ));
    let met = release.as_secs() <= 480 && packages <= 350 && with_pages.as_secs_f64() <= 10.0;
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn keystone() -> Result<ExitCode, String> {
    const PAGE: &str = "docs/bench/keystone.md";
    let skipped = std::env::temp_dir().join(format!("forewarn-skipped-{}", std::process::id()));
    let mut test = Command::new("cargo");
    test.args(["test", "--locked", "--package", "forewarn", "--test", "it", "--", "--ignored", "keystone"]);
    // In sight: a cell that was never as expected is told with all its tries.
    let status = test.env("FOREWARN_BLESS", "1").env("FOREWARN_SKIPPED", &skipped).status();
    let passed = status.map_err(|error| format!("cargo: {error}"))?.success();
    // A test that lacks something passes; here it was to measure.
    if let Some(line) = crate::test::skipped_lines(&skipped).first() {
        return Err(line.clone());
    }
    if !passed {
        return Ok(ExitCode::FAILURE);
    }
    print(&std::fs::read_to_string(PAGE).map_err(|error| format!("{PAGE}: {error}"))?);
    Ok(ExitCode::SUCCESS)
}

/// The version of a package that the workspace locks.
fn locked_version(package: &str) -> String {
    let lock = std::fs::read_to_string("Cargo.lock").unwrap_or_default();
    let named = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != named);
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = "));
    version.unwrap_or("unknown").trim_matches('"').to_owned()
}

/// The version that is compared with; another one is another bar.
const YAMLLINT: &str = "yamllint==1.38.0";

/// The other side: every YAML file read and turned into events, nothing more.
fn event_pass(trees: &Path) -> Result<ExitCode, String> {
    let (mut events, mut broken) = (0u64, 0u64);
    for path in yaml_files(trees) {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let mut parser = saphyr_parser::Parser::new_from_str(&text);
        while let Some(event) = parser.next_event() {
            match event {
                Ok(_) => events += 1,
                Err(_) => {
                    broken += 1;
                    break;
                }
            }
        }
    }
    print(&format!("{events} events, {broken} files with a syntax error"));
    Ok(ExitCode::SUCCESS)
}

fn yaml_files(trees: &Path) -> Vec<PathBuf> {
    let mut open = vec![trees.to_path_buf()];
    let mut files = Vec::new();
    while let Some(directory) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push(path),
                Ok(kind) if kind.is_file() && is_yaml(&path) => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    files
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Runs a command to its end; gives wall time and peak resident memory in bytes.
fn timed(command: &mut Command) -> Result<(Duration, u64), String> {
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    // The kernel keeps the high-water mark; reading it often enough loses only the last moment.
    loop {
        if let Ok(status) = std::fs::read_to_string(&status_file)
            && let Some(line) = status.lines().find(|line| line.starts_with("VmHWM:"))
            && let Some(kilobytes) = line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok())
        {
            peak = peak.max(kilobytes * 1024);
        }
        match child.try_wait() {
            // yamllint ends with 1 where it finds something; a crash ends with more.
            Ok(Some(status)) if status.code().is_some_and(|code| code <= 1) => {
                return Ok((start.elapsed(), peak));
            }
            Ok(Some(status)) => return Err(format!("{command:?}: {status}")),
            Ok(None) => std::thread::sleep(Duration::from_millis(1)),
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn median_of(figures: &mut [f64]) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// yamllint from PyPI in an environment of its own below the target directory.
fn yamllint(target: &Path) -> Result<PathBuf, String> {
    let home = target.join("yamllint");
    let program = home.join("bin/yamllint");
    if !program.exists() {
        say("installing yamllint from PyPI below the target directory");
        succeed(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
        succeed(Command::new(home.join("bin/pip")).args(["install", "--quiet", YAMLLINT]))?;
    }
    Ok(program)
}

pub(crate) fn succeed(command: &mut Command) -> Result<(), String> {
    match command.stdout(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

pub(crate) fn target_directory() -> PathBuf {
    std::env::var("CARGO_TARGET_DIR").map_or_else(|_| PathBuf::from("target"), PathBuf::from)
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or(program).to_owned()
}

/// Builds a target of `benches/`, optimised; where it is.
fn optimised(package: &str, name: &str) -> Result<PathBuf, String> {
    say(&format!("building `{name}` of {package}"));
    let output = Command::new("cargo")
        .args(["bench", "--quiet", "--locked", "-p", package, "--bench", name])
        .args(["--no-run", "--message-format=json"])
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    let built = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from));
    built.ok_or_else(|| format!("cargo built no bench target `{name}`"))
}
