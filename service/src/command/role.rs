//! What running is, for both roles: read the configuration, listen, serve, follow changed files, stop
//! on a signal. What a role serves is handed in.

use std::io::{self, Write as _};
use std::panic::PanicHookInfo;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::clock::SystemClock;
use crate::config::document::{self, Config, Judged};
use crate::config::environment::Environment;
use crate::config::live::Live;
use crate::config::reload::{self, Followed, Report};
use crate::entropy::SystemEntropy;
use crate::http::Reached;
use crate::http::log::{Level, Log};
use crate::http::passage::{self, Turned};
use crate::http::server::{self, Stopped};
use crate::http::stop::{self, Stopper};
use crate::http::tls::Certificate;
use crate::metrics::Metrics;

/// How long the last lines of the log may take to be written.
const LAST_LINES: Duration = Duration::from_secs(1);

/// What a role is given to be built from.
pub(super) struct Means<T> {
    pub(super) config: Live<T>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) log: Log,
    pub(super) clock: Arc<SystemClock>,
    pub(super) entropy: Arc<SystemEntropy>,
}

/// A role, built.
pub(super) struct Role {
    pub(super) router: Router,
    /// Routes that are answered however much is going on.
    pub(super) always: &'static [&'static str],
    /// Is told of requests that the passage answered.
    pub(super) turned: fn(&Metrics, &str, Turned),
}

/// Runs a role until a signal stops it. Exits with 0 then, with 2 where it could not begin.
pub(super) fn run<T: Config + Reached>(
    verb: &str,
    file: &Path,
    build: impl FnOnce(&Means<T>) -> Result<Role, String>,
) -> ExitCode {
    match begin(verb, file, build) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say(why.trim_end());
            ExitCode::from(2)
        }
    }
}

/// Says something on standard error. Where nobody listens, nothing is lost that a log would keep.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn begin<T: Config + Reached>(
    verb: &str,
    file: &Path,
    build: impl FnOnce(&Means<T>) -> Result<Role, String>,
) -> Result<(), String> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| {
        format!("error: {name}: cannot be read: {error}\n  help: name a readable file with --config")
    })?;
    let environment = Environment::of_process();
    let judged = document::judge::<T>(&name, &text, &environment).map_err(|mistakes| mistakes.to_string())?;
    let Judged { config: first, warnings } = judged;
    if !warnings.all.is_empty() {
        say(warnings.to_string().trim_end());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("error: no threads can be started: {error}"))?;
    let metrics = Arc::new(Metrics::new());
    let log = Log::stdout(metrics.clone());
    let panics = log.clone();
    std::panic::set_hook(Box::new(move |info| panics.event(Level::Error, "panic", &place(info))));
    let (sender, config) = Live::new(first);
    let followed = Followed::new(name.clone(), text, environment, config.now(), sender, metrics.clone());
    let means = Means {
        config,
        metrics,
        log: log.clone(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy::new()),
    };
    let served = runtime.block_on(async {
        let role = build(&means).map_err(|why| format!("error: {name}: {why}"))?;
        serve(verb, &name, role, means, followed, file).await
    });
    // Hashes under way and look-ups of names are of no use to anybody any more.
    runtime.shutdown_background();
    log.flush(LAST_LINES);
    served
}

async fn serve<T: Config + Reached>(
    verb: &str,
    name: &str,
    role: Role,
    means: Means<T>,
    followed: Followed<T>,
    file: &Path,
) -> Result<(), String> {
    let Means { config, metrics, log, entropy, .. } = means;
    let failed = |key: &str, why: &dyn std::fmt::Display| format!("error: {name}: {key}: {why}");
    let certificate = Certificate::of(&config, asked()?, &log).map_err(|why| failed("server.tls", &why))?;
    let listen = config.now().server().listen;
    let named = |error: io::Error| {
        let help = "name an address of this machine and a port that nothing else listens on";
        failed("server.listen", &format!("{listen}: {error}\n  help: {help}"))
    };
    let listener = TcpListener::bind(listen).await.map_err(named)?;
    let address = listener.local_addr().map_err(named)?;
    let (stopper, stop) = stop::channel();
    signals(stopper, log.clone()).map_err(|error| format!("error: signals cannot be received: {error}"))?;
    let told = log.clone();
    let tell = Box::new(move |report: &Report| {
        let level = if report.bad() { Level::Error } else { Level::Info };
        told.event(level, report.event(), &report.to_string());
    });
    tokio::spawn(reload::follow(followed, Arc::new(file.to_owned()), asked()?, tell));

    let Role { router, always, turned } = role;
    let passage = passage::Means {
        config: config.clone(),
        metrics: metrics.clone(),
        log: log.clone(),
        entropy,
        always,
        turned,
    };
    let router = passage::layer(router, passage);
    let means = server::Means { metrics, log: log.clone(), certificate: certificate.map(Arc::new) };
    say(&format!("authd {verb} listens on {address}"));
    log.event(Level::Info, "listening", &address.to_string());
    let Stopped { cut } = server::serve(listener, router, config, stop, means).await;
    let ended = match cut {
        0 => "all requests had ended".to_owned(),
        1 => "1 request was cut".to_owned(),
        cut => format!("{cut} requests were cut"),
    };
    log.event(if cut == 0 { Level::Info } else { Level::Warning }, "stopped", &ended);
    say(&format!("authd {verb} has stopped: {ended}"));
    Ok(())
}

/// A message for each SIGHUP: each part that reads files has signals of its own.
pub(super) fn asked() -> Result<mpsc::Receiver<()>, String> {
    reload::hangups().map_err(|error| format!("error: signals cannot be received: {error}"))
}

/// The first SIGTERM or SIGINT stops, the second one at once.
#[cfg(unix)]
fn signals(stopper: Stopper, log: Log) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            }
        };
        log.event(Level::Info, "stopping", next().await);
        stopper.drain();
        log.event(Level::Warning, "stopping at once", next().await);
        stopper.cut();
    });
    Ok(())
}

/// The first interruption stops, the second one at once.
#[cfg(not(unix))]
fn signals(stopper: Stopper, log: Log) -> io::Result<()> {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            log.event(Level::Info, "stopping", "interrupted");
            stopper.drain();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            stopper.cut();
        }
    });
    Ok(())
}

/// Where a panic was, and what it said where that is a text of the program; one made of data may hold
/// a secret.
fn place(info: &PanicHookInfo<'_>) -> String {
    let location = info.location().map_or_else(|| "somewhere".to_owned(), ToString::to_string);
    match info.payload().downcast_ref::<&'static str>() {
        Some(said) => format!("{location}: {said}"),
        None => location,
    }
}
