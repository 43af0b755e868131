//! The services that filters, tracers and access logs ask: gRPC services and HTTP addresses, wherever
//! a message holds one. Must not know what they are asked for, beyond the limits that three filters
//! have by default.

use model::{GroupKind, Setting};
use text::{Node, NodeKind, Span};

use super::cluster::{DEFAULT_PRIORITY, Protocol};
use super::{Reader, settings, type_of};
use crate::protobuf::{Field, at, get, text};
use crate::{Target, address};

/// What stands around a service.
#[derive(Clone, Copy)]
struct Around<'t> {
    /// The last word of the type of the message it is in.
    kind: &'t str,
    /// The key it stands at.
    at: Span,
    /// The limit that the message itself has for the service, with the message.
    limit: Option<(&'static Field, Node<'t>)>,
}

impl<'t> Reader<'t, '_> {
    /// Reads all services that a document's messages name.
    pub(super) fn services(&mut self, document: Node<'t>) {
        self.messages(document, Around { kind: "service", at: document.span(), limit: None });
    }

    fn messages(&mut self, node: Node<'t>, mut around: Around<'t>) {
        if node.kind() == NodeKind::List {
            node.items().for_each(|item| self.messages(item, around));
            return;
        }
        if let Some(kind) = type_of(node) {
            let answers = kind == "ExternalProcessor" && text(node, "observability_mode") != Some("true");
            around.kind = kind;
            around.limit = answers.then_some((&settings::PROCESSOR, node));
        }
        if get(node, "rate_limit_service").is_some() {
            around.limit = Some((&settings::RATE_LIMIT, node));
        }
        let grpc = ["envoy_grpc", "google_grpc"].iter().any(|key| get(node, key).is_some());
        if grpc || get(node, "uri").is_some() && get(node, "cluster").is_some() {
            self.service(node, around);
            return;
        }
        for entry in node.entries() {
            self.messages(entry.value, Around { at: entry.key.span(), ..around });
        }
    }

    fn service(&mut self, service: Node<'t>, around: Around<'t>) {
        let cluster = at(service, &["envoy_grpc", "cluster_name"]).and_then(Node::text);
        let scheme = cluster.map(|_| "grpc");
        let cluster = cluster.or_else(|| text(service, "cluster"));
        let uri = at(service, &["google_grpc", "target_uri"]).or_else(|| get(service, "uri"));
        let Some(name) = cluster.or_else(|| uri?.text()) else { return };
        let path = self.path(format!("{}[{name}]", around.kind));
        let Some(limit) = self.asked(service, around, &path) else { return };
        let mut found = vec![limit];
        let mut targets = Vec::new();
        if let Some(cluster) = cluster {
            self.called.insert(cluster);
            targets = self.targets(cluster, scheme);
            if let Some(cluster) = self.clusters.get(cluster) {
                found.extend(cluster.settings(Protocol::Http(DEFAULT_PRIORITY)));
            }
        }
        if targets.is_empty() {
            targets.extend(uri.into_iter().flat_map(|uri| named(&path, uri)));
        }
        self.group(format!("{} to {name}", around.kind), GroupKind::Client, around.at, found, targets);
    }

    /// What ends a call to a service. Without one there is nothing to say: most are streams that
    /// stay open.
    fn asked(&mut self, service: Node<'t>, around: Around<'t>, path: &str) -> Option<Setting> {
        let own = match around.kind {
            "ExtAuthz" => &settings::AUTHORIZATION,
            _ => &settings::ASKED,
        };
        let own = self.field(Some(service), path, own, around.at);
        let Some((field, message)) = around.limit else { return own };
        self.field(Some(message), path, field, around.at).or(own)
    }
}

/// The host that an address names.
fn named(path: &str, uri: Node<'_>) -> Vec<Target> {
    let Some(scalar) = uri.scalar() else { return Vec::new() };
    let key = format!("{path}.uri");
    let start = scalar.text().find("dns:///").map_or(0, |at| at + "dns:///".len());
    if start > 0 || !scalar.text().contains("://") {
        let end = scalar.text()[start..].find('/').map_or(scalar.text().len(), |end| start + end);
        return address::host_at(&key, scalar, start..end, "grpc").into_iter().collect();
    }
    address::locate(&key, scalar).map(|located| located.targets).unwrap_or_default()
}
