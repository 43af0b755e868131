//! Who takes its configuration from which file, directory, ConfigMap or Secret. Guesses nothing.

use std::collections::{BTreeMap, BTreeSet};

use readers::MountKind;

use super::Part;
use super::services::Services;
use super::territory::{is_below, parent};
use crate::place::join_paths;

/// Who takes its configuration from where.
#[derive(Default)]
pub(super) struct Mounts {
    /// Path (file or directory), service; files and directories alike.
    paths: Vec<(String, usize)>,
    builds: Vec<(String, usize)>,
    /// Mounted directories that hold the file that mounts them.
    deployments: BTreeSet<String>,
    /// ConfigMap or Secret by territory, with the services that mount it.
    configs: BTreeMap<(String, MountKind), BTreeSet<usize>>,
}

impl Mounts {
    pub(super) fn new(parts: &[Part<'_>], active: &[usize], services: &Services) -> Self {
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
    pub(super) fn of_config(&self, key: &(String, MountKind)) -> Vec<Option<usize>> {
        match self.configs.get(key) {
            Some(services) => services.iter().map(|&service| Some(service)).collect(),
            None => vec![None],
        }
    }

    /// The services that mount the file itself or the directory it lies in. A directory that holds the
    /// mounting file too holds the whole deployment, and says nothing about one file.
    pub(super) fn of_file(&self, place: &str) -> BTreeSet<usize> {
        let here = |path: &str| path == place || (path == parent(place) && !self.deployments.contains(path));
        self.paths.iter().filter(|(path, _)| here(path)).map(|&(_, service)| service).collect()
    }

    /// The services that mount a directory around it, the nearest one.
    pub(super) fn of_directory(&self, place: &str) -> BTreeSet<usize> {
        deepest(&self.paths, place)
    }

    pub(super) fn of_build(&self, place: &str) -> BTreeSet<usize> {
        deepest(&self.builds, place)
    }
}

/// The services of the deepest directory above a place. The top of the tree is nobody's.
fn deepest(directories: &[(String, usize)], place: &str) -> BTreeSet<usize> {
    let above = || directories.iter().filter(|(path, _)| !path.is_empty() && is_below(place, path));
    let depth = above().map(|(path, _)| path.len()).max();
    above().filter(|(path, _)| Some(path.len()) == depth).map(|&(_, service)| service).collect()
}
