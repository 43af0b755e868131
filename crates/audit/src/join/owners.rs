//! Whose settings a file holds that does not say it itself: what is declared, who mounts it; else, as
//! a guess that says so, who its name, its path, or what is built or mounted around it points at.

use std::collections::BTreeSet;

use model::Origin;
use readers::Owner;

use super::Part;
use super::calls::{Callee, callee};
use super::mounts::Mounts;
use super::naming::name_of_file;
use super::services::Services;

/// A file that names so many workloads of its deployment, and at least half of them, and that none of
/// them takes, lists addresses: a service that calls them all is itself part of the deployment, and says
/// whose configuration it takes.
const BOOK: usize = 4;

/// Whose settings a file holds.
#[derive(Debug, Clone)]
pub(super) struct FileOwners {
    pub(super) services: BTreeSet<usize>,
    pub(super) guess: Option<String>,
    /// It says where services are, and which service reads it is not known.
    pub(super) is_book: bool,
}

/// A service of which only a file tells.
enum Implied {
    Nothing,
    Service(usize),
    Book,
}

impl FileOwners {
    /// The owners of a file: those that are found, else a service of which only the file tells.
    pub(super) fn of(
        part: &Part<'_>,
        declared: Option<usize>,
        mounts: &Mounts,
        services: &mut Services,
    ) -> Self {
        let place = &part.place.place;
        if let Some(stated) = Self::stated(part, declared, mounts) {
            return stated;
        }
        if mounts.is_interpolated(part.place.id) {
            return Self::none();
        }
        if let Some(found) = Self::found(part, mounts, services) {
            return found;
        }
        if mounts.is_of_elsewhere(place) {
            return Self::none();
        }
        match Self::implied(part, services) {
            Implied::Nothing => Self::none(),
            Implied::Book => Self { is_book: true, ..Self::none() },
            // A proxy's file is a proxy; any other file may be read by several services or by none.
            Implied::Service(service) if part.fragment.forwards => Self::certain(service),
            Implied::Service(service) => {
                let name = &services.get(service).name;
                Self::guessed(
                    service,
                    format!("that `{place}` configures one service, which is called {name} here"),
                )
            }
        }
    }

    /// The owners that something written says: a declaration, a mount.
    pub(super) fn stated(part: &Part<'_>, declared: Option<usize>, mounts: &Mounts) -> Option<Self> {
        if let Some(service) = declared {
            return Some(Self::certain(service));
        }
        let place = &part.place.place;
        let (mounted, from_above) = mounts.of_file(place);
        let guess = from_above
            .then(|| format!("that what mounts `{place}` is started in a directory above its own file"));
        (!mounted.is_empty()).then_some(Self { services: mounted, guess, is_book: false })
    }

    /// The owners that names, builds and directories suggest.
    pub(super) fn found(part: &Part<'_>, mounts: &Mounts, services: &Services) -> Option<Self> {
        let place = &part.place.place;
        let by_path =
            services.in_path(place, &part.territory).filter(|&found| services.get(found).reaches(place));
        let built = mounts.of_build(place);
        let name = |service: usize| &services.get(service).name;
        // Alternative deployments may each build it.
        let by_build = built.first().copied().filter(|&first| built.iter().all(|&s| name(s) == name(first)));
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
            return Some(Self { services: built, guess: Some(guess), is_book: false });
        }
        if let Some(service) = by_path {
            return Some(Self::guessed(
                service,
                format!("that `{place}` configures {}, by its path", name(service)),
            ));
        }
        let around = mounts.of_directory(place);
        let guess = format!("that `{place}` configures each service that mounts its directory");
        (!around.is_empty()).then_some(Self { services: around, guess: Some(guess), is_book: false })
    }

    /// The one service that says so.
    pub(super) fn certain(service: usize) -> Self {
        Self { services: BTreeSet::from([service]), guess: None, is_book: false }
    }

    /// Nobody.
    pub(super) fn none() -> Self {
        Self { services: BTreeSet::new(), guess: None, is_book: false }
    }

    fn guessed(service: usize, guess: String) -> Self {
        Self { services: BTreeSet::from([service]), guess: Some(guess), is_book: false }
    }

    /// A service of which only this file tells: it calls others, so something reads it. Not so a list of
    /// addresses that any of the services in it may read.
    fn implied(part: &Part<'_>, services: &mut Services) -> Implied {
        let groups = part.fragment.groups.iter().filter(|group| !matches!(group.owner, Owner::Component(_)));
        let mut first = None;
        let mut called = BTreeSet::new();
        for group in groups {
            for found in group
                .targets
                .iter()
                .filter_map(|target| callee(part, &part.territory, target, group, services))
            {
                first = first.or(Some(group.at));
                if let Callee::Known(service) | Callee::Around(service) = found {
                    called.insert(service);
                }
            }
        }
        let (Some(at), place) = (first, &part.place.place) else { return Implied::Nothing };
        let name = name_of_file(place);
        let runs = services.workloads(&part.territory);
        let called = called.into_iter().filter(|&service| !services.get(service).is_external()).count();
        let names_most = called >= BOOK && called * 2 >= runs;
        if !part.fragment.forwards && (names_most || (name.is_none() && called > 1)) {
            return Implied::Book;
        }
        let name = name.unwrap_or_else(|| place.clone());
        Implied::Service(services.add_implicit(name, Origin::Written(at), place, &part.territory, false))
    }

    /// Whether several services of one deployment share the file and it holds several addresses.
    fn share_addresses(&self, part: &Part<'_>, services: &Services) -> bool {
        let of_file = part.fragment.groups.iter().filter(|group| group.owner == Owner::File);
        let hosts: BTreeSet<&str> =
            of_file.flat_map(|group| &group.targets).map(|target| target.address.host.as_str()).collect();
        let mut territories = BTreeSet::new();
        let shared =
            self.services.iter().any(|&service| !territories.insert(&services.get(service).territory));
        shared && hosts.len() > 1
    }

    /// What would have to be known to say who makes the calls of a file; `None` where that is known.
    pub(super) fn undecided(&self, part: &Part<'_>, services: &Services) -> Option<String> {
        let place = &part.place.place;
        if self.is_book {
            return Some(format!(
                "which service reads `{place}`, and which of its addresses that calls; declare it with [[service]], or each call with [[call]]"
            ));
        }
        self.share_addresses(part, services).then(|| {
            let count = self.services.len();
            format!(
                "which of the {count} services that share `{place}` call which of its addresses; declare each with [[call]]"
            )
        })
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
