//! Whether this process stood still while it waited: a machine that was suspended or has no time to give.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// Waits for something, and looks at the clock meanwhile; gives by how much it was late at worst.
pub(super) async fn stalled<T>(waiting: impl Future<Output = T>, every: Duration) -> (T, Duration) {
    let mut waiting = pin!(waiting);
    let every = every.max(Duration::from_millis(1));
    let mut tick = interval_at(Instant::now() + every, every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut worst = Duration::ZERO;
    loop {
        // The clock first: when the process goes on, both are due at once.
        tokio::select! {
            biased;
            due = tick.tick() => worst = worst.max(due.elapsed()),
            done = &mut waiting => return (done, worst),
        }
    }
}
