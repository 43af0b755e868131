//! The computation itself: argon2id on memory that stays with its thread.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};

use super::stored::Unread;
use crate::config::front::PasswordsConfig;

/// What one argon2id hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// What a configuration asks for.
    #[must_use]
    pub fn configured(config: &PasswordsConfig) -> Self {
        let PasswordsConfig { memory_kib, iterations, lanes, .. } = *config;
        Self { memory_kib, iterations, lanes }
    }

    /// The parameters, if the algorithm can have them (RFC 9106, section 3.1).
    fn params(self, length: usize) -> Result<Params, Unread> {
        let params = Params::new(self.memory_kib, self.iterations, self.lanes, Some(length));
        params.map_err(|_| Unread::Form)
    }
}

/// Where a thread computes: its memory is kept from hash to hash, since memory that is new to the
/// process costs a page fault for every 4 KiB.
#[derive(Debug)]
pub(super) struct Bench {
    blocks: Vec<Block>,
    /// How many blocks are kept.
    keep: usize,
    /// Held while more than that is used.
    beyond: Arc<Mutex<()>>,
}

impl Bench {
    /// A bench that keeps the memory of hashes up to a cost. A stored hash that asks for more waits until
    /// no other bench with the same lock computes such a one, so that their memory does not add up.
    pub(super) fn new(cost: Cost, beyond: Arc<Mutex<()>>) -> Self {
        let keep = cost.params(32).map_or(0, |params| params.block_count());
        Self { blocks: Vec::new(), keep, beyond }
    }

    /// argon2id of version 1.3 in its full length.
    pub(super) fn argon2id(
        &mut self,
        cost: Cost,
        password: &[u8],
        salt: &[u8],
        out: &mut [u8],
    ) -> Result<(), Unread> {
        self.argon2(Algorithm::Argon2id, cost, password, salt, out)
    }

    /// Any of the three variants.
    pub(super) fn argon2(
        &mut self,
        algorithm: Algorithm,
        cost: Cost,
        password: &[u8],
        salt: &[u8],
        out: &mut [u8],
    ) -> Result<(), Unread> {
        let params = cost.params(out.len())?;
        let count = params.block_count();
        let beyond = Arc::clone(&self.beyond);
        let _alone = (count > self.keep).then(|| beyond.lock().unwrap_or_else(PoisonError::into_inner));
        if count > self.blocks.len() {
            let missing = count - self.blocks.len();
            self.blocks.try_reserve_exact(missing).map_err(|_| Unread::Memory)?;
            self.blocks.resize(count, Block::new());
        }
        let argon2 = Argon2::new(algorithm, Version::V0x13, params);
        let computed = argon2.hash_password_into_with_memory(password, salt, out, &mut self.blocks[..count]);
        if self.blocks.len() > self.keep {
            self.blocks.truncate(self.keep);
            self.blocks.shrink_to_fit();
        }
        computed.map_err(|_| Unread::Form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_kept_up_to_what_is_configured() {
        let cost = |memory_kib| Cost { memory_kib, iterations: 1, lanes: 1 };
        let mut bench = Bench::new(cost(64), Arc::default());
        let mut compute = |memory_kib| {
            bench.argon2id(cost(memory_kib), b"password", b"0123456789abcdef", &mut [0; 32]).unwrap();
            (bench.blocks.as_ptr(), bench.blocks.len())
        };
        let first = compute(64);
        assert_eq!(first.1, 64);
        assert_eq!(compute(32), first);
        assert_eq!(compute(64), first);
        assert_eq!(compute(512).1, 64, "what a dearer stored hash needed is given back");
    }

    #[test]
    fn what_memory_held_before_does_not_matter() {
        let cost = Cost { memory_kib: 64, iterations: 2, lanes: 2 };
        let mut bench = Bench::new(cost, Arc::default());
        let mut compute = |password: &[u8]| {
            let mut hash = [0; 32];
            bench.argon2id(cost, password, b"0123456789abcdef", &mut hash).unwrap();
            hash
        };
        let first = compute(b"one");
        assert_ne!(compute(b"another"), first);
        assert_eq!(compute(b"one"), first);
    }
}
