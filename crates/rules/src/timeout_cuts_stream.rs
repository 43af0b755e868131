//! A limit that ends whole answers, or silence, on a route made for streams: they are cut at exactly
//! that time, healthy or not.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{
    CallView, Covers, Environment, FailureMode, Finding, Fleet, Knob, Level, Setting, Value, pretty,
};

use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "timeout-cuts-stream",
    summary: "a limit for ordinary answers ends streams",
    mode: FailureMode::PrematureTimeout,
    level: Level::Warning,
    since: "0.1",
    docs: include_str!("timeout_cuts_stream.md"),
    check: Check::Environment(check),
};

/// Silence of this length is ordinary on a stream: browsers and libraries send signs of life every
/// half minute or less, many programs send none. Longer limits were chosen for streams.
const SILENCE: Duration = Duration::from_secs(60);

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let mut said = BTreeSet::new();
    for call in environment.calls(fleet) {
        let on = |knob| call.knob(knob).filter(|s| s.value.value == Value::Flag(true));
        let streams = on(Knob::Streams);
        let Some(route) = streams.or_else(|| on(Knob::Upgrades)) else { continue };
        // A limit on answers does not see a tunnel.
        let whole = streams.and_then(|_| finite(call, &[Covers::WholeCall, Covers::Attempt]));
        // A short gap that somebody wrote goes with signs of life that somebody sends.
        let gap = finite(call, &[Covers::BetweenBytes])
            .filter(|&(setting, limit, _)| limit <= SILENCE && setting.value.origin.is_default());
        let Some((setting, limit, covers)) = whole.or(gap) else { continue };
        // A default is the same one wherever it holds: what many routes inherit is said once.
        let limited_by = setting.value.origin.default_of().ok_or(&setting.value.origin);
        if said.insert((&route.value.origin, limited_by)) {
            found.report(finding(call, route, setting, limit, covers));
        }
    }
}

/// The shortest of a call's limits that cover one of these.
fn finite<'f>(call: CallView<'f>, covers: &[Covers]) -> Option<(&'f Setting, Duration, Covers)> {
    let limits = covers.iter().filter_map(|&covers| {
        let (setting, limit) = call.limit(covers)?;
        Some((setting, limit.finite()?, covers))
    });
    limits.min_by_key(|&(_, limit, _)| limit)
}

fn finding(
    call: CallView<'_>,
    route: &Setting,
    setting: &Setting,
    limit: Duration,
    covers: Covers,
) -> Finding {
    let (from, to) = (call.from().name(), call.to().name());
    let whole = covers != Covers::BetweenBytes;
    let labels = vec![
        labels::at(setting, format!("covers {}", covers.words())),
        labels::at(route, "what goes here has no end of its own"),
    ];
    let assumptions = labels::guesses_in(call, &[setting, route]);
    Finding {
        rule: RULE.name,
        level: if whole { Level::Warning } else { Level::Note },
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: labels::subject(call),
        title: if whole {
            format!("{from} cuts every stream from {to} after {}", pretty(limit))
        } else {
            format!("{from} cuts a stream from {to} that is silent for {}", pretty(limit))
        },
        labels,
        arithmetic: Vec::new(),
        help: if whole {
            format!("switch `{}` off for this route and limit silence instead", setting.key)
        } else {
            format!("raise `{}` for this route, or let {to} send signs of life more often", setting.key)
        },
        assumptions,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn whole_answers_end() {
        insta::assert_snapshot!(run(&RULE, r#"
            edge.yaml: edge forwards
            edge.yaml: edge -> events
              stream   streams     on
              timeout  whole-call  15s  default "Toy timeout"
        "#), @"
        warning (in file, premature-timeout, edge -> events): edge cuts every stream from events after 15 s
          edge.yaml:4 timeout = 15s -- covers the whole call; 15 s is the default of Toy timeout, not set here
          edge.yaml:3 stream = on -- what goes here has no end of its own
          help: switch `timeout` off for this route and limit silence instead
        ");
    }

    #[test]
    fn silence_ends_a_tunnel() {
        insta::assert_snapshot!(run(&RULE, r#"
            edge.conf: edge forwards
            edge.conf: edge -> events
              upgrade       upgrades       on
              timeout       whole-call     15s
              read_timeout  between-bytes  60s  default "Toy read_timeout"
        "#), @"
        note (in file, premature-timeout, edge -> events): edge cuts a stream from events that is silent for 60 s
          edge.conf:5 read_timeout = 60s -- covers the gap between two reads; 60 s is the default of Toy read_timeout, not set here
          edge.conf:3 upgrade = on -- what goes here has no end of its own
          help: raise `read_timeout` for this route, or let events send signs of life more often
        ");
    }

    #[test]
    fn quiet_without_streams_or_with_limits_for_them() {
        for text in [
            r#"e: edge -> events
               timeout  whole-call     15s
               read     between-bytes  60s  default "Toy""#,
            "e: edge -> events
               stream   streams        on
               timeout  whole-call     never
               read     between-bytes  60s",
            "e: edge -> events
               stream   streams        off
               timeout  whole-call     15s",
            "e: edge -> events
               upgrade  upgrades       on
               timeout  whole-call     15s",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
