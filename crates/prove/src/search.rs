//! The smallest value of a setting with which the objective holds: tried at a few values around the one
//! that the replayed latency predicts, then read off the line that the trials lie on.
//!
//! Between two values of a timeout the share who fail follows the tail of the latency. In log time against
//! the normal score that tail is nearly straight, as far as the trials reach; so trials that fail often,
//! which are quick, say where failures become rare, which would take long to see.

mod drive;
mod form;
mod published;
mod service;
mod words;

use std::time::Duration;

use model::{normal_score, normal_share};

use drive::{Ask, Means, Wanted, search};
pub use form::Form;
pub use service::{search_service, searchable};

use crate::forecast::Forecast;
use crate::trial::Run;
use crate::verdict::Seen;

/// Where trials are made, as parts of what is predicted: those first that tell most together with one far
/// above, should there be no time for all.
const POINTS: [f64; 5] = [0.75, 0.9, 0.6, 1.05, 1.25];
/// The chance of calling a search non-monotone that is not, however many values were tried.
const WRONG: f64 = 0.001;

/// The values to try, within the bounds of the search, those first that tell most.
fn values(predicted: Duration, (from, to): (Duration, Duration)) -> Vec<Duration> {
    let mut values: Vec<Duration> = Vec::new();
    for part in POINTS {
        let value = whole(predicted.mul_f64(part)).clamp(from, to);
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

/// Values of a search are whole milliseconds: what people write.
fn whole(length: Duration) -> Duration {
    Duration::from_millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX).max(1))
}

/// A value that was tried, and how people fared.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// The value.
    pub value: Duration,
    /// How they fared.
    pub seen: Seen,
}

impl Tried {
    /// The share of people who failed; nobody where nobody came.
    fn failed(&self) -> f64 {
        self.seen.share().map_or(0.0, |(share, ..)| share)
    }
}

/// A whole search, and what it came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Searched {
    /// The key of the setting.
    pub key: String,
    /// The share of people who must succeed.
    pub good: f64,
    /// Times this, the smallest value is called safe.
    pub margin: f64,
    /// From where to where.
    pub between: (Duration, Duration),
    /// What the replayed latency alone says, where the setting waits for one.
    pub forecast: Option<Forecast>,
    /// The values that were tried, rising.
    pub tried: Vec<Tried>,
    /// Those that the service did not take, rising, and why.
    pub refused: Vec<(Duration, String)>,
    /// What they say.
    pub found: Found,
    /// The value that is called safe, where there is one.
    pub safe: Option<Safe>,
    /// How many trials were made side by side.
    pub side_by_side: usize,
    /// What came in the way.
    pub hindered: Hindered,
    /// How long it took.
    pub elapsed: Duration,
}

impl Searched {
    /// The smallest value, as the replayed latency alone predicts it.
    #[must_use]
    pub fn predicted(&self) -> Option<Duration> {
        self.forecast.as_ref().map(|forecast| forecast.smallest(self.good))
    }

    /// Where what the service does not take begins: the largest value that is too small, and the smallest
    /// that is too large.
    #[must_use]
    pub fn refused_ends(&self) -> (Option<Duration>, Option<Duration>) {
        let first = self.tried.first().map_or(Duration::MAX, |tried| tried.value);
        let refused = || self.refused.iter().map(|(value, _)| *value);
        (refused().filter(|value| *value < first).max(), refused().filter(|value| *value > first).min())
    }
}

/// What came in the way of a search.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hindered {
    /// Values for which no time was left, rising.
    pub untried: Vec<Duration>,
    /// Trials that were made again, since the machine had no time for them.
    pub again: u64,
    /// Trials that count although the machine had no time for them.
    pub busy: u64,
    /// People who were not let in.
    pub turned_away: u64,
}

/// A value that is called safe, and the run that bears it out.
#[derive(Debug, Clone, PartialEq)]
pub struct Safe {
    /// The value.
    pub value: Duration,
    /// As it is written.
    pub written: String,
    /// What became of its run; `None` where no time was left for it.
    pub came: Option<Run>,
}

/// What the trials say.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// The smallest value with which the objective holds, with its 95 % interval.
    Smallest {
        /// The value.
        value: Duration,
        /// The lower end.
        low: Duration,
        /// The upper end.
        high: Duration,
    },
    /// Even the smallest value that was tried is enough.
    AtMost(Duration),
    /// Even the largest value that was tried is not enough.
    MoreThan(Duration),
    /// A larger value failed more people than a smaller one: there is no such thing as "the smallest".
    NotMonotone {
        /// The smaller value, and the share who failed.
        smaller: (Duration, f64),
        /// The larger value, and the share who failed.
        larger: (Duration, f64),
    },
    /// Too few people came to say.
    TooFew,
}

/// Reads the smallest value off trials, in any order.
fn conclude(tried: &[Tried], good: f64) -> Found {
    let mut tried: Vec<&Tried> = tried.iter().filter(|tried| tried.seen.people() > 0).collect();
    tried.sort_by_key(|tried| tried.value);
    let (Some(first), Some(last)) = (tried.first(), tried.last()) else { return Found::TooFew };
    if let Some(found) = not_monotone(&tried) {
        return found;
    }
    let allowed = 1.0 - good;
    if first.failed() <= allowed + 1e-9 {
        return Found::AtMost(first.value);
    }
    // Of a share a little above what is allowed so many would still be seen by chance.
    if last.seen.share().is_some_and(|(_, low, _)| low > allowed + 1e-9) {
        return Found::MoreThan(last.value);
    }
    line(&tried, good).or_else(|| step(&tried, allowed)).unwrap_or(Found::TooFew)
}

/// Where no line goes through the trials, or none reaches the objective because nobody may fail: the value
/// lies between the last one that failed too many and the first one from which on none did.
fn step(tried: &[&Tried], allowed: f64) -> Option<Found> {
    let last = tried.iter().rposition(|tried| tried.failed() > allowed + 1e-9)?;
    let (low, high) = (tried[last].value, tried.get(last + 1)?.value);
    Some(Found::Smallest { value: high, low, high })
}

/// The pair of values that contradicts "larger fails fewer" most, if chance does not explain it.
fn not_monotone(tried: &[&Tried]) -> Option<Found> {
    let pairs = tried.iter().enumerate().flat_map(|(at, a)| tried[at + 1..].iter().map(move |b| (a, b)));
    let (score, a, b) =
        pairs.map(|(a, b)| (rise(&a.seen, &b.seen), a, b)).max_by(|one, other| one.0.total_cmp(&other.0))?;
    // Each pair may be wrong by chance, and the worst of all of them is asked (Bonferroni 1936).
    let count = tried.len() * (tried.len() - 1) / 2;
    let limit = normal_score(1.0 - WRONG / count as f64)?;
    (score > limit)
        .then(|| Found::NotMonotone { smaller: (a.value, a.failed()), larger: (b.value, b.failed()) })
}

/// How far the second share lies above the first, in standard deviations of their difference.
fn rise(a: &Seen, b: &Seen) -> f64 {
    let (n, m) = (a.people() as f64, b.people() as f64);
    let (p, q) = (a.bad() as f64 / n, b.bad() as f64 / m);
    let both = (a.bad() + b.bad()) as f64 / (n + m);
    let deviation = (both * (1.0 - both) * (1.0 / n + 1.0 / m)).sqrt();
    if deviation > 0.0 { (q - p) / deviation } else { 0.0 }
}

/// The weighted straight line of normal scores over log values (Finney 1947, "Probit Analysis": weights
/// are the information of each trial), and where it reaches the objective.
fn line(tried: &[&Tried], good: f64) -> Option<Found> {
    let wanted = normal_score(good)?;
    // Weights depend on the line: it settles within a few turns.
    let mut line: Option<(f64, f64)> = None;
    let mut ends = None;
    for _ in 0..20 {
        let (mut w, mut wx, mut wy, mut wxx, mut wxy) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for tried in tried {
            let n = tried.seen.people() as f64;
            let x = tried.value.as_secs_f64().ln();
            let good = tried.seen.good as f64;
            // Half a person more on either side keeps the first score finite where nobody failed, or all did;
            // kept up, it would bend the line where few fail.
            let (z, seen) = match line {
                Some((a, b)) => (a + b * x, good / n),
                None => {
                    let seen = (good + 0.5) / (n + 1.0);
                    (normal_score(seen)?, seen)
                }
            };
            let z = z.clamp(-4.0, 4.0);
            let expected = normal_share(z);
            let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
            let weight = n * density * density / (expected * (1.0 - expected));
            let y = if line.is_some() { z + (seen - expected) / density } else { z };
            w += weight;
            wx += weight * x;
            wy += weight * y;
            wxx += weight * x * x;
            wxy += weight * x * y;
        }
        let middle = wx / w;
        let spread = wxx - w * middle * middle;
        let slope = (wxy - middle * wy) / spread;
        if !(slope.is_finite() && slope > 0.0) {
            return None;
        }
        let height = wy / w;
        line = Some((height - slope * middle, slope));
        let x = middle + (wanted - height) / slope;
        let off = x - middle;
        let deviation = ((1.0 / w + off * off / spread).sqrt()) / slope;
        ends = Some((x, deviation));
    }
    let (x, deviation) = ends?;
    let at = |x: f64| Duration::try_from_secs_f64(x.exp()).ok();
    let spread = 1.96 * deviation;
    Some(Found::Smallest { value: at(x)?, low: at(x - spread)?, high: at(x + spread)? })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use model::{Latency, Replay};

    use super::*;
    use crate::file::Reason;
    use crate::search::drive::PEOPLE;

    const MS: Duration = Duration::from_millis(1);

    fn replay() -> Replay {
        let quantiles = vec![(0.5, MS * 222), (0.99, MS * 505), (0.999, MS * 661)];
        let latency = Latency { window: String::new(), calls: 41_200, in_force: None, quantiles };
        latency.replay().unwrap()
    }

    fn tried(value: Duration, good: u64, timeouts: u64) -> Tried {
        Tried { value, seen: Seen { good, failed: BTreeMap::from([(Reason::Timeout, timeouts)]) } }
    }

    /// A trial of so many people, each with one call of the latency.
    fn trial(value: Duration, people: u64, draw: &mut impl FnMut() -> f64) -> Tried {
        let replay = replay();
        let late = (0..people).filter(|_| replay.at(draw()) > value).count() as u64;
        tried(value, people - late, late)
    }

    #[test]
    fn the_value_that_is_read_off_is_near_the_one_that_is_computed_whatever_the_seed() {
        let computed = replay().at(0.995);
        let (mut near, mut inside, mut sum) = (0, 0, 0.0);
        for seed in 0..40_u64 {
            let mut state = seed;
            // Knuth's MMIX generator; its upper bits are good enough to draw from.
            let mut draw = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 11) as f64 / (1_u64 << 53) as f64
            };
            draw();
            let trials: Vec<Tried> = values(computed, (MS, MS * 60_000))
                .into_iter()
                .map(|value| trial(value, PEOPLE, &mut draw))
                .collect();
            let Found::Smallest { value, low, high } = conclude(&trials, 0.995) else { continue };
            assert!(low <= value && value <= high);
            let ratio = value.as_secs_f64() / computed.as_secs_f64();
            near += u32::from((0.8..=1.2).contains(&ratio));
            inside += u32::from((low..=high).contains(&computed));
            sum += ratio;
        }
        assert!(near >= 38, "{near} of 40");
        // An interval of 95 % leaves out 2 of 40, and 6 or more once in twenty-five times.
        assert!(inside >= 34, "{inside} of 40");
        assert!((sum / 40.0 - 1.0).abs() < 0.02, "on average {}", sum / 40.0);
    }

    #[test]
    fn a_larger_value_that_fails_more_people_is_said() {
        let trials = [tried(MS * 100, 900, 100), tried(MS * 200, 700, 300), tried(MS * 300, 990, 10)];
        let expected = Found::NotMonotone { smaller: (MS * 100, 0.1), larger: (MS * 200, 0.3) };
        assert_eq!(conclude(&trials, 0.995), expected);
    }

    #[test]
    fn of_many_pairs_the_one_that_contradicts_most_does_so_by_chance_more_often() {
        let pair = [tried(MS * 100, 900, 100), tried(MS * 200, 850, 150)];
        assert!(matches!(conclude(&pair, 0.995), Found::NotMonotone { .. }));
        let larger = (3..=10).map(|step| tried(MS * 100 * step, 990, 10));
        let many: Vec<Tried> = pair.iter().cloned().chain(larger).collect();
        assert!(!matches!(conclude(&many, 0.995), Found::NotMonotone { .. }));
    }

    #[test]
    fn what_is_enough_everywhere_and_nowhere_is_said() {
        assert_eq!(conclude(&[tried(MS, 1000, 1), tried(MS * 2, 1000, 0)], 0.995), Found::AtMost(MS));
        let never = [tried(MS, 900, 100), tried(MS * 2, 900, 100)];
        assert_eq!(conclude(&never, 0.995), Found::MoreThan(MS * 2));
        assert_eq!(conclude(&[], 0.995), Found::TooFew);
    }

    #[test]
    fn where_nobody_may_fail_the_value_lies_between_two_that_were_tried() {
        let trials = [tried(MS * 1000, 11, 13), tried(MS * 2000, 20, 4), tried(MS * 4000, 24, 0)];
        let expected = Found::Smallest { value: MS * 4000, low: MS * 2000, high: MS * 4000 };
        assert_eq!(conclude(&trials, 1.0), expected);
        assert_eq!(conclude(&trials[..2], 1.0), Found::MoreThan(MS * 2000));
    }
}
