//! Retries of requests that do their work again when repeated.

use std::collections::HashSet;

use model::{Environment, FailureMode, Finding, Fleet, Knob, Label, Level, Methods, RetryOn, Setting};

use crate::client::{Client, is_off};
use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "retry-non-idempotent",
    summary: "requests that must not run twice are repeated",
    mode: FailureMode::DuplicateWork,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("retry_non_idempotent.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let mut seen: HashSet<*const Setting> = HashSet::new();
    for client in Client::all(fleet, environment) {
        let retries = client.retries();
        if retries.is_some_and(|(retries, _)| retries == 0) {
            continue;
        }
        let on = client.knob(Knob::RetryOn).filter(|on| !is_off(on));
        let when = on.map_or(When::Any, When::of);
        let idempotent = client.call().and_then(|call| call.call().idempotent);
        let place = match (idempotent, when) {
            (Some(true), _) | (_, When::IdempotentMethods | When::NotSent) | (None, When::Any) => continue,
            (_, When::OtherMethods) => on,
            // A count that was guessed for calls of another kind says nothing about this one.
            (Some(false), When::Any) => retries.map(|(_, count)| count).filter(|count| !count.is_assumed()),
        };
        let Some(place) = place else { continue };
        if !seen.insert(place) {
            continue;
        }
        let mut settings = vec![place];
        let mut labels = vec![match when {
            When::OtherMethods => labels::at(place, "requests that change something are repeated too"),
            _ => labels::at(place, "repeats whatever failed"),
        }];
        if let Some((_, count)) = retries.filter(|&(_, count)| !std::ptr::eq(count, place)) {
            labels.push(labels::at(count, "up to this often"));
            settings.push(count);
        }
        let mut assumed = client.guesses(&settings);
        if let (Some(call), When::Any) = (client.call(), when) {
            let origin = call.call().origin.clone();
            labels.push(Label { origin, text: "this call must not run twice".to_owned() });
        }
        if when == When::OtherMethods {
            assumed.push("that these requests carry no idempotency key".to_owned());
        }
        let name = client.name();
        let times = match retries {
            Some((1, _)) => " once".to_owned(),
            Some((retries, _)) => format!(" {retries} times"),
            None => String::new(),
        };
        found.report(Finding {
            rule: RULE.name,
            level: RULE.level,
            basis: labels::basis(&labels),
            mode: RULE.mode,
            environments: Vec::new(),
            subject: client.subject(),
            title: match when {
                When::OtherMethods => format!(
                    "{name} repeats{times} requests that change something: a failure after the work was done makes them happen twice"
                ),
                _ => format!("{name} repeats a call{times} that must not run twice"),
            },
            labels,
            arithmetic: Vec::new(),
            help: match when {
                When::OtherMethods => {
                    format!(
                        "let `{}` leave out requests that are not idempotent, or let these carry an idempotency key",
                        place.key
                    )
                }
                _ => format!(
                    "set `{}` so that nothing is repeated, retry only where nothing was sent yet, or let the \
                     requests carry an idempotency key",
                    place.key
                ),
            },
            assumptions: assumed,
        });
    }
}

/// What a list of methods or conditions lets be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// It names methods, all of them idempotent: doing them twice has the effect of once.
    IdempotentMethods,
    /// It names a method that is not idempotent, or says so in words.
    OtherMethods,
    /// Only failures before anything was sent: the callee has not seen the request.
    NotSent,
    /// It names conditions of another kind, or nothing.
    Any,
}

impl When {
    fn of(setting: &Setting) -> Self {
        match setting.retry_on() {
            Some(RetryOn { methods: Methods::Others, .. }) => Self::OtherMethods,
            Some(RetryOn { methods: Methods::Idempotent, .. }) => Self::IdempotentMethods,
            Some(RetryOn { only_unsent: true, .. }) => Self::NotSent,
            _ => Self::Any,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn a_call_that_must_not_run_twice() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth -> ledger unsafe
              retries  retries  2
        "#), @r"
        error (in file, duplicate-work, auth -> ledger): `auth` calling `ledger` repeats a call 2 times that must not run twice
          auth.toml:2 retries = 2 -- repeats whatever failed
          auth.toml:1 [auth -> ledger] -- this call must not run twice
          help: set `retries` so that nothing is repeated, retry only where nothing was sent yet, or let the requests carry an idempotency key
        ");
    }

    #[test]
    fn a_list_that_names_post() {
        insta::assert_snapshot!(run(&RULE, r#"
            gateway.toml: gateway -> auth
              retry_methods  retry-on  "GET,POST"
              retries        retries   1
        "#), @r"
        warning (assumed, duplicate-work, gateway -> auth): `gateway` calling `auth` repeats once requests that change something: a failure after the work was done makes them happen twice
          gateway.toml:2 retry_methods = GET,POST -- requests that change something are repeated too
          gateway.toml:3 retries = 1 -- up to this often
          help: let `retry_methods` leave out requests that are not idempotent, or let these carry an idempotency key
          assumed: that these requests carry no idempotency key
        ");
    }

    #[test]
    fn idempotent_lists_and_unknown_calls_are_quiet() {
        for fleet in [
            r#"
            auth.toml: auth -> ledger
              retries  retries  2
            "#,
            r#"
            auth.toml: auth -> ledger unsafe
              retries  retries  0
            "#,
            r#"
            auth.toml: auth -> ledger unsafe
              retries   retries   2
              retry_on  retry-on  "connect-failure,refused-stream"
            "#,
            r#"
            auth.toml: auth -> ledger unsafe
              retries   retries   2
              retry_on  retry-on  "GET HEAD"
            "#,
            r#"
            auth.toml: auth -> ledger idempotent
              retries   retries   2
              retry_on  retry-on  "POST"
            "#,
        ] {
            assert_eq!(run(&RULE, fleet), "", "{fleet}");
        }
    }
}
