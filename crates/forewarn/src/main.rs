//! The binary: arguments become validated settings, settings become a run, a run becomes an exit
//! code. Holds no domain logic; the environment and the terminal are looked at here and nowhere else.

mod arguments;
mod baseline;
mod check;
#[cfg(feature = "authd")]
mod drill;
mod explain;
mod export;
mod init;
mod manual;
mod observe;
mod output;
mod progress;
mod replace;
mod settings;
mod show;
mod signals;
mod silence;
mod terminal;
mod test;
mod watch;

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, ExportWhat, Verb};
use terminal::Terminal;

/// Nothing at or above the level to fail on.
const CLEAN: u8 = 0;
/// Findings at or above the level to fail on.
const FINDINGS: u8 = 1;
/// The job could not be done.
const NOT_DONE: u8 = 2;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no failure and go to stdout. A closed pipe is nobody's mistake.
            let code = if error.use_stderr() { NOT_DONE } else { CLEAN };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    #[cfg(feature = "authd")]
    let arguments = match arguments.verb {
        Some(Verb::Authd { verb }) => return authd::command::run(authd::command::Arguments { verb }),
        _ => arguments,
    };
    let terminal = Terminal::of_this_process();
    let color = arguments.color();
    if !terminal.wants_traces() {
        // What fails on one file or in one rule is caught and reported in its place; a trace on
        // stderr would say it twice, and in the middle of other lines.
        std::panic::set_hook(Box::new(|_| {}));
    }
    match attempt(arguments, &terminal) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let style = terminal.stderr(color);
            let _ = std::io::stderr().write_all(audit::render::error(&error, style).as_bytes());
            ExitCode::from(NOT_DONE)
        }
    }
}

/// A run that ends with an exit code of ours even where Forewarn itself fails.
fn attempt(arguments: Arguments, terminal: &Terminal) -> Result<u8, audit::Error> {
    catch_unwind(AssertUnwindSafe(|| run(arguments, terminal))).unwrap_or_else(|_| {
        Err(audit::Error::stopped(
            "forewarn",
            "failed, which is a bug of Forewarn's",
            "run it again with RUST_BACKTRACE=1 to see where, and report that",
        ))
    })
}

fn run(arguments: Arguments, terminal: &Terminal) -> Result<u8, audit::Error> {
    match arguments.verb {
        None => {
            let first = arguments.check.paths.first().cloned();
            let check = settings::check(arguments.check, terminal)?;
            check::run(&check).map_err(|error| arguments::or_a_verb(error, first.as_deref()))
        }
        Some(Verb::Check(check)) => check::run(&settings::check(check, terminal)?),
        Some(Verb::Explain { rule }) => explain::run(rule.as_deref(), terminal),
        Some(Verb::Baseline(arguments)) => baseline::run(arguments),
        Some(Verb::Init { directory }) => init::run(&directory),
        Some(Verb::Show(what)) => show::run(what),
        Some(Verb::Completions { shell }) => manual::completions(shell),
        Some(Verb::Man { verb }) => manual::page(verb.as_deref()),
        Some(Verb::Watch(arguments)) => watch::run(arguments),
        Some(Verb::Silence { what }) => silence::run(what),
        Some(Verb::Observe { what }) => observe::run(what),
        Some(Verb::Export { what: ExportWhat::Prometheus(arguments) }) => export::prometheus(&arguments),
        Some(Verb::Test(arguments)) => test::run(&arguments, terminal),
        #[cfg(feature = "authd")]
        Some(Verb::Drill(arguments)) => drill::run(&arguments, terminal),
        #[cfg(feature = "authd")]
        Some(Verb::Authd { .. }) => unreachable!("bug: it runs before anything of Forewarn's is set up"),
    }
}
