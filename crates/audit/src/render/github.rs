//! Findings as annotations of GitHub Actions: workflow commands, one line a finding. What they mean
//! and how they are escaped is said in GitHub's documentation, "Workflow commands", and done in its
//! toolkit (`actions/toolkit`, `command.ts`).

use std::fmt::Write as _;
use std::path::Path;

use model::{Finding, Level};

use super::snippet::on_one_line;
use super::text::remarks;
use super::{place, places, plain, subject};
use crate::Outcome;
use crate::collect::shown;

/// All findings, in the order settled.
pub fn github(outcome: &Outcome) -> String {
    let mut written = String::new();
    for finding in &outcome.findings {
        let command = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "notice",
        };
        let _ = write!(written, "::{command} ");
        // What lies outside the repository cannot be annotated.
        let anchor = places(finding).position(|(_, span)| outcome.repository.path(span.file).is_some());
        if let Some((_, span)) = anchor.and_then(|number| places(finding).nth(number)) {
            let path = shown(outcome.repository.path(span.file).unwrap_or(Path::new("")));
            let source = outcome.sources.get(span.file);
            let (start, end) = on_one_line(span, source);
            let (from, to) = (source.position(start as u32), source.position(end as u32));
            let _ = write!(written, "file={},line={},endLine={}", property(&path), from.line, to.line);
            let _ = write!(written, ",col={},endColumn={},", from.column, to.column);
        }
        let title = format!("{}: {}", finding.rule, subject(&finding.subject));
        let _ = writeln!(written, "title={}::{}", property(&title), data(&message(finding, anchor, outcome)));
    }
    written
}

/// What can happen, the other places, the sum, what to do: line by line.
fn message(finding: &Finding, anchor: Option<usize>, outcome: &Outcome) -> String {
    let mut lines = vec![plain(&finding.title)];
    for (number, (label, span)) in places(finding).enumerate() {
        // The annotation stands at its anchor already.
        if anchor != Some(number) || !label.text.is_empty() {
            lines.push(format!("{}: {}", place(span, outcome), plain(&label.text)));
        }
    }
    let remarks = remarks(finding, outcome.several_environments());
    lines.extend(remarks.into_iter().map(|(name, words)| format!("{name}: {words}")));
    lines.join("\n")
}

/// A message as part of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property's value as part of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
