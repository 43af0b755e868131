//! Learns the guard of a share.
//!
//! Where the counts scatter as independent requests do, the guard is hardly above the mean. Where the
//! share moves by itself, or with more than the hour of the week, the guard is above where it moves, and
//! evidence is weighed down, just so far that false alarms keep to their part of the budget: of all
//! pairs that do, the one that sees faults first.

use evidence::dispersion::{Count, Moving, estimate};
use evidence::random::Stream;
use evidence::replay::{Setting, Stretch, history, invented};
use evidence::{Mixture, interval};

use super::{Guard, HOURS, MINUTES_A_DAY, season};
use crate::time::At;

/// Counts of a minute.
#[derive(Debug, Clone, Copy)]
pub(super) struct Minute {
    pub(super) at: At,
    pub(super) k: u64,
    pub(super) n: u64,
}

/// What a guard is asked to keep.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// The logarithm of the evidence that is enough.
    pub(super) threshold: f64,
    /// False alarms a year.
    pub(super) yearly: f64,
    /// How often a minute is looked at.
    pub(super) looks: usize,
}

/// Of fewer minutes nothing is learnt.
const LEAST_MINUTES: usize = 60;
/// Of fewer days no rate of false alarms is stated: every hour of a week was seen once.
const DAYS_FOR_A_RATE: f32 = 7.0;
const MINUTES_A_YEAR: f64 = 525_960.0;
/// No guard is below this: two failures among any number of requests are no alarm.
const LEAST: f64 = 1e-5;
/// ... and none above: there is nothing left to be seen.
const MOST: f64 = 0.9;
/// Guards that are tried, over the mean: steps of 12 %, up to about fifty times.
const STEP: f64 = 1.12;
const STEPS: usize = 35;
/// How evidence is tried to be weighed down.
const DISPERSIONS: [f64; 4] = [1.0, 2.0, 4.0, 8.0];
/// The odds of the faults, over those of the mean, that a pair is judged by: 5 % and 20 % over 1 %.
const FAULTS: [f64; 2] = [5.2, 24.75];
/// Minutes that are invented at most, and looks at them; to choose, and to state a rate.
const TO_CHOOSE: (u64, u64) = (4_000_000, 300_000);
const TO_STATE: (u64, u64) = (20_000_000, 2_500_000);
/// ... and where the share does not move, whose peaks are those of theory.
const TO_STATE_STEADY: (u64, u64) = (20_000_000, 1_000_000);
/// Looks at an invented minute, each for as many as the test takes in that time: alarms of a share that
/// moves from minute to minute build up over many looks.
const LOOKS: usize = 12;
/// How often a choice is corrected after a longer trial.
const CORRECTIONS: usize = 4;
/// Alarms in the history itself that say more than what is invented after it.
const TELLING: u64 = 3;
/// The same history gives the same guard.
const SEED: u64 = 0x666f_7265_7761_726e;

/// Learns; nothing where there is too little.
pub(super) fn learn(minutes: &[Minute], asked: Asked) -> Option<Guard> {
    let minutes: Vec<Minute> = minutes.iter().copied().filter(|minute| minute.n > 0).collect();
    if minutes.len() < LEAST_MINUTES {
        return None;
    }
    let season = season::of_share(&minutes);
    let hour = |at: At| if season.usual.len() == HOURS { at.hour_of_week() } else { 0 };
    let counts: Vec<Count> =
        minutes.iter().map(|&Minute { at, k, n }| Count { k, n, usual: season.usual[hour(at)] }).collect();
    let moving = estimate(&counts);
    let stretches: Vec<Stretch> = minutes
        .iter()
        .map(|&Minute { at, k, n }| Stretch { k, n, usual: season.usual[hour(at)], mixture: hour(at) })
        .collect();
    let days = minutes.len() as f32 / MINUTES_A_DAY;
    let learner = Learner { stretches, moving, at_most: season.at_most, asked };
    let choice = if moving.moves { learner.choose() } else { Choice { times: 1.0, dispersion: 1.0 } };
    Some(Guard {
        level: learner.levels(choice).iter().map(|level| *level as f32).collect(),
        days,
        dispersion: choice.dispersion as f32,
        implied: (days >= DAYS_FOR_A_RATE).then(|| learner.implied(choice)),
    })
}

struct Learner {
    stretches: Vec<Stretch>,
    moving: Moving,
    /// What is usual at most, over the mean, for each hour or for all.
    at_most: Vec<f64>,
    asked: Asked,
}

/// How far above the mean, and how much evidence is weighed down.
#[derive(Debug, Clone, Copy)]
struct Choice {
    times: f64,
    dispersion: f64,
}

impl Learner {
    fn levels(&self, choice: Choice) -> Vec<f64> {
        let level = |usual: &f64| (self.moving.mean_at_most * choice.times * usual).clamp(LEAST, MOST);
        self.at_most.iter().map(level).collect()
    }

    /// Of each dispersion the lowest guard that keeps to the budget as far as a short trial says; of those
    /// pairs the fastest.
    fn choose(&self) -> Choice {
        let lowest = |dispersion: f64| {
            let choice = |step: usize| Choice { times: STEP.powi(step as i32), dispersion };
            let (mut low, mut high) = (0, STEPS);
            while low < high {
                let middle = usize::midpoint(low, high);
                if self.yearly(choice(middle), TO_CHOOSE) <= self.asked.yearly {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            choice(low)
        };
        let pairs = DISPERSIONS.into_iter().map(lowest);
        let fastest = pairs.min_by(|a, b| self.slowness(*a).total_cmp(&self.slowness(*b)));
        let mut choice = fastest.unwrap_or(Choice { times: 1.0, dispersion: 1.0 });
        // A short trial does not see what is rare.
        for _ in 0..CORRECTIONS {
            if self.yearly(choice, TO_STATE) <= self.asked.yearly {
                break;
            }
            choice.times *= STEP;
        }
        choice
    }

    /// The logarithm of the time that faults take to be seen, summed.
    fn slowness(&self, choice: Choice) -> f64 {
        let guard = (self.moving.mean_at_most * choice.times).clamp(LEAST, MOST);
        let of_fault = |ratio: f64| {
            let odds = self.moving.mean_at_most / (1.0 - self.moving.mean_at_most.min(MOST)) * ratio;
            let information = interval::divergence(odds / (1.0 + odds), guard);
            // A fault below the guard is never seen.
            (choice.dispersion / information.max(1e-9)).ln()
        };
        FAULTS.into_iter().map(of_fault).sum()
    }

    /// False alarms a year, in times that are invented after the history.
    fn yearly(&self, choice: Choice, most: (u64, u64)) -> f64 {
        let mixtures = self.mixtures(choice);
        let looks = if self.moving.moves { LOOKS.min(self.asked.looks) } else { self.asked.looks };
        let setting = self.setting(&mixtures, looks);
        let outcome = invented(&self.stretches, &self.moving, setting, most, &mut Stream::new(SEED));
        outcome.expected(MINUTES_A_YEAR, self.asked.threshold)
    }

    /// False alarms a year, as they are stated: in times that are invented after the history, or in the
    /// history itself where that has more.
    fn implied(&self, choice: Choice) -> f64 {
        if !self.moving.moves {
            // A share at or below its guard keeps to the budget by construction of the test.
            return self.yearly(choice, TO_STATE_STEADY).min(self.asked.yearly);
        }
        let invented = self.yearly(choice, TO_STATE);
        let mixtures = self.mixtures(choice);
        let outcome =
            history(&self.stretches, self.setting(&mixtures, self.asked.looks), &mut Stream::new(SEED));
        let seen = outcome.expected(MINUTES_A_YEAR, self.asked.threshold);
        if outcome.alarms >= TELLING { invented.max(seen) } else { invented }
    }

    fn mixtures(&self, choice: Choice) -> Vec<Mixture> {
        self.levels(choice).iter().map(|level| Mixture::new(*level, choice.dispersion)).collect()
    }

    fn setting<'a>(&self, mixtures: &'a [Mixture], looks: usize) -> Setting<'a> {
        let stands_for = self.asked.looks as f64 / looks as f64;
        Setting { mixtures, threshold: self.asked.threshold, looks, stands_for }
    }
}
