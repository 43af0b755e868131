//! Where a file holds listeners, clusters and route tables: a bootstrap, a file of xDS, or a part of
//! one. Recognised by keys and types.

use text::{Node, NodeKind, Tree};

use super::type_of;
use crate::protobuf::{get, repeated};

/// What every type of Envoy's starts with.
const TYPES: &str = "type.googleapis.com/envoy.";

/// The resources of a file.
#[derive(Default)]
pub(super) struct Resources<'t> {
    /// The documents that are Envoy's.
    pub(super) documents: Vec<Node<'t>>,
    pub(super) listeners: Vec<Node<'t>>,
    pub(super) clusters: Vec<Node<'t>>,
    pub(super) tables: Vec<Node<'t>>,
}

impl<'t> Resources<'t> {
    pub(super) fn of(tree: &'t Tree<'t>) -> Self {
        let mut found = Self::default();
        for document in tree.documents() {
            if found.document(document) {
                found.documents.push(document);
            }
        }
        found
    }

    /// Adds what other files hold. Their documents are not of this file.
    pub(super) fn extend(&mut self, other: Resources<'t>) {
        self.listeners.extend(other.listeners);
        self.clusters.extend(other.clusters);
        self.tables.extend(other.tables);
    }

    fn document(&mut self, root: Node<'t>) -> bool {
        match root.kind() {
            NodeKind::Map => {
                self.bootstrap(root) || self.discovered(root) || self.lists(root) || self.one(root)
            }
            // A part of a file: what stands at `clusters`, without the key.
            NodeKind::List => self.several(root),
            NodeKind::Scalar => false,
        }
    }

    /// `envoy.config.bootstrap.v3.Bootstrap`.
    fn bootstrap(&mut self, root: Node<'t>) -> bool {
        let is_held = |held: &Node<'_>| {
            ["listeners", "clusters", "secrets"].iter().any(|list| get(*held, list).is_some())
        };
        let held = get(root, "static_resources").filter(is_held);
        if let Some(held) = held {
            self.listeners.extend(repeated(held, "listeners").filter(is_map));
            self.clusters.extend(repeated(held, "clusters").filter(is_map));
        }
        let dynamic = get(root, "dynamic_resources").is_some_and(|dynamic| {
            ["lds_config", "cds_config", "ads_config"].iter().any(|key| get(dynamic, key).is_some())
        });
        held.is_some() || dynamic
    }

    /// `envoy.service.discovery.v3.DiscoveryResponse`, as files of xDS are.
    fn discovered(&mut self, root: Node<'t>) -> bool {
        let mut any = false;
        for item in repeated(root, "resources") {
            // A resource may stand in a wrapper that names it.
            any |= self.typed(item) || get(item, "resource").is_some_and(|inner| self.typed(inner));
        }
        any
    }

    /// The lists of a bootstrap without what is around them.
    fn lists(&mut self, root: Node<'t>) -> bool {
        let mut any = false;
        for list in ["listeners", "clusters"] {
            any |= get(root, list).is_some_and(|list| self.several(list));
        }
        any
    }

    /// The resources of a list, by themselves.
    fn several(&mut self, list: Node<'t>) -> bool {
        let mut any = false;
        for item in list.items() {
            any |= self.one(item);
        }
        any
    }

    /// A resource that says its type.
    fn typed(&mut self, node: Node<'t>) -> bool {
        let is_ours = node.get("@type").and_then(Node::text).is_some_and(|kind| kind.starts_with(TYPES));
        if is_ours {
            match type_of(node) {
                Some("Listener") => self.listeners.push(node),
                Some("Cluster") => self.clusters.push(node),
                Some("RouteConfiguration") => self.tables.push(node),
                _ => {}
            }
        }
        is_ours
    }

    /// A resource by itself.
    fn one(&mut self, node: Node<'t>) -> bool {
        if node.kind() != NodeKind::Map {
            return false;
        }
        if self.typed(node) {
            return true;
        }
        let has = |key| get(node, key).is_some();
        let is_host = |host: Node<'_>| get(host, "domains").is_some() && get(host, "routes").is_some();
        if has("filter_chains") && (has("address") || has("name")) {
            self.listeners.push(node);
        } else if has("name")
            && (has("load_assignment")
                || has("eds_cluster_config")
                || has("connect_timeout") && has("lb_policy"))
        {
            self.clusters.push(node);
        } else if get(node, "virtual_hosts").is_some_and(|hosts| hosts.items().any(is_host)) {
            self.tables.push(node);
        } else {
            return false;
        }
        true
    }
}

fn is_map(node: &Node<'_>) -> bool {
    node.kind() == NodeKind::Map
}
