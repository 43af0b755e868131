//! Bare numbers meant for another product that gives the same key another unit.

use model::{Basis, Environment, FailureMode, Finding, Fleet, Label, Level, Subject, Unit, pretty};

use crate::owners::Owners;
use crate::plausible::{is_about_driver, misread};
use crate::stage::Stage;
use crate::unit_too_small::help;
use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "unit-driver",
    summary: "a number fits the unit that another product gives the same key",
    mode: FailureMode::UnitConfusion,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("unit_driver.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    if Stage::of(&environment.name) == Stage::Apart {
        return;
    }
    let owners = Owners::of(fleet, environment);
    for group in environment.groups(fleet) {
        for setting in group.settings().filter(|setting| setting.unit == Unit::Product) {
            let Some(wrong) = misread(setting, group.group().kind) else { continue };
            if !is_about_driver(setting, &wrong) {
                continue;
            }
            let (key, number) = (&setting.key, wrong.number);
            let (as_read, would_be) = (pretty(wrong.length), pretty(wrong.would_be));
            let whose = owners.name(group.id()).map_or_else(String::new, |name| format!(" of `{name}`"));
            found.report(Finding {
                rule: RULE.name,
                level: if wrong.is_suspicion { wrong.level } else { RULE.level },
                basis: Basis::InFile,
                mode: RULE.mode,
                environments: Vec::new(),
                subject: owners
                    .name(group.id())
                    .map_or_else(|| Subject::Setting(key.clone()), |name| Subject::Service(name.to_owned())),
                title: format!(
                    "`{key} = {number}`{whose} is {as_read} here; {would_be} only with another driver"
                ),
                labels: vec![Label::of(
                    setting,
                    format!("this driver reads {}, others {}", wrong.read_as.name(), wrong.meant.name()),
                )],
                arithmetic: vec![format!(
                    "{number} {} = {as_read}; {number} {} = {would_be}",
                    wrong.read_as.name(),
                    wrong.meant.name()
                )],
                help: help(setting, &wrong),
                assumptions: labels::guesses(setting),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn milliseconds_for_a_driver_that_reads_seconds() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.properties: auth -> db
              socketTimeout  between-bytes  30000  bare=s elsewhere=ms
        "#), @r"
        error (in file, unit-confusion, auth): `socketTimeout = 30000` of `auth` is 8.3 h here; 30 s only with another driver
          auth.properties:2 socketTimeout = 30000 -- this driver reads seconds, others milliseconds
          sum: 30000 seconds = 8.3 h; 30000 milliseconds = 30 s
          help: if 30 s is meant, write `socketTimeout` as 30 (seconds)
        ");
    }

    #[test]
    fn seconds_for_a_driver_that_reads_milliseconds() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.properties: auth -> db
              socketTimeout  between-bytes  90  bare=ms elsewhere=s
        "#), @r"
        error (in file, unit-confusion, auth): `socketTimeout = 90` of `auth` is 90 ms here; 90 s only with another driver
          auth.properties:2 socketTimeout = 90 -- this driver reads milliseconds, others seconds
          sum: 90 milliseconds = 90 ms; 90 seconds = 90 s
          help: if 90 s is meant, write `socketTimeout` as 90000 (milliseconds)
        ");
    }

    #[test]
    fn whole_thousands_of_seconds_are_suspect() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.properties: auth -> db
              socketTimeout  between-bytes  5000  bare=s elsewhere=ms
        "#), @r"
        warning (in file, unit-confusion, auth): `socketTimeout = 5000` of `auth` is 5000 s here; 5 s only with another driver
          auth.properties:2 socketTimeout = 5000 -- this driver reads seconds, others milliseconds
          sum: 5000 seconds = 5000 s; 5000 milliseconds = 5 s
          help: if 5 s is meant, write `socketTimeout` as 5 (seconds)
        ");
    }

    #[test]
    fn numbers_that_fit_their_driver_are_quiet() {
        for fleet in [
            r#"
            auth.properties: auth -> db
              socketTimeout  between-bytes  30  bare=s elsewhere=ms
            "#,
            r#"
            auth.properties: auth -> db
              socketTimeout  between-bytes  30000  bare=ms elsewhere=s
            "#,
            r#"
            nginx.conf: gateway -> auth
              proxy_read_timeout  between-bytes  60000  bare=s
            "#,
        ] {
            assert_eq!(run(&RULE, fleet), "", "{fleet}");
        }
    }
}
