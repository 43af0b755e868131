//! Attempts with a limit each and a call that is known to have none: the whole is a product that
//! nobody wrote down.

use std::collections::BTreeSet;

use model::{Environment, FailureMode, Finding, Fleet, Level, Limit, pretty};

use crate::client::Client;
use crate::sums::Sum;
use crate::{Check, Found, Margins, Rule, labels, round};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "retry-try-without-overall",
    summary: "each attempt is limited, the call with all of them is not",
    mode: FailureMode::MissingDeadline,
    level: Level::Note,
    since: "0.1",
    docs: include_str!("retry_try_without_overall.md"),
    check: Check::Environment(check),
};

fn check(fleet: &Fleet, environment: &Environment, _: &Margins, found: &mut Found) {
    let mut said = BTreeSet::new();
    for client in Client::all(fleet, environment).iter().filter(|client| !client.is_loose()) {
        let Some(sum) = Sum::among(|knob| client.knob(knob)) else { continue };
        let Some((overall, Limit::Never)) = sum.budget.overall else { continue };
        // Only a limit that somebody wrote for one attempt, and that covers one, can be mistaken for
        // that of the call.
        let (attempt, _) = sum.attempt;
        let covers_attempt = attempt.knob == model::Knob::Timeout(model::Covers::Attempt);
        if sum.attempts() < 2 || !covers_attempt || attempt.value.origin.is_default() {
            continue;
        }
        if !said.insert(&attempt.value.origin) {
            continue;
        }
        let (attempts, all) = (sum.attempts(), pretty(sum.all));
        let mut labels = sum.labels();
        labels.push(labels::at(overall, "nothing ends the call as a whole"));
        let mut assumptions = client.guesses(&[overall]);
        assumptions.extend(sum.guesses());
        found.report(Finding {
            rule: RULE.name,
            level: Level::Note,
            basis: labels::basis(&labels),
            mode: RULE.mode,
            environments: Vec::new(),
            subject: client.subject(),
            title: format!(
                "{} can take {all}, not {}: only each of the {attempts} attempts is limited",
                client.calls(),
                pretty(sum.attempt.1)
            ),
            labels,
            arithmetic: vec![sum.written()],
            help: format!("set `{}` to {}, or to less", overall.key, round::at_least(overall, sum.all)),
            assumptions,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn only_attempts_are_limited() {
        insta::assert_snapshot!(run(&RULE, r#"
            mesh.yaml: edge -> auth
              perTryTimeout  attempt     2s
              attempts       retries     3
              timeout        whole-call  never  default "Toy timeout"
        "#), @"
        note (in file, missing-deadline, edge -> auth): edge's calls to auth can take 8 s, not 2 s: only each of the 4 attempts is limited
          mesh.yaml:2 perTryTimeout = 2s -- ends one attempt
          mesh.yaml:3 attempts = 3 -- 4 attempts
          mesh.yaml:4 timeout = never -- nothing ends the call as a whole; no limit is the default of Toy timeout, not set here
          sum: (3 + 1) x 2 s = 8 s
          help: set `timeout` to 8 s, or to less
        ");
    }

    #[test]
    fn quiet_with_a_limit_on_the_call_or_nothing_known_of_it() {
        for text in [
            "e: edge -> auth
               try      attempt     2s
               retries  retries     3
               timeout  whole-call  10s",
            "e: edge -> auth
               try      attempt     2s
               retries  retries     3",
            "e: edge -> auth
               try      attempt     2s
               retries  retries     0
               timeout  whole-call  never",
        ] {
            assert_eq!(run(&RULE, text), "", "{text}");
        }
    }
}
