//! A route table: one group for each cluster that a route leads to, with the limits and retries in
//! effect there.

use std::time::Duration;

use model::{Covers, GroupKind, Knob, Limit, Origin, Setting, Sourced, Topic, Value};
use text::{Entry, Node, Span};

use super::cluster::{DEFAULT_PRIORITY, Protocol};
use super::{Reader, settings};
use crate::Zero;
use crate::protobuf::{self, at, entry, get, repeated, text};

impl<'t> Reader<'t, '_> {
    /// A route table, and the connection manager that uses it.
    pub(super) fn table(&mut self, table: Node<'t>, manager: Option<Node<'t>>) {
        for host in repeated(table, "virtual_hosts") {
            let name = text(host, "name").or_else(|| get(host, "domains")?.items().next()?.text());
            let outer = self.path(match name {
                Some(name) => format!("virtual_host[{name}]"),
                None => "virtual_host".to_owned(),
            });
            for route in repeated(host, "routes") {
                // A redirect or an answer of Envoy's own calls nobody.
                let Some(action) = entry(route, "route") else { continue };
                let matched = matched(route);
                let path = self.path(format!("{outer}.route[{matched}]"));
                let label = format!("route {matched}");
                let outer = outer.clone();
                self.route(&Route { path, outer, label, host, action, manager });
            }
        }
    }

    fn route(&mut self, route: &Route<'t>) {
        let action = route.action.value;
        let mut own = self.limits(route);
        own.extend(self.retries(route));
        if let Some(upgrades) = self.upgrades(route) {
            // The limit starts when the request has ended (route_components.proto).
            let guess = "that the request is no WebSocket: the limit starts at the end of a request, \
                         which an upgraded one does not have";
            for limit in own.iter_mut().filter(|limit| is_whole(limit) && limit.length().is_some()) {
                limit.assumptions.push(guess.to_owned());
            }
            own.push(upgrades);
        }
        let weighted = get(action, "weighted_clusters");
        let several = weighted.into_iter().flat_map(|all| repeated(all, "clusters"));
        let several: Vec<&'t str> = several.filter_map(|one| text(one, "name")).collect();
        // A cluster that a header of the request names can be any.
        let names: Vec<&'t str> = text(action, "cluster").into_iter().chain(several).collect();
        if names.is_empty() {
            self.group(route.label.clone(), GroupKind::Client, route.near(), own, Vec::new());
            return;
        }
        let priority = text(action, "priority").unwrap_or(DEFAULT_PRIORITY);
        for &name in &names {
            let mut found = own.clone();
            if let Some(cluster) = self.clusters.get(name) {
                found.extend(cluster.settings(Protocol::Http(priority)));
            }
            self.called.insert(name);
            let label =
                if names.len() > 1 { format!("{} to {name}", route.label) } else { route.label.clone() };
            let targets = self.targets(name, None);
            self.group(label, GroupKind::Client, route.near(), found, targets);
        }
    }

    /// What ends a call by time.
    fn limits(&mut self, route: &Route<'t>) -> Vec<Setting> {
        let (action, near) = (route.action.value, route.near());
        let mut timeout = self.field(Some(action), &route.path, &settings::ROUTE_TIMEOUT, near);
        let stream = get(action, "max_stream_duration");
        let mut found = self.fields(stream, &route.path, &settings::STREAM_DURATION, near);
        // Of the timeout and the longest stream the shorter ends the call.
        if let Some(timeout) = &mut timeout
            && let Some(longest) = found.iter_mut().find(|setting| is_whole(setting))
        {
            let length = |setting: &Setting| setting.limit().unwrap_or(Limit::Never);
            let later = if length(longest) < length(timeout) { timeout } else { longest };
            later.knob = Knob::Other(Topic::Timeout);
        }
        found.splice(0..0, timeout);
        let ends = found.iter().any(|setting| is_whole(setting) && setting.length().is_some());
        if let Some(mut idle) = self.stream_idle(route, ends) {
            // It ends the call with all its attempts, so beside a limit of the call it bounds no attempt.
            if ends {
                idle.knob = Knob::Other(Topic::Timeout);
            }
            found.push(idle);
        }
        found
    }

    /// What ends a stream on which nothing happens: the route's own limit, else that of the
    /// connection manager. Its default is told where nothing else ends the call.
    fn stream_idle(&mut self, route: &Route<'t>, ends: bool) -> Option<Setting> {
        let action = route.action.value;
        if get(action, settings::ROUTE_IDLE.name).is_some() {
            return self.field(Some(action), &route.path, &settings::ROUTE_IDLE, route.near());
        }
        let manager = route.manager?;
        let [field, ..] = &settings::MANAGER;
        let setting = self.field(Some(manager), &route.path, field, route.near())?;
        (!ends || !setting.value.origin.is_default()).then_some(setting)
    }

    /// The retries: the route's own policy, else that of its virtual host, never both.
    fn retries(&mut self, route: &Route<'t>) -> Vec<Setting> {
        let own = entry(route.action.value, "retry_policy").map(|policy| (route.path.as_str(), policy));
        let host = || entry(route.host, "retry_policy").map(|policy| (route.outer.as_str(), policy));
        let Some((path, policy)) = own.or_else(host) else { return Vec::new() };
        let near = policy.key.span();
        let path = format!("{path}.retry_policy");
        let mut found = Vec::new();
        let conditions = get(policy.value, "retry_on").and_then(Node::scalar);
        let retries = self.field(Some(policy.value), &path, &settings::RETRIES, near);
        match conditions.filter(|conditions| !conditions.text().is_empty()) {
            Some(on) => {
                let value = Sourced::written(Value::Text(on.text().to_owned()), on.span());
                self.used.insert(on.span());
                found.push(Setting::new(format!("{path}.retry_on"), Knob::RetryOn, value));
                found.extend(retries);
            }
            // Without conditions nothing is retried, unless the request brings some.
            None => found.extend(retries.filter(|retries| !retries.value.origin.is_default()).map(
                |mut retries| {
                    let guess =
                        "that requests say in `x-envoy-retry-on` what is retried: the policy does not";
                    retries.assumptions.push(guess.to_owned());
                    retries
                },
            )),
        }
        found.extend(self.fields(Some(policy.value), &path, &settings::PER_TRY, near));
        if !found.is_empty() {
            found.extend(self.backoff(policy, &path));
        }
        found.extend(self.hedging(route));
        found
    }

    fn backoff(&mut self, policy: Entry<'t>, path: &str) -> Vec<Setting> {
        let near = policy.key.span();
        let held = get(policy.value, "retry_back_off");
        let path = format!("{path}.retry_back_off");
        let mut found = self.fields(held, &path, &settings::BACKOFF, near);
        let base = found.iter().find(|setting| setting.knob == Knob::BackoffBase);
        let has_max = held.is_some_and(|held| get(held, "max_interval").is_some());
        if let Some(base) = base.filter(|_| !has_max)
            && let Some(length) = base.length()
        {
            let longest = length.checked_mul(settings::BACKOFF_GROWTH).unwrap_or(Duration::MAX);
            let (of, version) = settings::BACKOFF_MAX;
            let origin = Origin::Default { near, of, version };
            let value = Sourced { value: Value::Time(Limit::After(longest)), origin };
            found.push(Setting::new(format!("{path}.max_interval"), Knob::BackoffMax, value));
        }
        found.push(settings::JITTER.setting(format!("{path}.jitter"), Knob::Jitter, near));
        found
    }

    /// Whether a second request is sent beside a slow first one.
    fn hedging(&mut self, route: &Route<'t>) -> Option<Setting> {
        let policy = get(route.action.value, "hedge_policy").or_else(|| get(route.host, "hedge_policy"))?;
        let value = get(policy, "hedge_on_per_try_timeout")?;
        let key = format!("{}.hedge_policy.hedge_on_per_try_timeout", route.path);
        let read = protobuf::setting(key, Knob::Other(Topic::Retry), Zero::Literal, value);
        self.take(value, read)
    }

    /// Whether connections of the route become tunnels: it upgrades to WebSocket.
    fn upgrades(&self, route: &Route<'t>) -> Option<Setting> {
        let upgrade = repeated(route.action.value, "upgrade_configs").find(|upgrade| {
            let is_socket =
                text(*upgrade, "upgrade_type").is_some_and(|kind| kind.eq_ignore_ascii_case("websocket"));
            is_socket && text(*upgrade, "enabled") != Some("false")
        })?;
        let at = get(upgrade, "upgrade_type").map_or(upgrade.span(), Node::span);
        let value = Sourced::written(Value::Flag(true), at);
        Some(Setting::new(format!("{}.upgrade_type", route.path), Knob::Upgrades, value))
    }
}

/// A route that passes requests on.
struct Route<'t> {
    path: String,
    /// The path of its virtual host.
    outer: String,
    label: String,
    host: Node<'t>,
    /// `route` and what is in it.
    action: Entry<'t>,
    /// The connection manager that uses the table, if it is known.
    manager: Option<Node<'t>>,
}

impl Route<'_> {
    /// Where absent fields are pointed at.
    fn near(&self) -> Span {
        self.action.key.span()
    }
}

/// Whether a setting ends the whole call.
fn is_whole(setting: &Setting) -> bool {
    setting.knob == Knob::Timeout(Covers::WholeCall)
}

/// Which requests a route takes, as an operator would name it.
fn matched(route: Node<'_>) -> String {
    let Some(matched) = get(route, "match") else { return "/".to_owned() };
    for field in ["prefix", "path", "path_separated_prefix"] {
        if let Some(path) = text(matched, field) {
            return path.to_owned();
        }
    }
    if let Some(regex) = at(matched, &["safe_regex", "regex"]).and_then(Node::text).or(text(matched, "regex"))
    {
        return format!("~ {regex}");
    }
    text(route, "name").unwrap_or("*").to_owned()
}
