//! Whether the hour of the week matters, and how.

use super::HOURS;
use super::share::Minute;

/// So many weeks at least tell the hour of the week from a single day's trouble.
const WEEKS: usize = 3;
/// Between hours of the week shares differ this much more than between weeks at the same hour: of 168
/// hours and three weeks chance reaches 1.3 once in a hundred histories.
const MATTERS: f64 = 1.6;
/// ... and by this part of the mean at least, else one guard is as good.
const BY: f64 = 0.1;
/// Standard errors that an hour's share may lie above what was seen of it: 95 %, one side.
const ERRORS: f64 = 1.645;

/// What is usual, over the mean; for each hour of the week, or for all.
pub(super) struct Season {
    pub(super) usual: Vec<f64>,
    /// ... at most, within the hour and as far as it is known.
    pub(super) at_most: Vec<f64>,
}

impl Season {
    fn none() -> Self {
        Self { usual: vec![1.0], at_most: vec![1.0] }
    }
}

pub(super) fn of_share(minutes: &[Minute]) -> Season {
    let Some(first) = minutes.first() else { return Season::none() };
    // Sums of each hour of each week.
    let mut weeks: Vec<[(f64, f64); HOURS]> = Vec::new();
    for minute in minutes {
        let week = ((minute.at.0 - first.at.0) / 604_800_000) as usize;
        if weeks.len() <= week {
            weeks.resize(week + 1, [(0.0, 0.0); HOURS]);
        }
        let sum = &mut weeks[week][minute.at.hour_of_week()];
        sum.0 += minute.k as f64;
        sum.1 += minute.n as f64;
    }
    let sums: Vec<(f64, f64)> = (0..HOURS)
        .map(|hour| weeks.iter().fold((0.0, 0.0), |(k, n), week| (k + week[hour].0, n + week[hour].1)))
        .collect();
    let (k, n) = sums.iter().fold((0.0, 0.0), |(k, n), sum| (k + sum.0, n + sum.1));
    let seen_often = (0..HOURS).all(|hour| weeks.iter().filter(|week| week[hour].1 > 0.0).count() >= WEEKS);
    if k == 0.0 || !seen_often || !matters(&weeks, &sums, k / n) {
        return Season::none();
    }
    let usual: Vec<f64> = sums.iter().map(|(of, all)| of / all / (k / n)).collect();
    let at_most = (0..HOURS)
        .map(|hour| {
            let known =
                |hour: usize| usual[hour] + ERRORS * (sums[hour].0 + 1.0).sqrt() / sums[hour].1 / (k / n);
            let (before, after) = (known((hour + HOURS - 1) % HOURS), known((hour + 1) % HOURS));
            // At the ends of an hour the share is on its way from and to its neighbours.
            let own = known(hour);
            own.max(f64::midpoint(own, before)).max(f64::midpoint(own, after))
        })
        .collect();
    Season { usual, at_most }
}

/// Compares the scatter between hours of the week with that between weeks at the same hour.
fn matters(weeks: &[[(f64, f64); HOURS]], sums: &[(f64, f64)], mean: f64) -> bool {
    let (mut between, mut within, mut free) = (0.0, 0.0, 0.0);
    let (mut excess, mut pairs) = (0.0, 0.0);
    for hour in 0..HOURS {
        let (k, n) = sums[hour];
        let own = k / n;
        between += n * (own - mean).powi(2);
        excess += (k - n * mean).powi(2) - n * mean * (1.0 - mean);
        pairs += n * n;
        for week in weeks.iter().filter(|week| week[hour].1 > 0.0) {
            let (k, n) = week[hour];
            within += n * (k / n - own).powi(2);
            free += 1.0;
        }
        free -= 1.0;
    }
    let (between, within) = (between / (HOURS - 1) as f64, within / f64::max(free, 1.0));
    let deviation = (excess.max(0.0) / pairs).sqrt() / mean;
    between > MATTERS * within && deviation > BY
}
