//! Between the journal's rows and the core: entries and states as bytes, and the state as the journal
//! left it. What the bytes mean is the core's.

use std::path::Path;
use std::time::Duration;

use watch::State;
use watch::journal::Entry;
use watch::plan::Plan;
use watch::time::At;

use crate::store::{Stopped, Store};

/// So many rows are read at a time: a few megabytes at most.
const AT_ONCE: u32 = 1_000;

/// Turns entries into rows.
#[derive(Default)]
pub(super) struct Recorder;

impl Recorder {
    /// The entries as a row.
    pub(super) fn encode(&mut self, entries: &[Entry]) -> Vec<u8> {
        postcard::to_stdvec(entries).expect("bug: entries are plain data")
    }

    /// What is written next stands behind a checkpoint: it leans on nothing before it.
    pub(super) fn restart(&mut self) {}
}

/// The state as the journal left it.
pub(super) struct Recovered {
    pub(super) state: State,
    pub(super) recorder: Recorder,
    /// The last row.
    pub(super) seq: u64,
    /// The moment of the last entry; none in a new journal.
    pub(super) at: Option<At>,
    /// So many rows were replayed.
    replayed: u64,
}

impl Recovered {
    /// What people are told of it; nothing of a new journal.
    pub(super) fn note(&self, took: Duration) -> Option<String> {
        let at = self.at?;
        Some(format!(
            "the journal goes on from {}: {} rows behind the last checkpoint, read in {} ms",
            crate::send::moment(at),
            self.replayed,
            took.as_millis()
        ))
    }
}

/// Reads the last checkpoint that can be read, and replays what stands behind it.
pub(super) fn recover(store: &Store, plan: &Plan) -> Result<Recovered, Stopped> {
    let unreadable = |error: rusqlite::Error| store.unreadable(&error);
    let mut recovered =
        Recovered { state: State::default(), recorder: Recorder, seq: 0, at: None, replayed: 0 };
    for skip in 0.. {
        let Some(checkpoint) = store.checkpoint(skip).map_err(unreadable)? else { break };
        // One that a later or earlier Forewarn wrote in another form is passed over: the rows say the same.
        if let Ok(state) = postcard::from_bytes(&checkpoint.body) {
            recovered = Recovered { state, seq: checkpoint.seq, at: Some(checkpoint.at), ..recovered };
            break;
        }
    }
    replay(store, plan, &mut recovered, u64::MAX)?;
    Ok(recovered)
}

/// Replays the journal from the oldest checkpoint that is kept to the newest, and compares; how many rows
/// that were. May run beside a watch.
///
/// # Errors
///
/// Where the journal cannot be read, or the replay gives another state than the watch had.
pub fn verify(directory: &Path, plan: &Plan) -> Result<u64, Stopped> {
    let store = Store::read_only(directory)?;
    let unreadable = |error: rusqlite::Error| store.unreadable(&error);
    let nothing = || Stopped::new(directory.display(), "has no checkpoint yet", "try again in five minutes");
    let last = store.checkpoint(0).map_err(unreadable)?.ok_or_else(nothing)?;
    let first = store.oldest_checkpoint().map_err(unreadable)?.ok_or_else(nothing)?;
    let begun = store.batches(0, 1).map_err(unreadable)?.first().is_some_and(|batch| batch.seq == 1);
    let mut recovered =
        Recovered { state: State::default(), recorder: Recorder, seq: 0, at: None, replayed: 0 };
    if !begun {
        let state = postcard::from_bytes(&first.body).map_err(|_| {
            Stopped::new(
                directory.display(),
                "holds checkpoints of another version",
                "verify it with the Forewarn that wrote it",
            )
        })?;
        recovered = Recovered { state, seq: first.seq, ..recovered };
    }
    replay(&store, plan, &mut recovered, last.seq)?;
    if recovered.seq != last.seq || checkpoint(&recovered.state) != last.body {
        return Err(Stopped::new(
            directory.display(),
            format!("row {}: a replay gives another state than the watch had", last.seq),
            "keep a copy of the directory and report it",
        ));
    }
    Ok(recovered.replayed)
}

/// Moves a state by the rows behind it, up to `last`. Effects are not carried out: those that nobody is
/// known to have heard of are in the outbox.
fn replay(store: &Store, plan: &Plan, recovered: &mut Recovered, last: u64) -> Result<(), Stopped> {
    let mut effects = Vec::new();
    loop {
        let batches = store.batches(recovered.seq, AT_ONCE).map_err(|error| store.unreadable(&error))?;
        if batches.is_empty() {
            return Ok(());
        }
        for batch in batches {
            if batch.seq > last {
                return Ok(());
            }
            let entries: Vec<Entry> = postcard::from_bytes(&batch.body).map_err(|_| {
                Stopped::new(
                    "the journal",
                    format!("row {} cannot be read", batch.seq),
                    "move the journal's directory away to begin a new one",
                )
            })?;
            for entry in &entries {
                watch::step(plan, &mut recovered.state, entry, &mut effects);
            }
            effects.clear();
            recovered.seq = batch.seq;
            recovered.at = Some(batch.at);
            recovered.replayed += 1;
        }
    }
}

/// The state as bytes.
pub(super) fn checkpoint(state: &State) -> Vec<u8> {
    postcard::to_stdvec(state).expect("bug: the state is plain data")
}
