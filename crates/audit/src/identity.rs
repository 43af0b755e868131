//! What makes a finding the same finding next year: its rule, its environment, whom it is about and
//! the key it points at. Never a line and never a value: both change while the fault stays. Pure.

use std::collections::BTreeMap;
use std::fmt;

use model::{Finding, Fleet, Origin, Subject};

use crate::redact;

/// A finding's name in one environment. Two findings of one audit may share it: the same key written
/// in two files of one service.
///
/// Its texts come from files and are stored, so secrets in them are hidden.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// The rule's name.
    pub rule: String,
    /// The environment; none where a rule looks at all of them together.
    pub environment: Option<String>,
    /// Whom it is about.
    pub subject: Subject,
    /// The key of the first setting that the finding points at; empty where it points at none.
    pub key: String,
}

/// Gives findings of one fleet their identities.
pub struct Identities<'f> {
    keys: BTreeMap<&'f Origin, &'f str>,
}

impl<'f> Identities<'f> {
    /// Of the findings of a fleet.
    pub fn of(fleet: &'f Fleet) -> Self {
        let mut keys = BTreeMap::new();
        for setting in &fleet.settings {
            // Several settings may stand at one place, such as a base's seen through two overlays.
            let key = keys.entry(&setting.value.origin).or_insert(setting.key.as_str());
            *key = (*key).min(setting.key.as_str());
        }
        Self { keys }
    }

    /// A finding's identities, one for each environment it holds in.
    pub fn identities(&self, finding: &Finding) -> Vec<Identity> {
        if finding.environments.is_empty() {
            return vec![self.identity(finding, None)];
        }
        finding.environments.iter().map(|name| self.identity(finding, Some(name))).collect()
    }

    /// A finding's identity in one environment.
    pub(crate) fn identity(&self, finding: &Finding, environment: Option<&str>) -> Identity {
        Identity {
            rule: finding.rule.to_owned(),
            environment: environment.map(hidden),
            subject: match &finding.subject {
                Subject::Service(name) => Subject::Service(hidden(name)),
                Subject::Call(from, to) => Subject::Call(hidden(from), hidden(to)),
                Subject::Setting(key) => Subject::Setting(hidden(key)),
            },
            key: hidden(self.key(finding)),
        }
    }

    /// A finding's fingerprint.
    pub fn fingerprint(&self, finding: &Finding) -> Fingerprint {
        let mut identities = self.identities(finding);
        identities.sort();
        let mut fingerprint = Fingerprint::EMPTY;
        for identity in identities {
            let (kind, names) = match &identity.subject {
                Subject::Service(name) => ("service", [name.as_str(), ""]),
                Subject::Call(from, to) => ("call", [from.as_str(), to.as_str()]),
                Subject::Setting(key) => ("setting", [key.as_str(), ""]),
            };
            let environment = identity.environment.as_deref().unwrap_or_default();
            for part in [&identity.rule, environment, kind, names[0], names[1], &identity.key] {
                fingerprint.add(part);
            }
        }
        fingerprint
    }

    /// The key of the first setting that a finding points at.
    pub fn key(&self, finding: &Finding) -> &'f str {
        finding.labels.iter().find_map(|label| self.keys.get(&label.origin)).copied().unwrap_or_default()
    }
}

fn hidden(text: &str) -> String {
    redact(text).into_owned()
}

/// A finding's identities in all its environments as one short text, for formats that want one.
/// Tells findings apart by chance, not against an adversary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u128);

impl Fingerprint {
    // Offset basis and prime of FNV-1a with 128 bits (draft-eastlake-fnv, section 5).
    const EMPTY: Self = Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

    /// Of texts that make something what it is and is no finding.
    pub(crate) fn of(parts: &[&str]) -> Self {
        let mut fingerprint = Self::EMPTY;
        parts.iter().for_each(|part| fingerprint.add(part));
        fingerprint
    }

    /// Adds a part and its end, so that "a", "bc" and "ab", "c" differ.
    fn add(&mut self, part: &str) {
        for byte in part.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(Self::PRIME);
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, Request, audit_texts};

    const STACK: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: auth
spec:
  template:
    spec:
      containers:
        - name: auth
          livenessProbe:
            httpGet: {path: /healthz, port: 8080}
            timeoutSeconds: 30
            periodSeconds: 10
";

    fn fingerprints(stack: &str) -> Vec<String> {
        let files = [("auth.yaml", stack)];
        let outcome: Outcome = audit_texts(&files, &Request::default()).expect("no forewarn.toml");
        let identities = Identities::of(&outcome.fleet);
        let named = |finding: &Finding| format!("{} {}", finding.rule, identities.fingerprint(finding));
        outcome.findings.iter().map(|reported| named(&reported.finding)).collect()
    }

    #[test]
    fn a_finding_keeps_its_fingerprint_when_lines_and_values_move() {
        let before = fingerprints(STACK);
        assert!(!before.is_empty());
        assert_eq!(fingerprints(&format!("# more\n\n{}", STACK.replace("30", "31"))), before);
    }

    #[test]
    fn the_same_key_of_another_service_is_another_finding() {
        assert_ne!(fingerprints(&STACK.replace("auth", "mail")), fingerprints(STACK));
    }

    #[test]
    fn where_one_part_ends_and_the_next_begins_counts() {
        assert_ne!(Fingerprint::of(&["a", "bc"]), Fingerprint::of(&["ab", "c"]));
        assert_ne!(Fingerprint::of(&["a", ""]), Fingerprint::of(&["a"]));
    }
}
