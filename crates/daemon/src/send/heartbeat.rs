//! The regular call that proves that Forewarn lives. It is left out while the watch itself stands still:
//! silence is what its receiver listens for.

use std::path::Path;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use watch::plan;

use super::webhook::post;
use crate::http::{Client, Network, Url};

/// How long one call may take, where it is called less often than that.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The call.
pub(crate) struct Heartbeat {
    client: Client,
    url: Url,
    every: Duration,
}

impl Heartbeat {
    pub(crate) fn new(of: &plan::Heartbeat, base: &Path, network: &Network) -> Result<Self, String> {
        Ok(Self {
            client: Client::new(&of.access, base, network),
            url: Url::parse(&of.url)?,
            every: of.every,
        })
    }

    /// Calls for ever, as long as `alive` says so; `told` hears of each call that failed or went well again.
    pub(crate) async fn beat(self, alive: impl Fn() -> bool, told: impl Fn(Result<(), String>)) {
        let mut pace = interval(self.every);
        pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            pace.tick().await;
            if !alive() {
                continue;
            }
            let timeout = self.every.min(TIMEOUT);
            let outcome = post(&self.client, &self.url, &[], String::new(), timeout).await;
            told(outcome.map_err(|refusal| refusal.why));
        }
    }
}
