//! One request under way: the configuration it sees, its calls to the directory, what the access log
//! will be told. Every handler has one.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::header::{CACHE_CONTROL, PRAGMA};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::Front;
use super::attempt::Attempt;
use super::directory::Directory;
use super::refusal::Refusal;
use crate::account::{Login, NoLogin};
use crate::clock::Timestamp;
use crate::config::front::FrontConfig;
use crate::http::problem::Problem;
use crate::http::{Note, Passage};
use crate::token::Tokens;

/// How long before the request's limit a refusal is answered at the latest, so that it is the refusal
/// and not the limit that answers: some ticks of tokio's timer, which has milliseconds.
const BEFORE_DEADLINE: Duration = Duration::from_millis(5);

/// A request under way.
pub(super) struct Visit {
    pub(super) front: Arc<Front>,
    pub(super) config: Arc<FrontConfig>,
    pub(super) tokens: Tokens,
    pub(super) directory: Directory,
    /// The word for the access log, where the answer is what was asked for.
    pub(super) reason: Option<&'static str>,
    passage: Passage,
    user: Option<String>,
}

impl FromRequestParts<Arc<Front>> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, front: &Arc<Front>) -> Result<Self, Problem> {
        let passage = parts.extensions.get::<Passage>().cloned();
        let passage = passage.ok_or_else(|| Refusal::internal("no_passage").problem)?;
        let config = front.config.now();
        let directory = Directory::new(front.transport.clone(), &passage);
        let tokens = Tokens::new(front.keys.now(), &config.tokens);
        Ok(Self { front: front.clone(), config, tokens, directory, reason: None, passage, user: None })
    }
}

impl Visit {
    /// What time it is.
    pub(super) fn now(&self) -> Timestamp {
        self.front.clock.now()
    }

    /// Reads the login that a request concerns, and takes the request out of its address's bucket:
    /// before any work is done for it.
    pub(super) fn admitted(&mut self, login: &str) -> Result<Login, Refusal> {
        let login: Login = login.parse().map_err(|no: NoLogin| Refusal::request(no.to_string()))?;
        self.user = Some(self.front.pseudonyms.of(&login));
        let limits = &self.config.limits;
        let admitted = self.front.throttle.admit(self.passage.client, self.now(), limits);
        admitted.map_err(Refusal::throttled)?;
        Ok(login)
    }

    /// A sign-in begins.
    pub(super) fn attempt(&self) -> Attempt {
        Attempt::begin(self.front.metrics.clone())
    }

    /// Waits for the next multiple of `passwords.refusal_step` after the request's arrival, so that the
    /// time of a refusal does not tell what was refused; but no longer than the request may take.
    pub(super) async fn until_step(&self) {
        let step = self.config.passwords.refusal_step.get();
        let Passage { arrived, deadline, .. } = self.passage;
        let due = arrived + next_multiple(arrived.elapsed(), step);
        let latest = deadline.checked_sub(BEFORE_DEADLINE).unwrap_or(deadline);
        tokio::time::sleep_until(due.min(latest)).await;
    }

    /// The answer, and what the access log is told with it.
    pub(super) fn answer(self, outcome: Result<Response, Refusal>) -> Response {
        let (mut response, reason) = match outcome {
            Ok(response) => (response, self.reason),
            Err(refusal) => (refusal.problem.into_response(), Some(refusal.reason)),
        };
        let spent = self.directory.spent();
        let (upstream, retries) = (spent.upstream, spent.retries);
        let detail = self.directory.failure();
        let note = Note { reason, detail, upstream, retries, user: self.user };
        response.extensions_mut().insert(note);
        response
    }
}

/// The least multiple of a step that is not below what has passed, and at least one step.
fn next_multiple(passed: Duration, step: Duration) -> Duration {
    if step.is_zero() {
        return Duration::ZERO;
    }
    let steps = passed.as_nanos().div_ceil(step.as_nanos()).max(1);
    step.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX))
}

/// Headers of what nobody may keep (RFC 6749, section 5.1).
pub(super) const UNKEPT: [(HeaderName, HeaderValue); 2] =
    [(CACHE_CONTROL, HeaderValue::from_static("no-store")), (PRAGMA, HeaderValue::from_static("no-cache"))];

/// A JSON answer that nobody may keep.
pub(super) fn unkept(status: StatusCode, body: impl Serialize) -> Response {
    (status, UNKEPT, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_refusal_waits_for_the_next_whole_step() {
        let next = |passed, step| {
            next_multiple(Duration::from_millis(passed), Duration::from_millis(step)).as_millis()
        };
        assert_eq!(next(0, 250), 250);
        assert_eq!(next(250, 250), 250);
        assert_eq!(next(251, 250), 500);
        assert_eq!(next(70, 0), 0);
    }

    proptest! {
        #[test]
        fn a_step_is_never_in_the_past_and_never_more_than_one_ahead(passed in 0u64..1 << 40, step in 1u64..1 << 32) {
            let (passed, step) = (Duration::from_nanos(passed), Duration::from_nanos(step));
            let next = next_multiple(passed, step);
            if next < step.saturating_mul(u32::MAX) {
                prop_assert!(next >= passed && next.saturating_sub(step) <= passed);
            }
        }
    }
}
