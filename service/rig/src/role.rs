//! One process of the service: started, waited for, killed, started again on the same address.

use std::fs::OpenOptions;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::http::{Client, Request};
use crate::scratch::Scratch;
use crate::until;

/// How long one question of a rig may take; it is asked again where that was too short.
const QUESTION: Duration = Duration::from_secs(2);

/// A process of the program `authd`.
#[derive(Debug)]
pub struct Role {
    program: PathBuf,
    verb: &'static str,
    config: PathBuf,
    log: PathBuf,
    address: SocketAddr,
    scratch: Arc<Scratch>,
    child: Option<Child>,
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
        let log = scratch.path().join(format!("{verb}.log"));
        let (program, scratch) = (program.to_path_buf(), Arc::clone(scratch));
        Ok(Self { program, verb, config, log, address, scratch, child: None })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its number as a process, while it runs.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Starts it; does not wait.
    pub fn start(&mut self) -> io::Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let child = Command::new(&self.program)
            .arg(self.verb)
            .arg("--config")
            .arg(&self.config)
            .current_dir(self.scratch.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        self.scratch.guard(child.id())?;
        self.child = Some(child);
        Ok(())
    }

    /// Waits until it says that it is ready; gives how long that took. Fails early where it has ended.
    pub fn ready(&mut self, limit: Duration) -> io::Result<Duration> {
        let mut ended = None;
        let took = until(limit, || {
            ended = self.child.as_mut().map_or(Ok(None), Child::try_wait).ok().flatten();
            ended.is_some() || self.says("/readyz") == Some(200)
        });
        match (ended, took) {
            (None, Some(took)) => Ok(took),
            (Some(status), _) => Err(self.trouble(&format!("ended: {status}"))),
            (None, None) => Err(self.trouble(&format!("is not ready after {limit:?}"))),
        }
    }

    /// The status that it answers a `GET` with, if it answers.
    #[must_use]
    pub fn says(&self, path: &str) -> Option<u16> {
        Client::new(self.address, QUESTION).send(&Request::get(path)).ok().map(|reply| reply.status)
    }

    /// Its metrics as text.
    pub fn metrics(&self) -> io::Result<String> {
        let reply = Client::new(self.address, QUESTION).send(&Request::get("/metrics"))?;
        String::from_utf8(reply.body).map_err(io::Error::other)
    }

    /// Kills it with SIGKILL, as the kernel does when memory runs out: no code of it runs any more.
    pub fn kill(&mut self) -> io::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
            self.scratch.forget(child.id())?;
        }
        Ok(())
    }

    /// Memory that it holds, in bytes: `VmRSS` of Linux.
    pub fn resident(&self) -> io::Result<u64> {
        let process = self.process().ok_or_else(|| self.trouble("does not run"))?;
        let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kilobytes.map(|count| count * 1024).ok_or_else(|| self.trouble("has no VmRSS"))
    }

    /// Time that its threads have computed so far, in seconds.
    pub fn computed(&self) -> io::Result<f64> {
        /// `USER_HZ` of Linux on every architecture that Rust's standard library runs on.
        const TICKS: f64 = 100.0;
        let process = self.process().ok_or_else(|| self.trouble("does not run"))?;
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
        // The name, which may hold anything, ends with the last parenthesis; utime is field 14.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks: u32 =
            fields.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u32>().ok()).sum();
        Ok(f64::from(ticks) / TICKS)
    }

    /// What went wrong, with the end of its log.
    fn trouble(&self, what: &str) -> io::Error {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(20).collect();
        let end: Vec<&str> = lines.into_iter().rev().collect();
        io::Error::other(format!("authd {} {what}; its log ends with:\n{}", self.verb, end.join("\n")))
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
