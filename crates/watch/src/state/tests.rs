//! The state on virtual time: plans and fixtures of its tests.

mod cost;
mod properties;
mod stories;

use std::time::Duration;

use model::Span;
use text::FileId;

use super::*;
use crate::alert::{Evidence, Health, Notice, Refusal};
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
