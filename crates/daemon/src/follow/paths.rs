//! The paths that a log's patterns lead to: as they are written, or every match of a glob.

use std::path::{Component, Path, PathBuf};

use globset::{Glob, GlobMatcher};

use super::disk;

/// How many directories deep `**` goes.
const DEEP: usize = 16;

/// A path as it is written, part by part.
#[derive(Debug)]
pub(super) struct Pattern {
    start: PathBuf,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Name(String),
    Like(GlobMatcher),
    /// `**`: any directories, or none.
    Any,
}

impl Pattern {
    /// A pattern, relative to a directory.
    pub(super) fn new(text: &str, directory: &Path) -> Result<Self, String> {
        let mut start = directory.to_path_buf();
        let mut parts = Vec::new();
        for component in Path::new(text).components() {
            let name = match component {
                Component::Normal(name) => name.to_string_lossy(),
                other if parts.is_empty() => {
                    start.push(other);
                    continue;
                }
                _ => "..".into(),
            };
            if name == "**" {
                parts.push(Part::Any);
            } else if name.contains(['*', '?', '[', '{']) {
                let glob = Glob::new(&name).map_err(|error| format!("`{text}`: {error}"))?;
                parts.push(Part::Like(glob.compile_matcher()));
            } else if parts.is_empty() {
                start.push(&*name);
            } else {
                parts.push(Part::Name(name.into_owned()));
            }
        }
        Ok(Self { start, parts })
    }

    /// The one path that it is, whether something is there or not; nothing where it is a glob.
    pub(super) fn path(&self) -> Option<&Path> {
        self.parts.is_empty().then_some(&self.start)
    }

    /// All paths that it leads to, and of a path as it is written also one where nothing is.
    pub(super) fn paths(&self, found: &mut Vec<PathBuf>) {
        walk(&self.start, &self.parts, 0, found);
    }
}

fn walk(at: &Path, parts: &[Part], deep: usize, found: &mut Vec<PathBuf>) {
    let Some((part, rest)) = parts.split_first() else {
        found.push(at.to_path_buf());
        return;
    };
    match part {
        Part::Name(name) => walk(&at.join(name), rest, deep, found),
        Part::Like(glob) => {
            for path in disk::entries(at) {
                if path.file_name().is_some_and(|name| glob.is_match(Path::new(name))) {
                    walk(&path, rest, deep, found);
                }
            }
        }
        Part::Any => {
            walk(at, rest, deep, found);
            if deep < DEEP {
                for path in disk::entries(at).into_iter().filter(|path| disk::is_directory(path)) {
                    walk(&path, parts, deep + 1, found);
                }
            }
        }
    }
}
