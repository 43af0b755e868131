//! How a search goes on: a look at a large value, trials around what is predicted, more where they leave it
//! open, and one run at the value that is called safe. What a trial is, is handed in.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use model::Latency;
use tokio::time::Instant;

use super::form::Form;
use super::{Found, Hindered, Safe, Searched, Tried, conclude, values};
use crate::beside::side_by_side;
use crate::file::{Objective, Search};
use crate::forecast::{Forecast, waits};
use crate::machine;
use crate::proof::LEAST;
use crate::run::Until;
use crate::trial::{Run, Trial, Trouble};
use crate::verdict::{Seen, Verdict, least};

/// People of a trial, where the objective is about all who could come. Five trials of so many put the value
/// within a fifth of the right one 19 times of 20 (the test of this file's parent draws them).
pub(super) const PEOPLE: u64 = 600;
/// People of a trial at an end, which only has to show that more of the setting is not worse.
const FEW: u64 = 300;
/// People come to a trial for so long at most, however few they are.
const LONGEST: Duration = Duration::from_secs(20);
/// The part of the time that is kept for people at the value that is called safe.
const FOR_SAFE: u32 = 4;
/// How far below and above what is predicted the ends are tried.
const ENDS: (f64, f64) = (0.4, 2.5);
/// Where nothing is predicted, the range is walked at these of so many steps in equal ratios.
const STEPS: ([u32; 5], u32) = ([2, 3, 1, 4, 0], 5);
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
pub(super) struct Ask<'a> {
    /// The setting.
    pub(super) search: &'a Search,
    /// What must hold.
    pub(super) objective: &'a Objective,
    /// The latency that the setting has to bear, where it is replayed.
    pub(super) latency: Option<&'a Latency>,
    /// How values are written.
    pub(super) form: Form,
    /// The seed of the first trial; each further one has its own.
    pub(super) seed: u64,
    /// How long all of it may take. A trial begins only where it is to be over by then.
    pub(super) time: Duration,
}

/// A trial that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    /// The value.
    pub(super) value: Duration,
    /// As it is written.
    pub(super) written: String,
    /// The seed.
    pub(super) seed: u64,
    /// How it is to end.
    pub(super) until: Until,
}

/// What a search is carried out with.
pub(super) struct Means<'m, F> {
    /// Makes a trial.
    pub(super) trial: F,
    /// The processor time used so far.
    pub(super) used: &'m dyn Fn() -> Option<Duration>,
    /// Is told how it goes on.
    pub(super) told: &'m dyn Fn(&str),
}

/// Searches the smallest value with which the objective holds.
///
/// # Errors
/// What kept a trial from being made.
pub(super) async fn search<F, R>(ask: &Ask<'_>, means: &Means<'_, F>) -> Result<Searched, Trouble>
where
    F: Fn(Wanted) -> R,
    R: Future<Output = Result<Run, Trouble>>,
{
    let mut hunt = Hunt {
        ask,
        means,
        begun: Instant::now(),
        seen: BTreeMap::new(),
        refused: BTreeMap::new(),
        doubted: BTreeMap::new(),
        hindered: RefCell::default(),
        made: 0,
        lanes: 1,
        waits: 1.0,
        pace: Cell::default(),
    };
    hunt.look_far().await?;
    let mut values = hunt.first();
    for _ in 0..ROUNDS {
        if values.is_empty() || !hunt.round(values).await? {
            break;
        }
        values = hunt.next();
    }
    hunt.verified().await
}

/// How fast people come to a trial, as the slowest so far showed.
#[derive(Debug, Clone, Copy, Default)]
struct Pace {
    /// A second; `None` as long as nobody came.
    people: Option<f64>,
    /// What starting and stopping takes.
    on_top: Duration,
}

impl Pace {
    /// The same, after one more trial.
    fn with(self, came: &Run, passed: Duration) -> Self {
        match (came, self.people) {
            (Run::Seen(trial), known) => {
                let people = trial.seen.people() as f64 / trial.elapsed.as_secs_f64().max(1e-3);
                let on_top = passed.saturating_sub(trial.elapsed);
                match known {
                    Some(known) => Self { people: Some(known.min(people)), on_top: self.on_top.max(on_top) },
                    None => Self { people: Some(people), on_top },
                }
            }
            // What the service does not take it may refuse at once, or when all its time to start is over.
            (Run::Refused(_), None) => Self { on_top: self.on_top.max(passed), ..self },
            (Run::Refused(_), Some(_)) => self,
        }
    }

    /// How long it takes until so many people have come and gone; `None` where that is not known.
    fn takes(self, people: u64) -> Option<Duration> {
        Some(Duration::from_secs_f64(people as f64 / self.people?.max(1e-3)))
    }
}

/// A trial that is planned. How it is to end depends on when it begins.
#[derive(Debug, Clone)]
struct Planned {
    value: Duration,
    written: String,
    seed: u64,
    /// How many people come; until the verdict is known, where that is not said.
    people: Option<u64>,
}

impl Planned {
    /// Whether a machine without time may have decided what a run says. Lateness only makes failures: what
    /// held all the same held.
    fn doubts(&self, came: &Run) -> bool {
        !(self.is_for_verdict() && is(came, Verdict::Held))
    }

    /// Which counts: a run that the machine disturbed, or its repeat. One that ended before it could say
    /// anything says less than the first.
    fn better(&self, first: Run, again: Run) -> Run {
        if self.is_for_verdict() && is(&again, Verdict::Open) { first } else { again }
    }

    /// Whether it is the verdict that is asked for: of the other trials it is the share who fail.
    fn is_for_verdict(&self) -> bool {
        self.people.is_none()
    }
}

/// A search under way.
struct Hunt<'h, F> {
    ask: &'h Ask<'h>,
    means: &'h Means<'h, F>,
    begun: Instant,
    seen: BTreeMap<Duration, Seen>,
    refused: BTreeMap<Duration, String>,
    /// Values at which people come anew, since what they met with first contradicted other values; and
    /// whether they did.
    doubted: BTreeMap<Duration, bool>,
    hindered: RefCell<Hindered>,
    /// How many trials were planned.
    made: u64,
    /// How many are made side by side.
    lanes: usize,
    /// How often a person waits at the dependency.
    waits: f64,
    pace: Cell<Pace>,
}

impl<F, R> Hunt<'_, F>
where
    F: Fn(Wanted) -> R,
    R: Future<Output = Result<Run, Trouble>>,
{
    fn forecast(&self) -> Option<Forecast> {
        Forecast::over(self.ask.latency?, self.waits)
    }

    /// Where the smallest value should be, if that is within the bounds.
    fn expected(&self) -> Option<Duration> {
        let predicted = self.forecast()?.smallest(self.ask.objective.good);
        let (from, to) = self.between();
        (from..=to).contains(&predicted).then_some(predicted)
    }

    fn between(&self) -> (Duration, Duration) {
        (self.ask.search.from, self.ask.search.to)
    }

    fn within(&self, value: Duration) -> Duration {
        let (from, to) = self.between();
        value.clamp(from, to)
    }

    /// How many people come to a trial: of an objective that is about a number of them, all, since they are
    /// so few that each counts.
    fn people(&self, usual: u64) -> u64 {
        self.ask.objective.people.unwrap_or(usual)
    }

    /// The first trial, alone: a value that should be ample shows how often a person waits, how fast people
    /// come, and what a trial costs the machine.
    async fn look_far(&mut self) -> Result<(), Trouble> {
        let expected = self.expected();
        let far = expected.map_or(self.between().1, |expected| self.within(expected.mul_f64(ENDS.1)));
        // Larger than another setting allows, the service may refuse it.
        let nearer = expected.map(|expected| self.within(expected.mul_f64(self.ask.search.margin)));
        for value in std::iter::once(far).chain(nearer) {
            let (began, before) = (Instant::now(), (self.means.used)());
            let planned = self.planned(value, Some(FEW));
            let Some(came) = self.came(&planned).await? else { break };
            let used = (self.means.used)().zip(before).map(|(now, before)| now.saturating_sub(before));
            self.lanes = machine::lanes(used, began.elapsed());
            if let Some(trial) = self.note(&planned, came) {
                self.waits = waits(self.ask.search, &trial);
                break;
            }
        }
        Ok(())
    }

    /// The values of the first round, those first that tell most: around what is predicted and one well below;
    /// where nothing is predicted, over all of the range.
    fn first(&self) -> Vec<(Duration, u64)> {
        let (from, to) = self.between();
        match self.expected() {
            Some(expected) => {
                let below = self.within(expected.mul_f64(ENDS.0));
                let around = values(expected, (from, to)).into_iter().map(|value| (value, PEOPLE));
                around.chain([(below, FEW)]).collect()
            }
            None => {
                let ratio = to.as_secs_f64() / from.as_secs_f64();
                let (steps, of) = STEPS;
                let value = |step| from.mul_f64(ratio.powf(f64::from(step) / f64::from(of)));
                steps.map(|step| (value(step), PEOPLE)).into()
            }
        }
    }

    /// The values of a further round; none where there is nothing more to learn.
    fn next(&mut self) -> Vec<(Duration, u64)> {
        let tried = self.tried();
        let (from, to) = self.between();
        let (Some(first), Some(last)) = (tried.first(), tried.last()) else { return Vec::new() };
        let of = |value: Duration, parts: &[f64]| -> Vec<Duration> {
            parts.iter().map(|part| self.ask.form.write(self.within(value.mul_f64(*part))).0).collect()
        };
        let next = match conclude(&tried, self.ask.objective.good) {
            Found::NotMonotone { smaller, larger } => return self.doubt([smaller.0, larger.0]),
            Found::AtMost(_) if first.value > from => {
                let smaller = of(first.value, &[0.7, 0.5, 0.3]).into_iter();
                // Less may be impossible to write.
                smaller.filter(|value| *value < first.value).collect()
            }
            Found::MoreThan(_) if last.value < to => of(last.value, &[1.4, 2.0, 3.0]),
            Found::Smallest { value, low, high } => {
                let narrow = high.as_secs_f64() <= NARROW * low.as_secs_f64();
                let inside = (first.value..=last.value).contains(&value);
                if narrow && inside { Vec::new() } else { of(value, &AGAIN) }
            }
            Found::TooFew => tried.iter().map(|tried| tried.value).collect(),
            _ => Vec::new(),
        };
        next.into_iter().filter(|value| self.is_open(*value)).map(|value| (value, PEOPLE)).collect()
    }

    /// Values that contradict each other are tried anew, once: a moment in which the machine had no time for
    /// the service fails everybody who was there, and does not come back.
    fn doubt(&mut self, values: [Duration; 2]) -> Vec<(Duration, u64)> {
        let anew = values.into_iter().filter(|value| !self.doubted.contains_key(value));
        let anew: Vec<(Duration, u64)> = anew.map(|value| (value, PEOPLE)).collect();
        self.doubted.extend(anew.iter().map(|(value, _)| (*value, false)));
        anew
    }

    /// Whether a value is worth trying: the service takes it, and not enough people came to it yet.
    fn is_open(&self, value: Duration) -> bool {
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

    fn planned(&mut self, value: Duration, people: Option<u64>) -> Planned {
        let (value, written) = self.ask.form.write(value);
        // Each trial draws on its own: what one of them met with by chance, the others do not.
        self.made += 1;
        let seed = self.ask.seed.wrapping_add(self.made << 48);
        Planned { value, written, seed, people: people.map(|usual| self.people(usual)) }
    }

    /// Trials of values, side by side; whether there was time for all of them.
    async fn round(&mut self, values: Vec<(Duration, u64)>) -> Result<bool, Trouble> {
        let mut planned: Vec<Planned> = Vec::new();
        for (value, people) in values {
            let one = self.planned(value, Some(people));
            // In a coarse unit several are written alike.
            if !self.is_refused(one.value) && planned.iter().all(|other| other.value != one.value) {
                planned.push(one);
            }
        }
        let came = side_by_side(self.lanes, planned.iter().map(|planned| self.came(planned))).await?;
        let mut untried = BTreeSet::new();
        for (planned, came) in planned.iter().zip(came) {
            match came {
                Some(came) => drop(self.note(planned, came)),
                None => drop(untried.insert(planned.value)),
            }
        }
        let is_whole = untried.is_empty();
        untried.retain(|value| !self.seen.contains_key(value));
        self.hindered.get_mut().untried = untried.into_iter().collect();
        Ok(is_whole)
    }

    /// Makes a trial, and tells what became of it; nothing where no time is left for it. One that the machine
    /// disturbed is made again, once, where that may have decided what it says.
    async fn came(&self, planned: &Planned) -> Result<Option<Run>, Trouble> {
        let Planned { value, written, .. } = planned;
        let Some(mut came) = self.made(planned).await? else { return Ok(None) };
        let is_doubtful = self.is_disturbed(&came, *value) && planned.doubts(&came);
        if is_doubtful && self.until(planned.people).is_some() {
            (self.means.told)(&format!("{} = {written}: the machine was busy; again", self.ask.search.key));
            if let Some(again) = self.made(planned).await? {
                self.hindered.borrow_mut().again += 1;
                came = planned.better(came, again);
            }
        }
        self.hindered.borrow_mut().busy += u64::from(self.is_disturbed(&came, *value));
        let became = match &came {
            Run::Seen(trial) => format!("{} of {} fail", trial.seen.bad(), trial.seen.people()),
            Run::Refused(refusal) => format!("refused: {}", refusal.why),
        };
        (self.means.told)(&format!("{} = {written}: {became}", self.ask.search.key));
        Ok(Some(came))
    }

    /// Makes a trial once, if there is time for it.
    async fn made(&self, planned: &Planned) -> Result<Option<Run>, Trouble> {
        let Some(until) = self.until(planned.people) else { return Ok(None) };
        let Planned { value, written, seed, .. } = planned.clone();
        let began = Instant::now();
        let came = (self.means.trial)(Wanted { value, written, seed, until }).await?;
        self.pace.set(self.pace.get().with(&came, began.elapsed()));
        Ok(Some(came))
    }

    /// How a trial is to end that begins now; `None` where there is no time for it.
    fn until(&self, people: Option<u64>) -> Option<Until> {
        let pace = self.pace.get();
        let left = self.ask.time.checked_sub(self.begun.elapsed() + pace.on_top)?;
        let Some(people) = people else { return (left >= LEAST).then_some(Until::Known(left)) };
        let left = left.checked_sub(self.for_safe()).filter(|left| *left >= LEAST)?;
        let takes = pace.takes(people).unwrap_or_default();
        let Objective { people: all, within, .. } = *self.ask.objective;
        match all {
            Some(_) => (takes <= left).then_some(Until::People(people, left)),
            // Whoever came last is awaited.
            None => (takes.min(LONGEST + within) <= left).then_some(Until::People(people, left.min(LONGEST))),
        }
    }

    /// What is kept for the run at the safe value: a third more people than would do if none failed, as far as
    /// that is a fair part of the time.
    fn for_safe(&self) -> Duration {
        let pace = self.pace.get();
        let (people, _) = least(self.ask.objective, 1.0);
        let part = self.ask.time / FOR_SAFE;
        pace.on_top + pace.takes(people).map_or(part, |takes| takes.mul_f64(1.3).min(part))
    }

    fn note(&mut self, planned: &Planned, came: Run) -> Option<Trial> {
        match came {
            Run::Seen(trial) => {
                self.hindered.get_mut().turned_away += trial.turned_away;
                let seen = self.seen.entry(planned.value).or_default();
                if let Some(came_anew @ false) = self.doubted.get_mut(&planned.value) {
                    (*seen, *came_anew) = (Seen::default(), true);
                }
                seen.add(&trial.seen);
                Some(*trial)
            }
            Run::Refused(refusal) => {
                self.refused.insert(planned.value, refusal.why);
                None
            }
        }
    }

    /// Whether the proxies had no time for more turns than may fail.
    fn is_disturbed(&self, came: &Run, value: Duration) -> bool {
        let Run::Seen(trial) = came else { return false };
        trial.added().quantile(self.ask.objective.good) > value.mul_f64(LATE)
    }

    fn tried(&self) -> Vec<Tried> {
        self.seen.iter().map(|(value, seen)| Tried { value: *value, seen: seen.clone() }).collect()
    }

    /// What was found, and the run at the value that is called safe.
    async fn verified(mut self) -> Result<Searched, Trouble> {
        let tried = self.tried();
        let found = found(&tried, self.ask.objective.good);
        let search = self.ask.search;
        let safe = match found {
            Found::Smallest { value, .. } | Found::AtMost(value) => {
                let planned = self.planned(rounded_up(value.mul_f64(search.margin)), None);
                let came = self.came(&planned).await?;
                Some(Safe { value: planned.value, written: planned.written, came })
            }
            _ => None,
        };
        Ok(Searched {
            key: search.key.clone(),
            good: self.ask.objective.good,
            margin: search.margin,
            between: self.between(),
            forecast: self.forecast(),
            tried,
            refused: self.refused.into_iter().collect(),
            found,
            safe,
            side_by_side: self.lanes,
            hindered: self.hindered.into_inner(),
            elapsed: self.begun.elapsed(),
        })
    }
}

fn is(came: &Run, verdict: Verdict) -> bool {
    matches!(came, Run::Seen(trial) if trial.verdict == verdict)
}

/// What was found; what lies beyond all that was tried is no more than that. Where no more failed at the
/// last value than may, it is not shown to be too small, wherever the line goes.
fn found(tried: &[Tried], good: f64) -> Found {
    let found = conclude(tried, good);
    match (&found, tried.first(), tried.last()) {
        (Found::Smallest { value, .. }, Some(first), _) if *value < first.value => Found::AtMost(first.value),
        (Found::Smallest { value, .. }, _, Some(last))
            if *value > last.value && last.failed() > 1.0 - good + 1e-9 =>
        {
            Found::MoreThan(last.value)
        }
        _ => found,
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
