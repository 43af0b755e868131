//! Shares drawn by a seed: the same seed and the same connection give the same ones.

use evidence::random::split_mix;

/// A stream of shares, each equally likely from 0 to 1.
#[derive(Debug, Clone)]
pub struct Draws {
    state: u64,
}

impl Draws {
    /// Those of one connection.
    #[must_use]
    pub fn of(seed: u64, connection: u64) -> Self {
        // Two steps apart, so that neighbours' streams have nothing in common.
        let mut draws = Self { state: seed };
        let seed = split_mix(&mut draws.state);
        Self { state: seed ^ connection.wrapping_mul(0xd134_2543_de82_ef95) }
    }

    /// The next share; never 0 and never 1.
    pub fn share(&mut self) -> f64 {
        ((split_mix(&mut self.state) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_and_another_connection_others() {
        let of = |seed, connection| {
            let mut draws = Draws::of(seed, connection);
            [draws.share(), draws.share()]
        };
        assert_eq!(of(1, 0), of(1, 0));
        assert_ne!(of(1, 0), of(1, 1));
        assert_ne!(of(1, 0), of(2, 0));
    }

    #[test]
    fn shares_are_spread_evenly_over_connections_too() {
        let mut bins = [0_u32; 20];
        for connection in 0..20_000 {
            let share = Draws::of(7, connection).share();
            bins[(share * 20.0) as usize] += 1;
        }
        // 1 000 are expected in each, with a deviation of 31.
        assert!(bins.iter().all(|count| (850..1150).contains(count)), "{bins:?}");
    }
}
