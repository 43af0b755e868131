//! Whose a group of settings is, for sentences that name the service.

use std::collections::BTreeMap;

use model::{Environment, Fleet, GroupId};

/// The service of each group of an environment.
pub(crate) struct Owners<'f>(BTreeMap<GroupId, &'f str>);

impl<'f> Owners<'f> {
    /// The owners in an environment: the service itself, or the caller of the calls made with it.
    pub(crate) fn of(fleet: &'f Fleet, environment: &'f Environment) -> Self {
        let mut owners = BTreeMap::new();
        for call in environment.calls(fleet) {
            owners.extend(call.call().groups.iter().map(|&group| (group, call.from().name())));
        }
        for service in environment.services(fleet) {
            owners.extend(service.service().groups.iter().map(|&group| (group, service.name())));
        }
        Self(owners)
    }

    /// The name of the service, where one is known.
    pub(crate) fn name(&self, group: GroupId) -> Option<&'f str> {
        self.0.get(&group).copied()
    }
}
