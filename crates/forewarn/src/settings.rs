//! From arguments as typed to settings that can be run: every contradiction is told before the first
//! file is read.

use std::path::PathBuf;

use audit::render::{Detail, Style};
use audit::{ConfigChoice, Error, Globs, Request};
use model::Level;

use crate::arguments::{CheckArguments, FormatArgument, LevelArgument, ScopeArguments};
use crate::terminal::Terminal;

/// Everything a check needs to know.
pub(crate) struct Check {
    pub(crate) request: Request<'static>,
    pub(crate) format: FormatArgument,
    pub(crate) output: Option<PathBuf>,
    pub(crate) fail_on: Level,
    pub(crate) exit_zero: bool,
    pub(crate) style: Style,
    /// `None` where no summary is wanted.
    pub(crate) summary: Option<Detail>,
    /// Say how long it took.
    pub(crate) timed: bool,
    /// Draw progress on stderr.
    pub(crate) progress: bool,
}

/// The settings of a check.
pub(crate) fn check(arguments: CheckArguments, terminal: &Terminal) -> Result<Check, Error> {
    let mut request = request(arguments.paths, arguments.scope)?;
    request.only_rules = arguments.rule;
    request.skip_rules = arguments.skip;
    request.min_level = level(arguments.level);
    if let Some(output) = &arguments.output
        && output.file_name().is_none()
    {
        return Err(Error::stopped(
            format_args!("--output {}", output.display()),
            "names no file",
            "name a file to write to",
        ));
    }
    Ok(Check {
        request,
        format: arguments.format,
        style: terminal.stdout(arguments.color, arguments.output.is_some()),
        output: arguments.output,
        fail_on: level(arguments.fail_on),
        exit_zero: arguments.exit_zero,
        summary: match (arguments.quiet, arguments.verbose) {
            (true, _) => None,
            (false, true) => Some(Detail::Full),
            (false, false) => Some(Detail::Brief),
        },
        timed: arguments.verbose,
        progress: !arguments.quiet && terminal.can_redraw(),
    })
}

/// The part of a request that says what is read.
pub(crate) fn request(paths: Vec<PathBuf>, scope: ScopeArguments) -> Result<Request<'static>, Error> {
    for glob in &scope.exclude {
        Globs::check(glob).map_err(|why| {
            Error::stopped(
                format_args!("--exclude {glob}"),
                why,
                "`*` stands for part of a name, `**` for any directories",
            )
        })?;
    }
    Ok(Request {
        roots: if paths.is_empty() { vec![PathBuf::from(".")] } else { paths },
        config: match (scope.config, scope.no_config) {
            (Some(file), _) => ConfigChoice::File(file),
            (None, true) => ConfigChoice::None,
            (None, false) => ConfigChoice::Find,
        },
        exclude: scope.exclude,
        environments: scope.env,
        threads: scope.threads,
        ..Request::default()
    })
}

fn level(argument: LevelArgument) -> Level {
    match argument {
        LevelArgument::Error => Level::Error,
        LevelArgument::Warning => Level::Warning,
        LevelArgument::Note => Level::Note,
    }
}
