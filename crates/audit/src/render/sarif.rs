//! The outcome as SARIF 2.1.0 (`wire::sarif`), as GitHub code scanning takes it (its documentation,
//! "SARIF support for code scanning"): every place is a path from the top of the repository, one
//! location a finding, a fingerprint that stays when lines move.

use std::collections::BTreeMap;
use std::path::Path;

use model::{Label, Level, NotEvaluated, Span, Subject};
use rules::{RULES, Rule};
use wire::sarif as out;

use super::snippet::on_one_line;
use super::text::{help, remarks};
use super::{place, places, plain, subject};
use crate::identity::{Fingerprint, Identities};
use crate::{FileStatus, Notice, NoticeKind, Outcome, Reported, SUPPRESSIONS};

/// Kinds of things said about a run, by their place in the list.
const NOT_EVALUATED: usize = 0;
const FILE_NOT_EVALUATED: usize = 1;
const NOT_UNDERSTOOD: usize = 2;
const NOTIFICATIONS: [(&str, &str); 3] = [
    ("not-evaluated", "Something a rule would have judged and could not"),
    ("file-not-evaluated", "A file that was not, or not wholly, read"),
    ("not-understood", "A construct that was not understood"),
];

/// Under which name a finding's fingerprint stands; the number changes with how it is made.
const FINGERPRINT: &str = "forewarnFinding/v1";

/// Code scanning cuts descriptions of rules at this many characters.
const DESCRIPTION: usize = 1024;

/// Everything an outcome holds but the files that were read, as SARIF with a final line break.
pub fn sarif(outcome: &Outcome) -> String {
    let identities = Identities::of(&outcome.fleet);
    let mut fingerprints = Fingerprints::default();
    let mut results: Vec<out::ResultObject> = Vec::new();
    for reported in &outcome.findings {
        let fingerprint = fingerprints.next(identities.fingerprint(&reported.finding));
        results.push(result(reported, fingerprint, outcome));
    }
    for notice in &outcome.notices {
        let path = outcome.sources.get(notice.span.file).path();
        let fingerprint = fingerprints.next(Fingerprint::of(&[notice.kind.name(), path, &notice.title]));
        results.push(told(notice, fingerprint, outcome));
    }
    let run = out::Run {
        tool: out::Tool { driver: driver() },
        invocations: vec![out::Invocation {
            // Whatever stops an audit leaves no outcome to be shown.
            execution_successful: true,
            tool_execution_notifications: notifications(outcome),
        }],
        original_uri_base_ids: BTreeMap::from([(
            out::ROOT,
            out::BaseId { description: out::Message::new("The top of the repository.") },
        )]),
        column_kind: out::ColumnKind::Utf16CodeUnits,
        results,
    };
    out::Log { schema: out::SCHEMA, version: out::VERSION, runs: vec![run] }.json()
}

/// How many findings and notices point at nothing inside the repository: they have no physical location, and
/// GitHub code scanning refuses a log that holds such a result.
pub fn outside_the_repository(outcome: &Outcome) -> usize {
    let is_outside =
        |reported: &&Reported| places(&reported.finding).all(|(_, span)| path(span, outcome).is_none());
    let notices = outcome.notices.iter().filter(|notice| path(notice.span, outcome).is_none());
    outcome.findings.iter().filter(is_outside).count() + notices.count()
}

fn driver() -> out::Driver {
    out::Driver {
        name: "Forewarn",
        semantic_version: env!("CARGO_PKG_VERSION"),
        rules: RULES.iter().map(|rule| self::rule(rule)).chain(NoticeKind::ALL.map(kind)).collect(),
        notifications: NOTIFICATIONS
            .iter()
            .map(|&(id, words)| out::NotificationKind { id, short_description: out::Message::new(words) })
            .collect(),
    }
}

fn rule(rule: &'static Rule) -> out::Rule {
    let topic = rule.name.split('-').next().unwrap_or(rule.name);
    out::Rule {
        id: rule.name,
        short_description: out::Message::new(rule.summary),
        full_description: out::Message::new(what_it_finds(rule)),
        help: out::Help { text: rule.docs, markdown: rule.docs },
        default_configuration: out::Configuration { level: level(rule.level) },
        properties: out::RuleProperties {
            tags: vec!["configuration", topic, rule.mode.name()],
            problem_severity: severity(rule.level),
        },
    }
}

/// A kind of notice, which the standard knows no other place for than among the rules.
fn kind(kind: NoticeKind) -> out::Rule {
    out::Rule {
        id: kind.name(),
        short_description: out::Message::new(kind.summary()),
        full_description: out::Message::new(kind.summary()),
        help: out::Help { text: SUPPRESSIONS, markdown: SUPPRESSIONS },
        default_configuration: out::Configuration { level: level(kind.level()) },
        properties: out::RuleProperties {
            tags: vec!["suppressions"],
            problem_severity: severity(kind.level()),
        },
    }
}

fn severity(level: Level) -> out::ProblemSeverity {
    match level {
        Level::Error => out::ProblemSeverity::Error,
        Level::Warning => out::ProblemSeverity::Warning,
        Level::Note => out::ProblemSeverity::Recommendation,
    }
}

/// The first paragraph of a rule's page that says what it finds, in whole sentences.
fn what_it_finds(rule: &Rule) -> String {
    let section = rule.docs.split("\n## What it finds\n").nth(1).unwrap_or(rule.summary);
    let paragraph = section.trim_start().split("\n\n").next().unwrap_or_default();
    let mut text = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    while text.chars().count() > DESCRIPTION {
        match text.trim_end_matches('.').rfind(". ") {
            Some(end) => text.truncate(end + 1),
            None => return rule.summary.to_owned(),
        }
    }
    text
}

fn level(level: Level) -> out::Level {
    match level {
        Level::Error => out::Level::Error,
        Level::Warning => out::Level::Warning,
        Level::Note => out::Level::Note,
    }
}

/// Where a rule or a kind of notice stands in the driver's list; what no rule gets to see has names of
/// its own.
fn index(name: &str) -> Option<usize> {
    let rules = RULES.iter().map(|rule| rule.name);
    rules.chain(NoticeKind::ALL.map(NoticeKind::name)).position(|known| known == name)
}

fn told(notice: &Notice, fingerprint: String, outcome: &Outcome) -> out::ResultObject {
    let title = unlinked(&plain(&notice.title));
    let help = unlinked(&help(&notice.help, notice.kind.name()));
    out::ResultObject {
        rule_id: notice.kind.name(),
        rule_index: index(notice.kind.name()),
        level: level(notice.level),
        message: out::Message::new(format!(
            "{title}.\n{}\nhelp: {help}",
            unlinked(&place(notice.span, outcome))
        )),
        locations: vec![out::Location {
            id: None,
            physical_location: physical(notice.span, outcome),
            logical_locations: Vec::new(),
            message: None,
        }],
        related_locations: Vec::new(),
        partial_fingerprints: BTreeMap::from([(FINGERPRINT, fingerprint)]),
    }
}

fn result(reported: &Reported, fingerprint: String, outcome: &Outcome) -> out::ResultObject {
    let finding = &reported.finding;
    let inside: Vec<(&Label, Span)> =
        places(finding).filter(|(_, span)| path(*span, outcome).is_some()).collect();
    let whom = out::LogicalLocation {
        fully_qualified_name: subject(&finding.subject),
        kind: match finding.subject {
            Subject::Service(_) => "service",
            Subject::Call(..) => "call",
            Subject::Setting(_) => "setting",
        },
    };
    let location = out::Location {
        id: None,
        physical_location: inside.first().and_then(|(_, span)| physical(*span, outcome)),
        logical_locations: vec![whom],
        message: inside.first().and_then(|(label, _)| words(label)),
    };
    let related = inside.iter().skip(1).enumerate().map(|(before, (label, span))| out::Location {
        id: Some(before + 1),
        physical_location: physical(*span, outcome),
        logical_locations: Vec::new(),
        message: words(label),
    });
    out::ResultObject {
        rule_id: finding.rule,
        rule_index: index(finding.rule),
        level: level(finding.level),
        message: out::Message::new(message(reported, outcome)),
        locations: vec![location],
        related_locations: related.collect(),
        partial_fingerprints: BTreeMap::from([(FINGERPRINT, fingerprint)]),
    }
}

/// What can happen as a sentence of its own, since it alone is shown where there is little room; the
/// places, those inside the repository as links; the sum, and what to do.
fn message(reported: &Reported, outcome: &Outcome) -> String {
    let finding = &reported.finding;
    let mut lines = vec![format!("{}.", unlinked(&plain(&finding.title)).trim_end_matches('.'))];
    let mut links = 0;
    for (label, span) in places(finding) {
        let at = place(span, outcome);
        let at = match path(span, outcome) {
            None => format!("{} (outside the repository)", unlinked(&at)),
            Some(_) => {
                links += 1;
                // The first one is where the finding stands.
                if links == 1 { unlinked(&at) } else { link(&at, links - 1) }
            }
        };
        let words = unlinked(&plain(&label.text));
        lines.push(if words.is_empty() { at } else { format!("{at}: {words}") });
    }
    let remarks = remarks(reported, outcome);
    lines.extend(remarks.iter().map(|(name, words)| format!("{name}: {}", unlinked(words))));
    lines.join("\n")
}

/// A text in which nothing is taken for a link (section 3.11.6 of the standard).
fn unlinked(text: &str) -> String {
    text.replace("](", "] (")
}

/// A link to a related location.
fn link(text: &str, id: usize) -> String {
    format!("[{}]({id})", text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]"))
}

fn words(label: &Label) -> Option<out::Message> {
    (!label.text.is_empty()).then(|| out::Message::new(unlinked(&plain(&label.text))))
}

/// The path of a span's file from the top of the repository.
fn path(span: Span, outcome: &Outcome) -> Option<&Path> {
    outcome.repository.path(span.file)
}

fn physical(span: Span, outcome: &Outcome) -> Option<out::PhysicalLocation> {
    let uri = reference(path(span, outcome)?);
    let artifact_location = out::ArtifactLocation { uri, uri_base_id: out::ROOT };
    Some(out::PhysicalLocation { artifact_location, region: region(span, outcome) })
}

fn region(span: Span, outcome: &Outcome) -> out::Region {
    let source = outcome.sources.get(span.file);
    let (start, end) = on_one_line(span, source);
    let line = source.lines().line(start as u32);
    let line_start = source.lines().start(line).unwrap_or(0) as usize;
    let column = |offset: usize| {
        let before = source.text().get(line_start..offset).unwrap_or_default();
        before.encode_utf16().count() as u32 + 1
    };
    out::Region { start_line: line, start_column: column(start), end_line: line, end_column: column(end) }
}

/// A path as a relative reference: every byte that is not unreserved (RFC 3986, section 2.3) is
/// percent-encoded.
fn reference(path: &Path) -> String {
    let mut uri = String::new();
    for part in path.components() {
        if !uri.is_empty() {
            uri.push('/');
        }
        for &byte in part.as_os_str().as_encoded_bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    uri.push(char::from(byte));
                }
                byte => uri.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    uri
}

/// Gives fingerprints, those that are alike in their order a number each.
#[derive(Default)]
struct Fingerprints(BTreeMap<Fingerprint, usize>);

impl Fingerprints {
    fn next(&mut self, fingerprint: Fingerprint) -> String {
        let times = self.0.entry(fingerprint).or_default();
        *times += 1;
        format!("{fingerprint}:{times}")
    }
}

fn notifications(outcome: &Outcome) -> Vec<out::Notification> {
    let mut said: Vec<out::Notification> = outcome.not_evaluated.iter().map(not_evaluated).collect();
    for file in &outcome.files {
        let words = match &file.status {
            FileStatus::NotEvaluated(why) | FileStatus::Unreadable(why) => {
                format!("{}: {}", file.path, plain(why))
            }
            FileStatus::PartlyRead { problem, .. } => {
                format!("{}: not wholly read: {}", file.path, plain(problem))
            }
            FileStatus::Read { .. } | FileStatus::NotOurs(_) => continue,
        };
        said.push(notification(FILE_NOT_EVALUATED, &words, Vec::new()));
    }
    for (span, words) in &outcome.problems {
        let there = physical(*span, outcome).map(|physical| out::Location {
            id: None,
            physical_location: Some(physical),
            logical_locations: Vec::new(),
            message: None,
        });
        let words = format!("{}: {}", place(*span, outcome), plain(words));
        said.push(notification(NOT_UNDERSTOOD, &words, there.into_iter().collect()));
    }
    said
}

fn not_evaluated(missing: &NotEvaluated) -> out::Notification {
    let words = format!("{} needs {} ({})", missing.rule, plain(&missing.needs), subject(&missing.subject));
    let associated_rule = index(missing.rule).map(|index| out::Reference { id: missing.rule, index });
    out::Notification { associated_rule, ..notification(NOT_EVALUATED, &words, Vec::new()) }
}

fn notification(kind: usize, words: &str, locations: Vec<out::Location>) -> out::Notification {
    out::Notification {
        descriptor: out::Reference { id: NOTIFICATIONS[kind].0, index: kind },
        associated_rule: None,
        level: out::Level::Note,
        message: out::Message::new(unlinked(words)),
        locations,
    }
}
