//! The findings that were there when somebody began to look: hidden until they are gone, and never
//! more of them. A baseline holds identities, no lines and no values, so that it stays true while
//! files are edited. Reads and writes its text; knows no disk.

use std::collections::BTreeMap;

use model::{Level, Span, Subject};
use text::{Node, Source, Syntax, Tree};
use wire::baseline as out;

use crate::identity::{Identities, Identity};
use crate::outcome::Outcome;
use crate::settle::Aside;
use model::declared::{Mistake, Mistakes, Table};

/// The name under which a baseline is looked for beside `forewarn.toml`.
pub const BASELINE_NAME: &str = "forewarn-baseline.json";

/// Accepted findings: how many of which identity, at which level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    entries: BTreeMap<(Identity, Level), Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    count: usize,
    /// Where it is written, in a baseline that was read.
    span: Option<Span>,
}

/// What an update may do to a baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct May {
    /// Take out what does not occur: only after a look at everything is that gone.
    pub shrink: bool,
    /// Add what it does not hold.
    pub grow: bool,
}

/// What became of a baseline.
#[derive(Debug, PartialEq, Eq)]
pub struct Update {
    /// As it is to be written.
    pub baseline: Baseline,
    /// Findings it held that do not occur; they are still in it if it may not shrink.
    pub gone: usize,
    /// Findings that it does not hold; they are in it now if it may grow.
    pub new: usize,
}

impl Baseline {
    /// Every finding of an outcome that counts: neither switched off nor suppressed, in the baseline
    /// before or not. The request must not have asked for a level.
    pub fn of(outcome: &Outcome) -> Self {
        let identities = Identities::of(&outcome.fleet);
        let mut baseline = Self::default();
        let accepted = outcome.set_aside.iter().filter(|aside| aside.why == Aside::Baseline);
        for reported in outcome.findings.iter().chain(accepted.map(|aside| &aside.reported)) {
            for finding in reported.all() {
                for identity in identities.identities(finding) {
                    baseline.add(identity, finding.level, 1, None);
                }
            }
        }
        baseline
    }

    pub(crate) fn add(&mut self, identity: Identity, level: Level, count: usize, span: Option<Span>) {
        let entry = self.entries.entry((identity, level)).or_insert(Entry { count: 0, span });
        // A file may claim any number.
        entry.count = entry.count.saturating_add(count);
    }

    /// How many findings it holds, each environment counted.
    pub fn len(&self) -> usize {
        self.entries.values().fold(0, |sum, entry| sum.saturating_add(entry.count))
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes out one finding of this identity that is accepted at this level or above. A finding that
    /// has become worse is none of those.
    pub(crate) fn take(&mut self, identity: &Identity, level: Level) -> bool {
        let least = (identity.clone(), level);
        let Some((key, entry)) =
            self.entries.range_mut(least..).next().filter(|((held, _), _)| held == identity)
        else {
            return false;
        };
        entry.count -= 1;
        if entry.count == 0 {
            let key = key.clone();
            self.entries.remove(&key);
        }
        true
    }

    /// What it holds: whom, how many, where it is written.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Identity, usize, Option<Span>)> {
        self.entries.iter().map(|((identity, _), entry)| (identity, entry.count, entry.span))
    }

    /// This baseline after an audit that found `now`: without what is gone, at the level at which it
    /// now occurs, if it may shrink; with what is new if it may grow.
    #[must_use]
    pub fn updated(&self, now: &Self, may: May) -> Update {
        let mut left = self.clone();
        // What a look at a part shows at another level may be as bad as ever in the whole.
        let mut updated = if may.shrink { Self::default() } else { self.clone() };
        let mut new = 0;
        // Worst first, so that a worse finding is not refused for a place that a milder one took.
        for ((identity, level), entry) in now.entries.iter().rev() {
            for _ in 0..entry.count {
                let is_held = left.take(identity, *level);
                new += usize::from(!is_held);
                let is_wanted = if is_held { may.shrink } else { may.grow };
                if is_wanted {
                    updated.add(identity.clone(), *level, 1, None);
                }
            }
        }
        Update { baseline: updated, gone: left.len(), new }
    }

    /// As it is stored, with a final line break.
    pub fn json(&self) -> String {
        let findings = self
            .entries
            .iter()
            .map(|((identity, level), entry)| out::Accepted {
                rule: identity.rule.clone(),
                environment: identity.environment.clone(),
                subject: crate::render::published_subject(&identity.subject),
                key: identity.key.clone(),
                level: crate::render::published_level(*level),
                count: entry.count,
            })
            .collect();
        out::Baseline { version: out::VERSION, findings }.json()
    }
}

const TOP: &[&str] = &["version", "findings"];
const FINDING: &[&str] = &["rule", "environment", "subject", "key", "level", "count"];
const SUBJECT: &[&str] = &["kind", "name", "from", "to", "key"];

/// Reads a stored baseline.
///
/// # Errors
///
/// Every mistake in it, in order of place.
pub(crate) fn parse(source: &Source) -> Result<Baseline, Vec<Mistake>> {
    // Nobody writes a baseline by hand: what to do about one that is damaged is always the same.
    const RESTORE: &str = "restore the file, or move it away and run `forewarn baseline` to write it anew";
    read(source).map_err(|mut mistakes| {
        for mistake in mistakes.iter_mut().filter(|mistake| !mistake.help.starts_with("did you mean")) {
            RESTORE.clone_into(&mut mistake.help);
        }
        mistakes
    })
}

fn read(source: &Source) -> Result<Baseline, Vec<Mistake>> {
    let tree = Tree::parse(Syntax::Json, source);
    let mut m = Mistakes::default();
    for problem in tree.problems() {
        m.add(problem.span, problem.message.clone(), "");
    }
    let mut baseline = Baseline::default();
    let Some(root) = tree.documents().next() else {
        m.add(Span { file: source.id(), start: 0, end: 0 }, "an empty baseline", "");
        return m.or(baseline);
    };
    let Some(top) = Table::new(root, "a baseline", TOP, &mut m) else { return m.or(baseline) };
    let version = top.count("version", &mut m);
    if version != Some(u64::from(out::VERSION)) {
        let what = match version {
            Some(version) => format!("a baseline of version {version}; this Forewarn reads {}", out::VERSION),
            None => "a baseline without its version".to_owned(),
        };
        m.add(top.place("version"), what, "");
        return m.or(baseline);
    }
    for table in Table::list(top.get("findings"), "a finding", FINDING, &mut m) {
        let rule = table.needed_text("rule", &mut m).map(str::to_owned);
        let environment = table.text("environment", &mut m).map(str::to_owned);
        let subject = subject(table.get("subject"), &table, &mut m);
        let key = table.text("key", &mut m).unwrap_or_default().to_owned();
        let level = table.word("level", LEVELS, &mut m);
        if table.get("level").is_none() {
            m.add(table.span(), "a finding without `level`", "");
        }
        let count = match table.get("count") {
            Some(_) => table.count("count", &mut m),
            None => Some(1),
        };
        if let (Some(rule), Some(subject), Some(level), Some(count)) = (rule, subject, level, count)
            && count > 0
        {
            let identity = Identity { rule, environment, subject, key };
            baseline.add(identity, level, usize::try_from(count).unwrap_or(usize::MAX), Some(table.span()));
        }
    }
    m.or(baseline)
}

const LEVELS: &[(&str, Level)] = &[
    (Level::Error.name(), Level::Error),
    (Level::Warning.name(), Level::Warning),
    (Level::Note.name(), Level::Note),
];

fn subject(node: Option<Node<'_>>, finding: &Table<'_>, m: &mut Mistakes) -> Option<Subject> {
    #[derive(Clone, Copy)]
    enum Kind {
        Service,
        Call,
        Setting,
    }
    const KINDS: &[(&str, Kind)] =
        &[("service", Kind::Service), ("call", Kind::Call), ("setting", Kind::Setting)];
    let Some(node) = node else {
        m.add(finding.span(), "a finding without `subject`", "");
        return None;
    };
    let table = Table::new(node, "a subject", SUBJECT, m)?;
    table.needed_text("kind", m)?;
    match table.word("kind", KINDS, m)? {
        Kind::Service => Some(Subject::Service(table.needed_text("name", m)?.to_owned())),
        Kind::Call => {
            let (from, to) = (table.needed_text("from", m), table.needed_text("to", m));
            Some(Subject::Call(from?.to_owned(), to?.to_owned()))
        }
        Kind::Setting => Some(Subject::Setting(table.needed_text("key", m)?.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use text::FileId;

    fn identity(rule: &str) -> Identity {
        Identity {
            rule: rule.into(),
            environment: Some("production".into()),
            subject: Subject::Call("auth".into(), "directory".into()),
            key: "directory.timeout".into(),
        }
    }

    fn baseline(entries: &[(&str, Level, usize)]) -> Baseline {
        let mut baseline = Baseline::default();
        for &(rule, level, count) in entries {
            baseline.add(identity(rule), level, count, None);
        }
        baseline
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut written =
            baseline(&[("a", Level::Error, 1), ("a", Level::Note, 3), ("b", Level::Warning, 2)]);
        let other = |subject| Identity { environment: None, subject, ..identity("c") };
        written.add(other(Subject::Service("auth".into())), Level::Note, 1, None);
        written.add(other(Subject::Setting("k \"x\"".into())), Level::Note, 1, None);
        let source = Source::new(FileId(0), BASELINE_NAME, written.json());
        let mut read = parse(&source).expect("as written");
        read.entries.values_mut().for_each(|entry| entry.span = None);
        assert_eq!(read, written);
        insta::assert_snapshot!(baseline(&[("a", Level::Error, 2)]).json(), @r#"
        {
          "version": 1,
          "findings": [
            {
              "rule": "a",
              "environment": "production",
              "subject": {
                "kind": "call",
                "from": "auth",
                "to": "directory"
              },
              "key": "directory.timeout",
              "level": "error",
              "count": 2
            }
          ]
        }
        "#);
    }

    #[test]
    fn a_finding_that_became_worse_is_not_accepted() {
        let mut held = baseline(&[("a", Level::Warning, 2)]);
        assert!(!held.take(&identity("a"), Level::Error));
        assert!(!held.take(&identity("b"), Level::Note));
        assert!(held.take(&identity("a"), Level::Note));
        assert!(held.take(&identity("a"), Level::Warning));
        assert!(!held.take(&identity("a"), Level::Warning), "only two are held");
        assert!(held.is_empty());
    }

    #[test]
    fn a_file_may_claim_any_number() {
        let held = baseline(&[("a", Level::Note, usize::MAX), ("a", Level::Note, 2), ("b", Level::Note, 2)]);
        assert_eq!(held.len(), usize::MAX);
    }

    #[test]
    fn a_baseline_only_shrinks_unless_it_may_grow() {
        let held = baseline(&[("a", Level::Error, 2), ("b", Level::Warning, 1)]);
        let now = baseline(&[("a", Level::Warning, 1), ("b", Level::Error, 1), ("c", Level::Note, 4)]);
        let shrunk = held.updated(&now, May { shrink: true, grow: false });
        assert_eq!((shrunk.gone, shrunk.new), (2, 5));
        assert_eq!(shrunk.baseline, baseline(&[("a", Level::Warning, 1)]), "at its new level");
        let grown = held.updated(&now, May { shrink: true, grow: true });
        assert_eq!((grown.gone, grown.new), (2, 5));
        assert_eq!(grown.baseline, now);
        let again = now.updated(&now, May { shrink: true, grow: false });
        assert_eq!(again, Update { baseline: now.clone(), gone: 0, new: 0 });
    }

    #[test]
    fn a_baseline_that_may_not_shrink_keeps_all_it_holds() {
        let held = baseline(&[("a", Level::Error, 2), ("b", Level::Warning, 1)]);
        let now = baseline(&[("a", Level::Warning, 1), ("b", Level::Error, 1)]);
        let kept = held.updated(&now, May { shrink: false, grow: false });
        assert_eq!(kept, Update { baseline: held.clone(), gone: 2, new: 1 });
        let grown = held.updated(&now, May { shrink: false, grow: true });
        let all = [("a", Level::Error, 2), ("b", Level::Error, 1), ("b", Level::Warning, 1)];
        assert_eq!(grown, Update { baseline: baseline(&all), gone: 2, new: 1 });
    }

    #[test]
    fn mistakes_say_where_and_what_to_do() {
        let mistakes = |text: &str| {
            let source = Source::new(FileId(0), BASELINE_NAME, text);
            let mistakes = parse(&source).expect_err("a mistake");
            mistakes
                .iter()
                .map(|mistake| {
                    format!(
                        "{}: {}; {}\n",
                        source.position(mistake.span.start).line,
                        mistake.what,
                        mistake.help
                    )
                })
                .collect::<String>()
        };
        insta::assert_snapshot!(
            [
                "",
                "[]",
                "{\"findings\": []}",
                "{\"version\": 2}",
                "{\"version\": 1,\n\"findings\": [{\"rul\": \"a\", \"level\": \"eror\",\n\"count\": \"x\"}, 3]}",
                "{\"version\": 1, \"findings\": [{\"rule\": \"a\", \"subject\": {\"kind\": \"call\"}}]}",
                "{\"version\": 1, \"findings\": [",
            ]
            .map(mistakes)
            .concat(),
            @r"
        1: an empty baseline; restore the file, or move it away and run `forewarn baseline` to write it anew
        1: a baseline is a list, not a table; restore the file, or move it away and run `forewarn baseline` to write it anew
        1: a baseline without its version; restore the file, or move it away and run `forewarn baseline` to write it anew
        1: a baseline of version 2; this Forewarn reads 1; restore the file, or move it away and run `forewarn baseline` to write it anew
        2: a finding has no key `rul`; did you mean `rule`? keys of a finding: `rule`, `environment`, `subject`, `key`, `level`, `count`
        2: a finding without `subject`; restore the file, or move it away and run `forewarn baseline` to write it anew
        2: `level` is unknown: `eror`; did you mean `error`? allowed: `error`, `warning`, `note`
        3: `count` of a finding is a text, not a count; restore the file, or move it away and run `forewarn baseline` to write it anew
        3: a finding is a number, not a table; restore the file, or move it away and run `forewarn baseline` to write it anew
        1: a finding without `level`; restore the file, or move it away and run `forewarn baseline` to write it anew
        1: a subject without `from` and `to`; restore the file, or move it away and run `forewarn baseline` to write it anew
        1: the text ends before what is opened here is closed; restore the file, or move it away and run `forewarn baseline` to write it anew
        "
        );
    }
}
