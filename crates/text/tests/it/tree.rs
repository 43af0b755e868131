//! What every tree promises, whatever the text: places in the source, nesting, merge keys,
//! comments, and bounds on what an input can cost.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use text::{FileId, Node, NodeKind, ProblemKind, Scalar, Source, Span, Style, Syntax, Tree};

const SYNTAXES: &[Syntax] = &[
    Syntax::Yaml,
    Syntax::Json,
    Syntax::Toml,
    Syntax::Properties,
    Syntax::Ini,
    Syntax::Env,
    Syntax::Nginx,
    Syntax::Haproxy,
];

/// What configuration is made of, and what breaks it.
const TOKENS: &[&str] = &[
    "a",
    "b: ",
    "key:",
    "'q'",
    "\"d\"",
    "\"e\\n\\u00e9\"",
    "'it''s'",
    "- ",
    "? ",
    ": ",
    "\n",
    "\n  ",
    "\n    ",
    "\r\n",
    "\t",
    " ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "|",
    ">",
    "|+2",
    "\n---\n",
    "--- ",
    "...",
    "# c",
    " # d",
    "&x ",
    "*x",
    "!t ",
    "<<: ",
    "é",
    "😀",
    "\u{feff}",
    "\u{2028}",
    "\\",
    "=",
    ";",
    "'",
    "\"",
    "@",
    "`",
    "%",
    "//",
    "/*",
    "*/",
    "\0",
    "\"\"\"",
    "'''",
    "1",
    "true",
    "text: |\n  two\n  lines\n",
    "m:\n- x\n- y\n",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![vec(select(TOKENS), 0..40).prop_map(|tokens| tokens.concat()), "\\PC{0,40}"]
}

fn check(tree: &Tree<'_>, source: &Source) {
    for document in tree.documents() {
        check_node(document, source, None);
    }
    for comment in tree.comments() {
        check_span(comment.span, source);
        tree.comment_behind(comment.span);
        tree.comments_above(comment.span);
    }
    for problem in tree.problems() {
        check_span(problem.span, source);
    }
    assert!(tree.problems().is_sorted_by_key(|problem| problem.span.start));
}

fn check_span(span: Span, source: &Source) {
    let (start, end) = (span.start as usize, span.end as usize);
    assert!(source.text().get(start..end).is_some(), "{start}..{end} does not cut {:?}", source.text());
}

fn check_node(node: Node<'_>, source: &Source, parent: Option<Span>) {
    check_span(node.span(), source);
    let here = node.via().unwrap_or(node.span());
    if let Some(parent) = parent {
        assert!(parent.contains(here), "{here:?} in {parent:?} of {:?}", source.text());
    }
    if node.via().is_some() {
        return;
    }
    if let Some(scalar) = node.scalar() {
        check_scalar(scalar, source);
    }
    for item in node.items() {
        check_node(item, source, Some(node.span()));
    }
    for entry in node.written_entries() {
        check_span(entry.key.span(), source);
        check_scalar(entry.key, source);
        check_node(entry.value, source, Some(node.span()));
    }
    node.entries();
}

fn check_scalar(scalar: Scalar<'_>, source: &Source) {
    let whole = scalar.part(0..scalar.text().len());
    assert!(scalar.text().is_empty() || scalar.span().contains(whole), "{scalar:?} in {:?}", source.text());
}

proptest! {
    #[test]
    fn no_text_breaks_a_tree(text in text()) {
        let source = Source::new(FileId(0), "a", text);
        for &syntax in SYNTAXES {
            let tree = Tree::parse(syntax, &source);
            check(&tree, &source);
        }
    }

    #[test]
    fn a_plain_scalar_on_one_line_is_what_stands_there(text in text()) {
        let source = Source::new(FileId(0), "a", text);
        let tree = Tree::parse(Syntax::Yaml, &source);
        let mut open: Vec<Node<'_>> = tree.documents().collect();
        while let Some(node) = open.pop() {
            if let Some(scalar) = node.scalar().filter(|scalar| scalar.style() == Style::Plain)
                && !source.slice(scalar.span()).contains(['\n', '\r'])
                && !source.slice(scalar.span()).starts_with('*')
            {
                prop_assert_eq!(source.slice(scalar.span()), scalar.text());
            }
            open.extend(node.items().chain(node.written_entries().map(|entry| entry.value)));
        }
    }

    #[test]
    fn a_tree_in_a_scalar_lies_in_its_source(text in text(), folded in any::<bool>()) {
        let mut written = String::from("outer: 1\ntext: ");
        if folded {
            let escaped = text.escape_default().to_string().replace("\\u{", "\\U{").replace("\\'", "'");
            let mut pieces = escaped.split("\\U{");
            written.push('"');
            written.push_str(pieces.next().unwrap_or(""));
            for piece in pieces {
                let (digits, rest) = piece.split_once('}').expect("the brace was opened");
                written.push_str(&format!("\\U{digits:0>8}{rest}"));
            }
            written.push_str("\"\n");
        } else {
            written.push_str("|\n");
            for line in text.lines() {
                written.push_str(&format!("  {line}\n"));
            }
        }
        let source = Source::new(FileId(0), "a", written);
        let outer = Tree::parse(Syntax::Yaml, &source);
        let value = outer.documents().next().and_then(|root| root.get("text")).and_then(Node::scalar);
        let Some(scalar) = value else { return Ok(()) };
        for &syntax in SYNTAXES {
            let tree = Tree::parse_scalar(syntax, scalar);
            for document in tree.documents() {
                prop_assert!(scalar.span().contains(document.span()));
            }
            check(&tree, &source);
        }
    }
}

fn yaml(text: &str) -> Source {
    Source::new(FileId(0), "a.yaml", text)
}

fn root<'t>(tree: &'t Tree<'_>) -> Node<'t> {
    tree.documents().next().expect("one document")
}

fn entries(node: Node<'_>) -> String {
    let entries = node.entries();
    let entries = entries.iter().map(|e| format!("{}={}", e.key.text(), e.value.text().unwrap_or("-")));
    entries.collect::<Vec<_>>().join(" ")
}

#[test]
fn own_keys_win_over_merged_ones_and_earlier_merges_over_later() {
    let source = yaml(concat!(
        "one: &one {a: 1, b: 1, c: 1}\n",
        "two: &two {<<: *one, b: 2, d: 2}\n",
        "list:\n  c: 3\n  <<: [*two, *one]\n  e: 3\n",
        "turned:\n  <<: [*one, *two]\n",
        "twice:\n  a: 1\n  <<: *one\n  a: 4\n",
        "quoted:\n  '<<': *one\n",
    ));
    let tree = Tree::parse(Syntax::Yaml, &source);
    let root = root(&tree);
    let of = |key: &str| entries(root.get(key).expect("written above"));
    assert_eq!(of("list"), "c=3 e=3 b=2 d=2 a=1");
    assert_eq!(of("turned"), "a=1 b=1 c=1 d=2");
    assert_eq!(of("twice"), "a=4 b=1 c=1");
    assert_eq!(of("quoted"), "<<=-");
    let list = root.get("list").expect("written above");
    for entry in list.entries() {
        let found = list.entry(entry.key.text()).expect("`entry` and `entries` agree");
        assert_eq!(found.value.span(), entry.value.span());
    }
}

#[test]
fn a_map_of_many_keys_keeps_the_last_of_each() {
    let lines: String = (0..100).map(|n| format!("k{}: {n}\n", n % 40)).collect();
    let source = yaml(&lines);
    let tree = Tree::parse(Syntax::Yaml, &source);
    let entries = root(&tree).entries();
    assert_eq!(entries.len(), 40);
    assert!(entries.iter().all(|entry| {
        let value: u32 = entry.value.text().and_then(|text| text.parse().ok()).expect("a number");
        value >= 60 && entry.key.text() == format!("k{}", value % 40)
    }));
    assert_eq!(tree.problems().len(), 60);
}

#[test]
fn duplicates_are_reported_at_the_later_key() {
    let source = yaml("a: 1\nb: {c: 1, c: 2}\na: 2\n<<: {}\n<<: {}\n");
    let tree = Tree::parse(Syntax::Yaml, &source);
    let found: Vec<_> = tree.problems().iter().map(|p| (p.kind, p.span.start)).collect();
    assert_eq!(found, [(ProblemKind::DuplicateKey, 15), (ProblemKind::DuplicateKey, 21)]);
}

#[test]
fn nesting_ends_at_a_limit() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")] {
        let source = yaml(&format!("{}x{}", open.repeat(5_000), close.repeat(5_000)));
        let tree = Tree::parse(Syntax::Yaml, &source);
        let mut depth = 0;
        let mut node = tree.documents().next();
        while let Some(inner) = node {
            depth += 1;
            node = inner.items().next().or_else(|| inner.written_entries().next().map(|entry| entry.value));
        }
        assert!(depth <= Tree::MAX_DEPTH + 1, "{depth} levels");
        assert!(!tree.problems().is_empty());
    }
}

#[test]
fn aliases_that_multiply_are_not_followed() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    let source = yaml(&text);
    let tree = Tree::parse(Syntax::Yaml, &source);
    assert_eq!(tree.problems()[0].kind, ProblemKind::AliasBomb);
    let last = root(&tree).get("a9").expect("it was written");
    assert!(last.items().all(|item| item.kind() == NodeKind::Scalar && item.scalar().is_none()));
}

#[test]
fn aliases_that_nest_too_deep_are_not_followed() {
    let mut text = String::from("- &a0 [x]\n");
    for level in 1..400 {
        text.push_str(&format!("- &a{level} [*a{}]\n", level - 1));
    }
    let source = yaml(&text);
    let tree = Tree::parse(Syntax::Yaml, &source);
    assert_eq!(tree.problems()[0].kind, ProblemKind::AliasBomb);
}

#[test]
fn an_alias_inside_its_own_anchor_is_empty() {
    let source = yaml("a: &a\n  b: *a\n  c: [*a]\n");
    let tree = Tree::parse(Syntax::Yaml, &source);
    assert_eq!(root(&tree).at(&["a", "b"]).and_then(Node::text), Some(""));
}

#[test]
fn comments_behind_and_above_belong_to_their_line() {
    let source =
        yaml("\u{feff}# one\n  # two\na: 1 # behind\n\n# three\n\n# four\nb: [1, # in\n  2]\nc: 3\n");
    let tree = Tree::parse(Syntax::Yaml, &source);
    let root = root(&tree);
    let above = |key: &str| -> Vec<&str> {
        let key = root.entry(key).expect("written above").key.span();
        tree.comments_above(key).iter().map(|comment| comment.text).collect()
    };
    let behind = |key: &str| {
        let entry = root.entry(key).expect("written above");
        tree.comment_behind(entry.value.span()).map(|comment| comment.text)
    };
    assert_eq!(above("a"), ["# one", "# two"]);
    assert_eq!(above("b"), ["# four"]);
    assert_eq!(above("c"), [""; 0]);
    assert_eq!(behind("a"), Some("# behind"));
    assert_eq!(behind("b"), None);
    let first = root.get("b").and_then(|list| list.items().next()).expect("written above");
    assert_eq!(tree.comment_behind(first.span()).map(|comment| comment.text), Some("# in"));
}

#[test]
fn comments_of_a_tree_in_a_scalar_belong_to_its_lines() {
    for written in [
        "data:\n  file: |\n    # above\n    a: 1 # behind\n    b: 2\n",
        "data:\n  file: \"# above\\na: 1 # behind\\nb: 2\\n\"\n",
    ] {
        let source = yaml(written);
        let outer = Tree::parse(Syntax::Yaml, &source);
        let file = root(&outer).at(&["data", "file"]).and_then(Node::scalar).expect("written above");
        let tree = Tree::parse_scalar(Syntax::Yaml, file);
        let a = root(&tree).entry("a").expect("written above");
        let b = root(&tree).entry("b").expect("written above");
        assert_eq!(source.slice(a.value.span()), "1");
        assert_eq!(source.slice(b.key.span()), "b");
        assert_eq!(tree.comment_behind(a.value.span()).map(|c| source.slice(c.span)), Some("# behind"));
        assert_eq!(tree.comment_behind(b.value.span()), None);
        let above = tree.comments_above(a.key.span());
        assert_eq!(above.iter().map(|c| source.slice(c.span)).collect::<Vec<_>>(), ["# above"]);
        assert_eq!(tree.comments_above(b.key.span()), []);
    }
}
