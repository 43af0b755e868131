//! One service of a Compose file as a component.

use std::collections::{BTreeSet, HashMap, HashSet};

use model::{GroupKind, Setting, Sourced};
use text::{Entry, Node, NodeKind, Span};

use super::interpolate::Interpolation;
use super::times::Times;
use crate::app_server;
use crate::database::Database;
use crate::flags::{Words, is_java_options};
use crate::pieces::{Text, Traces};
use crate::variables::{Variable, variables};
use crate::{Component, ComponentKind, Context, Fragment, Group, Mount, MountKind, Owner};

/// A service that extends a service that extends ... deeper than this is taken for a cycle.
const EXTENDS: usize = 16;

/// Reads one service, `entry` being its name and its map.
pub(super) fn read(
    context: &Context<'_>,
    interpolation: &Interpolation<'_>,
    root: Node<'_>,
    services: Node<'_>,
    entry: &Entry<'_>,
    fragment: &mut Fragment,
) {
    let chain = chain(services, entry.value);
    let name = entry.key.text();
    let component = fragment.components.len();
    // What has neither an image nor a way to build one completes a service of another file.
    let partial = ["image", "build", "extends"].iter().all(|key| first(&chain, key).is_none());
    fragment.components.push(Component {
        name: Sourced::written(name.to_owned(), entry.key.span()),
        identity: format!("compose/{name}"),
        kind: ComponentKind::Workload,
        aliases: aliases(&chain, interpolation, name),
        ports: ports(&chain, interpolation),
        labels: Vec::new(),
        forwards: false,
        finishes: migrates(&chain),
        namespace: None,
        sidecar: None,
        partial,
        extent: entry.key.span().to(entry.value.span()),
    });
    let mut reader = Reader { context, interpolation, component, fragment };
    reader.environment(&chain);
    reader.command(&chain);
    reader.times(&chain, name, (!partial).then_some(entry.key.span()));
    reader.mounts(&chain, root);
}

/// Whether a service changes a schema and ends: one plain command with the word for it, as frameworks and
/// tools of migration have it, which nothing starts again.
fn migrates(chain: &[Node<'_>]) -> bool {
    let Some(command) = first(chain, "command") else { return false };
    let items = command.value.items().filter_map(Node::text);
    let mut words: Vec<&str> = items.chain(command.value.text()).flat_map(str::split_whitespace).collect();
    words.retain(|word| !word.starts_with('-'));
    let is_one = !words.iter().any(|word| word.contains(['&', ';', '|']));
    let restarts = first(chain, "restart").and_then(|restart| restart.value.text());
    let stays = restarts.is_some_and(|policy| matches!(policy, "always" | "unless-stopped"));
    is_one && !stays && words.iter().any(|word| matches!(*word, "migrate" | "db:migrate"))
}

/// The service and, behind it, the services of the same file that it extends.
fn chain<'t>(services: Node<'t>, service: Node<'t>) -> Vec<Node<'t>> {
    let mut chain = vec![service];
    while let Some(extends) = chain[chain.len() - 1].get("extends")
        && chain.len() < EXTENDS
    {
        let name = match extends.kind() {
            NodeKind::Map if extends.get("file").is_none() => extends.get("service").and_then(Node::text),
            NodeKind::Scalar => extends.text(),
            _ => None,
        };
        let Some(base) = name.and_then(|name| services.get(name)) else { break };
        chain.push(base);
    }
    chain
}

/// The entry of a key in the service or else in what it extends.
fn first<'t>(chain: &[Node<'t>], key: &str) -> Option<Entry<'t>> {
    chain.iter().find_map(|service| service.entry(key))
}

/// The values of a key all along the chain: maps and lists are merged.
fn all<'t>(chain: &[Node<'t>], key: &str) -> Vec<Node<'t>> {
    chain.iter().filter_map(|service| service.get(key)).collect()
}

/// The items of the lists at a key, the service's own first.
fn items<'t>(chain: &[Node<'t>], key: &str) -> impl Iterator<Item = Node<'t>> + use<'t> {
    all(chain, key).into_iter().flat_map(Node::items)
}

fn aliases(chain: &[Node<'_>], interpolation: &Interpolation<'_>, name: &str) -> Vec<String> {
    let mut aliases = vec![name.to_owned()];
    for key in ["container_name", "hostname"] {
        aliases.extend(first(chain, key).and_then(|entry| interpolation.text(entry.value)));
    }
    for networks in all(chain, "networks") {
        for network in networks.entries() {
            let list = network.value.get("aliases").into_iter().flat_map(Node::items);
            aliases.extend(list.filter_map(|alias| interpolation.text(alias)));
        }
    }
    let mut seen = HashSet::new();
    aliases.retain(|alias| seen.insert(alias.clone()));
    aliases
}

/// Names that other services give a service by `links: [service:alias]`. `first` is the component of the
/// first service.
pub(super) fn link(
    services: Node<'_>,
    interpolation: &Interpolation<'_>,
    first: usize,
    fragment: &mut Fragment,
) {
    let components = fragment.components.iter().enumerate().skip(first);
    let by_name: HashMap<String, usize> =
        components.map(|(index, c)| (c.name.value.clone(), index)).collect();
    let mut known: HashSet<(usize, String)> = HashSet::new();
    for service in services.entries() {
        // Who waits for another to complete waits for something that does (docs.docker.com, depends_on).
        let waits = service.value.get("depends_on").into_iter().flat_map(Node::entries);
        for other in waits.filter(|other| {
            other.value.get("condition").and_then(Node::text) == Some("service_completed_successfully")
        }) {
            if let Some(&index) = by_name.get(other.key.text()) {
                fragment.components[index].finishes = true;
            }
        }
        let links = service.value.get("links").into_iter().flat_map(Node::items);
        for link in links.filter_map(|link| interpolation.text(link)) {
            let Some((to, alias)) = link.split_once(':') else { continue };
            let Some(&index) = by_name.get(to) else { continue };
            let aliases = &mut fragment.components[index].aliases;
            if known.insert((index, alias.to_owned())) && !aliases.iter().any(|other| other == alias) {
                aliases.push(alias.to_owned());
            }
        }
    }
}

/// Ports on the container's side, of `ports` and `expose`.
fn ports(chain: &[Node<'_>], interpolation: &Interpolation<'_>) -> Vec<u16> {
    let mut ports = BTreeSet::new();
    for item in items(chain, "ports").chain(items(chain, "expose")) {
        let Some(text) = interpolation.text(item.get("target").unwrap_or(item)) else { continue };
        let port = text.split('/').next().unwrap_or("");
        let port = port.rsplit_once(':').map_or(port, |(_, container)| container);
        let (from, to) = port.split_once('-').unwrap_or((port, port));
        if let (Ok(from), Ok(to)) = (from.parse::<u16>(), to.parse::<u16>()) {
            // A range maps one service on many ports; more than these say nothing more.
            ports.extend((from..=to).take(64));
        }
    }
    ports.into_iter().collect()
}

/// Reads the parts of one service into its component.
struct Reader<'a, 'c> {
    context: &'a Context<'c>,
    interpolation: &'a Interpolation<'c>,
    component: usize,
    fragment: &'a mut Fragment,
}

impl Reader<'_, '_> {
    /// `environment`, as a map or as a list of `NAME=value`.
    fn environment(&mut self, chain: &[Node<'_>]) {
        let Some(at) = first(chain, "environment").map(|entry| entry.key.span()) else { return };
        let mut traces = Traces::default();
        let mut pairs: Vec<(Text<'_>, Text<'_>)> = Vec::new();
        let mut known = HashSet::new();
        for node in all(chain, "environment") {
            let own = self.pairs(node, &mut traces);
            pairs.extend(own.into_iter().filter(|(name, _)| known.insert(name.text().to_owned())));
        }
        self.variables("environment", at, &pairs, &traces);
        for (name, value) in pairs.iter().filter(|(name, _)| is_java_options(name.text())) {
            let Some(value) = value.scalar() else { continue };
            let mut words = Words::default();
            words.line(value);
            let path = format!("environment.{}", name.text());
            self.group_variables(&path, at, &words.flags().variables(), &traces);
        }
    }

    /// The variables of one `environment`. One without a value is taken over from outside.
    fn pairs<'t>(&self, node: Node<'t>, traces: &mut Traces) -> Vec<(Text<'t>, Text<'t>)>
    where
        Self: 't,
    {
        let mut pairs = Vec::new();
        for entry in node.entries() {
            let Some(value) = entry.value.scalar() else { continue };
            let name = Text::AsWritten(entry.key);
            if matches!(value.text(), "" | "~" | "null") && value.style() == text::Style::Plain {
                pairs.extend(self.taken_over(name, traces));
            } else {
                pairs.push((name, self.interpolation.apply(value, traces)));
            }
        }
        for item in node.items().filter_map(Node::scalar) {
            let text = self.interpolation.apply(item, traces);
            let Some(scalar) = text.scalar() else { continue };
            match scalar.text().find('=') {
                Some(equals) => {
                    let value = scalar.piece(equals + 1..scalar.text().len());
                    pairs.push((Text::Made(scalar.piece(0..equals)), Text::Made(value)));
                }
                None => {
                    pairs.extend(self.taken_over(Text::Made(scalar.piece(0..scalar.text().len())), traces))
                }
            }
        }
        pairs
    }

    /// A variable whose value comes from the `.env` beside the file under its own name.
    fn taken_over<'t>(&self, name: Text<'t>, traces: &mut Traces) -> Option<(Text<'t>, Text<'t>)> {
        let value = self.interpolation.variable(name.text())?;
        traces.note(value.span(), value.span(), name.scalar()?.span());
        Some((name, Text::Made(value.piece(0..value.text().len()))))
    }

    /// The words of a command: a line that a shell would split, or a list.
    fn words(&self, command: Node<'_>, words: &mut Words, traces: &mut Traces) {
        let texts: Vec<Text<'_>> = match command.scalar() {
            Some(line) => vec![self.interpolation.apply(line, traces)],
            None => {
                let items = command.items().filter_map(Node::scalar);
                items.map(|item| self.interpolation.apply(item, traces)).collect()
            }
        };
        if command.kind() == NodeKind::Scalar {
            texts.iter().filter_map(Text::scalar).for_each(|line| words.line(line));
        } else {
            words.command(texts.iter().filter_map(Text::scalar));
        }
    }

    /// The server that `entrypoint` with `command` starts; gives the places of its flags' values.
    fn server(&mut self, chain: &[Node<'_>]) -> Vec<Span> {
        let mut traces = Traces::default();
        let mut words = Words::default();
        let mut at = None;
        for entry in ["entrypoint", "command"].into_iter().filter_map(|key| first(chain, key)) {
            at.get_or_insert(entry.key.span());
            self.words(entry.value, &mut words, &mut traces);
        }
        let owner = Owner::Component(self.component);
        let said = at.and_then(|at| app_server::read(owner, "", at, &words));
        let Some(mut said) = said else { return Vec::new() };
        said.group.settings.iter_mut().for_each(|setting| traces.apply(setting));
        self.fragment.groups.push(said.group);
        self.fragment.ignored.extend(said.ignored);
        said.taken
    }

    /// Flags of `entrypoint` and `command`.
    fn command(&mut self, chain: &[Node<'_>]) {
        let taken = self.server(chain);
        for key in ["entrypoint", "command"] {
            let Some(entry) = first(chain, key) else { continue };
            let mut traces = Traces::default();
            let mut words = Words::default();
            self.words(entry.value, &mut words, &mut traces);
            let flags = words.flags();
            let mut flags = flags.variables();
            flags.retain(|flag| !taken.contains(&flag.value.span()));
            let image = first(chain, "image").and_then(|image| self.interpolation.text(image.value));
            if let Some(server) = Database::of_command(&words, image.as_deref()) {
                let owner = Owner::Component(self.component);
                let (mut group, ignored) = server.of_flags(owner, key, entry.key.span(), &mut flags);
                let settings = group.iter_mut().flat_map(|group| &mut group.settings);
                settings.for_each(|setting| traces.apply(setting));
                self.fragment.groups.extend(group);
                self.fragment.ignored.extend(ignored);
            }
            self.group_variables(key, entry.key.span(), &flags, &traces);
        }
    }

    fn variables(&mut self, path: &str, at: Span, pairs: &[(Text<'_>, Text<'_>)], traces: &Traces) {
        let pairs: Vec<Variable<'_>> = pairs
            .iter()
            .filter_map(|(name, value)| Some(Variable { name: name.scalar()?, value: value.scalar()? }))
            .collect();
        self.group_variables(path, at, &pairs, traces);
    }

    fn group_variables(&mut self, path: &str, at: Span, pairs: &[Variable<'_>], traces: &Traces) {
        if pairs.is_empty() {
            return;
        }
        let owner = Owner::Component(self.component);
        let (mut groups, ignored) = variables(owner, path, at, pairs, self.context.declared);
        groups.iter_mut().flat_map(|group| &mut group.settings).for_each(|setting| traces.apply(setting));
        self.fragment.groups.extend(groups);
        self.fragment.ignored.extend(ignored);
    }

    /// Health check, stop and restart policy. `near` is where absent keys are pointed at.
    fn times(&mut self, chain: &[Node<'_>], name: &str, near: Option<Span>) {
        let mut ignored = Vec::new();
        let mut times = Times { interpolation: self.interpolation, ignored: &mut ignored };
        let mut groups: Vec<(String, GroupKind, Span, Vec<Setting>)> = Vec::new();
        if let Some(entry) = first(chain, "healthcheck") {
            let maps = all(chain, "healthcheck");
            let at = entry.key.span();
            if !is_disabled(&maps) {
                let settings = times.health(&maps, near.map(|_| at));
                groups.push((format!("healthcheck of {name}"), GroupKind::Probe, at, settings));
            }
        }
        let stop = first(chain, "stop_grace_period");
        let at = stop.map(|entry| entry.key.span()).or(near);
        let setting = times.stop(stop.map(|entry| entry.value), near);
        if let (Some(at), Some(setting)) = (at, setting) {
            groups.push((format!("stop of {name}"), GroupKind::Lifecycle, at, vec![setting]));
        }
        if let Some((key, entry)) = instances(chain) {
            let settings: Vec<Setting> = times.instances(key, entry.value).into_iter().collect();
            groups.push((format!("scale of {name}"), GroupKind::Lifecycle, entry.key.span(), settings));
        }
        let policies = chain.iter().find_map(|service| service.get("deploy")?.entry("restart_policy"));
        if let Some(policy) = policies {
            let settings = times.restart(policy.value);
            groups.push((
                format!("restart policy of {name}"),
                GroupKind::Lifecycle,
                policy.key.span(),
                settings,
            ));
        }
        self.fragment.ignored.extend(ignored);
        for (label, kind, at, settings) in groups.into_iter().filter(|(.., settings)| !settings.is_empty()) {
            self.fragment
                .groups
                .push(Group { settings, ..Group::new(label, kind, Owner::Component(self.component), at) });
        }
    }

    /// Files and directories that the service takes in.
    fn mounts(&mut self, chain: &[Node<'_>], root: Node<'_>) {
        if let Some(build) = first(chain, "build") {
            let context = build.value.get("context").unwrap_or(build.value);
            self.mount(context, MountKind::Build);
        }
        for node in all(chain, "env_file") {
            for item in std::iter::once(node).chain(node.items()) {
                self.mount(item.get("path").unwrap_or(item), MountKind::EnvFile);
            }
        }
        for item in items(chain, "volumes") {
            let source = item.get("source").unwrap_or(item);
            let Some(text) = self.interpolation.text(source) else { continue };
            let path = text.split(':').next().unwrap_or("");
            // Anything else is the name of a volume.
            if path.starts_with(['.', '/', '~']) && (text.contains(':') || item.kind() == NodeKind::Map) {
                self.push(MountKind::Path(path.to_owned()), source.span());
            }
        }
        for list in ["configs", "secrets"] {
            for item in items(chain, list) {
                let Some(name) = item.get("source").unwrap_or(item).text() else { continue };
                if let Some(file) = root.at(&[list, name, "file"]) {
                    self.mount(file, MountKind::Path);
                }
            }
        }
    }

    fn mount(&mut self, node: Node<'_>, what: fn(String) -> MountKind) {
        if let Some(path) = self.interpolation.text(node).filter(|path| !path.is_empty()) {
            self.push(what(path), node.span());
        }
    }

    fn push(&mut self, what: MountKind, span: Span) {
        self.fragment.mounts.push(Mount { component: self.component, what, span });
    }
}

/// Where it stands how many instances run. `scale` and `deploy.replicas` must agree where both are there;
/// one on every node (`mode: global`) is no number of ours.
fn instances<'t>(chain: &[Node<'t>]) -> Option<(&'static str, Entry<'t>)> {
    let deploy = |key: &str| chain.iter().find_map(|service| service.get("deploy")?.entry(key));
    let mode = deploy("mode").and_then(|entry| entry.value.text());
    if mode.is_some_and(|mode| mode.starts_with("global")) {
        return None;
    }
    let replicas = deploy("replicas").map(|entry| ("deploy.replicas", entry));
    replicas.or_else(|| first(chain, "scale").map(|entry| ("scale", entry)))
}

/// Whether a health check says that there is none.
fn is_disabled(maps: &[Node<'_>]) -> bool {
    let disable = maps.iter().find_map(|map| map.get("disable")).and_then(Node::text);
    let test = maps.iter().find_map(|map| map.get("test"));
    let none = test.and_then(|test| test.items().next().unwrap_or(test).text());
    disable == Some("true") || none == Some("NONE")
}
