//! From fragments to the fleet: which file belongs to which environment and deployment, what runs,
//! whose settings are whose, who calls whom.
//!
//! Deterministic: everything is taken in the order of places. Precedence between files is recorded
//! in the origin of the value that wins. Nothing is judged here.

mod arena;
mod bound;
mod calls;
mod declared;
mod environment;
mod governing;
mod kustomize;
mod layers;
mod monitor;
mod mounts;
mod naming;
mod owners;
mod ownership;
mod precedence;
mod services;
mod territory;

use std::collections::{BTreeMap, BTreeSet};

use model::{Environment, FileId, Fleet, NotEvaluated, Subject};
use readers::{ComponentKind, Fragment, Role};

use crate::Globs;
use crate::collect::Place;
use crate::config::Config;
use arena::Arena;
use environment::Environments;
use kustomize::Overlays;
use territory::{Claim, Territories, parent};

/// The name of the environment of files that name none.
const SHARED: &str = "default";

/// What joining gives.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    /// The fleet.
    pub(crate) fleet: Fleet,
    /// Every environment there is, asked for or not.
    pub(crate) names: BTreeSet<String>,
    /// Files that were attributed to a service by a guess, with the guess in words. A finding that
    /// needs more than one file and rests on one of these is assumed.
    pub(crate) guesses: BTreeMap<FileId, String>,
    /// Declarations of `forewarn.toml` that met nothing.
    pub(crate) unmet: Vec<NotEvaluated>,
    /// Declarations that met something so far.
    met: declared::Met,
}

/// One file with everything known about its place.
struct Part<'a> {
    place: &'a Place,
    fragment: &'a Fragment,
    /// The directory that the paths in it start from.
    base: &'a str,
    environment: Option<String>,
    territory: String,
    /// A kustomization applies it as a patch to other files.
    is_patch: bool,
    /// Where its layers hold.
    conditions: Vec<layers::Condition>,
}

/// Joins fragments, each with its place, in the order of places. `wanted` names the environments to
/// build; all where empty.
pub(crate) fn join(files: &[(&Place, &Fragment)], config: &Config, wanted: &[String]) -> Joined {
    let included: BTreeSet<FileId> =
        files.iter().flat_map(|(_, fragment)| fragment.included.iter().copied()).collect();
    let files: Vec<(&Place, &Fragment)> =
        files.iter().filter(|(place, _)| !included.contains(&place.id)).copied().collect();

    let overlays = Overlays::new(&files);
    let environments = Environments::new(
        config.environments.iter().map(|(name, globs)| (name.clone(), Globs::new(globs))).collect(),
        files.iter().map(|(place, _)| place.place.as_str()),
    );
    let environment_of =
        |place: &str| environments.of(place).or_else(|| overlays.environment_of(place).map(str::to_owned));
    let named: Vec<Option<String>> = files.iter().map(|(place, _)| environment_of(&place.place)).collect();
    let platforms = platforms(&files, &named, &overlays);

    let standings = standings(&files);
    let claims = claims(&files, &named, &standings, &overlays);
    let territories = Territories::new(&claims);
    let parts: Vec<Part<'_>> = files
        .iter()
        .zip(mounts::bases(&files))
        .zip(named.iter().zip(platforms).zip(standings))
        .map(|((&(place, fragment), base), ((named, platform), standing))| Part {
            place,
            fragment,
            base,
            conditions: layers::conditions(fragment, named.as_deref()),
            environment: named.clone().or(platform),
            territory: match standing {
                Some(Standing::Variant) => place.place.clone(),
                _ => territories.of(&place.place).to_owned(),
            },
            is_patch: overlays.is_patch(place.id),
        })
        .collect();

    let of_territories = environments_of_territories(&parts);
    let platform_names: BTreeSet<&str> =
        files.iter().filter_map(|(_, fragment)| platform(fragment)).collect();
    let names: BTreeSet<String> = of_territories.values().flatten().cloned().collect();
    let mut joined = Joined { unmet: declared::unmet(&parts, config), ..Joined::default() };
    joined.unmet.extend(overlays.missing(&files));
    let of_parts: Vec<&BTreeSet<String>> =
        parts.iter().map(|part| &of_territories[part.territory.as_str()]).collect();
    let mut arena = Arena::default();
    for name in names.iter().filter(|name| wanted.is_empty() || wanted.contains(name)) {
        let active: Vec<usize> = (0..parts.len())
            .filter(|&index| match &parts[index].environment {
                Some(own) => own == name,
                None if is_of_another_platform(parts[index].fragment, name, &platform_names) => false,
                None => of_parts[index].contains(name),
            })
            .collect();
        let environment = build(name, &parts, &active, &overlays, config, &mut arena, &mut joined);
        joined.fleet.environments.push(environment);
    }
    for name in wanted {
        if !joined.fleet.environments.iter().any(|environment| environment.name == *name) {
            joined.unmet.push(NotEvaluated {
                rule: "forewarn.toml",
                subject: Subject::Setting(format!("environment {name}")),
                needs: format!("a file of this environment; the environments here are: {}", listed(&names)),
            });
        }
    }
    let missed = joined.met.missed(config, &names, wanted.is_empty());
    joined.unmet.extend(missed);
    joined.fleet.hash_times = declared::hash_times(config);
    joined.fleet.settings = arena.settings;
    joined.fleet.groups = arena.groups;
    joined.unmet.sort();
    joined.unmet.dedup();
    joined.names = names;
    joined
}

fn listed(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The environments of each territory: those that its files name. What a territory's files share
/// belongs to each of them, and to none that only another territory knows.
fn environments_of_territories<'a>(parts: &'a [Part<'_>]) -> BTreeMap<&'a str, BTreeSet<String>> {
    let mut named: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for part in parts {
        let environments = named.entry(&part.territory).or_default();
        environments.extend(part.environment.clone());
        environments.extend(part.conditions.iter().flat_map(|condition| condition.environments.clone()));
    }
    named.into_iter().map(|(territory, names)| (territory, Environments::to_build(names))).collect()
}

/// One environment's picture, of the parts that hold in it.
fn build(
    name: &str,
    parts: &[Part<'_>],
    active: &[usize],
    overlays: &Overlays,
    config: &Config,
    arena: &mut Arena,
    joined: &mut Joined,
) -> Environment {
    let idle = overlays.idle(name, parts.iter().map(|part| (part.place.id, part.environment.as_deref())));
    let mut services = services::Services::new(parts, active, &idle, config);
    let mut owned = ownership::own(name, parts, active, &idle, config, &mut services, arena);
    joined.guesses.extend(owned.guesses.iter().map(|(file, guess)| (*file, guess.clone())));
    joined.unmet.extend(owned.undecided.iter().cloned());
    let calls = calls::calls(name, parts, &mut owned, config, &mut services, arena, &mut joined.met);
    let monitor = monitor::monitor(parts, active, config);
    Environment { monitor, ..services.into_environment(name, &owned, calls) }
}

/// Who defines which workload, for the borders between territories. Patches define nothing, and
/// neither do alternatives that are a territory of their own anyway.
fn claims<'a>(
    files: &[(&'a Place, &'a Fragment)],
    named: &'a [Option<String>],
    standings: &[Option<Standing>],
    overlays: &Overlays,
) -> Vec<Claim<'a>> {
    let mut claims = Vec::new();
    for ((&(place, fragment), environment), standing) in files.iter().zip(named).zip(standings) {
        let extends_or_varies = standing.is_some_and(|standing| standing != Standing::Ordinary);
        if overlays.is_patch(place.id) || extends_or_varies {
            continue;
        }
        for component in &fragment.components {
            if component.kind == ComponentKind::Workload && !component.partial {
                claims.push(Claim {
                    place: &place.place,
                    name: &component.identity,
                    environment: environment.as_deref(),
                });
            }
        }
    }
    claims
}

/// The environment of files of no other environment that describe services for a platform of their own
/// which others describe too: two ways to run the same services are two environments.
fn platforms(
    files: &[(&Place, &Fragment)],
    named: &[Option<String>],
    overlays: &Overlays,
) -> Vec<Option<String>> {
    let workloads = |fragment: &'_ Fragment| -> BTreeSet<String> {
        let components = fragment.components.iter();
        components.filter(|c| c.kind == ComponentKind::Workload).map(|c| c.name.value.clone()).collect()
    };
    let elsewhere: BTreeSet<String> = files
        .iter()
        .filter(|(place, fragment)| !overlays.is_patch(place.id) && platform(fragment).is_none())
        .flat_map(|(_, fragment)| workloads(fragment))
        .collect();
    files
        .iter()
        .zip(named)
        .map(|((_, fragment), named)| {
            let twice = || workloads(fragment).iter().any(|name| elsewhere.contains(name));
            platform(fragment).filter(|_| named.is_none() && twice()).map(str::to_owned)
        })
        .collect()
}

/// The platform of its own that a file describes services for.
fn platform(fragment: &Fragment) -> Option<&'static str> {
    fragment.platform.as_ref().map(|platform| platform.name)
}

/// Whether an environment is that of a platform and a file describes what runs on another one.
fn is_of_another_platform(fragment: &Fragment, environment: &str, platforms: &BTreeSet<&str>) -> bool {
    platforms.contains(environment)
        && platform(fragment) != Some(environment)
        && fragment.components.iter().any(|component| component.kind != ComponentKind::Config)
}

/// What a file is to the others of its directory that describe the same deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// What runs.
    Ordinary,
    /// It extends the ordinary one.
    Extension,
    /// An alternative.
    Variant,
}

/// What each file is to the others of its platform. One that is called as an alternative and describes
/// nothing that another file of its directory describes too is an alternative to nothing: it says what
/// runs, alone or beside them.
fn standings(files: &[(&Place, &Fragment)]) -> Vec<Option<Standing>> {
    let mut described: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    let workloads = |fragment: &'_ Fragment| -> BTreeSet<String> {
        let components = fragment.components.iter();
        components.filter(|c| c.kind == ComponentKind::Workload).map(|c| c.identity.clone()).collect()
    };
    let all: Vec<BTreeSet<String>> = files.iter().map(|(_, fragment)| workloads(fragment)).collect();
    for ((place, fragment), workloads) in files.iter().zip(&all) {
        let Some(platform) = platform(fragment) else { continue };
        for identity in workloads {
            *described.entry((platform, parent(&place.place), identity)).or_default() += 1;
        }
    }
    let standing = |((place, fragment), workloads): (&(&Place, &Fragment), &BTreeSet<String>)| {
        let is_twice = |identity: &String| {
            let of = platform(fragment).map(|platform| (platform, parent(&place.place), identity.as_str()));
            of.and_then(|of| described.get(&of)).is_some_and(|&files| files > 1)
        };
        match standing(fragment)? {
            Standing::Variant if !workloads.iter().any(is_twice) => Some(Standing::Ordinary),
            standing => Some(standing),
        }
    };
    files.iter().zip(&all).map(standing).collect()
}

/// What a file's name says it is to the others of its platform, if it has one of its own.
fn standing(fragment: &Fragment) -> Option<Standing> {
    Some(match &fragment.platform.as_ref()?.role {
        Role::Ordinary => Standing::Ordinary,
        Role::Extension => Standing::Extension,
        Role::Called(word) if environment::is_environment(word) => Standing::Extension,
        Role::Called(_) | Role::Variant => Standing::Variant,
    })
}
