//! What the disk says of files: the only place that asks it here.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// Which file it is, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Identity {
    pub(super) device: u64,
    pub(super) inode: u64,
}

/// What is known of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) identity: Identity,
    pub(super) size: u64,
    /// When it was last written, in seconds and nanoseconds.
    pub(super) written: (i64, i64),
    /// How many names it has.
    pub(super) names: u64,
}

/// Why a path leads to no file that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// Nothing is there.
    Missing,
    /// It may not be read, or is no regular file.
    Unreadable,
}

impl Facts {
    fn of(metadata: &Metadata) -> Self {
        Self {
            identity: Identity { device: metadata.dev(), inode: metadata.ino() },
            size: metadata.len(),
            written: (metadata.mtime(), metadata.mtime_nsec()),
            names: metadata.nlink(),
        }
    }
}

/// What a path leads to, links followed.
pub(super) fn facts(path: &Path) -> Result<Facts, Absent> {
    let metadata = fs::metadata(path).map_err(|error| absent(&error))?;
    if metadata.is_file() { Ok(Facts::of(&metadata)) } else { Err(Absent::Unreadable) }
}

/// What an open file is now.
pub(super) fn facts_of(file: &File) -> Option<Facts> {
    file.metadata().ok().map(|metadata| Facts::of(&metadata))
}

/// Opens a regular file; nothing else, since opening a pipe waits for its writer.
pub(super) fn open(path: &Path) -> Result<(File, Facts), Absent> {
    facts(path)?;
    let file = File::open(path).map_err(|error| absent(&error))?;
    let metadata = file.metadata().map_err(|error| absent(&error))?;
    if metadata.is_file() { Ok((file, Facts::of(&metadata))) } else { Err(Absent::Unreadable) }
}

fn absent(error: &io::Error) -> Absent {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Absent::Missing,
        _ => Absent::Unreadable,
    }
}

/// Fills a buffer from a place in a file, as far as the file goes; nothing where it cannot be read.
pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> Option<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        let place = offset + u64::try_from(filled).unwrap_or(u64::MAX);
        match file.read_at(&mut buffer[filled..], place) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    Some(filled)
}

/// The entries of a directory, sorted; none where it cannot be read.
pub(super) fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort_unstable();
    paths
}

/// Whether a path is a directory and no link to one.
pub(super) fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}
