//! Writes to the journal in order, on a thread where a slow disk holds up nothing else. What cannot be
//! written waits here and is tried again; nothing is dropped without being counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::store::{Store, Write};

/// How long effects wait for a commit before they are sent from memory. A commit takes a fraction of a
/// millisecond; a second is a disk that is not to be relied on.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long the writer rests after a failure.
const REST: Duration = Duration::from_secs(1);

/// So many writes go into one commit, when they had to wait.
const TOGETHER: usize = 256;

/// So many bytes may wait: at a megabyte or two an hour, more than a day of a disk that is full.
const MOST: u64 = 64 << 20;

/// How far the writer has come.
#[derive(Debug, Clone, Default)]
struct Progress {
    /// So many writes are on disk.
    written: u64,
    /// Why the last attempt failed, if it did.
    trouble: Option<String>,
}

/// Whoever journals holds this end.
pub(super) struct Writer {
    queue: UnboundedSender<Write>,
    progress: watch::Receiver<Progress>,
    waiting: Arc<AtomicU64>,
    put: u64,
    /// Something was left out, so that only a checkpoint makes the journal whole again.
    gap: bool,
    hindered: Option<String>,
}

/// What changed about the journal's disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    /// It takes nothing, for this reason.
    Hindered(String),
    /// It takes again what it refused for this reason.
    Over(String),
}

impl Writer {
    pub(super) fn begin(store: Store, tasks: &mut tokio::task::JoinSet<()>) -> Self {
        let (queue, inbox) = unbounded_channel();
        let (tell, progress) = watch::channel(Progress::default());
        let waiting = Arc::new(AtomicU64::new(0));
        tasks.spawn(write(store, inbox, tell, waiting.clone()));
        Self { queue, progress, waiting, put: 0, gap: false, hindered: None }
    }

    /// Puts something at the end of the queue, and waits for it to be on disk, but not for ever. Whether it
    /// will be written.
    pub(super) async fn put(&mut self, write: Write) -> bool {
        let size = size(&write);
        let is_checkpoint = matches!(write, Write::Checkpoint(_));
        if (self.gap && !is_checkpoint) || self.waiting.load(Ordering::Relaxed) + size > MOST {
            // Without the entries that are left out the journal is only whole from the next checkpoint on.
            self.gap = true;
            return false;
        }
        if self.queue.send(write).is_err() {
            return false;
        }
        self.waiting.fetch_add(size, Ordering::Relaxed);
        self.gap = false;
        self.put += 1;
        let put = self.put;
        if self.hindered.is_none() {
            let _ = timeout(PATIENCE, self.progress.wait_for(|progress| progress.written >= put)).await;
        }
        true
    }

    /// What changed since it was asked last.
    pub(super) fn turn(&mut self) -> Option<Turn> {
        let progress = self.progress.borrow_and_update().clone();
        let behind = progress.written < self.put;
        match (&self.hindered, behind) {
            (None, true) => {
                let why = progress.trouble.unwrap_or_else(|| "the disk is slow".to_owned());
                let why = format!("the journal cannot be written: {why}");
                self.hindered = Some(why.clone());
                Some(Turn::Hindered(why))
            }
            (Some(_), false) if !self.gap => self.hindered.take().map(Turn::Over),
            _ => None,
        }
    }

    /// Why the journal cannot be written, if so.
    pub(super) fn hindered(&self) -> Option<&str> {
        self.hindered.as_deref()
    }

    /// Whether only a checkpoint makes the journal whole again.
    pub(super) fn wants_checkpoint(&self) -> bool {
        self.gap && self.waiting.load(Ordering::Relaxed) < MOST / 2
    }

    /// Waits until all is on disk, but not for longer than `most`; else how much is not.
    pub(super) async fn finish(mut self, most: Duration) -> Result<(), u64> {
        let put = self.put;
        let done = timeout(most, self.progress.wait_for(|progress| progress.written >= put)).await.is_ok();
        if done && !self.gap { Ok(()) } else { Err(put - self.progress.borrow().written) }
    }
}

fn size(write: &Write) -> u64 {
    let bytes = match write {
        Write::Batch(batch) => batch.body.len(),
        Write::Checkpoint(checkpoint) => checkpoint.body.len(),
    };
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

async fn write(
    store: Store,
    mut inbox: UnboundedReceiver<Write>,
    tell: watch::Sender<Progress>,
    waiting: Arc<AtomicU64>,
) {
    let mut group = Vec::new();
    while inbox.recv_many(&mut group, TOGETHER).await > 0 {
        loop {
            let store = store.clone();
            let writing = std::mem::take(&mut group);
            // On a thread for blocking work: a paused clock of a test waits for those.
            let attempt = tokio::task::spawn_blocking(move || (store.write(&writing), writing));
            let Ok((outcome, back)) = attempt.await else { return };
            group = back;
            match outcome {
                Ok(()) => break,
                Err(error) => {
                    tell.send_modify(|progress| progress.trouble = Some(error.to_string()));
                    sleep(REST).await;
                }
            }
        }
        waiting.fetch_sub(group.iter().map(size).sum(), Ordering::Relaxed);
        let written = u64::try_from(group.len()).unwrap_or(0);
        group.clear();
        tell.send_modify(|progress| {
            progress.written += written;
            progress.trouble = None;
        });
    }
}

#[cfg(test)]
mod tests {
    use ::watch::time::At;

    use super::*;
    use crate::store::Batch;

    fn batch(seq: u64) -> Write {
        Write::Batch(Batch { seq, at: At(seq), body: vec![7; 64 * 1024], minutes: Vec::new() })
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_is_full_is_told_and_nothing_is_lost_when_there_is_room_again() {
        let directory = std::env::temp_dir().join(format!("forewarn-writer-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        let store = Store::open(&directory).unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        let mut writer = Writer::begin(store.clone(), &mut tasks);
        assert!(writer.put(batch(1)).await);
        assert_eq!(writer.turn(), None);

        store.room_for(1);
        for seq in 2..6 {
            assert!(writer.put(batch(seq)).await, "it waits in memory");
        }
        let Some(Turn::Hindered(why)) = writer.turn() else { panic!("it is told") };
        assert_eq!(why, "the journal cannot be written: database or disk is full");
        assert_eq!(writer.turn(), None, "once");

        store.room_for(1_000_000);
        tokio::time::sleep(REST * 2).await;
        assert_eq!(writer.turn(), Some(Turn::Over(why)));
        assert_eq!(writer.finish(Duration::from_secs(5)).await, Ok(()));
        let kept: Vec<u64> = store.batches(0, 99).unwrap().iter().map(|batch| batch.seq).collect();
        assert_eq!(kept, [1, 2, 3, 4, 5]);
        let _ = std::fs::remove_dir_all(&directory);
    }
}
