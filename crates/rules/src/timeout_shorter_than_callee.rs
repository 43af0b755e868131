//! A caller gives up while its callee is still allowed to work. Compares the caller's limit with
//! the callee's own; what the callee waits for in turn belongs to `timeout-below-nested-sum`.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{CallView, Covers, Environment, FailureMode, Finding, Fleet, Level, Limit, Setting, pretty};

use crate::patience::Patience;
use crate::{Check, Found, MarginSet, Margins, Rule, labels, round};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "timeout-shorter-than-callee",
    summary: "a caller gives up while its callee still works",
    mode: FailureMode::TimeoutInversion,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("timeout_shorter_than_callee.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, margins: &Margins, found: &mut Found) {
    let mut said = BTreeSet::new();
    for call in environment.calls(fleet).filter(|call| !call.call().passes_deadline) {
        let Some(patience) = Patience::of(call) else { continue };
        let Some((work, works_for)) = own_limit(call) else { continue };
        let margins = margins.at(&patience.setting.value.origin);
        let margin = margins.chain(works_for);
        if patience.limit >= works_for.saturating_add(margin)
            || another_route_waits(call, patience.limit, works_for)
        {
            continue;
        }
        // That two limits are nearly the same says nothing where it is a guess what they cover.
        if patience.limit >= works_for && (patience.setting.is_assumed() || work.is_assumed()) {
            continue;
        }
        // Routes that inherit one setting meet one callee once.
        if said.insert((&patience.setting.value.origin, &work.value.origin)) {
            found.report(finding(call, &patience, work, works_for, margins));
        }
    }
}

/// The limit that the callee sets to its own work for one request: its handler's, or of a server
/// of statements the statement's, which the caller may state for its session.
pub(crate) fn own_limit(call: CallView<'_>) -> Option<(&Setting, Duration)> {
    let finite = |found: Option<(_, Limit)>| found.and_then(|(s, limit)| Some((s, limit.finite()?)));
    finite(call.to().limit(Covers::Handler))
        .or_else(|| finite(call.limit(Covers::Statement)))
        .or_else(|| finite(call.to().limit(Covers::Statement)))
}

/// Of something that only forwards, each route reaches another part of the callee. Where one route
/// waits long enough the callee's limit may be meant for it (one stream among short requests).
fn another_route_waits(call: CallView<'_>, waits: Duration, works_for: Duration) -> bool {
    call.from().service().forwards
        && call
            .from()
            .calls()
            .filter(|other| other.call().to == call.call().to)
            .any(|other| Patience::of(other).is_none_or(|p| p.limit > waits && p.limit >= works_for))
}

fn finding(
    call: CallView<'_>,
    patience: &Patience<'_>,
    work: &Setting,
    works_for: Duration,
    margins: &MarginSet,
) -> Finding {
    let (from, to) = (call.from().name(), call.to().name());
    let (waits, works) = (pretty(patience.limit), pretty(works_for));
    let margin = margins.chain(works_for);
    let gives_up_first = patience.limit < works_for;
    let title = if gives_up_first {
        format!("{from} gives up on {to} after {waits}, {to} works for up to {works}")
    } else {
        format!(
            "{from} waits {waits} for {to}, which works for up to {works}: which of them ends a slow request is chance"
        )
    };
    let longer = round::at_least(patience.setting, works_for.saturating_add(margin));
    let mut help = format!("raise `{}` to at least {longer}", patience.setting.key);
    if let Some(shorter) = round::at_most(work, |s| s.saturating_add(margins.chain(s)) <= patience.limit) {
        help += &format!(", or lower `{}` of {to} to at most {shorter}", work.key);
    }
    let labels = vec![
        labels::at(patience.setting, patience.words()),
        labels::at(work, format!("{to} may work this long on one request")),
    ];
    let mut assumptions = patience.guesses_as_end();
    assumptions.extend(labels::guesses(work));
    Finding {
        rule: RULE.name,
        level: if gives_up_first { Level::Error } else { Level::Warning },
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: labels::subject(call),
        title,
        labels,
        arithmetic: vec![format!("{waits} < {works} + {} margin", pretty(margin))],
        help,
        assumptions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::run;

    #[test]
    fn caller_gives_up_first() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth/auth.toml: auth -> directory
              request_timeout  whole-call  300ms
            directory/directory.toml: directory
              handler_timeout  handler     800ms
        "#), @r"
        error (across files, timeout-inversion, auth -> directory): auth gives up on directory after 300 ms, directory works for up to 800 ms
          auth/auth.toml:2 request_timeout = 300ms -- covers the whole call, 1 attempt
          directory/directory.toml:4 handler_timeout = 800ms -- directory may work this long on one request
          sum: 300 ms < 800 ms + 100 ms margin
          help: raise `request_timeout` to at least 900 ms, or lower `handler_timeout` of directory to at most 200 ms
        ");
    }

    #[test]
    fn caller_and_callee_race() {
        insta::assert_snapshot!(run(&RULE, r#"
            edge.conf: edge forwards
            edge.conf: edge -> auth
              read_timeout     first-byte  60s  default "Toy read_timeout"
            auth.toml: auth
              worker_timeout   handler     60s
        "#), @r"
        warning (across files, timeout-inversion, edge -> auth): edge waits 60 s for auth, which works for up to 60 s: which of them ends a slow request is chance
          edge.conf:3 read_timeout = 60s -- covers the wait for the first byte; 60 s is the default of Toy read_timeout, not set here
          auth.toml:5 worker_timeout = 60s -- auth may work this long on one request
          sum: 60 s < 60 s + 3 s margin
          help: raise `read_timeout` to at least 65 s, or lower `worker_timeout` of auth to at most 55 s
        ");
    }

    #[test]
    fn gap_limit_is_a_guess_and_no_error() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth -> directory
              read_timeout     between-bytes  5s
            directory.toml: directory
              handler_timeout  handler     30s
        "), @r"
        warning (assumed, timeout-inversion, auth -> directory): auth gives up on directory after 5 s, directory works for up to 30 s
          auth.toml:2 read_timeout = 5s -- covers the gap between two reads
          directory.toml:4 handler_timeout = 30s -- directory may work this long on one request
          sum: 5 s < 30 s + 1.5 s margin
          help: raise `read_timeout` to at least 32 s, or lower `handler_timeout` of directory to at most 4.5 s
          assumed: that directory sends nothing before its answer is complete
        ");
    }

    #[test]
    fn statement_outlives_its_client() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth -> users
              socket_timeout     attempt    5s
            postgresql.conf: users
              statement_timeout  statement  30s
        "), @r"
        error (across files, timeout-inversion, auth -> users): auth gives up on users after 5 s, users works for up to 30 s
          auth.toml:2 socket_timeout = 5s -- covers one attempt
          postgresql.conf:4 statement_timeout = 30s -- users may work this long on one request
          sum: 5 s < 30 s + 1.5 s margin
          help: raise `socket_timeout` to at least 32 s, or lower `statement_timeout` of users to at most 4.5 s
        ");
    }

    #[test]
    fn quiet_where_the_callee_stops_first_or_nothing_of_it_is_known() {
        for text in [
            "a: auth -> directory
               timeout  whole-call  1s
             d: directory
               timeout  handler     800ms",
            "a: auth -> directory
               timeout  whole-call  1s
             d: directory
               timeout  handler     never",
            // Nearly the same, and a guess what the one covers.
            r#"a: auth -> directory
               timeout_ms  whole-call  10s  assumed "that `timeout_ms` covers the whole call"
             d: directory
               timeout     handler     10s"#,
            // Writing the response says nothing about the handler before it.
            "a: auth -> directory
               timeout  whole-call  1s
             d: directory
               timeout  response-write  6s",
            // A wait for a pooled connection is no wait for an answer.
            "a: auth -> directory
               timeout_ms  pool-wait  300ms
             d: directory
               timeout  handler  6s",
            "a: auth -> directory passes-deadline
               timeout  whole-call  1s
             d: directory
               timeout  handler     6s",
            // One streaming route among many.
            "e: edge forwards
             e: edge -> auth
               read_timeout  between-bytes  60s
             e: edge -> auth another
               read_timeout  between-bytes  3600s
             a: auth
               timeout  handler  1800s",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
