//! Alertmanager's API, version 2: `POST /api/v2/alerts` (alertmanager api/v2/openapi.yaml). An alert lives
//! there until `endsAt`; what is open is sent again before that. Its labels are its identity, so nothing
//! that changes while an alert is open is among them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use hyper::header::CONTENT_TYPE;
use serde::Serialize;
use watch::alert::{Alert, Notice, Symptom};
use watch::plan::Channel;

use super::webhook::{JSON, post};
use super::{Attempt, Letter, Way, moment, words};
use crate::http::{Client, Network, Url};

/// So many resends may be lost before an alert that is open ends in Alertmanager: Prometheus allows the
/// same (`4 * resendDelay`, prometheus rules/manager.go).
const LIVES: u32 = 4;

/// An Alertmanager.
pub(super) struct Alertmanager {
    client: Client,
    url: Url,
    again: Duration,
    timeout: Duration,
}

/// An alert as Alertmanager takes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    labels: BTreeMap<&'static str, String>,
    annotations: BTreeMap<&'static str, String>,
    starts_at: String,
    ends_at: String,
}

impl Alertmanager {
    pub(super) fn new(
        base_url: &str,
        again: Duration,
        channel: &Channel,
        base: &Path,
        network: &Network,
    ) -> Result<Self, String> {
        let url = Url::parse(&format!("{}/api/v2/alerts", base_url.trim_end_matches('/')))?;
        let client = Client::new(&channel.access, base, network);
        Ok(Self { client, url, again, timeout: channel.timeout })
    }
}

impl Way for Alertmanager {
    fn hand_over<'a>(&'a self, letter: &'a Letter) -> Attempt<'a> {
        Box::pin(async move {
            let posted = posted(letter, self.again);
            // Strings alone: nothing here can fail to serialise.
            let body = serde_json::to_string(&[posted]).unwrap_or_default();
            post(&self.client, &self.url, &[(CONTENT_TYPE, JSON)], body, self.timeout).await
        })
    }
}

fn posted(letter: &Letter, again: Duration) -> Posted {
    let (Notice::Opened(alert) | Notice::Changed(alert) | Notice::Again(alert) | Notice::Ended(alert)) =
        &letter.notice;
    // Told late, as after an outage of Alertmanager, it still lives from when it is told.
    let told = letter.now().max(alert.opened);
    let ends = alert.ended.as_ref().map_or_else(|| told.after(again * LIVES), |(at, _)| *at);
    let mut labels = BTreeMap::from([
        ("alertname", name(&alert.symptom).to_owned()),
        ("service", alert.service.clone()),
        ("source", "forewarn".to_owned()),
    ]);
    if let Some((label, value)) = detail(alert) {
        labels.insert(label, value);
    }
    Posted { labels, annotations: annotations(alert), starts_at: moment(alert.opened), ends_at: moment(ends) }
}

fn name(symptom: &Symptom) -> &'static str {
    match symptom {
        Symptom::Failing(_) => "ServiceFailing",
        Symptom::ReplicaFailing => "ReplicaFailing",
        Symptom::Slow => "ServiceSlow",
        Symptom::PileUp(_) => "DurationsPileUp",
        Symptom::TrafficGone => "TrafficGone",
        Symptom::ProbeFailing(_) => "ProbeFailing",
        Symptom::Burning(_) => "BudgetBurning",
        Symptom::Blind => "ServiceBlind",
        Symptom::Finding(_) => "ConfigurationFinding",
        Symptom::AuditOverdue => "AuditOverdue",
        Symptom::Hindered(_) => "ForewarnHindered",
    }
}

/// What may differ between two alerts of the same name and service, and never changes in one.
fn detail(alert: &Alert) -> Option<(&'static str, String)> {
    match &alert.symptom {
        Symptom::PileUp(timeout) => Some(("timeout_ms", timeout.to_string())),
        // Of these a service can have several at once, with nothing else to tell them apart for good.
        Symptom::Finding(_) | Symptom::Hindered(_) => Some(("alert", alert.id.to_string())),
        _ => None,
    }
}

fn annotations(alert: &Alert) -> BTreeMap<&'static str, String> {
    let mut said = BTreeMap::from([("summary", words::alert(alert))]);
    let mut lines = Vec::new();
    for finding in &alert.findings {
        lines.push(format!("{}: {}: {} [{}]", finding.place, finding.level, finding.title, finding.rule));
    }
    for change in &alert.changes {
        let set = &change.setting;
        let now = if change.gone { "taken away" } else { set.value.as_str() };
        let before = change.before.as_deref().unwrap_or("not set");
        lines.push(format!("{}:{}: {} was {before}, is {now}", set.path, set.line, set.key));
    }
    if let Some((_, why)) = &alert.ended {
        said.insert("ended", why.clone());
    }
    if !lines.is_empty() {
        said.insert("description", lines.join("\n"));
    }
    said
}

#[cfg(test)]
mod tests {
    use watch::time::At;

    use super::*;
    use crate::send::tests::{letter, opened};

    #[test]
    fn an_open_alert_lives_for_four_resends_and_an_ended_one_ends() {
        let alert = opened();
        let open = posted(&letter(Notice::Opened(alert.clone())), Duration::from_secs(60));
        assert_eq!(
            (open.starts_at.as_str(), open.ends_at.as_str()),
            ("2027-01-15T08:00:00.000Z", "2027-01-15T08:04:00.000Z",)
        );
        let ended = Alert { ended: Some((At(alert.opened.0 + 5_000), "requests succeed".into())), ..alert };
        let over = posted(&letter(Notice::Ended(ended)), Duration::from_secs(60));
        assert_eq!(over.labels, open.labels, "or Alertmanager takes it for another alert");
        assert_eq!(over.ends_at, "2027-01-15T08:00:05.000Z");
    }

    #[tokio::test(start_paused = true)]
    async fn an_alert_lives_from_when_it_is_sent_however_long_it_waited() {
        let waited = letter(Notice::Opened(opened()));
        tokio::time::sleep(Duration::from_secs(600)).await;
        let late = posted(&waited, Duration::from_secs(60));
        assert_eq!(late.ends_at, "2027-01-15T08:14:00.000Z");
    }

    #[test]
    fn two_alerts_of_one_service_are_two_in_alertmanager() {
        let labels = |id, symptom| {
            let alert = Alert { id, symptom, ..opened() };
            posted(&letter(Notice::Opened(alert)), Duration::from_secs(60)).labels
        };
        let finding = || Symptom::Finding("retry-storm".into());
        assert_ne!(labels(1, finding()), labels(2, finding()));
        let hindered = |what: &str| Symptom::Hindered(what.into());
        assert_ne!(labels(1, hindered("audit")), labels(2, hindered("disk")));
        assert_eq!(labels(1, Symptom::Slow), labels(2, Symptom::Slow), "one at a time: it is the same again");
    }
}
