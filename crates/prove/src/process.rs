//! A process of the test: started in a group of its own, watched until it is ready, asked to end, killed if
//! it does not.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use daemon::http::{Client, Network, Url};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use watch::plan::Access;

use crate::file::{Process, Ready};
use crate::log::Log;
use crate::room::{self, Room};
use crate::trial::{Kind, Trouble};
use crate::words::Words;

/// How often one looks whether it is ready.
const LOOK: Duration = Duration::from_millis(20);
/// How long one such look may take.
const ANSWER: Duration = Duration::from_secs(1);
/// Of an answer to it only the status counts.
const MOST: u64 = 1 << 20;
/// How many lines of its log are shown.
const SHOWN: usize = 12;
/// How much of a line is looked at: all that is kept of a log.
const LOOKED_AT: usize = 64 << 10;
/// How long a line of it may be shown.
const WIDTH: usize = 300;
/// Variables that every process gets from Forewarn's own environment, where they are set: without them
/// few programs start. Nothing else is passed on that the test file does not name, so that a test does
/// not depend on who runs it.
const PASSED_ON: &[&str] = &["PATH", "HOME", "LANG", "TMPDIR"];

/// The group of a process, which outlives what is known of the process itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group(Pid);

impl Group {
    /// Whether any process of it is there.
    #[must_use]
    pub fn is_there(self) -> bool {
        test_kill_process_group(self.0).is_ok()
    }
}

/// A process that was started.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    group: Pid,
    log: Log,
    stop_within: Duration,
    /// It is ready when it has ended.
    ends: bool,
}

impl Running {
    /// Starts it. What it writes goes to a log in the room.
    ///
    /// # Errors
    /// What kept it from being started.
    pub fn start(spec: &Process, words: &Words, room: &Room) -> Result<Self, Trouble> {
        let fill =
            |text: &String| words.fill(text).map_err(|unknown| Trouble::of_unknown(&spec.name, unknown));
        let command = spec.command.iter().map(fill).collect::<Result<Vec<_>, _>>()?;
        let (program, arguments) = command
            .split_first()
            .ok_or_else(|| Trouble::new(Kind::File, spec.name.as_str(), "no command", "add `command`"))?;
        let log = room.path().join(format!("{}.log", spec.name));
        let cannot = |error: &io::Error| {
            let what = format!("cannot start `{program}`: {error}");
            let help = "the program must be in PATH or named with its path, and may be run";
            Trouble::new(Kind::Host, spec.name.as_str(), what, help)
        };
        let (log, out) = Log::start(&log).map_err(|error| room::trouble(log.to_string_lossy(), &error))?;
        let err = out.try_clone().map_err(|error| cannot(&error))?;
        let directory = spec.directory.as_ref().map(fill).transpose()?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| is_passed_on(name, &spec.pass)))
            .current_dir(directory.as_deref().map_or(room.path(), Path::new))
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0)
            .kill_on_drop(true);
        for (name, value) in &spec.environment {
            command.env(name, fill(value)?);
        }
        let (name, mark) = room.mark();
        command.env(name, mark);
        let child = command.spawn().map_err(|error| cannot(&error))?;
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let group = group.ok_or_else(|| cannot(&io::Error::other("it has no number")))?;
        room.guard(group.as_raw_nonzero().get().unsigned_abs()).map_err(|error| cannot(&error))?;
        let (name, ends) = (spec.name.clone(), spec.ready == Ready::Ended);
        Ok(Self { name, child, group, log, stop_within: spec.stop_within, ends })
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// What it was that it never was.
    pub async fn ready(&mut self, spec: &Process, words: &Words) -> Result<(), Trouble> {
        let fill =
            |text: &String| words.fill(text).map_err(|unknown| Trouble::of_unknown(&spec.name, unknown));
        let deadline = Instant::now() + spec.ready_within;
        let client = Client::new(&Access::default(), Path::new("."), &Network::default());
        let (way, url) = match &spec.ready {
            Ready::Ended => return self.end(spec.ready_within, words).await,
            Ready::Tcp(address) => (fill(address)?, None),
            Ready::Http(url) => {
                let text = fill(url)?;
                let url = Url::parse(&text)
                    .map_err(|why| self.trouble(Kind::File, &why, words, "correct `ready`"))?;
                (text, Some(url))
            }
        };
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                let what = format!("ended before it was ready: {status}");
                let help = "run its command by hand; its log says more";
                let trouble = self.trouble(Kind::Ended, &what, words, help);
                return Err(unless_taken(trouble));
            }
            let look = async {
                match &url {
                    Some(url) => {
                        client.get(url, ANSWER, MOST).await.is_ok_and(|a| (200..300).contains(&a.status))
                    }
                    None => matches!(timeout(ANSWER, TcpStream::connect(&way)).await, Ok(Ok(_))),
                }
            };
            if timeout_at(deadline, look).await == Ok(true) {
                return self.is_ours(&way, words);
            }
            if Instant::now() >= deadline {
                let what = format!("is not ready after {:?}: {way}", spec.ready_within);
                let help = "give it more time with `ready_within`, or correct `ready`";
                return Err(self.trouble(Kind::NotReady, &what, words, help));
            }
            sleep(LOOK).await;
        }
    }

    /// Whoever answers on its port may be somebody else, while it died of finding the port taken.
    fn is_ours(&mut self, way: &str, words: &Words) -> Result<(), Trouble> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            _ => {
                let what = format!("ended, and somebody else answers at {way}");
                Err(self.trouble(Kind::Host, &what, words, "let it listen on ${port.NAME}, which is free"))
            }
        }
    }

    async fn end(&mut self, within: Duration, words: &Words) -> Result<(), Trouble> {
        match timeout(within, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => {
                let what = format!("ended with {status}");
                Err(self.trouble(Kind::Ended, &what, words, "its log says why"))
            }
            Ok(Err(error)) => {
                Err(self.trouble(Kind::Host, &error.to_string(), words, "run its command by hand"))
            }
            Err(_) => {
                let what = format!("has not ended after {within:?}");
                Err(self.trouble(Kind::NotReady, &what, words, "give it more time with `ready_within`"))
            }
        }
    }

    /// How it ended, where it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until it ends by itself; nothing where it does not in time.
    pub async fn finished(&mut self, within: Duration) -> Option<ExitStatus> {
        timeout(within, self.child.wait()).await.ok()?.ok()
    }

    /// Its group.
    #[must_use]
    pub fn group(&self) -> Group {
        Group(self.group)
    }

    /// Whether it was to end.
    pub fn ends_by_itself(&self) -> bool {
        self.ends
    }

    /// Asks its group to end, and kills what has not ended in time. What there is to say where that was
    /// needed.
    pub async fn stop(mut self, room: &Room, words: &Words) -> Option<Trouble> {
        let _ = kill_process_group(self.group, Signal::TERM);
        let unheeded = timeout(self.stop_within, self.child.wait()).await.is_err().then(|| {
            let within = model::pretty(self.stop_within);
            let what = format!("has not ended {within} after SIGTERM, and was killed");
            let help = "let it end on SIGTERM, or give it more time with `stop_within`";
            self.trouble(Kind::Lingered, &what, words, help)
        });
        // What it started may outlive it.
        let _ = kill_process_group(self.group, Signal::KILL);
        let _ = self.child.wait().await;
        let _ = room.forget(self.group.as_raw_nonzero().get().unsigned_abs());
        unheeded
    }

    /// What went wrong with it, with the end of its log.
    pub fn trouble(&mut self, kind: Kind, what: &str, words: &Words, help: &str) -> Trouble {
        let log = self.last_log(words);
        Trouble { log, ..Trouble::new(kind, self.name.as_str(), words.cover(what), help) }
    }

    /// The last lines that it wrote, secrets left out.
    pub fn last_log(&mut self, words: &Words) -> Vec<String> {
        let ended = self.ended().is_some();
        let log = words.cover(&self.log.end(ended));
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(SHOWN)..].iter().map(|line| printable(line)).collect()
    }
}

/// A port that somebody else has is no answer of the process to anything that it was given.
fn unless_taken(mut trouble: Trouble) -> Trouble {
    /// EADDRINUSE, in the words of glibc, of musl, and of Node.js.
    const TAKEN: [&str; 3] = ["address already in use", "address in use", "eaddrinuse"];
    let says = |line: &String| TAKEN.iter().any(|words| line.to_ascii_lowercase().contains(words));
    if trouble.log.iter().any(says) {
        trouble.kind = Kind::Host;
        trouble.help = "end what listens there, or let it listen on ${port.NAME}, which is free".to_owned();
    }
    trouble
}

/// Whether a process gets a variable of Forewarn's own environment; `asked` is what the test file names.
fn is_passed_on(name: &OsStr, asked: &[String]) -> bool {
    let Some(name) = name.to_str() else { return false };
    let fits = |asked: &String| match asked.strip_suffix('*') {
        Some(begin) => name.starts_with(begin),
        None => name == asked,
    };
    PASSED_ON.contains(&name) || asked.iter().any(fits)
}

/// A line without what could move the cursor, and not longer than one wants to see.
fn printable(line: &str) -> String {
    const STRANGE: char = '\u{fffd}';
    let mut shown = String::new();
    for c in line.chars().map(|c| if c.is_control() { STRANGE } else { c }).take(LOOKED_AT) {
        // Many of them in a row say no more than one.
        if c != STRANGE || !shown.ends_with(STRANGE) {
            shown.push(c);
        }
    }
    shown.chars().take(WIDTH).collect()
}
