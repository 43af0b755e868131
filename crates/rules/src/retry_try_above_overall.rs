//! One attempt may take as long as the whole call, so a slow attempt is never repeated. One file
//! decides; sums of several attempts belong to `retry-exceeds-overall`.

use model::{Environment, FailureMode, Finding, Fleet, Level, pretty};

use crate::client::Client;
use crate::sums::Sum;
use crate::{Check, Found, Margins, Rule, labels, round};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "retry-try-above-overall",
    summary: "one attempt may take as long as the whole call with its retries",
    mode: FailureMode::RetryInert,
    level: Level::Warning,
    since: "0.1",
    docs: include_str!("retry_try_above_overall.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    for client in Client::all(fleet, environment) {
        // Keys that stand together by chance say nothing about one call.
        if client.is_loose() {
            continue;
        }
        let Some(sum) = Sum::among(|knob| client.knob(knob)) else { continue };
        let Some((overall, limit)) = sum.budget.overall else { continue };
        let Some(limit) = limit.finite() else { continue };
        // An attempt's limit that nobody chose promises nothing: the retries are then meant for
        // attempts that fail fast. Where it has several parts, `retry-exceeds-overall` shows the sum.
        let is_chosen = !sum.attempt.0.value.origin.is_default();
        if sum.attempts() > 1 && sum.attempt.1 >= limit && is_chosen && !sum.is_of_parts() {
            found.report(finding(&client, &sum, overall, limit));
        }
    }
}

fn finding(
    client: &Client<'_>,
    sum: &Sum<'_>,
    overall: &model::Setting,
    limit: std::time::Duration,
) -> Finding {
    let calls = client.calls();
    let (one, end) = (pretty(sum.attempt.1), pretty(limit));
    let mut labels = sum.labels();
    labels.push(labels::at(overall, format!("ends the call with all its {} attempts", sum.attempts())));
    let each = sum.attempt_for(limit).and_then(|each| round::at_most(sum.attempt.0, |length| length <= each));
    let help = match each {
        Some(each) => {
            format!("lower `{}` to at most {each}, or switch the retries off", sum.attempt.0.key)
        }
        None => format!(
            "raise `{}` to at least {}, or switch the retries off",
            overall.key,
            round::at_least(overall, sum.all)
        ),
    };
    let mut assumptions = client.guesses(&[overall]);
    assumptions.extend(sum.guesses());
    Finding {
        rule: RULE.name,
        level: Level::Warning,
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: client.subject(),
        title: format!(
            "{calls} are never repeated when slow: one attempt may take {one}, the whole call {end}"
        ),
        labels,
        arithmetic: vec![format!("{one} >= {end}")],
        help,
        assumptions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::run;

    #[test]
    fn attempt_takes_the_whole_call() {
        insta::assert_snapshot!(run(&RULE, "
            gateway.yaml: gateway -> auth
              perTryTimeout  attempt     5s
              attempts       retries     2
              timeout        whole-call  5s
        "), @r"
        warning (in file, retry-inert, gateway -> auth): gateway's calls to auth are never repeated when slow: one attempt may take 5 s, the whole call 5 s
          gateway.yaml:2 perTryTimeout = 5s -- ends one attempt
          gateway.yaml:3 attempts = 2 -- 3 attempts
          gateway.yaml:4 timeout = 5s -- ends the call with all its 3 attempts
          sum: 5 s >= 5 s
          help: lower `perTryTimeout` to at most 1.6 s, or switch the retries off
        ");
    }

    #[test]
    fn client_of_an_unknown_callee_speaks_for_itself() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth [client]
              attempt_timeout  attempt     5s
              retries          retries     2
              timeout          whole-call  5s
        "), @r"
        warning (in file, retry-inert, auth): the calls of auth are never repeated when slow: one attempt may take 5 s, the whole call 5 s
          auth.toml:2 attempt_timeout = 5s -- ends one attempt
          auth.toml:3 retries = 2 -- 3 attempts
          auth.toml:4 timeout = 5s -- ends the call with all its 3 attempts
          sum: 5 s >= 5 s
          help: lower `attempt_timeout` to at most 1.6 s, or switch the retries off
        ");
    }

    #[test]
    fn quiet_where_retries_fit_are_off_or_meant_for_fast_failures() {
        for text in [
            // Variables side by side need not be of one client.
            "a: auth [loose]
               attempt  attempt     9s
               retries  retries     2
               timeout  whole-call  9s",
            "a: auth -> directory
               attempt  attempt     3s
               retries  retries     2
               timeout  whole-call  5s",
            "a: auth -> directory
               attempt  attempt     5s
               retries  retries     0
               timeout  whole-call  5s",
            r#"a: auth -> directory
               read     between-bytes  60s  default "Toy read"
               retries  retries        2
               timeout  whole-call     5s"#,
            // `retry-exceeds-overall` adds the parts up.
            "a: auth -> directory
               connect  connect        1s
               read     between-bytes  5s
               retries  retries        2
               timeout  whole-call     5s",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
