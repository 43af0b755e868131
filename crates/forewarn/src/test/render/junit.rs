//! Outcomes of tests as JUnit XML: a case a scenario; of a configuration test a case a run.

use std::fmt::Write as _;

use audit::render::{count, xml_escaped};
use wire::tested::{Change, Fate, Mutated, Report, Run, Service, Tested, Undone, Verdict};

use super::service::{below, fate, without_people};

/// A case, and what became of it.
struct Case {
    name: String,
    class: String,
    became: Became,
}

enum Became {
    /// It is as it should be; what was seen.
    Passed(String),
    /// Of which type, in short, and in full.
    Failed(&'static str, String, String),
    /// It could not be said: of which type, in short, and in full.
    Error(&'static str, String, String),
    /// It decides nothing; what was seen.
    Aside(String),
}

/// One suite.
pub(crate) fn junit(report: &Report) -> String {
    let cases: Vec<Case> = report.files.iter().flat_map(cases).collect();
    let of = |is: fn(&Became) -> bool| cases.iter().filter(|case| is(&case.became)).count();
    let (failures, errors) =
        (of(|b| matches!(b, Became::Failed(..))), of(|b| matches!(b, Became::Error(..))));
    let (tests, skipped) = (cases.len(), of(|b| matches!(b, Became::Aside(_))));
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        xml,
        "<testsuites name=\"forewarn\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">"
    );
    let _ = writeln!(
        xml,
        "  <testsuite name=\"test\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\">"
    );
    for case in &cases {
        let (name, class) = (xml_escaped(&case.name), xml_escaped(&case.class));
        let _ = write!(xml, "    <testcase name=\"{name}\" classname=\"{class}\"");
        let inside = match &case.became {
            Became::Passed(seen) if seen.is_empty() => String::new(),
            Became::Passed(seen) => format!("<system-out>{}</system-out>", xml_escaped(seen)),
            Became::Failed(kind, short, full) => format!(
                "<failure type=\"{kind}\" message=\"{}\">{}</failure>",
                xml_escaped(short),
                xml_escaped(full)
            ),
            Became::Error(kind, short, full) => format!(
                "<error type=\"{kind}\" message=\"{}\">{}</error>",
                xml_escaped(short),
                xml_escaped(full)
            ),
            Became::Aside(seen) => format!("<skipped message=\"{}\"/>", xml_escaped(seen)),
        };
        let _ = match inside.as_str() {
            "" => writeln!(xml, "/>"),
            inside => writeln!(xml, ">\n      {inside}\n    </testcase>"),
        };
    }
    xml + "  </testsuite>\n</testsuites>\n"
}

fn cases(file: &Tested) -> Vec<Case> {
    if let Some(service) = &file.service {
        return service
            .runs
            .iter()
            .enumerate()
            .map(|(at, run)| of_run(file, service, run, at == 0))
            .chain(service.undone.iter().map(|undone| of_undone(file, undone)))
            .chain(
                service
                    .mutations
                    .iter()
                    .flat_map(|mutations| &mutations.all)
                    .map(|one| of_mutated(file, one)),
            )
            .collect();
    }
    vec![Case { name: file.path.clone(), class: "forewarn.test".to_owned(), became: of_scenario(file) }]
}

fn of_scenario(file: &Tested) -> Became {
    let Some(scenario) = &file.scenario else {
        let more: Vec<&str> = file.log.iter().chain(&file.help).map(String::as_str).collect();
        return Became::Error("stopped", file.stopped.clone().unwrap_or_default(), more.join("\n"));
    };
    if file.verdict == Verdict::Passed {
        return Became::Passed(scenario.alerts.iter().map(|alert| format!("{alert}\n")).collect());
    }
    let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
    let mut full = String::new();
    for difference in &scenario.differences {
        let (expected, happened) = (side(&difference.expected), side(&difference.happened));
        let _ = write!(full, "expected {expected}\nhappened {happened}\n");
    }
    Became::Failed("scenario", count(scenario.differences.len(), "difference"), full)
}

/// The first run is what was asked for; the others stand beside it and fail nothing.
fn of_run(file: &Tested, service: &Service, run: &Run, first: bool) -> Case {
    let became = match (first, file.verdict, &run.seen) {
        (true, Verdict::Passed, _) => Became::Passed(format!("{}\n{}", service.line, below(service))),
        (true, Verdict::Failed, seen) => {
            let kind = if seen.is_some() { "objective" } else { "refused" };
            Became::Failed(kind, service.line.clone(), below(service))
        }
        (true, Verdict::Inconclusive, _) => {
            Became::Error("inconclusive", service.line.clone(), below(service))
        }
        (true, ..) => Became::Error("open", service.line.clone(), below(service)),
        (false, _, None) => Became::Aside(without_people(run)),
        (false, _, Some(seen)) => {
            let told = format!("{}: {} of {} failed", seen.verdict, seen.people - seen.good, seen.people);
            if seen.verdict == "held" { Became::Passed(told) } else { Became::Aside(told) }
        }
    };
    Case { name: name(service, run), class: file.path.clone(), became }
}

fn of_undone(file: &Tested, undone: &Undone) -> Case {
    let became = Became::Error("stopped", undone.why.clone(), String::new());
    Case { name: undone.option.clone(), class: file.path.clone(), became }
}

/// A mutation that was missed fails nothing: it says something of the test, not of the candidate.
fn of_mutated(file: &Tested, mutated: &Mutated) -> Case {
    let told = format!("{}: {}", fate(mutated.fate), mutated.why);
    let became = match mutated.fate {
        Fate::Caught | Fate::Refused => Became::Passed(told),
        Fate::Missed | Fate::Equal => Became::Aside(told),
    };
    Case { name: format!("mutation {}", super::service::mutated(mutated)), class: file.path.clone(), became }
}

/// `key=value@latency`; of several keys all, of none the file.
fn name(service: &Service, run: &Run) -> String {
    let value = |change: &Change| {
        let text = match run.label.as_str() {
            "candidate" => change.after.clone(),
            "current" => change.before.clone(),
            _ => None,
        };
        let text = text.unwrap_or_else(|| "default".to_owned());
        format!("{}={text}", change.key)
    };
    let values: Vec<String> = service.changes.iter().map(value).collect();
    let what = if values.is_empty() { service.candidate.clone() } else { values.join(",") };
    let latency = service.latency.trim_start_matches("at ").trim_start_matches("the latency of ");
    format!("{what}@{latency}")
}
