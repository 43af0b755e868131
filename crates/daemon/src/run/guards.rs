//! Guards that nobody stated: learnt at the start from files of history, and every day from the minutes that
//! the journal keeps. What was learnt is journaled, so that a replay needs neither.

use std::path::Path;

use watch::guard::{Learnt, learn};
use watch::history::{Minute, parse};
use watch::journal::Input;
use watch::plan::{GuardSource, Plan, Watched};
use watch::time::At;

use super::minutes;
use crate::store::Store;

/// Of what was learnt, what comes from such a source.
fn of(learnt: Vec<Learnt>, service: &Watched, wanted: &GuardSource) -> Vec<Learnt> {
    let is_wanted = |learnt: &Learnt| {
        service.guards().any(|(signal, source)| signal == learnt.signal && source == wanted)
    };
    learnt.into_iter().filter(is_wanted).collect()
}

/// Guards from what the journal has seen. Reads the journal and counts for a while: not for a thread that
/// others wait for.
pub(super) fn own(store: &Store, plan: &Plan) -> Vec<Input> {
    let mut inputs = Vec::new();
    for (place, service) in plan.services.iter().enumerate() {
        let asks = service.guards().any(|(_, source)| *source == GuardSource::Own);
        let Ok(number) = u16::try_from(place) else { break };
        if !asks {
            continue;
        }
        let Ok(rows) = store.minutes(&service.name, At(0)) else { continue };
        let shape = minutes::shape(&service.outline());
        let history: Vec<Minute> =
            rows.iter().filter_map(|(at, body)| minutes::decode(*at, body, shape)).collect();
        let guards = of(learn(&history, plan, place), service, &GuardSource::Own);
        if !guards.is_empty() {
            inputs.push(Input::Learnt { service: number, guards });
        }
    }
    inputs
}

/// The files of history of a plan, each with its service.
fn files(plan: &Plan) -> impl Iterator<Item = (usize, &Watched, &str)> {
    plan.services.iter().enumerate().flat_map(|(place, service)| {
        let mut files: Vec<&str> = Vec::new();
        for (_, source) in service.guards() {
            if let GuardSource::History(file) = source
                && !files.contains(&file.as_str())
            {
                files.push(file);
            }
        }
        files.into_iter().map(move |file| (place, service, file))
    })
}

/// What is wrong with the files of history, so that it is told before anything is watched by them.
pub(super) fn check_files(plan: &Plan, base: &Path) -> Result<(), String> {
    files(plan).try_for_each(|(_, service, file)| read(&base.join(file), service).map(drop))
}

/// Guards from files of history, one after the other, until nobody takes them any more. To state a rate of
/// false alarms takes a second or two of computing for each test, so that looks do not wait for it.
pub(super) fn of_files(plan: &Plan, base: &Path, mut take: impl FnMut(Input) -> bool) {
    for (place, service, file) in files(plan) {
        let (Ok(number), Ok(history)) = (u16::try_from(place), read(&base.join(file), service)) else {
            continue;
        };
        let guards = of(learn(&history, plan, place), service, &GuardSource::History(file.to_owned()));
        if !guards.is_empty() && !take(Input::Learnt { service: number, guards }) {
            return;
        }
    }
}

fn read(path: &Path, service: &Watched) -> Result<Vec<Minute>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse(&text, service).map_err(|mistakes| {
        let lines = mistakes.iter().map(|mistake| format!("{}: {mistake}", path.display()));
        lines.collect::<Vec<_>>().join("\n")
    })
}
