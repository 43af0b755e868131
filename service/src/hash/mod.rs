//! Password hashes: argon2id for what is new; bcrypt and PBKDF2-HMAC-SHA256 are verified where they
//! were brought along, and replaced at the next sign-in. A bounded number is computed at a time, and a
//! bounded number waits (`queue`); passwords known from breaches are refused (`breached`).

pub mod breached;
pub mod calibrate;
mod queue;
mod scheme;
mod stored;

use std::sync::Arc;

pub use queue::Busy;
pub use scheme::Cost;
pub use stored::Unread;

use crate::config::front::PasswordsConfig;
use crate::entropy::Entropy;
use crate::metrics::Metrics;
use queue::Queue;
use scheme::Bench;
use stored::Stored;

/// What a password is against a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is the password.
    pub matches: bool,
    /// Whether the stored hash should be replaced: it is of an older scheme or cheaper than what is
    /// configured.
    pub outdated: bool,
    /// Why the stored hash could not be judged, in which case nothing matches it; for the log.
    pub unread: Option<Unread>,
}

/// Hashes passwords on threads of its own.
#[derive(Debug, Clone)]
pub struct Hasher {
    queue: Arc<Queue>,
    entropy: Drawing,
    cost: Cost,
}

/// Where salts come from.
#[derive(Clone)]
struct Drawing(Arc<dyn Entropy>);

impl std::fmt::Debug for Drawing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Drawing")
    }
}

impl Hasher {
    /// Starts the threads; they end with the last clone.
    #[must_use]
    pub fn new(config: &PasswordsConfig, metrics: Arc<Metrics>, entropy: Arc<dyn Entropy>) -> Self {
        let threads = config.hash_threads.map_or_else(processors, |threads| threads.max(1) as usize);
        let cost = Cost::configured(config);
        let queue = Queue::start(threads, config.hash_queue as usize, cost, metrics);
        Self { queue: Arc::new(queue), entropy: Drawing(entropy), cost }
    }

    /// The hash to store for a password: a PHC string of argon2id.
    pub async fn hash(&self, password: String) -> Result<String, Busy> {
        let salt = self.entropy.0.id();
        let cost = self.cost;
        let written = self.queue.run(move |bench| stored::written(bench, cost, password.as_bytes(), &salt));
        // No memory for a hash: as when there is no thread for it.
        written.await?.map_err(|_| Busy)
    }

    /// Judges a password. Where nothing is stored, as much is computed as for a new hash, so that the
    /// time taken does not tell; nothing matches then.
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<Verdict, Busy> {
        let cost = self.cost;
        self.queue.run(move |bench| judge(bench, cost, password.as_bytes(), stored.as_deref())).await
    }
}

/// As many threads as can run at a time.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

fn judge(bench: &mut Bench, cost: Cost, password: &[u8], stored: Option<&str>) -> Verdict {
    let read = stored.map(Stored::read);
    let unread = match &read {
        Some(Ok(stored)) => match stored.verify(bench, password) {
            Ok(matches) => {
                return Verdict { matches, outdated: stored.outdated(cost), unread: None };
            }
            Err(unread) => Some(unread),
        },
        Some(Err(unread)) => Some(*unread),
        None => None,
    };
    let _ = bench.argon2id(cost, password, &[0; 16], &mut [0; stored::LENGTH]);
    Verdict { matches: false, outdated: false, unread }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    fn hasher(memory_kib: u32) -> (Hasher, Arc<Metrics>) {
        let metrics = Arc::new(Metrics::new());
        let config = PasswordsConfig {
            memory_kib,
            iterations: 1,
            hash_threads: Some(2),
            ..PasswordsConfig::default()
        };
        (Hasher::new(&config, Arc::clone(&metrics), Arc::new(SeededEntropy::new(1))), metrics)
    }

    fn verdict(matches: bool, outdated: bool) -> Result<Verdict, Busy> {
        Ok(Verdict { matches, outdated, unread: None })
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_alone() {
        let (hasher, metrics) = hasher(16);
        let stored = hasher.hash("correct horse".to_owned()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=16,t=1,p=1$"), "{stored}");
        let again = hasher.hash("correct horse".to_owned()).await.unwrap();
        assert_ne!(stored, again, "each has a salt of its own");
        let verify = |password: &str, stored: Option<&str>| {
            hasher.verify(password.to_owned(), stored.map(str::to_owned))
        };
        assert_eq!(verify("correct horse", Some(&stored)).await, verdict(true, false));
        assert_eq!(verify("correct horse", Some(&again)).await, verdict(true, false));
        assert_eq!(verify("correct horses", Some(&stored)).await, verdict(false, false));
        assert_eq!(verify("correct horse", None).await, verdict(false, false));
        assert_eq!(metrics.hash_submitted.get(), 6);
    }

    #[tokio::test]
    async fn a_hash_of_less_cost_than_is_configured_is_outdated() {
        let stored = hasher(16).0.hash("correct horse".to_owned()).await.unwrap();
        let verify = |memory_kib: u32, stored: &str| {
            let (hasher, stored) = (hasher(memory_kib).0, stored.to_owned());
            async move { hasher.verify("correct horse".to_owned(), Some(stored)).await }
        };
        assert_eq!(verify(8, &stored).await, verdict(true, false));
        assert_eq!(verify(32, &stored).await, verdict(true, true));
        let bcrypt = "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";
        assert_eq!(verify(8, bcrypt).await, verdict(true, true));
    }

    #[tokio::test]
    async fn nothing_matches_a_stored_hash_that_cannot_be_judged_and_the_reason_is_given() {
        let (hasher, metrics) = hasher(8);
        let stored =
            Some("$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHQ$ehqGRlXhNY90u1mXokuaGg".to_owned());
        let verdict = hasher.verify(String::new(), stored).await;
        assert_eq!(verdict, Ok(Verdict { matches: false, outdated: false, unread: Some(Unread::Cost) }));
        assert_eq!(metrics.hash_submitted.get(), 1);
    }
}
