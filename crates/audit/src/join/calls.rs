//! Who calls whom: every address in a group of settings is a call of the group's owner, if it
//! leads to a service of the same environment and territory, or to a data store by its scheme.
//! Declared calls correct what was derived.

use std::collections::{BTreeMap, BTreeSet};

use model::{Call, GroupId, Origin, ServiceId, Span};
use readers::{ComponentKind, Owner, Target};

use super::arena::Arena;
use super::governing::Governing;
use super::ownership::{Owned, OwnedGroup};
use super::services::Services;
use super::{Part, declared};
use crate::config::Config;

/// A call in the making: caller, callee, and where the address stands.
pub(crate) type Key = (usize, usize, Option<Span>);

/// What is known of a call in the making.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) groups: BTreeSet<GroupId>,
    /// Of them those that its address stands in.
    own: BTreeSet<GroupId>,
    assumptions: BTreeSet<String>,
    passes_deadline: bool,
    idempotent: Option<bool>,
    pub(crate) has_settings: bool,
    /// Its address is the name of a client's own settings, and may say no more than another one's way does.
    is_of_client: bool,
}

/// The calls of one environment, with service numbers as in `services`.
pub(crate) fn calls(
    environment: &str,
    parts: &[Part<'_>],
    owned: &mut Owned,
    config: &Config,
    services: &mut Services,
    arena: &mut Arena,
    met: &mut declared::Met,
) -> Vec<Call> {
    let mut drafts: BTreeMap<Key, Draft> = BTreeMap::new();
    let mut governing = Governing::new(parts, &owned.groups);
    let policies = Policies::new(parts, owned);
    for group in &owned.groups {
        derive(parts, group, services, &policies, arena, &mut governing, &mut drafts);
        declared::give(parts, group, services, arena, &mut drafts, met);
    }
    for ((from, _, at), draft) in &mut drafts {
        if let Some(place) = at.and_then(|at| owned.shared.get(&at.file)) {
            let name = &services.get(*from).name;
            draft.assumptions.insert(format!("that {name} calls what `{place}` says for several services"));
        }
    }
    owned.in_calls = governing.used;
    let mut calls = fold(drafts);
    declared::correct(config, services, &mut calls, met);
    declared::platforms(config, services, arena, &mut calls);
    declared::observe(environment, config, services, &mut calls, met);
    calls
}

/// How a group's calls travel in a mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hop {
    /// They leave a workload, and pass the routes that stand in their way.
    Plain,
    /// They leave a proxy of the mesh: a route or a gateway, which has decided already. The settings that
    /// the mesh gives to the host hold.
    Proxied,
    /// They leave something at the edge that no mesh is known to be around.
    Edge,
    /// It is the settings that a mesh gives to a host.
    Policy,
}

impl Hop {
    fn of(group: &readers::Group, part: &Part<'_>) -> Self {
        let Owner::Component(component) = group.owner else { return Self::Plain };
        match part.fragment.components[component].kind {
            ComponentKind::Route { decides: true, .. } | ComponentKind::Gateway { of_mesh: true } => {
                Self::Proxied
            }
            ComponentKind::Route { decides: false, .. } => Self::Policy,
            ComponentKind::Gateway { of_mesh: false } => Self::Edge,
            _ => Self::Plain,
        }
    }
}

/// Settings that a mesh gives to all calls of a host, by territory and host.
struct Policies<'a> {
    by_host: BTreeMap<(&'a str, &'a str), Vec<&'a OwnedGroup>>,
}

impl<'a> Policies<'a> {
    fn new(parts: &'a [Part<'_>], owned: &'a Owned) -> Self {
        let mut by_host: BTreeMap<(&str, &str), Vec<&OwnedGroup>> = BTreeMap::new();
        for group in &owned.groups {
            let part = &parts[group.part];
            let written = &part.fragment.groups[group.group];
            if Hop::of(written, part) == Hop::Policy {
                for (target, _) in group.targets.iter().map(|at| at.get(parts)) {
                    for name in names(target) {
                        by_host.entry((&part.territory, name)).or_default().push(group);
                    }
                }
            }
        }
        Self { by_host }
    }

    /// The groups that hold for calls to a target.
    fn of(&self, target: &Target, territory: &str) -> Vec<GroupId> {
        let found = names(target).into_iter().find_map(|name| self.by_host.get(&(territory, name)));
        found.into_iter().flatten().map(|group| group.id).collect()
    }
}

/// The names to look a target up by.
fn names(target: &Target) -> Vec<&str> {
    match target.names.is_empty() {
        true => vec![&target.address.host],
        false => target.names.iter().map(String::as_str).collect(),
    }
}

/// Calls by the addresses of a group.
fn derive(
    parts: &[Part<'_>],
    group: &OwnedGroup,
    services: &mut Services,
    policies: &Policies<'_>,
    arena: &mut Arena,
    governing: &mut Governing<'_>,
    drafts: &mut BTreeMap<Key, Draft>,
) {
    let Some(from) = group.service else { return };
    // Names lead where they do for whoever uses them, wherever the file that they stand in lies.
    let territory = services.get(from).territory.clone();
    let hop = Hop::of(&parts[group.part].fragment.groups[group.group], &parts[group.part]);
    if hop == Hop::Policy && services.decides(from) {
        return;
    }
    for &at in &group.targets {
        let (target, written) = at.get(parts);
        let part = &parts[at.part];
        let (known, guess) = match callee(part, &territory, target, written, services) {
            Some(Callee::Known(service)) => (Some(service), None),
            Some(Callee::Around(service)) => {
                let (host, place) = (&target.address.host, &services.get(service).place);
                (Some(service), Some(format!("that `{host}` is the one of `{place}`")))
            }
            Some(Callee::External) => (None, None),
            None => continue,
        };
        let route = (hop == Hop::Plain && services.get(from).sidecar != Some(false))
            .then(|| services.route_to(&names(target), known, &part.territory))
            .flatten()
            .filter(|_| known != Some(from));
        let to = route.or(known).unwrap_or_else(|| {
            let origin = Origin::Written(target.span);
            let place = &part.place.place;
            services.add_implicit(target.address.host.clone(), origin, place, &territory, true)
        });
        if from == to {
            continue;
        }
        let draft = drafts.entry((from, to, Some(target.span))).or_default();
        draft.groups.insert(group.id);
        draft.own.insert(group.id);
        if hop == Hop::Proxied {
            draft.groups.extend(policies.of(target, &part.territory));
        }
        draft.is_of_client = written.governs.is_some();
        draft.groups.extend(governing.of(from, group.id, target, at.layer(parts), arena));
        draft.assumptions.extend(target.assumptions.iter().cloned().chain(guess));
        if route.is_some() && services.get(from).sidecar.is_none() {
            let host = &target.address.host;
            draft.assumptions.insert(format!("that calls to `{host}` pass the mesh's proxy"));
        }
        draft.passes_deadline |= written.passes_deadline;
        draft.idempotent = draft.idempotent.or(written.idempotent);
        draft.has_settings |= draft.groups.iter().any(|id| !arena.groups[id.0 as usize].settings.is_empty());
    }
}

/// Where a target leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Callee {
    /// To a service whose configuration was read, or that is declared.
    Known(usize),
    /// To the only service of this name, of a deployment around the caller's or within it.
    Around(usize),
    /// To something of which only the address is known.
    External,
}

/// Where a target of a group leads for what runs in a territory; `None` where it is no call that we know of.
pub(crate) fn callee(
    part: &Part<'_>,
    territory: &str,
    target: &Target,
    group: &readers::Group,
    services: &Services,
) -> Option<Callee> {
    let address = &target.address;
    let found = |territory| services.resolve_any(&names(target), address.port, &part.place.place, territory);
    if let Some(service) = found(territory).or_else(|| found(&part.territory)) {
        return Some(Callee::Known(service));
    }
    let is_configured = address.scheme.is_some() && !group.settings.is_empty();
    let is_call = address.is_store() || is_configured || part.fragment.forwards;
    (is_call && !is_this_machine(&address.host))
        .then(|| services.around(&names(target), territory).map_or(Callee::External, Callee::Around))
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
    let said_elsewhere: BTreeSet<Key> = drafts
        .iter()
        .filter(|&(key, draft)| {
            let others = drafts
                .range((key.0, key.1, None)..)
                .take_while(|(other, _)| other.0 == key.0 && other.1 == key.1);
            let mut others = others.filter(|(other, _)| *other != key);
            draft.is_of_client && others.any(|(_, other)| other.groups.is_superset(&draft.own))
        })
        .map(|(key, _)| *key)
        .collect();
    let mut seen = BTreeSet::new();
    let mut calls = Vec::new();
    for ((from, to, span), draft) in drafts {
        if !draft.has_settings && with_settings.contains(&(from, to))
            || said_elsewhere.contains(&(from, to, span))
        {
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
