//! Which argon2id parameters take a wanted time on this machine. Measured the way the service works:
//! all hash threads at once, since they share what limits them, the way to memory.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use super::scheme::{Bench, Cost};
use super::stored::LENGTH;

/// The least memory in KiB for 1, 2, 3, 4 and 5 passes that the OWASP Password Storage Cheat Sheet
/// holds for equally strong.
const FLOORS: [u32; 5] = [47_104, 19_456, 12_288, 9_216, 7_168];

/// Memory is proposed in steps of a mebibyte.
const STEP_KIB: u32 = 1024;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// How long a hash may take while all threads hash.
    pub target: Duration,
    /// Hashes at a time.
    pub threads: u32,
    /// What all threads may use together, in KiB.
    pub memory_kib: u32,
}

/// How long a hash takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Took {
    /// With nothing beside it.
    pub alone: Duration,
    /// While all threads hash.
    pub together: Duration,
}

/// Parameters and what they cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal {
    /// The parameters.
    pub cost: Cost,
    /// What was measured with them.
    pub took: Took,
    /// Whether they keep within the wanted time and memory; only the least that OWASP holds for safe is
    /// proposed otherwise.
    pub fits: bool,
}

/// Proposes parameters for each number of passes, most memory first: for each as much memory as the time
/// and the memory allow, and never less than the floor.
pub fn propose(wanted: Wanted, mut measure: impl FnMut(Cost) -> Took) -> Vec<Proposal> {
    let most = wanted.memory_kib / wanted.threads.max(1) / STEP_KIB * STEP_KIB;
    let mut proposals: Vec<Proposal> = (1..)
        .zip(FLOORS)
        .map(|(iterations, floor)| {
            let of = |memory_kib| Cost { memory_kib, iterations, lanes: 1 };
            let mut best = Proposal { cost: of(floor), took: measure(of(floor)), fits: false };
            best.fits = best.took.together <= wanted.target && floor <= most;
            let mut from = best;
            // The time grows almost as the memory does; a few looks come close.
            for _ in 0..4 {
                let next = of(scaled(from, wanted.target, floor, most));
                if !best.fits || next.memory_kib == from.cost.memory_kib {
                    break;
                }
                from = Proposal { cost: next, took: measure(next), fits: true };
                if from.took.together <= wanted.target && next.memory_kib > best.cost.memory_kib {
                    best = from;
                }
            }
            best
        })
        .collect();
    proposals.sort_by_key(|proposal| (!proposal.fits, std::cmp::Reverse(proposal.cost.memory_kib)));
    proposals
}

/// The memory that should take just less than the target, judged by a measurement.
fn scaled(from: Proposal, target: Duration, floor: u32, most: u32) -> u32 {
    let took = from.took.together.as_micros().max(1);
    // A fiftieth less, since measurements differ by about that.
    let memory = u128::from(from.cost.memory_kib) * target.as_micros() * 49 / 50 / took;
    let memory = u32::try_from(memory).unwrap_or(u32::MAX) / STEP_KIB * STEP_KIB;
    memory.min(most).max(floor)
}

/// Measures a cost: alone, then on so many threads at once; the middle of some hashes each.
#[must_use]
pub fn measure(cost: Cost, threads: u32) -> Took {
    let alone = middle(sample(cost, &Barrier::new(1)));
    if threads <= 1 {
        return Took { alone, together: alone };
    }
    let start = Barrier::new(threads as usize);
    let all = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(|| sample(cost, &start))).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    Took { alone, together: middle(all) }
}

/// Some hashes in a row; the first, which gets its memory from the system, is not counted.
fn sample(cost: Cost, start: &Barrier) -> Vec<Duration> {
    let mut bench = Bench::new(cost, Arc::default());
    let mut hash = [0; LENGTH];
    let mut once = || {
        let begun = Instant::now();
        let _ = bench.argon2id(cost, b"correct horse battery staple", &[1; 16], &mut hash);
        begun.elapsed()
    };
    once();
    start.wait();
    (0..7).map(|_| once()).collect()
}

fn middle(mut took: Vec<Duration>) -> Duration {
    took.sort();
    took.get(took.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine on which a pass over a mebibyte takes so long, twice that while all threads hash.
    fn machine(micros: u32) -> impl FnMut(Cost) -> Took {
        move |cost| {
            let alone = Duration::from_micros(
                u64::from(micros * cost.iterations) * u64::from(cost.memory_kib) / 1024,
            );
            Took { alone, together: alone * 2 }
        }
    }

    fn proposed(target: u64, threads: u32, memory_mib: u32, micros: u32) -> Vec<(u32, u32, u128, bool)> {
        let target = Duration::from_millis(target);
        let wanted = Wanted { target, threads, memory_kib: memory_mib * 1024 };
        let row = |p: Proposal| (p.cost.memory_kib, p.cost.iterations, p.took.together.as_millis(), p.fits);
        propose(wanted, machine(micros)).into_iter().map(row).collect()
    }

    #[test]
    fn each_number_of_passes_gets_the_memory_that_the_time_allows() {
        let rows = proposed(250, 2, 4096, 500);
        assert_eq!(
            rows,
            [
                (250_880, 1, 245, true),
                (124_928, 2, 244, true),
                (82_944, 3, 243, true),
                (62_464, 4, 244, true),
                (50_176, 5, 245, true),
            ]
        );
    }

    #[test]
    fn all_threads_together_keep_within_the_memory() {
        let rows = proposed(250, 4, 256, 500);
        assert_eq!(rows[0], (65_536, 1, 64, true));
        assert_eq!(rows[1], (65_536, 2, 128, true));
        assert!(rows.iter().all(|(memory, ..)| *memory <= 65_536));
    }

    #[test]
    fn the_floor_is_kept_where_it_takes_longer_than_wanted() {
        for (memory, iterations, _, fits) in proposed(10, 2, 4096, 500) {
            assert_eq!(memory, FLOORS[iterations as usize - 1]);
            assert!(!fits);
        }
        let little = proposed(250, 4, 64, 500);
        assert!(little.iter().all(|(memory, .., fits)| *fits == (*memory <= 16_384)), "{little:?}");
    }

    #[test]
    fn a_measurement_takes_some_time() {
        let took = measure(Cost { memory_kib: 64, iterations: 1, lanes: 1 }, 2);
        assert!(took.alone > Duration::ZERO && took.together > Duration::ZERO);
    }
}
