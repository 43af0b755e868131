//! The names of a Service: those its cluster's DNS knows it by, and the addresses of routes that name one.

use text::{Node, Scalar};

use crate::{Address, Target};

/// What the names of Services end with (kubernetes.io "DNS for Services and Pods").
const CLUSTER: &str = ".svc.cluster.local";

/// The names under which the cluster's DNS knows a Service, the short one first.
pub(super) fn of_service(name: &str, namespace: Option<&str>) -> Vec<String> {
    let mut names = vec![name.to_owned()];
    if let Some(namespace) = namespace {
        names.push(format!("{name}.{namespace}"));
        names.push(format!("{name}.{namespace}.svc"));
        names.push(format!("{name}.{namespace}{CLUSTER}"));
    }
    names
}

/// All names of a host that an object of a namespace names: a short one is a Service of that namespace.
/// None for a pattern.
pub(super) fn of_host(host: &str, namespace: Option<&str>) -> Vec<String> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if host.is_empty() || host.contains('*') {
        return Vec::new();
    }
    if !host.contains('.') {
        return of_service(&host, namespace);
    }
    match host.strip_suffix(CLUSTER).and_then(|name| name.split_once('.')) {
        Some((name, namespace)) => of_service(name, Some(namespace)),
        None => vec![host],
    }
}

/// The target that a host names, written at a node, and a port that is a number.
pub(super) fn target(
    key: String,
    host: Scalar<'_>,
    port: Option<Node<'_>>,
    namespace: Option<&str>,
    scheme: &str,
) -> Option<Target> {
    let mut names = of_host(host.text(), namespace);
    names.reverse();
    let written = host.text().to_ascii_lowercase();
    (!names.is_empty()).then(|| Target {
        address: Address {
            scheme: Some(scheme.to_owned()),
            host: written,
            port: port.and_then(|port| port.text()?.parse().ok()),
        },
        names: if names.len() > 1 { names } else { Vec::new() },
        key,
        span: host.span(),
        assumptions: Vec::new(),
        ways: Vec::new(),
    })
}
