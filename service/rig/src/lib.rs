//! Runs programs as their users do, as processes of their own, and asks them over sockets: for tests that
//! kill them and for benchmarks that measure them. Also plays the world around them: services that count,
//! and a pager. Knows programs and their protocols by what is documented of them, and imports none of
//! their code.
//!
//! Nothing that it starts outlives it: see [`scratch`].

#![expect(clippy::disallowed_methods, reason = "what a rig runs, it runs in real time")]

pub mod draw;
pub mod http;
pub mod metrics;
pub mod process;
pub mod receiver;
pub mod role;
pub mod scratch;
pub mod server;
pub mod skip;
pub mod source;

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
