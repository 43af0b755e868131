//! Computes password hashes and takes the time. The password and the salt are fixed: neither changes
//! how long it takes, and nothing of the result is kept.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use audit::Error;
use model::HashSpec;

const PASSWORD: &[u8] = b"correct horse battery staple";
const SALT: [u8; 16] = *b"forewarn observe";

/// How long each of so many hashes takes, one after the other, after one that does not count: it
/// brings memory and caches into the state that a busy server's are in.
pub(super) fn times(spec: HashSpec, runs: NonZeroU32) -> Result<Vec<Duration>, Error> {
    match spec {
        HashSpec::Argon2id { memory, iterations, lanes } => {
            let parameter = |number| u32::try_from(number).unwrap_or(u32::MAX);
            let params = Params::new(parameter(memory), parameter(iterations), parameter(lanes), None)
                .map_err(|why| {
                    Error::stopped(
                        "--memory, --iterations, --lanes",
                        format!("cannot be computed: {why}"),
                        "argon2id takes at least 8 KiB for each lane",
                    )
                })?;
            let blocks = params.block_count();
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let mut blocks = vec![Block::default(); blocks];
            let mut out = [0; 32];
            timed(runs, || argon2.hash_password_into_with_memory(PASSWORD, &SALT, &mut out, &mut blocks))
                .map_err(|why| Error::stopped("argon2id", format!("cannot be computed: {why}"), "try others"))
        }
        HashSpec::Bcrypt { cost } => {
            let cost = u32::try_from(cost).unwrap_or(u32::MAX);
            timed(runs, || {
                black_box(bcrypt::bcrypt(cost, SALT, PASSWORD));
                Ok::<(), Error>(())
            })
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the clock is read in the binary alone, and here it is the point"
)]
fn timed<E>(runs: NonZeroU32, mut hash: impl FnMut() -> Result<(), E>) -> Result<Vec<Duration>, E> {
    hash()?;
    (0..runs.get())
        .map(|_| {
            let start = Instant::now();
            hash()?;
            Ok(start.elapsed())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(spec: HashSpec, runs: u32) -> usize {
        times(spec, NonZeroU32::new(runs).unwrap()).unwrap_or_else(|_| panic!("{}", spec.words())).len()
    }

    #[test]
    fn every_run_is_timed_and_the_first_is_not_counted() {
        assert_eq!(counted(HashSpec::Argon2id { memory: 64, iterations: 1, lanes: 2 }, 3), 3);
        assert_eq!(counted(HashSpec::Bcrypt { cost: 4 }, 2), 2);
    }

    #[test]
    fn parameters_that_argon2_does_not_take_are_refused() {
        let spec = HashSpec::Argon2id { memory: 8, iterations: 1, lanes: 4 };
        assert!(times(spec, NonZeroU32::MIN).is_err());
    }
}
