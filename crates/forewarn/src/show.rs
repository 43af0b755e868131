//! `forewarn show`: tables and pictures of what was read, so that people can see what a finding rests
//! on.

use audit::chain::{Chain, chains};
use audit::{Error, Outcome, nearest, render};

use crate::arguments::{ShowArguments, ShowWhat, TableFormatArgument};
use crate::output::to_stdout;
use crate::settings::request;
use crate::{CLEAN, check};

/// Prints a table or a picture.
pub(crate) fn run(mut arguments: ShowArguments) -> Result<u8, Error> {
    let format = arguments.format;
    if arguments.what == ShowWhat::Budget {
        let service = service(&mut arguments);
        let outcome = check::audited(&request(arguments.paths, arguments.scope)?, false)?;
        to_stdout(&budget(&outcome, service.as_deref(), format)?)?;
        return outcome.unread.map_or(Ok(CLEAN), Err);
    }
    if let Some(service) = &arguments.service {
        return Err(misplaced(&format!("--service {service}"), "leave it out, or show `budget`"));
    }
    if format == TableFormatArgument::Svg {
        return Err(misplaced("--format svg", "write `text` or `json`; only `budget` is drawn"));
    }
    let (table, unread) = match arguments.what {
        ShowWhat::Rules => (render::rules(), None),
        // What became of each file is worth knowing above all where none could be read.
        ShowWhat::Files => {
            let outcome = audit::audit(&request(arguments.paths, arguments.scope)?)?;
            (render::files(&outcome), outcome.unread)
        }
        what => {
            let outcome = check::audited(&request(arguments.paths, arguments.scope)?, false)?;
            let table = match what {
                ShowWhat::Services => render::services(&outcome),
                ShowWhat::Calls => render::calls(&outcome),
                ShowWhat::Alerts => render::alerts(&outcome),
                _ => render::settings(&outcome),
            };
            (table, outcome.unread)
        }
    };
    to_stdout(&if format == TableFormatArgument::Json { table.json() } else { table.text() })?;
    unread.map_or(Ok(CLEAN), Err)
}

fn misplaced(option: &str, help: &str) -> Error {
    Error::stopped(option, "belongs to `forewarn show budget`", help)
}

/// The service asked for: by its option, or as a first path that does not exist.
#[expect(clippy::disallowed_methods, reason = "whether a word is a path only the disk knows")]
fn service(arguments: &mut ShowArguments) -> Option<String> {
    if arguments.service.is_some() {
        return arguments.service.take();
    }
    let first = arguments.paths.first().filter(|path| !path.exists())?.to_str()?.to_owned();
    arguments.paths.remove(0);
    Some(first)
}

fn budget(outcome: &Outcome, service: Option<&str>, format: TableFormatArgument) -> Result<String, Error> {
    let environments = &outcome.fleet.environments;
    let found: Vec<Chain> =
        environments.iter().flat_map(|environment| chains(&outcome.fleet, environment, service)).collect();
    if found.is_empty() {
        return Err(no_chain(outcome, service));
    }
    Ok(match (format, found.as_slice()) {
        (TableFormatArgument::Text, chains) => render::budget(outcome, chains),
        (TableFormatArgument::Json, chains) => render::budget_table(outcome, chains).json(),
        (TableFormatArgument::Svg, [chain]) => render::waterfall(outcome, chain),
        (TableFormatArgument::Svg, chains) => {
            /// Those that say most come first; more are no help to choose from.
            const NAMED: usize = 5;
            let mut ways: Vec<String> = chains
                .iter()
                .take(NAMED)
                .map(|chain| format!("{} --env {}", chain.hops[0].service, chain.environment))
                .collect();
            if chains.len() > NAMED {
                ways.push(format!("... (all {}: --format text)", chains.len()));
            }
            return Err(Error::stopped(
                "--format svg",
                format!("a picture shows one chain, and there are {}", chains.len()),
                format!("name a service of one of them: {}", ways.join(", ")),
            ));
        }
    })
}

/// Why there is nothing to show.
fn no_chain(outcome: &Outcome, service: Option<&str>) -> Error {
    let names = || outcome.fleet.environments.iter().flat_map(|e| &e.services).map(|s| s.name.as_str());
    let (place, what, help) = match service {
        Some(name) if !names().any(|known| known == name) => {
            let help = match nearest(name, names()) {
                Some(near) => format!("did you mean `{near}`? `forewarn show services` lists them all"),
                None => "`forewarn show services` lists them all".to_owned(),
            };
            (name, "is no service here, and no path", help)
        }
        Some(name) => (
            name,
            "calls nothing and nothing calls it",
            "`forewarn show calls` lists who calls whom".to_owned(),
        ),
        None => {
            let help = "[[call]] in forewarn.toml says who calls whom where the files do not".to_owned();
            ("show budget", "no call is known", help)
        }
    };
    Error::stopped(place, what, help)
}
