//! Something is written that its consumer does not take: the setting holds another value than its
//! author chose. One rule for every product, since what a product takes is data of its reader.

use std::collections::BTreeSet;

use model::{
    Basis, Environment, FailureMode, Finding, Fleet, Label, Level, Limit, Origin, Setting, Subject, Unheeded,
    Value,
};

use crate::owners::Owners;
use crate::{Check, Found, Margins, Rule, labels};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "value-ignored",
    summary: "a value is written that its consumer does not take",
    mode: FailureMode::InertSetting,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("value_ignored.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let owners = Owners::of(fleet, environment);
    let mut said = BTreeSet::new();
    for group in environment.groups(fleet) {
        for setting in group.settings() {
            // Several groups can hold one setting.
            if let Some(unheeded) = &setting.unheeded
                && said.insert((unheeded.at, &setting.key))
            {
                found.report(finding(setting, unheeded, owners.name(group.id())));
            }
        }
    }
}

fn finding(setting: &Setting, unheeded: &Unheeded, owner: Option<&str>) -> Finding {
    let (key, text) = (&setting.key, &unheeded.text);
    let whose = owner.map_or_else(String::new, |name| format!(" of `{name}`"));
    let holds = match &setting.value.value {
        Value::Time(Limit::Never) => "no limit".to_owned(),
        value => value.to_string(),
    };
    let mut labels = vec![Label { origin: Origin::Written(unheeded.at), text: unheeded.why.clone() }];
    if let Some((of, version)) = setting.value.origin.default_of() {
        labels.push(Label::of(setting, format!("the default of {of} ({version})")));
    }
    Finding {
        rule: RULE.name,
        level: level(&setting.value.value),
        basis: Basis::InFile,
        mode: RULE.mode,
        environments: Vec::new(),
        subject: owner
            .map_or_else(|| Subject::Setting(key.clone()), |name| Subject::Service(name.to_owned())),
        title: format!("`{key}`{whose} is written as `{text}`, which is not taken: {holds} holds"),
        labels,
        arithmetic: Vec::new(),
        help: format!("write what is meant in the form that is taken, or remove `{key}` if {holds} is right"),
        assumptions: labels::guesses(setting),
    }
}

/// What it costs that another value holds: a count that is cut to what the consumer takes is near what
/// was meant, and whoever else reads the file may take it as it stands.
fn level(holds: &Value) -> Level {
    match holds {
        holds if is_unlimited(holds) => Level::Error,
        Value::Count(_) => Level::Note,
        _ => Level::Warning,
    }
}

/// Whether nothing limits what was to be limited.
fn is_unlimited(value: &Value) -> bool {
    match value {
        Value::Time(limit) => *limit == Limit::Never,
        Value::Text(text) => text == "unlimited",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn a_number_that_stands_for_another() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.yaml: auth -> sessions
              max_retries  retries  3  unheeded "0" "the client takes 0 for its default (its manual)"
        "#), @r"
        note (in file, inert-setting, auth): `max_retries` of `auth` is written as `0`, which is not taken: 3 holds
          auth.yaml:2 max_retries = 3 -- the client takes 0 for its default (its manual)
          help: write what is meant in the form that is taken, or remove `max_retries` if 3 is right
        ");
    }

    #[test]
    fn a_limit_that_is_none() {
        insta::assert_snapshot!(run(&RULE, r#"
            edge.yaml: edge forwards
              read_timeout  handler  never  unheeded "60s" "a number alone is taken (its manual)"
        "#), @r"
        error (in file, inert-setting, edge): `read_timeout` of `edge` is written as `60s`, which is not taken: no limit holds
          edge.yaml:2 read_timeout = never -- a number alone is taken (its manual)
          help: write what is meant in the form that is taken, or remove `read_timeout` if no limit is right
        ");
    }

    #[test]
    fn a_default_in_place_of_what_is_written() {
        insta::assert_snapshot!(run(&RULE, r#"
            edge.yaml: edge -> auth
              read_timeout  first-byte  60s  default "Toy read_timeout" unheeded "2m" "only seconds are taken (its manual)"
        "#), @r"
        warning (in file, inert-setting, edge): `read_timeout` of `edge` is written as `2m`, which is not taken: 60 s holds
          edge.yaml:2 read_timeout = 60s -- only seconds are taken (its manual)
          edge.yaml:2 read_timeout = 60s -- the default of Toy read_timeout (all versions)
          help: write what is meant in the form that is taken, or remove `read_timeout` if 60 s is right
        ");
    }

    #[test]
    fn once_for_a_setting_of_several_calls() {
        let found = run(
            &RULE,
            r#"
            edge.yaml: edge -> auth,mail
              read_timeout  first-byte  60s  unheeded "2m" "only seconds are taken (its manual)"
        "#,
        );
        assert_eq!(found.matches("is not taken").count(), 1, "{found}");
    }

    #[test]
    fn what_is_taken_is_quiet() {
        assert_eq!(run(&RULE, "a: a -> b\n  timeout  whole-call  1s"), "");
    }
}
