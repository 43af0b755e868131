//! A drill as a newcomer runs it: to its end, and ended early; nothing of it is left either way. Real
//! processes and real time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rig::scratch::Scratch;
use rig::until;
use serde_json::Value;

use crate::schema::is_valid;

const SCHEMA: &str = include_str!("../../../../schema/drill-v1.json");
/// How long the caretaker may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where drills have their rooms. PostgreSQL, which never runs as root, must be able to go there.
fn home() -> Scratch {
    Scratch::new("drill").unwrap()
}

fn drill(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forewarn"));
    command
        .arg("drill")
        .args(arguments)
        .current_dir(home)
        .env_clear()
        .env("TMPDIR", home)
        .stdin(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// Whether PostgreSQL is here; where it is not, says that a test did not run.
fn postgres(test: &str) -> bool {
    let on_path = Command::new("initdb").arg("--version").output().is_ok();
    let debian = std::fs::read_dir("/usr/lib/postgresql").is_ok_and(|versions| versions.count() > 0);
    if !(on_path || debian) {
        rig::skip::skipped(test, "PostgreSQL is not installed (needs initdb)");
    }
    on_path || debian
}

/// Command lines of processes that name a room below the directory or lie in one.
fn processes(home: &Path) -> Vec<String> {
    let inside = format!("{}/forewarn-", home.display());
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let line = |process: PathBuf| {
        let line = std::fs::read(process.join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let lies_in = std::fs::read_link(process.join("cwd")).is_ok_and(|at| at.starts_with(home));
        (lies_in || line.contains(&inside)).then_some(line)
    };
    all.filter_map(|entry| line(entry.path())).collect()
}

fn files(home: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn nothing_is_left(home: &Path) {
    let gone = || files(home).is_empty() && processes(home).is_empty();
    assert!(until(PATIENCE, gone).is_some(), "left: {:?} {:?}", files(home), processes(home));
}

/// A drill to its end. Delays and arrivals follow from the seed and nothing runs beside it
/// (`.config/nextest.toml`): no promise may fail, and none gets a second try. Where sign-ins failed before any
/// edit, the outcome says that this machine had no time for them.
fn every_promise_holds(arguments: &[&str]) {
    let home = home();
    let mut command = drill(home.path(), &["--format", "json", "--seed", "1"]);
    let output = command.args(arguments).output().unwrap();
    nothing_is_left(home.path());
    let outcome = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    let drill: Value = serde_json::from_str(&outcome).unwrap_or_else(|error| panic!("{error}: {outcome}"));
    let broken: Vec<&Value> =
        drill["promises"].as_array().unwrap().iter().filter(|promise| promise["held"] != true).collect();
    assert!(broken.is_empty() && output.status.success(), "{broken:#?}\n{outcome}");
    is_valid(SCHEMA, &drill);
}

#[test]
#[ignore = "more than a minute: `cargo xtask test --all` runs it"]
fn every_promise_holds_and_the_outcome_is_as_published() {
    every_promise_holds(&[]);
}

#[test]
#[ignore = "more than a minute: `cargo xtask test --all` runs it"]
fn every_promise_holds_with_postgresql_too() {
    if postgres("every_promise_holds_with_postgresql_too") {
        every_promise_holds(&["--postgres"]);
    }
}

/// A drill that has begun its first act.
fn begun(home: &Path, arguments: &[&str]) -> Child {
    let mut command = drill(home, arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let found = lines.map_while(Result::ok).any(|line| line.contains("REFUSED"));
    assert!(found, "it never checked the edit");
    child
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// Ends a drill by a signal; gives its exit code and what it said.
fn ended(mut child: Child, by: &str) -> (Option<i32>, String) {
    signal(&child, by);
    let status = child.wait().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (status.code(), said)
}

const STOPPED: &str = "error: the drill: was stopped\nhelp: nothing is left of it; run it again\n";

#[test]
fn nothing_is_left_of_a_drill_that_is_interrupted() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let home = home();
        let child = begun(home.path(), &[]);
        assert!(!processes(home.path()).is_empty(), "or this test looks for the wrong thing");
        assert_eq!(ended(child, name), (Some(code), STOPPED.to_owned()));
        assert!(files(home.path()).is_empty() && processes(home.path()).is_empty());
    }
}

#[test]
fn nothing_is_left_of_a_drill_that_is_killed() {
    let home = home();
    let child = begun(home.path(), &[]);
    assert!(!files(home.path()).is_empty() && !processes(home.path()).is_empty());
    ended(child, "KILL");
    nothing_is_left(home.path());
}

/// The number of the shared memory of every PostgreSQL below a directory: `postmaster.pid` names it in its
/// seventh line, behind its key.
fn shared_memory(home: &Path) -> Vec<String> {
    let number = |room: PathBuf| {
        let lines = std::fs::read_to_string(room.join("database/data/postmaster.pid")).ok()?;
        lines.lines().nth(6)?.split_whitespace().nth(1).map(str::to_owned)
    };
    files(home).into_iter().filter_map(number).collect()
}

/// Those of them that are there (`proc_sysvipc(5)`).
fn is_there(number: &str) -> bool {
    let table = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    table.lines().any(|line| line.split_whitespace().nth(1) == Some(number))
}

#[test]
fn the_directory_asks_postgresql_where_that_is_wanted_and_nothing_of_it_is_left() {
    if !postgres("the_directory_asks_postgresql_where_that_is_wanted_and_nothing_of_it_is_left") {
        return;
    }
    for (name, code, said) in [("INT", Some(130), STOPPED), ("KILL", None, "")] {
        let home = home();
        let child = begun(home.path(), &["--postgres"]);
        let memory = shared_memory(home.path());
        assert!(!memory.is_empty() && memory.iter().all(|number| is_there(number)), "{memory:?}");
        let asks = |line: &String| line.starts_with("postgres: authd postgres 127.0.0.1(");
        assert!(processes(home.path()).iter().any(asks), "{:#?}", processes(home.path()));
        assert_eq!(ended(child, name), (code, said.to_owned()));
        nothing_is_left(home.path());
        assert_eq!(memory.iter().filter(|number| is_there(number)).count(), 0);
    }
}
