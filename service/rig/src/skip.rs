//! How a test says that this machine lacks what it needs.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;

/// Notes that a test did not run, and why. A test program's output is hidden where it passes, so that the
/// line also goes to the file that `FOREWARN_SKIPPED` names, for the end of `cargo xtask test`.
#[expect(clippy::print_stderr, reason = "for whoever runs the tests")]
pub fn skipped(test: &str, why: &str) {
    let mut line = String::new();
    let _ = writeln!(line, "skipped: {test}: {why}");
    eprint!("{line}");
    if let Ok(path) = std::env::var("FOREWARN_SKIPPED") {
        // One write, so that lines of several programs do not mix.
        let file = OpenOptions::new().append(true).create(true).open(path);
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
        written.expect("bug: `cargo xtask test` names a file that can be written");
    }
}
