//! From arguments as typed to settings that can be run: every contradiction is told before the first
//! file is read.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use audit::render::{Detail, Style};
use audit::{BaselineChoice, ConfigChoice, Date, Error, Globs, Request};
use model::Level;

use crate::arguments::{CheckArguments, FormatArgument, LevelArgument, OutputArgument, ScopeArguments};
use crate::output::is_same_file;
use crate::replace::kept;
use crate::terminal::Terminal;

/// Everything a check needs to know.
pub(crate) struct Check {
    pub(crate) request: Request<'static>,
    /// How findings go to stdout, if they do.
    pub(crate) stdout: Option<FormatArgument>,
    /// How they go to files.
    pub(crate) outputs: Vec<Output>,
    pub(crate) fail_on: Level,
    pub(crate) exit_zero: bool,
    pub(crate) style: Style,
    pub(crate) style_of_files: Style,
    /// `None` where no summary is wanted.
    pub(crate) summary: Option<Detail>,
    /// Say how long it took.
    pub(crate) timed: bool,
    /// Draw progress on stderr.
    pub(crate) progress: bool,
}

/// A file to write.
pub(crate) struct Output {
    pub(crate) format: FormatArgument,
    pub(crate) file: PathBuf,
}

/// The files to write: no two of them the same, none of them somebody's configuration.
fn outputs(typed: Vec<OsString>, format: FormatArgument) -> Result<Vec<Output>, Error> {
    let mut outputs: Vec<Output> = Vec::new();
    for typed in typed {
        let OutputArgument { format: named, file } = OutputArgument::of(typed)?;
        let stopped = |what, help| Error::stopped(format_args!("--output {}", file.display()), what, help);
        if file.file_name().is_none() {
            return Err(stopped("names no file", "name a file to write to"));
        }
        if file == Path::new("-") {
            return Err(stopped("names no file", "stdout gets the findings by itself, as --format says"));
        }
        if outputs.iter().any(|other| is_same_file(&other.file, &file)) {
            return Err(stopped("is named twice", "name a file of its own for each format"));
        }
        if let Some(what) = kept(&file) {
            return Err(stopped(what, "name another file to write to"));
        }
        outputs.push(Output { format: named.unwrap_or(format), file });
    }
    Ok(outputs)
}

/// The settings of a check.
pub(crate) fn check(arguments: CheckArguments, terminal: &Terminal) -> Result<Check, Error> {
    let mut request = request(arguments.paths, arguments.scope)?;
    request.only_rules = arguments.rule;
    request.skip_rules = arguments.skip;
    request.min_level = level(arguments.level);
    request.today = Some(today(arguments.today.as_deref())?);
    request.baseline = match (arguments.baseline, arguments.no_baseline) {
        (Some(file), _) => BaselineChoice::File(file),
        (None, true) => BaselineChoice::None,
        (None, false) => BaselineChoice::Find,
    };
    let outputs = outputs(arguments.output, arguments.format)?;
    request.not_read = outputs.iter().map(|output| output.file.clone()).collect();
    // What a file gets need not be read on stdout too.
    let is_written = outputs.iter().any(|output| output.format == arguments.format);
    Ok(Check {
        request,
        stdout: (!is_written).then_some(arguments.format),
        style: terminal.stdout(arguments.color, false),
        style_of_files: terminal.stdout(arguments.color, true),
        outputs,
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

/// The day that is named, or the one it is.
pub(crate) fn today(named: Option<&str>) -> Result<Date, Error> {
    let Some(named) = named else {
        #[expect(clippy::disallowed_methods, reason = "the day decides which suppressions still act")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        return Ok(Date::of_unix_seconds(now.as_secs()));
    };
    Date::parse(named).ok_or_else(|| {
        Error::stopped(format_args!("--today {named}"), "is no day", "write year, month and day: 2027-03-01")
    })
}

fn level(argument: LevelArgument) -> Level {
    match argument {
        LevelArgument::Error => Level::Error,
        LevelArgument::Warning => Level::Warning,
        LevelArgument::Note => Level::Note,
    }
}
