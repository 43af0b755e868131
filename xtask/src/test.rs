//! `cargo xtask test`: every test of the workspace, the way a newcomer runs them.
//!
//! Uses cargo-nextest where it is installed and `cargo test` where it is not; both run the same tests.
//! Documentation tests run with `cargo test` either way.

use std::process::{Command, ExitCode, Stdio};

use crate::say;

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    if let Some(unknown) = arguments.first() {
        return Err(format!("`{unknown}` is not an option of `cargo xtask test`; it takes none"));
    }
    let nextest = available("nextest");
    let tests: &[&str] = if nextest {
        &["nextest", "run", "--workspace", "--locked", "--no-fail-fast", "--status-level", "slow"]
    } else {
        say("cargo-nextest is not installed: falling back to `cargo test`, which runs the same tests");
        &["test", "--workspace", "--locked", "--no-fail-fast", "--quiet", "--lib", "--bins", "--tests"]
    };
    let tested = cargo(tests)?;
    let documented = cargo(&["test", "--workspace", "--locked", "--doc", "--quiet"])?;
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

/// Runs cargo in sight; whether it succeeded.
fn cargo(arguments: &[&str]) -> Result<bool, String> {
    say(&format!("cargo {}", arguments.join(" ")));
    let status = Command::new("cargo").args(arguments).status().map_err(|error| format!("cargo: {error}"))?;
    Ok(status.success())
}
