//! The last lines of a run: what was read, what was found, what was not shown and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use model::Level;

use super::{count, plain, subject};
use crate::outcome::Counts;
use crate::{Allow, Aside, FileReport, FileStatus, Outcome, SetAside};

/// How much the summary tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The counts, and the most frequent reasons.
    Brief,
    /// Every reason, file by file.
    Full,
}

/// How many groups of reasons a brief summary names.
const BRIEF: usize = 6;

/// How many broken files a brief summary names. A tree has few, and each is worth a look.
const BRIEF_OF_BROKEN: usize = 20;

/// The summary of a run.
pub fn summary(outcome: &Outcome, detail: Detail) -> String {
    let mut shown = String::new();
    let counts = outcome.counts();
    let _ = writeln!(shown, "{}", findings(outcome, &counts));
    if let Some(line) = notices(outcome) {
        let _ = writeln!(shown, "{line}");
    }
    let _ = writeln!(shown, "{}", read(outcome, &counts));
    let most = |brief| if detail == Detail::Full { usize::MAX } else { brief };
    if detail == Detail::Full {
        groups(&mut shown, "suppressed", &suppressed(outcome), usize::MAX);
    }
    groups(&mut shown, "not evaluated", &not_evaluated(outcome, detail), most(BRIEF));
    groups(&mut shown, "files not read to their end", &files_broken(outcome), most(BRIEF_OF_BROKEN));
    groups(&mut shown, "files not evaluated", &files_not_evaluated(outcome, detail), most(BRIEF));
    if detail == Detail::Full {
        for (span, words) in &outcome.problems {
            let source = outcome.sources.get(span.file);
            let at = source.position(span.start);
            let _ = writeln!(shown, "  {}:{}:{}: {}", source.path(), at.line, at.column, plain(words));
        }
    }
    shown
}

fn findings(outcome: &Outcome, counts: &Counts) -> String {
    let mut line = count(outcome.findings.len(), "finding");
    if !outcome.findings.is_empty() {
        let _ = write!(
            line,
            ": {}, {}, {}",
            count(counts.errors, "error"),
            count(counts.warnings, "warning"),
            count(counts.notes, "note")
        );
    }
    let asides = [
        (counts.folded, "folded into them"),
        (counts.hidden, "hidden by level"),
        (counts.suppressed, "suppressed"),
        (counts.baselined, "in the baseline"),
    ];
    for (number, what) in asides.into_iter().filter(|&(number, _)| number > 0) {
        let _ = write!(line, "; {} {what}", model::grouped(number as u64));
    }
    line
}

fn notices(outcome: &Outcome) -> Option<String> {
    let of = |level| outcome.notices.iter().filter(|notice| notice.level == level).count();
    (!outcome.notices.is_empty()).then(|| {
        format!(
            "{} on suppressions and the baseline: {}, {}, {}",
            count(outcome.notices.len(), "notice"),
            count(of(Level::Error), "error"),
            count(of(Level::Warning), "warning"),
            count(of(Level::Note), "note"),
        )
    })
}

/// The suppressions that hide something, in the order in which they were read.
fn suppressed(outcome: &Outcome) -> Reasons {
    let hides = |number| move |aside: &&SetAside| aside.why == Aside::Allowed(number);
    (0..)
        .zip(&outcome.allows)
        .map(|(number, allow)| (allow, outcome.set_aside.iter().filter(hides(number)).count()))
        .filter(|&(_, times)| times > 0)
        .map(|(allow, times)| (suppression(allow, outcome), times))
        .collect()
}

/// A suppression in one line: where, which rules, until when, why.
fn suppression(allow: &Allow, outcome: &Outcome) -> String {
    let source = outcome.sources.get(allow.span.file);
    let rules: Vec<&str> = allow.rules.iter().map(|(rule, _)| rule.as_str()).collect();
    let until = allow.until.map_or_else(String::new, |day| format!(" until {day}"));
    let line = source.position(allow.span.start).line;
    format!("{}:{line}: allow({}){until}: {}", source.path(), plain(&rules.join(", ")), plain(&allow.reason))
}

fn read(outcome: &Outcome, counts: &Counts) -> String {
    let mut line = format!("read {}", count(counts.files_whole + counts.files_partly, "file"));
    let mut asides = Vec::new();
    if counts.files_partly > 0 {
        asides.push(format!("{} in part", counts.files_partly));
    }
    if counts.files_skipped > 0 {
        asides.push(format!("skipped {}", counts.files_skipped));
    }
    if !asides.is_empty() {
        let _ = write!(line, " ({})", asides.join(", "));
    }
    let _ = write!(
        line,
        ": {}, {}, {}",
        count(counts.services, "service"),
        count(counts.calls, "call"),
        count(outcome.fleet.settings.len(), "setting"),
    );
    if outcome.several_environments() {
        let _ = write!(line, ", {}", count(outcome.fleet.environments.len(), "environment"));
    }
    let _ = write!(line, "; ran {}", count(outcome.rules_run.len(), "rule"));
    line
}

/// Reasons with how often each holds.
type Reasons = Vec<(String, usize)>;

/// In brief by what is missing; in full also by whom it is missing for.
fn not_evaluated(outcome: &Outcome, detail: Detail) -> Reasons {
    let mut groups: BTreeMap<String, usize> = BTreeMap::new();
    for missing in &outcome.not_evaluated {
        let mut reason = format!("{} needs {}", missing.rule, plain(&missing.needs));
        if detail == Detail::Full {
            let _ = write!(reason, " ({})", subject(&missing.subject));
        }
        *groups.entry(reason).or_default() += 1;
    }
    most_frequent_first(groups)
}

/// Each file that is broken, by name: somebody relies on it, and will want to mend it.
fn files_broken(outcome: &Outcome) -> Reasons {
    let broken = |file: &FileReport| {
        let why = match &file.status {
            FileStatus::PartlyRead { from_line: None, problem, .. } => format!("not all: {problem}"),
            status => status.broken()?,
        };
        Some((format!("{}: {}", file.path, plain(&why)), 1))
    };
    outcome.files.iter().filter_map(broken).collect()
}

/// Each other file by name; in brief those with the same reason together where there are several.
fn files_not_evaluated(outcome: &Outcome, detail: Detail) -> Reasons {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in &outcome.files {
        if let FileStatus::NotEvaluated(why) = &file.status {
            groups.entry(plain(why)).or_default().push(format!("{}: {}", file.path, plain(why)));
        }
    }
    let mut reasons = BTreeMap::new();
    for (reason, mut named) in groups {
        if named.len() > 1 && detail == Detail::Brief {
            reasons.insert(reason, named.len());
        } else {
            reasons.extend(named.drain(..).map(|named| (named, 1)));
        }
    }
    most_frequent_first(reasons)
}

fn most_frequent_first(groups: BTreeMap<String, usize>) -> Reasons {
    let mut list: Reasons = groups.into_iter().collect();
    list.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    list
}

fn groups(shown: &mut String, what: &str, reasons: &Reasons, most: usize) {
    if reasons.is_empty() {
        return;
    }
    let all: usize = reasons.iter().map(|(_, times)| times).sum();
    let _ = writeln!(shown, "{what}: {all}");
    for (reason, times) in reasons.iter().take(most) {
        let _ = writeln!(shown, "  {times} × {reason}");
    }
    if reasons.len() > most {
        let _ = writeln!(shown, "  and {} more; `-v` shows all", reasons.len() - most);
    }
}
