//! Whether files changed: by time, size and inode, looked at every other second. No watch of the kernel:
//! those miss network file systems and mounted configuration, and what is polled are a few hundred names.

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
