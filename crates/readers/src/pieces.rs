//! Texts put together from pieces of a scalar: variables replaced, the rest as it stands. Positions stay
//! true, and what came from elsewhere remembers both places. Must not know any product's spelling of a
//! variable.

use model::{Origin, Setting};
use text::{PositionMap, Run, Scalar, Span, Tree};

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
    /// Where the value is referred to, and where it is written.
    list: Vec<(Span, Origin)>,
}

impl Traces {
    /// Notes that what stands at `at` is decided at `first` and referred to at `then`.
    pub(crate) fn note(&mut self, at: Span, first: Span, then: Span) {
        let origin = Origin::Derived(vec![Origin::Written(first), Origin::Written(then)]);
        self.list.push((at, origin));
    }

    /// Gives a setting both its places, if a variable decides it.
    pub(crate) fn apply(&self, setting: &mut Setting) {
        let Origin::Written(span) = setting.value.origin else { return };
        let touches =
            |at: Span| at.file == span.file && at.start < span.end.max(span.start + 1) && span.start < at.end;
        if let Some((_, origin)) = self.list.iter().find(|(at, _)| touches(*at)) {
            setting.value.origin = origin.clone();
        }
    }
}

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

    /// Adds another text in place of a range.
    pub(crate) fn put(&mut self, text: &str, range: std::ops::Range<usize>) {
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
