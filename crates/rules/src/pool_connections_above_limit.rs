//! All pools of one server, full at once, need more connections than it accepts. Counts what is known
//! only, so the sum is a lower bound.

use std::collections::BTreeMap;

use model::{
    CallView, Environment, FailureMode, Finding, Fleet, GroupView, Knob, Label, Level, ServiceId,
    ServiceView, Setting, Subject,
};

use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "pool-connections-above-limit",
    summary: "the pools of a server's callers hold more connections than it accepts",
    mode: FailureMode::PoolExhaustion,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("pool_connections_above_limit.md"),
    check: Check::Environment(check),
};

/// The connections that one caller opens when its pools are full.
struct Share<'f> {
    name: &'f str,
    size: &'f Setting,
    /// Settings that multiply the pool, with their words: instances, processes.
    times: Vec<(&'f Setting, u64, &'static str)>,
    connections: u64,
    call: CallView<'f>,
}

impl<'f> Share<'f> {
    fn of(call: CallView<'f>) -> Option<Self> {
        let size = call.knob(Knob::PoolSize)?;
        let from = call.from();
        let times: Vec<_> = [(Knob::Instances, "instances"), (Knob::Processes, "processes")]
            .into_iter()
            .filter_map(|(knob, words)| {
                let setting = from.knob(knob)?;
                Some((setting, setting.count().filter(|&count| count > 1)?, words))
            })
            .collect();
        let connections = times.iter().fold(size.count()?, |sum, (_, count, _)| sum.saturating_mul(*count));
        Some(Self { name: from.name(), size, times, connections, call })
    }

    /// "auth: 5 instances x 20 = 100".
    fn written(&self) -> String {
        let size = self.size.count().unwrap_or_default();
        let times: String =
            self.times.iter().map(|(_, count, words)| format!("{count} {words} x ")).collect();
        match times.is_empty() {
            true => format!("{}: {size}", self.name),
            false => format!("{}: {times}{size} = {}", self.name, self.connections),
        }
    }

    fn settings(&self) -> impl Iterator<Item = &'f Setting> + use<'_, 'f> {
        std::iter::once(self.size).chain(self.times.iter().map(|&(setting, ..)| setting))
    }
}

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    for server in environment.services(fleet) {
        let Some(limit) = server.knob(Knob::ConnectionLimit) else { continue };
        // Zero is how servers write "as many as come".
        let Some(accepts) = limit.count().filter(|&count| count > 0) else { continue };
        let reserved = reserved(server);
        let shares = shares(server);
        let needs = shares.iter().fold(0_u64, |sum, share| sum.saturating_add(share.connections));
        let left = accepts.saturating_sub(sum(&reserved));
        if needs > left {
            found.report(finding(server, (limit, accepts), &reserved, &shares, needs));
        } else if shares.is_empty() && !limit.value.origin.is_default() && server.callers().next().is_some() {
            let needs = format!(
                "the size of a pool of connections to `{}`; declare its key with [[setting]] controls = \
                 \"pool-size\", to = \"{}\"",
                server.name(),
                server.name()
            );
            found.needs(RULE.name, Subject::Service(server.name().to_owned()), needs);
        }
    }
}

/// What a server keeps of its connections, perhaps for several kinds of callers: what one group says of
/// it. Another group that says so too repeats it.
fn reserved(server: ServiceView<'_>) -> Vec<(&Setting, u64)> {
    let says = |group: &GroupView<'_>| group.knob(Knob::ConnectionsReserved).is_some();
    let settings = server.groups().find(says).into_iter().flat_map(GroupView::settings);
    settings
        .filter(|setting| setting.knob == Knob::ConnectionsReserved)
        .filter_map(|setting| Some((setting, setting.count().filter(|&count| count > 0)?)))
        .collect()
}

fn sum(reserved: &[(&Setting, u64)]) -> u64 {
    reserved.iter().fold(0, |sum, &(_, count)| sum.saturating_add(count))
}

/// What each caller opens, the largest first. Of several calls of one caller the largest pool counts:
/// two keys may speak of the same pool.
fn shares(server: ServiceView<'_>) -> Vec<Share<'_>> {
    let mut by_caller: BTreeMap<ServiceId, Share<'_>> = BTreeMap::new();
    for share in server.callers().filter(|call| call.call().from != server.id()).filter_map(Share::of) {
        match by_caller.get(&share.call.call().from) {
            Some(known) if known.connections >= share.connections => {}
            _ => drop(by_caller.insert(share.call.call().from, share)),
        }
    }
    let mut shares: Vec<_> = by_caller.into_values().collect();
    shares.sort_by(|a, b| b.connections.cmp(&a.connections).then(a.name.cmp(b.name)));
    shares
}

fn finding(
    server: ServiceView<'_>,
    (limit, accepts): (&Setting, u64),
    reserved: &[(&Setting, u64)],
    shares: &[Share<'_>],
    needs: u64,
) -> Finding {
    let to = server.name();
    let names: Vec<&str> = shares.iter().map(|share| share.name).collect();
    let left = accepts.saturating_sub(sum(reserved));
    let mut labels: Vec<Label> = Vec::new();
    let mut settings: Vec<&Setting> = vec![limit];
    for share in shares {
        labels.push(labels::at(share.size, format!("{}'s pool of connections to {to}", share.name)));
        for &(setting, _, words) in &share.times {
            labels.push(labels::at(setting, format!("{words} of {}, each with such a pool", share.name)));
        }
        settings.extend(share.settings());
    }
    labels.push(labels::at(limit, format!("{to} accepts so many connections")));
    for &(setting, _) in reserved {
        labels.push(labels::at(setting, "of these kept for others"));
        settings.push(setting);
    }
    let mut assumptions = labels::guesses_of(&settings);
    for share in shares {
        assumptions.extend(share.call.call().assumptions.iter().cloned());
    }
    let mut arithmetic: Vec<String> = Vec::new();
    if shares.len() > 1 || !shares[0].times.is_empty() {
        arithmetic.extend(shares.iter().map(Share::written));
    }
    let less: String = reserved.iter().map(|(_, count)| format!(" - {count} reserved")).collect();
    arithmetic.push(match less.is_empty() {
        true => format!("{needs} > {accepts}"),
        false => format!("{needs} > {accepts}{less} = {left}"),
    });
    let help = match shares {
        [one] => {
            let others = one.times.iter().fold(1_u64, |all, (_, count, _)| all.saturating_mul(*count));
            match left / others.max(1) {
                0 => format!(
                    "raise `{}` to at least {}, or put a pooler in front of {to}",
                    limit.key,
                    needs.saturating_add(sum(reserved))
                ),
                fits => format!("lower `{}` to at most {fits}, or raise `{}`", one.size.key, limit.key),
            }
        }
        _ => format!("lower the pools until their sum is at most {left}, or raise `{}`", limit.key),
    };
    // A pool that nobody sized may be none at all.
    let sized = shares.iter().any(|share| !share.size.value.origin.is_default());
    let (all, verb) = (labels::names(&names), if names.len() == 1 { "opens" } else { "open" });
    Finding {
        rule: RULE.name,
        level: if sized { Level::Error } else { Level::Warning },
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: Subject::Service(to.to_owned()),
        title: format!("{all} {verb} up to {needs} connections to {to}, which accepts {left}"),
        labels,
        arithmetic,
        help,
        assumptions,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn instances_and_processes_multiply_pools() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.yaml: auth
              replicas         instances  5
            auth.toml: auth
              workers          processes  2
            auth.toml: auth -> users [pool]
              pool_size        pool-size  10
            mail.toml: mail -> users [pool]
              pool_size        pool-size  5
            postgresql.conf: users
              max_connections  connection-limit  100  default "Toy max_connections"
              superuser_reserved_connections  connections-reserved  3  default "Toy superuser_reserved_connections"
        "#), @"
        error (across files, pool-exhaustion, users): auth and mail open up to 105 connections to users, which accepts 97
          auth.toml:6 pool_size = 10 -- auth's pool of connections to users
          auth.yaml:2 replicas = 5 -- instances of auth, each with such a pool
          auth.toml:4 workers = 2 -- processes of auth, each with such a pool
          mail.toml:8 pool_size = 5 -- mail's pool of connections to users
          postgresql.conf:10 max_connections = 100 -- users accepts so many connections; 100 is the default of Toy max_connections, not set here
          postgresql.conf:11 superuser_reserved_connections = 3 -- of these kept for others; 3 is the default of Toy superuser_reserved_connections, not set here
          sum: auth: 5 instances x 2 processes x 10 = 100
          sum: mail: 5
          sum: 105 > 100 - 3 reserved = 97
          help: lower the pools until their sum is at most 97, or raise `max_connections`
        ");
    }

    #[test]
    fn one_instance_is_enough() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth -> users [pool]
              pool_size        pool-size  200
            users.conf: users
              max_connections  connection-limit  100
        "), @"
        error (across files, pool-exhaustion, users): auth opens up to 200 connections to users, which accepts 100
          auth.toml:2 pool_size = 200 -- auth's pool of connections to users
          users.conf:4 max_connections = 100 -- users accepts so many connections
          sum: 200 > 100
          help: lower `pool_size` to at most 100, or raise `max_connections`
        ");
    }

    #[test]
    fn a_limit_that_is_raised_has_to_hold_what_is_reserved_too() {
        let found = run(
            &RULE,
            "
            auth.yaml: auth
              replicas         instances             200
            auth.toml: auth -> users [pool]
              pool_size        pool-size             1
            users.conf: users
              max_connections  connection-limit      100
              reserved         connections-reserved  3
        ",
        );
        assert!(found.contains("help: raise `max_connections` to at least 203"), "{found}");
    }

    #[test]
    fn all_that_is_reserved_counts() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth -> users [pool]
              pool_size            pool-size             95
            users.conf: users
              max_connections      connection-limit      100
              reserved_superusers  connections-reserved  3   default "Toy reserved_superusers"
              reserved             connections-reserved  5
        "#), @r"
        error (across files, pool-exhaustion, users): auth opens up to 95 connections to users, which accepts 92
          auth.toml:2 pool_size = 95 -- auth's pool of connections to users
          users.conf:4 max_connections = 100 -- users accepts so many connections
          users.conf:5 reserved_superusers = 3 -- of these kept for others; 3 is the default of Toy reserved_superusers, not set here
          users.conf:6 reserved = 5 -- of these kept for others
          sum: 95 > 100 - 3 reserved - 5 reserved = 92
          help: lower `pool_size` to at most 92, or raise `max_connections`
        ");
    }

    #[test]
    fn without_a_pool_nothing_can_be_summed() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth -> users
              connect_timeout  connect  1s
            users.conf: users
              max_connections  connection-limit  100
        "), @r#"
        not evaluated: users: needs the size of a pool of connections to `users`; declare its key with [[setting]] controls = "pool-size", to = "users"
        "#);
    }

    #[test]
    fn quiet_where_all_fit_or_the_same_pool_stands_twice() {
        for text in [
            "a: auth
               replicas  instances  4
             a: auth -> users [pool]
               size  pool-size  20
             u: users
               max   connection-limit  100",
            "a: auth -> users [pool]
               size  pool-size  60
             b: auth -> users another [pool]
               size  pool-size  60
             u: users
               max   connection-limit  100",
            "a: auth -> users [pool]
               size  pool-size  60
             u: users
               max   connection-limit  0",
            "a: auth -> users [pool]
               size  pool-size  60",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
