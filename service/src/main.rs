//! The program `authd`; everything it does is in the library.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    authd::command::run(authd::command::Arguments::parse())
}
