//! Counts every sign-in once, by how it ended: also the one whose handler never came to its end.

use std::sync::Arc;

use crate::http::passage::Turned;
use crate::metrics::{LoginResult, Metrics};

/// The route whose requests are all sign-ins. Whether one to `/token` is, only its body tells.
const LOGIN: &str = "/login";

/// Counts a sign-in that never reached its handler. To be told to the passage, as
/// `http::passage::Means::turned`; what was cut off within the handler is counted by it.
pub fn turned(metrics: &Metrics, route: &str, turned: Turned) {
    if route == LOGIN && turned == Turned::Shed {
        metrics.login(LoginResult::Throttled);
    }
}

/// A sign-in under way, from when its body has been read. Dropped before its end it counts as cut off:
/// by `server.request_timeout`, or by a client that waits no longer, whose own limit ran out.
pub(super) struct Attempt {
    metrics: Arc<Metrics>,
    ended: bool,
}

impl Attempt {
    pub(super) fn begin(metrics: Arc<Metrics>) -> Self {
        Self { metrics, ended: false }
    }

    /// Counts it; with `None` it was no sign-in after all, as one of a login that cannot be.
    pub(super) fn end(mut self, result: Option<LoginResult>) {
        self.ended = true;
        if let Some(result) = result {
            self.metrics.login(result);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.ended {
            let panics = std::thread::panicking();
            self.metrics.login(if panics { LoginResult::Internal } else { LoginResult::Timeout });
        }
    }
}
