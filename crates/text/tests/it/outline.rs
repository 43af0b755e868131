//! A tree in few lines, for snapshots: every key and value with its span, then comments, then
//! problems. Quoted scalars stand in `"`, block scalars in `|`.

#![allow(clippy::use_debug, reason = "snapshots are read by us, not by users")]

use std::fmt::Write;

use text::{FileId, Node, NodeKind, Scalar, Source, Span, Style, Syntax, Tree};

pub(crate) fn outline(syntax: Syntax, text: &str) -> String {
    let source = Source::new(FileId(0), "file", text);
    let tree = Tree::parse(syntax, &source);
    let mut out = String::new();
    for document in tree.documents() {
        node(&mut out, &source, document, 0);
    }
    for comment in tree.comments() {
        writeln!(out, "# {} {:?}", place(&source, comment.span), comment.text).expect("memory");
    }
    for problem in tree.problems() {
        writeln!(out, "! {} {:?}: {}", place(&source, problem.span), problem.kind, problem.message)
            .expect("memory");
    }
    out
}

fn node(out: &mut String, source: &Source, node: Node<'_>, depth: usize) {
    let indent = "  ".repeat(depth);
    match node.kind() {
        NodeKind::Scalar => {
            let scalar = node.scalar().expect("a scalar");
            writeln!(out, "{}", written(source, scalar)).expect("memory");
        }
        NodeKind::List => {
            writeln!(out, "list {}", place(source, node.span())).expect("memory");
            for item in node.items() {
                write!(out, "{indent}- ").expect("memory");
                self::node(out, source, item, depth + 1);
            }
        }
        NodeKind::Map => {
            writeln!(out, "map {}", place(source, node.span())).expect("memory");
            for entry in node.written_entries() {
                write!(out, "{indent}{}: ", written(source, entry.key)).expect("memory");
                self::node(out, source, entry.value, depth + 1);
            }
        }
    }
}

fn written(source: &Source, scalar: Scalar<'_>) -> String {
    let text = scalar.text().escape_debug();
    let place = place(source, scalar.span());
    match scalar.style() {
        Style::Plain => format!("{text} {place}"),
        Style::Quoted => format!("\"{text}\" {place}"),
        Style::Block => format!("|{text}| {place}"),
    }
}

/// `line:from-to` on one line, `line:from-line:to` over several; `to` is one past the last column.
fn place(source: &Source, span: Span) -> String {
    let (start, end) = (source.position(span.start), source.position(span.end));
    if start.line == end.line {
        format!("{}:{}-{}", start.line, start.column, end.column)
    } else {
        format!("{}:{}-{}:{}", start.line, start.column, end.line, end.column)
    }
}
