//! The command line as it is typed. Nothing is checked here beyond its form; see `settings`.

use std::ffi::OsString;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use audit::{Error, did_you_mean};
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use model::declared::length_of;

/// Says which configuration can take a service down, before it does.
///
/// Reads the configuration of services, proxies and deployments, works out who calls whom, and
/// reports timeouts, retries, pools, keep-alives and probes that do not fit together: with file,
/// line, key and the sum. Opens no connection and changes no configuration.
#[derive(Debug, Parser)]
#[command(
    name = "forewarn",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_long_help = "\
Without a verb, `forewarn [PATH]...` is `forewarn check [PATH]...`.

Exit codes:
  0  no finding at or above the level of --fail-on
  1  findings at or above that level
  2  the job could not be done: a wrong argument, an unreadable path, a mistake in forewarn.toml,
     no configuration that can be read
A finding that a suppression or the baseline hides counts for none; see `forewarn explain suppressions`.

Examples:
  forewarn                            audit the current directory
  forewarn check deploy/ services/    audit two trees as one fleet
  forewarn check --format json        for machines; the format is versioned
  forewarn check --output out.sarif   text to read, and a file for code scanning
  forewarn explain timeout-missing    why a rule exists, and what to do
  forewarn show calls                 who calls whom, as far as the files say
  forewarn watch                      watch services, and tell who is to know when they fail
  forewarn observe hash               how long a password hash takes on this host
  forewarn baseline                   accept the findings of today; from then on only new ones count
  forewarn init                       write a forewarn.toml with every option and its default"
)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
    /// Arguments of `check`, which is what happens without a verb.
    #[command(flatten)]
    pub(crate) check: CheckArguments,
}

impl Arguments {
    /// When to use colour; verbs that do not ask leave it to the surroundings.
    pub(crate) fn color(&self) -> ColorArgument {
        match &self.verb {
            None => self.check.color,
            Some(Verb::Check(check)) => check.color,
            Some(_) => ColorArgument::Auto,
        }
    }
}

/// What stopped a run without a verb, where its first path is a misspelt verb: `forewarn chekc` asks
/// for a file of that name.
pub(crate) fn or_a_verb(error: Error, first: Option<&Path>) -> Error {
    let Some(word) = first.and_then(Path::to_str) else { return error };
    match error {
        Error::Stopped { place, what, help } if place == word => {
            let command = Arguments::command();
            let verbs = command.get_subcommands().map(clap::Command::get_name);
            let help = match audit::nearest(word, verbs) {
                Some(verb) => format!("did you mean `forewarn {verb}`? Else {help}"),
                None => help,
            };
            Error::Stopped { place, what, help }
        }
        other => other,
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Audit configuration (what happens without a verb)
    Check(CheckArguments),
    /// Tell what a rule finds, why that breaks, and what to do
    Explain {
        /// The rule; all rules are listed without it
        #[arg(value_name = "RULE")]
        rule: Option<String>,
    },
    /// Accept the findings of today in forewarn-baseline.json; an existing one only shrinks
    Baseline(BaselineArguments),
    /// Write a forewarn.toml with every option, commented out
    Init {
        /// The directory to write it to
        #[arg(value_name = "DIRECTORY", default_value = ".")]
        directory: PathBuf,
    },
    /// Show what was read: files, services, calls, settings, time budgets, rules
    Show(ShowArguments),
    /// Watch services, and tell at once when requests fail, slow down or stay away
    ///
    /// Looks at the services that [watch] of forewarn.toml names, once a second: their metrics, their access
    /// logs, or a probe that walks a user's way. Each look is held against a guard, the share of failures
    /// that would still be fine, by a test whose rate of false alarms is stated; it holds on condition that
    /// the guard is true. Who is told, [[watch.channel]] says. All that was seen is in a journal, so that
    /// nothing is forgotten or told anew after a restart. SIGTERM ends it in order; SIGHUP, or a change of
    /// the file, makes it read forewarn.toml anew.
    Watch(WatchArguments),
    /// Keep a running watch from telling alerts for a while
    Silence {
        /// What to do
        #[command(subcommand)]
        what: SilenceWhat,
    },
    /// Measure on this host what configuration cannot say
    Observe {
        /// What to measure
        #[command(subcommand)]
        what: ObserveWhat,
    },
    /// Run test files: a service under a new configuration, or the watch on given series
    ///
    /// A configuration test (`kind = "service"`) says how a service is started, which dependency stands
    /// behind a proxy that replays the latency of production, what people do, and what must hold. The
    /// candidate is run first, then what is in force, then the service's own defaults, each with the same
    /// seed; nothing of it is left afterwards. A scenario (`kind = "scenario"`) says what services show over
    /// time, in promtool's shorthand, and which alerts that must and must not raise, on virtual time; `plan`
    /// names its forewarn.toml [default: the one beside it]. Exits with 0 where all is as expected, 1 where
    /// something is not, 2 where a file cannot be run, nothing is known of its candidate, or something else that
    /// was asked for (a search, mutations, a picture, a record) cannot be had; the verdict is said all the same.
    Test(TestArguments),
    /// Write what other tools take
    Export {
        /// What to write
        #[command(subcommand)]
        what: ExportWhat,
    },
    /// Tell an outage anew here: what is kept out, and how soon the rest is told
    ///
    /// Starts an authentication service with its directory behind a proxy that replays measured latency, steady
    /// sign-ins, and `forewarn watch`. Act one: a bad edit is proposed; `check` and `test` refuse it. Act two: it
    /// is deployed all the same; a fifth of the sign-ins fail, the watch tells, with the line that was changed;
    /// the good value is put back, and the watch confirms the end. Needs nothing but this program: no root, no
    /// network beyond this machine. Takes about a minute. Exits with 0 where every promise held, 1 where one did
    /// not, 2 where the drill could not be had.
    #[cfg(feature = "authd")]
    Drill(DrillArguments),
    /// Run the authentication service that Forewarn guards in its examples
    #[cfg(feature = "authd")]
    Authd {
        /// What to do
        #[command(subcommand)]
        verb: authd::command::Verb,
    },
    /// Print the completions of a shell
    Completions {
        /// The shell
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Print a manual page, for `man -l`
    Man {
        /// The verb whose page it is; the page of forewarn itself without it
        #[arg(value_name = "VERB")]
        verb: Option<String>,
    },
}

/// Arguments of `drill`.
#[cfg(feature = "authd")]
#[derive(Debug, Args)]
pub(crate) struct DrillArguments {
    /// Which outage
    #[arg(value_name = "NAME", default_value = "auth-timeout")]
    pub(crate) name: DrillName,
    /// Reproduces delays and arrivals
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) seed: u64,
    /// How many sign in each second
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u16).range(10..=200))]
    pub(crate) rate: u16,
    /// The fault stays: no end may be claimed
    #[arg(long)]
    pub(crate) stay: bool,
    /// The directory keeps its accounts in a PostgreSQL of its own, not in SQLite; needs PostgreSQL's programs
    #[arg(long)]
    pub(crate) postgres: bool,
    /// Keep the directory of the drill, with the logs of all that ran
    #[arg(long)]
    pub(crate) keep: bool,
    /// How the outcome is written to stdout
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: DrillFormatArgument,
}

/// An outage that can be told anew.
#[cfg(feature = "authd")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DrillName {
    /// Sign-ins fail after the time limit of one call was lowered (2023-11-09)
    AuthTimeout,
}

/// A format of the outcome of a drill.
#[cfg(feature = "authd")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DrillFormatArgument {
    /// A timeline, and a table of what was promised and measured
    Text,
    /// What was measured, versioned; schema/drill-v1.json describes it
    Json,
}

/// Arguments of `test`.
#[derive(Debug, Args)]
pub(crate) struct TestArguments {
    /// Test files
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The configuration that is put to the test [default: the file that the test names]
    #[arg(long, value_name = "FILE", help_heading = "Configuration tests")]
    pub(crate) candidate: Option<PathBuf>,
    /// What is in force, where the file that the test names is the edited one already, as in a checkout of the edit
    #[arg(long, value_name = "FILE", help_heading = "Configuration tests")]
    pub(crate) current: Option<PathBuf>,
    /// How long people may come in all runs of a file together
    #[arg(long, value_name = "LENGTH", default_value = "60s", value_parser = budget, help_heading = "Configuration tests")]
    pub(crate) budget: Duration,
    /// What is drawn, delays and moments of arrival, is drawn by this number
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Configuration tests")]
    pub(crate) seed: u64,
    /// Write down in forewarn-tests.json beside the test file that it passed, and with which files, for `check`
    #[arg(long, help_heading = "Configuration tests")]
    pub(crate) record: bool,
    /// Also search the smallest safe value of the setting that the test file names for it
    #[arg(long, help_heading = "Configuration tests")]
    pub(crate) search: bool,
    /// Also break the configuration that holds in known ways, and say which of them the test tells apart
    #[arg(long, help_heading = "Configuration tests")]
    pub(crate) mutate: bool,
    /// Draw the share of people who succeed against the value of that setting, as SVG
    #[arg(long, value_name = "FILE", help_heading = "Configuration tests")]
    pub(crate) picture: Option<PathBuf>,
    /// Leave the directories of the runs, with configurations and logs, and say where they are
    #[arg(long, help_heading = "Configuration tests")]
    pub(crate) keep: bool,
    /// How the outcome is written to stdout
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub(crate) format: TestFormatArgument,
    /// Also every alert that was told
    #[arg(short, long, help_heading = "Output")]
    pub(crate) verbose: bool,
}

/// A budget of a second or more, as people write lengths.
fn budget(text: &str) -> Result<Duration, String> {
    let length = length_of(text).filter(|length| *length >= Duration::from_secs(1));
    length.ok_or_else(|| "a length of a second or more, with its unit: 60s, 2min".to_owned())
}

/// A format of the outcome of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TestFormatArgument {
    /// A line a file, and what differs
    Text,
    /// Everything, versioned; schema/test-v1.json describes it
    Json,
    /// JUnit XML: a case a file, or a run
    Junit,
    /// Annotations of GitHub Actions, on the lines that were changed
    Github,
}

/// What `export` can write.
#[derive(Debug, Subcommand)]
pub(crate) enum ExportWhat {
    /// Rules for Prometheus, with promtool tests, as a fallback while Forewarn is down
    Prometheus(ExportArguments),
}

/// Arguments of `export prometheus`.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// Use this forewarn.toml
    #[arg(long, value_name = "FILE", default_value = "forewarn.toml")]
    pub(crate) config: PathBuf,
    /// Write the rules and their tests to this directory instead of the rules to stdout
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) output: Option<PathBuf>,
    /// How often Prometheus scrapes the services and evaluates rules
    #[arg(long, value_name = "LENGTH", default_value = "15s")]
    pub(crate) scrape_interval: String,
}

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub(crate) struct WatchArguments {
    /// Watch by this file
    #[arg(long, value_name = "FILE", default_value = "forewarn.toml")]
    pub(crate) config: PathBuf,
    /// Only say what would be watched, and whether the file is sound
    #[arg(long)]
    pub(crate) check: bool,
    /// Only replay the journal, and compare with the state that was kept
    #[arg(long, conflicts_with = "check")]
    pub(crate) verify_journal: bool,
}

/// What `silence` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum SilenceWhat {
    /// Begin a silence; alerts still open and end, and are shown by the watch
    Add {
        /// The service; all of them without it
        #[arg(long, value_name = "NAME")]
        service: Option<String>,
        /// For how long: 90s, 30m, 2h, 1d
        #[arg(long = "for", value_name = "LENGTH")]
        length: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who
        #[arg(long, value_name = "NAME")]
        by: String,
        /// The file that the watch runs by, which says where it listens
        #[arg(long, value_name = "FILE", default_value = "forewarn.toml")]
        config: PathBuf,
    },
    /// List the silences that hold
    List {
        /// The file that the watch runs by, which says where it listens
        #[arg(long, value_name = "FILE", default_value = "forewarn.toml")]
        config: PathBuf,
    },
    /// End a silence
    End {
        /// Its number
        #[arg(value_name = "ID")]
        id: u64,
        /// The file that the watch runs by, which says where it listens
        #[arg(long, value_name = "FILE", default_value = "forewarn.toml")]
        config: PathBuf,
    },
}

/// What `observe` can measure.
#[derive(Debug, Subcommand)]
pub(crate) enum ObserveWhat {
    /// How long one password hash takes
    ///
    /// Computes the hash again and again, one at a time, and writes what it took as a `[[hash]]` table
    /// that forewarn.toml takes, itself or as a file. Run it where passwords are checked: hosts
    /// differ. Lanes of argon2id are computed one after the other, so a server that computes them
    /// side by side takes less.
    Hash(HashArguments),
}

/// Arguments of `observe hash`.
#[derive(Debug, Args)]
pub(crate) struct HashArguments {
    /// The algorithm [default: bcrypt where --cost is given, else argon2id]
    #[arg(long, value_name = "NAME")]
    pub(crate) algorithm: Option<HashAlgorithm>,
    /// Memory of argon2id [default: 19456]
    #[arg(long, value_name = "KIB", value_parser = clap::value_parser!(u32).range(8..=4_194_304))]
    pub(crate) memory: Option<u32>,
    /// Passes of argon2id over its memory [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) iterations: Option<u32>,
    /// Lanes of argon2id [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=255))]
    pub(crate) lanes: Option<u32>,
    /// Cost of bcrypt, the logarithm of its rounds [default: 12]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(4..=31))]
    pub(crate) cost: Option<u32>,
    /// How many hashes to time, after one that does not count
    #[arg(long, value_name = "N", default_value = "20")]
    pub(crate) runs: NonZeroU32,
    /// Write the table to a file instead of stdout; it is replaced as a whole or not at all
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// An algorithm, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HashAlgorithm {
    /// Argon2id (RFC 9106)
    Argon2id,
    /// bcrypt
    Bcrypt,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// Files and directories; several are joined into one fleet [default: the current directory]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) scope: ScopeArguments,
    /// Run only this rule; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "What is judged")]
    pub(crate) rule: Vec<String>,
    /// Do not run this rule; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "What is judged")]
    pub(crate) skip: Vec<String>,
    /// Hide findings that this file holds [default: the forewarn-baseline.json beside forewarn.toml]
    #[arg(long, value_name = "FILE", help_heading = "What is judged")]
    pub(crate) baseline: Option<PathBuf>,
    /// Show what a baseline would hide
    #[arg(long, conflicts_with = "baseline", help_heading = "What is judged")]
    pub(crate) no_baseline: bool,
    /// The day to judge suppressions by, for tests
    #[arg(long, value_name = "DATE", hide = true)]
    pub(crate) today: Option<String>,
    /// The lowest level to show; what is hidden is counted
    #[arg(long, value_name = "LEVEL", default_value = "note", help_heading = "What is judged")]
    pub(crate) level: LevelArgument,
    /// Exit with 1 from this level up
    #[arg(long, value_name = "LEVEL", default_value = "warning", help_heading = "What is judged")]
    pub(crate) fail_on: LevelArgument,
    /// Exit with 0 whatever is found
    #[arg(long, help_heading = "What is judged")]
    pub(crate) exit_zero: bool,
    /// How findings are written to stdout, unless a file gets them in that format
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub(crate) format: FormatArgument,
    /// Write findings to a file, in the format named or that of its ending; may be repeated
    ///
    /// The format is the one named before `=`, else that of the ending (.txt text, .json json, .sarif
    /// and .sarif.json sarif, .xml junit), else that of --format. A file is replaced as a whole or not
    /// at all, and is not read as configuration; one that is configuration is never replaced. Stdout
    /// gets the findings as --format says, unless a file gets them in that format.
    #[arg(long, value_name = "[FORMAT=]FILE", help_heading = "Output")]
    pub(crate) output: Vec<OsString>,
    /// When to use colour; NO_COLOR and CLICOLOR_FORCE are respected
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub(crate) color: ColorArgument,
    /// No summary, no progress
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Output")]
    pub(crate) quiet: bool,
    /// Everything that was not evaluated, and the time taken
    #[arg(short, long, help_heading = "Output")]
    pub(crate) verbose: bool,
}

/// Which files are read, and as what.
#[derive(Debug, Args)]
pub(crate) struct ScopeArguments {
    /// Judge only this environment; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "What is read")]
    pub(crate) env: Vec<String>,
    /// Leave out files that match; may be repeated
    #[arg(long, value_name = "GLOB", help_heading = "What is read")]
    pub(crate) exclude: Vec<String>,
    /// Use this forewarn.toml [default: the nearest one from the first path upward]
    #[arg(long, value_name = "FILE", help_heading = "What is read")]
    pub(crate) config: Option<PathBuf>,
    /// Use no forewarn.toml
    #[arg(long, conflicts_with = "config", help_heading = "What is read")]
    pub(crate) no_config: bool,
    /// Read files with this many threads [default: one for each processor]
    #[arg(long, value_name = "N", help_heading = "What is read")]
    pub(crate) threads: Option<NonZeroUsize>,
}

/// Arguments of `baseline`.
#[derive(Debug, Args)]
pub(crate) struct BaselineArguments {
    /// Files and directories, the same as for `check` [default: the current directory]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Write this file [default: the forewarn-baseline.json beside forewarn.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Also add findings that an existing baseline does not hold
    #[arg(long)]
    pub(crate) grow: bool,
    /// The day to judge suppressions by, for tests
    #[arg(long, value_name = "DATE", hide = true)]
    pub(crate) today: Option<String>,
    /// Leave out files that match; may be repeated
    #[arg(long, value_name = "GLOB", help_heading = "What is read")]
    pub(crate) exclude: Vec<String>,
    /// Use this forewarn.toml [default: the nearest one from the first path upward]
    #[arg(long, value_name = "FILE", help_heading = "What is read")]
    pub(crate) config: Option<PathBuf>,
    /// Use no forewarn.toml
    #[arg(long, conflicts_with = "config", help_heading = "What is read")]
    pub(crate) no_config: bool,
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// What to show
    pub(crate) what: ShowWhat,
    /// Files and directories [default: the current directory]; of `budget` the first may be a SERVICE
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// The service whose chains `budget` shows, where a path has the same name
    #[arg(long, value_name = "NAME", help_heading = "What is shown")]
    pub(crate) service: Option<String>,
    #[command(flatten)]
    pub(crate) scope: ScopeArguments,
    /// How the table is written
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub(crate) format: TableFormatArgument,
}

/// What `show` can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShowWhat {
    /// Every file found that nothing tells to ignore, and what became of it
    Files,
    /// Every service, and where it is introduced
    Services,
    /// Who calls whom, and where that is written
    Calls,
    /// Every setting in effect, what it controls, and where its value comes from
    Settings,
    /// How long a request may take: from each edge, or those before SERVICE, to the last dependency
    Budget,
    /// Every alert of the monitoring, and how long after a fault it reaches a person at worst
    Alerts,
    /// Every rule; no file is read for it
    Rules,
}

/// A level, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LevelArgument {
    /// Can take the service down
    Error,
    /// Hurts some requests, or makes an outage longer
    Warning,
    /// Worth knowing
    Note,
}

/// A format of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArgument {
    /// Source lines with labels, the sum and what to do
    Text,
    /// One line a finding: path:line:column: level, rule and title
    Short,
    /// Everything, versioned; schema/check-v1.json describes it
    Json,
    /// SARIF 2.1.0, for code scanning; paths from the top of the repository
    Sarif,
    /// Annotations of GitHub Actions, which shows the first ten errors and ten warnings of a step
    Github,
    /// JUnit XML: a suite a rule, a case a finding; failures from --fail-on up
    Junit,
}

impl FormatArgument {
    /// The format that a file's ending promises.
    fn of_ending(file: &Path) -> Option<Self> {
        let name = file.file_name()?.to_str()?.to_lowercase();
        let endings = [
            (".sarif", Self::Sarif),
            (".sarif.json", Self::Sarif),
            (".json", Self::Json),
            (".xml", Self::Junit),
            (".txt", Self::Text),
        ];
        endings.iter().find(|(ending, _)| name.ends_with(ending)).map(|&(_, format)| format)
    }
}

/// A file to write, with the format it is to have where that is named or its ending promises one.
#[derive(Debug, Clone)]
pub(crate) struct OutputArgument {
    pub(crate) format: Option<FormatArgument>,
    pub(crate) file: PathBuf,
}

impl OutputArgument {
    /// What was typed, taken apart. A word before `=` is a format; a file may have a `=` in its name
    /// where what stands before it is no mere word, such as a path.
    ///
    /// # Errors
    ///
    /// There is no such format.
    pub(crate) fn of(typed: OsString) -> Result<Self, Error> {
        let named = typed.to_str().and_then(|typed| typed.split_once('='));
        let named =
            named.filter(|(word, _)| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic()));
        let Some((word, file)) = named else {
            let file = PathBuf::from(typed);
            return Ok(Self { format: FormatArgument::of_ending(&file), file });
        };
        match FormatArgument::from_str(word, false) {
            Ok(format) => Ok(Self { format: Some(format), file: PathBuf::from(file) }),
            Err(_) => {
                let formats =
                    FormatArgument::value_variants().iter().filter_map(ValueEnum::to_possible_value);
                let formats: Vec<String> = formats.map(|format| format.get_name().to_owned()).collect();
                let formats: Vec<&str> = formats.iter().map(String::as_str).collect();
                let place = format!("--output {word}={file}");
                let help = format!(
                    "{}; write `./{word}={file}` for a file of that name",
                    did_you_mean(word, "formats", &formats)
                );
                Err(Error::stopped(place, format!("there is no format `{word}`"), help))
            }
        }
    }
}

/// A format of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormatArgument {
    /// Columns
    Text,
    /// A list of objects
    Json,
    /// A picture, of `budget` alone
    Svg,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorArgument {
    /// On a terminal that can show it
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
