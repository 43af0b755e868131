//! One line on a terminal's stderr that says how far a long audit is. Nothing within the first
//! second, so that short runs stay quiet; no dependency, since a line is all it takes.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::output::to_stderr;

/// Runs shorter than this show nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// The line is drawn at most this often.
const BEAT: Duration = Duration::from_millis(100);

/// Progress of one run.
pub(crate) struct Progress {
    start: Instant,
    /// When the line was last drawn; `None` before the first time.
    drawn: Mutex<Option<Instant>>,
}

impl Progress {
    /// Starts the clock.
    pub(crate) fn start() -> Self {
        Self { start: now(), drawn: Mutex::new(None) }
    }

    /// Says that so many files of so many are done.
    pub(crate) fn tell(&self, done: usize, all: usize) {
        // Another thread is drawing right now: then this is not worth a line.
        let Ok(mut drawn) = self.drawn.try_lock() else { return };
        let now = now();
        let is_due = match *drawn {
            None => now - self.start >= PATIENCE,
            Some(last) => now - last >= BEAT,
        };
        if is_due {
            *drawn = Some(now);
            to_stderr(&format!("\rreading {done} of {all} files"));
        }
    }

    /// Takes the line away.
    pub(crate) fn clear(&self) {
        if self.drawn.lock().is_ok_and(|drawn| drawn.is_some()) {
            to_stderr("\r\u{1b}[K");
        }
    }
}

fn now() -> Instant {
    #[expect(
        clippy::disallowed_methods,
        reason = "a progress line is drawn by the clock and decides nothing"
    )]
    Instant::now()
}
