//! Gateway API: a Gateway is a proxy at the edge, HTTPRoute and GRPCRoute are its routes, or stand in the
//! way of calls to the Service they name as their parent. What holds where nothing is written is each
//! implementation's own. Facts: kubernetes-sigs/gateway-api `apis/v1/httproute_types.go`, GEP-1731, GEP-2257.

use model::{Covers, Knob, Sourced};
use text::{Node, Scalar, Span};

use super::amounts::{Amounts, Key};
use super::istio::group;
use super::{Absent, Object, hosts, identity};
use crate::kubernetes::object::Kind;
use crate::{Component, ComponentKind, Fragment, Owner, Target, Zero};

/// Lengths carry their unit; 0 switches a timeout off.
const fn key(path: &'static [&'static str], knob: Knob) -> Key {
    Key { path, knob, bare: None, zero: Zero::Never, default: None }
}

/// Keys of a rule.
static RULE: [Key; 4] = [
    key(&["timeouts", "request"], Knob::Timeout(Covers::WholeCall)),
    key(&["timeouts", "backendRequest"], Knob::Timeout(Covers::Attempt)),
    // How often a request is retried: the first try does not count.
    key(&["retry", "attempts"], Knob::Retries),
    key(&["retry", "backoff"], Knob::BackoffBase),
];

/// A Gateway, known by the hosts it listens for.
pub(super) fn gateway(object: &Object<'_>, absent: Absent, fragment: &mut Fragment) {
    let mut component = super::component_of(object, ComponentKind::Gateway { of_mesh: false }, absent);
    component.name.value = format!("gateway {}", component.name.value);
    component.forwards = true;
    let listeners = object.node.at(&["spec", "listeners"]).into_iter().flat_map(Node::items);
    let hosts = listeners.filter_map(|listener| listener.get("hostname")?.text());
    component.aliases = hosts.filter(|host| !host.contains('*')).map(str::to_owned).collect();
    component.aliases.sort_unstable();
    component.aliases.dedup();
    fragment.components.push(component);
}

/// An HTTPRoute or a GRPCRoute, for each of its parents.
pub(super) fn route(object: &Object<'_>, absent: Absent, fragment: &mut Fragment) {
    let Some(spec) = object.node.get("spec") else { return };
    for parent in spec.get("parentRefs").into_iter().flat_map(Node::items) {
        let Some(name) = parent.get("name").and_then(Node::scalar) else { continue };
        let namespace = parent.get("namespace").and_then(Node::text).or(object.namespace.as_deref());
        match parent.get("kind").and_then(Node::text) {
            None | Some("Gateway") => {
                let component = of_gateway(object, spec, name, namespace, absent);
                let prefix = format!("{}[{}].", list_of(object.kind), object.name.value);
                rules(object, spec, component, &prefix, absent, fragment);
            }
            Some("Service") => {
                let component = of_service(object, name, namespace, absent);
                rules(object, spec, component, "", absent, fragment);
            }
            Some(_) => {}
        }
    }
}

/// As a list of them would be called.
fn list_of(kind: Kind) -> &'static str {
    if kind == Kind::GrpcRoute { "grpcRoutes" } else { "httpRoutes" }
}

fn of_gateway(
    object: &Object<'_>,
    spec: Node<'_>,
    name: Scalar<'_>,
    namespace: Option<&str>,
    absent: Absent,
) -> Component {
    let mut component = super::component_of(object, ComponentKind::Gateway { of_mesh: false }, absent);
    component.name = Sourced::written(format!("gateway {}", name.text()), name.span());
    component.identity = identity(Kind::Gateway, namespace, name.text());
    component.namespace = namespace.map(str::to_owned);
    component.forwards = true;
    let hosts = spec.get("hostnames").into_iter().flat_map(Node::items).filter_map(Node::text);
    component.aliases = hosts.filter(|host| !host.contains('*')).map(str::to_owned).collect();
    component
}

/// A route whose parent is a Service is one of a mesh (GEP-1426).
fn of_service(object: &Object<'_>, name: Scalar<'_>, namespace: Option<&str>, absent: Absent) -> Component {
    let hosts = hosts::of_host(name.text(), namespace);
    let kind = ComponentKind::Route { hosts, decides: true };
    let mut component = super::component_of(object, kind, absent);
    component.name.value = format!("route {}", name.text());
    component.forwards = true;
    component
}

fn rules(
    object: &Object<'_>,
    spec: Node<'_>,
    component: Component,
    prefix: &str,
    absent: Absent,
    fragment: &mut Fragment,
) {
    let owner = Owner::Component(fragment.components.len());
    fragment.components.push(component);
    for (index, rule) in spec.get("rules").into_iter().flat_map(Node::items).enumerate() {
        let path = format!("{prefix}rules[{index}].");
        let targets = targets(object, &path, rule);
        let at: Option<Span> = rule.written_entries().next().map(|entry| entry.key.span());
        let label = path.trim_end_matches('.').to_owned();
        let mut amounts = Amounts { path, absent, ignored: &mut fragment.ignored };
        let Some(at) = at.filter(|_| !targets.is_empty()) else {
            // A redirect waits for nobody.
            amounts.leave(rule, &["timeouts", "retry"]);
            continue;
        };
        let settings = amounts.all(rule, &RULE, at);
        fragment.groups.push(group(label, owner, at, settings, targets));
    }
}

/// The Services a rule passes requests on to.
fn targets(object: &Object<'_>, path: &str, rule: Node<'_>) -> Vec<Target> {
    let backends = rule.get("backendRefs").into_iter().flat_map(Node::items).enumerate();
    let scheme = if object.kind == Kind::GrpcRoute { "grpc" } else { "http" };
    let targets = backends.filter_map(|(index, backend)| {
        let is_service = backend.get("kind").and_then(Node::text).is_none_or(|kind| kind == "Service");
        let name = backend.get("name").and_then(Node::scalar).filter(|_| is_service)?;
        let namespace = backend.get("namespace").and_then(Node::text).or(object.namespace.as_deref());
        let key = format!("{path}backendRefs[{index}].name");
        hosts::target(key, name, backend.get("port"), namespace, scheme)
    });
    targets.collect()
}
