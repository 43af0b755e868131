//! The thread that writes. What waits is performed in one transaction, each job within a savepoint of
//! its own, and committed together (group commit): a flush to disk costs a thousand times what a job
//! does, and one flush serves them all.

use std::time::Instant;

use rusqlite::Connection;
use tokio::sync::mpsc;

use super::lane::{Boxed, Watch};
use crate::store::Failure;

/// Jobs of one transaction: what a flush is shared by. More would make the first wait for the last.
const MOST: usize = 64;

/// Writes until the store is dropped.
pub(super) fn run(connection: &Connection, watch: &Watch, mut queue: mpsc::Receiver<Boxed>) {
    while let Some(first) = queue.blocking_recv() {
        let began = Instant::now();
        let mut taken = 0;
        let mut waiting = Some(first);
        let next = || {
            // A job that takes long must not make those before it wait for more than itself.
            let room = taken < MOST && began.elapsed() < watch.limit() / 4;
            taken += 1;
            let mut job = waiting.take().or_else(|| if room { queue.try_recv().ok() } else { None })?;
            while !job.begin() {
                job = queue.try_recv().ok()?;
            }
            Some(job)
        };
        together(connection, watch, next);
    }
}

/// Performs jobs, commits, and only then tells their callers.
fn together(connection: &Connection, watch: &Watch, mut next: impl FnMut() -> Option<Boxed>) {
    let mut performed: Vec<Boxed> = Vec::new();
    let mut lost: Vec<Boxed> = Vec::new();
    while let Some(mut job) = lost.pop().or_else(&mut next) {
        watch.begin();
        let outcome = begin(connection, performed.is_empty()).and_then(|()| apart(connection, &mut job));
        watch.end();
        match outcome {
            Ok(()) => performed.push(job),
            Err(failure) => job.settle(Err(failure)),
        }
        if connection.is_autocommit() {
            // SQLite gives up the whole transaction for some failures: an interrupted write, a full disk.
            // What had been performed before in it is performed again, in its order.
            lost.extend(performed.drain(..).rev());
        }
    }
    let outcome = commit(connection);
    for job in performed {
        job.settle(outcome.clone());
    }
}

/// Opens a transaction where none is open; `fresh` where nothing that one still open holds may last. It
/// takes the lock for writing at once, which another process may hold.
fn begin(connection: &Connection, fresh: bool) -> Result<(), Failure> {
    if fresh && !connection.is_autocommit() {
        execute(connection, "ROLLBACK")?;
    }
    if connection.is_autocommit() { execute(connection, "BEGIN IMMEDIATE") } else { Ok(()) }
}

/// Performs a job so that its failure undoes nothing but itself; where it cannot be undone alone, the
/// whole transaction is.
fn apart(connection: &Connection, job: &mut Boxed) -> Result<(), Failure> {
    execute(connection, "SAVEPOINT job")?;
    let outcome = job.perform(connection);
    let undone = if outcome.is_err() { execute(connection, "ROLLBACK TO job") } else { Ok(()) };
    let left = undone.and_then(|()| execute(connection, "RELEASE job"));
    if left.is_err() && !connection.is_autocommit() {
        execute(connection, "ROLLBACK")?;
    }
    outcome.and(left)
}

fn commit(connection: &Connection) -> Result<(), Failure> {
    if connection.is_autocommit() {
        return Ok(());
    }
    let committed = execute(connection, "COMMIT");
    if !connection.is_autocommit() {
        // It must not be tried again with the next jobs: the callers of these are told that it failed.
        let _ = execute(connection, "ROLLBACK");
    }
    committed
}

fn execute(connection: &Connection, sql: &str) -> Result<(), Failure> {
    Ok(connection.prepare_cached(sql)?.execute([]).map(drop)?)
}
