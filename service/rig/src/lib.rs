//! Runs the authentication service as its users do, as processes of their own, and asks it over
//! sockets: for tests that kill them and for benchmarks that measure them. Knows the program and its
//! protocol by what is documented of them, and imports none of their code.
//!
//! Nothing that it starts outlives it: see [`scratch`].

pub mod http;
pub mod metrics;
pub mod role;
pub mod scratch;

use std::time::{Duration, Instant};

/// Asks again and again until something holds, for as long as the limit; gives how long it took.
/// `None`: it did not come to hold in time.
pub fn until(limit: Duration, mut holds: impl FnMut() -> bool) -> Option<Duration> {
    let begun = Instant::now();
    loop {
        if holds() {
            return Some(begun.elapsed());
        }
        if begun.elapsed() >= limit {
            return None;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
