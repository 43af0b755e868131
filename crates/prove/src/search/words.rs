//! A search in words: one line that says what was found, from how much, and what it rests on.

use std::time::Duration;

use model::pretty;

use super::{Came, Found, Safe, Searched};
use crate::figures::percent;
use crate::verdict::{Seen, Verdict};

impl Searched {
    /// All of it in one line.
    #[must_use]
    pub fn line(&self) -> String {
        let good = percent(self.good);
        let mut line = match &self.found {
            Found::Smallest { value, low, high } => format!(
                "{good} succeed from {} on (95 % interval {} to {}; {})",
                ms(*value),
                ms(*low),
                ms(*high),
                self.basis()
            ),
            Found::AtMost(value) => {
                format!("{good} succeed at {} already, the smallest value that was tried", ms(*value))
            }
            Found::MoreThan(value) => {
                let failed = self.tried.iter().find(|tried| tried.value == *value);
                let share = failed.and_then(|tried| tried.seen.share()).map_or(0.0, |(share, ..)| share);
                format!(
                    "not even {} is enough: {} still fail there, so something else fails people",
                    ms(*value),
                    percent(share)
                )
            }
            Found::NotMonotone { smaller, larger } => format!(
                "there is no smallest safe value: at {} {} fail, and at {}, which is more, {}; something else \
                 decides (a pool, retries, the people's own patience)",
                ms(smaller.0),
                percent(smaller.1),
                ms(larger.0),
                percent(larger.1)
            ),
            Found::TooFew => format!("too few people came to say which value is enough ({})", self.basis()),
        };
        if let Some(predicted) = self.predicted {
            line.push_str(&format!("; the replayed latency alone predicts {}", ms(predicted)));
        }
        if let Some(safe) = &self.safe {
            line.push_str(&safe.words(self.margin));
        }
        for words in self.refusals() {
            line.push_str(&format!("; the service refuses {words}"));
        }
        match self.disturbed {
            0 => {}
            1 => line.push_str("; one trial was made again, since the machine was busy"),
            more => line.push_str(&format!("; {more} trials were made again, since the machine was busy")),
        }
        format!("{}: {line}", self.key)
    }

    /// What the service did not take: the largest of what is too small, the smallest of what is too large.
    fn refusals(&self) -> Vec<String> {
        let first = self.tried.first().map_or(Duration::MAX, |tried| tried.value);
        let refused = || self.refused.iter().map(|(value, _)| *value);
        let less = refused().filter(|value| *value < first).max();
        let more = refused().filter(|value| *value > first).min();
        let less = less.map(|value| format!("{} and less", ms(value)));
        let more = more.map(|value| format!("{} and more", ms(value)));
        less.into_iter().chain(more).collect()
    }

    /// From how much it was concluded.
    fn basis(&self) -> String {
        let people: u64 = self.tried.iter().map(|tried| tried.seen.people()).sum();
        let plural = if self.tried.len() == 1 { "" } else { "s" };
        format!("{people} people at {} value{plural}", self.tried.len())
    }
}

impl Safe {
    fn words(&self, margin: f64) -> String {
        let named = format!("; safe with a margin of {margin}: {}", self.written);
        match &self.came {
            Came::Refused(_) => format!("{named}, which the service refuses"),
            Came::Seen(trial) => {
                let seen = of(&trial.seen);
                match trial.verdict {
                    Verdict::Held => format!("{named}, where it held ({seen})"),
                    Verdict::Failed => format!("{named}, but it failed there too ({seen})"),
                    Verdict::Open => format!("{named}, where there was no time to show it ({seen})"),
                }
            }
        }
    }
}

fn of(seen: &Seen) -> String {
    format!("{} of {} failed", seen.bad(), seen.people())
}

/// Whole milliseconds: what people write.
fn ms(length: Duration) -> String {
    pretty(Duration::from_millis((length.as_secs_f64() * 1000.0).round() as u64))
}
