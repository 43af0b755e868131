//! A key taken out of a file with its value, and nothing else touched. What is left is read back before it
//! is believed: the key is gone, and everything else says what it said.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{NotSet, no_key, splits};
use crate::{Entry, Node, NodeKind, Source, Span, Syntax, Tree, directive};

/// A key that is written several times is taken out as often; real files repeat one twice.
const MOST_TIMES: usize = 16;

/// The text of a file without a key. The key is its path, as for [`super::set`]; where it was all that a
/// table held, the table is left empty.
///
/// # Errors
/// There is no such key, or it cannot be taken out alone: something else refers to it.
pub fn unset(syntax: Syntax, source: &Source, key: &str) -> Result<String, NotSet> {
    let tree = Tree::parse(syntax, source);
    if tree.has_directives() {
        return directive::without(&tree, source, key);
    }
    let found = find(&tree, key).ok_or_else(|| no_key(&tree, key))?;
    let span = found.entry.key.span();
    let mut text = source.text().to_owned();
    for _ in 0..MOST_TIMES {
        let left = Source::new(source.id(), source.path(), text);
        let tree = Tree::parse(syntax, &left);
        let Some(found) = find(&tree, key) else { return Ok(left.text().to_owned()) };
        text = without(&tree, &left, &found).ok_or(NotSet::NotWritable(span))?;
    }
    Err(NotSet::NotWritable(span))
}

/// An entry, the map that it stands in, and the way to it: keys and places, that of the document first.
struct Found<'t> {
    way: Vec<String>,
    parent: Node<'t>,
    entry: Entry<'t>,
}

fn find<'t>(tree: &'t Tree<'_>, key: &str) -> Option<Found<'t>> {
    tree.documents().enumerate().find_map(|(document, root)| {
        let mut way = vec![document.to_string()];
        let (parent, entry) = entry(root, key, &mut way)?;
        Some(Found { way, parent, entry })
    })
}

/// As [`super::find`] does, and with the way.
fn entry<'t>(node: Node<'t>, key: &str, way: &mut Vec<String>) -> Option<(Node<'t>, Entry<'t>)> {
    let mut through = |step: &str, node: Node<'t>, rest: &str| {
        way.push(step.to_owned());
        let found = entry(node, rest, way);
        if found.is_none() {
            way.pop();
        }
        found
    };
    match node.kind() {
        NodeKind::Map => match node.entry(key) {
            Some(entry) => {
                way.push(key.to_owned());
                Some((node, entry))
            }
            None => splits(key).find_map(|(first, rest)| through(first, node.get(first)?, rest)),
        },
        NodeKind::List => {
            let (place, rest) = key.split_once('.')?;
            through(place, node.items().nth(place.parse().ok()?)?, rest)
        }
        NodeKind::Scalar => None,
    }
}

/// The text without an entry, in the first way in which all the rest is read back.
fn without(tree: &Tree<'_>, source: &Source, found: &Found<'_>) -> Option<String> {
    let expected = said(tree, &found.way);
    let text = source.text();
    let texts = [flow(tree, text, found), lines(text, found), inside(text, found), emptied(text, found)];
    texts.into_iter().flatten().find(|text| {
        let left = Source::new(source.id(), source.path(), text.as_str());
        let after = Tree::parse(tree.syntax(), &left);
        after.problems().len() <= tree.problems().len() && said(&after, &found.way) == expected
    })
}

/// Everything that a tree says, merge keys followed, but for what it says at the end of a way and beyond. A
/// table that holds nothing says nothing.
fn said(tree: &Tree<'_>, but: &[String]) -> BTreeMap<Vec<String>, String> {
    let mut all = BTreeMap::new();
    for (document, root) in tree.documents().enumerate() {
        collect(root, &mut vec![document.to_string()], but, &mut all);
    }
    all
}

fn collect(node: Node<'_>, way: &mut Vec<String>, but: &[String], all: &mut BTreeMap<Vec<String>, String>) {
    if way == but {
        return;
    }
    let mut below = |step: String, node: Node<'_>| {
        way.push(step);
        collect(node, way, but, all);
        way.pop();
    };
    match node.kind() {
        NodeKind::List => node.items().enumerate().for_each(|(place, item)| below(place.to_string(), item)),
        NodeKind::Map => {
            for entry in node.entries() {
                below(entry.key.text().to_owned(), entry.value);
            }
        }
        NodeKind::Scalar => {
            all.insert(way.clone(), node.text().unwrap_or("").to_owned());
        }
    }
}

fn range(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

/// From the first byte of the key to the last of the value.
fn whole(found: &Found<'_>) -> Range<usize> {
    let (key, value) = (range(found.entry.key.span()), range(found.entry.value.span()));
    key.start..value.end.max(key.end)
}

/// The lines that it stands on.
fn lines(text: &str, found: &Found<'_>) -> Option<String> {
    let entry = whole(found);
    let start = text.get(..entry.start)?.rfind('\n').map_or(0, |at| at + 1);
    // A block ends behind its last line break.
    let ends_line = text.get(..entry.end)?.ends_with('\n');
    let end = match text.get(entry.end..)?.find('\n') {
        _ if ends_line => entry.end,
        Some(at) => entry.end + at + 1,
        None => text.len(),
    };
    Some(format!("{}{}", &text[..start], &text[end..]))
}

/// Up to the entry behind it: the first of a map that begins on a line with something else.
fn inside(text: &str, found: &Found<'_>) -> Option<String> {
    let entry = whole(found);
    let next = found.parent.written_entries().map(|entry| range(entry.key.span()).start);
    let next = next.filter(|&start| start >= entry.end).min()?;
    Some(format!("{}{}", text.get(..entry.start)?, text.get(next..)?))
}

/// An empty map in its place, where it is alone.
fn emptied(text: &str, found: &Found<'_>) -> Option<String> {
    let entry = whole(found);
    let value = text.get(entry.clone())?.trim_end();
    let end = entry.start + value.len();
    Some(format!("{}{{}}{}", text.get(..entry.start)?, text.get(end..)?))
}

/// Between braces: with the comma behind it, else with the one before.
fn flow(tree: &Tree<'_>, text: &str, found: &Found<'_>) -> Option<String> {
    let parent = range(found.parent.span());
    if !text.get(parent.clone())?.starts_with('{') {
        return None;
    }
    let entry = whole(found);
    let siblings = || found.parent.written_entries();
    let before =
        siblings().map(|other| range(other.value.span()).end).filter(|&end| end <= entry.start).max();
    let behind =
        siblings().map(|other| range(other.key.span()).start).filter(|&start| start >= entry.end).min();
    if let Some(comma) = comma(tree, text, entry.end..behind.unwrap_or(parent.end)) {
        let end = comma + 1;
        let blank_before = text[..entry.start].trim_end_matches([' ', '\t']);
        let blank_behind = text[end..].trim_start_matches([' ', '\t']);
        // Alone on its lines, these go; else the room before the next one.
        let alone = blank_before.ends_with('\n') && blank_behind.starts_with(['\n', '\r']);
        return Some(match alone {
            true => format!("{blank_before}{}", blank_behind.split_once('\n').map_or("", |(_, rest)| rest)),
            false => format!("{}{blank_behind}", &text[..entry.start]),
        });
    }
    let Some(comma) = before.and_then(|before| comma(tree, text, before..entry.start)) else {
        return Some(format!("{}{}", &text[..entry.start], &text[entry.end..]));
    };
    // A comment between the two stays where it is.
    let between = &text[comma + 1..entry.start];
    let between = if between.trim().is_empty() { "" } else { between };
    Some(format!("{}{between}{}", &text[..comma], &text[entry.end..]))
}

/// The first comma in a range that is in no comment.
fn comma(tree: &Tree<'_>, text: &str, within: Range<usize>) -> Option<usize> {
    let commented = |at: usize| tree.comments().any(|comment| range(comment.span).contains(&at));
    let found = text.get(within.clone())?.match_indices(',').map(|(at, _)| within.start + at);
    found.into_iter().find(|&at| !commented(at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::FileId;

    fn unset_in(syntax: Syntax, text: &str, key: &str) -> Result<String, NotSet> {
        unset(syntax, &Source::new(FileId(0), "f", text), key)
    }

    #[test]
    fn a_key_goes_and_all_else_stays_in_every_syntax() {
        for (syntax, text, key, expected) in [
            (Syntax::Toml, "[a] # x\nb = \"1s\" # y\nc = 2 # z\n", "a.b", "[a] # x\nc = 2 # z\n"),
            (Syntax::Toml, "a.b = 1\na.c = [\n  2,\n]\nd = 3\n", "a.c", "a.b = 1\nd = 3\n"),
            (Syntax::Toml, "a = { b = 1, c = 2 }\n", "a.b", "a = { c = 2 }\n"),
            (Syntax::Toml, "a = { b = 1, c = 2 }\n", "a.c", "a = { b = 1 }\n"),
            (Syntax::Toml, "[a]\nb = 1", "a.b", "[a]\n"),
            (Syntax::Yaml, "a:\n  b: 1s # y\n  c: 2\n", "a.b", "a:\n  c: 2\n"),
            (Syntax::Yaml, "a:\n  b: 1s # y\nc: 2\n", "a.b", "a:\n  {} # y\nc: 2\n"),
            (Syntax::Yaml, "a:\n  - b: 1\n    c: 2\n  - b: 3\n", "a.0.b", "a:\n  - c: 2\n  - b: 3\n"),
            (Syntax::Yaml, "a:\n  b: |\n    x\n    y\n  c: 2\n", "a.b", "a:\n  c: 2\n"),
            (Syntax::Yaml, "a: {b: 1, c: 2}\n", "a.c", "a: {b: 1}\n"),
            (Syntax::Json, "{\"a\": {\"b\": \"1s\"}}", "a.b", "{\"a\": {}}"),
            (Syntax::Json, "{\n  \"a\": 1,\n  \"b\": 2\n}\n", "b", "{\n  \"a\": 1\n}\n"),
            (Syntax::Json, "{\n  \"a\": 1,\n  \"b\": 2\n}\n", "a", "{\n  \"b\": 2\n}\n"),
            (Syntax::Json, "{\"a\": 1, // x, y\n \"b\": 2}", "b", "{\"a\": 1 // x, y\n }"),
            (Syntax::Json, "{\"a\": 1, \"b\": 2, \"b\": 3}", "b", "{\"a\": 1}"),
            (Syntax::Properties, "a.b.c=1\\\n  2\nd=2\n", "a.b.c", "d=2\n"),
            (Syntax::Env, "export A=1\nB='x y'\n", "A", "B='x y'\n"),
            (Syntax::Ini, "[a]\nb = 1\nc = 2\n", "a.b", "[a]\nc = 2\n"),
        ] {
            assert_eq!(unset_in(syntax, text, key).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_others_refer_to_is_not_taken_from_them() {
        let text = "base: &x {t: 1, u: 2}\na: {<<: *x, v: 3}\nb: {<<: *x}\n";
        assert!(matches!(unset_in(Syntax::Yaml, text, "a.t"), Err(NotSet::NotWritable(_))));
        assert!(unset_in(Syntax::Yaml, text, "a.v").is_ok());
        assert_eq!(unset_in(Syntax::Toml, "[a]\nb = 1\n", "a.c"), Err(NotSet::NoKey(vec!["b".into()])));
    }

    /// A file of tables of values, as each syntax writes it.
    fn written(syntax: Syntax, tables: &BTreeMap<String, BTreeMap<String, u16>>, flat: bool) -> String {
        let pairs = |table: &BTreeMap<String, u16>, join: &str, quote: &str| {
            let pairs: Vec<String> =
                table.iter().map(|(key, value)| format!("{quote}{key}{quote}{join}{value}")).collect();
            pairs.join(", ")
        };
        let mut text = String::new();
        for (name, table) in tables {
            let lines = |before: &str, join: &str| -> String {
                table.iter().map(|(key, value)| format!("{before}{key}{join}{value} \n")).collect()
            };
            text += &match syntax {
                Syntax::Toml if flat => format!("{name} = {{ {} }} # x\n", pairs(table, " = ", "")),
                Syntax::Toml | Syntax::Ini => format!("[{name}]\n# x\n{}", lines("", " = ")),
                Syntax::Yaml if flat => format!("{name}: {{{}}} # x\n", pairs(table, ": ", "")),
                Syntax::Yaml => format!("# x\n{name}:\n{}", lines("  ", ": ")),
                Syntax::Json if flat => format!("\"{name}\": {{{}}},", pairs(table, ": ", "\"")),
                Syntax::Json => format!(
                    "  \"{name}\": {{\n    {}\n  }},\n",
                    pairs(table, ":", "\"").replace(", ", ",\n    ")
                ),
                Syntax::Env => lines(&format!("{name}_"), "="),
                _ => lines(&format!("{name}."), "="),
            };
        }
        if syntax == Syntax::Json { format!("{{{}}}\n", text.trim_end().trim_end_matches(',')) } else { text }
    }

    proptest! {
        #[test]
        fn what_is_unset_is_gone_and_everything_else_is_read_back_the_same(
            tables in proptest::collection::btree_map(
                "[a-d]{1,2}",
                proptest::collection::btree_map("[a-z]{1,3}", any::<u16>(), 1..5),
                1..4,
            ),
            chosen in any::<proptest::sample::Index>(),
            flat in any::<bool>(),
        ) {
            for syntax in [Syntax::Toml, Syntax::Yaml, Syntax::Json, Syntax::Properties, Syntax::Env, Syntax::Ini] {
                let text = written(syntax, &tables, flat);
                let keys: Vec<(&String, &String)> =
                    tables.iter().flat_map(|(name, table)| table.keys().map(move |key| (name, key))).collect();
                let (name, key) = keys[chosen.index(keys.len())];
                let joined = if syntax == Syntax::Env { format!("{name}_{key}") } else { format!("{name}.{key}") };
                let left = unset_in(syntax, &text, &joined);
                prop_assert!(left.is_ok(), "{joined} of {text}");
                let left = left.expect("just seen");
                let mut expected = tables.clone();
                expected.get_mut(name).expect("it is there").remove(key);
                let read = |text: &str| {
                    let source = Source::new(FileId(0), "f", text);
                    let tree = Tree::parse(syntax, &source);
                    assert!(tree.problems().is_empty(), "{text}");
                    said(&tree, &[])
                };
                expected.retain(|_, table| !table.is_empty());
                let wanted = written(syntax, &expected, flat);
                prop_assert_eq!(read(&left), if expected.is_empty() { BTreeMap::new() } else { read(&wanted) }, "{}", left);
            }
        }
    }
}
