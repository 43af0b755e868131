//! A cluster: who stands behind it, and what holds for every call to it.

use model::{GroupKind, Knob, Probe, ProbeField, Setting, Sourced, Value};
use text::{Node, Span};

use super::resources::Resources;
use super::{Reader, settings, type_of};
use crate::protobuf::{self, at, entry, get, repeated, text};
use crate::{Target, Zero, address};

/// More endpoints than this are left out: every route to the cluster would list them all.
const MOST_ENDPOINTS: usize = 200;

/// A cluster.
pub(super) struct Cluster<'t> {
    /// Where its name stands.
    at: Span,
    pub(super) targets: Vec<Target>,
    /// What holds for every connection.
    connections: Vec<Setting>,
    /// What holds for connections of HTTP.
    http: Vec<Setting>,
    /// The limits of a routing priority.
    thresholds: Vec<(&'t str, Vec<Setting>)>,
}

/// What a call is, as far as clusters care.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol<'t> {
    /// Requests of a routing priority.
    Http(&'t str),
    Tcp,
}

/// The priority of a route that names none.
pub(super) const DEFAULT_PRIORITY: &str = "DEFAULT";

impl<'t> Cluster<'t> {
    /// What it adds to a call.
    pub(super) fn settings(&self, protocol: Protocol<'_>) -> Vec<Setting> {
        let mut settings = self.connections.clone();
        let priority = match protocol {
            Protocol::Http(priority) => {
                settings.extend(self.http.iter().cloned());
                priority
            }
            Protocol::Tcp => DEFAULT_PRIORITY,
        };
        // Of several thresholds of a priority the first is used.
        let found = self.thresholds.iter().find(|(of, _)| of.eq_ignore_ascii_case(priority));
        settings.extend(found.into_iter().flat_map(|(_, settings)| settings.iter().cloned()));
        settings
    }
}

impl<'t> Reader<'t, '_> {
    /// Reads all clusters.
    pub(super) fn clusters(&mut self, resources: &Resources<'t>) {
        for &node in &resources.clusters {
            let Some(name) = text(node, "name") else { continue };
            let cluster = self.cluster(node, name);
            self.health_checks(node, name);
            self.clusters.insert(name, cluster);
        }
    }

    /// What is in a cluster that no route of this file uses: limits without a call.
    pub(super) fn unused_clusters(&mut self) {
        let unused: Vec<(String, Span, Vec<Setting>)> = self
            .clusters
            .iter()
            .filter(|(name, _)| !self.called.contains(*name))
            .map(|(name, cluster)| {
                let mut settings = cluster.settings(Protocol::Http(DEFAULT_PRIORITY));
                // What nobody wrote limits no call that is known.
                settings.retain(|setting| !setting.value.origin.is_default());
                (format!("cluster {name}"), cluster.at, settings)
            })
            .collect();
        for (label, at, settings) in unused {
            self.group(label, GroupKind::Client, at, settings, Vec::new());
        }
    }

    fn cluster(&mut self, node: Node<'t>, name: &'t str) -> Cluster<'t> {
        let near = get(node, "name").map_or(node.span(), Node::span);
        let path = self.path(format!("cluster[{name}]"));
        let connect = self.field(Some(node), &path, &settings::CONNECT, near);
        // 0 is refused (cluster.proto).
        let connections = connect.into_iter().filter(|connect| connect.length().is_some()).collect();
        let http = self.http_options(node, &path, near);
        let mut thresholds = Vec::new();
        for threshold in
            at(node, &["circuit_breakers"]).into_iter().flat_map(|all| repeated(all, "thresholds"))
        {
            let priority = text(threshold, "priority").unwrap_or(DEFAULT_PRIORITY);
            let path = match priority {
                DEFAULT_PRIORITY => format!("{path}.circuit_breakers"),
                priority => format!("{path}.circuit_breakers[{priority}]"),
            };
            thresholds.push((priority, self.fields(Some(threshold), &path, &settings::THRESHOLDS, near)));
        }
        Cluster { at: near, targets: targets(node, &path), connections, http, thresholds }
    }

    /// `HttpProtocolOptions`, in the extension of today or at the cluster as before 1.17.
    fn http_options(&mut self, node: Node<'t>, path: &str, near: Span) -> Vec<Setting> {
        let extension = get(node, "typed_extension_protocol_options").and_then(|all| {
            let ours = |value: &Node<'_>| type_of(*value) == Some("HttpProtocolOptions");
            all.entries().into_iter().map(|entry| entry.value).find(ours)
        });
        let holder = extension.unwrap_or(node);
        let common = get(holder, "common_http_protocol_options");
        let near = entry(holder, "common_http_protocol_options").map_or(near, |entry| entry.key.span());
        // Where nothing is written, the place of today is where it belongs.
        let outdated = extension.is_none() && common.is_some();
        let options = if outdated { path.to_owned() } else { format!("{path}.HttpProtocolOptions") };
        let common_path = format!("{options}.common_http_protocol_options");
        let mut found = self.fields(common, &common_path, &settings::UPSTREAM, near);
        let http2 = ["explicit_http_config", "auto_config", "use_downstream_protocol_config"]
            .iter()
            .find_map(|config| at(holder, &[config, "http2_protocol_options"]))
            .or_else(|| get(node, "http2_protocol_options"));
        if let Some(ping) = http2.and_then(|http2| get(http2, "connection_keepalive")) {
            found.extend(self.fields(
                Some(ping),
                &format!("{path}.connection_keepalive"),
                &settings::PING,
                near,
            ));
        }
        found
    }

    fn health_checks(&mut self, node: Node<'t>, name: &str) {
        const FIELDS: [(&str, ProbeField); 3] = [
            ("timeout", ProbeField::Timeout),
            ("interval", ProbeField::Period),
            ("unhealthy_threshold", ProbeField::Failures),
        ];
        const ACTIONS: [(&str, &str); 3] =
            [("http_health_check", "http"), ("tcp_health_check", "tcp"), ("grpc_health_check", "grpc")];
        for check in repeated(node, "health_checks") {
            let path = self.path(format!("cluster[{name}].health_check"));
            let mut settings = Vec::new();
            for (field, probe) in FIELDS {
                if let Some(value) = get(check, field) {
                    let knob = Knob::Probe(Probe::Health, probe);
                    let read = protobuf::setting(format!("{path}.{field}"), knob, Zero::Literal, value);
                    settings.extend(self.take(value, read));
                }
            }
            for (field, action) in ACTIONS {
                if let Some(entry) = entry(check, field) {
                    let value = Sourced::written(Value::Text(action.to_owned()), entry.key.span());
                    let knob = Knob::Probe(Probe::Health, ProbeField::Action);
                    settings.push(Setting::new(format!("{path}.action"), knob, value));
                }
            }
            let at = settings
                .first()
                .and_then(|setting| setting.value.origin.span())
                .unwrap_or_else(|| check.span());
            self.group(format!("health check of {name}"), GroupKind::Probe, at, settings, Vec::new());
        }
    }
}

/// The endpoints of a cluster: its own list, that of old files, or a discovered service whose name
/// is a host.
fn targets(cluster: Node<'_>, path: &str) -> Vec<Target> {
    let scheme = if speaks_tls(cluster) { "https" } else { "http" };
    let assigned = get(cluster, "load_assignment").into_iter().flat_map(|all| repeated(all, "endpoints"));
    let endpoints = assigned.flat_map(|locality| repeated(locality, "lb_endpoints"));
    let addresses = endpoints.filter_map(|endpoint| at(endpoint, &["endpoint", "address", "socket_address"]));
    let old = repeated(cluster, "hosts").filter_map(|host| get(host, "socket_address"));
    let mut targets: Vec<Target> = Vec::new();
    for socket in addresses.chain(old).take(MOST_ENDPOINTS) {
        let Some(host) = get(socket, "address").and_then(Node::scalar) else { continue };
        let whole = 0..host.text().len();
        let Some(mut target) = address::host_at(&format!("{path}.address"), host, whole, scheme) else {
            continue;
        };
        let port = text(socket, "port_value").and_then(|port| port.parse().ok());
        target.address.port = port.filter(|&port| port > 0).or(target.address.port);
        targets.push(target);
    }
    if targets.is_empty() {
        targets.extend(discovered(cluster, path, scheme));
    }
    targets
}

/// The host that a service found by EDS may be named after.
fn discovered(cluster: Node<'_>, path: &str, scheme: &str) -> Option<Target> {
    let service = at(cluster, &["eds_cluster_config", "service_name"]).and_then(Node::scalar)?;
    if !service.text().contains('.') {
        return None;
    }
    let whole = 0..service.text().len();
    let mut target = address::host_at(&format!("{path}.service_name"), service, whole, scheme)?;
    let guess = format!("that `service_name` is the host of the endpoints that Envoy finds for it: {}", {
        target.address.host.as_str()
    });
    target.assumptions.push(guess);
    Some(target)
}

fn speaks_tls(cluster: Node<'_>) -> bool {
    let socket = get(cluster, "transport_socket");
    let named = socket.and_then(|socket| text(socket, "name")).is_some_and(|name| name.ends_with("tls"));
    named || get(cluster, "tls_context").is_some()
}
