//! Variables in values: `$X`, `${X:-default}`, `${X:?message}`, `$$`, taken from the `.env` beside the
//! file. A variable that nothing sets and that has no default stays as it is written. Positions stay
//! true, and what came out of `.env` remembers both places.

use model::{Origin, Setting};
use text::{Node, PositionMap, Run, Scalar, Span, Syntax, Tree};

use crate::Context;

/// Defaults inside defaults are followed to this depth; real files have one or two levels.
const LEVELS: usize = 8;

/// What is known of variables.
pub(super) struct Interpolation<'c> {
    files: Vec<Tree<'c>>,
}

/// A value after interpolation.
pub(super) enum Text<'t> {
    /// Nothing was replaced.
    AsWritten(Scalar<'t>),
    /// A text made of pieces.
    Made(Tree<'static>),
}

impl Text<'_> {
    /// The value.
    pub(super) fn scalar(&self) -> Option<Scalar<'_>> {
        match self {
            Self::AsWritten(scalar) => Some(*scalar),
            Self::Made(tree) => tree.scalar(),
        }
    }

    /// The text of the value.
    pub(super) fn text(&self) -> &str {
        self.scalar().map_or("", Scalar::text)
    }
}

/// Which values stand where they do because of a variable.
#[derive(Default)]
pub(super) struct Traces {
    /// Where the value is referred to, and where it is written.
    list: Vec<(Span, Origin)>,
}

impl Traces {
    /// Notes that what stands at `at` is decided at `first` and referred to at `then`.
    pub(super) fn note(&mut self, at: Span, first: Span, then: Span) {
        let origin = Origin::Derived(vec![Origin::Written(first), Origin::Written(then)]);
        self.list.push((at, origin));
    }

    /// Gives a setting both its places, if a variable decides it.
    pub(super) fn apply(&self, setting: &mut Setting) {
        let Origin::Written(span) = setting.value.origin else { return };
        let touches =
            |at: Span| at.file == span.file && at.start < span.end.max(span.start + 1) && span.start < at.end;
        if let Some((_, origin)) = self.list.iter().find(|(at, _)| touches(*at)) {
            setting.value.origin = origin.clone();
        }
    }
}

impl<'c> Interpolation<'c> {
    /// The variables of the `.env` beside a file.
    pub(super) fn of(context: &Context<'c>) -> Self {
        let sources = context.neighbours.find(context.source.id(), ".env");
        Self { files: sources.into_iter().map(|source| Tree::parse(Syntax::Env, source)).collect() }
    }

    /// The value of a variable.
    pub(super) fn variable(&self, name: &str) -> Option<Scalar<'_>> {
        self.files.iter().find_map(|file| file.documents().next()?.get(name)?.scalar())
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
        let mut made = Made { variables: self, scalar, text: String::new(), runs: Vec::new(), traces };
        made.expand(0..text.len(), LEVELS);
        made.run(text.len());
        let map = scalar.position_map().after(&PositionMap::new(made.runs));
        Text::Made(Tree::of_text(scalar.span().file, made.text, map))
    }
}

/// A text in the making.
struct Made<'a, 'c, 't> {
    variables: &'a Interpolation<'c>,
    scalar: Scalar<'t>,
    text: String,
    runs: Vec<Run>,
    traces: &'a mut Traces,
}

impl Made<'_, '_, '_> {
    /// What is added next stands at an offset of the scalar's text.
    fn run(&mut self, at: usize) {
        self.runs.push(Run { text: self.text.len() as u32, source: at as u32 });
    }

    /// Adds a range of the scalar's text with its variables replaced.
    fn expand(&mut self, range: std::ops::Range<usize>, levels: usize) {
        let whole = self.scalar.text();
        let mut at = range.start;
        while at < range.end {
            let rest = &whole[at..range.end];
            let Some(dollar) = rest.find('$') else { break };
            self.copy(at..at + dollar);
            at += dollar;
            let rest = &rest[dollar..];
            if rest.starts_with("$$") {
                self.copy(at..at + 1);
                at += 2;
            } else if let Some(reference) = Reference::of(rest) {
                self.replace(at, &reference, levels);
                at += reference.length;
            } else {
                self.copy(at..at + 1);
                at += 1;
            }
        }
        self.copy(at..range.end);
    }

    fn copy(&mut self, range: std::ops::Range<usize>) {
        if range.start < range.end {
            self.run(range.start);
            self.text.push_str(&self.scalar.text()[range]);
        }
    }

    fn replace(&mut self, at: usize, reference: &Reference<'_>, levels: usize) {
        let value = self.variables.variable(reference.name);
        let counts = value.filter(|value| !(reference.unless_empty && value.text().is_empty()));
        let word = reference.word.clone().map(|word| at + word.start..at + word.end);
        match (reference.operator, counts, word) {
            (Some('+'), Some(_), Some(word)) if levels > 0 => self.expand(word, levels - 1),
            (Some('+'), None, _) => {}
            (_, Some(value), _) => {
                let place = self.scalar.part(at..at + reference.length);
                self.traces.note(place, value.span(), place);
                self.run(at);
                self.text.push_str(value.text());
                self.run(at + reference.length);
            }
            (Some('-'), None, Some(word)) if levels > 0 => self.expand(word, levels - 1),
            _ => self.copy(at..at + reference.length),
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

/// Where the brace closes that opens at the second byte.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if text[..at].ends_with('$') => open += 1,
            b'}' => {
                open -= 1;
                if open == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}
