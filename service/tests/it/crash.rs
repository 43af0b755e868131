//! Kills front, directory and database at random moments under load, again and again, and holds what
//! they had acknowledged against them: no registration, password change or revocation that was
//! acknowledged is lost, the others say what is wrong while one is dead, and recover by themselves when
//! it is back. Real processes and real time; the choices are drawn from a seed.

mod client;
mod ledger;
mod stack;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use client::Client;
use ledger::{Broken, Told};
use rig::draw::Draw;
use rig::until;
use stack::{Kept, Stack, Victim};

use crate::postgres;

/// Clients at a time.
const CLIENTS: u64 = 6;
/// Acknowledgements that a service which is whole must give before the next kill, so that each falls
/// into load; and how long that may take.
const LOAD: u32 = 20;
const LOADED: Duration = Duration::from_secs(20);
/// The longest wait from there to the kill, in milliseconds.
const MOMENT: u64 = 200;
/// Kills between two looks at everything that was acknowledged.
const ROUND: u32 = 20;

#[test]
fn kills_lose_nothing_that_was_acknowledged_with_sqlite() {
    run(Kept::Sqlite, 8, 1);
}

#[test]
fn kills_lose_nothing_that_was_acknowledged_with_postgresql() {
    if let Some(kept) = postgresql("kills_lose_nothing_that_was_acknowledged_with_postgresql") {
        run(kept, 8, 2);
    }
}

#[test]
#[ignore = "some minutes: `cargo xtask test --all` runs it"]
fn a_hundred_kills_lose_nothing_that_was_acknowledged_with_sqlite() {
    run(Kept::Sqlite, 120, 3);
}

#[test]
#[ignore = "some minutes: `cargo xtask test --all` runs it"]
fn a_hundred_kills_lose_nothing_that_was_acknowledged_with_postgresql() {
    if let Some(kept) = postgresql("a_hundred_kills_lose_nothing_that_was_acknowledged_with_postgresql") {
        run(kept, 120, 4);
    }
}

/// The proof that the tests above can fail.
#[test]
fn what_is_lost_is_noticed() {
    let mut stack = Stack::start(Kept::Sqlite);
    let mut clients = [Client::new("c".to_owned(), stack.front.address(), 5)];
    let loaded = |acknowledged: &AtomicU32| {
        until(LOADED, || acknowledged.load(Ordering::Relaxed) >= LOAD);
        Ok(())
    };
    under_load(&mut clients, loaded).unwrap();
    all(&mut clients, Client::audit).unwrap();
    stack.kill(Victim::Directory);
    stack.lose_the_database();
    stack.revive(Victim::Directory).unwrap();
    assert!(all(&mut clients, Client::audit).is_err());
}

/// A PostgreSQL for one run.
fn postgresql(test: &str) -> Option<Kept> {
    let server = postgres::Server::alone(test)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = runtime.block_on(server.database());
    let password = database.password_file.unwrap();
    let section = format!("url = \"{}\"\npassword_file = \"{}\"", database.url, password.display());
    Some(Kept::Postgres(server, section))
}

/// What was killed, what was promised meanwhile, and how long recovery took at most.
#[derive(Default)]
struct Record {
    killed: Vec<Victim>,
    slowest: Duration,
}

impl Record {
    /// One of those that were killed least so far, so that all have their turns.
    fn next(&self, victims: &[Victim], draw: &mut Draw) -> Victim {
        let count = |victim: &Victim| self.killed.iter().filter(|killed| *killed == victim).count();
        let least = victims.iter().map(count).min().unwrap_or(0);
        let due: Vec<Victim> = victims.iter().copied().filter(|victim| count(victim) <= least + 1).collect();
        draw.one(&due).unwrap_or(Victim::Front)
    }
}

fn run(kept: Kept, kills: u32, seed: u64) {
    let mut stack = Stack::start(kept);
    let mut draw = Draw(seed);
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|number| Client::new(format!("c{number}"), stack.front.address(), draw.next()))
        .collect();
    let mut record = Record::default();
    let outcome = (|| {
        let mut left = kills;
        while left > 0 {
            let round = left.min(ROUND).min(kills.div_ceil(2));
            under_load(&mut clients, |acknowledged| {
                (0..round).try_for_each(|_| killed(&mut stack, &mut draw, &mut record, acknowledged))
            })?;
            stack.rest()?;
            all(&mut clients, Client::audit)?;
            stack.blameless()?;
            left -= round;
        }
        Ok(())
    })();
    let told = clients.iter().fold(Told::default(), |sum, client| sum.plus(client.ledger.told));
    let summary = summary(&record, told);
    #[expect(clippy::print_stderr, reason = "what a run of minutes came to")]
    {
        eprint!("{summary}");
    }
    if let Err(Broken(what)) = outcome {
        panic!("seed {seed}: {what}\n{summary}");
    }
    assert!(told.acknowledged() > LOAD * kills, "kills fell into load:\n{summary}");
}

/// One kill and what follows it.
fn killed(
    stack: &mut Stack,
    draw: &mut Draw,
    record: &mut Record,
    acknowledged: &AtomicU32,
) -> Result<(), Broken> {
    let before = acknowledged.load(Ordering::Relaxed);
    let loaded = until(LOADED, || acknowledged.load(Ordering::Relaxed) - before >= LOAD);
    loaded.ok_or_else(|| Broken(format!("{LOAD} acknowledgements did not come within {LOADED:?}")))?;
    std::thread::sleep(Duration::from_millis(draw.below(MOMENT)));
    let victim = record.next(stack.victims(), draw);
    stack.kill(victim);
    record.killed.push(victim);
    // Every third time it is back before anybody has looked.
    if draw.below(3) > 0 {
        stack.noticed(victim).map_err(|Broken(what)| Broken(format!("{victim:?} killed: {what}")))?;
    }
    let took = stack.revive(victim)?;
    record.slowest = record.slowest.max(took);
    Ok(())
}

/// Has the clients work while something goes on.
fn under_load(
    clients: &mut [Client],
    during: impl FnOnce(&AtomicU32) -> Result<(), Broken>,
) -> Result<(), Broken> {
    let (stop, acknowledged) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            clients.iter_mut().map(|client| scope.spawn(|| client.work(&stop, &acknowledged))).collect();
        // The clients stop also where what goes on panics, or the panic would wait for them for ever.
        let stopping = Stopping(&stop);
        let outcome = during(&acknowledged);
        drop(stopping);
        let worked = workers.into_iter().try_for_each(|worker| worker.join().unwrap());
        // What a client saw is nearer to the cause than that its work has ceased.
        worked.and(outcome)
    })
}

struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Has every client do something, all at a time.
fn all(clients: &mut [Client], does: fn(&mut Client) -> Result<(), Broken>) -> Result<(), Broken> {
    std::thread::scope(|scope| {
        let workers: Vec<_> = clients.iter_mut().map(|client| scope.spawn(|| does(client))).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap())
    })
}

fn summary(record: &Record, told: Told) -> String {
    let killed = |victim| record.killed.iter().filter(|killed| **killed == victim).count();
    let (front, directory) = (killed(Victim::Front), killed(Victim::Directory));
    let database = killed(Victim::Database);
    let slowest = record.slowest.as_millis();
    format!(
        "killed: front {front}, directory {directory}, database {database} times\n\
         slowest recovery after readiness: {slowest} ms\n\
         acknowledged: {} registrations, {} password changes, {} revocations, {} sign-ins, {} refreshes\n\
         {} refused as they must be, {} without an answer\n",
        told.registrations,
        told.changes,
        told.revocations,
        told.sign_ins,
        told.refreshes,
        told.refusals,
        told.unknown,
    )
}
