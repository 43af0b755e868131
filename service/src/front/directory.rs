//! What the front asks the directory, one method a message. Every method says whether its request may
//! be sent twice, gives faults that say whose they are, and adds up what was spent for the access log.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::{
    Active, Attempt, Done, Found, HashSet, Locked, Lookup, Register, Registered, Revoke, Rotated, SetHash,
    Status, path,
};
use crate::hop::{Ask, HopError, Reply, Transport};
use crate::http::Passage;
use crate::metrics::LoginResult;
use crate::session::Presented;

/// Why the directory was of no help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No answer came.
    Hop(HopError),
    /// It answered that it cannot, or that it does not know this front: with this status.
    Unable(u16),
    /// It did not understand the question, or its answer is not understood: a mistake of our own.
    Misunderstood,
}

impl Fault {
    /// How a sign-in ends by it.
    #[must_use]
    pub fn result(&self) -> LoginResult {
        match self {
            Self::Hop(HopError::Timeout(_)) => LoginResult::Timeout,
            Self::Hop(HopError::Unreachable(_)) => LoginResult::Unreachable,
            Self::Hop(HopError::Broken(_)) | Self::Unable(_) => LoginResult::DependencyError,
            Self::Misunderstood => LoginResult::Internal,
        }
    }
}

/// What calls to the directory have cost a request so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Time spent waiting for answers.
    pub upstream: Duration,
    /// Attempts beyond the first of each call.
    pub retries: u32,
}

/// The directory, as one request sees it.
#[derive(Clone)]
pub struct Directory {
    transport: Arc<dyn Transport>,
    passed: Vec<(&'static str, String)>,
    spent: Spent,
    failure: Option<String>,
}

impl Directory {
    /// For the calls that a request makes.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>, passage: &Passage) -> Self {
        let mut passed =
            vec![("x-request-id", passage.request_id.clone()), ("traceparent", passage.traceparent.clone())];
        passed.extend(passage.tracestate.clone().map(|state| ("tracestate", state)));
        Self { transport, passed, spent: Spent::default(), failure: None }
    }

    /// What was spent so far.
    #[must_use]
    pub fn spent(&self) -> Spent {
        self.spent
    }

    /// Why the last call that got no answer got none.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.failure.clone()
    }

    /// Makes an account; `None` where its login is taken. The identifier was drawn by the front, so that
    /// asking twice makes one account.
    pub async fn register(&mut self, new: &Register) -> Result<Option<Registered>, Fault> {
        self.unless_conflict(path::REGISTER, new, true).await
    }

    /// What a sign-in needs to know.
    pub async fn lookup(&mut self, asked: &Lookup) -> Result<Found, Fault> {
        self.ask(path::LOOKUP, asked, true).await
    }

    /// Replaces a hash; `None` where the account changed meanwhile. A new hash has a new salt, so that
    /// asking twice is known for what it is.
    pub async fn set_hash(&mut self, change: &SetHash) -> Result<Option<HashSet>, Fault> {
        self.unless_conflict(path::SET_HASH, change, true).await
    }

    /// Counts a failed attempt. Not sent twice: it would count twice.
    pub async fn failed(&mut self, attempt: &Attempt) -> Result<Locked, Fault> {
        self.ask(path::FAILED, attempt, false).await
    }

    /// Forgets the failures before a success.
    pub async fn cleared(&mut self, attempt: &Attempt) -> Result<Locked, Fault> {
        self.ask(path::CLEARED, attempt, true).await
    }

    /// Rotates a session's refresh token. Asking twice gives the same successor, within the grace.
    pub async fn rotate(&mut self, presented: &Presented) -> Result<Rotated, Fault> {
        self.ask(path::ROTATE, presented, true).await
    }

    /// Ends a session.
    pub async fn revoke(&mut self, revoke: &Revoke) -> Result<Done, Fault> {
        self.ask(path::REVOKE, revoke, true).await
    }

    /// Whether a session is alive.
    pub async fn status(&mut self, status: &Status) -> Result<Active, Fault> {
        self.ask(path::STATUS, status, true).await
    }

    /// Whether it is ready to answer.
    pub async fn ready(&mut self) -> Result<(), Fault> {
        let reply = self.send("/readyz", Bytes::new(), true).await?;
        if reply.status == 200 { Ok(()) } else { Err(Fault::Unable(reply.status)) }
    }

    async fn ask<Q: Serialize, A: DeserializeOwned>(
        &mut self,
        path: &'static str,
        question: &Q,
        repeatable: bool,
    ) -> Result<A, Fault> {
        self.unless_conflict(path, question, repeatable).await?.ok_or(Fault::Misunderstood)
    }

    async fn unless_conflict<Q: Serialize, A: DeserializeOwned>(
        &mut self,
        path: &'static str,
        question: &Q,
        repeatable: bool,
    ) -> Result<Option<A>, Fault> {
        let body = serde_json::to_vec(question).map_err(|_| Fault::Misunderstood)?;
        let reply = self.send(path, body.into(), repeatable).await?;
        match reply.status {
            200 => serde_json::from_slice(&reply.body).map(Some).map_err(|_| Fault::Misunderstood),
            409 => Ok(None),
            _ => Err(Fault::Misunderstood),
        }
    }

    /// Sends a request, adds up what it cost, and sorts out answers that the directory could not give.
    async fn send(&mut self, path: &'static str, body: Bytes, repeatable: bool) -> Result<Reply, Fault> {
        let ask = Ask { path, body, repeatable, passed: self.passed.clone() };
        let called = self.transport.call(ask).await;
        let (took, retries) = match &called {
            Ok(reply) => (reply.took, reply.retries),
            Err(failed) => (failed.took, failed.retries),
        };
        self.spent.upstream += took;
        self.spent.retries += retries;
        match called {
            // 401: the secrets differ; 429 and 5xx: it has no time for us, or its database none for it.
            Ok(reply) if matches!(reply.status, 401 | 429 | 500..) => Err(Fault::Unable(reply.status)),
            Ok(reply) => Ok(reply),
            Err(failed) => {
                self.failure = Some(failed.error.to_string());
                Err(Fault::Hop(failed.error))
            }
        }
    }
}
