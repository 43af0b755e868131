//! Refresh families under concurrent use: whatever the interleaving, a generation has one successor, a
//! late reuse revokes, what is revoked stays so, and generations never fall.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authd::account::{AccountId, Epoch, SessionId};
use authd::api::{Register, Revoke, Status};
use authd::clock::{Clock as _, Timestamp, VirtualClock};
use authd::session::{Presented, Rotation};
use authd::store::memory::Memory;
use authd::store::{self, Store};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::store::in_file;
use super::temporary::Directory;

const ANA: AccountId = AccountId([0xa; 16]);
const END: Timestamp = Timestamp(i64::MAX / 2);
const GRACE: Duration = Duration::from_secs(10);
const SESSIONS: usize = 3;

/// What one client does next, after letting the others run a little.
#[derive(Debug, Clone)]
struct Step {
    yields: u8,
    /// How far the clock moves before, in milliseconds.
    wait: u64,
    session: usize,
    act: Act,
}

#[derive(Debug, Clone, Copy)]
enum Act {
    /// Presents a token so many generations behind the newest that any client was given.
    Present(u32),
    SignOut,
}

fn clients() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let wait = prop_oneof![6 => Just(0), 3 => 0..3_000_u64, 1 => 9_000..12_000_u64];
    let behind = prop_oneof![6 => Just(0), 3 => Just(1), 1 => 2..4_u32].prop_map(Act::Present);
    let act = prop_oneof![40 => behind, 1 => Just(Act::SignOut)];
    let step = (0..4_u8, wait, 0..SESSIONS, act);
    let step = step.prop_map(|(yields, wait, session, act)| Step { yields, wait, session, act });
    prop::collection::vec(prop::collection::vec(step, 1..12), 2..6)
}

/// What the clients know of a session together.
struct Family {
    id: SessionId,
    newest: AtomicU32,
    /// Some client has been told that it is revoked.
    dead: AtomicBool,
    /// The successor of each generation as it was first given, and how often it was given as new.
    successors: Mutex<BTreeMap<u32, (u32, Timestamp, u32)>>,
}

impl Family {
    fn new() -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = u128::from(MADE.fetch_add(1, Ordering::Relaxed));
        Self {
            id: SessionId(number.to_be_bytes()),
            newest: AtomicU32::new(0),
            dead: AtomicBool::new(false),
            successors: Mutex::default(),
        }
    }

    /// One client does one step. Gives what should not have happened.
    async fn step(&self, store: &dyn Store, clock: &VirtualClock, act: Act) -> Result<(), String> {
        let behind = match act {
            Act::Present(behind) => behind,
            Act::SignOut => {
                let revoke = Revoke { session: self.id, account: ANA, expires: END };
                store.revoke(revoke, clock.now()).await.map_err(|failure| failure.to_string())?;
                self.dead.store(true, Ordering::SeqCst);
                return Ok(());
            }
        };
        // What is known before the call; it may be more by the time of the answer, never less.
        let (dead, newest) = (self.dead.load(Ordering::SeqCst), self.newest.load(Ordering::SeqCst));
        let generation = newest.saturating_sub(behind);
        let now = clock.now();
        let token = Presented { session: self.id, account: ANA, epoch: Epoch(0), generation, expires: END };
        match store.rotate(token, now, GRACE).await.map_err(|failure| failure.to_string())? {
            Rotation::Successor { .. } if dead => Err("a revoked session came back".to_owned()),
            Rotation::Successor { generation: next, .. } if next < newest => {
                Err(format!("generation {next} after {newest} was given"))
            }
            Rotation::Successor { generation: next, rotated, replayed } => {
                self.newest.fetch_max(next, Ordering::SeqCst);
                if replayed && now.since(rotated) > GRACE {
                    return Err(format!("the successor of {generation} was given again after the grace"));
                }
                let mut successors = self.successors.lock().unwrap();
                let first = successors.entry(generation).or_insert((next, rotated, 0));
                first.2 += u32::from(!replayed);
                if (first.0, first.1) != (next, rotated) || first.2 > 1 {
                    return Err(format!("two successors of {generation}"));
                }
                Ok(())
            }
            Rotation::Reused | Rotation::Revoked => {
                self.dead.store(true, Ordering::SeqCst);
                Ok(())
            }
            Rotation::Expired => Err("expired before its end".to_owned()),
        }
    }

    /// What holds when all clients are done: once one was told that the session is revoked, it is.
    async fn settled(&self, store: &dyn Store, now: Timestamp) -> Result<(), String> {
        let status = Status { session: self.id, account: ANA, epoch: Epoch(0) };
        let active = store.status(status, now).await.map_err(|failure| failure.to_string())?.active;
        let dead = self.dead.load(Ordering::SeqCst);
        if active == dead {
            Err(format!("active: {active}, told that it is revoked: {dead}"))
        } else {
            Ok(())
        }
    }
}

async fn concurrent(store: &Arc<dyn Store>, clients: Vec<Vec<Step>>) -> Result<(), String> {
    let clock = Arc::new(VirtualClock::at(Timestamp(1_000_000)));
    let families: Arc<Vec<Family>> = Arc::new((0..SESSIONS).map(|_| Family::new()).collect());
    let mut running = JoinSet::new();
    for steps in clients {
        let (store, clock, families) = (store.clone(), clock.clone(), families.clone());
        running.spawn(async move {
            for Step { yields, wait, session, act } in steps {
                for _ in 0..yields {
                    tokio::task::yield_now().await;
                }
                clock.advance(Duration::from_millis(wait));
                families[session].step(&*store, &clock, act).await?;
            }
            Ok::<(), String>(())
        });
    }
    running.join_all().await.into_iter().collect::<Result<Vec<()>, String>>()?;
    for family in families.iter() {
        family.settled(&**store, clock.now()).await?;
    }
    Ok(())
}

fn hold(cases: u32, open: impl AsyncFnOnce() -> Arc<dyn Store>) {
    let runtime = Runtime::new().unwrap();
    let store = runtime.block_on(async {
        let store = open().await;
        let login = "ana@x.example".parse().unwrap();
        assert_eq!(store.register(Register { id: ANA, login, hash: "$1".to_owned() }).await, Ok(true));
        store
    });
    let mut runner = TestRunner::new(Config { cases, ..Config::default() });
    let held = runner.run(&clients(), |clients| {
        runtime.block_on(concurrent(&store, clients)).map_err(TestCaseError::fail)
    });
    held.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn families_hold_in_memory() {
    hold(256, async || Arc::new(Memory::default()) as Arc<dyn Store>);
}

#[test]
fn families_hold_in_sqlite() {
    let directory = Directory::new();
    hold(96, async || store::open(&in_file(&directory)).unwrap());
}

#[test]
fn families_hold_in_postgres() {
    let Some(server) = super::postgres::server("families::families_hold_in_postgres") else { return };
    hold(96, async || store::open(&server.database().await).unwrap());
}
