//! Configuration tests that lie in the audited tree: findings point at the test that would settle them, and
//! say what was recorded of it. They stay what they are.

use audit::render::{self, Style};
use audit::{Outcome, RECORD_NAME, Record, Request, audit_texts, sha256};
use serde_json::Value;
use wire::recorded::{Held, Input};

const FRONT: &str = "[directory]\nurl = \"http://directory:8081\"\nrequest_timeout = \"300ms\"\n";
const OBSERVED: &str = "calls = 41200\ntimeout_in_force = \"1s\"\n\
[quantiles]\np50 = \"222ms\"\np99 = \"505ms\"\n\"p99.9\" = \"661ms\"\n";
const TEST: &str = "kind = \"service\"\nname = \"sign-in\"\n[candidate]\nfile = \"front.toml\"\n\
                    [objective]\ngood = \"99.5%\"\nwithin = \"5s\"\n";
const CONFIG: &str = "[[service]]\nname = \"auth\"\nfiles = [\"auth/front.toml\"]\n\
                      [[service]]\nname = \"directory\"\nfiles = [\"directory/**\"]\n\
                      [[call]]\nfrom = \"auth\"\nto = \"directory\"\n\
                      [[setting]]\nfiles = [\"auth/front.toml\"]\nkey = \"directory.request_timeout\"\n\
                      covers = \"whole-call\"\nto = \"directory\"\n\
                      [[observed]]\nfrom = \"auth\"\nto = \"directory\"\nfile = \"observed/directory.toml\"\n";

/// A record of the test as it stands, where these files were others then.
fn record(changed: &[&str]) -> String {
    let input = |path: &str, text: &str| {
        let text = if changed.contains(&path) { "" } else { text };
        Input { path: path.to_owned(), sha256: sha256(text.as_bytes()) }
    };
    let mut record = Record::default();
    record.put(Held {
        test: "auth.test.toml".to_owned(),
        candidate: "front.toml".to_owned(),
        date: "2026-11-23".to_owned(),
        forewarn: "0.1.0".to_owned(),
        seed: 1,
        people: 1151,
        good: 1149,
        inputs: vec![
            input("front.toml", FRONT),
            input("auth.test.toml", TEST),
            input("../observed/directory.toml", OBSERVED),
        ],
    });
    record.json()
}

fn outcome(front: &str, record: Option<&str>, test: Option<&str>) -> Outcome {
    let name = format!("auth/{RECORD_NAME}");
    let mut files =
        vec![("forewarn.toml", CONFIG), ("auth/front.toml", front), ("observed/directory.toml", OBSERVED)];
    files.extend(test.map(|test| ("auth/auth.test.toml", test)));
    files.extend(record.map(|record| (name.as_str(), record)));
    audit_texts(&files, &Request::default()).expect("an audit")
}

fn text(outcome: &Outcome) -> String {
    render::text(outcome, Style::default())
}

#[test]
fn a_finding_points_at_the_test_that_would_settle_it() {
    insta::assert_snapshot!(text(&outcome(FRONT, None, Some(TEST))), @r#"
    error[timeout-below-latency]: 19.7 % of calls will time out: auth waits 300 ms for directory, which needs 505 ms at p99
      --> auth/front.toml:3:19
       |
     3 | request_timeout = "300ms"
       |                   ^^^^^^^ covers the whole call, 1 attempt
       |
      ::: forewarn.toml:18:8
       |
    18 | file = "observed/directory.toml"
       |        ------------------------- observed 41 200 calls, timeout then in force 1 s: p50 222 ms, p99 505 ms, p99.9 661 ms
       |
       = sum: share of calls above 300 ms: 19.7 %, 95 % interval 19.3 % to 20.1 %, 41 200 calls
       = help: raise `directory.request_timeout` to 700 ms: then at most 1 call in 1 000 is cut for nothing; `forewarn test auth/auth.test.toml` settles it by a run; see `forewarn explain timeout-below-latency`
    "#);
    let other = TEST.replace("front.toml", "other.toml");
    let scenario = TEST.replace("\"service\"", "\"scenario\"");
    for test in [None, Some(other.as_str()), Some(scenario.as_str())] {
        assert!(!text(&outcome(FRONT, None, test)).contains("forewarn test"), "{test:?}");
    }
}

#[test]
fn it_says_when_the_test_held_as_long_as_nothing_has_changed() {
    let tested = |record: &str| {
        let text = text(&outcome(FRONT, Some(record), Some(TEST)));
        let of_tests = |line: &&str| line.contains("= test") || line.contains("= help");
        text.lines().filter(of_tests).map(|line| format!("{}\n", line.trim())).collect::<String>()
    };
    insta::assert_snapshot!(tested(&record(&[])), @r"
    = test: tested on 2026-11-23: held (1151 people, seed 1)
    = help: raise `directory.request_timeout` to 700 ms: then at most 1 call in 1 000 is cut for nothing; see `forewarn explain timeout-below-latency`
    ");
    insta::assert_snapshot!(tested(&record(&["front.toml"])), @r"
    = test: tested on 2026-11-23: held (1151 people, seed 1), but front.toml has changed since
    = help: raise `directory.request_timeout` to 700 ms: then at most 1 call in 1 000 is cut for nothing; `forewarn test auth/auth.test.toml` settles it by a run; see `forewarn explain timeout-below-latency`
    ");
    insta::assert_snapshot!(tested(&record(&["front.toml", "../observed/directory.toml"])), @r"
    = test: tested on 2026-11-23: held (1151 people, seed 1), but front.toml and ../observed/directory.toml have changed since
    = help: raise `directory.request_timeout` to 700 ms: then at most 1 call in 1 000 is cut for nothing; `forewarn test auth/auth.test.toml` settles it by a run; see `forewarn explain timeout-below-latency`
    ");
}

#[test]
fn a_record_hides_and_re_rates_nothing() {
    let without = outcome(FRONT, None, Some(TEST));
    let with = outcome(FRONT, Some(&record(&[])), Some(TEST));
    assert_eq!(without.findings, with.findings);
    assert_eq!((without.worst, without.set_aside), (with.worst, with.set_aside));
    // It is Forewarn's own, and no configuration.
    assert_eq!(without.files, with.files);
}

#[test]
fn every_format_says_so() {
    let outcome = outcome(FRONT, Some(&record(&["front.toml"])), Some(TEST));
    let report: Value = serde_json::from_str(&render::json(&outcome)).expect("JSON");
    insta::assert_snapshot!(serde_json::to_string_pretty(&report["findings"][0]["tests"]).expect("JSON"), @r#"
    [
      {
        "command": "forewarn test auth/auth.test.toml",
        "held": {
          "changed": [
            "front.toml"
          ],
          "date": "2026-11-23",
          "people": 1151,
          "seed": 1
        },
        "path": "auth/auth.test.toml"
      }
    ]
    "#);
    let said = "test: tested on 2026-11-23: held (1151 people, seed 1), but front.toml has changed since";
    for shown in
        [render::sarif(&outcome), render::github(&outcome), render::junit(&outcome, model::Level::Note)]
    {
        assert!(shown.contains(said) && shown.contains("forewarn test auth/auth.test.toml"), "{shown}");
    }
}

#[test]
fn a_damaged_record_is_told_among_the_files() {
    let outcome = outcome(FRONT, Some("{\"version\": 1,\n\"tests\": 3}"), Some(TEST));
    insta::assert_snapshot!(render::files(&outcome).text(), @r"
    PATH                      STATUS         READ AS  SETTINGS  REASON
    auth/auth.test.toml       read           toml     0
    auth/forewarn-tests.json  not evaluated                     record of tests: line 2: a test stands in no list; restore the file, or remove it and run `forewarn test --record` again
    auth/front.toml           read           toml     1
    ");
    assert!(text(&outcome).contains("forewarn test auth/auth.test.toml"));
}
