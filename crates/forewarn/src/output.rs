//! Where bytes go: results to stdout or a file, everything else to stderr.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

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
/// short leaves the old file or none, never half of one.
#[expect(clippy::disallowed_methods, reason = "the binary writes")]
pub(crate) fn to_file(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |error: std::io::Error| {
        Error::stopped(
            path.display(),
            format!("cannot be written: {error}"),
            "name a file in a directory that exists and can be written to with --output",
        )
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.map_err(failed)
}
