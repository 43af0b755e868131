//! Keys whose name states another unit than their value has.

use model::{
    Basis, Environment, FailureMode, Finding, Fleet, GroupView, Label, Level, Setting, Subject, TimeUnit,
    Unit, pretty,
};

use crate::owners::Owners;
use crate::plausible::{contradiction, misread, siblings};
use crate::unit_too_small::help;
use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "unit-name-mismatch",
    summary: "a key's name states another unit than its value has",
    mode: FailureMode::UnitConfusion,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("unit_name_mismatch.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let owners = Owners::of(fleet, environment);
    for group in environment.groups(fleet) {
        for setting in group.settings() {
            let Some(case) = suffix(setting).or_else(|| magnitude(group, setting)) else { continue };
            let key = &setting.key;
            found.report(Finding {
                rule: RULE.name,
                level: case.level,
                basis: Basis::InFile,
                mode: RULE.mode,
                environments: Vec::new(),
                subject: owners
                    .name(group.id())
                    .map_or_else(|| Subject::Setting(key.clone()), |name| Subject::Service(name.to_owned())),
                title: case.title,
                labels: case.labels,
                arithmetic: case.arithmetic,
                help: case.help,
                assumptions: case.assumptions,
            });
        }
    }
}

struct Case {
    level: Level,
    title: String,
    labels: Vec<Label>,
    arithmetic: Vec<String>,
    help: String,
    assumptions: Vec<String>,
}

/// The value carries a unit, and it is not the one in the key's name.
fn suffix(setting: &Setting) -> Option<Case> {
    let written = setting.written?;
    let (name, suffix) = contradiction(written)?;
    let (key, number) = (&setting.key, written.number);
    let (as_suffix, as_name) = (suffix.times(number), name.times(number));
    let factor = (suffix.nanos().max(name.nanos()) / suffix.nanos().min(name.nanos())).to_string();
    Some(Case {
        // The value is right for a program that reads units; who reads the name, or strips the unit,
        // is wrong by the factor.
        level: Level::Warning,
        title: format!(
            "`{key}` is named in {} and says {}: whoever goes by the name is off by a factor of {factor}",
            name.name(),
            pretty(as_suffix)
        ),
        labels: vec![Label::of(setting, format!("{} here, {} by the name", suffix.name(), name.name()))],
        arithmetic: vec![format!(
            "{number} {} = {}; {number} {} = {}",
            suffix.name(),
            pretty(as_suffix),
            name.name(),
            pretty(as_name)
        )],
        help: match whole(as_suffix, name) {
            Some(count) => format!("write {count}, or take the unit out of the key's name"),
            None => "take the unit out of the key's name".to_owned(),
        },
        // Name and value disagree whatever the limit covers.
        assumptions: Vec::new(),
    })
}

/// The value is a bare number that fits another unit than the one in the key's name, while the keys
/// beside it hold to theirs.
fn magnitude(group: GroupView<'_>, setting: &Setting) -> Option<Case> {
    if setting.unit != Unit::InName {
        return None;
    }
    let wrong = misread(setting, group.group().kind)?;
    let siblings = siblings(group, setting, &wrong);
    let first = *siblings.first()?;
    let (key, number) = (&setting.key, wrong.number);
    let (as_read, would_be) = (pretty(wrong.length), pretty(wrong.would_be));
    let beside = first.length()?;
    let mut labels =
        vec![Label::of(setting, format!("{as_read} by its name; {would_be} would fit the keys beside it"))];
    labels.push(Label::of(first, format!("{} by its name", pretty(beside))));
    Some(Case {
        level: wrong.level,
        title: format!("`{key} = {number}` is {as_read}, not {would_be}: {}", wrong.why),
        labels,
        arithmetic: vec![format!(
            "{number} {} = {as_read}, while `{}` is {}",
            wrong.read_as.name(),
            first.key,
            pretty(beside)
        )],
        help: help(setting, &wrong),
        assumptions: labels::guesses(setting),
    })
}

/// How many of a unit a length is, if it is a whole number of them.
fn whole(length: std::time::Duration, unit: TimeUnit) -> Option<u128> {
    let unit = u128::from(unit.nanos());
    length.as_nanos().is_multiple_of(unit).then(|| length.as_nanos() / unit)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn a_suffix_against_the_name() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth -> directory
              timeout_ms  whole-call  30s  name=ms
        "#), @r"
        warning (in file, unit-confusion, auth): `timeout_ms` is named in milliseconds and says 30 s: whoever goes by the name is off by a factor of 1000
          auth.toml:2 timeout_ms = 30s -- seconds here, milliseconds by the name
          sum: 30 seconds = 30 s; 30 milliseconds = 30 ms
          help: write 30000, or take the unit out of the key's name
        ");
    }

    #[test]
    fn a_number_against_its_siblings() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth -> directory
              connect_timeout_ms  connect     5      name=ms
              read_timeout_ms     first-byte  30000  name=ms
        "#), @r"
        error (in file, unit-confusion, auth): `connect_timeout_ms = 5` is 5 ms, not 5 s: one delayed packet fails it
          auth.toml:2 connect_timeout_ms = 5 -- 5 ms by its name; 5 s would fit the keys beside it
          auth.toml:3 read_timeout_ms = 30000 -- 30 s by its name
          sum: 5 milliseconds = 5 ms, while `read_timeout_ms` is 30 s
          help: if 5 s is meant, write `connect_timeout_ms` as 5000 (milliseconds)
        ");
    }

    #[test]
    fn names_that_agree_are_quiet() {
        for fleet in [
            r#"
            auth.toml: auth -> directory
              timeout_ms  whole-call  1500ms  name=ms
            "#,
            r#"
            auth.toml: auth -> directory
              connect_timeout_ms  connect     250   name=ms
              read_timeout_ms     first-byte  5000  name=ms
            "#,
            r#"
            auth.toml: auth -> directory
              timeout_ms  whole-call  5  name=ms
            "#,
        ] {
            assert_eq!(run(&RULE, fleet), "", "{fleet}");
        }
    }
}
