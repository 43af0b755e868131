//! How far a client's connection is with its request, and until when it may stay there. hyper bounds
//! the time of a head alone, and counts the idle time before it as part of it; so each read, request,
//! answer and flush is noted here, and the connection's task asks for the limit after each step.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use crate::config::front::ServerConfig;
use crate::tapped::Tap;

/// What a connection is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// No byte of a request has come since the last answer.
    Idle,
    /// A head has begun to come.
    Head,
    /// The handler has the request; `passage` limits it.
    Handling,
    /// The answer is on its way.
    Answering,
    /// All of the answer is handed over, and not yet taken by the client's side.
    Flushing,
}

/// Notes what a connection is at; clones note for the same one.
#[derive(Debug, Clone)]
pub(super) struct Vigil(Arc<Mutex<(Phase, Instant)>>);

impl Vigil {
    /// A connection that was just made.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new((Phase::Idle, Instant::now()))))
    }

    fn step(&self, from: &[Phase], to: Phase) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if from.contains(&state.0) {
            // An answer has one limit, whoever is at it.
            let since = if to == Phase::Flushing { state.1 } else { Instant::now() };
            *state = (to, since);
        }
    }

    /// The handler gets a request.
    pub(super) fn asked(&self) {
        self.step(&[Phase::Idle, Phase::Head, Phase::Flushing], Phase::Handling);
    }

    /// The handler has answered.
    pub(super) fn answering(&self) {
        self.step(&[Phase::Handling], Phase::Answering);
    }

    /// The answer's body is over.
    pub(super) fn over(&self) {
        self.step(&[Phase::Answering], Phase::Flushing);
    }

    /// What the connection is at.
    pub(super) fn phase(&self) -> Phase {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Until when it may stay there. What takes an answer too slowly has `request_timeout` for it, as
    /// the handler had to make it.
    pub(super) fn deadline(&self, server: &ServerConfig) -> Option<Instant> {
        let (phase, since) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = match phase {
            Phase::Idle => server.keep_alive_timeout,
            Phase::Head => server.header_timeout,
            Phase::Handling => return None,
            Phase::Answering | Phase::Flushing => server.request_timeout,
        };
        Some(since + limit.get())
    }
}

impl Tap for Vigil {
    fn received(&self, bytes: usize) {
        if bytes > 0 {
            self.step(&[Phase::Idle], Phase::Head);
        }
    }

    fn flushed(&self) {
        self.step(&[Phase::Flushing], Phase::Idle);
    }
}
