//! Streams of numbers by a seed, for resampling and simulation: the same seed gives the same numbers.

/// The next 64 bits of SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators"),
/// whose whole state is one number: for streams that are many and short.
#[must_use]
pub fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// xoshiro256++ of Blackman and Vigna ("Scrambled linear pseudorandom number generators", 2021), seeded by
/// [`split_mix`].
#[derive(Debug, Clone)]
pub struct Stream([u64; 4]);

impl Stream {
    /// The stream of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut state = seed;
        Self(std::array::from_fn(|_| split_mix(&mut state)))
    }

    /// 64 bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        let state = &mut self.0;
        let result = state[0].wrapping_add(state[3]).rotate_left(23).wrapping_add(state[0]);
        let shifted = state[1] << 17;
        state[2] ^= state[0];
        state[3] ^= state[1];
        state[1] ^= state[2];
        state[0] ^= state[3];
        state[2] ^= shifted;
        state[3] = state[3].rotate_left(45);
        result
    }

    /// A number from 0 on, below 1.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        // The upper 53 bits are what a float holds.
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A whole number below another, which is above zero.
    #[inline]
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.bits()) * end as u128) >> 64) as usize
    }

    /// Two numbers of the standard normal distribution, by Marsaglia's polar method.
    pub fn normals(&mut self) -> [f64; 2] {
        loop {
            let (x, y) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                let scale = (-2.0 * square.ln() / square).sqrt();
                return [x * scale, y * scale];
            }
        }
    }

    /// How many of n succeed, each with probability p: by inversion, in pieces whose mean is small enough
    /// for it.
    pub fn binomial(&mut self, n: u64, p: f64) -> u64 {
        if p <= 0.0 || n == 0 {
            return 0;
        }
        if p > 0.5 {
            return n - self.binomial(n, 1.0 - p);
        }
        // Below a mean of 20 the chance of none, where the search begins, is far from underflow.
        let most = (20.0 / p) as u64;
        let (mut left, mut drawn) = (n, 0);
        while left > 0 {
            let piece = left.min(most.max(1));
            drawn += self.binomial_by_search(piece, p);
            left -= piece;
        }
        drawn
    }

    fn binomial_by_search(&mut self, n: u64, p: f64) -> u64 {
        let ratio = p / (1.0 - p);
        let mut chance = (n as f64 * (-p).ln_1p()).exp();
        let mut left = self.unit();
        let mut k = 0;
        while left >= chance && k < n {
            left -= chance;
            k += 1;
            chance *= ratio * (n - k + 1) as f64 / k as f64;
        }
        k
    }

    /// A count of events of which so many are expected.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        let (mut left, mut drawn) = (mean, 0);
        while left > 0.0 {
            let piece = left.min(20.0);
            let mut chance = (-piece).exp();
            let (mut rest, mut k) = (self.unit(), 0u64);
            // Beyond 200 of 20 expected there is nothing.
            while rest >= chance && k < 200 {
                rest -= chance;
                k += 1;
                chance *= piece / k as f64;
            }
            drawn += k;
            left -= piece;
        }
        drawn
    }
}

/// A distribution on 0, 1, ... that is drawn from at the cost of one number, by Walker's table in Vose's
/// form ("A linear algorithm for generating random numbers with a given distribution", 1991).
#[derive(Debug, Clone)]
pub struct Table {
    keep: Vec<f64>,
    other: Vec<u32>,
}

impl Table {
    /// Of chances that sum up to about 1.
    #[must_use]
    pub fn new(chances: &[f64]) -> Self {
        let count = chances.len();
        let scale = count as f64 / chances.iter().sum::<f64>();
        let mut keep: Vec<f64> = chances.iter().map(|chance| chance * scale).collect();
        let mut other: Vec<u32> = (0..count as u32).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..count).partition(|&at| keep[at] < 1.0);
        while let (Some(&lack), Some(&rich)) = (small.last(), large.last()) {
            small.pop();
            other[lack] = rich as u32;
            keep[rich] -= 1.0 - keep[lack];
            if keep[rich] < 1.0 {
                large.pop();
                small.push(rich);
            }
        }
        for at in small.into_iter().chain(large) {
            keep[at] = 1.0;
        }
        Self { keep, other }
    }

    /// Of counts of events of which so many are expected; what is rarer than 1 in 10^20 is left out.
    #[must_use]
    pub fn poisson(mean: f64) -> Self {
        let mut chances = Vec::new();
        let mut log = -mean;
        loop {
            chances.push(log.exp());
            log += (mean / chances.len() as f64).ln();
            if chances.len() as f64 > mean && log < -46.0 {
                return Self::new(&chances);
            }
        }
    }

    /// Draws.
    #[inline]
    pub fn draw(&self, stream: &mut Stream) -> u64 {
        let at = stream.below(self.keep.len());
        if stream.unit() < self.keep[at] { at as u64 } else { u64::from(self.other[at]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(mut draw: impl FnMut() -> u64) -> (f64, f64) {
        let drawn: Vec<f64> = (0..50_000).map(|_| draw() as f64).collect();
        let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
        (mean, drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / drawn.len() as f64)
    }

    #[test]
    fn counts_have_the_mean_and_the_variance_of_their_distributions() {
        let mut stream = Stream::new(1);
        for (n, p) in [(1u64, 0.3), (100, 0.01), (6000, 0.01), (50, 0.97)] {
            let (mean, variance) = moments(|| stream.binomial(n, p));
            let expected = n as f64 * p;
            assert!((mean / expected - 1.0).abs() < 0.03, "{n} {p}: {mean}");
            assert!((variance / (expected * (1.0 - p)) - 1.0).abs() < 0.05, "{n} {p}: {variance}");
        }
        for expected in [0.01, 1.0, 99.0] {
            let table = Table::poisson(expected);
            let mut other = Stream::new(2);
            for (mean, variance) in [moments(|| stream.poisson(expected)), moments(|| table.draw(&mut other))]
            {
                assert!((mean / expected - 1.0).abs() < 0.15, "{expected}: {mean}");
                assert!((variance / expected - 1.0).abs() < 0.2, "{expected}: {variance}");
            }
        }
    }
}
