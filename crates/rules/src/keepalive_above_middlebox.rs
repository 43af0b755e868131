//! Pings meant to keep a connection open through what forwards it come later than that forgets it.
//! What a client does about idle connections without pings belongs to `keepalive-race`.

use std::collections::BTreeSet;

use model::{Covers, Environment, FailureMode, Finding, Fleet, Knob, Level, Limit, Setting, pretty};

use crate::{Check, Found, Margins, Rule, kept, labels, round};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "keepalive-above-middlebox",
    summary: "pings come later than what forwards the connection closes it for being idle",
    mode: FailureMode::KeepAliveRace,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("keepalive_above_middlebox.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let mut said = BTreeSet::new();
    for call in environment.calls(fleet).filter(|call| call.to().service().forwards) {
        let Some(ping) = call.knob(Knob::PingInterval).filter(|ping| !ping.value.origin.is_default()) else {
            continue;
        };
        let Some(every) = ping.length() else { continue };
        let Some((between, limit)) = kept::by_server(call) else { continue };
        let Some(limit) = limit.finite().filter(|limit| !limit.is_zero() && *limit <= every) else {
            continue;
        };
        // The client has a limit of its own: `keepalive-race` compares it.
        if call.limit(Covers::Idle).is_some_and(|(_, own)| own != Limit::Never) {
            continue;
        }
        if said.insert((&ping.value.origin, &between.value.origin)) {
            found.report(finding(call, (ping, every), (between, limit)));
        }
    }
}

fn finding(
    call: model::CallView<'_>,
    (ping, every): (&Setting, std::time::Duration),
    (between, limit): (&Setting, std::time::Duration),
) -> Finding {
    let (from, to) = (call.from().name(), call.to().name());
    let labels = vec![
        labels::at(ping, format!("{from} pings an idle connection this often")),
        labels::at(between, format!("{to} closes a connection that was idle for this long")),
    ];
    let assumptions = labels::guesses_in(call, &[ping, between]);
    let half = round::at_most(ping, |length| length <= limit / 2);
    Finding {
        rule: RULE.name,
        level: Level::Error,
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: labels::subject(call),
        title: format!(
            "{from} pings idle connections through {to} every {}, {to} closes them after {}: no ping comes in \
             time",
            pretty(every),
            pretty(limit)
        ),
        labels,
        arithmetic: vec![format!("{} >= {}", pretty(every), pretty(limit))],
        help: match half {
            Some(half) => format!("set `{}` to at most {half}, half of the limit", ping.key),
            None => format!("raise `{}` of {to}", between.key),
        },
        assumptions,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn pings_come_too_late() {
        insta::assert_snapshot!(run(&RULE, "
            balancer.toml: balancer forwards
              idle_timeout    idle           350s
            auth.toml: auth -> balancer
              keepalive_time  ping-interval  10m
        "), @"
        error (across files, keepalive-race, auth -> balancer): auth pings idle connections through balancer every 10 min, balancer closes them after 350 s: no ping comes in time
          auth.toml:4 keepalive_time = 10m -- auth pings an idle connection this often
          balancer.toml:2 idle_timeout = 350s -- balancer closes a connection that was idle for this long
          sum: 10 min >= 350 s
          help: set `keepalive_time` to at most 160 s, half of the limit
        ");
    }

    #[test]
    fn quiet_where_pings_are_in_time_or_nothing_is_between() {
        for text in [
            "b: balancer forwards
               idle  idle           350s
             a: auth -> balancer
               ping  ping-interval  2m",
            "d: directory
               idle  idle           350s
             a: auth -> directory
               ping  ping-interval  10m",
            "b: balancer forwards
               idle  idle           350s
             a: auth -> balancer
               idle  idle           5m
               ping  ping-interval  10m",
            "b: balancer forwards
             a: auth -> balancer
               ping  ping-interval  10m",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
