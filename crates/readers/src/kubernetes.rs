//! Kubernetes manifests: workloads with their probes, life cycle, environment and flags; Services as
//! names; ConfigMaps and Secrets as stored configuration; and what stands in the way of calls: Ingress,
//! Gateway API and Istio objects. Must not know which manifest overrides which: that is
//! the kustomization's, and `audit::join` applies it.

mod amounts;
mod config_map;
mod gateway_api;
mod hosts;
mod ingress;
mod istio;
mod lifecycle;
mod object;
mod pod;
mod probe;
mod reference;
mod scale;

use text::{Node, NodeKind, Span, Syntax, Tree};

use crate::prometheus;
use crate::{Component, ComponentKind, Context, Dialect, Fragment, Ignored, Reason};
use config_map::config_map;
pub(crate) use lifecycle::{pre_stop, seconds};
pub(crate) use object::{Kind, Object, identity, objects};
pub(crate) use pod::{Absent, Pod};

/// Kubernetes manifests.
pub(crate) static KUBERNETES: Dialect =
    Dialect { name: "kubernetes", docs: include_str!("kubernetes.md"), speaks, read };

fn speaks(_: &Context<'_>, tree: &Tree<'_>) -> bool {
    matches!(tree.syntax(), Syntax::Yaml | Syntax::Json) && objects(tree).next().is_some()
}

fn read(context: &Context<'_>, tree: &Tree<'_>, fragment: &mut Fragment) {
    for object in objects(tree).filter(|object| !object.is_deleted()) {
        read_object(context, &object, Absent::Default, fragment);
    }
}

/// Reads one object. `absent` says whether keys that are not written have their defaults here: a patch
/// does not have them.
pub(crate) fn read_object(
    context: &Context<'_>,
    object: &Object<'_>,
    absent: Absent,
    fragment: &mut Fragment,
) {
    match object.kind {
        Kind::Service => {
            service(object, absent, fragment);
            ingress::load_balancer(object, absent, fragment);
        }
        Kind::ConfigMap | Kind::Secret => config_map(context, object, absent, fragment),
        Kind::Namespace => istio::namespace(object, fragment),
        Kind::Ingress => ingress::ingress(object, absent, fragment),
        Kind::BackendConfig => ingress::backend_config(object, absent, fragment),
        Kind::Gateway => gateway_api::gateway(object, absent, fragment),
        Kind::HttpRoute | Kind::GrpcRoute => gateway_api::route(object, absent, fragment),
        Kind::VirtualService => istio::virtual_service(object, absent, fragment),
        Kind::DestinationRule => istio::destination_rule(object, absent, fragment),
        Kind::MeshGateway => istio::gateway(object, absent, fragment),
        Kind::Prometheus | Kind::PrometheusRule | Kind::ServiceMonitor | Kind::PodMonitor => {
            prometheus::object(object, fragment);
        }
        Kind::HorizontalPodAutoscaler | Kind::ScaledObject => scale::autoscaler(object, fragment),
        _ => {
            let component = fragment.components.len();
            fragment.components.push(component_of(object, ComponentKind::Workload, absent));
            Pod::new(context, component, absent, fragment).workload(object);
        }
    }
}

/// The component that an object is.
pub(crate) fn component_of(object: &Object<'_>, kind: ComponentKind, absent: Absent) -> Component {
    Component {
        name: object.name.clone(),
        identity: object.identity(),
        kind,
        aliases: Vec::new(),
        ports: Vec::new(),
        labels: Vec::new(),
        forwards: false,
        finishes: matches!(object.kind, Kind::Job | Kind::CronJob),
        namespace: object.namespace.clone(),
        sidecar: None,
        partial: absent == Absent::Unchanged,
        extent: object.node.span(),
    }
}

/// A Service is a name for the pods it selects. One without a selector (an external name, endpoints
/// kept by hand) leads to nothing that a manifest describes.
fn service(object: &Object<'_>, absent: Absent, fragment: &mut Fragment) {
    let spec = object.node.get("spec");
    let mut selector = spec.and_then(|spec| spec.get("selector")).map(pairs).unwrap_or_default();
    if selector.is_empty() {
        return;
    }
    // One pod of a workload, or one revision of it, is that workload.
    if selector.iter().any(|(label, _)| !is_of_controllers(label)) {
        selector.retain(|(label, _)| !is_of_controllers(label));
    }
    let mut component = component_of(object, ComponentKind::Name { selector }, absent);
    let name = &object.name.value;
    component.aliases = hosts::of_service(name, object.namespace.as_deref());
    component.ports = ports(spec.and_then(|spec| spec.get("ports")), "port");
    // How long a client stays with one pod limits no call.
    if let Some(entry) = spec.and_then(|spec| spec.entry("sessionAffinityConfig")) {
        let key = "sessionAffinityConfig".to_owned();
        fragment.ignored.push(Ignored { key, span: whole(&entry), reason: Reason::NotOurs });
    }
    fragment.components.push(component);
}

/// Whether controllers add a label to pods, which no template carries (kubernetes.io, Well-Known Labels,
/// Annotations and Taints; Deployments, Pod-template-hash label).
fn is_of_controllers(label: &str) -> bool {
    [
        "apps.kubernetes.io/pod-index",
        "controller-revision-hash",
        "pod-template-hash",
        "statefulset.kubernetes.io/pod-name",
    ]
    .contains(&label)
}

/// The port numbers at a key of every item of a list.
fn ports(list: Option<Node<'_>>, key: &str) -> Vec<u16> {
    list.into_iter().flat_map(Node::items).filter_map(|item| item.get(key)?.text()?.parse().ok()).collect()
}

/// A flat map as pairs; labels and selectors.
fn pairs(map: Node<'_>) -> Vec<(String, String)> {
    map.entries()
        .into_iter()
        .filter_map(|entry| Some((entry.key.text().to_owned(), entry.value.text()?.to_owned())))
        .collect()
}

/// The span of a whole entry.
fn whole(entry: &text::Entry<'_>) -> Span {
    entry.key.span().to(entry.value.span())
}

/// Whether a node is written and not null.
fn is_set(node: Node<'_>) -> bool {
    node.kind() != NodeKind::Scalar || !matches!(node.text(), Some("" | "~" | "null" | "Null" | "NULL"))
}
