//! Outcomes of tests as people read them.

use std::fmt::Write as _;

use audit::render::count;
use prove::trial::Trouble;
use watch::scenario::clock;
use wire::tested::{self, Report, Verdict};

use super::service::below;

fn length(scenario: &tested::Scenario) -> String {
    clock(std::time::Duration::from_secs_f64(scenario.virtual_seconds))
}

/// A file's line, and what differs below it.
pub(crate) fn text(report: &Report, verbose: bool) -> String {
    let mut text = String::new();
    for file in &report.files {
        let word = match file.verdict {
            Verdict::Passed => "ok     ",
            Verdict::Failed => "FAILED ",
            Verdict::Inconclusive | Verdict::Open => "UNKNOWN",
            Verdict::Stopped => "STOPPED",
        };
        let _ = write!(text, "{word} {}", file.path);
        if let Some(service) = &file.service {
            let _ = write!(text, ": {}\n\n{}", service.line, below(service));
            continue;
        }
        if !file.name.is_empty() {
            let _ = write!(text, ": {}", file.name);
        }
        if let Some(why) = &file.stopped {
            let _ = write!(text, " ({why})");
        }
        let Some(scenario) = &file.scenario else {
            text.push('\n');
            continue;
        };
        let _ = writeln!(text, " ({} in {})", count(scenario.alerts.len(), "alert"), length(scenario));
        for difference in &scenario.differences {
            let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
            let _ = writeln!(text, "    expected  {}", side(&difference.expected));
            let _ = writeln!(text, "    happened  {}", side(&difference.happened));
        }
        if verbose {
            for alert in &scenario.alerts {
                let _ = writeln!(text, "    told      {alert}");
            }
        }
    }
    text
}

pub(crate) fn summary(report: &Report) -> String {
    let of = |verdict| report.files.iter().filter(|file| file.verdict == verdict).count();
    let mut line = format!("{}: {} ok", count(report.files.len(), "file"), of(Verdict::Passed));
    for (verdict, word) in [
        (Verdict::Failed, "failed"),
        (Verdict::Inconclusive, "inconclusive"),
        (Verdict::Open, "not known within the budget"),
        (Verdict::Stopped, "could not be run"),
    ] {
        if of(verdict) > 0 {
            let _ = write!(line, ", {} {word}", of(verdict));
        }
    }
    line + "\n"
}

/// Why a run could not be had: where, what, the end of the log, what to do.
pub(crate) fn trouble(trouble: &Trouble) -> String {
    told("error", trouble)
}

/// The same of what kept no run from being had.
pub(crate) fn warning(trouble: &Trouble) -> String {
    told("warning", trouble)
}

fn told(word: &str, trouble: &Trouble) -> String {
    let mut text = format!("{word}: {}: {}\n", trouble.place, trouble.what);
    for line in &trouble.log {
        let _ = writeln!(text, "{}", format!("  | {line}").trim_end());
    }
    let _ = writeln!(text, "help: {}", trouble.help);
    text
}
