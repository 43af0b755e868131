//! Suppressions: findings that people accept, with a reason and perhaps a last day. They stand as
//! comments in the configuration itself (`comment`, with what they cover in `scope`) or as `[[allow]]`
//! in `forewarn.toml`. Says whom a suppression covers; `settle` alone hides anything.

mod comment;
mod scope;

use model::{Finding, Span, Subject};
use text::{Node, NodeKind, Source, Tree};

use crate::Globs;
use crate::date::Date;
use crate::notice::{Notice, NoticeKind};

use comment::Said;

/// How a suppression is written, for help texts.
pub(crate) const FORM: &str = "write `forewarn: allow(rule-name): the reason`, or `forewarn: allow(rule-name) until 2027-03-01: the reason`";

/// A suppression.
#[derive(Debug, Clone)]
pub struct Allow {
    /// Where it is written.
    pub span: Span,
    /// The rules it is about, each with its place.
    pub rules: Vec<(String, Span)>,
    /// What it covers.
    pub scope: Scope,
    /// The last day on which it acts.
    pub until: Option<Date>,
    /// Why the findings are accepted, in its author's words.
    pub reason: String,
}

/// What a suppression covers.
#[derive(Debug, Clone)]
pub enum Scope {
    /// Findings with a place in a part of one file.
    Part(Span),
    /// Findings that `[[allow]]` describes.
    Described(Description),
}

/// Findings as `[[allow]]` describes them. What is not said does not matter; all that is said holds.
#[derive(Debug, Clone, Default)]
pub struct Description {
    /// The environment they hold in.
    pub environment: Option<String>,
    /// The service they are about, or the caller of the call they are about.
    pub service: Option<String>,
    /// The caller of the call they are about.
    pub from: Option<String>,
    /// The callee of the call they are about.
    pub to: Option<String>,
    /// The key they point at; `*` stands for any part of it.
    pub key: Option<String>,
    /// The files they point at first.
    pub paths: Option<Globs>,
}

impl Allow {
    /// Whether it still acts today; without a day of its own, or where nobody says which day it is,
    /// it does.
    pub fn acts(&self, today: Option<Date>) -> bool {
        match (self.until, today) {
            (Some(until), Some(today)) => today <= until,
            _ => true,
        }
    }

    /// Which of its rules a finding is of, if it covers the finding. `path` is where the finding
    /// points first, `key` the key it points at.
    pub(crate) fn covers(&self, finding: &Finding, path: &str, key: &str) -> Option<usize> {
        let rule = self.rules.iter().position(|(rule, _)| rule == finding.rule)?;
        let covers = match &self.scope {
            Scope::Part(part) => finding
                .labels
                .iter()
                .filter_map(|label| label.origin.span())
                // A label may be as long as the block in which a key is absent; it is shown at its start.
                .any(|place| part.file == place.file && (part.start..part.end).contains(&place.start)),
            Scope::Described(described) => described.fits(finding, path, key),
        };
        covers.then_some(rule)
    }

    /// Whether it covers a finding in this environment, given that it covers the finding.
    pub(crate) fn holds_in(&self, environment: Option<&str>) -> bool {
        match &self.scope {
            Scope::Part(_) => true,
            Scope::Described(described) => {
                described.environment.as_deref().is_none_or(|only| environment == Some(only))
            }
        }
    }
}

impl Description {
    fn fits(&self, finding: &Finding, path: &str, key: &str) -> bool {
        let is = |wanted: &Option<String>, name: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| name == Some(wanted))
        };
        let (service, from, to) = match &finding.subject {
            Subject::Service(name) => (Some(name.as_str()), None, None),
            Subject::Call(from, to) => (Some(from.as_str()), Some(from.as_str()), Some(to.as_str())),
            Subject::Setting(_) => (None, None, None),
        };
        is(&self.service, service)
            && is(&self.from, from)
            && is(&self.to, to)
            && self.key.as_deref().is_none_or(|pattern| fits_pattern(pattern, key))
            && self.paths.as_ref().is_none_or(|globs| globs.matches(path))
    }
}

/// Whether a text is a pattern in which `*` stands for anything.
fn fits_pattern(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// The suppressions that stand in one file as comments.
#[derive(Debug, Default)]
pub(crate) struct Comments {
    /// Those that act.
    pub(crate) allows: Vec<Allow>,
    /// Those that are meant as suppressions and are none.
    pub(crate) slips: Vec<Notice>,
}

impl Comments {
    /// Reads the comments of a file and of the files that stand inside it.
    pub(crate) fn of(tree: &Tree<'_>, source: &Source) -> Self {
        let mut comments = Self::default();
        // Nearly all files have none: one search saves the walk.
        if source.text().contains("orewarn") || source.text().contains("OREWARN") {
            let rules: Vec<&str> = rules::RULES.iter().map(|rule| rule.name).collect();
            comments.take(tree, source, &rules);
        }
        comments
    }

    fn take(&mut self, tree: &Tree<'_>, source: &Source, rules: &[&str]) {
        for comment in tree.comments() {
            match comment::read(comment.text, rules) {
                Said::Nothing => {}
                Said::Slip { what, help } => self.slip(comment.span, what, help),
                Said::Allow { rules: named, unknown, until, reason } => {
                    let part = |range: std::ops::Range<usize>| Span {
                        start: comment.span.start + range.start as u32,
                        end: comment.span.start + range.end as u32,
                        ..comment.span
                    };
                    for (range, what, help) in unknown {
                        self.slip(part(range), what, help);
                    }
                    let Some(covered) = scope::of(comment, tree, source) else {
                        let what = "this suppression stands above nothing: an empty line or the end follows";
                        self.slip(
                            comment.span,
                            what.into(),
                            "write it directly above what it is about".into(),
                        );
                        continue;
                    };
                    if named.is_empty() {
                        continue;
                    }
                    self.allows.push(Allow {
                        span: comment.span,
                        rules: named.into_iter().map(|(name, range)| (name, part(range))).collect(),
                        scope: Scope::Part(covered),
                        until,
                        reason,
                    });
                }
            }
        }
        tree.documents().for_each(|document| self.inside("", document, source, rules));
    }

    /// Files that stand inside the values of this one.
    fn inside(&mut self, name: &str, node: Node<'_>, source: &Source, rules: &[&str]) {
        if node.via().is_some() {
            return;
        }
        match node.kind() {
            NodeKind::Map => {
                for entry in node.written_entries() {
                    self.inside(entry.key.text(), entry.value, source, rules);
                }
            }
            NodeKind::List => node.items().for_each(|item| self.inside(name, item, source, rules)),
            NodeKind::Scalar => {
                let Some(scalar) = node.scalar() else { return };
                if scalar.text().contains('\n')
                    && scalar.text().to_ascii_lowercase().contains("forewarn")
                    && let Some(tree) = readers::file_inside(name, scalar)
                {
                    self.take(&tree, source, rules);
                }
            }
        }
    }

    fn slip(&mut self, span: Span, what: String, help: String) {
        self.slips.push(Notice::new(NoticeKind::SuppressionUnknown, span, what, help));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_part_of_a_key() {
        for (pattern, key, fits) in [
            ("a.timeout", "a.timeout", true),
            ("a.timeout", "a.timeouts", false),
            ("*.timeout", "a.b.timeout", true),
            ("a.*", "a.b.timeout", true),
            ("a.*.timeout", "a.b.timeout", true),
            ("a.*.timeout", "a.timeout", false),
            ("*", "", true),
            ("*b*b", "b", false),
        ] {
            assert_eq!(fits_pattern(pattern, key), fits, "{pattern} {key}");
        }
    }
}
