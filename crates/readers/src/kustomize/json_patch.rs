//! JSON 6902 operations on paths that are keys of ours. A path names containers and variables by
//! number; the patched object says their names, and settings are keyed by name.

use model::{Knob, Sourced};
use text::{Entry, Node, NodeKind};

use super::Found;
use crate::kubernetes::{Absent, Kind, Pod, identity, pre_stop, seconds};
use crate::variables::Variable;
use crate::{Component, ComponentKind, Context, Fragment, Ignored};

/// Reads the operations of one patch on one object.
pub(super) fn read(context: &Context<'_>, operations: Node<'_>, target: &Found, fragment: &mut Fragment) {
    let component = fragment.components.len();
    fragment.components.push(Component {
        name: Sourced::written(target.name.clone(), operations.span()),
        identity: identity(target.kind, target.namespace.as_deref(), &target.name),
        kind: match target.kind {
            Kind::ConfigMap | Kind::Secret => ComponentKind::Config,
            _ => ComponentKind::Workload,
        },
        aliases: Vec::new(),
        ports: Vec::new(),
        labels: Vec::new(),
        forwards: false,
        finishes: false,
        namespace: None,
        sidecar: None,
        partial: true,
        extent: operations.span(),
    });
    for operation in operations.items() {
        // What `remove`, `move` and `copy` leave behind is not known from the operation.
        let sets = matches!(operation.get("op").and_then(Node::text), Some("add" | "replace"));
        let path = operation.get("path").and_then(Node::text);
        if let (true, Some(path), Some(value)) = (sets, path, operation.entry("value")) {
            let mut pod = Pod::new(context, component, Absent::Unchanged, fragment);
            apply(&mut pod, target, &segments(path), &value);
        }
    }
}

/// The segments of a JSON pointer (RFC 6901).
fn segments(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect()
}

fn apply(pod: &mut Pod<'_>, target: &Found, path: &[String], value: &Entry<'_>) {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    if let Some(stored) = target.kind.stored() {
        if let ([data, name], Some(scalar)) = (&path[..], value.value.scalar())
            && *data == stored
        {
            pod.named_variable(stored, name, scalar);
        }
        return;
    }
    let below = path.strip_prefix(target.kind.template()).and_then(|path| path.split_first());
    match below {
        Some((&"spec", path)) => in_spec(pod, target, path, value),
        _ if path == ["spec", "minReadySeconds"] || path == ["spec", "progressDeadlineSeconds"] => {
            let knob = Knob::Other(model::Topic::Lifecycle);
            stop(pod, path[1].to_owned(), knob, value.value);
        }
        _ => {}
    }
}

fn in_spec(pod: &mut Pod<'_>, target: &Found, path: &[&str], value: &Entry<'_>) {
    match path {
        ["terminationGracePeriodSeconds"] => {
            stop(pod, "terminationGracePeriodSeconds".to_owned(), Knob::Grace, value.value);
        }
        [list @ ("containers" | "initContainers"), index, path @ ..] => {
            let known = if *list == "containers" { &target.containers } else { &target.init_containers };
            let container = index.parse().ok().and_then(|index: usize| known.get(index));
            let name = match (container, value.value.get("name").and_then(Node::text)) {
                (None, Some(added)) if path.is_empty() => added,
                (Some((name, _)), _) => name,
                // Nobody has seen the object: its number is all there is.
                (None, _) => index,
            };
            let variables = container.map_or(&[][..], |(_, variables)| variables);
            in_container(pod, &format!("{list}[{name}]"), variables, path, value);
        }
        _ => {}
    }
}

fn in_container(pod: &mut Pod<'_>, container: &str, variables: &[String], path: &[&str], value: &Entry<'_>) {
    match path {
        [] => {
            let probes = container.starts_with("containers");
            pod.container(container, value.value, probes);
            hook(pod, container, value.value.at(&["lifecycle", "preStop"]));
        }
        ["env"] => pod.environment(container, value),
        ["env", _] if value.value.kind() == NodeKind::Map => {
            let name = value.value.get("name").and_then(Node::scalar);
            if let (Some(name), Some(value)) = (name, value.value.get("value").and_then(Node::scalar)) {
                pod.variables(&format!("{container}.env"), name.span(), &[Variable { name, value }]);
            }
        }
        ["env", index, "value"] => {
            let name = index.parse().ok().and_then(|index: usize| variables.get(index));
            if let (Some(name), Some(scalar)) = (name, value.value.scalar()) {
                pod.named_variable(&format!("{container}.env"), name, scalar);
            }
        }
        ["args" | "command"] => pod.arguments(container, path[0], value),
        ["lifecycle"] => hook(pod, container, value.value.get("preStop")),
        ["lifecycle", "preStop"] => hook(pod, container, Some(value.value)),
        ["lifecycle", "preStop", "sleep", "seconds"] => {
            stop(pod, format!("{container}.lifecycle.preStop.sleep.seconds"), Knob::PreStop, value.value);
        }
        [probe] => pod.probe(container, probe, value.value, value.key.span()),
        [probe, field] => {
            if let Some(scalar) = value.value.scalar() {
                pod.probe_field(container, probe, field, scalar);
            }
        }
        _ => {}
    }
}

/// A `preStop` hook.
fn hook(pod: &mut Pod<'_>, container: &str, hook: Option<Node<'_>>) {
    if let Some(hook) = hook
        && let Some(setting) = pre_stop(&format!("{container}.lifecycle.preStop"), hook)
    {
        pod.stop(setting, hook.span());
    }
}

/// A single number of seconds of the pod's stop or rollout.
fn stop(pod: &mut Pod<'_>, key: String, knob: Knob, node: Node<'_>) {
    let setting = seconds(key.clone(), knob, node);
    pod.stop(setting.map_err(|reason| Ignored { key, span: node.span(), reason }), node.span());
}
