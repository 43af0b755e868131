//! One fault, one report: findings that break the same way at the same place are one matter, reached
//! on several paths. Nothing is dropped: the others stay with the first. Pure.

use std::collections::BTreeMap;

use model::{Finding, Span};

/// A finding as reported, with those folded into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// The worst of them.
    pub finding: Finding,
    /// The others: the same failure mode, the same first place, another path or another rule.
    pub also: Vec<Finding>,
}

impl Reported {
    /// The finding and those folded into it.
    pub fn all(&self) -> impl Iterator<Item = &Finding> {
        std::iter::once(&self.finding).chain(&self.also)
    }
}

impl From<Finding> for Reported {
    fn from(finding: Finding) -> Self {
        Self { finding, also: Vec::new() }
    }
}

/// Folds findings, given worst first; keeps the order of the first of each.
pub(crate) fn fold(findings: Vec<Finding>) -> Vec<Reported> {
    let mut reported: Vec<Reported> = Vec::new();
    let mut known: BTreeMap<_, usize> = BTreeMap::new();
    for finding in findings {
        // A finding without a place has nothing to share.
        let Some(place) = place(&finding) else {
            reported.push(finding.into());
            continue;
        };
        match known.get(&(finding.mode, place)) {
            Some(&first) => reported[first].also.push(finding),
            None => {
                known.insert((finding.mode, place), reported.len());
                reported.push(finding.into());
            }
        }
    }
    reported
}

/// Where a finding points first.
pub(crate) fn place(finding: &Finding) -> Option<Span> {
    finding.labels.iter().find_map(|label| label.origin.span())
}
