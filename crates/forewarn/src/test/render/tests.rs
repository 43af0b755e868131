//! All renderers on one fixed outcome, and on what differs from it.

use std::collections::BTreeMap;

use wire::tested::{Change, Overhead, Report, Run, Seen, Service, Tested, Undone, VERSION, Verdict};

use super::{github, junit, summary, text};

fn seen(verdict: &str, known: f64, good: u64, timeouts: u64) -> Seen {
    let people = good + timeouts;
    let failed = BTreeMap::from([("timeout".to_owned(), timeouts)]);
    Seen {
        verdict: verdict.to_owned(),
        known_after_seconds: (verdict != "open").then_some(known),
        people,
        good,
        failed: failed.clone().into_iter().filter(|(_, count)| *count > 0).collect(),
        met: failed
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(reason, _)| (reason, "sign in: status 504".to_owned()))
            .collect(),
        share: timeouts as f64 / people as f64,
        share_low: 0.0,
        share_high: 0.25,
        p50_seconds: Some(0.222),
        p95_seconds: Some(0.4105),
        p99_seconds: Some(1.25),
        calls_per_person: BTreeMap::from([("directory".to_owned(), 1.0)]),
        seconds: 23.4,
    }
}

fn run(label: &str, seen: Result<Seen, &str>) -> Run {
    let (seen, stopped) = match seen {
        Ok(seen) => (Some(seen), None),
        Err(why) => (None, Some(why.to_owned())),
    };
    Run { label: label.to_owned(), seen, refused: None, stopped }
}

fn service() -> Service {
    Service {
        line: "new, by hand.toml:20: directory.request_timeout = 300ms fails 20 % of sign-ins".to_owned(),
        candidate: "new, by hand.toml".to_owned(),
        current: Some("front.toml".to_owned()),
        changes: vec![Change {
            key: "directory.request_timeout".to_owned(),
            line: Some(20),
            before: Some("1s".to_owned()),
            after: Some("300ms".to_owned()),
        }],
        at: Some(20),
        good: 0.995,
        within_seconds: 5.0,
        latency: "at the latency of 19:00-20:00 UTC".to_owned(),
        budget_seconds: 60.0,
        seed: 1,
        again: "forewarn test auth.test.toml --candidate 'new, by hand.toml' --budget 60s --seed 1"
            .to_owned(),
        predicted: Some(0.197),
        runs: vec![
            run("candidate", Ok(seen("failed", 0.53, 320, 80))),
            run("current", Ok(seen("held", 22.7, 1171, 0))),
            run("default", Err("front: ended before it was ready: exit status: 2")),
        ],
        unproved: vec!["candidate: 400 delays of directory were drawn".to_owned()],
        overhead: Overhead { p50_seconds: 0.0001, p99_seconds: 0.0015, most_seconds: 0.006, turns: 5409 },
        undone: Vec::new(),
        search: None,
        mutations: None,
    }
}

fn file(verdict: Verdict, service: Service) -> Tested {
    Tested {
        verdict,
        service: Some(service),
        ..Tested::of("auth.test.toml".to_owned(), "sign-in".to_owned())
    }
}

fn report(files: Vec<Tested>) -> Report {
    Report { version: VERSION, files }
}

#[test]
fn a_line_to_paste_comes_first_and_the_runs_below_it() {
    let report = report(vec![file(Verdict::Failed, service())]);
    insta::assert_snapshot!(text(&report, false) + &summary(&report), @r"
    FAILED  auth.test.toml: new, by hand.toml:20: directory.request_timeout = 300ms fails 20 % of sign-ins

                   verdict             people  failed  95 %       why         p50     p95     p99     calls at directory
      candidate    failed after 0.5 s  400     20 %    0 to 25 %  timeout 80  222 ms  411 ms  1.25 s  1.00
      current      held after 22.7 s   1 171   0 %     0 to 25 %  -           222 ms  411 ms  1.25 s  1.00
      default      not run: front: ended before it was ready: exit status: 2
      timeout      candidate: sign in: status 504
      not proved   candidate: 400 delays of directory were drawn
      overhead     the proxy added 0.1 ms to half of 5 409 turns, 1.5 ms to 99 % at most, 6.0 ms to all
      seed         1
      again        forewarn test auth.test.toml --candidate 'new, by hand.toml' --budget 60s --seed 1
    1 file: 0 ok, 1 failed
    ");
}

#[test]
fn junit_has_a_case_for_each_run_and_only_the_first_can_fail() {
    let inconclusive = Service { changes: Vec::new(), at: None, current: None, ..service() };
    let report = report(vec![file(Verdict::Failed, service()), file(Verdict::Inconclusive, inconclusive)]);
    let xml = junit(&report);
    insta::assert_snapshot!(xml, @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="forewarn" tests="6" failures="1" errors="1">
      <testsuite name="test" tests="6" failures="1" errors="1" skipped="2">
        <testcase name="directory.request_timeout=300ms@19:00-20:00 UTC" classname="auth.test.toml">
          <failure type="objective" message="new, by hand.toml:20: directory.request_timeout = 300ms fails 20 % of sign-ins">               verdict             people  failed  95 %       why         p50     p95     p99     calls at directory
      candidate    failed after 0.5 s  400     20 %    0 to 25 %  timeout 80  222 ms  411 ms  1.25 s  1.00
      current      held after 22.7 s   1 171   0 %     0 to 25 %  -           222 ms  411 ms  1.25 s  1.00
      default      not run: front: ended before it was ready: exit status: 2
      timeout      candidate: sign in: status 504
      not proved   candidate: 400 delays of directory were drawn
      overhead     the proxy added 0.1 ms to half of 5 409 turns, 1.5 ms to 99 % at most, 6.0 ms to all
      seed         1
      again        forewarn test auth.test.toml --candidate 'new, by hand.toml' --budget 60s --seed 1
    </failure>
        </testcase>
        <testcase name="directory.request_timeout=1s@19:00-20:00 UTC" classname="auth.test.toml">
          <system-out>held: 0 of 1171 failed</system-out>
        </testcase>
        <testcase name="directory.request_timeout=default@19:00-20:00 UTC" classname="auth.test.toml">
          <skipped message="not run: front: ended before it was ready: exit status: 2"/>
        </testcase>
        <testcase name="new, by hand.toml@19:00-20:00 UTC" classname="auth.test.toml">
          <error type="inconclusive" message="new, by hand.toml:20: directory.request_timeout = 300ms fails 20 % of sign-ins">               verdict             people  failed  95 %       why         p50     p95     p99     calls at directory
      candidate    failed after 0.5 s  400     20 %    0 to 25 %  timeout 80  222 ms  411 ms  1.25 s  1.00
      current      held after 22.7 s   1 171   0 %     0 to 25 %  -           222 ms  411 ms  1.25 s  1.00
      default      not run: front: ended before it was ready: exit status: 2
      timeout      candidate: sign in: status 504
      not proved   candidate: 400 delays of directory were drawn
      overhead     the proxy added 0.1 ms to half of 5 409 turns, 1.5 ms to 99 % at most, 6.0 ms to all
      seed         1
      again        forewarn test auth.test.toml --candidate 'new, by hand.toml' --budget 60s --seed 1
    </error>
        </testcase>
        <testcase name="new, by hand.toml@19:00-20:00 UTC" classname="auth.test.toml">
          <system-out>held: 0 of 1171 failed</system-out>
        </testcase>
        <testcase name="new, by hand.toml@19:00-20:00 UTC" classname="auth.test.toml">
          <skipped message="not run: front: ended before it was ready: exit status: 2"/>
        </testcase>
      </testsuite>
    </testsuites>
    "#);
}

#[test]
fn what_was_not_done_is_an_error_of_its_own_beside_the_verdict() {
    let why = "counts: ended with exit status: 1".to_owned();
    let undone = vec![Undone { option: "--search".to_owned(), why }];
    let report = report(vec![file(Verdict::Passed, Service { undone, ..service() })]);
    let of_search = |text: String| {
        let lines: Vec<String> =
            text.lines().filter(|line| line.contains("counts")).map(str::to_owned).collect();
        lines.join("\n")
    };
    assert!(github(&report).starts_with("::warning "), "{}", github(&report));
    insta::assert_snapshot!(of_search(text(&report, false) + &junit(&report)), @r#"
    not done     --search: counts: ended with exit status: 1
    not done     --search: counts: ended with exit status: 1
        <error type="stopped" message="counts: ended with exit status: 1"></error>
    "#);
}

#[test]
fn an_annotation_stands_on_the_line_that_was_changed() {
    let stopped = Tested {
        verdict: Verdict::Stopped,
        stopped: Some("front: is not ready after 20s".to_owned()),
        help: Some("give it more time".to_owned()),
        log: vec!["100 % busy".to_owned()],
        ..Tested::of("a.test.toml".to_owned(), String::new())
    };
    let report = report(vec![file(Verdict::Failed, service()), stopped]);
    insta::assert_snapshot!(github(&report), @r"
    ::error file=new%2C by hand.toml,line=20,title=forewarn test%3A sign-in::new, by hand.toml:20: directory.request_timeout = 300ms fails 20 %25 of sign-ins%0A               verdict             people  failed  95 %25       why         p50     p95     p99     calls at directory%0A  candidate    failed after 0.5 s  400     20 %25    0 to 25 %25  timeout 80  222 ms  411 ms  1.25 s  1.00%0A  current      held after 22.7 s   1 171   0 %25     0 to 25 %25  -           222 ms  411 ms  1.25 s  1.00%0A  default      not run: front: ended before it was ready: exit status: 2%0A  timeout      candidate: sign in: status 504%0A  not proved   candidate: 400 delays of directory were drawn%0A  overhead     the proxy added 0.1 ms to half of 5 409 turns, 1.5 ms to 99 %25 at most, 6.0 ms to all%0A  seed         1%0A  again        forewarn test auth.test.toml --candidate 'new, by hand.toml' --budget 60s --seed 1
    ::error file=a.test.toml,line=1,title=forewarn test%3A a.test.toml::front: is not ready after 20s%0A100 %25 busy%0Agive it more time
    ");
}
