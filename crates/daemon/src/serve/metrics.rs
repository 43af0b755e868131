//! The watch's own metrics, in Prometheus' text format.

use std::fmt::Write as _;
use std::sync::PoisonError;

use watch::alert::Health;
use watch::journal::Why;
use watch::state::{TestView, Waiting};

use crate::follow::Counters;
use crate::run::Inside;

/// The page.
pub(super) fn text(world: &Inside) -> String {
    let mut page = Page::default();
    page.family("forewarn_up", "gauge", "The watch goes round: always 1 where this is read.");
    page.row("forewarn_up", &[], 1.0);
    page.family("forewarn_hindered", "gauge", "1 while the journal cannot be written.");
    page.row("forewarn_hindered", &[], f64::from(u8::from(world.hindered.is_some())));
    page.family("forewarn_heartbeat_failing", "gauge", "1 while the heartbeat is not taken.");
    page.row("forewarn_heartbeat_failing", &[], f64::from(u8::from(world.heartbeat.is_some())));
    page.family("forewarn_journal_bytes", "gauge", "Bytes of the journal on disk, without its log.");
    page.row("forewarn_journal_bytes", &[], world.journal_bytes as f64);
    page.family("forewarn_commits_total", "counter", "Commits of the journal.");
    page.row("forewarn_commits_total", &[], world.commits as f64);
    page.family(
        "forewarn_slowest_commit_seconds",
        "gauge",
        "How long the slowest commit of this minute took to be on disk.",
    );
    page.row("forewarn_slowest_commit_seconds", &[], world.slowest_commit.as_secs_f64());
    page.family("forewarn_queue_length", "gauge", "Notices that wait for a channel.");
    for (channel, queue) in world.plan.channels.iter().zip(&world.queues) {
        page.row("forewarn_queue_length", &[("channel", &channel.name)], queue.length() as f64);
    }
    services(&mut page, world);
    page.0
}

/// What the core says of each service. All of a family stands together, as the format asks.
fn services(page: &mut Page, world: &Inside) {
    let state = &world.state;
    page.family(
        "forewarn_service_health",
        "gauge",
        "1 for what is known of a service: good, bad or unknown.",
    );
    for service in state.services() {
        for (word, health) in [("good", Health::Good), ("bad", Health::Bad), ("unknown", Health::Unknown)] {
            let is = f64::from(u8::from(service.health() == health));
            page.row("forewarn_service_health", &[("service", service.name()), ("health", word)], is);
        }
    }
    page.family("forewarn_requests_total", "counter", "Requests that were counted.");
    for service in state.services() {
        page.row("forewarn_requests_total", &[("service", service.name())], service.total().requests as f64);
    }
    page.family("forewarn_failures_total", "counter", "Failed requests that were counted, by reason.");
    for service in state.services() {
        for (reason, count) in service.reasons().iter().zip(&service.total().failed) {
            let labels = [("service", service.name()), ("reason", reason.as_str())];
            page.row("forewarn_failures_total", &labels, *count as f64);
        }
    }
    page.family("forewarn_lost_total", "counter", "Readings that could not be counted, by why.");
    for service in state.services() {
        let lost = service.lost();
        let counts = [("first", lost.first), ("fell", lost.fell), ("stray", lost.stray), ("late", lost.late)];
        let nothing = Why::ALL.iter().zip(lost.nothing).map(|(why, count)| (word(*why), count));
        for (why, count) in counts.into_iter().chain(nothing) {
            page.row("forewarn_lost_total", &[("service", service.name()), ("why", why)], count as f64);
        }
    }
    page.family("forewarn_silent_seconds", "gauge", "How long ago something usable was heard of a service.");
    for service in state.services() {
        let silent = world.now.since(service.heard()).as_secs_f64();
        page.row("forewarn_silent_seconds", &[("service", service.name())], silent);
    }
    page.family("forewarn_guard", "gauge", "What would still be fine: a share, or requests a second.");
    each_test(state, |labels, test| {
        test.guard.into_iter().for_each(|guard| page.row("forewarn_guard", labels, guard))
    });
    page.family(
        "forewarn_evidence",
        "gauge",
        "Evidence against a service on a scale of logarithms: 0 is none, 1 raises an alert.",
    );
    each_test(state, |labels, test| {
        if let Some(evidence) = test.log_evidence {
            page.row("forewarn_evidence", labels, (evidence / test.threshold).max(0.0));
        }
    });
    page.family("forewarn_waiting", "gauge", "1 for a test that does not run, and why.");
    for Waiting { service, test, why } in state.waiting() {
        page.row("forewarn_waiting", &[("service", &service), ("test", &test), ("why", &why)], 1.0);
    }
    logs(page, world);
    page.family("forewarn_alerts_open", "gauge", "Alerts that are open.");
    page.row("forewarn_alerts_open", &[], state.alerts().count() as f64);
    page.family("forewarn_notices_dropped_total", "counter", "Notices that nobody was told.");
    page.row("forewarn_notices_dropped_total", &[], state.dropped() as f64);
}

/// What happened to the logs that are followed, since they are.
fn logs(page: &mut Page, world: &Inside) {
    let logs = world.logs.lock().unwrap_or_else(PoisonError::into_inner);
    let mut family = |name: &str, help: &str, count: fn(&Counters) -> u64| {
        page.family(name, "counter", help);
        for (service, counters) in logs.iter() {
            page.row(name, &[("service", service)], count(counters) as f64);
        }
    };
    family("forewarn_log_malformed_total", "Lines of a log that are not of its format.", |of| of.malformed);
    family("forewarn_log_truncated_total", "Times that a file of a log was cut.", |of| of.truncated);
    family("forewarn_log_lost_bytes_total", "Bytes of a log that were not read.", |of| of.lost_bytes);
    family(
        "forewarn_log_perhaps_lost_total",
        "Times that something of a log may not have been read, nobody knows how much.",
        |of| of.perhaps_lost,
    );
}

fn each_test(state: &watch::State, mut row: impl FnMut(&[(&str, &str)], &TestView)) {
    for service in state.services() {
        for test in service.tests() {
            row(&[("service", service.name()), ("test", &service.signal(test.signal))], &test);
        }
    }
}

fn word(why: Why) -> &'static str {
    match why {
        Why::Dns => "dns",
        Why::Connect => "connect",
        Why::Tls => "tls",
        Why::Timeout => "timeout",
        Why::Status => "status",
        Why::Body => "body",
        Why::Format => "format",
        Why::Absent => "absent",
        Why::Number => "number",
        Why::NoFile => "no-file",
        Why::Ours => "ours",
        Why::Unreadable => "unreadable",
    }
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn row(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (at, (label, value)) in labels.iter().enumerate() {
            let _ = write!(self.0, "{}{label}=\"{}\"", if at == 0 { '{' } else { ',' }, escaped(value));
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }
}

/// A label's value: backslash, quote and line break are escaped.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
