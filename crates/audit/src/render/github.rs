//! Findings as annotations of GitHub Actions: workflow commands, one line a finding. What they mean
//! and how they are escaped is said in GitHub's documentation, "Workflow commands", and done in its
//! toolkit (`actions/toolkit`, `command.ts`).

use std::fmt::Write as _;
use std::path::Path;

use model::{Level, Span};

use super::snippet::on_one_line;
use super::text::{help, remarks};
use super::{place, places, plain, subject};
use crate::collect::shown;
use crate::{Outcome, Reported};

/// All findings and then all notices, in the order settled.
pub fn github(outcome: &Outcome) -> String {
    let mut written = String::new();
    for reported in &outcome.findings {
        let finding = &reported.finding;
        // What lies outside the repository cannot be annotated.
        let anchor = places(finding).position(|(_, span)| outcome.repository.path(span.file).is_some());
        let span = anchor.and_then(|number| places(finding).nth(number)).map(|(_, span)| span);
        let title = format!("{}: {}", finding.rule, subject(&finding.subject));
        let message = message(reported, anchor, outcome);
        annotate(finding.level, span, &title, &message, outcome, &mut written);
    }
    for notice in &outcome.notices {
        let span = Some(notice.span).filter(|span| outcome.repository.path(span.file).is_some());
        let help = help(&notice.help, notice.kind.name());
        let message = format!("{}\n{}\nhelp: {help}", plain(&notice.title), place(notice.span, outcome));
        annotate(notice.level, span, notice.kind.name(), &message, outcome, &mut written);
    }
    written
}

fn annotate(
    level: Level,
    span: Option<Span>,
    title: &str,
    message: &str,
    outcome: &Outcome,
    written: &mut String,
) {
    let command = match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    };
    let _ = write!(written, "::{command} ");
    if let Some(span) = span {
        let path = shown(outcome.repository.path(span.file).unwrap_or(Path::new("")));
        let source = outcome.sources.get(span.file);
        let (start, end) = on_one_line(span, source);
        let (from, to) = (source.position(start as u32), source.position(end as u32));
        let _ = write!(written, "file={},line={},endLine={}", property(&path), from.line, to.line);
        let _ = write!(written, ",col={},endColumn={},", from.column, to.column);
    }
    let _ = writeln!(written, "title={}::{}", property(title), data(message));
}

/// What can happen, the other places, the sum, what to do: line by line.
fn message(reported: &Reported, anchor: Option<usize>, outcome: &Outcome) -> String {
    let finding = &reported.finding;
    let mut lines = vec![plain(&finding.title)];
    for (number, (label, span)) in places(finding).enumerate() {
        // The annotation stands at its anchor already.
        if anchor != Some(number) || !label.text.is_empty() {
            lines.push(format!("{}: {}", place(span, outcome), plain(&label.text)));
        }
    }
    let remarks = remarks(reported, outcome);
    lines.extend(remarks.into_iter().map(|(name, words)| format!("{name}: {words}")));
    lines.join("\n")
}

/// A message as part of a command.
pub fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property's value as part of a command.
pub fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
