//! One function a path: reads the message, asks the store, says what came of it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request, State};
use axum::response::IntoResponse;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::Directory;
use super::answer::{Answer, Refusal};
use crate::api::{
    Active, Attempt, Done, Found, HashSet, Locked, Lookup, Register, Registered, Revoke, Rotate, Rotated,
    SetHash, Status,
};
use crate::http::json::misread;
use crate::lockout::Subject;
use crate::session::Rotation;
use crate::store;

type Shared = State<Arc<Directory>>;
type Reply<T> = Result<Answer<T>, Refusal>;

/// The message that a body holds.
pub(super) struct Message<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Message<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|rejection: BytesRejection| Refusal::Body(rejection.status()))?;
        serde_json::from_slice(&body).map(Self).map_err(|error| Refusal::Malformed(misread(&error)))
    }
}

impl Directory {
    /// Waits for the store and measures it as the hop that it is.
    pub(super) async fn ask<T>(&self, answer: store::Answer<'_, T>) -> Result<(T, Duration), Refusal> {
        let began = Instant::now();
        let answer = answer.await;
        let took = began.elapsed();
        let outcome = answer.as_ref().map_or_else(store::Failure::reason, |_| "ok");
        self.metrics.hop("database", outcome, 0, took);
        answer.map(|answer| (answer, took)).map_err(|failure| Refusal::Store(failure, took))
    }
}

fn plain<T: Serialize>(message: T, upstream: Duration) -> Answer<T> {
    Answer { message, upstream, reason: None }
}

pub(super) async fn register(State(directory): Shared, Message(new): Message<Register>) -> Reply<Registered> {
    let id = new.id;
    let (made, took) = directory.ask(directory.store.register(new)).await?;
    if made { Ok(plain(Registered { id }, took)) } else { Err(Refusal::Taken(took)) }
}

pub(super) async fn lookup(State(directory): Shared, Message(asked): Message<Lookup>) -> Reply<Found> {
    let subject = Subject { login: asked.login, device: asked.device };
    let ((account, lockout), took) = directory.ask(directory.store.lookup(subject)).await?;
    let now = directory.clock.now();
    let locked = lockout.is_some_and(|lockout| lockout.holds(now));
    let reason = locked.then_some("locked");
    Ok(Answer { message: Found { account, locked, failures: lockout.is_some() }, upstream: took, reason })
}

pub(super) async fn set_hash(State(directory): Shared, Message(change): Message<SetHash>) -> Reply<HashSet> {
    let (epoch, took) = directory.ask(directory.store.set_hash(change)).await?;
    epoch.map(|epoch| plain(HashSet { epoch }, took)).ok_or(Refusal::Changed(took))
}

pub(super) async fn failed(State(directory): Shared, Message(attempt): Message<Attempt>) -> Reply<Locked> {
    let now = directory.clock.now();
    let policy = directory.config.now().lockout.policy();
    let subject = Subject { login: attempt.login, device: attempt.device };
    let (lockout, took) = directory.ask(directory.store.fail(subject, now, policy)).await?;
    let until = lockout.until.filter(|_| lockout.holds(now));
    Ok(Answer { message: Locked { until }, upstream: took, reason: until.map(|_| "locked") })
}

pub(super) async fn cleared(State(directory): Shared, Message(attempt): Message<Attempt>) -> Reply<Locked> {
    let subject = Subject { login: attempt.login, device: attempt.device };
    let ((), took) = directory.ask(directory.store.clear(subject)).await?;
    Ok(plain(Locked { until: None }, took))
}

pub(super) async fn rotate(State(directory): Shared, Message(presented): Message<Rotate>) -> Reply<Rotated> {
    let now = directory.clock.now();
    let grace = directory.config.now().sessions.reuse_grace.get();
    let (message, took) = directory.ask(directory.store.rotate(presented, now, grace)).await?;
    let reason = match message {
        Rotation::Successor { replayed: false, .. } => None,
        Rotation::Successor { replayed: true, .. } => Some("replayed"),
        Rotation::Reused => Some("reused"),
        Rotation::Revoked => Some("revoked"),
        Rotation::Expired => Some("expired"),
    };
    Ok(Answer { message, upstream: took, reason })
}

pub(super) async fn revoke(State(directory): Shared, Message(revoke): Message<Revoke>) -> Reply<Done> {
    let now = directory.clock.now();
    let ((), took) = directory.ask(directory.store.revoke(revoke, now)).await?;
    Ok(plain(Done {}, took))
}

pub(super) async fn status(State(directory): Shared, Message(status): Message<Status>) -> Reply<Active> {
    let now = directory.clock.now();
    let (active, took) = directory.ask(directory.store.status(status, now)).await?;
    let reason = (!active.active).then_some("inactive");
    Ok(Answer { message: active, upstream: took, reason })
}

#[derive(Serialize)]
pub(super) struct Word {
    status: &'static str,
}

/// Says that the process answers, and asks nothing else: a database that is down is no reason to
/// restart the directory.
pub(super) async fn alive() -> Answer<Word> {
    plain(Word { status: "alive" }, Duration::ZERO)
}

pub(super) async fn ready(State(directory): Shared) -> Reply<Word> {
    let ((), took) = directory.ask(directory.store.ping()).await?;
    Ok(plain(Word { status: "ready" }, took))
}

pub(super) async fn metrics(State(directory): Shared) -> impl IntoResponse {
    directory.metrics.exposed()
}

pub(super) async fn no_such_path() -> Refusal {
    Refusal::Path
}

pub(super) async fn other_method() -> Refusal {
    Refusal::Method
}
