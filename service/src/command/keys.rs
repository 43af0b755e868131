//! `authd keys`: makes and lists the keys that sign tokens.

use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Subcommand;

use crate::clock::{NoTimestamp, Timestamp};
use crate::config::length::Length;
use crate::entropy::Entropy;
use crate::token::keys::{ALWAYS, KeyFault, KeyRing, draw, files};

/// How long a further key is published before it signs, where nothing else is said: longer than key
/// sets are commonly kept.
const AHEAD: Duration = Duration::from_secs(86_400);

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Draw a key and write it into a directory
    New {
        /// The directory, `tokens.keys` of the front
        directory: PathBuf,
        /// When it begins to sign: 2026-12-01T00:00:00Z, or 12h for in twelve hours [default: at once
        /// for the first key, in a day for further ones]
        #[arg(long, value_name = "TIME")]
        from: Option<From>,
    },
    /// List the keys of a directory
    List {
        /// The directory
        directory: PathBuf,
    },
}

/// A moment, or how long it is until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// A moment.
    At(Timestamp),
    /// So long from now.
    In(Length),
}

impl FromStr for From {
    type Err = NoTimestamp;

    fn from_str(text: &str) -> Result<Self, NoTimestamp> {
        text.parse().map(Self::In).or_else(|_| text.parse().map(Self::At))
    }
}

/// Why it was not done.
#[derive(Debug)]
pub enum Fault {
    /// Of a key or its directory.
    Key(KeyFault),
    /// Of what is printed.
    Output(io::Error),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key(fault) => fault.fmt(f),
            Self::Output(error) => error.fmt(f),
        }
    }
}

impl std::convert::From<KeyFault> for Fault {
    fn from(fault: KeyFault) -> Self {
        Self::Key(fault)
    }
}

impl std::convert::From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl Keys {
    /// Does it, and writes what was done.
    pub fn run(&self, now: Timestamp, entropy: &dyn Entropy, out: &mut dyn Write) -> Result<(), Fault> {
        match self {
            Self::New { directory, from } => {
                let first = !directory.exists() || files(directory)?.is_empty();
                let from = match from {
                    Some(From::At(moment)) => *moment,
                    Some(From::In(length)) => now.after(length.get()),
                    None if first => now,
                    None => now.after(AHEAD),
                };
                let path = draw(directory, from, entropy)?;
                writeln!(out, "{}: signs from {from} on", path.display())?;
            }
            Self::List { directory } => {
                let ring = KeyRing::open(directory)?;
                let active = ring.active(now).kid();
                for key in ring.keys() {
                    let state = if key.kid() == active {
                        "signs"
                    } else if key.from() > now {
                        "will sign"
                    } else {
                        "verifies"
                    };
                    let from = if key.from() == ALWAYS { "ever".to_owned() } else { key.from().to_string() };
                    writeln!(out, "{}  {state:<9}  from {from}", key.kid())?;
                }
                for warning in ring.warnings() {
                    writeln!(out, "{warning}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::{SeededEntropy, SystemEntropy};

    /// 2026-11-22T19:30:00Z.
    const NOW: Timestamp = Timestamp(1_795_375_800_000);

    #[test]
    fn a_first_key_signs_at_once_and_a_second_one_in_a_day() {
        let name: String = SystemEntropy::new().id().iter().map(|byte| format!("{byte:02x}")).collect();
        let directory = std::env::temp_dir().join(format!("authd-keys-{name}"));
        let entropy = SeededEntropy::new(1);
        let mut out = Vec::new();
        let from = Some("2026-11-23T00:00:00Z".parse().unwrap());
        for from in [None, None, from, Some("12h".parse().unwrap())] {
            let new = Keys::New { directory: directory.clone(), from };
            new.run(NOW, &entropy, &mut out).unwrap();
        }
        let later = NOW.after(Duration::from_secs(5 * 3600));
        Keys::List { directory: directory.clone() }.run(later, &entropy, &mut out).unwrap();
        std::fs::remove_dir_all(&directory).unwrap();
        let out = String::from_utf8(out).unwrap().replace(&directory.display().to_string(), "keys");
        insta::assert_snapshot!(out, @r"
        keys/9ba9393985e10165.pem: signs from 2026-11-22T19:30:00Z on
        keys/192a7f7308eabf3d.pem: signs from 2026-11-23T19:30:00Z on
        keys/952badd1f7856dc6.pem: signs from 2026-11-23T00:00:00Z on
        keys/c71c894b38ee6d57.pem: signs from 2026-11-23T07:30:00Z on
        9ba9393985e10165  verifies   from 2026-11-22T19:30:00Z
        952badd1f7856dc6  signs      from 2026-11-23T00:00:00Z
        c71c894b38ee6d57  will sign  from 2026-11-23T07:30:00Z
        192a7f7308eabf3d  will sign  from 2026-11-23T19:30:00Z
        ");
        assert!("soon".parse::<From>().is_err());
    }
}
