//! Something between that limits statements, and does so no later than the server would end them: it
//! closes the connection where the server would have ended the statement alone.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{CallView, Covers, Environment, FailureMode, Finding, Fleet, Level, Setting, pretty};

use crate::{Check, Found, Margins, Rule, labels, round};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "timeout-cuts-statement",
    summary: "a pooler closes the connection before the server would end the statement",
    mode: FailureMode::TimeoutInversion,
    level: Level::Warning,
    since: "0.1",
    docs: include_str!("timeout_cuts_statement.md"),
    check: Check::Environment(check),
};

/// What lies between has to come this much later: the server's answer that a statement was ended takes
/// its way too.
const LATER: Duration = Duration::from_secs(1);

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let mut said = BTreeSet::new();
    for call in environment.calls(fleet) {
        // What calls for itself passes its limit to the server, where it replaces the server's own.
        if !call.from().service().forwards || call.to().service().forwards {
            continue;
        }
        let finite = |(setting, limit): (_, model::Limit)| Some((setting, limit.finite()?));
        let Some(between) = call.limit(Covers::Statement).and_then(finite) else { continue };
        let Some(server) = call.to().limit(Covers::Statement).and_then(finite) else { continue };
        if between.1 <= server.1 && said.insert((&between.0.value.origin, &server.0.value.origin)) {
            found.report(finding(call, between, server));
        }
    }
}

fn finding(
    call: CallView<'_>,
    (between, cuts): (&Setting, Duration),
    (server, ends): (&Setting, Duration),
) -> Finding {
    let (from, to) = (call.from().name(), call.to().name());
    let labels = vec![
        labels::at(between, format!("{from} then closes the connection; the statement may go on")),
        labels::at(server, format!("{to} ends the statement alone")),
    ];
    let relation = if cuts < ends { "<" } else { "=" };
    Finding {
        rule: RULE.name,
        level: RULE.level,
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: labels::subject(call),
        title: format!(
            "{from} cuts connections to {to} after {}, no later than {to} ends a statement by itself",
            pretty(cuts)
        ),
        labels,
        arithmetic: vec![format!("{} {relation} {}", pretty(cuts), pretty(ends))],
        help: format!(
            "raise `{}` to {} or more, or lower `{}`: what lies between is there for a network that fails",
            between.key,
            round::at_least(between, ends.saturating_add(LATER)),
            server.key
        ),
        assumptions: labels::guesses_in(call, &[between, server]),
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn a_pooler_comes_first() {
        insta::assert_snapshot!(run(&RULE, "
            pooler.ini: pooler forwards
            pooler.ini: pooler -> users
              query_timeout      statement  20s
            users.conf: users
              statement_timeout  statement  30s
        "), @r"
        warning (across files, timeout-inversion, pooler -> users): pooler cuts connections to users after 20 s, no later than users ends a statement by itself
          pooler.ini:3 query_timeout = 20s -- pooler then closes the connection; the statement may go on
          users.conf:5 statement_timeout = 30s -- users ends the statement alone
          sum: 20 s < 30 s
          help: raise `query_timeout` to 32 s or more, or lower `statement_timeout`: what lies between is there for a network that fails
        ");
    }

    #[test]
    fn quiet_where_the_server_comes_first_or_the_limit_is_the_servers() {
        for text in [
            "p: pooler forwards
             p: pooler -> users
               query_timeout      statement  31s
             u: users
               statement_timeout  statement  30s",
            "p: pooler forwards
             p: pooler -> users
               query_timeout      statement  never
             u: users
               statement_timeout  statement  30s",
            "p: pooler forwards
             p: pooler -> users
               query_timeout      statement  20s
             u: users
               statement_timeout  statement  never",
            "a: auth -> users
               statement_timeout  statement  5s
             u: users
               statement_timeout  statement  30s",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
