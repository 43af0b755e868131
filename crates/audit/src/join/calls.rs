//! Who calls whom: every address in a group of settings is a call of the group's owner, if it
//! leads to a service of the same environment and territory, or to a data store by its scheme.
//! Declared calls correct what was derived.

use std::collections::{BTreeMap, BTreeSet};

use model::{Call, GroupId, NotEvaluated, Origin, ServiceId, Sourced, Span, Subject};
use readers::Target;

use super::Part;
use super::arena::Arena;
use super::ownership::{Owned, OwnedGroup};
use super::services::Services;
use crate::config::{Config, Measurement};

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

/// File names and directories that say nothing about whose configuration they hold.
const NAMELESS: &[&str] = &[
    "app",
    "application",
    "appsettings",
    "base",
    "bootstrap",
    "conf",
    "config",
    "configs",
    "configuration",
    "default",
    "defaults",
    "deploy",
    "env",
    "etc",
    "index",
    "local",
    "main",
    "resources",
    "settings",
    "src",
    "templates",
    "values",
];

/// A call in the making: caller, callee, and where the address stands.
type Key = (usize, usize, Option<Span>);

#[derive(Debug, Default)]
struct Draft {
    groups: BTreeSet<GroupId>,
    assumptions: BTreeSet<String>,
    passes_deadline: bool,
    idempotent: Option<bool>,
    has_settings: bool,
}

/// The calls of one environment, with service numbers as in `services`.
pub(crate) fn calls(
    environment: &str,
    parts: &[Part<'_>],
    owned: &Owned,
    config: &Config,
    services: &mut Services,
    arena: &mut Arena,
    unmet: &mut Vec<NotEvaluated>,
) -> Vec<Call> {
    let mut drafts: BTreeMap<Key, Draft> = BTreeMap::new();
    for group in &owned.groups {
        derive(parts, group, services, arena, &mut drafts);
        give_declared(parts, group, services, arena, &mut drafts, unmet);
    }
    let mut calls = fold(drafts);
    for declared in &config.calls {
        let subject = Subject::Call(declared.from.clone(), declared.to.clone());
        let (Some(from), Some(to)) = (services.named(&declared.from), services.named(&declared.to)) else {
            let needs = "services of these names; `forewarn show services` lists those there are".to_owned();
            unmet.push(NotEvaluated { rule: "forewarn.toml", subject, needs });
            continue;
        };
        let (from, to) = (ServiceId(from as u32), ServiceId(to as u32));
        let same = |call: &Call| call.from == from && call.to == to;
        if declared.absent {
            calls.retain(|call| !same(call));
            continue;
        }
        if !calls.iter().any(same) {
            calls.push(Call {
                from,
                to,
                origin: Origin::Declared(declared.span),
                groups: Vec::new(),
                passes_deadline: false,
                idempotent: None,
                per_request: 1,
                latency: None,
                assumptions: Vec::new(),
            });
        }
        for call in calls.iter_mut().filter(|call| same(call)) {
            call.passes_deadline = declared.passes_deadline.unwrap_or(call.passes_deadline);
            call.idempotent = declared.idempotent.or(call.idempotent);
            call.per_request = declared.per_request.unwrap_or(call.per_request);
            call.assumptions.clear();
        }
    }
    observe(environment, config, services, &mut calls, unmet);
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
    let part = &parts[group.part];
    let written = &part.fragment.groups[group.group];
    let targets: Vec<&Target> = group.targets.iter().map(|&index| &written.targets[index]).collect();
    for target in targets {
        let Some(to) = callee(part, target, written, services) else { continue };
        let from = match group.service {
            Some(service) => service,
            // Stored configuration that nobody mounts makes no call.
            None if written.owner != readers::Owner::File => continue,
            None => {
                let origin = Origin::Written(written.at);
                let name = name_of_file(&part.place.place);
                let service = services.add_implicit(name, origin, &part.place.place, &part.territory, false);
                if part.fragment.forwards {
                    services.set_forwards(service);
                }
                service
            }
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

/// The service that a target leads to.
fn callee(
    part: &Part<'_>,
    target: &Target,
    group: &readers::Group,
    services: &mut Services,
) -> Option<usize> {
    let address = &target.address;
    let found = services.resolve(&address.host, address.port, &part.place.place, &part.territory);
    if found.is_some() {
        return found;
    }
    if is_this_machine(&address.host) {
        return None;
    }
    let is_store = address.scheme.as_deref().is_some_and(|scheme| STORES.contains(&scheme));
    let is_configured = address.scheme.is_some() && !group.settings.is_empty();
    if !is_store && !is_configured && !part.fragment.forwards {
        return None;
    }
    let origin = Origin::Written(target.span);
    let territory = &part.territory;
    Some(services.add_implicit(address.host.clone(), origin, &part.place.place, territory, true))
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host == "::1" || host == "0.0.0.0" || host.starts_with("127.")
}

/// The name of a service of which only a file is known: what the file's name says beside its
/// environment and its role, else the nearest directory that says something.
fn name_of_file(place: &str) -> String {
    let says_something = |word: &&str| {
        !word.is_empty() && !NAMELESS.contains(word) && !super::environment::is_environment(word)
    };
    place
        .rsplit('/')
        .enumerate()
        .find_map(|(up, segment)| {
            let name = if up == 0 { segment.trim_start_matches('.').split('.').next()? } else { segment };
            let words: Vec<&str> = name.split('-').filter(says_something).collect();
            (!words.is_empty()).then(|| words.join("-"))
        })
        .unwrap_or_else(|| place.to_owned())
}

/// Settings that `forewarn.toml` gives to a call by name.
fn give_declared(
    parts: &[Part<'_>],
    group: &OwnedGroup,
    services: &Services,
    arena: &mut Arena,
    drafts: &mut BTreeMap<Key, Draft>,
    unmet: &mut Vec<NotEvaluated>,
) {
    let callees: BTreeSet<&String> = group.to.iter().map(|(to, _)| to).collect();
    for to in callees {
        let from = group.service;
        let (Some(from), Some(callee)) = (from, services.named(to)) else {
            let file = parts[group.part].place.place.clone();
            unmet.push(NotEvaluated {
                rule: "forewarn.toml",
                subject: Subject::Setting(file),
                needs: format!(
                    "a service `{to}` and a service that this file configures; declare both with [[service]]"
                ),
            });
            continue;
        };
        let written = &parts[group.part].fragment.groups[group.group];
        let keys: Vec<&String> = group.to.iter().filter(|(name, _)| name == to).map(|(_, key)| key).collect();
        let in_force = arena.groups[group.id.0 as usize].settings.clone();
        let settings: Vec<_> = in_force
            .into_iter()
            .map(|id| arena.settings[id.0 as usize].clone())
            .filter(|setting| keys.contains(&&setting.key))
            .collect();
        let existing = drafts.iter().filter(|((a, b, _), _)| (*a, *b) == (from, callee)).map(|(key, _)| *key);
        let existing: Vec<Key> = existing.collect();
        let whole = group
            .targets
            .iter()
            .any(|&target| existing.iter().any(|(_, _, span)| *span == Some(written.targets[target].span)));
        if whole {
            continue; // The group is the call's already, through its own address.
        }
        let id = arena.add(written, settings.into_iter());
        let keys = if existing.is_empty() { vec![(from, callee, None)] } else { existing };
        for key in keys {
            let draft = drafts.entry(key).or_default();
            draft.groups.insert(id);
            draft.has_settings = true;
        }
    }
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

/// Puts measurements on the calls they were made of. (Files of measurements have been read into
/// [`Measurement::Here`] before.)
fn observe(
    environment: &str,
    config: &Config,
    services: &Services,
    calls: &mut [Call],
    unmet: &mut Vec<NotEvaluated>,
) {
    for observed in &config.observed {
        if observed.environment.as_deref().is_some_and(|of| of != environment) {
            continue;
        }
        let Measurement::Here(latency) = &observed.what else { continue };
        let ends = services.named(&observed.from).zip(services.named(&observed.to));
        let mut met = false;
        for call in calls.iter_mut() {
            if ends == Some((call.from.0 as usize, call.to.0 as usize)) {
                let origin = Origin::Observed { source: observed.span, window: latency.window.clone() };
                call.latency = Some(Sourced { value: latency.clone(), origin });
                met = true;
            }
        }
        if !met {
            unmet.push(NotEvaluated {
                rule: "forewarn.toml",
                subject: Subject::Call(observed.from.clone(), observed.to.clone()),
                needs: "a call between these services; `forewarn show calls` lists those there are"
                    .to_owned(),
            });
        }
    }
}
