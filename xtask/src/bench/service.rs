//! Runs the service for benchmarks: release build, front and directory as processes of their own,
//! SQLite, on a directory that is removed afterwards.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rig::http::{Client, Reply, Request};
use rig::role::Role;
use rig::scratch::{Scratch, free_address};

use super::{succeed, target_directory};
use crate::say;

/// How long a process may take to start, or a request of a benchmark may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A password that is long enough.
pub(super) const PASSWORD: &str = "correct horse battery staple";

pub(super) struct Service {
    pub(super) front: Role,
    pub(super) directory: Role,
    program: PathBuf,
    scratch: Arc<Scratch>,
}

impl Service {
    /// Builds the program and starts both roles. `front` and `directory` are the sections of their
    /// configurations that say more than where they listen.
    pub(super) fn start(front: &str, directory: &str) -> Result<Self, String> {
        say("building authd in release");
        succeed(Command::new("cargo").args(["build", "--release", "--quiet", "--locked", "-p", "authd"]))?;
        let program = target_directory().join("release/authd").canonicalize().map_err(told)?;
        let scratch = Arc::new(Scratch::new("bench").map_err(told)?);
        succeed(Command::new(&program).args(["keys", "new"]).arg(scratch.path().join("keys")))?;
        let address = free_address().map_err(told)?;
        let configuration = format!("[server]\nlisten = \"{address}\"\n{directory}");
        let mut directory =
            Role::new(&program, "directory", address, &configuration, &scratch).map_err(told)?;
        directory.start().map_err(told)?;
        directory.ready(PATIENCE).map_err(told)?;
        let front = Self::fronted(&program, &scratch, &directory, front)?;
        Ok(Self { front, directory, program, scratch })
    }

    /// Replaces the front by one of another configuration.
    pub(super) fn front(&mut self, sections: &str) -> Result<(), String> {
        self.front.kill().map_err(told)?;
        self.front = Self::fronted(&self.program, &self.scratch, &self.directory, sections)?;
        Ok(())
    }

    fn fronted(program: &Path, scratch: &Arc<Scratch>, directory: &Role, rest: &str) -> Result<Role, String> {
        let address = free_address().map_err(told)?;
        let configuration = format!(
            "[server]\nlisten = \"{address}\"\nrequest_timeout = \"10s\"\n[tokens]\nkeys = \"keys\"\n\
             [directory]\nurl = \"http://{}\"\n{rest}",
            directory.address()
        );
        let mut front = Role::new(program, "serve", address, &configuration, scratch).map_err(told)?;
        front.start().map_err(told)?;
        front.ready(PATIENCE).map_err(told)?;
        Ok(front)
    }

    /// A client of the front.
    pub(super) fn client(&self) -> Client {
        Client::new(self.front.address(), PATIENCE)
    }

    /// Asks the directory itself, as a front does.
    pub(super) fn ask(&self) -> Client {
        Client::new(self.directory.address(), PATIENCE)
    }
}

pub(super) fn told(error: std::io::Error) -> String {
    error.to_string()
}

/// Sends a request that must be answered with a status.
pub(super) fn expect(client: &mut Client, request: &Request, status: u16) -> Result<Reply, String> {
    let reply = client.send(request).map_err(told)?;
    if reply.status == status {
        return Ok(reply);
    }
    Err(format!("{request:?}: {} {}", reply.status, String::from_utf8_lossy(&reply.body)))
}

/// Several clients, each of which asks again as soon as it is answered, in a closed loop: `each` makes what one
/// of them does, over and over. Gives the times of the answers that came within the window, which begins after a
/// second, and the window's length.
pub(super) fn closed_loop<W>(
    clients: usize,
    window: Duration,
    each: impl Fn(usize) -> W + Sync,
) -> Result<Vec<Duration>, String>
where
    W: FnMut() -> Result<Duration, String>,
{
    let begun = Instant::now() + Duration::from_secs(1);
    let stop = AtomicBool::new(false);
    let work = |number| {
        let mut step = each(number);
        let mut times = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let took = step().inspect_err(|_| stop.store(true, Ordering::Relaxed))?;
            let now = Instant::now();
            if now >= begun + window {
                break;
            }
            if now >= begun {
                times.push(took);
            }
        }
        Ok::<_, String>(times)
    };
    let work = &work;
    std::thread::scope(|scope| {
        let spawned: Vec<_> = (0..clients).map(|number| scope.spawn(move || work(number))).collect();
        let mut all = Vec::new();
        for thread in spawned {
            all.append(&mut thread.join().map_err(|_| "a client panicked".to_owned())??);
        }
        Ok(all)
    })
}

/// Does something for every number below an end, on several threads.
pub(super) fn for_each<W>(threads: usize, end: usize, each: impl Fn() -> W + Sync) -> Result<(), String>
where
    W: FnMut(usize) -> Result<(), String>,
{
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let work = || {
            let mut step = each();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end {
                    return Ok(());
                }
                step(number)?;
            }
        };
        let spawned: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        spawned
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| "a thread panicked".to_owned())?)
    })
}
