//! From an outcome to bytes. Takes no decision: what is shown and at which level is settled before,
//! so every format shows the same set. Secrets are hidden here, in every format.

mod alerts;
mod budget;
mod github;
mod json;
mod junit;
mod sarif;
mod short;
mod snippet;
mod summary;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod waterfall;

pub use alerts::alerts;
pub use budget::{budget, budget_table};
pub use draw::escaped as xml_escaped;
pub use github::{data as github_data, github, property as github_property};
pub use json::json;
pub(crate) use json::{level as published_level, subject as published_subject};
pub use junit::junit;
pub use sarif::{outside_the_repository, sarif};
pub use short::short;
pub use snippet::Style;
pub use summary::{Detail, summary};
pub use table::{Table, calls, files, rules, services, settings};
pub use text::{error, text};
pub use waterfall::waterfall;

/// A text of a finding or a file as part of one line: secrets hidden, nothing that a terminal obeys.
fn plain(text: &str) -> String {
    crate::plain::line(&crate::redact(text))
}

/// Whom something is about, in words.
fn subject(subject: &model::Subject) -> String {
    match subject {
        model::Subject::Service(name) | model::Subject::Setting(name) => plain(name),
        model::Subject::Call(from, to) => format!("{} -> {}", plain(from), plain(to)),
    }
}

/// The labels of a finding that have a place.
fn places(finding: &model::Finding) -> impl Iterator<Item = (&model::Label, model::Span)> {
    finding.labels.iter().filter_map(|label| Some((label, label.origin.span()?)))
}

/// A place in words: `path:line:column`.
fn place(span: model::Span, outcome: &crate::Outcome) -> String {
    let source = outcome.sources.get(span.file);
    let at = source.position(span.start);
    format!("{}:{}:{}", source.path(), at.line, at.column)
}

/// A number with its noun: "1 file", "12 files".
pub fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", model::grouped(number as u64))
}

/// As a shell takes it for one word.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}
