//! A `forewarn watch` as its users run it, a process in a directory of its own, with the services that it
//! watches and a pager beside it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rig::http::{Client, Request};
use rig::process::Process;
use rig::receiver::{Received, Receiver};
use rig::scratch::{Scratch, free_address};

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A watch, and whom it tells.
pub(crate) struct Stage {
    pub(crate) watch: Process,
    pub(crate) pager: Receiver,
    pub(crate) home: PathBuf,
    _scratch: Arc<Scratch>,
    listen: SocketAddr,
}

/// A service that is scraped at one address, with guards that are stated.
pub(crate) fn scraped(name: &str, url: &str) -> String {
    format!(
        "\n[[watch.service]]\nname = \"{name}\"\nscrape = \"{url}\"\nrequests = 'login_total'\n\
         failed = {{ failure = 'login_total{{outcome=\"failure\"}}' }}\nguard = \"2%\"\n"
    )
}

impl Stage {
    /// A watch of services, as `forewarn.toml` says them; not started yet.
    pub(crate) fn new(name: &str, services: &str) -> Self {
        let forewarn = Path::new(env!("CARGO_BIN_EXE_forewarn"));
        Self::with(name, services, |scratch, home| {
            Process::new("forewarn", forewarn, &["watch"], scratch).within(home)
        })
    }

    /// The same, started by another command.
    pub(crate) fn with(
        name: &str,
        services: &str,
        process: impl FnOnce(&Arc<Scratch>, &Path) -> Process,
    ) -> Self {
        let scratch = Arc::new(Scratch::new(name).unwrap());
        let pager = Receiver::start(free_address().unwrap()).unwrap();
        let listen = free_address().unwrap();
        let home = scratch.path().join("home");
        std::fs::create_dir(&home).unwrap();
        let mut text = format!("[watch]\nlisten = \"{listen}\"\njournal = \"journal\"\n{services}");
        let pages = format!("http://{}/", pager.address());
        let _ =
            write!(text, "\n[[watch.channel]]\nname = \"pager\"\nkind = \"webhook\"\nurl = \"{pages}\"\n");
        std::fs::write(home.join("forewarn.toml"), text).unwrap();
        let watch = process(&scratch, &home);
        Self { watch, pager, home, _scratch: scratch, listen }
    }

    /// Starts the watch and waits until it says that it is well.
    pub(crate) fn start(&mut self) {
        self.watch.start().unwrap();
        let listen = self.listen;
        self.watch.when("well", PATIENCE, || status(listen) == Some(200)).unwrap();
    }

    /// Asks the watch to end, which it does in order: its state is written down whole.
    pub(crate) fn end(&mut self) {
        let status = self.watch.terminate().unwrap();
        assert!(status.success(), "{}", self.watch.trouble(&status.to_string()));
    }

    /// The status of `/healthz`, if it answers.
    pub(crate) fn health(&self) -> Option<u16> {
        status(self.listen)
    }

    /// `/metrics`; empty while it does not answer.
    pub(crate) fn metrics(&self) -> String {
        let reply = Client::new(self.listen, Duration::from_secs(5)).send(&Request::get("/metrics"));
        reply.map(|reply| String::from_utf8(reply.body).unwrap()).unwrap_or_default()
    }

    /// A value of `/metrics` for a service.
    pub(crate) fn metric(&self, name: &str, service: &str) -> f64 {
        rig::metrics::sum(&self.metrics(), name, &format!("service=\"{service}\""))
    }

    /// Readings of a service that could not be counted, for a reason.
    pub(crate) fn lost(&self, service: &str, why: &str) -> f64 {
        let labels = format!("service=\"{service}\",why=\"{why}\"");
        rig::metrics::sum(&self.metrics(), "forewarn_lost_total", &labels)
    }

    /// Has the watch replay its journal in full and compare; it must have ended in order.
    pub(crate) fn verify(&self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_forewarn"));
        let output = command.args(["watch", "--verify-journal"]).current_dir(&self.home).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Notices of an event about a service.
    pub(crate) fn told(&self, service: &str, event: &str) -> Vec<Received> {
        let about = |one: &Received| one.body["alert"]["service"] == service && one.body["event"] == event;
        self.pager.received().into_iter().filter(about).collect()
    }
}

fn status(listen: SocketAddr) -> Option<u16> {
    Client::new(listen, Duration::from_secs(2)).send(&Request::get("/healthz")).ok().map(|reply| reply.status)
}
