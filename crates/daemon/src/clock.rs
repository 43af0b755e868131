//! The clock of the watch: it runs at the pace of the monotonic clock and is set by the wall clock, so
//! that lengths are true whatever somebody does to the time of day. The only place where a running watch
//! learns the time.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;
use watch::time::At;

/// The time of day may differ by so much from ours before that counts as being set: more than what slewing
/// corrects in the time between two checks (500 ppm, adjtimex(2)), less than anybody would call a jump.
const STEP: u64 = 2_000;

/// How much of a difference below [`STEP`] is made up for at a check: slow enough that no length shows it.
const SLEW: u64 = 5;

/// Where the time of day comes from: the system, or a test.
pub type Wall = Arc<dyn Fn() -> At + Send + Sync>;

/// The system's time of day.
#[must_use]
pub fn system() -> Wall {
    #[expect(clippy::disallowed_methods, reason = "the clock of the watch is read here and nowhere else")]
    Arc::new(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        At(u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
    })
}

/// A clock that never goes back.
pub struct Clock {
    wall: Wall,
    anchor: Instant,
    /// What it was at the anchor.
    base: At,
    /// What the wall said at the anchor; differs from `base` after it was set back.
    wall_base: At,
    last: At,
}

impl Clock {
    /// A clock that begins now, or just after the last moment of the journal where that is later: a
    /// journal written before somebody set the clock back is gone on with in order.
    #[must_use]
    pub fn new(wall: Wall, last: Option<At>) -> Self {
        let wall_base = wall();
        let base = last.map_or(wall_base, |last| wall_base.max(At(last.0.saturating_add(1))));
        Self { anchor: Instant::now(), base, wall_base, last: base, wall }
    }

    /// Now, never before what it said last.
    pub fn now(&mut self) -> At {
        self.last = self.last.max(self.base.after(self.anchor.elapsed()));
        self.last
    }

    /// Compares with the time of day; by how many milliseconds that was set, if it was. Also so after the
    /// machine slept, which its monotonic clock does not count.
    pub fn check(&mut self) -> Option<i64> {
        let elapsed = self.anchor.elapsed();
        let (expected, wall) = (self.wall_base.after(elapsed), (self.wall)());
        let ours = self.base.after(elapsed);
        let apart = wall.0.abs_diff(expected.0);
        if apart > STEP {
            // Forward it is followed; back it is not, since nothing may come before what came before it.
            self.anchor = Instant::now();
            self.wall_base = wall;
            self.base = ours.max(wall);
            let apart = i64::try_from(apart).unwrap_or(i64::MAX);
            return Some(if wall > expected { apart } else { -apart });
        }
        let by = apart.min(SLEW);
        if wall > expected {
            self.base.0 += by;
            self.wall_base.0 += by;
        } else {
            // `now` does not go back for it: it stands still for a few milliseconds.
            self.base.0 = self.base.0.saturating_sub(by);
            self.wall_base.0 = self.wall_base.0.saturating_sub(by);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use super::*;

    fn settable() -> (Arc<AtomicU64>, Wall) {
        let (start, offset) = (Instant::now(), Arc::new(AtomicU64::new(1_000_000)));
        let read = offset.clone();
        let wall = move || At(read.load(Ordering::Relaxed)).after(start.elapsed());
        (offset, Arc::new(wall))
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_set_forward_is_followed_and_told() {
        let (offset, wall) = settable();
        let mut clock = Clock::new(wall, None);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!((clock.check(), clock.now()), (None, At(1_005_000)));
        offset.fetch_add(60_000, Ordering::Relaxed);
        assert_eq!((clock.check(), clock.now()), (Some(60_000), At(1_065_000)));
        assert_eq!(clock.check(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_set_back_is_told_and_time_goes_on() {
        let (offset, wall) = settable();
        let mut clock = Clock::new(wall, None);
        offset.fetch_sub(600_000, Ordering::Relaxed);
        assert_eq!((clock.check(), clock.now()), (Some(-600_000), At(1_000_000)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((clock.check(), clock.now()), (None, At(1_001_000)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_difference_is_made_up_for_slowly_and_never_backwards() {
        let (offset, wall) = settable();
        let mut clock = Clock::new(wall, None);
        offset.fetch_sub(20, Ordering::Relaxed);
        let before = clock.now();
        for _ in 0..4 {
            assert_eq!(clock.check(), None);
            assert!(clock.now() >= before);
        }
        tokio::time::advance(Duration::from_millis(100)).await;
        assert_eq!(clock.now(), At(1_000_080));
    }

    #[tokio::test(start_paused = true)]
    async fn a_journal_from_the_future_is_gone_on_with_in_order() {
        let (_, wall) = settable();
        assert_eq!(Clock::new(wall, Some(At(2_000_000))).now(), At(2_000_001));
    }
}
