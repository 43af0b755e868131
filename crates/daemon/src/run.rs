//! The loop of the watch: what comes in is journaled, moves the state, and what the state wants done is
//! sent; in this order, so that nobody is told what a crash could forget. One task owns the state; disk,
//! network and audits are elsewhere and talk to it by messages.

mod guards;
mod inbox;
mod intakes;
mod minutes;
mod record;
mod rehearse;
mod writer;

use std::collections::HashSet;
use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use watch::State;
use watch::alert::{Effect, Silence};
use watch::journal::{Entry, Input};
use watch::plan::Plan;
use watch::time::At;

use crate::clock::{Clock, Wall};
use crate::files::Files;
use crate::http::Network;
use crate::notes::Notes;
use crate::schedule::{Audit, Moments, keep};
use crate::send::{self, Letter, Queue, words};
use crate::serve;
use crate::store::{Batch, Checkpoint, Stopped, Store, Write};

pub(crate) use inbox::Told;
use intakes::{Intakes, Means};
use minutes::Minutes;
use record::Recorder;
use writer::{Turn, Writer};

/// What comes in within so long of the first of its slot is one commit.
const GATHER: Duration = Duration::from_millis(20);

/// Where nothing else comes, time goes by in the journal.
const TICK: Duration = Duration::from_secs(1);

/// How often the state is written down whole: what comes after is replayed at a start.
const CHECKPOINT: Duration = Duration::from_secs(300);

/// How often guards are learnt from what the journal has seen.
const LEARN: Duration = Duration::from_secs(24 * 3_600);

/// How often the file of the plan is looked at.
const POLL: Duration = Duration::from_secs(2);

/// How often old entries are taken away.
const PRUNE: Duration = Duration::from_secs(60);

/// Minutes are kept for so long, whatever becomes of the entries: eight weeks tell an hour of the week well.
const MINUTES_KEPT: Duration = Duration::from_secs(56 * 24 * 3_600);

/// How long a stop waits for the disk, and for letters that are under way.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// What whoever starts the watch does for it. All of it may block.
pub trait Host: Send + Sync + 'static {
    /// Audits the configuration.
    fn audit(&self) -> Audit;
    /// Reads the plan anew.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it, in lines for people.
    fn plan(&self) -> Result<Plan, String>;
    /// The files that the plan was read from.
    fn files(&self) -> Vec<PathBuf>;
    /// A variable of the environment, which a probe may name.
    fn variable(&self, name: &str) -> Option<String>;
    /// Tells people one line.
    fn say(&self, line: &str);
}

/// What a watch begins with.
pub struct Setup {
    /// What is watched.
    pub plan: Plan,
    /// The directory that paths of the plan are relative to.
    pub base: PathBuf,
    /// Whoever starts it.
    pub host: Arc<dyn Host>,
    /// The time of day.
    pub wall: Wall,
    /// Gives an item for each request to read the plan anew.
    pub reload: UnboundedReceiver<()>,
}

/// What the loop and the server both look at. Locked for moments only, never across a wait.
pub(crate) struct World {
    inner: Mutex<Inside>,
}

pub(crate) struct Inside {
    pub(crate) plan: Arc<Plan>,
    pub(crate) state: State,
    pub(crate) now: At,
    /// When the loop last went round.
    pub(crate) alive: Instant,
    /// Why the journal cannot be written, if so.
    pub(crate) hindered: Option<String>,
    /// Why the last heartbeat failed, if it did.
    pub(crate) heartbeat: Option<String>,
    pub(crate) queues: Vec<Queue>,
    pub(crate) journal_bytes: u64,
    pub(crate) commits: u64,
    /// How long the slowest commit of the last minute took.
    pub(crate) slowest_commit: Duration,
}

impl World {
    pub(crate) fn look(&self) -> MutexGuard<'_, Inside> {
        // What panics under the lock ends the process; there is no half-made state to see.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running watch.
struct Watch {
    world: Arc<World>,
    plan: Arc<Plan>,
    base: PathBuf,
    host: Arc<dyn Host>,
    clock: Clock,
    store: Store,
    identity: Arc<str>,
    writer: Writer,
    recorder: Recorder,
    minutes: Minutes,
    network: Network,
    notes: Notes,
    told: UnboundedSender<Input>,
    /// Effects that are in a queue: the outbox names them until they are delivered.
    under_way: HashSet<u64>,
    /// Of the channels and what else the plan asks for; ended when it changes.
    tasks: JoinSet<()>,
    intakes: Intakes,
    seq: u64,
    checkpointed: Instant,
    /// When guards are learnt from the journal again.
    learning: Instant,
}

/// Watches until `shutdown` ends.
///
/// # Errors
///
/// What keeps it from beginning, such as a journal that another watch writes; and a journal whose last
/// entries could not be written at the end.
pub async fn run(setup: Setup, shutdown: impl Future<Output = ()>) -> Result<(), Stopped> {
    let Setup { plan, base, host, wall, mut reload } = setup;
    let directory = base.join(&plan.journal);
    let store = Store::open(&directory)?;
    let identity = store.identity().map_err(|error| store.unreadable(&error))?;
    let (told, mut inbox) = unbounded_channel();
    let (asked, mut asking) = unbounded_channel();
    let (notes, mut noted) = Notes::new();
    let mut writing = JoinSet::new();
    let started = Instant::now();
    let recovered = record::recover(&store, &plan)?;
    if let Some(note) = recovered.note(started.elapsed()) {
        host.say(&note);
    }
    let plan = Arc::new(plan);
    let world = Arc::new(World {
        inner: Mutex::new(Inside {
            plan: plan.clone(),
            state: recovered.state,
            now: recovered.at.unwrap_or_default(),
            alive: Instant::now(),
            hindered: None,
            heartbeat: None,
            queues: Vec::new(),
            journal_bytes: store.bytes().unwrap_or(0),
            commits: 0,
            slowest_commit: Duration::ZERO,
        }),
    });
    let mut watch = Watch {
        clock: Clock::new(wall.clone(), recovered.at),
        writer: Writer::begin(store.clone(), &mut writing),
        recorder: Recorder::default(),
        minutes: Minutes::of(&plan),
        identity: identity.into(),
        network: Network::default(),
        notes,
        under_way: HashSet::new(),
        tasks: JoinSet::new(),
        intakes: Intakes::none(),
        seq: recovered.seq,
        checkpointed: Instant::now(),
        learning: Instant::now(),
        world,
        plan,
        base,
        host,
        store,
        told,
    };
    if let Some(listen) = watch.plan.listen.clone() {
        let server = serve::bind(&listen, &watch.base, watch.world.clone(), asked.clone()).await?;
        watch.host.say(&format!("serving http://{}", server.address()));
        writing.spawn(server.serve());
    }
    watch.begin(&wall).await?;

    let mut shutdown = pin!(shutdown);
    let mut housekeeping = tokio::time::interval(PRUNE);
    housekeeping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut reloadable = true;
    let mut files = Files::look(watch.host.files());
    let mut polling = tokio::time::interval(POLL);
    polling.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            asked = reload.recv(), if reloadable => match asked {
                Some(()) => watch.reload(&wall).await,
                None => reloadable = false,
            },
            Some(line) = noted.recv() => watch.host.say(&line),
            Some(told) = asking.recv() => watch.answer(told).await,
            // One or two files, whose names are known to the kernel: not worth a thread of its own.
            _ = polling.tick() => if files.changed() {
                watch.reload(&wall).await;
            },
            _ = housekeeping.tick() => watch.keep_house(),
            first = timeout(TICK, watch.intakes.or(&mut inbox)) => {
                let mut inputs = Vec::new();
                match first {
                    Ok(first) => {
                        inputs.push(first);
                        sleep(GATHER).await;
                        watch.intakes.drain(&mut inputs);
                        while let Ok(input) = inbox.try_recv() {
                            inputs.push(input);
                        }
                    }
                    Err(_) => inputs.push(Input::Tick),
                }
                watch.turn(inputs).await;
            }
        }
        if watch.learning <= Instant::now() {
            watch.learn();
        }
        if watch.checkpointed.elapsed() >= CHECKPOINT || watch.writer.wants_checkpoint() {
            watch.checkpoint().await;
        }
    }
    watch.end(inbox).await
}

impl Watch {
    /// Begins what the plan asks for, and tells the journal that the watch begins, upon which the core hands
    /// out again what nobody is known to have been told.
    async fn begin(&mut self, wall: &Wall) -> Result<(), Stopped> {
        self.tasks.abort_all();
        self.tasks = JoinSet::new();
        let stopped = |place: String, why: String| Stopped::new(place, why, "correct it in forewarn.toml");
        let mut queues = Vec::new();
        for channel in &self.plan.channels {
            let way = send::way(channel, &self.base, &self.network)
                .map_err(|why| stopped(format!("channel `{}`", channel.name), why))?;
            queues.push(Queue::begin(way, self.told.clone(), &mut self.tasks));
        }
        if let Some(heartbeat) = &self.plan.heartbeat {
            let beat = send::heartbeat::Heartbeat::new(heartbeat, &self.base, &self.network)
                .map_err(|why| stopped("[watch.heartbeat]".to_owned(), why))?;
            let (alive, told) = (self.world.clone(), self.world.clone());
            let alive = move || alive.look().alive.elapsed() < serve::STUCK;
            let told = move |outcome: Result<(), String>| told.look().heartbeat = outcome.err();
            self.tasks.spawn(beat.beat(alive, told));
        }
        if let Some(schedule) = &self.plan.audit {
            let moments = Moments::of(&schedule.when).map_err(|why| stopped("[audit]".to_owned(), why))?;
            let (host, told) = (self.host.clone(), self.told.clone());
            self.tasks.spawn(keep(schedule.clone(), moments, host, wall.clone(), told));
        }
        self.world.look().queues = queues;
        self.under_way.clear();
        self.intakes = Intakes::none();
        let (plan, base) = (self.plan.clone(), self.base.clone());
        let checked = tokio::task::spawn_blocking(move || guards::check_files(&plan, &base)).await;
        checked.unwrap_or(Ok(())).map_err(|why| stopped("history".to_owned(), why))?;
        self.turn(vec![Input::Started(self.plan.outlines())]).await;
        self.learning = Instant::now();
        let means =
            Means { base: &self.base, network: &self.network, notes: &self.notes, wall, host: &*self.host };
        self.intakes = Intakes::begin(&self.plan, &self.world.look().state, &means)
            .map_err(|why| stopped("[[watch.service]]".to_owned(), why))?;
        // Until they are learnt, the guards hold that were learnt last; the state keeps them.
        let (plan, base, told) = (self.plan.clone(), self.base.clone(), self.intakes.sender.clone());
        self.tasks.spawn_blocking(move || {
            guards::of_files(&plan, &base, |learnt| told.blocking_send(learnt).is_ok());
        });
        Ok(())
    }

    /// Journals what came in, moves the state, and sends what it wants done.
    async fn turn(&mut self, inputs: Vec<Input>) {
        let mut inputs = inputs;
        match self.writer.turn() {
            Some(Turn::Hindered(what)) => {
                self.host
                    .say(&format!("{what}; alerts are sent from memory, and the journal is tried again"));
                inputs.push(Input::Hindered { what, over: false });
            }
            Some(Turn::Over(what)) => {
                self.host.say("the journal is written again");
                inputs.push(Input::Hindered { what, over: true });
            }
            None => {}
        }
        if let Some(by) = self.clock.check() {
            self.minutes.spoil();
            inputs.insert(0, Input::ClockSet(by));
        }
        let at = self.clock.now();
        let entries: Vec<Entry> = inputs.into_iter().map(|input| Entry { at, input }).collect();
        self.seq += 1;
        let body = self.recorder.encode(&entries);
        let minutes = self.minutes.turn(at, &self.world.look().state);
        let begun = Instant::now();
        if !self.writer.put(Write::Batch(Batch { seq: self.seq, at, body, minutes })).await {
            self.recorder.restart();
        }
        let took = begun.elapsed();

        let mut effects = Vec::new();
        {
            let mut world = self.world.look();
            for entry in &entries {
                if let Input::Delivered { key, .. } = &entry.input {
                    self.under_way.remove(key);
                }
                watch::step(&self.plan, &mut world.state, entry, &mut effects);
            }
            world.now = at;
            world.alive = Instant::now();
            world.hindered = self.writer.hindered().map(str::to_owned);
            world.commits += 1;
            world.slowest_commit = world.slowest_commit.max(took);
        }
        self.send(effects);
    }

    /// Puts effects into the queues of their channels.
    fn send(&mut self, effects: Vec<Effect>) {
        let mut said = HashSet::new();
        let (now, queues) = {
            let world = self.world.look();
            (world.now, world.queues.clone())
        };
        for effect in effects {
            if !self.under_way.insert(effect.key) {
                continue;
            }
            // Several channels are told the same; people read it once.
            let line = words::notice(&effect.notice);
            if said.insert(line.clone()) {
                self.host.say(&line);
            }
            match queues.get(usize::from(effect.channel)) {
                Some(queue) => queue.put(effect.key, Letter::of(&effect, &self.identity, now)),
                // Of a channel that forewarn.toml no longer has.
                None => {
                    let outcome = Err("the channel is gone".to_owned());
                    let _ = self.told.send(Input::Delivered { key: effect.key, outcome });
                }
            }
        }
    }

    /// Does what somebody asked for over HTTP.
    async fn answer(&mut self, told: Told) {
        match told {
            Told::Silence { new, reply } => {
                let id = 1 + self
                    .world
                    .look()
                    .state
                    .silences()
                    .iter()
                    .map(|silence| silence.id)
                    .max()
                    .unwrap_or(0);
                let from = self.clock.now();
                let until = from.after(Duration::from_secs(new.seconds));
                let silence =
                    Silence { id, service: new.service, from, until, reason: new.reason, by: new.by };
                self.turn(vec![Input::Silenced(silence.clone())]).await;
                let _ = reply.send(silence);
            }
            Told::Unsilence { id, reply } => {
                let known = self.world.look().state.silences().iter().any(|silence| silence.id == id);
                if known {
                    self.turn(vec![Input::Unsilenced(id)]).await;
                }
                let _ = reply.send(known);
            }
        }
    }

    /// Reads the plan anew. One with a mistake is told and not used.
    async fn reload(&mut self, wall: &Wall) {
        let host = self.host.clone();
        let read = tokio::task::spawn_blocking(move || host.plan()).await;
        let plan = match read {
            Ok(Ok(plan)) => Arc::new(plan),
            Ok(Err(why)) => {
                self.host.say(&format!("{why}\nthe watch goes on as it was"));
                return;
            }
            Err(_) => return,
        };
        if *plan == *self.plan {
            return;
        }
        if plan.journal != self.plan.journal || plan.listen != self.plan.listen {
            self.host.say("`journal` and `listen` of [watch] hold from the next start on");
        }
        let before = std::mem::replace(&mut self.plan, plan.clone());
        self.intakes = Intakes::none();
        self.minutes = Minutes::of(&plan);
        self.world.look().plan = plan;
        if let Err(stopped) = self.begin(wall).await {
            self.host.say(&format!("{stopped}\nthe watch goes on as it was"));
            self.minutes = Minutes::of(&before);
            self.world.look().plan = before.clone();
            self.plan = before;
            // It began before, so that it begins again.
            let _ = self.begin(wall).await;
            return;
        }
        self.checkpoint().await;
        self.host.say("forewarn.toml was read anew");
    }

    /// Learns from what the journal has seen, off the loop; the guards come in as any input does.
    fn learn(&mut self) {
        self.learning = Instant::now() + LEARN;
        let (store, plan, told) = (self.store.clone(), self.plan.clone(), self.intakes.sender.clone());
        self.tasks.spawn_blocking(move || {
            for input in guards::own(&store, &plan) {
                let _ = told.blocking_send(input);
            }
        });
    }

    /// Writes the state down whole.
    async fn checkpoint(&mut self) {
        self.checkpointed = Instant::now();
        let (body, at) = {
            let world = self.world.look();
            (self.recorder.checkpoint(&world.state), world.now)
        };
        self.writer.put(Write::Checkpoint(Checkpoint { seq: self.seq, at, body })).await;
    }

    /// Takes away what is old, and looks how large the journal is.
    fn keep_house(&self) {
        let (store, world, host) = (self.store.clone(), self.world.clone(), self.host.clone());
        let now = world.look().now;
        let older = |length: Duration| {
            At(now.0.saturating_sub(u64::try_from(length.as_millis()).unwrap_or(u64::MAX)))
        };
        let (entries, minutes) = (older(self.plan.keep), older(self.plan.keep.max(MINUTES_KEPT)));
        tokio::task::spawn_blocking(move || {
            if let Err(error) = store.prune(entries, minutes) {
                host.say(&format!("the journal cannot be pruned: {error}"));
            }
            let bytes = store.bytes().unwrap_or(0);
            let mut world = world.look();
            world.journal_bytes = bytes;
            world.slowest_commit = Duration::ZERO;
        });
    }

    /// Stops in order: no more looks, a last moment for letters under way, a checkpoint.
    async fn end(mut self, mut inbox: UnboundedReceiver<Input>) -> Result<(), Stopped> {
        self.intakes = Intakes::none();
        let deadline = Instant::now() + LAST_WAIT;
        while !self.under_way.is_empty() {
            let Ok(Some(input)) = tokio::time::timeout_at(deadline, inbox.recv()).await else { break };
            self.turn(vec![input]).await;
        }
        self.tasks.abort_all();
        self.checkpoint().await;
        let directory = self.base.join(&self.plan.journal);
        self.writer.finish(LAST_WAIT).await.map_err(|lost| {
            Stopped::new(
                directory.display(),
                format!("the last {lost} writes of the journal are lost: the disk takes none"),
                "make room; alerts of that time were sent and may be sent again",
            )
        })
    }
}

pub use record::verify;
pub use rehearse::rehearse;
