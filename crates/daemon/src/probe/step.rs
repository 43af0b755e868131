//! One step of a user's way: a request, what is expected of its answer, and what later steps need of that.
//!
//! The probe of a watch takes steps, and so do the people of a configuration test. What stands for the names
//! in a step, and what is made of how it ended, is theirs.

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::time::Instant;
use watch::journal::{Fault, Phases};
use watch::plan::Step;

use super::template::Escape;
use crate::http::{Ask, Client, Failed, Trouble, Url};

/// The largest answer of a step, in bytes. Tokens and profiles have a few thousand.
const LARGEST_ANSWER: u64 = 1024 * 1024;

/// A step that is ready to be taken.
pub struct Ready {
    name: String,
    method: Method,
    url: String,
    headers: Vec<(HeaderName, String)>,
    body: Option<(String, Escape)>,
    expect: Vec<(u16, u16)>,
    keep: Vec<(String, String)>,
}

/// What stands for the names in steps.
pub trait Names {
    /// A text with its names replaced, so that each value means itself where it stands.
    ///
    /// # Errors
    /// Says which name has no value.
    fn fill(&self, text: &str, escape: Escape) -> Result<String, String>;

    /// Whether something that a step kept stands in a text, so that it may be whatever the answer says.
    fn is_answered(&self, text: &str) -> bool;

    /// A step kept this of its answer.
    fn keep(&mut self, name: &str, value: String);
}

/// Why a step failed, and in words, which hold nothing that was sent or answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fell {
    /// Whose fault it is.
    pub fault: Fault,
    /// What was seen.
    pub words: String,
}

impl Fell {
    pub(super) fn new(fault: Fault, words: String) -> Self {
        Self { fault, words }
    }

    fn ours(words: String) -> Self {
        Self::new(Fault::Ours, words)
    }
}

impl Ready {
    /// # Errors
    /// Says what of the step can never be sent.
    pub fn new(step: &Step) -> Result<Self, String> {
        let header = |(name, value): &(String, String)| match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => Ok((name, value.clone())),
            Err(_) => Err(format!("{name:?} is no name of a header")),
        };
        let mut headers: Vec<_> = step.headers.iter().map(header).collect::<Result<_, _>>()?;
        let kind = headers.iter().find(|(name, _)| *name == CONTENT_TYPE).map(|(_, kind)| kind.as_str());
        let body = step.body.as_ref().map(|body| (body.clone(), Escape::of_body(kind, body)));
        // Few services take JSON that does not say so.
        if let (None, Some((_, Escape::Json))) = (kind, &body) {
            headers.push((CONTENT_TYPE, "application/json".to_owned()));
        }
        Ok(Self {
            name: step.name.clone(),
            method: Method::from_bytes(step.method.as_bytes())
                .map_err(|_| format!("{:?} is no method", step.method))?,
            url: step.url.clone(),
            headers,
            body,
            expect: step.expect.clone(),
            keep: step.keep.clone(),
        })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it does no harm if it is taken twice.
    pub(super) fn is_idempotent(&self) -> bool {
        self.method.is_idempotent()
    }

    /// All texts in which names may stand.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let headers = self.headers.iter().map(|(_, value)| value.as_str());
        let body = self.body.iter().map(|(body, _)| body.as_str());
        std::iter::once(self.url.as_str()).chain(headers).chain(body)
    }

    /// Takes it, at the latest until `deadline`; how long its phases took, as far as they came. It is sent
    /// anew over a fresh connection where a kept one turns out to be closed, if it is `repeatable`.
    pub async fn take(
        &self,
        client: &Client,
        names: &mut impl Names,
        deadline: Instant,
        repeatable: bool,
    ) -> (Phases, Result<(), Fell>) {
        let (url, headers, body) = match self.request(names) {
            Ok(request) => request,
            Err(fell) => return (Phases::default(), Err(fell)),
        };
        let ask = Ask {
            method: self.method.clone(),
            url: &url,
            headers: &headers,
            body,
            timeout: deadline.saturating_duration_since(Instant::now()),
            most: LARGEST_ANSWER,
            repeatable,
        };
        match client.whole(&ask).await {
            Ok(answer) => (answer.phases, self.judge(answer.status, &answer.body, names)),
            Err(failed) => (failed.phases, Err(fell(failed))),
        }
    }

    /// What is asked, with all names replaced.
    fn request(&self, names: &impl Names) -> Result<Request, Fell> {
        let fill = |text: &str, escape| names.fill(text, escape).map_err(Fell::ours);
        let url = Url::parse(&fill(&self.url, Escape::Url)?)
            .map_err(|why| Fell::ours(format!("its `url` {why}")))?;
        let mut headers = Vec::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            let mut filled = HeaderValue::try_from(fill(value, Escape::No)?).map_err(|_| {
                let fault = if names.is_answered(value) { Fault::Answer } else { Fault::Ours };
                Fell::new(fault, format!("the header {name} would hold what no header can carry"))
            })?;
            filled.set_sensitive(true);
            headers.push((name.clone(), filled));
        }
        let body = self.body.as_ref().map(|(body, escape)| fill(body, *escape)).transpose()?;
        Ok((url, headers, Bytes::from(body.unwrap_or_default())))
    }

    /// Whether an answer is what was expected; keeps of it what later steps need.
    fn judge(&self, status: u16, body: &[u8], names: &mut impl Names) -> Result<(), Fell> {
        if !self.expect.iter().any(|(from, to)| (*from..=*to).contains(&status)) {
            return Err(Fell::new(Fault::Status(status), format!("answers with the status {status}")));
        }
        if self.keep.is_empty() {
            return Ok(());
        }
        let lacks = |words: String| Fell::new(Fault::Answer, words);
        let answer: Value =
            serde_json::from_slice(body).map_err(|_| lacks("its answer is no JSON".to_owned()))?;
        for (name, pointer) in &self.keep {
            let value = match answer.pointer(pointer) {
                Some(Value::Null) | None => {
                    return Err(lacks(format!("its answer has nothing at {pointer}")));
                }
                Some(Value::String(text)) => text.clone(),
                Some(value) => value.to_string(),
            };
            names.keep(name, value);
        }
        Ok(())
    }
}

/// URL, headers and body of a step.
type Request = (Url, Vec<(HeaderName, HeaderValue)>, Bytes);

fn fell(failed: Failed) -> Fell {
    let fault = match failed.trouble {
        Trouble::Dns => Fault::Dns,
        Trouble::Connect => Fault::Connect,
        Trouble::Tls => Fault::Tls,
        Trouble::Timeout => Fault::Timeout,
        Trouble::Broken | Trouble::Protocol | Trouble::TooLarge => Fault::Broken,
        Trouble::Ours => Fault::Ours,
    };
    Fell::new(fault, failed.why)
}
