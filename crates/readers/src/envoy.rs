//! Envoy: listeners with their limits towards clients, routes and proxied connections as calls, each
//! with what its cluster adds, and the services that filters ask. One group a route and cluster, as in
//! effect there; what is left of our topics in loose groups.
//!
//! Holds no position that a field does not have: what twenty routes take from one cluster keeps the
//! key and the place where it is written.

mod cluster;
mod discovery;
mod listener;
mod resources;
mod rest;
mod route;
mod services;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use model::{GroupKind, Setting};
use text::{Node, Span, Syntax, Tree};

use crate::protobuf::{self, Field};
use crate::{Context, Dialect, Fragment, Group, Ignored, Owner, Target};
use cluster::Cluster;
use discovery::Files;
use resources::Resources;

/// The dialect.
pub(crate) static ENVOY: Dialect = Dialect { name: "envoy", docs: include_str!("envoy.md"), speaks, read };

fn speaks(_: &Context<'_>, tree: &Tree<'_>) -> bool {
    matches!(tree.syntax(), Syntax::Yaml | Syntax::Json) && !Resources::of(tree).documents.is_empty()
}

fn read(context: &Context<'_>, tree: &Tree<'_>, fragment: &mut Fragment) {
    let files = Files::of(context, tree);
    fragment.included = files.ids();
    let mut resources = Resources::of(tree);
    fragment.read_whole.extend(resources.documents.iter().map(|document| document.span()));
    let mut documents = resources.documents.clone();
    for discovered in files.resources() {
        documents.extend(&discovered.documents);
        resources.extend(discovered);
    }
    let mut reader = Reader::new(fragment);
    reader.clusters(&resources);
    reader.listeners(&resources);
    for &document in &documents {
        reader.services(document);
    }
    reader.unused_clusters();
    for &document in &documents {
        reader.rest(context, document);
    }
    fragment.forwards = fragment.groups.iter().any(|group| group.kind == GroupKind::Client);
}

/// More groups than this are left out: lists that routes share through aliases multiply.
const MOST_GROUPS: usize = 20_000;
/// More callees than this are left out of all groups together.
const MOST_TARGETS: usize = 100_000;

/// The clusters, by name. They are read first: routes take what is in them.
type Clusters<'t> = BTreeMap<&'t str, Cluster<'t>>;

struct Reader<'t, 'f> {
    clusters: Clusters<'t>,
    /// The clusters that a call uses.
    called: BTreeSet<&'t str>,
    /// How many more callees are told.
    targets_left: usize,
    fragment: &'f mut Fragment,
    /// How often each path was met, so that keys are unique.
    names: BTreeMap<String, usize>,
    /// Where the values stand that groups have taken.
    used: BTreeSet<Span>,
}

impl<'t, 'f> Reader<'t, 'f> {
    fn new(fragment: &'f mut Fragment) -> Self {
        Self {
            clusters: BTreeMap::new(),
            called: BTreeSet::new(),
            targets_left: MOST_TARGETS,
            fragment,
            names: BTreeMap::new(),
            used: BTreeSet::new(),
        }
    }

    /// A path that no other block has.
    fn path(&mut self, path: String) -> String {
        let met = self.names.entry(path.clone()).or_default();
        *met += 1;
        if *met == 1 { path } else { format!("{path}#{met}") }
    }

    /// The setting of a field: as written, else its default, pointed at `near`. A value that cannot
    /// be read is neither.
    fn field(&mut self, message: Option<Node<'t>>, path: &str, field: &Field, near: Span) -> Option<Setting> {
        let key = format!("{path}.{}", field.name);
        match message.and_then(|message| protobuf::get(message, field.name)) {
            Some(value) => {
                let read = protobuf::setting(key, field.knob, field.zero, value);
                self.take(value, read)
            }
            None => field.default.as_ref().map(|default| default.setting(key, field.knob, near)),
        }
    }

    /// The settings of several fields of one message.
    fn fields(
        &mut self,
        message: Option<Node<'t>>,
        path: &str,
        fields: &'static [Field],
        near: Span,
    ) -> Vec<Setting> {
        fields.iter().filter_map(|field| self.field(message, path, field, near)).collect()
    }

    /// Keeps what was read of a value, and that it was read. What is no setting is listed once,
    /// however many blocks take it.
    fn take(&mut self, value: Node<'t>, read: Result<Setting, Ignored>) -> Option<Setting> {
        let first = self.used.insert(value.span());
        match read {
            Ok(setting) => Some(setting),
            Err(ignored) => {
                if first {
                    self.fragment.ignored.push(ignored);
                }
                None
            }
        }
    }

    fn group(&mut self, label: String, kind: GroupKind, at: Span, settings: Vec<Setting>, to: Vec<Target>) {
        if settings.is_empty() && to.is_empty() || self.fragment.groups.len() >= MOST_GROUPS {
            return;
        }
        self.fragment.groups.push(Group {
            settings,
            targets: to,
            ..Group::new(label, kind, Owner::File, at)
        });
    }

    /// Who stands behind a cluster, reached by a scheme other than the cluster's own.
    fn targets(&mut self, cluster: &str, scheme: Option<&str>) -> Vec<Target> {
        let all = self.clusters.get(cluster).map_or(&[][..], |cluster| &cluster.targets);
        let mut targets = all[..all.len().min(self.targets_left)].to_vec();
        self.targets_left -= targets.len();
        if let Some(scheme) = scheme {
            targets.iter_mut().for_each(|target| target.address.scheme = Some(scheme.to_owned()));
        }
        targets
    }
}

/// A message behind `typed_config` (or the `config` of old files) with the last word of its type.
/// `TypedStruct` holds another message.
fn message<'t>(holder: Node<'t>) -> Option<(&'t str, Node<'t>)> {
    let message = protobuf::get(holder, "typed_config").or_else(|| protobuf::get(holder, "config"))?;
    let kind = type_of(message);
    if kind == Some("TypedStruct")
        && let Some(value) = protobuf::get(message, "value")
    {
        return Some((protobuf::text(message, "type_url").map_or("", last_word), value));
    }
    let name = || protobuf::text(holder, "name").map_or("", last_word);
    Some((kind.unwrap_or_else(name), message))
}

/// The last word of a message's `@type`.
fn type_of(message: Node<'_>) -> Option<&str> {
    message.get("@type")?.text().map(last_word)
}

fn last_word(name: &str) -> &str {
    name.rsplit(['.', '/']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use text::{FileId, Source};

    use super::*;

    /// What a YAML text is read as; `None` where it is not Envoy's.
    fn fragment(text: &str) -> Option<Fragment> {
        let source = Source::new(FileId(0), "any.yaml", text);
        let tree = Tree::parse(Syntax::Yaml, &source);
        let context = Context { source: &source, neighbours: &(), declared: &[] };
        speaks(&context, &tree).then(|| {
            let mut fragment = Fragment::default();
            read(&context, &tree, &mut fragment);
            fragment
        })
    }

    #[test]
    fn files_are_recognised_by_what_is_in_them() {
        for (text, is) in [
            ("static_resources: { clusters: [] }", true),
            ("staticResources: { secrets: [] }", true),
            ("static_resources: { path: /static }", false),
            ("dynamic_resources: { ads_config: {} }", true),
            ("dynamic_resources: { other: {} }", false),
            ("resources: [{ '@type': type.googleapis.com/envoy.config.cluster.v3.Cluster }]", true),
            ("resources: [{ '@type': type.googleapis.com/google.protobuf.Struct }]", false),
            ("resources: [a.yaml]", false),
            ("[{ name: a, load_assignment: {} }]", true),
            ("clusters: [{ name: a, connect_timeout: 1s, lb_policy: RANDOM }]", true),
            ("clusters: [{ name: a, connect_timeout: 1s }]", false),
            ("listeners: [{ name: a, filter_chains: [] }]", true),
            ("virtual_hosts: [{ domains: ['*'], routes: [] }]", true),
            ("virtual_hosts: [example.com]", false),
            ("static_resources: none", false),
        ] {
            assert_eq!(fragment(text).is_some(), is, "{text}");
        }
    }

    #[test]
    fn a_message_inside_a_typed_struct_is_read_as_what_it_is() {
        let text = "static_resources: { listeners: [{ name: a, filter_chains: [{ filters: [{ typed_config: {\n\
            '@type': type.googleapis.com/xds.type.v3.TypedStruct,\n\
            type_url: type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy,\n\
            value: { cluster: b, idle_timeout: 9s } } }] }] }] }";
        let found = fragment(text).expect("Envoy's");
        let keys: Vec<&str> = found
            .groups
            .iter()
            .flat_map(|group| &group.settings)
            .map(|setting| setting.key.as_str())
            .collect();
        assert_eq!(keys, ["listener[a].tcp_proxy.idle_timeout"]);
    }

    #[test]
    fn many_routes_to_many_endpoints_do_not_multiply_without_end() {
        let endpoint = "{ endpoint: { address: { socket_address: { address: a, port_value: 1 } } } },";
        let route = "{ match: { prefix: / }, route: { cluster: c } },";
        let text = format!(
            "virtual_hosts: [{{ domains: [a], routes: [{}] }}]\n---\n\
             [{{ name: c, load_assignment: {{ endpoints: [{{ lb_endpoints: [{}] }}] }} }}]\n",
            route.repeat(25_000),
            endpoint.repeat(5_000)
        );
        let found = fragment(&text).expect("Envoy's");
        assert_eq!(found.groups.len(), MOST_GROUPS);
        assert_eq!(found.groups[0].targets.len(), 200);
        assert_eq!(found.groups.iter().map(|group| group.targets.len()).sum::<usize>(), MOST_TARGETS);
    }

    proptest! {
        #[test]
        fn any_fields_are_read_without_panic_to_places_in_the_text(words in prop::collection::vec(
            prop::sample::select(vec![
                "static_resources: {", "listeners: [{", "clusters: [{", "name: a,", "filter_chains: [{",
                "filters: [{", "typed_config: {", "'@type': x/envoy.HttpConnectionManager,", "}", "]", "},", "],",
                "'@type': x/TcpProxy,", "route_config: {", "virtual_hosts: [{", "domains: ['*'],", "routes: [{",
                "match: { prefix: / },", "route: {", "cluster: a,", "timeout: 0s,", "timeout: ${T},",
                "timeout: 5,", "retry_policy: {", "retry_on: 5xx,", "num_retries: 3,", "num_retries: -1,",
                "load_assignment: {", "endpoints: [{", "lb_endpoints: [{", "endpoint: {", "address: {",
                "socket_address: {", "address: é,", "port_value: 99999,", "connect_timeout: 1s,", "&x", "*x,",
                "envoy_grpc: { cluster_name: a },", "grpc_service: {", "uri: 'dns:///é',", "max_interval: null,",
                "retry_back_off: {", "base_interval: 999999999999999999999s,", "weighted_clusters: {",
            ]),
            0..50,
        )) {
            let text = format!("static_resources: {{ {} }}", words.join(" "));
            let Some(fragment) = fragment(&text) else { return Ok(()) };
            let spans = fragment.groups.iter().flat_map(|group| {
                let settings = group.settings.iter().filter_map(|setting| setting.value.origin.span());
                settings.chain(group.targets.iter().map(|target| target.span)).chain([group.at])
            });
            for span in spans {
                prop_assert!(span.start <= span.end && span.end as usize <= text.len());
            }
        }
    }
}
