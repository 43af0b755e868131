//! The command line of `authd`, also reachable as `forewarn authd`.

mod calibrate;
mod config;
mod directory;
mod keys;
mod load;
mod role;
mod serve;

use std::fmt::Display;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::clock::{Clock as _, SystemClock};
use crate::entropy::SystemEntropy;

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
    /// Make and list the keys that sign tokens
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Find the argon2id parameters that take a wanted time on this machine
    Calibrate(calibrate::Calibrate),
    /// Check a configuration
    #[command(subcommand)]
    Config(config::ConfigVerb),
    /// Sign in as many people would, and measure
    Load(load::LoadArguments),
}

/// Runs a verb.
#[must_use]
pub fn run(arguments: Arguments) -> ExitCode {
    match arguments.verb {
        Verb::Serve { config } => serve::run(&config),
        Verb::Directory { config } => directory::run(&config),
        Verb::Keys(keys) => ended(keys.run(SystemClock.now(), &SystemEntropy::new(), &mut io::stdout())),
        Verb::Calibrate(calibrate) => ended(calibrate.run(&mut io::stdout())),
        Verb::Config(verb) => config::run(&verb),
        Verb::Load(arguments) => load::run(&arguments),
    }
}

/// Says on standard error why something was not done.
fn ended(done: Result<(), impl Display>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(io::stderr(), "authd: {why}");
            ExitCode::FAILURE
        }
    }
}
