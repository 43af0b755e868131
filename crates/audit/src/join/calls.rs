//! Who calls whom: every address in a group of settings is a call of the group's owner, if it
//! leads to a service of the same environment and territory, or to a data store by its scheme.
//! Declared calls correct what was derived.

use std::collections::{BTreeMap, BTreeSet};

use model::{Call, GroupId, Origin, ServiceId, Span};
use readers::Target;

use super::arena::Arena;
use super::ownership::{Owned, OwnedGroup};
use super::services::Services;
use super::{Part, declared};
use crate::config::Config;

/// Schemes of data stores and brokers: an address with one of them is called, whoever it is.
const STORES: &[&str] = &[
    "amqp",
    "amqps",
    "cassandra",
    "kafka",
    "ldap",
    "ldaps",
    "mariadb",
    "memcached",
    "mongodb",
    "mongodb+srv",
    "mysql",
    "nats",
    "oracle",
    "postgres",
    "postgresql",
    "redis",
    "rediss",
    "sqlserver",
];

/// A call in the making: caller, callee, and where the address stands.
pub(crate) type Key = (usize, usize, Option<Span>);

/// What is known of a call in the making.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) groups: BTreeSet<GroupId>,
    assumptions: BTreeSet<String>,
    passes_deadline: bool,
    idempotent: Option<bool>,
    pub(crate) has_settings: bool,
}

/// The calls of one environment, with service numbers as in `services`.
pub(crate) fn calls(
    environment: &str,
    parts: &[Part<'_>],
    owned: &Owned,
    config: &Config,
    services: &mut Services,
    arena: &mut Arena,
    met: &mut declared::Met,
) -> Vec<Call> {
    let mut drafts: BTreeMap<Key, Draft> = BTreeMap::new();
    for group in &owned.groups {
        derive(parts, group, services, arena, &mut drafts);
        declared::give(parts, group, services, arena, &mut drafts, met);
    }
    let mut calls = fold(drafts);
    declared::correct(config, services, &mut calls, met);
    declared::platforms(config, services, arena, &mut calls);
    declared::observe(environment, config, services, &mut calls, met);
    calls
}

/// Calls by the addresses of a group.
fn derive(
    parts: &[Part<'_>],
    group: &OwnedGroup,
    services: &mut Services,
    arena: &Arena,
    drafts: &mut BTreeMap<Key, Draft>,
) {
    let Some(from) = group.service else { return };
    let part = &parts[group.part];
    let written = &part.fragment.groups[group.group];
    for target in group.targets.iter().map(|&index| &written.targets[index]) {
        let to = match callee(part, target, written, services) {
            Some(Callee::Known(service)) => service,
            Some(Callee::External) => {
                let origin = Origin::Written(target.span);
                let (place, territory) = (&part.place.place, &part.territory);
                services.add_implicit(target.address.host.clone(), origin, place, territory, true)
            }
            None => continue,
        };
        if from == to {
            continue;
        }
        let draft = drafts.entry((from, to, Some(target.span))).or_default();
        draft.groups.insert(group.id);
        draft.assumptions.extend(target.assumptions.iter().cloned());
        draft.passes_deadline |= written.passes_deadline;
        draft.idempotent = draft.idempotent.or(written.idempotent);
        draft.has_settings |= !arena.groups[group.id.0 as usize].settings.is_empty();
    }
}

/// Where a target leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Callee {
    /// To a service whose configuration was read, or that is declared.
    Known(usize),
    /// To something of which only the address is known.
    External,
}

/// Where a target of a group leads; `None` where it is no call that we know of.
pub(crate) fn callee(
    part: &Part<'_>,
    target: &Target,
    group: &readers::Group,
    services: &Services,
) -> Option<Callee> {
    let address = &target.address;
    let found = services.resolve(&address.host, address.port, &part.place.place, &part.territory);
    if let Some(service) = found {
        return Some(Callee::Known(service));
    }
    let is_store = address.scheme.as_deref().is_some_and(|scheme| STORES.contains(&scheme));
    let is_configured = address.scheme.is_some() && !group.settings.is_empty();
    let is_call = is_store || is_configured || part.fragment.forwards;
    (is_call && !is_this_machine(&address.host)).then_some(Callee::External)
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host == "::1" || host == "0.0.0.0" || host.starts_with("127.")
}

/// Drafts to calls: addresses written several times with the same settings are one call, and an
/// address without settings says nothing where another one has them.
fn fold(drafts: BTreeMap<Key, Draft>) -> Vec<Call> {
    let with_settings: BTreeSet<(usize, usize)> = drafts
        .iter()
        .filter(|(_, draft)| draft.has_settings)
        .map(|((from, to, _), _)| (*from, *to))
        .collect();
    let mut seen = BTreeSet::new();
    let mut calls = Vec::new();
    for ((from, to, span), draft) in drafts {
        if !draft.has_settings && with_settings.contains(&(from, to)) {
            continue;
        }
        let identity = if draft.has_settings { Some(draft.groups.clone()) } else { None };
        if !seen.insert((from, to, identity)) {
            continue;
        }
        let origin = span.map_or_else(|| Origin::Derived(Vec::new()), Origin::Written);
        calls.push(Call {
            from: ServiceId(from as u32),
            to: ServiceId(to as u32),
            origin,
            groups: draft.groups.into_iter().collect(),
            passes_deadline: draft.passes_deadline,
            idempotent: draft.idempotent,
            per_request: 1,
            latency: None,
            assumptions: draft.assumptions.into_iter().collect(),
        });
    }
    calls
}
