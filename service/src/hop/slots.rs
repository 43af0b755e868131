//! Who may use a connection now: as many callers as the pool has connections, the others in the order
//! in which they came. The number may change while it is running.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The right to use so many connections.
#[derive(Debug)]
pub(super) struct Slots {
    free: Arc<Semaphore>,
    size: Mutex<Size>,
}

#[derive(Debug)]
struct Size {
    /// As many as there shall be.
    wanted: usize,
    /// As many of those in use as shall not come back.
    owed: usize,
}

/// The right to use one connection; given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    permit: Option<OwnedSemaphorePermit>,
    slots: Arc<Slots>,
}

impl Slots {
    pub(super) fn new(size: usize) -> Self {
        let size = size.min(Semaphore::MAX_PERMITS);
        let free = Arc::new(Semaphore::new(size));
        Self { free, size: Mutex::new(Size { wanted: size, owed: 0 }) }
    }

    /// Takes one, once there are as many as `size` says and one of them is free.
    pub(super) async fn take(self: &Arc<Self>, size: usize) -> Slot {
        self.resize(size.min(Semaphore::MAX_PERMITS));
        let permit = self.free.clone().acquire_owned().await.expect("bug: the semaphore is never closed");
        Slot { permit: Some(permit), slots: self.clone() }
    }

    fn resize(&self, wanted: usize) {
        let mut size = self.size.lock().unwrap_or_else(PoisonError::into_inner);
        if wanted > size.wanted {
            let more = wanted - size.wanted;
            let kept = more.min(size.owed);
            size.owed -= kept;
            self.free.add_permits(more - kept);
        } else if wanted < size.wanted {
            let fewer = size.wanted - wanted;
            size.owed += fewer - self.free.forget_permits(fewer);
        }
        size.wanted = wanted;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut size = self.slots.size.lock().unwrap_or_else(PoisonError::into_inner);
        if size.owed > 0 {
            size.owed -= 1;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many can be taken at once.
    async fn takes(slots: &Arc<Slots>, size: usize) -> Vec<Slot> {
        let mut taken = Vec::new();
        while let Ok(slot) = tokio::time::timeout(std::time::Duration::from_millis(1), slots.take(size)).await
        {
            taken.push(slot);
        }
        taken
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_are_given_as_there_are_and_given_again() {
        let slots = Arc::new(Slots::new(2));
        let taken = takes(&slots, 2).await;
        assert_eq!(taken.len(), 2);
        drop(taken);
        assert_eq!(takes(&slots, 2).await.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn more_come_at_once_and_fewer_as_they_are_given_back() {
        let slots = Arc::new(Slots::new(2));
        let mut taken = takes(&slots, 2).await;
        taken.extend(takes(&slots, 5).await);
        assert_eq!(taken.len(), 5);
        assert_eq!(takes(&slots, 1).await.len(), 0);
        taken.truncate(2);
        assert_eq!(takes(&slots, 1).await.len(), 0, "two are in use, one is wanted");
        taken.clear();
        assert_eq!(takes(&slots, 1).await.len(), 1);
        assert_eq!(takes(&slots, 3).await.len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_owed_is_settled_when_more_are_wanted_again() {
        let slots = Arc::new(Slots::new(3));
        let taken = takes(&slots, 3).await;
        assert_eq!(takes(&slots, 1).await.len(), 0);
        assert_eq!(takes(&slots, 4).await.len(), 1);
        drop(taken);
        assert_eq!(takes(&slots, 4).await.len(), 4);
    }
}
