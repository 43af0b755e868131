//! What an audit of the configuration tells the watch: what is found open, and what is set where; so
//! that an alert can show the line that was changed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::time::At;

/// An audit that was run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Audited {
    /// What stopped it, in words; then the rest is empty and what was known before still holds.
    pub stopped: Option<String>,
    /// What is open.
    pub findings: Vec<OpenFinding>,
    /// What is set, of everything that has a place.
    pub settings: Vec<KnownSetting>,
}

/// A finding that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFinding {
    /// Its identity: the same finding has the same after lines have moved.
    pub hash: String,
    /// The rule.
    pub rule: String,
    /// "error", "warning" or "note".
    pub level: String,
    /// The services it is about: one, or caller and callee.
    pub services: Vec<String>,
    /// Where: `auth/auth.toml:14:19`.
    pub place: String,
    /// What can happen.
    pub title: String,
}

/// A setting that is known by its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownSetting {
    /// The services it belongs to: the owner, and whom it calls with it.
    pub services: Vec<String>,
    /// The key, with its path.
    pub key: String,
    /// What is written; "(secret)" where it may be one.
    pub value: String,
    /// The file.
    pub path: String,
    /// The line.
    pub line: u32,
}

/// A setting that was changed between two audits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Where it stands now, or stood.
    pub setting: KnownSetting,
    /// What was written before; nothing where the key is new.
    pub before: Option<String>,
    /// Whether it was taken away.
    pub gone: bool,
    /// When the audit saw it.
    pub seen: At,
}

/// So many changes are kept, the last ones,
const MOST_CHANGES: usize = 256;
/// and so many changes and findings stand in one alert.
const MOST_ATTACHED: usize = 10;

/// What the audits so far have told.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Known {
    /// When the last audit that was not stopped was run.
    audited: Option<At>,
    findings: Vec<OpenFinding>,
    /// In order of file and key, then as the audit gave them.
    settings: Vec<KnownSetting>,
    /// The newest first.
    changes: Vec<Change>,
}

impl Known {
    /// Takes over an audit that was not stopped, and gives the findings that were not there before.
    pub(crate) fn take(&mut self, at: At, audited: &Audited) -> Vec<OpenFinding> {
        let mut settings = audited.settings.clone();
        settings.sort_by(|a, b| (&a.path, &a.key).cmp(&(&b.path, &b.key)));
        if self.audited.is_some() {
            let mut changes = changes(at, &self.settings, &settings);
            changes.append(&mut self.changes);
            changes.truncate(MOST_CHANGES);
            self.changes = changes;
        }
        let before: BTreeSet<&str> = self.findings.iter().map(|finding| finding.hash.as_str()).collect();
        let is_new = |finding: &&OpenFinding| !before.contains(finding.hash.as_str());
        let new = audited.findings.iter().filter(is_new).cloned().collect();
        self.audited = Some(at);
        self.findings.clone_from(&audited.findings);
        self.settings = settings;
        new
    }

    /// What is open about a service or a call of it, and what was changed last.
    pub(crate) fn about(&self, service: &str) -> (Vec<OpenFinding>, Vec<Change>) {
        let names = |services: &[String]| services.iter().any(|name| name == service);
        let findings = self.findings.iter().filter(|finding| names(&finding.services));
        let changes = self.changes.iter().filter(|change| names(&change.setting.services));
        (findings.take(MOST_ATTACHED).cloned().collect(), changes.take(MOST_ATTACHED).cloned().collect())
    }

    pub(crate) fn has_finding(&self, hash: &str) -> bool {
        self.findings.iter().any(|finding| finding.hash == hash)
    }

    pub(crate) fn audited(&self) -> Option<At> {
        self.audited
    }

    pub(crate) fn findings(&self) -> &[OpenFinding] {
        &self.findings
    }

    pub(crate) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Moves all moments that lengths are measured from, as the clock was moved.
    pub(crate) fn shift(&mut self, moved: impl Fn(At) -> At) {
        self.audited = self.audited.map(moved);
    }
}

/// What differs between two lists in order of file and key. The same key may stand several times in a
/// file; then the first is compared with the first. A setting whose line alone moved is the same.
fn changes(seen: At, before: &[KnownSetting], now: &[KnownSetting]) -> Vec<Change> {
    let mut changes = Vec::new();
    let (mut old, mut new) = (before.iter().peekable(), now.iter().peekable());
    let place = |setting: &KnownSetting| (setting.path.clone(), setting.key.clone());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return changes,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(old), Some(new)) => place(old).cmp(&place(new)),
        };
        let was = if order.is_le() { old.next() } else { None };
        let is = if order.is_ge() { new.next() } else { None };
        let before = was.map(|setting| setting.value.clone());
        match (was, is) {
            (Some(was), None) => changes.push(Change { setting: was.clone(), before, gone: true, seen }),
            (_, Some(is)) if before.as_deref() != Some(&is.value) => {
                changes.push(Change { setting: is.clone(), before, gone: false, seen });
            }
            _ => {}
        }
    }
}
