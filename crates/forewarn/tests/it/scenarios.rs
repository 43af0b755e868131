//! `forewarn test`: scenarios as people run them, those of `examples/` first of all.

use std::path::Path;

use serde_json::Value;

use crate::workbench::Workbench;

/// A target that fails from the tenth second on, and an expectation that holds or not.
fn scenario(expected: &str) -> String {
    format!(
        "kind = \"scenario\"\nseries = \"counts\"\n[[watch.service]]\nname = \"auth\"\npreset = \"authd\"\n\
         scrape = \"http://auth/metrics\"\nguard = \"2%\"\n[[service]]\nname = \"auth\"\nrequests = \"100x60\"\n\
         failed = {{ timeout = \"0x9 40x50\" }}\n[[expect]]\nservice = \"auth\"\n{expected}\n"
    )
}

#[test]
fn the_scenarios_of_the_examples_hold() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(&directory)
        .expect("there")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name"))
        .filter(|name| name.ends_with(".toml"))
        .collect();
    files.sort();
    let bench = Workbench::with(&[]);
    for file in &files {
        bench.write(file, &std::fs::read_to_string(directory.join(file)).expect("text"));
    }
    let arguments: Vec<&str> =
        ["test", "--verbose"].into_iter().chain(files.iter().map(String::as_str)).collect();
    insta::assert_snapshot!(bench.run(&arguments).whole(), @r"
    exit 0
    --- stdout
    ok      one-bad-replica.toml: one bad replica of twenty (1 alert in 10m)
        told      auth replica-failing: opened 1m1s (18 of 20, worst delay 3s), still open, names bad
    ok      silence-is-no-recovery.toml: a target dies in the middle of an incident (1 alert in 9m59s)
        told      auth failing:internal: opened 1m (30 of 100, worst delay 2s), unknown 2m1s, still open
    ok      timeouts-and-their-end.toml: a fifth of all sign-ins times out for two minutes (1 alert in 10m)
        told      auth failing:timeout: opened 1m (20 of 100, worst delay 3s), ended 3m2s
    --- stderr
    3 files: 3 ok
    ");
}

#[test]
fn what_differs_is_shown_with_what_was_expected_and_what_happened() {
    let bench = Workbench::with(&[
        ("good.toml", &scenario("alert = \"failing\"\nopened = \"10s..12s\"")),
        ("late.toml", &scenario("alert = \"failing:timeout\"\nopened = \"..9s\"")),
        ("other.toml", &scenario("alert = \"slow\"")),
    ]);
    insta::assert_snapshot!(bench.run(&["test", "good.toml", "late.toml", "other.toml"]).whole(), @r"
    exit 1
    --- stdout
    ok      good.toml (1 alert in 1m)
    FAILED  late.toml (1 alert in 1m)
        expected  auth failing:timeout: opened until 9s
        happened  auth failing:timeout: opened 10s (40 of 100, worst delay 2s), still open
    FAILED  other.toml (1 alert in 1m)
        expected  auth slow: opened at any time
        happened  nothing
        expected  nothing
        happened  auth failing:timeout: opened 10s (40 of 100, worst delay 2s), still open
    --- stderr
    3 files: 1 ok, 2 failed
    ");
    insta::assert_snapshot!(bench.run(&["test", "--format", "junit", "good.toml", "late.toml"]).whole(), @r#"
    exit 1
    --- stdout
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="forewarn" tests="2" failures="1" errors="0">
      <testsuite name="test" tests="2" failures="1" errors="0" skipped="0">
        <testcase name="good.toml" classname="forewarn.test">
          <system-out>auth failing:timeout: opened 10s (40 of 100, worst delay 2s), still open
    </system-out>
        </testcase>
        <testcase name="late.toml" classname="forewarn.test">
          <failure type="scenario" message="1 difference">expected auth failing:timeout: opened until 9s
    happened auth failing:timeout: opened 10s (40 of 100, worst delay 2s), still open
    </failure>
        </testcase>
      </testsuite>
    </testsuites>
    --- stderr
    "#);
    insta::assert_snapshot!(bench.run(&["test", "--format", "json", "late.toml"]).whole(), @r#"
    exit 1
    --- stdout
    {
      "version": 1,
      "files": [
        {
          "path": "late.toml",
          "name": "",
          "verdict": "failed",
          "scenario": {
            "virtual_seconds": 60.0,
            "alerts": [
              "auth failing:timeout: opened 10s (40 of 100, worst delay 2s), still open"
            ],
            "differences": [
              {
                "expected": "auth failing:timeout: opened until 9s",
                "happened": "auth failing:timeout: opened 10s (40 of 100, worst delay 2s), still open"
              }
            ]
          }
        }
      ]
    }
    --- stderr
    "#);
}

#[test]
fn a_file_that_cannot_be_run_is_told_and_the_others_are_run() {
    let bench = Workbench::with(&[
        ("good.toml", &scenario("alert = \"failing\"")),
        ("kind.toml", "kind = \"servise\"\n"),
        ("plan.toml", "kind = \"scenario\"\nplan = \"none.toml\"\n"),
        ("beside/beside.toml", "kind = \"scenario\"\nlength = \"1m\"\n"),
        ("beside/forewarn.toml", "[watch]\nlook = 1\n"),
    ]);
    let files = ["test", "kind.toml", "plan.toml", "beside/beside.toml", "none.toml", "good.toml"];
    insta::assert_snapshot!(bench.run(&files).whole(), @r#"
    exit 2
    --- stdout
    STOPPED kind.toml (kind.toml: 1 mistake)
    STOPPED plan.toml (none.toml: cannot be read: No such file or directory (os error 2))
    STOPPED beside/beside.toml (beside/forewarn.toml: 1 mistake)
    STOPPED none.toml (none.toml: cannot be read: No such file or directory (os error 2))
    ok      good.toml (1 alert in 1m)
    --- stderr
    error: `kind` is unknown: `servise`
     --> kind.toml:1:8
      |
    1 | kind = "servise"
      |        ^^^^^^^^^
      |
      = help: did you mean `service`? allowed: `scenario`, `service`

    error: none.toml: cannot be read: No such file or directory (os error 2)
    help: name the plan in the test file with `plan = "..."`, or write [watch] into it
    error: `look` has no unit
     --> beside/forewarn.toml:2:8
      |
    2 | look = 1
      |        ^
      |
      = help: write a number with its unit in quotes: "300ms", "1.5s", "2min"

    error: none.toml: cannot be read: No such file or directory (os error 2)
    help: name a test file
    5 files: 1 ok, 4 could not be run
    "#);
    let junit = bench.run(&["test", "--format", "junit", "kind.toml"]);
    let xml = roxmltree::Document::parse(&junit.stdout).expect("well-formed");
    assert_eq!(xml.descendants().filter(|node| node.has_tag_name("error")).count(), 1);
}

#[test]
fn the_json_says_which_version_it_is() {
    let bench = Workbench::with(&[("good.toml", &scenario("alert = \"failing\""))]);
    let ran = bench.run(&["test", "--format", "json", "good.toml"]);
    let report: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((ran.code, report["version"].as_u64()), (0, Some(1)));
    assert_eq!(report["files"][0]["verdict"], "passed");
}
