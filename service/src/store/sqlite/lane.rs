//! How work gets from callers to the threads that hold connections, and how long a caller waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{timeout, timeout_at};

use crate::store::Failure;

/// How long a caller waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// For its turn.
    pub(super) turn: Duration,
    /// From its turn to the answer; the work itself is interrupted by then.
    pub(super) statement: Duration,
}

/// Work whose caller waits for it. It may be performed more than once, when a transaction is lost.
pub(super) trait Job: Send {
    /// Tells the caller that its turn has come. `false` where the caller is gone: then nothing is done.
    fn begin(&mut self) -> bool;

    /// Performs it, within a transaction if it writes.
    fn perform(&mut self, connection: &Connection) -> Result<(), Failure>;

    /// Gives the caller its answer, or the reason why there is none.
    fn settle(self: Box<Self>, outcome: Result<(), Failure>);
}

pub(super) type Boxed = Box<dyn Job>;

struct Task<T, W> {
    work: W,
    value: Option<T>,
    begin: Option<oneshot::Sender<()>>,
    answer: oneshot::Sender<Result<T, Failure>>,
}

impl<T: Send, W: FnMut(&Connection) -> Result<T, Failure> + Send> Job for Task<T, W> {
    fn begin(&mut self) -> bool {
        self.begin.take().is_some_and(|begin| begin.send(()).is_ok())
    }

    fn perform(&mut self, connection: &Connection) -> Result<(), Failure> {
        self.value = Some((self.work)(connection)?);
        Ok(())
    }

    fn settle(self: Box<Self>, outcome: Result<(), Failure>) {
        let Self { value, answer, .. } = *self;
        if let Some(outcome) = outcome.map(|()| value).transpose() {
            // The caller may be gone, and then nobody wants to know.
            let _ = answer.send(outcome);
        }
    }
}

/// Where callers hand work over.
pub(super) struct Lane {
    queue: mpsc::Sender<Boxed>,
    limits: Limits,
}

impl Lane {
    pub(super) fn new(queue: mpsc::Sender<Boxed>, limits: Limits) -> Self {
        Self { queue, limits }
    }

    /// Has work done and waits for it. After `PoolTimeout` it was not done and never will be; after
    /// `StatementTimeout` it may have been.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let ended = || Failure::Unreachable("the thread of the database has ended".to_owned());
        let turn = tokio::time::Instant::now() + self.limits.turn;
        let (begin, mut begun) = oneshot::channel();
        let (give, answer) = oneshot::channel();
        let task = Task { work, value: None, begin: Some(begin), answer: give };
        match timeout_at(turn, self.queue.send(Box::new(task))).await {
            Err(_) => return Err(Failure::PoolTimeout),
            Ok(handed) => handed.map_err(|_| ended())?,
        }
        if timeout_at(turn, &mut begun).await.is_err() {
            // Its turn may come in this very moment: once closed, it has come or it never will.
            begun.close();
            begun.try_recv().map_err(|_| Failure::PoolTimeout)?;
        }
        match timeout(self.limits.statement, answer).await {
            Err(_) => Err(Failure::StatementTimeout),
            Ok(answer) => answer.map_err(|_| ended())?,
        }
    }
}

/// Interrupts statements of a connection that take too long.
pub(super) struct Watch {
    start: Instant,
    /// In nanoseconds after the start.
    deadline: Arc<AtomicU64>,
    limit: Duration,
}

/// Steps of SQLite's virtual machine between two looks at the clock: some ten microseconds.
const STEPS: i32 = 1000;

impl Watch {
    /// Watches a connection.
    pub(super) fn over(connection: &mut Connection, limit: Duration) -> Result<Self, Failure> {
        let watch = Self { start: Instant::now(), deadline: Arc::new(AtomicU64::new(u64::MAX)), limit };
        let (start, deadline) = (watch.start, watch.deadline.clone());
        let late = move || nanos(start.elapsed()) > deadline.load(Ordering::Relaxed);
        connection.progress_handler(STEPS, Some(late))?;
        Ok(watch)
    }

    /// How long statements may take.
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// From now on.
    pub(super) fn begin(&self) {
        self.deadline.store(nanos(self.start.elapsed() + self.limit), Ordering::Relaxed);
    }

    /// No more: what follows must not be interrupted.
    pub(super) fn end(&self) {
        self.deadline.store(u64::MAX, Ordering::Relaxed);
    }
}

fn nanos(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}
