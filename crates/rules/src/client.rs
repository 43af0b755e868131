//! The settings with which a caller makes its calls, whether or not the callee is known: what the
//! rules about retries and pools look at.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    CallView, Covers, Environment, Fleet, GroupId, GroupKind, Knob, Limit, Setting, Subject, Value, in_effect,
};

use crate::labels;

/// One client: a call with all its groups, or a group that no known call uses.
pub(crate) struct Client<'f> {
    /// How to name it in a sentence.
    pub(crate) name: String,
    /// Whom a finding about it is about.
    pub(crate) subject: Subject,
    /// The call, where it is known.
    pub(crate) call: Option<CallView<'f>>,
    settings: Vec<&'f Setting>,
    kind: Option<GroupKind>,
}

impl<'f> Client<'f> {
    /// The clients of an environment: every call, then the groups that belong to none.
    pub(crate) fn all(fleet: &'f Fleet, environment: &'f Environment) -> Vec<Client<'f>> {
        let mut clients = Vec::new();
        for call in environment.calls(fleet) {
            let (from, to) = (call.from().name(), call.to().name());
            clients.push(Client {
                name: format!("`{from}` calling `{to}`"),
                subject: labels::subject(call),
                call: Some(call),
                settings: call.settings().collect(),
                kind: None,
            });
        }
        let called: BTreeSet<GroupId> =
            environment.calls.iter().flat_map(|call| call.groups.iter().copied()).collect();
        let mut owners: BTreeMap<GroupId, &'f str> = BTreeMap::new();
        for service in environment.services(fleet) {
            for &group in &service.service().groups {
                owners.entry(group).or_insert(service.name());
            }
        }
        for group in environment.groups(fleet) {
            let kind = group.group().kind;
            if !matches!(kind, GroupKind::Client | GroupKind::Pool | GroupKind::Loose)
                || called.contains(&group.id())
            {
                continue;
            }
            let (name, subject) = match owners.get(&group.id()) {
                Some(&service) => (format!("`{service}`"), Subject::Service(service.to_owned())),
                None => (
                    format!("`{}`", group.group().label),
                    Subject::Setting(
                        group.settings().next().map_or_else(String::new, |setting| setting.key.clone()),
                    ),
                ),
            };
            clients.push(Client {
                name,
                subject,
                call: None,
                settings: group.settings().collect(),
                kind: Some(kind),
            });
        }
        clients
    }

    /// Whether nothing but their place says that its settings act together.
    pub(crate) fn is_loose(&self) -> bool {
        self.kind == Some(GroupKind::Loose)
    }

    /// Its calls, for the middle of a sentence.
    pub(crate) fn calls(&self) -> String {
        match self.call {
            Some(call) => format!("{}'s calls to {}", call.from().name(), call.to().name()),
            None => format!("the calls of {}", self.name.trim_matches('`')),
        }
    }

    /// The setting of a knob: what somebody wrote before any default.
    pub(crate) fn knob(&self, knob: Knob) -> Option<&'f Setting> {
        in_effect(self.settings.iter().copied().filter(|setting| setting.knob == knob))
    }

    /// The setting that limits what `covers` says, with its limit.
    pub(crate) fn limit(&self, covers: Covers) -> Option<(&'f Setting, Limit)> {
        let settings = self.settings.iter().copied().filter(|s| s.knob == Knob::Timeout(covers));
        in_effect(settings.filter(|setting| setting.limit().is_some()))
            .and_then(|setting| Some((setting, setting.limit()?)))
    }

    /// What had to be guessed to see its call and to read its settings.
    pub(crate) fn guesses(&self, settings: &[&Setting]) -> Vec<String> {
        match self.call {
            Some(call) => labels::guesses_in(call, settings),
            None => labels::guesses_of(settings),
        }
    }

    /// How often a failed try is repeated, and the setting that says so; none where nothing does or
    /// where its count is not known.
    pub(crate) fn retries(&self) -> Option<(u64, &'f Setting)> {
        let attempts =
            self.knob(Knob::Attempts).and_then(|setting| Some((setting.count()?.saturating_sub(1), setting)));
        attempts.or_else(|| self.knob(Knob::Retries).and_then(|setting| Some((setting.count()?, setting))))
    }
}

/// Whether a setting says off: a flag, a zero.
pub(crate) fn is_off(setting: &Setting) -> bool {
    match &setting.value.value {
        Value::Flag(on) => !on,
        Value::Count(count) => *count == 0,
        Value::Number(number) => *number == 0.0,
        Value::Time(limit) => limit.finite().is_some_and(|length| length.is_zero()),
        Value::Text(text) => matches!(text.to_ascii_lowercase().as_str(), "none" | "off" | "disabled"),
        Value::UnitUnknown(number) => *number == 0.0,
    }
}
