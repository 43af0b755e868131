//! Settings and groups of the fleet, each stored once however many environments share it.

use std::collections::HashMap;

use model::{FileId, Group, GroupId, Origin, Setting, SettingId, Span};

/// Where a group of a fragment comes from: the file and its index there.
pub(crate) type GroupKey = (FileId, usize);

/// The growing stores of the fleet.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    pub(crate) settings: Vec<Setting>,
    pub(crate) groups: Vec<Group>,
    known_groups: HashMap<GroupKey, GroupId>,
    /// The settings that stand at one place.
    known_settings: HashMap<Span, Vec<SettingId>>,
}

impl Arena {
    /// The fleet's group for an unchanged group of a fragment.
    pub(crate) fn group(&mut self, key: GroupKey, group: &readers::Group) -> GroupId {
        if let Some(&id) = self.known_groups.get(&key) {
            return id;
        }
        let id = self.add(group, group.settings.iter().cloned());
        self.known_groups.insert(key, id);
        id
    }

    /// A new group with settings that differ from the fragment's.
    pub(crate) fn add(&mut self, group: &readers::Group, settings: impl Iterator<Item = Setting>) -> GroupId {
        let settings = settings.map(|setting| self.setting(setting)).collect();
        let id = GroupId(self.groups.len() as u32);
        self.groups.push(Group {
            label: group.label.clone(),
            kind: group.kind,
            at: group.at,
            process: group.process.clone(),
            settings,
        });
        id
    }

    /// A value that stands at one place under one key is one setting, however many blocks inherit it;
    /// so is a default of which several blocks make use.
    fn setting(&mut self, setting: Setting) -> SettingId {
        let id = SettingId(self.settings.len() as u32);
        if let Origin::Written(place) | Origin::Default { near: place, .. } = setting.value.origin {
            let here = self.known_settings.entry(place).or_default();
            let known = here.iter().find(|id| self.settings[id.0 as usize].key == setting.key);
            if let Some(&known) = known {
                return known;
            }
            here.push(id);
        }
        self.settings.push(setting);
        id
    }
}
