//! One person: walks the steps, each with what earlier ones kept, and fares well or not.

use std::path::Path;
use std::time::Duration;

use daemon::http::{Client, Network};
use daemon::probe::{Escape, Fell, Names, Ready};
use tokio::time::Instant;
use watch::journal::Fault;
use watch::plan::{Access, Step};

use crate::file::Reason;
use crate::words::Words;

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
        let taken = match Ready::new(step) {
            // A request that is sent twice would be counted twice.
            Ok(ready) => ready.take(&client, &mut words, begun + patience, false).await.1.map_err(reason),
            Err(why) => Err((Reason::Harness, why)),
        };
        taken.map_err(|(reason, what)| {
            let what = format!("{}: {}", step.name, words.cover(&what));
            Fared { reason, what }
        })?;
    }
    Ok(begun.elapsed())
}

/// The names of a run mean what they stand for, wherever that is.
impl Names for Words {
    fn fill(&self, text: &str, _: Escape) -> Result<String, String> {
        Words::fill(self, text).map_err(|unknown| format!("`${{{}}}` stands for nothing", unknown.name))
    }

    fn is_answered(&self, _: &str) -> bool {
        false
    }

    fn keep(&mut self, name: &str, value: String) {
        // A token lets one in: it is not shown.
        self.set_secret(name, value);
    }
}

fn reason(fell: Fell) -> (Reason, String) {
    let reason = match fell.fault {
        Fault::Timeout | Fault::Status(504 | 408) => Reason::Timeout,
        Fault::Status(429) => Reason::Throttled,
        Fault::Status(401 | 403) => Reason::Credentials,
        Fault::Ours => Reason::Harness,
        _ => Reason::Dependency,
    };
    match fell.fault {
        Fault::Status(status) => (reason, format!("status {status}")),
        _ => (reason, fell.words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_has_the_reason_that_a_person_would_give() {
        let of = |fault| reason(Fell { fault, words: "as it was said".to_owned() });
        assert_eq!(of(Fault::Status(504)), (Reason::Timeout, "status 504".to_owned()));
        assert_eq!(of(Fault::Timeout), (Reason::Timeout, "as it was said".to_owned()));
        assert_eq!(
            [408, 429, 401, 403, 500].map(|status| of(Fault::Status(status)).0),
            [
                Reason::Timeout,
                Reason::Throttled,
                Reason::Credentials,
                Reason::Credentials,
                Reason::Dependency,
            ]
        );
        let others = [Fault::Dns, Fault::Connect, Fault::Tls, Fault::Broken, Fault::Answer];
        assert!(others.map(of).iter().all(|(reason, _)| *reason == Reason::Dependency));
        assert_eq!(of(Fault::Ours).0, Reason::Harness);
    }
}
