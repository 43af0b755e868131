//! A listener: what limits clients, and which filters pass on to whom.

use std::collections::{BTreeMap, BTreeSet};

use model::{GroupKind, Setting};
use text::{Node, Span};

use super::cluster::Protocol;
use super::resources::Resources;
use super::{Reader, message, settings};
use crate::protobuf::{at, entry, get, repeated, text};

impl<'t> Reader<'t, '_> {
    /// Reads all listeners, and the route tables that none of them holds.
    pub(super) fn listeners(&mut self, resources: &Resources<'t>) {
        let named = resources.tables.iter().filter_map(|table| Some((text(*table, "name")?, *table)));
        let tables: BTreeMap<&str, Node<'t>> = named.collect();
        let mut taken: BTreeSet<Span> = BTreeSet::new();
        for &listener in &resources.listeners {
            let name = name(listener);
            let path = self.path(match &name {
                Some(name) => format!("listener[{name}]"),
                None => "listener".to_owned(),
            });
            let label = name.map_or_else(|| "listener".to_owned(), |name| format!("listener {name}"));
            let chains = repeated(listener, "filter_chains").chain(get(listener, "default_filter_chain"));
            for chain in chains {
                for filter in repeated(chain, "filters") {
                    let Some((kind, config)) = message(filter) else { continue };
                    let near = near(filter);
                    match kind {
                        "HttpConnectionManager" | "http_connection_manager" => {
                            self.manager(&path, &label, near, [listener, chain, config]);
                            let name = at(config, &["rds", "route_config_name"]).and_then(Node::text);
                            let discovered = || tables.get(name?).copied();
                            if let Some(table) = get(config, "route_config").or_else(discovered) {
                                taken.insert(table.span());
                                self.table(table, Some(config));
                            }
                        }
                        "TcpProxy" | "tcp_proxy" => self.tcp(&path, &label, near, config),
                        "RedisProxy" | "redis_proxy" => self.redis(&path, &label, near, config),
                        _ => {}
                    }
                }
            }
        }
        for &table in &resources.tables {
            if !taken.contains(&table.span()) {
                self.table(table, None);
            }
        }
    }

    /// Towards clients. `around` are the listener, the filter chain and the manager.
    fn manager(&mut self, path: &str, label: &str, near: Span, around: [Node<'t>; 3]) {
        let [listener, chain, config] = around;
        let path = self.path(format!("{path}.http"));
        let mut found = self.fields(Some(config), &path, &settings::MANAGER, near);
        let common = get(config, "common_http_protocol_options");
        let at_common = entry(config, "common_http_protocol_options").map_or(near, |entry| entry.key.span());
        found.extend(self.fields(
            common,
            &format!("{path}.common_http_protocol_options"),
            &settings::DOWNSTREAM,
            at_common,
        ));
        let ping = at(config, &["http2_protocol_options", "connection_keepalive"]);
        if ping.is_some() {
            let path = format!("{path}.connection_keepalive");
            found.extend(self.fields(ping, &path, &settings::PING, near));
        }
        found.extend(self.fields(Some(listener), &path, &settings::LISTENER, near));
        found.extend(self.fields(Some(chain), &path, &settings::CHAIN, near));
        self.group(label.to_owned(), GroupKind::Server, near, found, Vec::new());
    }

    /// Connections passed on as they are.
    fn tcp(&mut self, path: &str, label: &str, near: Span, config: Node<'t>) {
        let path = self.path(format!("{path}.tcp_proxy"));
        let own = self.fields(Some(config), &path, &settings::TCP, near);
        let weighted = get(config, "weighted_clusters").into_iter().flat_map(|all| repeated(all, "clusters"));
        let several = weighted.filter_map(|one| text(one, "name"));
        let names = text(config, "cluster").into_iter().chain(several).collect();
        self.passed_on(label, near, &own, names, "tcp");
    }

    /// Commands passed on to Redis.
    fn redis(&mut self, path: &str, label: &str, near: Span, config: Node<'t>) {
        let path = self.path(format!("{path}.redis_proxy"));
        let own = self.fields(get(config, "settings"), &path, &settings::REDIS, near);
        let routes = get(config, "prefix_routes");
        let all = routes
            .into_iter()
            .flat_map(|routes| repeated(routes, "routes").chain(get(routes, "catch_all_route")));
        let mut names: Vec<&'t str> = all.filter_map(|route| text(route, "cluster")).collect();
        names.sort_unstable();
        names.dedup();
        self.passed_on(label, near, &own, names, "redis");
    }

    /// One group for each cluster that a filter passes on to.
    fn passed_on(&mut self, label: &str, near: Span, own: &[Setting], clusters: Vec<&'t str>, scheme: &str) {
        for name in clusters {
            let mut found = own.to_vec();
            if let Some(cluster) = self.clusters.get(name) {
                found.extend(cluster.settings(Protocol::Tcp));
            }
            self.called.insert(name);
            let targets = self.targets(name, Some(scheme));
            self.group(format!("{label} to {name}"), GroupKind::Client, near, found, targets);
        }
    }
}

/// How an operator tells a listener from others: its name, else its port.
fn name(listener: Node<'_>) -> Option<String> {
    let port = || {
        let port = at(listener, &["address", "socket_address", "port_value"])?.text()?;
        port.bytes().all(|b| b.is_ascii_digit()).then_some(port)
    };
    text(listener, "name").or_else(port).map(str::to_owned)
}

/// Where absent fields of a filter are pointed at.
fn near(filter: Node<'_>) -> Span {
    let config = entry(filter, "typed_config").or_else(|| entry(filter, "config"));
    get(filter, "name").map(Node::span).or(config.map(|config| config.key.span())).unwrap_or(filter.span())
}
