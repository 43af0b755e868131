//! Whose the layers of a configuration are and how they rank: by the name that a service gives itself, by
//! the file's name in a directory that holds a file for each service, else as for any other file. What
//! stands in such a directory under no service's name is every service's.
//!
//! Looks at names and conditions alone; which key wins is `precedence`'s affair.

use std::collections::{BTreeMap, BTreeSet};

use model::Origin;
use readers::{Fragment, Layer, LayerOf};

use super::Part;
use super::environment;
use super::mounts::Mounts;
use super::owners::FileOwners;
use super::services::Services;
use super::territory::parent;

/// Under which condition a layer holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Condition {
    /// It holds only under a condition, and so goes before what holds always.
    is_special: bool,
    /// The environments in which it holds; all where there are none.
    pub(super) environments: BTreeSet<String>,
    /// Its condition is no environment: it may or may not hold, so that it is merged into nothing.
    is_apart: bool,
}

/// The conditions of the layers of a file that belongs to an environment by its place, or to none.
pub(super) fn conditions(fragment: &Fragment, environment: Option<&str>) -> Vec<Condition> {
    let all = || fragment.layers.iter().flat_map(|layer| &layer.profiles);
    let is_beside_one = all().any(|profile| environment::is_surely_environment(profile));
    let condition = |layer: &Layer| {
        if layer.profiles.is_empty() || environment.is_some() {
            return Condition { is_special: !layer.profiles.is_empty(), ..Condition::default() };
        }
        let named = layer.profiles.iter().filter_map(|profile| environment::of_word(profile, is_beside_one));
        let environments: BTreeSet<String> = named.map(str::to_owned).collect();
        Condition { is_special: true, is_apart: environments.is_empty(), environments }
    };
    fragment.layers.iter().map(condition).collect()
}

/// Where a layer belongs.
#[derive(Debug)]
pub(super) struct Placed {
    /// The services it is of; none where that is not known.
    pub(super) services: BTreeSet<usize>,
    /// Its rank among the layers of a service; `None` where it stands by itself.
    pub(super) rank: Option<u8>,
    /// It is of several services by its place.
    pub(super) is_shared: bool,
    /// The guess in that, in words.
    pub(super) guess: Option<String>,
}

/// A layer: part and index there.
pub(crate) type LayerKey = (usize, usize);

/// What lies where, in the order in which it wins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Home {
    /// With the service itself.
    Own,
    /// For all services, beside their files.
    Shared,
    /// For the service, beside the files of others.
    Stored,
}

impl Home {
    /// The rank of a layer. What a configuration server hands out goes before what a service is packed
    /// with, what is for one service before what is for all, and what holds under a condition before
    /// what holds always.
    fn rank(self, is_special: bool, within: u8) -> u8 {
        /// More ranks than readers tell apart in one place.
        const WITHIN: u8 = 8;
        let place = match (self, is_special) {
            (Self::Own, false) => 0,
            (Self::Own, true) => 1,
            (Self::Shared, false) => 2,
            (Self::Stored, false) => 3,
            (Self::Shared, true) => 4,
            (Self::Stored, true) => 5,
        };
        place * WITHIN + within.min(WITHIN - 1)
    }
}

/// Places the layers that hold in an environment. `declared` finds the service that `forewarn.toml`
/// names for a file.
pub(super) fn place(
    environment: &str,
    parts: &[Part<'_>],
    active: &[usize],
    mounts: &Mounts,
    declared: &dyn Fn(&Part<'_>, &Services) -> Option<usize>,
    services: &mut Services,
) -> BTreeMap<LayerKey, Placed> {
    let holding: Vec<LayerKey> = active
        .iter()
        .flat_map(|&part| (0..parts[part].fragment.layers.len()).map(move |layer| (part, layer)))
        .filter(|&(part, layer)| {
            let environments = &parts[part].conditions[layer].environments;
            environments.is_empty() || environments.contains(environment)
        })
        .collect();
    let mut placing = Placing { parts, mounts, declared, services, own: BTreeMap::new() };
    placing.own(&holding);
    let stored = placing.stored(&holding);
    let mut placed = BTreeMap::new();
    for &key in &holding {
        placed.insert(key, placing.layer(key, &stored));
    }
    placed
}

struct Placing<'p, 'a> {
    parts: &'p [Part<'a>],
    mounts: &'p Mounts,
    declared: &'p dyn Fn(&Part<'_>, &Services) -> Option<usize>,
    services: &'p mut Services,
    /// The owners of directories whose service says its name.
    own: BTreeMap<String, FileOwners>,
}

/// Directories that hold a file for each service, with the services by the files' names.
type Stored = BTreeMap<String, BTreeMap<String, (usize, bool)>>;

impl Placing<'_, '_> {
    fn get(&self, (part, layer): LayerKey) -> &Layer {
        &self.parts[part].fragment.layers[layer]
    }

    fn directory(&self, (part, _): LayerKey) -> &str {
        parent(&self.parts[part].place.place)
    }

    /// Finds the services of directories by the names they give themselves.
    fn own(&mut self, holding: &[LayerKey]) {
        for &key in holding {
            let layer = self.get(key);
            let Some(name) = layer.name.clone().filter(|_| layer.of == LayerOf::Directory) else { continue };
            let directory = self.directory(key).to_owned();
            if self.own.contains_key(&directory) {
                continue;
            }
            let part = &self.parts[key.0];
            let owners = self.named(part, &name.value, &name.origin);
            self.own.insert(directory, owners);
        }
    }

    /// The service that a file says by a name.
    fn named(&mut self, part: &Part<'_>, name: &str, origin: &Origin) -> FileOwners {
        let declared = (self.declared)(part, self.services);
        let known = FileOwners::stated(part, declared, self.mounts)
            .or_else(|| self.known(name, part).map(FileOwners::certain))
            .or_else(|| FileOwners::found(part, self.mounts, self.services));
        let owners = known.unwrap_or_else(|| {
            let place = &part.place.place;
            let service =
                self.services.add_implicit(name.to_owned(), origin.clone(), place, &part.territory, false);
            FileOwners::certain(service)
        });
        for service in owners.known() {
            self.services.add_host(service, name);
        }
        owners
    }

    /// The service of this name in the territory of a file.
    fn known(&self, name: &str, part: &Part<'_>) -> Option<usize> {
        self.services.in_territory(name, &part.territory)
    }

    /// Finds the directories that hold a file for each service.
    fn stored(&mut self, holding: &[LayerKey]) -> Stored {
        let mut names: BTreeMap<String, BTreeMap<String, LayerKey>> = BTreeMap::new();
        let mut shares: BTreeSet<String> = BTreeSet::new();
        for &key in holding {
            let directory = self.directory(key).to_owned();
            match &self.get(key).of {
                LayerOf::Named(name) => {
                    names.entry(directory).or_default().entry(name.clone()).or_insert(key);
                }
                LayerOf::Directory => {
                    shares.insert(directory);
                }
                LayerOf::Tests => {}
            }
        }
        let mut stored = Stored::new();
        for (directory, files) in names {
            if self.own.contains_key(&directory) {
                continue;
            }
            let is_store = files.len() > 1 || shares.contains(&directory);
            for (name, &key) in &files {
                let part = &self.parts[key.0];
                let (service, has_profile) = without_profile(name, |name| {
                    self.known(name, part).is_some() || files.contains_key(name)
                });
                if !is_store && !has_profile && self.known(service, part).is_none() {
                    continue;
                }
                let layer = self.get(key);
                let origin = Origin::Written(layer.extent);
                let owners = self.named(part, service, &origin);
                if let Some(owner) = owners.known().next() {
                    stored.entry(directory.clone()).or_default().insert(name.clone(), (owner, has_profile));
                }
            }
        }
        stored
    }

    fn layer(&mut self, key: LayerKey, stored: &Stored) -> Placed {
        let part = &self.parts[key.0];
        let layer = self.get(key).clone();
        let condition = &part.conditions[key.1];
        let directory = self.directory(key).to_owned();
        let placed = |owners: FileOwners, home: Home, is_apart: bool, is_special: bool| Placed {
            rank: (!is_apart).then(|| home.rank(is_special, layer.rank)),
            is_shared: home == Home::Shared,
            services: owners.services,
            guess: owners.guess,
        };
        let (apart, special) = (condition.is_apart, condition.is_special);
        match &layer.of {
            LayerOf::Tests => placed(FileOwners::none(), Home::Own, true, special),
            LayerOf::Named(name) => {
                if let Some(&(service, has_profile)) = stored.get(&directory).and_then(|all| all.get(name)) {
                    let is_named = part.environment.is_some();
                    let apart = apart || has_profile && !is_named;
                    return placed(FileOwners::certain(service), Home::Stored, apart, special || has_profile);
                }
                // Beside a service's own files: it is read if one of them names it.
                let owners = self.own.get(&directory).cloned();
                let owners = owners.unwrap_or_else(|| self.file(part));
                placed(owners, Home::Own, true, special)
            }
            LayerOf::Directory => {
                if let Some(owners) = self.own.get(&directory).cloned() {
                    return placed(owners, Home::Own, apart, special);
                }
                let services: BTreeSet<usize> =
                    stored.get(&directory).into_iter().flatten().map(|(_, &(service, _))| service).collect();
                if services.is_empty() {
                    return placed(self.file(part), Home::Own, apart, special);
                }
                let place = &part.place.place;
                let guess = format!("that `{place}` configures each service that has a file beside it");
                placed(
                    FileOwners { services, guess: Some(guess), is_book: false },
                    Home::Shared,
                    apart,
                    special,
                )
            }
        }
    }

    /// The owners of a file that says no name.
    fn file(&mut self, part: &Part<'_>) -> FileOwners {
        let declared = (self.declared)(part, self.services);
        FileOwners::of(part, declared, self.mounts, self.services)
    }
}

/// The service in a file's name, and whether a profile stands behind it: `gateway-prod` is the gateway's
/// where `prod` is an environment, or where a `gateway` is known.
fn without_profile(name: &str, is_known: impl Fn(&str) -> bool) -> (&str, bool) {
    let environment = name.rsplit_once('-').filter(|(_, profile)| environment::is_environment(profile));
    if let Some((service, _)) = environment {
        return (service, true);
    }
    if is_known(name) && !name.contains('-') {
        return (name, false);
    }
    let known = name.match_indices('-').map(|(at, _)| &name[..at]).rfind(|service| is_known(service));
    known.map_or((name, false), |service| (service, true))
}
