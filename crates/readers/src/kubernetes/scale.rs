//! How many instances of a workload run at most: `replicas` with what a rollout adds, and autoscalers.

use model::{GroupKind, Knob, Origin, Setting, Sourced, Value};
use text::{Node, Span};

use super::probe::integer;
use super::{Kind, Object, identity};
use crate::setting::stated;
use crate::{Component, ComponentKind, Fragment, Group, Ignored, Owner};

/// The key of all of them: an autoscaler writes the replicas of what it scales.
const REPLICAS: &str = "replicas";

/// The instances that a workload's own manifest asks for, with those a rolling update may add.
pub(super) fn replicas(spec: Node<'_>, ignored: &mut Vec<Ignored>) -> Option<Setting> {
    let entry = spec.entry(REPLICAS).filter(|entry| super::is_set(entry.value))?;
    let count = match entry.value.scalar().map(integer)? {
        Ok(count) => count,
        Err(reason) => {
            ignored.push(Ignored { key: REPLICAS.to_owned(), span: super::whole(&entry), reason });
            return None;
        }
    };
    let written = Origin::Written(crate::embedded::place(entry.value));
    // A share of the replicas, which is also the default, is left out: it rounds.
    let surge = spec.at(&["strategy", "rollingUpdate", "maxSurge"]).and_then(|node| {
        Some((integer(node.scalar()?).ok()?, Origin::Written(crate::embedded::place(node))))
    });
    let (count, origin) = match surge.filter(|&(surge, _)| surge > 0) {
        Some((surge, at)) => (count.saturating_add(surge), Origin::Derived(vec![written, at])),
        None => (count, written),
    };
    Some(stated(REPLICAS.to_owned(), Knob::Instances, Value::Count(count), origin))
}

/// The most instances to which an autoscaler scales its target.
pub(super) fn autoscaler(object: &Object<'_>, fragment: &mut Fragment) {
    let Some(spec) = object.node.get("spec") else { return };
    let Some(target) = spec.get("scaleTargetRef") else { return };
    let most = if object.kind == Kind::ScaledObject { "maxReplicaCount" } else { "maxReplicas" };
    let kind = match target.get("kind").and_then(Node::text) {
        Some(kind) => Kind::named(kind).filter(|kind| kind.runs()),
        // KEDA's default (keda.sh ScaledObject specification).
        None => Some(Kind::Deployment),
    };
    let (Some(kind), Some(name)) = (kind, target.get("name").and_then(Node::scalar)) else { return };
    let Some(entry) = spec.entry(most).filter(|entry| super::is_set(entry.value)) else { return };
    let count = match entry.value.scalar().map(integer) {
        Some(Ok(count)) => count,
        Some(Err(reason)) => {
            fragment.ignored.push(Ignored { key: most.to_owned(), span: super::whole(&entry), reason });
            return;
        }
        None => return,
    };
    let origin = Origin::Written(crate::embedded::place(entry.value));
    let setting = stated(REPLICAS.to_owned(), Knob::Instances, Value::Count(count), origin);
    let owner = Owner::Component(fragment.components.len());
    fragment.components.push(Component {
        name: Sourced::written(name.text().to_owned(), name.span()),
        identity: identity(kind, object.namespace.as_deref(), name.text()),
        // It says part of what the workload says, and stands for nothing alone.
        partial: true,
        ..super::component_of(object, ComponentKind::Workload, super::Absent::Unchanged)
    });
    fragment.groups.push(scale(owner, entry.key.span(), setting));
}

/// The group of the count of instances.
pub(super) fn scale(owner: Owner, at: Span, setting: Setting) -> Group {
    Group { settings: vec![setting], ..Group::new("scale".to_owned(), GroupKind::Lifecycle, owner, at) }
}
