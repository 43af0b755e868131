//! What a dialect has read of a file, so that the sweep reports nothing twice. Compares places alone.

use model::Origin;
use text::{FileId, Span};

use crate::Fragment;

/// The places that a dialect has read.
pub(super) struct Claimed {
    /// Start, end, and the farthest end so far; by start.
    spans: Vec<(u32, u32, u32)>,
    /// Keys at which a default stands because they hold nothing.
    absent: Vec<Span>,
}

impl Claimed {
    pub(super) fn of(fragment: &Fragment, file: FileId) -> Self {
        let mut written = Vec::new();
        let mut absent = Vec::new();
        for group in &fragment.groups {
            for setting in &group.settings {
                collect_places(&setting.value.origin, &mut written, &mut absent);
                written.extend(setting.unheeded.iter().map(|unheeded| unheeded.at));
            }
            written.extend(group.targets.iter().map(|target| target.span));
        }
        written.extend(fragment.ignored.iter().map(|ignored| ignored.span));
        written.extend(&fragment.read_whole);
        // Values can come from other files, where the same offset is another place.
        written.retain(|span| span.file == file);
        absent.retain(|span| span.file == file);
        written.sort_unstable_by_key(|span| (span.start, span.end));
        let mut farthest = 0;
        let spans = written.iter().map(|span| {
            farthest = farthest.max(span.end);
            (span.start, span.end, farthest)
        });
        let spans = spans.collect();
        absent.sort_unstable();
        Self { spans, absent }
    }

    /// Whether a claimed place overlaps a span, or a default stands exactly there.
    pub(super) fn holds(&self, span: Span) -> bool {
        let next = self.spans.partition_point(|&(start, ..)| start < span.start);
        let at_or_behind =
            self.spans.get(next).is_some_and(|&(start, ..)| start < span.end.max(span.start + 1));
        let before = next.checked_sub(1).is_some_and(|before| self.spans[before].2 > span.start);
        at_or_behind || before || self.absent.binary_search(&span).is_ok()
    }
}

/// All places where the parts of a value stand, and those of defaults.
fn collect_places(origin: &Origin, written: &mut Vec<Span>, absent: &mut Vec<Span>) {
    match origin {
        Origin::Written(span) => written.push(*span),
        Origin::Default { near, .. } => absent.push(*near),
        Origin::Derived(parts) => parts.iter().for_each(|part| collect_places(part, written, absent)),
        Origin::Declared(_) | Origin::Observed { .. } => {}
    }
}
