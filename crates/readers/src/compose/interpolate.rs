//! Variables in values: `$X`, `${X:-default}`, `${X:?message}`, `$$`, taken from the `.env` beside the
//! file. A variable that nothing sets and that has no default stays as it is written.

use std::cell::Cell;

use text::{FileId, Node, Scalar, Source, Syntax, Tree};

use crate::Context;
use crate::pieces::{Pieces, Text, Traces};
use crate::placeholder::{LEVELS, closing};

/// What is known of variables.
pub(super) struct Interpolation<'c> {
    files: Vec<Tree<'c>>,
    /// A value of them was asked for and is there.
    used: Cell<bool>,
}

impl<'c> Interpolation<'c> {
    /// The variables of the `.env` beside a file.
    pub(super) fn of(context: &Context<'c>) -> Self {
        Self::from(context.neighbours.find(context.source.id(), ".env").into_iter())
    }

    fn from(sources: impl Iterator<Item = &'c Source>) -> Self {
        let files = sources.map(|source| Tree::parse(Syntax::Env, source)).collect();
        Self { files, used: Cell::new(false) }
    }

    /// The files that values were taken from.
    pub(super) fn taken(&self) -> impl Iterator<Item = FileId> {
        self.files.iter().filter(|_| self.used.get()).map(Tree::file)
    }

    /// The value of a variable.
    pub(super) fn variable(&self, name: &str) -> Option<Scalar<'_>> {
        let found = self.files.iter().find_map(|file| file.documents().next()?.get(name)?.scalar());
        self.used.set(self.used.get() || found.is_some());
        found
    }

    /// A scalar's text for people and paths.
    pub(super) fn text(&self, node: Node<'_>) -> Option<String> {
        Some(self.apply(node.scalar()?, &mut Traces::default()).text().to_owned())
    }

    /// A value with its variables replaced.
    pub(super) fn apply<'t>(&self, scalar: Scalar<'t>, traces: &mut Traces) -> Text<'t> {
        let text = scalar.text();
        if !text.contains('$') {
            return Text::AsWritten(scalar);
        }
        let mut made = Made { variables: self, pieces: Pieces::of(scalar), traces };
        made.expand(0..text.len(), LEVELS);
        Text::Made(made.pieces.made())
    }
}

/// A text in the making.
struct Made<'a, 'c, 't> {
    variables: &'a Interpolation<'c>,
    pieces: Pieces<'t>,
    traces: &'a mut Traces,
}

impl Made<'_, '_, '_> {
    /// Adds a range of the scalar's text with its variables replaced.
    fn expand(&mut self, range: std::ops::Range<usize>, levels: usize) {
        let whole = self.pieces.whole();
        let mut at = range.start;
        while let Some(dollar) = whole[at..range.end].find('$') {
            self.pieces.copy(at..at + dollar);
            at += dollar;
            let rest = &whole[at..range.end];
            if rest.starts_with("$$") {
                self.pieces.copy(at..at + 1);
                at += 2;
            } else if let Some(reference) = Reference::of(rest) {
                self.replace(at, &reference, levels);
                at += reference.length;
            } else {
                self.pieces.copy(at..at + 1);
                at += 1;
            }
        }
        self.pieces.copy(at..range.end);
    }

    fn replace(&mut self, at: usize, reference: &Reference<'_>, levels: usize) {
        let value = self.variables.variable(reference.name);
        let counts = value.filter(|value| !(reference.unless_empty && value.text().is_empty()));
        let word = reference.word.clone().map(|word| at + word.start..at + word.end);
        let whole = at..at + reference.length;
        match (reference.operator, counts, word) {
            (Some('+'), Some(_), Some(word)) if levels > 0 => self.expand(word, levels - 1),
            (Some('+'), None, _) => {}
            (_, Some(value), _) => {
                let place = self.pieces.place(whole.clone());
                self.traces.note(place, value.span(), place);
                self.pieces.put(value.text(), whole);
            }
            (Some('-'), None, Some(word)) if levels > 0 => self.expand(word, levels - 1),
            _ => self.pieces.copy(whole),
        }
    }
}

/// A reference to a variable as it is written.
struct Reference<'t> {
    name: &'t str,
    /// `-`, `?` or `+`.
    operator: Option<char>,
    /// `:` before the operator: an empty variable counts as unset.
    unless_empty: bool,
    /// What stands behind the operator, from the `$` on.
    word: Option<std::ops::Range<usize>>,
    /// How long the whole is.
    length: usize,
}

impl<'t> Reference<'t> {
    /// The reference at the start of a text that begins with `$`.
    fn of(text: &'t str) -> Option<Self> {
        let braced = text[1..].starts_with('{');
        let start = if braced { 2 } else { 1 };
        let name = name(&text[start..])?;
        let end = start + name.len();
        if !braced {
            return Some(Self { name, operator: None, unless_empty: false, word: None, length: end });
        }
        let close = closing(text)?;
        let inside = &text[end..close];
        let unless_empty = inside.starts_with(':');
        let operator = inside[usize::from(unless_empty)..].chars().next();
        if !matches!(operator, None | Some('-' | '?' | '+')) || (unless_empty && operator.is_none()) {
            return None;
        }
        let word = operator.map(|_| end + usize::from(unless_empty) + 1..close);
        Some(Self { name, operator, unless_empty, word, length: close + 1 })
    }
}

/// The name of a variable at the start of a text.
fn name(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    (end > 0 && !text.starts_with(|c: char| c.is_ascii_digit())).then(|| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use text::PositionMap;

    /// What a text becomes with `A=1`, `E=` (empty) and `L=long value` set.
    fn replaced(text: &str) -> String {
        let source = Source::new(FileId(1), ".env", "A=1\nE=\nL=long value\n");
        let variables = Interpolation::from(std::iter::once(&source));
        let tree = Tree::of_text(FileId(0), text.to_owned(), PositionMap::shifted(0));
        let made = variables.apply(tree.scalar().expect("a scalar"), &mut Traces::default());
        let scalar = made.scalar().expect("a scalar");
        let span = scalar.part(0..scalar.text().len());
        assert!(span.start <= span.end && span.end as usize <= text.len(), "{span:?} in {text}");
        made.text().to_owned()
    }

    #[test]
    fn variables_are_replaced_as_compose_does() {
        for (text, expected) in [
            ("$A-${A}", "1-1"),
            ("$$A $${A}", "$A ${A}"),
            ("${X:-d}${X-d}${E:-d}${E-d}", "ddd"),
            ("${X:-${A}}${X:-${Y:-z}}", "1z"),
            ("${A:?needed}${A?needed}", "11"),
            ("${A:+set}${X:+set}${E:+set}${E+set}", "setset"),
            ("http://${L}:${A}/", "http://long value:1/"),
        ] {
            assert_eq!(replaced(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_known_or_no_reference_stays() {
        for text in ["${X}", "$X", "${X:?needed}", "${", "$", "${A/1/2}", "${}", "$1", "a$", "${A", "{$}"] {
            assert_eq!(replaced(text), text);
        }
    }
}
