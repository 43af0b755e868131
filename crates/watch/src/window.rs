//! From what a target says to what came since it last said something. A target's running totals become
//! differences; what cannot be known is counted as such, and never guessed.
//!
//! A gap, of Forewarn or of the target, is one difference and is counted once. Judges nothing.

use serde::{Deserialize, Serialize};

use crate::journal::{Said, Why};
use crate::tally::Tally;
use crate::time::At;

/// So many looks in a row without anything usable, and nothing is known any more.
pub const BLIND_LOOKS: u32 = 2;

/// What is known of one target between looks.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Baseline {
    /// Its running totals when it last told them.
    totals: Option<Tally>,
    /// Where its input goes on, where it is one that is read once.
    position: Option<Vec<u8>>,
    /// When it last said something usable.
    heard: Option<At>,
    /// How many looks in a row gave nothing usable, and why the last did not.
    silent: u32,
    why: Option<Why>,
}

/// What one reading was worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// It was counted.
    Counted,
    /// It is the first of its target: there is nothing to compare it with yet.
    First,
    /// Counts fell: what came since the reading before cannot be known.
    Fell,
    /// It gave nothing.
    Nothing(Why),
}

impl Baseline {
    /// Takes a reading, and adds what came since the last one to `gained`.
    pub fn take(&mut self, at: At, said: &Said, gained: &mut Tally) -> Worth {
        let worth = match said {
            Said::Nothing(why) => {
                self.silent = self.silent.saturating_add(1);
                self.why = Some(*why);
                return Worth::Nothing(*why);
            }
            Said::Since { tally, position } => {
                gained.add(tally);
                match &mut self.position {
                    Some(kept) => kept.clone_from(position),
                    None => self.position = Some(position.clone()),
                }
                Worth::Counted
            }
            Said::Totals(now) => match &mut self.totals {
                Some(totals) => {
                    if totals.advance(now, gained) {
                        Worth::Counted
                    } else {
                        Worth::Fell
                    }
                }
                None => {
                    self.totals = Some(now.clone());
                    Worth::First
                }
            },
        };
        self.heard = Some(at);
        self.silent = 0;
        self.why = None;
        worth
    }

    /// Forgets running totals, as where they are of another shape from now on.
    pub fn forget_totals(&mut self) {
        self.totals = None;
    }

    /// Moves all moments, as the clock was moved.
    pub fn shift(&mut self, moved: impl Fn(At) -> At) {
        self.heard = self.heard.map(moved);
    }

    /// Whether it has been silent for so long that nothing is known of it.
    #[must_use]
    pub fn is_blind(&self) -> bool {
        self.silent >= BLIND_LOOKS
    }

    /// When it last said something usable.
    #[must_use]
    pub fn heard(&self) -> Option<At> {
        self.heard
    }

    /// Why the last reading gave nothing; nothing where it gave something.
    #[must_use]
    pub fn why(&self) -> Option<Why> {
        self.why
    }

    /// Where its input goes on.
    #[must_use]
    pub fn position(&self) -> Option<&[u8]> {
        self.position.as_deref()
    }
}

/// Readings that could not be counted, by why. Together with what was counted they are all there were.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lost {
    /// First readings of a target: they are what later ones are compared with.
    pub first: u64,
    /// Counts fell: what counts was restarted.
    pub fell: u64,
    /// Readings of a target that is not listed, or of another shape than the service's.
    pub stray: u64,
    /// Looks that came later than twice their interval; their counts are whole, their moment is not.
    pub late: u64,
    /// Targets that gave nothing, in the order of [`Why::ALL`].
    pub nothing: [u64; Why::ALL.len()],
}

impl Lost {
    /// Takes note of a reading.
    pub fn note(&mut self, worth: Worth) {
        match worth {
            Worth::Counted => {}
            Worth::First => self.first += 1,
            Worth::Fell => self.fell += 1,
            Worth::Nothing(why) => self.nothing[why as usize] += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(requests: u64, failed: u64) -> Said {
        Said::Totals(Tally { requests, failed: vec![failed], ..Tally::default() })
    }

    #[test]
    fn totals_are_counted_by_their_differences_and_a_fall_begins_anew() {
        let (mut baseline, mut gained) = (Baseline::default(), Tally::default());
        let mut take = |at, said: Said| (baseline.take(At(at), &said, &mut gained), gained.requests);
        assert_eq!(take(1, totals(100, 1)), (Worth::First, 0));
        assert_eq!(take(2, totals(150, 2)), (Worth::Counted, 50));
        assert_eq!(take(3, Said::Nothing(Why::Timeout)), (Worth::Nothing(Why::Timeout), 50));
        // The gap is one difference.
        assert_eq!(take(9, totals(400, 2)), (Worth::Counted, 300));
        // A single count that fell is enough: the others may have passed their old values since.
        assert_eq!(take(10, totals(500, 0)), (Worth::Fell, 300));
        assert_eq!(take(11, totals(510, 0)), (Worth::Counted, 310));
    }

    #[test]
    fn two_silent_readings_in_a_row_make_a_target_unknown() {
        let (mut baseline, mut gained) = (Baseline::default(), Tally::default());
        baseline.take(At(1), &Said::Nothing(Why::Connect), &mut gained);
        assert!(!baseline.is_blind());
        baseline.take(At(2), &Said::Nothing(Why::Timeout), &mut gained);
        assert!(baseline.is_blind());
        assert_eq!(baseline.why(), Some(Why::Timeout));
        baseline.take(At(3), &totals(1, 0), &mut gained);
        assert!(!baseline.is_blind());
        assert_eq!((baseline.heard(), baseline.why()), (Some(At(3)), None));
    }
}
