//! A `POST` of our own JSON (`schema/alert-v1.json`), with the header `Idempotency-Key`.

use std::path::Path;
use std::time::Duration;

use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use watch::plan::Channel;

use watch::alert::Refusal;

use super::{Attempt, Letter, Way, refused};
use crate::http::{Client, Network, Url};

/// As many bytes of an answer as are read; what it says is not used.
pub(super) const ANSWER: u64 = 64 * 1024;

/// What every `POST` of JSON says.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A webhook.
pub(super) struct Webhook {
    client: Client,
    url: Url,
    timeout: Duration,
}

impl Webhook {
    pub(super) fn new(url: &str, channel: &Channel, base: &Path, network: &Network) -> Result<Self, String> {
        let client = Client::new(&channel.access, base, network);
        Ok(Self { client, url: Url::parse(url)?, timeout: channel.timeout })
    }
}

impl Way for Webhook {
    fn hand_over<'a>(&'a self, letter: &'a Letter) -> Attempt<'a> {
        Box::pin(async move {
            let key = HeaderValue::from_str(&letter.key)
                .map_err(|_| Refusal::for_good("the key of the notice is no header"))?;
            let headers = [(CONTENT_TYPE, JSON), (HeaderName::from_static("idempotency-key"), key)];
            post(&self.client, &self.url, &headers, letter.published.line(), self.timeout).await
        })
    }
}

/// A `POST` that a status of success ends.
pub(super) async fn post(
    client: &Client,
    url: &Url,
    headers: &[(HeaderName, HeaderValue)],
    body: String,
    timeout: Duration,
) -> Result<(), Refusal> {
    match client.post(url, headers, body, timeout, ANSWER).await {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
        Ok(answer) => Err(refused(answer.status)),
        Err(failed) => Err(Refusal::for_now(failed.why)),
    }
}
