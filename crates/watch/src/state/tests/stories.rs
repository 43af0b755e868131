//! What people are told, from the first notice of a trouble to the last.

use super::*;
use crate::audits::KnownSetting;
use crate::guard::{Guard, Learnt, Signal};
use crate::journal::{Fault, Walk};
use crate::plan::{Objective, Probe, Schedule, Step, When};

/// A watch of one service on virtual time, that looks once a second.
struct Story {
    plan: Plan,
    state: State,
    second: u64,
    /// Running totals of each target.
    totals: Vec<Tally>,
    /// A channel that takes nothing.
    refusing: Option<&'static str>,
    /// It never will.
    for_good: bool,
    told: Vec<String>,
}

/// Stories begin at this second: a Monday at noon.
const BEGIN: u64 = 1_000_036_800 - 1_000_036_800 % 604_800 + 4 * 86_400 + 43_200;

impl Story {
    fn new(plan: Plan) -> Self {
        Self::with(plan, 1)
    }

    fn with(plan: Plan, targets: usize) -> Self {
        let totals = vec![Tally::empty(plan.services[0].reasons.len(), 0); targets];
        let (state, told) = (State::default(), Vec::new());
        let mut story = Self { plan, state, second: BEGIN, totals, refusing: None, for_good: false, told };
        story.enter(Input::Started(story.plan.outlines()));
        let targets = (1..=targets).map(|target| format!("10.0.0.{target}:80")).collect();
        story.enter(Input::Targets { service: 0, targets });
        story
    }

    fn enter(&mut self, input: Input) {
        let mut effects = Vec::new();
        let entry = Entry { at: At(self.second * 1000), input };
        step(&self.plan, &mut self.state, &entry, &mut effects);
        for effect in effects {
            let channel = &self.plan.channels[usize::from(effect.channel)].name;
            let what = said(&effect.notice);
            let refuses = self.refusing == Some(channel);
            let refused = if refuses { " (refused)" } else { "" };
            self.told.push(format!("{:>4} s {channel}: {what}{refused}", self.second - BEGIN));
            let refusal = Refusal { why: "connection refused".to_owned(), again: !self.for_good };
            let outcome = if refuses { Err(refusal) } else { Ok(()) };
            self.enter(Input::Delivered { key: effect.key, outcome });
        }
    }

    fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.second += 1;
            self.enter(Input::Tick);
        }
    }

    /// So many looks, at which each target has counted so many requests, and failures by reason.
    fn go(&mut self, seconds: u64, requests: u64, failed: [u64; 3]) {
        self.go_with(seconds, |_, totals| {
            totals.add(&Tally { requests, failed: failed.to_vec(), ..Tally::default() });
            Said::Totals(totals.clone())
        });
    }

    fn silent(&mut self, seconds: u64) {
        self.go_with(seconds, |_, _| Said::Nothing(Why::Connect));
    }

    fn go_with(&mut self, seconds: u64, mut say: impl FnMut(u16, &mut Tally) -> Said) {
        for _ in 0..seconds {
            self.second += 1;
            let readings = (0..).zip(&mut self.totals).map(|(target, totals)| {
                let said = say(target, totals);
                Reading { target, said }
            });
            let readings = readings.collect();
            self.enter(Input::Look { service: 0, readings });
        }
    }

    fn walk(&mut self, walks: u64, failed: Option<(u16, Fault)>) {
        for _ in 0..walks {
            self.second += 5;
            self.enter(Input::Walked { service: 0, walk: Walk { failed, steps: Vec::new() } });
        }
    }

    fn told(&self) -> String {
        self.told.join("\n")
    }
}

fn said(notice: &Notice) -> String {
    let verb = match notice {
        Notice::Opened(_) => "opened",
        Notice::Changed(_) => "changed",
        Notice::Again(_) => "again",
        Notice::Ended(_) => "ended",
    };
    let Alert { id, service, symptom, since, health, evidence, replicas, findings, changes, ended, .. } =
        notice.alert();
    let since = since.0 / 1000 - BEGIN;
    let mut line = format!("{verb} {id} {service} {symptom:?} {health:?}, since {since} s");
    // Who was told once is told the rest in short.
    if let (Notice::Opened(_), Some(evidence)) = (notice, evidence) {
        let Evidence { k, n, guard, guard_basis, implied, budget, worst_delay } = evidence;
        let implied = implied.map_or(String::new(), |implied| format!(" ({implied} as history implies)"));
        let worst = worst_delay.as_secs_f64();
        line += &format!(
            ", {k} of {n}, guard {guard:.3} {guard_basis}, {budget:.2} a year{implied}, in {worst:.0} s"
        );
    }
    if !replicas.is_empty() {
        line += &format!(", at {}", replicas.join(" "));
    }
    for finding in findings {
        line += &format!(", {} {}", finding.place, finding.rule);
    }
    for change in changes {
        let KnownSetting { path, line: at, value, key, .. } = &change.setting;
        line += &format!(", {path}:{at} {key} {:?} -> {value}", change.before);
    }
    if let Some((_, why)) = ended {
        line += &format!(": {why}");
    }
    line
}

fn watched() -> Story {
    Story::new(plan(vec![service("auth")]))
}

#[test]
fn a_fault_is_told_with_its_reason_stays_open_in_silence_and_ends_by_a_test() {
    let mut story = watched();
    story.go(60, 100, [1, 0, 3]);
    story.go(20, 100, [1, 19, 3]);
    story.silent(60);
    story.go(20, 100, [1, 19, 3]);
    story.go(60, 100, [1, 0, 3]);
    insta::assert_snapshot!(story.told(), @r#"
     61 s pager: opened 0 auth Failing(Some("refused")) Bad, since 61 s, 20 of 100, guard 0.020 declared, 0.50 a year, in 3 s
     82 s pager: changed 0 auth Failing(Some("refused")) Unknown, since 61 s
    141 s pager: changed 0 auth Failing(Some("refused")) Bad, since 61 s
    163 s pager: ended 0 auth Failing(Some("refused")) Good, since 61 s: below 9 % again; the guard is 2 %
    "#);
}

#[test]
fn what_the_user_did_wrong_is_no_failure() {
    let mut story = watched();
    story.go(300, 100, [1, 0, 60]);
    assert_eq!(story.told(), "");
}

#[test]
fn one_bad_target_of_twenty_is_named_and_unknown_while_it_is_silent() {
    let mut auth = service("auth");
    auth.intake = scraped();
    auth.failures = GuardSource::Declared(0.05);
    let mut story = Story::with(plan(vec![auth]), 20);
    let all = |bad: u64, silent: bool| {
        move |target: u16, totals: &mut Tally| {
            let failed = if target == 6 { bad } else { 0 };
            totals.add(&Tally { requests: 10, failed: vec![failed, 0, 0], ..Tally::default() });
            if target == 6 && silent { Said::Nothing(Why::Timeout) } else { Said::Totals(totals.clone()) }
        }
    };
    story.go_with(30, all(0, false));
    story.go_with(60, all(4, false));
    story.go_with(60, all(4, true));
    story.go_with(10, all(4, false));
    story.go_with(60, all(0, false));
    insta::assert_snapshot!(story.told(), @r"
     35 s pager: opened 0 auth ReplicaFailing Bad, since 31 s, 20 of 50, guard 0.050 declared, 0.17 a year, in 8 s, at 10.0.0.7:80
     92 s pager: changed 0 auth ReplicaFailing Unknown, since 31 s, at 10.0.0.7:80
    151 s pager: changed 0 auth ReplicaFailing Bad, since 31 s, at 10.0.0.7:80
    167 s pager: ended 0 auth ReplicaFailing Good, since 31 s, at 10.0.0.7:80: each of its targets is good again, or is no longer listed
    ");
}

#[test]
fn traffic_that_stays_away_is_told_once_its_guard_is_learnt() {
    let mut auth = service("auth");
    auth.traffic = Some(GuardSource::Own);
    let mut story = Story::new(plan(vec![auth]));
    story.go(60, 100, [1, 0, 0]);
    story.go(60, 0, [0, 0, 0]);
    let waiting: Vec<String> = story
        .state
        .waiting()
        .into_iter()
        .map(|waiting| format!("{}: {}: {}", waiting.service, waiting.test, waiting.why))
        .collect();
    assert_eq!(waiting, ["auth: traffic: the guard is not learnt yet"]);
    let guard = Guard { level: vec![60.0], days: 14.0, dispersion: 2.0, implied: Some(0.04) };
    let guards = vec![Learnt { signal: Signal::Traffic, guard }];
    story.enter(Input::Learnt { service: 0, guards });
    story.go(60, 100, [1, 0, 0]);
    story.go(30, 0, [0, 0, 0]);
    story.silent(60);
    // The gap is one sample: so many came in it that nobody had stayed away.
    story.go(30, 90, [1, 0, 0]);
    insta::assert_snapshot!(story.told(), @r"
    181 s pager: opened 0 auth TrafficGone Bad, since 181 s, 0 of 60, guard 60.000 14 days of its own history, 0.17 a year (0.04 as history implies), in 2 s
    212 s pager: changed 0 auth TrafficGone Unknown, since 181 s
    271 s pager: changed 0 auth TrafficGone Bad, since 181 s
    272 s pager: ended 0 auth TrafficGone Good, since 181 s: above 4.043 a second again; the guard is 60.000
    ");
}

#[test]
fn a_probe_that_fails_names_its_step_and_what_forewarn_cannot_walk_says_nothing() {
    let mut front = service("front");
    front.intake = Intake::None;
    let step = |name: &str| Step {
        name: name.to_owned(),
        method: "GET".to_owned(),
        url: format!("http://front.example/{name}"),
        headers: Vec::new(),
        body: None,
        expect: Vec::new(),
        keep: Vec::new(),
    };
    front.probe = Some(Probe {
        every: Duration::from_secs(5),
        timeout: Duration::from_secs(4),
        steps: vec![step("login"), step("refresh")],
        access: Access::default(),
        guard: GuardSource::Declared(0.05),
    });
    let mut story = Story::new(plan(vec![front]));
    story.walk(10, None);
    story.walk(10, Some((1, Fault::Ours)));
    story.walk(10, Some((1, Fault::Status(503))));
    story.walk(10, Some((1, Fault::Ours)));
    story.walk(100, None);
    insta::assert_snapshot!(story.told(), @r#"
     65 s pager: opened 0 front Blind Unknown, since 50 s
    105 s pager: ended 0 front Blind Good, since 50 s: its inputs speak again
    130 s pager: opened 1 front ProbeFailing("refresh") Bad, since 105 s, 6 of 6, guard 0.050 declared, 1.00 a year, in 65 s
    160 s pager: changed 1 front ProbeFailing("refresh") Unknown, since 105 s
    205 s pager: changed 1 front ProbeFailing("refresh") Bad, since 105 s
    310 s pager: ended 1 front ProbeFailing("refresh") Good, since 105 s: below 46.5 % again; the guard is 5 %
    "#);
}

#[test]
fn silence_alone_is_told_after_a_while_and_a_restart_is_not() {
    let mut story = watched();
    story.go(10, 100, [1, 0, 0]);
    story.silent(12);
    story.go(10, 100, [1, 0, 0]);
    story.silent(30);
    // Not even looked at.
    story.wait(30);
    story.go(10, 100, [1, 0, 0]);
    insta::assert_snapshot!(story.told(), @r"
    47 s pager: opened 0 auth Blind Unknown, since 32 s
    93 s pager: ended 0 auth Blind Good, since 32 s: its inputs speak again
    ");
}

#[test]
fn what_is_silenced_is_told_afterwards_if_it_still_is() {
    let mut story = watched();
    let silence = |story: &Story, id, seconds| {
        let from = At(story.second * 1000);
        let until = from.after(Duration::from_secs(seconds));
        let (reason, by) = ("a release".to_owned(), "ops".to_owned());
        Input::Silenced(Silence { id, service: Some("auth".to_owned()), from, until, reason, by })
    };
    story.go(10, 100, [1, 0, 0]);
    // A fault that is over before the silence is.
    story.enter(silence(&story, 1, 100));
    story.go(10, 100, [30, 0, 0]);
    assert_eq!(story.state.alerts().count(), 1);
    story.go(50, 100, [1, 0, 0]);
    assert_eq!(story.state.alerts().count(), 0);
    story.go(100, 100, [1, 0, 0]);
    assert_eq!(story.told(), "");
    // One that is not; it ends under the next silence.
    story.enter(silence(&story, 2, 50));
    story.go(60, 100, [30, 0, 0]);
    story.enter(silence(&story, 3, 600));
    story.go(60, 100, [1, 0, 0]);
    story.enter(Input::Unsilenced(3));
    insta::assert_snapshot!(story.told(), @r#"
    220 s pager: opened 1 auth Failing(Some("timeout")) Bad, since 171 s, 30 of 100, guard 0.020 declared, 0.50 a year, in 2 s
    290 s pager: ended 1 auth Failing(Some("timeout")) Good, since 171 s: below 13.3 % again; the guard is 2 %
    "#);
}

fn finding(hash: &str, level: &str) -> OpenFinding {
    OpenFinding {
        hash: hash.to_owned(),
        rule: "timeout-below-latency".to_owned(),
        level: level.to_owned(),
        services: vec!["auth".to_owned(), "directory".to_owned()],
        place: "auth/auth.toml:14:19".to_owned(),
        title: "19.8 % of sign-ins will time out".to_owned(),
    }
}

fn setting(value: &str, line: u32) -> KnownSetting {
    KnownSetting {
        services: vec!["auth".to_owned(), "directory".to_owned()],
        key: "directory.request_timeout".to_owned(),
        value: value.to_owned(),
        path: "auth/auth.toml".to_owned(),
        line,
    }
}

fn audit(findings: &[OpenFinding], settings: &[KnownSetting]) -> Input {
    Input::Audited(Audited { stopped: None, findings: findings.to_vec(), settings: settings.to_vec() })
}

#[test]
fn an_alert_shows_the_line_that_was_changed_even_if_the_audit_comes_later() {
    let mut story = watched();
    story.enter(audit(&[], &[setting("1s", 12)]));
    story.go(10, 100, [1, 0, 0]);
    story.go(5, 100, [40, 0, 0]);
    story.enter(audit(&[finding("a", "error"), finding("b", "note")], &[setting("300ms", 14)]));
    let stopped = Some("auth/auth.toml cannot be read".to_owned());
    story.enter(Input::Audited(Audited { stopped, ..Audited::default() }));
    assert_eq!((story.state.findings().len(), story.state.changes().len()), (2, 1));
    story.go(5, 100, [40, 0, 0]);
    // Lines that move are no change.
    story.enter(audit(&[], &[setting("1s", 20)]));
    story.enter(audit(&[], &[setting("1s", 21)]));
    story.go(60, 100, [1, 0, 0]);
    insta::assert_snapshot!(story.told(), @r#"
    11 s pager: opened 0 auth Failing(Some("timeout")) Bad, since 11 s, 40 of 100, guard 0.020 declared, 0.50 a year, in 2 s
    15 s pager: changed 0 auth Failing(Some("timeout")) Bad, since 11 s, auth/auth.toml:14:19 timeout-below-latency, auth/auth.toml:14:19 timeout-below-latency, auth/auth.toml:14 directory.request_timeout Some("1s") -> 300ms
    15 s pager: opened 1 auth Finding("timeout-below-latency") Bad, since 15 s, auth/auth.toml:14:19 timeout-below-latency, auth/auth.toml:14 directory.request_timeout Some("1s") -> 300ms
    15 s pager: opened 2 forewarn Hindered("the audit was stopped: auth/auth.toml cannot be read") Bad, since 15 s
    20 s pager: changed 0 auth Failing(Some("timeout")) Bad, since 11 s, auth/auth.toml:20 directory.request_timeout Some("300ms") -> 1s, auth/auth.toml:14 directory.request_timeout Some("1s") -> 300ms
    20 s pager: ended 1 auth Finding("timeout-below-latency") Good, since 15 s, auth/auth.toml:14:19 timeout-below-latency, auth/auth.toml:14 directory.request_timeout Some("1s") -> 300ms: no longer found
    20 s pager: ended 2 forewarn Hindered("the audit was stopped: auth/auth.toml cannot be read") Good, since 15 s: an audit was run to its end
    21 s pager: ended 0 auth Failing(Some("timeout")) Good, since 11 s, auth/auth.toml:20 directory.request_timeout Some("300ms") -> 1s, auth/auth.toml:14 directory.request_timeout Some("1s") -> 300ms: below 17.8 % again; the guard is 2 %
    "#);
}

#[test]
fn an_audit_that_is_overdue_is_told_and_findings_of_one_audit_are_one_notice() {
    let mut plan = plan(Vec::new());
    plan.services.push(service("auth"));
    plan.audit = Some(Schedule {
        when: When::Every(Duration::from_secs(100)),
        on_change: false,
        roots: Vec::new(),
        overdue: Duration::from_secs(150),
    });
    let mut story = Story::new(plan);
    story.go(100, 100, [1, 0, 0]);
    story.enter(audit(&[finding("a", "error"), finding("b", "warning"), finding("c", "note")], &[]));
    story.go(200, 100, [1, 0, 0]);
    story.enter(audit(&[finding("b", "warning"), finding("c", "note")], &[]));
    story.go(10, 100, [1, 0, 0]);
    story.enter(audit(&[finding("c", "note"), finding("d", "error")], &[]));
    insta::assert_snapshot!(story.told(), @r#"
    100 s pager: opened 0 auth Finding("2 findings") Bad, since 100 s, auth/auth.toml:14:19 timeout-below-latency, auth/auth.toml:14:19 timeout-below-latency
    251 s pager: opened 1 forewarn AuditOverdue Bad, since 100 s
    300 s pager: ended 1 forewarn AuditOverdue Good, since 100 s: an audit was run
    310 s pager: ended 0 auth Finding("2 findings") Good, since 100 s, auth/auth.toml:14:19 timeout-below-latency, auth/auth.toml:14:19 timeout-below-latency: no longer found
    310 s pager: opened 2 auth Finding("timeout-below-latency") Bad, since 310 s, auth/auth.toml:14:19 timeout-below-latency
    "#);
}

#[test]
fn a_channel_that_refuses_is_tried_later_and_later_in_order_and_told_of() {
    let mut story = watched();
    story.plan.channels.push(alertmanager());
    story.enter(Input::Started(story.plan.outlines()));
    story.go(10, 100, [1, 0, 0]);
    story.refusing = Some("pager");
    story.go(20, 100, [40, 0, 0]);
    // Over before it took the opening: it is told of both, in their order.
    story.go(40, 100, [1, 0, 0]);
    assert_eq!(story.state.outbox().count(), 2);
    story.refusing = None;
    story.go(130, 100, [1, 0, 0]);
    assert_eq!(story.state.outbox().count(), 0);
    insta::assert_snapshot!(story.told(), @r#"
    11 s pager: opened 0 auth Failing(Some("timeout")) Bad, since 11 s, 40 of 100, guard 0.020 declared, 0.50 a year, in 2 s (refused)
    11 s alertmanager: opened 0 auth Failing(Some("timeout")) Bad, since 11 s, 40 of 100, guard 0.020 declared, 0.50 a year, in 2 s
    12 s pager: opened 0 auth Failing(Some("timeout")) Bad, since 11 s, 40 of 100, guard 0.020 declared, 0.50 a year, in 2 s (refused)
    14 s pager: opened 0 auth Failing(Some("timeout")) Bad, since 11 s, 40 of 100, guard 0.020 declared, 0.50 a year, in 2 s (refused)
    14 s alertmanager: opened 1 forewarn Hindered("the channel `pager` takes nothing: connection refused") Bad, since 14 s
    18 s pager: opened 0 auth Failing(Some("timeout")) Bad, since 11 s, 40 of 100, guard 0.020 declared, 0.50 a year, in 2 s (refused)
    26 s pager: opened 0 auth Failing(Some("timeout")) Bad, since 11 s, 40 of 100, guard 0.020 declared, 0.50 a year, in 2 s (refused)
    31 s alertmanager: ended 0 auth Failing(Some("timeout")) Good, since 11 s: below 17.8 % again; the guard is 2 %
    42 s pager: opened 0 auth Failing(Some("timeout")) Bad, since 11 s, 40 of 100, guard 0.020 declared, 0.50 a year, in 2 s (refused)
    60 s alertmanager: again 1 forewarn Hindered("the channel `pager` takes nothing: connection refused") Bad, since 14 s
    74 s pager: opened 0 auth Failing(Some("timeout")) Bad, since 11 s, 40 of 100, guard 0.020 declared, 0.50 a year, in 2 s
    74 s pager: ended 0 auth Failing(Some("timeout")) Good, since 11 s: below 17.8 % again; the guard is 2 %
    74 s alertmanager: ended 1 forewarn Hindered("the channel `pager` takes nothing: connection refused") Good, since 14 s: it takes notices again
    "#);
}

#[test]
fn what_a_channel_refuses_for_good_is_dropped_and_keeps_nothing_behind_it() {
    let mut story = watched();
    story.plan.channels.push(alertmanager());
    story.enter(Input::Started(story.plan.outlines()));
    story.go(10, 100, [1, 0, 0]);
    (story.refusing, story.for_good) = (Some("pager"), true);
    story.go(3, 100, [40, 0, 0]);
    assert_eq!((story.state.outbox().count(), story.state.dropped()), (0, 1));
    story.refusing = None;
    story.go(40, 100, [1, 0, 0]);
    insta::assert_snapshot!(story.told(), @r#"
    11 s pager: opened 0 auth Failing(Some("timeout")) Bad, since 11 s, 40 of 100, guard 0.020 declared, 0.50 a year, in 2 s (refused)
    11 s alertmanager: opened 1 forewarn Hindered("the channel `pager` refuses a notice for good, which is dropped: connection refused") Bad, since 11 s
    11 s alertmanager: opened 0 auth Failing(Some("timeout")) Bad, since 11 s, 40 of 100, guard 0.020 declared, 0.50 a year, in 2 s
    14 s pager: ended 0 auth Failing(Some("timeout")) Good, since 11 s: below 17.8 % again; the guard is 2 %
    14 s alertmanager: ended 1 forewarn Hindered("the channel `pager` refuses a notice for good, which is dropped: connection refused") Good, since 11 s: it takes notices again
    14 s alertmanager: ended 0 auth Failing(Some("timeout")) Good, since 11 s: below 17.8 % again; the guard is 2 %
    "#);
}

#[test]
fn a_replica_that_is_still_bad_when_its_service_is_good_again_has_an_alert_of_its_own() {
    let mut auth = service("auth");
    auth.intake = scraped();
    let mut story = Story::with(plan(vec![auth]), 5);
    let go = |story: &mut Story, seconds, bad: fn(u16) -> u64| {
        story.go_with(seconds, |target, totals| {
            let failed = vec![bad(target), 0, 0];
            totals.add(&Tally { requests: 100, failed, ..Tally::default() });
            Said::Totals(totals.clone())
        });
    };
    go(&mut story, 10, |_| 1);
    go(&mut story, 20, |_| 8);
    assert_eq!(story.state.alerts().count(), 1);
    go(&mut story, 60, |target| if target == 3 { 8 } else { 0 });
    assert_eq!(story.state.alerts().count(), 1);
    go(&mut story, 60, |_| 1);
    assert_eq!(story.state.alerts().count(), 0);
    insta::assert_snapshot!(story.told(), @r#"
    11 s pager: opened 0 auth Failing(Some("timeout")) Bad, since 11 s, 40 of 500, guard 0.020 declared, 0.50 a year, in 3 s
    15 s pager: changed 0 auth Failing(Some("timeout")) Bad, since 11 s, at 10.0.0.1:80 10.0.0.2:80 10.0.0.3:80 10.0.0.4:80 10.0.0.5:80
    33 s pager: ended 0 auth Failing(Some("timeout")) Good, since 11 s, at 10.0.0.1:80 10.0.0.2:80 10.0.0.3:80 10.0.0.4:80 10.0.0.5:80: below 4.7 % again; the guard is 2 %
    38 s pager: opened 1 auth ReplicaFailing Bad, since 34 s, 40 of 500, guard 0.020 declared, 0.17 a year, in 8 s, at 10.0.0.4:80
    97 s pager: ended 1 auth ReplicaFailing Good, since 34 s, at 10.0.0.4:80: each of its targets is good again, or is no longer listed
    "#);
}

#[test]
fn a_channel_that_forgets_is_told_again_and_at_once_after_a_start() {
    let mut story = watched();
    story.plan.channels = vec![alertmanager()];
    story.enter(Input::Started(story.plan.outlines()));
    story.go(10, 100, [1, 0, 0]);
    story.go(100, 100, [40, 0, 0]);
    story.second += 600;
    story.enter(Input::Started(story.plan.outlines()));
    story.go(70, 100, [40, 0, 0]);
    insta::assert_snapshot!(story.told(), @r#"
     11 s alertmanager: opened 0 auth Failing(Some("timeout")) Bad, since 11 s, 40 of 100, guard 0.020 declared, 0.50 a year, in 2 s
     60 s alertmanager: again 0 auth Failing(Some("timeout")) Bad, since 11 s
    710 s alertmanager: again 0 auth Failing(Some("timeout")) Bad, since 11 s
    770 s alertmanager: again 0 auth Failing(Some("timeout")) Bad, since 11 s
    "#);
}

#[test]
fn a_slow_burn_is_told_by_its_budget_and_stops() {
    let mut auth = service("auth");
    auth.failures = GuardSource::Declared(0.05);
    auth.objective = Some(Objective { good: 0.999, period: Duration::from_secs(30 * 86_400) });
    let mut story = Story::new(plan(vec![auth]));
    story.go(3600, 100, [0, 0, 0]);
    story.go(1800, 100, [3, 0, 0]);
    story.go(10 * 3600, 100, [0, 0, 0]);
    insta::assert_snapshot!(story.told(), @r"
    5340 s pager: opened 0 auth Burning(Hour) Bad, since 5340 s, 5217 of 360000, guard 0.014 the budget of the objective, 0.00 a year, in 0 s
    5580 s pager: ended 0 auth Burning(Hour) Good, since 5340 s: the short window burns no longer
    ");
}

#[test]
fn a_start_keeps_what_totals_were_and_takes_over_another_plan() {
    let mut story = watched();
    story.go(10, 100, [1, 0, 0]);
    story.go(5, 100, [40, 0, 0]);
    let total = |story: &Story| story.state.services().next().unwrap().total().requests;
    assert_eq!(total(&story), 1400);
    // Away for two minutes, in which the service went on: it is all one sample.
    story.second += 120;
    story.totals[0].requests += 12_000;
    story.totals[0].failed[0] += 4_800;
    // Another service stands first now; entries name services by their place.
    story.plan.services.insert(0, service("directory"));
    story.enter(Input::Started(story.plan.outlines()));
    let totals = Said::Totals(story.totals[0].clone());
    story.enter(Input::Look { service: 1, readings: vec![Reading { target: 0, said: totals }] });
    let requests: Vec<u64> = story.state.services().map(|view| view.total().requests).collect();
    assert_eq!(requests, [0, 13_400]);
    // It is no longer watched.
    story.plan.services.pop();
    story.enter(Input::Started(story.plan.outlines()));
    insta::assert_snapshot!(story.told(), @r#"
     11 s pager: opened 0 auth Failing(Some("timeout")) Bad, since 11 s, 40 of 100, guard 0.020 declared, 0.50 a year, in 2 s
    135 s pager: ended 0 auth Failing(Some("timeout")) Good, since 11 s: the service is no longer watched
    "#);
}

#[test]
fn a_clock_that_is_set_makes_no_silence() {
    let mut story = watched();
    story.go(10, 100, [1, 0, 0]);
    story.second += 3600;
    story.enter(Input::ClockSet(3_600_000));
    story.go(10, 100, [1, 0, 0]);
    // Set back: moments go on where they were.
    story.enter(Input::ClockSet(-7_200_000));
    story.go(10, 100, [1, 0, 0]);
    assert_eq!(story.told(), "");
    let view = story.state.services().next().unwrap();
    assert_eq!((view.health(), view.lost().late), (Health::Good, 0));
}

#[test]
fn hour_of_week_guards_hold_in_their_hours() {
    let mut auth = service("auth");
    auth.failures = GuardSource::Own;
    let mut story = Story::new(plan(vec![auth]));
    // Mondays from one o'clock on a third may fail.
    let mut level = vec![0.02; 168];
    level[13..].fill(0.4);
    let guard = Guard { level, days: 28.0, dispersion: 1.0, implied: Some(0.3) };
    story.enter(Input::Learnt { service: 0, guards: vec![Learnt { signal: Signal::Failures, guard }] });
    story.go(3500, 10, [0, 0, 0]);
    story.second += 100;
    story.go(600, 10, [3, 0, 0]);
    assert_eq!(story.told(), "");
    story.second += 6 * 86_400 + 23 * 3600 - 600;
    story.go(600, 10, [3, 0, 0]);
    insta::assert_snapshot!(story.told(), @r#"604805 s pager: opened 0 auth Failing(Some("timeout")) Bad, since 604802 s, 12 of 40, guard 0.020 28 days of its own history, 0.50 a year (0.3 as history implies), in 8 s"#);
}
