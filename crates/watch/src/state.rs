//! The state of the watch, and the one function that moves it.

use serde::{Deserialize, Serialize};

use crate::alert::Effect;
use crate::journal::Entry;
use crate::plan::Plan;

/// Everything that the watch knows, as the journal made it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {}

/// Moves the state by one entry; what is to be done is appended to `effects`, and stays in the outbox of
/// the state until its delivery is journaled.
pub fn step(_plan: &Plan, _state: &mut State, _entry: &Entry, _effects: &mut Vec<Effect>) {}
