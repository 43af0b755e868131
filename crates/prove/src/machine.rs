//! What this machine can carry: how much of it a run used, so that runs go side by side only where they
//! leave each other room.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// How much of all processors runs side by side may take together. The rest keeps delays as they were
/// asked for: work that comes at random moments waits for a processor that is busy for such a share.
const SHARE: f64 = 0.5;
/// More side by side would save little time and cost ports and memory.
const MOST: usize = 6;

/// Measures what runs that are made one after the other cost the machine.
#[derive(Debug)]
pub struct Meter {
    begun: Instant,
    used: Option<Duration>,
}

impl Meter {
    /// Begins.
    #[must_use]
    pub fn start() -> Self {
        Self { begun: Instant::now(), used: used() }
    }

    /// How many such runs the machine can carry side by side.
    #[must_use]
    pub fn lanes(&self) -> usize {
        let used = used().zip(self.used).map(|(now, before)| now.saturating_sub(before));
        lanes(used, self.begun.elapsed())
    }
}

/// The processor time that this process and the children that it waited for have used so far; `None` where
/// the system does not say.
pub(crate) fn used() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let ticks = ticks(&stat)?;
    Some(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// Fields 14 to 17 of `proc_pid_stat(5)`: user and system time, its own and its children's.
fn ticks(stat: &str) -> Option<u64> {
    // The name of the program stands in brackets and may hold anything.
    let behind = &stat[stat.rfind(')')? + 1..];
    let fields: Vec<&str> = behind.split_whitespace().collect();
    // The third field comes first behind the name.
    fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok()).sum()
}

/// How many runs the machine can carry side by side, of which one took so much processor time while so
/// much time passed. One where nothing is known.
pub(crate) fn lanes(used: Option<Duration>, passed: Duration) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    of(used, passed, processors)
}

fn of(used: Option<Duration>, passed: Duration, processors: usize) -> usize {
    let Some(used) = used else { return 1 };
    let one = used.as_secs_f64() / passed.as_secs_f64().max(1e-3);
    let lanes = SHARE * processors as f64 / one.max(1e-3);
    (lanes as usize).clamp(1, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_time_is_read_whatever_the_program_is_called() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 7 5 3 2 20 0 1 0 100 0 0";
        assert_eq!(ticks(stat), Some(17));
        assert_eq!(ticks("42 (a) S 1"), None);
    }

    #[test]
    fn a_run_that_takes_little_has_company_and_one_that_takes_much_has_none() {
        let second = Duration::from_secs(1);
        assert_eq!(of(Some(second / 5), second, 2), 5);
        assert_eq!(of(Some(second), second, 2), 1);
        assert_eq!(of(Some(Duration::ZERO), second, 2), MOST);
        assert_eq!(of(None, second, 64), 1);
    }
}
