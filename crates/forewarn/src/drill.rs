//! `forewarn drill`: runs a drill, tells it while it goes on, and closes with what was promised and what
//! was measured.

mod closing;
mod story;

use std::time::Duration;

use audit::Error;
use lab::course::{self, Options, Told};
use lab::database::Database;
use lab::promise::promises;

use crate::arguments::{ColorArgument, DrillArguments, DrillFormatArgument};
use crate::output::{to_stderr, to_stdout};
use crate::signals::Signals;
use crate::terminal::Terminal;
use crate::test::render;
use crate::{CLEAN, FINDINGS, NOT_DONE};
use story::Story;

/// The proxy, the people and the looks at the watch need no more.
const THREADS: usize = 2;

/// Runs a drill.
pub(crate) fn run(arguments: &DrillArguments, terminal: &Terminal) -> Result<u8, Error> {
    let options = options(arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    let runtime = runtime.map_err(|error| stopped("this machine", error))?;
    let style = terminal.stdout(ColorArgument::Auto, false);
    let text = arguments.format == DrillFormatArgument::Text;
    let mut story = Story::new(style, text && terminal.is_live());
    if text {
        to_stdout(&story.opening(&options))?;
    }
    let mut tell = |at: Duration, told: &Told| {
        if text {
            story.tell(at, told);
        }
    };
    let outcome = runtime.block_on(async {
        let signals = Signals::listen()?;
        let record = course::run(&options, &mut tell, signals.ended()).await;
        Ok((record, signals.code()))
    });
    story.clear();
    runtime.shutdown_background();
    let (outcome, ended_by) = outcome?;
    let record = match outcome {
        Ok(record) => record,
        Err(trouble) => {
            to_stderr(&render::trouble(&trouble));
            return Ok(ended_by.unwrap_or(NOT_DONE));
        }
    };
    let promises = promises(&record);
    let held = promises.iter().all(|promise| promise.held);
    match arguments.format {
        DrillFormatArgument::Text => to_stdout(&closing::text(&record, &promises, style))?,
        DrillFormatArgument::Json => to_stdout(&closing::published(&record, promises).json())?,
    }
    // Whoever ended it while it was cleared away ended it all the same.
    Ok(ended_by.unwrap_or(if held { CLEAN } else { FINDINGS }))
}

fn options(arguments: &DrillArguments) -> Result<Options, Error> {
    let forewarn = std::env::current_exe().map_err(|error| stopped("forewarn", error))?;
    let database = match arguments.postgres {
        true => Database::postgres().map_err(|no| Error::stopped(no.place, no.what, no.help))?,
        false => Database::Sqlite,
    };
    Ok(Options {
        seed: arguments.seed,
        rate: f64::from(arguments.rate),
        database,
        keep: arguments.keep,
        stay: arguments.stay,
        forewarn,
        below: std::env::temp_dir(),
    })
}

fn stopped(place: &str, error: std::io::Error) -> Error {
    Error::stopped(place, format!("cannot run a drill: {error}"), "look at the limits of this process")
}
