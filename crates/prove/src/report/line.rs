//! All of a test in one line that can be pasted: what was tested, what it does to people, how sure that is,
//! under which latency, and what is in force.

use wire::tested::Change;

use super::Asked;
use model::{grouped, percent};

use crate::file::Test;
use crate::observed::STATED;
use crate::proof::{Outcome, Proof};
use crate::proxy::Fault;
use crate::trial::{Kind, Refusal, Run};
use crate::verdict::{Seen, Verdict};

pub(super) fn line(
    test: &Test,
    asked: &Asked,
    proof: &Proof,
    about: Option<&Change>,
    predicted: Option<f64>,
) -> String {
    let what = what(asked, about);
    let who = plural(&test.name);
    let latency = weather(test);
    let predicted = match predicted {
        Some(share) => format!(", where the latency alone would fail {}", percent(share)),
        None => String::new(),
    };
    let in_force = in_force(asked, proof);
    let tested = match &proof.tested {
        Run::Seen(tested) => tested,
        Run::Refused(refusal) => return format!("{what} {}{in_force}", refused(refusal)),
    };
    match proof.outcome {
        Outcome::Failed => {
            format!("{what} fails {} {latency}{predicted}{in_force}", measured(&tested.seen, &who))
        }
        Outcome::Held => {
            let rule = rule(test);
            format!("{what} holds {latency}: {rule}, and {}{in_force}", failed(&tested.seen, &who))
        }
        Outcome::Inconclusive => format!(
            "nothing can be said of {what}: what is in force fails {} {latency}; the candidate: {}",
            proof.current().map_or_else(String::new, |current| measured(&current.seen, &who)),
            failed(&tested.seen, &who)
        ),
        Outcome::Open => format!(
            "not known of {what} within the budget: {} {latency}; {}{in_force}",
            failed(&tested.seen, &who),
            rule(test)
        ),
    }
}

/// What a configuration does to a service that does not come up with it.
fn refused(refusal: &Refusal) -> String {
    let does = match refusal.trouble.kind {
        Kind::NotReady => "keeps the service from being ready",
        Kind::Setup => "fails what is set up before people come",
        Kind::Died => "ends the service while people come",
        _ => "is refused by the service",
    };
    format!("{does}: {}", refusal.why)
}

/// What was tested: the changed key with its line, or the file.
fn what(asked: &Asked, about: Option<&Change>) -> String {
    let file = &asked.candidate;
    if asked.current.is_none() {
        return format!("{file}, in force,");
    }
    let Some(change) = about else { return file.clone() };
    let at = change.line.map_or_else(String::new, |line| format!(":{line}"));
    let others = match asked.changes.len() - 1 {
        0 => String::new(),
        1 => " with another change".to_owned(),
        others => format!(" with {others} other changes"),
    };
    format!("{file}{at}: {}{others}", written(change))
}

/// A key and what the candidate says there.
fn written(change: &Change) -> String {
    match &change.after {
        Some(after) => format!("{} = {after}", change.key),
        None => format!("{} left out", change.key),
    }
}

/// What is in force, and how it fares.
fn in_force(asked: &Asked, proof: &Proof) -> String {
    let Some(current) = proof.current() else { return String::new() };
    let what = match asked.changes.as_slice() {
        [Change { before: Some(before), .. }] => format!("{before} in force"),
        [Change { key, before: None, .. }] => format!("what is in force, without {key},"),
        _ => "what is in force".to_owned(),
    };
    match current.verdict {
        Verdict::Held => format!("; {what} holds"),
        Verdict::Failed => format!("; {what} fails {}", share(&current.seen)),
        Verdict::Open => format!("; {}: {}, not known yet", what.trim_end_matches(','), tally(&current.seen)),
    }
}

/// How many failed of how many.
pub(crate) fn tally(seen: &Seen) -> String {
    format!("{} of {} failed", grouped(seen.bad()), grouped(seen.people()))
}

/// "19.7 % of sign-ins (95 %: 17.1 to 22.6 %; 812 people)".
fn measured(seen: &Seen, who: &str) -> String {
    let (_, low, high) = seen.share().unwrap_or_default();
    let (low, high) = (percent(low), percent(high));
    let low = low.trim_end_matches(" %");
    format!("{} of {who} (95 %: {low} to {high}; {})", share(seen), people(seen.people()))
}

/// "3 of 1 200 sign-ins failed (0.25 %; 95 %: 0.09 to 0.73 %)".
fn failed(seen: &Seen, who: &str) -> String {
    let Some((_, low, high)) = seen.share() else { return format!("no {who} came to an end") };
    let (low, high) = (percent(low), percent(high));
    let low = low.trim_end_matches(" %");
    let bad = match seen.bad() {
        0 => "none".to_owned(),
        bad => grouped(bad),
    };
    format!("{bad} of {} {who} failed (95 %: {low} to {high})", grouped(seen.people()))
}

fn share(seen: &Seen) -> String {
    percent(seen.share().map_or(0.0, |(share, ..)| share))
}

fn people(count: u64) -> String {
    match count {
        1 => "1 person".to_owned(),
        count => format!("{} people", grouped(count)),
    }
}

/// What must hold.
fn rule(test: &Test) -> String {
    let (good, within) = (percent(test.objective.good), model::pretty(test.objective.within));
    format!("{good} must succeed within {within}")
}

/// Under which latency people came.
pub(crate) fn weather(test: &Test) -> String {
    let mut parts: Vec<String> = Vec::new();
    for dependency in &test.dependencies {
        let replayed = &dependency.replayed;
        for latency in [&replayed.connect, &replayed.answer, &replayed.request].into_iter().flatten() {
            let part = match (latency.window == STATED, latency.quantiles.first()) {
                (true, Some((_, length))) => format!("{} of {}", model::pretty(*length), dependency.name),
                // Nobody has to say when it was measured.
                _ if latency.window.is_empty() => format!("the measured latency of {}", dependency.name),
                _ => format!("the latency of {}", latency.window),
            };
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
    }
    let mut weather = match parts.as_slice() {
        [] => "without any latency".to_owned(),
        parts => format!("at {}", parts.join(" and ")),
    };
    for dependency in &test.dependencies {
        let befalls = match dependency.fault {
            Fault::None => continue,
            Fault::Refuse => "refusing connections",
            Fault::Reset => "resetting connections",
            Fault::BlackHole => "answering nothing",
            Fault::SlowClose(_) => "slow to close connections",
        };
        weather = format!("{weather} with {} {befalls}", dependency.name);
    }
    weather
}

/// What people do, of many: "sign-in" is "sign-ins"; of several words none is changed.
fn plural(name: &str) -> String {
    let is_word = |c: char| c.is_alphabetic() || c == '-';
    if name.is_empty() || !name.chars().all(is_word) {
        return format!("people ({name})");
    }
    let stem = name.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']));
    match stem {
        Some(stem) => format!("{stem}ies"),
        None if name.ends_with('s') => name.to_owned(),
        None => format!("{name}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_do_is_said_of_many() {
        for (one, many) in [
            ("sign-in", "sign-ins"),
            ("discovery", "discoveries"),
            ("tokens", "tokens"),
            ("sign in twice", "people (sign in twice)"),
        ] {
            assert_eq!(plural(one), many);
        }
    }
}
