//! A file of history: what was counted in each minute of the last weeks, as tab-separated values.

use crate::tally::Tally;
use crate::time::At;

/// What was counted in a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minute {
    /// When it began.
    pub at: At,
    /// What was counted, in the plan's order of reasons.
    pub tally: Tally,
}
