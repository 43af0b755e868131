//! Alerts that are not told for a while. They are opened, kept and ended all the same.

use serde::{Deserialize, Serialize};

use crate::alert::Silence;
use crate::time::At;

/// So many silences are kept, the last ones.
const MOST: usize = 256;

/// The silences that hold, or will.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Silences {
    list: Vec<Silence>,
    /// Above every number that was ever given.
    next: u64,
}

impl Silences {
    /// One more; one of the same number is replaced.
    pub(crate) fn add(&mut self, silence: &Silence) {
        self.list.retain(|kept| kept.id != silence.id);
        if self.list.len() == MOST {
            self.list.remove(0);
        }
        self.list.push(silence.clone());
        self.next = self.next.max(silence.id.saturating_add(1));
    }

    /// A number that no silence ever had, so that nobody ends another's by one that is over. The first is 1.
    pub(crate) fn next(&self) -> u64 {
        self.next.max(1)
    }

    /// Ends one.
    pub(crate) fn end(&mut self, id: u64) {
        self.list.retain(|kept| kept.id != id);
    }

    /// Drops those that are over; whether there were any.
    pub(crate) fn turn(&mut self, at: At) -> bool {
        let before = self.list.len();
        self.list.retain(|kept| kept.until > at);
        self.list.len() < before
    }

    /// Whether a service is silenced.
    pub(crate) fn cover(&self, service: &str, at: At) -> bool {
        let of = |silence: &Silence| silence.service.as_deref().is_none_or(|name| name == service);
        self.list.iter().any(|silence| of(silence) && silence.from <= at && at < silence.until)
    }

    pub(crate) fn as_slice(&self) -> &[Silence] {
        &self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_given_twice() {
        let silence = |id, until| Silence {
            id,
            service: None,
            from: At(0),
            until: At(until),
            reason: "a release".to_owned(),
            by: "ops".to_owned(),
        };
        let mut silences = Silences::default();
        assert_eq!(silences.next(), 1);
        silences.add(&silence(1, 1_000));
        silences.add(&silence(2, 1_000));
        silences.end(2);
        assert_eq!(silences.next(), 3);
        assert!(silences.turn(At(1_000)));
        assert_eq!((silences.as_slice(), silences.next()), (&[][..], 3));
    }
}
