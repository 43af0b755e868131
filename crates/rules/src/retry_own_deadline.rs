//! Retries on "deadline exceeded" under the very deadline that is exceeded: no time is left for them.

use std::collections::BTreeSet;

use model::{Covers, Environment, FailureMode, Finding, Fleet, Knob, Level, Setting, pretty};

use crate::client::Client;
use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "retry-own-deadline",
    summary: "a call is tried again when its own deadline has passed",
    mode: FailureMode::RetryInert,
    level: Level::Note,
    since: "0.1",
    docs: include_str!("retry_own_deadline.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let mut said = BTreeSet::new();
    for client in Client::all(fleet, environment).iter().filter(|client| !client.is_loose()) {
        let Some(on) = client.knob(Knob::RetryOn) else { continue };
        if !on.retry_on().is_some_and(|on| on.deadline) {
            continue;
        }
        let Some((retries @ 1.., count)) = client.retries() else { continue };
        let Some((whole, limit)) = client.limit(Covers::WholeCall) else { continue };
        let Some(limit) = limit.finite() else { continue };
        // A shorter limit of one attempt leaves time for the next.
        if client.limit(Covers::Attempt).is_some_and(|(_, attempt)| attempt < model::Limit::After(limit)) {
            continue;
        }
        if !said.insert((&on.value.origin, &whole.value.origin)) {
            continue;
        }
        let settings: [&Setting; 3] = [on, whole, count];
        let labels = vec![
            labels::at(on, "names the end of the deadline"),
            labels::at(whole, "is the deadline, of all attempts together"),
            labels::at(count, format!("repeats a call {} at most", labels::counted(retries, "time"))),
        ];
        let assumptions = client.guesses(&settings);
        found.report(Finding {
            rule: RULE.name,
            level: Level::Note,
            basis: labels::basis(&labels),
            mode: RULE.mode,
            environments: Vec::new(),
            subject: client.subject(),
            title: format!(
                "{} are tried again where their deadline has passed: of the {} for all attempts nothing is left then",
                client.calls(),
                pretty(limit)
            ),
            labels,
            arithmetic: vec![format!("{} - {} = 0 s", pretty(limit), pretty(limit))],
            help: format!(
                "take the deadline out of `{}`, or limit one attempt to less than {}",
                on.key,
                pretty(limit)
            ),
            assumptions,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn nothing_is_left_of_the_deadline() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.json: auth -> directory
              maxAttempts           attempts    3
              retryableStatusCodes  retry-on    "UNAVAILABLE DEADLINE_EXCEEDED"
              timeout               whole-call  2s
        "#), @"
        note (in file, retry-inert, auth -> directory): auth's calls to directory are tried again where their deadline has passed: of the 2 s for all attempts nothing is left then
          auth.json:3 retryableStatusCodes = UNAVAILABLE DEADLINE_EXCEEDED -- names the end of the deadline
          auth.json:4 timeout = 2s -- is the deadline, of all attempts together
          auth.json:2 maxAttempts = 3 -- repeats a call 2 times at most
          sum: 2 s - 2 s = 0 s
          help: take the deadline out of `retryableStatusCodes`, or limit one attempt to less than 2 s
        ");
    }

    #[test]
    fn quiet_where_time_is_left_or_no_deadline_known() {
        for text in [
            r#"a: auth -> directory
               attempts  attempts    3
               on        retry-on    "UNAVAILABLE"
               timeout   whole-call  2s"#,
            r#"a: auth -> directory
               attempts  attempts    3
               on        retry-on    "5xx,deadline-exceeded"
               try       attempt     500ms
               timeout   whole-call  2s"#,
            r#"a: auth -> directory
               attempts  attempts    3
               on        retry-on    "DEADLINE_EXCEEDED""#,
            r#"a: auth -> directory
               attempts  attempts    1
               on        retry-on    "DEADLINE_EXCEEDED"
               timeout   whole-call  2s"#,
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
