//! One line a finding or notice, for editors and `grep`: `path:line:column: level[rule]: title`.

use std::fmt::Write as _;

use super::{place, places, plain};
use crate::{Outcome, Reported};

/// All findings and then all notices, in the order settled.
pub fn short(outcome: &Outcome) -> String {
    let mut shown = String::new();
    for Reported { finding, also } in &outcome.findings {
        let title = plain(&finding.title);
        if let Some((_, span)) = places(finding).next() {
            let _ = write!(shown, "{}: ", place(span, outcome));
        }
        let _ = write!(shown, "{}[{}]: {title}", finding.level.name(), finding.rule);
        if !also.is_empty() {
            let _ = write!(shown, " (and {} more at this place)", also.len());
        }
        shown.push('\n');
    }
    for notice in &outcome.notices {
        let (level, title) = (notice.level.name(), plain(&notice.title));
        let _ = writeln!(shown, "{}: {level}[{}]: {title}", place(notice.span, outcome), notice.kind.name());
    }
    shown
}
