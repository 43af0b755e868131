//! Whose settings are whose: the groups of a component are its own; a ConfigMap's belong to who
//! mounts it; a file's belong to the service that is declared for it or mounts it; else, as a
//! guess that says so, to the one that its name says, that is built from its directory, that its
//! path says, or that mounts its directory; else to a service of which only the file tells.
//!
//! Where several files set the same key of one component, the file of higher precedence wins and
//! the value's origin records what it overrides.

use std::collections::{BTreeMap, BTreeSet};

use model::{FileId, GroupId, NotEvaluated, Subject};
use readers::{ComponentKind, MountKind, Owner};

use super::Part;
use super::arena::Arena;
use super::layers::{self, LayerKey};
use super::mounts::Mounts;
use super::owners::{FileOwners, each};
use super::precedence::{Source, settle};
use super::services::Services;
use crate::Globs;
use crate::config::Config;

/// A group of an environment with its owner.
#[derive(Debug, Clone)]
pub(crate) struct OwnedGroup {
    /// The fleet's group.
    pub(crate) id: GroupId,
    /// The service, if one is known.
    pub(crate) service: Option<usize>,
    /// Where it comes from: part and index of its group there.
    pub(crate) part: usize,
    pub(crate) group: usize,
    /// Settings of it that `forewarn.toml` gives to a call: callee and key.
    pub(crate) to: Vec<(String, String)>,
    /// Its targets that no file of higher precedence replaces.
    pub(crate) targets: Vec<TargetAt>,
    /// The layer it stands in, part and index there, where that is merged with no other.
    pub(crate) alone: Option<LayerKey>,
}

/// A target of a fragment's group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TargetAt {
    /// The part, and the group and the target there.
    pub(crate) part: usize,
    pub(crate) group: usize,
    pub(crate) target: usize,
}

impl TargetAt {
    /// The layer it is written in.
    pub(crate) fn layer(self, parts: &[Part<'_>]) -> Option<LayerKey> {
        match self.get(parts).1.owner {
            Owner::Layer(layer) => Some((self.part, layer)),
            Owner::File | Owner::Component(_) => None,
        }
    }

    /// The target and the group it is written in.
    pub(crate) fn get<'a>(self, parts: &[Part<'a>]) -> (&'a readers::Target, &'a readers::Group) {
        let group = &parts[self.part].fragment.groups[self.group];
        (&group.targets[self.target], group)
    }
}

impl OwnedGroup {
    fn owned_by(&self, service: Option<usize>) -> OwnedGroup {
        OwnedGroup { service, ..self.clone() }
    }
}

/// All groups of an environment with their owners.
#[derive(Debug, Default)]
pub(crate) struct Owned {
    pub(crate) groups: Vec<OwnedGroup>,
    /// See [`super::Joined::guesses`].
    pub(crate) guesses: BTreeMap<FileId, String>,
    /// Files that several services are taken to read, with their places: which of them makes the calls in
    /// there is not said.
    pub(crate) shared: BTreeMap<FileId, String>,
    /// Files whose calls cannot be told apart by caller.
    pub(crate) undecided: Vec<NotEvaluated>,
    /// Groups that govern calls and are settings of those.
    pub(crate) in_calls: BTreeSet<GroupId>,
}

impl Owned {
    /// Each service's own groups: those that make no call.
    pub(crate) fn of_services(&self) -> BTreeMap<usize, Vec<GroupId>> {
        let mut own: BTreeMap<usize, Vec<GroupId>> = BTreeMap::new();
        let makes_no_call = |group: &&OwnedGroup| {
            group.targets.is_empty() && group.to.is_empty() && !self.in_calls.contains(&group.id)
        };
        for group in self.groups.iter().filter(makes_no_call) {
            if let Some(service) = group.service {
                own.entry(service).or_default().push(group.id);
            }
        }
        own
    }

    /// Every group.
    pub(crate) fn all_groups(&self) -> impl Iterator<Item = GroupId> {
        self.groups.iter().map(|group| group.id)
    }
}

/// Finds the owners of all groups of an environment.
pub(crate) fn own(
    environment: &str,
    parts: &[Part<'_>],
    active: &[usize],
    idle_patches: &BTreeSet<FileId>,
    config: &Config,
    services: &mut Services,
    arena: &mut Arena,
) -> Owned {
    let mounts = Mounts::new(parts, active, services);
    let declared: Vec<_> =
        config.services.iter().map(|declared| (Globs::new(&declared.files), &declared.name.value)).collect();
    let mut owned = Owned::default();
    // Groups of components, by component, for precedence; those of files stand as they are.
    let mut of_components: BTreeMap<Holder, Vec<Source>> = BTreeMap::new();
    let declared_owner = |part: &Part<'_>, services: &Services| {
        let found = declared.iter().find(|(globs, _)| globs.matches(&part.place.place));
        found.and_then(|(_, name)| services.named(name))
    };
    let layers = layers::place(environment, parts, active, &mounts, &declared_owner, services);
    for &index in active {
        let part = &parts[index];
        if !part.fragment.layers.is_empty() {
            for (group_index, group) in part.fragment.groups.iter().enumerate() {
                let Owner::Layer(layer) = group.owner else { continue };
                let Some(placed) = layers.get(&(index, layer)) else { continue };
                let source = Source { part: index, group: group_index, rank: 0, layered: true };
                match placed.rank {
                    Some(rank) if !placed.services.is_empty() => {
                        for &service in &placed.services {
                            let sources = of_components.entry(Holder::Service(service)).or_default();
                            sources.push(Source { rank, ..source });
                        }
                    }
                    _ => {
                        for service in each(&placed.services) {
                            let group = source.unchanged(parts, service, config, arena);
                            owned.groups.push(OwnedGroup { alone: Some((index, layer)), ..group });
                        }
                    }
                }
                if let (Some(guess), false) = (&placed.guess, placed.services.is_empty()) {
                    owned.guesses.insert(part.place.id, guess.clone());
                }
                if placed.services.len() > 1 && placed.guess.is_some() {
                    owned.shared.insert(part.place.id, part.place.place.clone());
                }
                if part.fragment.forwards && !placed.is_shared {
                    placed.services.iter().for_each(|&service| services.set_forwards(service));
                }
            }
            continue;
        }
        let declared_owner = declared_owner(part, services);
        let file_owners = FileOwners::of(part, declared_owner, &mounts, services);
        let undecided = file_owners.undecided(part, services);
        let shared_addresses = undecided.is_some();
        if file_owners.services.len() > 1 && file_owners.guess.is_some() {
            owned.shared.insert(part.place.id, part.place.place.clone());
        }
        owned.undecided.extend(undecided.map(|needs| NotEvaluated {
            rule: "calls",
            subject: Subject::Setting(part.place.place.clone()),
            needs,
        }));
        for (group_index, group) in part.fragment.groups.iter().enumerate() {
            let source = Source { part: index, group: group_index, rank: 0, layered: false };
            match group.owner {
                // An address book says who can be called, and not who calls.
                Owner::File if shared_addresses && !group.targets.is_empty() => {
                    owned.groups.push(source.unchanged(parts, None, config, arena));
                }
                Owner::File => {
                    for service in each(&file_owners.services) {
                        if let (Some(guess), Some(_)) = (&file_owners.guess, service) {
                            owned.guesses.insert(part.place.id, guess.clone());
                        }
                        owned.groups.push(source.unchanged(parts, service, config, arena));
                    }
                }
                Owner::Component(component) => {
                    let component_key = (index, component);
                    let component = &part.fragment.components[component];
                    if component.partial && idle_patches.contains(&part.place.id) {
                        continue;
                    }
                    let holder = match component.kind {
                        ComponentKind::Config => {
                            let identity = component.identity.clone();
                            Holder::Config(part.territory.clone(), identity, component.name.value.clone())
                        }
                        _ => match services.of_component(component_key) {
                            Some(service) => Holder::Service(service),
                            None => continue, // A patch of nothing that runs here.
                        },
                    };
                    let partial = component.partial || part.is_patch;
                    let rank = u8::from(part.environment.is_some()) * 2 + u8::from(partial);
                    let rank = rank * 2 + u8::from(is_override(&part.place.place));
                    of_components.entry(holder).or_default().push(Source { rank, ..source });
                }
                // No layers, no groups of them.
                Owner::Layer(_) => {}
            }
        }
        if part.fragment.forwards {
            for service in file_owners.known() {
                services.set_forwards(service);
            }
        }
    }
    for (holder, sources) in of_components {
        let owners = match holder {
            Holder::Service(service) => vec![Some(service)],
            Holder::Config(territory, identity, name) => {
                let is_secret = identity.starts_with("Secret/");
                let what = if is_secret { MountKind::Secret(name) } else { MountKind::ConfigMap(name) };
                mounts.of_config(&(territory, what))
            }
        };
        for group in settle(parts, sources, config, arena) {
            owned.groups.extend(owners.iter().map(|&service| group.owned_by(service)));
        }
    }
    owned
}

/// Whose groups of components are brought together before they have an owner.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Holder {
    /// The components of one service.
    Service(usize),
    /// One ConfigMap or Secret: its territory, identity and name.
    Config(String, String, String),
}

fn is_override(place: &str) -> bool {
    place.rsplit('/').next().is_some_and(|file| file.contains("override"))
}
