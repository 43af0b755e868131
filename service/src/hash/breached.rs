//! Passwords known from breaches, in a file of their SHA-1 hashes: one a line in upper or lower case,
//! sorted, with or without `:COUNT` behind, as the Pwned Passwords downloader writes them. The file is
//! searched where it lies, by halves, so that it may have any size.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// Digits of a SHA-1 hash.
const DIGITS: usize = 40;
/// The longest line that is taken for one: a hash, `:`, the digits of any count, an end.
const LONGEST_LINE: usize = 64;
/// How much is read at once: a page, in which the last lines are compared one by one.
const WINDOW: usize = 4096;

/// A SHA-1 hash.
type Sha1 = [u8; 20];

/// A file of breached passwords.
#[derive(Debug)]
pub struct Breached {
    file: File,
    path: PathBuf,
    size: u64,
}

impl Breached {
    /// Opens a file and looks at its first and its last line.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path).map_err(|error| named(path, &error.to_string()))?;
        let size = file.metadata()?.len();
        let breached = Self { file, path: path.to_owned(), size };
        // A file that is all one short line, or ends in one, has its order checked too.
        let first = breached.window(0, size)?;
        let last = breached.window(size.saturating_sub(WINDOW as u64), size)?;
        let from = if size > WINDOW as u64 { end_of_line(&last).unwrap_or(last.len()) } else { 0 };
        breached.scan(&last[from..], |_| false)?;
        breached.scan(whole_lines(&first, size <= WINDOW as u64), |_| false)?;
        Ok(breached)
    }

    /// Whether a password is in the file. Reads the disk some 25 times for a thousand million lines.
    pub fn contains(&self, password: &str) -> io::Result<bool> {
        let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        let wanted: Sha1 = digest.as_ref().try_into().expect("bug: SHA-1 has 20 bytes");
        // What is looked for can only stand in lines that begin in `low..high`; `low` is a line's first
        // byte. `least` and `most` are the hashes seen before and behind, between which all others lie.
        let (mut low, mut high) = (0, self.size);
        let (mut least, mut most) = ([0; 20], [0xff; 20]);
        while high - low > WINDOW as u64 {
            let middle = low + (high - low) / 2;
            let window = self.window(middle, self.size.min(middle + 2 * LONGEST_LINE as u64))?;
            let begin = end_of_line(&window).ok_or_else(|| self.unreadable())?;
            let found = self.hash(&window[begin..])?;
            if found < least || found > most {
                return Err(self.unsorted());
            }
            let at = middle + begin as u64;
            match wanted.cmp(&found) {
                std::cmp::Ordering::Equal => return Ok(true),
                std::cmp::Ordering::Less => (high, most) = (at, found),
                std::cmp::Ordering::Greater => (low, least) = (at, found),
            }
        }
        self.scan(&self.window(low, high)?, |found| found == wanted)
    }

    /// The bytes of a range, a window's at most.
    fn window(&self, from: u64, to: u64) -> io::Result<Vec<u8>> {
        let length = usize::try_from(to - from).unwrap_or(usize::MAX).min(WINDOW);
        let mut bytes = vec![0; length];
        let read = self.file.read_exact_at(&mut bytes, from);
        read.map_err(|error| named(&self.path, &error.to_string()))?;
        Ok(bytes)
    }

    /// Whether one of these lines, which must be in order, is meant.
    fn scan(&self, lines: &[u8], mut meant: impl FnMut(Sha1) -> bool) -> io::Result<bool> {
        let mut last = [0; 20];
        let mut any = false;
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            let found = self.hash(line)?;
            if found < last {
                return Err(self.unsorted());
            }
            last = found;
            any |= meant(found);
        }
        Ok(any)
    }

    /// The hash that a line begins with.
    fn hash(&self, line: &[u8]) -> io::Result<Sha1> {
        let (digits, rest) = line.split_at_checked(DIGITS).ok_or_else(|| self.unreadable())?;
        if !matches!(rest.first(), None | Some(b':' | b'\r' | b'\n')) {
            return Err(self.unreadable());
        }
        let mut hash = [0; 20];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let digit =
                |at: usize| char::from(pair[at]).to_digit(16).and_then(|value| u8::try_from(value).ok());
            let pair = digit(0).zip(digit(1)).ok_or_else(|| self.unreadable())?;
            *byte = pair.0 << 4 | pair.1;
        }
        Ok(hash)
    }

    fn unreadable(&self) -> io::Error {
        named(&self.path, "holds a line that is not 40 hexadecimal digits, with or without `:COUNT`")
    }

    fn unsorted(&self) -> io::Error {
        named(&self.path, "is not sorted by hash: sort it with `LC_ALL=C sort`")
    }
}

fn named(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {why}", path.display()))
}

/// Where the line behind the first end of line begins.
fn end_of_line(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1)
}

/// Without the line that the end of a window cuts.
fn whole_lines(bytes: &[u8], complete: bool) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if complete { bytes } else { &bytes[..end] }
}
