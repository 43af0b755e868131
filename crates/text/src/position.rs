//! From offsets in a decoded text back to offsets in the source it was decoded from: escapes,
//! folded lines, block scalar indentation. Holds no text itself.

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
        let mut runs = Vec::with_capacity(inner.runs.len());
        for (index, run) in inner.runs.iter().enumerate() {
            runs.push(Run { text: run.text, source: self.source(run.source) });
            let next = inner.runs.get(index + 1);
            // A border of this map inside the inner run splits it.
            let first = self.runs.partition_point(|outer| outer.text <= run.source);
            for border in &self.runs[first..] {
                let text = run.text.saturating_add(border.text - run.source);
                match next {
                    Some(next) if next.text <= text || next.source < border.text => {
                        // The run ends before the border, but its offsets must not pass it.
                        if border.source < self.source(next.source) {
                            runs.push(Run { text: next.text, source: border.source });
                        }
                        break;
                    }
                    _ => runs.push(Run { text, source: border.source }),
                }
            }
        }
        PositionMap::new(runs)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn map() -> impl Strategy<Value = PositionMap> {
        proptest::collection::vec((0..6u32, 0..6u32), 1..8).prop_map(|steps| {
            let mut run = Run { text: 0, source: 0 };
            let runs = steps.into_iter().enumerate().map(|(index, (text, source))| {
                run.text += if index == 0 { 0 } else { text };
                run.source += source;
                run
            });
            PositionMap::new(runs.collect())
        })
    }

    proptest! {
        #[test]
        fn a_map_after_another_is_both_one_after_the_other(outer in map(), inner in map()) {
            let both = outer.after(&inner);
            for offset in 0..60 {
                prop_assert_eq!(both.source(offset), outer.source(inner.source(offset)), "at {}", offset);
            }
        }

        #[test]
        fn a_map_never_turns_back(map in map()) {
            prop_assert!((0..60).is_sorted_by_key(|offset| map.source(offset)));
        }
    }
}
