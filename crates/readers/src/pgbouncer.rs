//! PgBouncer: what it limits for its clients, and the pool with which it calls each database.

use std::collections::BTreeSet;

use model::{Covers, GroupKind, Knob, Limit, Origin, Setting, Span, TimeUnit, Topic, Value};
use text::{Entry, Node, NodeKind, Scalar, Syntax, Tree};

use crate::{
    Context, Dialect, Fragment, Group, Ignored, Meaning, Owner, Reason, Target, Zero, address, setting,
};

/// The dialect.
pub(crate) static PGBOUNCER: Dialect =
    Dialect { name: "pgbouncer", docs: include_str!("pgbouncer.md"), speaks, read };

const CONFIG: &str = "all versions, PgBouncer doc/config.md";

fn speaks(context: &Context<'_>, tree: &Tree<'_>) -> bool {
    let path = context.source.path();
    let is_named = path.rsplit('/').next().is_some_and(|name| name.starts_with("pgbouncer"));
    let has = |section| find(tree, section).is_some();
    tree.syntax() == Syntax::Ini && (has("pgbouncer") || is_named && has("databases"))
}

fn find<'t>(tree: &'t Tree<'_>, section: &str) -> Option<Entry<'t>> {
    let section = tree.documents().find_map(|root| root.entry(section))?;
    (section.value.kind() == NodeKind::Map).then_some(section)
}

fn read(_: &Context<'_>, tree: &Tree<'_>, fragment: &mut Fragment) {
    let own = find(tree, "pgbouncer");
    let mut reader = Reader { own, said: BTreeSet::new(), fragment };
    if let Some(own) = own {
        reader.clients(own);
    }
    for entry in find(tree, "databases").into_iter().flat_map(|section| section.value.entries()) {
        if let Some(value) = entry.value.scalar() {
            reader.database(entry.key.text(), entry.key.span().to(value.span()), value);
        }
    }
    fragment.forwards = true;
}

/// What a key of `[pgbouncer]`, or a parameter of a database, controls. Lengths of time are seconds.
fn meaning(key: &str) -> Option<Meaning> {
    let seconds = |knob, zero| Some(Meaning { knob, bare: Some(TimeUnit::Seconds), zero, elsewhere: None });
    let limit = |covers| seconds(Knob::Timeout(covers), Zero::Never);
    let count = |knob| Some(Meaning { knob, bare: None, zero: Zero::Literal, elsewhere: None });
    match key {
        "query_wait_timeout" => limit(Covers::PoolWait),
        "query_timeout" => limit(Covers::Statement),
        "server_connect_timeout" => limit(Covers::Connect),
        "server_idle_timeout" | "client_idle_timeout" => limit(Covers::Idle),
        // 0: each connection is used once.
        "server_lifetime" => seconds(Knob::Timeout(Covers::Lifetime), Zero::Literal),
        "pool_size" | "default_pool_size" => count(Knob::PoolSize),
        "min_pool_size" => count(Knob::PoolFloor),
        "max_client_conn" => count(Knob::ConnectionLimit),
        "reserve_pool" | "reserve_pool_size" | "max_db_connections" | "max_user_connections" => {
            count(Knob::Other(Topic::Pool))
        }
        "max_db_client_connections" | "max_user_client_connections" => count(Knob::Other(Topic::Pool)),
        "server_login_retry" => seconds(Knob::Other(Topic::Retry), Zero::Literal),
        "reserve_pool_timeout" => seconds(Knob::Other(Topic::Timeout), Zero::Never),
        "tcp_user_timeout" => Some(Meaning {
            knob: Knob::Other(Topic::Timeout),
            bare: Some(TimeUnit::Milliseconds),
            zero: Zero::Never,
            elsewhere: Some(TimeUnit::Seconds),
        }),
        "tcp_keepidle" | "tcp_keepintvl" => seconds(Knob::Interval, Zero::Literal),
        _ if key.ends_with("_timeout") => seconds(Knob::Other(Topic::Timeout), Zero::Never),
        _ => None,
    }
}

/// What holds where a key of `[pgbouncer]` is absent, as far as rules ask for it.
fn default(key: &str) -> Option<(&'static str, Value)> {
    let seconds = |count| Value::Time(Limit::After(TimeUnit::Seconds.times(count)));
    Some(match key {
        "max_client_conn" => ("PgBouncer max_client_conn", Value::Count(100)),
        "default_pool_size" => ("PgBouncer default_pool_size", Value::Count(20)),
        "query_wait_timeout" => ("PgBouncer query_wait_timeout", seconds(120.0)),
        "server_connect_timeout" => ("PgBouncer server_connect_timeout", seconds(15.0)),
        "server_idle_timeout" => ("PgBouncer server_idle_timeout", seconds(600.0)),
        "server_lifetime" => ("PgBouncer server_lifetime", seconds(3600.0)),
        "client_idle_timeout" => ("PgBouncer client_idle_timeout", Value::Time(Limit::Never)),
        _ => return None,
    })
}

/// Keys that bound what clients do.
const CLIENTS: [&str; 3] = ["max_client_conn", "client_idle_timeout", "query_timeout"];
/// Keys that hold for the pool of each database, unless it has its own.
const POOLS: [&str; 6] = [
    "query_wait_timeout",
    "query_timeout",
    "server_connect_timeout",
    "server_idle_timeout",
    "server_lifetime",
    "min_pool_size",
];

struct Reader<'t, 'f> {
    /// The section `[pgbouncer]`.
    own: Option<Entry<'t>>,
    /// Where values stand that were found to be none.
    said: BTreeSet<Span>,
    fragment: &'f mut Fragment,
}

impl<'t> Reader<'t, '_> {
    /// What clients meet; and what stands in `[pgbouncer]` and belongs to no pool.
    fn clients(&mut self, own: Entry<'t>) {
        let mut settings: Vec<Setting> = CLIENTS.iter().filter_map(|key| self.in_effect(key)).collect();
        for entry in own.value.entries() {
            let key = entry.key.text();
            let taken = CLIENTS.contains(&key) || POOLS.contains(&key) || key == "default_pool_size";
            if let Some(value) = entry.value.scalar().filter(|_| !taken) {
                settings.extend(self.written(format!("pgbouncer.{key}"), key, value));
            }
        }
        self.push("[pgbouncer]".to_owned(), GroupKind::Server, own.key.span(), settings, Vec::new());
    }

    /// One database: `name = host=... port=... pool_size=...`.
    fn database(&mut self, name: &str, at: Span, value: Scalar<'t>) {
        let parameters = Parameter::all(value);
        let find = |name: &str| parameters.iter().rev().find(|parameter| parameter.name == name);
        let own = |key: &str| format!("databases[{name}].{key}");
        let mut settings = Vec::new();
        settings.extend(self.pool_size(name, &parameters));
        for key in POOLS {
            // -1 says that the database has none of its own.
            match find(key).filter(|parameter| parameter.text() != "-1") {
                Some(parameter) => {
                    let piece = parameter.value.scalar();
                    settings.extend(piece.and_then(|value| self.written(own(key), key, value)));
                }
                None => settings.extend(self.in_effect(key)),
            }
        }
        for key in ["reserve_pool", "reserve_pool_size", "max_db_connections", "max_db_client_connections"] {
            let piece = find(key).and_then(|parameter| parameter.value.scalar());
            settings.extend(piece.and_then(|value| self.written(own(key), key, value)));
        }
        let port = find("port").and_then(|port| port.text().parse().ok());
        let mut targets = Vec::new();
        if let Some(hosts) = find("host") {
            let hosts_at = hosts.range.clone();
            let mut from = hosts_at.start;
            for host in value.text()[hosts_at].split(',') {
                let range = from..from + host.len();
                from = range.end + 1;
                // A path or a name in the abstract namespace is a socket.
                if host.starts_with(['/', '@']) {
                    continue;
                }
                if host.contains(['$', '{', '%']) {
                    let (key, span) = (own("host"), value.part(range));
                    self.fragment.ignored.push(Ignored { key, span, reason: Reason::Reference });
                    continue;
                }
                if let Some(mut target) = address::host_at(&own("host"), value, range, "postgresql") {
                    target.address.port = target.address.port.or(port);
                    targets.push(target);
                }
            }
        }
        self.push(format!("database {name}"), GroupKind::Client, at, settings, targets);
    }

    /// How many connections the pool of one user has; never more than all pools of the database.
    fn pool_size(&mut self, name: &str, parameters: &[Parameter]) -> Option<Setting> {
        let own = parameters.iter().rev().find(|parameter| parameter.name == "pool_size");
        match own.and_then(|parameter| parameter.value.scalar()) {
            Some(value) => self.written(format!("databases[{name}].pool_size"), "pool_size", value),
            None => self.in_effect("default_pool_size"),
        }
    }

    /// The setting of a key of `[pgbouncer]`: as written, else its default.
    fn in_effect(&mut self, key: &str) -> Option<Setting> {
        let own = self.own?;
        let path = format!("pgbouncer.{key}");
        match own.value.get(key).and_then(Node::scalar) {
            Some(value) => self.written(path, key, value),
            None => {
                let (of, value) = default(key)?;
                let origin = Origin::Default { near: own.key.span(), of, version: CONFIG };
                Some(setting::stated(path, meaning(key)?.knob, value, origin))
            }
        }
    }

    fn written(&mut self, path: String, key: &str, value: Scalar<'_>) -> Option<Setting> {
        match setting::documented(path.clone(), &meaning(key)?, value) {
            Ok(setting) => Some(setting),
            Err(reason) => {
                // A key of `[pgbouncer]` is asked for by every database.
                if self.said.insert(value.span()) {
                    self.fragment.ignored.push(Ignored { key: path, span: value.span(), reason });
                }
                None
            }
        }
    }

    fn push(
        &mut self,
        label: String,
        kind: GroupKind,
        at: Span,
        settings: Vec<Setting>,
        targets: Vec<Target>,
    ) {
        if settings.is_empty() && targets.is_empty() {
            return;
        }
        self.fragment.groups.push(Group { settings, targets, ..Group::new(label, kind, Owner::File, at) });
    }
}

/// One `name=value` of a connection string. A value in `'` quotes is never one of ours.
struct Parameter {
    name: String,
    /// Where the value stands in the string.
    range: std::ops::Range<usize>,
    value: Tree<'static>,
}

impl Parameter {
    fn all(string: Scalar<'_>) -> Vec<Self> {
        let text = string.text();
        let mut parameters = Vec::new();
        let mut at = 0;
        while let Some(sign) = text[at..].find('=').map(|i| at + i) {
            let name = text[at..sign].trim();
            let rest = &text[sign + 1..];
            let blanks = rest.len() - rest.trim_start().len();
            let start = sign + 1 + blanks;
            let (from, end) = match text[start..].strip_prefix('\'') {
                Some(inside) => (start + 1, start + 1 + inside.find('\'').unwrap_or(inside.len())),
                None => {
                    let length = text[start..].find(char::is_whitespace).unwrap_or(text.len() - start);
                    (start, start + length)
                }
            };
            let name = name.rsplit(char::is_whitespace).next().unwrap_or(name).trim_start_matches('\'');
            parameters.push(Self { name: name.to_owned(), range: from..end, value: string.piece(from..end) });
            at = end;
        }
        parameters
    }

    fn text(&self) -> &str {
        self.value.scalar().map_or("", Scalar::text)
    }
}
