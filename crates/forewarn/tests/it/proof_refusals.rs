//! Candidates with which the service does not come up, or does not stay: a verdict where it does with what is
//! in force, and none where it does not either. Real processes, as small as they can be.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;

use serde_json::Value;

use crate::proof_stage::{DIRECTORY, Stage, WELL, file};

/// A test, and candidates that differ from what is in force in a key each.
fn stage(text: &str) -> Stage {
    let stage = Stage::new(text);
    stage.bench.write("small.toml", &DIRECTORY.replace("size = 8", "size = 0"));
    stage.bench.write("fine.toml", &DIRECTORY.replace("size = 8", "size = 9"));
    let two = DIRECTORY.replace("\"800ms\"", "\"900ms\"").replace("size = 8", "size = 0");
    stage.bench.write("two.toml", &two);
    stage
}

/// The exit code, what was said on stderr, and what does not depend on how fast the machine is.
fn told(stage: &Stage, arguments: &[&str]) -> String {
    let arguments = [&["--format", "json", "--budget", "6s"], arguments].concat();
    let (code, stdout, stderr) = stage.ran(&arguments);
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let file = &report["files"][0];
    let mut told = format!("exit {code}\n{stderr}{}", file["verdict"].as_str().unwrap());
    let service = &file["service"];
    if let Some(line) = service["line"].as_str() {
        let _ = write!(told, ", line {}: {line}", service["at"]);
    }
    for run in service["runs"].as_array().into_iter().flatten() {
        let became = match (run["refused"].as_str(), run["stopped"].as_str()) {
            (Some(why), _) => format!("refused: {why}"),
            (None, Some(why)) => format!("not run: {why}"),
            (None, None) => run["seen"]["verdict"].as_str().unwrap().to_owned(),
        };
        let _ = write!(told, "\n  {}: {became}", run["label"].as_str().unwrap());
    }
    told
}

#[test]
fn a_candidate_that_the_service_refuses_has_failed_and_its_line_is_annotated() {
    let stage = stage(&file(&[WELL], ""));
    insta::assert_snapshot!(told(&stage, &["--candidate", "small.toml"]), @r"
    exit 1
    failed, line 8: small.toml:8: database.pool.size = 0 is refused by the service: well: directory.toml:8:8: database.pool.size: 0 is out of range: 1 to 4294967295; 8 in force holds
      candidate: refused: well: directory.toml:8:8: database.pool.size: 0 is out of range: 1 to 4294967295
      current: held
      default: held
    ");
    // Of two lines it is the one that the service names.
    insta::assert_snapshot!(told(&stage, &["--candidate", "two.toml", "--record"]), @r"
    exit 1
    failed, line 8: two.toml:8: database.pool.size = 0 with another change is refused by the service: well: directory.toml:8:8: database.pool.size: 0 is out of range: 1 to 4294967295; what is in force holds
      candidate: refused: well: directory.toml:8:8: database.pool.size: 0 is out of range: 1 to 4294967295
      current: held
      default: held
    ");
    assert_eq!(stage.bench.read("forewarn-tests.json"), None);
    let (code, stdout, _) = stage.ran(&["--candidate", "two.toml", "--format", "github"]);
    let annotation = stdout.split("%0A").next().unwrap();
    insta::assert_snapshot!(format!("exit {code}\n{annotation}"), @r"
    exit 1
    ::error file=two.toml,line=8,title=forewarn test%3A bad input::two.toml:8: database.pool.size = 0 with another change is refused by the service: well: directory.toml:8:8: database.pool.size: 0 is out of range: 1 to 4294967295; what is in force holds
    ");
    let (_, stdout, _) = stage.ran(&["--candidate", "small.toml", "--format", "junit"]);
    let case = stdout.lines().find(|line| line.contains("<failure")).unwrap();
    insta::assert_snapshot!(case.split_once('>').unwrap().0.trim(), @r#"<failure type="refused" message="small.toml:8: database.pool.size = 0 is refused by the service: well: directory.toml:8:8: database.pool.size: 0 is out of range: 1 to 4294967295; 8 in force holds""#);
}

/// A process that does something else where the pool of the configuration that it is given is empty.
fn unless_empty(does: &str, more: &str) -> String {
    format!(
        "name = \"front\"\n\
         command = [\"sh\", \"-c\", \"if grep -q 'size = 0' \\\"$CONFIG\\\"; then {does}; fi; \
         exec '${{forewarn}}' authd directory --config \\\"$CONFIG\\\" >/dev/null 2>&1\"]\n\
         environment = {{ CONFIG = \"${{candidate}}\" }}\n\
         ready = {{ http = \"http://127.0.0.1:${{port.front}}/readyz\" }}\n{more}"
    )
}

#[test]
fn a_candidate_with_which_the_service_is_never_ready_has_failed() {
    let never = unless_empty("echo waiting for a connection; sleep 600", "ready_within = \"900ms\"\n");
    insta::assert_snapshot!(told(&stage(&file(&[&never], "")), &["--candidate", "small.toml"]), @r"
    exit 1
    failed, line 8: small.toml:8: database.pool.size = 0 keeps the service from being ready: front: is not ready after 900ms: http://127.0.0.1:PORT/readyz (waiting for a connection); 8 in force holds
      candidate: refused: front: is not ready after 900ms: http://127.0.0.1:PORT/readyz (waiting for a connection)
      current: held
      default: held
    ");
}

#[test]
fn a_baseline_that_does_not_come_up_either_says_nothing_of_the_candidate() {
    let dies = "name = \"front\"\ncommand = [\"sh\", \"-c\", \"grep size '${candidate}'; exit 3\"]\n\
                ready = { tcp = \"127.0.0.1:${port.front}\" }";
    insta::assert_snapshot!(told(&stage(&file(&[dies], "")), &["--candidate", "fine.toml"]), @r"
    exit 2
    error: front: with what is in force too: ended before it was ready: exit status: 3
      | size = 8
    help: run its command by hand; its log says more
    stopped
    ");
}

#[test]
fn what_befalls_others_is_not_the_candidates_doing() {
    // A process beside the service ends, where the candidate is the one that was proposed.
    let other = "name = \"other\"\ncommand = [\"sh\", \"-c\", \"exit 4\"]\nready = { ended = true }";
    insta::assert_snapshot!(told(&stage(&file(&[WELL, other], "")), &["--candidate", "fine.toml"]), @r"
    exit 2
    error: other: ended with exit status: 4
    help: its log says why
    stopped
    ");
    // A port of its own choice is taken.
    let taken = unless_empty("echo 'bind: Address already in use' >&2; exit 1", "");
    insta::assert_snapshot!(told(&stage(&file(&[&taken], "")), &["--candidate", "small.toml"]), @r"
    exit 2
    error: front: ended before it was ready: exit status: 1
      | bind: Address already in use
    help: end what listens there, or let it listen on ${port.NAME}, which is free
    stopped
    ");
}
