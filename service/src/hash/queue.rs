//! Threads that do nothing but hash, and the bounded queue before them. When the queue is full, work is
//! refused at once: a sign-in that would wait longer than its caller does helps nobody. Work whose
//! caller has gone is not done.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

use super::scheme::{Bench, Cost};
use crate::metrics::Metrics;

/// The queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many passwords are waiting to be hashed")
    }
}

impl std::error::Error for Busy {}

/// Work with somebody who waits for it.
trait Job: Send {
    /// Whether nobody waits any more.
    fn gone(&self) -> bool;
    fn run(self: Box<Self>, bench: &mut Bench);
}

struct Order<W, T> {
    work: W,
    answer: oneshot::Sender<T>,
}

impl<T: Send, W: FnOnce(&mut Bench) -> T + Send> Job for Order<W, T> {
    fn gone(&self) -> bool {
        self.answer.is_closed()
    }

    fn run(self: Box<Self>, bench: &mut Bench) {
        let _ = self.answer.send((self.work)(bench));
    }
}

/// The threads and what waits for them.
pub(super) struct Queue(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Held while a hash needs more memory than is configured.
    beyond: Arc<Mutex<()>>,
    arrived: Condvar,
    capacity: usize,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(Instant, Box<dyn Job>)>,
    /// Threads that wait for work.
    idle: usize,
    closed: bool,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("capacity", &self.0.capacity).finish_non_exhaustive()
    }
}

impl Queue {
    /// Starts so many threads, each with the memory of one hash.
    pub(super) fn start(threads: usize, capacity: usize, cost: Cost, metrics: Arc<Metrics>) -> Self {
        let state = Mutex::new(State::default());
        let (arrived, beyond) = (Condvar::new(), Arc::default());
        let shared = Arc::new(Shared { state, beyond, arrived, capacity, metrics });
        for number in 0..threads {
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new().name(format!("hash-{number}"));
            thread.spawn(move || shared.work(cost)).expect("bug: the system starts no threads");
        }
        Self(shared)
    }

    /// Has work done, or refuses where too much is waiting.
    pub(super) async fn run<T, W>(&self, work: W) -> Result<T, Busy>
    where
        T: Send + 'static,
        W: FnOnce(&mut Bench) -> T + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.0.submit(Box::new(Order { work, answer }))?;
        // An answer that never comes: the work panicked, and its thread lives on.
        answered.await.map_err(|_| Busy)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.arrived.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(&self, job: Box<dyn Job>) -> Result<(), Busy> {
        let mut state = self.state();
        let room = self.capacity + state.idle;
        if state.waiting.len() >= room {
            let before = state.waiting.len();
            state.waiting.retain(|(_, job)| !job.gone());
            self.left(before - state.waiting.len());
        }
        if state.waiting.len() >= room {
            return Err(Busy);
        }
        state.waiting.push_back((Instant::now(), job));
        drop(state);
        self.metrics.hash_queued.inc();
        self.metrics.hash_submitted.inc();
        self.arrived.notify_one();
        Ok(())
    }

    /// So many passwords wait no more.
    fn left(&self, count: usize) {
        self.metrics.hash_queued.dec_by(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// What a thread does all its life.
    fn work(&self, cost: Cost) {
        let bench = || Bench::new(cost, Arc::clone(&self.beyond));
        let mut own = bench();
        while let Some((submitted, job)) = self.next() {
            if job.gone() {
                continue;
            }
            let begun = Instant::now();
            // A panic would end the thread, and the service with the last of them.
            if catch_unwind(AssertUnwindSafe(|| job.run(&mut own))).is_err() {
                own = bench();
            }
            self.metrics.hash(begun - submitted, begun.elapsed());
            self.metrics.hash_completed.inc();
        }
    }

    /// The next work; `None` when there will be no more.
    fn next(&self) -> Option<(Instant, Box<dyn Job>)> {
        let mut state = self.state();
        state.idle += 1;
        loop {
            if state.closed {
                return None;
            }
            if let Some(next) = state.waiting.pop_front() {
                state.idle -= 1;
                self.left(1);
                return Some(next);
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const COST: Cost = Cost { memory_kib: 8, iterations: 1, lanes: 1 };

    fn queue(threads: usize, capacity: usize) -> (Arc<Queue>, Arc<Metrics>) {
        let metrics = Arc::new(Metrics::new());
        (Arc::new(Queue::start(threads, capacity, COST, Arc::clone(&metrics))), metrics)
    }

    /// Occupies the one thread of a queue until something is sent or dropped.
    async fn occupy(queue: &Arc<Queue>) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), Busy>>) {
        let (release, released) = mpsc::channel::<()>();
        let (begin, begun) = oneshot::channel();
        let queue = Arc::clone(queue);
        let running = tokio::spawn(async move {
            let work = move |_: &mut Bench| {
                let _ = begin.send(());
                let _ = released.recv();
            };
            queue.run(work).await
        });
        begun.await.unwrap();
        (release, running)
    }

    async fn until(holds: impl Fn() -> bool) {
        while !holds() {
            tokio::task::yield_now().await;
        }
    }

    fn submit(queue: &Arc<Queue>) -> tokio::task::JoinHandle<Result<u8, Busy>> {
        let queue = Arc::clone(queue);
        tokio::spawn(async move { queue.run(|_| 7).await })
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let (queue, metrics) = queue(1, 2);
        let (release, running) = occupy(&queue).await;
        let waiting = [submit(&queue), submit(&queue)];
        until(|| metrics.hash_queued.get() == 2).await;
        assert_eq!(queue.run(|_| 7).await, Err(Busy));
        drop(release);
        assert_eq!(running.await.unwrap(), Ok(()));
        for waiting in waiting {
            assert_eq!(waiting.await.unwrap(), Ok(7));
        }
        until(|| metrics.hash_completed.get() == 3).await;
        assert_eq!(metrics.hash_submitted.get(), 3);
        assert_eq!(metrics.hash_queued.get(), 0);
    }

    #[tokio::test]
    async fn a_thread_that_waits_makes_room_where_none_may_wait() {
        let (queue, _) = queue(1, 0);
        until(|| queue.0.state().idle == 1).await;
        let (release, running) = occupy(&queue).await;
        assert_eq!(queue.run(|_| 7).await, Err(Busy));
        drop(release);
        assert_eq!(running.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_not_done_and_makes_room() {
        let (queue, metrics) = queue(1, 1);
        let (release, running) = occupy(&queue).await;
        let (done, begun) = mpsc::channel::<()>();
        let given_up = {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move { queue.run(move |_| done.send(())).await })
        };
        until(|| metrics.hash_queued.get() == 1).await;
        given_up.abort();
        assert!(given_up.await.unwrap_err().is_cancelled());
        let waiting = submit(&queue);
        until(|| metrics.hash_submitted.get() == 3).await;
        assert_eq!(metrics.hash_queued.get(), 1);
        drop(release);
        assert_eq!(running.await.unwrap(), Ok(()));
        assert_eq!(waiting.await.unwrap(), Ok(7));
        assert!(begun.recv().is_err(), "it was dropped");
        until(|| metrics.hash_completed.get() == 2).await;
    }

    #[tokio::test]
    async fn a_thread_outlives_work_that_panics() {
        let (queue, _) = queue(1, 4);
        assert_eq!(queue.run(|_| -> u8 { panic!("for the test") }).await, Err(Busy));
        assert_eq!(queue.run(|_| 7).await, Ok(7));
    }

    #[test]
    fn threads_end_with_the_queue() {
        let (queue, metrics) = queue(3, 4);
        drop(queue);
        while Arc::strong_count(&metrics) > 1 {
            std::thread::yield_now();
        }
    }
}
