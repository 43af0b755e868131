//! `forewarn check`: one audit, written in the formats asked for.

use std::time::Instant;

use audit::{Error, FileStatus, Outcome, Request, did_you_mean, render};

use crate::arguments::FormatArgument;
use crate::output::{can_be_written, to_file, to_stderr, to_stdout};
use crate::progress::Progress;
use crate::settings::Check;
use crate::{CLEAN, FINDINGS};

/// Runs a check and gives its exit code.
pub(crate) fn run(check: &Check) -> Result<u8, Error> {
    #[expect(clippy::disallowed_methods, reason = "the time taken is shown with -v and decides nothing")]
    let start = Instant::now();
    for output in &check.outputs {
        can_be_written(&output.file, "--output")?;
    }
    let mut outcome = audited(&check.request, check.progress)?;
    let written = |format, style| match format {
        FormatArgument::Text => render::text(&outcome, style),
        FormatArgument::Short => render::short(&outcome),
        FormatArgument::Json => render::json(&outcome),
        FormatArgument::Sarif => render::sarif(&outcome),
        FormatArgument::Github => render::github(&outcome),
        FormatArgument::Junit => render::junit(&outcome, check.fail_on),
    };
    for output in &check.outputs {
        to_file(&output.file, &written(output.format, check.style_of_files), "--output")?;
    }
    if let Some(format) = check.stdout {
        to_stdout(&written(format, check.style))?;
    }
    if let Some(detail) = check.summary {
        to_stderr(&render::summary(&outcome, detail));
    }
    let outside = render::outside_the_repository(&outcome);
    let formats = check.outputs.iter().map(|output| output.format).chain(check.stdout);
    if outside > 0 && formats.into_iter().any(|format| format == FormatArgument::Sarif) {
        to_stderr(&format!(
            "{outside} of the findings point outside the repository and have no file in SARIF, which code scanning may \
             refuse; run Forewarn in the repository that holds the files\n"
        ));
    }
    if check.timed {
        to_stderr(&format!("took {}\n", model::pretty(start.elapsed())));
    }
    // Told last, where it is seen; what could be audited has been.
    if let Some(unread) = outcome.unread.take() {
        return Err(unread);
    }
    Ok(if outcome.reaches(check.fail_on) && !check.exit_zero { FINDINGS } else { CLEAN })
}

/// Runs an audit that found something to read: silence about nothing would pass for "all is well". What
/// was named and could not be read is left to the caller to tell, after what it has to show.
pub(crate) fn audited(request: &Request<'static>, with_progress: bool) -> Result<Outcome, Error> {
    let progress = with_progress.then(Progress::start);
    let told = progress.as_ref().map(|progress| |done, all| progress.tell(done, all));
    let mut request = request.clone();
    request.progress = told.as_ref().map(|told| told as &(dyn Fn(usize, usize) + Sync));
    let outcome = audit::audit(&request);
    if let Some(progress) = &progress {
        progress.clear();
    }
    let mut outcome = outcome?;
    if let Some(name) = missing_environment(&request, &outcome) {
        let names: Vec<&str> = outcome.environments.iter().map(String::as_str).collect();
        let help = did_you_mean(name, "environments", &names);
        return Err(Error::stopped(
            format_args!("--env {name}"),
            "there is no such environment",
            format!("{help}; [environments] in forewarn.toml declares them"),
        ));
    }
    let Some(what) = nothing_read(&outcome) else { return Ok(outcome) };
    if let Some(unread) = outcome.unread.take() {
        return Err(unread);
    }
    let roots: Vec<String> = request.roots.iter().map(|root| root.display().to_string()).collect();
    Err(Error::stopped(
        roots.join(", "),
        what,
        "name other paths; `forewarn show files` says what became of each file",
    ))
}

/// Why an audit saw nothing to judge, if it did not.
fn nothing_read(outcome: &Outcome) -> Option<String> {
    let read = |status: &FileStatus| matches!(status, FileStatus::Read { .. });
    let broken = |status: &FileStatus| matches!(status, FileStatus::PartlyRead { .. });
    let count = |is: fn(&FileStatus) -> bool| outcome.files.iter().filter(|file| is(&file.status)).count();
    let is_empty = outcome.fleet.settings.is_empty()
        && outcome.fleet.environments.iter().all(|environment| environment.services.is_empty());
    match (count(read), count(broken), outcome.files.len()) {
        (0, 0, 0) => Some("no file found".to_owned()),
        (0, 0, 1) => Some("the only file found is no configuration that can be read".to_owned()),
        (0, 0, all) => Some(format!("none of {all} files is configuration that can be read")),
        (0, 1, _) if is_empty => {
            Some("the only configuration found is in no syntax that can be read".to_owned())
        }
        (0, files, _) if is_empty => {
            Some(format!("none of {files} files of configuration is in a syntax that can be read"))
        }
        _ => None,
    }
}

/// An environment that was asked for and is none: judging nothing would pass for "all is well".
fn missing_environment<'r>(request: &'r Request<'_>, outcome: &Outcome) -> Option<&'r str> {
    let known = |name: &str| outcome.fleet.environments.iter().any(|environment| environment.name == name);
    request.environments.iter().map(String::as_str).find(|name| !known(name))
}
