//! The directives of syntaxes that have those in the place of tables (NGINX, HAProxy), and the keys by which
//! they are called: `server[a.example].location[/].proxy_read_timeout`, `backend[b].timeout server`,
//! `backend[b].server[one].maxconn`.
//!
//! A step of a key is the name of a block or a directive, with the first of its arguments where several have
//! that name. A block that has no arguments is called by one of a directive in it, and blocks around may be
//! left out. Knows no directive: what one means is the reader's business.

use std::collections::HashMap;
use std::ops::Range;

use crate::edit::NotSet;
use crate::{Entry, Node, NodeKind, Scalar, Source, Span, Syntax, Tree};

/// A directive that opens no block, with the blocks around it.
#[derive(Debug, Clone)]
pub struct Directive<'t> {
    /// From the outside in.
    blocks: Vec<Block<'t>>,
    name: Scalar<'t>,
    arguments: Vec<Scalar<'t>>,
}

/// A directive that opens a block.
#[derive(Debug, Clone)]
struct Block<'t> {
    name: &'t str,
    /// Its arguments, or else one of a directive in it, where another block beside it has the same name.
    label: Option<String>,
    /// How many blocks before it, beside it, have its name and no arguments either.
    before: usize,
    arguments: String,
    inside: Node<'t>,
}

/// What was found for a key.
#[derive(Debug)]
pub(crate) enum Found<'t> {
    /// One argument, or its end from a byte on: of `max_fails=3` what stands behind the sign.
    One(Scalar<'t>, usize),
    /// A directive of so many words that none of them is its value.
    Words(Span),
    /// Several directives, by their own keys.
    Several(Vec<String>),
    /// Nothing.
    Nothing,
}

impl Tree<'_> {
    /// Its directives that open no block, in order of place; none where the syntax has no directives.
    #[must_use]
    pub fn directives(&self) -> Vec<Directive<'_>> {
        let mut all = Vec::new();
        if self.has_directives() {
            self.documents().for_each(|root| collect(root, &mut Vec::new(), &mut all));
        }
        all
    }

    /// Whether its syntax has directives, with arguments and blocks, instead of keys with values.
    #[must_use]
    pub fn has_directives(&self) -> bool {
        matches!(self.syntax(), Syntax::Nginx | Syntax::Haproxy)
    }

    /// What a key stands for.
    pub(crate) fn directive_value(&self, key: &str) -> Found<'_> {
        let all = self.directives();
        let steps = steps(key);
        let Some((last, before)) = steps.split_last() else { return Found::Nothing };
        match nearest(&all, &steps) {
            Nearest::One(directive, rest) => match rest {
                [value] => Found::One(*value, 0),
                _ => Found::Words(directive.span()),
            },
            Nearest::Several(keys) => Found::Several(keys),
            Nearest::None => match nearest(&all, before) {
                Nearest::One(directive, rest) => match parameter(directive, rest, last.words) {
                    Some((argument, from)) => Found::One(argument, from),
                    None => Found::Nothing,
                },
                Nearest::Several(keys) => Found::Several(keys),
                Nearest::None => Found::Nothing,
            },
        }
    }
}

impl<'t> Directive<'t> {
    /// Its key: the blocks around it, its name, and its first argument where it has several.
    #[must_use]
    pub fn key(&self) -> String {
        let mut key = String::new();
        for block in &self.blocks {
            key.push_str(block.name);
            if let Some(label) = &block.label {
                key.push_str(&format!("[{label}]"));
            }
            key.push('.');
        }
        key + &self.own_key()
    }

    /// The last step of its key.
    fn own_key(&self) -> String {
        let name = self.name.text();
        match self.arguments.as_slice() {
            [first, _, ..] if first.text().contains(['.', '[', ']', ' ']) => {
                format!("{name}[{}]", first.text())
            }
            [first, _, ..] => format!("{name} {}", first.text()),
            _ => name.to_owned(),
        }
    }

    /// Its name and its arguments.
    fn words(&self) -> impl Iterator<Item = Scalar<'t>> {
        std::iter::once(self.name).chain(self.arguments.iter().copied())
    }

    /// What tells it from others whatever stands in the blocks around and beside it: as its key, and a block
    /// without arguments is told by its place.
    #[must_use]
    pub fn path(&self) -> String {
        let step = |block: &Block<'_>| match block.arguments.as_str() {
            "" => format!("{}#{}.", block.name, block.before),
            arguments => format!("{}[{arguments}].", block.name),
        };
        self.blocks.iter().map(step).collect::<String>() + &self.own_key()
    }

    /// What it says beyond its key: its other arguments.
    #[must_use]
    pub fn value(&self) -> String {
        joined(self.arguments.get(usize::from(self.arguments.len() > 1)..).unwrap_or_default())
    }

    /// From its name to its last argument.
    #[must_use]
    pub fn span(&self) -> Span {
        let name = self.name.span();
        let end = self.arguments.last().map_or(name, |last| last.span()).end;
        Span { end, ..name }
    }

    /// Where its value begins; its name where it has none.
    #[must_use]
    pub fn value_span(&self) -> Span {
        let first = self.arguments.get(usize::from(self.arguments.len() > 1));
        Span { start: first.map_or(self.name.span(), |first| first.span()).start, ..self.span() }
    }

    /// The arguments beyond what the steps of a key say of it; nothing where they are not about it.
    fn beyond(&self, steps: &[Step<'_>]) -> Option<&[Scalar<'t>]> {
        let (last, outer) = steps.split_last()?;
        let mut words = last.words.split(' ').filter(|word| !word.is_empty());
        if words.next() != Some(self.name.text()) {
            return None;
        }
        let said: Vec<&str> = words.chain(last.label).collect();
        let (first, rest) = self.arguments.split_at_checked(said.len())?;
        let is_meant = first.iter().map(|argument| argument.text()).eq(said);
        (is_meant && are_around(outer, &self.blocks)).then_some(rest)
    }
}

impl Block<'_> {
    fn is(&self, step: &Step<'_>) -> bool {
        let is_labelled = |label: &str| {
            self.arguments == label
                || self.arguments.is_empty()
                    && arguments_inside(self.inside).any(|argument| argument == label)
        };
        self.name == step.words && step.label.is_none_or(is_labelled)
    }
}

/// Whether the steps are blocks of these, in this order.
fn are_around(steps: &[Step<'_>], blocks: &[Block<'_>]) -> bool {
    let mut blocks = blocks.iter();
    steps.iter().all(|step| blocks.any(|block| block.is(step)))
}

enum Nearest<'d, 't> {
    None,
    /// With the arguments beyond what the key says.
    One(&'d Directive<'t>, &'d [Scalar<'t>]),
    Several(Vec<String>),
}

/// The directive that a key is about: the one with the fewest blocks that the key leaves out.
fn nearest<'d, 't>(all: &'d [Directive<'t>], steps: &[Step<'_>]) -> Nearest<'d, 't> {
    let about = |directive: &'d Directive<'t>| Some((directive, directive.beyond(steps)?));
    let found: Vec<_> = all.iter().filter_map(about).collect();
    let depth = |(directive, _): &(&Directive<'_>, &[Scalar<'_>])| directive.blocks.len();
    let least = found.iter().map(depth).min();
    let mut found: Vec<_> = found.into_iter().filter(|found| Some(depth(found)) == least).collect();
    // Of several, the only one with one more argument is meant: a key is about a value.
    if found.iter().filter(|(_, rest)| rest.len() == 1).count() == 1 {
        found.retain(|(_, rest)| rest.len() == 1);
    }
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (None, _) => Nearest::None,
        (Some((directive, rest)), None) => Nearest::One(directive, rest),
        (Some(first), Some(second)) => {
            Nearest::Several([first, second].into_iter().chain(found).map(|(one, _)| one.key()).collect())
        }
    }
}

/// The value of a parameter among the arguments of a directive: `maxconn 50`, `max_fails=3`; or the argument
/// at a place that is counted from 0.
fn parameter<'t>(directive: &Directive<'t>, rest: &[Scalar<'t>], name: &str) -> Option<(Scalar<'t>, usize)> {
    if let Ok(place) = name.parse::<usize>() {
        return directive.arguments.get(place).map(|argument| (*argument, 0));
    }
    let with_sign = rest.iter().find_map(|argument| {
        let behind = argument.text().strip_prefix(name)?.strip_prefix('=')?;
        Some((*argument, argument.text().len() - behind.len()))
    });
    let behind = || rest.windows(2).find(|pair| pair[0].text() == name).map(|pair| (pair[1], 0));
    with_sign.or_else(behind)
}

/// A part of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step<'k> {
    /// A name, of a directive with the first of its arguments.
    words: &'k str,
    /// What stands in brackets.
    label: Option<&'k str>,
}

/// The parts of a key, which are divided by dots outside brackets.
fn steps(key: &str) -> Vec<Step<'_>> {
    let mut depth = 0_u32;
    let parts = key.split(|c| {
        depth = match c {
            '[' => depth + 1,
            ']' => depth.saturating_sub(1),
            _ => depth,
        };
        c == '.' && depth == 0
    });
    let step = |part: &'_ str| -> Option<Range<usize>> {
        part.strip_suffix(']')?;
        Some(part.find('[')? + 1..part.len() - 1)
    };
    parts
        .map(|part| match step(part) {
            Some(label) => Step { words: &part[..label.start - 1], label: Some(&part[label]) },
            None => Step { words: part, label: None },
        })
        .collect()
}

fn collect<'t>(node: Node<'t>, around: &mut Vec<Block<'t>>, all: &mut Vec<Directive<'t>>) {
    let mut unlabelled: HashMap<&str, usize> = HashMap::new();
    for entry in node.written_entries() {
        let Some(inside) = block(&entry) else {
            let arguments = arguments(&entry).collect();
            all.push(Directive { blocks: around.clone(), name: entry.key, arguments });
            continue;
        };
        let name = entry.key.text();
        let arguments = joined(&arguments(&entry).collect::<Vec<_>>());
        let label = if arguments.is_empty() { unlike(node, name, inside) } else { Some(arguments.clone()) };
        let before = if arguments.is_empty() { unlabelled.entry(name).or_default() } else { &mut 0 };
        around.push(Block { name, label, before: *before, arguments, inside });
        *before += 1;
        collect(inside, around, all);
        around.pop();
    }
}

/// What tells a block without arguments from those beside it that have its name: the first argument in it that
/// none of them has. Nothing where it is alone, or nothing does.
fn unlike(parent: Node<'_>, name: &str, inside: Node<'_>) -> Option<String> {
    let beside: Vec<Node<'_>> = parent
        .written_entries()
        .filter(|entry| entry.key.text() == name)
        .filter_map(|entry| block(&entry))
        .filter(|other| other.span() != inside.span())
        .collect();
    let mut own = arguments_inside(inside);
    if beside.is_empty() {
        return None;
    }
    own.find(|own| beside.iter().all(|other| arguments_inside(*other).all(|text| text != *own)))
        .map(str::to_owned)
}

fn block<'t>(entry: &Entry<'t>) -> Option<Node<'t>> {
    entry.value.items().last().filter(|last| last.kind() == NodeKind::Map)
}

fn arguments<'t>(entry: &Entry<'t>) -> impl Iterator<Item = Scalar<'t>> + use<'t> {
    entry.value.items().filter_map(Node::scalar)
}

/// The arguments of the directives that stand directly in a block.
fn arguments_inside<'t>(inside: Node<'t>) -> impl Iterator<Item = &'t str> {
    let alone = inside.written_entries().filter(|entry| block(entry).is_none());
    alone.flat_map(|entry| arguments(&entry).map(Scalar::text).collect::<Vec<_>>())
}

fn joined(words: &[Scalar<'_>]) -> String {
    words.iter().map(|word| word.text()).collect::<Vec<_>>().join(" ")
}

/// The last step of a key: behind the last dot that stands outside brackets.
#[must_use]
pub fn last_step(key: &str) -> &str {
    let mut depth = 0_u32;
    let mut last = 0;
    for (at, c) in key.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '.' if depth == 0 => last = at + 1,
            _ => {}
        }
    }
    &key[last..]
}

/// Whether directives say the same but for one word, which holds a place of the first and says something else.
pub(crate) fn differ_in_one(before: &Tree<'_>, after: &Tree<'_>, place: Span, said: &str) -> bool {
    let (before, after) = (before.directives(), after.directives());
    let holds = |word: Scalar<'_>| word.span().start <= place.start && place.end <= word.span().end;
    let is_same =
        |(old, new): (Scalar<'_>, Scalar<'_>)| new.text() == if holds(old) { said } else { old.text() };
    let are_same = |(old, new): (&Directive<'_>, &Directive<'_>)| {
        old.blocks.len() == new.blocks.len()
            && old.arguments.len() == new.arguments.len()
            && old.words().zip(new.words()).all(is_same)
    };
    before.len() == after.len() && before.iter().zip(&after).all(are_same)
}

/// The text without the directive of a key.
pub(crate) fn without(tree: &Tree<'_>, source: &Source, key: &str) -> Result<String, NotSet> {
    let all = tree.directives();
    let gone = match nearest(&all, &steps(key)) {
        Nearest::One(gone, _) => gone,
        Nearest::Several(keys) => return Err(NotSet::Several(keys)),
        Nearest::None => return Err(NotSet::NoKey(all.iter().map(Directive::key).collect())),
    };
    let text = source.text();
    let Range { start, end } = with_its_end(text, gone.span(), tree.syntax());
    let left = Source::new(source.id(), source.path(), format!("{}{}", &text[..start], &text[end..]));
    let after = Tree::parse(tree.syntax(), &left);
    let said = |directive: &Directive<'_>| (directive.key(), directive.value());
    let others = all.iter().filter(|directive| directive.span() != gone.span()).map(said);
    let goes_alone =
        after.problems().len() <= tree.problems().len() && after.directives().iter().map(said).eq(others);
    if goes_alone { Ok(left.text().to_owned()) } else { Err(NotSet::NotWritable(gone.span())) }
}

/// A directive with what ends it, and with its line where nothing else stands there.
fn with_its_end(text: &str, span: Span, syntax: Syntax) -> Range<usize> {
    let (start, mut end) = (span.start as usize, span.end as usize);
    if syntax == Syntax::Nginx {
        end += text[end..].find(';').map_or(0, |at| at + 1);
    }
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let next = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
    let is_alone = text[line..start].trim().is_empty() && text[end..next].trim().is_empty();
    if is_alone { line..next } else { start..end }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{FileId, edit};

    const NGINX: &str = "\
worker_processes 1;
http {
  upstream directory { server 10.0.0.1:81 max_fails=3; server 10.0.0.2:81; keepalive 16; }
  server { listen 80; server_name a.example;
    proxy_read_timeout 5s; # of all
    location / { proxy_pass http://directory; proxy_read_timeout 1s; }
    location = /healthz { return 204; }
  }
  server { listen 80; server_name b.example; keepalive_timeout 65s 60s; }
}
";
    const HAPROXY: &str = "\
global
    maxconn 200
defaults
    timeout connect 100ms
    timeout server 1s
backend directory
    timeout server 2s
    server one 10.0.0.1:81 maxconn 50 check
";

    fn source(text: &str) -> Source {
        Source::new(FileId(0), "f", text)
    }

    fn keys(syntax: Syntax, text: &str) -> Vec<String> {
        let source = source(text);
        let tree = Tree::parse(syntax, &source);
        tree.directives().iter().map(|one| format!("{} = {}", one.key(), one.value())).collect()
    }

    #[test]
    fn each_directive_has_a_key_of_its_own() {
        assert_eq!(
            keys(Syntax::Nginx, NGINX),
            [
                "worker_processes = 1",
                "http.upstream[directory].server[10.0.0.1:81] = max_fails=3",
                "http.upstream[directory].server = 10.0.0.2:81",
                "http.upstream[directory].keepalive = 16",
                "http.server[a.example].listen = 80",
                "http.server[a.example].server_name = a.example",
                "http.server[a.example].proxy_read_timeout = 5s",
                "http.server[a.example].location[/].proxy_pass = http://directory",
                "http.server[a.example].location[/].proxy_read_timeout = 1s",
                "http.server[a.example].location[= /healthz].return = 204",
                "http.server[b.example].listen = 80",
                "http.server[b.example].server_name = b.example",
                "http.server[b.example].keepalive_timeout 65s = 60s",
            ]
        );
        assert_eq!(
            keys(Syntax::Haproxy, HAPROXY),
            [
                "global.maxconn = 200",
                "defaults.timeout connect = 100ms",
                "defaults.timeout server = 1s",
                "backend[directory].timeout server = 2s",
                "backend[directory].server one = 10.0.0.1:81 maxconn 50 check",
            ]
        );
    }

    #[test]
    fn a_value_is_found_by_its_key_with_blocks_left_out_and_as_a_parameter() {
        let nginx = |key: &str| edit::get(Syntax::Nginx, &source(NGINX), key);
        for (key, value) in [
            ("http.server[a.example].proxy_read_timeout", Some("5s")),
            ("server[a.example].proxy_read_timeout", Some("5s")),
            ("location[/].proxy_read_timeout", Some("1s")),
            ("server[a.example].location[/].proxy_read_timeout", Some("1s")),
            ("proxy_read_timeout", Some("5s")),
            ("upstream[directory].server[10.0.0.1:81].max_fails", Some("3")),
            ("upstream[directory].server[10.0.0.1:81].0", Some("10.0.0.1:81")),
            ("location[= /healthz].return", Some("204")),
            // There are two of them.
            ("server.listen", None),
            ("server[c.example].listen", None),
            ("location[/].keepalive", None),
            ("", None),
        ] {
            assert_eq!(nginx(key).as_deref(), value, "{key}");
        }
        let haproxy = |key: &str| edit::get(Syntax::Haproxy, &source(HAPROXY), key);
        for (key, value) in [
            ("backend[directory].timeout server", Some("2s")),
            ("defaults.timeout server", Some("1s")),
            ("backend[directory].server[one].maxconn", Some("50")),
            ("backend[directory].server[one].0", Some("one")),
            ("backend[directory].server one", None),
            ("timeout server", None),
        ] {
            assert_eq!(haproxy(key).as_deref(), value, "{key}");
        }
    }

    #[test]
    fn several_of_a_key_are_named_so_that_one_can_be_chosen() {
        let set = |syntax, text, key| edit::set(syntax, &source(text), key, "9s");
        let keys = ["defaults.timeout server", "backend[directory].timeout server"].map(str::to_owned);
        assert_eq!(
            set(Syntax::Haproxy, HAPROXY, "timeout server"),
            Err(edit::NotSet::Several(keys.to_vec()))
        );
        let text = set(Syntax::Haproxy, HAPROXY, "defaults.timeout server").unwrap();
        assert_eq!(text, HAPROXY.replace("timeout server 1s", "timeout server 9s"));
        let key = "upstream[directory].server[10.0.0.1:81].max_fails";
        let text = edit::set(Syntax::Nginx, &source(NGINX), key, "7").unwrap();
        assert_eq!(text, NGINX.replace("max_fails=3", "max_fails=7"));
    }

    #[test]
    fn what_a_block_is_called_by_can_be_set_too() {
        let text = "http { server { listen 1; } server { listen 2; } upstream u { server a; server b; } }";
        let set = |key, value| edit::set(Syntax::Nginx, &source(text), key, value);
        assert_eq!(set("server[1].listen", "3"), Ok(text.replace("listen 1", "listen 3")));
        assert_eq!(set("upstream[u].server[b].0", "c"), Ok(text.replace("server b", "server c")));
        let two = "upstream u { server a:1; server b:2 backup; }";
        let set_in_two = |key| edit::set(Syntax::Nginx, &source(two), key, "c");
        assert_eq!(set_in_two("upstream[u].server"), Ok(two.replace("a:1", "c")));
        assert_eq!(set_in_two("upstream[u].server[b:2].0"), Ok(two.replace("b:2", "c")));
        assert!(matches!(set("server[1].listen", "3; b 4"), Ok(text) if text.contains("\"3; b 4\"")));
        assert_eq!(last_step("server[10.0.0.1:81].location[/].t"), "t");
        assert_eq!(last_step("upstream[u].server[10.0.0.1:81]"), "server[10.0.0.1:81]");
    }

    #[test]
    fn a_directive_goes_with_what_ends_it_and_all_else_stays() {
        let unset = |syntax, text, key| edit::unset(syntax, &source(text), key);
        for (key, gone, left) in [
            ("worker_processes", "worker_processes 1;\n", ""),
            ("server[a.example].proxy_read_timeout", "proxy_read_timeout 5s;", ""),
            ("server[b.example].keepalive_timeout", "keepalive_timeout 65s 60s;", ""),
            ("location[/].proxy_read_timeout", " proxy_read_timeout 1s;", " "),
        ] {
            assert_eq!(unset(Syntax::Nginx, NGINX, key), Ok(NGINX.replace(gone, left)), "{key}");
        }
        let text = unset(Syntax::Haproxy, HAPROXY, "defaults.timeout connect");
        assert_eq!(text, Ok(HAPROXY.replace("    timeout connect 100ms\n", "")));
        assert!(matches!(unset(Syntax::Nginx, NGINX, "proxy_buffering"), Err(edit::NotSet::NoKey(_))));
    }

    proptest! {
        #[test]
        fn every_key_stands_for_its_own_directive_or_for_several(
            text in "(http \\{ |server \\{ |location /[ab] \\{ |location ~ [ab]\\[c\\.\\] \\{ |\\} |listen [12]; |timeout [ab] [12]; |a b=[12] c; ){0,14}"
        ) {
            let source = source(&text);
            let tree = Tree::parse(Syntax::Nginx, &source);
            let all = tree.directives();
            for directive in &all {
                match nearest(&all, &steps(&directive.key())) {
                    Nearest::One(found, rest) => {
                        prop_assert_eq!(found.span(), directive.span());
                        prop_assert_eq!(joined(rest), directive.value());
                    }
                    Nearest::Several(keys) => prop_assert!(keys.contains(&directive.key())),
                    Nearest::None => prop_assert!(false, "{} is not found", directive.key()),
                }
            }
        }
    }
}
