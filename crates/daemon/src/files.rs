//! Whether files changed: by time, size and inode, looked at every other second. No watch of the kernel:
//! those miss network file systems and mounted configuration, and what is polled are a few hundred names.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

/// What is looked at of a file. All of it is absent where the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp(Option<(Option<SystemTime>, u64, u64)>);

/// Files, as they were when they were last looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Files(Vec<(PathBuf, Stamp)>);

impl Files {
    /// Looks at files and directories. A directory changes when something in it comes or goes.
    pub(crate) fn look(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let stamped = |path: PathBuf| {
            let stamp = stamp(&path);
            (path, stamp)
        };
        Self(paths.into_iter().map(stamped).collect())
    }

    /// Looks at other files than before. Those that were looked at already are taken as they were then, so
    /// that what changed since is seen as changed.
    pub(crate) fn go_on(self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let known: BTreeMap<PathBuf, Stamp> = self.0.into_iter().collect();
        let stamped = |path: PathBuf| {
            let stamp = known.get(&path).copied().unwrap_or_else(|| stamp(&path));
            (path, stamp)
        };
        Self(paths.into_iter().map(stamped).collect())
    }

    /// Looks again; whether anything is different now.
    pub(crate) fn changed(&mut self) -> bool {
        let mut changed = false;
        for (path, seen) in &mut self.0 {
            let now = stamp(path);
            changed |= now != *seen;
            *seen = now;
        }
        changed
    }
}

fn stamp(path: &PathBuf) -> Stamp {
    Stamp(fs::metadata(path).ok().map(|metadata| {
        #[cfg(unix)]
        let node = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let node = 0;
        (metadata.modified().ok(), metadata.len(), node)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_while_it_was_read_is_seen_at_the_next_look() {
        let path = std::env::temp_dir().join(format!("forewarn-files-{}", std::process::id()));
        let new = path.with_extension("new");
        fs::write(&path, "a").unwrap();
        fs::write(&new, "b").unwrap();
        let files = Files::look([path.clone()]);
        // It is read, and changes before the reader says what it read.
        fs::write(&path, "ab").unwrap();
        let mut files = files.go_on([path.clone(), new.clone()]);
        assert!(files.changed());
        assert!(!files.changed());
        fs::remove_file(path).unwrap();
        fs::remove_file(new).unwrap();
    }
}
