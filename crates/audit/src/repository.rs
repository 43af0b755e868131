//! What the files of an audit are called in their repository. Formats that code hosts read need
//! that; people are shown what they typed. Never asks the disk: see `collect::repository`.

use std::path::{Component, Path, PathBuf};

use text::FileId;

/// The paths of an audit's sources in the repository, by number.
#[derive(Debug, Default)]
pub struct Repository {
    paths: Vec<Option<PathBuf>>,
}

impl Repository {
    /// Of sources that really lie there, in the order of their numbers. An empty `root` stands for
    /// the directory that relative paths start from.
    pub(crate) fn new<'p>(root: &Path, real: impl IntoIterator<Item = &'p Path>) -> Self {
        let inside = |path: &Path| {
            let below = path.strip_prefix(root).ok()?;
            let is_plain = below.components().all(|part| matches!(part, Component::Normal(_)));
            // Collected anew: a path made by joining nothing ends with a separator.
            is_plain.then(|| below.components().collect())
        };
        Self { paths: real.into_iter().map(inside).collect() }
    }

    /// The path of a source from the repository's top; `None` for what lies outside.
    pub(crate) fn path(&self, file: FileId) -> Option<&Path> {
        self.paths.get(file.0 as usize)?.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(root: &str, real: &[&str]) -> Vec<Option<String>> {
        let repository = Repository::new(Path::new(root), real.iter().map(Path::new));
        let path = |number| repository.path(FileId(number)).map(|path| path.display().to_string());
        (0..real.len() as u32).map(path).collect()
    }

    #[test]
    fn what_lies_below_the_top_has_a_path_and_nothing_else_has() {
        let real = ["/src/auth/app.yaml", "/src/forewarn.toml/", "/srcs/app.yaml", "/app.yaml"];
        let inside = |path: &str| Some(path.to_owned());
        assert_eq!(paths("/src", &real), [inside("auth/app.yaml"), inside("forewarn.toml"), None, None]);
        assert_eq!(
            paths("", &["auth/app.yaml", "../app.yaml", "/app.yaml"]),
            [inside("auth/app.yaml"), None, None]
        );
    }

    #[test]
    fn a_number_that_is_none_has_no_path() {
        assert_eq!(Repository::default().path(FileId(0)), None);
    }
}
