//! What is watched, how often, against which guard, and who is told: `[watch]` and `[audit]` of
//! `forewarn.toml` as nouns. Times are lengths, never moments.

use std::time::Duration;

pub use model::monitor::{Compare, Matcher};
use model::{Span, TimeUnit};

use crate::guard::Signal;
use crate::journal::Outline;

/// Everything that a running watch was told.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// How many false alarms a year the whole installation may raise. It is split over all tests.
    pub false_alarms: f64,
    /// How often each input is looked at.
    pub look: Duration,
    /// What is watched.
    pub services: Vec<Watched>,
    /// Who is told.
    pub channels: Vec<Channel>,
    /// What is called regularly, so that the silence of Forewarn itself is noticed.
    pub heartbeat: Option<Heartbeat>,
    /// When the configuration is audited again.
    pub audit: Option<Schedule>,
    /// The directory of the journal, relative to the file.
    pub journal: String,
    /// How long the journal is kept.
    pub keep: Duration,
    /// Where `/metrics`, `/healthz`, alerts and silences are served; nowhere where absent.
    pub listen: Option<String>,
}

impl Plan {
    /// What readings of its services are made of, for [`crate::journal::Input::Started`].
    #[must_use]
    pub fn outlines(&self) -> Vec<Outline> {
        self.services.iter().map(Watched::outline).collect()
    }
}

/// A service under watch.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// Its name; the same as the audit's, where both know it.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// Where its counts come from.
    pub intake: Intake,
    /// How a request can fail.
    pub reasons: Vec<Reason>,
    /// The guard of all failures that count.
    pub failures: GuardSource,
    /// Guards that are stated for single reasons, by their place in `reasons`; the others are learnt or
    /// follow the guard of all.
    pub by_reason: Vec<(usize, GuardSource)>,
    /// A request that takes longer is slow.
    pub latency: Option<LatencyObjective>,
    /// Timeouts of the configuration at whose length durations would pile up.
    pub pile_up: Vec<Duration>,
    /// Whether a drop of the traffic is tested; needs history.
    pub traffic: Option<GuardSource>,
    /// The objective of the share of good requests, for burn rates (0.999).
    pub objective: Option<Objective>,
    /// A user's way through the service, walked regularly.
    pub probe: Option<Probe>,
}

impl Watched {
    /// Each test that the service may have, and where its guard comes from. Who learns guards, who tests
    /// against them and who reads files of history all go by this.
    ///
    /// A reason without a guard of its own follows that of all failures: its share is at most theirs.
    pub fn guards(&self) -> impl Iterator<Item = (Signal, &GuardSource)> {
        let of_reason = |place: u16| {
            let stated = self.by_reason.iter().find(|(stated, _)| *stated == usize::from(place));
            stated.map_or(&self.failures, |(_, source)| source)
        };
        let places = (0..).zip(&self.reasons).map(|(place, _)| place);
        let reasons = places.map(move |place| (Signal::Reason(place), of_reason(place)));
        let slow = self.latency.iter().map(|latency| (Signal::Slow, &latency.guard));
        let piled = (0..).zip(&self.pile_up);
        let piled = piled.map(|(place, timeout)| (Signal::PileUp(place), of_pile_up(self, *timeout)));
        let traffic = self.traffic.iter().map(|source| (Signal::Traffic, source));
        let probe = self.probe.iter().map(|probe| (Signal::Probe, &probe.guard));
        let all = std::iter::once((Signal::Failures, &self.failures));
        all.chain(reasons).chain(slow).chain(piled).chain(traffic).chain(probe)
    }

    /// What its readings are made of.
    #[must_use]
    pub fn outline(&self) -> Outline {
        let millis = |length: &Duration| u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        Outline {
            name: self.name.clone(),
            reasons: self.reasons.iter().map(|reason| reason.name.clone()).collect(),
            pile_up: self.pile_up.iter().map(millis).collect(),
            slow: self.latency.as_ref().map(|latency| millis(&latency.slow)),
            steps: self.probe.iter().flat_map(|probe| &probe.steps).map(|step| step.name.clone()).collect(),
        }
    }
}

/// The guard of durations at a timeout: those beyond the objective hold those at a timeout above it, so what
/// is said of them holds here too. Else it is learnt, from the history of failures where there is one.
fn of_pile_up(service: &Watched, timeout: Duration) -> &GuardSource {
    match (&service.latency, &service.failures) {
        (Some(latency), _) if latency.slow <= timeout => &latency.guard,
        (_, GuardSource::History(_)) => &service.failures,
        (_, GuardSource::Declared(_) | GuardSource::Own) => &GuardSource::Own,
    }
}

/// A way to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Its name, as the user wrote it: "timeout".
    pub name: String,
    /// It counts as a failure of the service; a user's own mistake does not.
    pub counts: bool,
}

/// Where the guard of a test comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum GuardSource {
    /// Stated; the false-alarm rate holds on condition that it is true. A share, 0 to 1, or requests
    /// a second for traffic.
    Declared(f64),
    /// Learnt from a file of history, relative to `forewarn.toml`.
    History(String),
    /// Learnt from what the journal itself has seen, once it is enough.
    Own,
}

/// A latency objective.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyObjective {
    /// A request that takes longer is slow.
    pub slow: Duration,
    /// The guard of the share of slow ones.
    pub guard: GuardSource,
}

/// An objective over a period, whose budget can burn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    /// The share of good requests, 0 to 1.
    pub good: f64,
    /// Over how long.
    pub period: Duration,
}

/// Where counts come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Intake {
    /// Only the probe.
    None,
    /// Endpoints that show running totals in Prometheus' text format.
    Scrape(Scrape),
    /// Access logs that grow.
    Log(Log),
}

/// Endpoints to scrape.
#[derive(Debug, Clone, PartialEq)]
pub struct Scrape {
    /// Where they are.
    pub targets: Vec<Targets>,
    /// How they let one in.
    pub access: Access,
    /// Which series are requests, failures and durations.
    pub mapping: Mapping,
    /// How long an answer may take; below [`Plan::look`].
    pub timeout: Duration,
    /// How many bytes an answer may have.
    pub most: u64,
}

/// How targets are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Targets {
    /// One URL.
    Url(String),
    /// JSON files of target groups, as Prometheus' file discovery takes them; a glob relative to
    /// `forewarn.toml`. The URL's scheme and path are stated beside.
    File {
        /// The glob.
        glob: String,
        /// "http" or "https".
        scheme: String,
        /// The path, from `/` on.
        path: String,
    },
    /// Every address of a name.
    Dns {
        /// The name.
        name: String,
        /// The port.
        port: u16,
        /// "http" or "https".
        scheme: String,
        /// The path, from `/` on.
        path: String,
    },
}

/// How an endpoint lets one in. Secrets are named by their files and never held here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Access {
    /// A file that holds a bearer token.
    pub bearer_file: Option<String>,
    /// A user, and the file that holds the password.
    pub basic: Option<(String, String)>,
    /// A file of certificates to trust, instead of the machine's.
    pub ca: Option<String>,
    /// The name that the certificate must show, where it is not the host's.
    pub server_name: Option<String>,
}

/// Which series are what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping {
    /// All requests; the sum of all series that any of them selects.
    pub requests: Vec<Selector>,
    /// Failed ones, each with the place of its reason.
    pub failed: Vec<(usize, Selector)>,
    /// A histogram of durations.
    pub durations: Option<Durations>,
}

/// A histogram of durations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durations {
    /// Its name without `_bucket`, and labels.
    pub series: Selector,
    /// The unit of its bounds: seconds, as Prometheus asks for, or milliseconds, as Envoy has them.
    pub unit: TimeUnit,
}

/// A metric and what its labels must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// The metric's name.
    pub metric: String,
    /// What labels must be; all hold.
    pub labels: Vec<Matcher>,
}

/// Access logs to follow.
#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    /// Files, or globs of them, relative to `forewarn.toml`.
    pub paths: Vec<String>,
    /// How a line is read.
    pub format: LogFormat,
    /// Only requests whose path begins with one of these; all where empty.
    pub under: Vec<String>,
    /// Which outcomes are which reason, the first that holds wins; others are successes.
    pub failed: Vec<(usize, Outcome)>,
}

/// How a line of a log is read.
#[derive(Debug, Clone, PartialEq)]
pub enum LogFormat {
    /// NGINX, by the text of its `log_format`; the combined format where it is absent.
    Nginx(Option<String>),
    /// Envoy, by its format string; its default where it is absent.
    Envoy(Option<String>),
    /// HAProxy's `option httplog`.
    HaProxy,
    /// One JSON object a line: the names of the fields.
    Json {
        /// The status code.
        status: String,
        /// The duration, and how many of its unit a second has (1000 for milliseconds).
        duration: Option<(String, f64)>,
        /// The path.
        path: Option<String>,
        /// A reason in words.
        reason: Option<String>,
    },
}

/// What a request in a log must be to fail for a reason; all that is stated holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Status codes, ends included.
    pub status: Vec<(u16, u16)>,
    /// Words in the field that tells why (Envoy's response flags, HAProxy's termination state, the
    /// field of a JSON line); any of them.
    pub flags: Vec<String>,
}

/// A way through a service, walked regularly.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// How often.
    pub every: Duration,
    /// How long the whole way may take.
    pub timeout: Duration,
    /// The steps, one after the other.
    pub steps: Vec<Step>,
    /// How they let one in.
    pub access: Access,
    /// The guard of the share of walks that fail.
    pub guard: GuardSource,
}

/// One request of a probe. `${name}` in URL, headers and body stands for what an earlier step kept, or
/// for a variable of the environment that the plan names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is called: "login".
    pub name: String,
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<String>,
    /// Status codes that are expected, ends included.
    pub expect: Vec<(u16, u16)>,
    /// What is kept of a JSON answer: a name, and a JSON pointer.
    pub keep: Vec<(String, String)>,
}

/// Who is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// Its name, unique.
    pub name: String,
    /// How it is reached.
    pub kind: ChannelKind,
    /// How it lets one in.
    pub access: Access,
    /// How long one attempt may take.
    pub timeout: Duration,
}

/// How a channel is reached.
#[derive(Debug, Clone, PartialEq)]
pub enum ChannelKind {
    /// A `POST` of our own JSON.
    Webhook(String),
    /// Alertmanager's v2 API, by its base URL; what is open is sent again after `again`.
    Alertmanager {
        /// The base URL.
        url: String,
        /// How often what is open is sent again; below Alertmanager's `resolve_timeout`.
        again: Duration,
    },
    /// JSON lines appended to a file; standard output where it is "-".
    Lines(String),
}

/// A regular call that proves that Forewarn lives.
#[derive(Debug, Clone, PartialEq)]
pub struct Heartbeat {
    /// A `POST` is sent here.
    pub url: String,
    /// How often.
    pub every: Duration,
    /// How it lets one in.
    pub access: Access,
}

/// When the configuration is audited.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// When.
    pub when: When,
    /// Also within seconds of a change of a file.
    pub on_change: bool,
    /// What is audited, relative to the file.
    pub roots: Vec<String>,
    /// An audit that is later than this is an alarm.
    pub overdue: Duration,
}

/// Moments that come again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// So long after the last one.
    Every(Duration),
    /// By a cron expression in a zone ("0 6 * * 1-5", "Europe/Rome").
    Cron {
        /// The expression of five fields.
        expression: String,
        /// The zone.
        zone: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::service;

    fn of(service: &Watched) -> Vec<(Signal, GuardSource)> {
        service.guards().map(|(signal, source)| (signal, source.clone())).collect()
    }

    #[test]
    fn what_is_stated_for_all_failures_bounds_each_reason_and_nothing_else() {
        let stated = |share| GuardSource::Declared(share);
        let mut watched = service(&["timeout", "error"]);
        watched.failures = stated(0.02);
        watched.by_reason = vec![(1, GuardSource::Own)];
        watched.pile_up = vec![Duration::from_millis(300), Duration::from_secs(1)];
        let first = [(Signal::Failures, stated(0.02)), (Signal::Reason(0), stated(0.02))];
        let reason = (Signal::Reason(1), GuardSource::Own);
        let piled = |place, source| (Signal::PileUp(place), source);
        let mut expected = first.to_vec();
        expected.extend([reason, piled(0, GuardSource::Own), piled(1, GuardSource::Own)]);
        assert_eq!(of(&watched), expected);
        // Durations beyond half a second hold those at a second.
        watched.latency = Some(LatencyObjective { slow: Duration::from_millis(500), guard: stated(0.05) });
        expected.insert(3, (Signal::Slow, stated(0.05)));
        expected[5] = piled(1, stated(0.05));
        assert_eq!(of(&watched), expected);
    }

    #[test]
    fn a_file_of_history_is_that_of_all_shares_without_a_word_of_their_own() {
        let file = || GuardSource::History("auth.tsv".to_owned());
        let mut watched = service(&["timeout"]);
        watched.failures = file();
        watched.pile_up = vec![Duration::from_millis(300)];
        watched.traffic = Some(GuardSource::Own);
        let expected = [(Signal::Failures, file()), (Signal::Reason(0), file()), (Signal::PileUp(0), file())];
        let expected = [&expected[..], &[(Signal::Traffic, GuardSource::Own)]].concat();
        assert_eq!(of(&watched), expected);
    }
}
