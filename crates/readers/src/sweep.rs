//! The sweep behind the dialects: finds, in any tree of any syntax, the keys of our topics that no
//! dialect claimed, and groups them by the block they stand in. Knows no product and no dialect.

use model::{Knob, Limit, Origin, Setting, Unit, Value};
use text::{Entry, Node, NodeKind, Scalar, Span, Syntax, Tree};

use crate::comments::unit_in_comments;
use crate::grouping::{Grouping, Member};
use crate::keys;
use crate::setting::{self, Place};
use crate::variables::{Variable, gather};
use crate::{Context, Fragment, Ignored, Owner, Reason, Target, address};

/// Adds to a fragment what its dialect left.
pub(crate) fn sweep(context: &Context<'_>, tree: &Tree<'_>, fragment: &mut Fragment) {
    let mut sweep = Sweep {
        context,
        tree,
        claimed: Claimed::of(fragment),
        extents: fragment.components.iter().map(|component| component.extent).collect(),
        blocks: Vec::new(),
        ignored: Vec::new(),
    };
    let several = tree.documents().len() > 1;
    for (index, document) in tree.documents().enumerate() {
        let root = Path { up: None, segment: Segment::Item(index) };
        let path = if several { Some(&root) } else { None };
        if tree.syntax() == Syntax::Env {
            sweep.environment(document, document.written_entries(), path);
        } else {
            sweep.node(document, path, Surroundings::default());
        }
    }
    sweep.finish(fragment);
}

/// The way from the root to a node, as a list on the stack: walking allocates nothing.
#[derive(Clone, Copy)]
struct Path<'p> {
    up: Option<&'p Path<'p>>,
    segment: Segment<'p>,
}

#[derive(Clone, Copy)]
enum Segment<'p> {
    Key(&'p str),
    Item(usize),
}

impl Path<'_> {
    /// The segments, the outermost first, items as `[1]`.
    fn segments(path: Option<&Path<'_>>) -> Vec<String> {
        let mut segments = Vec::new();
        let mut next = path;
        while let Some(Path { up, segment }) = next {
            segments.push(match segment {
                Segment::Key(key) => (*key).to_owned(),
                Segment::Item(index) => format!("[{index}]"),
            });
            next = *up;
        }
        segments.reverse();
        segments
    }
}

/// What the enclosing keys say about everything below them.
#[derive(Clone, Copy, Default)]
struct Surroundings {
    /// The nearest key may be one of ours; the second nearest.
    suspect: (bool, bool),
    /// A schema: it describes keys and sets none.
    describes: bool,
    /// The block around.
    block: Option<usize>,
}

/// One map, with the keys of ours in it.
struct Block<'t> {
    grouping: Grouping<'t>,
    /// The block around it.
    around: Option<usize>,
    /// Its own key names a topic (`timeouts`, `retry`): it is part of what stands around it.
    is_part: bool,
}

struct Sweep<'s, 't> {
    context: &'s Context<'s>,
    tree: &'t Tree<'t>,
    claimed: Claimed,
    extents: Vec<Span>,
    blocks: Vec<Block<'t>>,
    ignored: Vec<Ignored>,
}

impl<'t> Sweep<'_, 't> {
    fn node(&mut self, node: Node<'t>, path: Option<&Path<'_>>, around: Surroundings) {
        match node.kind() {
            NodeKind::Map => self.map(node, path, around),
            NodeKind::List => self.list(node, path, around),
            NodeKind::Scalar => {}
        }
    }

    fn map(&mut self, map: Node<'t>, path: Option<&Path<'_>>, mut around: Surroundings) {
        around.describes |= describes(map);
        let mut block = NewBlock { index: None, map, around: around.block, is_part: around.suspect.0 };
        let merged =
            self.tree.syntax() == Syntax::Yaml && map.written_entries().any(|entry| entry.key.text() == "<<");
        if merged {
            for entry in map.entries() {
                self.entry(entry, path, around, &mut block);
            }
        } else {
            for entry in map.written_entries() {
                self.entry(entry, path, around, &mut block);
            }
        }
    }

    fn entry(
        &mut self,
        entry: Entry<'t>,
        path: Option<&Path<'_>>,
        mut around: Surroundings,
        block: &mut NewBlock<'t>,
    ) {
        let key = entry.key.text();
        let suspect = keys::is_suspect(key);
        if suspect || around.suspect.0 || around.suspect.1 || !self.context.declared.is_empty() {
            self.candidate(entry, path, around, block);
        }
        match entry.value.kind() {
            NodeKind::Scalar => {
                if may_be_address(key, entry.value) {
                    self.address(entry, path, block);
                }
            }
            _ => {
                if block.index.is_some() {
                    around.block = block.index;
                }
                around.suspect = (suspect, around.suspect.0);
                let below = Path { up: path, segment: Segment::Key(key) };
                self.node(entry.value, Some(&below), Surroundings { ..around });
            }
        }
    }

    fn list(&mut self, list: Node<'t>, path: Option<&Path<'_>>, around: Surroundings) {
        if is_variables(list) {
            let pairs =
                list.items().filter_map(|item| Some((item.get("name")?.scalar()?, item.get("value")?)));
            let list_: Vec<Variable<'t>> = pairs
                .filter_map(|(name, value)| Some(Variable { name, value: value.scalar()? }))
                .filter(|variable| !self.claimed.holds(variable.value.span()))
                .collect();
            self.variables(list, &list_, path);
        }
        self.arguments(list, path, around);
        for (index, item) in list.items().enumerate() {
            if item.kind() != NodeKind::Scalar {
                let below = Path { up: path, segment: Segment::Item(index) };
                self.node(item, Some(&below), around);
            }
        }
    }

    /// A key that may be one of ours.
    fn candidate(
        &mut self,
        entry: Entry<'t>,
        path: Option<&Path<'_>>,
        around: Surroundings,
        block: &mut NewBlock<'t>,
    ) {
        let value = entry.value;
        if value.kind() == NodeKind::Map && !self.is_expression(value) {
            return;
        }
        let segments = Path::segments(path);
        let mut parents: Vec<&str> = segments.iter().map(String::as_str).collect();
        let leaf = split_dotted(entry.key.text(), &mut parents);
        let place = Place { file: self.context.source.path(), parents: &parents, leaf };
        let known = match setting::known(&place, self.context.declared) {
            None => return,
            Some(Ok(known)) => known,
            Some(Err(reason)) => {
                if value.kind() == NodeKind::Scalar && !self.claimed.holds(value.span()) {
                    self.ignored.push(setting::ignored(&place, entry.key.span(), reason));
                }
                return;
            }
        };
        if self.claimed.holds(value.span()) || self.claimed.holds(entry.key.span()) {
            return;
        }
        if around.describes {
            self.ignored.push(setting::ignored(&place, entry.key.span(), Reason::Description));
            return;
        }
        let read = match self.scalar_of(value) {
            Some(scalar) => setting::read(&place, &known, scalar),
            None if value.kind() == NodeKind::Map => Err(Reason::Template),
            None if known.knob() == Knob::RetryOn => words_of(value)
                .ok_or(Reason::NotAnAmount)
                .and_then(|words| setting::read_text(&place, &known, &words, value.span())),
            None if value.items().any(|item| item.kind() != NodeKind::Scalar) => return,
            None => Err(Reason::NotAnAmount),
        };
        match read {
            Ok(setting) => {
                let setting = self.with_comment(setting, entry);
                let side = known.class().and_then(|class| class.side);
                let name = entry.key.text();
                let label = label(self.tree.syntax(), &parents);
                self.block(block, &label).grouping.add(Member { name, side, setting });
            }
            Err(reason) => self.ignored.push(setting::ignored(&place, value.span(), reason)),
        }
    }

    /// The scalar of a value; of an NGINX directive its only argument.
    fn scalar_of(&self, value: Node<'t>) -> Option<Scalar<'t>> {
        if self.tree.syntax() == Syntax::Nginx {
            let mut items = value.items();
            return items.next()?.scalar().filter(|_| items.next().is_none());
        }
        value.scalar()
    }

    /// Whether a map is a template's `{{ expression }}` that YAML takes for nested maps.
    fn is_expression(&self, value: Node<'t>) -> bool {
        self.context.source.slice(value.span()).starts_with("{{")
    }

    /// A value without unit takes the one that a comment at its key names.
    fn with_comment(&self, mut setting: Setting, entry: Entry<'t>) -> Setting {
        let Value::UnitUnknown(number) = setting.value.value else { return setting };
        let Some(unit) = unit_in_comments(self.tree, entry.key.span(), entry.value.span()) else {
            return setting;
        };
        setting.value.value = Value::Time(Limit::After(unit.times(number)));
        setting.unit = Unit::Comment;
        setting.assumptions.push(format!("{}, as the comment at `{}` says", unit.name(), entry.key.text()));
        setting
    }

    /// An address at a key of a block.
    fn address(&mut self, entry: Entry<'t>, path: Option<&Path<'_>>, block: &mut NewBlock<'t>) {
        let Some(value) = entry.value.scalar() else { return };
        if self.claimed.holds(value.span()) {
            return;
        }
        let segments = Path::segments(path);
        let mut parents: Vec<&str> = segments.iter().map(String::as_str).collect();
        let leaf = split_dotted(entry.key.text(), &mut parents);
        let place = Place { file: self.context.source.path(), parents: &parents, leaf };
        let Some(located) = address::locate(&place.key(), value) else { return };
        let label = label(self.tree.syntax(), &parents);
        self.block(block, &label).grouping.address(entry.key.text(), located);
    }

    /// The block of the map being read, made when the first key needs it.
    fn block(&mut self, new: &mut NewBlock<'t>, label: &str) -> &mut Block<'t> {
        let index = *new.index.get_or_insert_with(|| {
            let at = new.map.span();
            self.blocks.push(Block {
                grouping: Grouping::block(owner_of(&self.extents, at), label.to_owned(), at),
                around: new.around,
                is_part: new.is_part,
            });
            self.blocks.len() - 1
        });
        &mut self.blocks[index]
    }

    /// The keys of an environment file.
    fn environment(
        &mut self,
        at: Node<'t>,
        entries: impl Iterator<Item = Entry<'t>>,
        path: Option<&Path<'_>>,
    ) {
        let list: Vec<Variable<'t>> = entries
            .filter_map(|entry| Some(Variable { name: entry.key, value: entry.value.scalar()? }))
            .filter(|variable| !self.claimed.holds(variable.value.span()))
            .collect();
        self.variables(at, &list, path);
    }

    fn variables(&mut self, at: Node<'t>, list: &[Variable<'t>], path: Option<&Path<'_>>) {
        let path = Path::segments(path).join(".").replace(".[", "[");
        let owner = owner_of(&self.extents, at.span());
        let (grouping, ignored) = gather(owner, &path, at.span(), list, self.context.declared);
        self.blocks.push(Block { grouping, around: None, is_part: false });
        self.ignored.extend(ignored);
    }

    /// Arguments of a command: `--timeout=30s`, `--timeout` before `30s`, and `TIMEOUT=30`.
    fn arguments(&mut self, list: Node<'t>, path: Option<&Path<'_>>, around: Surroundings) {
        let mut block = NewBlock { index: None, map: list, around: around.block, is_part: false };
        let mut before: Option<Scalar<'t>> = None;
        for item in list.items() {
            let Some(scalar) = item.scalar() else {
                before = None;
                continue;
            };
            let text = scalar.text();
            let earlier = before.replace(scalar);
            if let Some((flag, _)) = text.split_once('=') {
                let name = flag.trim_start_matches('-');
                if is_plain_key(name) && keys::is_suspect(name) {
                    let value = flag.len() + 1..text.len();
                    self.argument(name, scalar, value, path, around, &mut block);
                }
            } else if let Some(flag) = earlier.map(Scalar::text)
                && let Some(name) = flag.strip_prefix("--").or_else(|| flag.strip_prefix('-'))
                && text.as_bytes().first().is_some_and(u8::is_ascii_digit)
                && is_plain_key(name)
                && keys::is_suspect(name)
            {
                self.argument(name, scalar, 0..text.len(), path, around, &mut block);
            }
        }
    }

    fn argument(
        &mut self,
        name: &'t str,
        scalar: Scalar<'t>,
        value: std::ops::Range<usize>,
        path: Option<&Path<'_>>,
        around: Surroundings,
        block: &mut NewBlock<'t>,
    ) {
        let span = scalar.part(value.clone());
        if self.claimed.holds(span) || around.describes {
            return;
        }
        let segments = Path::segments(path);
        let parents: Vec<&str> = segments.iter().map(String::as_str).collect();
        let place = Place { file: self.context.source.path(), parents: &parents, leaf: name };
        let read = setting::known(&place, self.context.declared).map(|known| {
            let known = known?;
            Ok((known, setting::read_text(&place, &known, &scalar.text()[value], span)?))
        });
        match read {
            Some(Ok((known, setting))) => {
                let side = known.class().and_then(|class| class.side);
                let label = label(self.tree.syntax(), &parents);
                self.block(block, &label).grouping.add(Member { name, side, setting });
            }
            Some(Err(reason)) => self.ignored.push(setting::ignored(&place, span, reason)),
            None => {}
        }
    }

    /// Lends addresses to the blocks without one and hands everything over.
    fn finish(mut self, fragment: &mut Fragment) {
        for index in 0..self.blocks.len() {
            if self.blocks[index].grouping.has_targets() {
                continue;
            }
            if let Some((targets, certain)) = self.targets_around(index) {
                self.blocks[index].grouping.borrow_targets(targets, certain);
            }
        }
        for block in self.blocks {
            fragment.groups.extend(block.grouping.groups());
        }
        fragment.ignored.extend(self.ignored);
        fragment.ignored.sort_by_key(|ignored| (ignored.span.file, ignored.span.start));
    }

    /// The callees of the nearest block around that has any, where it has just one; and whether no
    /// guess is needed, since the block is a topic's part of that one.
    fn targets_around(&self, index: usize) -> Option<(Vec<Target>, bool)> {
        /// Farther than this an address is company, not context.
        const REACH: usize = 2;
        let mut certain = true;
        let mut next = index;
        for _ in 0..REACH {
            certain &= self.blocks[next].is_part;
            next = self.blocks[next].around?;
            let grouping = &self.blocks[next].grouping;
            if grouping.has_targets() {
                return grouping.only_targets().map(|targets| (targets.to_vec(), certain));
            }
        }
        None
    }
}

/// A map's block before a key needed it.
struct NewBlock<'t> {
    index: Option<usize>,
    map: Node<'t>,
    around: Option<usize>,
    is_part: bool,
}

/// The places that a dialect has read.
struct Claimed {
    /// By start.
    spans: Vec<(u32, u32)>,
}

impl Claimed {
    fn of(fragment: &Fragment) -> Self {
        let settings = fragment.groups.iter().flat_map(|group| &group.settings);
        let written = settings.filter_map(|setting| match setting.value.origin {
            Origin::Written(span) => Some(span),
            _ => None,
        });
        let targets = fragment.groups.iter().flat_map(|group| &group.targets).map(|target| target.span);
        let ignored = fragment.ignored.iter().map(|ignored| ignored.span);
        let mut spans: Vec<(u32, u32)> =
            written.chain(targets).chain(ignored).map(|span| (span.start, span.end)).collect();
        spans.sort_unstable();
        Self { spans }
    }

    /// Whether a claimed place lies in a span, or touches it.
    fn holds(&self, span: Span) -> bool {
        let next = self.spans.partition_point(|&(start, _)| start < span.start);
        self.spans.get(next).is_some_and(|&(start, end)| start < span.end.max(span.start + 1) && end > start)
            || next.checked_sub(1).is_some_and(|before| self.spans[before].1 > span.start)
    }
}

/// The component whose part of the file holds a place, the innermost of several.
fn owner_of(extents: &[Span], at: Span) -> Owner {
    extents
        .iter()
        .enumerate()
        .filter(|(_, extent)| extent.contains(at))
        .min_by_key(|(_, extent)| extent.end - extent.start)
        .map_or(Owner::File, |(index, _)| Owner::Component(index))
}

/// As its operator would name a block: `[directory]` where the syntax has sections.
fn label(syntax: Syntax, parents: &[&str]) -> String {
    let path = parents.join(".").replace(".[", "[");
    match syntax {
        Syntax::Toml | Syntax::Ini if !path.is_empty() => format!("[{path}]"),
        _ => path,
    }
}

/// Takes a dotted key apart, its last part being the key and the rest its path. A Kubernetes
/// annotation (`product.io/proxy-read-timeout`) keeps its domain as one part.
fn split_dotted<'k>(key: &'k str, parents: &mut Vec<&'k str>) -> &'k str {
    if let Some((domain, name)) = key.rsplit_once('/') {
        parents.push(domain);
        return name;
    }
    let Some((path, leaf)) = key.rsplit_once('.') else { return key };
    if leaf.is_empty() || path.split('.').any(str::is_empty) {
        return key;
    }
    parents.extend(path.split('.'));
    leaf
}

/// Whether a list holds environment variables: maps of `name` and `value`.
fn is_variables(list: Node<'_>) -> bool {
    let mut maps = list.items().filter(|item| item.kind() == NodeKind::Map).peekable();
    maps.peek().is_some() && maps.all(|map| map.get("name").is_some()) && {
        let mut maps = list.items();
        maps.any(|map| map.get("value").is_some_and(|value| value.kind() == NodeKind::Scalar))
    }
}

/// Whether a map is a schema: it says of which type a value is.
fn describes(map: Node<'_>) -> bool {
    let mut has_type = false;
    let mut has_company = false;
    for entry in map.written_entries() {
        match entry.key.text() {
            "openAPIV3Schema" | "$schema" if entry.value.kind() == NodeKind::Map => return true,
            "type" => {
                has_type = matches!(
                    entry.value.text(),
                    Some("object" | "integer" | "string" | "number" | "boolean" | "array")
                );
            }
            "properties" | "format" | "items" | "$ref" | "enum" | "additionalProperties" => {
                has_company = true
            }
            "description" => has_company = true,
            _ => {}
        }
    }
    has_type && has_company
}

/// A first, cheap look at a value that could be an address.
fn may_be_address(key: &str, value: Node<'_>) -> bool {
    const HOST_KEYS: [&str; 8] =
        ["host", "hostname", "addr", "address", "server", "endpoint", "hosts", "serviceid"];
    let Some(text) = value.text() else { return false };
    if text.len() < 2 || text.len() > 8 * 1024 {
        return false;
    }
    let bytes = text.as_bytes();
    let colon = bytes.windows(2).any(|pair| pair[0] == b':' && (pair[1] == b'/' || pair[1].is_ascii_digit()));
    colon
        || text.contains("host=")
        || HOST_KEYS.iter().any(|host| {
            key.len() >= host.len()
                && key.is_char_boundary(key.len() - host.len())
                && key[key.len() - host.len()..].eq_ignore_ascii_case(host)
        })
}

/// Whether an argument's name is made of what keys are made of.
fn is_plain_key(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// The scalars of a list as one text.
fn words_of(list: Node<'_>) -> Option<String> {
    let words: Option<Vec<&str>> = list.items().map(Node::text).collect();
    words.filter(|words| !words.is_empty()).map(|words| words.join(", "))
}
