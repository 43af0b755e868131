//! `forewarn export`: writes what other tools take, from the plan of the watch.

use std::fs;
use std::path::Path;
use std::time::Duration;

use audit::Error;
use model::declared::length_of;
use watch::export::{RULES, TESTS, export};
use watch::guard::{Learnt, Signal, learn};
use watch::history::{Minute, parse};
use watch::plan::{GuardSource, Plan, Watched};

use crate::CLEAN;
use crate::arguments::ExportArguments;
use crate::output::{to_file, to_stderr, to_stdout};

/// The head of every file written here, by which it is told from what somebody else wrote.
const HEAD: &str = "# Written by `forewarn export prometheus`";

/// Writes rules for Prometheus, and their tests where a directory is named.
pub(crate) fn prometheus(arguments: &ExportArguments) -> Result<u8, Error> {
    let plan = crate::watch::read(&arguments.config)?;
    let scrape = scrape_interval(&arguments.scrape_interval)?;
    if plan.services.is_empty() {
        return Err(Error::stopped(
            arguments.config.display(),
            "watches no service",
            "add a [[watch.service]]; `forewarn init` writes a file with every option",
        ));
    }
    let base = arguments.config.parent().unwrap_or(Path::new(""));
    let exported = export(&plan, &learnt(&plan, base)?, scrape);
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

/// The guards of each service that its plan has learnt from files of history. What the watch learns from its
/// own journal is not known here.
fn learnt(plan: &Plan, base: &Path) -> Result<Vec<Vec<Learnt>>, Error> {
    let of_service = |(place, service): (usize, &Watched)| {
        let sources = [
            (Signal::Failures, Some(&service.failures)),
            (Signal::Slow, service.latency.as_ref().map(|latency| &latency.guard)),
            (Signal::Traffic, service.traffic.as_ref()),
        ];
        let mut guards: Vec<Learnt> = Vec::new();
        let mut learnt_from: Vec<(&str, Vec<Learnt>)> = Vec::new();
        for (signal, source) in sources {
            let Some(GuardSource::History(file)) = source else { continue };
            if !learnt_from.iter().any(|(name, _)| name == file) {
                let history = history(&base.join(file), service)?;
                learnt_from.push((file, learn(&history, plan, place)));
            }
            let of_file = learnt_from.iter().filter(|(name, _)| name == file).flat_map(|(_, learnt)| learnt);
            guards.extend(of_file.filter(|learnt| learnt.signal == signal).cloned());
        }
        Ok(guards)
    };
    plan.services.iter().enumerate().map(of_service).collect()
}

#[expect(clippy::disallowed_methods, reason = "the binary reads the files that the plan names")]
fn history(path: &Path, service: &Watched) -> Result<Vec<Minute>, Error> {
    let text = fs::read_to_string(path).map_err(|error| {
        Error::stopped(
            path.display(),
            format!("cannot be read: {error}"),
            "`history` names a file, relative to the forewarn.toml",
        )
    })?;
    parse(&text, service).map_err(|mistakes| {
        let told = mistakes.into_iter().map(|mistake| {
            Error::stopped(
                format_args!("{}:{}", path.display(), mistake.line),
                mistake.problem,
                "correct the line: a guard rests on the whole history",
            )
        });
        Error::Several(told.collect())
    })
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
