//! The connect alone may take as long as the request it is for, so its limit never decides. One
//! client's own settings; a pool's wait belongs to `pool-connect-above-acquire`.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{Attempts, Covers, Environment, FailureMode, Finding, Fleet, Level, Limit, Setting, pretty};

use crate::client::Client;
use crate::{Check, Found, Margins, Rule, labels, round};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "timeout-connect-above-request",
    summary: "the connect may take as long as the request it is for",
    mode: FailureMode::TimeoutInversion,
    level: Level::Warning,
    since: "0.1",
    docs: include_str!("timeout_connect_above_request.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let mut said = BTreeSet::new();
    for client in Client::all(fleet, environment) {
        // Keys that stand together by chance say nothing about one call.
        if client.is_loose() {
            continue;
        }
        let Some((connect, connects)) = client.limit(Covers::Connect) else { continue };
        let Some((request, ends, covers)) = request(&client) else { continue };
        // A connect without limit of its own is the operating system's and the ordinary case.
        let Some(connects) = connects.finite().filter(|&connects| connects >= ends) else { continue };
        // What is a default on both sides nobody can have meant, and what a guessed limit covers may
        // begin after the connect.
        let both = [connect, request].map(|setting| setting.value.origin.is_default());
        if both == [true, true] || !request.assumptions.is_empty() {
            continue;
        }
        if said.insert((&connect.value.origin, &request.value.origin)) {
            found.report(finding(&client, (connect, connects), (request, ends, covers)));
        }
    }
}

/// What ends the request the connect is part of: the shorter of the limits that begin with the
/// connect. The wait for the first byte begins behind it.
fn request<'f>(client: &Client<'f>) -> Option<(&'f Setting, Duration, Covers)> {
    [Covers::WholeCall, Covers::Attempt]
        .into_iter()
        .filter_map(|covers| {
            let (setting, limit) = client.limit(covers)?;
            Some((setting, limit.finite()?, covers))
        })
        .min_by_key(|&(_, limit, _)| limit)
}

fn finding(
    client: &Client<'_>,
    (connect, connects): (&Setting, Duration),
    (request, ends, covers): (&Setting, Duration, Covers),
) -> Finding {
    let calls = client.calls();
    let attempts = client.call().map_or(1, |call| Attempts::of(call).0.0);
    let words = match covers {
        Covers::WholeCall => format!("covers the whole call, {}", labels::counted(attempts, "attempt")),
        covers => format!("covers {}", covers.words()),
    };
    // Of two equal limits either may be the one that ends it: not everything that limits a request can cut
    // a connect short.
    let role = if connects > ends {
        "covers the connect, and never decides"
    } else {
        "covers the connect, which may use up the request"
    };
    let labels = vec![labels::at(connect, role), labels::at(request, words)];
    let help = match round::at_most(connect, |length| length <= ends / 3) {
        Some(shorter) => format!(
            "set `{}` to at most {shorter}, a third of the request: then a dead address shows as one, and \
             another can be tried",
            connect.key
        ),
        None => format!("raise `{}`", request.key),
    };
    let assumptions = client.guesses(&[connect, request]);
    // Nobody promised anything with a connect limit that nobody wrote, and of two equal ones either may
    // be the one that is meant.
    let never_decides = !connect.value.origin.is_default() && connects > ends;
    let level = if never_decides { Level::Warning } else { Level::Note };
    Finding {
        rule: RULE.name,
        level,
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: client.subject(),
        title: format!(
            "{calls} end after {} and may connect for {}: an unreachable callee shows as a slow one",
            pretty(ends),
            pretty(connects)
        ),
        labels,
        arithmetic: vec![format!("{} >= {}", Limit::After(connects), pretty(ends))],
        help,
        assumptions,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn connect_as_long_as_the_call() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth -> directory
              connect_timeout  connect     5s
              request_timeout  whole-call  3s
        "), @"
        warning (in file, timeout-inversion, auth -> directory): auth's calls to directory end after 3 s and may connect for 5 s: an unreachable callee shows as a slow one
          auth.toml:2 connect_timeout = 5s -- covers the connect, and never decides
          auth.toml:3 request_timeout = 3s -- covers the whole call, 1 attempt
          sum: 5 s >= 3 s
          help: set `connect_timeout` to at most 1 s, a third of the request: then a dead address shows as one, and another can be tried
        ");
    }

    #[test]
    fn a_default_connect_is_worth_a_note() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth [client]
              connect_timeout  connect  5s  default "Toy connect_timeout"
              attempt_timeout  attempt  2s
        "#), @"
        note (in file, timeout-inversion, auth): the calls of auth end after 2 s and may connect for 5 s: an unreachable callee shows as a slow one
          auth.toml:2 connect_timeout = 5s -- covers the connect, and never decides; 5 s is the default of Toy connect_timeout, not set here
          auth.toml:3 attempt_timeout = 2s -- covers one attempt
          sum: 5 s >= 2 s
          help: set `connect_timeout` to at most 650 ms, a third of the request: then a dead address shows as one, and another can be tried
        ");
    }

    #[test]
    fn quiet_where_the_request_is_longer_or_begins_later() {
        for text in [
            "a: auth -> directory
               connect  connect     1s
               request  whole-call  3s",
            "a: auth -> directory
               connect  connect     10s
               read     first-byte  5s",
            "a: auth [loose]
               connect  connect     10s
               request  whole-call  5s",
            r#"a: auth -> directory
               connect  connect     10s  default "Toy"
               request  whole-call  5s   default "Toy""#,
            r#"a: auth -> directory
               connect  connect     never
               request  whole-call  5s"#,
            r#"a: auth -> directory
               connect  connect     10s
               timeout  whole-call  5s  assumed "that `timeout` covers the whole call""#,
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
