//! The sweep behind the dialects: finds, in any tree of any syntax, the keys of our topics that no
//! dialect claimed, and groups them by the block they stand in. Knows no product and no dialect.

mod blocks;
mod claimed;
mod path;
mod shapes;

use std::borrow::Cow;

use model::{Knob, Limit, Setting, Unit, Value};
use text::{Entry, Node, NodeKind, Scalar, Syntax, Tree};

use crate::comments::unit_in_comments;
use crate::grouping::Member;
use crate::keys;
use crate::products::{Product, recognise};
use crate::setting::{self, Place};
use crate::variables::{Variable, gather};
use crate::{Context, Fragment, Ignored, Reason, address};

use blocks::{Blocks, BlocksOfMap};
use claimed::Claimed;
use path::{Path, Segment, split_key};
use shapes::{Shape, is_plain_key, is_variables, may_be_address, variable, words_of};

/// Adds to a fragment what its dialect left.
pub(crate) fn sweep(context: &Context<'_>, tree: &Tree<'_>, fragment: &mut Fragment) {
    // Its keys are words of lines, of which the dialect knows all; `timeout` alone says nothing.
    if tree.syntax() == Syntax::Haproxy {
        return;
    }
    let mut sweep = Sweep {
        context,
        tree,
        claimed: Claimed::of(fragment, tree.file()),
        product: recognise(tree),
        blocks: Blocks::new(tree.syntax(), fragment),
        ignored: Vec::new(),
    };
    // A layer's keys are its own, whichever document it is.
    let several = tree.documents().len() > 1 && fragment.layers.is_empty();
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

/// What the enclosing keys say about everything below them.
#[derive(Clone, Copy, Default)]
struct Surroundings {
    /// The nearest key may be one of ours; the second nearest.
    suspect: (bool, bool),
    /// A schema: it describes keys and sets none.
    describes: bool,
    /// The block around.
    block: Option<usize>,
    /// How many keys deep.
    depth: usize,
    /// Not the root of a file.
    nested: bool,
    /// The map listens for requests and calls nobody, or is a part of one that does.
    serves: bool,
    /// The map is of a manifest that runs nothing: an address in it is no callee.
    runs_nothing: bool,
}

struct Sweep<'s, 't> {
    context: &'s Context<'s>,
    tree: &'t Tree<'t>,
    claimed: Claimed,
    /// The product whose own file this is.
    product: Option<&'static Product>,
    blocks: Blocks<'t>,
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
        let shape = Shape::of(map);
        around.describes |= shape.describes;
        around.serves |= shape.serves;
        around.runs_nothing |= shape.runs_nothing;
        let mut block = BlocksOfMap::new(map, around);
        if shape.merges {
            let entries = map.entries();
            self.entries(entries.iter().copied(), path, around, &mut block);
        } else {
            self.entries(map.written_entries(), path, around, &mut block);
        }
    }

    /// First the keys of the map itself, then what is nested in it: an address that stands below a
    /// nested map is known when that is read.
    fn entries(
        &mut self,
        entries: impl Iterator<Item = Entry<'t>> + Clone,
        path: Option<&Path<'_>>,
        around: Surroundings,
        block: &mut BlocksOfMap<'t>,
    ) {
        let all = !self.context.declared.is_empty()
            || self.product.is_some()
            || around.suspect.0
            || around.suspect.1;
        for entry in entries.clone() {
            let key = entry.key.text();
            if all || keys::is_suspect(key) {
                self.candidate(entry, path, around, block);
            }
            let may_be_called = entry.value.kind() == NodeKind::Scalar && !around.runs_nothing;
            if may_be_called && may_be_address(key, entry.value) {
                self.address(entry, path, block);
            }
        }
        self.defaults(path, block);
        let own = block.own();
        for entry in entries.filter(|entry| entry.value.kind() != NodeKind::Scalar) {
            let key = entry.key.text();
            let below = Path { up: path, segment: Segment::Key(key) };
            let around = Surroundings {
                suspect: (keys::is_suspect(key), around.suspect.0),
                describes: around.describes,
                block: own.or(around.block),
                depth: around.depth + 1,
                nested: true,
                serves: around.serves && keys::is_suspect(key),
                runs_nothing: around.runs_nothing,
            };
            self.node(entry.value, Some(&below), around);
        }
    }

    /// What holds where a recognised product's keys are absent from the map: its own, and those of the
    /// blocks in it that are not there.
    fn defaults(&mut self, path: Option<&Path<'_>>, block: &mut BlocksOfMap<'t>) {
        let Some(product) = self.product else { return };
        let segments = Path::segments(path);
        // The whole of the map can be long.
        let near = block.map.written_entries().next().map_or(block.map.span(), |entry| entry.key.span());
        for default in product.absent(self.tree, &segments, block.map) {
            let (prefix, leaf) = default.key.rsplit_once('.').unwrap_or(("", default.key));
            let setting = default.setting(&segments, near);
            self.blocks.of(block, prefix, &segments).add(Member { name: leaf, side: None, setting });
        }
    }

    fn place<'a>(&'a self, parents: &'a [&'a str], leaf: &'a str) -> Place<'a> {
        Place { file: self.context.source.path(), parents, leaf, product: self.product }
    }

    fn list(&mut self, list: Node<'t>, path: Option<&Path<'_>>, around: Surroundings) {
        let are_variables = is_variables(list);
        if are_variables {
            let variables: Vec<Variable<'t>> = list
                .items()
                .filter_map(variable)
                .filter(|variable| !self.claimed.holds(variable.value.span()))
                .collect();
            self.variables(list, &variables, path);
        }
        self.arguments(list, path, around);
        for (index, item) in list.items().enumerate() {
            let is_variable = are_variables && variable(item).is_some();
            if item.kind() != NodeKind::Scalar && !is_variable {
                let below = Path { up: path, segment: Segment::Item(index) };
                self.node(item, Some(&below), Surroundings { nested: true, serves: false, ..around });
            }
        }
    }

    /// A key that may be one of ours.
    fn candidate(
        &mut self,
        entry: Entry<'t>,
        path: Option<&Path<'_>>,
        around: Surroundings,
        block: &mut BlocksOfMap<'t>,
    ) {
        let value = entry.value;
        if value.kind() == NodeKind::Map && !self.is_expression(value) {
            return;
        }
        let segments = Path::segments(path);
        let mut parents: Vec<&str> = segments.iter().map(Cow::as_ref).collect();
        let parts = split_key(entry.key.text());
        parents.extend(parts.parents());
        let place = self.place(&parents, parts.leaf);
        let known = match setting::known(&place, self.context.declared) {
            None => return,
            Some(Ok(known)) if around.serves => known.at_server(),
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
            // A whole text is no value of ours: a file in a ConfigMap, a script.
            Some(scalar) if scalar.text().trim_end().contains('\n') => return,
            Some(scalar) => setting::read(&place, &known, scalar),
            None if value.kind() == NodeKind::List && value.items().len() == 0 => Err(Reason::Empty),
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
                let member = Member { name: parts.leaf, side, setting };
                self.blocks.of(block, parts.prefix, &segments).add(member);
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
    fn address(&mut self, entry: Entry<'t>, path: Option<&Path<'_>>, block: &mut BlocksOfMap<'t>) {
        let Some(value) = entry.value.scalar() else { return };
        if self.claimed.holds(value.span()) {
            return;
        }
        let segments = Path::segments(path);
        let mut parents: Vec<&str> = segments.iter().map(Cow::as_ref).collect();
        let parts = split_key(entry.key.text());
        parents.extend(parts.parents());
        let place = self.place(&parents, parts.leaf);
        let Some(located) = address::locate(&place.key(), value) else { return };
        self.blocks.of(block, parts.prefix, &segments).address(parts.leaf, located);
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
        let owner = self.blocks.owner_of(at.span());
        let (grouping, ignored) = gather(owner, &path, at.span(), list, self.context.declared);
        self.blocks.add(grouping);
        self.ignored.extend(ignored);
    }

    /// Arguments of a command: `--timeout=30s`, `--timeout` before `30s`, and `TIMEOUT=30`.
    fn arguments(&mut self, list: Node<'t>, path: Option<&Path<'_>>, around: Surroundings) {
        let mut block = BlocksOfMap::new(list, around);
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
        block: &mut BlocksOfMap<'t>,
    ) {
        let span = scalar.part(value.clone());
        if self.claimed.holds(span) || around.describes {
            return;
        }
        let segments = Path::segments(path);
        let parents: Vec<&str> = segments.iter().map(Cow::as_ref).collect();
        let place = self.place(&parents, name);
        let read = setting::known(&place, self.context.declared).map(|known| {
            let known = known?;
            Ok((known, setting::read_text(&place, &known, &scalar.text()[value], span)?))
        });
        match read {
            Some(Ok((known, setting))) => {
                let side = known.class().and_then(|class| class.side);
                self.blocks.of(block, "", &segments).add(Member { name, side, setting });
            }
            Some(Err(reason)) => self.ignored.push(setting::ignored(&place, span, reason)),
            None => {}
        }
    }

    /// Hands everything over.
    fn finish(self, fragment: &mut Fragment) {
        // In a file of a dialect an address that the dialect left is not known to be called; layers hold
        // keys of what runs beside those of its framework.
        let calls = fragment.dialect.is_empty() || !fragment.layers.is_empty();
        fragment.groups.extend(self.blocks.groups(calls));
        if let (true, Some(product)) = (fragment.dialect.is_empty(), self.product) {
            fragment.dialect = product.name;
        }
        fragment.ignored.extend(self.ignored);
        fragment.ignored.sort_by_key(|ignored| (ignored.span.file, ignored.span.start));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;
    use text::{FileId, Source};

    fn shown(path: &str, syntax: Syntax, text: &str) -> String {
        let source = Source::new(FileId(0), path, text);
        let tree = Tree::parse(syntax, &source);
        let context = Context { source: &source, neighbours: &(), declared: &[] };
        let mut fragment = Fragment::default();
        sweep(&context, &tree, &mut fragment);
        let mut out = String::new();
        for group in &fragment.groups {
            let targets = group.targets.iter().map(|target| format!(" -> {}", target.address.host));
            writeln!(out, "{}{}", group.label, targets.collect::<String>()).unwrap();
            for setting in &group.settings {
                let line = source.position(setting.value.origin.span().unwrap().start).line;
                writeln!(out, "  {line}: {} = {}", setting.key, setting.value.value).unwrap();
                for assumption in &setting.assumptions {
                    writeln!(out, "    assuming {assumption}").unwrap();
                }
            }
        }
        for Ignored { key, reason, .. } in &fragment.ignored {
            let why = match reason {
                Reason::Template => "a template",
                Reason::Description => "a description",
                Reason::NotOurs => "not ours",
                _ => "no amount",
            };
            writeln!(out, "ignored {key}: {why}").unwrap();
        }
        out
    }

    #[test]
    fn settings_reach_the_address_of_their_block_or_of_the_block_they_are_part_of() {
        let text = "\
directory:
  retry:
    max: 2
    delay: 100ms
  url: http://directory:8080
  request_timeout: 300ms
pool:
  size: 10
";
        insta::assert_snapshot!(shown("auth.yaml", Syntax::Yaml, text), @r#"
        directory -> directory
          6: directory.request_timeout = 300 ms
            assuming that `request_timeout` covers the whole call
        directory.retry -> directory
          3: directory.retry.max = 2
          4: directory.retry.delay = 100 ms
        "#);
    }

    #[test]
    fn a_section_that_listens_and_calls_nobody_is_a_server() {
        let text = "\
database_url: postgres://db:5432/auth?connect_timeout=1
request_timeout: 9s
database:
  max_retries: 2
server:
  request_timeout: 10s
api:
  listen: 0.0.0.0:8080
  timeout: 4s
  drain_graceful: true
ledger:
  port: 9000
  host: ledger
  timeout: 1s
  shutdown_timeout: 2s
";
        insta::assert_snapshot!(shown("auth.yaml", Syntax::Yaml, text), @r#"
        database -> db
          1: database_url?connect_timeout = 2 s
            assuming that libpq is older than 17, which waits 2 s for 1
          1: database_url?options.statement_timeout = no limit
            assuming that the driver keeps libpq's defaults

          2: request_timeout = 9 s
            assuming that `request_timeout` covers the whole call
        database -> db
          4: database.max_retries = 2
        server
          6: server.request_timeout = 10 s
            assuming that `server.request_timeout` bounds the handler
        api
          9: api.timeout = 4 s
            assuming that `api.timeout` bounds the handler
        ledger -> ledger
          14: ledger.timeout = 1 s
            assuming that `timeout` covers the whole call
        ledger
          15: ledger.shutdown_timeout = 2 s
        ignored api.drain_graceful: not ours
        "#);
    }

    #[test]
    fn an_address_in_a_manifest_that_runs_nothing_is_no_callee() {
        let text = "\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ledger}
spec:
  http:
    - timeout: 3s
      route: [{destination: {host: ledger}}]
      mirror: {host: ledger:8080, timeout: 1s}
";
        insta::assert_snapshot!(shown("mesh.yaml", Syntax::Yaml, text), @r#"
        spec.http[0]
          6: spec.http[0].timeout = 3 s
            assuming that `timeout` covers the whole call
        spec.http[0].mirror
          8: spec.http[0].mirror.timeout = 1 s
            assuming that `timeout` covers the whole call
        "#);
    }

    #[test]
    fn dotted_keys_nest_as_maps_do() {
        let text = "\
directory.url=http://directory:8080
directory.timeout-ms=300
spring.datasource.hikari.connection-timeout=2000
";
        insta::assert_snapshot!(shown("application.properties", Syntax::Properties, text), @r#"
        directory -> directory
          2: directory.timeout-ms = 300 ms
            assuming that `timeout-ms` covers the whole call
        spring.datasource.hikari
          3: spring.datasource.hikari.connection-timeout = 2 s
        "#);
    }

    #[test]
    fn units_come_from_comments_and_siblings() {
        let text = "\
[a]
timeout = 5 ; seconds
[b]
connect_timeout_ms = 100
timeout = 500
";
        insta::assert_snapshot!(shown("a.ini", Syntax::Ini, text), @r#"
        [a]
          2: a.timeout = 5 s
            assuming that `timeout` covers the whole call
            assuming seconds, as the comment at `timeout` says
        [b]
          4: b.connect_timeout_ms = 100 ms
          5: b.timeout = 500 ms
            assuming that `timeout` covers the whole call
            assuming that `timeout` is in milliseconds, as the keys beside it are
        "#);
    }

    #[test]
    fn arguments_and_variables_are_read_wherever_they_stand() {
        let text = "\
args: [serve, --request-timeout=30s, --retries, '3']
environment:
  - SHUTDOWN_TIMEOUT=10s
env:
  - name: LEDGER_URL
    value: http://ledger:9000
  - name: LEDGER_TIMEOUT_MS
    value: '700'
attributes:
  - Key: idle_timeout.timeout_seconds
    Value: '60'
";
        insta::assert_snapshot!(shown("values.yaml", Syntax::Yaml, text), @r#"
        args
          1: args.request-timeout = 30 s
            assuming that `request-timeout` covers the whole call
          1: args.retries = 3
        environment
          3: environment.SHUTDOWN_TIMEOUT = 10 s
        env LEDGER -> ledger
          8: env.LEDGER_TIMEOUT_MS = 700 ms
            assuming that `LEDGER_TIMEOUT_MS` covers the whole call
        attributes
          11: attributes.idle_timeout.timeout_seconds = 60 s
        "#);
    }

    #[test]
    fn what_sets_nothing_is_said_to() {
        let text = "\
a_timeout: \"{{ x }}\"
b:
  timeout: {{ x }}
schema:
  type: object
  properties:
    timeout:
      type: integer
      description: how long
      retries: 3
pool: blue
";
        insta::assert_snapshot!(shown("values.yaml", Syntax::Yaml, text), @r#"
        ignored a_timeout: a template
        ignored b.timeout: a template
        ignored schema.properties.timeout.retries: a description
        ignored pool: not ours
        "#);
    }
}
