//! Which of several places that set one key of one owner wins, key by key. The winner's origin keeps what
//! it overrides. Knows ranks, and not where they come from.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use model::{GroupKind, Origin, Setting};
use readers::{ComponentKind, Owner};

use super::Part;
use super::arena::Arena;
use super::bound::Bound;
use super::ownership::{OwnedGroup, TargetAt};
use crate::Globs;
use crate::config::Config;

/// A group of a fragment, and how its file ranks among those that speak of the same component.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) part: usize,
    pub(super) group: usize,
    pub(super) rank: u8,
    /// It is of a layer: what runs sees one configuration, in which blocks of the same name are one and
    /// keys are compared loosely.
    pub(super) layered: bool,
}

impl Source {
    pub(super) fn get<'a>(self, parts: &[Part<'a>]) -> &'a readers::Group {
        &parts[self.part].fragment.groups[self.group]
    }

    pub(super) fn unchanged(
        self,
        parts: &[Part<'_>],
        service: Option<usize>,
        config: &Config,
        arena: &mut Arena,
    ) -> OwnedGroup {
        let group = self.get(parts);
        let targets = (0..group.targets.len()).map(|target| self.target(target)).collect();
        OwnedGroup {
            id: arena.group((parts[self.part].place.id, self.group), group),
            service,
            part: self.part,
            group: self.group,
            to: declared_callees(&parts[self.part].place.place, group, config),
            targets,
            alone: None,
        }
    }

    fn target(self, target: usize) -> TargetAt {
        TargetAt { part: self.part, group: self.group, target }
    }

    /// A key as it is compared with others.
    fn key(self, key: &str) -> Key<'_> {
        if self.layered {
            let letters = key.chars().filter(|c| !matches!(c, '-' | '_'));
            (true, letters.map(|c| c.to_ascii_lowercase()).collect::<String>().into())
        } else {
            (false, key.into())
        }
    }
}

/// The settings of a group that `forewarn.toml` gives to calls.
fn declared_callees(place: &str, group: &readers::Group, config: &Config) -> Vec<(String, String)> {
    let mut callees = Vec::new();
    for declared in &config.settings {
        let Some(to) = &declared.to else { continue };
        for setting in &group.settings {
            if readers::key_matches(&declared.key, &setting.key) && Globs::new(&declared.files).matches(place)
            {
                callees.push((to.clone(), setting.key.clone()));
            }
        }
    }
    callees
}

/// A key as it is compared: whether loosely, and the text.
type Key<'k> = (bool, Cow<'k, str>);

/// The sources that set a key, lowest precedence first.
type Setters<'k> = Vec<(usize, &'k Setting)>;

/// Lets the file of higher precedence win, key by key. The winner stands in the group where the
/// key was first set, so that a probe or a client stays whole.
pub(super) fn settle(
    parts: &[Part<'_>],
    mut sources: Vec<Source>,
    config: &Config,
    arena: &mut Arena,
) -> Vec<OwnedGroup> {
    sources.sort_by_key(|source| (source.rank, source.part, source.group));
    drop_replaced(parts, &mut sources);
    let homes = homes(parts, &sources);
    let first = |source: &Source| (source.part, source.rank);
    let several = sources.iter().any(|source| first(source) != first(&sources[0]));
    if !several && homes.iter().enumerate().all(|(index, &home)| index == home) {
        return sources.iter().map(|source| source.unchanged(parts, None, config, arena)).collect();
    }
    let lists = Lists::of(parts, &sources);
    let bound = Bound::of(parts, &sources);
    // For each key: the sources that set it, lowest precedence first. A default in a file of
    // higher precedence says nothing: that file merely leaves the key out.
    let mut setters: BTreeMap<Key<'_>, Setters<'_>> = BTreeMap::new();
    let mut target_setters: BTreeMap<Key<'_>, usize> = BTreeMap::new();
    for (index, source) in sources.iter().enumerate() {
        let group = source.get(parts);
        for setting in group.settings.iter().filter(|setting| lists.keep(parts, *source, &setting.key)) {
            let known = setters.entry(source.key(&setting.key)).or_default();
            // What a client does by default may stand at each of its calls; what is written stands at it. Of
            // defaults the highest layer's counts.
            if source.layered && known.iter().all(|(_, setting)| setting.value.origin.is_default()) {
                known.clear();
            }
            if !setting.value.origin.is_default() || known.is_empty() {
                known.push((index, setting));
            }
        }
        for target in group.targets.iter().filter(|target| lists.keep(parts, *source, &target.key)) {
            target_setters.insert(source.key(&target.key), index);
        }
    }
    let alternatives = Alternatives::of(parts, &sources, &homes);
    let mut settled = Vec::new();
    for (index, source) in sources.iter().enumerate().filter(|&(index, _)| homes[index] == index) {
        let members = || (index..sources.len()).filter(|&member| homes[member] == index);
        let mut changed = false;
        let mut settings: Vec<Setting> = Vec::new();
        let mut targets: Vec<TargetAt> = Vec::new();
        for member in members() {
            let member_source = sources[member];
            let group = member_source.get(parts);
            for setting in &group.settings {
                if !member_source.layered && bound.holds(setting) {
                    changed = true;
                    continue;
                }
                if alternatives.refute(parts, member_source, index, setting) {
                    changed = true;
                    continue;
                }
                let variable = if member_source.layered { bound.over(setting) } else { None };
                changed |= variable.is_some();
                let keeps = lists.keep(parts, member_source, &setting.key);
                let Some(known) = setters.get(&member_source.key(&setting.key)).filter(|_| keeps) else {
                    changed = true;
                    continue;
                };
                let Some((&(home, first), &(winner, _))) = known.first().zip(known.last()) else { continue };
                if member_source.layered && first.value.origin.is_default() {
                    let held = variable.unwrap_or(setting);
                    match settings.iter_mut().find(|other| other.key == held.key) {
                        Some(other) => *other = held.clone(),
                        None => settings.push(held.clone()),
                    }
                    continue;
                }
                changed |= home != index || winner != index;
                if home == member && std::ptr::eq(first, setting) {
                    settings.extend(overriding(known, variable));
                }
            }
            targets.extend((0..group.targets.len()).filter_map(|target| {
                let key = member_source.key(&group.targets[target].key);
                (target_setters.get(&key) == Some(&member)).then(|| member_source.target(target))
            }));
            changed |= member != index;
        }
        let group = source.get(parts);
        let was_empty = group.settings.is_empty() && group.targets.is_empty() && members().count() == 1;
        if settings.is_empty() && targets.is_empty() && !was_empty {
            continue;
        }
        let mut owned_group = if changed {
            let kind = if targets.is_empty() { group.kind } else { called(group.kind) };
            let made = readers::Group { kind, settings: Vec::new(), targets: Vec::new(), ..group.clone() };
            OwnedGroup {
                id: arena.add(&made, settings.into_iter()),
                service: None,
                part: source.part,
                group: source.group,
                to: declared_callees(&parts[source.part].place.place, group, config),
                targets: Vec::new(),
                alone: None,
            }
        } else {
            source.unchanged(parts, None, config, arena)
        };
        owned_group.targets = targets;
        settled.push(owned_group);
    }
    settled
}

/// Objects of a cluster are applied whole: one that a later file describes again, and does not patch, is
/// gone. A mixture of both would be true of neither. Sources come lowest precedence first.
fn drop_replaced(parts: &[Part<'_>], sources: &mut Vec<Source>) {
    let object = |source: &Source| {
        let part = &parts[source.part];
        let Owner::Component(component) = source.get(parts).owner else { return None };
        let is_whole = !part.fragment.components[component].partial && !part.is_patch;
        (is_whole && part.fragment.platform.is_none()).then_some((source.part, component))
    };
    let mut last: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    let mut replaced: BTreeSet<(usize, usize)> = BTreeSet::new();
    for source in sources.iter().rev() {
        let Some(own) = object(source) else { continue };
        let component = &parts[source.part].fragment.components[own.1];
        let group = source.get(parts);
        // Several objects add to one gateway, each under keys of its own.
        let keys: Vec<&str> = match component.kind {
            ComponentKind::Gateway { .. } => {
                let settings = group.settings.iter().map(|setting| setting.key.as_str());
                settings.chain(group.targets.iter().map(|target| target.key.as_str())).collect()
            }
            _ => vec![""],
        };
        for key in keys {
            let later = *last.entry((&component.identity, key)).or_insert(own);
            if later.0 != own.0 {
                replaced.insert(own);
            }
        }
    }
    sources.retain(|source| object(source).is_none_or(|own| !replaced.contains(&own)));
}

/// What a group is whose calls another layer names.
fn called(kind: GroupKind) -> GroupKind {
    match kind {
        GroupKind::Pool | GroupKind::Loose => GroupKind::Client,
        other => other,
    }
}

/// For each source the first one whose block it continues: of layers the first of the same name, else
/// itself.
fn homes(parts: &[Part<'_>], sources: &[Source]) -> Vec<usize> {
    let mut first: BTreeMap<(Cow<'_, str>, Option<&readers::Way>), usize> = BTreeMap::new();
    let homes = sources.iter().enumerate().map(|(index, source)| {
        let group = source.get(parts);
        if !source.layered || group.label.is_empty() {
            return index;
        }
        let (_, label) = source.key(&group.label);
        *first.entry((label, group.governs.as_ref())).or_insert(index)
    });
    homes.collect()
}

/// The parts of blocks (`druid` of `spring.datasource.druid.max-active`) for which some layer writes
/// settings, each with the home of its block.
struct Alternatives(BTreeSet<(usize, String)>);

impl Alternatives {
    fn of(parts: &[Part<'_>], sources: &[Source], homes: &[usize]) -> Self {
        let layered = sources.iter().enumerate().filter(|(_, source)| source.layered);
        let written = layered.flat_map(|(index, source)| {
            let group = source.get(parts);
            let written = group.settings.iter().filter(|setting| !setting.value.origin.is_default());
            let parts = written.filter_map(|setting| Self::part(*source, &group.label, &setting.key));
            parts.map(move |part| (homes[index], part))
        });
        Self(written.collect())
    }

    fn part(source: Source, label: &str, key: &str) -> Option<String> {
        let (part, _) = key.strip_prefix(label)?.strip_prefix('.')?.split_once('.')?;
        Some(source.key(part).1.into_owned())
    }

    /// Whether a default was guessed for one part of a block, and a layer writes another part alone: one
    /// pool is configured, and a file that does not name it would have taken the usual one for it.
    fn refute(&self, parts: &[Part<'_>], source: Source, home: usize, setting: &Setting) -> bool {
        let is_guess = setting.value.origin.is_default() && !setting.assumptions.is_empty();
        if !source.layered || !is_guess {
            return false;
        }
        let Some(part) = Self::part(source, &source.get(parts).label, &setting.key) else { return false };
        let mut written = self.0.range((home, String::new())..).take_while(|(other, _)| *other == home);
        written.clone().all(|(_, other)| *other != part) && written.next().is_some()
    }
}

/// Where a layer's group stands among the layers: rank, part, and the layer there.
type Stand = (u8, usize, Owner);

/// The lists and the addresses with parameters of layers, each with the highest layer that sets it: it
/// replaces those below as a whole.
struct Lists(BTreeMap<String, Stand>);

impl Lists {
    fn of(parts: &[Part<'_>], sources: &[Source]) -> Self {
        let mut lists = BTreeMap::new();
        for source in sources.iter().filter(|source| source.layered) {
            let group = source.get(parts);
            let written = group.settings.iter().filter(|setting| !setting.value.origin.is_default());
            let keys =
                written.map(|setting| &setting.key).chain(group.targets.iter().map(|target| &target.key));
            // An address has its parameters with it.
            let addresses = group.targets.iter().map(|target| format!("{}?", target.key));
            let lists_here = keys.filter_map(|key| Self::name(*source, key));
            let addresses = addresses.filter_map(|key| Self::name(*source, &key));
            lists.extend(lists_here.chain(addresses).map(|list| (list, Self::stand(parts, *source))));
        }
        Self(lists)
    }

    fn stand(parts: &[Part<'_>], source: Source) -> Stand {
        (source.rank, source.part, source.get(parts).owner)
    }

    fn name(source: Source, key: &str) -> Option<String> {
        let end = key.find('[').or_else(|| Some(key.find('?')? + 1))?;
        Some(source.key(&key[..end]).1.into_owned())
    }

    /// Whether a key of a source still counts.
    fn keep(&self, parts: &[Part<'_>], source: Source, key: &str) -> bool {
        let list = if source.layered { Self::name(source, key) } else { None };
        let highest = list.and_then(|list| self.0.get(&list));
        highest.is_none_or(|highest| *highest == Self::stand(parts, source))
    }
}

/// The last of several settings of one key, or the variable that goes before all of them; its origin says
/// what it overrides, nearest first.
fn overriding(known: &[(usize, &Setting)], variable: Option<&Setting>) -> Option<Setting> {
    let all = || variable.into_iter().chain(known.iter().rev().map(|&(_, setting)| setting));
    let mut setting = all().next()?.clone();
    // One key, however the layers spell it.
    if variable.is_none() {
        setting.key = known.first()?.1.key.clone();
    }
    // What a comment asks of the key, it asks of whichever value wins.
    setting.relations = all().flat_map(|setting| setting.relations.iter().cloned()).collect();
    let written = all().map(|setting| &setting.value.origin).filter(|origin| !origin.is_default());
    let origins: Vec<Origin> = written.cloned().collect();
    if origins.len() > 1 {
        setting.value.origin = Origin::Derived(origins);
    }
    Some(setting)
}
