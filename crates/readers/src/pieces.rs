//! Texts put together from pieces of a scalar: variables replaced, the rest as it stands. Positions stay
//! true, and what came from elsewhere remembers both places. Must not know any product's spelling of a
//! variable.

use std::collections::BTreeMap;

use model::{Origin, Setting};
use text::{FileId, PositionMap, Run, Scalar, Span, Tree};

/// A value, perhaps after something in it was replaced.
pub(crate) enum Text<'t> {
    /// Nothing was replaced.
    AsWritten(Scalar<'t>),
    /// A text made of pieces.
    Made(Tree<'static>),
}

impl Text<'_> {
    /// The value.
    pub(crate) fn scalar(&self) -> Option<Scalar<'_>> {
        match self {
            Self::AsWritten(scalar) => Some(*scalar),
            Self::Made(tree) => tree.scalar(),
        }
    }

    /// The text of the value.
    pub(crate) fn text(&self) -> &str {
        self.scalar().map_or("", Scalar::text)
    }
}

/// Which values stand where they do because of a variable.
#[derive(Default)]
pub(crate) struct Traces {
    /// Where the value is referred to (file and start, then end), and where it is written.
    places: BTreeMap<(FileId, u32), (u32, Origin)>,
}

impl Traces {
    /// Notes that what stands at `at` is decided at `first` and referred to at `then`.
    pub(crate) fn note(&mut self, at: Span, first: Span, then: Span) {
        let origin = Origin::Derived(vec![Origin::Written(first), Origin::Written(then)]);
        self.places.entry((at.file, at.start)).or_insert((at.end, origin));
    }

    /// Gives a setting both its places, if a variable decides it.
    pub(crate) fn apply(&self, setting: &mut Setting) {
        let Origin::Written(span) = setting.value.origin else { return };
        let before = (span.file, span.end.max(span.start + 1));
        if let Some(((file, _), (end, origin))) = self.places.range(..before).next_back()
            && *file == span.file
            && *end > span.start
        {
            setting.value.origin = origin.clone();
        }
    }
}

/// No text is made longer than this by replacing: values that refer to each other could double without
/// end. Addresses and amounts are far shorter.
const LONGEST: usize = 4096;

/// A text in the making.
pub(crate) struct Pieces<'t> {
    scalar: Scalar<'t>,
    text: String,
    runs: Vec<Run>,
}

impl<'t> Pieces<'t> {
    /// Nothing yet, to be made of pieces of a scalar, from its start to its end.
    pub(crate) fn of(scalar: Scalar<'t>) -> Self {
        Self { scalar, text: String::new(), runs: Vec::new() }
    }

    /// The scalar's own text.
    pub(crate) fn whole(&self) -> &'t str {
        self.scalar.text()
    }

    /// Where a range of the scalar's text is written.
    pub(crate) fn place(&self, range: std::ops::Range<usize>) -> Span {
        self.scalar.part(range)
    }

    /// What is added next stands at an offset of the scalar's text.
    fn run(&mut self, at: usize) {
        self.runs.push(Run { text: self.text.len() as u32, source: at as u32 });
    }

    /// Adds a range of the scalar's text as it is.
    pub(crate) fn copy(&mut self, range: std::ops::Range<usize>) {
        if range.start < range.end {
            self.run(range.start);
            self.text.push_str(&self.scalar.text()[range]);
        }
    }

    /// Adds another text in place of a range; the range itself where the whole would be too long.
    pub(crate) fn put(&mut self, text: &str, range: std::ops::Range<usize>) {
        if self.text.len() + text.len() > LONGEST {
            return self.copy(range);
        }
        self.run(range.start);
        self.text.push_str(text);
        self.run(range.end);
    }

    /// The text as a tree of one scalar, its positions those of the pieces.
    pub(crate) fn made(mut self) -> Tree<'static> {
        self.run(self.scalar.text().len());
        let map = self.scalar.position_map().after(&PositionMap::new(self.runs));
        Tree::of_text(self.scalar.span().file, self.text, map)
    }
}
