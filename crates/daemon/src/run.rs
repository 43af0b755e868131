//! The loop of the watch: what comes in is journaled, moves the state, and what the state wants done is
//! sent; in this order, so that nobody is told what a crash could forget. One task owns the state; disk,
//! network and audits are elsewhere and talk to it by messages.

mod guards;
mod inbox;
mod intakes;
mod minutes;
mod record;
mod rehearse;
mod speech;
mod writer;

use std::collections::{BTreeMap, HashSet};
use std::fmt::Display;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use watch::State;
use watch::alert::{Effect, Refusal, Silence};
use watch::journal::{Entry, Input};
use watch::plan::{Channel, Heartbeat, Intake, Plan};
use watch::state::{ServiceView, Waiting};
use watch::time::At;

use crate::clock::{Clock, Wall};
use crate::files::Files;
use crate::http::Network;
use crate::notes::Notes;
use crate::schedule::{Audit, Moments, keep};
use crate::send::{self, Letter, Queue};
use crate::serve;
use crate::store::{Batch, Checkpoint, Stopped, Store, Write};

pub(crate) use inbox::Asked;
use intakes::{Intakes, Logs, Means};
use minutes::Minutes;
use record::Recorder;
use speech::Speech;
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

/// So many looks are missed before the watch itself is not well.
const LATE: u32 = 10;

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
    /// What happened to the logs that are followed.
    pub(crate) logs: Logs,
    /// When each service of the plan was last looked at, or its inputs began.
    pub(crate) looked: Vec<Instant>,
    pub(crate) journal_bytes: u64,
    pub(crate) commits: u64,
    /// How long the slowest commit of the last minute took.
    pub(crate) slowest_commit: Duration,
}

impl Inside {
    /// Why the watch sees nothing, if so: nothing usable comes from any service, or a service is not looked
    /// at.
    pub(crate) fn blind(&self) -> Option<String> {
        let long = LATE * self.plan.look;
        for (watched, looked) in self.plan.services.iter().zip(&self.looked) {
            if watched.intake != Intake::None && looked.elapsed() > long {
                return Some(format!("`{}` is not looked at", watched.name));
            }
        }
        let is_silent = |service: ServiceView<'_>| {
            let watched = self.plan.services.iter().find(|watched| watched.name == service.name());
            let walked = watched.filter(|watched| watched.intake == Intake::None);
            let every = walked.and_then(|watched| watched.probe.as_ref()).map(|probe| probe.every);
            self.now.since(service.heard()) > LATE * every.unwrap_or(self.plan.look)
        };
        let mut services = self.state.services();
        (services.len() > 0 && services.all(is_silent)).then(|| "nothing is heard of any service".to_owned())
    }
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
    speech: Speech,
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
    /// Held by what computes for long.
    computing: Arc<tokio::sync::Mutex<()>>,
}

/// What a plan asks for, made and not begun.
struct Ready {
    ways: Vec<Arc<dyn send::Way>>,
    beat: Option<send::heartbeat::Heartbeat>,
    moments: Option<Moments>,
    intakes: Intakes,
}

impl Ready {
    /// Makes it, in a runtime.
    fn of(plan: &Plan, state: &State, means: &Means<'_>) -> Result<Self, Stopped> {
        let way = |channel: &Channel| {
            send::way(channel, means.base, means.network)
                .map_err(|why| amiss(format_args!("channel `{}`", channel.name), why))
        };
        let ways = plan.channels.iter().map(way).collect::<Result<_, _>>()?;
        let beat = |of: &Heartbeat| send::heartbeat::Heartbeat::new(of, means.base, means.network);
        let beat = plan.heartbeat.as_ref().map(beat).transpose();
        let moments = plan.audit.as_ref().map(|schedule| Moments::of(&schedule.when)).transpose();
        Ok(Self {
            ways,
            beat: beat.map_err(|why| amiss("[watch.heartbeat]", why))?,
            moments: moments.map_err(|why| amiss("[audit]", why))?,
            intakes: Intakes::begin(plan, state, means).map_err(|why| amiss("[[watch.service]]", why))?,
        })
    }
}

/// What of a plan cannot be carried out.
fn amiss(place: impl Display, why: String) -> Stopped {
    Stopped::new(place, why, "correct it in forewarn.toml")
}

/// Whether a plan can be carried out: all that a start would find wrong with it. Asks nobody over the
/// network, and begins nothing.
///
/// # Errors
///
/// Says what cannot.
pub fn check(plan: &Plan, base: &Path, host: &dyn Host) -> Result<(), Stopped> {
    guards::check_files(plan, base).map_err(|why| amiss("history", why))?;
    // Whose tasks never run: nobody waits in it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| amiss("forewarn watch", error.to_string()))?;
    let _within = runtime.enter();
    let (notes, _) = Notes::new();
    let wall = crate::clock::system();
    let means = Means { base, network: &Network::default(), notes: &notes, wall: &wall, host };
    Ready::of(plan, &State::default(), &means).map(drop)
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
            logs: Logs::default(),
            looked: Vec::new(),
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
        speech: Speech::default(),
        identity: identity.into(),
        network: Network::default(),
        notes,
        under_way: HashSet::new(),
        tasks: JoinSet::new(),
        intakes: Intakes::none(),
        seq: recovered.seq,
        checkpointed: Instant::now(),
        learning: Instant::now(),
        computing: Arc::default(),
        world,
        plan,
        base,
        host,
        store,
        told,
    };
    if let Some(listen) = watch.plan.listen.clone() {
        let server = serve::bind(&listen, watch.world.clone(), asked.clone()).await?;
        watch.host.say(&format!("serving http://{}", server.address()));
        writing.spawn(server.serve());
    }
    watch.begin(watch.plan.clone(), &wall).await?;

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
            Some(asked) = asking.recv() => watch.answer(asked).await,
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
    /// Begins what a plan asks for, and tells the journal that the watch begins, upon which the core hands
    /// out again what nobody is known to have been told. A plan that cannot be carried out changes nothing.
    async fn begin(&mut self, plan: Arc<Plan>, wall: &Wall) -> Result<(), Stopped> {
        let (of, base) = (plan.clone(), self.base.clone());
        let checked = tokio::task::spawn_blocking(move || guards::check_files(&of, &base)).await;
        checked.unwrap_or(Ok(())).map_err(|why| amiss("history", why))?;
        let means =
            Means { base: &self.base, network: &self.network, notes: &self.notes, wall, host: &*self.host };
        let ready = Ready::of(&plan, &self.world.look().state, &means);
        let Ready { ways, beat, moments, intakes } = ready?;

        self.tasks.abort_all();
        self.tasks = JoinSet::new();
        let queue = |way| Queue::begin(way, self.told.clone(), &mut self.tasks);
        let queues = ways.into_iter().map(queue).collect();
        if let Some(beat) = beat {
            let (alive, told) = (self.world.clone(), self.world.clone());
            let alive = move || alive.look().alive.elapsed() < serve::STUCK;
            let told = move |outcome: Result<(), String>| told.look().heartbeat = outcome.err();
            self.tasks.spawn(beat.beat(alive, told));
        }
        if let Some((schedule, moments)) = plan.audit.clone().zip(moments) {
            let (host, told) = (self.host.clone(), self.told.clone());
            self.tasks.spawn(keep(schedule, moments, host, wall.clone(), told));
        }
        {
            let mut world = self.world.look();
            world.queues = queues;
            world.plan = plan.clone();
            world.logs = intakes.logs.clone();
            world.looked = vec![Instant::now(); plan.services.len()];
        }
        self.under_way.clear();
        self.minutes = Minutes::of(&plan);
        self.plan = plan.clone();
        self.intakes = intakes;
        self.turn(vec![Input::Started(plan.outlines())]).await;
        self.learning = Instant::now();
        self.say_what_waits();
        // Until they are learnt, the guards hold that were learnt last; the state keeps them.
        let (base, told) = (self.base.clone(), self.intakes.sender.clone());
        self.alone(move || guards::of_files(&plan, &base, |learnt| told.blocking_send(learnt).is_ok()));
        Ok(())
    }

    /// Says which tests do not run, and why.
    fn say_what_waits(&self) {
        let mut waiting: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for Waiting { service, test, why } in self.world.look().state.waiting() {
            waiting.entry((service, why)).or_default().push(test);
        }
        for ((service, why), tests) in waiting {
            self.host.say(&format!("{service}: not tested now: {}: {why}", tests.join(", ")));
        }
    }

    /// Computes something off the loop, when what is computed so now is through: a computation cannot be
    /// ended, and two of them would take the time of looks.
    fn alone(&mut self, compute: impl FnOnce() + Send + 'static) {
        let computing = self.computing.clone();
        self.tasks.spawn(async move {
            let turn = computing.lock_owned().await;
            let computed = tokio::task::spawn_blocking(move || {
                compute();
                drop(turn);
            });
            let _ = computed.await;
        });
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
        let said;
        {
            let mut world = self.world.look();
            for entry in &entries {
                match &entry.input {
                    Input::Delivered { key, .. } => drop(self.under_way.remove(key)),
                    Input::Look { service, .. } => {
                        let looked = world.looked.get_mut(usize::from(*service));
                        looked.into_iter().for_each(|looked| *looked = begun);
                    }
                    _ => {}
                }
                watch::step(&self.plan, &mut world.state, entry, &mut effects);
            }
            world.now = at;
            world.alive = Instant::now();
            world.hindered = self.writer.hindered().map(str::to_owned);
            world.commits += 1;
            world.slowest_commit = world.slowest_commit.max(took);
            said = self.speech.lines(&world.state, at);
        }
        for line in said {
            self.host.say(&line);
        }
        self.send(effects);
    }

    /// Puts effects into the queues of their channels.
    fn send(&mut self, effects: Vec<Effect>) {
        let (now, queues) = {
            let world = self.world.look();
            (world.now, world.queues.clone())
        };
        for effect in effects {
            if !self.under_way.insert(effect.key) {
                continue;
            }
            match queues.get(usize::from(effect.channel)) {
                Some(queue) => queue.put(effect.key, Letter::of(&effect, &self.identity, now)),
                // Of a channel that forewarn.toml no longer has.
                None => {
                    let outcome = Err(Refusal::for_good("the channel is gone"));
                    let _ = self.told.send(Input::Delivered { key: effect.key, outcome });
                }
            }
        }
    }

    /// Does what somebody asked for over HTTP.
    async fn answer(&mut self, asked: Asked) {
        match asked {
            Asked::Silence { new, reply } => {
                let id = self.world.look().state.next_silence();
                let from = self.clock.now();
                let until = from.after(Duration::from_secs(new.seconds));
                let silence =
                    Silence { id, service: new.service, from, until, reason: new.reason, by: new.by };
                self.turn(vec![Input::Silenced(silence.clone())]).await;
                let _ = reply.send(silence);
            }
            Asked::Unsilence { id, reply } => {
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
        if let Err(stopped) = self.begin(plan, wall).await {
            self.host.say(&format!("{stopped}\nthe watch goes on as it was"));
            return;
        }
        self.checkpoint().await;
        self.host.say("forewarn.toml was read anew");
    }

    /// Learns from what the journal has seen, off the loop; the guards come in as any input does.
    fn learn(&mut self) {
        self.learning = Instant::now() + LEARN;
        let (store, plan, told) = (self.store.clone(), self.plan.clone(), self.intakes.sender.clone());
        self.alone(move || {
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

#[cfg(test)]
mod tests {
    use text::{FileId, Source};

    use super::*;

    struct Nobody;

    impl Host for Nobody {
        fn audit(&self) -> Audit {
            unreachable!("a check audits nothing")
        }

        fn plan(&self) -> Result<Plan, String> {
            unreachable!("a check reads no plan")
        }

        fn files(&self) -> Vec<PathBuf> {
            Vec::new()
        }

        fn variable(&self, _: &str) -> Option<String> {
            None
        }

        fn say(&self, _: &str) {}
    }

    #[test]
    fn what_a_start_would_find_wrong_a_check_finds() {
        let checked = |format: &str| {
            let log = format!("log = {{ paths = [\"a.log\"], log_format = '{format}' }}");
            let text = format!(
                "[[watch.service]]\nname = \"edge\"\npreset = \"nginx\"\n{log}\nfailed = {{ late = [\"504\"] }}\n"
            );
            let source = Source::new(FileId(0), "forewarn.toml".to_owned(), text);
            let plan = watch::config::parse(&source).expect("a plan");
            check(&plan, Path::new("/nonexistent"), &Nobody)
        };
        assert_eq!(checked("$request $status"), Ok(()));
        let stopped = checked("$request").expect_err("no status");
        assert!(stopped.place == "[[watch.service]]" && stopped.what.contains("`edge`"), "{stopped}");
    }
}
