//! A pool replaces its connections so soon that making them is load of its own.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{Covers, Environment, FailureMode, Finding, Fleet, Knob, Level, Setting, pretty};

use crate::client::Client;
use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "pool-lifetime-too-short",
    summary: "a pool replaces its connections every few minutes, or after each use",
    mode: FailureMode::PoolExhaustion,
    level: Level::Warning,
    since: "0.1",
    docs: include_str!("pool_lifetime_too_short.md"),
    check: Check::Environment(check),
};

/// Connections that live as long cost nothing that anyone measured: pools replace theirs after half
/// an hour by default (HikariCP README, `maxLifetime`).
const LONG_ENOUGH: Duration = Duration::from_secs(300);

/// Smaller pools make too few connections to notice.
const LARGE: u64 = 10;

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let mut said = BTreeSet::new();
    for client in Client::all(fleet, environment).iter().filter(|client| !client.is_loose()) {
        let Some((lifetime, limit)) = client.limit(Covers::Lifetime) else { continue };
        let Some(limit) = limit.finite().filter(|limit| *limit < LONG_ENOUGH) else { continue };
        // A connection to something near that only forwards is cheap, and what nobody wrote nobody
        // shortened.
        let cheap = client.call().is_some_and(|call| call.to().service().forwards);
        if cheap || lifetime.value.origin.is_default() {
            continue;
        }
        if limit.is_zero() {
            if said.insert((&lifetime.value.origin, &lifetime.value.origin)) {
                found.report(used_once(client, lifetime));
            }
            continue;
        }
        let Some(size) = client.knob(Knob::PoolSize) else { continue };
        let Some(count) = size.count().filter(|&count| count >= LARGE) else { continue };
        if said.insert((&lifetime.value.origin, &size.value.origin)) {
            found.report(finding(client, (lifetime, limit), (size, count)));
        }
    }
}

/// An age of zero: whatever is done with a connection is the last that is done with it.
fn used_once(client: &Client<'_>, lifetime: &Setting) -> Finding {
    let labels = vec![labels::at(lifetime, "closes a connection as soon as it is given back")];
    let assumptions = client.guesses(&[lifetime]);
    Finding {
        rule: RULE.name,
        level: Level::Warning,
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: client.subject(),
        title: format!("{} use each connection once, so the pool keeps none", client.calls()),
        labels,
        arithmetic: Vec::new(),
        help: format!(
            "leave `{}` at its default, or set it to 15 to 30 min, below what the server or what lies between \
             allows",
            lifetime.key
        ),
        assumptions,
    }
}

fn finding(
    client: &Client<'_>,
    (lifetime, limit): (&Setting, Duration),
    (size, count): (&Setting, u64),
) -> Finding {
    let caller = client.call().map(|call| call.from());
    let instances = caller.and_then(|caller| caller.knob(Knob::Instances));
    let all = instances.and_then(|s| Some((s, s.count().filter(|&instances| instances > 1)?)));
    let connections = all.map_or(count, |(_, instances)| count.saturating_mul(instances));
    let rate = connections as f64 / limit.as_secs_f64();
    let mut labels = vec![
        labels::at(lifetime, "replaces a connection at this age"),
        labels::at(size, "connections of the pool"),
    ];
    let mut settings = vec![lifetime, size];
    let mut sum = format!("{count} connections");
    if let Some((setting, instances)) = all {
        labels.push(labels::at(setting, "instances, each with such a pool"));
        settings.push(setting);
        sum = format!("{instances} x {count} connections");
    }
    let assumptions = client.guesses(&settings);
    let often = if rate >= 1.0 {
        format!("{rate:.1} new connections a second")
    } else {
        format!("a new connection every {}", pretty(limit / u32::try_from(connections).unwrap_or(u32::MAX)))
    };
    Finding {
        rule: RULE.name,
        // Below one a second it costs latency now and then, above it is a load.
        level: if rate >= 1.0 { Level::Warning } else { Level::Note },
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: client.subject(),
        title: format!(
            "{} go through connections that live {}: {often} at full size",
            client.calls(),
            pretty(limit)
        ),
        labels,
        arithmetic: vec![format!("{sum} / {} = {rate:.2} a second", pretty(limit))],
        help: format!(
            "raise `{}` to 15 to 30 min, below what the server or what lies between allows",
            lifetime.key
        ),
        assumptions,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn a_large_pool_that_lives_a_minute() {
        insta::assert_snapshot!(run(&RULE, "
            auth.yaml: auth
              replicas      instances  6
            auth.toml: auth -> users [pool]
              max_lifetime  lifetime   60s
              max_size      pool-size  20
        "), @"
        warning (across files, pool-exhaustion, auth -> users): auth's calls to users go through connections that live 60 s: 2.0 new connections a second at full size
          auth.toml:4 max_lifetime = 60s -- replaces a connection at this age
          auth.toml:5 max_size = 20 -- connections of the pool
          auth.yaml:2 replicas = 6 -- instances, each with such a pool
          sum: 6 x 20 connections / 60 s = 2.00 a second
          help: raise `max_lifetime` to 15 to 30 min, below what the server or what lies between allows
        ");
    }

    #[test]
    fn one_instance_is_worth_a_note() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth [pool]
              max_lifetime  lifetime   60s
              max_size      pool-size  10
        "), @"
        note (in file, pool-exhaustion, auth): the calls of auth go through connections that live 60 s: a new connection every 6 s at full size
          auth.toml:2 max_lifetime = 60s -- replaces a connection at this age
          auth.toml:3 max_size = 10 -- connections of the pool
          sum: 10 connections / 60 s = 0.17 a second
          help: raise `max_lifetime` to 15 to 30 min, below what the server or what lies between allows
        ");
    }

    #[test]
    fn an_age_of_zero_leaves_no_pool() {
        insta::assert_snapshot!(run(&RULE, "
            pooler.ini: pooler forwards
            pooler.ini: pooler -> users
              server_lifetime  lifetime   0s
              pool_size        pool-size  5
            pooler.ini: pooler -> sessions
              server_lifetime  lifetime   never
        "), @r"
        warning (in file, pool-exhaustion, pooler -> users): pooler's calls to users use each connection once, so the pool keeps none
          pooler.ini:3 server_lifetime = 0s -- closes a connection as soon as it is given back
          help: leave `server_lifetime` at its default, or set it to 15 to 30 min, below what the server or what lies between allows
        ");
    }

    #[test]
    fn quiet_for_small_pools_long_lives_and_poolers() {
        for text in [
            "a: auth -> users [pool]
               life  lifetime   60s
               size  pool-size  5",
            "a: auth -> users [pool]
               life  lifetime   10m
               size  pool-size  50",
            "p: pooler forwards
             a: auth -> pooler [pool]
               life  lifetime   60s
               size  pool-size  50",
            "a: auth -> users [pool]
               life  lifetime   60s",
            "p: pooler forwards
             a: auth -> pooler [pool]
               life  lifetime   0s",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
