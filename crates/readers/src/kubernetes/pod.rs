//! A workload and its pod template, read into one component.

use std::collections::HashSet;

use model::GroupKind;
use text::{Entry, Node, NodeKind, PositionMap, Scalar, Span, Tree};

use super::reference::Known;
use super::{Kind, Object, istio, lifecycle, probe, scale};
use crate::app_server;
use crate::database::Database;
use crate::flags::{Words, is_java_options, is_script_flag};
use crate::pieces::{Text, Traces};
use crate::variables::{Variable, variables};
use crate::{Context, Fragment, Group, Ignored, Mount, MountKind, Owner, Reason};

/// What a key that is not written means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    /// The product's default.
    Default,
    /// Nothing: this is a patch, and the patched manifest says it.
    Unchanged,
}

/// What is known of a container's command before its words are read.
struct Command<'k, 't> {
    known: &'k Known<'t>,
    image: Option<&'k str>,
    /// The places of values that a server has taken.
    taken: &'k [Span],
    /// `command` ends where a shell's script follows, which is then the first of `args`.
    script: bool,
}

/// Reads into one component of a fragment. Each part can be read alone, as patches name parts.
pub(crate) struct Pod<'a> {
    context: &'a Context<'a>,
    component: usize,
    absent: Absent,
    fragment: &'a mut Fragment,
    /// ConfigMaps and Secrets seen, each of which is mounted once.
    mounted: HashSet<MountKind>,
}

impl<'a> Pod<'a> {
    pub(crate) fn new(
        context: &'a Context<'a>,
        component: usize,
        absent: Absent,
        fragment: &'a mut Fragment,
    ) -> Self {
        Self { context, component, absent, fragment, mounted: HashSet::new() }
    }

    /// The whole object.
    pub(crate) fn workload(&mut self, object: &Object<'_>) {
        if object.kind != Kind::Pod
            && let Some(entry) = object.node.entry("spec")
        {
            self.rollout(entry.value, entry.key.span());
            if let Some(job) = entry.value.at(&["jobTemplate", "spec"]) {
                self.rollout(job, entry.key.span());
            }
        }
        let Some(template) = object.node.at(object.kind.template()) else { return };
        self.fragment.components[self.component].sidecar = istio::sidecar(template);
        if let Some(labels) = template.at(&["metadata", "labels"]) {
            self.fragment.components[self.component].labels = super::pairs(labels);
        }
        if let Some(spec) = template.entry("spec") {
            self.spec(&spec);
        }
    }

    /// Times of the object around the template.
    pub(crate) fn rollout(&mut self, spec: Node<'_>, at: Span) {
        let settings = lifecycle::rollout(spec, &mut self.fragment.ignored);
        if !settings.is_empty() {
            let group = self.group("rollout".to_owned(), GroupKind::Lifecycle, at);
            self.fragment.groups.push(Group { settings, ..group });
        }
        if let Some(setting) = scale::replicas(spec, &mut self.fragment.ignored) {
            self.fragment.groups.push(scale::scale(Owner::Component(self.component), at, setting));
        }
    }

    /// The pod's `spec`.
    fn spec(&mut self, spec: &Entry<'_>) {
        let at = spec.key.span();
        let near = (self.absent == Absent::Default).then_some(at);
        let mut stop: Vec<_> =
            lifecycle::grace("", spec.value, near, &mut self.fragment.ignored).into_iter().collect();
        for (list, probes) in [("initContainers", false), ("containers", true)] {
            let items = spec.value.get(list).into_iter().flat_map(Node::items);
            for (index, container) in items.enumerate() {
                if container.get("$patch").and_then(Node::text) == Some("delete") {
                    continue;
                }
                let name = container.get("name").and_then(Node::text);
                let path = name.map_or_else(|| format!("{list}[{index}]"), |name| format!("{list}[{name}]"));
                self.container(&path, container, probes);
                stop.extend(self.pre_stop(&path, container));
            }
        }
        // A pod stops when its slowest container has: the longest wait stands first.
        let grace = stop.iter().take_while(|setting| setting.knob == model::Knob::Grace).count();
        stop[grace..].sort_by_key(|setting| std::cmp::Reverse(setting.limit()));
        if !stop.is_empty() {
            let group = self.group("termination".to_owned(), GroupKind::Lifecycle, at);
            self.fragment.groups.push(Group { settings: stop, ..group });
        }
        self.volumes(spec.value);
        // The pod's own name, not one that it calls.
        if let Some(hostname) = spec.value.entry("hostname")
            && let Some(text) = hostname.value.text()
        {
            self.fragment.components[self.component].aliases.push(text.to_owned());
            let span = super::whole(&hostname);
            let key = "hostname".to_owned();
            self.fragment.ignored.push(Ignored { key, span, reason: Reason::NotOurs });
        }
    }

    /// A container without its `preStop`, which belongs to the pod's stop.
    pub(crate) fn container(&mut self, path: &str, container: Node<'_>, probes: bool) {
        let ports = super::ports(container.get("ports"), "containerPort");
        self.fragment.components[self.component].ports.extend(ports);
        // An init container with `restartPolicy: Always` is a sidecar and may have probes.
        let sidecar = container.get("restartPolicy").and_then(Node::text) == Some("Always");
        let mut traces = Traces::default();
        let image = container.get("image").and_then(Node::text);
        let known = container.get("env").map(|env| self.known(env, &mut traces)).unwrap_or_default();
        let taken = self.server(&known, path, container);
        let last = container.get("command").and_then(|command| command.items().last()?.text());
        let script = last.is_some_and(is_script_flag);
        let command = Command { known: &known, image, taken: &taken, script };
        for entry in container.entries() {
            match entry.key.text() {
                "env" => self.environment(path, &entry),
                "envFrom" => self.environment_from(entry.value),
                key @ ("command" | "args") => self.arguments_with(&command, path, key, &entry),
                key if (probes || sidecar) && super::is_set(entry.value) => {
                    self.probe(path, key, entry.value, entry.key.span());
                }
                // The API server refuses a probe of a container that ends before the others start.
                key if probe::probe_of(key).is_some() && super::is_set(entry.value) => {
                    let ignored = Ignored {
                        key: format!("{path}.{key}"),
                        span: super::whole(&entry),
                        reason: Reason::NotOurs,
                    };
                    self.fragment.ignored.push(ignored);
                }
                _ => {}
            }
        }
    }

    /// A probe of a container; other keys are left.
    pub(crate) fn probe(&mut self, path: &str, key: &str, node: Node<'_>, at: Span) {
        let Some(probe) = probe::probe_of(key) else { return };
        let defaults = (self.absent == Absent::Default).then_some(at);
        let path = format!("{path}.{key}");
        let settings = probe::settings(probe, &path, node, defaults, &mut self.fragment.ignored);
        self.push_probe(&path, key, settings, at);
    }

    /// One field of a probe.
    pub(crate) fn probe_field(&mut self, path: &str, key: &str, field: &str, value: Scalar<'_>) {
        let Some(probe) = probe::probe_of(key) else { return };
        let path = format!("{path}.{key}");
        match probe::field(probe, &path, field, value) {
            Some(Ok(setting)) => self.push_probe(&path, key, vec![setting], value.span()),
            Some(Err(reason)) => {
                let key = format!("{path}.{field}");
                self.fragment.ignored.push(Ignored { key, span: value.span(), reason });
            }
            None => {}
        }
    }

    fn push_probe(&mut self, path: &str, key: &str, settings: Vec<model::Setting>, at: Span) {
        if settings.is_empty() {
            return;
        }
        let container = path.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(name, _)| name);
        let label = format!("{key} of container {}", container.unwrap_or_default());
        let group = self.group(label, GroupKind::Probe, at);
        self.fragment.groups.push(Group { settings, process: container.map(str::to_owned), ..group });
    }

    /// The wait before a container's stop signal.
    fn pre_stop(&mut self, path: &str, container: Node<'_>) -> Option<model::Setting> {
        let hook = container.at(&["lifecycle", "preStop"])?;
        match lifecycle::pre_stop(&format!("{path}.lifecycle.preStop"), hook)? {
            Ok(setting) => Some(setting),
            Err(ignored) => {
                self.fragment.ignored.push(ignored);
                None
            }
        }
    }

    /// A part of the pod's stop that a patch names alone.
    pub(crate) fn stop(&mut self, setting: Result<model::Setting, Ignored>, at: Span) {
        match setting {
            Ok(setting) => {
                let group = self.group("termination".to_owned(), GroupKind::Lifecycle, at);
                self.fragment.groups.push(Group { settings: vec![setting], ..group });
            }
            Err(ignored) => self.fragment.ignored.push(ignored),
        }
    }

    /// `env`: a list of names with values or with keys of ConfigMaps.
    pub(crate) fn environment(&mut self, path: &str, env: &Entry<'_>) {
        let mut traces = Traces::default();
        let known = self.known(env.value, &mut traces);
        let pairs: Vec<_> = known.iter().map(|(name, value)| Variable { name, value }).collect();
        self.traced_variables(&format!("{path}.env"), env.key.span(), &pairs, &traces);
        for pair in pairs.iter().filter(|pair| is_java_options(pair.name.text())) {
            let mut words = Words::default();
            words.line(pair.value);
            let path = format!("{path}.env.{}", pair.name.text());
            self.traced_variables(&path, env.key.span(), &words.flags().variables(), &traces);
        }
        for item in env.value.items() {
            if let Some(from) = item.get("valueFrom") {
                self.mount(from.at(&["configMapKeyRef", "name"]), MountKind::ConfigMap);
                self.mount(from.at(&["secretKeyRef", "name"]), MountKind::Secret);
            }
        }
    }

    /// The variables of an `env` whose values are written there.
    fn known<'t>(&self, env: Node<'t>, traces: &mut Traces) -> Known<'t> {
        let mut known = Known::default();
        for item in env.items() {
            let name = item.get("name").and_then(Node::scalar);
            if let (Some(name), Some(value)) = (name, item.get("value").and_then(Node::scalar)) {
                known.add(name, value, traces);
            }
        }
        known
    }

    /// `envFrom`: whole ConfigMaps and Secrets.
    fn environment_from(&mut self, list: Node<'_>) {
        for item in list.items() {
            self.mount(item.at(&["configMapRef", "name"]), MountKind::ConfigMap);
            self.mount(item.at(&["secretRef", "name"]), MountKind::Secret);
        }
    }

    /// The server that `command` with `args` starts; gives the places of its flags' values.
    fn server<'t>(&mut self, known: &Known<'t>, path: &str, container: Node<'t>) -> Vec<Span> {
        let mut traces = Traces::default();
        let lists = ["command", "args"].into_iter().filter_map(|key| container.entry(key));
        let mut at = None;
        let mut texts: Vec<Text<'_>> = Vec::new();
        for entry in lists {
            at.get_or_insert(entry.key.span());
            let items = entry.value.items().filter_map(Node::scalar);
            texts.extend(items.map(|item| known.expanded(item, &mut traces)));
        }
        let mut words = Words::default();
        words.command(texts.iter().filter_map(Text::scalar));
        let owner = Owner::Component(self.component);
        let said = at.and_then(|at| app_server::read(owner, &format!("{path}."), at, &words));
        let Some(mut said) = said else { return Vec::new() };
        said.group.settings.iter_mut().for_each(|setting| traces.apply(setting));
        said.group.process = container.get("name").and_then(Node::text).map(str::to_owned);
        self.fragment.groups.push(said.group);
        self.fragment.ignored.extend(said.ignored);
        said.taken
    }

    /// `command` or `args`, the container's variables not known.
    pub(crate) fn arguments(&mut self, path: &str, key: &str, entry: &Entry<'_>) {
        let command = Command { known: &Known::default(), image: None, taken: &[], script: false };
        self.arguments_with(&command, path, key, entry);
    }

    /// `command` or `args`.
    fn arguments_with<'t>(&mut self, command: &Command<'_, 't>, path: &str, key: &str, entry: &Entry<'t>) {
        let Command { known, image, taken, script } = *command;
        let mut traces = Traces::default();
        let items = entry.value.items().filter_map(Node::scalar);
        let texts: Vec<Text<'_>> = items.map(|item| known.expanded(item, &mut traces)).collect();
        let mut words = Words::default();
        let mut arguments = texts.iter().filter_map(Text::scalar);
        if script
            && key == "args"
            && let Some(line) = arguments.next()
        {
            words.line(line);
        }
        words.command(arguments);
        let flags = words.flags();
        let mut flags = flags.variables();
        flags.retain(|flag| !taken.contains(&flag.value.span()));
        let (path, at) = (format!("{path}.{key}"), entry.key.span());
        if let Some(server) = Database::of_command(&words, image) {
            let owner = Owner::Component(self.component);
            let (mut group, ignored) = server.of_flags(owner, &path, at, &mut flags);
            let settings = group.iter_mut().flat_map(|group| &mut group.settings);
            settings.for_each(|setting| traces.apply(setting));
            self.fragment.groups.extend(group);
            self.fragment.ignored.extend(ignored);
        }
        self.traced_variables(&path, at, &flags, &traces);
    }

    /// Variables of one list; `at` is the list's key.
    pub(crate) fn variables(&mut self, path: &str, at: Span, pairs: &[Variable<'_>]) {
        self.traced_variables(path, at, pairs, &Traces::default());
    }

    fn traced_variables(&mut self, path: &str, at: Span, pairs: &[Variable<'_>], traces: &Traces) {
        if pairs.is_empty() {
            return;
        }
        let owner = Owner::Component(self.component);
        let (mut groups, ignored) = variables(owner, path, at, pairs, self.context.declared);
        groups.iter_mut().flat_map(|group| &mut group.settings).for_each(|setting| traces.apply(setting));
        self.fragment.groups.extend(groups);
        self.fragment.ignored.extend(ignored);
    }

    /// One variable whose name stands elsewhere: the patched object has it.
    pub(crate) fn named_variable(&mut self, path: &str, name: &str, value: Scalar<'_>) {
        let at = value.span();
        let name = Tree::of_text(at.file, name.to_owned(), PositionMap::shifted(at.start));
        if let Some(name) = name.scalar() {
            self.variables(path, at, &[Variable { name, value }]);
        }
    }

    /// ConfigMaps and Secrets among the pod's volumes, also inside projected ones.
    fn volumes(&mut self, spec: Node<'_>) {
        for volume in spec.get("volumes").into_iter().flat_map(Node::items) {
            self.mount(volume.at(&["configMap", "name"]), MountKind::ConfigMap);
            self.mount(volume.at(&["secret", "secretName"]), MountKind::Secret);
            for source in volume.at(&["projected", "sources"]).into_iter().flat_map(Node::items) {
                self.mount(source.at(&["configMap", "name"]), MountKind::ConfigMap);
                self.mount(source.at(&["secret", "name"]), MountKind::Secret);
            }
        }
    }

    fn mount(&mut self, name: Option<Node<'_>>, kind: fn(String) -> MountKind) {
        let Some(name) = name.filter(|name| name.kind() == NodeKind::Scalar) else { return };
        let what = kind(name.text().unwrap_or("").to_owned());
        if self.mounted.insert(what.clone()) {
            self.fragment.mounts.push(Mount { component: self.component, what, span: name.span() });
        }
    }

    fn group(&self, label: String, kind: GroupKind, at: Span) -> Group {
        Group::new(label, kind, Owner::Component(self.component), at)
    }
}
