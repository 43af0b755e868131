//! Looks at a service by its counters: asks all its targets at the same time, and reads of each answer
//! what the mapping names. What a target says too late or wrongly is said to be so; it keeps no other up.

mod exposition;
mod line;
mod mapping;
#[cfg(test)]
mod tests;
mod totals;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, timeout};
use watch::journal::{Input, Reading, Said, Why};
use watch::plan::{Scrape, Watched};
use watch::tally::Tally;

use crate::discover::{Known, Target, discover};
use crate::http::{Ask, Client, Failed, Network, Trouble};
use crate::notes::{Notes, Standing};

use exposition::Exposition;
use mapping::Ready;
use totals::{Limits, Remark};

/// The text format is preferred: it is cheaper for both sides.
const ACCEPT: HeaderValue = HeaderValue::from_static(
    "text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1",
);

/// Looks at one service.
pub struct Scraper {
    service: u16,
    name: String,
    asking: Arc<Asking>,
    discovered: Known,
    /// The targets that were told last.
    told: Option<Arc<[Target]>>,
    standing: Standing<Why>,
    notes: Notes,
    remarked: Vec<Remark>,
}

/// What is asked of each target.
struct Asking {
    client: Client,
    mapping: Ready,
    limits: Limits,
    timeout: Duration,
    most: u64,
}

/// One look.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// The targets that its readings are of, where they are others than before.
    pub targets: Option<Vec<String>>,
    /// What each target said.
    pub readings: Vec<Reading>,
}

impl Scraper {
    /// For the service at this place of the plan; files are relative to `base`. Begins to look for the
    /// targets, so that it has to be called in a runtime.
    ///
    /// # Errors
    ///
    /// Says what of the plan cannot be carried out.
    pub fn new(
        service: u16,
        watched: &Watched,
        scrape: &Scrape,
        base: &Path,
        network: &Network,
        notes: &Notes,
    ) -> Result<Self, String> {
        let slow = watched.latency.as_ref().map(|latency| latency.slow);
        // Without durations, nothing is compared with edges.
        let nanos = scrape.mapping.durations.as_ref().map_or(1, |durations| durations.unit.nanos());
        let limits = Limits::new(slow, &watched.pile_up, nanos);
        let asking = Asking {
            client: Client::new(&scrape.access, base, network),
            mapping: Ready::new(&scrape.mapping, watched.reasons.len())?,
            limits,
            timeout: scrape.timeout,
            most: scrape.most,
        };
        Ok(Self {
            service,
            name: watched.name.clone(),
            asking: Arc::new(asking),
            discovered: discover(&watched.name, &scrape.targets, base, network, notes)?,
            told: None,
            standing: Standing::new(notes.clone()),
            notes: notes.clone(),
            remarked: Vec::new(),
        })
    }

    /// Asks all targets, and waits for those that answer in time.
    pub async fn look(&mut self) -> Look {
        let Some(targets) = self.targets().await else {
            return Look { targets: None, readings: Vec::new() };
        };
        let changed = self.told.as_ref().is_none_or(|told| !Arc::ptr_eq(told, &targets));
        if changed {
            self.told = Some(Arc::clone(&targets));
            self.asking.client.keep_only(targets.iter().map(|target| &target.url));
            self.standing.keep_only(|name| targets.iter().any(|target| target.name == name));
        }
        let mut answers = self.ask(&targets).await;
        answers.sort_by_key(|(at, _)| *at);
        let mut readings = Vec::with_capacity(answers.len());
        for (at, answer) in answers {
            let name = &targets[usize::from(at)].name;
            let said = match answer {
                Ok((tally, remarks)) => {
                    self.standing.fine(name, || format!("{} at {name}: answers again", self.name));
                    self.remark(name, &remarks);
                    Said::Totals(tally)
                }
                Err(Unusable { why, words }) => {
                    self.standing.trouble(name, why, || format!("{} at {name}: {words}", self.name));
                    Said::Nothing(why)
                }
            };
            readings.push(Reading { target: at, said });
        }
        let names = || targets.iter().map(|target| target.name.clone()).collect();
        Look { targets: changed.then(names), readings }
    }

    /// The targets as they are now known. Only the first look may have to wait for them.
    async fn targets(&mut self) -> Option<Arc<[Target]>> {
        let known = timeout(self.asking.timeout, self.discovered.wait_for(Option::is_some)).await;
        // Who keeps stated targets has nothing more to tell, so that its end means nothing.
        drop(known);
        self.discovered.borrow().clone()
    }

    async fn ask(&self, targets: &Arc<[Target]>) -> Vec<(u16, Answer)> {
        // One target needs no task of its own.
        if let [target] = &**targets {
            return vec![(0, self.asking.read(target).await)];
        }
        let mut asked = JoinSet::new();
        for at in (0..=u16::MAX).take(targets.len()) {
            let (asking, targets) = (Arc::clone(&self.asking), Arc::clone(targets));
            asked.spawn(async move { (at, asking.read(&targets[usize::from(at)]).await) });
        }
        asked.join_all().await
    }

    fn remark(&mut self, target: &str, remarks: &[Remark]) {
        for remark in remarks {
            if !self.remarked.contains(remark) {
                self.remarked.push(*remark);
                self.notes.say(format!("{} at {target}: {}", self.name, words(*remark)));
            }
        }
    }

    /// Looks regularly from a moment on, and gives the inputs of the journal; ends when nobody takes them.
    pub async fn run(mut self, first: Instant, every: Duration, to: mpsc::Sender<Input>) {
        let mut due = tokio::time::interval_at(first, every);
        // A look that was late is not made up for: counters are running totals.
        due.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = due.tick() => {}
                () = to.closed() => return,
            }
            let Look { targets, readings } = self.look().await;
            let service = self.service;
            if let Some(targets) = targets
                && to.send(Input::Targets { service, targets }).await.is_err()
            {
                return;
            }
            if to.send(Input::Look { service, readings }).await.is_err() {
                return;
            }
        }
    }
}

/// What a target said, and what is odd about it; or why nothing can be made of it.
type Answer = Result<(Tally, Vec<Remark>), Unusable>;

/// An answer of which nothing can be made, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unusable {
    why: Why,
    /// In words, for people.
    words: String,
}

impl Unusable {
    fn new(why: Why, words: String) -> Self {
        Self { why, words }
    }

    fn at_line(mut self, line: u64) -> Self {
        self.words = format!("line {line}: {}", self.words);
        self
    }
}

impl From<Failed> for Unusable {
    fn from(failed: Failed) -> Self {
        let why = match failed.trouble {
            Trouble::Dns => Why::Dns,
            Trouble::Connect => Why::Connect,
            Trouble::Tls => Why::Tls,
            Trouble::Timeout => Why::Timeout,
            Trouble::Broken | Trouble::TooLarge => Why::Body,
            Trouble::Protocol => Why::Format,
            Trouble::Ours => Why::Ours,
        };
        Self::new(why, failed.why)
    }
}

impl Asking {
    async fn read(&self, target: &Target) -> Answer {
        let headers: [(HeaderName, HeaderValue); 1] = [(header::ACCEPT, ACCEPT)];
        let ask = Ask {
            method: Method::GET,
            url: &target.url,
            headers: &headers,
            body: Bytes::new(),
            timeout: self.timeout,
            most: self.most,
            repeatable: true,
        };
        let mut answering = self.client.ask(&ask).await?;
        if answering.status() != 200 {
            let words = format!("answers with the status {}", answering.status());
            return Err(Unusable::new(Why::Status, words));
        }
        let marks_end = is_open_metrics(answering.headers())?;
        let whole = answering.ends_marked();
        let mut exposition = Exposition::new(&self.mapping, marks_end);
        while let Some(piece) = answering.piece().await? {
            exposition.feed(&piece)?;
        }
        let mut remarks = Vec::new();
        let tally = exposition.finish(whole, &self.limits, &mut remarks)?;
        Ok((tally, remarks))
    }
}

/// Whether the headers say OpenMetrics, which ends with a mark, or the text format, which does not.
fn is_open_metrics(headers: &header::HeaderMap) -> Result<bool, Unusable> {
    let bad = |words: String| Unusable::new(Why::Format, words);
    let said = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?").trim());
    if let Some(encoding) = said(header::CONTENT_ENCODING).filter(|encoding| *encoding != "identity") {
        return Err(bad(format!("is compressed ({encoding:?}), which was not asked for")));
    }
    let Some(kind) = said(header::CONTENT_TYPE) else { return Ok(false) };
    let kind = kind.split(';').next().unwrap_or_default().trim();
    match kind.to_ascii_lowercase().as_str() {
        "application/openmetrics-text" => Ok(true),
        "text/plain" | "" => Ok(false),
        other => Err(bad(format!("is {other:?}, not the text format of Prometheus or OpenMetrics"))),
    }
}

fn words(remark: Remark) -> String {
    match remark {
        Remark::SlowFrom(asked, used) => format!(
            "its histogram has no bucket that ends at {} ms; what takes longer than the next, {} ms, counts as slow",
            asked.as_millis(),
            used
        ),
        Remark::SlowUnknown(asked) => {
            format!(
                "its histogram has no bucket that ends at or above {} ms: slow requests are not seen",
                asked.as_millis()
            )
        }
        Remark::PileUpUnknown(limit) => format!(
            "its histogram has no two edges around {} ms: durations that pile up there are not seen",
            limit.as_millis()
        ),
        Remark::NoDurations => "counts requests, but has no histogram of durations as mapped".to_owned(),
        Remark::FailuresAbove => {
            "counts more failures than requests: the mapping of requests has to select the failed ones too"
                .to_owned()
        }
    }
}
