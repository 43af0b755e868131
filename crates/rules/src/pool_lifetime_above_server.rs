//! A pool that replaces connections by their age alone, later than the server closes idle ones. Idle
//! limits of clients belong to `keepalive-race`.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{
    CallView, Covers, Environment, FailureMode, Finding, Fleet, Knob, Level, Limit, Setting, pretty,
};

use crate::kept::{self, Kept};
use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "pool-lifetime-above-server",
    summary: "a pool keeps connections for longer than their server lets them be idle",
    mode: FailureMode::KeepAliveRace,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("pool_lifetime_above_server.md"),
    check: Check::Environment(check),
};

/// By how much a pool shall be ahead of its server: HikariCP's README asks for "several seconds", and
/// pools look after their connections every half a minute.
const COMFORT: Duration = Duration::from_secs(30);

fn check(fleet: &Fleet, environment: &Environment, margins: &Margins, found: &mut Found) {
    let mut said = BTreeSet::new();
    for call in environment.calls(fleet) {
        let Some(pool) = Kept::by_client(call).filter(|kept| kept.by_age) else { continue };
        let Some((server, limit)) = kept::by_server(call) else {
            if !pool.setting.value.origin.is_default() {
                found.needs(RULE.name, labels::subject(call), kept::unknown(call.to().name()));
            }
            continue;
        };
        let Some(closes) = limit.finite().filter(|closes| !closes.is_zero()) else { continue };
        let margin = margins.at(&server.value.origin).keepalive;
        if pool.ends_before(closes, margin) || kept::pinged_within(call, closes) {
            continue;
        }
        if said.insert((&pool.setting.value.origin, &server.value.origin)) {
            found.report(finding(call, &pool, server, closes, margin));
        }
    }
}

fn finding(
    call: CallView<'_>,
    pool: &Kept<'_>,
    server: &Setting,
    closes: Duration,
    margin: Duration,
) -> Finding {
    let (from, to) = (call.from().name(), call.to().name());
    let tested = call.limit(Covers::Validation);
    let meets = match tested {
        Some(_) => "each such connection is found dead and replaced while a request waits",
        None => "some requests meet a closed connection",
    };
    let keeps = match pool.limit {
        Limit::After(length) => format!("keeps connections to {to} for up to {}", pretty(length)),
        Limit::Never => format!("never replaces its connections to {to}"),
    };
    let mut labels = vec![
        labels::at(pool.setting, format!("{from} replaces a connection at this age, used or not")),
        labels::at(server, format!("{to} closes a connection that was idle for this long")),
    ];
    let mut settings = vec![pool.setting, server];
    let idle = call.limit(Covers::Idle);
    match (idle, kept::keeps_all(call)) {
        (Some((idle, _)), Some(floor)) => {
            labels.push(labels::at(
                floor,
                format!("keeps every connection open, so `{}` never acts", idle.key),
            ));
            settings.push(floor);
        }
        (None, Some(floor)) => {
            labels.push(labels::at(floor, "keeps every connection open, however long nobody uses it"));
            settings.push(floor);
        }
        (Some((idle, _)), None) => labels.push(labels::at(idle, "closes none sooner for being idle")),
        (None, None) => {}
    }
    let mut assumptions = labels::guesses_in(call, &settings);
    if idle.is_none() && kept::keeps_all(call).is_none() {
        assumptions.push(format!("that {from}'s pool closes no idle connection sooner"));
    }
    let defaults = settings[..2].iter().all(|setting| setting.value.origin.is_default());
    let level = if tested.is_some() || defaults { Level::Warning } else { Level::Error };
    let fits = closes.saturating_sub(COMFORT.max(margin)).max(closes / 2);
    let help = format!("lower `{}` to at most {}", pool.setting.key, pretty(whole(fits)));
    let ping = call.knob(Knob::PingInterval).map_or(String::new(), |ping| {
        format!(", or let `{}` ping more often than every {}", ping.key, pretty(closes))
    });
    Finding {
        rule: RULE.name,
        level,
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: labels::subject(call),
        title: format!("{from} {keeps}, {to} closes idle ones after {}: {meets}", pretty(closes)),
        labels,
        arithmetic: match pool.limit {
            Limit::After(age) => vec![format!(
                "{} (server) < {} (pool) + {} (margin)",
                pretty(closes),
                pretty(age),
                pretty(margin)
            )],
            Limit::Never => Vec::new(),
        },
        help: format!("{help}{ping}"),
        assumptions,
    }
}

/// A length cut to whole hours, minutes or seconds, as people write ages.
fn whole(length: Duration) -> Duration {
    let unit = match length.as_secs() {
        7_200.. => 3_600,
        120.. => 60,
        _ => 1,
    };
    Duration::from_secs((length.as_secs() / unit * unit).max(1))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn a_fixed_pool_goes_by_age_alone() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.properties: auth -> users [pool]
              maximumPoolSize  pool-size   10
              minimumIdle      pool-floor  10
              idleTimeout      idle        60s
              maxLifetime      lifetime    1800s  default "Toy maxLifetime"
            my.cnf: users
              wait_timeout  idle  600s
        "#), @"
        error (across files, keepalive-race, auth -> users): auth keeps connections to users for up to 30 min, users closes idle ones after 10 min: some requests meet a closed connection
          auth.properties:5 maxLifetime = 1800s -- auth replaces a connection at this age, used or not; 30 min is the default of Toy maxLifetime, not set here
          my.cnf:7 wait_timeout = 600s -- users closes a connection that was idle for this long
          auth.properties:3 minimumIdle = 10 -- keeps every connection open, so `idleTimeout` never acts
          sum: 10 min (server) < 30 min (pool) + 1 s (margin)
          help: lower `maxLifetime` to at most 9 min
        ");
    }

    #[test]
    fn a_pool_that_never_lets_go() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth -> users [pool]
              pool_recycle  lifetime  never  default "Toy pool_recycle"
              idle_timeout  idle      never  default "Toy idle_timeout"
            my.cnf: users
              wait_timeout  idle      8h
        "#), @"
        error (across files, keepalive-race, auth -> users): auth never replaces its connections to users, users closes idle ones after 8 h: some requests meet a closed connection
          auth.toml:2 pool_recycle = never -- auth replaces a connection at this age, used or not; no limit is the default of Toy pool_recycle, not set here
          my.cnf:5 wait_timeout = 8h -- users closes a connection that was idle for this long
          auth.toml:3 idle_timeout = never -- closes none sooner for being idle; no limit is the default of Toy idle_timeout, not set here
          help: lower `pool_recycle` to at most 7 h
        ");
    }

    #[test]
    fn a_pool_that_tests_its_connections_loses_time_only() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth -> users [pool]
              max_lifetime        lifetime    30m
              validation_timeout  validation  5s
            my.cnf: users
              wait_timeout        idle        30m
        "#), @"
        warning (assumed, keepalive-race, auth -> users): auth keeps connections to users for up to 30 min, users closes idle ones after 30 min: each such connection is found dead and replaced while a request waits
          auth.toml:2 max_lifetime = 30m -- auth replaces a connection at this age, used or not
          my.cnf:5 wait_timeout = 30m -- users closes a connection that was idle for this long
          sum: 30 min (server) < 30 min (pool) + 1 s (margin)
          help: lower `max_lifetime` to at most 29 min
          assumed: that auth's pool closes no idle connection sooner
        ");
    }

    #[test]
    fn unknown_servers_are_not_judged() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth -> users [pool]
              max_lifetime  lifetime  30m
            auth.toml: auth -> sessions [pool]
              max_lifetime  lifetime  30m  default "Toy max_lifetime"
        "#), @r#"
        not evaluated: auth -> users: needs how long `users` keeps idle connections; declare its key with [[setting]] controls = "timeout", covers = "idle"
        "#);
    }

    #[test]
    fn quiet_where_the_pool_is_first_or_its_idle_limit_acts() {
        for text in [
            "a: auth -> users [pool]
               max_lifetime  lifetime  5m
             u: users
               wait_timeout  idle      10m",
            "a: auth -> users [pool]
               max_lifetime  lifetime  30m
               idle_timeout  idle      5m
               minimum       pool-floor  2
               maximum       pool-size   9
             u: users
               wait_timeout  idle      10m",
            "a: auth -> users [pool]
               max_lifetime  lifetime  30m
               ping          ping-interval  2m
             u: users
               wait_timeout  idle      10m",
            "a: auth -> users [pool]
               max_lifetime  lifetime  30m
             u: users
               wait_timeout  idle      never",
            // `keepalive-race` says it.
            "a: auth -> users [pool]
               max_lifetime  lifetime  60m
               idle_timeout  idle      30m
             u: users
               wait_timeout  idle      10m",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
