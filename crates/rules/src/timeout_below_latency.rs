//! A limit that measured calls would have crossed. The only rule that judges by what was measured;
//! where nothing was, it says so.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{
    Attempts, CallView, Covers, Environment, FailureMode, Finding, Fleet, Label, Latency, Level, Limit,
    Share, Sourced, grouped, percent, pretty,
};

use crate::patience::Patience;
use crate::{Check, Found, Margins, Rule, labels, round};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "timeout-below-latency",
    summary: "a limit cuts calls that would have succeeded",
    mode: FailureMode::PrematureTimeout,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("timeout_below_latency.md"),
    check: Check::Environment(check),
};

/// What advice aims at: one false timeout in ten thousand calls.
const AIM: f64 = 1e-4;

/// Shares are differences of decimal fractions; this much is rounding.
const ROUNDING: f64 = 1e-9;

/// From ten times the accepted share on it is an outage in the making, below it an annoyance.
const OUTAGE: f64 = 10.0;

fn check(fleet: &Fleet, environment: &Environment, margins: &Margins, found: &mut Found) {
    let mut unmeasured = BTreeSet::new();
    let mut said = BTreeSet::new();
    for call in environment.calls(fleet) {
        let Some(patience) = Patience::of(call) else { continue };
        let Some(measured) = &call.call().latency else {
            if unmeasured.insert((call.call().from, call.call().to)) {
                let needs = "measured latency of the call; declare it with [[observed]] from, to, timeout_in_force, quantiles";
                found.needs(RULE.name, labels::subject(call), needs);
            }
            continue;
        };
        let latency = &measured.value;
        let accepted = margins.at(&patience.setting.value.origin).false_timeouts + ROUNDING;
        match latency.share_above(patience.limit) {
            Share::Known { share, .. } | Share::AtMost(share) if share <= accepted => {}
            share @ (Share::Known { .. } | Share::AtLeast(_)) => {
                // Routes that inherit one setting meet one callee once.
                if said.insert((&patience.setting.value.origin, call.call().to)) {
                    found.report(finding(call, &patience, measured, &share, accepted));
                }
            }
            Share::AtMost(share) => {
                let needs = unseen(latency, patience.limit, share);
                found.needs(RULE.name, labels::subject(call), needs);
            }
            Share::NotEvaluated(needs) => found.needs(RULE.name, labels::subject(call), needs),
        }
    }
}

/// What would be needed to say more than "at most this share".
fn unseen(latency: &Latency, limit: Duration, share: f64) -> String {
    match latency.in_force {
        Some(Limit::After(cut)) if limit >= cut => format!(
            "latency measured under a longer timeout than {}, then in force; {} of calls may take longer than {}",
            pretty(cut),
            percent(share),
            pretty(limit)
        ),
        _ => format!(
            "a higher quantile or more calls; {} of calls may take longer than {}",
            percent(share),
            pretty(limit)
        ),
    }
}

fn finding(
    call: CallView<'_>,
    patience: &Patience<'_>,
    measured: &Sourced<Latency>,
    share: &Share,
    accepted: f64,
) -> Finding {
    let (from, to) = (call.from().name(), call.to().name());
    let latency = &measured.value;
    let limit = pretty(patience.limit);
    let repeated = patience.covers != Covers::WholeCall && Attempts::of(call).0.0 > 1;
    let what = if repeated { "attempts" } else { "calls" };
    let certain = match *share {
        Share::Known { low, .. } => low,
        Share::AtLeast(share) => share,
        Share::AtMost(_) | Share::NotEvaluated(_) => 0.0,
    };
    let (how_many, sum) = match *share {
        Share::Known { share, low, high } => (
            format!("{} of {what}", percent(share)),
            format!(
                "share of {what} above {limit}: {}, 95 % interval {} to {}, {} calls",
                percent(share),
                percent(low),
                percent(high),
                grouped(latency.calls)
            ),
        ),
        Share::AtLeast(share) | Share::AtMost(share) => (
            format!("at least {} of {what}", percent(share)),
            format!(
                "share of {what} above {limit}: at least {}, {} calls",
                percent(share),
                grouped(latency.calls)
            ),
        ),
        Share::NotEvaluated(_) => (what.to_owned(), String::new()),
    };
    let needed = needed_at(latency, patience.limit)
        .map_or(String::new(), |(q, t)| format!(", which needs {} at {}", pretty(t), quantile_name(q)));
    let help = match advice(latency, patience.limit, accepted) {
        Some((longer, one_in)) => format!(
            "raise `{}` to {}: then at most 1 call in {} is cut for nothing",
            patience.setting.key,
            round::exactly(patience.setting, longer),
            grouped(one_in)
        ),
        None => {
            format!("raise `{}`; how far, a measurement under a longer timeout can say", patience.setting.key)
        }
    };
    let labels = vec![
        labels::at(patience.setting, patience.words()),
        Label { origin: measured.origin.clone(), text: observed(latency) },
    ];
    Finding {
        rule: RULE.name,
        level: if certain >= OUTAGE * accepted { Level::Error } else { Level::Warning },
        basis: model::Basis::Observed,
        mode: RULE.mode,
        environments: Vec::new(),
        subject: labels::subject(call),
        title: format!("{how_many} will time out: {from} waits {limit} for {to}{needed}"),
        labels,
        arithmetic: vec![sum],
        help,
        assumptions: patience.guesses_as_end(),
    }
}

/// The quantile to name: the 99th where the limit lies below it, else the next above the limit.
fn needed_at(latency: &Latency, limit: Duration) -> Option<(f64, Duration)> {
    let above = || latency.visible().iter().copied().filter(|&(_, t)| t > limit);
    above().find(|&(q, _)| (q - 0.99).abs() < ROUNDING).or_else(|| above().next())
}

/// The smallest round limit that cuts less than one call in ten thousand, or else no more than is
/// accepted, and one in how many that is. None where the quantiles do not reach so far.
fn advice(latency: &Latency, limit: Duration, accepted: f64) -> Option<(Duration, u64)> {
    [AIM, accepted].into_iter().find_map(|aim| {
        let longer = round::ladder().filter(|&round| round > limit).find(|&round| {
            matches!(latency.share_above(round),
                Share::Known { share, .. } | Share::AtMost(share) if share <= aim + ROUNDING)
        })?;
        Some((longer, (1.0 / aim).round() as u64))
    })
}

/// "observed 2026-11-20 19:00-20:00 UTC, 41 200 calls, timeout then in force 1 s: p50 222 ms".
fn observed(latency: &Latency) -> String {
    let in_force = match latency.in_force {
        Some(limit) => format!(", timeout then in force {limit}"),
        None => String::new(),
    };
    let quantiles: Vec<String> =
        latency.quantiles.iter().map(|&(q, t)| format!("{} {}", quantile_name(q), pretty(t))).collect();
    let window = if latency.window.is_empty() { String::new() } else { format!("{}, ", latency.window) };
    format!("observed {window}{} calls{in_force}: {}", grouped(latency.calls), quantiles.join(", "))
}

/// "p99.9".
fn quantile_name(share: f64) -> String {
    let shown = format!("{:.4}", share * 100.0);
    format!("p{}", shown.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::run;

    #[test]
    fn limit_lies_inside_the_measured_latency() {
        insta::assert_snapshot!(run(&RULE, "
            auth/auth.toml: auth -> directory
              request_timeout  whole-call  300ms
            observed auth -> directory: 41200 calls, in force 1s, p50 222ms, p99 505ms, p99.9 661ms
        "), @r"
        error (observed, premature-timeout, auth -> directory): 19.7 % of calls will time out: auth waits 300 ms for directory, which needs 505 ms at p99
          auth/auth.toml:2 request_timeout = 300ms -- covers the whole call, 1 attempt
          forewarn.toml:3 [[observed]] -- observed 2026-11-20 19:00-20:00 UTC, 41 200 calls, timeout then in force 1 s: p50 222 ms, p99 505 ms, p99.9 661 ms
          sum: share of calls above 300 ms: 19.7 %, 95 % interval 19.3 % to 20.1 %, 41 200 calls
          help: raise `request_timeout` to 700 ms: then at most 1 call in 1 000 is cut for nothing
        ");
    }

    #[test]
    fn limit_lies_below_everything_measured() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth -> directory
              read_timeout  between-bytes  100ms
            observed auth -> directory: 900 calls, p50 222ms, p99.9 661ms, p99.999 900ms
        "), @r"
        warning (assumed, premature-timeout, auth -> directory): at least 50 % of calls will time out: auth waits 100 ms for directory, which needs 222 ms at p50
          auth.toml:2 read_timeout = 100ms -- covers the gap between two reads
          forewarn.toml:3 [[observed]] -- observed 2026-11-20 19:00-20:00 UTC, 900 calls: p50 222 ms, p99.9 661 ms, p99.999 900 ms
          sum: share of calls above 100 ms: at least 50 %, 900 calls
          help: raise `read_timeout`; how far, a measurement under a longer timeout can say
          assumed: that directory sends nothing before its answer is complete
        ");
    }

    #[test]
    fn nothing_measured_or_nothing_seen_so_far_out_is_not_evaluated() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth -> directory
              timeout  whole-call  300ms
            auth.toml: auth -> directory another
              timeout  whole-call  400ms
            auth.toml: auth -> mail
              connect  connect     1s
            auth.toml: auth -> sessions
              timeout  whole-call  2s
            auth.toml: auth -> users
              timeout  whole-call  2s
            observed auth -> sessions: 41200 calls, in force 1s, p50 222ms, p99 505ms
            observed auth -> users: 41200 calls, p50 222ms, p99 505ms
        "), @r"
        not evaluated: auth -> directory: needs measured latency of the call; declare it with [[observed]] from, to, timeout_in_force, quantiles
        not evaluated: auth -> sessions: needs latency measured under a longer timeout than 1 s, then in force; 1 % of calls may take longer than 2 s
        not evaluated: auth -> users: needs a higher quantile or more calls; 1 % of calls may take longer than 2 s
        ");
    }

    #[test]
    fn few_false_timeouts_are_no_outage() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth -> directory
              attempt_timeout  attempt  600ms
              retries          retries  1
            observed auth -> directory: 41200 calls, p50 222ms, p99 505ms, p99.9 661ms, p99.99 720ms
        "), @r"
        warning (observed, premature-timeout, auth -> directory): 0.24 % of attempts will time out: auth waits 600 ms for directory, which needs 661 ms at p99.9
          auth.toml:2 attempt_timeout = 600ms -- covers one attempt of 2
          forewarn.toml:4 [[observed]] -- observed 2026-11-20 19:00-20:00 UTC, 41 200 calls: p50 222 ms, p99 505 ms, p99.9 661 ms, p99.99 720 ms
          sum: share of attempts above 600 ms: 0.24 %, 95 % interval 0.2 % to 0.3 %, 41 200 calls
          help: raise `attempt_timeout` to 750 ms: then at most 1 call in 10 000 is cut for nothing
        ");
    }

    #[test]
    fn quiet_where_fewer_calls_are_cut_than_accepted() {
        for text in [
            "a: auth -> directory
               timeout  whole-call  700ms
             observed auth -> directory: 41200 calls, in force 1s, p50 222ms, p99 505ms, p99.9 661ms",
            "a: auth -> directory
               timeout  whole-call  2s
             observed auth -> directory: 41200 calls, in force 1s, p50 222ms, p99 505ms, p99.9 661ms",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [0.1976, 0.5, 0.001_34, 0.000_073, 0.0].map(percent),
            ["19.8 %", "50 %", "0.13 %", "0.0073 %", "0 %"]
        );
        assert_eq!([1, 999, 41_200, 1_000_000].map(grouped), ["1", "999", "41 200", "1 000 000"]);
        assert_eq!([0.5, 0.999, 0.9999].map(quantile_name), ["p50", "p99.9", "p99.99"]);
    }
}
