//! Forewarn on a group of services: an installation of its own, its guards learnt from two weeks of
//! history, its notices sent to the same receiver as the peers'.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rig::http::{Client, Request};
use rig::process::Process;
use rig::scratch::{Scratch, free_address};
use serde_json::Value;
use wire::alert::{Event, Health, Notice, Symptom};

use super::super::service::told;
use super::groups::{Group, Service};
use super::history;
use super::report::Kind;
use crate::say;

/// How long it may take until it is ready: it reads the history of each service first.
const PATIENCE: Duration = Duration::from_secs(60);

/// A `forewarn watch`.
#[derive(Debug)]
pub(super) struct Ours {
    /// The group that it watches, by its place.
    pub(super) group: usize,
    pub(super) process: Process,
    address: SocketAddr,
}

impl Ours {
    /// An installation that is not started yet.
    pub(super) fn new(
        program: &Path,
        (place, group, services): (usize, &Group, &[Service]),
        source: SocketAddr,
        webhook: &str,
        end: u64,
        scratch: &Arc<Scratch>,
    ) -> Result<Self, String> {
        let home = scratch.path().join(format!("forewarn-{}", group.key));
        std::fs::create_dir(&home).map_err(told)?;
        for service in services {
            let file = home.join(format!("{}.tsv", service.name));
            std::fs::write(file, history::learnt(service, end)).map_err(told)?;
        }
        let address = free_address().map_err(told)?;
        let learnt = |service: &Service| {
            let file = format!("{}.tsv", service.name);
            format!("guard = {{ history = \"{file}\" }}\ntraffic = {{ history = \"{file}\" }}\n")
        };
        let text = configuration(services, source, webhook, address, &learnt);
        std::fs::write(home.join("forewarn.toml"), text).map_err(told)?;
        let name = format!("forewarn-{}", group.key);
        let process = Process::new(&name, program, &["watch"], scratch).within(&home);
        Ok(Self { group: place, process, address })
    }

    /// Waits until it is ready.
    pub(super) fn ready(&mut self) -> Result<(), String> {
        let address = self.address;
        let ready = || {
            let mut client = Client::new(address, Duration::from_secs(2));
            client.send(&Request::get("/healthz")).is_ok_and(|reply| reply.status == 200)
        };
        self.process.when("ready", PATIENCE, ready).map_err(told).map(drop)
    }
}

/// A `forewarn.toml` that watches services, with what it says of the guards of each.
pub(in super::super) fn configuration(
    services: &[Service],
    source: SocketAddr,
    webhook: &str,
    listen: SocketAddr,
    guards: &dyn Fn(&Service) -> String,
) -> String {
    let mut text = format!("[watch]\nfalse_alarms = 1\nlook = \"1s\"\nlisten = \"{listen}\"\n");
    for service in services {
        let urls: Vec<String> =
            service.targets.iter().map(|target| format!("\"http://{source}/m/{}\"", target.name)).collect();
        let _ = write!(
            text,
            "\n[[watch.service]]\nname = \"{}\"\nscrape = [{}]\nrequests = 'login_total'\n\
             failed = {{ failure = 'login_total{{outcome=\"failure\"}}' }}\n{}",
            service.name,
            urls.join(", "),
            guards(service),
        );
    }
    text + &format!("\n[[watch.channel]]\nname = \"pager\"\nkind = \"webhook\"\nurl = \"{webhook}\"\n")
}

/// What a webhook of Forewarn's says, and of which service; nothing where it only says it again.
pub(super) fn notice(body: &Value) -> Option<(Kind, String)> {
    let Notice { event, alert, .. } = serde_json::from_value(body.clone()).ok()?;
    // The faults here are failures; that anything else is wrong is an alarm beside.
    let fails = matches!(alert.symptom, Symptom::Failing { .. } | Symptom::ReplicaFailing);
    let kind = match (event, alert.health) {
        (Event::Opened, _) if !fails => Kind::Beside,
        (Event::Opened, _) => Kind::Opened,
        (Event::Changed, Health::Unknown) if fails => Kind::Unknown,
        (Event::Ended, _) if fails => Kind::Ended,
        (Event::Changed | Event::Again | Event::Ended, _) => return None,
    };
    if kind == Kind::Beside {
        say(&format!("beside: {}", alert.title));
    }
    Some((kind, alert.service))
}
