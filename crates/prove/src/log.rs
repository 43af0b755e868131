//! What a process writes: its beginning in a file, its end in memory. Whoever writes without end fills
//! neither the disk nor Forewarn.
//!
//! A thread of its own reads, so that a process that writes much is slowed by its own reader and by
//! nothing else of the run.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// So much is kept in the file from the beginning on: thousands of lines of an ordinary service.
const BEGINNING: u64 = 4 << 20;
/// So much is kept of the end.
const END: usize = 64 << 10;
/// How long one waits for the last words of a process that has ended. A child that it left may hold the
/// pipe open for longer.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// The log of one process.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    written: Mutex<Written>,
    over: Condvar,
}

#[derive(Debug, Default)]
struct Written {
    end: VecDeque<u8>,
    over: bool,
}

impl Log {
    /// A log in a file, and where the process writes.
    pub(crate) fn start(path: &Path) -> io::Result<(Self, PipeWriter)> {
        let file = crate::room::private(path)?;
        let (from, to) = io::pipe()?;
        let shared = Arc::new(Shared::default());
        let log = Self { shared: Arc::clone(&shared) };
        std::thread::Builder::new().name("log".to_owned()).spawn(move || {
            shared.keep(from, file);
            shared.lock().over = true;
            shared.over.notify_all();
        })?;
        Ok((log, to))
    }

    /// The end of what was written so far; of a process that has ended, with its last words.
    pub(crate) fn end(&self, ended: bool) -> String {
        let mut written = self.shared.lock();
        if ended {
            let waited = self.shared.over.wait_timeout_while(written, LAST_WORDS, |written| !written.over);
            written = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        String::from_utf8_lossy(written.end.make_contiguous()).into_owned()
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads until nobody writes any more. A file that cannot be written is no reason to stop a service.
    fn keep(&self, mut from: PipeReader, mut file: File) {
        let mut bytes = vec![0; END];
        let (mut kept, mut left_out) = (0, 0);
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            let bytes = &bytes[..read];
            if kept < BEGINNING {
                let _ = file.write_all(bytes);
                kept += read as u64;
            } else {
                left_out += read as u64;
            }
            let mut written = self.lock();
            written.end.extend(bytes);
            let surplus = written.end.len().saturating_sub(END);
            written.end.drain(..surplus);
        }
        if left_out > 0 {
            let end = self.lock().end.make_contiguous().to_vec();
            let left_out = left_out.saturating_sub(end.len() as u64);
            let _ = writeln!(file, "\n[{left_out} bytes are left out here]");
            let _ = file.write_all(&end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: impl Iterator<Item = Vec<u8>>) -> (String, Vec<u8>) {
        let directory = std::env::temp_dir().join(format!("log-of-a-test-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join(format!("{:?}.log", std::thread::current().id()));
        let (log, mut to) = Log::start(&path).unwrap();
        for bytes in bytes {
            to.write_all(&bytes).unwrap();
        }
        drop(to);
        let end = log.end(true);
        let file = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let _ = std::fs::remove_dir(&directory);
        (end, file)
    }

    #[test]
    fn what_is_short_is_kept_as_it_is() {
        let (end, file) = written([b"one\n".to_vec(), b"two\xff".to_vec()].into_iter());
        assert_eq!((end.as_str(), file.as_slice()), ("one\ntwo\u{fffd}", b"one\ntwo\xff".as_slice()));
    }

    #[test]
    fn of_what_has_no_end_the_beginning_and_the_end_are_kept() {
        let lines = (0..400_000_u32).map(|number| format!("a line without end {number:09}\n").into_bytes());
        let (end, file) = written(lines);
        assert!(end.len() <= END && end.ends_with("000399999\n"), "{}", end.len());
        assert!(file.len() as u64 <= BEGINNING + 2 * END as u64 + 100, "{}", file.len());
        let file = String::from_utf8(file).unwrap();
        assert!(file.starts_with("a line without end 000000000\n") && file.ends_with("000399999\n"));
        assert!(file.contains(" bytes are left out here]\n"));
    }
}
