//! Settings and groups of the fleet, each stored once however many environments share it.

use std::collections::HashMap;

use model::{FileId, Group, GroupId, Origin, Setting, SettingId};

/// Where a group of a fragment comes from: the file and its index there.
pub(crate) type GroupKey = (FileId, usize);

/// The growing stores of the fleet.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    pub(crate) settings: Vec<Setting>,
    pub(crate) groups: Vec<Group>,
    known_groups: HashMap<GroupKey, GroupId>,
    known_settings: HashMap<(FileId, String, u32, u32), SettingId>,
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
        self.groups.push(Group { label: group.label.clone(), kind: group.kind, at: group.at, settings });
        id
    }

    /// A value that stands at one place under one key is one setting, however many blocks inherit it;
    /// so is a default of which several blocks make use.
    fn setting(&mut self, setting: Setting) -> SettingId {
        let key = match &setting.value.origin {
            Origin::Written(span) | Origin::Default { near: span, .. } => {
                Some((span.file, setting.key.clone(), span.start, span.end))
            }
            _ => None,
        };
        if let Some(&id) = key.as_ref().and_then(|key| self.known_settings.get(key)) {
            return id;
        }
        let id = SettingId(self.settings.len() as u32);
        self.settings.push(setting);
        if let Some(key) = key {
            self.known_settings.insert(key, id);
        }
        id
    }
}
