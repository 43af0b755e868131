//! One line a finding, for editors and `grep`: `path:line:column: level[rule]: title`.

use std::fmt::Write as _;

use super::{level_name, plain};
use crate::Outcome;

/// All findings, in the order settled.
pub fn short(outcome: &Outcome) -> String {
    let mut shown = String::new();
    for finding in &outcome.findings {
        let title = plain(&finding.title);
        if let Some(span) = finding.labels.iter().find_map(|label| label.origin.span()) {
            let source = outcome.sources.get(span.file);
            let at = source.position(span.start);
            let _ = write!(shown, "{}:{}:{}: ", source.path(), at.line, at.column);
        }
        let _ = writeln!(shown, "{}[{}]: {title}", level_name(finding.level), finding.rule);
    }
    shown
}
