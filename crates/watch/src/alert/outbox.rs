//! Effects that are to be carried out, until it is journaled that they were. One that failed is tried
//! again under the same key, later and later, unless that makes no sense; what is told to one channel of
//! one alert keeps its order. Nobody else tries again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Alert, Effect, Notice, Refusal};
use crate::plan::{Channel, ChannelKind};
use crate::time::At;

/// The first wait after a failure; each later one is twice as long,
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// up to this: a channel that comes back is told within minutes.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
/// After so many failures in a row a channel is told of as taking nothing.
const FAILURES: u32 = 3;
/// So many effects wait for one channel; then old ones that say least are dropped.
const MOST: usize = 256;

/// What waits, and for whom.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Outbox {
    channels: Vec<Line>,
    waiting: Vec<Waiting>,
    next_key: u64,
    dropped: u64,
}

/// One channel.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Line {
    name: String,
    /// How often what is open is told again.
    again: Option<Duration>,
    again_due: At,
    /// Failures in a row.
    failures: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Waiting {
    effect: Effect,
    attempts: u32,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Stage {
    /// Whoever carries effects out has it.
    Handed,
    /// It is handed once the one before it is delivered.
    Behind,
    /// It failed, and is handed again at this time.
    Later(At),
}

/// What a delivery says of its channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// Nothing new.
    AsBefore,
    /// It takes nothing, by name, and why.
    Fails(String, String),
    /// It will never take this one, which was dropped: by name, and why.
    Drops(String, String),
    /// It takes something again, by name.
    Works(String),
}

impl Outbox {
    /// Takes over the channels of a plan. What waits for one that is no longer there is dropped; all
    /// else is handed again, as whoever had it was restarted.
    pub(crate) fn begin(&mut self, at: At, channels: &[Channel], effects: &mut Vec<Effect>) {
        let earlier = std::mem::take(&mut self.channels);
        let place = |name: &str| channels.iter().position(|channel| channel.name == name);
        let moved: Vec<Option<u16>> = earlier
            .iter()
            .map(|line| place(&line.name).and_then(|place| u16::try_from(place).ok()))
            .collect();
        let before = self.waiting.len();
        self.waiting.retain_mut(|waiting| {
            let to = moved.get(usize::from(waiting.effect.channel)).copied().flatten();
            waiting.effect.channel = to.unwrap_or_default();
            waiting.attempts = 0;
            if waiting.stage != Stage::Behind {
                waiting.stage = Stage::Handed;
            }
            to.is_some()
        });
        self.dropped += (before - self.waiting.len()) as u64;
        self.channels = channels
            .iter()
            .map(|channel| {
                let again = match channel.kind {
                    ChannelKind::Alertmanager { again, .. } => Some(again),
                    ChannelKind::Webhook(_) | ChannelKind::Lines(_) => None,
                };
                let failures = earlier.iter().find(|line| line.name == channel.name);
                let failures = failures.map_or(0, |line| line.failures);
                Line { name: channel.name.clone(), again, again_due: at, failures }
            })
            .collect();
        let handed = self.waiting.iter().filter(|waiting| waiting.stage == Stage::Handed);
        effects.extend(handed.map(|waiting| waiting.effect.clone()));
    }

    /// Tells all channels but one.
    pub(crate) fn tell(&mut self, notice: &Notice, but: Option<&str>, effects: &mut Vec<Effect>) {
        for channel in 0..self.channels.len() {
            if but != Some(&self.channels[channel].name) {
                self.put(channel, notice.clone(), effects);
            }
        }
    }

    /// Tells what is open again, to the channels that would forget it.
    pub(crate) fn again<'a>(
        &mut self,
        at: At,
        open: impl Iterator<Item = (&'a Alert, Option<&'a str>)> + Clone,
        effects: &mut Vec<Effect>,
    ) {
        for channel in 0..self.channels.len() {
            let line = &mut self.channels[channel];
            let Some(again) = line.again else { continue };
            if at < line.again_due {
                continue;
            }
            line.again_due = at.after(again);
            for (alert, but) in open.clone() {
                // What still waits will tell it.
                if but != Some(&self.channels[channel].name) && !self.waits(channel, alert.id) {
                    self.put(channel, Notice::Again(alert.clone()), effects);
                }
            }
        }
    }

    fn put(&mut self, channel: usize, notice: Notice, effects: &mut Vec<Effect>) {
        self.make_room(channel, effects);
        let behind = self.waits(channel, notice.alert().id);
        let channel = u16::try_from(channel).unwrap_or(u16::MAX);
        let effect = Effect { key: self.next_key, channel, notice };
        self.next_key += 1;
        if !behind {
            effects.push(effect.clone());
        }
        let stage = if behind { Stage::Behind } else { Stage::Handed };
        self.waiting.push(Waiting { effect, attempts: 0, stage });
    }

    fn waits(&self, channel: usize, alert: u64) -> bool {
        self.waiting.iter().any(|waiting| waiting.is_of(channel, alert))
    }

    /// Drops something where too much waits for a channel: first what only repeats or refines.
    fn make_room(&mut self, channel: usize, effects: &mut Vec<Effect>) {
        let of = |waiting: &Waiting| usize::from(waiting.effect.channel) == channel;
        if self.waiting.iter().filter(|waiting| of(waiting)).count() < MOST {
            return;
        }
        let minor = |waiting: &Waiting| {
            matches!(waiting.effect.notice, Notice::Again(_) | Notice::Changed(_))
                && waiting.stage != Stage::Handed
        };
        let place = self.waiting.iter().position(|waiting| of(waiting) && minor(waiting));
        let place = place.or_else(|| self.waiting.iter().position(of));
        if let Some(place) = place {
            let dropped = self.waiting.remove(place);
            self.dropped += 1;
            self.release(channel, dropped.effect.notice.alert().id, effects);
        }
    }

    /// Takes note of a delivery.
    pub(crate) fn delivered(
        &mut self,
        at: At,
        key: u64,
        outcome: &Result<(), Refusal>,
        effects: &mut Vec<Effect>,
    ) -> Delivery {
        let Some(place) = self.waiting.iter().position(|waiting| waiting.effect.key == key) else {
            return Delivery::AsBefore;
        };
        let channel = usize::from(self.waiting[place].effect.channel);
        match outcome {
            Ok(()) => {
                let done = self.waiting.remove(place);
                self.release(channel, done.effect.notice.alert().id, effects);
                let Some(line) = self.channels.get_mut(channel) else { return Delivery::AsBefore };
                let failed = std::mem::take(&mut line.failures) >= FAILURES;
                if failed { Delivery::Works(line.name.clone()) } else { Delivery::AsBefore }
            }
            Err(Refusal { why, again: false }) => {
                let refused = self.waiting.remove(place);
                self.dropped += 1;
                self.release(channel, refused.effect.notice.alert().id, effects);
                let Some(line) = self.channels.get_mut(channel) else { return Delivery::AsBefore };
                // One is enough to be told of, and told as over by the next that is taken.
                line.failures = line.failures.saturating_add(1).max(FAILURES);
                Delivery::Drops(line.name.clone(), why.clone())
            }
            Err(Refusal { why, again: true }) => {
                let waiting = &mut self.waiting[place];
                let wait = FIRST_WAIT.saturating_mul(1 << waiting.attempts.min(16)).min(LONGEST_WAIT);
                waiting.attempts = waiting.attempts.saturating_add(1);
                waiting.stage = Stage::Later(at.after(wait));
                let Some(line) = self.channels.get_mut(channel) else { return Delivery::AsBefore };
                line.failures = line.failures.saturating_add(1);
                let enough = line.failures == FAILURES;
                if enough { Delivery::Fails(line.name.clone(), why.clone()) } else { Delivery::AsBefore }
            }
        }
    }

    /// Hands over the next one of an alert, where the one before it is gone.
    fn release(&mut self, channel: usize, alert: u64, effects: &mut Vec<Effect>) {
        let next = self.waiting.iter_mut().find(|waiting| waiting.is_of(channel, alert));
        if let Some(next) = next.filter(|next| next.stage == Stage::Behind) {
            next.stage = Stage::Handed;
            effects.push(next.effect.clone());
        }
    }

    /// Hands over again what has waited long enough.
    pub(crate) fn turn(&mut self, at: At, effects: &mut Vec<Effect>) {
        for waiting in &mut self.waiting {
            if matches!(waiting.stage, Stage::Later(due) if due <= at) {
                waiting.stage = Stage::Handed;
                effects.push(waiting.effect.clone());
            }
        }
    }

    /// What is in somebody's hands or waits to be tried again.
    pub(crate) fn undelivered(&self) -> impl Iterator<Item = &Effect> {
        self.waiting.iter().map(|waiting| &waiting.effect)
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

impl Waiting {
    fn is_of(&self, channel: usize, alert: u64) -> bool {
        usize::from(self.effect.channel) == channel && self.effect.notice.alert().id == alert
    }
}
