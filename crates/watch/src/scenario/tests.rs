//! Whole scenarios and what becomes of them.

use text::FileId;

use super::*;
use crate::alert::{Evidence, Health};

const PLAN: &str = r#"
[watch]
[[watch.service]]
name = "auth"
preset = "authd"
scrape = "http://auth:8080/metrics"
guard = "1%"
latency = { slow = "500ms" }
pile_up = ["300ms"]
[watch.service.probe]
every = "2s"
[[watch.service.probe.step]]
name = "login"
url = "http://auth:8080/login"
"#;

fn source(text: &str) -> Source {
    Source::new(FileId(0), "scenario.toml", text)
}

fn scenario(text: &str) -> Scenario {
    let source = source(&format!("kind = \"scenario\"\n{text}{PLAN}"));
    parse(&source, None).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

/// Every mistake as `line:column what` and what to do.
fn mistakes(text: &str) -> String {
    let source = source(text);
    let shown = |mistakes: Vec<Mistake>| {
        let mut shown = String::new();
        for mistake in mistakes {
            let at = source.position(mistake.span.start);
            shown.push_str(&format!("{}:{} {}\n    {}\n", at.line, at.column, mistake.what, mistake.help));
        }
        shown
    };
    parse(&source, None).map_or_else(shown, |_| "none".to_owned())
}

#[test]
fn the_plan_stands_in_the_scenario_or_in_a_file_beside_it() {
    for (text, expected) in [
        ("kind = \"scenario\"\n[watch]\n", PlanAt::Here),
        ("kind = \"scenario\"\n", PlanAt::File("forewarn.toml".to_owned())),
        ("kind = \"scenario\"\nplan = \"../a.toml\"\n", PlanAt::File("../a.toml".to_owned())),
    ] {
        assert_eq!(plan_of(&source(text)), Ok(expected), "{text}");
    }
}

#[test]
fn a_kind_that_there_is_not_is_told_with_those_that_there_are() {
    let shown: String = ["", "name = \"x\"\n", "kind = \"service\"\n", "kind = 1\n"].map(mistakes).concat();
    insta::assert_snapshot!(shown, @r#"
    1:1 the test file is empty
        add `kind = "scenario"`, a plan, series and expected alerts
    1:1 the test file does not say its kind
        add `kind = "scenario"`
    1:8 `kind` is unknown: `service`
        allowed: `scenario`
    1:8 `kind` of the test file is a number, not a text
        put it in quotes
    "#);
}

#[test]
fn counts_are_spread_over_the_looks_of_an_interval() {
    let scenario = scenario(
        "interval = \"3s\"\n[[service]]\nname = \"auth\"\nrequests = \"0+10x2 _ 40 10\"\nfailed = { timeout = \"0 6\" }\nslow = \"0 3x1\"\n",
    );
    let looks = &scenario.feeds[0].targets[0].totals;
    let shown: Vec<String> = looks
        .iter()
        .map(|look| match look {
            Some(tally) => format!("{}/{}/{}/{}", tally.requests, tally.failed[0], tally.timed, tally.slow),
            None => "_".to_owned(),
        })
        .collect();
    insta::assert_snapshot!(shown.join(" "), @"0/0/0/0 3/2/3/1 6/4/6/2 10/6/10/3 13/6/13/3 16/6/16/3 20/6/20/3 _ _ _ 26/6/26/3 33/6/33/3 40/6/40/3 40/6/40/3 40/6/40/3 10/6/10/3");
    assert_eq!(scenario.length, Duration::from_secs(15));
}

#[test]
fn counts_of_each_interval_become_running_totals() {
    let scenario = scenario("series = \"counts\"\n[[service]]\nname = \"auth\"\nrequests = \"100x2 _ 50\"\n");
    let looks = scenario.feeds[0].targets[0].totals.iter();
    let shown: Vec<Option<u64>> = looks.map(|look| look.as_ref().map(|tally| tally.requests)).collect();
    assert_eq!(shown, [Some(100), Some(200), Some(300), None, Some(350)]);
}

#[test]
fn every_mistake_is_told_at_once_with_its_place_and_its_cure() {
    insta::assert_snapshot!(mistakes(&format!(r#"
kind = "scenario"
interval = "1500ms"
series = "rates"
length = "1y"
restarts = ["soon"]
other = "allowed"

[[service]]
name = "auht"

[[service]]
name = "auth"
requests = "0+1x"
walks = "ok logn:timeout login:teapot okx2 login:503"
learnt = {{ failure = 0.1, slow = 2, traffic = 10 }}

[[service]]
name = "auth"
[[service.target]]
name = "a"
replicas = 0
requests = "1x5"
[[service.target]]
name = "b"
requests = "1x5"
failed = {{ timeuot = "0x5", internal = "0x9" }}
piled = {{ "200ms" = "0x5" }}
[[service.target]]
name = "b"

[[audited]]
findings = [{{ rule = "x" }}]

[[silence]]
from = "1m"

[[expect]]
service = "auth"
alert = "failin"
opened = "1m"

[[expect]]
service = "auth"
alert = "failing:timout"
ended = "5m..1m"
failures = "few"
{PLAN}"#)), @r#"
3:12 `interval` is no multiple of `look`, 1s
    write such a multiple: counts are spread over the looks of an interval
4:10 `series` is unknown: `rates`
    allowed: `totals`, `counts`
5:10 `length` is no length of time
    write a number with its unit in quotes: "300ms", "1.5s", "2min"
6:13 `restarts` is no length of time: `soon`
    write it from the start on: "2m"
7:1 the scenario has no key `other`
    did you mean `others`? keys of the scenario: `kind`, `name`, `plan`, `watch`, `interval`, `series`, `length`, `others`, `service`, `audit`, `audited`, `silence`, `restarts`, `expect`
10:8 the plan watches no service `auht`
    did you mean `auth`? services: `auth`
14:12 `requests` is no series: `0+1x` is none of promtool's forms: `0+100x60`, `100-1x60`, `5x60`, `5`, `_`, `_x60`, `stale`
    write it as promtool takes it: '0+100x60 6000+90x30 _x5'
15:9 `login:teapot` of `walks` is no walk
    write `okx60`, or a step and how it failed (`login:timeoutx3`, `login:503`); steps: login; faults: dns, connect, tls, timeout, broken, answer, ours
15:9 `logn:timeout` of `walks` is no walk
    write `okx60`, or a step and how it failed (`login:timeoutx3`, `login:503`); steps: login; faults: dns, connect, tls, timeout, broken, answer, ours
16:12 there is no test `failure`
    did you mean `failures`? tests: `failures`, `slow`, `traffic`, `probe`, `timeout`, `unreachable`, `dependency_error`, `internal`, `throttled`, `bad_credentials`, `locked`, `300ms`
16:34 `slow` of `learnt` is out of range: 2
    write a share such as 0.01; of traffic, requests a second
19:8 a second service `auth`
    one can have several [[service.target]]
22:12 `replicas` is out of range
    write from 1 to 1000
27:12 auth has no reason `timeuot`
    did you mean `timeout`? reasons: `timeout`, `unreachable`, `dependency_error`, `internal`, `throttled`, `bad_credentials`, `locked`
27:40 `internal` has 10 samples and `requests` 6
    make `requests` as long: without them nothing is said
28:11 `200ms` is no timeout of `pile_up`
    `pile_up` of the plan: 300ms
30:1 [[service.target]] without `requests`
    add `requests = '0+100x60'`
33:1 [[audited]] without `at`
    add `at = "2m"`, from the start on
33:15 [[audited.findings]] without `hash`
    add `hash = "..."`
36:1 [[silence]] without `until`
    add `until = "2m"`, from the start on
40:9 there is no alert `failin`
    did you mean `failing`? alerts: `failing`, `failing:REASON`, `replica-failing`, `slow`, `pile-up:TIMEOUT`, `traffic-gone`, `probe-failing:STEP`, `burning:1h`, `burning:6h`, `burning:1d`, `burning:3d`, `blind`, `finding:RULE`, `audit-overdue`, `hindered:BY`
41:10 `opened` is no window: `1m`
    write "60s..65s", "..65s", "60s.." or "never", from the start on
45:9 there is no reason `timout`
    did you mean `timeout`? reasons: `timeout`, `unreachable`, `dependency_error`, `internal`, `throttled`, `bad_credentials`, `locked`
46:9 `ended` is no window: `5m..1m`
    write "60s..65s", "..65s", "60s.." or "never", from the start on
47:12 `failures` is no range: `few`
    write "..40" or "10..40"
"#);
}

fn told(opened: u64, ended: Option<u64>) -> Told {
    Told {
        id: opened,
        service: "auth".to_owned(),
        symptom: Symptom::Failing(None),
        opened: Duration::from_secs(opened),
        evidence: Some(Evidence {
            k: 20,
            n: 150,
            guard: 0.01,
            guard_basis: "declared".to_owned(),
            implied: None,
            budget: 0.5,
            worst_delay: Duration::from_millis(4200),
        }),
        replicas: Vec::new(),
        places: vec!["auth/auth.toml:14:19".to_owned()],
        health: vec![(Duration::from_secs(opened + 30), Health::Unknown)],
        ended: ended.map(|at| (Duration::from_secs(at), "fine again".to_owned())),
    }
}

#[test]
fn what_differs_is_told_with_what_was_expected_and_what_happened() {
    let all = "[[service]]\nname = \"auth\"\nrequests = \"0+100x300\"\n";
    let judged = |expect: &str, told: &[Told]| -> String {
        let differences = judge(&scenario(&format!("{expect}{all}")), told);
        let side = |text: Option<String>| text.unwrap_or_else(|| "nothing".to_owned());
        differences.into_iter().map(|d| format!("{}\n{}\n", side(d.expected), side(d.happened))).collect()
    };
    let exact = "[[expect]]\nservice = \"auth\"\nalert = \"failing\"\nopened = \"60s..65s\"\nunknown = \"..2m\"\n\
        ended = \"3m..\"\nfailures = \"..30\"\ndelay = \"..5s\"\nshows = \"auth/auth.toml:14\"\n";
    assert_eq!(judged(exact, &[told(62, Some(200))]), "");
    assert_eq!(
        judged("[[expect]]\nservice = \"auth\"\nalert = \"failing\"\nended = \"never\"\n", &[told(62, None)]),
        ""
    );
    assert_eq!(judged("others = \"allowed\"\n", &[told(62, None)]), "");
    insta::assert_snapshot!(
        [
            judged(exact, &[]),
            judged(exact, &[told(72, Some(150))]),
            judged("", &[told(62, None)]),
            judged(exact, &[told(10, Some(20)), told(62, Some(200))]),
            judged("[[expect]]\nservice = \"auth\"\nalert = \"failing\"\nopened = \"never\"\n", &[told(62, None)]),
        ]
        .join("--\n"),
        @r"
        auth failing: opened from 1m to 1m5s, unknown until 2m, ended from 3m on, worst delay until 5s, 0..30 failures, shows auth/auth.toml:14
        nothing
        --
        auth failing: opened from 1m to 1m5s, unknown until 2m, ended from 3m on, worst delay until 5s, 0..30 failures, shows auth/auth.toml:14
        auth failing: opened 1m12s (20 of 150, worst delay 4s200ms), unknown 1m42s, ended 2m30s, shows auth/auth.toml:14:19
        --
        nothing
        auth failing: opened 1m2s (20 of 150, worst delay 4s200ms), unknown 1m32s, still open, shows auth/auth.toml:14:19
        --
        nothing
        auth failing: opened 10s (20 of 150, worst delay 4s200ms), unknown 40s, ended 20s, shows auth/auth.toml:14:19
        --
        auth failing: opened never
        auth failing: opened 1m2s (20 of 150, worst delay 4s200ms), unknown 1m32s, still open, shows auth/auth.toml:14:19
        "
    );
}

#[test]
fn times_are_shown_as_people_write_them() {
    for (millis, expected) in
        [(0, "0s"), (1500, "1s500ms"), (65_000, "1m5s"), (3_600_000, "1h"), (90_061_001, "1d1h1m1s1ms")]
    {
        assert_eq!(clock(Duration::from_millis(millis)), expected);
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(half in "(\\[\\[service\\]\\]|\\[\\[expect\\]\\])\n?[a-z_= \"\\[\\]{}0-9.x+\n]{0,80}") {
        let text = format!("kind = \"scenario\"\n{half}\n{PLAN}");
        if let Ok(scenario) = parse(&source(&text), None) {
            let _ = judge(&scenario, &run(&scenario));
        }
    }
}
