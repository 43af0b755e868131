//! Which documents are objects we know, whatever list they stand in, and what they are called.

use model::Sourced;
use text::{Node, NodeKind, Span, Tree};

/// The kinds that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Deployment,
    StatefulSet,
    DaemonSet,
    ReplicaSet,
    ReplicationController,
    Pod,
    Job,
    CronJob,
    Rollout,
    Service,
    ConfigMap,
    Secret,
    Namespace,
    Ingress,
    Gateway,
    HttpRoute,
    GrpcRoute,
    VirtualService,
    DestinationRule,
    MeshGateway,
    HorizontalPodAutoscaler,
    ScaledObject,
    BackendConfig,
    Prometheus,
    PrometheusRule,
    ServiceMonitor,
    PodMonitor,
}

impl Kind {
    /// The kind of an API group's object. The group is what stands before `/` in `apiVersion`; the core
    /// group has none.
    pub(crate) fn of(group: &str, kind: &str) -> Option<Self> {
        Some(match (group, kind) {
            ("apps" | "extensions", "Deployment") => Self::Deployment,
            ("apps", "StatefulSet") => Self::StatefulSet,
            ("apps" | "extensions", "DaemonSet") => Self::DaemonSet,
            ("apps" | "extensions", "ReplicaSet") => Self::ReplicaSet,
            ("", "ReplicationController") => Self::ReplicationController,
            ("", "Pod") => Self::Pod,
            ("batch", "Job") => Self::Job,
            ("batch", "CronJob") => Self::CronJob,
            ("argoproj.io", "Rollout") => Self::Rollout,
            ("", "Service") => Self::Service,
            ("", "ConfigMap") => Self::ConfigMap,
            ("", "Secret") => Self::Secret,
            ("", "Namespace") => Self::Namespace,
            ("networking.k8s.io" | "extensions", "Ingress") => Self::Ingress,
            ("gateway.networking.k8s.io", "Gateway") => Self::Gateway,
            ("gateway.networking.k8s.io", "HTTPRoute") => Self::HttpRoute,
            ("gateway.networking.k8s.io", "GRPCRoute") => Self::GrpcRoute,
            ("networking.istio.io", "VirtualService") => Self::VirtualService,
            ("networking.istio.io", "DestinationRule") => Self::DestinationRule,
            ("networking.istio.io", "Gateway") => Self::MeshGateway,
            ("autoscaling", "HorizontalPodAutoscaler") => Self::HorizontalPodAutoscaler,
            ("keda.sh", "ScaledObject") => Self::ScaledObject,
            ("cloud.google.com", "BackendConfig") => Self::BackendConfig,
            ("monitoring.coreos.com", "Prometheus") => Self::Prometheus,
            ("monitoring.coreos.com", "PrometheusRule") => Self::PrometheusRule,
            // The same groups, for Google's managed service.
            ("monitoring.googleapis.com", "Rules" | "ClusterRules") => Self::PrometheusRule,
            ("monitoring.coreos.com", "ServiceMonitor") => Self::ServiceMonitor,
            ("monitoring.coreos.com", "PodMonitor") => Self::PodMonitor,
            _ => return None,
        })
    }

    /// The kind of a patch's target, whose API group is often left out.
    pub(crate) fn named(kind: &str) -> Option<Self> {
        ["", "apps", "batch", "argoproj.io"].into_iter().find_map(|group| Self::of(group, kind))
    }

    /// As manifests spell it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::ReplicaSet => "ReplicaSet",
            Self::ReplicationController => "ReplicationController",
            Self::Pod => "Pod",
            Self::Job => "Job",
            Self::CronJob => "CronJob",
            Self::Rollout => "Rollout",
            Self::Service => "Service",
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
            Self::Namespace => "Namespace",
            Self::Ingress => "Ingress",
            Self::Gateway | Self::MeshGateway => "Gateway",
            Self::HttpRoute => "HTTPRoute",
            Self::GrpcRoute => "GRPCRoute",
            Self::VirtualService => "VirtualService",
            Self::DestinationRule => "DestinationRule",
            Self::HorizontalPodAutoscaler => "HorizontalPodAutoscaler",
            Self::ScaledObject => "ScaledObject",
            Self::BackendConfig => "BackendConfig",
            Self::Prometheus => "Prometheus",
            Self::PrometheusRule => "PrometheusRule",
            Self::ServiceMonitor => "ServiceMonitor",
            Self::PodMonitor => "PodMonitor",
        }
    }

    /// Whether objects of this kind run a pod template.
    pub(crate) fn runs(self) -> bool {
        use Kind::*;
        matches!(
            self,
            Deployment
                | StatefulSet
                | DaemonSet
                | ReplicaSet
                | ReplicationController
                | Pod
                | Job
                | CronJob
                | Rollout
        )
    }

    /// Where an object that stores configuration has it, as text. What a Secret has in `data` is encoded
    /// and left alone.
    pub(crate) fn stored(self) -> Option<&'static str> {
        match self {
            Self::ConfigMap => Some("data"),
            Self::Secret => Some("stringData"),
            _ => None,
        }
    }

    /// Keys from the object down to its pod template; the pod's `spec` lies below.
    pub(crate) fn template(self) -> &'static [&'static str] {
        match self {
            Self::Pod => &[],
            Self::CronJob => &["spec", "jobTemplate", "spec", "template"],
            _ => &["spec", "template"],
        }
    }
}

/// One object of a manifest.
pub(crate) struct Object<'t> {
    pub(crate) node: Node<'t>,
    pub(crate) kind: Kind,
    pub(crate) name: Sourced<String>,
    pub(crate) namespace: Option<String>,
}

impl<'t> Object<'t> {
    /// The object that a node is, if it is one that is read and has a name.
    pub(crate) fn of(node: Node<'t>) -> Option<Self> {
        let version = node.get("apiVersion")?.text()?;
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let kind = Kind::of(group, node.get("kind")?.text()?)?;
        let name = node.at(&["metadata", "name"]).or_else(|| node.at(&["metadata", "generateName"]))?;
        let name = Sourced::written(name.text()?.trim_end_matches('-').to_owned(), name.span());
        let namespace = node.at(&["metadata", "namespace"]).and_then(Node::text).map(str::to_owned);
        Some(Self { node, kind, name, namespace: namespace.filter(|text| !text.is_empty()) })
    }

    /// Where its name is written.
    pub(crate) fn name_span(&self) -> Span {
        self.name.origin.span().unwrap_or_else(|| self.node.span())
    }

    /// Whether it is a patch that takes the object away.
    pub(crate) fn is_deleted(&self) -> bool {
        self.node.get("$patch").and_then(Node::text) == Some("delete")
    }

    /// `KIND/NAMESPACE/NAME`. An object without a namespace goes to the one called `default`, unless a
    /// kustomization or whoever applies it says otherwise.
    pub(crate) fn identity(&self) -> String {
        identity(self.kind, self.namespace.as_deref(), &self.name.value)
    }
}

/// `KIND/NAMESPACE/NAME`.
pub(crate) fn identity(kind: Kind, namespace: Option<&str>, name: &str) -> String {
    format!("{}/{}/{name}", kind.name(), namespace.unwrap_or("default"))
}

/// The objects of all documents, those inside lists (`kind: List`) included.
pub(crate) fn objects<'t>(tree: &'t Tree<'t>) -> impl Iterator<Item = Object<'t>> {
    let mut waiting: Vec<Node<'t>> = tree.documents().collect();
    waiting.reverse();
    std::iter::from_fn(move || {
        while let Some(node) = waiting.pop() {
            let is_list = node.get("kind").and_then(Node::text).is_some_and(|kind| kind.ends_with("List"));
            match node.get("items").filter(|items| is_list && items.kind() == NodeKind::List) {
                Some(items) => {
                    let mut items: Vec<Node<'t>> = items.items().collect();
                    items.reverse();
                    waiting.extend(items);
                }
                None => {
                    if let Some(object) = Object::of(node) {
                        return Some(object);
                    }
                }
            }
        }
        None
    })
}
