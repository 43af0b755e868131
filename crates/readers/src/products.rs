//! What products document about their own keys: the unit of a bare number, what a limit covers,
//! what 0 means. Rows apply by a product's own file names and key paths, never by a repository.
//! Each row names its source.

use model::{Knob, TimeUnit};

use crate::setting::Place;
use crate::{Meaning, Zero};

/// One documented fact about keys.
#[derive(Debug)]
pub(crate) struct Row {
    /// What the keys control; `None` where the key's words say it well.
    pub(crate) knob: Option<Knob>,
    /// The unit of a bare number.
    pub(crate) bare: Option<TimeUnit>,
    /// What 0 means.
    pub(crate) zero: Zero,
}

impl Row {
    /// The meaning of a key that its words already class as `knob`.
    pub(crate) fn meaning(&self, knob: Option<Knob>) -> Option<Meaning> {
        Some(Meaning { knob: self.knob.or(knob)?, bare: self.bare, zero: self.zero, elsewhere: None })
    }
}

/// The row for a key. `classed`: its words are of our topics.
pub(crate) fn find(place: &Place<'_>, classed: bool) -> Option<&'static Row> {
    let _ = (place, classed);
    None
}
