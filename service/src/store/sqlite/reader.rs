//! A thread that reads. All of them take from one queue.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::mpsc;

use super::lane::{Boxed, Watch};

/// A queue that several threads take from.
#[derive(Clone)]
pub(super) struct Queue(Arc<Mutex<mpsc::Receiver<Boxed>>>);

impl Queue {
    pub(super) fn new(queue: mpsc::Receiver<Boxed>) -> Self {
        Self(Arc::new(Mutex::new(queue)))
    }

    /// Waits for a job; the threads that wait at the same time wait for each other.
    fn next(&self) -> Option<Boxed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv()
    }
}

/// Reads until the store is dropped.
pub(super) fn run(connection: &Connection, watch: &Watch, queue: &Queue) {
    while let Some(mut job) = queue.next() {
        if job.begin() {
            watch.begin();
            let outcome = job.perform(connection);
            job.settle(outcome);
        }
    }
}
