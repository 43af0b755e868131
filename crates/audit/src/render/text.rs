//! Findings and errors as people read them: what can happen, where, the sum, what to do.

use std::fmt::Write as _;

use annotate_snippets::{Group, Level as Look, Title};
use model::{Finding, Level, Origin, Span, Subject};

use super::snippet::{Mark, Redacted, Style, elements};
use super::{places, plain};
use crate::{Error, Outcome, Proof, Reported};

/// All findings and then all notices, in the order settled.
pub fn text(outcome: &Outcome, style: Style) -> String {
    drawn(outcome, style)
        .chain(drawn_notices(outcome, style))
        .fold(String::new(), |shown, one| shown + &one + "\n\n")
}

/// Each finding as drawn, without a line break at its end.
pub(super) fn drawn(outcome: &Outcome, style: Style) -> impl Iterator<Item = String> {
    let mut redacted = Redacted::default();
    outcome.findings.iter().map(move |reported| {
        let finding = &reported.finding;
        let marks: Vec<Mark> =
            places(finding).map(|(label, span)| Mark { span, text: label.text.clone() }).collect();
        let title = look(finding.level).primary_title(plain(&finding.title)).id(finding.rule);
        draw(title, &marks, remarks(reported, outcome), outcome, &mut redacted, style)
    })
}

/// Each notice as drawn, without a line break at its end.
pub(super) fn drawn_notices(outcome: &Outcome, style: Style) -> impl Iterator<Item = String> {
    let mut redacted = Redacted::default();
    outcome.notices.iter().map(move |notice| {
        let mark = Mark { span: notice.span, text: String::new() };
        let title = look(notice.level).primary_title(plain(&notice.title)).id(notice.kind.name());
        let help = (HELP, help(&notice.help, notice.kind.name()));
        draw(title, &[mark], vec![help], outcome, &mut redacted, style)
    })
}

fn look(level: Level) -> Look<'static> {
    match level {
        Level::Error => Look::ERROR,
        Level::Warning => Look::WARNING,
        Level::Note => Look::NOTE,
    }
}

fn draw<'o>(
    title: Title<'static>,
    marks: &[Mark],
    remarks: Vec<(&'static str, String)>,
    outcome: &'o Outcome,
    redacted: &mut Redacted<'o>,
    style: Style,
) -> String {
    let mut group = title.elements(elements(marks, |file| outcome.sources.get(file), redacted));
    for (name, words) in remarks {
        let look = if name == HELP { Look::HELP } else { Look::NOTE.with_name(name) };
        group = group.element(look.message(words));
    }
    style.draw(&[group])
}

/// The remark that says what to do: always the last.
const HELP: &str = "help";

/// What is said below a finding's places, name by name: the sum, what it rests on, where it holds,
/// what was folded into it, what a test of it came to, what to do.
pub(super) fn remarks(reported: &Reported, outcome: &Outcome) -> Vec<(&'static str, String)> {
    let finding = &reported.finding;
    let mut remarks: Vec<(&'static str, String)> = Vec::new();
    remarks.extend(finding.arithmetic.iter().map(|line| ("sum", plain(line))));
    remarks.extend(defaults(finding).iter().map(|line| ("default", plain(line))));
    remarks.extend(finding.assumptions.iter().map(|line| ("assumed", plain(line))));
    if outcome.several_environments() && !finding.environments.is_empty() {
        remarks.push(("in", plain(&model::in_a_row(&finding.environments))));
    }
    remarks.extend(also(reported, outcome));
    let proofs = outcome.proofs.settling(finding);
    remarks.extend(proofs.iter().filter_map(Proof::words).map(|words| ("test", plain(&words))));
    remarks.push((HELP, help(&advice(finding, proofs), finding.rule)));
    remarks
}

/// What to do, and the tests that would settle it and have not.
fn advice(finding: &Finding, proofs: &[Proof]) -> String {
    let mut advice = finding.help.trim_end_matches('.').to_owned();
    for proof in proofs.iter().filter(|proof| !proof.holds()) {
        let _ = write!(advice, "; `{}` settles it by a run", proof.command());
    }
    advice
}

/// What to do, and where more is said.
pub(super) fn help(help: &str, name: &str) -> String {
    let mut help = plain(help.trim_end_matches('.'));
    if !help.is_empty() {
        help.push_str("; ");
    }
    format!("{help}see `forewarn explain {name}`")
}

/// How many of the findings folded into one are named.
const NAMED: usize = 3;

/// The findings folded into another one: of the same rule by whom they are about, of another rule by
/// what it says.
fn also(reported: &Reported, outcome: &Outcome) -> Vec<(&'static str, String)> {
    let head = &reported.finding;
    let (same, other): (Vec<&Finding>, Vec<&Finding>) =
        reported.also.iter().partition(|finding| finding.rule == head.rule);
    let mut lines = Vec::new();
    if !same.is_empty() {
        let mut named: Vec<String> = same
            .iter()
            .take(NAMED)
            .map(|finding| {
                let whom = plain(&whom(&finding.subject, &head.subject));
                format!("{whom}{}", elsewhere(finding, head, outcome))
            })
            .collect();
        if same.len() > NAMED {
            named.push(format!("{} more", same.len() - NAMED));
        }
        lines.push(("also reached from", model::in_a_row(&named)));
    }
    for finding in other.iter().take(NAMED) {
        let place = elsewhere(finding, head, outcome);
        lines.push(("also", format!("{}: {}{place}", finding.rule, plain(&finding.title))));
    }
    if other.len() > NAMED {
        lines.push(("also", format!("{} more of other rules", other.len() - NAMED)));
    }
    lines
}

/// Whom a folded finding is about, as far as the first does not say it.
fn whom(subject: &Subject, head: &Subject) -> String {
    match (subject, head) {
        (Subject::Call(from, to), Subject::Call(_, head_to)) if to == head_to => from.clone(),
        (Subject::Call(from, to), _) => format!("{from} -> {to}"),
        (Subject::Service(name) | Subject::Setting(name), _) => name.clone(),
    }
}

/// The first place of a folded finding at which the first does not point.
fn elsewhere(finding: &Finding, head: &Finding, outcome: &Outcome) -> String {
    let known: Vec<Span> = places(head).map(|(_, span)| span).collect();
    let other = places(finding).map(|(_, span)| span).find(|span| !known.contains(span));
    other.map_or_else(String::new, |span| {
        let source = outcome.sources.get(span.file);
        format!(" ({}:{})", source.path(), source.position(span.start).line)
    })
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
pub fn error(stopped: &Error, style: Style) -> String {
    match stopped {
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
        Error::Several(errors) => errors.iter().map(|one| error(one, style)).collect(),
    }
}
