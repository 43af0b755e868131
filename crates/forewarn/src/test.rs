//! `forewarn test`: runs test files and says what was expected and what happened. A scenario runs on
//! virtual time, with no network and no clock.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use audit::Error;
use audit::render::{count, xml_escaped};
use text::{FileId, Source};
use watch::plan::Plan;
use watch::scenario::{self, PlanAt, Scenario, clock};
use wire::tested::{self, Difference, Report, Tested, VERSION, Verdict};

use crate::arguments::{ColorArgument, TestArguments, TestFormatArgument};
use crate::output::{to_stderr, to_stdout};
use crate::terminal::Terminal;
use crate::{CLEAN, FINDINGS, NOT_DONE};

/// Runs all files; one that cannot be run does not keep the others from it.
pub(crate) fn run(arguments: &TestArguments, terminal: &Terminal) -> Result<u8, Error> {
    let mut report = Report { version: VERSION, files: Vec::new() };
    for path in &arguments.files {
        report.files.push(tested(path).unwrap_or_else(|error| {
            let style = terminal.stderr(ColorArgument::Auto);
            to_stderr(&audit::render::error(&error, style));
            stopped(path, &error)
        }));
    }
    match arguments.format {
        TestFormatArgument::Text => {
            to_stdout(&text(&report, arguments.verbose))?;
            to_stderr(&summary(&report));
        }
        TestFormatArgument::Json => to_stdout(&report.json())?,
        TestFormatArgument::Junit => to_stdout(&junit(&report))?,
    }
    let any = |verdict| report.files.iter().any(|file| file.verdict == verdict);
    Ok(match (any(Verdict::Stopped), any(Verdict::Failed)) {
        (true, _) => NOT_DONE,
        (false, true) => FINDINGS,
        (false, false) => CLEAN,
    })
}

fn tested(path: &Path) -> Result<Tested, Error> {
    let scenario = read(path)?;
    let told = scenario::run(&scenario);
    let differences: Vec<Difference> = scenario::judge(&scenario, &told)
        .into_iter()
        .map(|difference| Difference { expected: difference.expected, happened: difference.happened })
        .collect();
    Ok(Tested {
        path: shown(path),
        name: scenario.name,
        verdict: if differences.is_empty() { Verdict::Passed } else { Verdict::Failed },
        stopped: None,
        scenario: Some(tested::Scenario {
            virtual_seconds: scenario.length.as_secs_f64(),
            alerts: told.iter().map(scenario::Told::line).collect(),
            differences,
        }),
        service: None,
    })
}

fn stopped(path: &Path, error: &Error) -> Tested {
    Tested {
        path: shown(path),
        name: String::new(),
        verdict: Verdict::Stopped,
        stopped: Some(error.to_string()),
        scenario: None,
        service: None,
    }
}

fn read(path: &Path) -> Result<Scenario, Error> {
    let source = source(path, "name a test file")?;
    let at = match scenario::plan_of(&source) {
        Ok(at) => at,
        Err(mistakes) => return Err(Error::Mistakes { source, mistakes }),
    };
    let help = "name the plan in the test file with `plan = \"...\"`, or write [watch] into it";
    let plan = match at {
        PlanAt::Here => None,
        PlanAt::File(name) => Some(plan(&path.parent().unwrap_or(Path::new("")).join(name), help)?),
    };
    scenario::parse(&source, plan.as_ref()).map_err(|mistakes| Error::Mistakes { source, mistakes })
}

/// The plan of a `forewarn.toml`.
pub(crate) fn plan(path: &Path, help: &str) -> Result<Plan, Error> {
    let source = source(path, help)?;
    watch::config::parse(&source).map_err(|mistakes| Error::Mistakes { source, mistakes })
}

#[expect(clippy::disallowed_methods, reason = "the binary reads the files that it was given")]
fn source(path: &Path, help: &str) -> Result<Source, Error> {
    let text = fs::read_to_string(path)
        .map_err(|error| Error::stopped(path.display(), format!("cannot be read: {error}"), help))?;
    Ok(Source::new(FileId(0), shown(path), text))
}

fn shown(path: &Path) -> String {
    let parts: PathBuf = path.components().collect();
    parts.display().to_string().replace('\\', "/")
}

fn length(scenario: &tested::Scenario) -> String {
    clock(std::time::Duration::from_secs_f64(scenario.virtual_seconds))
}

/// A file's line, and what differs below it.
fn text(report: &Report, verbose: bool) -> String {
    let mut text = String::new();
    for file in &report.files {
        let word = match file.verdict {
            Verdict::Passed => "ok     ",
            Verdict::Failed => "FAILED ",
            Verdict::Inconclusive | Verdict::Open => "UNKNOWN",
            Verdict::Stopped => "STOPPED",
        };
        let _ = write!(text, "{word} {}", file.path);
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

fn summary(report: &Report) -> String {
    let of = |verdict| report.files.iter().filter(|file| file.verdict == verdict).count();
    let mut line = format!("{}: {} ok", count(report.files.len(), "file"), of(Verdict::Passed));
    for (verdict, word) in [(Verdict::Failed, "failed"), (Verdict::Stopped, "could not be run")] {
        if of(verdict) > 0 {
            let _ = write!(line, ", {} {word}", of(verdict));
        }
    }
    line + "\n"
}

/// One suite, a case a file; as `check --format junit` writes it.
fn junit(report: &Report) -> String {
    let of = |verdict| report.files.iter().filter(|file| file.verdict == verdict).count();
    let (tests, failures, errors) = (report.files.len(), of(Verdict::Failed), of(Verdict::Stopped));
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        xml,
        "<testsuites name=\"forewarn\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">"
    );
    let _ = writeln!(
        xml,
        "  <testsuite name=\"test\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\">"
    );
    for file in &report.files {
        let _ = write!(xml, "    <testcase name=\"{}\" classname=\"forewarn.test\"", xml_escaped(&file.path));
        let mut body = String::new();
        let differences = file.scenario.iter().flat_map(|scenario| &scenario.differences);
        for difference in differences {
            let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
            let _ = write!(
                body,
                "expected {}\nhappened {}\n",
                side(&difference.expected),
                side(&difference.happened)
            );
        }
        let inside = match file.verdict {
            Verdict::Passed => {
                let alerts = file.scenario.iter().flat_map(|scenario| &scenario.alerts);
                alerts.fold(String::new(), |body, alert| body + alert + "\n")
            }
            Verdict::Failed => body,
            Verdict::Inconclusive | Verdict::Open | Verdict::Stopped => {
                file.stopped.clone().unwrap_or_default()
            }
        };
        let inside = xml_escaped(&inside);
        let differ =
            count(file.scenario.as_ref().map_or(0, |scenario| scenario.differences.len()), "difference");
        let _ = match file.verdict {
            Verdict::Passed if inside.is_empty() => writeln!(xml, "/>"),
            Verdict::Passed => writeln!(xml, ">\n      <system-out>{inside}</system-out>\n    </testcase>"),
            Verdict::Failed => {
                writeln!(
                    xml,
                    ">\n      <failure type=\"scenario\" message=\"{differ}\">{inside}</failure>\n    </testcase>"
                )
            }
            Verdict::Inconclusive | Verdict::Open | Verdict::Stopped => {
                writeln!(xml, ">\n      <error type=\"stopped\" message=\"{inside}\"/>\n    </testcase>")
            }
        };
    }
    xml + "  </testsuite>\n</testsuites>\n"
}
