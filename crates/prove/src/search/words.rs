//! A search in words: one line that says what was found, from how much, and what it rests on.

use std::time::Duration;

use model::{grouped, pretty};

use super::{Found, Hindered, Safe, Searched};
use crate::figures::percent;
use crate::people::MOST_AT_ONCE;
use crate::trial::Run;
use crate::verdict::{Seen, Verdict};

impl Searched {
    /// All of it in one line.
    #[must_use]
    pub fn line(&self) -> String {
        let mut parts = vec![self.found()];
        if let Some(predicted) = self.predicted() {
            let (from, to) = self.between;
            let beyond = match predicted {
                _ if predicted < from => ", below `from`",
                _ if predicted > to => ", above `to`",
                _ => "",
            };
            parts.push(format!("the replayed latency alone predicts {}{beyond}", ms(predicted)));
        }
        parts.extend(self.safe.as_ref().map(|safe| safe.words(self.margin)));
        parts.extend(self.refusals());
        parts.extend(self.hindered.words());
        format!("{}: {}", self.key, parts.join("; "))
    }

    fn found(&self) -> String {
        let good = percent(self.good);
        match &self.found {
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
                let why = match self.predicted() {
                    Some(predicted) if predicted > self.between.1 => ", since `to` is too small",
                    Some(predicted) if predicted > *value => "",
                    Some(_) => ", so something else fails people",
                    None => ", so it takes more, or something else fails people",
                };
                format!("not even {} is enough: {} still fail there{why}", ms(*value), percent(share))
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
        }
    }

    /// What the service did not take: the largest of what is too small, the smallest of what is too large.
    fn refusals(&self) -> Vec<String> {
        let first = self.tried.first().map_or(Duration::MAX, |tried| tried.value);
        let refused = || self.refused.iter().map(|(value, _)| *value);
        let less = refused().filter(|value| *value < first).max();
        let more = refused().filter(|value| *value > first).min();
        let less = less.map(|value| format!("the service refuses {} and less", ms(value)));
        let more = more.map(|value| format!("the service refuses {} and more", ms(value)));
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
        let named = format!("safe with a margin of {margin}: {}", self.written);
        match &self.came {
            None => format!("{named}, for which no time was left"),
            Some(Run::Refused(_)) => format!("{named}, which the service refuses"),
            Some(Run::Seen(trial)) => {
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

impl Hindered {
    fn words(&self) -> Vec<String> {
        let trials = |count: u64| match count {
            1 => "one trial".to_owned(),
            count => format!("{count} trials"),
        };
        let was = |count: u64| if count == 1 { "was" } else { "were" };
        let mut words = Vec::new();
        if !self.untried.is_empty() {
            let values: Vec<String> = self.untried.iter().map(|value| ms(*value)).collect();
            words.push(format!("no time was left to try {}", values.join(", ")));
        }
        if self.again > 0 {
            let (trials, was) = (trials(self.again), was(self.again));
            words.push(format!("{trials} {was} made again, since the machine was busy"));
        }
        if self.busy > 0 {
            words.push(format!("the machine was busy during {} all the same", trials(self.busy)));
        }
        if self.turned_away > 0 {
            let (more, was) = (grouped(self.turned_away), was(self.turned_away));
            let most = grouped(MOST_AT_ONCE as u64);
            words.push(format!("{more} more people came and {was} not let in, for {most} were on their way"));
        }
        words
    }
}

fn of(seen: &Seen) -> String {
    format!("{} of {} failed", seen.bad(), seen.people())
}

/// Whole milliseconds: what people write.
fn ms(length: Duration) -> String {
    pretty(Duration::from_millis((length.as_secs_f64() * 1000.0).round() as u64))
}
