//! Testing one pooled connection may take as long as a request waits for one: a single dead connection
//! uses the wait up. One pool's own settings.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{Covers, Environment, FailureMode, Finding, Fleet, Level, Setting, pretty};

use crate::client::Client;
use crate::{Check, Found, Margins, Rule, labels, round};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "pool-validation-above-wait",
    summary: "testing one pooled connection may take as long as a request waits for one",
    mode: FailureMode::PoolExhaustion,
    level: Level::Warning,
    since: "0.1",
    docs: include_str!("pool_validation_above_wait.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let mut said = BTreeSet::new();
    for client in Client::all(fleet, environment).iter().filter(|client| !client.is_loose()) {
        let finite = |covers| client.limit(covers).and_then(|(s, limit)| Some((s, limit.finite()?)));
        let (Some(test), Some(wait)) = (finite(Covers::Validation), finite(Covers::PoolWait)) else {
            continue;
        };
        // Both defaults are their product's affair.
        let chosen = [test.0, wait.0].iter().any(|setting| !setting.value.origin.is_default());
        if test.1 >= wait.1 && chosen && said.insert((&test.0.value.origin, &wait.0.value.origin)) {
            found.report(finding(client, test, wait));
        }
    }
}

fn finding(
    client: &Client<'_>,
    (test, tests): (&Setting, Duration),
    (wait, waits): (&Setting, Duration),
) -> Finding {
    let labels = vec![
        labels::at(test, "covers the test of one connection before it is handed out"),
        labels::at(wait, "covers the wait for a connection"),
    ];
    let assumptions = client.guesses(&[test, wait]);
    let mut ways = Vec::new();
    if let Some(shorter) = round::at_most(test, |length| length <= waits / 2) {
        ways.push(format!("set `{}` to at most {shorter}", test.key));
    }
    ways.push(format!("raise `{}` to at least {}", wait.key, round::at_least(wait, tests * 2)));
    Finding {
        rule: RULE.name,
        level: Level::Warning,
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: client.subject(),
        title: format!(
            "one dead connection costs {} a whole wait: its test may take {}, a request waits {}",
            client.calls(),
            pretty(tests),
            pretty(waits)
        ),
        labels,
        arithmetic: vec![format!("{} >= {}", pretty(tests), pretty(waits))],
        help: format!("{}: then a second connection can be tried in one wait", ways.join(", or ")),
        assumptions,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn a_test_longer_than_the_wait() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.properties: auth -> users [pool]
              connectionTimeout  pool-wait   3s
              validationTimeout  validation  5s  default "Toy validationTimeout"
        "#), @"
        warning (in file, pool-exhaustion, auth -> users): one dead connection costs auth's calls to users a whole wait: its test may take 5 s, a request waits 3 s
          auth.properties:3 validationTimeout = 5s -- covers the test of one connection before it is handed out; 5 s is the default of Toy validationTimeout, not set here
          auth.properties:2 connectionTimeout = 3s -- covers the wait for a connection
          sum: 5 s >= 3 s
          help: set `validationTimeout` to at most 1.5 s, or raise `connectionTimeout` to at least 10 s: then a second connection can be tried in one wait
        ");
    }

    #[test]
    fn quiet_where_the_test_is_shorter_or_nobody_chose() {
        for text in [
            "a: auth -> users [pool]
               wait  pool-wait   3s
               test  validation  1s",
            r#"a: auth -> users [pool]
               wait  pool-wait   5s  default "Toy wait"
               test  validation  5s  default "Toy test""#,
            "a: auth [loose]
               wait  pool-wait   3s
               test  validation  5s",
            "a: auth -> users [pool]
               wait  pool-wait   never
               test  validation  5s",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
