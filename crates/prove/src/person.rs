//! One person: walks the steps, each with what earlier ones kept, and fares well or not.

use std::path::Path;
use std::time::Duration;

use daemon::http::{Ask, Client, Failed, Network, Trouble as HttpTrouble, Url};
use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::time::Instant;
use watch::plan::{Access, Step};

use crate::file::Reason;
use crate::words::Words;

/// How many bytes an answer may have: a sign-in has a few thousand.
const MOST: u64 = 1 << 20;

/// How a person fared who did not fare well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fared {
    /// Why.
    pub reason: Reason,
    /// At which step, and what was seen there.
    pub what: String,
}

/// Walks the steps, over connections of its own. `patience` is for all of them together.
///
/// # Errors
/// How the person fared who did not fare well.
pub async fn walk(
    steps: &[Step],
    mut words: Words,
    network: &Network,
    patience: Duration,
) -> Result<Duration, Fared> {
    let client = Client::new(&Access::default(), Path::new("."), network);
    let begun = Instant::now();
    for step in steps {
        let left = patience.saturating_sub(begun.elapsed());
        take(step, &client, &mut words, left).await.map_err(|(reason, what)| {
            let what = format!("{}: {}", step.name, words.cover(&what));
            Fared { reason, what }
        })?;
    }
    Ok(begun.elapsed())
}

type NotTaken = (Reason, String);

async fn take(step: &Step, client: &Client, words: &mut Words, left: Duration) -> Result<(), NotTaken> {
    let fill = |text: &str| {
        words
            .fill(text)
            .map_err(|unknown| (Reason::Harness, format!("`${{{}}}` stands for nothing", unknown.name)))
    };
    let harness = |what: String| (Reason::Harness, what);
    let url = Url::parse(&fill(&step.url)?).map_err(harness)?;
    let method = Method::from_bytes(step.method.as_bytes()).map_err(|error| harness(error.to_string()))?;
    let mut headers = step
        .headers
        .iter()
        .map(|(name, value)| {
            let name = name.parse::<HeaderName>().map_err(|error| harness(error.to_string()))?;
            let value = HeaderValue::from_str(&fill(value)?).map_err(|error| harness(error.to_string()))?;
            Ok((name, value))
        })
        .collect::<Result<Vec<_>, NotTaken>>()?;
    let body = step.body.as_deref().map(fill).transpose()?.unwrap_or_default();
    if body.starts_with(['{', '[']) && !headers.iter().any(|(name, _)| *name == CONTENT_TYPE) {
        headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
    }
    let ask = Ask {
        method,
        url: &url,
        headers: &headers,
        body: Bytes::from(body),
        timeout: left,
        most: MOST,
        repeatable: false,
    };
    let mut answering = client.ask(&ask).await.map_err(|failed| of_failed(&failed))?;
    let status = answering.status();
    let mut answer = Vec::new();
    while let Some(piece) = answering.piece().await.map_err(|failed| of_failed(&failed))? {
        answer.extend_from_slice(&piece);
    }
    if !step.expect.iter().any(|&(from, to)| (from..=to).contains(&status)) {
        return Err((of_status(status), format!("status {status}")));
    }
    if step.keep.is_empty() {
        return Ok(());
    }
    let json: Value = serde_json::from_slice(&answer)
        .map_err(|error| (Reason::Dependency, format!("an answer that is no JSON: {error}")))?;
    for (name, pointer) in &step.keep {
        let kept = match json.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => return Err((Reason::Dependency, format!("an answer without {pointer}"))),
        };
        // A token lets one in: it is not shown.
        words.set_secret(name, kept);
    }
    Ok(())
}

fn of_status(status: u16) -> Reason {
    match status {
        504 | 408 => Reason::Timeout,
        429 => Reason::Throttled,
        401 | 403 => Reason::Credentials,
        _ => Reason::Dependency,
    }
}

fn of_failed(failed: &Failed) -> NotTaken {
    let reason = match failed.trouble {
        HttpTrouble::Timeout => Reason::Timeout,
        HttpTrouble::Ours => Reason::Harness,
        _ => Reason::Dependency,
    };
    (reason, failed.why.clone())
}
