//! One line a finding, for editors and `grep`: `path:line:column: level[rule]: title`.

use std::fmt::Write as _;

use super::{level_name, place, places, plain};
use crate::Outcome;

/// All findings, in the order settled.
pub fn short(outcome: &Outcome) -> String {
    let mut shown = String::new();
    for finding in &outcome.findings {
        let title = plain(&finding.title);
        if let Some((_, span)) = places(finding).next() {
            let _ = write!(shown, "{}: ", place(span, outcome));
        }
        let _ = writeln!(shown, "{}[{}]: {title}", level_name(finding.level), finding.rule);
    }
    shown
}
