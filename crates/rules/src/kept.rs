//! How long the two ends of a call keep a connection that nobody uses: what the rules about races of
//! idle connections compare. Holds no distances, those are the rules'.

use std::time::Duration;

use model::{CallView, Covers, GroupKind, Knob, Limit, Setting};

/// What makes a client give up a connection that it does not use.
#[derive(Clone, Copy)]
pub(crate) struct Kept<'f> {
    /// The setting that decides.
    pub(crate) setting: &'f Setting,
    /// How long.
    pub(crate) limit: Limit,
    /// Whether it looks at the connection's age, used or not, and not at the time without use.
    pub(crate) by_age: bool,
}

impl<'f> Kept<'f> {
    /// What decides for the client of a call; `None` where nothing is known. A connection is never
    /// idle for longer than it is old, so of both limits the shorter decides.
    pub(crate) fn by_client(call: CallView<'f>) -> Option<Self> {
        let by_age = call.limit(Covers::Lifetime).map(|(s, l)| Self { setting: s, limit: l, by_age: true });
        let idle = call.limit(Covers::Idle).map(|(s, l)| Self { setting: s, limit: l, by_age: false });
        let never = idle.is_some_and(|idle| idle.limit == Limit::Never);
        match (idle, by_age) {
            (Some(_), by_age) if keeps_all(call).is_some() => by_age,
            (_, Some(by_age)) if never => Some(by_age),
            (Some(idle), Some(by_age)) if by_age.limit < idle.limit => Some(by_age),
            (Some(idle), _) => Some(idle),
            (None, by_age) => by_age,
        }
    }

    /// Whether the client's limit ends before the server's, by `margin` at least.
    pub(crate) fn ends_before(&self, server: Duration, margin: Duration) -> bool {
        let server = Limit::After(server);
        self.limit < server && self.limit.then(Limit::After(margin)) <= server
    }
}

/// The idle limit of the callee's server.
pub(crate) fn by_server(call: CallView<'_>) -> Option<(&Setting, Limit)> {
    let groups = call.to().groups().filter(|group| group.group().kind == GroupKind::Server);
    groups.filter_map(|group| group.limit(Covers::Idle)).min_by_key(|&(_, limit)| limit)
}

/// What is missing where it is not known how long a service keeps idle connections.
pub(crate) fn unknown(service: &str) -> String {
    format!("how long `{service}` keeps idle connections; {DECLARE}")
}

/// How a limit whose key is not known is made known.
pub(crate) const DECLARE: &str = "declare its key with [[setting]] controls = \"timeout\", covers = \"idle\"";

/// Whether a client's pings keep the server from seeing an idle connection at all.
pub(crate) fn pinged_within(call: CallView<'_>, server: Duration) -> bool {
    let ping = call.knob(Knob::PingInterval).and_then(Setting::length);
    ping.is_some_and(|every| !every.is_zero() && every < server)
}

/// The pool's floor where it is its size as well: then no connection is ever closed for being idle.
pub(crate) fn keeps_all(call: CallView<'_>) -> Option<&Setting> {
    let floor = call.knob(Knob::PoolFloor)?;
    let size = call.knob(Knob::PoolSize)?;
    (floor.count()? >= size.count()?).then_some(floor)
}
