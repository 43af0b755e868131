//! What must hold for every tree, whatever the text: spans lie inside the text, on character
//! boundaries and inside their parent; comments and problems are in order; a walk over everything
//! ends. A broken promise panics, which the fuzzer reports. Must not know what a text means.

use text::{FileId, Node, NodeKind, Scalar, Source, Span, Syntax, Tree};

/// Parses a text and checks every promise of its tree.
pub fn check(syntax: Syntax, text: &str) {
    let source = Source::new(FileId(0), "input", text);
    let tree = Tree::parse(syntax, &source);
    check_lists(&tree, &source, true);
    let mut embedded = Vec::new();
    walk(&tree, |node, parent| {
        check_span(&source, node.span());
        if let Some(parent) = parent.filter(|_| node.via().is_none()) {
            assert!(parent.contains(node.span()), "{parent:?} does not contain {:?}", node.span());
        }
        if let Some(via) = node.via() {
            check_span(&source, via);
        }
        if let Some(scalar) = node.scalar() {
            check_scalar(&source, syntax, scalar);
            if embedded.len() < 4 && scalar.text().len() > 8 {
                embedded.push(scalar);
            }
        }
        for entry in node.written_entries() {
            check_scalar(&source, syntax, entry.key);
            if syntax != Syntax::Yaml {
                assert!(node.span().contains(entry.key.span()), "a key outside its map");
            }
        }
        for entry in node.entries() {
            let found = node.get(entry.key.text()).map(Node::span);
            assert_eq!(found, Some(entry.value.span()), "`get` and `entries` differ");
        }
        let _ = tree.comment_behind(node.span());
        let _ = tree.comments_above(node.span());
    });
    // A configuration file inside a value: its spans point into the same source.
    for scalar in embedded {
        let inner = Tree::parse_scalar(syntax, scalar);
        check_lists(&inner, &source, false);
        walk(&inner, |node, _| {
            check_span(&source, node.span());
            assert!(scalar.span().contains(node.span()), "an embedded span outside its scalar");
            let _ = inner.comment_behind(node.span());
            let _ = inner.comments_above(node.span());
        });
    }
}

/// Visits every node, aliases followed, each with the span of the collection that holds it.
fn walk<'t>(tree: &'t Tree<'_>, mut visit: impl FnMut(Node<'t>, Option<Span>)) {
    let mut open: Vec<(Node<'t>, Option<Span>)> = tree.documents().map(|node| (node, None)).collect();
    let mut seen = 0u64;
    while let Some((node, parent)) = open.pop() {
        seen += 1;
        assert!(seen <= Tree::MAX_EXPANSION, "a walk visits more nodes than promised");
        visit(node, parent);
        let span = Some(node.span());
        match node.kind() {
            NodeKind::Scalar => {}
            NodeKind::List => open.extend(node.items().map(|item| (item, span))),
            NodeKind::Map => open.extend(node.written_entries().map(|entry| (entry.value, span))),
        }
    }
}

fn check_lists(tree: &Tree<'_>, source: &Source, verbatim: bool) {
    let mut last = 0;
    for comment in tree.comments() {
        check_span(source, comment.span);
        assert!(last <= comment.span.start, "comments out of order or on top of each other");
        last = comment.span.end;
        if verbatim {
            assert_eq!(source.slice(comment.span), comment.text);
        }
    }
    let mut last = 0;
    for problem in tree.problems() {
        check_span(source, problem.span);
        assert!(last <= problem.span.start, "problems out of order");
        last = problem.span.start;
        assert!(!problem.message.is_empty());
    }
}

fn check_span(source: &Source, span: Span) {
    assert!(span.start <= span.end, "{span:?} runs backwards");
    let range = span.start as usize..span.end as usize;
    assert!(source.text().get(range).is_some(), "{span:?} is no range of characters of the text");
}

fn check_scalar(source: &Source, syntax: Syntax, scalar: Scalar<'_>) {
    let (text, span) = (scalar.text(), scalar.span());
    check_span(source, span);
    let whole = scalar.part(0..text.len());
    assert!(span.contains(whole), "the text {whole:?} lies outside its scalar {span:?}");
    let map = scalar.position_map();
    let mut last = span.start;
    for (offset, _) in text.char_indices() {
        let at = map.source(offset as u32);
        assert!(last <= at && at <= span.end, "byte {offset} of a scalar's text has no place in it");
        assert!(source.text().is_char_boundary(at as usize), "a part that splits a character");
        last = at;
    }
    let written = source.slice(span);
    // A word of HAProxy's may have quotes in its middle.
    let decoded = ['\\', '\n', '_'].as_slice();
    let decoded = if syntax == Syntax::Haproxy { ['\\', '"', '\''].as_slice() } else { decoded };
    if syntax != Syntax::Yaml && !written.contains(decoded) {
        assert!(written.contains(text), "a text that is not what is written");
    }
}
