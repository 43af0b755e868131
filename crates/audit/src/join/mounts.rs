//! Who takes its configuration from which file, directory, ConfigMap or Secret. Guesses nothing.

use std::collections::{BTreeMap, BTreeSet};

use model::FileId;
use readers::{Fragment, MountKind};

use super::Part;
use super::services::Services;
use super::territory::{is_below, parent};
use crate::collect::Place;
use crate::place::join_paths;

/// Who takes its configuration from where.
#[derive(Default)]
pub(super) struct Mounts {
    /// By path, of files and directories alike.
    paths: BTreeMap<String, Vec<Mounted>>,
    /// By the directory that is built.
    builds: BTreeMap<String, BTreeSet<usize>>,
    /// Mounted directories that hold the file that mounts them.
    deployments: BTreeSet<String>,
    /// ConfigMap or Secret by territory, with the services that mount it.
    configs: BTreeMap<(String, MountKind), BTreeSet<usize>>,
    /// What is mounted by something that does not run in this environment.
    elsewhere: BTreeSet<String>,
    /// Files whose variables another file puts into what it says.
    interpolated: BTreeSet<FileId>,
}

/// Who mounts a path.
struct Mounted {
    service: usize,
    /// The path leads somewhere only from a directory above the file that it is written in.
    from_above: bool,
}

impl Mounts {
    pub(super) fn new(parts: &[Part<'_>], active: &[usize], services: &Services) -> Self {
        let mut mounts = Self::default();
        let runs: BTreeSet<usize> = active.iter().copied().collect();
        for (index, part) in parts.iter().enumerate() {
            mounts.interpolated.extend(&part.fragment.interpolated);
            let (own, base) = (parent(&part.place.place), part.base);
            for mount in &part.fragment.mounts {
                let service = services.of_component((index, mount.component));
                let service = service.filter(|_| runs.contains(&index));
                match (&mount.what, service) {
                    (MountKind::Path(path) | MountKind::EnvFile(path), Some(service)) => {
                        let path = join_paths(base, path);
                        if path == base || is_below(base, &path) {
                            mounts.deployments.insert(path.clone());
                        }
                        let mounted = Mounted { service, from_above: base != own };
                        mounts.paths.entry(path).or_default().push(mounted);
                    }
                    (MountKind::Path(path) | MountKind::EnvFile(path), None) => {
                        mounts.elsewhere.insert(join_paths(base, path));
                    }
                    (MountKind::Build(path), Some(service)) => {
                        mounts.builds.entry(join_paths(base, path)).or_default().insert(service);
                    }
                    (MountKind::ConfigMap(_) | MountKind::Secret(_), Some(service)) => {
                        let territory = services.get(service).territory.clone();
                        mounts.configs.entry((territory, mount.what.clone())).or_default().insert(service);
                    }
                    (_, None) => {}
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
                        let mounted = owners.iter().map(|&service| Mounted { service, from_above: false });
                        mounts.paths.entry(path.clone()).or_default().extend(mounted);
                    }
                }
            }
        }
        mounts
    }

    /// The services that mount a ConfigMap or Secret of a territory; one unknown where none does.
    pub(super) fn of_config(&self, key: &(String, MountKind)) -> Vec<Option<usize>> {
        match self.configs.get(key) {
            Some(services) => services.iter().map(|&service| Some(service)).collect(),
            None => vec![None],
        }
    }

    /// The services that mount the file itself or the directory it lies in, and whether that is seen
    /// from a directory above the mounting file only. A directory that holds the mounting file too holds
    /// the whole deployment, and says nothing about one file.
    pub(super) fn of_file(&self, place: &str) -> (BTreeSet<usize>, bool) {
        let directory = Some(parent(place)).filter(|directory| !self.deployments.contains(*directory));
        let here = std::iter::once(place).chain(directory);
        let mounted: Vec<&Mounted> = here.filter_map(|path| self.paths.get(path)).flatten().collect();
        let from_above = mounted.iter().any(|mounted| mounted.from_above);
        (mounted.iter().map(|mounted| mounted.service).collect(), from_above)
    }

    /// Whether what mounts a file does not run in this environment.
    pub(super) fn is_of_elsewhere(&self, place: &str) -> bool {
        self.elsewhere.contains(place) || self.elsewhere.contains(parent(place))
    }

    /// Whether the variables of a file reach services through another file.
    pub(super) fn is_interpolated(&self, file: FileId) -> bool {
        self.interpolated.contains(&file)
    }

    /// The services that mount a directory around it, the nearest one.
    pub(super) fn of_directory(&self, place: &str) -> BTreeSet<usize> {
        let nearest = directories(place).find_map(|directory| self.paths.get(directory));
        nearest.into_iter().flatten().map(|mounted| mounted.service).collect()
    }

    /// The services that are built from a directory around it, the nearest one.
    pub(super) fn of_build(&self, place: &str) -> BTreeSet<usize> {
        directories(place).find_map(|directory| self.builds.get(directory)).cloned().unwrap_or_default()
    }
}

/// The directories that a place lies in, the nearest first. The top of the tree is nobody's.
fn directories(place: &str) -> impl Iterator<Item = &str> {
    above(place).filter(|directory| !directory.is_empty())
}

/// For each file the directory that its paths start from: its own, or of a platform's file the one above
/// from which they lead somewhere; see [`readers::Platform`].
pub(super) fn bases<'a>(files: &[(&'a Place, &'a Fragment)]) -> Vec<&'a str> {
    /// So many files must show it before others, whose paths lead nowhere at all, are read so too.
    const SHOWN: usize = 2;
    let places: BTreeSet<&str> = files.iter().map(|(place, _)| place.place.as_str()).collect();
    let leads = |base: &str, path: &str| {
        let path = join_paths(base, path);
        let inside = format!("{path}/");
        places.contains(path.as_str())
            || places.range(inside.as_str()..).next().is_some_and(|place| place.starts_with(&inside))
    };
    let mut bases: Vec<&str> = files.iter().map(|(place, _)| parent(&place.place)).collect();
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    let mut lost = Vec::new();
    for (index, (_, fragment)) in files.iter().enumerate().filter(|(_, file)| file.1.platform.is_some()) {
        let own = bases[index];
        let down: Vec<&str> = fragment.mounts.iter().filter_map(|mount| downward(&mount.what)).collect();
        if own.is_empty() || down.is_empty() || down.iter().any(|path| leads(own, path)) {
            continue;
        }
        let is_file = |base: &str| down.iter().any(|path| places.contains(&*join_paths(base, path)));
        match above(own).find(|base| is_file(base)) {
            Some(base) => {
                bases[index] = base;
                *shown.entry(base).or_default() += 1;
            }
            None => lost.push(index),
        }
    }
    for index in lost {
        let is_shown = |base: &&str| shown.get(base).is_some_and(|&files| files >= SHOWN);
        bases[index] = above(bases[index]).find(is_shown).unwrap_or(bases[index]);
    }
    bases
}

/// The directories above one, the nearest first.
fn above(directory: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(directory), |path| (!path.is_empty()).then(|| parent(path))).skip(1)
}

/// A path that leads into the directory it is written in.
fn downward(what: &MountKind) -> Option<&str> {
    let (MountKind::Path(path) | MountKind::EnvFile(path) | MountKind::Build(path)) = what else {
        return None;
    };
    let path = path.trim_start_matches("./");
    let leads_down = !path.is_empty() && path != "." && !path.starts_with(['/', '~', '$']);
    (leads_down && !path.starts_with("..")).then_some(path)
}
