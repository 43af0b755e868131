//! Where a candidate says something else than what is in force: keys with their paths and lines, whatever
//! the syntax. Comments, order and form are no difference; a number that becomes a text is one. Of a file in no
//! known syntax the lines are compared.

use std::collections::HashMap;
use std::ops::Range;

use text::edit::{self, NotSet};
use text::{Node, NodeKind, Source, Syntax, Tree};
use wire::tested::Change;

use crate::file::Edit;

/// The keys with other values, in the order of the candidate; then those that it leaves out.
#[must_use]
pub fn between(syntax: Option<Syntax>, current: &Source, candidate: &Source) -> Vec<Change> {
    let Some(syntax) = syntax else { return between_lines(current.text(), candidate.text()) };
    let (before, after) = (Tree::parse(syntax, current), Tree::parse(syntax, candidate));
    let (before, after) = (values(&before, current), values(&after, candidate));
    let (old, new) = (by_path(&before), by_path(&after));
    let mut changes: Vec<Change> = Vec::new();
    for value in &after {
        let old = old.get(&(value.place, value.path.as_str()));
        let shown = match old {
            Some(old) if old.text != value.text => (Some(old.text.clone()), value.text.clone()),
            Some(old) if old.is_text == value.is_text => continue,
            Some(old) => (Some(old.by_kind()), value.by_kind()),
            None => (None, value.text.clone()),
        };
        changes.push(Change {
            key: value.key.clone(),
            line: Some(candidate.position(value.start).line),
            before: shown.0,
            after: Some(shown.1),
        });
    }
    for left_out in before.iter().filter(|old| !new.contains_key(&(old.place, old.path.as_str()))) {
        let (key, before) = (left_out.key.clone(), Some(left_out.text.clone()));
        changes.push(Change { key, line: None, before, after: None });
    }
    changes
}

/// The lines that differ; those that stand in the place of others in pairs, with the words that differ alone.
fn between_lines(current: &str, candidate: &str) -> Vec<Change> {
    let (before, after): (Vec<&str>, Vec<&str>) = (current.lines().collect(), candidate.lines().collect());
    let mut changes = Vec::new();
    for (old, new) in hunks(&before, &after) {
        let (from, old, new) = (new.start, &before[old], &after[new]);
        for at in 0..old.len().max(new.len()) {
            let (old, new) = (words(old, at), words(new, at));
            let (before, after) = match (&old, &new) {
                (Some(old), Some(new)) => {
                    let (_, old, new) = unlike(old, new);
                    (Some(old.join(" ")), Some(new.join(" ")))
                }
                (old, new) => (old.as_ref().map(|old| old.join(" ")), new.as_ref().map(|new| new.join(" "))),
            };
            if before.as_deref().unwrap_or("") == after.as_deref().unwrap_or("") {
                continue;
            }
            let number = from + at + 1;
            let line = after.as_ref().and(u32::try_from(number).ok());
            changes.push(Change { key: format!("line {number}"), line, before, after });
        }
    }
    changes
}

/// Where two sides differ, by the longest sequence of lines that both have; as one where they are so long that
/// this would take long.
fn hunks(before: &[&str], after: &[&str]) -> Vec<(Range<usize>, Range<usize>)> {
    const LONG: usize = 4_000_000;
    let (same, old, new) = unlike(before, after);
    if old.len() * new.len() > LONG {
        return vec![(same..same + old.len(), same..same + new.len())];
    }
    // How long a sequence is common to what begins at each pair of places.
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = match old[i] == new[j] {
                true => common[(i + 1) * width + j + 1] + 1,
                false => common[(i + 1) * width + j].max(common[i * width + j + 1]),
            };
        }
    }
    let mut hunks: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    let (mut i, mut j) = (0, 0);
    let mut open = (0, 0);
    let mut close = |open: (usize, usize), i: usize, j: usize| {
        if open != (i, j) {
            hunks.push((same + open.0..same + i, same + open.1..same + j));
        }
    };
    while i < old.len() && j < new.len() {
        if old[i] == new[j] {
            close(open, i, j);
            (i, j) = (i + 1, j + 1);
            open = (i, j);
        } else if common[(i + 1) * width + j] >= common[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    close(open, old.len(), new.len());
    hunks
}

fn words<'a>(lines: &[&'a str], at: usize) -> Option<Vec<&'a str>> {
    lines.get(at).map(|line| line.split_whitespace().collect())
}

/// How many items two sides both begin with, and what is left of each without those and without the ones that
/// both end with.
fn unlike<'s, 'a>(before: &'s [&'a str], after: &'s [&'a str]) -> (usize, &'s [&'a str], &'s [&'a str]) {
    let same = before.iter().zip(after).take_while(|(old, new)| old == new).count();
    let (before, after) = (&before[same..], &after[same..]);
    let ends = before.iter().rev().zip(after.iter().rev()).take_while(|(old, new)| old == new).count();
    (same, &before[..before.len() - ends], &after[..after.len() - ends])
}

/// The candidate without the keys that were changed, so that what the service itself takes holds there.
/// There is none where that is what is in force: it would be the same run again.
///
/// # Errors
/// Why there is no such text.
pub fn with_defaults(
    syntax: Option<Syntax>,
    current: &Source,
    candidate: &Source,
    changes: &[Change],
    set: &[Edit],
) -> Result<String, String> {
    let Some(keys) = syntax else {
        return Err("the candidate is in no syntax that keys can be taken out of".to_owned());
    };
    if Tree::parse(keys, candidate).documents().len() > 1 {
        return Err("the candidate holds several documents".to_owned());
    }
    // What the test writes itself must be there for it, and what is left out is so already.
    let free = |change: &&Change| change.after.is_some() && set.iter().all(|edit| edit.key != change.key);
    let mut text = candidate.text().to_owned();
    let mut any = false;
    for change in changes.iter().filter(free) {
        let left = Source::new(candidate.id(), candidate.path(), text);
        text = edit::unset(keys, &left, &change.key).map_err(|why| match why {
            NotSet::NoKey(_) | NotSet::Several(_) => format!("`{}` is not found alone", change.key),
            NotSet::NotAScalar(_) | NotSet::NotWritable(_) => {
                format!("`{}` cannot be taken out without changing something else", change.key)
            }
        })?;
        any = true;
    }
    if !any {
        return Err("the candidate leaves every changed key out already".to_owned());
    }
    let left = Source::new(candidate.id(), candidate.path(), text.as_str());
    let written = |change: &Change| set.iter().any(|edit| edit.key == change.key);
    if between(syntax, current, &left).iter().all(written) {
        return Err("what is in force leaves every changed key out already".to_owned());
    }
    Ok(text)
}

fn by_path(values: &[Value]) -> HashMap<(usize, &str), &Value> {
    values.iter().map(|value| ((value.place, value.path.as_str()), value)).collect()
}

/// A key and what it says.
struct Value {
    /// Which one of several of that path: its document, or how many directives before it have it.
    place: usize,
    /// What tells it from others, however its key is shown.
    path: String,
    key: String,
    text: String,
    /// Where the value is written.
    start: u32,
    /// It is a text, where the syntax knows anything else.
    is_text: bool,
}

impl Value {
    /// What it says, so that a text and a number are told apart.
    fn by_kind(&self) -> String {
        if self.is_text { format!("\"{}\"", self.text) } else { self.text.clone() }
    }
}

/// Every key that holds a scalar, a list of scalars, or nothing.
fn values(tree: &Tree<'_>, source: &Source) -> Vec<Value> {
    if tree.has_directives() {
        return directives(tree);
    }
    let mut all = Vec::new();
    for (document, root) in tree.documents().enumerate() {
        collect(root, &mut Vec::new(), document, &mut all);
    }
    for value in &mut all {
        let is_quoted =
            source.text().get(value.start as usize..).is_some_and(|at| at.starts_with(['"', '\'']));
        value.is_text = match tree.syntax() {
            Syntax::Toml | Syntax::Json => is_quoted,
            Syntax::Yaml => is_quoted || !is_typed(&value.text),
            // These know texts alone.
            _ => true,
        };
    }
    all
}

/// Directives know texts alone.
fn directives(tree: &Tree<'_>) -> Vec<Value> {
    let mut times: HashMap<String, usize> = HashMap::new();
    let value = |directive: &text::Directive<'_>| {
        let (path, key) = (directive.path(), directive.key());
        let times = times.entry(path.clone()).or_default();
        let place = *times;
        *times += 1;
        let start = directive.value_span().start;
        Value { place, path, key, text: directive.value(), start, is_text: true }
    };
    tree.directives().iter().map(value).collect()
}

/// Whether YAML takes a plain scalar for something else than a text (YAML 1.1, as most programs still do).
fn is_typed(text: &str) -> bool {
    const WORDS: &[&str] = &["", "~", "null", "true", "false", "yes", "no", "on", "off"];
    text.parse::<f64>().is_ok() || WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

fn collect(node: Node<'_>, way: &mut Vec<String>, document: usize, all: &mut Vec<Value>) {
    let mut below = |step: String, node: Node<'_>| {
        way.push(step);
        collect(node, way, document, all);
        way.pop();
    };
    let text = match node.kind() {
        NodeKind::Scalar => node.text().unwrap_or("").to_owned(),
        // What stands in a list stands there together: hosts, methods, statuses.
        NodeKind::List if node.items().all(|item| item.kind() == NodeKind::Scalar) => {
            let items: Vec<&str> = node.items().filter_map(Node::text).collect();
            format!("[{}]", items.join(", "))
        }
        NodeKind::List => {
            node.items().enumerate().for_each(|(place, item)| below(place.to_string(), item));
            return;
        }
        NodeKind::Map => {
            node.entries().iter().for_each(|entry| below(entry.key.text().to_owned(), entry.value));
            return;
        }
    };
    all.push(Value {
        place: document,
        path: way.join("."),
        key: way.join("."),
        text,
        start: node.via().unwrap_or(node.span()).start,
        is_text: true,
    });
}

#[cfg(test)]
mod tests {
    use text::FileId;

    use super::*;

    fn lines(syntax: impl Into<Option<Syntax>>, current: &str, candidate: &str) -> Vec<String> {
        let of = |text: &str| Source::new(FileId(0), "f", text);
        let side = |side: Option<String>| side.unwrap_or_else(|| "-".to_owned());
        between(syntax.into(), &of(current), &of(candidate))
            .into_iter()
            .map(|change| {
                let line = change.line.map_or_else(|| "-".to_owned(), |line| line.to_string());
                format!("{line} {}: {} to {}", change.key, side(change.before), side(change.after))
            })
            .collect()
    }

    #[test]
    fn only_what_is_said_counts_and_each_key_has_its_line() {
        let current = "[a]\nb = \"1s\" # x\nc = 2\nd = 3\n";
        let candidate = "[a]\nd = 3\n\nb = '300ms'\nlist = [1, 2]\n";
        assert_eq!(
            lines(Syntax::Toml, current, candidate),
            ["4 a.b: 1s to 300ms", "5 a.list: - to [1, 2]", "- a.c: 2 to -"]
        );
        assert!(lines(Syntax::Toml, current, "a = { d = 3, c = 2, b = \"1s\" }").is_empty());
    }

    #[test]
    fn a_number_that_becomes_a_text_is_a_change_and_other_quotes_are_none() {
        assert_eq!(lines(Syntax::Yaml, "t: 300\n", "t: \"300\"\n"), ["1 t: 300 to \"300\""]);
        assert_eq!(lines(Syntax::Yaml, "t: 'no'\n", "t: no\n"), ["1 t: \"no\" to no"]);
        assert_eq!(lines(Syntax::Toml, "t = 300\n", "t = '300'\n"), ["1 t: 300 to \"300\""]);
        assert!(lines(Syntax::Yaml, "t: 300ms\n", "t: '300ms'\n").is_empty());
        assert!(lines(Syntax::Json, "{\"t\": 1}", "{ \"t\" : 1 }").is_empty());
        assert!(lines(Syntax::Env, "T=300\n", "T=\"300\"\n").is_empty());
    }

    #[test]
    fn defaults_are_what_is_left_without_the_changed_keys() {
        let of = |text: &str| Source::new(FileId(0), "f", text);
        let current = of("[a]\nb = \"1s\"\nurl = \"x\"\n");
        let candidate = of("[a]\nb = \"300ms\" # less\nurl = \"y\"\n");
        let changes = between(Some(Syntax::Toml), &current, &candidate);
        let span = text::Span { file: FileId(0), start: 0, end: 0 };
        let set = [Edit { key: "a.url".to_owned(), value: String::new(), span }];
        let text = with_defaults(Some(Syntax::Toml), &current, &candidate, &changes, &set);
        assert_eq!(text.as_deref(), Ok("[a]\nurl = \"y\"\n"));
        let none = of("[a]\n");
        let changes = between(Some(Syntax::Toml), &current, &none);
        let text = with_defaults(Some(Syntax::Toml), &current, &none, &changes, &set);
        assert_eq!(text, Err("the candidate leaves every changed key out already".to_owned()));
    }

    #[test]
    fn defaults_that_are_in_force_are_not_run_a_second_time() {
        let of = |text: &str| Source::new(FileId(0), "f", text);
        let span = text::Span { file: FileId(0), start: 0, end: 0 };
        let set = [Edit { key: "a.url".to_owned(), value: String::new(), span }];
        for current in ["", "# as shipped\n[a]\n", "[a]\nurl = \"x\"\n"] {
            let (current, candidate) = (of(current), of("[a]\nurl = \"y\"\nb = \"300ms\"\n"));
            let changes = between(Some(Syntax::Toml), &current, &candidate);
            let text = with_defaults(Some(Syntax::Toml), &current, &candidate, &changes, &set);
            assert_eq!(text, Err("what is in force leaves every changed key out already".to_owned()));
        }
    }

    #[test]
    fn without_a_syntax_lines_are_compared() {
        let (current, candidate) = ("<a>\n <t>1</t>\n <u/>\n</a>\n", "<a>\n <t>2</t>\n</a>\n");
        assert_eq!(
            lines(None, current, candidate),
            ["2 line 2: <t>1</t> to <t>2</t>", "- line 3: <u/> to -"]
        );
        assert_eq!(lines(None, "x T=1s go\n", "x T=300ms  go\n"), ["1 line 1: T=1s to T=300ms"]);
        let (current, candidate) = ("a\nT=1s\nb\nU=2\n", "a\n# more\nT=2s\nb\n\nU=2\n");
        assert_eq!(lines(None, current, candidate), ["2 line 2: T=1s to # more", "3 line 3: - to T=2s"]);
        let candidate = "# more\na\nT=2s\nb\nU=3\n";
        assert_eq!(
            lines(None, current, candidate),
            ["1 line 1: - to # more", "3 line 3: T=1s to T=2s", "5 line 5: U=2 to U=3"]
        );
        assert!(lines(None, current, current).is_empty());
        assert_eq!(lines(None, "a\n", "a\nb\n"), ["2 line 2: - to b"]);
    }

    #[test]
    fn what_stands_beside_a_block_does_not_change_what_stands_in_it() {
        let current = "http {\n server { listen 1; t 1s; }\n}\n";
        let candidate = "http {\n server { listen 1; t 1s; }\n server { listen 2; t 1s; }\n}\n";
        assert_eq!(
            lines(Syntax::Nginx, current, candidate),
            ["3 http.server[2].listen: - to 2", "3 http.server[2].t: - to 1s"]
        );
        let listens = candidate.replace("listen 1", "listen 3");
        assert_eq!(lines(Syntax::Nginx, candidate, &listens), ["2 http.server[3].listen: 1 to 3"]);
    }

    #[test]
    fn a_directive_that_stands_several_times_is_compared_each_time() {
        let current = "http {\n header A 1;\n header A 1;\n header A 3;\n}\n";
        assert_eq!(lines(Syntax::Nginx, current, &current.replace("3", "4")), ["4 http.header A: 3 to 4"]);
        let of = |text: &str| Source::new(FileId(0), "f", text);
        let (current, candidate) = (of("a {\n t 1s;\n u 1;\n}\n"), of("a {\n t 3s;\n u 1;\n}\n"));
        let nginx = Some(Syntax::Nginx);
        let changes = between(nginx, &current, &candidate);
        let text = with_defaults(nginx, &current, &candidate, &changes, &[]);
        assert_eq!(text.as_deref(), Ok("a {\n u 1;\n}\n"));
    }

    #[test]
    fn every_syntax_that_can_be_set_is_compared() {
        for (syntax, current, candidate) in [
            (Syntax::Yaml, "a:\n  b: 1\n", "a:\n  b: 2\n"),
            (Syntax::Json, "{\"a\":\n{\"b\": 1}}", "{\"a\":\n{\"b\": 2}}"),
            (Syntax::Properties, "c=1\na.b=1\n", "c=1\na.b=2\n"),
            (Syntax::Ini, "[a]\nb = 1\n", "[a]\nb = 2\n"),
        ] {
            assert_eq!(lines(syntax, current, candidate), ["2 a.b: 1 to 2"], "{syntax:?}");
        }
        let (current, candidate) =
            ("server {\nlisten 1; a b 1s;\n}\n", "server {\nlisten 1; a b\n 300ms;\n}\n");
        assert_eq!(lines(Syntax::Nginx, current, candidate), ["3 server.a b: 1s to 300ms"]);
        let (current, candidate) = ("defaults\n timeout server 1s\n", "defaults\n timeout server 3s\n");
        assert_eq!(lines(Syntax::Haproxy, current, candidate), ["2 defaults.timeout server: 1s to 3s"]);
        assert_eq!(lines(Syntax::Env, "A=1\nB=1\n", "A=1\nB='2'\n"), ["2 B: 1 to 2"]);
        let (one, other) = ("x: &x {t: 1}\na: *x\n", "x: &x {t: 2}\na: *x\n");
        assert_eq!(lines(Syntax::Yaml, one, other), ["1 x.t: 1 to 2", "1 a.t: 1 to 2"]);
    }
}
