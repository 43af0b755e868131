//! Bare numbers that are far too short in the unit they are read in and sensible in a larger one.

use model::{
    Basis, Environment, FailureMode, Finding, Fleet, Label, Level, Setting, Subject, TimeUnit, Unit, pretty,
};

use crate::owners::Owners;
use crate::plausible::{Misread, Off, is_about_size, misread};
use crate::stage::Stage;
use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "unit-too-small",
    summary: "a bare number is read in a unit in which it is far too short",
    mode: FailureMode::UnitConfusion,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("unit_too_small.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    report(&RULE, Off::Short, fleet, environment, found);
}

/// The check of both rules about size: one number, one unit, one way of being off.
pub(crate) fn report(rule: &Rule, off: Off, fleet: &Fleet, environment: &Environment, found: &mut Found) {
    // What is extreme in a test is there to be extreme.
    if Stage::of(&environment.name) == Stage::Apart {
        return;
    }
    let owners = Owners::of(fleet, environment);
    for group in environment.groups(fleet) {
        for setting in group.settings() {
            let Some(wrong) = misread(setting, group.group().kind).filter(|wrong| wrong.off == off) else {
                continue;
            };
            if !is_about_size(group, setting, &wrong) {
                continue;
            }
            let (key, number) = (&setting.key, wrong.number);
            let (as_read, would_be) = (pretty(wrong.length), pretty(wrong.would_be));
            let (level, says) = match setting.unit {
                Unit::InName => (Level::Warning, "as its name says"),
                _ => (wrong.level, "where no unit is written"),
            };
            let whose = owners.name(group.id()).map_or_else(String::new, |name| format!(" of `{name}`"));
            found.report(Finding {
                rule: rule.name,
                level,
                basis: Basis::InFile,
                mode: rule.mode,
                environments: Vec::new(),
                subject: owners
                    .name(group.id())
                    .map_or_else(|| Subject::Setting(key.clone()), |name| Subject::Service(name.to_owned())),
                title: format!("`{key} = {number}`{whose} is {as_read}, not {would_be}: {}", wrong.why),
                labels: vec![Label::of(setting, format!("read as {}, {says}", wrong.read_as.name()))],
                arithmetic: vec![format!(
                    "{number} {} = {as_read}; {number} {} = {would_be}",
                    wrong.read_as.name(),
                    wrong.meant.name()
                )],
                help: help(setting, &wrong),
                // Which bounds hold depends on what it covers.
                assumptions: labels::guesses(setting),
            });
        }
    }
}

/// What to write instead, in the unit that is read.
pub(crate) fn help(setting: &Setting, wrong: &Misread) -> String {
    // Nobody counts nanoseconds: what is read in them takes a unit behind the number.
    if wrong.read_as == TimeUnit::Nanoseconds {
        return format!("if {} is meant, write `{}` with that unit", pretty(wrong.would_be), setting.key);
    }
    let per = wrong.read_as.nanos() as f64 / 1e9;
    let instead = wrong.would_be.as_secs_f64() / per;
    if instead >= 1.0 && instead.fract() == 0.0 {
        format!(
            "if {} is meant, write `{}` as {instead} ({})",
            pretty(wrong.would_be),
            setting.key,
            wrong.read_as.name()
        )
    } else {
        format!("`{}` is read in {}; write what is meant in that unit", setting.key, wrong.read_as.name())
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn a_bare_number_of_nanoseconds() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.yaml: auth -> db [pool]
              MaxConnLifetime  lifetime  30  bare=ns
        "#), @r"
        warning (in file, unit-confusion, auth): `MaxConnLifetime = 30` of `auth` is 30 ns, not 30 s: connections are replaced faster than they are used
          auth.yaml:2 MaxConnLifetime = 30 -- read as nanoseconds, where no unit is written
          sum: 30 nanoseconds = 30 ns; 30 seconds = 30 s
          help: if 30 s is meant, write `MaxConnLifetime` with that unit
        ");
    }

    #[test]
    fn a_statement_of_thirty_milliseconds() {
        insta::assert_snapshot!(run(&RULE, r#"
            db.conf: db
              statement_timeout  statement  30  bare=ms
        "#), @r"
        error (in file, unit-confusion, db): `statement_timeout = 30` of `db` is 30 ms, not 30 s: work of the size of a request is cut
          db.conf:2 statement_timeout = 30 -- read as milliseconds, where no unit is written
          sum: 30 milliseconds = 30 ms; 30 seconds = 30 s
          help: if 30 s is meant, write `statement_timeout` as 30000 (milliseconds)
        ");
    }

    #[test]
    fn a_name_that_cannot_be_meant() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth -> directory
              timeout_ms  whole-call  5  name=ms
        "#), @r"
        warning (in file, unit-confusion, auth): `timeout_ms = 5` of `auth` is 5 ms, not 5 s: no call over a network that does work is so fast
          auth.toml:2 timeout_ms = 5 -- read as milliseconds, as its name says
          sum: 5 milliseconds = 5 ms; 5 seconds = 5 s
          help: if 5 s is meant, write `timeout_ms` as 5000 (milliseconds)
        ");
    }

    #[test]
    fn written_units_tests_and_other_rules_are_quiet() {
        for fleet in [
            r#"
            db.conf: db
              statement_timeout  statement  30ms  bare=ms
            "#,
            r#"
            db.conf: db
              statement_timeout  statement  250  bare=ms
            "#,
            r#"
            environment test
            db.conf: db
              statement_timeout  statement  30  bare=ms
            "#,
            r#"
            haproxy.cfg: gateway
              http-keep-alive  idle  1  bare=ms
            "#,
            r#"
            auth.toml: auth -> cache
              timeout_ms  whole-call  50  name=ms
            "#,
            r#"
            auth.properties: auth -> db
              socketTimeout  between-bytes  90  bare=ms elsewhere=s
            "#,
            r#"
            auth.toml: auth -> directory
              connect_timeout_ms  connect     5      name=ms
              read_timeout_ms     first-byte  30000  name=ms
            "#,
        ] {
            assert_eq!(run(&RULE, fleet), "", "{fleet}");
        }
    }
}
