//! Limits that differ between environments that should be alike.

use std::collections::BTreeMap;

use model::{Basis, Environment, FailureMode, Finding, Fleet, Knob, Level, Limit, Setting, Subject, Value};

use crate::stage::Stage;
use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "drift-between-environments",
    summary: "the same limit differs between environments that should be alike",
    mode: FailureMode::ConfigurationDrift,
    level: Level::Warning,
    since: "0.1",
    docs: include_str!("drift_between_environments.md"),
    check: Check::Fleet(check),
};

/// Keys shown of one service; the rest is counted.
const SHOWN: usize = 4;

fn check(fleet: &Fleet, margins: &Margins, found: &mut Found) {
    let staged =
        |stage| fleet.environments.iter().filter(move |environment| Stage::of(&environment.name) == stage);
    let mut real: Vec<&Environment> = staged(Stage::Production).collect();
    real.sort_by(|a, b| a.name.cmp(&b.name));
    // Everything is held against one environment, production where there is one.
    let mut others: Vec<&Environment> = staged(Stage::Rehearsal).collect();
    others.sort_by(|a, b| a.name.cmp(&b.name));
    real.extend(others);
    let Some((reference, others)) = real.split_first() else { return };
    let expected = keys(fleet, reference);
    for other in others {
        let actual = keys(fleet, other);
        for (service, expected) in &expected {
            let Some(actual) = actual.get(service) else { continue };
            let differences = differences(expected, actual, margins);
            if !differences.is_empty() {
                found.report(finding(service, (reference, other), &differences));
            }
        }
    }
}

/// The settings of one service, by group and key.
type Keys<'f> = BTreeMap<(&'f str, &'f str), &'f Setting>;

fn keys<'f>(fleet: &'f Fleet, environment: &'f Environment) -> BTreeMap<&'f str, Keys<'f>> {
    let mut all: BTreeMap<&str, Keys<'_>> = BTreeMap::new();
    for service in environment.services(fleet) {
        let own = service.groups().chain(service.calls().flat_map(|call| call.groups()));
        let keys = all.entry(service.name()).or_default();
        let mut ambiguous = Vec::new();
        for group in own {
            for setting in group.settings().filter(|setting| is_compared(setting.knob)) {
                let place = (group.group().label.as_str(), setting.key.as_str());
                if keys.insert(place, setting).is_some_and(|other| !std::ptr::eq(other, setting)) {
                    ambiguous.push(place);
                }
            }
        }
        // Two files with a key of the same name: which of them answers to which over there is not known.
        for place in ambiguous {
            keys.remove(&place);
        }
    }
    all
}

/// Limits and retries: what decides how a service fails. Sizes (pools, replicas) follow the
/// environment's size and may differ.
fn is_compared(knob: Knob) -> bool {
    matches!(knob, Knob::Timeout(_) | Knob::Attempts | Knob::Retries | Knob::Grace | Knob::PreStop)
}

struct Difference<'f> {
    key: &'f str,
    expected: Option<&'f Setting>,
    actual: Option<&'f Setting>,
    /// By which factor; infinite where only one side has a limit, or a key.
    factor: f64,
}

fn differences<'f>(expected: &Keys<'f>, actual: &Keys<'f>, margins: &Margins) -> Vec<Difference<'f>> {
    let mut found = Vec::new();
    for (place, &setting) in expected {
        let other = actual.get(place).copied();
        if other.is_some_and(|other| std::ptr::eq(other, setting)) {
            continue;
        }
        let factor = match other {
            Some(other) => factor(&setting.value.value, &other.value.value),
            None if groups(actual, place.0) && !setting.value.origin.is_default() => Some(f64::INFINITY),
            None => None,
        };
        let bound = margins.at(&setting.value.origin).drift;
        if let Some(factor) = factor.filter(|&factor| factor > bound) {
            found.push(Difference { key: place.1, expected: Some(setting), actual: other, factor });
        }
    }
    for (place, &setting) in actual {
        let absent = !expected.contains_key(place) && groups(expected, place.0);
        if absent && !setting.value.origin.is_default() {
            found.push(Difference {
                key: place.1,
                expected: None,
                actual: Some(setting),
                factor: f64::INFINITY,
            });
        }
    }
    // What differs says more than what is missing: an absent key may have a default that nobody knows here.
    let missing = |difference: &Difference<'_>| difference.expected.is_none() || difference.actual.is_none();
    found.sort_by(|a, b| {
        missing(a).cmp(&missing(b)).then(b.factor.total_cmp(&a.factor)).then(a.key.cmp(b.key))
    });
    found
}

/// Whether the block itself exists on that side: a key can only be missing from a block that is there.
fn groups(keys: &Keys<'_>, label: &str) -> bool {
    keys.keys().any(|(group, _)| *group == label)
}

fn factor(a: &Value, b: &Value) -> Option<f64> {
    let (a, b) = match (a, b) {
        (Value::Time(Limit::After(a)), Value::Time(Limit::After(b))) => (a.as_secs_f64(), b.as_secs_f64()),
        (Value::Time(Limit::Never), Value::Time(Limit::After(_)))
        | (Value::Time(Limit::After(_)), Value::Time(Limit::Never)) => return Some(f64::INFINITY),
        (Value::Count(a), Value::Count(b)) => (*a as f64, *b as f64),
        _ => return None,
    };
    let (small, large) = (a.min(b), a.max(b));
    match (small > 0.0, large > 0.0) {
        (true, _) => Some(large / small),
        (false, true) => Some(f64::INFINITY),
        (false, false) => None,
    }
}

fn finding(
    service: &str,
    (reference, other): (&Environment, &Environment),
    all: &[Difference<'_>],
) -> Finding {
    let (expected, actual) = (&reference.name, &other.name);
    let settings: Vec<&Setting> =
        all.iter().flat_map(|difference| [difference.expected, difference.actual]).flatten().collect();
    // Two readings of one key differ whatever it covers; only a guessed unit can make the difference.
    let assumed: Vec<String> = settings
        .iter()
        .filter(|setting| setting.unit.is_assumed())
        .flat_map(|s| labels::guesses(s))
        .collect();
    let first = &all[0];
    let more = match all.len() - 1 {
        0 => String::new(),
        1 => ", and 1 more key differs".to_owned(),
        more => format!(", and {more} more keys differ"),
    };
    let mut labels = Vec::new();
    for difference in all.iter().take(SHOWN) {
        match (difference.expected, difference.actual) {
            (Some(a), Some(b)) => {
                labels.push(labels::at(b, format!("{} in {actual}", b.value.value)));
                labels.push(labels::at(a, format!("{} in {expected}", a.value.value)));
            }
            (Some(a), None) => labels.push(labels::at(a, format!("set in {expected} alone"))),
            (None, Some(b)) => labels.push(labels::at(b, format!("set in {actual} alone"))),
            (None, None) => {}
        }
    }
    let shown =
        |setting: Option<&Setting>| setting.map_or("not set".to_owned(), |s| s.value.value.to_string());
    Finding {
        rule: RULE.name,
        level: if assumed.is_empty() { RULE.level } else { Level::Note },
        basis: Basis::AcrossFiles,
        mode: RULE.mode,
        environments: vec![expected.clone(), actual.clone()],
        subject: Subject::Service(service.to_owned()),
        title: format!(
            "{actual} does not show how `{service}` behaves in {expected}: `{}` is {} in {actual} and {} in \
             {expected}{more}",
            first.key,
            shown(first.actual),
            shown(first.expected)
        ),
        labels,
        arithmetic: all
            .iter()
            .take(SHOWN)
            .filter(|difference| difference.factor.is_finite())
            .map(|difference| {
                let (a, b) = (shown(difference.actual), shown(difference.expected));
                format!("`{}`: {a} against {b}, a factor of {}", difference.key, short(difference.factor))
            })
            .collect(),
        help: format!("give `{}` the same value in {actual} and {expected}", first.key),
        assumptions: assumed,
    }
}

/// A factor with at most one decimal.
fn short(factor: f64) -> String {
    let shown = format!("{factor:.1}");
    shown.strip_suffix(".0").map_or(shown.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn staging_waits_five_times_as_long() {
        insta::assert_snapshot!(run(&RULE, r#"
            environment staging
            staging/auth.toml: auth -> directory
              request_timeout  whole-call  10s
              connect_timeout  connect     3s
              retries          retries     2
            environment production
            production/auth.toml: auth -> directory
              request_timeout  whole-call  2s
              connect_timeout  connect     1s
            environment dev
            dev/auth.toml: auth -> directory
              request_timeout  whole-call  1h
        "#), @r"
        warning (across files, configuration-drift, auth): staging does not show how `auth` behaves in production: `request_timeout` is 10 s in staging and 2 s in production, and 2 more keys differ
          staging/auth.toml:3 request_timeout = 10s -- 10 s in staging
          production/auth.toml:8 request_timeout = 2s -- 2 s in production
          staging/auth.toml:4 connect_timeout = 3s -- 3 s in staging
          production/auth.toml:9 connect_timeout = 1s -- 1 s in production
          staging/auth.toml:5 retries = 2 -- set in staging alone
          sum: `request_timeout`: 10 s against 2 s, a factor of 5
          sum: `connect_timeout`: 3 s against 1 s, a factor of 3
          help: give `request_timeout` the same value in staging and production
        ");
    }

    #[test]
    fn shared_close_and_unnamed_values_are_quiet() {
        for fleet in [
            r#"
            environment staging production
            auth.toml: auth -> directory
              request_timeout  whole-call  10s
            "#,
            r#"
            environment staging
            staging/auth.toml: auth -> directory
              request_timeout  whole-call  4s
              pool             pool-size   2
            environment production
            production/auth.toml: auth -> directory
              request_timeout  whole-call  2s
              pool             pool-size   50
            "#,
            r#"
            environment default
            auth.toml: auth -> directory
              request_timeout  whole-call  4s
            environment production
            production/auth.toml: auth -> directory
              request_timeout  whole-call  1s
            "#,
            r#"
            environment staging
            staging/auth.toml: auth
              timeout  handler  4s
            staging/mail.toml: auth
              timeout  handler  1s
            environment production
            production/auth.toml: auth
              timeout  handler  1s
            production/mail.toml: auth
              timeout  handler  4s
            "#,
            r#"
            environment staging
            staging/auth.toml: auth -> directory
              request_timeout  whole-call  4s
            environment production
            production/auth.toml: auth -> ledger
              timeout  whole-call  1s
            "#,
        ] {
            assert_eq!(run(&RULE, fleet), "", "{fleet}");
        }
    }
}
