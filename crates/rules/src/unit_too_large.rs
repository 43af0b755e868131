//! Bare numbers that are far too long in the unit they are read in and sensible in a smaller one.

use model::{Environment, FailureMode, Fleet, Level};

use crate::plausible::Off;
use crate::unit_too_small::report;
use crate::{Check, Found, Margins, Rule};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "unit-too-large",
    summary: "a bare number is read in a unit in which it is far too long",
    mode: FailureMode::UnitConfusion,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("unit_too_large.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    report(&RULE, Off::Long, fleet, environment, found);
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn a_read_of_sixteen_hours() {
        insta::assert_snapshot!(run(&RULE, r#"
            nginx.conf: gateway -> auth
              proxy_read_timeout  between-bytes  60000  bare=s
        "#), @r"
        warning (in file, unit-confusion, gateway): `proxy_read_timeout = 60000` of `gateway` is 16.7 h, not 60 s: whoever waits has given up long before
          nginx.conf:2 proxy_read_timeout = 60000 -- read as seconds, where no unit is written
          sum: 60000 seconds = 16.7 h; 60000 milliseconds = 60 s
          help: if 60 s is meant, write `proxy_read_timeout` as 60 (seconds)
        ");
    }

    #[test]
    fn a_probe_of_eighty_minutes() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.yaml: auth [probe]
              timeoutSeconds  liveness.timeout  5000  bare=s
        "#), @r"
        error (in file, unit-confusion, auth): `timeoutSeconds = 5000` of `auth` is 5000 s, not 5 s: what hangs is never noticed
          auth.yaml:2 timeoutSeconds = 5000 -- read as seconds, where no unit is written
          sum: 5000 seconds = 5000 s; 5000 milliseconds = 5 s
          help: if 5 s is meant, write `timeoutSeconds` as 5 (seconds)
        ");
    }

    #[test]
    fn a_statement_of_more_than_an_hour_in_whole_thousands() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth -> db
              statement_timeout_secs  statement  5000  name=s
        "#), @r"
        warning (in file, unit-confusion, auth): `statement_timeout_secs = 5000` of `auth` is 5000 s, not 5 s: what hangs holds its worker for as long
          auth.toml:2 statement_timeout_secs = 5000 -- read as seconds, as its name says
          sum: 5000 seconds = 5000 s; 5000 milliseconds = 5 s
          help: if 5 s is meant, write `statement_timeout_secs` as 5 (seconds)
        ");
    }

    #[test]
    fn streams_and_days_are_quiet() {
        for fleet in [
            r#"
            nginx.conf: gateway -> auth
              proxy_read_timeout  between-bytes  5400  bare=s
            "#,
            r#"
            nginx.conf: gateway -> auth
              proxy_read_timeout  between-bytes  5000s  bare=s
            "#,
            r#"
            nginx.conf: gateway -> auth
              proxy_read_timeout  between-bytes  86400  bare=s
            "#,
            r#"
            nginx.conf: gateway -> auth
              proxy_read_timeout  between-bytes  100000  bare=s
            "#,
            r#"
            nginx.conf: gateway -> auth
              proxy_read_timeout  between-bytes  3600  bare=s
            "#,
            r#"
            nginx.conf: gateway -> auth
              proxy_read_timeout  between-bytes  60000s  bare=s
            "#,
            r#"
            auth.yaml: auth [lifecycle]
              terminationGracePeriodSeconds  grace  10800  bare=s
            "#,
        ] {
            assert_eq!(run(&RULE, fleet), "", "{fleet}");
        }
    }
}
