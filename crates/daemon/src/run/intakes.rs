//! The inputs of a plan: a task each, which send what they read. They end with the plan they were begun
//! for, and what they still had to say ends with them, since it names services by their place in it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, channel};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use watch::State;
use watch::journal::{Input, Reading};
use watch::plan::{Intake, Log, Plan, Watched};
use watch::time::At;

use crate::clock::Wall;
use crate::follow::{Counters, Follower, POLL, Start};
use crate::http::Network;
use crate::notes::Notes;
use crate::probe::Prober;
use crate::scrape::Scraper;

use super::Host;

/// So many inputs may wait for the journal; more make their senders wait, which skip looks then.
const WAITING: usize = 1_024;

/// Services are looked at in so many slots: each is one commit, few to a disk and many to a detector.
const SLOTS: u32 = 4;

/// What the single target of a log is called.
const LOG: &str = "log";

/// What is said of what a log lost is not said again sooner, however much more that becomes.
const SAID_AGAIN: Duration = Duration::from_secs(3_600);

/// What happened to the logs of services, by their names.
pub(crate) type Logs = Arc<Mutex<BTreeMap<String, Counters>>>;

/// Running inputs.
pub(super) struct Intakes {
    inputs: Receiver<Input>,
    /// For what else names services by their place in this plan; kept, so that a plan without inputs
    /// waits and does not end.
    pub(super) sender: Sender<Input>,
    /// What happened to the logs that are followed.
    pub(super) logs: Logs,
    /// Ended when they are dropped.
    tasks: JoinSet<()>,
}

/// What all inputs need.
pub(super) struct Means<'a> {
    pub(super) base: &'a Path,
    pub(super) network: &'a Network,
    pub(super) notes: &'a Notes,
    pub(super) host: &'a dyn Host,
    pub(super) wall: &'a Wall,
}

impl Intakes {
    /// No input at all.
    pub(super) fn none() -> Self {
        let (sender, inputs) = channel(WAITING);
        Self { inputs, sender, logs: Logs::default(), tasks: JoinSet::new() }
    }

    /// Those of a plan; logs go on where the state says. What they read waits until it is taken.
    pub(super) fn begin(plan: &Plan, state: &State, means: &Means<'_>) -> Result<Self, String> {
        let mut intakes = Self::none();
        let start = Instant::now();
        let slot = |place: usize| plan.look / SLOTS * (u32::try_from(place).unwrap_or(0) % SLOTS);
        for (place, watched) in plan.services.iter().enumerate() {
            let service = u16::try_from(place).map_err(|_| "too many services".to_owned())?;
            let first = start + slot(place);
            let named = |why: String| format!("service `{}`: {why}", watched.name);
            match &watched.intake {
                Intake::None => {}
                Intake::Scrape(scrape) => {
                    let scraper =
                        Scraper::new(service, watched, scrape, means.base, means.network, means.notes);
                    let run = scraper.map_err(named)?.run(first, plan.look, intakes.sender.clone());
                    intakes.tasks.spawn(run);
                }
                Intake::Log(log) => {
                    let position = state.position(&watched.name, LOG);
                    let follower = follower(watched, log, means.base, position).map_err(named)?;
                    let notes = means.notes.clone();
                    let (said, name) = (None, watched.name.clone());
                    let losses = Losses { name, logs: intakes.logs.clone(), notes, said };
                    let (wall, to) = (means.wall.clone(), intakes.sender.clone());
                    intakes.tasks.spawn(follow(service, follower, losses, first, plan.look, wall, to));
                }
            }
            if let Some(probe) = &watched.probe {
                let variable = |name: &str| means.host.variable(name);
                let Means { base, network, notes, .. } = means;
                let prober = Prober::new(service, watched, probe, base, network, notes, variable);
                intakes.tasks.spawn(prober.map_err(named)?.run(first, intakes.sender.clone()));
            }
        }
        Ok(intakes)
    }

    /// The next input of these or of another inbox.
    pub(super) async fn or(&mut self, other: &mut UnboundedReceiver<Input>) -> Input {
        tokio::select! {
            Some(input) = self.inputs.recv() => input,
            Some(input) = other.recv() => input,
            // Both have a sender that is kept.
            else => std::future::pending().await,
        }
    }

    /// What else is there already.
    pub(super) fn drain(&mut self, into: &mut Vec<Input>) {
        while let Ok(input) = self.inputs.try_recv() {
            into.push(input);
        }
    }
}

fn follower(watched: &Watched, log: &Log, base: &Path, position: Option<&[u8]>) -> Result<Follower, String> {
    Follower::new(watched, log, base, Start::End, position)
}

/// What a log loses, where people see it.
struct Losses {
    name: String,
    logs: Logs,
    notes: Notes,
    /// What was said last, and when.
    said: Option<([u64; 4], Instant)>,
}

impl Losses {
    fn now(&mut self, counters: Counters) {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        logs.insert(self.name.clone(), counters);
        drop(logs);
        let Counters { malformed, truncated, lost_bytes, perhaps_lost, .. } = counters;
        let now = [malformed, truncated, lost_bytes, perhaps_lost];
        let (last, recently) =
            self.said.map_or(([0; 4], false), |(last, when)| (last, when.elapsed() < SAID_AGAIN));
        if now == last || recently {
            return;
        }
        self.said = Some((now, Instant::now()));
        let name = &self.name;
        self.notes.say(format!(
            "{name}: its log so far: {malformed} lines not of the format; {truncated} times cut; {lost_bytes} \
             bytes lost; {perhaps_lost} times perhaps more lost"
        ));
    }
}

/// Follows a log: polls it often, and tells what came once a look.
async fn follow(
    service: u16,
    mut follower: Follower,
    mut losses: Losses,
    first: Instant,
    look: Duration,
    wall: Wall,
    to: Sender<Input>,
) {
    if to.send(Input::Targets { service, targets: vec![LOG.to_owned()] }).await.is_err() {
        return;
    }
    let mut pace = interval_at(first, POLL.min(look));
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut due = first;
    loop {
        let now = tokio::select! {
            now = pace.tick() => now,
            () = to.closed() => return,
        };
        let is_look = now >= due;
        while due <= now {
            due += look;
        }
        let at: At = wall();
        // It reads the disk, which may take its time.
        let read = spawn_blocking(move || {
            let said = if is_look { Some(follower.look(at)) } else { None };
            if said.is_none() {
                follower.poll(at);
            }
            (follower, said)
        });
        let Ok((back, said)) = read.await else { return };
        follower = back;
        if let Some(said) = said {
            losses.now(follower.counters());
            let readings = vec![Reading { target: 0, said }];
            if to.send(Input::Look { service, readings }).await.is_err() {
                return;
            }
        }
    }
}
