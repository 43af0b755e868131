//! A pool may take longer to make a connection than it lets a request wait for one: the request
//! has given up before its connection is there.

use std::collections::BTreeSet;

use model::{
    Covers, Environment, FailureMode, Finding, Fleet, GroupView, Level, Limit, Setting, Subject, pretty,
};

use crate::{Check, Found, Margins, Rule, labels, round};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "pool-connect-above-acquire",
    summary: "a request gives up on a pool before the pool gives up on connecting",
    mode: FailureMode::PoolExhaustion,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("pool_connect_above_acquire.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let mut said = BTreeSet::new();
    let mut look = |subject: &dyn Fn() -> Subject, acquire, connect, guesses: &[String]| {
        let (Some(acquire), Some(connect)) = (acquire, connect) else { return };
        if let Some(mut finding) = compare(subject(), acquire, connect)
            && said.insert((finding.labels[0].origin.clone(), finding.labels[1].origin.clone()))
        {
            finding.assumptions.extend_from_slice(guesses);
            found.report(finding);
        }
    };
    for call in environment.calls(fleet) {
        let subject = || labels::subject(call);
        look(&subject, call.limit(Covers::PoolWait), call.limit(Covers::Connect), &call.call().assumptions);
    }
    // A pool whose callee is not known stands for itself.
    for group in environment.groups(fleet) {
        let subject = || Subject::Setting(pool_key(group));
        look(&subject, group.limit(Covers::PoolWait), group.limit(Covers::Connect), &[]);
    }
}

fn pool_key(group: GroupView<'_>) -> String {
    group.limit(Covers::PoolWait).map_or_else(|| group.group().label.clone(), |(s, _)| s.key.clone())
}

fn compare(
    subject: Subject,
    (acquire, waits): (&Setting, Limit),
    (connect, connects): (&Setting, Limit),
) -> Option<Finding> {
    let waits = waits.finite()?;
    if connects < Limit::After(waits) {
        return None;
    }
    // A connect that nobody limited ends by the operating system's retries; that it has none of its
    // own is the ordinary case and says nothing about this pool.
    if connects == Limit::Never && connect.value.origin.is_default() {
        return None;
    }
    let whose = match &subject {
        Subject::Call(from, to) => {
            format!("{from}'s requests wait {} for a connection to {to}", pretty(waits))
        }
        _ => format!("requests wait {} for a pooled connection", pretty(waits)),
    };
    let labels = vec![
        labels::at(connect, "covers the connect"),
        labels::at(acquire, "covers the wait for a pooled connection"),
    ];
    let mut assumptions = labels::guesses(connect);
    assumptions.extend(labels::guesses(acquire));
    // Half leaves room for a second connect inside the wait.
    let help = match round::at_most(connect, |length| length <= waits / 2) {
        Some(shorter) => format!(
            "lower `{}` to at most {shorter}: then a second connect still fits into the wait",
            connect.key
        ),
        None => format!("raise `{}`", acquire.key),
    };
    Some(Finding {
        rule: RULE.name,
        level: Level::Error,
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject,
        title: format!("{whose}, which may take {} to make", takes(connects)),
        labels,
        arithmetic: vec![format!("{connects} >= {}", pretty(waits))],
        help,
        assumptions,
    })
}

fn takes(connects: Limit) -> String {
    match connects {
        Limit::After(length) => pretty(length),
        Limit::Never => "any time".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::run;

    #[test]
    fn request_gives_up_before_its_connection_is_there() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.properties: auth -> users [pool]
              connectionTimeout  pool-wait  5s
              connectTimeout     connect    10s  default "Toy connectTimeout"
        "#), @r"
        error (in file, pool-exhaustion, auth -> users): auth's requests wait 5 s for a connection to users, which may take 10 s to make
          auth.properties:3 connectTimeout = 10s -- covers the connect; 10 s is the default of Toy connectTimeout, not set here
          auth.properties:2 connectionTimeout = 5s -- covers the wait for a pooled connection
          sum: 10 s >= 5 s
          help: lower `connectTimeout` to at most 2.5 s: then a second connect still fits into the wait
        ");
    }

    #[test]
    fn pool_without_known_callee_speaks_for_itself() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth [pool]
              acquire_timeout  pool-wait  2s
              connect_timeout  connect    2s
        "), @r"
        error (in file, pool-exhaustion, acquire_timeout): requests wait 2 s for a pooled connection, which may take 2 s to make
          auth.toml:3 connect_timeout = 2s -- covers the connect
          auth.toml:2 acquire_timeout = 2s -- covers the wait for a pooled connection
          sum: 2 s >= 2 s
          help: lower `connect_timeout` to at most 1 s: then a second connect still fits into the wait
        ");
    }

    #[test]
    fn quiet_where_the_connect_ends_first_or_is_not_limited_by_anybody() {
        for text in [
            "a: auth -> users [pool]
               acquire_timeout  pool-wait  5s
               connect_timeout  connect    2s",
            r#"a: auth -> users [pool]
               acquire_timeout  pool-wait  5s
               connect_timeout  connect    never  default "Toy""#,
            // A pool that lets requests wait for ever gives up on nothing.
            "a: auth -> users [pool]
               acquire_timeout  pool-wait  never
               connect_timeout  connect    2s",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
