//! Where bytes go: results to stdout or a file, everything else to stderr.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use audit::Error;

/// Writes results to stdout. A reader that has gone away has seen enough.
pub(crate) fn to_stdout(text: &str) -> Result<(), Error> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::stopped("stdout", format!("cannot be written: {error}"), "see where it leads"))
        }
        _ => Ok(()),
    }
}

/// Writes to stderr; if that fails there is nobody left to tell.
pub(crate) fn to_stderr(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Replaces a file as a whole: written beside it first, then renamed, so that a run that is cut
/// short leaves the old file or none, never half of one. What is there and no file, such as a pipe, is
/// written to.
#[expect(clippy::disallowed_methods, reason = "the binary writes")]
pub(crate) fn to_file(path: &Path, text: &str, option: &str) -> Result<(), Error> {
    let failed = |error| cannot_be_written(path, &error, option);
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return fs::write(path, text).map_err(failed);
    }
    let beside = beside(path);
    let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.map_err(failed)
}

/// Whether [`to_file`] will be able to write, found out before long work whose result would be lost.
/// Leaves everything as it is.
#[expect(clippy::disallowed_methods, reason = "only the disk knows whether it takes a file")]
pub(crate) fn can_be_written(path: &Path, option: &str) -> Result<(), Error> {
    let tried = match fs::metadata(path) {
        Ok(there) if there.is_dir() => Err(ErrorKind::IsADirectory.into()),
        Ok(there) if !there.is_file() => Ok(()),
        _ => {
            let beside = beside(path);
            fs::write(&beside, "").and_then(|()| fs::remove_file(&beside))
        }
    };
    tried.map_err(|error| cannot_be_written(path, &error, option))
}

/// Where a file is written before it takes its place.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

fn cannot_be_written(path: &Path, error: &std::io::Error, option: &str) -> Error {
    Error::stopped(
        path.display(),
        format!("cannot be written: {error}"),
        format!("name a file in a directory that exists and can be written to with {option}"),
    )
}

/// Whether two paths name the same file, there or yet to be written.
#[expect(clippy::disallowed_methods, reason = "which directory a path leads to only the disk knows")]
pub(crate) fn is_same_file(a: &Path, b: &Path) -> bool {
    let place = |path: &Path| {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = fs::canonicalize(directory.unwrap_or(Path::new("."))).ok()?;
        Some(directory.join(path.file_name()?))
    };
    a == b || place(a).is_some_and(|a| place(b).is_some_and(|b| a == b))
}
