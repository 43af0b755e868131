//! Findings as JUnit XML, which every CI server shows as test results. A rule is a suite, a finding a
//! test case: servers keep one failure of a case alone. Written so that `junit-10.xsd` of Jenkins'
//! xUnit plugin, the strictest description in use, holds.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use draw::escaped;
use model::Level;

use super::snippet::Style;
use super::text::{drawn, drawn_notices};
use super::{plain, subject};
use crate::{Outcome, Reported};

/// All findings and notices, grouped by rule and kind. Those at or above `fail_on` are failures, the others pass with
/// what was found as their output; what could not be judged is skipped; a rule with nothing to say
/// passes.
pub fn junit(outcome: &Outcome, fail_on: Level) -> String {
    let mut suites: BTreeMap<&str, Suite> = BTreeMap::new();
    for rule in &outcome.rules_run {
        suites.entry(rule).or_default();
    }
    let verdict = |level, title: &str, drawn| match level >= fail_on {
        true => Verdict::Failed { level, message: plain(title), drawn },
        false => Verdict::Passed { drawn },
    };
    for (Reported { finding, .. }, drawn) in outcome.findings.iter().zip(drawn(outcome, Style::default())) {
        let suite = suites.entry(finding.rule).or_default();
        suite.add(subject(&finding.subject), verdict(finding.level, &finding.title, drawn));
    }
    for (notice, drawn) in outcome.notices.iter().zip(drawn_notices(outcome, Style::default())) {
        let suite = suites.entry(notice.kind.name()).or_default();
        let path = outcome.sources.get(notice.span.file).path();
        suite.add(path.to_owned(), verdict(notice.level, &notice.title, drawn));
    }
    for missing in &outcome.not_evaluated {
        let why = format!("needs {}", plain(&missing.needs));
        suites.entry(missing.rule).or_default().add(subject(&missing.subject), Verdict::Skipped { why });
    }
    for suite in suites.values_mut().filter(|suite| suite.cases.is_empty()) {
        suite.add("no finding".into(), Verdict::Passed { drawn: String::new() });
    }
    written(&suites)
}

/// What one rule said.
#[derive(Default)]
struct Suite {
    cases: Vec<(String, Verdict)>,
    /// How often each name was given.
    names: BTreeMap<String, usize>,
}

/// What became of one case.
enum Verdict {
    Failed { level: Level, message: String, drawn: String },
    Passed { drawn: String },
    Skipped { why: String },
}

impl Suite {
    /// Adds a case. Servers tell cases apart by name and follow them over time, so a name holds no
    /// line, and a second case of the same name gets a number.
    fn add(&mut self, name: String, result: Verdict) {
        let times = self.names.entry(name.clone()).or_default();
        *times += 1;
        let name = if *times == 1 { name } else { format!("{name} ({times})") };
        self.cases.push((name, result));
    }

    fn count(&self, is: fn(&Verdict) -> bool) -> usize {
        self.cases.iter().filter(|(_, result)| is(result)).count()
    }

    fn failures(&self) -> usize {
        self.count(|result| matches!(result, Verdict::Failed { .. }))
    }
}

fn written(suites: &BTreeMap<&str, Suite>) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let tests: usize = suites.values().map(|suite| suite.cases.len()).sum();
    let failures: usize = suites.values().map(Suite::failures).sum();
    let _ = writeln!(
        xml,
        "<testsuites name=\"forewarn\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">"
    );
    for (rule, suite) in suites {
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\">",
            escaped(rule),
            suite.cases.len(),
            suite.failures(),
            suite.count(|result| matches!(result, Verdict::Skipped { .. })),
        );
        for (name, result) in &suite.cases {
            // Servers cut a class name at its last dot into package and class.
            let _ = write!(
                xml,
                "    <testcase name=\"{}\" classname=\"forewarn.{}\"",
                escaped(name),
                escaped(rule)
            );
            let inside = match result {
                Verdict::Failed { level, message, drawn } => format!(
                    "<failure type=\"{}\" message=\"{}\">{}</failure>",
                    level.name(),
                    escaped(message),
                    escaped(drawn)
                ),
                Verdict::Passed { drawn } if drawn.is_empty() => String::new(),
                Verdict::Passed { drawn } => format!("<system-out>{}</system-out>", escaped(drawn)),
                Verdict::Skipped { why } => format!("<skipped message=\"{}\"/>", escaped(why)),
            };
            let _ = if inside.is_empty() {
                writeln!(xml, "/>")
            } else {
                writeln!(xml, ">\n      {inside}\n    </testcase>")
            };
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_of_one_name_are_numbered() {
        let mut suite = Suite::default();
        for name in ["a", "b", "a", "a"] {
            suite.add(name.into(), Verdict::Passed { drawn: String::new() });
        }
        let names: Vec<&str> = suite.cases.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b", "a (2)", "a (3)"]);
    }
}
