//! A service may wait longer for a callee than whoever forwards requests to it waits for the
//! service: the service's own limit never decides. Looks at single limits; sums of attempts and
//! calls belong to `timeout-below-nested-sum`, the service's own handler limit to
//! `timeout-shorter-than-callee`.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{CallView, Covers, Environment, FailureMode, Finding, Fleet, Level, pretty};

use crate::patience::Patience;
use crate::{Check, Found, MarginSet, Margins, Rule, labels, round};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "timeout-above-proxy",
    summary: "a service waits longer than the proxy in front of it",
    mode: FailureMode::TimeoutInversion,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("timeout_above_proxy.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, margins: &Margins, found: &mut Found) {
    let mut said = BTreeSet::new();
    for service in environment.services(fleet) {
        for (outer, proxy) in Patience::of_callers(service) {
            for (inner, own) in above(outer, &proxy, margins) {
                if said.insert((&proxy.setting.value.origin, &own.setting.value.origin)) {
                    let margins = margins.at(&own.setting.value.origin);
                    found.report(finding(outer, &proxy, inner, &own, margins));
                }
            }
        }
    }
}

/// The calls of a service whose limits lie above the limit of the proxy in front of it.
pub(crate) fn above<'f>(
    outer: CallView<'f>,
    proxy: &Patience<'f>,
    margins: &Margins,
) -> Vec<(CallView<'f>, Patience<'f>)> {
    let service = outer.to();
    let handler_decides = service.limit(Covers::Handler).is_some_and(|(_, limit)| limit.finite().is_some());
    if !outer.from().service().forwards || handler_decides {
        return Vec::new();
    }
    let mut calls: Vec<(CallView<'f>, Patience<'f>)> = Vec::new();
    for inner in service.calls() {
        let Some(own) = Patience::of(inner) else { continue };
        let same = |known: &(CallView<'_>, Patience<'_>)| known.0.call().to == inner.call().to;
        match calls.iter_mut().find(|known| same(known)) {
            // Of routes to one callee the least patient counts: a longer one may be a stream, which
            // the proxy's gap limit does not cut.
            Some(known) if service.service().forwards => {
                if own.limit < known.1.limit {
                    *known = (inner, own);
                }
            }
            _ => calls.push((inner, own)),
        }
    }
    calls.retain(|(_, own)| {
        let margin = margins.at(&own.setting.value.origin).chain(own.limit);
        // That two limits are nearly the same says nothing where it is a guess what they cover.
        let guessed = proxy.setting.is_assumed() || own.setting.is_assumed();
        // Neither does it where nobody chose either: a product that calls itself.
        let chosen = [proxy.setting, own.setting].iter().any(|s| !s.value.origin.is_default());
        let near = if guessed || !chosen { Duration::ZERO } else { margin };
        proxy.limit < own.limit.saturating_add(near)
    });
    calls
}

fn finding(
    outer: CallView<'_>,
    proxy: &Patience<'_>,
    inner: CallView<'_>,
    own: &Patience<'_>,
    margins: &MarginSet,
) -> Finding {
    let (edge, service, callee) = (outer.from().name(), outer.to().name(), inner.to().name());
    let (outside, inside) = (pretty(proxy.limit), pretty(own.limit));
    let margin = margins.chain(own.limit);
    let decides = proxy.limit < own.limit;
    let title = if decides {
        format!(
            "{service} waits up to {inside} for {callee}, but {edge} gives up on {service} after {outside}"
        )
    } else {
        format!(
            "{service} waits up to {inside} for {callee}, {edge} waits {outside} for {service}: which of them ends a slow request is chance"
        )
    };
    let longer = round::at_least(proxy.setting, own.limit.saturating_add(margin));
    let raise = format!("raise `{}` of {edge} to at least {longer}", proxy.setting.key);
    let help = match round::at_most(own.setting, |length| {
        length.saturating_add(margins.chain(length)) <= proxy.limit
    }) {
        Some(shorter) => format!("lower `{}` to at most {shorter}, or {raise}", own.setting.key),
        None => raise,
    };
    let words = if decides { format!("never decides behind {edge}") } else { format!("ends with {edge}'s") };
    let labels = vec![
        labels::at(own.setting, format!("{}; {words}", own.words())),
        labels::at(proxy.setting, proxy.words()),
    ];
    let mut assumptions = own.guesses();
    assumptions.extend(proxy.guesses_as_end());
    Finding {
        rule: RULE.name,
        level: if decides { Level::Error } else { Level::Warning },
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: labels::subject(inner),
        title,
        labels,
        arithmetic: vec![format!("{outside} < {inside} + {} margin", pretty(margin))],
        help,
        assumptions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::run;

    #[test]
    fn proxy_gives_up_before_the_service() {
        insta::assert_snapshot!(run(&RULE, r#"
            edge.conf: edge forwards
            edge.conf: edge -> auth
              read_timeout     between-bytes  60s  default "Toy read_timeout"
            auth.toml: auth -> directory
              request_timeout  whole-call     90s
        "#), @r"
        warning (assumed, timeout-inversion, auth -> directory): auth waits up to 90 s for directory, but edge gives up on auth after 60 s
          auth.toml:5 request_timeout = 90s -- covers the whole call, 1 attempt; never decides behind edge
          edge.conf:3 read_timeout = 60s -- covers the gap between two reads; 60 s is the default of Toy read_timeout, not set here
          sum: 60 s < 90 s + 4.5 s margin
          help: lower `request_timeout` to at most 55 s, or raise `read_timeout` of edge to at least 95 s
          assumed: that auth sends nothing before its answer is complete
        ");
    }

    #[test]
    fn proxy_and_service_race() {
        insta::assert_snapshot!(run(&RULE, "
            edge.yaml: edge forwards
            edge.yaml: edge -> auth
              timeout          whole-call  5s
            auth.toml: auth -> directory
              request_timeout  whole-call  5s
        "), @r"
        warning (across files, timeout-inversion, auth -> directory): auth waits up to 5 s for directory, edge waits 5 s for auth: which of them ends a slow request is chance
          auth.toml:5 request_timeout = 5s -- covers the whole call, 1 attempt; ends with edge's
          edge.yaml:3 timeout = 5s -- covers the whole call, 1 attempt
          sum: 5 s < 5 s + 250 ms margin
          help: lower `request_timeout` to at most 4.5 s, or raise `timeout` of edge to at least 5.5 s
        ");
    }

    #[test]
    fn quiet_where_another_rule_speaks_or_the_route_is_meant_for_it() {
        for text in [
            // No proxy: `timeout-below-nested-sum`.
            "w: web -> auth
               timeout  whole-call  5s
             a: auth -> directory
               timeout  whole-call  9s",
            // The handler's own limit decides: `timeout-shorter-than-callee`.
            "e: edge forwards
             e: edge -> auth
               timeout  whole-call  5s
             a: auth -> directory
               timeout  whole-call  9s
             a: auth
               timeout  handler  4s",
            // One streaming route among many.
            "e: edge forwards
             e: edge -> auth
               read_timeout  between-bytes  5s
             e: edge -> auth another
               read_timeout  between-bytes  3600s
             a: auth -> directory
               timeout  whole-call  9s",
            // The same default on every hop is nobody's choice.
            r#"e: edge forwards
             e: edge -> auth
               timeout  whole-call  15s  default "Toy timeout"
             a: auth -> directory
               timeout  whole-call  15s  default "Toy timeout""#,
            "e: edge forwards
             e: edge -> auth passes-deadline
               timeout  whole-call  5s
             a: auth -> directory
               timeout  whole-call  9s",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
