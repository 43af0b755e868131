//! A search with the real service: each trial is a run of its own under the candidate with the setting
//! written over.

use std::future::Future;
use std::time::Duration;

use super::{Ask, Form, Means, Searched, Wanted, search};
use crate::file::Search;
use crate::machine;
use crate::run::Runner;
use crate::trial::{Kind, Trouble};

/// Searches the smallest safe value of the setting that the test names, in a configuration that is given as
/// its text. `time` is for all of it; `told` hears how it goes on.
///
/// # Errors
/// The test names no setting, or one that cannot be searched; or what kept a run from being had.
pub async fn search_service<S: Future<Output = ()>>(
    runner: &Runner<'_>,
    configuration: &str,
    seed: u64,
    time: Duration,
    told: &dyn Fn(&str),
    stop: impl Fn() -> S,
) -> Result<Searched, Trouble> {
    let test = runner.test();
    let (wanted, form) = searchable(runner, configuration)?;
    let ask = Ask { search: wanted, objective: &test.objective, latency: test.awaited(), form, seed, time };
    let trial = async |Wanted { written, seed, until, .. }| {
        let text = test.candidate.set(configuration, &wanted.key, &written)?;
        let label = format!("{} = {written}", wanted.key);
        runner.run(&label, &text, seed, until, stop()).await
    };
    search(&ask, &Means { trial, used: &machine::used, told }).await
}

/// The setting that the test names, and how its values are written in the configuration. A search can be
/// asked for this before anything runs.
///
/// # Errors
/// The test names no setting, or one that cannot be searched.
pub fn searchable<'t>(runner: &Runner<'t>, configuration: &str) -> Result<(&'t Search, Form), Trouble> {
    let test = runner.test();
    let wanted = test.search.as_ref().ok_or_else(|| {
        let what = "says no setting to search".to_owned();
        trouble(test.name.as_str(), what, "add [search] with `key`, `from` and `to`")
    })?;
    let candidate = &test.candidate;
    let file = candidate.file.as_str();
    let Some(text) = candidate.get(configuration, &wanted.key) else {
        // What there is instead, `set` says; the value is not used.
        candidate.set(configuration, &wanted.key, "1s")?;
        return Err(trouble(file, format!("has no key `{}`", wanted.key), "name one that is written there"));
    };
    let form = Form::of(&text, wanted.unit).ok_or_else(|| {
        // The value is not shown: what is no length may be a secret.
        let (what, help) = match text.trim().parse::<f64>() {
            Ok(_) => ("a bare number", "say what it counts: `unit = \"s\"` in [search]"),
            Err(_) => (
                "no length of time that can be varied",
                "known are 300ms, 1.5s, 1m30s, PT1S and, with `unit` in [search], a bare number",
            ),
        };
        let what = format!("`{}` is {what}", wanted.key);
        trouble(file, what, help)
    })?;
    Ok((wanted, form))
}

fn trouble(place: &str, what: String, help: &str) -> Trouble {
    Trouble::new(Kind::File, place, what, help)
}
