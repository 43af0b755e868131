//! How fast the budget of an objective burns: shares over pairs of windows, from coarse rings of bounded
//! memory. Arithmetic on facts, not a test: it has no part of the false alarms.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::alert::Burn;
use crate::time::At;

/// Slots of a minute: the six hours of the second pair.
const MINUTES: usize = 360;
/// Slots of an hour: the three days of the last pair.
const HOURS: usize = 72;
const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
/// Fewer failures than this in the long window prove nothing about a rate.
const LEAST_FAILURES: u64 = 10;

/// Counts of a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Slot {
    k: u64,
    n: u64,
}

/// The last slots of one length, the newest last written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Ring {
    slots: Vec<Slot>,
    /// Where the newest stands.
    newest: usize,
}

impl Ring {
    fn new(length: usize) -> Self {
        Self { slots: vec![Slot::default(); length], newest: 0 }
    }

    /// Opens so many new slots.
    fn turn(&mut self, slots: u64) {
        let length = self.slots.len();
        for _ in 0..slots.min(length as u64) {
            self.newest = (self.newest + 1) % length;
            self.slots[self.newest] = Slot::default();
        }
    }

    fn add(&mut self, k: u64, n: u64) {
        let slot = &mut self.slots[self.newest];
        slot.k = slot.k.saturating_add(k);
        slot.n = slot.n.saturating_add(n);
    }

    /// The sum of the last slots.
    fn last(&self, slots: usize) -> Slot {
        let length = self.slots.len();
        let places = (0..slots.min(length)).map(|back| (self.newest + length - back) % length);
        places.fold(Slot::default(), |sum, place| {
            let Slot { k, n } = self.slots[place];
            Slot { k: sum.k.saturating_add(k), n: sum.n.saturating_add(n) }
        })
    }
}

/// How the budget of one service burns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Burning {
    minutes: Ring,
    hours: Ring,
    /// When the first count came.
    since: Option<At>,
    /// When the last one came.
    last: At,
    /// Which pair burns.
    burns: Option<Burn>,
}

/// What a pair of windows shows that burns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burnt {
    /// Which pair.
    pub burn: Burn,
    /// Failures in the long window,
    pub k: u64,
    /// of so many requests.
    pub n: u64,
    /// The share that would just not burn too fast.
    pub share: f64,
}

/// What changed when a minute was over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Turn {
    /// A pair burns, and none did or a less urgent one.
    Burns(Burnt),
    /// No pair burns any more.
    Over,
}

impl Default for Burning {
    fn default() -> Self {
        Self {
            minutes: Ring::new(MINUTES),
            hours: Ring::new(HOURS),
            since: None,
            last: At::default(),
            burns: None,
        }
    }
}

impl Burning {
    /// Counts k failures of n requests. Windows are compared when a minute is over, and only where it
    /// counted something: silence neither begins nor ends anything. `good` is the objective.
    pub fn add(&mut self, at: At, k: u64, n: u64, good: f64) -> Option<Turn> {
        if n == 0 {
            return None;
        }
        if self.since.is_none() {
            self.since = Some(at);
            self.last = at;
        }
        let minutes = (at.0 / MINUTE).saturating_sub(self.last.0 / MINUTE);
        let turn = if minutes > 0 { self.compare(good) } else { None };
        if minutes > 0 {
            self.minutes.turn(minutes);
            self.hours.turn((at.0 / HOUR).saturating_sub(self.last.0 / HOUR));
            self.last = at;
        }
        self.minutes.add(k, n);
        self.hours.add(k, n);
        turn
    }

    fn compare(&mut self, good: f64) -> Option<Turn> {
        let burnt = Burn::ALL.into_iter().find_map(|burn| self.burnt(burn, good));
        let before = std::mem::replace(&mut self.burns, burnt.map(|burnt| burnt.burn));
        match (before, burnt) {
            (Some(_), None) => Some(Turn::Over),
            (None, Some(burnt)) => Some(Turn::Burns(burnt)),
            // The order of `Burn` is from the most urgent on.
            (Some(before), Some(burnt)) if burnt.burn < before => Some(Turn::Burns(burnt)),
            _ => None,
        }
    }

    fn burnt(&self, burn: Burn, good: f64) -> Option<Burnt> {
        let (long_window, short_window) = burn.windows();
        // Windows that the minutes do not reach over are looked at by the hour.
        let by_minutes = long_window <= Duration::from_millis(MINUTES as u64 * MINUTE);
        let (ring, length) = if by_minutes { (&self.minutes, MINUTE) } else { (&self.hours, HOUR) };
        let slots = |window: Duration| (window.as_millis() / u128::from(length)) as usize;
        let (long_slots, short_slots) = (slots(long_window), slots(short_window));
        let (long, short) = (ring.last(long_slots), ring.last(short_slots));
        let share = (burn.factor() * (1.0 - good)).min(1.0);
        // What was not seen of a window counts as good: a fault of a minute is not one of three days.
        let seen = self.last.0.saturating_sub(self.since?.0).saturating_add(MINUTE) as f64;
        let covered = |slots: usize| (seen / (slots as u64 * length) as f64).min(1.0);
        let burns =
            |Slot { k, n }: Slot, slots: usize| n > 0 && k as f64 / n as f64 * covered(slots) >= share;
        let both = burns(long, long_slots) && burns(short, short_slots);
        (both && long.k >= LEAST_FAILURES).then_some(Burnt { burn, k: long.k, n: long.n, share })
    }

    /// Which pair burns.
    #[must_use]
    pub fn burns(&self) -> Option<Burn> {
        self.burns
    }

    /// Moves all moments, as the clock was moved.
    pub fn shift(&mut self, moved: impl Fn(At) -> At) {
        self.since = self.since.map(&moved);
        self.last = moved(self.last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds ten requests a second, and tells at which minute which turn was taken.
    fn fed(burning: &mut Burning, from: u64, minutes: u64, failed: u64, good: f64) -> Vec<(u64, Turn)> {
        let seconds = (from * 60..(from + minutes) * 60).map(|second| At(second * 1000));
        let turns = seconds.filter_map(|at| Some((at.0 / MINUTE, burning.add(at, failed, 10, good)?)));
        turns.collect()
    }

    #[test]
    fn a_fifth_of_failures_burns_an_hour_in_minutes_and_stops_with_the_short_window() {
        let mut burning = Burning::default();
        assert_eq!(fed(&mut burning, 0, 120, 0, 0.999), []);
        // 20 % over 5 of 60 minutes is 1.7 %, above 14.4 * 0.1 %.
        let turns = fed(&mut burning, 120, 10, 2, 0.999);
        let Turn::Burns(burnt) = turns[0].1 else { panic!("bug: it burns") };
        assert_eq!((turns.len(), turns[0].0, burnt.burn), (1, 125, Burn::Hour));
        assert_eq!((burnt.k, burnt.n), (600, 36_000));
        // Five good minutes and the hour is no longer told of; six hours still burn.
        let turns = fed(&mut burning, 130, 60, 0, 0.999);
        assert_eq!(turns.last().map(|(_, turn)| *turn), Some(Turn::Over));
    }

    #[test]
    fn a_few_failures_of_a_quiet_service_prove_nothing_but_many_do() {
        let mut burning = Burning::default();
        let mut turns = Vec::new();
        for minute in 0..180 {
            turns.extend(burning.add(At(minute * 15 * MINUTE), 1, 1, 0.99));
        }
        assert!(matches!(turns[0], Turn::Burns(Burnt { k: 10.., .. })));
    }

    #[test]
    fn silence_ends_nothing() {
        let mut burning = Burning::default();
        fed(&mut burning, 0, 90, 5, 0.999);
        assert_eq!(burning.burns(), Some(Burn::Hour));
        assert_eq!(burning.add(At(3 * HOUR), 0, 0, 0.999), None);
        assert_eq!(burning.burns(), Some(Burn::Hour));
    }
}
