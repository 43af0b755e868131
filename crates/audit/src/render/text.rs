//! Findings and errors as people read them: what can happen, where, the sum, what to do.

use annotate_snippets::{Group, Level as Look};
use model::{FileId, Finding, Level, Origin};
use text::Source;

use super::snippet::{Mark, Redacted, Style, elements};
use super::{in_a_row, plain};
use crate::{Error, Outcome};

/// All findings, in the order settled.
pub fn text(outcome: &Outcome, style: Style) -> String {
    drawn(outcome, style).fold(String::new(), |shown, finding| shown + &finding + "\n\n")
}

/// Each finding as drawn, without a line break at its end.
pub(super) fn drawn(outcome: &Outcome, style: Style) -> impl Iterator<Item = String> {
    let several = outcome.several_environments();
    let mut redacted = Redacted::default();
    outcome.findings.iter().map(move |finding| {
        style.draw(&[group(finding, several, |file| outcome.sources.get(file), &mut redacted)])
    })
}

fn group<'s>(
    finding: &Finding,
    several_environments: bool,
    source: impl Fn(FileId) -> &'s Source,
    redacted: &mut Redacted<'s>,
) -> Group<'static> {
    let look = match finding.level {
        Level::Error => Look::ERROR,
        Level::Warning => Look::WARNING,
        Level::Note => Look::NOTE,
    };
    let marks: Vec<Mark> = finding
        .labels
        .iter()
        .filter_map(|label| Some(Mark { span: label.origin.span()?, text: label.text.clone() }))
        .collect();
    let mut group = look
        .primary_title(plain(&finding.title))
        .id(finding.rule)
        .elements(elements(&marks, source, redacted));
    let remarks = remarks(finding, several_environments);
    for (name, words) in &remarks {
        let look = if *name == HELP { Look::HELP } else { Look::NOTE.with_name(*name) };
        group = group.element(look.message(words.clone()));
    }
    group
}

/// The remark that says what to do: always the last.
const HELP: &str = "help";

/// What is said below a finding's places, name by name: the sum, what it rests on, where it holds,
/// what to do.
pub(super) fn remarks(finding: &Finding, several_environments: bool) -> Vec<(&'static str, String)> {
    let mut remarks: Vec<(&'static str, String)> = Vec::new();
    remarks.extend(finding.arithmetic.iter().map(|line| ("sum", plain(line))));
    remarks.extend(defaults(finding).iter().map(|line| ("default", plain(line))));
    remarks.extend(finding.assumptions.iter().map(|line| ("assumed", plain(line))));
    if several_environments && !finding.environments.is_empty() {
        remarks.push(("in", plain(&in_a_row(&finding.environments))));
    }
    let mut help = plain(finding.help.trim_end_matches('.'));
    if !help.is_empty() {
        help.push_str("; ");
    }
    help.push_str(&format!("see `forewarn explain {}`", finding.rule));
    remarks.push((HELP, help));
    remarks
}

/// Which defaults the finding rests on, with what documents them.
pub(super) fn defaults(finding: &Finding) -> Vec<String> {
    let mut defaults: Vec<String> = Vec::new();
    for label in &finding.labels {
        if let Some((of, version)) = default_of(&label.origin) {
            let line = format!("{of}, {version}");
            if !defaults.contains(&line) {
                defaults.push(line);
            }
        }
    }
    defaults
}

fn default_of(origin: &Origin) -> Option<(&'static str, &'static str)> {
    origin.default_of().filter(|(of, _)| !of.is_empty())
}

/// What stopped an audit.
pub fn error(error: &Error, style: Style) -> String {
    match error {
        Error::Stopped { place, what, help } => {
            // Apart: together a path such as `token.yaml` would look like a key that names a secret.
            let error = Look::ERROR.primary_title(format!("{}: {}", plain(place), plain(what)));
            let help = Look::HELP.secondary_title(plain(help));
            // Drawn apart: together a bar would stand between two lines that belong together.
            [error, help].map(|title| style.draw(&[Group::with_title(title)]) + "\n").concat()
        }
        Error::Mistakes { source, mistakes } => {
            let mut redacted = Redacted::default();
            let mut shown = String::new();
            for mistake in mistakes {
                let mark = Mark { span: mistake.span, text: String::new() };
                let group = Look::ERROR
                    .primary_title(plain(&mistake.what))
                    .elements(elements(&[mark], |_| source, &mut redacted))
                    .element(Look::HELP.message(plain(&mistake.help)));
                shown.push_str(&style.draw(&[group]));
                shown.push_str("\n\n");
            }
            shown
        }
    }
}
