//! Retries that follow at once, or all at the same time.

use std::collections::HashSet;

use model::{Environment, FailureMode, Finding, Fleet, Knob, Level, Setting, Value, pretty};

use crate::client::{Client, is_off};
use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "retry-without-backoff",
    summary: "failed calls are repeated at once, or by all callers in step",
    mode: FailureMode::RetryStorm,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("retry_without_backoff.md"),
    check: Check::Environment(check),
};

fn unit_of(setting: &Setting) -> String {
    let key = &setting.key;
    format!("the unit of `{key}`; declare it with [[setting]] key = \"{key}\", unit = \"...\"")
}

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let mut seen: HashSet<*const Setting> = HashSet::new();
    for client in Client::all(fleet, environment) {
        let Some((retries, count)) = client.retries() else { continue };
        if retries == 0 || !seen.insert(count) {
            continue;
        }
        let Some(wait) = client.knob(Knob::BackoffBase) else {
            if !count.value.origin.is_default() {
                found.needs(
                    RULE.name,
                    client.subject(),
                    format!(
                        "the wait before the retries that `{}` asks for; declare its key with [[setting]] \
                         controls = \"backoff-base\"",
                        count.key
                    ),
                );
            }
            continue;
        };
        let Some(length) = wait.length() else {
            if matches!(wait.value.value, Value::UnitUnknown(_)) {
                found.needs(RULE.name, client.subject(), unit_of(wait));
            }
            continue;
        };
        let jitter = client.knob(Knob::Jitter);
        let in_step = jitter.filter(|jitter| is_off(jitter));
        let constant = client.knob(Knob::BackoffFactor).filter(|factor| is_one(factor));
        let (level, how) = if length.is_zero() {
            match (retries, wait.value.origin.is_default()) {
                // One more try at once is how proxies get round a dead server.
                (1, _) => continue,
                (_, true) => (Level::Warning, How::AtOnce),
                (_, false) => (Level::Error, How::AtOnce),
            }
        } else if let Some(jitter) = in_step {
            let level = if jitter.value.origin.is_default() { Level::Note } else { Level::Warning };
            (level, How::InStep(jitter))
        } else if let (Some(factor), None) = (constant, jitter) {
            (Level::Note, How::Constant(factor))
        } else {
            continue;
        };
        let mut settings = vec![wait, count];
        let mut labels = vec![labels::at(wait, format!("waits {} before each retry", pretty(length)))];
        match how {
            How::AtOnce => labels[0].text = labels::at(wait, "does not wait").text,
            How::InStep(jitter) => {
                labels.insert(0, labels::at(jitter, "every caller waits exactly as long as the others"));
                settings.push(jitter);
            }
            How::Constant(factor) => {
                labels.insert(0, labels::at(factor, "the wait does not grow"));
                settings.push(factor);
            }
        }
        labels.push(labels::at(count, tries(retries)));
        let subject = client.subject();
        let assumed = client.guesses(&settings);
        found.report(Finding {
            rule: RULE.name,
            level,
            basis: labels::basis(&labels),
            mode: RULE.mode,
            environments: Vec::new(),
            subject,
            title: title(&client, retries, how),
            labels,
            arithmetic: sum(how, retries),
            help: help(wait, how),
            assumptions: assumed,
        });
    }
}

/// What is wrong with the waits.
#[derive(Clone, Copy)]
enum How<'f> {
    /// There is none.
    AtOnce,
    /// All callers wait equally long.
    InStep(&'f Setting),
    /// Each is as long as the one before.
    Constant(&'f Setting),
}

fn title(client: &Client<'_>, retries: u64, how: How<'_>) -> String {
    let name = client.name();
    let times = if retries == 1 { "once".to_owned() } else { format!("{retries} times") };
    match how {
        How::AtOnce => {
            format!(
                "{name} repeats a failed call {times} without waiting: a short failure becomes {} times the load",
                retries.saturating_add(1)
            )
        }
        How::InStep(_) => format!("{name} repeats a failed call {times}, all callers in the same moment"),
        How::Constant(_) => {
            format!("{name} repeats a failed call {times} at the same pace however long the failure lasts")
        }
    }
}

fn sum(how: How<'_>, retries: u64) -> Vec<String> {
    match how {
        How::AtOnce => {
            vec![format!("1 + {retries} = {} tries with no time between them", retries.saturating_add(1))]
        }
        _ => Vec::new(),
    }
}

fn help(wait: &Setting, how: How<'_>) -> String {
    match how {
        How::AtOnce => format!(
            "give `{}` a wait (100 ms, say) that grows from retry to retry and is spread at random",
            wait.key
        ),
        How::InStep(jitter) => format!("turn `{}` on, so that the waits are spread at random", jitter.key),
        How::Constant(factor) => format!("set `{}` to 2 and spread the waits at random", factor.key),
    }
}

fn tries(retries: u64) -> String {
    if retries == 1 { "1 retry".to_owned() } else { format!("{retries} retries") }
}

fn is_one(setting: &Setting) -> bool {
    matches!(setting.value.value, Value::Count(1))
        || matches!(setting.value.value, Value::Number(n) if n == 1.0)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn retries_at_once() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth -> directory
              retries  retries       3
              backoff  backoff-base  0s
        "#), @"
        error (in file, retry-storm, auth -> directory): `auth` calling `directory` repeats a failed call 3 times without waiting: a short failure becomes 4 times the load
          auth.toml:3 backoff = 0s -- does not wait
          auth.toml:2 retries = 3 -- 3 retries
          sum: 1 + 3 = 4 tries with no time between them
          help: give `backoff` a wait (100 ms, say) that grows from retry to retry and is spread at random
        ");
    }

    #[test]
    fn retries_in_step_and_at_a_constant_pace() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth -> directory
              max_attempts  attempts      3
              backoff       backoff-base  100ms
              jitter        jitter        off
            mail.toml: mail -> queue
              retries  retries         4
              backoff  backoff-base    1s
              factor   backoff-factor  1.0
        "#), @"
        warning (in file, retry-storm, auth -> directory): `auth` calling `directory` repeats a failed call 2 times, all callers in the same moment
          auth.toml:4 jitter = off -- every caller waits exactly as long as the others
          auth.toml:3 backoff = 100ms -- waits 100 ms before each retry
          auth.toml:2 max_attempts = 3 -- 2 retries
          help: turn `jitter` on, so that the waits are spread at random
        note (in file, retry-storm, mail -> queue): `mail` calling `queue` repeats a failed call 4 times at the same pace however long the failure lasts
          mail.toml:8 factor = 1.0 -- the wait does not grow
          mail.toml:7 backoff = 1s -- waits 1 s before each retry
          mail.toml:6 retries = 4 -- 4 retries
          help: set `factor` to 2 and spread the waits at random
        ");
    }

    #[test]
    fn an_unknown_wait_is_not_judged() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth -> directory
              retries  retries  3
        "#), @r#"
        not evaluated: auth -> directory: needs the wait before the retries that `retries` asks for; declare its key with [[setting]] controls = "backoff-base"
        "#);
    }

    #[test]
    fn waits_that_may_be_spread_and_single_retries_are_quiet() {
        for fleet in [
            r#"
            auth.toml: auth -> directory
              retries  retries       3
              backoff  backoff-base  100ms
            "#,
            r#"
            auth.toml: auth -> directory
              retries  retries       1
              backoff  backoff-base  0s
            "#,
            r#"
            auth.toml: auth -> directory
              retries  retries       0
              backoff  backoff-base  0s
            "#,
            r#"
            auth.toml: auth -> directory
              retries  retries         3
              backoff  backoff-base    100ms
              factor   backoff-factor  1
              jitter   jitter          on
            "#,
        ] {
            assert_eq!(run(&RULE, fleet), "", "{fleet}");
        }
    }
}
