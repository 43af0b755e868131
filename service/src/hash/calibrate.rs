//! `authd calibrate`: what argon2id costs on this machine, and which parameters take a wanted time.

use std::time::{Duration, Instant};

use super::scheme::{Bench, Cost};

/// How long one hash of a cost takes here, alone on its processor: the middle one of some.
#[must_use]
pub fn measure(cost: Cost, times: usize) -> Duration {
    let mut bench = Bench::new(cost);
    let mut hash = [0; super::stored::LENGTH];
    let mut took: Vec<Duration> = (0..=times)
        .map(|_| {
            let begun = Instant::now();
            let _ = bench.argon2id(cost, b"correct horse battery staple", &[1; 16], &mut hash);
            begun.elapsed()
        })
        .skip(1)
        .collect();
    took.sort();
    took.get(took.len() / 2).copied().unwrap_or_default()
}
