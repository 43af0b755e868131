//! One person: walks the steps, each with what earlier ones kept, and fares well or not.

use std::path::Path;
use std::time::Duration;

use daemon::http::{Client, Network};
use daemon::probe::{Escape, Fell, Names, Ready};
use tokio::time::Instant;
use watch::journal::Fault;
use watch::plan::{Access, Step};

use crate::file::Reason;
use crate::words::{self, Words};

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
    fn fill(&self, text: &str, escape: Escape) -> Result<String, String> {
        let write = |name: &str, value: &str, filled: &mut String| match self.is_kept(name) {
            true => escape.write(value, false, filled),
            false if words::is_variable(name) => escape.write(value, true, filled),
            // The run's own words are hosts, ports and paths: parts of what the test file says.
            false => filled.push_str(value),
        };
        self.fill_with(text, write).map_err(|unknown| format!("`${{{}}}` stands for nothing", unknown.name))
    }

    fn is_answered(&self, text: &str) -> bool {
        words::names(text).any(|name| self.is_kept(name))
    }

    fn keep(&mut self, name: &str, value: String) {
        Words::keep(self, name, value);
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
    fn what_was_kept_and_the_environment_mean_themselves_where_they_stand() {
        let mut words = Words::default();
        words.set("proxy.directory", "127.0.0.1:20001");
        words.set_secret("HOST", "http://auth:80");
        words.set_secret("PASSWORD", "a\"b\\&c d");
        Names::keep(&mut words, "token", "x\"/&\\ y".to_owned());
        let fill = |text, escape| Names::fill(&words, text, escape).unwrap();
        insta::assert_snapshot!(
            [
                fill("http://${proxy.directory}/u?t=${token}", Escape::Url),
                fill("${HOST}/u", Escape::Url),
                fill(r#"{"at": "${proxy.directory}", "p": "${PASSWORD}", "t": "${token}"}"#, Escape::Json),
                fill("at=${proxy.directory}&p=${PASSWORD}&t=${token}", Escape::Form),
                fill("Bearer ${token}", Escape::No),
            ]
            .join("\n"),
            @r#"
        http://127.0.0.1:20001/u?t=x%22%2F%26%5C%20y
        http://auth:80/u
        {"at": "127.0.0.1:20001", "p": "a\"b\\&c d", "t": "x\"/&\\ y"}
        at=127.0.0.1:20001&p=a%22b%5C%26c%20d&t=x%22%2F%26%5C%20y
        Bearer x"/&\ y
        "#
        );
        assert!(words.is_answered("Bearer ${token}") && !words.is_answered("$${token} ${PASSWORD}"));
    }

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
