//! Takes notices as a pager does: a `POST` of JSON each, stamped when it has come in.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use serde_json::Value;

use crate::server::{Answer, Server};

/// A notice that came in.
#[derive(Debug, Clone)]
pub struct Received {
    /// When.
    pub at: SystemTime,
    /// Under which path.
    pub path: String,
    /// What it says; `null` where it is no JSON.
    pub body: Value,
}

/// A server that takes notices.
#[derive(Debug)]
pub struct Receiver {
    server: Server,
    received: Arc<Mutex<Vec<Received>>>,
    status: Arc<AtomicU16>,
}

impl Receiver {
    /// Starts it.
    pub fn start(address: SocketAddr) -> io::Result<Self> {
        let received = Arc::new(Mutex::new(Vec::new()));
        let status = Arc::new(AtomicU16::new(200));
        let (list, answered) = (Arc::clone(&received), Arc::clone(&status));
        let server = Server::start(address, move |asked| {
            let body = serde_json::from_slice(&asked.body).unwrap_or_default();
            let one = Received { at: SystemTime::now(), path: asked.path.clone(), body };
            let status = answered.load(Ordering::Relaxed);
            if status == 200 {
                list.lock().unwrap_or_else(PoisonError::into_inner).push(one);
            }
            Answer::Text(status, String::new())
        })?;
        Ok(Self { server, received, status })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Answers with another status from now on; notices that are not answered with 200 are not taken.
    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    /// What has come in so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
