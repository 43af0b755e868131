//! The configuration that is in force, which a reload may replace as a whole. Whoever holds a `Live`
//! asks it once for each piece of work and keeps what it was given to the end of that, so that no piece
//! is done by halves of two configurations.
//!
//! Pieces are smaller than requests: of one request its passage, its handler and each call to the next
//! component ask for themselves, and a reload in between gives the later ones the newer configuration.
//! Nothing may rest on their being the same; what must outlast a reload is carried by the token or the
//! message that it concerns.

use std::sync::Arc;

use tokio::sync::watch;

/// The configuration in force.
#[derive(Debug, Clone)]
pub struct Live<T>(watch::Receiver<Arc<T>>);

impl<T> Live<T> {
    /// A configuration, and the end through which it is replaced.
    #[must_use]
    pub fn new(first: T) -> (watch::Sender<Arc<T>>, Self) {
        let (sender, receiver) = watch::channel(Arc::new(first));
        (sender, Self(receiver))
    }

    /// A configuration that is never replaced.
    #[must_use]
    pub fn fixed(only: T) -> Self {
        Self::new(only).1
    }

    /// What is in force now.
    #[must_use]
    pub fn now(&self) -> Arc<T> {
        self.0.borrow().clone()
    }

    /// Waits until another one is in force; for ever where none can come.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
