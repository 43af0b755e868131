//! Kustomizations: which manifests are patches, which overlays exist, and which patches hold in
//! which environment. Knows only what the fragments say; the reader has parsed them.

use std::collections::{BTreeMap, BTreeSet};

use model::{FileId, NotEvaluated, Subject};
use readers::Fragment;

use super::territory::{is_below, parent};
use crate::collect::Place;
use crate::place::join_paths;

/// The kustomizations of a tree.
#[derive(Debug, Default)]
pub(crate) struct Overlays {
    nodes: BTreeMap<FileId, Node>,
    patches: BTreeSet<FileId>,
    /// Overlay directories that no word of the path assigns to an environment, with the name they get.
    variants: Vec<(String, String)>,
}

#[derive(Debug, Default)]
struct Node {
    /// Kustomizations it builds on.
    bases: Vec<FileId>,
    /// Patch files it applies.
    patches: Vec<FileId>,
    /// Somebody builds on it.
    is_base: bool,
    /// It brings manifests of its own or of a base; without any it does nothing alone.
    has_resources: bool,
}

impl Overlays {
    pub(crate) fn new(files: &[(&Place, &Fragment)]) -> Self {
        let by_place: BTreeMap<&str, FileId> =
            files.iter().map(|(place, _)| (place.place.as_str(), place.id)).collect();
        let mut overlays = Self::default();
        let mut outward: Vec<(FileId, &str)> = Vec::new();
        for (place, fragment) in files {
            let Some(kustomization) = &fragment.kustomization else { continue };
            let directory = parent(&place.place);
            let mut node = Node { has_resources: !kustomization.resources.is_empty(), ..Node::default() };
            for resource in &kustomization.resources {
                let path = join_paths(directory, resource);
                let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
                node.bases
                    .extend(names.iter().find_map(|name| by_place.get(format!("{path}/{name}").as_str())));
                if !is_below(&path, directory) {
                    outward.push((place.id, directory));
                }
            }
            for patch in &kustomization.patches {
                node.patches.extend(by_place.get(join_paths(directory, patch).as_str()));
            }
            overlays.patches.extend(&node.patches);
            overlays.nodes.insert(place.id, node);
        }
        let bases: Vec<FileId> = overlays.nodes.values().flat_map(|node| node.bases.clone()).collect();
        for base in bases {
            if let Some(node) = overlays.nodes.get_mut(&base) {
                node.is_base = true;
            }
        }
        outward.dedup();
        let tops: Vec<&str> = outward
            .iter()
            .filter(|(id, _)| overlays.nodes.get(id).is_some_and(|node| !node.is_base))
            .map(|&(_, directory)| directory)
            .collect();
        if tops.len() > 1 {
            overlays.variants = tops
                .iter()
                .map(|&directory| {
                    (directory.to_owned(), directory.rsplit('/').next().unwrap_or(directory).to_owned())
                })
                .collect();
        }
        overlays
    }

    /// Resources and patches of kustomizations that are not among the files.
    pub(crate) fn missing(&self, files: &[(&Place, &Fragment)]) -> Vec<NotEvaluated> {
        let mut missing = Vec::new();
        for (place, fragment) in files {
            let Some(kustomization) = &fragment.kustomization else { continue };
            for path in kustomization.resources.iter().chain(&kustomization.patches) {
                let joined = join_paths(parent(&place.place), path);
                let is_here = |place: &str| place == joined || is_below(place, &joined);
                if !files.iter().any(|(place, _)| is_here(&place.place)) {
                    missing.push(NotEvaluated {
                        rule: "kustomization",
                        subject: Subject::Setting(place.place.clone()),
                        needs: format!(
                            "`{path}` of `{}`, which is not among the files; name a directory that holds both",
                            place.place
                        ),
                    });
                }
            }
        }
        missing
    }

    /// Whether a file is applied as a patch to others.
    pub(crate) fn is_patch(&self, file: FileId) -> bool {
        self.patches.contains(&file)
    }

    /// The environment of a file in an overlay's directory that no word of its path names: one of
    /// several overlays is an environment of its own, called as its directory.
    pub(crate) fn environment_of(&self, place: &str) -> Option<&str> {
        self.variants.iter().find(|(directory, _)| is_below(place, directory)).map(|(_, name)| name.as_str())
    }

    /// The files whose patches do not hold in an environment: patch files and kustomizations with
    /// inline patches that no overlay of this environment, or of none, reaches.
    pub(crate) fn idle<'a>(
        &self,
        environment: &str,
        files: impl Iterator<Item = (FileId, Option<&'a str>)>,
    ) -> BTreeSet<FileId> {
        let mut open: Vec<FileId> = files
            .filter(|&(_, of)| of.is_none_or(|of| of == environment))
            .filter(|(id, _)| self.nodes.get(id).is_some_and(|node| !node.is_base && node.has_resources))
            .map(|(id, _)| id)
            .collect();
        let mut reached = BTreeSet::new();
        while let Some(id) = open.pop() {
            if let Some(node) = self.nodes.get(&id)
                && reached.insert(id)
            {
                open.extend(&node.bases);
                reached.extend(&node.patches);
            }
        }
        let governed = self.nodes.keys().chain(&self.patches);
        governed.copied().filter(|id| !reached.contains(id)).collect()
    }
}
