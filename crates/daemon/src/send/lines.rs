//! JSON lines, appended to a file or written to standard output: the published notice, one a line.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use watch::alert::Refusal;

use super::{Attempt, Letter, Way};

/// A file of JSON lines.
pub(super) struct Lines {
    /// Standard output where absent.
    path: Option<PathBuf>,
}

impl Lines {
    pub(super) fn new(path: &str, base: &Path) -> Self {
        Self { path: (path != "-").then(|| base.join(path)) }
    }
}

impl Way for Lines {
    fn hand_over<'a>(&'a self, letter: &'a Letter) -> Attempt<'a> {
        let line = format!("{}\n", letter.published.line());
        let path = self.path.clone();
        Box::pin(async move {
            let written = tokio::task::spawn_blocking(move || match path {
                Some(path) => append(&path, &line),
                None => io::stdout().lock().write_all(line.as_bytes()),
            });
            match written.await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(Refusal::for_now(format!("cannot be written: {error}"))),
                Err(_) => Err(Refusal::for_now("cannot be written")),
            }
        })
    }
}

/// Opened for each line: a file that was moved away (logrotate) is made anew.
fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut file: File = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(line.as_bytes())
}
