//! Walks a user's way through a service, step by step: login, use of the token, logout. Each walk begins
//! with new connections, as a user does. What is Forewarn's own fault is told apart from the service's.
//!
//! What an answer or the environment gave is sent where the plan says, and shown nowhere.

mod stall;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use watch::journal::{Fault, Input, Phases, Walk};
use watch::plan::{Probe, Step, Watched};

use crate::http::{Ask, Client, Failed, Network, Trouble, Url};
use crate::notes::{Notes, Standing};

use stall::stalled;
use template::{Escape, Template, Values};

/// The largest answer of a step, in bytes. Tokens and profiles have a few thousand.
const LARGEST_ANSWER: u64 = 1024 * 1024;

/// Walks the probe of one service.
pub struct Prober {
    service: u16,
    name: String,
    steps: Vec<Ready>,
    every: Duration,
    timeout: Duration,
    client: Client,
    environment: BTreeMap<String, String>,
    standing: Standing<Fault>,
}

/// A step that is ready.
struct Ready {
    name: String,
    method: Method,
    url: Template,
    headers: Vec<(HeaderName, Template)>,
    body: Option<(Template, Escape)>,
    expect: Vec<(u16, u16)>,
    keep: Vec<(String, String)>,
}

/// Why a step failed, and in words, which hold nothing that was sent or answered.
struct Fell {
    fault: Fault,
    words: String,
}

impl Fell {
    fn new(fault: Fault, words: String) -> Self {
        Self { fault, words }
    }
}

impl Prober {
    /// For the probe of the service at this place of the plan; files are relative to `base`. `variable`
    /// gives a variable of the environment; one that is not set is a fault of ours at each walk.
    ///
    /// # Errors
    ///
    /// Says what of the plan cannot be carried out.
    pub fn new(
        service: u16,
        watched: &Watched,
        probe: &Probe,
        base: &Path,
        network: &Network,
        notes: &Notes,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let steps = probe
            .steps
            .iter()
            .map(|step| Ready::new(step).map_err(|why| format!("step `{}` of the probe: {why}", step.name)));
        let steps: Vec<Ready> = steps.collect::<Result<_, _>>()?;
        let names = steps.iter().flat_map(Ready::variables);
        let environment = names.filter_map(|name| Some((name.to_owned(), variable(name)?))).collect();
        Ok(Self {
            service,
            name: watched.name.clone(),
            steps,
            every: probe.every,
            timeout: probe.timeout,
            client: Client::new(&probe.access, base, network),
            environment,
            standing: Standing::new(notes.clone()),
        })
    }

    /// Walks regularly from a moment on, and gives the inputs of the journal; ends when nobody takes them.
    pub async fn run(mut self, first: Instant, to: mpsc::Sender<Input>) {
        let mut due = tokio::time::interval_at(first, self.every);
        due.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = due.tick() => {}
                () = to.closed() => return,
            }
            let walk = self.walk().await;
            if to.send(Input::Walked { service: self.service, walk }).await.is_err() {
                return;
            }
        }
    }

    /// Walks once.
    pub async fn walk(&mut self) -> Walk {
        let mut steps = Vec::with_capacity(self.steps.len());
        let (fell, stall) = stalled(self.steps(&mut steps), self.timeout / 10).await;
        self.client.forget();
        let failed = fell.map(|(at, mut fell)| {
            // Who could not look at the clock in time cannot say that somebody was late.
            if fell.fault == Fault::Timeout && stall > self.timeout / 4 {
                let words = format!("this process stood still for {} ms", stall.as_millis());
                fell = Fell::new(Fault::Ours, words);
            }
            let step = self.steps.get(usize::from(at)).map_or("", |step| &step.name);
            let (service, words) = (&self.name, &fell.words);
            self.standing
                .trouble("", fell.fault, || format!("{service}: the probe fails at `{step}`: {words}"));
            (at, fell.fault)
        });
        if failed.is_none() {
            self.standing.fine("", || format!("{}: the probe walks through again", self.name));
        }
        Walk { failed, steps }
    }

    /// Takes one step after the other, and notes their times.
    async fn steps(&self, times: &mut Vec<Phases>) -> Option<(u16, Fell)> {
        let deadline = Instant::now() + self.timeout;
        let mut kept = BTreeMap::new();
        for (at, step) in (0_u16..).zip(&self.steps) {
            let (phases, taken) = self.step(step, &mut kept, deadline).await;
            times.push(phases);
            if let Err(fell) = taken {
                return Some((at, fell));
            }
        }
        None
    }

    async fn step(
        &self,
        step: &Ready,
        kept: &mut BTreeMap<String, String>,
        deadline: Instant,
    ) -> (Phases, Result<(), Fell>) {
        let (url, headers, body) = match step.request(&Values { kept, environment: &self.environment }) {
            Ok(request) => request,
            Err(fell) => return (Phases::default(), Err(fell)),
        };
        let ask = Ask {
            method: step.method.clone(),
            url: &url,
            headers: &headers,
            body,
            timeout: deadline.saturating_duration_since(Instant::now()),
            most: LARGEST_ANSWER,
            repeatable: step.method.is_idempotent(),
        };
        match self.client.whole(&ask).await {
            Ok(answer) => (answer.phases, step.judge(answer.status, &answer.body, kept)),
            Err(failed) => (failed.phases, Err(fell(failed, self.timeout))),
        }
    }
}

impl Ready {
    fn new(step: &Step) -> Result<Self, String> {
        let url = Template::new(&step.url)?;
        // Else an answer could have the credentials sent to wherever it likes.
        if !url.has_its_host() {
            return Err("what a step kept stands in the host of the `url`; state the host".to_owned());
        }
        let method = Method::from_bytes(step.method.as_bytes());
        let mut headers = Vec::with_capacity(step.headers.len());
        for (name, value) in &step.headers {
            let known = HeaderName::from_bytes(name.as_bytes());
            headers.push((
                known.map_err(|_| format!("{name:?} is no name of a header"))?,
                Template::new(value)?,
            ));
        }
        let body = step.body.as_ref().map(|body| {
            let kind = headers.iter().find(|(name, _)| *name == CONTENT_TYPE).map(|(_, kind)| kind.text());
            Template::new(body).map(|template| (template, Escape::of_body(kind, body)))
        });
        Ok(Self {
            name: step.name.clone(),
            method: method.map_err(|_| format!("{:?} is no method", step.method))?,
            url,
            headers,
            body: body.transpose()?,
            expect: step.expect.clone(),
            keep: step.keep.clone(),
        })
    }

    fn variables(&self) -> impl Iterator<Item = &str> {
        let headers = self.headers.iter().map(|(_, value)| value);
        let body = self.body.iter().map(|(body, _)| body);
        std::iter::once(&self.url).chain(headers).chain(body).flat_map(Template::variables)
    }

    /// What is asked, with all names replaced.
    fn request(&self, values: &Values<'_>) -> Result<Request, Fell> {
        let ours = |words: String| Fell::new(Fault::Ours, words);
        let url = self.url.fill(values, Escape::Url).map_err(ours)?;
        let url = Url::parse(&url).map_err(|why| ours(format!("its `url` {why}")))?;
        let mut headers = Vec::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            let text = value.fill(values, Escape::No).map_err(ours)?;
            let mut filled = HeaderValue::try_from(text).map_err(|_| {
                let fault = if value.keeps() { Fault::Answer } else { Fault::Ours };
                Fell::new(fault, format!("the header {name} would hold what no header can carry"))
            })?;
            filled.set_sensitive(true);
            headers.push((name.clone(), filled));
        }
        let body = self.body.as_ref().map(|(body, escape)| body.fill(values, *escape)).transpose();
        Ok((url, headers, Bytes::from(body.map_err(ours)?.unwrap_or_default())))
    }

    /// Whether an answer is what was expected; keeps of it what later steps need.
    fn judge(&self, status: u16, body: &[u8], kept: &mut BTreeMap<String, String>) -> Result<(), Fell> {
        if !self.expect.iter().any(|(from, to)| (*from..=*to).contains(&status)) {
            return Err(Fell::new(Fault::Status(status), format!("answers with the status {status}")));
        }
        if self.keep.is_empty() {
            return Ok(());
        }
        let lacks = |words: String| Fell::new(Fault::Answer, words);
        let answer: Value =
            serde_json::from_slice(body).map_err(|_| lacks("its answer is no JSON".to_owned()))?;
        for (name, pointer) in &self.keep {
            let value = match answer.pointer(pointer) {
                Some(Value::String(text)) => text.clone(),
                Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
                Some(_) | None => return Err(lacks(format!("its answer has no text at {pointer}"))),
            };
            kept.insert(name.clone(), value);
        }
        Ok(())
    }
}

/// URL, headers and body of a step.
type Request = (Url, Vec<(HeaderName, HeaderValue)>, Bytes);

fn fell(failed: Failed, whole: Duration) -> Fell {
    let fault = match failed.trouble {
        Trouble::Dns => Fault::Dns,
        Trouble::Connect => Fault::Connect,
        Trouble::Tls => Fault::Tls,
        Trouble::Timeout => {
            let words = format!("the way was not walked within {} ms", whole.as_millis());
            return Fell::new(Fault::Timeout, words);
        }
        Trouble::Broken | Trouble::Protocol | Trouble::TooLarge => Fault::Broken,
        Trouble::Ours => Fault::Ours,
    };
    Fell::new(fault, failed.why)
}
