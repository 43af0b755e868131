//! Small plans for tests.

use std::time::Duration;

use model::{FileId, Span};

use crate::plan::{Access, GuardSource, Intake, Mapping, Plan, Reason, Scrape, Targets, Watched};

/// A service that is scraped at one address and fails for these reasons, with its guard learnt.
pub(crate) fn service(reasons: &[&str]) -> Watched {
    let scrape = Scrape {
        targets: vec![Targets::Url("http://127.0.0.1:9100/metrics".into())],
        access: Access::default(),
        mapping: Mapping::default(),
        timeout: Duration::from_millis(500),
        most: 1 << 20,
    };
    Watched {
        name: "login".into(),
        span: Span { file: FileId(0), start: 0, end: 0 },
        intake: Intake::Scrape(scrape),
        reasons: reasons.iter().map(|name| Reason { name: (*name).to_owned(), counts: true }).collect(),
        failures: GuardSource::Own,
        by_reason: Vec::new(),
        latency: None,
        pile_up: Vec::new(),
        traffic: None,
        objective: None,
        probe: None,
    }
}

/// A plan of one look a second and one false alarm a year.
pub(crate) fn plan(services: Vec<Watched>) -> Plan {
    Plan {
        false_alarms: 1.0,
        look: Duration::from_secs(1),
        services,
        channels: Vec::new(),
        heartbeat: None,
        audit: None,
        journal: "journal".into(),
        keep: Duration::from_secs(86_400),
        listen: None,
    }
}
