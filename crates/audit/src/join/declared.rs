//! What `forewarn.toml` declares, put on what was derived from the files: calls, settings of calls,
//! measurements. A declaration that meets nothing is named, never dropped.

use std::collections::{BTreeMap, BTreeSet};

use model::{Call, HashTime, Knob, NotEvaluated, Origin, ServiceId, Sourced, Subject};

use super::Part;
use super::arena::Arena;
use super::calls::{Draft, Key};
use super::ownership::OwnedGroup;
use super::services::Services;
use crate::Globs;
use crate::config::{Config, Hashes, Measurement};

/// The name under which declarations that meet nothing are listed.
const DECLARED: &str = "forewarn.toml";

/// Which declarations met something, in any environment: one that only production has is not missed
/// because staging lacks it.
#[derive(Debug, Default)]
pub(crate) struct Met {
    calls: BTreeSet<usize>,
    observed: BTreeSet<usize>,
    /// Files and callees of settings that are given to a call.
    given: BTreeSet<(String, String)>,
    /// The same, where an end of the call was not found.
    not_given: BTreeSet<(String, String)>,
}

impl Met {
    /// The declarations that met nothing anywhere. `built` are the environments that were built; where
    /// not all were, what belongs to others is not missed.
    pub(crate) fn missed(
        &self,
        config: &Config,
        built: &BTreeSet<String>,
        all_built: bool,
    ) -> Vec<NotEvaluated> {
        let mut missed = Vec::new();
        if !all_built {
            return missed;
        }
        let mut miss = |subject: Subject, needs: String| {
            missed.push(NotEvaluated { rule: DECLARED, subject, needs });
        };
        for declared in config.calls.iter().enumerate().filter(|(index, _)| !self.calls.contains(index)) {
            let subject = Subject::Call(declared.1.from.clone(), declared.1.to.clone());
            miss(
                subject,
                "services of these names; `forewarn show services` lists those there are".to_owned(),
            );
        }
        for (index, observed) in config.observed.iter().enumerate() {
            let subject = Subject::Call(observed.from.clone(), observed.to.clone());
            match &observed.environment {
                Some(name) if !built.contains(name) => {
                    let there = built.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                    miss(
                        subject,
                        format!("an environment `{name}` to put [[observed]] on; there are: {there}"),
                    );
                }
                _ if !self.observed.contains(&index) => {
                    let needs = "a call to put [[observed]] on; `forewarn show calls` lists those there are";
                    miss(subject, needs.to_owned());
                }
                _ => {}
            }
        }
        for (file, to) in self.not_given.difference(&self.given) {
            miss(
                Subject::Setting(file.clone()),
                format!(
                    "a service `{to}` and a service that `{file}` configures; declare both with [[service]]"
                ),
            );
        }
        missed
    }
}

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
    let mut settings = parts.iter().flat_map(|part| &part.fragment.groups).flat_map(|group| &group.settings);
    if !config.hashes.is_empty() && !settings.any(|setting| matches!(setting.knob, Knob::Hash(_))) {
        miss("[[hash]]".into(), "a file that sets the parameters of a password hash".to_owned());
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

/// How long password hashes were measured to take. (Files of measurements have been read into
/// [`Hashes::Here`] before.)
pub(crate) fn hash_times(config: &Config) -> Vec<Sourced<HashTime>> {
    let times = config.hashes.iter().filter_map(|hashes| match hashes {
        Hashes::Here(time) => Some(time.clone()),
        Hashes::File { .. } => None,
    });
    times.collect()
}

/// The calls that a declaration from one service to another means. Where none goes straight, those to
/// the routes that stand before the callee: their caller waits and measures there.
struct Between {
    from: ServiceId,
    to: BTreeSet<ServiceId>,
}

impl Between {
    fn new(services: &Services, calls: &[Call], from: usize, to: usize) -> Self {
        let (from, straight) = (ServiceId(from as u32), ServiceId(to as u32));
        let of_caller = || calls.iter().filter(|call| call.from == from).map(|call| call.to);
        let routes = of_caller().filter(|route| services.stands_before(route.0 as usize, to));
        let to = match of_caller().any(|to| to == straight) {
            true => BTreeSet::from([straight]),
            false => routes.chain([straight]).collect(),
        };
        Self { from, to }
    }

    fn is(&self, call: &Call) -> bool {
        call.from == self.from && self.to.contains(&call.to)
    }
}

/// Corrects derived calls by declared ones.
pub(crate) fn correct(config: &Config, services: &Services, calls: &mut Vec<Call>, met: &mut Met) {
    for (index, declared) in config.calls.iter().enumerate() {
        let ends = services.named(&declared.from).zip(services.named(&declared.to));
        let Some((from, to)) = ends else { continue };
        met.calls.insert(index);
        let same = Between::new(services, calls, from, to);
        if declared.absent {
            calls.retain(|call| !same.is(call));
            continue;
        }
        if !calls.iter().any(|call| same.is(call)) {
            calls.push(Call {
                from: ServiceId(from as u32),
                to: ServiceId(to as u32),
                origin: Origin::Declared(declared.span),
                groups: Vec::new(),
                passes_deadline: false,
                idempotent: None,
                per_request: 1,
                latency: None,
                assumptions: Vec::new(),
            });
        }
        for call in calls.iter_mut().filter(|call| same.is(call)) {
            call.passes_deadline = declared.passes_deadline.unwrap_or(call.passes_deadline);
            call.idempotent = declared.idempotent.or(call.idempotent);
            call.per_request = declared.per_request.unwrap_or(call.per_request);
            call.assumptions.clear();
        }
    }
}

/// Gives the calls of a declared platform the limits that its maker documents.
pub(crate) fn platforms(config: &Config, services: &Services, arena: &mut Arena, calls: &mut [Call]) {
    for declared in &config.services {
        let Some((platform, at)) = declared.platform else { continue };
        let Some(service) = services.named(&declared.name.value) else { continue };
        let written = platform.client(at);
        let group = arena.add(&written, written.settings.iter().cloned());
        for call in calls.iter_mut().filter(|call| call.from == ServiceId(service as u32)) {
            call.groups.push(group);
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
    met: &mut Met,
) {
    let callees: BTreeSet<&String> = group.to.iter().map(|(to, _)| to).collect();
    for to in callees {
        let pair = (parts[group.part].place.place.clone(), to.clone());
        let Some((from, callee)) = group.service.zip(services.named(to)) else {
            met.not_given.insert(pair);
            continue;
        };
        met.given.insert(pair);
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
            .any(|&target| existing.iter().any(|(_, _, span)| *span == Some(target.get(parts).0.span)));
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
    met: &mut Met,
) {
    for (index, observed) in config.observed.iter().enumerate() {
        if observed.environment.as_deref().is_some_and(|of| of != environment) {
            continue;
        }
        let Measurement::Here(latency) = &observed.what else { continue };
        let ends = services.named(&observed.from).zip(services.named(&observed.to));
        let Some((from, to)) = ends else { continue };
        let same = Between::new(services, calls, from, to);
        for call in calls.iter_mut() {
            // A route on the way has limits of its own, which cut what the caller measured.
            let of_route = !same.is(call) && same.to.contains(&call.from) && call.to.0 as usize == to;
            if same.is(call) || of_route && call.latency.is_none() {
                let origin = Origin::Observed { source: observed.span, window: latency.window.clone() };
                call.latency = Some(Sourced { value: latency.clone(), origin });
                met.observed.insert(index);
            }
            if of_route {
                let guess = format!("that the route meets the latency that {} measured", observed.from);
                call.assumptions.push(guess);
            }
        }
    }
}
