//! A process works on more requests at once than its pool has connections: the rest wait in line.

use std::collections::BTreeSet;

use model::{Covers, Environment, FailureMode, Finding, Fleet, Knob, Level, Limit, pretty};

use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "pool-below-workers",
    summary: "a process has fewer pooled connections than threads that may need one",
    mode: FailureMode::PoolExhaustion,
    level: Level::Note,
    since: "0.1",
    docs: include_str!("pool_below_workers.md"),
    check: Check::Environment(check),
};

/// So many threads for one connection are no tuning any more.
const FAR: u64 = 4;

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let mut said = BTreeSet::new();
    for call in environment.calls(fleet).filter(|call| !call.from().service().forwards) {
        let Some(size) = call.knob(Knob::PoolSize) else { continue };
        let Some(workers) = call.from().knob(Knob::Workers) else { continue };
        let (Some(connections), Some(threads)) = (size.count(), workers.count()) else { continue };
        // What nobody wrote says nothing about this service.
        let written = [size, workers].iter().all(|setting| !setting.value.origin.is_default());
        if !written || connections == 0 || threads < connections.saturating_mul(FAR) {
            continue;
        }
        if !said.insert((&size.value.origin, &workers.value.origin)) {
            continue;
        }
        let (from, to) = (call.from().name(), call.to().name());
        let mut labels = vec![
            labels::at(size, format!("connections to {to} in one process")),
            labels::at(workers, "requests that it works on at once"),
        ];
        let assumptions = labels::guesses_in(call, &[size, workers]);
        let wait = match call.limit(Covers::PoolWait) {
            Some((setting, Limit::After(limit))) => {
                labels.push(labels::at(setting, "what the others wait before they fail"));
                format!("wait for up to {} each", pretty(limit))
            }
            _ => "wait".to_owned(),
        };
        found.report(Finding {
            rule: RULE.name,
            level: Level::Note,
            basis: labels::basis(&labels),
            mode: RULE.mode,
            environments: Vec::new(),
            subject: labels::subject(call),
            title: format!(
                "{from} works on {threads} requests at once with {connections} connections to {to}: where each \
                 needs one, {} {wait}",
                threads - connections
            ),
            labels,
            arithmetic: vec![format!("{threads} - {connections} = {}", threads - connections)],
            help: format!(
                "lower `{}` or raise `{}` within what {to} accepts; keep the wait short, so that a full pool \
                 answers at once",
                workers.key, size.key
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
    fn many_threads_few_connections() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth
              threads          workers    200
            auth.toml: auth -> users [pool]
              pool_size        pool-size  10
              acquire_timeout  pool-wait  30s
        "), @"
        note (in file, pool-exhaustion, auth -> users): auth works on 200 requests at once with 10 connections to users: where each needs one, 190 wait for up to 30 s each
          auth.toml:4 pool_size = 10 -- connections to users in one process
          auth.toml:2 threads = 200 -- requests that it works on at once
          auth.toml:5 acquire_timeout = 30s -- what the others wait before they fail
          sum: 200 - 10 = 190
          help: lower `threads` or raise `pool_size` within what users accepts; keep the wait short, so that a full pool answers at once
        ");
    }

    #[test]
    fn quiet_where_they_are_near_or_a_default() {
        for text in [
            "a: auth
               threads  workers    20
             a: auth -> users [pool]
               size     pool-size  10",
            r#"a: auth
               threads  workers    200
             a: auth -> users [pool]
               size     pool-size  10  default "Toy size""#,
            // Processes have pools of their own.
            "a: auth
               workers  processes  200
             a: auth -> users [pool]
               size     pool-size  10",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
