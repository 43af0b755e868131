//! Learns the floor of the traffic: by the hour of the week where there are weeks enough, else one; so far
//! below what is usual, and evidence so much weighed down, that quiet minutes of history raise no alarm.

use evidence::rate::Detector;

use super::share::Asked;
use super::{Guard, HOURS, MINUTES_A_DAY};
use crate::history::Minute;

/// Of fewer minutes nothing is learnt: a day and a night were not seen.
const LEAST_MINUTES: usize = 1440;
const DAYS_FOR_A_RATE: f32 = 7.0;
const MINUTES_A_YEAR: f64 = 525_960.0;
/// So many weeks tell the hour of the week.
const WEEKS: u64 = 3;
/// Floors that are tried, over what is usual, and weights of the evidence, from the fastest pair on.
const FLOORS: [f64; 6] = [0.9, 0.8, 0.65, 0.5, 0.35, 0.2];
const DISPERSIONS: [f64; 4] = [1.0, 4.0, 16.0, 64.0];
/// How often a minute is looked at in a replay; between looks the evidence hardly peaks.
const LOOKS: u64 = 4;
/// Peaks are taken of hours, and so many are fitted a tail.
const BLOCK: usize = 60;
const UPPER: usize = 40;

pub(super) fn learn(history: &[Minute], asked: Asked) -> Option<Guard> {
    if history.len() < LEAST_MINUTES {
        return None;
    }
    let usual = usual(history);
    let days = history.len() as f32 / MINUTES_A_DAY;
    let (mut best, mut fastest) = (None, f64::INFINITY);
    for floor in FLOORS {
        for dispersion in DISPERSIONS {
            // The time until a standstill is seen: a floor expects so much that fails to come.
            let slowness = dispersion / floor;
            if slowness >= fastest {
                continue;
            }
            let yearly = replay(history, &usual, floor, dispersion, asked);
            if yearly <= asked.yearly {
                (best, fastest) = (Some((floor, dispersion, yearly)), slowness);
            }
        }
    }
    let last = || {
        let (floor, dispersion) = (FLOORS[FLOORS.len() - 1], DISPERSIONS[DISPERSIONS.len() - 1]);
        (floor, dispersion, replay(history, &usual, floor, dispersion, asked))
    };
    let (floor, dispersion, yearly) = best.unwrap_or_else(last);
    Some(Guard {
        level: usual.iter().map(|usual| (usual * floor) as f32).collect(),
        days,
        dispersion: dispersion as f32,
        implied: (days >= DAYS_FOR_A_RATE).then_some(yearly),
    })
}

/// Requests a second that are usual at least: the lowest of an hour and its neighbours' middles; or of
/// all hours, the mean of the quietest of a day.
fn usual(history: &[Minute]) -> Vec<f64> {
    let mut sums = [(0.0, 0u64); HOURS];
    for minute in history {
        let sum = &mut sums[minute.at.hour_of_week()];
        sum.0 += minute.tally.requests as f64;
        sum.1 += 1;
    }
    let mean = |hour: usize| sums[hour].0 / 60.0 / (sums[hour].1.max(1)) as f64;
    if sums.iter().any(|(_, minutes)| *minutes < WEEKS * 30) {
        let seen = (0..HOURS).filter(|&hour| sums[hour].1 > 0);
        return vec![seen.map(mean).fold(f64::INFINITY, f64::min)];
    }
    let middle = |one: usize, other: usize| f64::midpoint(mean(one), mean(other));
    (0..HOURS)
        .map(|hour| {
            let (before, after) = ((hour + HOURS - 1) % HOURS, (hour + 1) % HOURS);
            mean(hour).min(middle(hour, before)).min(middle(hour, after))
        })
        .collect()
}

/// False alarms a year, by an exponential tail of the peaks of the evidence.
fn replay(history: &[Minute], usual: &[f64], floor: f64, dispersion: f64, asked: Asked) -> f64 {
    let mut detector = Detector::default();
    let mut peaks: Vec<f64> = history
        .chunks(BLOCK)
        .map(|hour| {
            let mut highest = 0.0f64;
            for minute in hour {
                let at = if usual.len() == HOURS { minute.at.hour_of_week() } else { 0 };
                let expected = usual[at] * floor * 60.0 / LOOKS as f64;
                let requests = minute.tally.requests;
                for look in 0..LOOKS {
                    let k = requests * (look + 1) / LOOKS - requests * look / LOOKS;
                    highest = highest.max(detector.look(0, k, expected, dispersion));
                }
            }
            highest.ln()
        })
        .collect();
    let times = MINUTES_A_YEAR / history.len() as f64;
    let reached = peaks.iter().filter(|peak| **peak >= asked.threshold).count();
    if reached > 0 {
        return reached as f64 * times;
    }
    peaks.sort_unstable_by(|a, b| b.total_cmp(a));
    let upper = UPPER.min(peaks.len() / 4).max(1);
    let from = peaks[upper];
    let excess = peaks[..upper].iter().map(|peak| peak - from).sum::<f64>() / upper as f64;
    upper as f64 * (-(asked.threshold - from).max(0.0) / excess.max(1e-9)).exp() * times
}
