//! Outcomes of tests as annotations of GitHub Actions: on the line of the candidate that was changed, else
//! on the test file.

use std::fmt::Write as _;

use audit::render::{github_data, github_property};
use wire::tested::{Report, Tested, Verdict};

use super::service::below;

/// An annotation a file; none for a scenario that is as expected.
pub(crate) fn github(report: &Report) -> String {
    let mut written = String::new();
    for file in &report.files {
        let command = match file.verdict {
            Verdict::Passed if file.service.is_none() => continue,
            Verdict::Passed if file.service.as_ref().is_some_and(|service| !service.undone.is_empty()) => {
                "warning"
            }
            Verdict::Passed => "notice",
            Verdict::Failed | Verdict::Stopped => "error",
            Verdict::Inconclusive | Verdict::Open => "warning",
        };
        let (path, line) = place(file);
        let name = if file.name.is_empty() { &file.path } else { &file.name };
        let title = github_property(&format!("forewarn test: {name}"));
        let (path, message) = (github_property(path), github_data(message(file).trim_end()));
        let _ = writeln!(written, "::{command} file={path},line={line},title={title}::{message}");
    }
    written
}

/// The line of the candidate that the outcome is told of.
fn place(file: &Tested) -> (&str, u32) {
    match &file.service {
        Some(service) => (&service.candidate, service.at.unwrap_or(1)),
        None => (&file.path, 1),
    }
}

fn message(file: &Tested) -> String {
    if let Some(service) = &file.service {
        return format!("{}\n{}", service.line, below(service));
    }
    let mut message = file.stopped.clone().unwrap_or_default();
    for line in file.log.iter().chain(&file.help) {
        let _ = write!(message, "\n{line}");
    }
    for difference in file.scenario.iter().flat_map(|scenario| &scenario.differences) {
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
        let (expected, happened) = (side(&difference.expected), side(&difference.happened));
        let _ = write!(message, "expected {expected}\nhappened {happened}\n");
    }
    message
}
