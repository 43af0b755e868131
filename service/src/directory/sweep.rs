//! Deletes from time to time what nobody can ask for any more.

use std::time::Duration;

use super::Directory;
use crate::clock::Timestamp;

/// How often. A sweep that finds nothing is two look-ups in an index.
const EVERY: Duration = Duration::from_secs(60);

/// How long after its end a session is still kept, in milliseconds: longer than the clocks of two
/// directories are ever apart. A revoked session that is deleted while another directory takes its
/// token for valid would come back to life there.
const MARGIN: i64 = 3_600_000;

/// Sweeps for ever. Failures are counted with the other calls to the database, and the next sweep
/// makes up for one that failed.
pub async fn run(directory: &Directory) {
    let mut turns = tokio::time::interval(EVERY);
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let past = Timestamp(directory.clock.now().0.saturating_sub(MARGIN));
        let policy = directory.config.now().lockout.policy();
        let _ = directory.ask(directory.store.sweep(past, policy)).await;
    }
}
