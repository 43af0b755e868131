//! Settings that hold for calls because of the way they are made: those of a client library, for all its
//! calls or for those to one name. The ways are names that readers give; nothing here knows one.

use std::collections::{BTreeMap, BTreeSet};

use model::{GroupId, Knob, SettingId};
use readers::{Target, Way};

use super::Part;
use super::arena::Arena;
use super::ownership::OwnedGroup;

/// The groups that govern calls.
pub(super) struct Governing<'g> {
    /// By service and way.
    groups: BTreeMap<(usize, &'g str), Vec<(&'g Way, GroupId)>>,
    /// What holds beside other settings, so that calls with the same ones share it.
    made: BTreeMap<(GroupId, Vec<SettingId>), GroupId>,
    /// Those that some call is made with.
    pub(super) used: BTreeSet<GroupId>,
}

impl<'g> Governing<'g> {
    pub(super) fn new(parts: &'g [Part<'_>], owned: &[OwnedGroup]) -> Self {
        let mut groups: BTreeMap<(usize, &str), Vec<(&Way, GroupId)>> = BTreeMap::new();
        for group in owned {
            let way = parts[group.part].fragment.groups[group.group].governs.as_ref();
            if let (Some(service), Some(way)) = (group.service, way) {
                groups.entry((service, way.name)).or_default().push((way, group.id));
            }
        }
        Self { groups, made: BTreeMap::new(), used: BTreeSet::new() }
    }

    /// The groups that govern a call of a service beside the group `own` that its address stands in. What
    /// is written there, or for the name that is called, goes before what is written for all calls.
    pub(super) fn of(
        &mut self,
        service: usize,
        own: GroupId,
        target: &Target,
        arena: &mut Arena,
    ) -> Vec<GroupId> {
        let mut ids = Vec::new();
        for way in &target.ways {
            let Some(groups) = self.groups.get(&(service, way.name)).cloned() else { continue };
            let is_meant = |to: &str| way.to.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(to));
            let named: Vec<GroupId> = groups
                .iter()
                .filter(|(way, id)| *id != own && way.to.as_deref().is_some_and(is_meant))
                .map(|&(_, id)| id)
                .collect();
            let taken: BTreeSet<Knob> =
                named.iter().chain([&own]).flat_map(|&id| written_knobs(arena, id)).collect();
            for &(_, id) in groups.iter().filter(|(way, id)| *id != own && way.to.is_none()) {
                self.used.insert(id);
                ids.extend(self.without(id, &taken, arena));
            }
            self.used.extend(&named);
            ids.extend(named);
        }
        ids
    }

    /// A group without what is set elsewhere; itself where that is nothing.
    fn without(&mut self, id: GroupId, taken: &BTreeSet<Knob>, arena: &mut Arena) -> Option<GroupId> {
        let group = &arena.groups[id.0 as usize];
        let is_left = |setting: &SettingId| !taken.contains(&arena.settings[setting.0 as usize].knob);
        let left: Vec<SettingId> = group.settings.iter().copied().filter(is_left).collect();
        if left.len() == group.settings.len() {
            return Some(id);
        }
        if left.is_empty() {
            return None;
        }
        let made = self.made.entry((id, left)).or_insert_with_key(|(_, left)| {
            let group = model::Group { settings: left.clone(), ..arena.groups[id.0 as usize].clone() };
            arena.groups.push(group);
            GroupId(arena.groups.len() as u32 - 1)
        });
        Some(*made)
    }
}

/// The knobs that somebody wrote something for.
fn written_knobs(arena: &Arena, id: GroupId) -> Vec<Knob> {
    let settings = arena.groups[id.0 as usize].settings.iter();
    let settings = settings.map(|setting| &arena.settings[setting.0 as usize]);
    settings.filter(|setting| !setting.value.origin.is_default()).map(|setting| setting.knob).collect()
}
