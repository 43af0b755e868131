//! Who requests are passed on to: `*_pass` directives, groups of servers, variables.

use std::collections::BTreeMap;

use model::Span;
use text::Scalar;

use super::directives::Directive;
use super::scope::Scope;
use super::settings::{self, Default};
use crate::{Target, address};

/// More servers of one group, or values of one `map`, than this are left out: every location that
/// passes on to them would list them all.
const MOST_SERVERS: usize = 200;

/// A module that passes requests on.
pub(super) struct Pass {
    /// What its directives start with.
    pub(super) prefix: &'static str,
    directive: &'static str,
    limits: [(&'static str, Option<Default>); 3],
}

/// The modules, by prefix.
pub(super) static PASSES: [Pass; 6] = [
    Pass { prefix: "proxy", directive: "proxy_pass", limits: settings::PROXY },
    Pass { prefix: "fastcgi", directive: "fastcgi_pass", limits: settings::FASTCGI },
    Pass { prefix: "uwsgi", directive: "uwsgi_pass", limits: settings::UWSGI },
    Pass { prefix: "scgi", directive: "scgi_pass", limits: settings::SCGI },
    Pass { prefix: "grpc", directive: "grpc_pass", limits: settings::GRPC },
    Pass { prefix: "memcached", directive: "memcached_pass", limits: settings::MEMCACHED },
];

/// Whether connections to a group of servers stay open between requests.
pub(super) enum Kept {
    No,
    Yes,
    Assuming(&'static str),
}

impl Pass {
    pub(super) fn directive(&self) -> &'static str {
        self.directive
    }

    /// The scheme of an address that has none.
    pub(super) fn scheme(&self, stream: bool) -> &'static str {
        match (self.prefix, stream) {
            (_, true) => "tcp",
            ("proxy", _) => "http",
            (prefix, _) => prefix,
        }
    }

    /// The limits of its calls, without the prefix, and their defaults.
    pub(super) fn limits(&'static self, stream: bool) -> &'static [(&'static str, Option<Default>)] {
        if stream { &settings::STREAM } else { &self.limits }
    }

    /// Whether its protocol, as set up in a scope, can keep connections.
    pub(super) fn keeps_connections(&self, scope: &Scope<'_, '_, '_>) -> Kept {
        let value = |name| scope.find(name).and_then(|(_, found)| found.argument()).map(Scalar::text);
        match self.prefix {
            "grpc" | "memcached" => Kept::Yes,
            "fastcgi" if value("fastcgi_keep_conn") == Some("on") => Kept::Yes,
            "proxy" => match value("proxy_http_version") {
                Some("1.0") => Kept::No,
                Some(_) => Kept::Yes,
                // Before 1.29.7 the default was HTTP/1.0, which keeps no connection.
                None => Kept::Assuming("that NGINX is 1.29.7 or newer, which speaks HTTP/1.1 to servers"),
            },
            // uwsgi and SCGI have no notion of it (ngx_http_upstream_module, keepalive).
            _ => Kept::No,
        }
    }
}

/// A group of servers.
pub(super) struct Upstream<'d, 't> {
    pub(super) scope: Scope<'d, 't, 'd>,
    directive: &'d Directive<'t>,
}

impl<'d, 't> Upstream<'d, 't> {
    /// Where its name is written.
    pub(super) fn at(&self) -> Span {
        self.directive.at()
    }

    /// Its servers but those marked `down`.
    pub(super) fn servers(&self) -> impl Iterator<Item = &'d Directive<'t>> + use<'d, 't> {
        let server = |directive: &&Directive<'t>| {
            directive.name() == "server"
                && !directive.arguments.iter().any(|argument| argument.text() == "down")
        };
        self.scope.directives().iter().filter(server).take(MOST_SERVERS)
    }
}

/// All groups of servers, and the values that `map` gives variables.
pub(super) struct Upstreams<'d, 't> {
    /// By whether they are of `stream`, and by name.
    groups: BTreeMap<(bool, String), Upstream<'d, 't>>,
    /// By variable, without its `$`.
    maps: BTreeMap<&'t str, &'d [Directive<'t>]>,
}

/// What stands behind a `*_pass`.
#[derive(Default)]
pub(super) struct Behind<'u, 'd, 't> {
    pub(super) targets: Vec<Target>,
    /// The group of servers, if it is one.
    pub(super) group: Option<&'u Upstream<'d, 't>>,
}

impl<'d, 't> Upstreams<'d, 't> {
    pub(super) fn of(directives: &'d [Directive<'t>]) -> Self {
        let mut found = Self { groups: BTreeMap::new(), maps: BTreeMap::new() };
        found.collect(directives, false);
        found
    }

    fn collect(&mut self, directives: &'d [Directive<'t>], stream: bool) {
        for directive in directives {
            let Some(inside) = directive.block.as_deref() else { continue };
            match directive.name() {
                "http" => self.collect(inside, false),
                "stream" => self.collect(inside, true),
                "upstream" => {
                    let name = directive.words();
                    let path = format!("{}upstream[{name}]", if stream { "stream." } else { "" });
                    let scope = Scope::alone(path, directive, inside);
                    self.groups.insert((stream, name), Upstream { scope, directive });
                }
                "map" => {
                    if let [_, variable] = directive.arguments.as_slice()
                        && let Some(name) = variable.text().strip_prefix('$')
                    {
                        self.maps.insert(name, inside);
                    }
                }
                _ => {}
            }
        }
    }

    /// All groups of servers.
    pub(super) fn groups(&self) -> impl Iterator<Item = &Upstream<'d, 't>> {
        self.groups.values()
    }

    /// What a `*_pass` names: a group of servers, an address, or a variable that `set` or `map`
    /// gives one.
    pub(super) fn behind<'u>(
        &'u self,
        scope: &Scope<'d, 't, '_>,
        pass: &Directive<'t>,
        scheme: &str,
    ) -> Behind<'u, 'd, 't> {
        let Some(value) = pass.argument() else { return Behind::default() };
        let key = scope.key(pass);
        let Some(name) = variable(value.text()) else { return self.named(&key, value, scheme) };
        let scheme = value.text().split_once("://").map_or(scheme, |(scheme, _)| scheme);
        if let Some(set) = scope.variable(name) {
            return self.named(&key, set.arguments[1], scheme);
        }
        let mut all = Behind::default();
        for value in self.maps.get(name).copied().unwrap_or_default().iter().take(MOST_SERVERS) {
            let Some(address) = value.argument().filter(|_| value.name() != "hostnames") else { continue };
            let one = self.named(&key, address, scheme);
            for target in one.targets {
                if !all.targets.iter().any(|known| known.address == target.address) {
                    all.targets.push(target);
                }
            }
        }
        all
    }

    /// What `scheme://name:port/...` names, where the name is no variable.
    fn named<'u>(&'u self, key: &str, value: Scalar<'t>, scheme: &str) -> Behind<'u, 'd, 't> {
        let text = value.text();
        let (scheme, start) = match text.find("://") {
            Some(end) => (&text[..end], end + 3),
            None => (scheme, 0),
        };
        let end = text[start..].find(['/', '?', '$']).map_or(text.len(), |end| start + end);
        let name = &text[start..end];
        // A variable that goes on the host's name leaves it open: `http://auth-$zone`.
        let open = text[end..].starts_with('$') && !name.contains(':');
        if open || name.starts_with("unix:") {
            return Behind::default();
        }
        let Some(group) = self.groups.get(&(scheme == "tcp", name.to_owned())) else {
            let targets = address::host_at(key, value, start..end, scheme).into_iter().collect();
            return Behind { targets, group: None };
        };
        let mut targets = Vec::new();
        for server in group.servers() {
            let Some(value) = server.argument() else { continue };
            let key = group.scope.key(server);
            targets.extend(address::host_at(&key, value, 0..value.text().len(), scheme));
        }
        Behind { targets, group: Some(group) }
    }
}

/// The variable that stands where the host should: `$backend`, `http://$backend/x`.
fn variable(text: &str) -> Option<&str> {
    let host = text.split_once("://").map_or(text, |(_, host)| host);
    let name = host.strip_prefix('$')?;
    let name = name.strip_prefix('{').and_then(|name| name.split_once('}')).map_or(name, |(name, _)| name);
    Some(name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or(name))
}
