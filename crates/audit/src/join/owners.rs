//! Whose settings a file holds that does not say it itself: what is declared, who mounts it; else, as
//! a guess that says so, who its name, its path, or what is built or mounted around it points at.

use std::collections::BTreeSet;

use model::Origin;
use readers::Owner;

use super::Part;
use super::calls::callee;
use super::mounts::Mounts;
use super::naming::name_of_file;
use super::services::Services;

/// Whose settings a file holds.
#[derive(Debug, Clone)]
pub(super) struct FileOwners {
    pub(super) services: BTreeSet<usize>,
    pub(super) guess: Option<String>,
}

impl FileOwners {
    /// The owners of a file: those that are found, else a service of which only the file tells.
    pub(super) fn of(
        part: &Part<'_>,
        declared: Option<usize>,
        mounts: &Mounts,
        services: &mut Services,
    ) -> Self {
        if let Some(found) =
            Self::stated(part, declared, mounts).or_else(|| Self::found(part, mounts, services))
        {
            return found;
        }
        let place = &part.place.place;
        let Some(service) = Self::implied(part, services) else {
            return Self::none();
        };
        let name = &services.get(service).name;
        let guess = format!("that `{place}` configures one service, which is called {name} here");
        // A proxy's file is a proxy; any other file may be read by several services or by none.
        let guess = (!part.fragment.forwards).then_some(guess);
        Self { services: BTreeSet::from([service]), guess }
    }

    /// The owners that something written says: a declaration, a mount.
    pub(super) fn stated(part: &Part<'_>, declared: Option<usize>, mounts: &Mounts) -> Option<Self> {
        if let Some(service) = declared {
            return Some(Self::certain(service));
        }
        let mounted = mounts.of_file(&part.place.place);
        (!mounted.is_empty()).then_some(Self { services: mounted, guess: None })
    }

    /// The owners that names, builds and directories suggest.
    pub(super) fn found(part: &Part<'_>, mounts: &Mounts, services: &Services) -> Option<Self> {
        let place = &part.place.place;
        let by_path =
            services.in_path(place, &part.territory).filter(|&found| services.get(found).reaches(place));
        let built = mounts.of_build(place);
        let by_build = built.first().copied().filter(|_| built.len() == 1);
        let name = |service: usize| &services.get(service).name;
        // A directory can build one service and hold files named after others.
        let by_own_name = by_path.filter(|&service| services.is_named_by_file(service, place));
        if let Some(service) = by_own_name.filter(|service| !built.contains(service)) {
            return Some(Self::guessed(
                service,
                format!("that `{place}` configures {}, by its name", name(service)),
            ));
        }
        if let Some(service) = by_build {
            let guess =
                format!("that `{place}` configures {}, which is built from its directory", name(service));
            return Some(Self::guessed(service, guess));
        }
        if let Some(service) = by_path {
            return Some(Self::guessed(
                service,
                format!("that `{place}` configures {}, by its path", name(service)),
            ));
        }
        let around = mounts.of_directory(place);
        let guess = format!("that `{place}` configures each service that mounts its directory");
        (!around.is_empty()).then_some(Self { services: around, guess: Some(guess) })
    }

    /// The one service that says so.
    pub(super) fn certain(service: usize) -> Self {
        Self { services: BTreeSet::from([service]), guess: None }
    }

    /// Nobody.
    pub(super) fn none() -> Self {
        Self { services: BTreeSet::new(), guess: None }
    }

    fn guessed(service: usize, guess: String) -> Self {
        Self { services: BTreeSet::from([service]), guess: Some(guess) }
    }

    /// A service of which only this file tells: it calls others, so something reads it.
    fn implied(part: &Part<'_>, services: &mut Services) -> Option<usize> {
        let of_file =
            || part.fragment.groups.iter().filter(|group| !matches!(group.owner, Owner::Component(_)));
        let calls = |group: &&readers::Group| {
            group.targets.iter().any(|target| callee(part, target, group, services).is_some())
        };
        let at = of_file().find(calls)?.at;
        let (name, place) = (name_of_file(&part.place.place), &part.place.place);
        Some(services.add_implicit(name, Origin::Written(at), place, &part.territory, false))
    }

    /// Whether several services share the file and it holds several addresses.
    pub(super) fn share_addresses(&self, part: &Part<'_>) -> bool {
        let of_file = part.fragment.groups.iter().filter(|group| group.owner == Owner::File);
        let hosts: BTreeSet<&str> =
            of_file.flat_map(|group| &group.targets).map(|target| target.address.host.as_str()).collect();
        self.services.len() > 1 && hosts.len() > 1
    }

    pub(super) fn known(&self) -> impl Iterator<Item = usize> {
        self.services.iter().copied()
    }
}

/// Owners; one unknown owner where there is none.
pub(super) fn each(services: &BTreeSet<usize>) -> Vec<Option<usize>> {
    match services.is_empty() {
        true => vec![None],
        false => services.iter().map(|&service| Some(service)).collect(),
    }
}
