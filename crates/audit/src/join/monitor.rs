//! What watches an environment: which rules are evaluated by whom, and what that one scrapes.

use std::collections::BTreeMap;

use model::monitor::{Evaluator, FoundBy, Monitor, RuleGroup};

use super::Part;
use crate::Globs;
use crate::config::{Config, guards};

/// Everything that watches, of the parts that hold in an environment. What belongs together lies in one
/// territory.
pub(super) fn monitor(parts: &[Part<'_>], active: &[usize], config: &Config) -> Monitor {
    let mut territories: BTreeMap<&str, Monitor> = BTreeMap::new();
    for part in active.iter().map(|&index| &parts[index]) {
        if !part.fragment.monitor.is_empty() && !part.is_patch {
            territories.entry(&part.territory).or_default().extend(part.fragment.monitor.clone());
        }
    }
    let guards = config.watched.as_ref().map(guards::stated).unwrap_or_default();
    let mut all = Monitor { guards, ..Monitor::default() };
    for mut monitor in territories.into_values() {
        link(&mut monitor);
        all.extend(monitor);
    }
    all
}

/// Says of each group who evaluates it, and of each job who scrapes it.
fn link(monitor: &mut Monitor) {
    let of_cluster = only(&monitor.evaluators, FoundBy::Label);
    let of_files = only(&monitor.evaluators, FoundBy::Path);
    for job in monitor.jobs.iter_mut().filter(|job| job.by == FoundBy::Label) {
        job.evaluator = of_cluster;
    }
    for group in &mut monitor.groups {
        match group.by {
            FoundBy::Label => {
                group.evaluator = of_cluster;
                if let Some(index) = of_cluster {
                    let name = &monitor.evaluators[index].name;
                    group.assumptions.push(format!("that `{name}` selects these rules"));
                }
            }
            FoundBy::Path => load(group, &mut monitor.evaluators, of_files),
        }
    }
}

/// The one evaluator that finds its rules in a way, if there is just one.
fn only(evaluators: &[Evaluator], by: FoundBy) -> Option<usize> {
    let mut found = evaluators.iter().enumerate().filter(|(_, evaluator)| evaluator.by == by);
    let (index, _) = found.next()?;
    found.next().is_none().then_some(index)
}

/// Finds who loads a file of rules: by its path; by its name, where it stands inside the same file as the
/// evaluator's own configuration; or by its name, where there is but one evaluator, which is a guess.
fn load(group: &mut RuleGroup, evaluators: &mut [Evaluator], only: Option<usize>) {
    let file = group.at.file;
    let by_path = evaluators
        .iter()
        .position(|evaluator| evaluator.loads.iter().any(|loads| loads.files.contains(&file)));
    if by_path.is_some() {
        group.evaluator = by_path;
        return;
    }
    let is_named = |pattern: &str| {
        let last = pattern.rsplit('/').next().unwrap_or(pattern);
        Globs::check(last).is_ok() && Globs::new(&[last]).matches(&group.file)
    };
    let beside = evaluators.iter().position(|evaluator| evaluator.at.file == file);
    let Some(index) = beside.or(only) else { return };
    let evaluator = &mut evaluators[index];
    let Some(loads) = evaluator.loads.iter_mut().find(|loads| is_named(&loads.pattern.value)) else { return };
    group.evaluator = Some(index);
    loads.files.push(file);
    if beside.is_none() {
        group.assumptions.push(format!("that `{}` is this file", loads.pattern.value));
    }
}
