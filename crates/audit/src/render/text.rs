//! Findings and errors as people read them: what can happen, where, the sum, what to do.

use annotate_snippets::{Group, Level as Look, Message};
use model::{FileId, Finding, Level, Origin};
use text::Source;

use super::snippet::{Mark, Redacted, Style, elements};
use super::{in_a_row, plain};
use crate::{Error, Outcome};

/// All findings, in the order settled.
pub fn text(outcome: &Outcome, style: Style) -> String {
    let several = outcome.fleet.environments.len() > 1;
    let mut redacted = Redacted::default();
    let mut shown = String::new();
    for finding in &outcome.findings {
        let group = group(finding, several, |file| outcome.sources.get(file), &mut redacted);
        shown.push_str(&style.draw(&[group]));
        shown.push_str("\n\n");
    }
    shown
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
    for line in &finding.arithmetic {
        group = group.element(line_of("sum", line));
    }
    for default in defaults(finding) {
        group = group.element(line_of("default", &default));
    }
    for assumption in &finding.assumptions {
        group = group.element(line_of("assumed", assumption));
    }
    if several_environments && !finding.environments.is_empty() {
        group = group.element(line_of("in", &in_a_row(&finding.environments)));
    }
    let mut help = plain(finding.help.trim_end_matches('.'));
    if !help.is_empty() {
        help.push_str("; ");
    }
    group.element(Look::HELP.message(format!("{help}see `forewarn explain {}`", finding.rule)))
}

fn line_of(name: &'static str, text: &str) -> Message<'static> {
    Look::NOTE.with_name(name).message(plain(text))
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
