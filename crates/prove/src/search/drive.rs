//! How a search goes on: a look at a large value, trials around what is predicted, more where they leave it
//! open, and one run at the value that is called safe. What a trial is, is handed in.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use model::Latency;
use tokio::time::Instant;

use super::form::Form;
use super::{Came, Found, Safe, Searched, Tried, conclude, predict, values};
use crate::beside::side_by_side;
use crate::machine;
use crate::run::Until;
use crate::trial::{Trial, Trouble};
use crate::verdict::{Seen, least};

/// People of a trial, where the objective is about all who could come. Five trials of so many put the value within a tenth of the right one 19 times of 20
/// (the test of this file's parent draws them).
const PEOPLE: u64 = 600;
/// People of a trial at an end, which only has to show that more of the setting is not worse.
const FEW: u64 = 300;
/// A trial ends after so long, however few came.
const LONGEST: Duration = Duration::from_secs(20);
/// How far below and above what is predicted the ends are tried.
const ENDS: (f64, f64) = (0.4, 2.5);
/// An interval is narrow enough when its upper end is at most so many times its lower one.
const NARROW: f64 = 1.15;
/// Where further trials are made, as parts of what was found.
const AGAIN: [f64; 3] = [0.8, 0.92, 1.05];
/// Turns that the proxies pass on later than this part of the value cut people off whom the value would not.
const LATE: f64 = 0.05;
/// A search that is not over after so many rounds does not come to an end.
const ROUNDS: usize = 5;

/// What is searched.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// The key of the setting.
    pub key: &'a str,
    /// The bounds of the search.
    pub between: (Duration, Duration),
    /// Times this, the smallest value is called safe.
    pub margin: f64,
    /// What must hold.
    pub objective: &'a crate::file::Objective,
    /// The latency that the setting has to bear, where it is replayed.
    pub latency: Option<&'a Latency>,
    /// The dependency that has it.
    pub dependency: &'a str,
    /// How values are written.
    pub form: Form,
    /// The seed of the first trial; each further one has its own.
    pub seed: u64,
    /// How long all of it may take.
    pub time: Duration,
}

/// A trial that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// The value.
    pub value: Duration,
    /// As it is written.
    pub written: String,
    /// The seed.
    pub seed: u64,
    /// How it is to end.
    pub until: Until,
}

/// What a search is carried out with.
pub struct Means<'m, F> {
    /// Makes a trial.
    pub trial: F,
    /// The processor time used so far.
    pub used: &'m dyn Fn() -> Option<Duration>,
    /// Is told how it goes on.
    pub told: &'m dyn Fn(&str),
}

/// Searches the smallest value with which the objective holds.
///
/// # Errors
/// What kept a trial from being made.
pub async fn search<F, R>(ask: &Ask<'_>, means: &Means<'_, F>) -> Result<Searched, Trouble>
where
    F: Fn(Wanted) -> R,
    R: Future<Output = Result<Came, Trouble>>,
{
    let mut hunt = Hunt {
        ask,
        means,
        begun: Instant::now(),
        seen: BTreeMap::new(),
        refused: BTreeMap::new(),
        doubted: BTreeSet::new(),
        disturbed: Cell::new(0),
        made: 0,
        lanes: 1,
        calls: 1.0,
        pace: None,
    };
    hunt.look_far().await?;
    let mut values = hunt.first();
    for _ in 0..ROUNDS {
        if values.is_empty() {
            break;
        }
        hunt.round(values).await?;
        values = hunt.next();
    }
    hunt.verified().await
}

/// How fast people came to a trial.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// A second.
    people: f64,
    /// What starting and stopping took.
    on_top: Duration,
}

/// A search under way.
struct Hunt<'h, F> {
    ask: &'h Ask<'h>,
    means: &'h Means<'h, F>,
    begun: Instant,
    seen: BTreeMap<Duration, Seen>,
    refused: BTreeMap<Duration, String>,
    /// Values at which people came anew, since what they met with first contradicted other values.
    doubted: BTreeSet<Duration>,
    /// Trials that the machine disturbed.
    disturbed: Cell<usize>,
    /// How many trials were wanted.
    made: u64,
    /// How many are made side by side.
    lanes: usize,
    /// Calls of a person at the dependency.
    calls: f64,
    pace: Option<Pace>,
}

impl<F, R> Hunt<'_, F>
where
    F: Fn(Wanted) -> R,
    R: Future<Output = Result<Came, Trouble>>,
{
    fn predicted(&self) -> Option<Duration> {
        let predicted = predict(self.ask.latency?, self.ask.objective.good, self.calls)?;
        let (from, to) = self.ask.between;
        // A prediction beyond the bounds is one for another setting than this.
        (from..=to).contains(&predicted).then_some(predicted)
    }

    /// How many people come to a trial: of an objective that is about a number of them, all.
    fn people(&self, usual: u64) -> u64 {
        self.ask.objective.people.unwrap_or(usual)
    }

    fn within(&self, value: Duration) -> Duration {
        value.clamp(self.ask.between.0, self.ask.between.1)
    }

    /// The first trial, alone: a value that should be ample shows how many calls a person makes, how fast
    /// people come, and what a trial costs the machine.
    async fn look_far(&mut self) -> Result<(), Trouble> {
        let predicted = self.predicted();
        let to = self.ask.between.1;
        let far = predicted.map_or(to, |predicted| self.within(predicted.mul_f64(ENDS.1)));
        // Larger than another setting allows, the service may refuse it.
        let nearer = predicted.map(|predicted| self.within(predicted.mul_f64(self.ask.margin)));
        for value in std::iter::once(far).chain(nearer) {
            let (began, before) = (Instant::now(), (self.means.used)());
            let wanted = self.wanted(value, FEW);
            let Some(trial) = self.trial(wanted).await? else { continue };
            let passed = began.elapsed();
            let used = (self.means.used)().zip(before).map(|(now, before)| now.saturating_sub(before));
            self.lanes = machine::lanes(used, passed);
            let people = trial.seen.people() as f64;
            let counted = trial.dependencies.iter().find(|(name, _)| name == self.ask.dependency);
            if let Some((_, counted)) = counted {
                self.calls = (counted.calls as f64 / trial.came.max(1) as f64).round().max(1.0);
            }
            self.pace = Some(Pace {
                people: people / trial.elapsed.as_secs_f64().max(1e-3),
                on_top: passed.saturating_sub(trial.elapsed),
            });
            break;
        }
        Ok(())
    }

    /// The values of the first round: around what is predicted and one well below; where nothing is
    /// predicted, over all of the range, in equal ratios.
    fn first(&self) -> Vec<(Duration, u64)> {
        let (from, to) = self.ask.between;
        match self.predicted() {
            Some(predicted) => {
                let near = self.within(predicted.mul_f64(ENDS.0));
                let around = values(predicted, from, to).into_iter().map(|value| (value, PEOPLE));
                std::iter::once((near, FEW)).chain(around).collect()
            }
            None => {
                let ratio = to.as_secs_f64() / from.as_secs_f64();
                let step = |step| from.mul_f64(ratio.powf(f64::from(step) / 5.0));
                (0..5).map(|number| (step(number), PEOPLE)).collect()
            }
        }
    }

    /// The values of a further round; none where there is nothing more to learn, or no time for it.
    fn next(&mut self) -> Vec<(Duration, u64)> {
        let tried = self.tried();
        let (from, to) = self.ask.between;
        let (Some(first), Some(last)) = (tried.first(), tried.last()) else { return Vec::new() };
        let found = conclude(&tried, self.ask.objective.good);
        if let Found::NotMonotone { smaller, larger } = found {
            return self.doubt([smaller.0, larger.0]);
        }
        let of = |value: Duration, parts: &[f64]| -> Vec<Duration> {
            parts.iter().map(|part| self.within(value.mul_f64(*part))).collect()
        };
        let next = match found {
            Found::AtMost(_) if first.value > from => of(first.value, &[0.7, 0.5, 0.3]),
            Found::MoreThan(_) if last.value < to => of(last.value, &[1.4, 2.0, 3.0]),
            Found::Smallest { value, low, high } => {
                let narrow = high.as_secs_f64() <= NARROW * low.as_secs_f64();
                let inside = (first.value..=last.value).contains(&value);
                if narrow && inside { Vec::new() } else { of(value, &AGAIN) }
            }
            Found::TooFew => tried.iter().map(|tried| tried.value).collect(),
            _ => Vec::new(),
        };
        let next: Vec<(Duration, u64)> =
            next.into_iter().filter(|value| self.is_open(*value)).map(|value| (value, PEOPLE)).collect();
        if self.takes(next.len()) <= self.left() { next } else { Vec::new() }
    }

    /// Values that contradict each other are tried anew, once: a moment in which the machine had no time for
    /// the service fails everybody who was there, and does not come back.
    fn doubt(&mut self, values: [Duration; 2]) -> Vec<(Duration, u64)> {
        let people = self.people(PEOPLE);
        let anew: Vec<Duration> = values.into_iter().filter(|value| !self.doubted.contains(value)).collect();
        if self.takes(anew.len()) > self.left() {
            return Vec::new();
        }
        for value in &anew {
            self.seen.remove(value);
            self.doubted.insert(*value);
        }
        anew.into_iter().map(|value| (value, people)).collect()
    }

    /// Whether a value is worth trying: the service takes it, and not enough people came to it yet.
    fn is_open(&self, value: Duration) -> bool {
        let value = self.ask.form.write(value).0;
        let people = self.seen.get(&value).map_or(0, Seen::people);
        people < 2 * self.people(PEOPLE) && !self.is_refused(value)
    }

    /// Whether the service refused this value, or one on the way there.
    fn is_refused(&self, value: Duration) -> bool {
        let (Some(first), Some(last)) = (self.seen.keys().next(), self.seen.keys().next_back()) else {
            return self.refused.contains_key(&value);
        };
        self.refused
            .keys()
            .any(|refused| value <= *refused && refused < first || value >= *refused && refused > last)
    }

    /// What is left of the time when the run at the safe value is set aside.
    fn left(&self) -> Duration {
        self.ask.time.saturating_sub(self.begun.elapsed() + self.check())
    }

    /// How long the run at the safe value takes: a third more people than would do if none failed.
    fn check(&self) -> Duration {
        self.pace.map_or(LONGEST, |pace| pace.on_top + least(self.ask.objective, pace.people).1.mul_f64(1.3))
    }

    /// How long so many trials take.
    fn takes(&self, trials: usize) -> Duration {
        let Some(pace) = self.pace else { return Duration::ZERO };
        let one = Duration::from_secs_f64(self.people(PEOPLE) as f64 / pace.people.max(1e-3));
        let longest = if self.ask.objective.people.is_some() { self.ask.time } else { LONGEST };
        let one = one.min(longest) + pace.on_top;
        one * trials.div_ceil(self.lanes) as u32
    }

    /// Trials of values, side by side.
    async fn round(&mut self, values: Vec<(Duration, u64)>) -> Result<(), Trouble> {
        let mut wanted: Vec<Wanted> =
            values.into_iter().map(|(value, people)| self.wanted(value, people)).collect();
        // In a coarse unit several are written alike.
        wanted.dedup_by_key(|wanted| wanted.value);
        wanted.retain(|wanted| !self.is_refused(wanted.value));
        let came = side_by_side(self.lanes, wanted.iter().map(|wanted| self.came(wanted))).await?;
        for (wanted, came) in wanted.iter().zip(came) {
            self.note(wanted, came);
        }
        Ok(())
    }

    async fn trial(&mut self, wanted: Wanted) -> Result<Option<Trial>, Trouble> {
        let came = self.came(&wanted).await?;
        Ok(self.note(&wanted, came))
    }

    /// Makes a trial, and tells what became of it. One that the machine disturbed is made again, once.
    async fn came(&self, wanted: &Wanted) -> Result<Came, Trouble> {
        let mut came = (self.means.trial)(wanted.clone()).await?;
        if self.is_disturbed(&came, wanted.value) {
            self.disturbed.set(self.disturbed.get() + 1);
            (self.means.told)(&format!("{} = {}: the machine was busy; again", self.ask.key, wanted.written));
            came = (self.means.trial)(wanted.clone()).await?;
        }
        let became = match &came {
            Came::Seen(trial) => format!("{} of {} fail", trial.seen.bad(), trial.seen.people()),
            Came::Refused(why) => format!("refused: {why}"),
        };
        (self.means.told)(&format!("{} = {}: {became}", self.ask.key, wanted.written));
        Ok(came)
    }

    fn wanted(&mut self, value: Duration, people: u64) -> Wanted {
        let (value, written) = self.ask.form.write(value);
        let until = match self.ask.objective.people {
            // They are so few that each of them counts.
            Some(people) => Until::People(people, self.ask.time),
            None => Until::People(people, LONGEST),
        };
        Wanted { value, written, seed: self.seed(), until }
    }

    /// Each trial draws on its own: what one of them met with by chance, the others do not.
    fn seed(&mut self) -> u64 {
        self.made += 1;
        self.ask.seed.wrapping_add(self.made << 48)
    }

    fn note(&mut self, wanted: &Wanted, came: Came) -> Option<Trial> {
        match came {
            Came::Seen(trial) => {
                self.seen.entry(wanted.value).or_default().add(&trial.seen);
                Some(*trial)
            }
            Came::Refused(why) => {
                self.refused.insert(wanted.value, why);
                None
            }
        }
    }

    /// Whether the proxies had no time for more turns than may fail.
    fn is_disturbed(&self, came: &Came, value: Duration) -> bool {
        let Came::Seen(trial) = came else { return false };
        trial.added().quantile(self.ask.objective.good) > value.mul_f64(LATE)
    }

    fn tried(&self) -> Vec<Tried> {
        self.seen.iter().map(|(value, seen)| Tried { value: *value, seen: seen.clone() }).collect()
    }

    /// What was found; what lies beyond all that was tried is no more than that.
    fn found(&self, tried: &[Tried]) -> Found {
        let found = conclude(tried, self.ask.objective.good);
        match (&found, tried.first(), tried.last()) {
            (Found::Smallest { value, .. }, Some(first), _) if *value < first.value => {
                Found::AtMost(first.value)
            }
            (Found::Smallest { value, .. }, _, Some(last)) if *value > last.value => {
                Found::MoreThan(last.value)
            }
            _ => found,
        }
    }

    /// What was found, and the run at the value that is called safe.
    async fn verified(mut self) -> Result<Searched, Trouble> {
        let tried = self.tried();
        let found = self.found(&tried);
        let safe = match found {
            Found::Smallest { value, .. } | Found::AtMost(value) => {
                let (value, written) = self.ask.form.write(rounded_up(value.mul_f64(self.ask.margin)));
                let left = self.ask.time.saturating_sub(self.begun.elapsed()).max(self.check());
                let until = Until::Known(left);
                let wanted = Wanted { value, written: written.clone(), seed: self.seed(), until };
                let came = self.came(&wanted).await?;
                Some(Safe { value, written, came })
            }
            _ => None,
        };
        Ok(Searched {
            key: self.ask.key.to_owned(),
            good: self.ask.objective.good,
            margin: self.ask.margin,
            predicted: self.predicted(),
            calls: self.calls,
            replayed: self.ask.latency.and_then(Latency::replay),
            tried,
            refused: self.refused.into_iter().collect(),
            found,
            form: self.ask.form.clone(),
            safe,
            side_by_side: self.lanes,
            disturbed: self.disturbed.get(),
            elapsed: self.begun.elapsed(),
        })
    }
}

/// A length that people would write: two digits, and not shorter.
fn rounded_up(length: Duration) -> Duration {
    let ms = length.as_secs_f64() * 1000.0;
    let digit = 10_f64.powf(ms.max(1.0).log10().floor() - 1.0).max(1.0);
    // A hair above a round number is that number.
    Duration::from_millis((((ms - 1e-6) / digit).ceil() * digit) as u64)
}

#[cfg(test)]
mod tests;
