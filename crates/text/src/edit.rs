//! One value of a file set to another, or taken out, and nothing else touched: comments, order and form
//! stay. What was written is read back before it is believed.

mod unset;

pub use unset::unset;

use crate::directive::{self, Directive, Found};
use crate::{Node, NodeKind, Scalar, Source, Span, Style, Syntax, Tree};

/// Why a value cannot be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSet {
    /// There is no such key; those beside where it would stand.
    NoKey(Vec<String>),
    /// Several are called so; by their own keys.
    Several(Vec<String>),
    /// It holds a table or a list.
    NotAScalar(Span),
    /// The value cannot be written there so that it is read back: a line break, a quote.
    NotWritable(Span),
}

/// The text of a key's value; `None` where there is no such key, or it holds a table or a list.
#[must_use]
pub fn get(syntax: Syntax, source: &Source, key: &str) -> Option<String> {
    let tree = Tree::parse(syntax, source);
    Written::of(&tree, key).ok().map(|written| written.text)
}

/// Where a key's value is written; `None` as for [`get`]. Two keys with one place are the same.
#[must_use]
pub fn place(syntax: Syntax, source: &Source, key: &str) -> Option<Span> {
    Written::of(&Tree::parse(syntax, source), key).ok().map(|written| written.span)
}

/// The text of a file with the value of a key set. The key is its path, parts joined by dots; the place in a
/// list is a number. Of several documents the first one that has the key is taken. Where the syntax has
/// directives, see [`Tree::directives`] for their keys.
///
/// # Errors
/// There is no such key, or what is there cannot be set.
pub fn set(syntax: Syntax, source: &Source, key: &str, value: &str) -> Result<String, NotSet> {
    let tree = Tree::parse(syntax, source);
    let written = Written::of(&tree, key)?;
    let span = written.span;
    let (before, after) = (&source.text()[..span.start as usize], &source.text()[span.end as usize..]);
    forms(syntax, written.style, value)
        .into_iter()
        .map(|form| format!("{before}{form}{after}"))
        .find(|text| says(&tree, source, text, key, &written, value))
        .ok_or(NotSet::NotWritable(span))
}

/// A value where it is written.
struct Written {
    span: Span,
    style: Style,
    text: String,
    /// What stands before it in the same word.
    before: String,
}

impl Written {
    fn of(tree: &Tree<'_>, key: &str) -> Result<Self, NotSet> {
        if tree.has_directives() {
            return Self::of_directive(tree, key);
        }
        let node =
            tree.documents().find_map(|document| find(document, key)).ok_or_else(|| no_key(tree, key))?;
        let scalar = node.scalar().ok_or(NotSet::NotAScalar(node.span()))?;
        Ok(Self::whole(scalar))
    }

    fn whole(scalar: Scalar<'_>) -> Self {
        let (span, style) = (scalar.span(), scalar.style());
        Self { span, style, text: scalar.text().to_owned(), before: String::new() }
    }

    fn of_directive(tree: &Tree<'_>, key: &str) -> Result<Self, NotSet> {
        match tree.directive_value(key) {
            Found::One(scalar, 0) => Ok(Self::whole(scalar)),
            Found::One(scalar, from) => {
                let end = from..scalar.text().len();
                let (before, text) = scalar.text().split_at(from);
                let (before, text) = (before.to_owned(), text.to_owned());
                Ok(Self { span: scalar.part(end), style: Style::Plain, text, before })
            }
            Found::Words(span) => Err(NotSet::NotAScalar(span)),
            Found::Several(keys) => Err(NotSet::Several(keys)),
            Found::Nothing => Err(no_key(tree, key)),
        }
    }
}

/// There is no such key; those that there are where it would stand.
fn no_key(tree: &Tree<'_>, key: &str) -> NotSet {
    if tree.has_directives() {
        return NotSet::NoKey(tree.directives().iter().map(Directive::key).collect());
    }
    NotSet::NoKey(tree.documents().flat_map(|document| beside(document, key)).collect())
}

/// Whether a text says that a key has a value. A directive is known by its place: what it says may be what the
/// block around it is called by.
fn says(tree: &Tree<'_>, source: &Source, text: &str, key: &str, old: &Written, value: &str) -> bool {
    let written = Source::new(source.id(), source.path(), text);
    if tree.has_directives() {
        let said = format!("{}{value}", old.before);
        return directive::differ_in_one(tree, &Tree::parse(tree.syntax(), &written), old.span, &said);
    }
    get(tree.syntax(), &written, key).as_deref() == Some(value)
}

/// How a value may be written, the likeliest first.
fn forms(syntax: Syntax, style: Style, value: &str) -> Vec<String> {
    let quoted = || {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{escaped}\"")
    };
    let bare = || value.to_owned();
    // A number without quotes is one; with them it is a text, which a program may refuse.
    let is_number_or_flag = value.parse::<f64>().is_ok() || matches!(value, "true" | "false");
    match (syntax, style) {
        (Syntax::Toml | Syntax::Json, Style::Plain) if is_number_or_flag => vec![bare()],
        (Syntax::Toml | Syntax::Json, _) => vec![quoted()],
        (_, Style::Plain) => vec![bare(), quoted()],
        _ => vec![quoted(), bare()],
    }
}

/// The node of a key. Keys may hold dots themselves, as those of properties do.
fn find<'t>(node: Node<'t>, key: &str) -> Option<Node<'t>> {
    match node.kind() {
        NodeKind::Map => node.get(key).or_else(|| {
            splits(key).find_map(|(first, rest)| node.get(first).and_then(|below| find(below, rest)))
        }),
        NodeKind::List => {
            let (first, rest) = key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
            let item = node.items().nth(first.parse().ok()?)?;
            rest.map_or(Some(item), |rest| find(item, rest))
        }
        NodeKind::Scalar => None,
    }
}

/// Each way to cut a key at a dot.
fn splits(key: &str) -> impl Iterator<Item = (&str, &str)> {
    key.match_indices('.').map(|(dot, _)| (&key[..dot], &key[dot + 1..]))
}

/// The keys of the deepest table on the way to a key that is not there.
fn beside(node: Node<'_>, key: &str) -> Vec<String> {
    if node.kind() != NodeKind::Map {
        return Vec::new();
    }
    let deeper = splits(key).find_map(|(first, rest)| Some((node.get(first)?, rest)));
    match deeper {
        Some((below, rest)) => beside(below, rest),
        None => node.entries().iter().map(|entry| entry.key.text().to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::FileId;

    fn set_in(syntax: Syntax, text: &str, key: &str, value: &str) -> Result<String, NotSet> {
        set(syntax, &Source::new(FileId(0), "f", text), key, value)
    }

    #[test]
    fn only_the_value_changes_in_every_syntax() {
        for (syntax, text, key, value, expected) in [
            (Syntax::Toml, "[a] # x\nb = \"1s\" # y\n", "a.b", "300ms", "[a] # x\nb = \"300ms\" # y\n"),
            (Syntax::Toml, "[a]\nb = 5\n", "a.b", "6", "[a]\nb = 6\n"),
            (Syntax::Yaml, "a:\n  b: 1s # y\n", "a.b", "300ms", "a:\n  b: 300ms # y\n"),
            (Syntax::Yaml, "a: [{b: 1}, {b: 2}]\n", "a.1.b", "3", "a: [{b: 1}, {b: 3}]\n"),
            (Syntax::Json, "{\"a\": {\"b\": \"1s\"}}", "a.b", "2s", "{\"a\": {\"b\": \"2s\"}}"),
            (Syntax::Properties, "a.b.c=1\nd=2\n", "a.b.c", "7", "a.b.c=7\nd=2\n"),
            (Syntax::Env, "A=1\nB='x y'\n", "B", "z y", "A=1\nB=\"z y\"\n"),
            (Syntax::Ini, "[a]\nb = 1\n", "a.b", "2", "[a]\nb = 2\n"),
        ] {
            assert_eq!(set_in(syntax, text, key, value).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_there_says_what_is() {
        let text = "[a]\nb = 1\nc = 2\n";
        assert_eq!(set_in(Syntax::Toml, text, "a.d", "1"), Err(NotSet::NoKey(vec!["b".into(), "c".into()])));
        assert!(matches!(set_in(Syntax::Toml, text, "a", "1"), Err(NotSet::NotAScalar(_))));
    }

    proptest! {
        #[test]
        fn what_was_set_is_read_back(value in "[ -~]{0,20}") {
            for (syntax, text) in [
                (Syntax::Toml, "[a]\nb = \"1s\"\n"),
                (Syntax::Yaml, "a:\n  b: x\n"),
                (Syntax::Json, "{\"a\": {\"b\": \"1s\"}}"),
            ] {
                let written = set_in(syntax, text, "a.b", &value);
                let written = written.expect("bug: any text fits between quotes");
                let source = Source::new(FileId(0), "f", written.as_str());
                let tree = Tree::parse(syntax, &source);
                prop_assert_eq!(tree.documents().find_map(|d| d.at(&["a", "b"])?.text()), Some(value.as_str()));
            }
        }
    }
}
