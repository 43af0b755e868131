//! All attempts of a call, each to its end, do not fit into the limit of the call: the last
//! retries are cut or never start. One file decides.

use model::{Environment, FailureMode, Finding, Fleet, Level, pretty};

use crate::client::Client;
use crate::sums::Sum;
use crate::{Check, Found, Margins, Rule, labels, round};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "retry-exceeds-overall",
    summary: "the attempts of a call do not fit into its overall limit",
    mode: FailureMode::RetryInert,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("retry_exceeds_overall.md"),
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
        // Where the limit of one attempt takes it all, `retry-try-above-overall` says so. A part of an attempt
        // that nobody chose promises nothing: the retries are then meant for attempts that fail fast.
        let is_shorter = sum.attempt.1 < limit;
        let is_chosen = sum.is_of_parts() && !sum.attempt.0.value.origin.is_default();
        if sum.attempts() > 1 && (is_shorter || is_chosen) && sum.all > limit {
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
    let (attempts, fit) = (sum.attempts(), sum.attempts_within(limit));
    let (end, all) = (pretty(limit), pretty(sum.all));
    // Where no retry fits, each slow call sends a second request whose answer nobody awaits to its
    // end: load on a slow callee, for nothing.
    let (level, title) = if fit <= 1 {
        let title = format!(
            "no retry of {calls} fits: all {attempts} attempts take {all}, the call ends after {end}"
        );
        (Level::Error, title)
    } else {
        let title = format!(
            "only {fit} of {attempts} attempts of {calls} fit: all take {all}, the call ends after {end}"
        );
        (Level::Warning, title)
    };
    // Nobody promised retries that a product brings along.
    let promised = sum.budget.attempts.1.is_some_and(|setting| !setting.value.origin.is_default());
    let level = if promised { level } else { Level::Note };
    let mut labels = sum.labels();
    if sum.attempt.0.value.origin.is_default() {
        // Nothing to change at a key that is not there, so the number of attempts comes first.
        labels.swap(0, 1);
    }
    labels.push(labels::at(overall, format!("ends the call with all its {attempts} attempts")));
    let mut ways = Vec::new();
    if let Some(each) =
        sum.attempt_for(limit).and_then(|each| round::at_most(sum.attempt.0, |length| length <= each))
    {
        ways.push(format!("lower `{}` to at most {each}", sum.attempt.0.key));
    }
    if let (true, Some(setting)) = (fit >= 1, sum.budget.attempts.1) {
        let retries = setting.knob == model::Knob::Retries;
        ways.push(format!("lower `{}` to {}", setting.key, if retries { fit - 1 } else { fit }));
    }
    ways.push(format!("raise `{}` to at least {}", overall.key, round::at_least(overall, sum.all)));
    if fit == 0 {
        ways.push("switch the retries off".to_owned());
    }
    let mut assumptions = client.guesses(&[overall]);
    assumptions.extend(sum.guesses());
    Finding {
        rule: RULE.name,
        level,
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: client.subject(),
        title,
        labels,
        arithmetic: vec![format!("{} > {end}", sum.written())],
        help: ways.join(", or "),
        assumptions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::run;

    #[test]
    fn some_retries_fit() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth -> directory
              attempt_timeout  attempt       4s
              retries          retries       2
              backoff          backoff-base  1s
              timeout          whole-call    10s
        "), @r"
        warning (in file, retry-inert, auth -> directory): only 2 of 3 attempts of auth's calls to directory fit: all take 14 s, the call ends after 10 s
          auth.toml:2 attempt_timeout = 4s -- ends one attempt
          auth.toml:3 retries = 2 -- 3 attempts
          auth.toml:4 backoff = 1s -- the first wait between them
          auth.toml:5 timeout = 10s -- ends the call with all its 3 attempts
          sum: (2 + 1) x 4 s + 2 s back-off = 14 s > 10 s
          help: lower `attempt_timeout` to at most 2.5 s, or lower `retries` to 1, or raise `timeout` to at least 14 s
        ");
    }

    #[test]
    fn no_retry_fits() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth -> directory
              connect_timeout  connect     1s
              read_timeout     first-byte  5s  default "Toy read_timeout"
              max_attempts     attempts    3
              timeout          whole-call  8s
        "#), @r"
        error (in file, retry-inert, auth -> directory): no retry of auth's calls to directory fits: all 3 attempts take 18 s, the call ends after 8 s
          auth.toml:4 max_attempts = 3 -- 3 attempts
          auth.toml:3 read_timeout = 5s -- ends one attempt; 5 s is the default of Toy read_timeout, not set here
          auth.toml:2 connect_timeout = 1s -- comes before it
          auth.toml:5 timeout = 8s -- ends the call with all its 3 attempts
          sum: 3 x (1 s connect + 5 s) = 18 s > 8 s
          help: lower `read_timeout` to at most 1.6 s, or lower `max_attempts` to 1, or raise `timeout` to at least 18 s
        ");
    }

    #[test]
    fn parts_of_an_attempt_are_added_up_even_where_one_takes_it_all() {
        insta::assert_snapshot!(run(&RULE, r#"
            gateway.yml: gateway -> ledger
              connect  connect        20s
              read     between-bytes  20s
              tries    attempts       2    default "Toy tries"
              breaker  whole-call     20s
        "#), @r"
        note (in file, retry-inert, gateway -> ledger): no retry of gateway's calls to ledger fits: all 2 attempts take 80 s, the call ends after 20 s
          gateway.yml:3 read = 20s -- ends one attempt
          gateway.yml:4 tries = 2 -- 2 attempts; 2 is the default of Toy tries, not set here
          gateway.yml:2 connect = 20s -- comes before it
          gateway.yml:5 breaker = 20s -- ends the call with all its 2 attempts
          sum: 2 x (20 s connect + 20 s) = 80 s > 20 s
          help: raise `breaker` to at least 80 s, or switch the retries off
        ");
    }

    #[test]
    fn client_of_an_unknown_callee_speaks_for_itself() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth [client]
              attempt_timeout  attempt     2s
              retries          retries     2
              timeout          whole-call  5s
        "), @r"
        warning (in file, retry-inert, auth): only 2 of 3 attempts of the calls of auth fit: all take 6 s, the call ends after 5 s
          auth.toml:2 attempt_timeout = 2s -- ends one attempt
          auth.toml:3 retries = 2 -- 3 attempts
          auth.toml:4 timeout = 5s -- ends the call with all its 3 attempts
          sum: (2 + 1) x 2 s = 6 s > 5 s
          help: lower `attempt_timeout` to at most 1.6 s, or lower `retries` to 1, or raise `timeout` to at least 6 s
        ");
    }

    #[test]
    fn quiet_where_all_fit_or_nothing_is_repeated() {
        for text in [
            // Variables side by side need not be of one client.
            "a: auth [loose]
               attempt  attempt     9s
               retries  retries     2
               timeout  whole-call  9s",
            "a: auth -> directory
               attempt  attempt     3s
               retries  retries     2
               timeout  whole-call  9s",
            "a: auth -> directory
               attempt  attempt     6s
               retries  retries     0
               timeout  whole-call  5s",
            // `retry-try-above-overall` says it.
            "a: auth -> directory
               attempt  attempt     9s
               retries  retries     2
               timeout  whole-call  9s",
            "a: auth -> directory
               attempt  attempt     9s
               retries  retries     2
               timeout  whole-call  never",
            r#"a: auth -> directory
               connect  connect        1s
               read     between-bytes  60s  default "Toy read"
               retries  retries        2
               timeout  whole-call     5s"#,
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
