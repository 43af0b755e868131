//! A limit on the connect and none on the answer: the call looks bounded and is not.

use std::collections::BTreeSet;

use model::{CallView, Environment, FailureMode, Finding, Fleet, Level, Setting};

use crate::timeout_missing::{End, written_connect};
use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "timeout-connect-only",
    summary: "the connect is limited, the wait for the answer is not",
    mode: FailureMode::MissingDeadline,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("timeout_connect_only.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let mut said = BTreeSet::new();
    for call in environment.calls(fleet) {
        let Some(connect) = written_connect(call) else { continue };
        let default = match End::of(call) {
            End::Unlimited(setting) => Some(setting),
            End::Unknown => None,
            // Switched off on purpose: `timeout-missing` says it.
            End::Disabled(_) | End::Bounded | End::WithCaller => continue,
            // It says what it needs.
            End::Unclear(_) | End::Undecided(_) => continue,
        };
        if said.insert(&connect.value.origin) {
            found.report(finding(call, connect, default));
        }
    }
}

fn finding(call: CallView<'_>, connect: &Setting, default: Option<&Setting>) -> Finding {
    let (from, to) = (call.from().name(), call.to().name());
    let limit = &connect.value.value;
    let mut labels = vec![labels::at(connect, "covers the connect alone")];
    let mut assumptions = labels::guesses_in(call, &[connect]);
    match default {
        Some(setting) => {
            labels.push(labels::at(setting, "nothing ends the wait for an answer"));
            assumptions.extend(labels::guesses(setting));
        }
        None => assumptions
            .push(format!("that {from}'s client of {to} has no limit of its own where none is set")),
    }
    let key = default.map_or("a limit on the whole call".to_owned(), |setting| format!("`{}`", setting.key));
    Finding {
        rule: RULE.name,
        level: Level::Error,
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: labels::subject(call),
        title: format!("{from} gives {to} {limit} to connect and any time to answer"),
        labels,
        arithmetic: Vec::new(),
        help: format!("set {key} as well: `{}` does not end a peer that accepts and then hangs", connect.key),
        assumptions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::run;

    #[test]
    fn connect_is_limited_and_the_answer_known_to_be_free() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.properties: auth -> users
              connectTimeout  connect        10s
              socketTimeout   between-bytes  never  default "Toy driver socketTimeout"
        "#), @r"
        error (in file, missing-deadline, auth -> users): auth gives users 10 s to connect and any time to answer
          auth.properties:2 connectTimeout = 10s -- covers the connect alone
          auth.properties:3 socketTimeout = never -- nothing ends the wait for an answer; no limit is the default of Toy driver socketTimeout, not set here
          help: set `socketTimeout` as well: `connectTimeout` does not end a peer that accepts and then hangs
        ");
    }

    #[test]
    fn unknown_default_is_a_guess() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth -> directory
              connect_timeout  connect  1s
        "), @r"
        warning (assumed, missing-deadline, auth -> directory): auth gives directory 1 s to connect and any time to answer
          auth.toml:2 connect_timeout = 1s -- covers the connect alone
          help: set a limit on the whole call as well: `connect_timeout` does not end a peer that accepts and then hangs
          assumed: that auth's client of directory has no limit of its own where none is set
        ");
    }

    #[test]
    fn quiet_with_any_limit_on_the_answer_or_no_written_connect_limit() {
        for text in [
            "a: auth -> directory
               connect_timeout  connect     1s
               read_timeout     first-byte  5s",
            "a: auth -> directory
               connect_timeout  connect     1s
               call_timeout     unknown     5s",
            "a: auth -> directory
               connect_timeout  connect     1s
               call_timeout     whole-call  never",
            r#"a: auth -> directory
               connect_timeout  connect     10s  default "Toy""#,
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
