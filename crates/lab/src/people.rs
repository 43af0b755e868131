//! Steady sign-ins: people come until a drill is over, and how each fared is kept. Nobody is turned away: with the
//! most that a drill may be asked for, 200 a second, a thousand are on their way where nobody is answered.

use prove::arrivals::Arrivals;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::ledger::Ledger;

/// People who come until this is dropped.
#[derive(Debug)]
pub(crate) struct People {
    coming: JoinHandle<()>,
}

impl People {
    /// Lets them come, so many a second.
    pub(crate) fn come(mut arrivals: Arrivals, rate: f64, ledger: Ledger) -> Self {
        let coming = tokio::spawn(async move {
            let mut on_their_way = JoinSet::new();
            let mut next = Instant::now();
            loop {
                sleep_until(next).await;
                next += arrivals.gap(rate);
                while on_their_way.try_join_next().is_some() {}
                let (number, walk, ledger) = (ledger.begin(), arrivals.come(), ledger.clone());
                on_their_way.spawn(async move { ledger.end(number, walk.await.is_err()) });
            }
        });
        Self { coming }
    }
}

impl Drop for People {
    fn drop(&mut self) {
        self.coming.abort();
    }
}
