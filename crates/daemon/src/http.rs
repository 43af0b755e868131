//! A small HTTP/1.1 client for scrapes, probes and channels: one connection kept for each place, one
//! deadline for all of a request, a limit on what an answer may have, and the times of its phases.
//!
//! Follows no redirect, asks for no compression, goes through no proxy, and shows no secret.

mod connection;
mod dial;
mod failed;
mod names;
#[cfg(test)]
mod tests;
mod tls;
mod url;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response};
use tokio::time::{Instant, timeout_at};
use watch::journal::Phases;
use watch::plan::Access;

use crate::access::Credentials;

pub use failed::{Failed, Trouble};
pub use url::Url;

use connection::{Connection, Stage};
use failed::Broke;
use names::Names;
use tls::{Machine, Tls};
use url::Origin;

/// How we call ourselves.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("forewarn/", env!("CARGO_PKG_VERSION")));

/// What all clients of a process share: lookups that are under way, and whom the machine trusts.
#[derive(Clone, Default)]
pub struct Network(Arc<Shared>);

#[derive(Default)]
struct Shared {
    names: Names,
    machine: Machine,
}

impl Network {
    pub(crate) fn names(&self) -> &Names {
        &self.0.names
    }
}

/// Sends requests with one kind of access.
pub struct Client {
    network: Network,
    credentials: Credentials,
    tls: Tls,
    /// Idle connections, the one used last on top.
    kept: Mutex<HashMap<Origin, Vec<Connection>>>,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: &'a Url,
    /// Headers beside those that the client adds (`Host`, `Authorization`, `User-Agent`, lengths); one
    /// that is stated here takes the place of the client's.
    pub headers: &'a [(HeaderName, HeaderValue)],
    /// The body.
    pub body: Bytes,
    /// How long all of it may take, to the last byte of the answer.
    pub timeout: Duration,
    /// How many bytes the body of the answer may have.
    pub most: u64,
    /// Whether it does no harm if it arrives twice. Then it is sent again over a new connection where
    /// the kept one turns out to be closed; any other request only where nothing of it was sent.
    pub repeatable: bool,
}

/// An answer, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status; redirects are not followed.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// How long it took.
    pub phases: Phases,
}

impl Client {
    /// A client that gets in as the plan says; files are relative to `base`, and read when they are
    /// needed.
    #[must_use]
    pub fn new(access: &Access, base: &Path, network: &Network) -> Self {
        Self {
            network: network.clone(),
            credentials: Credentials::of(access, base),
            tls: Tls::of(access, base),
            kept: Mutex::default(),
        }
    }

    /// A `GET`.
    ///
    /// # Errors
    ///
    /// Without a whole answer. A status that is no success is an answer.
    pub async fn get(&self, url: &Url, timeout: Duration, most: u64) -> Result<Answer, Failed> {
        let method = Method::GET;
        let body = Bytes::new();
        self.whole(&Ask { method, url, headers: &[], body, timeout, most, repeatable: true }).await
    }

    /// A `POST` that may arrive twice, since its receiver knows it by its key.
    ///
    /// # Errors
    ///
    /// As [`Client::get`].
    pub async fn post(
        &self,
        url: &Url,
        headers: &[(HeaderName, HeaderValue)],
        body: impl Into<Bytes>,
        timeout: Duration,
        most: u64,
    ) -> Result<Answer, Failed> {
        let body = body.into();
        self.whole(&Ask { method: Method::POST, url, headers, body, timeout, most, repeatable: true }).await
    }

    /// Any request, and all of its answer.
    ///
    /// # Errors
    ///
    /// As [`Client::get`].
    pub async fn whole(&self, ask: &Ask<'_>) -> Result<Answer, Failed> {
        let mut answering = self.ask(ask).await?;
        let mut body = Vec::new();
        while let Some(piece) = answering.piece().await? {
            body.extend_from_slice(&piece);
        }
        Ok(Answer { status: answering.status(), body, phases: answering.phases() })
    }

    /// Any request, until the head of its answer is there; the body comes piece by piece.
    ///
    /// # Errors
    ///
    /// Where no head came.
    pub async fn ask(&self, ask: &Ask<'_>) -> Result<Answering<'_>, Failed> {
        let begun = Instant::now();
        let deadline = begun + ask.timeout;
        let mut phases = Phases::default();
        match timeout_at(deadline, self.head(ask, deadline, &mut phases)).await {
            Ok(Ok((response, connection))) => {
                let (head, body) = response.into_parts();
                Ok(Answering {
                    client: self,
                    origin: ask.url.origin(),
                    connection: Some(connection),
                    status: head.status.as_u16(),
                    headers: head.headers,
                    body,
                    begun,
                    deadline,
                    left: ask.most,
                    most: ask.most,
                    phases,
                })
            }
            Ok(Err(broke)) => Err(broke.with(phases)),
            Err(_) => Err(late(ask.timeout).with(phases)),
        }
    }

    async fn head(
        &self,
        ask: &Ask<'_>,
        deadline: Instant,
        phases: &mut Phases,
    ) -> Result<(Response<Incoming>, Connection), Broke> {
        let request = self.request(ask)?;
        if let Some(mut connection) = self.take(&ask.url.origin()) {
            let sent = Instant::now();
            match connection.send(request.clone()).await {
                Ok(response) => {
                    phases.first_byte = connection.first_byte_after(sent);
                    return Ok((response, connection));
                }
                // The other side may close an idle connection at any time, also while we send.
                Err(lost) if lost.stage == Stage::Unsent => {}
                Err(lost) if lost.stage == Stage::Silent && ask.repeatable => {}
                Err(lost) => return Err(lost.broke),
            }
        }
        let Shared { names, machine } = &*self.network.0;
        let stream = dial::dial(ask.url, names, &self.tls, machine, deadline, phases).await?;
        let mut connection = Connection::over(stream).await?;
        let sent = Instant::now();
        let response = connection.send(request).await.map_err(|lost| lost.broke)?;
        phases.first_byte = connection.first_byte_after(sent);
        Ok((response, connection))
    }

    fn request(&self, ask: &Ask<'_>) -> Result<Request<Full<Bytes>>, Broke> {
        let ours = |why| Broke::new(Trouble::Ours, why);
        let mut request = Request::new(Full::new(ask.body.clone()));
        *request.method_mut() = ask.method.clone();
        *request.uri_mut() = ask.url.target.clone();
        let headers = request.headers_mut();
        headers.insert(header::HOST, ask.url.authority.clone());
        headers.insert(header::USER_AGENT, AGENT);
        if let Some(value) = self.credentials.header().map_err(ours)? {
            headers.insert(header::AUTHORIZATION, value);
        }
        for (name, _) in ask.headers {
            headers.remove(name);
        }
        for (name, value) in ask.headers {
            headers.append(name, value.clone());
        }
        Ok(request)
    }

    /// Closes what is kept.
    pub fn forget(&self) {
        self.kept().clear();
    }

    /// Closes what is kept for other places than these.
    pub(crate) fn keep_only<'u>(&self, urls: impl Iterator<Item = &'u Url>) {
        let wanted: HashSet<Origin> = urls.map(Url::origin).collect();
        self.kept().retain(|origin, _| wanted.contains(origin));
    }

    fn take(&self, origin: &Origin) -> Option<Connection> {
        let mut kept = self.kept();
        let kept = kept.get_mut(origin)?;
        while let Some(connection) = kept.pop() {
            if !connection.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Origin, Vec<Connection>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer whose body is still coming.
pub struct Answering<'a> {
    client: &'a Client,
    origin: Origin,
    /// Given back when the answer is whole.
    connection: Option<Connection>,
    status: u16,
    headers: HeaderMap,
    body: Incoming,
    begun: Instant,
    deadline: Instant,
    left: u64,
    most: u64,
    phases: Phases,
}

impl Answering<'_> {
    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Whether the end of the body is marked. A body that ends when the connection does may have been
    /// cut without a trace.
    #[must_use]
    pub fn ends_marked(&self) -> bool {
        self.body.size_hint().exact().is_some() || self.headers.contains_key(header::TRANSFER_ENCODING)
    }

    /// How long it took, as far as it has come.
    #[must_use]
    pub fn phases(&self) -> Phases {
        self.phases
    }

    /// The next piece of the body; nothing after its end.
    ///
    /// # Errors
    ///
    /// Where the body breaks off, is larger than allowed, or does not end in time.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, Failed> {
        let piece = self.next().await.map_err(|broke| {
            self.connection = None;
            broke.with(self.phases)
        })?;
        if piece.is_none() && self.phases.whole.is_none() {
            self.phases.whole = Some(micros(self.begun));
            if let Some(connection) = self.connection.take().filter(|connection| !connection.is_closed()) {
                self.client.kept().entry(self.origin.clone()).or_default().push(connection);
            }
        }
        Ok(piece)
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Broke> {
        let too_large =
            || Broke::new(Trouble::TooLarge, format!("the answer has more than {} bytes", self.most));
        if self.body.size_hint().lower() > self.left {
            return Err(too_large());
        }
        loop {
            let frame = match timeout_at(self.deadline, self.body.frame()).await {
                Ok(None) => return Ok(None),
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return Err(Broke::hyper(&error)),
                Err(_) => return Err(late(self.deadline.duration_since(self.begun))),
            };
            // What is no data is a trailer.
            let Ok(piece) = frame.into_data() else { continue };
            let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            self.left = self.left.checked_sub(length).ok_or_else(too_large)?;
            return Ok(Some(piece));
        }
    }
}

fn late(timeout: Duration) -> Broke {
    Broke::new(Trouble::Timeout, format!("no whole answer within {} ms", timeout.as_millis()))
}

/// The time since a moment, in microseconds.
fn micros(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX)
}
