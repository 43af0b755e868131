//! What a comment covers: the entry or list item that begins on the comment's own line, or, of a
//! comment alone on its line, on the next one, each with everything below it. A comment above the key
//! of a block so covers the block, one above a key covers that key alone.

use text::{Comment, Node, NodeKind, Source, Span, Syntax, Tree};

/// The part of the source that a comment covers; `None` of a comment that stands above nothing.
pub(super) fn of(comment: Comment<'_>, tree: &Tree<'_>, source: &Source) -> Option<Span> {
    let text = source.text();
    let lines = source.lines();
    let start_of = |line: u32| lines.start(line).map_or(text.len(), |start| start as usize);
    let own = lines.line(comment.span.start);
    let before = text.get(start_of(own)..comment.span.start as usize).unwrap_or_default();
    let before = before.trim_start_matches('\u{feff}').trim();
    // `- # comment` opens a list item that begins on the next line.
    let opens_item = tree.syntax() == Syntax::Yaml && !before.is_empty() && before.bytes().all(|b| b == b'-');
    let mut line = own;
    if before.is_empty() || opens_item {
        line = lines.line(comment.span.end);
        let is_comment = |offset: usize| {
            let starts = |other: Comment<'_>| other.span.start as usize == offset;
            tree.comments().any(starts)
        };
        loop {
            line += 1;
            let range = start_of(line)..start_of(line + 1);
            let content = text.get(range.clone()).unwrap_or_default();
            if content.trim().is_empty() {
                return None;
            }
            if !is_comment(range.end - content.trim_start().len()) {
                break;
            }
        }
    }
    let anchor = Anchor { source, start: start_of(line) as u32, end: start_of(line + 1) as u32, opens_item };
    let below = tree.documents().filter_map(|document| anchor.reach(document)).max();
    Some(Span { start: anchor.start, end: anchor.end.max(below.unwrap_or(0)), ..comment.span })
}

/// The line on which what is covered begins.
struct Anchor<'s> {
    source: &'s Source,
    start: u32,
    end: u32,
    opens_item: bool,
}

impl Anchor<'_> {
    fn holds(&self, offset: u32) -> bool {
        (self.start..self.end).contains(&offset)
    }

    /// How far what begins on the line reaches inside a node.
    fn reach(&self, node: Node<'_>) -> Option<u32> {
        let span = node.span();
        // An anchor's value is walked where it stands, not where an alias stands for it.
        if node.via().is_some() || span.end < self.start || span.start >= self.end {
            return None;
        }
        match node.kind() {
            NodeKind::Scalar => None,
            NodeKind::Map => node
                .written_entries()
                .filter_map(|entry| {
                    let (key, value) = (entry.key.span(), entry.value);
                    if !self.holds(key.start) {
                        return self.reach(value);
                    }
                    let whole = match value.via() {
                        Some(alias) => alias.end,
                        None => value.span().end,
                    };
                    // `[a.b]` and `a.b = 1` name `a` in passing: they are about `b`.
                    let in_passing = value.via().is_none() && value.span().start <= key.start;
                    let inner = in_passing.then(|| self.reach(value)).flatten();
                    Some(inner.unwrap_or(whole.max(key.end)))
                })
                .max(),
            NodeKind::List => node
                .items()
                .filter_map(|item| match self.begins(item) {
                    true => Some(item.span().end),
                    false => self.reach(item),
                })
                .max(),
        }
    }

    /// Whether a list item begins on the line: a map in YAML starts at its first key, its item at
    /// the dash.
    fn begins(&self, item: Node<'_>) -> bool {
        let start = item.span().start;
        if !self.holds(start) || item.via().is_some() {
            return false;
        }
        let before = self.source.text().get(self.start as usize..start as usize).unwrap_or_default();
        self.opens_item || item.tree().syntax() != Syntax::Yaml || !before.trim().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use text::FileId;

    /// What the first comment with an `@` covers, from its line on.
    fn covered(syntax: Syntax, text: &str) -> Option<String> {
        let source = Source::new(FileId(0), "a", text);
        let tree = Tree::parse(syntax, &source);
        let comment = tree.comments().find(|comment| comment.text.contains('@')).expect("in the fixture");
        of(comment, &tree, &source).map(|span| source.slice(span).trim().to_owned())
    }

    #[test]
    fn in_yaml_a_comment_covers_a_key_a_block_or_an_item() {
        for (text, expected) in [
            ("a: 1\n# @\nb: 2\nc: 3\n", Some("b: 2")),
            ("a: 1\nb: 2 # @\nc: 3\n", Some("b: 2 # @")),
            ("a:\n  # @\n  b: 1\n  c: 2\nd: 3\n", Some("b: 1")),
            ("# @\na:\n  b: 1\n  c: 2\nd: 3\n", Some("a:\n  b: 1\n  c: 2")),
            ("a: # @\n  b: 1\n  c: 2\nd: 3\n", Some("a: # @\n  b: 1\n  c: 2")),
            ("# @\n# more words\na: 1\nb: 2\n", Some("a: 1")),
            ("l:\n  # @\n  - a: 1\n    b: 2\n  - a: 3\n", Some("- a: 1\n    b: 2")),
            ("l:\n  - # @\n    a: 1\n    b: 2\n  - a: 3\n", Some("a: 1\n    b: 2")),
            ("l:\n  - c: 0\n    # @\n    a: 1\n    b: 2\n", Some("a: 1")),
            ("# @\na: {b: 1, c: {d: 2}}\ne: 1\n", Some("a: {b: 1, c: {d: 2}}")),
            ("# @\n\na: 1\n", None),
            ("a: 1\n# @", None),
        ] {
            assert_eq!(covered(Syntax::Yaml, text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn in_toml_a_comment_covers_a_key_or_the_table_below_its_header() {
        for (text, expected) in [
            ("[a]\n# @\nx = 1\ny = 2\n", "x = 1"),
            ("[a]\nx = 1 # @\ny = 2\n", "x = 1 # @"),
            ("# @\n[a]\nx = 1\ny = 2\n[b]\nz = 1\n", "[a]\nx = 1\ny = 2"),
            ("# @\n[a.b]\nx = 1\n[a.c]\ny = 1\n", "[a.b]\nx = 1"),
            ("# @\na.b = 1\na.c = 2\n", "a.b = 1"),
            ("# @\n[[l]]\nx = 1\n[[l]]\nx = 2\n", "[[l]]\nx = 1"),
            ("[[l]]\nx = 1\n# @\n[[l]]\nx = 2\ny = 1\n[b]\nz = 1\n", "[[l]]\nx = 2\ny = 1"),
        ] {
            assert_eq!(covered(Syntax::Toml, text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_syntaxes_have_the_same_scopes() {
        for (syntax, text, expected) in [
            (Syntax::Ini, "# @\n[a]\nx = 1\ny = 2\n[b]\nz = 1\n", "[a]\nx = 1\ny = 2"),
            (Syntax::Ini, "[a]\n; @\nx = 1\ny = 2\n", "x = 1"),
            (Syntax::Properties, "# @\na.b=1\na.c=2\n", "a.b=1"),
            (Syntax::Properties, "! @\na.b=1\na.c=2\n", "a.b=1"),
            (Syntax::Env, "# @\nA=1\nB=2\n", "A=1"),
            (Syntax::Env, "A=1 # @\nB=2\n", "A=1 # @"),
            (Syntax::Nginx, "# @\nx 1s;\ny 2s;\n", "x 1s;"),
            (Syntax::Nginx, "x 1s; # @\ny 2s;\n", "x 1s; # @"),
            (Syntax::Json, "{\n// @\n\"a\": 1,\n\"b\": 2}\n", "\"a\": 1,"),
            (Syntax::Json, "{\n/* @\n   more */\n\"a\": 1,\n\"b\": 2}\n", "\"a\": 1,"),
            (Syntax::Json, "{\n\"a\": { // @\n\"c\": 1},\n\"b\": 2}\n", "\"a\": { // @\n\"c\": 1}"),
        ] {
            assert_eq!(covered(syntax, text).as_deref(), Some(expected), "{text}");
        }
        let block = covered(Syntax::Nginx, "# @\nlocation / {\n  x 1s;\n}\ny 2s;\n").expect("a scope");
        assert!(
            block.starts_with("location") && block.contains("x 1s") && !block.contains("y 2s"),
            "{block}"
        );
    }
}
