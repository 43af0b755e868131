//! Walks a user's way through a service, step by step: login, use of the token, logout. Each walk begins
//! with new connections, as a user does. What is Forewarn's own fault is told apart from the service's.
//!
//! What an answer or the environment gave is sent where the plan says, and shown nowhere.

mod stall;
mod step;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use watch::journal::{Fault, Input, Phases, Walk};
use watch::plan::{Probe, Watched};

use crate::http::{Client, Network};
use crate::notes::{Notes, Standing};

pub use step::{Fell, Names, Ready};
pub use template::Escape;

use stall::stalled;
use template::{Template, Values};

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
        let (mut steps, mut environment) = (Vec::new(), BTreeMap::new());
        for step in &probe.steps {
            let wrong = |why: String| format!("step `{}` of the probe: {why}", step.name);
            let ready = Ready::new(step).map_err(wrong)?;
            for text in ready.texts() {
                let text = Template::new(text).map_err(wrong)?;
                environment
                    .extend(text.variables().filter_map(|name| Some((name.to_owned(), variable(name)?))));
            }
            // Else an answer could have the credentials sent to wherever it likes.
            if !Template::new(&step.url).map_err(wrong)?.has_its_host() {
                let why = "what a step kept stands in the host of the `url`; state the host";
                return Err(wrong(why.to_owned()));
            }
            steps.push(ready);
        }
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
            if fell.fault == Fault::Timeout {
                // Who could not look at the clock in time cannot say that somebody was late.
                fell = if stall > self.timeout / 4 {
                    Fell::new(Fault::Ours, format!("this process stood still for {} ms", stall.as_millis()))
                } else {
                    let whole = self.timeout.as_millis();
                    Fell::new(Fault::Timeout, format!("the way was not walked within {whole} ms"))
                };
            }
            let step = self.steps.get(usize::from(at)).map_or("", Ready::name);
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
        let mut values = Values { kept: BTreeMap::new(), environment: &self.environment };
        for (at, step) in (0_u16..).zip(&self.steps) {
            let (phases, taken) = step.take(&self.client, &mut values, deadline, step.is_idempotent()).await;
            times.push(phases);
            if let Err(fell) = taken {
                return Some((at, fell));
            }
        }
        None
    }
}
