//! The computation itself: argon2id on memory that stays with its thread.

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
#[derive(Debug, Default)]
pub(super) struct Bench {
    blocks: Vec<Block>,
    keep: usize,
}

impl Bench {
    /// A bench that keeps the memory of hashes up to a cost.
    pub(super) fn new(cost: Cost) -> Self {
        let keep = cost.params(32).map_or(0, |params| params.block_count());
        Self { blocks: Vec::new(), keep }
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
