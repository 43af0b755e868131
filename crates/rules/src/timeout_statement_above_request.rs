//! A statement may run for longer than anyone waits for the request it belongs to. Looks at whoever
//! waits for the service that sends it; the service's own limit on the call belongs to
//! `timeout-shorter-than-callee`, a statement's limit beside the handler's to `timeout-below-nested-sum`.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{
    CallView, Covers, Environment, FailureMode, Finding, Fleet, Knob, Level, Limit, Setting, pretty,
};

use crate::patience::Patience;
use crate::{Check, Found, MarginSet, Margins, Rule, labels, round};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "timeout-statement-above-request",
    summary: "a statement may run for longer than anyone waits for its request",
    mode: FailureMode::TimeoutInversion,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("timeout_statement_above_request.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, margins: &Margins, found: &mut Found) {
    let mut said = BTreeSet::new();
    for call in environment.calls(fleet) {
        let service = call.from();
        // What only forwards sends no statements of its own, and a handler's limit ends the request
        // before its callers do.
        if service.service().forwards || call.call().passes_deadline || ends_itself(call) {
            continue;
        }
        let Some((statement, runs)) = statement(call) else { continue };
        // The limit may be meant for the most patient of the callers.
        let callers = Patience::of_callers(service);
        let Some((outer, patience)) = callers.into_iter().max_by_key(|(_, patience)| patience.limit) else {
            continue;
        };
        if runs < Limit::After(patience.limit) || runs == Limit::Never && !has_pool(call) {
            continue;
        }
        // The service gives up before the statement does: `timeout-shorter-than-callee` says it.
        if Patience::of(call).is_some_and(|own| Limit::After(own.limit) < runs) {
            continue;
        }
        // That two limits are the same says nothing where it is a guess what they cover.
        if runs == Limit::After(patience.limit) && (statement.is_assumed() || patience.setting.is_assumed()) {
            continue;
        }
        if said.insert((&statement.value.origin, &patience.setting.value.origin)) {
            let margins = margins.at(&patience.setting.value.origin);
            found.report(finding(call, (statement, runs), outer, &patience, margins));
        }
    }
}

/// The limit in effect on a statement: what the caller states for its session, else the server's. That
/// a driver states nothing of its own says nothing against the server.
fn statement(call: CallView<'_>) -> Option<(&Setting, Limit)> {
    own_statement(call)
        .or_else(|| call.to().limit(Covers::Statement))
        .or_else(|| call.limit(Covers::Statement))
}

/// What the caller states for its session.
fn own_statement(call: CallView<'_>) -> Option<(&Setting, Limit)> {
    call.limit(Covers::Statement).filter(|(setting, _)| !setting.value.origin.is_default())
}

/// Whether the service ends its requests by a limit of its own.
fn ends_itself(call: CallView<'_>) -> bool {
    call.from().limit(Covers::Handler).is_some_and(|(_, limit)| limit != Limit::Never)
}

/// Whether a pool is known through which the call is made: only there does a statement without limit
/// take something from other requests.
fn has_pool(call: CallView<'_>) -> bool {
    call.knob(Knob::PoolSize).is_some()
}

fn finding(
    call: CallView<'_>,
    (statement, runs): (&Setting, Limit),
    outer: CallView<'_>,
    patience: &Patience<'_>,
    margins: &MarginSet,
) -> Finding {
    let (edge, service, to) = (outer.from().name(), call.from().name(), call.to().name());
    let fits = |length: Duration| length.saturating_add(margins.chain(length)) <= patience.limit;
    let help = match round::at_most(statement, fits) {
        Some(shorter) => format!("set `{}` to at most {shorter}", statement.key),
        None => format!("raise `{}` of {edge}", patience.setting.key),
    };
    let (words, how_long) = match runs {
        Limit::After(length) => ("covers one statement", format!("for up to {}", pretty(length))),
        Limit::Never => ("nothing ends a statement", "without limit".to_owned()),
    };
    let mut labels = vec![labels::at(statement, words), labels::at(patience.setting, patience.words())];
    if let Some(pool) = call.knob(Knob::PoolSize).filter(|_| runs == Limit::Never) {
        labels.push(labels::at(pool, "each such statement holds one of these connections"));
    }
    let mut assumptions = labels::guesses_in(call, &[statement]);
    assumptions.extend(patience.guesses_as_end());
    let written = [statement, patience.setting].iter().all(|setting| !setting.value.origin.is_default());
    // A server's limit for everyone can be lowered by any session, in code that nobody sees here.
    let own = own_statement(call).is_some();
    Finding {
        rule: RULE.name,
        level: match runs {
            Limit::Never => Level::Note,
            Limit::After(_) if written && own => Level::Error,
            Limit::After(_) => Level::Warning,
        },
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: labels::subject(call),
        title: format!(
            "{service}'s statements at {to} may run {how_long}, but {edge} gives up on {service} after {}",
            pretty(patience.limit)
        ),
        labels,
        arithmetic: match runs {
            Limit::After(length) => vec![format!("{} >= {}", pretty(length), pretty(patience.limit))],
            Limit::Never => Vec::new(),
        },
        help,
        assumptions,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn nobody_waits_for_the_statement() {
        insta::assert_snapshot!(run(&RULE, "
            edge.yaml: edge forwards
            edge.yaml: edge -> auth
              timeout            whole-call  10s
            auth.toml: auth -> users [pool]
              statement_timeout  statement   60s
        "), @"
        error (across files, timeout-inversion, auth -> users): auth's statements at users may run for up to 60 s, but edge gives up on auth after 10 s
          auth.toml:5 statement_timeout = 60s -- covers one statement
          edge.yaml:3 timeout = 10s -- covers the whole call, 1 attempt
          sum: 60 s >= 10 s
          help: set `statement_timeout` to at most 9.5 s
        ");
    }

    #[test]
    fn a_default_of_the_callers_does_not_make_the_servers_limit_its_own() {
        let found = run(
            &RULE,
            r#"
            edge.yaml: edge -> auth
              timeout            whole-call  10s
            auth.toml: auth -> users
              query_timeout      statement   never  default "Toy query_timeout"
            users.conf: users
              statement_timeout  statement   60s
        "#,
        );
        assert!(found.starts_with("warning (across files"), "{found}");
    }

    #[test]
    fn a_server_for_everyone_may_be_told_otherwise() {
        insta::assert_snapshot!(run(&RULE, "
            edge.yaml: edge -> auth
              timeout            whole-call  10s
            auth.toml: auth -> users
            users.conf: users
              statement_timeout  statement   60s
        "), @"
        warning (across files, timeout-inversion, auth -> users): auth's statements at users may run for up to 60 s, but edge gives up on auth after 10 s
          users.conf:5 statement_timeout = 60s -- covers one statement
          edge.yaml:2 timeout = 10s -- covers the whole call, 1 attempt
          sum: 60 s >= 10 s
          help: set `statement_timeout` to at most 9.5 s
        ");
    }

    #[test]
    fn a_pool_of_statements_without_limit_is_worth_a_note() {
        insta::assert_snapshot!(run(&RULE, r#"
            web.yaml: web -> auth
              timeout            whole-call  10s
            auth.toml: auth -> users [pool]
              pool_size          pool-size   10
            users.conf: users
              statement_timeout  statement   never  default "Toy statement_timeout"
        "#), @"
        note (across files, timeout-inversion, auth -> users): auth's statements at users may run without limit, but web gives up on auth after 10 s
          users.conf:6 statement_timeout = never -- nothing ends a statement; no limit is the default of Toy statement_timeout, not set here
          web.yaml:2 timeout = 10s -- covers the whole call, 1 attempt
          auth.toml:4 pool_size = 10 -- each such statement holds one of these connections
          help: set `statement_timeout` to at most 9.5 s
        ");
    }

    #[test]
    fn quiet_where_someone_waits_or_another_rule_speaks() {
        for text in [
            "e: edge -> auth
               timeout    whole-call  10s
             u: auth -> users
               statement  statement   9s",
            "e: edge -> auth
               timeout    whole-call  10s
             r: reports -> auth
               timeout    whole-call  120s
             u: auth -> users
               statement  statement   60s",
            // The handler ends first: `timeout-below-nested-sum`.
            "e: edge -> auth
               timeout    whole-call  10s
             a: auth
               timeout    handler     5s
             u: auth -> users
               statement  statement   60s",
            // The driver leaves first: `timeout-shorter-than-callee`.
            "e: edge -> auth
               timeout    whole-call  10s
             u: auth -> users
               socket     between-bytes  5s
               statement  statement   60s",
            r#"e: edge -> auth
               timeout    whole-call  10s
             u: auth -> users
               statement  statement   never  default "Toy""#,
            // The driver states nothing, the server does.
            r#"e: edge -> auth
               timeout    whole-call  10s
             u: auth -> users [pool]
               pool_size  pool-size   10
               options    statement   never  default "Toy"
             s: users
               statement  statement   5s"#,
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
