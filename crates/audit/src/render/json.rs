//! The outcome as published JSON (`wire::check`, version 1).

use model::{Basis, Level, Origin, Span, Subject};
use text::Source;
use wire::check as out;

use crate::{
    Allow, Aside, FileReport, FileStatus, Identities, Notice, NoticeKind, Outcome, Proof, SetAside, redact,
};

/// Everything an outcome holds, as JSON with a final line break.
pub fn json(outcome: &Outcome) -> String {
    report(outcome).json()
}

fn report(outcome: &Outcome) -> out::Report {
    let identities = Identities::of(&outcome.fleet);
    out::Report {
        version: out::VERSION,
        summary: summary(outcome),
        findings: outcome
            .findings
            .iter()
            .map(|reported| {
                let also = reported.also.iter().map(|folded| finding(folded, &identities, outcome));
                out::Finding { also: also.collect(), ..finding(&reported.finding, &identities, outcome) }
            })
            .collect(),
        notices: outcome.notices.iter().map(|n| notice(n, outcome)).collect(),
        suppressions: (0..).zip(&outcome.allows).map(|(n, allow)| suppression(n, allow, outcome)).collect(),
        not_evaluated: outcome
            .not_evaluated
            .iter()
            .map(|missing| out::NotEvaluated {
                rule: missing.rule.to_owned(),
                subject: subject(&missing.subject),
                needs: hidden(&missing.needs),
            })
            .collect(),
        files: outcome.files.iter().map(file).collect(),
        problems: outcome
            .problems
            .iter()
            .map(|(span, message)| {
                let source = outcome.sources.get(span.file);
                out::Problem {
                    path: source.path().to_owned(),
                    start: place(source, span.start),
                    message: hidden(message),
                }
            })
            .collect(),
    }
}

fn summary(outcome: &Outcome) -> out::Summary {
    let counts = outcome.counts();
    let environments = &outcome.fleet.environments;
    out::Summary {
        errors: counts.errors,
        warnings: counts.warnings,
        notes: counts.notes,
        folded: counts.folded,
        hidden: counts.hidden,
        suppressed: counts.suppressed,
        baselined: counts.baselined,
        notices: outcome.notices.len(),
        files_read: counts.files_whole + counts.files_partly,
        files_skipped: counts.files_skipped,
        environments: environments.iter().map(|environment| hidden(&environment.name)).collect(),
        services: counts.services,
        calls: counts.calls,
        settings: outcome.fleet.settings.len(),
        rules_run: outcome.rules_run.len(),
    }
}

/// How a level is published.
pub(crate) fn level(level: Level) -> out::Level {
    match level {
        Level::Error => out::Level::Error,
        Level::Warning => out::Level::Warning,
        Level::Note => out::Level::Note,
    }
}

fn notice(notice: &Notice, outcome: &Outcome) -> out::Notice {
    let source = outcome.sources.get(notice.span.file);
    out::Notice {
        kind: match notice.kind {
            NoticeKind::SuppressionUnknown => out::NoticeKind::SuppressionUnknown,
            NoticeKind::SuppressionExpired => out::NoticeKind::SuppressionExpired,
            NoticeKind::SuppressionUnused => out::NoticeKind::SuppressionUnused,
            NoticeKind::BaselineGone => out::NoticeKind::BaselineGone,
        },
        level: level(notice.level),
        path: source.path().to_owned(),
        start: place(source, notice.span.start),
        title: hidden(&notice.title),
        help: hidden(&notice.help),
    }
}

fn suppression(number: usize, allow: &Allow, outcome: &Outcome) -> out::Suppression {
    let source = outcome.sources.get(allow.span.file);
    let hides = |aside: &&SetAside| aside.why == Aside::Allowed(number);
    out::Suppression {
        rules: allow.rules.iter().map(|(rule, _)| hidden(rule)).collect(),
        path: source.path().to_owned(),
        start: place(source, allow.span.start),
        until: allow.until.map(|day| day.to_string()),
        reason: hidden(&allow.reason),
        findings: outcome.set_aside.iter().filter(hides).count(),
    }
}

fn finding(finding: &model::Finding, identities: &Identities<'_>, outcome: &Outcome) -> out::Finding {
    out::Finding {
        rule: finding.rule.to_owned(),
        fingerprint: identities.fingerprint(finding).to_string(),
        level: level(finding.level),
        basis: match finding.basis {
            Basis::InFile => out::Basis::InFile,
            Basis::AcrossFiles => out::Basis::AcrossFiles,
            Basis::Observed => out::Basis::Observed,
            Basis::Assumed => out::Basis::Assumed,
        },
        mode: finding.mode.name().to_owned(),
        subject: subject(&finding.subject),
        environments: finding.environments.iter().map(|name| hidden(name)).collect(),
        title: hidden(&finding.title),
        labels: finding
            .labels
            .iter()
            .filter_map(|label| Some(self::label(label, label.origin.span()?, outcome)))
            .collect(),
        arithmetic: finding.arithmetic.iter().map(|line| hidden(line)).collect(),
        help: hidden(&finding.help),
        assumptions: finding.assumptions.iter().map(|line| hidden(line)).collect(),
        tests: outcome.proofs.settling(finding).iter().map(test).collect(),
        also: Vec::new(),
    }
}

fn test(proof: &Proof) -> out::SettlingTest {
    let tested = proof.tested.as_ref().map(|tested| out::TestRun {
        date: tested.date.clone(),
        people: tested.people,
        seed: tested.seed,
        changed: tested.changed.iter().map(|path| hidden(path)).collect(),
    });
    out::SettlingTest { path: proof.path.clone(), command: proof.command(), held: tested }
}

fn label(label: &model::Label, span: Span, outcome: &Outcome) -> out::Label {
    let source = outcome.sources.get(span.file);
    out::Label {
        path: source.path().to_owned(),
        start: place(source, span.start),
        end: place(source, span.end),
        origin: match label.origin {
            Origin::Written(_) => out::Origin::Written,
            Origin::Default { .. } => out::Origin::Default,
            Origin::Derived(_) => out::Origin::Derived,
            Origin::Declared(_) => out::Origin::Declared,
            Origin::Observed { .. } => out::Origin::Observed,
        },
        default: label.origin.default_of().map(|(of, version)| format!("{of}, {version}")),
        text: hidden(&label.text),
    }
}

/// How a subject is published.
pub(crate) fn subject(subject: &Subject) -> out::Subject {
    match subject {
        Subject::Service(name) => out::Subject::Service { name: hidden(name) },
        Subject::Call(from, to) => out::Subject::Call { from: hidden(from), to: hidden(to) },
        Subject::Setting(key) => out::Subject::Setting { key: hidden(key) },
    }
}

fn file(file: &FileReport) -> out::File {
    let path = file.path.clone();
    let mut report = out::File {
        path,
        status: out::FileStatus::Read,
        dialect: None,
        settings: None,
        from_line: None,
        reason: None,
    };
    match &file.status {
        FileStatus::Read { dialect, settings } => {
            report.dialect = Some((*dialect).to_owned());
            report.settings = Some(*settings);
        }
        FileStatus::PartlyRead { dialect, settings, from_line, problem } => {
            report.status = out::FileStatus::PartlyRead;
            report.dialect = Some((*dialect).to_owned());
            report.settings = Some(*settings);
            report.from_line = *from_line;
            report.reason = Some(hidden(problem));
        }
        FileStatus::NotOurs(why) => {
            report.status = out::FileStatus::NotOurs;
            report.reason = Some(hidden(why));
        }
        FileStatus::NotEvaluated(why) | FileStatus::Unreadable(why) => {
            report.status = out::FileStatus::NotEvaluated;
            report.reason = Some(hidden(why));
        }
    }
    report
}

fn place(source: &Source, byte: u32) -> out::Place {
    let at = source.position(byte);
    out::Place { line: at.line, column: at.column, byte }
}

/// A text as published. Every string of a report goes through here but the paths of files, which
/// lead to the place, and names of Forewarn's own.
fn hidden(text: &str) -> String {
    redact(text).into_owned()
}
