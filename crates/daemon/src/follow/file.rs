//! One file that is followed: what was added to it since it was last read, and whether it is still the file
//! that it was.

use std::fs::File;
use std::path::PathBuf;

use memchr::{memchr, memrchr};
use watch::time::At;

use super::disk::{self, Absent, Facts, Identity};
use super::position::{Place, Print};
use super::{Counters, Start};
use crate::lines::LONGEST;

/// So many bytes at the beginning of a file tell it from others: several lines, each with a time.
const HEAD: u64 = 1024;
/// So many bytes before the place that was read to tell a copy of it from other files.
const BEFORE: usize = 256;

#[derive(Debug)]
pub(super) struct Followed {
    file: File,
    pub(super) identity: Identity,
    /// Where it is, or was last.
    pub(super) path: PathBuf,
    /// After the last whole line that was read.
    offset: u64,
    /// In the middle of a line that is too long.
    skipping: bool,
    /// The first bytes, of those that were read.
    head: Vec<u8>,
    print: Print,
    /// The last bytes that were read.
    before: Vec<u8>,
    /// What it was when it was last read to its end.
    ended: Option<Facts>,
    /// When something was last read of it.
    pub(super) grew: At,
    /// A path of the log leads to it.
    pub(super) named: bool,
}

/// What came of reading a file on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drained {
    /// Lines, or nothing yet.
    Further,
    /// It is shorter than what was read of it, or begins otherwise.
    Cut,
    /// It cannot be read any more.
    Broken,
}

/// Where lines go, and what there is to read them with.
pub(super) struct Drain<'d> {
    pub(super) buffer: &'d mut [u8],
    /// How many more bytes may be read now.
    pub(super) left: u64,
    /// Takes whole lines.
    pub(super) lines: &'d mut dyn FnMut(&[u8]),
    pub(super) counters: &'d mut Counters,
}

impl Followed {
    /// Opens a file to read it from its beginning, or from its last line on, if that is not whole.
    pub(super) fn begin(path: PathBuf, start: Start, at: At) -> Result<Self, Absent> {
        let mut followed = Self::open(path, at)?;
        if start == Start::End {
            let size = disk::facts_of(&followed.file).map_or(0, |facts| facts.size);
            followed.offset = last_line(&followed.file, size);
            followed.remember();
        }
        Ok(followed)
    }

    /// Opens a file to read it on from a place in it; nothing where it is not the file that the place is of.
    pub(super) fn resume(path: PathBuf, place: &Place, at: At) -> Result<Option<Self>, Absent> {
        let mut followed = Self::open(path, at)?;
        let size = disk::facts_of(&followed.file).map_or(0, |facts| facts.size);
        let head = bytes(&followed.file, 0, place.print.length);
        if size < place.offset || head.is_none_or(|head| Print::of(&head) != place.print) {
            return Ok(None);
        }
        followed.offset = place.offset;
        followed.skipping = place.skipping;
        followed.remember();
        Ok(Some(followed))
    }

    fn open(path: PathBuf, at: At) -> Result<Self, Absent> {
        let (file, facts) = disk::open(&path)?;
        Ok(Self {
            file,
            identity: facts.identity,
            path,
            offset: 0,
            skipping: false,
            head: Vec::new(),
            print: Print::of(&[]),
            before: Vec::new(),
            ended: None,
            grew: at,
            named: true,
        })
    }

    /// How far it was read.
    pub(super) fn place(&self) -> Place {
        Place { identity: self.identity, print: self.print, offset: self.offset, skipping: self.skipping }
    }

    pub(super) fn facts(&self) -> Option<Facts> {
        disk::facts_of(&self.file)
    }

    /// How much of it was there when it was last looked at and was not read.
    pub(super) fn unread(&self) -> u64 {
        self.ended.map_or(0, |ended| ended.size.saturating_sub(self.offset))
    }

    /// Begins anew: it was cut.
    pub(super) fn restart(&mut self) {
        self.offset = 0;
        self.skipping = false;
        self.ended = None;
        self.before.clear();
        self.remember();
    }

    /// Whether another file holds all that was read of this one: a copy of it, made before this one was cut.
    pub(super) fn is_held_by(&self, other: &Self) -> bool {
        let Some(facts) = other.facts() else { return false };
        let start = self.offset - length(&self.before);
        self.offset > 0
            && facts.size >= self.offset
            && bytes(&other.file, 0, length(&self.head)).is_some_and(|head| head == self.head)
            && bytes(&other.file, start, length(&self.before)).is_some_and(|before| before == self.before)
    }

    /// Whether another file holds the same from its beginning on and is not longer: a copy that is being made.
    pub(super) fn begins_like(&self, other: &Self, most: u64) -> bool {
        let (Some(own), Some(others)) = (self.facts(), other.facts()) else { return false };
        let end = others.size;
        let part = end.min(most);
        let same = |from| {
            bytes(&self.file, from, part).is_some_and(|own| Some(own) == bytes(&other.file, from, part))
        };
        end > 0 && end <= own.size && same(0) && same(end - part)
    }

    /// Goes on from the place of the file that this one is a copy of.
    pub(super) fn take_over(&mut self, place: &Place) {
        self.offset = place.offset;
        self.skipping = place.skipping;
        self.remember();
    }

    /// Reads the whole lines that were added.
    pub(super) fn drain(&mut self, at: At, to: &mut Drain<'_>) -> Drained {
        let Some(facts) = self.facts() else { return Drained::Broken };
        let same = |ended: &Facts| ended.size == facts.size && ended.written == facts.written;
        if self.ended.as_ref().is_some_and(same) {
            return Drained::Further;
        }
        if facts.size < self.offset
            || bytes(&self.file, 0, length(&self.head)).is_none_or(|head| head != self.head)
        {
            return Drained::Cut;
        }
        loop {
            if to.left == 0 {
                self.ended = None;
                return Drained::Further;
            }
            let Some(read) = disk::read_at(&self.file, to.buffer, self.offset) else {
                return Drained::Broken;
            };
            to.left = to.left.saturating_sub(as_length(read));
            if !self.take(read, to) {
                break;
            }
            self.grew = at;
        }
        self.ended = Some(facts);
        Drained::Further
    }

    /// Takes what can be taken of bytes that were read; whether that was anything.
    fn take(&mut self, read: usize, to: &mut Drain<'_>) -> bool {
        let full = read == to.buffer.len();
        let chunk = &to.buffer[..read];
        if self.skipping {
            let end = memchr(b'\n', chunk).map(|end| end + 1);
            self.skipping = end.is_none();
            return self.advance(&chunk[..end.unwrap_or(read)]);
        }
        if chunk.first() == Some(&0) {
            // What is zero to the end may still be written to; a hole has something after it.
            let Some(data) = self.after_hole(chunk, full) else { return false };
            to.counters.hole_bytes += data - self.offset;
            self.offset = data;
            self.remember();
            return true;
        }
        match memrchr(b'\n', chunk) {
            Some(end) => {
                (to.lines)(&chunk[..=end]);
                self.advance(&chunk[..=end])
            }
            None if read > LONGEST => {
                // Its end is not there yet, but it is too long already.
                to.counters.lines += 1;
                to.counters.malformed += 1;
                self.skipping = true;
                self.advance(chunk)
            }
            None => false,
        }
    }

    fn advance(&mut self, taken: &[u8]) -> bool {
        self.offset += length(taken);
        self.before.clear();
        self.before.extend_from_slice(&taken[taken.len().saturating_sub(BEFORE)..]);
        if length(&self.head) < HEAD {
            self.remember();
        }
        !taken.is_empty()
    }

    /// Where the zeros end that begin here; nothing where they go on to the end.
    fn after_hole(&self, chunk: &[u8], full: bool) -> Option<u64> {
        let first = |bytes: &[u8]| bytes.iter().position(|byte| *byte != 0);
        if let Some(data) = first(chunk) {
            return Some(self.offset + as_length(data));
        }
        if !full {
            return None;
        }
        let mut buffer = vec![0; chunk.len()];
        let mut from = self.offset + length(chunk);
        loop {
            let read = disk::read_at(&self.file, &mut buffer, from).filter(|read| *read > 0)?;
            if let Some(data) = first(&buffer[..read]) {
                return Some(from + as_length(data));
            }
            from += as_length(read);
        }
    }

    /// Remembers how the file begins and what stands before the place that was read to.
    fn remember(&mut self) {
        self.head = bytes(&self.file, 0, self.offset.min(HEAD)).unwrap_or_default();
        self.print = Print::of(&self.head);
        let before = self.offset.min(as_length(BEFORE));
        self.before = bytes(&self.file, self.offset - before, before).unwrap_or_default();
    }
}

/// So many bytes from a place on; nothing where there are fewer.
fn bytes(file: &File, from: u64, length: u64) -> Option<Vec<u8>> {
    // A position may claim any length.
    let mut bytes = vec![0; usize::try_from(length.min(1 << 20)).ok()?];
    let read = disk::read_at(file, &mut bytes, from)?;
    (as_length(read) == length).then_some(bytes)
}

fn length(bytes: &[u8]) -> u64 {
    as_length(bytes.len())
}

fn as_length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Where the last line begins, if it is not whole, else the end; a line that is too long begins nowhere.
fn last_line(file: &File, size: u64) -> u64 {
    let part = size.min(as_length(LONGEST));
    let end = bytes(file, size - part, part).unwrap_or_default();
    match memrchr(b'\n', &end) {
        Some(feed) => size - part + as_length(feed) + 1,
        None if part == size => 0,
        None => size,
    }
}
