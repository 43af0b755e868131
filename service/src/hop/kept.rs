//! Connections that stand idle until the next call, the one used last on top: so those that are not
//! needed grow old and are closed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::connection::Connection;
use crate::config::front::PoolConfig;

/// Idle connections.
#[derive(Default)]
pub(super) struct Kept(Mutex<Vec<Connection>>);

/// When a connection is too old to be used again.
fn end(connection: &Connection, limits: &PoolConfig) -> Instant {
    let idle = connection.idle_since + limits.idle_timeout.get();
    limits.max_lifetime.map_or(idle, |lifetime| idle.min(connection.made + lifetime.get()))
}

impl Kept {
    fn all(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the one that was used last and may be used again.
    pub(super) fn take(&self, limits: &PoolConfig) -> Option<Connection> {
        let mut all = self.all();
        let now = Instant::now();
        while let Some(connection) = all.pop() {
            if !connection.is_closed() && now < end(&connection, limits) {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps one for the next call; whether it is the only one.
    pub(super) fn put(&self, mut connection: Connection) -> bool {
        connection.idle_since = Instant::now();
        let mut all = self.all();
        all.push(connection);
        all.len() == 1
    }

    /// Closes those that are too old or too many; gives when the next one will be too old.
    pub(super) fn sweep(&self, limits: &PoolConfig) -> Option<Instant> {
        let mut all = self.all();
        let now = Instant::now();
        all.retain(|connection| !connection.is_closed() && now < end(connection, limits));
        let many = all.len().saturating_sub(usize::try_from(limits.size).unwrap_or(usize::MAX));
        all.drain(..many);
        all.iter().map(|connection| end(connection, limits)).min()
    }
}
