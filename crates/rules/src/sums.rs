//! Sums of a call's time, written out: "(2 + 1) x 5 s + 2 s back-off = 17 s". Holds the words, the
//! arithmetic is the model's.

use std::time::Duration;

use model::{Attempts, Budget, Knob, Label, Limit, Setting};

use crate::labels;

/// The parts of a call's time as far as they are limited, and the sum of them.
pub(crate) struct Sum<'f> {
    /// The parts. A connect without limit is left out, so that the sum is what the call can take
    /// for certain, not what it takes at worst.
    pub(crate) budget: Budget<'f>,
    /// What ends one attempt.
    pub(crate) attempt: (&'f Setting, Duration),
    /// Every attempt to its end, with the waits.
    pub(crate) all: Duration,
    backoff: [Option<&'f Setting>; 2],
}

impl<'f> Sum<'f> {
    /// The sum over settings that act together, those of one call for instance; `setting` finds the
    /// one of a knob. `None` where nothing ends an attempt.
    pub(crate) fn among(setting: impl Fn(Knob) -> Option<&'f Setting>) -> Option<Self> {
        let mut budget = Budget::among(&setting);
        budget.connect = budget.connect.filter(|&(_, limit)| limit != Limit::Never);
        let (by, limit) = budget.attempt?;
        let all = budget.all_attempts().finite()?;
        let backoff = [Knob::BackoffBase, Knob::BackoffMax].map(setting);
        Some(Self { budget, attempt: (by, limit.finite()?), all, backoff })
    }

    /// Tries in all.
    pub(crate) fn attempts(&self) -> u64 {
        self.budget.attempts.0.0
    }

    /// Whether an attempt is known by its parts, the connect and the wait after it: none of them is the
    /// limit of an attempt.
    pub(crate) fn is_of_parts(&self) -> bool {
        self.budget.connect.is_some()
    }

    /// How many attempts fit into a time, each to its end.
    pub(crate) fn attempts_within(&self, time: Duration) -> u64 {
        let (mut fit, mut not) = (0, self.attempts().saturating_add(1));
        while not - fit > 1 {
            let middle = fit + (not - fit) / 2;
            let fits = self.budget.takes(Attempts(middle)) <= Limit::After(time);
            if fits { fit = middle } else { not = middle }
        }
        fit
    }

    /// All waits between the attempts.
    fn waits(&self) -> Duration {
        self.budget.waits(self.budget.attempts.0)
    }

    /// The longest limit of one attempt with which all attempts fit into a time.
    pub(crate) fn attempt_for(&self, time: Duration) -> Option<Duration> {
        let attempts = u32::try_from(self.attempts()).ok()?;
        let each = time.checked_sub(self.waits())?.checked_div(attempts)?;
        let connect = self.budget.connect.and_then(|(_, limit)| limit.finite()).unwrap_or_default();
        each.checked_sub(connect).filter(|left| !left.is_zero())
    }

    /// The sum written out.
    pub(crate) fn written(&self) -> String {
        // What a `Sum` is made of has an end.
        self.budget.written().unwrap_or_default()
    }

    /// Points at what the sum is made of.
    pub(crate) fn labels(&self) -> Vec<Label> {
        let mut places = vec![labels::at(self.attempt.0, "ends one attempt")];
        if let (count @ 2.., Some(setting)) = (self.attempts(), self.budget.attempts.1) {
            places.push(labels::at(setting, labels::counted(count, "attempt")));
        }
        if let (false, Some(setting)) = (self.waits().is_zero(), self.backoff[0]) {
            places.push(labels::at(setting, "the first wait between them"));
        }
        if let Some((setting, _)) = self.budget.connect {
            places.push(labels::at(setting, "comes before it"));
        }
        places
    }

    /// What had to be guessed to know the parts.
    pub(crate) fn guesses(&self) -> Vec<String> {
        let parts = [Some(self.attempt.0), self.budget.attempts.1, self.budget.connect.map(|(s, _)| s)];
        let backoff = self.backoff.into_iter().filter(|_| !self.waits().is_zero());
        parts.into_iter().chain(backoff).flatten().flat_map(labels::guesses).collect()
    }
}
