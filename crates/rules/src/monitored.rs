//! Alerts with what rules about monitoring ask of them: their condition with what is recorded put in, how
//! often their series get a sample, and how they are pointed at. Judges nothing.

use std::time::Duration;

use model::monitor::{Alert, Condition, Monitor, RuleGroup, Share};
use model::{Basis, Label, Origin, Sourced, Subject, pretty};

use crate::labels;

/// An alert with what stands around it.
#[derive(Clone)]
pub(crate) struct Watch<'f> {
    pub(crate) group: &'f RuleGroup,
    pub(crate) rule: &'f model::monitor::Rule,
    pub(crate) alert: &'f Alert,
    /// When it speaks, with the series that rules record put in.
    pub(crate) condition: Condition,
}

impl<'f> Watch<'f> {
    /// Every alert of an environment.
    pub(crate) fn all(monitor: &'f Monitor) -> Vec<Self> {
        monitor
            .alerts()
            .map(|(group, rule, alert)| Self {
                group,
                rule,
                alert,
                condition: monitor.condition(group, rule),
            })
            .collect()
    }

    /// Its name.
    pub(crate) fn name(&self) -> &'f str {
        &self.rule.name.value
    }

    /// What a finding about it is about.
    pub(crate) fn subject(&self) -> Subject {
        Subject::Setting(self.name().to_owned())
    }

    /// Where its name stands.
    pub(crate) fn label(&self, text: impl Into<String>) -> Label {
        Label { origin: self.rule.name.origin.clone(), text: text.into() }
    }

    /// Whether another alert of the same evaluator counts failures of the same metric.
    pub(crate) fn is_about(&self, share: &Share, other: &Self) -> bool {
        let alike = |theirs: &Share| {
            theirs.part.metric == share.part.metric || theirs.whole.metric == share.whole.metric
        };
        self.group.evaluator == other.group.evaluator && other.condition.shares().iter().any(alike)
    }
}

/// Points at a length of time; of one that nothing states it says whose default it is.
pub(crate) fn at(length: &Sourced<Duration>, text: impl AsRef<str>) -> Label {
    let text = text.as_ref();
    let text = match length.origin.default_of() {
        Some((of, _)) => format!("{text}; {} is the default of {of}, not set here", pretty(length.value)),
        None => text.to_owned(),
    };
    Label { origin: length.origin.clone(), text }
}

/// What places rest on: alerts and intervals of one file or of several.
pub(crate) fn basis(labels: &[Label]) -> Basis {
    labels::basis(labels)
}

/// A place, and what is said there.
pub(crate) fn place(origin: Origin, text: impl Into<String>) -> Label {
    Label { origin, text: text.into() }
}
