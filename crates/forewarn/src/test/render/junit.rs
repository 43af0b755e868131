//! Outcomes of tests as JUnit XML.

use std::fmt::Write as _;

use audit::render::{count, xml_escaped};
use wire::tested::{Report, Verdict};

/// One suite, a case a file; as `check --format junit` writes it.
pub(crate) fn junit(report: &Report) -> String {
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
