//! A search in words: one line that says what was found, from how much, and what it rests on.

use model::{grouped, percent};

use super::{Found, Hindered, Safe, Searched, Tried};
use crate::figures::ms;
use crate::people::MOST_AT_ONCE;
use crate::report::tally;
use crate::trial::Run;
use crate::verdict::Verdict;

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
                let there = self.tried.iter().find(|tried| tried.value == *value);
                let share = there.map_or(0.0, Tried::failed);
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

    fn refusals(&self) -> Vec<String> {
        let (less, more) = self.refused_ends();
        let less = less.map(|value| format!("the service refuses {} and less", ms(value)));
        let more = more.map(|value| format!("the service refuses {} and more", ms(value)));
        less.into_iter().chain(more).collect()
    }

    /// From how much it was concluded.
    fn basis(&self) -> String {
        let people: u64 = self.tried.iter().map(|tried| tried.seen.people()).sum();
        let plural = if self.tried.len() == 1 { "" } else { "s" };
        format!("{} people at {} value{plural}", grouped(people), self.tried.len())
    }
}

impl Safe {
    fn words(&self, margin: f64) -> String {
        let bare = self.written.parse::<f64>().is_ok();
        let length = if bare { format!(" ({})", ms(self.value)) } else { String::new() };
        let named = format!("safe with a margin of {margin}: {}{length}", self.written);
        match &self.came {
            None => format!("{named}, for which no time was left"),
            Some(Run::Refused(_)) => format!("{named}, which the service refuses"),
            Some(Run::Seen(trial)) => {
                let seen = tally(&trial.seen);
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
