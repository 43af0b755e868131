//! One process of the service: started, waited for, killed, started again on the same address.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::http::{Client, Request};
use crate::process::Process;
use crate::scratch::Scratch;

/// How long one question of a rig may take; it is asked again where that was too short.
const QUESTION: Duration = Duration::from_secs(2);

/// A process of the program `authd`.
#[derive(Debug)]
pub struct Role {
    process: Process,
    address: SocketAddr,
}

impl Role {
    /// A role that is not started yet: its verb is also the name of its configuration and its log.
    pub fn new(
        program: &Path,
        verb: &'static str,
        address: SocketAddr,
        configuration: &str,
        scratch: &Arc<Scratch>,
    ) -> io::Result<Self> {
        let config = scratch.file(&format!("{verb}.toml"), configuration)?;
        let arguments = [verb, "--config", &config.to_string_lossy()];
        Ok(Self { process: Process::new(verb, program, &arguments, scratch), address })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its number as a process, while it runs.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        self.process.number()
    }

    /// Starts it; does not wait.
    pub fn start(&mut self) -> io::Result<()> {
        self.process.start()
    }

    /// Waits until it says that it is ready; gives how long that took. Fails early where it has ended.
    pub fn ready(&mut self, limit: Duration) -> io::Result<Duration> {
        let address = self.address;
        self.process.when("ready", limit, || says(address, "/readyz") == Some(200))
    }

    /// The status that it answers a `GET` with, if it answers.
    #[must_use]
    pub fn says(&self, path: &str) -> Option<u16> {
        says(self.address, path)
    }

    /// Its metrics as text.
    pub fn metrics(&self) -> io::Result<String> {
        let reply = Client::new(self.address, QUESTION).send(&Request::get("/metrics"))?;
        String::from_utf8(reply.body).map_err(io::Error::other)
    }

    /// Kills it with SIGKILL, as the kernel does when memory runs out: no code of it runs any more.
    pub fn kill(&mut self) -> io::Result<()> {
        self.process.kill()
    }

    /// Memory that it holds, in bytes: `VmRSS` of Linux.
    pub fn resident(&self) -> io::Result<u64> {
        self.process.resident()
    }

    /// Time that its threads have computed so far, in seconds.
    pub fn computed(&self) -> io::Result<f64> {
        self.process.computed()
    }
}

fn says(address: SocketAddr, path: &str) -> Option<u16> {
    Client::new(address, QUESTION).send(&Request::get(path)).ok().map(|reply| reply.status)
}
