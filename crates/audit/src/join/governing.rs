//! Settings that hold for calls because of the way they are made: those of a client library, for all its
//! calls or for those to one name. The ways are names that readers give; nothing here knows one.

use std::collections::{BTreeMap, BTreeSet};

use model::{GroupId, Knob, SettingId};
use readers::{Target, Way};

use super::Part;
use super::arena::Arena;
use super::layers::LayerKey;
use super::ownership::OwnedGroup;

/// A group that governs calls.
#[derive(Clone, Copy)]
struct Governor<'g> {
    way: &'g Way,
    id: GroupId,
    /// The layer in which alone it holds.
    alone: Option<LayerKey>,
}

/// The groups that govern calls.
pub(super) struct Governing<'g> {
    /// By service and way.
    groups: BTreeMap<(usize, &'g str), Vec<Governor<'g>>>,
    /// What holds beside other settings, so that calls with the same ones share it.
    made: BTreeMap<(GroupId, Vec<SettingId>), GroupId>,
    /// Those that some call is made with.
    pub(super) used: BTreeSet<GroupId>,
}

impl<'g> Governing<'g> {
    pub(super) fn new(parts: &'g [Part<'_>], owned: &[OwnedGroup]) -> Self {
        let mut groups: BTreeMap<(usize, &str), Vec<Governor<'_>>> = BTreeMap::new();
        for group in owned {
            let way = parts[group.part].fragment.groups[group.group].governs.as_ref();
            if let (Some(service), Some(way)) = (group.service, way) {
                groups.entry((service, way.name)).or_default().push(Governor {
                    way,
                    id: group.id,
                    alone: group.alone,
                });
            }
        }
        Self { groups, made: BTreeMap::new(), used: BTreeSet::new() }
    }

    /// The groups that govern a call of a service beside the group `own` that its address stands in, in
    /// `layer`. What is written there goes before what is written for the name that is called, and that
    /// before what is written for all calls.
    pub(super) fn of(
        &mut self,
        service: usize,
        own: GroupId,
        target: &Target,
        layer: Option<LayerKey>,
        arena: &mut Arena,
    ) -> Vec<GroupId> {
        let mut ids = Vec::new();
        for way in &target.ways {
            let Some(governors) = self.groups.get(&(service, way.name)).cloned() else { continue };
            let is_meant = |governor: &&Governor<'_>| match (&governor.way.to, &way.to) {
                (Some(name), Some(called)) => name.eq_ignore_ascii_case(called),
                (name, _) => name.is_none(),
            };
            let holds = |governor: &&Governor<'_>| {
                governor.id != own && (governor.alone.is_none() || governor.alone == layer)
            };
            let mut governors: Vec<&Governor<'_>> = governors.iter().filter(is_meant).filter(holds).collect();
            governors.sort_by_key(|governor| (governor.way.to.is_none(), governor.alone.is_none()));
            let mut taken: BTreeSet<Knob> = written_knobs(arena, own).into_iter().collect();
            for governor in governors {
                self.used.insert(governor.id);
                ids.extend(self.without(governor.id, &taken, arena));
                taken.extend(written_knobs(arena, governor.id));
            }
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
