//! `forewarn silence`: asks a running watch, over the address that its `forewarn.toml` names.

use std::path::Path;
use std::time::Duration;

use audit::Error;
use model::declared::length_of;
use wire::alert::{NewSilence, Silence};

use crate::CLEAN;
use crate::arguments::SilenceWhat;
use crate::output::to_stdout;

/// Begins, lists or ends silences.
pub(crate) fn run(what: SilenceWhat) -> Result<u8, Error> {
    match what {
        SilenceWhat::Add { service, length, reason, by, config } => {
            let seconds = seconds(&length)?;
            let new = NewSilence { service, seconds, reason, by };
            let body = serde_json::to_string(&new).unwrap_or_default();
            let answer = ask(&config, "POST", "/api/v1/silences", Some(&body))?;
            let silence: Silence = understood(&answer)?;
            to_stdout(&format!("silence {} until {}\n", silence.id, silence.until))?;
        }
        SilenceWhat::List { config } => {
            let silences: Vec<Silence> = understood(&ask(&config, "GET", "/api/v1/silences", None)?)?;
            for silence in silences {
                let service = silence.service.as_deref().unwrap_or("all services");
                to_stdout(&format!(
                    "{}  {service}  until {}  {} ({})\n",
                    silence.id, silence.until, silence.reason, silence.by
                ))?;
            }
        }
        SilenceWhat::End { id, config } => {
            ask(&config, "DELETE", &format!("/api/v1/silences/{id}"), None)?;
        }
    }
    Ok(CLEAN)
}

/// A length as people write it.
fn seconds(length: &str) -> Result<u64, Error> {
    let read = length_of(length).map(|length| length.as_secs());
    read.filter(|seconds| *seconds > 0).ok_or_else(|| {
        Error::stopped(
            format_args!("--for {length}"),
            "is no length of a second or more",
            "write a number and a unit: 90s, 30m, 2h, 1d",
        )
    })
}

/// Asks the watch that runs by this file.
fn ask(config: &Path, method: &str, path: &str, body: Option<&str>) -> Result<Vec<u8>, Error> {
    let plan = crate::watch::read(config)?;
    let Some(listen) = plan.listen else {
        return Err(Error::stopped(
            config.display(),
            "`listen` is \"never\", so that its watch cannot be asked",
            "take `listen` of [watch] away, and restart the watch",
        ));
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let stopped = |what: String| {
        Error::stopped(
            format_args!("http://{listen}"),
            what,
            "see whether `forewarn watch` runs by this file here",
        )
    };
    let runtime = runtime.map_err(|error| stopped(error.to_string()))?;
    let asked =
        daemon::ask(&listen, method, path, body.unwrap_or_default().to_owned(), Duration::from_secs(10));
    let (status, answer) = runtime.block_on(asked).map_err(stopped)?;
    if (200..300).contains(&status) {
        return Ok(answer);
    }
    let said: Option<serde_json::Value> = serde_json::from_slice(&answer).ok();
    let why = said.as_ref().and_then(|said| said["error"].as_str()).unwrap_or("no reason was given");
    Err(Error::stopped(
        format_args!("http://{listen}"),
        format!("answered with {status}: {why}"),
        "see `forewarn silence --help`",
    ))
}

fn understood<T: serde::de::DeserializeOwned>(answer: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(answer).map_err(|error| {
        Error::stopped(
            "the watch",
            format!("answered with something else: {error}"),
            "use the same version of Forewarn",
        )
    })
}
