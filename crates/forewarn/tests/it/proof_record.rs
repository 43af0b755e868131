//! `forewarn test --record` and what `forewarn check` makes of it, with real processes: as long as the files
//! are those that were tested, a finding says that the test held, and no longer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;

use audit::{RECORD_NAME, Record, sha256};
use regex::Regex;
use serde_json::Value;
use wire::recorded::{Held, Input};

use crate::workbench::Workbench;

/// The sign-in of the examples, where an answer of the directory is awaited for 300 ms: `check` finds that a
/// fifth of the sign-ins will fail, and a test that asks for less than that passes.
fn bench() -> Workbench {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/auth-timeout");
    let bench = Workbench::with(&[]);
    for name in ["auth.test.toml", "directory.toml", "forewarn.toml", "front.toml", "observed.toml"] {
        bench.write(name, &std::fs::read_to_string(example.join(name)).unwrap());
    }
    edit(&bench, "auth.test.toml", "99.5%", "60%");
    edit(&bench, "front.toml", "request_timeout = \"1s\"", "request_timeout = \"300ms\"");
    bench
}

fn edit(bench: &Workbench, file: &str, from: &str, to: &str) {
    let text = bench.read(file).unwrap();
    assert!(text.contains(from), "{file}: {from}");
    bench.write(file, &text.replace(from, to));
}

/// Records a run; the exit code, and what is said of the record.
fn recorded(bench: &Workbench, arguments: &[&str]) -> String {
    let mut command = bench.command(&[&["test", "auth.test.toml", "--record"], arguments].concat());
    let output = command.env("PATH", std::env::var_os("PATH").unwrap()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let of_record = |line: &&str| line.contains("record") || line.contains("taken back");
    let said: Vec<&str> = stderr.lines().filter(of_record).collect();
    format!("exit {}: {}", output.status.code().unwrap(), said.join("\n"))
}

/// What `check` says of tests at its findings. The day and the people are those of the run.
fn told(bench: &Workbench) -> String {
    let said = bench.run(&["check", "--rule", "timeout-below-latency"]).stdout;
    let told: Vec<&str> = said.lines().filter_map(|line| line.trim().strip_prefix("= test: ")).collect();
    let told =
        Regex::new("[0-9]{4}-[0-9]{2}-[0-9]{2}").unwrap().replace_all(&told.join("\n"), "DAY").into_owned();
    Regex::new("[0-9]+ people").unwrap().replace_all(&told, "N people").into_owned()
}

#[test]
fn a_finding_says_that_the_test_held_until_what_it_was_made_of_changes() {
    let bench = bench();
    assert_eq!(told(&bench), "");
    insta::assert_snapshot!(recorded(&bench, &[]), @"exit 0: recorded in forewarn-tests.json, by front.toml, auth.test.toml, observed.toml and directory.toml");
    insta::assert_snapshot!(told(&bench), @"tested on DAY: held (N people, seed 1)");
    for (file, from, to) in [
        ("front.toml", "\"300ms\"", "\"310ms\""),
        ("auth.test.toml", "rate = 50", "rate = 40"),
        ("observed.toml", "\"222ms\"", "\"223ms\""),
        ("directory.toml", "\"500ms\"", "\"400ms\""),
    ] {
        let text = bench.read(file).unwrap();
        edit(&bench, file, from, to);
        let changed = format!("tested on DAY: held (N people, seed 1), but {file} has changed since");
        assert_eq!(told(&bench), changed, "{file}");
        bench.write(file, &text);
    }
    assert_eq!(told(&bench), "tested on DAY: held (N people, seed 1)");
}

#[test]
fn each_configuration_that_was_tested_has_its_record() {
    let bench = bench();
    recorded(&bench, &[]);
    let in_force = bench.read("front.toml").unwrap();
    bench.write("new.toml", &in_force.replace("300ms", "310ms"));
    recorded(&bench, &["--candidate", "new.toml", "--seed", "2"]);
    assert_eq!(told(&bench), "tested on DAY: held (N people, seed 1)");
    bench.write("front.toml", &bench.read("new.toml").unwrap());
    assert_eq!(told(&bench), "tested on DAY: held (N people, seed 2)");
    // What was shown at another latency is not shown any more.
    edit(&bench, "observed.toml", "\"222ms\"", "\"223ms\"");
    recorded(&bench, &["--seed", "3"]);
    bench.write("front.toml", &in_force);
    let told = told(&bench);
    assert_eq!(told, "tested on DAY: held (N people, seed 3), but front.toml has changed since");
}

#[test]
fn an_edit_in_its_place_is_held_against_what_was_in_force() {
    let bench = bench();
    let edited = bench.read("front.toml").unwrap();
    bench.write("old.toml", &edited.replace("300ms", "1s"));
    let arguments = ["test", "auth.test.toml", "--current", "old.toml", "--record", "--format", "json"];
    let output = bench.command(&arguments).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let service = &report["files"][0]["service"];
    let said = ["candidate", "current", "changes", "again"].map(|key| format!("{key}: {}\n", service[key]));
    insta::assert_snapshot!(said.concat(), @r#"
    candidate: "front.toml"
    current: "old.toml"
    changes: [{"after":"300ms","before":"1s","key":"directory.request_timeout","line":20}]
    again: "forewarn test auth.test.toml --current old.toml --budget 60s --seed 1"
    "#);
    // What was tested is what lies there.
    assert_eq!(told(&bench), "tested on DAY: held (N people, seed 1)");
}

#[test]
fn what_fails_is_not_recorded_and_takes_back_that_the_same_had_held() {
    let bench = bench();
    edit(&bench, "auth.test.toml", "60%", "99.5%");
    assert_eq!(recorded(&bench, &[]), "exit 1: ");
    assert_eq!(bench.read(RECORD_NAME), None);

    let input =
        |name: &str| Input { path: name.to_owned(), sha256: sha256(bench.read(name).unwrap().as_bytes()) };
    let mut lucky = Record::default();
    lucky.put(Held {
        test: "auth.test.toml".to_owned(),
        candidate: "front.toml".to_owned(),
        date: "2026-11-23".to_owned(),
        forewarn: "0.1.0".to_owned(),
        seed: 1,
        people: 1000,
        good: 1000,
        inputs: ["front.toml", "auth.test.toml", "observed.toml", "directory.toml"].map(input).to_vec(),
    });
    bench.write(RECORD_NAME, &lucky.json());
    assert_eq!(told(&bench), "tested on DAY: held (N people, seed 1)");
    insta::assert_snapshot!(recorded(&bench, &[]), @"exit 1: taken back in forewarn-tests.json: that the same files held");
    assert_eq!(told(&bench), "");
}

#[test]
fn files_that_change_while_the_test_runs_are_not_recorded() {
    let bench = bench();
    let edits = "[[process]]\nname = \"edit\"\ncommand = [\"sh\", \"-c\", \"echo >> ${base}/directory.toml\"]\n\
                 ready = { ended = true }\n\n[[process]]\nname = \"front\"";
    edit(&bench, "auth.test.toml", "[[process]]\nname = \"front\"", edits);
    insta::assert_snapshot!(recorded(&bench, &[]), @"exit 0: nothing is recorded: files of the test were changed while it ran; run it again");
    assert_eq!(bench.read(RECORD_NAME), None);
}

#[test]
fn a_record_that_could_not_be_kept_stops_the_test_before_anything_runs() {
    let bench = bench();
    bench.write(RECORD_NAME, "{\"version\": 1, \"tests\": 3}");
    insta::assert_snapshot!(bench.run(&["test", "auth.test.toml", "--record"]).whole(), @r#"
    exit 2
    --- stdout
    STOPPED auth.test.toml (forewarn-tests.json: 1 mistake)
    --- stderr
    error: a test stands in no list
     --> forewarn-tests.json:1:25
      |
    1 | {"version": 1, "tests": 3}
      |                         ^
      |
      = help: restore the file, or remove it and run `forewarn test --record` again

    1 file: 0 ok, 1 could not be run
    "#);
    let whole = bench.path("observed.toml").display().to_string();
    edit(&bench, "auth.test.toml", "observed.toml", &whole);
    std::fs::remove_file(bench.path(RECORD_NAME)).unwrap();
    let said =
        bench.run(&["test", "auth.test.toml", "--record"]).whole().replace(&whole, "WHOLE/observed.toml");
    insta::assert_snapshot!(said, @r"
    exit 2
    --- stdout
    STOPPED auth.test.toml (auth.test.toml: names WHOLE/observed.toml by its whole path, which says nothing elsewhere)
    --- stderr
    error: auth.test.toml: names WHOLE/observed.toml by its whole path, which says nothing elsewhere
    help: name it relative to the test file, or run without --record
    1 file: 0 ok, 1 could not be run
    ");
}
