//! `forewarn export`: writes what other tools take, from the plan of the watch.

use std::fs;
use std::path::Path;
use std::time::Duration;

use audit::Error;
use model::declared::length_of;
use watch::export::{RULES, TESTS, export};

use crate::CLEAN;
use crate::arguments::ExportArguments;
use crate::output::{to_file, to_stderr, to_stdout};

/// The head of every file written here, by which it is told from what somebody else wrote.
const HEAD: &str = "# Written by `forewarn export prometheus`";

/// Writes rules for Prometheus, and their tests where a directory is named.
pub(crate) fn prometheus(arguments: &ExportArguments) -> Result<u8, Error> {
    let plan = crate::test::plan(&arguments.config, "name a forewarn.toml with --config")?;
    let scrape = scrape_interval(&arguments.scrape_interval)?;
    if plan.services.is_empty() {
        return Err(Error::stopped(
            arguments.config.display(),
            "watches no service",
            "add a [[watch.service]]; `forewarn init` writes a file with every option",
        ));
    }
    let exported = export(&plan, &[], scrape);
    let Some(directory) = &arguments.output else {
        to_stdout(&exported.rules)?;
        return Ok(CLEAN);
    };
    for (name, text) in [(RULES, &exported.rules), (TESTS, &exported.tests)] {
        write(&directory.join(name), text)?;
    }
    for sentence in &exported.left_out {
        to_stderr(&format!("not in these rules: {sentence}\n"));
    }
    to_stderr(&format!("test them with `promtool test rules {}`\n", directory.join(TESTS).display()));
    Ok(CLEAN)
}

fn scrape_interval(text: &str) -> Result<Duration, Error> {
    let read =
        length_of(text).filter(|length| (Duration::from_secs(1)..=Duration::from_secs(300)).contains(length));
    read.ok_or_else(|| {
        Error::stopped(
            format!("--scrape-interval {text}"),
            "is no length from 1s to 5min",
            "write how often Prometheus scrapes, with its unit: `15s`",
        )
    })
}

/// Replaces a file of ours; what somebody else wrote stays.
#[expect(clippy::disallowed_methods, reason = "the binary writes")]
fn write(path: &Path, text: &str) -> Result<(), Error> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(|error| {
            Error::stopped(
                parent.display(),
                format!("cannot be made: {error}"),
                "name another directory with --output",
            )
        })?;
    }
    match fs::read_to_string(path) {
        Ok(there) if !there.starts_with(HEAD) => {
            return Err(Error::stopped(
                path.display(),
                "was not written by `forewarn export`, and is not replaced",
                "move it away, or name another directory with --output",
            ));
        }
        _ => {}
    }
    to_file(path, text, "--output")?;
    to_stderr(&format!("wrote {}\n", path.display()));
    Ok(())
}
