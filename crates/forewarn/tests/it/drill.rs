//! A drill as a newcomer runs it: to its end, and ended early; nothing of it is left either way. Real
//! processes and real time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rig::until;
use serde_json::Value;

use crate::schema::is_valid;
use crate::workbench::Workbench;

const SCHEMA: &str = include_str!("../../../../schema/drill-v1.json");
/// How long the caretaker may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A drill whose rooms lie in the bench.
fn drill(bench: &Workbench, arguments: &[&str]) -> Command {
    let mut command = bench.command(&["drill"]);
    command.args(arguments).env("TMPDIR", bench.path(""));
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// Processes whose command line names the bench.
fn processes(bench: &Workbench) -> Vec<String> {
    let home = bench.path("forewarn-").display().to_string();
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(&home)).collect()
}

fn nothing_is_left(bench: &Workbench) {
    let gone = || bench.names().is_empty() && processes(bench).is_empty();
    assert!(until(PATIENCE, gone).is_some(), "left: {:?} {:?}", bench.names(), processes(bench));
}

/// The promises speak of a machine that has time for the service: a busy one gets a second try.
#[test]
#[ignore = "more than a minute, and it needs a machine that is not busy: `cargo xtask test --all` runs it"]
fn every_promise_holds_and_the_outcome_is_as_published() {
    let bench = Workbench::with(&[]);
    let mut outcome = String::new();
    for seed in ["1", "2"] {
        let output = drill(&bench, &["--format", "json", "--seed", seed]).output().unwrap();
        nothing_is_left(&bench);
        outcome = String::from_utf8(output.stdout).unwrap();
        if output.status.success() {
            break;
        }
        outcome += &String::from_utf8_lossy(&output.stderr);
    }
    let drill: Value = serde_json::from_str(&outcome).unwrap_or_else(|error| panic!("{error}: {outcome}"));
    assert!(drill["held"] == true && drill["cause"] == "front.toml:20", "{outcome}");
    is_valid(SCHEMA, &drill);
}

/// A drill that has begun its first act.
fn begun(bench: &Workbench) -> Child {
    let mut child = drill(bench, &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let found = lines.map_while(Result::ok).any(|line| line.contains("REFUSED"));
    assert!(found, "it never checked the edit");
    child
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn nothing_is_left_of_a_drill_that_is_interrupted() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let bench = Workbench::with(&[]);
        let mut child = begun(&bench);
        assert!(!processes(&bench).is_empty(), "or this test looks for the wrong thing");
        signal(&child, name);
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(code));
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "error: the drill: was stopped\nhelp: nothing is left of it; run it again\n");
        assert!(bench.names().is_empty() && processes(&bench).is_empty());
    }
}

#[test]
fn nothing_is_left_of_a_drill_that_is_killed() {
    let bench = Workbench::with(&[]);
    let mut child = begun(&bench);
    assert!(!bench.names().is_empty() && !processes(&bench).is_empty());
    signal(&child, "KILL");
    child.wait().unwrap();
    nothing_is_left(&bench);
}
