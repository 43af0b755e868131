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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entropy::{Entropy as _, SystemEntropy};

    /// A file that goes with the test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn with(text: &str) -> Self {
            let name: String = SystemEntropy::new().id().iter().map(|byte| format!("{byte:02x}")).collect();
            let path = std::env::temp_dir().join(format!("authd-breached-{name}"));
            std::fs::write(&path, text).unwrap();
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    fn sha1(password: &str) -> String {
        let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect()
    }

    /// The lines of `password-0` to `password-N`, sorted.
    fn lines(count: usize, line: impl Fn(&str, usize) -> String) -> String {
        let mut hashes: Vec<String> = (0..count).map(|number| sha1(&format!("password-{number}"))).collect();
        hashes.sort();
        hashes.iter().enumerate().map(|(at, hash)| line(hash, at)).collect()
    }

    #[test]
    fn every_breached_password_is_found_and_no_other_in_every_form_of_file() {
        assert_eq!(sha1("password"), "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8");
        type Form = fn(&str, usize) -> String;
        let forms: [Form; 4] = [
            |hash, _| format!("{hash}\n"),
            |hash, at| format!("{hash}:{}\r\n", at * at),
            |hash, at| format!("{}:{at}\n", hash.to_lowercase()),
            |hash, at| if at == 999 { hash.to_owned() } else { format!("{hash}\n") },
        ];
        for form in forms {
            let scratch = Scratch::with(&lines(1000, form));
            let breached = Breached::open(&scratch.0).unwrap();
            for number in 0..1000 {
                assert!(breached.contains(&format!("password-{number}")).unwrap(), "{number}");
            }
            for number in 1000..2000 {
                assert!(!breached.contains(&format!("password-{number}")).unwrap(), "{number}");
            }
        }
    }

    #[test]
    fn a_file_may_be_small_or_empty() {
        for (text, found) in [("", false), ("\n", false), (&lines(1, |hash, _| hash.to_owned()), true)] {
            let scratch = Scratch::with(text);
            assert_eq!(Breached::open(&scratch.0).unwrap().contains("password-0").unwrap(), found);
        }
    }

    #[test]
    fn a_file_that_is_not_sorted_or_of_another_form_is_refused() {
        let sorted = lines(1000, |hash, _| format!("{hash}\n"));
        let mut backwards: Vec<&str> = sorted.lines().collect();
        backwards.reverse();
        let backwards = backwards.join("\n");
        for (text, why) in [
            (backwards.as_str(), "is not sorted by hash: sort it with `LC_ALL=C sort`"),
            (
                "password\n123456\n",
                "holds a line that is not 40 hexadecimal digits, with or without `:COUNT`",
            ),
            (
                &sorted.replace('\n', "\t3\n"),
                "holds a line that is not 40 hexadecimal digits, with or without `:COUNT`",
            ),
        ] {
            let scratch = Scratch::with(text);
            let error = Breached::open(&scratch.0).unwrap_err().to_string();
            assert_eq!(error, format!("{}: {why}", scratch.0.display()));
        }
        assert!(
            Breached::open(Path::new("/nowhere/at/all")).unwrap_err().to_string().starts_with("/nowhere")
        );
    }

    #[test]
    fn disorder_in_the_middle_is_found_by_a_search_that_meets_it() {
        let sorted = lines(4000, |hash, _| format!("{hash}\n"));
        let (one, two) = sorted.split_at(sorted.len() / 2);
        let (head, tail) = (&one[..41 * 200], &one[41 * 200..]);
        let scratch = Scratch::with(&[head, two, tail, &two[two.len() - 41 * 200..]].concat());
        let breached = Breached::open(&scratch.0).unwrap();
        let searches = (0..200).map(|number| breached.contains(&format!("other-{number}")));
        assert!(searches.filter(Result::is_err).count() > 0);
    }

    proptest! {
        // Each case asks six hundred times.
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn any_set_of_passwords_is_searched_right(present in proptest::collection::btree_set(0u16..600, 0..300), counts: bool) {
            let mut hashes: Vec<String> = present.iter().map(|number| sha1(&number.to_string())).collect();
            hashes.sort();
            let text: String = hashes.iter().map(|hash| {
                if counts { format!("{hash}:{}\n", hash.len()) } else { format!("{hash}\n") }
            }).collect();
            let scratch = Scratch::with(&text);
            let breached = Breached::open(&scratch.0).unwrap();
            for number in 0..600u16 {
                prop_assert_eq!(breached.contains(&number.to_string()).unwrap(), present.contains(&number));
            }
        }
    }
}
