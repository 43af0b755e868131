//! The files of one example, as neighbours of each other.

use readers::Neighbours;
use text::{FileId, Source};

/// Sources whose numbers are their places in the list.
pub(crate) struct Site(pub(crate) Vec<Source>);

impl Neighbours for Site {
    fn find(&self, from: FileId, pattern: &str) -> Vec<&Source> {
        let directory =
            self.0[from.0 as usize].path().rsplit_once('/').map_or("", |(directory, _)| directory);
        let wanted = normal(directory, pattern);
        let mut found: Vec<&Source> =
            self.0.iter().filter(|source| matches(&wanted, source.path())).collect();
        found.sort_by_key(|source| source.path());
        found
    }
}

/// A path from the root of the example; an absolute one keeps its last part only.
fn normal(directory: &str, path: &str) -> String {
    let path = match path.strip_prefix('/') {
        Some(absolute) => absolute.rsplit_once('/').map_or(absolute, |(_, last)| last).to_owned(),
        None => format!("{directory}/{path}"),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Whether a path fits a pattern in which `*` stands for anything but `/`.
fn matches(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((before, after)) => path.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).any(|end| {
                rest.is_char_boundary(end) && !rest[..end].contains('/') && matches(after, &rest[end..])
            })
        }),
    }
}
