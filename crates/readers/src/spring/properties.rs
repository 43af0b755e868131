//! A document as Spring sees it: flat properties, nested maps and dotted keys alike, names compared
//! loosely, `${X:default}` replaced by its default. Knows no key.

use std::borrow::Cow;

use text::{Node, NodeKind, Scalar, Span};

use crate::pieces::{Pieces, Text};
use crate::placeholder::{LEVELS, closing};

/// One property.
pub(super) struct Property<'t> {
    /// The names on the way to it, items of lists as `[0]`.
    pub(super) path: Vec<Cow<'t, str>>,
    /// Where each of them is written; an item's is that of the list's key.
    places: Vec<Span>,
    /// Its value with placeholders replaced.
    value: Text<'t>,
}

impl<'t> Property<'t> {
    /// Its value.
    pub(super) fn value(&self) -> Option<Scalar<'_>> {
        self.value.scalar()
    }

    /// The text of its value; `None` where something in it is not known.
    pub(super) fn text(&self) -> Option<&str> {
        Some(self.value.text()).filter(|text| !text.is_empty() && !text.contains("${"))
    }

    /// The key with its path up to so many names.
    pub(super) fn prefix(&self, names: usize) -> String {
        let mut key = String::new();
        for name in &self.path[..names.min(self.path.len())] {
            if !key.is_empty() && !name.starts_with('[') {
                key.push('.');
            }
            key.push_str(name);
        }
        key
    }

    /// The key with its path.
    pub(super) fn key(&self) -> String {
        self.prefix(self.path.len())
    }

    /// Where the name at this depth is written.
    pub(super) fn place(&self, depth: usize) -> Span {
        self.places[depth.min(self.places.len() - 1)]
    }

    /// The names behind a prefix of so many.
    pub(super) fn behind(&self, names: usize) -> &[Cow<'t, str>] {
        &self.path[names.min(self.path.len())..]
    }

    /// Whether it lies below these names, in any spelling.
    pub(super) fn is_below(&self, names: &[&str]) -> bool {
        self.path.len() > names.len()
            && self.path.iter().zip(names).all(|(name, wanted)| is_same(name, wanted))
    }

    /// Whether the names behind a prefix are these, in any spelling.
    pub(super) fn is(&self, names: usize, key: &str) -> bool {
        let behind = self.behind(names);
        let mut wanted = key.split('.');
        behind.len() == wanted.clone().count()
            && behind.iter().all(|name| wanted.next().is_some_and(|wanted| is_same(name, wanted)))
    }
}

/// Whether two names are one to Spring: letters of either case, `-` and `_` count for nothing.
pub(super) fn is_same(a: &str, b: &str) -> bool {
    a == b || plain(a).eq(plain(b))
}

/// A name's letters that count.
fn plain(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(|byte| !matches!(byte, b'-' | b'_')).map(|byte| byte.to_ascii_lowercase())
}

/// The properties of a document, in the order they are written.
pub(super) fn properties(document: Node<'_>) -> Vec<Property<'_>> {
    let mut all = Vec::new();
    collect(document, &mut Vec::new(), &mut Vec::new(), &mut all);
    all
}

fn collect<'t>(
    node: Node<'t>,
    path: &mut Vec<Cow<'t, str>>,
    places: &mut Vec<Span>,
    all: &mut Vec<Property<'t>>,
) {
    let depth = path.len();
    match node.kind() {
        NodeKind::Map => {
            for entry in node.entries() {
                for (name, range) in names(entry.key.text()) {
                    path.push(name);
                    places.push(entry.key.part(range));
                }
                collect(entry.value, path, places, all);
                path.truncate(depth);
                places.truncate(depth);
            }
        }
        NodeKind::List => {
            let Some(&at) = places.last() else { return };
            for (index, item) in node.items().enumerate() {
                path.push(Cow::Owned(format!("[{index}]")));
                places.push(at);
                collect(item, path, places, all);
                path.truncate(depth);
                places.truncate(depth);
            }
        }
        NodeKind::Scalar => {
            if let (Some(scalar), false) = (node.scalar(), path.is_empty()) {
                let value = with_defaults(scalar);
                all.push(Property { path: path.clone(), places: places.clone(), value });
            }
        }
    }
}

/// The names in a key, `a.b[0].c`, each with its place in the key.
fn names(key: &str) -> Vec<(Cow<'_, str>, std::ops::Range<usize>)> {
    let mut names = Vec::new();
    let mut start = 0;
    let mut bracket = false;
    let mut cut = |start: usize, end: usize| {
        if start < end {
            names.push((Cow::Borrowed(&key[start..end]), start..end));
        }
    };
    for (at, byte) in key.bytes().enumerate() {
        match byte {
            b'.' if !bracket => {
                cut(start, at);
                start = at + 1;
            }
            b'[' if !bracket => {
                cut(start, at);
                start = at;
                bracket = true;
            }
            b']' if bracket => {
                cut(start, at + 1);
                start = at + 1;
                bracket = false;
            }
            _ => {}
        }
    }
    cut(start, key.len());
    names
}

/// A value with each `${X:default}` replaced by its default; what has none stays as it is.
fn with_defaults(scalar: Scalar<'_>) -> Text<'_> {
    let text = scalar.text();
    if !text.contains("${") {
        return Text::AsWritten(scalar);
    }
    let mut pieces = Pieces::of(scalar);
    expand(&mut pieces, 0..text.len(), LEVELS);
    Text::Made(pieces.made())
}

fn expand(pieces: &mut Pieces<'_>, range: std::ops::Range<usize>, levels: usize) {
    let whole = pieces.whole();
    let mut at = range.start;
    while let Some(dollar) = whole[at..range.end].find("${") {
        let start = at + dollar;
        pieces.copy(at..start);
        let Some(close) = closing(&whole[start..range.end]).map(|close| start + close) else {
            at = start;
            break;
        };
        let default = whole[start..close].find(':').map(|colon| start + colon + 1..close);
        match default.filter(|_| levels > 0) {
            Some(default) => expand(pieces, default, levels - 1),
            None => pieces.copy(start..close + 1),
        }
        at = close + 1;
    }
    pieces.copy(at..range.end);
}

#[cfg(test)]
mod tests {
    use text::{FileId, Source, Syntax, Tree};

    use super::*;

    fn shown(syntax: Syntax, text: &str) -> Vec<String> {
        let source = Source::new(FileId(0), "application", text);
        let tree = Tree::parse(syntax, &source);
        let document = tree.documents().next().expect("a document");
        let lines = properties(document).into_iter().map(|p| format!("{} = {}", p.key(), p.value.text()));
        lines.collect()
    }

    #[test]
    fn maps_lists_and_dotted_keys_are_one() {
        let text =
            "spring.cloud:\n  gateway.routes:\n    - id: a\n      filters: [Retry, X]\nserver: {port: 1}\n";
        let flat = "spring.cloud.gateway.routes[0].id=a\nspring.cloud.gateway.routes[0].filters[0]=Retry\n\
            spring.cloud.gateway.routes[0].filters[1]=X\nserver.port=1\n";
        assert_eq!(shown(Syntax::Yaml, text), shown(Syntax::Properties, flat));
    }

    #[test]
    fn defaults_of_placeholders_count() {
        for (text, value) in [
            ("${X:http://a:1}/b", "http://a:1/b"),
            ("jdbc:mysql://${H:${DB:db}}:${P:3306}/x", "jdbc:mysql://db:3306/x"),
            ("${X}", "${X}"),
            ("${X:}", ""),
            ("${X", "${X"),
            ("a:b", "a:b"),
        ] {
            assert_eq!(shown(Syntax::Yaml, &format!("k: '{text}'")), [format!("k = {value}")], "{text}");
        }
    }

    #[test]
    fn names_are_compared_loosely() {
        assert!(is_same("connection-timeout", "connectionTimeout"));
        assert!(is_same("CONNECTION_TIMEOUT", "connectiontimeout"));
        assert!(!is_same("connect-timeout", "connection-timeout"));
    }
}
