//! `forewarn watch`: reads the plan, says what it watches and on what its promises rest, and hands over to
//! the daemon. What an audit tells the watch is put together here, since only the binary knows both.

mod audited;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use audit::{Date, Error};
use tokio::signal::unix::{SignalKind, signal};
use watch::plan::{GuardSource, Intake, Plan, When};

use crate::CLEAN;
use crate::arguments::WatchArguments;
use crate::output::to_stderr;

/// Watches until it is told to stop.
pub(crate) fn run(arguments: WatchArguments) -> Result<u8, Error> {
    let config = arguments.config;
    let plan = read(&config)?;
    let base = config.parent().filter(|base| !base.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if arguments.verify_journal {
        let rows = daemon::verify(&base.join(&plan.journal), &plan).map_err(stopped)?;
        to_stderr(&format!("the journal replays to the state that was kept: {rows} rows\n"));
        return Ok(CLEAN);
    }
    if plan.services.is_empty() && plan.audit.is_none() {
        return Err(Error::stopped(
            config.display(),
            "says nothing that is to be watched",
            "add [[watch.service]] with what to watch, or [audit]; `forewarn init` writes examples",
        ));
    }
    to_stderr(&introduction(&plan, &config));
    if arguments.check {
        let host = Host { config: config.clone(), base: base.to_path_buf() };
        daemon::check(&plan, base, &host).map_err(stopped)?;
        return Ok(CLEAN);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Error::stopped(
            "forewarn watch",
            format!("cannot begin: {error}"),
            "look at the limits of this process",
        )
    })?;
    let base = base.to_path_buf();
    let ended = runtime.block_on(supervise(plan, base, config));
    // What still computes or waits for a disk has nothing to say any more.
    runtime.shutdown_background();
    ended.map(|()| CLEAN)
}

/// Runs the daemon between the signals of this process.
async fn supervise(plan: Plan, base: PathBuf, config: PathBuf) -> Result<(), Error> {
    let listened = |error: std::io::Error| {
        Error::stopped(
            "signals",
            format!("cannot be listened to: {error}"),
            "look at the limits of this process",
        )
    };
    let mut end = signal(SignalKind::terminate()).map_err(listened)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(listened)?;
    let (reload, reloads) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move { while hang_up.recv().await.is_some() && reload.send(()).is_ok() {} });
    let shutdown = async move {
        tokio::select! {
            _ = end.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        to_stderr("stopping\n");
    };
    let host = Arc::new(Host { config, base: base.clone() });
    let setup = daemon::Setup { plan, base, host, wall: daemon::clock::system(), reload: reloads };
    daemon::run(setup, shutdown).await.map_err(stopped)
}

/// What the daemon asks of the binary.
struct Host {
    config: PathBuf,
    base: PathBuf,
}

impl daemon::Host for Host {
    fn audit(&self) -> daemon::Audit {
        #[expect(clippy::disallowed_methods, reason = "the day decides which suppressions still act")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let roots = match read(&self.config) {
            Ok(plan) => plan.audit.map(|audit| audit.roots).unwrap_or_default(),
            // The watch goes on with the plan it has; what it audits stands in the one that is wrong.
            Err(error) => return audited::stopped(&error, &self.config),
        };
        audited::audit(&self.base, &roots, &self.config, Date::of_unix_seconds(now.as_secs()))
    }

    fn plan(&self) -> Result<Plan, String> {
        read(&self.config).map_err(|error| audit::render::error(&error, PLAIN).trim_end().to_owned())
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.config.clone()]
    }

    #[expect(clippy::disallowed_methods, reason = "the plan names the variables that its probes may use")]
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn say(&self, line: &str) {
        to_stderr(&format!("{line}\n"));
    }
}

/// How messages in a log are drawn.
const PLAIN: audit::render::Style = audit::render::Style { colour: false, width: 120 };

/// Reads the plan.
pub(crate) fn read(config: &Path) -> Result<Plan, Error> {
    crate::test::plan(config, "name the forewarn.toml with --config; `forewarn init` writes one")
}

fn stopped(stopped: daemon::Stopped) -> Error {
    let daemon::Stopped { place, what, help } = stopped;
    Error::Stopped { place, what, help }
}

/// What is watched, and on what the rate of false alarms rests.
fn introduction(plan: &Plan, config: &Path) -> String {
    let mut lines = vec![format!(
        "{}: {} watched every {}, at most {} a year in all",
        config.display(),
        counted(plan.services.len(), "service"),
        model::pretty(plan.look),
        counted_rate(plan.false_alarms),
    )];
    for service in &plan.services {
        let from = match &service.intake {
            Intake::None => "its probe".to_owned(),
            Intake::Scrape(scrape) => format!("metrics of {}", counted(scrape.targets.len(), "source")),
            Intake::Log(log) => format!("the log {}", log.paths.join(", ")),
        };
        let guard = match &service.failures {
            GuardSource::Declared(share) => {
                format!(
                    "guard: declared {}, the rate holds on condition that it is true",
                    model::stated_percent(*share)
                )
            }
            GuardSource::History(file) => format!("guard: learnt from {file}"),
            GuardSource::Own => {
                "guard: learnt from what is seen, so that failures are not tested until there is enough of it"
                    .to_owned()
            }
        };
        lines.push(format!("  {}: {from}; {guard}", service.name));
    }
    if let Some(audit) = &plan.audit {
        let when = match &audit.when {
            When::Every(length) => format!("every {}", model::pretty(*length)),
            When::Cron { expression, zone } => format!("at `{expression}` in {zone}"),
        };
        let change = if audit.on_change { ", and when a file changes" } else { "" };
        lines.push(format!("  configuration: audited {when}{change}"));
    }
    let channels: Vec<&str> = plan.channels.iter().map(|channel| channel.name.as_str()).collect();
    lines.push(match channels.as_slice() {
        [] => "  told: nobody; alerts are only shown here and at /api/v1/alerts".to_owned(),
        names => format!("  told: {}", names.join(", ")),
    });
    lines.join("\n") + "\n"
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn counted_rate(rate: f64) -> String {
    format!("{rate} false alarm{}", if (rate - 1.0).abs() < f64::EPSILON { "" } else { "s" })
}
