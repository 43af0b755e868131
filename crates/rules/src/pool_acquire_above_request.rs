//! A request may wait for a pooled connection as long as it may take in all: a pool that runs dry
//! shows as a timeout of the request, and nothing names the pool.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{
    CallView, Covers, Environment, FailureMode, Finding, Fleet, Level, ServiceView, Setting, Subject, pretty,
};

use crate::patience::Patience;
use crate::{Check, Found, Margins, Rule, labels, round};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "pool-acquire-above-request",
    summary: "a request ends before its wait for a pooled connection does",
    mode: FailureMode::PoolExhaustion,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("pool_acquire_above_request.md"),
    check: Check::Environment(check),
};

/// What ends the request that waits for a connection.
struct Request<'f> {
    setting: &'f Setting,
    limit: Duration,
    words: String,
    /// "edge gives up on auth after 10 s".
    ends: String,
    guesses: Vec<String>,
}

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    for service in environment.services(fleet) {
        let mut said = BTreeSet::new();
        let calls = service.calls().flat_map(|call| call.groups().map(move |group| (group, Some(call))));
        for (group, call) in calls.chain(service.groups().map(|group| (group, None))) {
            let Some((acquire, waits)) = group.limit(Covers::PoolWait) else { continue };
            // A wait without limit is no limit that could name the pool, so nothing ends there
            // either; the request's own limit then decides as well.
            let ends = |request: &Request<'_>| model::Limit::After(request.limit) <= waits;
            let request = requests(service, call).into_iter().find(ends);
            if let Some(request) = request
                && said.insert(&acquire.value.origin)
            {
                found.report(finding(service, call, acquire, waits, request));
            }
        }
    }
}

/// What could end the request, the nearest first: the call's own limit, the handler's, the callers'
/// (of these the shortest first).
fn requests<'f>(service: ServiceView<'f>, call: Option<CallView<'f>>) -> Vec<Request<'f>> {
    let name = service.name();
    let mut requests = Vec::new();
    let own = call.and_then(|call| call.limit(Covers::WholeCall));
    let handler = service.limit(Covers::Handler);
    for (found, words, ends) in [
        (own, "ends the whole call", format!("{name} ends the call after")),
        (handler, "ends the request", format!("{name} ends the request after")),
    ] {
        if let Some((setting, limit)) = found.and_then(|(s, limit)| Some((s, limit.finite()?))) {
            let (words, ends) = (words.to_owned(), format!("{ends} {}", pretty(limit)));
            requests.push(Request { setting, limit, words, ends, guesses: labels::guesses(setting) });
        }
    }
    let mut callers = Patience::of_callers(service);
    callers.sort_by_key(|(_, patience)| patience.limit);
    requests.extend(callers.into_iter().map(|(outer, patience)| Request {
        setting: patience.setting,
        limit: patience.limit,
        words: patience.words(),
        ends: format!("{} gives up on {name} after {}", outer.from().name(), pretty(patience.limit)),
        guesses: patience.guesses_as_end(),
    }));
    requests
}

fn finding(
    service: ServiceView<'_>,
    call: Option<CallView<'_>>,
    acquire: &Setting,
    waits: model::Limit,
    request: Request<'_>,
) -> Finding {
    let name = service.name();
    let what = match call {
        Some(call) => format!("a connection to {}", call.to().name()),
        None => "a pooled connection".to_owned(),
    };
    let how_long = match waits {
        model::Limit::After(length) => format!("up to {}", pretty(length)),
        model::Limit::Never => "without limit".to_owned(),
    };
    let labels = vec![
        labels::at(acquire, "covers the wait for a pooled connection"),
        labels::at(request.setting, &request.words),
    ];
    let help = match round::at_most(acquire, |length| length <= request.limit / 3) {
        Some(shorter) => {
            format!("lower `{}` to at most {shorter}, a third of the request", acquire.key)
        }
        None => format!("lower `{}` below `{}`", acquire.key, request.setting.key),
    };
    let mut assumptions = labels::guesses(acquire);
    assumptions.extend(request.guesses);
    assumptions.extend(call.iter().flat_map(|call| call.call().assumptions.iter().cloned()));
    Finding {
        rule: RULE.name,
        level: Level::Error,
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: call.map_or_else(|| Subject::Service(name.to_owned()), labels::subject),
        title: format!(
            "{name} waits {how_long} for {what}, but {}: an empty pool shows as a timeout",
            request.ends
        ),
        labels,
        arithmetic: vec![format!("{waits} >= {}", pretty(request.limit))],
        help,
        assumptions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::run;

    #[test]
    fn caller_gives_up_while_the_pool_is_empty() {
        insta::assert_snapshot!(run(&RULE, r#"
            edge.yaml: edge forwards
            edge.yaml: edge -> auth
              timeout            whole-call  10s
            auth.properties: auth -> users [pool]
              connectionTimeout  pool-wait   30s  default "Toy connectionTimeout"
        "#), @r"
        error (across files, pool-exhaustion, auth -> users): auth waits up to 30 s for a connection to users, but edge gives up on auth after 10 s: an empty pool shows as a timeout
          auth.properties:5 connectionTimeout = 30s -- covers the wait for a pooled connection; 30 s is the default of Toy connectionTimeout, not set here
          edge.yaml:3 timeout = 10s -- covers the whole call, 1 attempt
          sum: 30 s >= 10 s
          help: lower `connectionTimeout` to at most 3.2 s, a third of the request
        ");
    }

    #[test]
    fn handler_ends_with_the_wait() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth
              request_timeout  handler    5s
            auth.toml: auth [pool]
              acquire_timeout  pool-wait  5s
        "), @r"
        error (in file, pool-exhaustion, auth): auth waits up to 5 s for a pooled connection, but auth ends the request after 5 s: an empty pool shows as a timeout
          auth.toml:4 acquire_timeout = 5s -- covers the wait for a pooled connection
          auth.toml:2 request_timeout = 5s -- ends the request
          sum: 5 s >= 5 s
          help: lower `acquire_timeout` to at most 1.6 s, a third of the request
        ");
    }

    #[test]
    fn a_pooler_lets_its_clients_queue_for_longer_than_they_wait() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth -> pooler
              timeout             whole-call  10s
            pooler.ini: pooler forwards
            pooler.ini: pooler -> users [pool]
              query_wait_timeout  pool-wait   120s  default "Toy query_wait_timeout"
        "#), @"
        error (across files, pool-exhaustion, pooler -> users): pooler waits up to 2 min for a connection to users, but auth gives up on pooler after 10 s: an empty pool shows as a timeout
          pooler.ini:5 query_wait_timeout = 120s -- covers the wait for a pooled connection; 2 min is the default of Toy query_wait_timeout, not set here
          auth.toml:2 timeout = 10s -- covers the whole call, 1 attempt
          sum: 2 min >= 10 s
          help: lower `query_wait_timeout` to at most 3.2 s, a third of the request
        ");
    }

    #[test]
    fn quiet_where_the_wait_ends_first_on_purpose() {
        for text in [
            "a: auth
               request_timeout  handler    5s
             a: auth -> users [pool]
               acquire_timeout  pool-wait  2s",
            "a: auth -> users [pool]
               acquire_timeout  pool-wait  2s",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
