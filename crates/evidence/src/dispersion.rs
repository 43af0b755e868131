//! How much a share moves by itself: what is left of the scatter of counts when that of independent
//! requests is taken away.

use crate::interval;

/// How many parts of the data intervals are made of, each left out once.
const PARTS: usize = 20;
/// Standard errors of an interval: 95 %; of one side of it.
const ERRORS: f64 = 1.96;
const ERRORS_OF_ONE_SIDE: f64 = 1.645;
/// ... and of deciding that a share moves: one that does not is taken for a moving one in one of a
/// thousand histories.
const TO_DECIDE: f64 = 3.0;
/// The distances, in counts, at which it is asked how counts hang together.
const LAGS: [usize; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];
/// How long a deviation is tried to last, in counts: from not to the next one, to days of minutes.
const PERSISTENCE: (f64, f64) = (0.2, 4000.0);

/// Counts of a stretch of time, one of many of the same length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Count {
    /// So many failed
    pub k: u64,
    /// of so many.
    pub n: u64,
    /// The share that is usual then, over the mean share: 1 where none is known.
    pub usual: f64,
}

/// What counts say about the share behind them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moving {
    /// The mean share.
    pub mean: f64,
    /// It is at most this, with 95 %; that counts hang together is taken into account.
    pub mean_at_most: f64,
    /// The standard deviation of the share over its mean, without the scatter of counting.
    pub deviation: f64,
    /// ... is between these, with 95 %.
    pub between: (f64, f64),
    /// Its skewness; that of a lognormal share where too little is seen of it.
    pub skewness: f64,
    /// After so many counts a deviation has shrunk to 1/e.
    pub persistence: f64,
    /// The variance of the counts over that of independent requests.
    pub dispersion: f64,
    /// Whether the share moves, beyond what counting explains.
    pub moves: bool,
}

/// Sums over a part of the data.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    k: f64,
    n: f64,
    /// Squared deviations less their binomial variance; and what they are in units of.
    excess: f64,
    pairs: f64,
    /// Pearson's statistic, and how many counts it sums.
    pearson: f64,
    counts: f64,
}

impl Sums {
    fn add(&mut self, other: &Self, times: f64) {
        self.k += times * other.k;
        self.n += times * other.n;
        self.excess += times * other.excess;
        self.pairs += times * other.pairs;
        self.pearson += times * other.pearson;
        self.counts += times * other.counts;
    }

    fn of(part: &[Count], mean: f64) -> Self {
        let mut sums = Self::default();
        for count in part.iter().filter(|count| count.n > 0) {
            let (k, n, share) = (count.k.min(count.n) as f64, count.n as f64, mean * count.usual);
            let binomial = n * share * (1.0 - share);
            let square = (k - n * share).powi(2);
            sums.k += k;
            sums.n += n * count.usual;
            sums.excess += square - binomial;
            sums.pairs += n * (n - 1.0) * share * share;
            if binomial > 0.0 {
                sums.pearson += square / binomial;
                sums.counts += 1.0;
            }
        }
        sums
    }

    fn mean(&self) -> f64 {
        ratio(self.k, self.n)
    }

    fn variance(&self) -> f64 {
        ratio(self.excess, self.pairs)
    }
}

fn ratio(above: f64, below: f64) -> f64 {
    if below > 0.0 { above / below } else { 0.0 }
}

/// Estimates the mean of a share and how it moves from counts in their order of time, by moments:
/// `E[(k - n p)^2] = n p (1-p) + n (n-1) v` where v is the variance of the share, and counts apart from
/// each other share no scatter of counting at all. Intervals by the jackknife over twenty parts, so that
/// counts may hang together within a part.
#[must_use]
pub fn estimate(counts: &[Count]) -> Moving {
    let (k, n) = counts.iter().fold((0, 0), |(k, n), count| (k + count.k.min(count.n), n + count.n));
    let mean = Sums::of(counts, 0.0).mean();
    let size = counts.len().div_ceil(PARTS).max(1);
    let parts: Vec<Sums> = counts.chunks(size).map(|part| Sums::of(part, mean)).collect();
    let mut all = Sums::default();
    for part in &parts {
        all.add(part, 1.0);
    }
    let error_of_variance = jackknife(&parts, &all, Sums::variance);
    let error_of_mean = jackknife(&parts, &all, Sums::mean);
    let variance = all.variance();
    let dispersion = if all.counts > 1.0 { all.pearson / (all.counts - 1.0) } else { 1.0 };
    // Pearson's statistic of independent counts has about this error, more where few are expected.
    let few = all.counts / (k as f64).max(1.0);
    let error_of_dispersion = ((2.0 + few) / all.counts.max(1.0)).sqrt();
    let moves = dispersion > 1.0 + TO_DECIDE * error_of_dispersion && variance > 0.0;
    let root = |variance: f64| variance.max(0.0).sqrt();
    let deviation = root(variance);
    let skewness = skewness(counts, mean, deviation);
    Moving {
        mean,
        mean_at_most: (mean + ERRORS_OF_ONE_SIDE * error_of_mean)
            .max(mean * ratio(interval::wilson(k, n, ERRORS_OF_ONE_SIDE).1, ratio(k as f64, n as f64)))
            .max(if k == 0 { interval::wilson(k, n, ERRORS_OF_ONE_SIDE).1 } else { 0.0 }),
        deviation,
        between: (root(variance - ERRORS * error_of_variance), root(variance + ERRORS * error_of_variance)),
        skewness,
        persistence: if moves { persistence(counts, mean, variance, skewness) } else { PERSISTENCE.0 },
        dispersion,
        moves,
    }
}

/// The standard error of a figure of all parts.
fn jackknife(parts: &[Sums], all: &Sums, figure: fn(&Sums) -> f64) -> f64 {
    let without = |part: &Sums| {
        let mut rest = *all;
        rest.add(part, -1.0);
        figure(&rest)
    };
    let left: Vec<f64> = parts.iter().map(without).collect();
    let count = (left.len() as f64).max(1.0);
    let middle = left.iter().sum::<f64>() / count;
    let squares: f64 = left.iter().map(|value| (value - middle).powi(2)).sum();
    (squares * (count - 1.0) / count).sqrt()
}

/// The skewness of the share, by factorial moments, which know no scatter of counting.
fn skewness(counts: &[Count], mean: f64, deviation: f64) -> f64 {
    let lognormal = 3.0 * deviation + deviation.powi(3);
    let [mut second, mut seconds, mut third, mut thirds] = [0.0; 4];
    for count in counts {
        let (k, n, share) = (count.k.min(count.n) as f64, count.n as f64, mean * count.usual);
        second += k * (k - 1.0);
        seconds += n * (n - 1.0) * share * share;
        third += k * (k - 1.0) * (k - 2.0);
        thirds += n * (n - 1.0) * (n - 2.0) * share.powi(3);
    }
    if thirds <= 0.0 || deviation <= 0.0 {
        return lognormal;
    }
    let central = third / thirds - 3.0 * second / seconds + 2.0;
    (central / deviation.powi(3)).clamp(0.4 * lognormal, 1.5 * lognormal)
}

/// How long deviations last: which length of memory explains best how counts apart from each other
/// deviate together.
fn persistence(counts: &[Count], mean: f64, variance: f64, skewness: f64) -> f64 {
    let deviation = |count: &Count| count.k.min(count.n) as f64 - count.n as f64 * mean * count.usual;
    let scale = |count: &Count| count.n as f64 * mean * count.usual;
    let together: Vec<(f64, f64)> = LAGS
        .iter()
        .filter(|&&lag| lag * 10 < counts.len())
        .map(|&lag| {
            let (mut sum, mut unit) = (0.0, 0.0);
            for (one, other) in counts.iter().zip(&counts[lag..]) {
                sum += deviation(one) * deviation(other);
                unit += scale(one) * scale(other);
            }
            (lag as f64, ratio(sum, unit))
        })
        .collect();
    let square = log_deviation(skewness).powi(2);
    let misfit = |persistence: f64| -> f64 {
        together
            .iter()
            .map(|&(lag, covariance)| {
                let correlation = (-lag / persistence).exp();
                let expected = variance * (square * correlation).exp_m1() / square.exp_m1();
                (covariance - expected).powi(2)
            })
            .sum()
    };
    let (mut best, mut least) = (PERSISTENCE.0, f64::INFINITY);
    let mut tried = PERSISTENCE.0;
    while tried < PERSISTENCE.1 {
        let misfit = misfit(tried);
        if misfit < least {
            (best, least) = (tried, misfit);
        }
        tried *= 1.1;
    }
    best
}

/// The deviation of the logarithm of a lognormal number of this skewness.
pub(crate) fn log_deviation(skewness: f64) -> f64 {
    // The skewness of a lognormal number is x^3 + 3 x, where x is its deviation over its mean.
    let relative = 2.0 * ((skewness.max(1e-6) / 2.0).asinh() / 3.0).sinh();
    relative.mul_add(relative, 1.0).ln().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// Days of minutes of a share that moves: lognormal, with a deviation and a memory of minutes.
    fn counts(mean: f64, deviation: f64, memory: f64, rate: f64, days: usize, seed: u64) -> Vec<Count> {
        let mut stream = Stream::new(seed);
        let log_deviation = deviation.mul_add(deviation, 1.0).ln().sqrt();
        let keeps = (-1.0 / memory).exp();
        let mut normal = 0.0;
        (0..days * 1440)
            .map(|_| {
                normal = keeps * normal + (1.0 - keeps * keeps).sqrt() * stream.normals()[0];
                let share = mean * (log_deviation * (normal - log_deviation / 2.0)).exp();
                let n = stream.poisson(rate * 60.0);
                Count { k: stream.binomial(n, share.min(1.0)), n, usual: 1.0 }
            })
            .collect()
    }

    #[test]
    fn independent_requests_do_not_move() {
        for (mean, rate) in [(0.01, 1.0), (0.01, 10.0), (0.0005, 1.0), (0.0005, 10.0)] {
            for seed in 0..3 {
                let moving = estimate(&counts(mean, 0.0, 1.0, rate, 14, seed));
                assert!(!moving.moves, "{mean} at {rate}/s: {moving:?}");
                assert!(moving.mean <= moving.mean_at_most && moving.mean_at_most < mean * 1.2, "{moving:?}");
            }
        }
    }

    #[test]
    fn a_share_that_moves_is_told_from_counting_with_its_memory() {
        for (deviation, memory, rate) in [(0.3, 5.0, 10.0), (0.6, 30.0, 10.0), (0.6, 5.0, 1.0)] {
            let moving = estimate(&counts(0.01, deviation, memory, rate, 14, 7));
            assert!(moving.moves, "{moving:?}");
            assert!((moving.deviation / deviation - 1.0).abs() < 0.2, "{deviation}: {moving:?}");
            // One interval of twenty may miss what it is of, by a little.
            let (least, most) = (moving.between.0 * 0.95, moving.between.1 * 1.05);
            assert!(least < deviation && deviation < most, "{deviation}: {moving:?}");
            assert!((0.5..2.0).contains(&(moving.persistence / memory)), "{memory}: {moving:?}");
        }
    }

    #[test]
    fn nothing_says_nothing() {
        let moving = estimate(&[]);
        assert!(!moving.moves && moving.mean == 0.0, "{moving:?}");
        let moving = estimate(&[Count { k: 0, n: 100, usual: 1.0 }; 60]);
        assert!(!moving.moves && moving.mean_at_most > 0.0 && moving.mean_at_most < 0.001, "{moving:?}");
    }
}
