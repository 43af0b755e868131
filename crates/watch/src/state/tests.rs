//! Stories on virtual time.

mod cost;
mod properties;

use std::time::Duration;

use model::Span;
use text::FileId;

use super::*;
use crate::alert::{Evidence, Health, Notice};
use crate::journal::{Reading, Said, Why};
use crate::plan::{
    Access, Channel, ChannelKind, GuardSource, Intake, Log, LogFormat, Mapping, Reason, Scrape, Targets,
    Watched,
};
use crate::tally::Tally;

fn service(name: &str) -> Watched {
    let log = Log { paths: Vec::new(), format: LogFormat::HaProxy, under: Vec::new(), failed: Vec::new() };
    Watched {
        name: name.to_owned(),
        span: Span { file: FileId(0), start: 0, end: 0 },
        intake: Intake::Log(log),
        reasons: vec![
            Reason { name: "timeout".to_owned(), counts: true },
            Reason { name: "refused".to_owned(), counts: true },
            Reason { name: "user".to_owned(), counts: false },
        ],
        failures: GuardSource::Declared(0.02),
        by_reason: Vec::new(),
        latency: None,
        pile_up: Vec::new(),
        traffic: None,
        objective: None,
        probe: None,
    }
}

fn plan(services: Vec<Watched>) -> Plan {
    let channel = Channel {
        name: "pager".to_owned(),
        kind: ChannelKind::Webhook("https://pager.example/".to_owned()),
        access: Access::default(),
        timeout: Duration::from_secs(5),
    };
    Plan {
        false_alarms: 1.0,
        look: Duration::from_secs(1),
        services,
        channels: vec![channel],
        heartbeat: None,
        audit: None,
        journal: "journal".to_owned(),
        keep: Duration::from_secs(30 * 86_400),
        listen: None,
    }
}

/// A channel that forgets what it is not told again.
fn alertmanager() -> Channel {
    Channel {
        name: "alertmanager".to_owned(),
        kind: ChannelKind::Alertmanager {
            url: "http://alertmanager.example".to_owned(),
            again: Duration::from_secs(60),
        },
        access: Access::default(),
        timeout: Duration::from_secs(5),
    }
}

/// An input of replicas.
fn scraped() -> Intake {
    let url = |host: &str| Targets::Url(format!("http://{host}/metrics"));
    Intake::Scrape(Scrape {
        targets: vec![url("10.0.0.0"), url("10.0.0.1")],
        access: Access::default(),
        mapping: Mapping::default(),
        timeout: Duration::from_millis(900),
        most: 1 << 20,
    })
}

/// A watch on virtual time, that looks once a second.
struct Story {
    plan: Plan,
    state: State,
    second: u64,
    totals: Tally,
    told: Vec<String>,
}

impl Story {
    fn new(plan: Plan) -> Self {
        let state = State::default();
        let totals = Tally::empty(plan.services[0].reasons.len(), 0);
        let mut story = Self { plan, state, second: 1_000_000, totals, told: Vec::new() };
        story.enter(Input::Started(story.plan.outlines()));
        story.enter(Input::Targets { service: 0, targets: vec!["a:80".to_owned()] });
        story
    }

    fn enter(&mut self, input: Input) {
        let mut effects = Vec::new();
        let entry = Entry { at: At(self.second * 1000), input };
        step(&self.plan, &mut self.state, &entry, &mut effects);
        for effect in effects {
            self.told.push(said(self.second - 1_000_000, &effect.notice));
            self.enter(Input::Delivered { key: effect.key, outcome: Ok(()) });
        }
    }

    fn look(&mut self, said: Said) {
        self.second += 1;
        self.enter(Input::Look { service: 0, readings: vec![Reading { target: 0, said }] });
    }

    /// So many seconds with so many requests each, and so many of them failed by reason.
    fn go(&mut self, seconds: u64, requests: u64, failed: [u64; 3]) {
        for _ in 0..seconds {
            self.totals.add(&Tally { requests, failed: failed.to_vec(), ..Tally::default() });
            self.look(Said::Totals(self.totals.clone()));
        }
    }

    fn silent(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.look(Said::Nothing(Why::Connect));
        }
    }
}

fn said(second: u64, notice: &Notice) -> String {
    let verb = match notice {
        Notice::Opened(_) => "opened",
        Notice::Changed(_) => "changed",
        Notice::Again(_) => "again",
        Notice::Ended(_) => "ended",
    };
    let Alert { id, service, symptom, since, health, evidence, ended, .. } = notice.alert();
    let health = match health {
        Health::Good => "good",
        Health::Bad => "bad",
        Health::Unknown => "unknown",
    };
    let evidence = evidence.as_ref().map_or(String::new(), |evidence| {
        let Evidence { k, n, guard, guard_basis, budget, worst_delay, .. } = evidence;
        let worst = worst_delay.as_secs_f64();
        format!(", {k} of {n}, guard {guard:.3} {guard_basis}, {budget:.2} a year, in {worst:.0} s")
    });
    let why = ended.as_ref().map_or(String::new(), |(_, why)| format!(": {why}"));
    let since = since.0 / 1000 - 1_000_000;
    format!("{second} s: {verb} {id} {service} {symptom:?} {health}, since {since} s{evidence}{why}")
}

#[test]
fn a_fault_is_told_with_its_reason_stays_open_in_silence_and_ends_by_a_test() {
    let mut story = Story::new(plan(vec![service("auth")]));
    story.go(60, 100, [1, 0, 3]);
    story.go(20, 100, [1, 19, 3]);
    story.silent(60);
    story.go(20, 100, [1, 19, 3]);
    story.go(60, 100, [1, 0, 3]);
    insta::assert_snapshot!(story.told.join("\n"), @r#"
    61 s: opened 0 auth Failing(Some("refused")) bad, since 61 s, 20 of 100, guard 0.020 declared, 0.50 a year, in 2 s
    82 s: changed 0 auth Failing(Some("refused")) unknown, since 61 s, 20 of 100, guard 0.020 declared, 0.50 a year, in 2 s
    141 s: changed 0 auth Failing(Some("refused")) bad, since 61 s, 20 of 100, guard 0.020 declared, 0.50 a year, in 2 s
    164 s: ended 0 auth Failing(Some("refused")) good, since 61 s, 20 of 100, guard 0.020 declared, 0.50 a year, in 2 s: below 7.630 % again; the guard is 2.000 %
    "#);
}
