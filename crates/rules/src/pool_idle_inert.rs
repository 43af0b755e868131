//! An idle limit on a pool that closes no connection for being idle: somebody set it for nothing.

use std::collections::BTreeSet;

use model::{Covers, Environment, FailureMode, Finding, Fleet, Knob, Level, Limit};

use crate::client::Client;
use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "pool-idle-inert",
    summary: "an idle limit on a pool that keeps all its connections open",
    mode: FailureMode::InertSetting,
    level: Level::Note,
    since: "0.1",
    docs: include_str!("pool_idle_inert.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let mut said = BTreeSet::new();
    for client in Client::all(fleet, environment).iter().filter(|client| !client.is_loose()) {
        let Some((idle, limit)) = client.limit(Covers::Idle) else { continue };
        let (Some(floor), Some(size)) = (client.knob(Knob::PoolFloor), client.knob(Knob::PoolSize)) else {
            continue;
        };
        let (Some(kept), Some(most)) = (floor.count(), size.count()) else { continue };
        // Zero is no connection at all, or a word for something else.
        if limit == Limit::Never || idle.value.origin.is_default() || kept < most || most == 0 {
            continue;
        }
        if !said.insert(&idle.value.origin) {
            continue;
        }
        let labels = vec![
            labels::at(idle, "never acts"),
            labels::at(floor, "so many connections stay open however long nobody uses them"),
            labels::at(size, "and there are never more"),
        ];
        let assumptions = client.guesses(&[idle, floor, size]);
        found.report(Finding {
            rule: RULE.name,
            level: Level::Note,
            basis: labels::basis(&labels),
            mode: RULE.mode,
            environments: Vec::new(),
            subject: client.subject(),
            title: format!("`{}` closes no connection of {}: all {most} stay open", idle.key, client.calls()),
            labels,
            arithmetic: vec![format!("{kept} >= {most}")],
            help: format!("set `{}` below {most}, or take `{}` out", floor.key, idle.key),
            assumptions,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn the_floor_is_the_size() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.properties: auth -> users [pool]
              idleTimeout      idle        60s
              minimumIdle      pool-floor  20  default "Toy minimumIdle"
              maximumPoolSize  pool-size   20
        "#), @"
        note (in file, inert-setting, auth -> users): `idleTimeout` closes no connection of auth's calls to users: all 20 stay open
          auth.properties:2 idleTimeout = 60s -- never acts
          auth.properties:3 minimumIdle = 20 -- so many connections stay open however long nobody uses them; 20 is the default of Toy minimumIdle, not set here
          auth.properties:4 maximumPoolSize = 20 -- and there are never more
          sum: 20 >= 20
          help: set `minimumIdle` below 20, or take `idleTimeout` out
        ");
    }

    #[test]
    fn quiet_where_the_pool_can_shrink_or_nobody_set_it() {
        for text in [
            "a: auth -> users [pool]
               idle  idle        60s
               min   pool-floor  2
               max   pool-size   20",
            r#"a: auth -> users [pool]
               idle  idle        10m  default "Toy idle"
               min   pool-floor  20
               max   pool-size   20"#,
            // Most idle connections is no floor.
            "a: auth -> users [pool]
               idle  idle        60s
               most  pool-idle   20
               max   pool-size   20",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
