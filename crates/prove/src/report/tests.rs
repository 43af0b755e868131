//! What a proof is told as: the line to paste, the runs, the share that was predicted, and what stays
//! unproved.

use serde_json::Value;
use text::{FileId, Source};

use super::*;
use crate::proof::{CANDIDATE, CURRENT, DEFAULT, LeftOut, Outcome};
use crate::proxy::Counted;
use crate::trial::{Durations, Kind, Trouble};
use crate::verdict::Seen;

const LATENCY: &str =
    "answer = { calls = 41200, quantiles = { p50 = \"222ms\", p99 = \"505ms\", \"p99.9\" = \"1s\" } }";

fn test() -> Test {
    let text = format!(
        "kind = \"service\"\nname = \"sign-in\"\ncandidate = {{ file = \"a.toml\" }}\n\
         [[process]]\nname = \"p\"\ncommand = [\"true\", \"${{candidate}}\"]\nready = {{ ended = true }}\n\
         [[dependency]]\nname = \"db\"\naddress = \"127.0.0.1:1\"\n{LATENCY}\n\
         [[step]]\nname = \"s\"\nurl = \"http://127.0.0.1:1/\"\n[load]\nrate = 100\n\
         [objective]\ngood = \"99%\"\nwithin = \"2s\"\n\
         [search]\nkey = \"db.timeout\"\nfrom = \"100ms\"\nto = \"3s\"\ndependency = \"db\"\n"
    );
    let source = Source::new(FileId(0), "a.test.toml", text);
    crate::parse::parse(&source, &|name| Err(format!("no {name}"))).expect("no mistake")
}

fn change(line: Option<u32>, key: &str, before: Option<&str>, after: Option<&str>) -> Change {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Change { key: key.to_owned(), line, before: owned(before), after: owned(after) }
}

fn timeout() -> Change {
    change(Some(4), "db.timeout", Some("1s"), Some("300ms"))
}

/// A run to which so many came within 10 s, each with one call.
fn trial(label: &str, verdict: Verdict, good: u64, failed: &[(Reason, u64, &str)]) -> Trial {
    let seen = Seen { good, failed: failed.iter().map(|&(reason, count, _)| (reason, count)).collect() };
    let came = good + failed.iter().map(|(_, count, _)| count).sum::<u64>();
    let took = vec![Duration::from_millis(230); good as usize];
    let counted = Counted { connections: came, calls: came, turns: came, drawn: came, ..Counted::default() };
    Trial {
        came,
        seen,
        met: failed.iter().map(|&(reason, _, what)| (reason, what.to_owned())).collect(),
        verdict,
        known: (verdict != Verdict::Open).then_some(Duration::from_secs(6)),
        durations: Durations::of(&took),
        took,
        dependencies: vec![("db".to_owned(), counted)],
        elapsed: Duration::from_secs(10),
        ..Trial::of_nobody(label)
    }
}

/// The line, the runs and what is unproved, numbers to four decimals.
fn told(outcome: Outcome, changes: &[Change], trials: Vec<Trial>, left_out: Vec<LeftOut>) -> String {
    told_of(outcome, changes, trials.into_iter().map(|trial| Run::Seen(Box::new(trial))).collect(), left_out)
}

/// The same of runs.
fn told_of(outcome: Outcome, changes: &[Change], mut runs: Vec<Run>, left_out: Vec<LeftOut>) -> String {
    let beside = runs.split_off(1);
    let proof = Proof { outcome, tested: runs.remove(0), beside, left_out };
    let asked = Asked {
        candidate: "new.toml".to_owned(),
        current: (!changes.is_empty()).then(|| "a.toml".to_owned()),
        changes: changes.to_vec(),
        budget: Duration::from_secs(60),
        seed: 1,
        again: "forewarn test a.test.toml".to_owned(),
    };
    let service = service(&test(), asked, &proof);
    let runs = service.runs.iter().map(|run| {
        let run = serde_json::to_value(run).expect("it is plain data");
        format!("run: {}", rounded(run))
    });
    let unproved = service.unproved.iter().map(|what| format!("unproved: {what}"));
    std::iter::once(service.line.clone()).chain(runs).chain(unproved).collect::<Vec<_>>().join("\n")
}

fn rounded(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            number.as_f64().map_or(Value::Null, |number| ((number * 1e4).round() / 1e4).into())
        }
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, rounded(value))).collect(),
        other => other,
    }
}

#[test]
fn a_failure_stands_beside_what_holds() {
    let trials = vec![
        trial(CANDIDATE, Verdict::Failed, 800, &[(Reason::Timeout, 200, "s: 504")]),
        trial(CURRENT, Verdict::Held, 998, &[(Reason::Timeout, 2, "s: 504")]),
    ];
    let left_out = vec![LeftOut { label: DEFAULT, why: "the budget was used up".to_owned() }];
    insta::assert_snapshot!(told(Outcome::Failed, &[timeout()], trials, left_out), @r#"
    new.toml:4: db.timeout = 300ms fails 20 % of sign-ins (95 %: 17.6 to 22.6 %; 1 000 people) at the measured latency of db, where the latency alone would fail 19.7 %; 1s in force holds
    run: {"label":"candidate","seen":{"calls_per_person":{"db":1.0},"failed":{"timeout":200},"good":800,"known_after_seconds":6.0,"met":{"timeout":"s: 504"},"p50_seconds":0.23,"p95_seconds":0.23,"p99_seconds":0.23,"people":1000,"seconds":10.0,"share":0.2,"share_high":0.2259,"share_low":0.1764,"verdict":"failed"}}
    run: {"label":"current","seen":{"calls_per_person":{"db":1.0},"failed":{"timeout":2},"good":998,"known_after_seconds":6.0,"met":{"timeout":"s: 504"},"p50_seconds":0.23,"p95_seconds":0.23,"p99_seconds":0.23,"people":1000,"seconds":10.0,"share":0.002,"share_high":0.0073,"share_low":0.0005,"verdict":"held"}}
    run: {"label":"default","stopped":"the budget was used up"}
    unproved: candidate: 1 000 delays of db were drawn, too few to meet those above p99.9 (1 s) more than by chance
    unproved: db, answer: nothing was measured beyond 1s; the slowest 0.1 % are carried on along the same line, up to 2.385s
    "#);
}

#[test]
fn of_people_who_try_again_nothing_is_predicted() {
    let line = |connections| {
        let counted = Counted { connections, calls: connections, turns: connections, ..Counted::default() };
        let failed = trial(CANDIDATE, Verdict::Failed, 800, &[(Reason::Timeout, 200, "s: 504")]);
        let failed = Trial { dependencies: vec![("db".to_owned(), counted)], ..failed };
        let held = trial(CURRENT, Verdict::Held, 998, &[(Reason::Timeout, 2, "s: 504")]);
        let told = told(Outcome::Failed, &[timeout()], vec![failed, held], Vec::new());
        told.lines().next().unwrap().contains("the latency alone would fail")
    };
    assert!(line(1_000));
    assert!(!line(1_800));
}

#[test]
fn what_holds_says_how_sure_that_is() {
    let trials = vec![
        trial(CANDIDATE, Verdict::Held, 1000, &[]),
        trial(CURRENT, Verdict::Failed, 900, &[(Reason::Throttled, 100, "s: 429")]),
        trial(DEFAULT, Verdict::Held, 1000, &[]),
    ];
    let changes =
        [change(None, "db.retries", Some("3"), None), timeout(), change(Some(9), "pool", None, Some("5"))];
    insta::assert_snapshot!(told(Outcome::Held, &changes, trials, Vec::new()), @r#"
    new.toml:4: db.timeout = 300ms with 2 other changes holds at the measured latency of db: 99 % must succeed within 2 s, and none of 1 000 sign-ins failed (95 %: 0 to 0.38 %); what is in force fails 10 %
    run: {"label":"candidate","seen":{"calls_per_person":{"db":1.0},"failed":{},"good":1000,"known_after_seconds":6.0,"p50_seconds":0.23,"p95_seconds":0.23,"p99_seconds":0.23,"people":1000,"seconds":10.0,"share":0.0,"share_high":0.0038,"share_low":0.0,"verdict":"held"}}
    run: {"label":"current","seen":{"calls_per_person":{"db":1.0},"failed":{"throttled":100},"good":900,"known_after_seconds":6.0,"met":{"throttled":"s: 429"},"p50_seconds":0.23,"p95_seconds":0.23,"p99_seconds":0.23,"people":1000,"seconds":10.0,"share":0.1,"share_high":0.1202,"share_low":0.0829,"verdict":"failed"}}
    run: {"label":"default","seen":{"calls_per_person":{"db":1.0},"failed":{},"good":1000,"known_after_seconds":6.0,"p50_seconds":0.23,"p95_seconds":0.23,"p99_seconds":0.23,"people":1000,"seconds":10.0,"share":0.0,"share_high":0.0038,"share_low":0.0,"verdict":"held"}}
    unproved: candidate: that at most 0.2 % fail would take 2 882 people of whom none fails, 29 s at 100 a second; 1 000 came within 10 s
    unproved: candidate: 1 000 delays of db were drawn, too few to meet those above p99.9 (1 s) more than by chance
    unproved: db, answer: nothing was measured beyond 1s; the slowest 0.1 % are carried on along the same line, up to 2.385s
    "#);
}

#[test]
fn a_baseline_that_fails_says_nothing_of_the_candidate() {
    let refused = [(Reason::Credentials, 90, "s: 401"), (Reason::Harness, 3, "no free port")];
    let trials =
        vec![trial(CANDIDATE, Verdict::Failed, 10, &refused), trial(CURRENT, Verdict::Failed, 10, &refused)];
    let changes = [change(None, "db.timeout", Some("1s"), None)];
    insta::assert_snapshot!(told(Outcome::Inconclusive, &changes, trials, Vec::new()), @r#"
    nothing can be said of new.toml: db.timeout left out: what is in force fails 90 % of sign-ins (95 %: 82.6 to 94.5 %; 100 people) at the measured latency of db; the candidate: 90 of 100 sign-ins failed (95 %: 82.6 to 94.5 %)
    run: {"label":"candidate","seen":{"calls_per_person":{"db":1.0},"failed":{"credentials":90,"harness":3},"good":10,"known_after_seconds":6.0,"met":{"credentials":"s: 401","harness":"no free port"},"p50_seconds":0.23,"p95_seconds":0.23,"p99_seconds":0.23,"people":100,"seconds":10.0,"share":0.9,"share_high":0.9448,"share_low":0.8256,"verdict":"failed"}}
    run: {"label":"current","seen":{"calls_per_person":{"db":1.0},"failed":{"credentials":90,"harness":3},"good":10,"known_after_seconds":6.0,"met":{"credentials":"s: 401","harness":"no free port"},"p50_seconds":0.23,"p95_seconds":0.23,"p99_seconds":0.23,"people":100,"seconds":10.0,"share":0.9,"share_high":0.9448,"share_low":0.8256,"verdict":"failed"}}
    unproved: candidate: 103 delays of db were drawn, too few to meet those above p99 (505 ms) more than by chance
    unproved: candidate: 3 of the people could not even ask and are not counted (no free port)
    unproved: candidate: most of those who failed were refused (401, 403): look at the accounts of the test first
    unproved: current: 3 of the people could not even ask and are not counted (no free port)
    unproved: current: most of those who failed were refused (401, 403): look at the accounts of the test first
    unproved: db, answer: nothing was measured beyond 1s; the slowest 0.1 % are carried on along the same line, up to 2.385s
    "#);
}

#[test]
fn what_is_not_known_yet_says_what_it_takes() {
    let failed = [(Reason::Dependency, 1, "s: 502"), (Reason::Harness, 1_315, "no free port")];
    let trials = vec![
        Trial { turned_away: 1_312, ..trial(CANDIDATE, Verdict::Open, 50, &failed) },
        trial(CURRENT, Verdict::Open, 20, &[]),
    ];
    let changes = [change(Some(4), "db.timeout", None, Some("300ms"))];
    insta::assert_snapshot!(told(Outcome::Open, &changes, trials, Vec::new()), @r#"
    not known of new.toml:4: db.timeout = 300ms within the budget: 1 of 51 sign-ins failed (95 %: 0.35 to 10.3 %) at the measured latency of db; 99 % must succeed within 2 s; what is in force, without db.timeout: 0 of 20 failed, not known yet
    run: {"label":"candidate","seen":{"calls_per_person":{"db":1.0},"failed":{"dependency":1,"harness":1315},"good":50,"met":{"dependency":"s: 502","harness":"no free port"},"p50_seconds":0.23,"p95_seconds":0.23,"p99_seconds":0.23,"people":51,"seconds":10.0,"share":0.0196,"share_high":0.103,"share_low":0.0035,"verdict":"open"}}
    run: {"label":"current","seen":{"calls_per_person":{"db":1.0},"failed":{},"good":20,"p50_seconds":0.23,"p95_seconds":0.23,"p99_seconds":0.23,"people":20,"seconds":10.0,"share":0.0,"share_high":0.1611,"share_low":0.0,"verdict":"open"}}
    unproved: candidate: that 99 % succeed takes 574 people of whom none fails, 5.7 s at 100 a second; 51 came within 10 s and 1 failed
    unproved: current: that 99 % succeed takes 574 people of whom none fails, 5.7 s at 100 a second; 20 came within 10 s and 0 failed
    unproved: candidate: 1 366 delays of db were drawn, too few to meet those above p99.9 (1 s) more than by chance
    unproved: candidate: 1 312 more people came and were not let in, for 2 000 were on their way: fewer came than the load says
    unproved: candidate: 3 of the people could not even ask and are not counted (no free port)
    unproved: db, answer: nothing was measured beyond 1s; the slowest 0.1 % are carried on along the same line, up to 2.385s
    "#);
}

#[test]
fn what_is_in_force_may_be_tested_alone_and_nobody_may_succeed() {
    let trials = vec![trial(CURRENT, Verdict::Failed, 0, &[(Reason::Throttled, 40, "s: 429")])];
    insta::assert_snapshot!(told(Outcome::Failed, &[], trials, Vec::new()), @r#"
    new.toml, in force, fails 100 % of sign-ins (95 %: 91.2 to 100 %; 40 people) at the measured latency of db
    run: {"label":"current","seen":{"calls_per_person":{"db":1.0},"failed":{"throttled":40},"good":0,"known_after_seconds":6.0,"met":{"throttled":"s: 429"},"people":40,"seconds":10.0,"share":1.0,"share_high":1.0,"share_low":0.9124,"verdict":"failed"}}
    unproved: current: 40 delays of db were drawn, too few to meet those above p99 (505 ms) more than by chance
    unproved: db, answer: nothing was measured beyond 1s; the slowest 0.1 % are carried on along the same line, up to 2.385s
    "#);
}

/// A service that does not come up with the candidate, of a kind, and what its log says.
fn refused(label: &str, kind: Kind, what: &str, log: &[&str]) -> Run {
    let log = log.iter().map(|line| (*line).to_owned()).collect();
    let trouble = Trouble { log, ..Trouble::new(kind, "p", what, "its log says why") };
    Run::Refused(trouble.refusal(label, &test()).expect("it is given the candidate"))
}

#[test]
fn what_the_service_refuses_is_told_with_its_own_words_and_the_line_that_it_names() {
    let changes =
        [timeout(), change(Some(9), "pool.size", Some("8"), Some("0")), change(None, "x", Some("1"), None)];
    let log = ["starting", "error: /tmp/forewarn-1-0/a.toml:9: size must be at least 1"];
    let runs = vec![
        refused(CANDIDATE, Kind::Ended, "ended before it was ready: exit status: 2", &log),
        Run::Seen(Box::new(trial(CURRENT, Verdict::Held, 1000, &[]))),
        refused(DEFAULT, Kind::Ended, "ended before it was ready: exit status: 2", &["no `size`"]),
    ];
    insta::assert_snapshot!(told_of(Outcome::Failed, &changes, runs, Vec::new()), @r#"
    new.toml:9: pool.size = 0 with 2 other changes is refused by the service: p: a.toml:9: size must be at least 1; what is in force holds
    run: {"label":"candidate","refused":"p: a.toml:9: size must be at least 1"}
    run: {"label":"current","seen":{"calls_per_person":{"db":1.0},"failed":{},"good":1000,"known_after_seconds":6.0,"p50_seconds":0.23,"p95_seconds":0.23,"p99_seconds":0.23,"people":1000,"seconds":10.0,"share":0.0,"share_high":0.0038,"share_low":0.0,"verdict":"held"}}
    run: {"label":"default","refused":"p: no `size`"}
    "#);
}

#[test]
fn a_service_that_comes_up_and_goes_says_how_far_it_came() {
    let told = |kind, what, log: &[&str]| {
        let current = Run::Seen(Box::new(trial(CURRENT, Verdict::Open, 20, &[])));
        let runs = vec![refused(CANDIDATE, kind, what, log), current];
        let told = told_of(Outcome::Failed, &[timeout()], runs, Vec::new());
        told.lines().next().unwrap_or_default().to_owned()
    };
    let lines = [
        told(Kind::NotReady, "is not ready after 20s: 127.0.0.1:1", &["still loading"]),
        told(Kind::Setup, "person 0: register: status 500", &["p: db error"]),
        told(Kind::Died, "ended while people came: exit status: 9", &["out of memory", ""]),
        told(Kind::Ended, "ended before it was ready: exit status: 3", &[]),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r"
    new.toml:4: db.timeout = 300ms keeps the service from being ready: p: is not ready after 20s: 127.0.0.1:1 (still loading); 1s in force: 0 of 20 failed, not known yet
    new.toml:4: db.timeout = 300ms fails what is set up before people come: p: person 0: register: status 500; 1s in force: 0 of 20 failed, not known yet
    new.toml:4: db.timeout = 300ms ends the service while people come: p: ended while people came: exit status: 9 (out of memory); 1s in force: 0 of 20 failed, not known yet
    new.toml:4: db.timeout = 300ms is refused by the service: p: ended before it was ready: exit status: 3; 1s in force: 0 of 20 failed, not known yet
    ");
}

#[test]
fn the_change_that_a_log_names_is_found_by_its_key_its_line_or_its_value() {
    let changes = [
        change(Some(4), "db.timeout", Some("1s"), Some("300ms")),
        change(Some(9), "pool.size", Some("8"), Some("0")),
        change(Some(12), "pool.wait", Some("2s"), Some("9s")),
    ];
    for (said, key) in [
        ("`pool.size` is below db", "pool.size"),
        ("a.toml:12: out of range", "pool.wait"),
        ("at line 9, column 1", "pool.size"),
        ("timeout is too short", "db.timeout"),
        ("9s is more than 5s", "pool.wait"),
        ("resize failed at a.toml:120", ""),
    ] {
        let found = named(&test(), &changes, &[said.to_owned()]);
        assert_eq!(found.map_or("", |change| change.key.as_str()), key, "{said}");
    }
}
