//! `forewarn show`: tables of what was read, so that people can see what a finding rests on.

use audit::{Error, render};

use crate::arguments::{ShowArguments, ShowWhat, TableFormatArgument};
use crate::output::to_stdout;
use crate::settings::request;
use crate::{CLEAN, check};

/// Prints a table.
pub(crate) fn run(arguments: ShowArguments) -> Result<u8, Error> {
    let table = match arguments.what {
        ShowWhat::Rules => render::rules(),
        // What became of each file is worth knowing above all where none could be read.
        ShowWhat::Files => render::files(&audit::audit(&request(arguments.paths, arguments.scope)?)?),
        what => {
            let outcome = check::audited(&request(arguments.paths, arguments.scope)?, false)?;
            match what {
                ShowWhat::Services => render::services(&outcome),
                ShowWhat::Calls => render::calls(&outcome),
                _ => render::settings(&outcome),
            }
        }
    };
    let written = match arguments.format {
        TableFormatArgument::Text => table.text(),
        TableFormatArgument::Json => table.json(),
    };
    to_stdout(&written)?;
    Ok(CLEAN)
}
