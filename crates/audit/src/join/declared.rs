//! What `forewarn.toml` declares, put on what was derived from the files: calls, settings of calls,
//! measurements. A declaration that meets nothing is named, never dropped.

use std::collections::{BTreeMap, BTreeSet};

use model::{Call, NotEvaluated, Origin, ServiceId, Sourced, Subject};

use super::Part;
use super::arena::Arena;
use super::calls::{Draft, Key};
use super::ownership::OwnedGroup;
use super::services::Services;
use crate::Globs;
use crate::config::{Config, Measurement};

/// The name under which declarations that meet nothing are listed.
const DECLARED: &str = "forewarn.toml";

/// Globs and keys of `forewarn.toml` that no file and no setting answers to.
pub(crate) fn unmet(parts: &[Part<'_>], config: &Config) -> Vec<NotEvaluated> {
    let mut unmet = Vec::new();
    let mut miss = |table: String, needs: String| {
        unmet.push(NotEvaluated { rule: DECLARED, subject: Subject::Setting(table), needs });
    };
    let places = |globs: &[String]| -> Vec<usize> {
        let globs = Globs::new(globs);
        (0..parts.len()).filter(|&index| globs.matches(&parts[index].place.place)).collect()
    };
    let listed =
        |globs: &[String]| globs.iter().map(|glob| format!("`{glob}`")).collect::<Vec<_>>().join(", ");
    for service in &config.services {
        if !service.files.is_empty() && places(&service.files).is_empty() {
            let name = &service.name.value;
            miss(
                format!("[[service]] {name}"),
                format!("a file that {} matches, for the service {name}", listed(&service.files)),
            );
        }
    }
    for (name, globs) in &config.environments {
        if places(globs).is_empty() {
            miss(
                format!("[environments] {name}"),
                format!("a file that {} matches, for the environment {name}", listed(globs)),
            );
        }
    }
    for part in &config.overrides {
        if places(&part.paths).is_empty() {
            miss(
                "[[override]]".into(),
                format!("a file that {} matches, for an override", listed(&part.paths)),
            );
        }
    }
    for setting in &config.settings {
        let table = format!("[[setting]] {}", setting.key);
        let files = places(&setting.files);
        if files.is_empty() {
            miss(
                table,
                format!("a file that {} matches, for the key `{}`", listed(&setting.files), setting.key),
            );
            continue;
        }
        let mut keys =
            files.iter().flat_map(|&index| &parts[index].fragment.groups).flat_map(|g| &g.settings);
        if !keys.any(|written| readers::key_matches(&setting.key, &written.key)) {
            miss(table, format!("a key `{}` with a value in {}", setting.key, listed(&setting.files)));
        }
    }
    unmet
}

/// Corrects derived calls by declared ones.
pub(crate) fn correct(
    config: &Config,
    services: &Services,
    calls: &mut Vec<Call>,
    unmet: &mut Vec<NotEvaluated>,
) {
    for declared in &config.calls {
        let subject = Subject::Call(declared.from.clone(), declared.to.clone());
        let (Some(from), Some(to)) = (services.named(&declared.from), services.named(&declared.to)) else {
            let needs = "services of these names; `forewarn show services` lists those there are".to_owned();
            unmet.push(NotEvaluated { rule: DECLARED, subject, needs });
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
}

/// Settings that `forewarn.toml` gives to a call by name.
pub(crate) fn give(
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
                rule: DECLARED,
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

/// Puts measurements on the calls they were made of. (Files of measurements have been read into
/// [`Measurement::Here`] before.)
pub(crate) fn observe(
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
                rule: DECLARED,
                subject: Subject::Call(observed.from.clone(), observed.to.clone()),
                needs: "a call between these services; `forewarn show calls` lists those there are"
                    .to_owned(),
            });
        }
    }
}
