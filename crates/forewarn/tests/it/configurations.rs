//! `forewarn test` on the shipped configuration test, as people run it: the real service, its proxy, people.

use std::path::Path;

use regex::Regex;
use serde_json::Value;

use crate::workbench::{Ran, Workbench};

/// The files of the example, its test with something replaced.
fn example(from: &str, to: &str) -> Workbench {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/auth-timeout");
    let bench = Workbench::with(&[]);
    for name in ["auth.test.toml", "candidate.toml", "directory.toml", "front.toml", "observed.toml"] {
        let text = std::fs::read_to_string(directory.join(name)).expect("it is shipped");
        assert!(name != "auth.test.toml" || text.contains(from), "{from}");
        bench.write(name, &text.replace(from, to));
    }
    bench
}

/// What a run printed, with every figure that the moment decides covered, and columns drawn together.
fn masked(ran: &Ran) -> String {
    let figures = Regex::new(r"\d+(?:[ .]\d+)*").expect("an expression");
    let blanks = Regex::new(r" {2,}").expect("an expression");
    let text = figures.replace_all(&ran.stdout, "N").into_owned();
    format!("exit {}\n--- stdout\n{}--- stderr\n{}", ran.code, blanks.replace_all(&text, "  "), ran.stderr)
}

#[test]
fn the_edit_fails_at_the_latency_of_production() {
    // What is in force takes longer to show than this test should take.
    let bench = example("rate = 50", "rate = 100");
    let arguments = ["test", "auth.test.toml", "--candidate", "candidate.toml", "--budget", "12s"];
    let ran = bench.run(&arguments);
    // What is in force may be known or not, and somebody may fail there, as fast as this machine is.
    let text = masked(&ran);
    const OPEN: [&str; 5] = ["current", "default", "not", "timeout", "dependency"];
    let lines = text.lines().filter(|line| !OPEN.contains(&first_word(line)));
    let cut = lines.map(|line| line.split("; Ns in force").next().unwrap_or(line));
    insta::assert_snapshot!(cut.collect::<Vec<_>>().join("\n"), @r"
    exit 1
    --- stdout
    FAILED  auth.test.toml: candidate.toml:N: directory.request_timeout = Nms fails N % of sign-ins (N %: N to N %; N people) at the latency of N:N-N:N UTC, where the latency alone would fail N %

      verdict  people  failed  N %  why  pN  pN  pN  calls at directory
      candidate  failed after N s  N  N %  N to N %  timeout N  N ms  N ms  N ms  N
      overhead  the proxy added N ms to half of N turns, N ms to N % at most, N ms to all
      seed  N
      again  forewarn test auth.test.toml --candidate candidate.toml --budget Ns --seed N
    --- stderr
      a budget of 12 s is too short to show that 99.5 % succeed, even if nobody fails: that takes 1 151 people, 12 s at 100 a second, with the candidate and with what is in force; --budget 29s would do
    1 file: 0 ok, 1 failed
    ");
}

fn first_word(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or("")
}

#[test]
fn the_same_edit_passes_without_latency() {
    let bench = example("answer = { file = \"observed.toml\" }", "");
    // Fewer people show that fewer must succeed.
    let text = bench.read("auth.test.toml").expect("there");
    bench.write("auth.test.toml", &text.replace("99.5%", "97%"));
    let arguments =
        ["test", "auth.test.toml", "--candidate", "candidate.toml", "--budget", "20s", "--format", "json"];
    let ran = bench.run(&arguments);
    let report: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let file = &report["files"][0];
    assert_eq!((ran.code, file["verdict"].as_str()), (0, Some("passed")), "{}", ran.stdout);
    let service = &file["service"];
    assert_eq!(service["changes"][0]["key"], "directory.request_timeout");
    assert_eq!(service["changes"][0]["line"], 20);
    assert_eq!(service["latency"], "without any latency");
}

#[test]
fn what_cannot_be_run_says_where_and_what_to_do() {
    let bench = example("--config\", \"${candidate}\"]", "--config\", \"${candidate}\", \"--nonsense\"]");
    insta::assert_snapshot!(masked(&bench.run(&["test", "auth.test.toml"])), @r"
    exit 2
    --- stdout
    STOPPED auth.test.toml (front: ended before it was ready: exit status: N)
    --- stderr
    error: front: ended before it was ready: exit status: 2
      | error: unexpected argument '--nonsense' found
      |
      | Usage: forewarn authd serve --config <FILE>
      |
      | For more information, try '--help'.
    help: run its command by hand; its log says more
    1 file: 0 ok, 1 could not be run
    ");
    let bench = example("[load]\nrate = 50", "[load]\nrat = 50");
    let ran = bench.run(&["test", "auth.test.toml", "--candidate", "none.toml"]);
    insta::assert_snapshot!(masked(&ran), @r"
    exit 2
    --- stdout
    STOPPED auth.test.toml (auth.test.toml: N mistake)
    --- stderr
    error: [load] has no key `rat`
      --> auth.test.toml:51:1
       |
    51 | rat = 50
       | ^^^
       |
       = help: did you mean `rate`? keys of [load]: `rate`, `at_once`

    1 file: 0 ok, 1 could not be run
    ");
    let bench = example("rate = 50", "rate = 50");
    let ran = bench.run(&["test", "auth.test.toml", "--candidate", "none.toml"]);
    insta::assert_snapshot!(masked(&ran), @r"
    exit 2
    --- stdout
    STOPPED auth.test.toml (none.toml: cannot be read: No such file or directory (os error N))
    --- stderr
    error: none.toml: cannot be read: No such file or directory (os error 2)
    help: name a file with --candidate
    1 file: 0 ok, 1 could not be run
    ");
    bench.write("broken.toml", "[server\n");
    let ran = bench.run(&["test", "auth.test.toml", "--candidate", "broken.toml"]);
    insta::assert_snapshot!(masked(&ran), @r"
    exit 2
    --- stdout
    STOPPED auth.test.toml (broken.toml: N mistake)
    --- stderr
    error: `]` is expected here
     --> broken.toml:1:8
      |
    1 | [server
      |        ^
      |
      = help: correct the syntax here, or name a file in the syntax of the one in force

    1 file: 0 ok, 1 could not be run
    ");
}

/// With so few people everything is known within half a second, and nothing exactly.
#[test]
fn a_search_mutations_and_a_picture_are_had_beside_the_verdict() {
    let bench = example("good = \"99.5%\"", "good = \"90%\"\npeople = 24");
    let forewarn = include_str!("../../../../examples/auth-timeout/forewarn.toml");
    bench.write("forewarn.toml", forewarn);
    let ran = bench.run(&[
        "test",
        "auth.test.toml",
        "--search",
        "--mutate",
        "--picture",
        "picture.svg",
        "--format",
        "json",
    ]);
    let report: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let service = &report["files"][0]["service"];
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let search = &service["search"];
    assert_eq!(search["key"], "directory.request_timeout");
    assert!(search["predicted_seconds"].as_f64().is_some_and(|s| (0.3..0.4).contains(&s)), "{search}");
    assert!(search["tried"].as_array().is_some_and(|tried| tried.len() >= 3), "{search}");
    // The service itself holds a call to be too short for its own connect and its wait for a connection.
    assert!(search["refused_seconds"].as_array().is_some_and(|refused| !refused.is_empty()), "{search}");
    let all = service["mutations"]["all"].as_array().expect("mutations");
    let fate = |key: &str, after: &str| {
        let mutated = all.iter().find(|one| one["key"] == key && one["after"] == after);
        mutated.and_then(|mutated| mutated["fate"].as_str())
    };
    assert_eq!(fate("directory.max_attempts", "0"), Some("refused"), "{all:#?}");
    assert_eq!(fate("directory.pool.idle_timeout", "300s"), Some("equal"), "{all:#?}");
    let picture = bench.read("picture.svg").expect("it was asked for");
    assert!(picture.starts_with("<svg") && picture.contains("in force: 1 s"), "{picture}");
}
