//! What the watch tells: the lines that it appends to a file, each seen when it is there.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

/// A file that grows by lines.
#[derive(Debug)]
pub(crate) struct Lines {
    path: PathBuf,
    read: u64,
    /// A line whose end is not there yet.
    begun: Vec<u8>,
}

impl Lines {
    pub(crate) fn of(path: PathBuf) -> Self {
        Self { path, read: 0, begun: Vec::new() }
    }

    /// The lines that are new; none where there is no file yet.
    pub(crate) fn new_ones(&mut self) -> Vec<String> {
        let mut bytes = Vec::new();
        let read = File::open(&self.path)
            .and_then(|mut file| file.seek(SeekFrom::Start(self.read)).map(|_| file))
            .and_then(|mut file| file.read_to_end(&mut bytes));
        self.read += read.unwrap_or(0) as u64;
        self.begun.append(&mut bytes);
        let Some(end) = self.begun.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
        let rest = self.begun.split_off(end + 1);
        let whole = std::mem::replace(&mut self.begun, rest);
        String::from_utf8_lossy(&whole).lines().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_once_and_whole() {
        let path = std::env::temp_dir().join(format!("forewarn-lines-{}", std::process::id()));
        let mut lines = Lines::of(path.clone());
        assert!(lines.new_ones().is_empty());
        std::fs::write(&path, "a\nb").unwrap();
        assert_eq!(lines.new_ones(), ["a"]);
        std::fs::write(&path, "a\nbc\nd\n").unwrap();
        assert_eq!(lines.new_ones(), ["bc", "d"]);
        assert!(lines.new_ones().is_empty());
        std::fs::remove_file(path).unwrap();
    }
}
