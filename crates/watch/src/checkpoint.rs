//! The state at one moment as bytes, with what the rows of the journal after it build on; so that a start
//! replays minutes and not weeks. What it holds follows from the journal: it may be thrown away.

use crate::journal::bytes::{seal, unsealed};
use crate::journal::{Coder, Unreadable};
use crate::state::State;

/// The form that is written; another number for each change of what the state holds.
const VERSION: u8 = 2;

/// Writes a checkpoint: the state, and the coder that the next row will be written with.
#[must_use]
pub fn save(state: &State, coder: &Coder) -> Vec<u8> {
    let bytes = postcard::to_extend(&(state, coder), vec![VERSION]);
    let mut bytes = bytes.expect("bug: lengths are known and a vector grows");
    seal(&mut bytes, 0);
    bytes
}

/// Reads a checkpoint.
///
/// # Errors
///
/// Where it is of another version or damaged; then the journal is replayed from a key row on.
pub fn load(bytes: &[u8]) -> Result<(State, Coder), Unreadable> {
    match bytes.first() {
        Some(&VERSION) => {}
        Some(&version) => return Err(Unreadable::Version(version)),
        None => return Err(Unreadable::Checksum),
    }
    let (content, _) = unsealed(bytes, 0)?;
    postcard::from_bytes(&content[1..]).map_err(|_| Unreadable::Form)
}
