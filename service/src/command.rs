//! The command line of `authd`, also reachable as `forewarn authd`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A small authentication service.
#[derive(Debug, Parser)]
#[command(name = "authd", version, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run the front: verify passwords, issue tokens
    Serve {
        /// Its configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Run the directory: keep accounts, sessions and lockouts
    Directory {
        /// Its configuration
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

/// Runs a verb.
#[must_use]
pub fn run(arguments: Arguments) -> ExitCode {
    match arguments.verb {
        Verb::Serve { .. } | Verb::Directory { .. } => ExitCode::FAILURE,
    }
}
