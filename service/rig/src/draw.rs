//! Seeded random numbers, so that a run that failed can be run again with the same choices.

use evidence::random::split_mix;

/// A stream of numbers; its state is the seed.
#[derive(Debug, Clone)]
pub struct Draw(pub u64);

impl Draw {
    /// Any number.
    #[expect(clippy::should_implement_trait, reason = "it never ends, and nobody iterates over it")]
    pub fn next(&mut self) -> u64 {
        split_mix(&mut self.0)
    }

    /// A number below another one.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// One of some things; `None` of nothing.
    pub fn one<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        let place = self.below(u64::try_from(of.len()).ok()?);
        of.get(usize::try_from(place).ok()?).copied()
    }

    /// A number above 0 and at most 1.
    pub fn share(&mut self) -> f64 {
        // What a double holds exactly: 53 bits.
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// A number between two others.
    pub fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.share()
    }

    /// How many of something come that come independently, so many in the mean.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        /// `exp` of a larger mean comes near the least double; there the normal distribution is as good.
        const LARGE: f64 = 500.0;
        if mean > LARGE {
            // Box and Muller.
            let radius = (-2.0 * self.share().ln()).sqrt();
            let normal = radius * (std::f64::consts::TAU * self.share()).cos();
            return (mean + mean.sqrt() * normal).round().max(0.0) as u64;
        }
        // Knuth: how many factors keep the product above.
        let (least, mut product, mut count) = ((-mean).exp(), self.share(), 0);
        while product > least {
            product *= self.share();
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_the_mean_and_the_variance_of_their_distribution() {
        const TURNS: u32 = 20_000;
        for mean in [0.005, 0.1, 1.0, 60.0, 6000.0] {
            let mut draw = Draw(1);
            let (mut sum, mut squares) = (0.0, 0.0);
            for _ in 0..TURNS {
                let count = draw.poisson(mean) as f64;
                sum += count;
                squares += (count - mean) * (count - mean);
            }
            let (sum, squares) = (sum / f64::from(TURNS), squares / f64::from(TURNS));
            let error = (mean / f64::from(TURNS)).sqrt();
            assert!((sum - mean).abs() < 4.0 * error, "{mean}: {sum}");
            assert!((squares / mean - 1.0).abs() < 0.5, "{mean}: variance {squares}");
        }
    }
}
