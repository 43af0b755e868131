//! Whose settings are whose: the groups of a component are its own; a ConfigMap's belong to who
//! mounts it; a file's belong to the service that is declared for it or mounts it; else, as a
//! guess that says so, to the one that its name says, that is built from its directory, that its
//! path says, or that mounts its directory; else to a service of which only the file tells.
//!
//! Where several files set the same key of one component, the file of higher precedence wins and
//! the value's origin records what it overrides.

use std::collections::{BTreeMap, BTreeSet};

use model::{FileId, GroupId, NotEvaluated, Origin, Setting, Subject};
use readers::{ComponentKind, MountKind, Owner};

use super::Part;
use super::arena::Arena;
use super::calls::callee;
use super::naming::name_of_file;
use super::services::Services;
use super::territory::{is_below, parent};
use crate::Globs;
use crate::config::Config;
use crate::place::join_paths;

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
    pub(crate) targets: Vec<usize>,
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
    /// Files whose calls cannot be told apart by caller.
    pub(crate) undecided: Vec<NotEvaluated>,
}

impl Owned {
    /// Each service's own groups: those that make no call.
    pub(crate) fn of_services(&self) -> BTreeMap<usize, Vec<GroupId>> {
        let mut own: BTreeMap<usize, Vec<GroupId>> = BTreeMap::new();
        for group in self.groups.iter().filter(|group| group.targets.is_empty() && group.to.is_empty()) {
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
    for &index in active {
        let part = &parts[index];
        let declared_owner = declared
            .iter()
            .find(|(globs, _)| globs.matches(&part.place.place))
            .and_then(|(_, name)| services.named(name));
        let file_owners = FileOwners::of(part, declared_owner, &mounts, services);
        let shared_addresses = file_owners.share_addresses(part);
        if shared_addresses {
            owned.undecided.push(NotEvaluated {
                rule: "calls",
                subject: Subject::Setting(part.place.place.clone()),
                needs: format!(
                    "which of the {} services that share `{}` call which of its addresses; declare each with [[call]]",
                    file_owners.services.len(),
                    part.place.place
                ),
            });
        }
        for (group_index, group) in part.fragment.groups.iter().enumerate() {
            let source = Source { part: index, group: group_index, rank: 0 };
            match group.owner {
                // An address book says who can be called, and not who calls.
                Owner::File | Owner::Layer(_) if shared_addresses && !group.targets.is_empty() => {
                    owned.groups.push(source.unchanged(parts, None, config, arena));
                }
                Owner::File | Owner::Layer(_) => {
                    for service in file_owners.each() {
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
        for group in settle_precedence(parts, sources, config, arena) {
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

/// A group of a fragment, and how its file ranks among those that speak of the same component.
#[derive(Debug, Clone, Copy)]
struct Source {
    part: usize,
    group: usize,
    rank: u8,
}

impl Source {
    fn get<'a>(self, parts: &[Part<'a>]) -> &'a readers::Group {
        &parts[self.part].fragment.groups[self.group]
    }

    fn unchanged(
        self,
        parts: &[Part<'_>],
        service: Option<usize>,
        config: &Config,
        arena: &mut Arena,
    ) -> OwnedGroup {
        let group = self.get(parts);
        OwnedGroup {
            id: arena.group((parts[self.part].place.id, self.group), group),
            service,
            part: self.part,
            group: self.group,
            to: declared_callees(&parts[self.part].place.place, group, config),
            targets: (0..group.targets.len()).collect(),
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

/// Lets the file of higher precedence win, key by key. The winner stands in the group where the
/// key was first set, so that a probe or a client stays whole.
fn settle_precedence(
    parts: &[Part<'_>],
    mut sources: Vec<Source>,
    config: &Config,
    arena: &mut Arena,
) -> Vec<OwnedGroup> {
    sources.sort_by_key(|source| (source.rank, source.part, source.group));
    let several =
        sources.iter().any(|source| source.part != sources[0].part || source.rank != sources[0].rank);
    if !several {
        return sources.iter().map(|source| source.unchanged(parts, None, config, arena)).collect();
    }
    let mut settled = Vec::new();
    // For each key: the sources that set it, lowest precedence first. A default in a file of
    // higher precedence says nothing: that file merely leaves the key out.
    let mut setters: BTreeMap<&str, Vec<(usize, &Setting)>> = BTreeMap::new();
    let mut target_setters: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, source) in sources.iter().enumerate() {
        let group = source.get(parts);
        for setting in &group.settings {
            let known = setters.entry(&setting.key).or_default();
            if !setting.value.origin.is_default() || known.is_empty() {
                known.push((index, setting));
            }
        }
        for target in &group.targets {
            target_setters.insert(&target.key, index);
        }
    }
    for (index, source) in sources.iter().enumerate() {
        let group = source.get(parts);
        let mut changed = false;
        let settings: Vec<Setting> = group
            .settings
            .iter()
            .filter_map(|setting| {
                let known = &setters[setting.key.as_str()];
                let (&(home, _), &(winner, _)) = known.first().zip(known.last())?;
                changed |= home != index || winner != index;
                if home == index { overriding(known) } else { None }
            })
            .collect();
        let targets: Vec<usize> = (0..group.targets.len())
            .filter(|&target| target_setters[group.targets[target].key.as_str()] == index)
            .collect();
        if settings.is_empty()
            && targets.is_empty()
            && !(group.settings.is_empty() && group.targets.is_empty())
        {
            continue;
        }
        let mut owned_group = if changed {
            OwnedGroup {
                id: arena.add(group, settings.into_iter()),
                service: None,
                part: source.part,
                group: source.group,
                to: declared_callees(&parts[source.part].place.place, group, config),
                targets: Vec::new(),
            }
        } else {
            source.unchanged(parts, None, config, arena)
        };
        owned_group.targets = targets;
        settled.push(owned_group);
    }
    settled
}

/// The last of several settings of one key, its origin saying what it overrides, nearest first.
fn overriding(known: &[(usize, &Setting)]) -> Option<Setting> {
    let (_, winner) = known.last()?;
    let mut setting = (*winner).clone();
    let written = known.iter().rev().map(|(_, setting)| &setting.value.origin).filter(|o| !o.is_default());
    let origins: Vec<Origin> = written.cloned().collect();
    if origins.len() > 1 {
        setting.value.origin = Origin::Derived(origins);
    }
    Some(setting)
}

/// Who takes its configuration from where.
#[derive(Default)]
struct Mounts {
    /// Path (file or directory), service; files and directories alike.
    paths: Vec<(String, usize)>,
    builds: Vec<(String, usize)>,
    /// Mounted directories that hold the file that mounts them.
    deployments: BTreeSet<String>,
    /// ConfigMap or Secret by territory, with the services that mount it.
    configs: BTreeMap<(String, MountKind), BTreeSet<usize>>,
}

impl Mounts {
    fn new(parts: &[Part<'_>], active: &[usize], services: &Services) -> Self {
        let mut mounts = Self::default();
        for &index in active {
            let part = &parts[index];
            let directory = parent(&part.place.place);
            for mount in &part.fragment.mounts {
                let Some(service) = services.of_component((index, mount.component)) else { continue };
                match &mount.what {
                    MountKind::Path(path) | MountKind::EnvFile(path) => {
                        let path = join_paths(directory, path);
                        if path == directory || is_below(directory, &path) {
                            mounts.deployments.insert(path.clone());
                        }
                        mounts.paths.push((path, service));
                    }
                    MountKind::Build(path) => mounts.builds.push((join_paths(directory, path), service)),
                    MountKind::ConfigMap(_) | MountKind::Secret(_) => {
                        let territory = services.get(service).territory.clone();
                        mounts.configs.entry((territory, mount.what.clone())).or_default().insert(service);
                    }
                }
            }
        }
        // ConfigMaps that a kustomization generates from files: who mounts the map mounts the file.
        for &index in active {
            let part = &parts[index];
            let Some(kustomization) = &part.fragment.kustomization else { continue };
            for (name, file) in &kustomization.generated {
                let path = join_paths(parent(&part.place.place), file);
                for ((territory, config), owners) in &mounts.configs {
                    let is_config = matches!(config, MountKind::ConfigMap(config) if config == name);
                    if is_config && is_below(&part.place.place, territory) {
                        mounts.paths.extend(owners.iter().map(|&owner| (path.clone(), owner)));
                    }
                }
            }
        }
        mounts
    }

    /// The services that mount a ConfigMap or Secret of a territory; one unknown where none does.
    fn of_config(&self, key: &(String, MountKind)) -> Vec<Option<usize>> {
        match self.configs.get(key) {
            Some(services) => services.iter().map(|&service| Some(service)).collect(),
            None => vec![None],
        }
    }

    /// The services that mount the file itself or the directory it lies in. A directory that holds the
    /// mounting file too holds the whole deployment, and says nothing about one file.
    fn of_file(&self, place: &str) -> BTreeSet<usize> {
        let here = |path: &str| path == place || (path == parent(place) && !self.deployments.contains(path));
        self.paths.iter().filter(|(path, _)| here(path)).map(|&(_, service)| service).collect()
    }

    /// The services that mount a directory around it, the nearest one.
    fn of_directory(&self, place: &str) -> BTreeSet<usize> {
        deepest(&self.paths, place)
    }

    fn of_build(&self, place: &str) -> BTreeSet<usize> {
        deepest(&self.builds, place)
    }
}

/// The services of the deepest directory above a place. The top of the tree is nobody's.
fn deepest(directories: &[(String, usize)], place: &str) -> BTreeSet<usize> {
    let above = || directories.iter().filter(|(path, _)| !path.is_empty() && is_below(place, path));
    let depth = above().map(|(path, _)| path.len()).max();
    above().filter(|(path, _)| Some(path.len()) == depth).map(|&(_, service)| service).collect()
}

/// Whose settings a file holds.
struct FileOwners {
    services: BTreeSet<usize>,
    guess: Option<String>,
}

impl FileOwners {
    fn of(part: &Part<'_>, declared: Option<usize>, mounts: &Mounts, services: &mut Services) -> Self {
        let place = &part.place.place;
        if let Some(service) = declared {
            return Self { services: BTreeSet::from([service]), guess: None };
        }
        let mounted = mounts.of_file(place);
        if !mounted.is_empty() {
            return Self { services: mounted, guess: None };
        }
        let by_path =
            services.in_path(place, &part.territory).filter(|&found| services.get(found).reaches(place));
        let built = mounts.of_build(place);
        let by_build = built.first().copied().filter(|_| built.len() == 1);
        let name = |service: usize| &services.get(service).name;
        // A directory can build one service and hold files named after others.
        let by_own_name = by_path.filter(|&service| services.is_named_by_file(service, place));
        if let Some(service) = by_own_name.filter(|service| !built.contains(service)) {
            return Self::guessed(
                service,
                format!("that `{place}` configures {}, by its name", name(service)),
            );
        }
        if let Some(service) = by_build {
            let guess =
                format!("that `{place}` configures {}, which is built from its directory", name(service));
            return Self::guessed(service, guess);
        }
        if let Some(service) = by_path {
            return Self::guessed(
                service,
                format!("that `{place}` configures {}, by its path", name(service)),
            );
        }
        let around = mounts.of_directory(place);
        if !around.is_empty() {
            let guess = format!("that `{place}` configures each service that mounts its directory");
            return Self { services: around, guess: Some(guess) };
        }
        let Some(service) = Self::implied(part, services) else {
            return Self { services: BTreeSet::new(), guess: None };
        };
        let name = &services.get(service).name;
        let guess = format!("that `{place}` configures one service, which is called {name} here");
        // A proxy's file is a proxy; any other file may be read by several services or by none.
        let guess = (!part.fragment.forwards).then_some(guess);
        Self { services: BTreeSet::from([service]), guess }
    }

    fn guessed(service: usize, guess: String) -> Self {
        Self { services: BTreeSet::from([service]), guess: Some(guess) }
    }

    /// A service of which only this file tells: it calls others, so something reads it.
    fn implied(part: &Part<'_>, services: &mut Services) -> Option<usize> {
        let of_file = || part.fragment.groups.iter().filter(|group| group.owner == Owner::File);
        let calls = |group: &&readers::Group| {
            group.targets.iter().any(|target| callee(part, target, group, services).is_some())
        };
        let at = of_file().find(calls)?.at;
        let (name, place) = (name_of_file(&part.place.place), &part.place.place);
        Some(services.add_implicit(name, Origin::Written(at), place, &part.territory, false))
    }

    /// Whether several services share the file and it holds several addresses.
    fn share_addresses(&self, part: &Part<'_>) -> bool {
        let of_file = part.fragment.groups.iter().filter(|group| group.owner == Owner::File);
        let hosts: BTreeSet<&str> =
            of_file.flat_map(|group| &group.targets).map(|target| target.address.host.as_str()).collect();
        self.services.len() > 1 && hosts.len() > 1
    }

    /// The owners; one unknown owner where there is none.
    fn each(&self) -> Vec<Option<usize>> {
        match self.services.is_empty() {
            true => vec![None],
            false => self.services.iter().map(|&service| Some(service)).collect(),
        }
    }

    fn known(&self) -> impl Iterator<Item = usize> {
        self.services.iter().copied()
    }
}
