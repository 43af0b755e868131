//! A client pings more often than its server tolerates, so the server closes the connection.

use std::collections::BTreeSet;

use model::{Environment, FailureMode, Finding, Fleet, Knob, Level, Setting, pretty};

use crate::{Check, Found, Margins, Rule, labels, round};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "keepalive-ping-too-fast",
    summary: "a client pings more often than its server tolerates",
    mode: FailureMode::KeepAliveRace,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("keepalive_ping_too_fast.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let mut said = BTreeSet::new();
    for call in environment.calls(fleet) {
        let length = |setting: Option<_>| setting.and_then(|s: &Setting| Some((s, s.length()?)));
        let Some((ping, every)) = length(call.knob(Knob::PingInterval)) else { continue };
        let Some((floor, least)) = length(call.to().knob(Knob::PingFloor)) else { continue };
        // Zero is off. Timers are late and early by turns, so at the same length half the pings come
        // too soon.
        if every.is_zero() || every > least {
            continue;
        }
        if !said.insert((&ping.value.origin, &floor.value.origin)) {
            continue;
        }
        let (from, to) = (call.from().name(), call.to().name());
        let labels = vec![
            labels::at(ping, format!("{from} pings this often")),
            labels::at(floor, format!("{to} closes the connection of whoever pings more often")),
        ];
        let assumptions = labels::guesses_in(call, &[ping, floor]);
        let sign = if every == least { "=" } else { "<" };
        found.report(Finding {
            rule: RULE.name,
            level: Level::Error,
            basis: labels::basis(&labels),
            mode: RULE.mode,
            environments: Vec::new(),
            subject: labels::subject(call),
            title: format!(
                "{from} pings {to} every {}, {to} tolerates a ping every {}: it closes the connection, with \
                 the calls on it",
                pretty(every),
                pretty(least)
            ),
            labels,
            arithmetic: vec![format!("{} {sign} {}", pretty(every), pretty(least))],
            help: format!(
                "raise `{}` to {} or more, or lower `{}` of {to}",
                ping.key,
                round::at_least(ping, least.mul_f64(1.1)),
                floor.key
            ),
            assumptions,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn pings_below_a_default_floor() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth -> directory
              keepalive_time  ping-interval  30s
            directory.toml: directory
              min_ping        ping-floor     5m  default "Toy min_ping"
        "#), @"
        error (across files, keepalive-race, auth -> directory): auth pings directory every 30 s, directory tolerates a ping every 5 min: it closes the connection, with the calls on it
          auth.toml:2 keepalive_time = 30s -- auth pings this often
          directory.toml:4 min_ping = 5m -- directory closes the connection of whoever pings more often; 5 min is the default of Toy min_ping, not set here
          sum: 30 s < 5 min
          help: raise `keepalive_time` to 350 s or more, or lower `min_ping` of directory
        ");
    }

    #[test]
    fn the_same_length_is_too_fast() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth -> directory
              keepalive_time  ping-interval  60s
            directory.toml: directory
              min_ping        ping-floor     60s
        "), @"
        error (across files, keepalive-race, auth -> directory): auth pings directory every 60 s, directory tolerates a ping every 60 s: it closes the connection, with the calls on it
          auth.toml:2 keepalive_time = 60s -- auth pings this often
          directory.toml:4 min_ping = 60s -- directory closes the connection of whoever pings more often
          sum: 60 s = 60 s
          help: raise `keepalive_time` to 70 s or more, or lower `min_ping` of directory
        ");
    }

    #[test]
    fn quiet_where_pings_are_rare_or_off_or_the_floor_unknown() {
        for text in [
            "a: auth -> directory
               ping  ping-interval  6m
             d: directory
               min   ping-floor     5m",
            "a: auth -> directory
               ping  ping-interval  never
             d: directory
               min   ping-floor     5m",
            "a: auth -> directory
               ping  ping-interval  1s",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
