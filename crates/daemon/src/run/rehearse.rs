//! A journal as a watch leaves it that was told something, without waiting for the time to go by: what a
//! journal of a day costs is measured on it. Sends nothing.

use std::path::Path;

use watch::State;
use watch::journal::Entry;
use watch::plan::Plan;
use watch::time::At;

use super::CHECKPOINT;
use super::minutes::Minutes;
use super::record::Recorder;
use crate::store::{Batch, Checkpoint, Stopped, Store, Write};

/// So many rows go into one commit; a watch makes one for each.
const TOGETHER: usize = 1_000;

/// Writes what came in together, row by row, with the minutes and checkpoints of a watch; how many rows
/// that were.
///
/// # Errors
///
/// Where the journal cannot be written.
pub fn rehearse(
    directory: &Path,
    plan: &Plan,
    slots: impl IntoIterator<Item = Vec<Entry>>,
) -> Result<u64, Stopped> {
    let store = Store::open(directory)?;
    let (mut state, mut recorder, mut minutes) = (State::default(), Recorder::default(), Minutes::of(plan));
    let (mut seq, mut checkpointed) = (0, None);
    let (mut writes, mut effects) = (Vec::new(), Vec::new());
    let flush = |writes: &mut Vec<Write>| {
        let written = store.write(writes).map_err(|error| store.unreadable(&error));
        writes.clear();
        written
    };
    for entries in slots {
        let at = entries.last().map_or(At::default(), |entry| entry.at);
        seq += 1;
        let body = recorder.encode(&entries);
        writes.push(Write::Batch(Batch { seq, at, body, minutes: minutes.turn(at, &state) }));
        for entry in &entries {
            watch::step(plan, &mut state, entry, &mut effects);
        }
        effects.clear();
        if at.since(*checkpointed.get_or_insert(at)) >= CHECKPOINT {
            checkpointed = Some(at);
            writes.push(Write::Checkpoint(Checkpoint { seq, at, body: recorder.checkpoint(&state) }));
        }
        if writes.len() >= TOGETHER {
            flush(&mut writes)?;
        }
    }
    flush(&mut writes)?;
    Ok(seq)
}
