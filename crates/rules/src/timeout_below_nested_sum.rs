//! A service's calls can take longer than it may itself: its caller (or its own handler's limit)
//! ends the request while they run. Counts attempts, back-off and how often a call is made. A
//! single limit above a proxy's is said by `timeout-above-proxy`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use model::{
    Budget, CallView, Covers, Environment, FailureMode, Finding, Fleet, GroupId, GroupKind, GroupView, Knob,
    Label, Level, Origin, ServiceId, ServiceView, Setting, Subject, pretty,
};

use crate::patience::Patience;
use crate::sums::Sum;
use crate::{Check, Found, Margins, Rule, labels, round, timeout_above_proxy};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "timeout-below-nested-sum",
    summary: "a caller waits shorter than its callee's own calls can take together",
    mode: FailureMode::TimeoutInversion,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("timeout_below_nested_sum.md"),
    check: Check::Environment(check),
};

/// What a service has to be done within.
struct Bound<'f> {
    setting: &'f Setting,
    limit: Duration,
    /// What to say at the setting.
    words: String,
    /// Who sets it: a caller, or the service itself.
    caller: Option<&'f str>,
    guesses: Vec<String>,
}

/// One call of a service, and what it can take.
struct Part<'f> {
    call: CallView<'f>,
    takes: Duration,
    /// The sum, written out.
    written: String,
    labels: Vec<Label>,
    guesses: Vec<String>,
    /// Whether its operator wrote the limit that decides.
    is_written: bool,
    /// Whether it is a guess what the limit that decides covers.
    is_guessed: bool,
}

fn check(fleet: &Fleet, environment: &Environment, margins: &Margins, found: &mut Found) {
    let mut said = BTreeSet::new();
    for service in environment.services(fleet) {
        let parts = parts(service);
        for bound in bounds(service, margins) {
            let margin = |takes| margins.at(&bound.setting.value.origin).chain(takes);
            let too_long = |part: &&Part<'_>| {
                // That two limits are nearly the same says nothing where it is a guess what they cover.
                let guessed = bound.setting.is_assumed() || part.is_guessed;
                // Neither does it where nobody chose either: a product that calls itself.
                let chosen = part.is_written || !bound.setting.value.origin.is_default();
                let margin = if guessed || !chosen { Duration::ZERO } else { margin(part.takes) };
                bound.limit < part.takes.saturating_add(margin)
            };
            let reported = match parts.iter().filter(too_long).max_by_key(|part| part.takes) {
                Some(worst) => Some(one(service, &bound, worst, margin(worst.takes))),
                None => together(service, &bound, &parts),
            };
            let mut told: Vec<Origin> = Vec::new();
            if let Some(finding) = &reported {
                told.extend(finding.labels.iter().map(|label| label.origin.clone()));
            }
            // Several routes can inherit one setting.
            if let Some(finding) = reported
                && said.insert((service.id(), finding.labels[0].origin.clone()))
            {
                found.report(finding);
            }
            // That a limit is never reached says nothing where it is a guess what ends before it.
            if bound.caller.is_none() && !bound.setting.is_assumed() {
                dead(service, &bound, &told, found);
            }
        }
    }
}

/// Limits of a service's own calls that its handler's end always comes before: they end nothing.
/// Those that a sum names are `told`; the wait for a pool is said by `pool-acquire-above-request`.
fn dead(service: ServiceView<'_>, bound: &Bound<'_>, told: &[Origin], found: &mut Found) {
    let with_callee: BTreeMap<GroupId, GroupView<'_>> =
        service.calls().flat_map(CallView::groups).map(|group| (group.id(), group)).collect();
    // The groups of the service itself that configure callers: whom they call is not known.
    let without = service.groups().filter(|group| {
        matches!(group.group().kind, GroupKind::Client | GroupKind::Pool | GroupKind::Loose)
            && !with_callee.contains_key(&group.id())
    });
    let mut never: Vec<(&Setting, Duration)> = Vec::new();
    for (group, is_summed) in
        with_callee.values().map(|&group| (group, true)).chain(without.map(|group| (group, false)))
    {
        for setting in group.settings() {
            let Knob::Timeout(covers) = setting.knob else { continue };
            let counts = match covers {
                Covers::Connect | Covers::Tls | Covers::Statement => true,
                // Of a known call the sum has counted it.
                covers => covers.bounds_answer() && !is_summed,
            };
            let Some(length) = setting.length().filter(|&length| counts && length > bound.limit) else {
                continue;
            };
            let known =
                told.contains(&setting.value.origin) || never.iter().any(|(s, _)| std::ptr::eq(*s, setting));
            if !setting.value.origin.is_default() && !known {
                never.push((setting, length));
            }
        }
    }
    never.sort_by_key(|&(_, length)| std::cmp::Reverse(length));
    let Some(&(longest, length)) = never.first() else { return };
    let more = match never.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let mut labels: Vec<Label> = never
        .iter()
        .map(|(setting, length)| {
            labels::at(setting, format!("{} never run out: the request ends before", pretty(*length)))
        })
        .collect();
    labels.push(labels::at(bound.setting, &bound.words));
    let mut assumptions = bound.guesses.clone();
    assumptions.extend(never.iter().flat_map(|(setting, _)| labels::guesses(setting)));
    found.report(Finding {
        rule: RULE.name,
        level: Level::Warning,
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: Subject::Service(service.name().to_owned()),
        title: format!(
            "{}, so `{}` of {}{more} can never end anything",
            ends(service, bound),
            longest.key,
            pretty(length)
        ),
        labels,
        arithmetic: never
            .iter()
            .map(|(setting, length)| {
                format!("`{}`: {} > {}", setting.key, pretty(*length), pretty(bound.limit))
            })
            .collect(),
        help: format!(
            "lower {} below {}: what hangs is then ended and named before the request is",
            if never.len() == 1 { format!("`{}`", longest.key) } else { "them".to_owned() },
            pretty(bound.limit)
        ),
        assumptions,
    });
}

fn bounds<'f>(service: ServiceView<'f>, margins: &Margins) -> Vec<Bound<'f>> {
    if let Some((setting, limit)) = service.limit(Covers::Handler)
        && let Some(limit) = limit.finite()
    {
        let (words, guesses) = (format!("ends {}'s own work", service.name()), labels::guesses(setting));
        return vec![Bound { setting, limit, words, caller: None, guesses }];
    }
    Patience::of_callers(service)
        .into_iter()
        .filter(|(outer, patience)| timeout_above_proxy::above(*outer, patience, margins).is_empty())
        .map(|(outer, patience)| Bound {
            setting: patience.setting,
            limit: patience.limit,
            words: patience.words(),
            caller: Some(outer.from().name()),
            guesses: patience.guesses_as_end(),
        })
        .collect()
}

fn parts(service: ServiceView<'_>) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    let mut by_callee: BTreeMap<ServiceId, usize> = BTreeMap::new();
    for part in service.calls().filter_map(part) {
        let first = *by_callee.entry(part.call.call().to).or_insert(parts.len());
        // Of something that only forwards each request takes one route, and the longest may be
        // meant for streams.
        match parts.get_mut(first) {
            Some(known) if service.service().forwards => {
                if part.takes < known.takes {
                    *known = part;
                }
            }
            _ => parts.push(part),
        }
    }
    parts
}

fn part(call: CallView<'_>) -> Option<Part<'_>> {
    let overall = Budget::of(call).overall.and_then(|(setting, limit)| Some((setting, limit.finite()?)));
    let sum = Sum::among(|knob| call.knob(knob));
    let mut guesses = call.call().assumptions.clone();
    let (takes, mut written, labels, setting) = match (overall, sum) {
        (Some((setting, overall)), sum) if sum.as_ref().is_none_or(|sum| overall <= sum.all) => {
            guesses.extend(labels::guesses(setting));
            (overall, pretty(overall), vec![labels::at(setting, "ends the whole call")], setting)
        }
        (_, Some(sum)) => {
            guesses.extend(sum.guesses());
            (sum.all, sum.written(), sum.labels(), sum.attempt.0)
        }
        _ => return None,
    };
    let times = call.call().per_request;
    let all = model::Limit::After(takes).times(times).finite()?;
    if times != 1 {
        written = format!("{times} times {written}, together {}", pretty(all));
    }
    let (is_written, is_guessed) = (!setting.value.origin.is_default(), setting.is_assumed());
    Some(Part { call, takes: all, written, labels, guesses, is_written, is_guessed })
}

/// One call alone takes too long.
fn one(service: ServiceView<'_>, bound: &Bound<'_>, part: &Part<'_>, margin: Duration) -> Finding {
    let to = part.call.to().name();
    let takes = pretty(part.takes);
    let title = format!("{}, {}'s calls to {to} can take {takes}", ends(service, bound), service.name());
    let longer = round::at_least(bound.setting, part.takes.saturating_add(margin));
    let arithmetic = vec![
        format!("{} -> {to}: {}", service.name(), part.written),
        format!("{} < {takes} + {} margin", pretty(bound.limit), pretty(margin)),
    ];
    let help = format!(
        "raise `{}` to at least {longer}, or lower limits and attempts of {}'s calls to {to}",
        bound.setting.key,
        service.name()
    );
    let level = if bound.limit < part.takes { Level::Error } else { Level::Warning };
    finding(service, bound, &[part], level, title, arithmetic, help)
}

/// No call alone does, but those whose limits somebody chose do together. That they follow each
/// other is a guess, and one guess is enough: limits of which it is guessed what they cover are left
/// out.
fn together(service: ServiceView<'_>, bound: &Bound<'_>, parts: &[Part<'_>]) -> Option<Finding> {
    /// More are counted and not shown one by one.
    const SHOWN: usize = 5;
    let mut chosen: Vec<&Part<'_>> =
        parts.iter().filter(|part| part.is_written && part.guesses.is_empty()).collect();
    let sum = chosen.iter().fold(Duration::ZERO, |sum, part| sum.saturating_add(part.takes));
    let guessed = service.service().forwards || bound.setting.is_assumed();
    if chosen.len() < 2 || guessed || bound.limit >= sum {
        return None;
    }
    chosen.sort_by_key(|part| std::cmp::Reverse(part.takes));
    let (shown, rest) = chosen.split_at(chosen.len().min(SHOWN));
    let callees: Vec<&str> = chosen.iter().map(|part| part.call.to().name()).collect();
    let (name, callees, total) = (service.name(), labels::names(&callees), pretty(sum));
    let title = format!("{}, {name}'s calls to {callees} can take {total} together", ends(service, bound));
    let mut arithmetic: Vec<String> =
        shown.iter().map(|part| format!("{name} -> {}: {}", part.call.to().name(), part.written)).collect();
    if !rest.is_empty() {
        let left = rest.iter().fold(Duration::ZERO, |sum, part| sum.saturating_add(part.takes));
        arithmetic.push(format!("{} more: {}", rest.len(), pretty(left)));
    }
    arithmetic.push(format!("{} < {total}", pretty(bound.limit)));
    let help = format!(
        "make them at the same time, pass the deadline down, or lower their limits to {} together",
        pretty(bound.limit)
    );
    let mut finding = finding(service, bound, shown, Level::Error, title, arithmetic, help);
    finding
        .assumptions
        .push(format!("that one request of {name} makes all these calls, one after the other"));
    Some(finding)
}

/// "edge gives up on auth after 3 s".
fn ends(service: ServiceView<'_>, bound: &Bound<'_>) -> String {
    let (name, limit) = (service.name(), pretty(bound.limit));
    match bound.caller {
        Some(caller) => format!("{caller} gives up on {name} after {limit}"),
        None => format!("{name} ends a request after {limit}"),
    }
}

fn finding(
    service: ServiceView<'_>,
    bound: &Bound<'_>,
    parts: &[&Part<'_>],
    level: Level,
    title: String,
    arithmetic: Vec<String>,
    help: String,
) -> Finding {
    let mut labels = vec![labels::at(bound.setting, &bound.words)];
    labels.extend(parts.iter().flat_map(|part| part.labels.iter().cloned()));
    let mut assumptions = bound.guesses.clone();
    assumptions.extend(parts.iter().flat_map(|part| part.guesses.iter().cloned()));
    Finding {
        rule: RULE.name,
        level,
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: match bound.caller {
            Some(caller) => Subject::Call(caller.to_owned(), service.name().to_owned()),
            None => Subject::Service(service.name().to_owned()),
        },
        title,
        labels,
        arithmetic,
        help,
        assumptions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::run;

    #[test]
    fn attempts_of_one_call_do_not_fit_into_the_caller() {
        insta::assert_snapshot!(run(&RULE, "
            edge.yaml: edge forwards
            edge.yaml: edge -> auth
              timeout          whole-call  3s
            auth.toml: auth -> directory
              attempt_timeout  attempt       1s
              retries          retries       3
              backoff          backoff-base  200ms
        "), @r"
        error (across files, timeout-inversion, edge -> auth): edge gives up on auth after 3 s, auth's calls to directory can take 4.6 s
          edge.yaml:3 timeout = 3s -- covers the whole call, 1 attempt
          auth.toml:5 attempt_timeout = 1s -- ends one attempt
          auth.toml:6 retries = 3 -- 4 attempts
          auth.toml:7 backoff = 200ms -- the first wait between them
          sum: auth -> directory: (3 + 1) x 1 s + 600 ms back-off = 4.6 s
          sum: 3 s < 4.6 s + 230 ms margin
          help: raise `timeout` to at least 5 s, or lower limits and attempts of auth's calls to directory
        ");
    }

    #[test]
    fn call_made_several_times_does_not_fit_into_the_handler() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth
              request_timeout  handler     5s
            auth.toml: auth -> directory per-request=3
              timeout          whole-call  2s
        "), @r"
        error (in file, timeout-inversion, auth): auth ends a request after 5 s, auth's calls to directory can take 6 s
          auth.toml:2 request_timeout = 5s -- ends auth's own work
          auth.toml:4 timeout = 2s -- ends the whole call
          sum: auth -> directory: 3 times 2 s, together 6 s
          sum: 5 s < 6 s + 300 ms margin
          help: raise `request_timeout` to at least 6.5 s, or lower limits and attempts of auth's calls to directory
        ");
    }

    #[test]
    fn limits_that_the_handler_always_comes_before() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth
              server.handler_timeout  handler    5s
            auth.toml: auth [pool]
              db.statement_timeout    statement  60s
              db.connect_timeout      connect    30s
              db.acquire_timeout      pool-wait  30s
              db.idle_timeout         idle       600s
            auth.toml: auth -> directory
              directory.connect       connect    1s
              directory.timeout       first-byte 2s
              directory.tls           tls        10s  default "Toy tls"
        "#), @r"
        warning (in file, timeout-inversion, auth): auth ends a request after 5 s, so `db.statement_timeout` of 60 s and 1 more can never end anything
          auth.toml:4 db.statement_timeout = 60s -- 60 s never run out: the request ends before
          auth.toml:5 db.connect_timeout = 30s -- 30 s never run out: the request ends before
          auth.toml:2 server.handler_timeout = 5s -- ends auth's own work
          sum: `db.statement_timeout`: 60 s > 5 s
          sum: `db.connect_timeout`: 30 s > 5 s
          help: lower them below 5 s: what hangs is then ended and named before the request is
        ");
    }

    #[test]
    fn calls_do_not_fit_together() {
        insta::assert_snapshot!(run(&RULE, r#"
            web.toml: web -> auth
              timeout     whole-call  2500ms
            auth.toml: auth -> directory
              timeout     whole-call  1s
            auth.toml: auth -> sessions
              timeout     first-byte  1s
              connect     connect     1s
            auth.toml: auth -> mail
              timeout     first-byte  2s     default "Toy timeout"
        "#), @r"
        warning (assumed, timeout-inversion, web -> auth): web gives up on auth after 2.5 s, auth's calls to sessions and directory can take 3 s together
          web.toml:2 timeout = 2500ms -- covers the whole call, 1 attempt
          auth.toml:6 timeout = 1s -- ends one attempt
          auth.toml:7 connect = 1s -- comes before it
          auth.toml:4 timeout = 1s -- ends the whole call
          sum: auth -> sessions: 1 s connect + 1 s = 2 s
          sum: auth -> directory: 1 s
          sum: 2.5 s < 3 s
          help: make them at the same time, pass the deadline down, or lower their limits to 2.5 s together
          assumed: that one request of auth makes all these calls, one after the other
        ");
    }

    #[test]
    fn quiet_where_it_fits_or_another_rule_speaks() {
        for text in [
            "w: web -> auth
               timeout  whole-call  3s
             a: auth -> directory
               timeout  whole-call  1s
               retries  retries     5",
            // The same at every hop, and a guess what it covers.
            r#"w: web -> auth
               timeout_ms  whole-call  10s  assumed "that `timeout_ms` covers the whole call"
             a: auth -> directory
               timeout_ms  whole-call  10s  assumed "that `timeout_ms` covers the whole call""#,
            // An absolute deadline is passed down: no sum.
            "w: web -> auth passes-deadline
               timeout  whole-call  3s
             a: auth -> directory
               timeout  whole-call  5s",
            // Retries are switched off.
            "w: web -> auth
               timeout  whole-call  3s
             a: auth -> directory
               timeout  attempt     2s
               retries  retries     0",
            // A guess that calls follow each other on top of one what their limits cover.
            r#"w: web -> auth
               timeout  whole-call  3s
             a: auth -> directory
               timeout  whole-call  2s
             a: auth -> sessions
               timeout  whole-call  2s  assumed "that `timeout` covers the whole call""#,
            // Each request takes one route.
            "w: web -> gateway
               timeout  whole-call  3s
             g: gateway forwards
             g: gateway -> auth
               timeout  whole-call  2s
             g: gateway -> shop
               timeout  whole-call  2s",
            // A guess that the first limit is the handler's.
            r#"a: auth
               timeout          handler  250ms  assumed "that `timeout` bounds the handler"
             a: auth [pool]
               connect_timeout  connect  1s"#,
            // A number that `unit-too-large` reports is not known here.
            "w: web -> auth
               timeout  whole-call  3s
             a: auth -> directory
               timeout  between-bytes  60000  bare=s",
            // `timeout-above-proxy` says it.
            "e: edge forwards
             e: edge -> auth
               timeout  whole-call  3s
             a: auth -> directory
               timeout  whole-call  5s",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
