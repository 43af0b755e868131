//! The ways out: each channel has a queue and a task of its own, so that a slow one delays no other. What
//! became of one attempt goes back to the journal. Does not decide who is told what, nor when that is tried
//! again: the core does.

mod alertmanager;
pub(crate) mod heartbeat;
mod lines;
pub(crate) mod published;
mod webhook;
pub(crate) mod words;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;
use watch::alert::{Effect, Notice, Refusal};
use watch::journal::Input;
use watch::plan::{Channel, ChannelKind};
use watch::time::At;

use crate::http::Network;

pub(crate) use published::{alert, moment, notice, silence};

/// Something to tell, ready for any channel.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    /// Names it to receivers, whichever journal it is of.
    pub(crate) key: String,
    /// When it was put into the queue,
    told: At,
    /// and the same on the clock that only goes on.
    queued: Instant,
    /// What the core said.
    pub(crate) notice: Notice,
    /// The same as it is published.
    pub(crate) published: wire::alert::Notice,
}

impl Letter {
    /// A letter of an effect, from the journal of this identity.
    pub(crate) fn of(effect: &Effect, journal: &str, told: At) -> Self {
        let key = format!("{journal}-{}", effect.key);
        Self {
            published: notice(&key, &effect.notice),
            notice: effect.notice.clone(),
            told,
            queued: Instant::now(),
            key,
        }
    }

    /// What time it is, while it is handed over.
    pub(crate) fn now(&self) -> At {
        self.told.after(self.queued.elapsed())
    }
}

/// What a status other than success means: a server in trouble or one that asks to come back later may take
/// the letter yet, any other refusal is of the letter itself (RFC 9110, section 15).
pub(crate) fn refused(status: u16) -> Refusal {
    let why = format!("answered with status {status}");
    match status {
        408 | 425 | 429 | 500..=599 => Refusal::for_now(why),
        _ => Refusal::for_good(why),
    }
}

/// One attempt to hand over a letter.
pub(crate) type Attempt<'a> = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send + 'a>>;

/// A way out.
///
/// The contract, which one test holds against all of them: a letter that was taken is `Ok`; the same letter
/// may come twice under the same key, and a receiver that looks at keys is told once; a refusal says
/// whether trying again may help; nothing of a secret is in its words; the future may be dropped.
pub(crate) trait Way: Send + Sync {
    /// Hands over a letter, or says why not.
    fn hand_over<'a>(&'a self, letter: &'a Letter) -> Attempt<'a>;
}

/// The way of a channel.
pub(crate) fn way(channel: &Channel, base: &Path, network: &Network) -> Result<Arc<dyn Way>, String> {
    Ok(match &channel.kind {
        ChannelKind::Webhook(url) => Arc::new(webhook::Webhook::new(url, channel, base, network)?),
        ChannelKind::Alertmanager { url, again } => {
            Arc::new(alertmanager::Alertmanager::new(url, *again, channel, base, network)?)
        }
        ChannelKind::Lines(path) => Arc::new(lines::Lines::new(path, base)),
    })
}

/// A channel's queue, as seen by whoever puts something into it.
#[derive(Clone)]
pub(crate) struct Queue {
    letters: UnboundedSender<(u64, Letter)>,
    waiting: Arc<AtomicUsize>,
}

impl Queue {
    /// Begins a queue that is emptied over `way`; what became of each letter goes to `told`.
    /// Each is tried once: the core hands it out again where that makes sense.
    pub(crate) fn begin(
        way: Arc<dyn Way>,
        told: UnboundedSender<Input>,
        tasks: &mut tokio::task::JoinSet<()>,
    ) -> Self {
        let (letters, inbox) = tokio::sync::mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        tasks.spawn(empty(way, inbox, told, waiting.clone()));
        Self { letters, waiting }
    }

    /// Puts a letter at its end.
    pub(crate) fn put(&self, key: u64, letter: Letter) {
        // A task that has ended does so because the watch ends: the outbox keeps the letter.
        if self.letters.send((key, letter)).is_ok() {
            self.waiting.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many letters wait in it, the one under way included.
    pub(crate) fn length(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

async fn empty(
    way: Arc<dyn Way>,
    mut inbox: UnboundedReceiver<(u64, Letter)>,
    told: UnboundedSender<Input>,
    waiting: Arc<AtomicUsize>,
) {
    while let Some((key, letter)) = inbox.recv().await {
        let outcome = way.hand_over(&letter).await;
        waiting.fetch_sub(1, Ordering::Relaxed);
        if told.send(Input::Delivered { key, outcome }).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
