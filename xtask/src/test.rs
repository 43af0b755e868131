//! `cargo xtask test`: every test of the workspace, the way a newcomer runs them.
//!
//! Uses cargo-nextest where it is installed and `cargo test` where it is not; both run the same tests.
//! Documentation tests run with `cargo test` either way.
//!
//! A test that needs what this machine lacks, such as PostgreSQL, does not fail. It writes why it did
//! nothing to the file that `FOREWARN_SKIPPED` names, and the end of the run lists those lines: the
//! output of tests that pass is shown by neither runner.
//!
//! `--all` also runs the tests marked `#[ignore]`: those that take minutes, such as a hundred kills of
//! each role of the authentication service under load.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::say;

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let unknown = arguments.iter().find(|argument| *argument != "--all");
    if let Some(unknown) = unknown {
        return Err(format!("`{unknown}` is not an option of `cargo xtask test`; the one it has is --all"));
    }
    let all = !arguments.is_empty();
    let nextest = available("nextest");
    let mut tests = if nextest {
        vec!["nextest", "run", "--workspace", "--locked", "--no-fail-fast", "--status-level", "slow"]
    } else {
        say("cargo-nextest is not installed: falling back to `cargo test`, which runs the same tests");
        vec!["test", "--workspace", "--locked", "--no-fail-fast", "--quiet", "--lib", "--bins", "--tests"]
    };
    match (all, nextest) {
        (true, true) => tests.extend(["--run-ignored", "all"]),
        (true, false) => tests.extend(["--", "--include-ignored"]),
        (false, _) => {}
    }
    let skipped = std::env::temp_dir().join(format!("forewarn-skipped-{}", std::process::id()));
    let tested = cargo(&tests, &skipped)?;
    let documented = cargo(&["test", "--workspace", "--locked", "--doc", "--quiet"], &skipped)?;
    for line in skipped_lines(&skipped) {
        say(&line);
    }
    Ok(if tested && documented { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether cargo knows a subcommand.
fn available(subcommand: &str) -> bool {
    Command::new("cargo")
        .args([subcommand, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs cargo in sight, with a file for the lines of tests that were skipped; whether it succeeded.
fn cargo(arguments: &[&str], skipped: &Path) -> Result<bool, String> {
    say(&format!("cargo {}", arguments.join(" ")));
    let status = Command::new("cargo").args(arguments).env("FOREWARN_SKIPPED", skipped).status();
    Ok(status.map_err(|error| format!("cargo: {error}"))?.success())
}

/// The lines of tests that were skipped, each once; there is no file where there was none. Removes it.
pub(crate) fn skipped_lines(skipped: &Path) -> BTreeSet<String> {
    let Ok(text) = fs::read_to_string(skipped) else { return BTreeSet::new() };
    // What is left behind in the directory for temporary files does no harm.
    let _ = fs::remove_file(skipped);
    text.lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_skipped_is_listed_once_in_order_and_the_file_is_gone() {
        let path = std::env::temp_dir().join(format!("forewarn-skipped-test-{}", std::process::id()));
        fs::write(&path, "skipped: b: why\nskipped: a: why\nskipped: b: why\n").unwrap();
        assert_eq!(Vec::from_iter(skipped_lines(&path)), ["skipped: a: why", "skipped: b: why"]);
        assert!(!path.exists());
        assert!(skipped_lines(&path).is_empty());
    }
}
