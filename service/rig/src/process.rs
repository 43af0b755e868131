//! A process of its own: started, measured, killed, started again. What it writes goes to a log.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::scratch::Scratch;
use crate::until;

/// How long a process that was asked to end may take.
const LEAVE: Duration = Duration::from_secs(20);

/// A program with its arguments, and its process while it runs.
#[derive(Debug)]
pub struct Process {
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    directory: PathBuf,
    log: PathBuf,
    scratch: Arc<Scratch>,
    child: Option<Child>,
}

impl Process {
    /// A process that is not started yet; it works in the directory of the run.
    #[must_use]
    pub fn new(name: &str, program: &Path, arguments: &[&str], scratch: &Arc<Scratch>) -> Self {
        let directory = scratch.path().to_path_buf();
        Self {
            name: name.to_owned(),
            program: program.to_path_buf(),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            log: directory.join(format!("{name}.log")),
            directory,
            scratch: Arc::clone(scratch),
            child: None,
        }
    }

    /// The same, working in another directory.
    #[must_use]
    pub fn within(mut self, directory: &Path) -> Self {
        self.directory = directory.to_path_buf();
        self
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number, while it runs.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Starts it; does not wait.
    pub fn start(&mut self) -> io::Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(|error| io::Error::other(format!("{}: {error}", self.program.display())))?;
        self.scratch.guard(child.id())?;
        self.child = Some(child);
        Ok(())
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().map_or(Ok(None), Child::try_wait).ok().flatten()
    }

    /// Waits until something holds, for as long as the limit; an error where it ends before, or in vain.
    pub fn when(&mut self, what: &str, limit: Duration, holds: impl Fn() -> bool) -> io::Result<Duration> {
        let mut ended = None;
        let took = until(limit, || {
            ended = self.ended();
            ended.is_some() || holds()
        });
        match (ended, took) {
            (None, Some(took)) => Ok(took),
            (Some(status), _) => Err(self.trouble(&format!("ended: {status}"))),
            (None, None) => Err(self.trouble(&format!("is not {what} after {limit:?}"))),
        }
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

    /// Asks it with SIGTERM to end, and waits.
    pub fn terminate(&mut self) -> io::Result<ExitStatus> {
        let number = self.number().ok_or_else(|| self.trouble("does not run"))?;
        // The standard library sends no other signal than SIGKILL.
        Command::new("kill").args(["-TERM", &number.to_string()]).status()?;
        let mut status = None;
        until(LEAVE, || {
            status = self.ended();
            status.is_some()
        });
        let status = status.ok_or_else(|| self.trouble("did not end when it was asked to"))?;
        self.kill()?;
        Ok(status)
    }

    /// Memory that it holds, in bytes: `VmRSS` of Linux.
    pub fn resident(&self) -> io::Result<u64> {
        self.kilobytes("VmRSS:")
    }

    /// The most memory that it ever held, in bytes: `VmHWM` of Linux.
    pub fn peak(&self) -> io::Result<u64> {
        self.kilobytes("VmHWM:")
    }

    fn kilobytes(&self, field: &str) -> io::Result<u64> {
        let process = self.number().ok_or_else(|| self.trouble("does not run"))?;
        let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kilobytes.map(|count| count * 1024).ok_or_else(|| self.trouble(&format!("has no {field}")))
    }

    /// Time that its threads have computed so far, in seconds.
    pub fn computed(&self) -> io::Result<f64> {
        /// `USER_HZ` of Linux on every architecture that Rust's standard library runs on.
        const TICKS: f64 = 100.0;
        let process = self.number().ok_or_else(|| self.trouble("does not run"))?;
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
        // The name, which may hold anything, ends with the last parenthesis; utime is field 14.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks: u32 =
            fields.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u32>().ok()).sum();
        Ok(f64::from(ticks) / TICKS)
    }

    /// Everything that it has written.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// What went wrong, with the end of its log.
    #[must_use]
    pub fn trouble(&self, what: &str) -> io::Error {
        let log = self.log();
        let lines: Vec<&str> = log.lines().rev().take(20).collect();
        let end: Vec<&str> = lines.into_iter().rev().collect();
        io::Error::other(format!("{} {what}; its log ends with:\n{}", self.name, end.join("\n")))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
