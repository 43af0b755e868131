//! Fallbacks of one variable that differ from place to place.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use model::{
    Environment, FailureMode, FileId, Finding, Fleet, GroupView, Level, Setting, Subject, Value, Written,
};

use crate::owners::Owners;
use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "drift-between-defaults",
    summary: "the same variable falls back to different values in different places",
    mode: FailureMode::ConfigurationDrift,
    level: Level::Warning,
    since: "0.1",
    docs: include_str!("drift_between_defaults.md"),
    check: Check::Environment(check),
};

/// One place where a variable falls back to something, and whose it is.
#[derive(Clone, Copy)]
struct Fallback<'f> {
    setting: &'f Setting,
    owner: Option<&'f str>,
}

/// Who sees one and the same variable: the processes of a service, and whoever fills the
/// placeholders of a file. Services first: what they say is closer than a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scope<'f> {
    Service(&'f str, Option<&'f str>),
    File(FileId),
}

impl Scope<'_> {
    fn subject(self, variable: &str) -> Subject {
        match self {
            Self::Service(name, _) => Subject::Service(name.to_owned()),
            Self::File(_) => Subject::Setting(variable.to_owned()),
        }
    }

    /// Services that share a file may mean to differ where nobody sets the variable.
    fn level(self) -> Level {
        match self {
            Self::Service(..) => RULE.level,
            Self::File(_) => Level::Note,
        }
    }
}

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let owners = Owners::of(fleet, environment);
    let mut fallbacks: BTreeMap<(Scope<'_>, &str), Vec<Fallback<'_>>> = BTreeMap::new();
    for group in environment.groups(fleet) {
        let owner = owners.name(group.id());
        for setting in group.settings() {
            let Some(variable) = setting.variable.as_deref() else { continue };
            for scope in scopes(group, setting, owner) {
                fallbacks.entry((scope, variable)).or_default().push(Fallback { setting, owner });
            }
        }
    }
    let mut said = BTreeSet::new();
    for ((scope, variable), mut all) in fallbacks {
        all.sort_by_key(|fallback| fallback.setting.value.origin.span());
        for different in different(&all) {
            let places: Vec<_> = different.iter().map(|one| one.setting.value.origin.span()).collect();
            if said.insert((variable, places)) {
                found.report(finding(scope, variable, &different));
            }
        }
    }
}

fn scopes<'f>(group: GroupView<'f>, setting: &Setting, owner: Option<&'f str>) -> Vec<Scope<'f>> {
    let process = group.group().process.as_deref();
    let service = owner.map(|name| Scope::Service(name, process));
    let file = setting.value.origin.span().map(|span| Scope::File(span.file));
    service.into_iter().chain(file).collect()
}

/// Of fallbacks that can be compared, the first of each value; nothing where all agree.
fn different<'f>(all: &[Fallback<'f>]) -> Vec<Vec<Fallback<'f>>> {
    let value = |fallback: &Fallback<'_>| discriminant(&fallback.setting.value.value);
    let mut kinds: Vec<Vec<Fallback<'_>>> = Vec::new();
    for fallback in all {
        let kind = kinds.iter_mut().find(|kind| value(&kind[0]) == value(fallback));
        match kind {
            Some(kind) if kind.iter().all(|other| differ(other.setting, fallback.setting)) => {
                kind.push(*fallback);
            }
            Some(_) => {}
            None => kinds.push(vec![*fallback]),
        }
    }
    kinds.retain(|kind| kind.len() > 1);
    kinds
}

/// Whether two fallbacks of one kind are different values, and are written so: one text read in two
/// units is one fallback.
fn differ(a: &Setting, b: &Setting) -> bool {
    let number = |setting: &Setting| setting.written.map(|Written { number, suffix, .. }| (number, suffix));
    match (&a.value.value, &b.value.value) {
        (Value::UnitUnknown(a), Value::UnitUnknown(b)) => a != b && !units_apart(*a, *b),
        (Value::Text(_), _) => false,
        (value, other) => value != other && (number(a).is_none() || number(a) != number(b)),
    }
}

/// Whether two bare numbers may be one length in two units: seconds and milliseconds, minutes and
/// seconds, hours and seconds, minutes and milliseconds.
fn units_apart(a: f64, b: f64) -> bool {
    let factor = a.max(b) / a.min(b);
    [60.0, 1_000.0, 3_600.0, 60_000.0].iter().any(|units| (factor - units).abs() < 1e-6)
}

/// A value, of which the unit may not be known.
fn shown(setting: &Setting) -> String {
    match &setting.value.value {
        Value::UnitUnknown(number) => number.to_string(),
        value => value.to_string(),
    }
}

fn finding(scope: Scope<'_>, variable: &str, all: &[Fallback<'_>]) -> Finding {
    let several = all.iter().any(|fallback| fallback.owner != all[0].owner);
    let falls: Vec<String> = all
        .iter()
        .map(|Fallback { setting, owner }| match owner {
            Some(owner) if several => format!("{} for `{owner}`", shown(setting)),
            _ => format!("{} at `{}`", shown(setting), setting.key),
        })
        .collect();
    let falls: Vec<&str> = falls.iter().map(String::as_str).collect();
    let labels: Vec<_> = all
        .iter()
        .map(|&Fallback { setting, .. }| {
            labels::at(setting, format!("{} where nothing sets `{variable}`", shown(setting)))
        })
        .collect();
    // Only a guessed unit can make two readings of one variable differ.
    let mut assumptions: Vec<String> = all
        .iter()
        .map(|fallback| fallback.setting)
        .filter(|setting| setting.unit.is_assumed() && !matches!(setting.value.value, Value::UnitUnknown(_)))
        .flat_map(labels::guesses)
        .collect();
    if matches!(all[0].setting.value.value, Value::UnitUnknown(_)) {
        assumptions.push(format!("that all read `{variable}` in one unit"));
    }
    Finding {
        rule: RULE.name,
        level: scope.level(),
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: scope.subject(variable),
        title: format!("`{variable}` falls back to {}", labels::names(&falls)),
        labels,
        arithmetic: Vec::new(),
        help: format!(
            "keep one fallback of `{variable}`, in the place that all others read, or write the same value \
             in each"
        ),
        assumptions,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn the_deployment_and_the_program_fall_back_differently() {
        insta::assert_snapshot!(run(&RULE, r#"
            compose.yaml: auth
              environment.LOGIN_TIMEOUT  whole-call  5s  variable=LOGIN_TIMEOUT
            auth/application.yml: auth -> directory
              login.timeout  whole-call  10s  variable=LOGIN_TIMEOUT
              login.retries  retries     2    variable=LOGIN_RETRIES
        "#), @r"
        warning (across files, configuration-drift, auth): `LOGIN_TIMEOUT` falls back to 5 s at `environment.LOGIN_TIMEOUT` and 10 s at `login.timeout`
          compose.yaml:2 environment.LOGIN_TIMEOUT = 5s -- 5 s where nothing sets `LOGIN_TIMEOUT`
          auth/application.yml:4 login.timeout = 10s -- 10 s where nothing sets `LOGIN_TIMEOUT`
          help: keep one fallback of `LOGIN_TIMEOUT`, in the place that all others read, or write the same value in each
        ");
    }

    #[test]
    fn services_of_one_file_may_mean_to_differ() {
        insta::assert_snapshot!(run(&RULE, r#"
            compose.yaml: auth
              auth.environment.TIMEOUT  whole-call  5s   variable=TIMEOUT
            compose.yaml: mail
              mail.environment.TIMEOUT  whole-call  30s  variable=TIMEOUT
        "#), @r"
        note (in file, configuration-drift, TIMEOUT): `TIMEOUT` falls back to 5 s for `auth` and 30 s for `mail`
          compose.yaml:2 auth.environment.TIMEOUT = 5s -- 5 s where nothing sets `TIMEOUT`
          compose.yaml:4 mail.environment.TIMEOUT = 30s -- 30 s where nothing sets `TIMEOUT`
          help: keep one fallback of `TIMEOUT`, in the place that all others read, or write the same value in each
        ");
    }

    #[test]
    fn bare_numbers_are_compared_where_no_unit_explains_them() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.yaml: auth
              a.timeout  whole-call  5?     variable=TIMEOUT
              b.timeout  whole-call  8?     variable=TIMEOUT
              c.timeout  whole-call  5000?  variable=TIMEOUT
        "#), @r"
        warning (assumed, configuration-drift, auth): `TIMEOUT` falls back to 5 at `a.timeout` and 8 at `b.timeout`
          auth.yaml:2 a.timeout = 5? -- 5 where nothing sets `TIMEOUT`
          auth.yaml:3 b.timeout = 8? -- 8 where nothing sets `TIMEOUT`
          help: keep one fallback of `TIMEOUT`, in the place that all others read, or write the same value in each
          assumed: that all read `TIMEOUT` in one unit
        ");
    }

    #[test]
    fn equal_lengths_one_text_in_two_units_and_other_variables_are_quiet() {
        for fleet in [
            r#"
            compose.yaml: auth
              environment.T  whole-call  5s      variable=T
            auth.yml: auth
              timeout        whole-call  5000ms  variable=T
            "#,
            r#"
            auth.yml: auth
              timeout_s   whole-call  5  variable=T name=s
              timeout_ms  whole-call  5  variable=T name=ms
            "#,
            r#"
            auth.yml: auth
              timeout  whole-call  5s  variable=T
              other    whole-call  9s  variable=U
              fixed    whole-call  7s
            "#,
            // Two processes, each with an environment of its own.
            r#"
            auth.yml: auth
              timeout  whole-call  5s  variable=T
            mail.yml: mail
              timeout  whole-call  9s  variable=T
            "#,
            r#"
            auth.yml: auth
              timeout  whole-call  5s  variable=T
              retries  retries     3   variable=T
            "#,
        ] {
            assert_eq!(run(&RULE, fleet), "", "{fleet}");
        }
    }
}
