//! Between the journal's rows and the core: entries and states as bytes, and the state as the journal
//! left it. What the bytes mean is the core's.

use std::path::Path;
use std::time::Duration;

use watch::State;
use watch::checkpoint::{load, save};
use watch::journal::{Coder, Entry, Unreadable, decode, encode, is_key};
use watch::plan::Plan;
use watch::time::At;

use crate::store::{Checkpoint, Stopped, Store};

/// So many rows are read at a time: a few megabytes at most.
const AT_ONCE: u32 = 1_000;

/// Turns entries into rows.
#[derive(Default)]
pub(super) struct Recorder {
    coder: Coder,
}

impl Recorder {
    /// The entries as a row.
    pub(super) fn encode(&mut self, entries: &[Entry]) -> Vec<u8> {
        encode(entries, &mut self.coder)
    }

    /// What is written next leans on nothing before it.
    pub(super) fn restart(&mut self) {
        self.coder.reset();
    }

    /// The state as bytes. The next row leans on it alone: reading can begin there even where a later
    /// Forewarn cannot read this one's states.
    pub(super) fn checkpoint(&mut self, state: &State) -> Vec<u8> {
        self.restart();
        save(state, &self.coder)
    }
}

/// The state as the journal left it.
pub(super) struct Recovered {
    pub(super) state: State,
    coder: Coder,
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

impl Recovered {
    /// From the beginning.
    fn nothing() -> Self {
        Self { state: State::default(), coder: Coder::default(), seq: 0, at: None, replayed: 0 }
    }

    fn from(checkpoint: &Checkpoint) -> Result<Self, Unreadable> {
        let (state, coder) = load(&checkpoint.body)?;
        Ok(Self { state, coder, seq: checkpoint.seq, at: Some(checkpoint.at), replayed: 0 })
    }
}

/// Reads the last checkpoint that can be read, and replays what stands behind it.
pub(super) fn recover(store: &Store, plan: &Plan) -> Result<Recovered, Stopped> {
    let mut recovered = Recovered::nothing();
    for skip in 0.. {
        let checkpoint = store.checkpoint(skip).map_err(|error| store.unreadable(&error))?;
        let Some(checkpoint) = checkpoint else { break };
        // One of another version is passed over: the rows say the same.
        if let Ok(from) = Recovered::from(&checkpoint) {
            recovered = from;
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
    let is_whole = store.batches(0, 1).map_err(unreadable)?.first().is_some_and(|batch| batch.seq == 1);
    let mut recovered = if is_whole {
        Recovered::nothing()
    } else {
        Recovered::from(&first).map_err(|why| {
            let help = "verify it with the Forewarn that wrote it";
            Stopped::new(directory.display(), format!("row {}: the state {why}", first.seq), help)
        })?
    };
    replay(&store, plan, &mut recovered, last.seq)?;
    let mut recorder = Recorder::default();
    if recovered.seq != last.seq || recorder.checkpoint(&recovered.state) != last.body {
        return Err(Stopped::new(
            directory.display(),
            format!("row {}: a replay gives another state than the watch had", last.seq),
            "where forewarn.toml was changed since, that is why; else keep a copy of the directory and report it",
        ));
    }
    Ok(recovered.replayed)
}

/// Moves a state by the rows behind it, up to `last`. Effects are not carried out: the core hands out
/// again what nobody is known to have been told.
fn replay(store: &Store, plan: &Plan, recovered: &mut Recovered, last: u64) -> Result<(), Stopped> {
    let mut effects = Vec::new();
    // Where no state could be read, reading begins with the first row that leans on none before it.
    let mut begun = recovered.at.is_some();
    loop {
        let batches = store.batches(recovered.seq, AT_ONCE).map_err(|error| store.unreadable(&error))?;
        if batches.is_empty() {
            return Ok(());
        }
        for batch in batches {
            if batch.seq > last {
                return Ok(());
            }
            begun |= is_key(&batch.body);
            recovered.seq = batch.seq;
            recovered.at = Some(batch.at);
            if !begun {
                continue;
            }
            let entries = decode(&batch.body, &mut recovered.coder).map_err(|why| {
                let help = "move the journal's directory away to begin a new one, and keep it to look at";
                Stopped::new("the journal", format!("row {}: {why}", batch.seq), help)
            })?;
            for entry in &entries {
                watch::step(plan, &mut recovered.state, entry, &mut effects);
            }
            effects.clear();
            recovered.replayed += 1;
        }
    }
}
