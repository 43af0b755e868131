//! Runs the rules over the fleet. A rule that fails is reported and the others go on; a finding
//! that holds in several environments is one finding.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use model::{Basis, FileId, Finding, Fleet, Level, NotEvaluated, Span, Subject};
use rules::{Check, Found, Margins, Rule, Seen};

/// What the rules found.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) findings: Vec<Finding>,
    pub(crate) not_evaluated: Vec<NotEvaluated>,
    /// The findings of one rule whose first label stands at one place.
    by_place: BTreeMap<(&'static str, Option<Span>), Vec<usize>>,
}

/// Runs rules. `guesses` are the files that were attributed to a service by a guess.
pub(crate) fn check(
    fleet: &Fleet,
    rules: &[&'static Rule],
    margins: &Margins,
    guesses: &BTreeMap<FileId, String>,
) -> Checked {
    let mut checked = Checked::default();
    let seen = Seen::of(fleet);
    for rule in rules {
        let fleet = seen.by(rule);
        let mut found = Vec::new();
        match rule.check {
            Check::Environment(check) => {
                for environment in &fleet.environments {
                    let mut here = attempt(rule, |found| check(fleet, environment, margins, found));
                    for finding in &mut here.findings {
                        finding.environments = vec![environment.name.clone()];
                    }
                    found.push(here);
                }
            }
            Check::Fleet(check) => found.push(attempt(rule, |found| check(fleet, margins, found))),
        }
        for here in found {
            checked.not_evaluated.extend(here.not_evaluated);
            for mut finding in here.findings {
                name_guesses(&mut finding, guesses);
                checked.add(finding);
            }
        }
    }
    checked.not_evaluated.sort();
    checked.not_evaluated.dedup();
    checked
}

fn attempt(rule: &Rule, check: impl FnOnce(&mut Found)) -> Found {
    let mut found = Found::default();
    if catch_unwind(AssertUnwindSafe(|| check(&mut found))).is_err() {
        let subject = Subject::Setting("this rule".into());
        found.needs(
            rule.name,
            subject,
            "a corrected Forewarn: the rule failed on this fleet, which is a bug",
        );
    }
    found
}

/// A finding that needs the call graph and rests on a file attributed by a guess is assumed. One that was
/// assumed already, about something that nobody wrote, is worth knowing at most.
fn name_guesses(finding: &mut Finding, guesses: &BTreeMap<FileId, String>) {
    if finding.basis == Basis::InFile {
        return;
    }
    let files = finding.labels.iter().filter_map(|label| label.origin.span()).map(|span| span.file);
    let guessed: Vec<String> = files.filter_map(|file| guesses.get(&file).cloned()).collect();
    let nobody_wrote_it = finding.labels.first().is_some_and(|label| label.origin.is_default());
    if finding.basis == Basis::Assumed && nobody_wrote_it && !guessed.is_empty() {
        finding.level = Level::Note;
    }
    finding.assume(guessed);
}

fn first_place(finding: &Finding) -> Option<Span> {
    finding.labels.first().and_then(|label| label.origin.span())
}

impl Checked {
    fn add(&mut self, finding: Finding) {
        // The same places are the same finding, whatever the services are called in another environment.
        let alike = self.by_place.entry((finding.rule, first_place(&finding))).or_default();
        match alike.iter().find(|&&known| self.findings[known].labels == finding.labels) {
            Some(&known) => {
                let known = &mut self.findings[known];
                for environment in finding.environments {
                    if !known.environments.contains(&environment) {
                        known.environments.push(environment);
                    }
                }
            }
            None => {
                alike.push(self.findings.len());
                self.findings.push(finding);
            }
        }
    }
}
