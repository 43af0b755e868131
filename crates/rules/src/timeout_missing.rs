//! A call whose answer nothing bounds: the limit is switched off, or its product has none unless
//! told. Where only the address of the callee is known, it says what it would need, once a caller.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    CallView, Covers, Environment, FailureMode, Finding, Fleet, Knob, Label, Level, Limit, Origin, Setting,
    Subject,
};

use crate::{Check, Found, Margins, Rule, labels, patience};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "timeout-missing",
    summary: "nothing ends a call to a peer that hangs",
    mode: FailureMode::MissingDeadline,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("timeout_missing.md"),
    check: Check::Environment(check),
};

/// What is known of the end of a call's answer.
#[derive(Clone, Copy)]
pub(crate) enum End<'f> {
    /// Something ends it.
    Bounded,
    /// A limit that could end it is switched off by this setting.
    Disabled(&'f Setting),
    /// Nothing is set, and the product waits for ever then.
    Unlimited(&'f Setting),
    /// A setting limits something, but what is not known.
    Unclear(&'f Setting),
    /// Nothing is set, and what holds then is no one limit: the product's version decides.
    Undecided(&'f Setting),
    /// No setting says anything, and no default is known: what only forwards waits no longer than those
    /// who call it, who are judged for themselves.
    WithCaller,
    /// No setting says anything, and no default is known.
    Unknown,
}

impl<'f> End<'f> {
    /// The end of a call.
    pub(crate) fn of(call: CallView<'f>) -> Self {
        let mut end = Self::Unknown;
        for setting in call.settings().chain(call.to().groups().flat_map(|group| group.settings())) {
            let Knob::Timeout(covers) = setting.knob else { continue };
            let own = call.settings().any(|own| std::ptr::eq(own, setting));
            match (covers, setting.limit()) {
                // A server that cuts the statement ends the call as well.
                (Covers::Statement, Some(Limit::After(_))) => return Self::Bounded,
                // A stream that may be long but not silent.
                (Covers::Idle, Some(Limit::After(_))) if own && call.from().service().forwards => {
                    return Self::Bounded;
                }
                _ if !own => {}
                (covers, None) if covers.bounds_answer() && setting.value.origin.is_default() => {
                    end = match end {
                        Self::Disabled(_) => end,
                        _ => Self::Undecided(setting),
                    };
                }
                (covers, Some(Limit::After(_)) | None) if covers.bounds_answer() => return Self::Bounded,
                (covers, Some(Limit::Never)) if covers.bounds_answer() => {
                    end = match end {
                        Self::Disabled(_) => end,
                        _ if !setting.value.origin.is_default() => Self::Disabled(setting),
                        Self::Unlimited(_) | Self::Undecided(_) => end,
                        _ => Self::Unlimited(setting),
                    };
                }
                (Covers::Unknown, _) if matches!(end, Self::Unknown) => end = Self::Unclear(setting),
                _ => {}
            }
        }
        let forwards = call.from().service().forwards && call.from().callers().next().is_some();
        if forwards && matches!(end, Self::Unknown) { Self::WithCaller } else { end }
    }
}

/// The limit of the connect that an operator wrote.
pub(crate) fn written_connect(call: CallView<'_>) -> Option<&Setting> {
    let (setting, limit) = call.limit(Covers::Connect)?;
    (limit != Limit::Never && !setting.value.origin.is_default()).then_some(setting)
}

fn check(fleet: &Fleet, environment: &Environment, margins: &Margins, found: &mut Found) {
    // One absent or disabled key can stand for many calls.
    let mut without_end: BTreeMap<(&Origin, bool), (&Setting, Vec<CallView<'_>>)> = BTreeMap::new();
    let mut silent = BTreeSet::new();
    for call in environment.calls(fleet) {
        match End::of(call) {
            End::Bounded | End::WithCaller => {}
            // `timeout-connect-only` says it.
            End::Unlimited(_) | End::Unknown if written_connect(call).is_some() => {}
            End::Disabled(setting) | End::Unlimited(setting) => {
                without_end
                    .entry((&setting.value.origin, call.from().service().finishes))
                    .or_insert_with(|| (setting, Vec::new()))
                    .1
                    .push(call);
            }
            End::Unclear(setting) => {
                let key = &setting.key;
                let needs = format!(
                    "what `{key}` covers; declare it with [[setting]] key = \"{key}\", controls = \"timeout\", covers = \"...\""
                );
                found.needs(RULE.name, labels::subject(call), needs);
            }
            End::Undecided(setting) => {
                let (key, value) = (&setting.key, &setting.value.value);
                let needs = format!("`{key}`: where nothing sets it, the version decides ({value})");
                found.needs(RULE.name, labels::subject(call), needs);
            }
            End::Unknown => {
                silent.insert(call.from().name());
            }
        }
    }
    for (setting, calls) in without_end.into_values() {
        if let Some(finding) = finding(setting, &calls, margins) {
            found.report(finding);
        }
    }
    for from in silent {
        let needs = "the limits of its calls (`forewarn show calls`), which no file sets under a known key; \
                     declare keys with [[setting]] controls = \"timeout\", covers = \"...\", to = \"CALLEE\"";
        found.needs(RULE.name, Subject::Service(from.to_owned()), needs);
    }
}

fn finding(setting: &Setting, calls: &[CallView<'_>], margins: &Margins) -> Option<Finding> {
    let mut to: Vec<&str> = calls.iter().map(|call| call.to().name()).collect();
    to.sort_unstable();
    to.dedup();
    let mut from: Vec<&str> = calls.iter().map(|call| call.from().name()).collect();
    from.sort_unstable();
    from.dedup();
    let callers = match from[..] {
        [one] => format!("{one} waits"),
        // Of callers that no file shows to make the call nobody knows how many do.
        [first, ref more @ ..] if calls.iter().all(|call| !call.call().assumptions.is_empty()) => {
            format!("{first} and up to {} more wait", more.len())
        }
        [first, ref more @ ..] => format!("{first} and {} more wait", more.len()),
        [] => return None,
    };
    let whose = if from.len() == 1 { "its" } else { "their" };
    let callees = labels::names(&to);
    // A job holds no requests: nobody waits for it but what starts when it is done.
    let is_job = calls.iter().all(|call| call.from().service().finishes);
    let harm = match (is_job, from.len()) {
        (true, 1) => "keeps it from ever finishing".to_owned(),
        (true, _) => "keeps them from ever finishing".to_owned(),
        (false, _) => format!("holds {whose} requests for ever"),
    };
    let disabled = !setting.value.origin.is_default();
    let why = if disabled {
        "switched off: nothing ends the wait for an answer"
    } else {
        "nothing ends the wait for an answer"
    };
    let mut labels = vec![labels::at(setting, why)];
    for call in calls.iter().take(3) {
        let place = Label { origin: call.call().origin.clone(), text: format!("calls {}", call.to().name()) };
        if labels.iter().all(|label| label.origin.span() != place.origin.span()) {
            labels.push(place);
        }
    }
    let mut assumptions = labels::guesses(setting);
    assumptions.extend(calls.iter().flat_map(|call| call.call().assumptions.iter().cloned()));
    // A limit that nobody wrote, in a call that no file shows to be made or waited for.
    let guessed_twice = !disabled && !assumptions.is_empty();
    if !disabled {
        // A default is the lowest layer's: a pool, a framework or the code can set the limit.
        assumptions.push("that nothing above the driver sets one".to_owned());
    }
    let help = match from[..] {
        _ if is_job => format!("set `{}` to longer than the job's longest work takes", setting.key),
        [_] => format!(
            "set `{}` to {}",
            setting.key,
            patience::within_callers(setting, calls[0].from(), margins)
        ),
        _ => format!("set `{}` to a little less than the callers of each wait", setting.key),
    };
    Some(Finding {
        rule: RULE.name,
        level: match guessed_twice {
            true => Level::Note,
            false if is_job => Level::Warning,
            false => Level::Error,
        },
        basis: labels::basis(&labels),
        mode: RULE.mode,
        environments: Vec::new(),
        subject: match to[..] {
            [one] if from.len() == 1 => Subject::Call(from[0].to_owned(), one.to_owned()),
            _ => Subject::Service(from[0].to_owned()),
        },
        title: format!("{callers} for {callees} without limit: one peer that hangs {harm}"),
        labels,
        arithmetic: Vec::new(),
        help,
        assumptions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::run;

    #[test]
    fn limit_switched_off() {
        insta::assert_snapshot!(run(&RULE, "
            auth.toml: auth -> directory
              connect_timeout  connect     1s
              request_timeout  whole-call  never
            edge.yaml: edge -> auth
              timeout          whole-call  10s
        "), @r"
        error (in file, missing-deadline, auth -> directory): auth waits for directory without limit: one peer that hangs holds its requests for ever
          auth.toml:3 request_timeout = never -- switched off: nothing ends the wait for an answer
          auth.toml:1 [auth -> directory] -- calls directory
          help: set `request_timeout` to at most 9.5 s: edge waits 10 s for auth
        ");
    }

    #[test]
    fn product_without_limit_by_default_is_said_once_for_all_its_calls() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.env: auth -> directory,sessions
              SOCKET_TIMEOUT  between-bytes  never  default "Toy SOCKET_TIMEOUT"
        "#), @r"
        warning (assumed, missing-deadline, auth): auth waits for directory and sessions without limit: one peer that hangs holds its requests for ever
          auth.env:2 SOCKET_TIMEOUT = never -- nothing ends the wait for an answer; no limit is the default of Toy SOCKET_TIMEOUT, not set here
          auth.env:1 [auth -> directory,sessions] -- calls directory
          help: set `SOCKET_TIMEOUT` to a little less than auth's own callers wait
          assumed: that nothing above the driver sets one
        ");
    }

    #[test]
    fn a_default_that_matters_only_under_a_guess_is_worth_a_note() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.yml: auth -> mail
              timeout  between-bytes  never  default "Toy timeout" assumed "that a request waits for the mail"
        "#), @r"
        note (assumed, missing-deadline, auth -> mail): auth waits for mail without limit: one peer that hangs holds its requests for ever
          auth.yml:2 timeout = never -- nothing ends the wait for an answer; no limit is the default of Toy timeout, not set here
          auth.yml:1 [auth -> mail] -- calls mail
          help: set `timeout` to a little less than auth's own callers wait
          assumed: that a request waits for the mail
          assumed: that nothing above the driver sets one
        ");
    }

    #[test]
    fn a_default_that_the_version_decides_is_not_evaluated() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.yml: auth -> users
              url?socketTimeout    between-bytes  never  default "Toy driver socketTimeout"
              pool.socket-timeout  between-bytes  varies  default "Toy pool socketTimeout"
        "#), @"not evaluated: auth -> users: needs `pool.socket-timeout`: where nothing sets it, the version decides (varies)");
    }

    #[test]
    fn a_job_holds_no_requests() {
        insta::assert_snapshot!(run(&RULE, "
            migrate.toml: migrate finishes
            migrate.toml: migrate -> users
              read_timeout  between-bytes  never
        "), @r"
        warning (in file, missing-deadline, migrate -> users): migrate waits for users without limit: one peer that hangs keeps it from ever finishing
          migrate.toml:3 read_timeout = never -- switched off: nothing ends the wait for an answer
          migrate.toml:2 [migrate -> users] -- calls users
          help: set `read_timeout` to longer than the job's longest work takes
        ");
    }

    #[test]
    fn one_place_of_several_callers_names_no_one_alone() {
        insta::assert_snapshot!(run(&RULE, "
            shared.toml: auth,mail,web -> directory
              request_timeout  whole-call  never
        "), @r"
        error (in file, missing-deadline, auth): auth and 2 more wait for directory without limit: one peer that hangs holds their requests for ever
          shared.toml:2 request_timeout = never -- switched off: nothing ends the wait for an answer
          shared.toml:1 [auth,mail,web -> directory] -- calls directory
          help: set `request_timeout` to a little less than the callers of each wait
        ");
    }

    #[test]
    fn callers_that_are_guessed_are_not_counted_as_sure() {
        let found = run(
            &RULE,
            r#"
            shared.toml: auth,mail,web -> directory assumed "that each of them makes it"
              request_timeout  whole-call  never
        "#,
        );
        assert!(found.contains("auth and up to 2 more wait for directory"), "{found}");
    }

    #[test]
    fn address_alone_is_not_evaluated_once_a_caller() {
        insta::assert_snapshot!(run(&RULE, "
            compose.yaml: auth -> directory
            compose.yaml: auth -> sessions
            compose.yaml: auth -> mail
            compose.yaml: auth -> audit
            compose.yaml: edge -> auth
              timeout  unknown  30s
        "), @r#"
        not evaluated: edge -> auth: needs what `timeout` covers; declare it with [[setting]] key = "timeout", controls = "timeout", covers = "..."
        not evaluated: auth: needs the limits of its calls (`forewarn show calls`), which no file sets under a known key; declare keys with [[setting]] controls = "timeout", covers = "...", to = "CALLEE"
        "#);
    }

    #[test]
    fn quiet_where_something_ends_it_or_another_rule_speaks() {
        for text in [
            "a: auth -> directory
               request_timeout  whole-call     never
               read_timeout     between-bytes  30s",
            "a: auth -> users
               socket_timeout     between-bytes  never
             p: users
               statement_timeout  statement      10s",
            r#"a: auth -> directory
               connect_timeout  connect        1s
               read_timeout     between-bytes  never  default "Toy""#,
            // A stream that may be long but not silent.
            "e: edge forwards
             e: edge -> auth
               timeout       whole-call  never
               idle_timeout  idle        300s",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
