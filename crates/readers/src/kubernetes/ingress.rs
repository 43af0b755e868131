//! Ingress and the load balancers that annotations ask for: what forwards requests from outside to
//! Services. Which annotations are heeded depends on the controller; only what is written is read, and
//! ingress-nginx's defaults hold where its name stands in the class. Facts: ingress-nginx, Annotations and ConfigMap;
//! aws-load-balancer-controller, Ingress annotations.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{
    Covers, GroupKind, Knob, Limit, Origin, Setting, TimeUnit, Topic, Unheeded, Unit, Value, Written,
};
use text::{Entry, Node, Scalar, Span};

use super::amounts::{Amounts, Key};
use super::istio::group;
use super::{Absent, Object, hosts};
use crate::nginx::attempts;
use crate::setting::stated;
use crate::{ComponentKind, Fragment, Group, Owner, Target, Zero};

/// What ingress-nginx's annotations begin with.
const NGINX: &str = "nginx.ingress.kubernetes.io/";

/// Where ingress-nginx's defaults stand.
const VERSION: &str = "since 0.9, ingress-nginx ConfigMap";

/// Attributes of an AWS load balancer, and of its groups of targets, as `name=value,name=value`.
const BALANCER: &str = "alb.ingress.kubernetes.io/load-balancer-attributes";
const TARGET_GROUP: &str = "alb.ingress.kubernetes.io/target-group-attributes";
const CLASSIC_IDLE: &str = "service.beta.kubernetes.io/aws-load-balancer-connection-idle-timeout";

/// An annotation of ingress-nginx: whole seconds without a unit.
struct Annotation {
    name: &'static str,
    knob: Knob,
    /// In seconds; `None` where no rule has use for the default.
    default: Option<(u64, &'static str)>,
}

static ANNOTATIONS: [Annotation; 4] = [
    Annotation {
        name: "proxy-connect-timeout",
        knob: Knob::Timeout(Covers::Connect),
        default: Some((5, "ingress-nginx proxy-connect-timeout")),
    },
    Annotation {
        name: "proxy-read-timeout",
        knob: Knob::Timeout(Covers::BetweenBytes),
        default: Some((60, "ingress-nginx proxy-read-timeout")),
    },
    // Between two writes of the request.
    Annotation {
        name: "proxy-send-timeout",
        knob: Knob::Other(Topic::Timeout),
        default: Some((60, "ingress-nginx proxy-send-timeout")),
    },
    // 0 is no limit; no rule asks for it.
    Annotation { name: "proxy-next-upstream-timeout", knob: Knob::Other(Topic::Timeout), default: None },
];

/// How often ingress-nginx passes a request on at most, and on what, unless told.
const TRIES: u64 = 3;
const CONDITIONS: &str = "error timeout";

/// What ingress-nginx does with an annotation that is no whole number.
const PASSED_OVER: &str = "whole seconds without a unit are taken, anything else is passed over (ingress-nginx annotations, Custom timeouts)";

/// An Ingress: it forwards what is addressed to its hosts.
pub(super) fn ingress(object: &Object<'_>, absent: Absent, fragment: &mut Fragment) {
    let spec = object.node.get("spec");
    let mut component = super::component_of(object, ComponentKind::Gateway { of_mesh: false }, absent);
    component.name.value = format!("ingress {}", component.name.value);
    component.forwards = true;
    let rules = || spec.and_then(|spec| spec.get("rules")).into_iter().flat_map(Node::items);
    let hosts = rules().filter_map(|rule| rule.get("host")?.text());
    component.aliases = hosts.filter(|host| !host.contains('*')).map(str::to_owned).collect();
    component.aliases.sort_unstable();
    component.aliases.dedup();
    let owner = Owner::Component(fragment.components.len());
    fragment.components.push(component);

    let backends = rules().flat_map(|rule| rule.at(&["http", "paths"]).into_iter().flat_map(Node::items));
    let backends = backends.filter_map(|path| path.get("backend"));
    let default = ["defaultBackend", "backend"].iter().find_map(|key| spec?.get(key));
    let mut seen = BTreeSet::new();
    let targets = default.into_iter().chain(backends).filter_map(|backend| target(backend, object));
    let targets: Vec<Target> = targets.filter(|target| seen.insert(target.address.clone())).collect();
    let annotations = object.node.at(&["metadata"]).and_then(|metadata| metadata.entry("annotations"));
    let at = annotations.as_ref().map_or(object.name_span(), |entry| entry.key.span());
    let map = annotations.map(|entry| entry.value);
    let mut settings = Vec::new();
    if is_nginx(spec, map) {
        settings.extend(of_nginx(map, at, absent));
    }
    if let Some(entry) = map.and_then(|map| map.entry(BALANCER)) {
        // A connection on either side without traffic, aws-load-balancer-controller's annotations.
        let idle = attribute(&entry, "idle_timeout.timeout_seconds", Knob::Timeout(Covers::Idle));
        settings.extend(idle);
    }
    if let Some(entry) = map.and_then(|map| map.entry(TARGET_GROUP)) {
        let delay = attribute(&entry, "deregistration_delay.timeout_seconds", Knob::Other(Topic::Lifecycle));
        settings.extend(delay);
    }
    if !(targets.is_empty() && settings.is_empty()) {
        fragment.groups.push(group("annotations".to_owned(), owner, at, settings, targets));
    }
}

/// The Service of a backend; `service.name` since networking.k8s.io/v1.
fn target(backend: Node<'_>, object: &Object<'_>) -> Option<Target> {
    let service = backend.get("service");
    let name = service.and_then(|service| service.get("name")).or_else(|| backend.get("serviceName"))?;
    let port = match service {
        Some(service) => service.at(&["port", "number"]),
        None => backend.get("servicePort"),
    };
    let name = name.scalar()?;
    hosts::target(format!("backend {}", name.text()), name, port, object.namespace.as_deref(), "http")
}

/// Whether ingress-nginx carries an Ingress out, by its class or by its annotations. Annotations of
/// `nginx.org` are another controller's.
fn is_nginx(spec: Option<Node<'_>>, annotations: Option<Node<'_>>) -> bool {
    let begins = |prefix: &str| {
        annotations.is_some_and(|map| map.entries().iter().any(|entry| entry.key.text().starts_with(prefix)))
    };
    let class = spec.and_then(|spec| spec.get("ingressClassName")?.text());
    let class = class.or_else(|| annotations?.get("kubernetes.io/ingress.class")?.text());
    begins(NGINX) || class.is_some_and(|class| class.contains("nginx")) && !begins("nginx.org/")
}

/// The settings of ingress-nginx.
fn of_nginx(map: Option<Node<'_>>, near: Span, absent: Absent) -> Vec<Setting> {
    let entry = |name: &str| map?.entry(&format!("{NGINX}{name}"));
    let mut settings: Vec<Setting> = ANNOTATIONS
        .iter()
        .filter_map(|annotation| match entry(annotation.name) {
            Some(entry) => seconds(annotation, &entry),
            None => annotation.setting_by_default(near).filter(|_| absent == Absent::Default),
        })
        .collect();
    let (tries, on) = (entry("proxy-next-upstream-tries"), entry("proxy-next-upstream"));
    let written = on.as_ref().and_then(|entry| entry.value.scalar());
    let conditions = written.map_or(CONDITIONS, |scalar| scalar.text());
    if let Some(scalar) = written {
        let key = format!("{NGINX}proxy-next-upstream");
        let origin = Origin::Written(scalar.span());
        settings.push(stated(key, Knob::RetryOn, Value::Text(conditions.to_owned()), origin));
    }
    let default =
        |near| Origin::Default { near, of: "ingress-nginx proxy-next-upstream-tries", version: VERSION };
    let scalar = tries.as_ref().and_then(|entry| entry.value.scalar());
    let (count, origin) = match (scalar, scalar.and_then(whole)) {
        (Some(scalar), Some(count)) => (count, Origin::Written(scalar.span())),
        (Some(scalar), None) if is_reference(scalar) => return settings,
        (Some(scalar), None) => (TRIES, default(scalar.span())),
        (None, _) if absent == Absent::Unchanged => return settings,
        (None, _) => (TRIES, default(near)),
    };
    // 0 is as many as there are instances, which is not known here.
    if count > 0 && conditions != "off" {
        let any_method = conditions.contains("non_idempotent");
        let mut tries = attempts(format!("{NGINX}proxy-next-upstream-tries"), count, origin, any_method);
        tries.unheeded = scalar.filter(|scalar| whole(*scalar).is_none()).map(passed_over);
        settings.push(tries);
    }
    settings
}

impl Annotation {
    fn key(&self) -> String {
        format!("{NGINX}{}", self.name)
    }

    fn setting_by_default(&self, near: Span) -> Option<Setting> {
        let (seconds, of) = self.default?;
        let value = Value::Time(Limit::After(Duration::from_secs(seconds)));
        Some(stated(self.key(), self.knob, value, Origin::Default { near, of, version: VERSION }))
    }
}

/// What an annotation that is written gives: its value, or the default where the controller passes it over.
fn seconds(annotation: &Annotation, entry: &Entry<'_>) -> Option<Setting> {
    let scalar = entry.value.scalar()?;
    if let Some(count) = whole(scalar) {
        return Some(in_seconds(annotation.key(), annotation.knob, count, scalar.span()));
    }
    let mut setting = annotation.setting_by_default(entry.key.span()).filter(|_| !is_reference(scalar))?;
    setting.unheeded = Some(passed_over(scalar));
    Some(setting)
}

fn passed_over(scalar: Scalar<'_>) -> Unheeded {
    Unheeded { at: scalar.span(), text: scalar.text().to_owned(), why: PASSED_OVER.to_owned() }
}

/// Whether something else is put in its place before the controller sees it.
fn is_reference(scalar: Scalar<'_>) -> bool {
    ["{{", "$(", "${"].iter().any(|mark| scalar.text().contains(mark))
}

/// A whole number, as Go's `strconv.Atoi` takes it.
fn whole(scalar: Scalar<'_>) -> Option<u64> {
    let text = scalar.text();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn in_seconds(key: String, knob: Knob, count: u64, at: Span) -> Setting {
    let value = Value::Time(Limit::After(Duration::from_secs(count)));
    let mut setting = stated(key, knob, value, Origin::Written(at));
    setting.unit = Unit::Product;
    let bare = Some(TimeUnit::Seconds);
    setting.written = Some(Written { number: count as f64, bare, ..Written::default() });
    setting
}

/// One of the attributes that an annotation lists.
fn attribute(entry: &Entry<'_>, name: &str, knob: Knob) -> Option<Setting> {
    let scalar = entry.value.scalar()?;
    let mut start = 0;
    for part in scalar.text().split(',') {
        let value = part.split_once('=').filter(|(key, _)| key.trim() == name).map(|(_, value)| value);
        if let Some(value) = value {
            let from = start + part.len() - value.len();
            let count = value.trim().parse().ok()?;
            let at = scalar.part(from..from + value.len());
            return Some(in_seconds(format!("{}.{name}", entry.key.text()), knob, count, at));
        }
        start += part.len() + 1;
    }
    None
}

/// The load balancer that a Service asks for, where its annotations say something of ours.
pub(super) fn load_balancer(object: &Object<'_>, absent: Absent, fragment: &mut Fragment) {
    let annotations = object.node.at(&["metadata", "annotations"]);
    let Some(entry) = annotations.and_then(|map| map.entry(CLASSIC_IDLE)) else { return };
    let Some((scalar, count)) = entry.value.scalar().and_then(|scalar| Some((scalar, whole(scalar)?))) else {
        return;
    };
    let mut component = super::component_of(object, ComponentKind::Gateway { of_mesh: false }, absent);
    component.identity = component.identity.replacen("Service/", "LoadBalancer/", 1);
    component.name.value = format!("load balancer {}", component.name.value);
    component.forwards = true;
    let owner = Owner::Component(fragment.components.len());
    fragment.components.push(component);
    let setting = in_seconds(CLASSIC_IDLE.to_owned(), Knob::Timeout(Covers::Idle), count, scalar.span());
    let service = object.node.at(&["metadata", "name"]).and_then(Node::scalar);
    let targets = service.and_then(|name| {
        hosts::target("metadata.name".to_owned(), name, None, object.namespace.as_deref(), "tcp")
    });
    let targets = targets.into_iter().collect();
    fragment.groups.push(group("annotations".to_owned(), owner, entry.key.span(), vec![setting], targets));
}

/// Keys of a BackendConfig (cloud.google.com "Ingress configuration"): Services refer to it.
static BACKEND: [Key; 2] = [
    Key {
        path: &["timeoutSec"],
        knob: Knob::Timeout(Covers::Attempt),
        bare: Some(TimeUnit::Seconds),
        zero: Zero::Literal,
        default: None,
    },
    Key {
        path: &["connectionDraining", "drainingTimeoutSec"],
        knob: Knob::Other(Topic::Lifecycle),
        bare: Some(TimeUnit::Seconds),
        zero: Zero::Literal,
        default: None,
    },
];

/// A BackendConfig: settings of a load balancer for the Services that refer to it.
pub(super) fn backend_config(object: &Object<'_>, absent: Absent, fragment: &mut Fragment) {
    let Some(spec) = object.node.get("spec") else { return };
    let at = object.name_span();
    let mut amounts = Amounts { path: "spec.".to_owned(), absent, ignored: &mut fragment.ignored };
    amounts.leave(spec, &["healthCheck"]);
    let settings = amounts.all(spec, &BACKEND, at);
    let mut component = super::component_of(object, ComponentKind::Gateway { of_mesh: false }, absent);
    component.name.value = format!("load balancer by {}", component.name.value);
    component.forwards = true;
    let owner = Owner::Component(fragment.components.len());
    if !settings.is_empty() {
        fragment.components.push(component);
        let group =
            Group { kind: GroupKind::Loose, ..group("spec".to_owned(), owner, at, settings, Vec::new()) };
        fragment.groups.push(group);
    }
}
