//! Istio: a VirtualService stands in the way of calls to its hosts, a DestinationRule says with which
//! settings proxies call a host, a Gateway is a proxy at the edge. Facts: istio/api
//! `networking/v1alpha3/virtual_service.proto` and `destination_rule.proto`.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{Covers, GroupKind, Knob, Setting, Sourced, Topic};
use text::{Node, Scalar, Span};

use super::amounts::{Amounts, Key};
use super::{Absent, Object, hosts, identity};
use crate::kubernetes::object::Kind;
use crate::protobuf::{Constant, Default};
use crate::{Component, ComponentKind, Fragment, Group, Owner, Target, Zero};

/// The name of the proxies beside workloads among a VirtualService's gateways.
const MESH: &str = "mesh";

/// Why a route's limits are not applied.
const FAULT: &str =
    "timeouts and retries are not enabled where faults are injected (Istio VirtualService HTTPRoute.fault)";

const RETRIES: Default = Default {
    value: Constant::Count(2),
    of: "Istio defaultHttpRetryPolicy",
    version: "since 1.1, virtual_service.proto HTTPRoute.retries",
};

/// A key whose value carries its unit; 0 switches the limit off.
const fn time(path: &'static [&'static str], knob: Knob) -> Key {
    Key { path, knob, bare: None, zero: Zero::Never, default: None }
}

const fn count(path: &'static [&'static str], knob: Knob) -> Key {
    Key { path, knob, bare: None, zero: Zero::Literal, default: None }
}

/// Disabled where it is absent: a route waits as long as its callers do.
static TIMEOUT: Key = time(&["timeout"], Knob::Timeout(Covers::WholeCall));

/// Keys of `retries`, where it is written.
static RETRY: [Key; 4] = [
    // The number of tries after the first.
    count(&["retries", "attempts"], Knob::Retries),
    time(&["retries", "perTryTimeout"], Knob::Timeout(Covers::Attempt)),
    count(&["retries", "retryOn"], Knob::RetryOn),
    Key {
        default: Some(Default {
            value: Constant::Length(Duration::from_millis(25)),
            of: "Istio interval between retries",
            version: "since 1.0, virtual_service.proto HTTPRetry.attempts; 25 ms and more",
        }),
        ..time(&["retries", "backoff"], Knob::BackoffBase)
    },
];

/// Keys of `connectionPool`.
static POOL: [Key; 9] = [
    Key {
        default: Some(Default {
            value: Constant::Length(Duration::from_secs(10)),
            of: "Istio connectTimeout",
            version: "since 1.1, destination_rule.proto TCPSettings.connect_timeout",
        }),
        ..time(&["tcp", "connectTimeout"], Knob::Timeout(Covers::Connect))
    },
    time(&["tcp", "idleTimeout"], Knob::Other(Topic::KeepAlive)),
    time(&["tcp", "maxConnectionDuration"], Knob::Timeout(Covers::Lifetime)),
    count(&["tcp", "maxConnections"], Knob::PoolSize),
    time(&["http", "idleTimeout"], Knob::Timeout(Covers::Idle)),
    // Retries that all requests together may have under way.
    count(&["http", "maxRetries"], Knob::Other(Topic::Retry)),
    count(&["http", "http1MaxPendingRequests"], Knob::Other(Topic::Pool)),
    count(&["http", "http2MaxRequests"], Knob::Other(Topic::Pool)),
    // 0 is no limit, 1 closes the connection after each request.
    count(&["http", "maxRequestsPerConnection"], Knob::KeepAlive),
];

/// A Namespace that says whether its pods get a proxy beside them
/// (istio.io "Installing the Sidecar").
pub(super) fn namespace(object: &Object<'_>, fragment: &mut Fragment) {
    let Some(labels) = object.node.at(&["metadata", "labels"]) else { return };
    let injects = match labels.get("istio-injection").and_then(Node::text) {
        Some("enabled") => true,
        Some("disabled") => false,
        _ if labels.get("istio.io/rev").is_some() => true,
        _ => return,
    };
    fragment.sidecars.push((object.name.value.clone(), injects));
}

/// Whether a pod template says that it gets a proxy beside it. The label wins over the annotation.
pub(super) fn sidecar(template: Node<'_>) -> Option<bool> {
    ["labels", "annotations"].iter().find_map(|map| {
        match template.at(&["metadata", map, "sidecar.istio.io/inject"])?.text()? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    })
}

/// A Gateway: a proxy at the edge, known by the hosts it serves.
pub(super) fn gateway(object: &Object<'_>, absent: Absent, fragment: &mut Fragment) {
    let mut component = super::component_of(object, ComponentKind::Gateway { of_mesh: true }, absent);
    component.name.value = format!("gateway {}", component.name.value);
    component.forwards = true;
    let servers = object.node.at(&["spec", "servers"]).into_iter().flat_map(Node::items);
    for host in servers.filter_map(|server| server.get("hosts")).flat_map(Node::items) {
        // `namespace/host` says which namespace's routes may bind.
        let host = host.text().map(|text| text.rsplit_once('/').map_or(text, |(_, host)| host));
        component.aliases.extend(host.filter(|host| !host.contains('*')).map(str::to_owned));
    }
    component.aliases.sort_unstable();
    component.aliases.dedup();
    fragment.components.push(component);
}

/// A VirtualService: in the way of calls to its hosts for the proxies of the mesh, routes of a gateway for
/// each gateway it names.
pub(super) fn virtual_service(object: &Object<'_>, absent: Absent, fragment: &mut Fragment) {
    let Some(spec) = object.node.get("spec") else { return };
    let gateways: Vec<Scalar<'_>> =
        spec.get("gateways").into_iter().flat_map(Node::items).filter_map(Node::scalar).collect();
    let reader = Routes { object, spec, absent };
    if gateways.is_empty() || gateways.iter().any(|gateway| gateway.text() == MESH) {
        let component = reader.of_mesh();
        reader.read(MESH, component, fragment);
    }
    for gateway in gateways.iter().filter(|gateway| gateway.text() != MESH) {
        let component = reader.of_gateway(*gateway);
        reader.read(gateway.text(), component, fragment);
    }
}

/// The routes of a VirtualService.
struct Routes<'o, 't> {
    object: &'o Object<'t>,
    spec: Node<'t>,
    absent: Absent,
}

impl Routes<'_, '_> {
    fn namespace(&self) -> Option<&str> {
        self.object.namespace.as_deref()
    }

    /// What stands in the way of calls to its hosts.
    fn of_mesh(&self) -> Component {
        let written: Vec<&str> =
            self.spec.get("hosts").into_iter().flat_map(Node::items).filter_map(Node::text).collect();
        let hosts = written.iter().flat_map(|host| hosts::of_host(host, self.namespace())).collect();
        let kind = ComponentKind::Route { hosts, decides: true };
        let mut component = super::component_of(self.object, kind, self.absent);
        let shown = written.first().map_or(self.object.name.value.as_str(), |host| short(host));
        component.name.value = format!("route {shown}");
        component.forwards = true;
        component
    }

    /// The gateway of a name, `NAMESPACE/NAME` or of the same namespace.
    fn of_gateway(&self, gateway: Scalar<'_>) -> Component {
        let (namespace, name) = match gateway.text().split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (self.namespace(), gateway.text()),
        };
        let mut component =
            super::component_of(self.object, ComponentKind::Gateway { of_mesh: true }, self.absent);
        component.name = Sourced::written(format!("gateway {name}"), gateway.span());
        component.identity = identity(Kind::MeshGateway, namespace, name);
        component.namespace = namespace.map(str::to_owned);
        let hosts = self.spec.get("hosts").into_iter().flat_map(Node::items).filter_map(Node::text);
        // A short name and one of the cluster's domain are a Service's: the outside does not know them.
        let is_outside = |host: &&str| {
            host.contains('.') && !host.contains('*') && !host.contains(".svc.") && !host.ends_with(".svc")
        };
        component.aliases = hosts.filter(is_outside).map(str::to_owned).collect();
        component.forwards = true;
        component
    }

    /// The routes that hold at a gateway, or in the mesh.
    fn read(&self, gateway: &str, component: Component, fragment: &mut Fragment) {
        let owner = Owner::Component(fragment.components.len());
        fragment.components.push(component);
        // Several objects add routes to one gateway, each with its own keys.
        let prefix = match gateway {
            MESH => String::new(),
            _ => format!("virtualServices[{}].", self.object.name.value),
        };
        for (list, scheme) in [("http", "http"), ("tls", "tcp"), ("tcp", "tcp")] {
            for (index, entry) in self.spec.get(list).into_iter().flat_map(Node::items).enumerate() {
                if !holds_at(entry, gateway) {
                    continue;
                }
                let path = format!("{prefix}{list}[{index}].");
                let targets = self.targets(&path, entry, scheme);
                let Some(at) = place(entry).filter(|_| !targets.is_empty()) else {
                    let mut amounts = Amounts { path, absent: self.absent, ignored: &mut fragment.ignored };
                    amounts.leave(entry, &["timeout", "retries", "fault"]);
                    continue;
                };
                let settings = if list == "http" {
                    self.settings(path.clone(), entry, at, fragment)
                } else {
                    Vec::new()
                };
                fragment.groups.push(group(label(&path, entry), owner, at, settings, targets));
            }
        }
    }

    /// Where a route leads. A redirect, an answer of its own and a delegate lead nowhere.
    fn targets(&self, path: &str, entry: Node<'_>, scheme: &str) -> Vec<Target> {
        let routes = entry.get("route").into_iter().flat_map(Node::items).enumerate();
        let targets = routes.filter_map(|(index, route)| {
            let destination = route.get("destination")?;
            let key = format!("{path}route[{index}].destination.host");
            let port = destination.at(&["port", "number"]);
            hosts::target(key, destination.get("host")?.scalar()?, port, self.namespace(), scheme)
        });
        let mut seen = BTreeSet::new();
        // Subsets of one host are one callee.
        targets.filter(|target| seen.insert(target.address.clone())).collect()
    }

    fn settings(&self, path: String, entry: Node<'_>, at: Span, fragment: &mut Fragment) -> Vec<Setting> {
        let mut amounts = Amounts { path, absent: self.absent, ignored: &mut fragment.ignored };
        if let Some(fault) = entry.entry("fault") {
            let near = fault.key.span();
            amounts.leave(entry, &["fault"]);
            return with_fault(&mut amounts, entry, near);
        }
        let mut settings: Vec<Setting> = amounts.one(entry, &TIMEOUT, at).into_iter().collect();
        match entry.entry("retries") {
            Some(retries) => settings.extend(amounts.all(entry, &RETRY, retries.key.span())),
            None if self.absent == Absent::Default => {
                settings.push(RETRIES.setting(
                    format!("{}retries.attempts", amounts.path),
                    Knob::Retries,
                    at,
                ));
            }
            None => {}
        }
        settings
    }
}

/// What holds on a route with injected faults: no limit and no retries.
fn with_fault(amounts: &mut Amounts<'_>, entry: Node<'_>, near: Span) -> Vec<Setting> {
    const VERSION: &str = "since 1.0, virtual_service.proto HTTPRoute.fault";
    const NEVER: Default =
        Default { value: Constant::Never, of: "Istio HTTPRoute with faults", version: VERSION };
    const NONE: Default =
        Default { value: Constant::Count(0), of: "Istio HTTPRoute with faults", version: VERSION };
    let [attempts, per_try, ..] = &RETRY;
    [(&TIMEOUT, &NEVER), (attempts, &NONE), (per_try, &NEVER)]
        .into_iter()
        .filter_map(|(key, instead)| amounts.unheeded(entry, key, instead, near, FAULT))
        .collect()
}

/// Whether a route holds at a gateway: one of its matches does not say otherwise.
fn holds_at(entry: Node<'_>, gateway: &str) -> bool {
    let mut matches = entry.get("match").into_iter().flat_map(Node::items).peekable();
    matches.peek().is_none()
        || matches.any(|one| {
            let gateways = one.get("gateways");
            gateways.is_none_or(|list| list.items().any(|item| item.text() == Some(gateway)))
        })
}

/// A DestinationRule: with which settings the proxies call a host.
pub(super) fn destination_rule(object: &Object<'_>, absent: Absent, fragment: &mut Fragment) {
    let Some(spec) = object.node.get("spec") else { return };
    let Some(host) = spec.get("host").and_then(Node::scalar) else { return };
    let namespace = object.namespace.as_deref();
    let hosts = hosts::of_host(host.text(), namespace);
    let mut component = super::component_of(object, ComponentKind::Route { hosts, decides: false }, absent);
    component.name.value = format!("route {}", short(host.text()));
    component.forwards = true;
    let owner = Owner::Component(fragment.components.len());
    fragment.components.push(component);
    if let Some(policy) = spec.entry("trafficPolicy") {
        let targets = hosts::target("host".to_owned(), host, None, namespace, "http");
        let at = policy.key.span();
        let settings = traffic_policy("trafficPolicy.", policy.value, at, absent, fragment);
        let targets = targets.into_iter().collect();
        fragment.groups.push(group("trafficPolicy".to_owned(), owner, at, settings, targets));
        for (index, item) in
            policy.value.get("portLevelSettings").into_iter().flat_map(Node::items).enumerate()
        {
            let port = item.at(&["port", "number"]).and_then(Node::text).map(str::to_owned);
            let label = format!("trafficPolicy.portLevelSettings[{}]", port.unwrap_or(index.to_string()));
            part(label, item, owner, fragment);
        }
    }
    for (index, subset) in spec.get("subsets").into_iter().flat_map(Node::items).enumerate() {
        let name = subset.get("name").and_then(Node::text).map(str::to_owned);
        if let Some(policy) = subset.get("trafficPolicy") {
            part(
                format!("subsets[{}].trafficPolicy", name.unwrap_or(index.to_string())),
                policy,
                owner,
                fragment,
            );
        }
    }
}

/// Settings for a port or a subset, which hold for some of the calls to the host.
fn part(label: String, policy: Node<'_>, owner: Owner, fragment: &mut Fragment) {
    let Some(at) = place(policy) else { return };
    let settings = traffic_policy(&format!("{label}."), policy, at, Absent::Unchanged, fragment);
    if !settings.is_empty() {
        fragment.groups.push(group(label, owner, at, settings, Vec::new()));
    }
}

fn traffic_policy(
    path: &str,
    policy: Node<'_>,
    near: Span,
    absent: Absent,
    fragment: &mut Fragment,
) -> Vec<Setting> {
    let mut amounts = Amounts { path: path.to_owned(), absent, ignored: &mut fragment.ignored };
    // Which instances are called, and who is called there: no limits of calls.
    amounts.leave(policy, &["outlierDetection", "loadBalancer", "tunnel", "proxyProtocol"]);
    amounts.path.push_str("connectionPool.");
    if let Some(pool) = policy.get("connectionPool") {
        if let Some(tcp) = pool.get("tcp") {
            amounts.leave(tcp, &["tcpKeepalive"]);
        }
        return amounts.all(pool, &POOL, near);
    }
    // The connect is limited all the same.
    POOL[0].default.as_ref().filter(|_| absent == Absent::Default).map_or_else(Vec::new, |default| {
        vec![default.setting(format!("{}tcp.connectTimeout", amounts.path), POOL[0].knob, near)]
    })
}

/// A host without its domain, to be shown.
fn short(host: &str) -> &str {
    if host.ends_with(".svc.cluster.local") { host.split('.').next().unwrap_or(host) } else { host }
}

/// The first key of a map: its place.
fn place(map: Node<'_>) -> Option<Span> {
    map.written_entries().next().map(|entry| entry.key.span())
}

/// What a route is called: its name, else its place in the list.
fn label(path: &str, entry: Node<'_>) -> String {
    let path = path.trim_end_matches('.');
    match entry.get("name").and_then(Node::text) {
        Some(name) => format!("{path} {name}"),
        None => path.to_owned(),
    }
}

/// A group of calls.
pub(super) fn group(
    label: String,
    owner: Owner,
    at: Span,
    settings: Vec<Setting>,
    targets: Vec<Target>,
) -> Group {
    Group { settings, targets, ..Group::new(label, GroupKind::Client, owner, at) }
}
