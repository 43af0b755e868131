//! All files of a log: which there are, which took the place of which, which is a copy of which, and how far
//! each was read.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use watch::time::At;

use super::disk::{self, Absent, Facts, Identity};
use super::file::{Drain, Drained, Followed};
use super::paths::Pattern;
use super::position::{self, Place};
use super::rotated::{Suffix, is_compressed};
use super::{Counters, Start};
use crate::lines::LONGEST;

/// Lines are read in parts of this size; more than the longest line.
pub(super) const PART: usize = 4 * LONGEST;
/// So many bytes are read at once at most; the rest at the next look, so that none takes seconds.
const MOST: u64 = 64 << 20;
/// So long a file that no path leads to and another one took the place of is read on: its writer may not
/// have noticed yet. In milliseconds.
const LINGER: u64 = 600_000;
/// The same for one that was deleted, whose space is only free when nobody reads it. In milliseconds.
const LINGER_DELETED: u64 = 60_000;
/// So many files that no path leads to are read on at most.
const MOST_GONE: usize = 16;
/// So many files that are no longer followed are remembered, in case one comes back.
const MOST_RETIRED: usize = 64;
/// So many bytes at both ends tell a copy, whatever its name.
const COPY: u64 = 64 << 10;
/// Files that begin alike for so long are copies, whatever their names.
const ALIKE: u64 = 4 << 10;

#[derive(Debug)]
pub(super) struct Tail {
    patterns: Vec<Pattern>,
    start: Start,
    /// Nothing was looked at yet, and there was no position.
    fresh: bool,
    /// Places of a position whose files were not found yet.
    saved: Vec<Place>,
    files: Vec<Followed>,
    copies: Vec<Copy>,
    retired: Vec<Place>,
    buffer: Vec<u8>,
    counters: Counters,
}

/// A file that holds what is read elsewhere.
#[derive(Debug)]
struct Copy {
    facts: Facts,
    of: Identity,
}

/// A path of the log, and what it leads to.
type Name = (PathBuf, Facts);

impl Tail {
    pub(super) fn new(
        patterns: &[String],
        directory: &Path,
        start: Start,
        position: Option<&[u8]>,
    ) -> Result<Self, String> {
        let patterns: Result<Vec<_>, _> = patterns.iter().map(|text| Pattern::new(text, directory)).collect();
        Ok(Self {
            patterns: patterns?,
            start,
            fresh: position.is_none(),
            saved: position.map(places).transpose()?.unwrap_or_default(),
            files: Vec::new(),
            copies: Vec::new(),
            retired: Vec::new(),
            buffer: vec![0; PART],
            counters: Counters::default(),
        })
    }

    /// Reads in parts of another size.
    #[cfg(test)]
    pub(super) fn in_parts(mut self, size: usize) -> Self {
        self.buffer = vec![0; size];
        self
    }

    pub(super) fn counters(&self) -> Counters {
        self.counters
    }

    /// Whether a path of the log leads to a file that is followed.
    pub(super) fn is_there(&self) -> bool {
        self.files.iter().any(|file| file.named)
    }

    /// Whether a file is still followed that a path led to.
    pub(super) fn was_there(&self) -> bool {
        !self.files.is_empty()
    }

    /// How far all files were read.
    pub(super) fn position(&self) -> Vec<u8> {
        let mut places: Vec<Place> = self.files.iter().map(Followed::place).collect();
        places.extend(self.saved.iter().cloned());
        places.sort_unstable_by_key(|place| place.identity);
        position::encode(&places)
    }

    /// Reads the files that are known on.
    pub(super) fn poll(&mut self, at: At, lines: &mut dyn FnMut(&[u8])) {
        let mut left = MOST;
        self.drain(at, &mut left, lines);
    }

    /// Reads the files that are known on, then finds out which there are now, and reads new ones.
    pub(super) fn look(&mut self, at: At, lines: &mut dyn FnMut(&[u8])) {
        let mut left = MOST;
        // First: what was copied before it was cut must be known to be a copy before it is met by name.
        self.drain(at, &mut left, lines);
        let names = self.names();
        self.resume(&names, at);
        let left_from = self.rename(&names, at);
        for (path, old) in &left_from {
            self.between(path, *old, at);
        }
        for name in &names {
            self.meet(name, at);
        }
        self.fresh = false;
        self.drain(at, &mut left, lines);
        self.retire(&names, at);
        self.counters.files = self.files.len();
    }

    fn drain(&mut self, at: At, left: &mut u64, lines: &mut dyn FnMut(&[u8])) {
        // `a.log.1` before `a.log`: where both were written anew, the first may hold what the second held.
        self.files.sort_unstable_by(|one, other| other.path.cmp(&one.path));
        let mut place = 0;
        while place < self.files.len() {
            let mut to = Drain { buffer: &mut self.buffer, left: *left, lines, counters: &mut self.counters };
            let drained = self.files[place].drain(at, &mut to);
            *left = to.left;
            match drained {
                Drained::Further => place += 1,
                // Once more, from its beginning; a copy that was found comes at its turn.
                Drained::Cut if self.files[place].named && !self.is_copy(place) => self.cut(place, at),
                Drained::Cut => self.overwritten(place),
                Drained::Broken => {
                    let broken = self.files.swap_remove(place);
                    self.remember(broken.place());
                }
            }
        }
    }

    /// Whether a file that was cut now holds what was read of another: it was copied over.
    fn is_copy(&self, place: usize) -> bool {
        let file = &self.files[place];
        self.files.iter().any(|other| other.identity != file.identity && other.is_held_by(file))
    }

    /// A file was written anew, and not by whoever writes the log.
    fn overwritten(&mut self, place: usize) {
        let file = self.files.swap_remove(place);
        self.counters.lost_bytes += file.unread();
        let original = self.files.iter().find(|other| other.is_held_by(&file));
        if let Some((facts, original)) = file.facts().zip(original) {
            self.copies.push(Copy { facts, of: original.identity });
        }
    }

    /// A file was cut: what was not read of it may be in a copy.
    fn cut(&mut self, place: usize, at: At) {
        self.counters.truncated += 1;
        let copy = self.copy_of(&self.files[place], at);
        let file = &mut self.files[place];
        match copy {
            Some(mut copy) => {
                copy.take_over(&file.place());
                copy.named = false;
                file.restart();
                let (log, found, facts) = (file.path.clone(), copy.path.clone(), copy.facts());
                self.copies.retain(|known| known.facts.identity != copy.identity);
                self.files.push(copy);
                // It may have been cut more than once, and copied each time.
                self.rotated_after(&log, Some(&found), facts, at);
            }
            None => {
                self.counters.lost_bytes += file.unread();
                self.counters.perhaps_lost += 1;
                file.restart();
            }
        }
    }

    /// A file beside one that holds all that was read of it.
    fn copy_of(&self, file: &Followed, at: At) -> Option<Followed> {
        let directory = file.path.parent()?;
        let log = file.path.file_name()?;
        let known = |identity| self.copies.iter().any(|copy| copy.facts.identity == identity);
        disk::entries(directory)
            .into_iter()
            .filter_map(|path| disk::facts(&path).ok().map(|facts| (path, facts.identity)))
            .filter(|(path, identity)| {
                !self.is_followed(*identity)
                    && (known(*identity) || path.file_name().and_then(|name| suffix(log, name)).is_some())
            })
            .filter_map(|(path, _)| Followed::begin(path, Start::Beginning, at).ok())
            .find(|candidate| file.is_held_by(candidate))
    }

    /// The paths of the log that lead to a file; each file once.
    fn names(&mut self) -> Vec<Name> {
        let mut paths = Vec::new();
        for pattern in &self.patterns {
            pattern.paths(&mut paths);
        }
        self.counters.unreadable = 0;
        let mut names: Vec<Name> = Vec::new();
        for path in paths {
            match disk::facts(&path) {
                Ok(facts) if names.iter().all(|(_, known)| known.identity != facts.identity) => {
                    names.push((path, facts));
                }
                Ok(_) | Err(Absent::Missing) => {}
                Err(Absent::Unreadable) => self.counters.unreadable += 1,
            }
        }
        names
    }

    /// Takes up the files of a position.
    fn resume(&mut self, names: &[Name], at: At) {
        if self.saved.is_empty() {
            return;
        }
        for (path, facts) in names {
            self.resume_at(path, |place| place.identity == facts.identity, true, at);
        }
        let directories = self.directories(names);
        let mut moved = Vec::new();
        for path in directories.iter().flat_map(|directory| disk::entries(directory)) {
            let Ok(facts) = disk::facts(&path) else { continue };
            if self.resume_at(&path, |place| place.identity == facts.identity, false, at) {
                moved.push(path);
            }
        }
        // A file system may be known by another number after a restart, and a file be moved by a copy.
        for (path, facts) in names {
            if !self.is_followed(facts.identity) {
                self.resume_at(path, |place| place.print.length > 0, true, at);
            }
        }
        for path in directories.iter().flat_map(|directory| disk::entries(directory)) {
            let is_rotated = |log: &OsStr| path.file_name().and_then(|name| suffix(log, name)).is_some();
            if disk::facts(&path).is_ok_and(|facts| !self.is_followed(facts.identity))
                && self.logs(names).iter().any(|log| log.file_name().is_some_and(is_rotated))
            {
                self.resume_at(&path, |place| place.print.length > 0, false, at);
            }
        }
        for path in moved {
            self.between_since(&path, names, at);
        }
        // As long as nothing is there, or may not be read, what is missing may come back.
        if !names.is_empty() && self.counters.unreadable == 0 {
            for place in std::mem::take(&mut self.saved) {
                self.counters.perhaps_lost += 1;
                self.remember(place);
            }
        }
    }

    /// Follows the file at a path from a place of the position that may be its own, if it is.
    fn resume_at(&mut self, path: &Path, may_be: impl Fn(&Place) -> bool, named: bool, at: At) -> bool {
        let found =
            self.saved.iter().enumerate().filter(|(_, place)| may_be(place)).find_map(|(index, place)| {
                let file = Followed::resume(path.to_path_buf(), place, at).ok().flatten()?;
                Some((index, file))
            });
        let Some((index, mut file)) = found else { return false };
        self.saved.swap_remove(index);
        file.named = named;
        self.files.push(file);
        true
    }

    /// The paths of the log, those included where nothing is.
    fn logs(&self, names: &[Name]) -> Vec<PathBuf> {
        let written = self.patterns.iter().filter_map(|pattern| pattern.path().map(Path::to_path_buf));
        names.iter().map(|(path, _)| path.clone()).chain(written).collect()
    }

    fn directories(&self, names: &[Name]) -> Vec<PathBuf> {
        let parent = |path: PathBuf| path.parent().map(Path::to_path_buf);
        let mut directories: Vec<PathBuf> = self.logs(names).into_iter().filter_map(parent).collect();
        directories.sort_unstable();
        directories.dedup();
        directories
    }

    /// Notes where each file is now; gives the paths that were left, with the file that left.
    fn rename(&mut self, names: &[Name], at: At) -> Vec<(PathBuf, Identity)> {
        let mut left = Vec::new();
        for file in &mut self.files {
            let name = names.iter().find(|(_, facts)| facts.identity == file.identity);
            if file.named && name.is_none_or(|(path, _)| *path != file.path) {
                left.push((file.path.clone(), file.identity));
                file.grew = at;
            }
            file.named = name.is_some();
            if let Some((path, _)) = name {
                file.path.clone_from(path);
            }
        }
        self.counters.rotated += u64::try_from(left.len()).unwrap_or(u64::MAX);
        left
    }

    /// Follows files that were a log after one that left its path and are no longer.
    fn between(&mut self, log: &Path, old: Identity, at: At) {
        let here = log.parent().map(disk::entries).unwrap_or_default();
        let now = here.iter().find(|path| disk::facts(path).is_ok_and(|facts| facts.identity == old));
        let written = self.files.iter().find(|file| file.identity == old).and_then(Followed::facts);
        self.rotated_after(log, now.map(PathBuf::as_path), written, at);
    }

    /// The same for a file of a position that was found under another name.
    fn between_since(&mut self, found: &Path, names: &[Name], at: At) {
        let log = self.logs(names).into_iter().find(|log| {
            log.parent() == found.parent()
                && log
                    .file_name()
                    .zip(found.file_name())
                    .is_some_and(|(log, name)| suffix(log, name).is_some())
        });
        if let Some(log) = log {
            self.rotated_after(&log, Some(found), disk::facts(found).ok(), at);
        }
    }

    fn rotated_after(&mut self, log: &Path, old: Option<&Path>, old_facts: Option<Facts>, at: At) {
        let (Some(name), Some(directory)) = (log.file_name(), log.parent()) else { return };
        let old_suffix = old.and_then(Path::file_name).and_then(|old| suffix(name, old));
        for path in disk::entries(directory) {
            let Some(own) = path.file_name().and_then(|own| suffix(name, own)) else { continue };
            let Ok(facts) = disk::facts(&path) else { continue };
            let known = |place: &Place| place.identity == facts.identity;
            if self.is_followed(facts.identity)
                || self.retired.iter().any(known)
                || self.saved.iter().any(known)
                || self.copies.iter().any(|copy| copy.facts.identity == facts.identity)
            {
                continue;
            }
            let newer = match old_suffix.as_ref().and_then(|old| own.compare(old)) {
                Some(order) => order.is_gt(),
                None => old_facts.is_some_and(|old| facts.written > old.written),
            };
            if newer
                && let Ok(mut file) = Followed::begin(path, Start::Beginning, at)
                && self.original_of(&file, &facts).is_none()
            {
                file.named = false;
                self.files.push(file);
            }
        }
    }

    /// Follows the file at a path of the log, if it is not yet.
    fn meet(&mut self, (path, facts): &Name, at: At) {
        if self.is_followed(facts.identity)
            || path.file_name().and_then(OsStr::to_str).is_some_and(is_compressed)
        {
            return;
        }
        if let Some(place) = self.retired.iter().position(|place| place.identity == facts.identity) {
            let place = self.retired.swap_remove(place);
            if let Ok(Some(file)) = Followed::resume(path.clone(), &place, at) {
                self.files.push(file);
                return;
            }
        }
        let start = if self.fresh { self.start } else { Start::Beginning };
        let Ok(mut file) = Followed::begin(path.clone(), start, at) else {
            self.counters.unreadable += 1;
            return;
        };
        if !self.fresh {
            match self.original_of(&file, facts) {
                Some(Original::Followed(of)) => {
                    self.copies.retain(|copy| copy.facts.identity != facts.identity);
                    self.copies.push(Copy { facts: *facts, of });
                    return;
                }
                Some(Original::Retired(place)) => file.take_over(&place),
                None => {}
            }
        }
        self.copies.retain(|copy| copy.facts.identity != facts.identity);
        self.files.push(file);
    }

    /// The file that one is a copy of.
    fn original_of(&self, file: &Followed, facts: &Facts) -> Option<Original> {
        let known = self.copies.iter().find(|copy| copy.facts.identity == facts.identity);
        if let Some(known) = known.filter(|known| !self.is_followed(known.of)) {
            let place = self.retired.iter().find(|place| place.identity == known.of);
            return place.filter(|place| place.offset <= facts.size).cloned().map(Original::Retired);
        }
        let unchanged =
            |known: &&Copy| known.facts.size == facts.size && known.facts.written == facts.written;
        if let Some(known) = known.filter(unchanged) {
            return Some(Original::Followed(known.of));
        }
        let original =
            self.files.iter().filter(|other| other.path.parent() == file.path.parent()).find(|other| {
                let names = other.path.file_name().zip(file.path.file_name());
                let alike =
                    names.is_some_and(|(log, name)| suffix(log, name).is_some()) || facts.size >= ALIKE;
                alike && (other.is_held_by(file) || other.begins_like(file, COPY))
            });
        original.map(|original| Original::Followed(original.identity))
    }

    fn is_followed(&self, identity: Identity) -> bool {
        self.files.iter().any(|file| file.identity == identity)
    }

    /// Lets go of files that no path leads to and nothing more is written to.
    fn retire(&mut self, names: &[Name], at: At) {
        let mut gone = self.files.iter().filter(|file| !file.named).count();
        let mut kept = Vec::new();
        for file in std::mem::take(&mut self.files) {
            let quiet = at.0.saturating_sub(file.grew.0);
            let deleted = file.facts().is_none_or(|facts| facts.names == 0);
            let replaced = names.iter().any(|(path, _)| *path == file.path);
            let over = !file.named
                && (gone > MOST_GONE
                    || (deleted && quiet >= LINGER_DELETED)
                    || (quiet >= LINGER && (replaced || suffix_of_any(names, &file.path))));
            if over {
                gone -= 1;
                self.counters.lost_bytes += file.unread();
                self.remember(file.place());
            } else {
                kept.push(file);
            }
        }
        self.files = kept;
    }

    fn remember(&mut self, place: Place) {
        self.retired.retain(|known| known.identity != place.identity);
        if self.retired.len() == MOST_RETIRED {
            self.retired.remove(0);
        }
        self.retired.push(place);
    }
}

/// What a copy was made of.
enum Original {
    /// A file that is followed.
    Followed(Identity),
    /// One that is not any more, read to this place.
    Retired(Place),
}

fn places(position: &[u8]) -> Result<Vec<Place>, String> {
    position::decode(position).ok_or_else(|| "the position in the journal is not one of a log".to_owned())
}

fn suffix(log: &OsStr, name: &OsStr) -> Option<Suffix> {
    Suffix::of(log.to_str()?, name.to_str()?)
}

fn suffix_of_any(names: &[Name], path: &Path) -> bool {
    let name = path.file_name();
    names.iter().any(|(log, _)| {
        log.parent() == path.parent()
            && log.file_name().zip(name).is_some_and(|(log, name)| suffix(log, name).is_some())
    })
}
