//! The settings with which a caller makes its calls, whether or not the callee is known: what the
//! rules about retries and pools look at.

use std::collections::HashMap;

use model::{
    CallView, Covers, Environment, Fleet, GroupId, GroupKind, GroupView, Knob, Limit, Setting, Subject,
    Value, in_effect,
};

use crate::labels;

/// One client: what is put into words is made when a finding asks for it.
#[derive(Clone, Copy)]
pub(crate) struct Client<'f>(Of<'f>);

#[derive(Clone, Copy)]
enum Of<'f> {
    /// A call with all its groups.
    Call(CallView<'f>),
    /// A group that no known call uses, with the service whose it is.
    Group(GroupView<'f>, Option<&'f str>),
}

impl<'f> Client<'f> {
    /// The clients of an environment: every call, then the groups that belong to none.
    pub(crate) fn all(fleet: &'f Fleet, environment: &'f Environment) -> Vec<Client<'f>> {
        let mut called: Vec<GroupId> =
            environment.calls.iter().flat_map(|call| call.groups.iter().copied()).collect();
        called.sort_unstable();
        let alone = |group: &GroupView<'_>| {
            matches!(group.group().kind, GroupKind::Client | GroupKind::Pool | GroupKind::Loose)
                && called.binary_search(&group.id()).is_err()
        };
        let mut owners: HashMap<GroupId, &'f str> = HashMap::new();
        for service in environment.services(fleet) {
            for group in service.groups().filter(alone) {
                owners.entry(group.id()).or_insert(service.name());
            }
        }
        let calls = environment.calls(fleet).map(Of::Call);
        let groups = environment.groups(fleet).filter(alone);
        let groups = groups.map(|group| Of::Group(group, owners.get(&group.id()).copied()));
        calls.chain(groups).map(Client).collect()
    }

    /// The call, where it is known.
    pub(crate) fn call(&self) -> Option<CallView<'f>> {
        match self.0 {
            Of::Call(call) => Some(call),
            Of::Group(..) => None,
        }
    }

    /// How to name it in a sentence.
    pub(crate) fn name(&self) -> String {
        match self.0 {
            Of::Call(call) => format!("`{}` calling `{}`", call.from().name(), call.to().name()),
            Of::Group(_, Some(service)) => format!("`{service}`"),
            Of::Group(group, None) => format!("`{}`", group.group().label),
        }
    }

    /// Whom a finding about it is about.
    pub(crate) fn subject(&self) -> Subject {
        match self.0 {
            Of::Call(call) => labels::subject(call),
            Of::Group(_, Some(service)) => Subject::Service(service.to_owned()),
            Of::Group(group, None) => {
                let first = group.settings().next();
                Subject::Setting(first.map_or_else(String::new, |setting| setting.key.clone()))
            }
        }
    }

    fn settings(&self) -> impl Iterator<Item = &'f Setting> + use<'f> {
        let (call, group) = match self.0 {
            Of::Call(call) => (Some(call), None),
            Of::Group(group, _) => (None, Some(group)),
        };
        let groups = call.into_iter().flat_map(CallView::groups).chain(group);
        groups.flat_map(GroupView::settings)
    }

    /// Whether nothing but their place says that its settings act together.
    pub(crate) fn is_loose(&self) -> bool {
        matches!(self.0, Of::Group(group, _) if group.group().kind == GroupKind::Loose)
    }

    /// Its calls, for the middle of a sentence.
    pub(crate) fn calls(&self) -> String {
        match self.call() {
            Some(call) => format!("{}'s calls to {}", call.from().name(), call.to().name()),
            None => format!("the calls of {}", self.name().trim_matches('`')),
        }
    }

    /// The setting of a knob: what somebody wrote before any default.
    pub(crate) fn knob(&self, knob: Knob) -> Option<&'f Setting> {
        in_effect(self.settings().filter(|setting| setting.knob == knob))
    }

    /// The setting that limits what `covers` says, with its limit.
    pub(crate) fn limit(&self, covers: Covers) -> Option<(&'f Setting, Limit)> {
        let settings = self.settings().filter(|s| s.knob == Knob::Timeout(covers));
        in_effect(settings.filter(|setting| setting.limit().is_some()))
            .and_then(|setting| Some((setting, setting.limit()?)))
    }

    /// What had to be guessed to see its call and to read its settings.
    pub(crate) fn guesses(&self, settings: &[&Setting]) -> Vec<String> {
        match self.call() {
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
