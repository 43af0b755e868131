//! Lengths of time, for people.

use std::time::Duration;

use model::pretty;

/// A length in whole milliseconds: finer than that nobody notices, and nobody writes.
pub fn ms(length: Duration) -> String {
    pretty(Duration::from_millis((length.as_secs_f64() * 1000.0).round() as u64))
}
