//! `authd config`: what can be told of a configuration without running anything.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use crate::config::directory::DirectoryConfig;
use crate::config::document::{self, Config};
use crate::config::environment::Environment;
use crate::config::front::FrontConfig;

/// What to do with a configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigVerb {
    /// Say what is wrong in a configuration, and what its limits come to
    ///
    /// Judges what the file decides by itself, with the variables AUTHD_... of this environment laid
    /// over it, as a start would. Files that it names, such as keys and certificates, are not opened.
    /// Whether its limits fit other components and their latency is asked of `forewarn check`.
    ///
    /// Exits with 0 where a start would take it, with 1 where it would not, with 2 where it cannot be
    /// read.
    Check(CheckArguments),
}

/// Arguments of `config check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// The configuration
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Whose configuration it is [default: whose tables it has]
    #[arg(long, value_name = "ROLE")]
    pub role: Option<Role>,
}

/// A role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// `authd serve`
    Front,
    /// `authd directory`
    Directory,
}

/// Runs a verb of `authd config`.
pub(super) fn run(verb: &ConfigVerb) -> ExitCode {
    let ConfigVerb::Check(arguments) = verb;
    let mut out = std::io::stdout().lock();
    match std::fs::read_to_string(&arguments.file) {
        Ok(text) => check(&arguments.file, &text, arguments.role, &Environment::of_process(), &mut out),
        Err(error) => {
            let file = arguments.file.display();
            let _ = writeln!(
                std::io::stderr(),
                "error: {file} cannot be read: {error}\n  help: name a readable file"
            );
            ExitCode::from(2)
        }
    }
}

fn check(
    file: &Path,
    text: &str,
    role: Option<Role>,
    environment: &Environment,
    out: &mut dyn Write,
) -> ExitCode {
    let found = || Role::ALL.into_iter().find(|role| Some(role.name()) == document::role(text));
    match role.or_else(found) {
        Some(Role::Front) => check_as::<FrontConfig>(file, text, environment, out),
        Some(Role::Directory) => check_as::<DirectoryConfig>(file, text, environment, out),
        None => {
            let file = file.display();
            let _ = writeln!(
                out,
                "error: {file}: its tables do not tell whether it is a front's or a directory's\n  help: name the file of a role, or say --role front or --role directory"
            );
            ExitCode::from(2)
        }
    }
}

impl Role {
    const ALL: [Self; 2] = [Self::Front, Self::Directory];

    fn name(self) -> &'static str {
        match self {
            Self::Front => FrontConfig::ROLE,
            Self::Directory => DirectoryConfig::ROLE,
        }
    }
}

fn check_as<T: Config>(file: &Path, text: &str, environment: &Environment, out: &mut dyn Write) -> ExitCode {
    let name = file.display().to_string();
    // Whoever closes the pipe has read enough.
    match document::judge::<T>(&name, text, environment) {
        Ok(judged) => {
            let _ = write!(out, "{}", judged.warnings);
            let sums: String = judged.config.sums().into_iter().map(|sum| format!("  {sum}\n")).collect();
            let _ = write!(out, "{name}: a {} would start with it\n{sum}", T::ROLE, sum = sums);
            ExitCode::SUCCESS
        }
        Err(mistakes) => {
            let _ = writeln!(out, "{mistakes}{name}: a {} would not start with it", T::ROLE);
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, role: Option<Role>) -> String {
        let mut out = Vec::new();
        let code = check(Path::new("a.toml"), text, role, &Environment::default(), &mut out);
        let code = if code == ExitCode::SUCCESS {
            "0"
        } else if code == ExitCode::FAILURE {
            "1"
        } else {
            "2"
        };
        format!("{}exit {code}", String::from_utf8(out).unwrap())
    }

    #[test]
    fn sums_are_shown_of_what_would_start() {
        let front = "[server]\nlisten = \"127.0.0.1:8080\"\n[directory]\nurl = \"http://d\"\n";
        insta::assert_snapshot!(said(front, None), @r"
        a.toml: a front would start with it
          a call to the directory: 100ms to connect + 50ms to wait for a connection = 150ms of 1s; 850ms remain for its answer
          a refused sign-in: 2 calls x 1s = 2s of 3s; 1s remain for the hash and its queue
          memory for passwords being hashed: 19 MiB a processor, each of which computes one hash at a time
        exit 0
        ");
        let hashes = format!("{front}[passwords]\nhash_threads = 4\n");
        assert!(said(&hashes, None).contains("4 hashes x 19 MiB = 76 MiB"));
        let directory = "[server]\nlisten = \"127.0.0.1:8081\"\n";
        insta::assert_snapshot!(said(directory, None), @r"
        error: a.toml: its tables do not tell whether it is a front's or a directory's
          help: name the file of a role, or say --role front or --role directory
        exit 2
        ");
        insta::assert_snapshot!(said(directory, Some(Role::Directory)), @r"
        a.toml: a directory would start with it
          a call: 200ms to wait for a connection + 1s for the statement = 1200ms of 3s
        exit 0
        ");
        insta::assert_snapshot!(said(directory, Some(Role::Front)), @r"
        error: a.toml: directory: this key is needed and missing
          help: write a table [directory]
        a.toml: a front would not start with it
        exit 1
        ");
    }
}
