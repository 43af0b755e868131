//! The Prometheus Operator's objects: a server, what it scrapes, and rules. Which belong to which server is
//! said by selectors of labels, and `audit::join` takes the one server of a deployment for all of them.

use model::Sourced;
use model::monitor::{Evaluator, FoundBy, Job};
use text::{Node, NodeKind};

use super::{Default, length, length_or, rules};
use crate::Fragment;
use crate::kubernetes::{Kind, Object};

const VERSION: &str = "all versions, Prometheus Operator API reference, PrometheusSpec";
const SCRAPE: Default = Default { seconds: 30, of: "Prometheus Operator scrapeInterval", version: VERSION };
const EVALUATION: Default =
    Default { seconds: 30, of: "Prometheus Operator evaluationInterval", version: VERSION };

/// Reads an object of the operator's.
pub(crate) fn object(object: &Object<'_>, fragment: &mut Fragment) {
    match object.kind {
        Kind::Prometheus => prometheus(object, fragment),
        Kind::PrometheusRule => rule(object, fragment),
        Kind::ServiceMonitor => scrape(object, "endpoints", fragment),
        Kind::PodMonitor => scrape(object, "podMetricsEndpoints", fragment),
        _ => return,
    }
    // Every length in there belongs to the monitoring, none to a call.
    fragment.read_whole.push(object.node.span());
}

/// A `Prometheus`.
fn prometheus(object: &Object<'_>, fragment: &mut Fragment) {
    let spec = object.node.get("spec");
    let near = object.name_span();
    let scrape = length_or(spec, "scrapeInterval", "spec", SCRAPE, near, fragment);
    let evaluation = length_or(spec, "evaluationInterval", "spec", EVALUATION, near, fragment);
    fragment.monitor.evaluators.push(Evaluator {
        name: object.name.value.clone(),
        at: near,
        by: FoundBy::Label,
        scrape,
        evaluation,
        loads: Vec::new(),
    });
}

/// A `PrometheusRule`, or the `Rules` of Google's managed service.
fn rule(object: &Object<'_>, fragment: &mut Fragment) {
    let Some(groups) = object.node.at(&["spec", "groups"]).filter(|node| node.kind() == NodeKind::List)
    else {
        return;
    };
    rules::add(groups, &object.name.value, FoundBy::Label, fragment);
}

/// A `ServiceMonitor` or a `PodMonitor`: a job for each of its endpoints. The series of a service's are
/// named after the service, which mostly has the monitor's name or the label that it selects by; those of
/// pods after namespace and monitor.
fn scrape(object: &Object<'_>, key: &str, fragment: &mut Fragment) {
    let Some(spec) = object.node.get("spec") else { return };
    let mut aliases: Vec<String> = spec
        .at(&["selector", "matchLabels"])
        .into_iter()
        .flat_map(Node::entries)
        .filter_map(|entry| entry.value.text().map(str::to_owned))
        .collect();
    if let (Kind::PodMonitor, Some(namespace)) = (object.kind, &object.namespace) {
        aliases.push(format!("{namespace}/{}", object.name.value));
    }
    for (index, endpoint) in spec.get(key).into_iter().flat_map(Node::items).enumerate() {
        let interval = length(endpoint, "interval", &format!("spec.{key}[{index}]"), fragment);
        fragment.monitor.jobs.push(Job {
            name: Sourced::written(object.name.value.clone(), object.name_span()),
            aliases: aliases.clone(),
            any_name: true,
            scrape: interval.filter(|interval| !interval.value.is_zero()),
            by: FoundBy::Label,
            evaluator: None,
        });
    }
}
