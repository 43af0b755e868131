//! A directory for one run, and the promise that nothing of the run is left behind: neither the
//! directory nor any process, however the run ends.
//!
//! A `Drop` does not run where a process is killed or interrupted. So a shell of its own process group
//! holds the reading end of a pipe and knows the run's processes; when the pipe ends, as it does with
//! its writer in any case, it kills them and removes the directory.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// What the shell does; its first argument is the directory.
const WATCH: &str = r#"
pids=
while read -r change pid; do
  case $change in
    +) pids="$pids $pid" ;;
    -) kept=
       for other in $pids; do [ "$other" = "$pid" ] || kept="$kept $other"; done
       pids=$kept ;;
  esac
done
[ -z "$pids" ] || kill -9 $pids 2>/dev/null
rm -rf -- "$1"
"#;

/// The directory of a run and the guard of its processes. Removed with the last process at its end.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    guard: Child,
    pipe: Mutex<Option<ChildStdin>>,
}

impl Scratch {
    /// A new directory below the system's temporary one.
    pub fn new(name: &str) -> io::Result<Self> {
        Self::below(&std::env::temp_dir(), name)
    }

    /// A new directory below another one.
    pub fn below(parent: &Path, name: &str) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("rig-{name}-{}-{count}", std::process::id()));
        std::fs::create_dir(&path)?;
        let mut guard = Command::new("sh")
            .args(["-c", WATCH, "sh"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let pipe = Mutex::new(guard.stdin.take());
        Ok(Self { path, guard, pipe })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file into it and gives its path.
    pub fn file(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// A process belongs to the run: it is killed with it.
    pub fn guard(&self, process: u32) -> io::Result<()> {
        self.tell('+', process)
    }

    /// A process has ended and been waited for; its number may soon be another's.
    pub fn forget(&self, process: u32) -> io::Result<()> {
        self.tell('-', process)
    }

    fn tell(&self, change: char, process: u32) -> io::Result<()> {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        pipe.as_mut().map_or(Ok(()), |pipe| writeln!(pipe, "{change} {process}"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.pipe.lock().unwrap_or_else(PoisonError::into_inner).take();
        let _ = self.guard.wait();
    }
}

/// An address of this host where nothing listens. Below the ports that Linux gives to outgoing
/// connections (32768 and up), so that none of those takes it while its owner is down.
pub fn free_address() -> io::Result<SocketAddr> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    let start = std::process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(FIRST + start.wrapping_add(step) % COUNT).map_err(io::Error::other)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(io::Error::other("no port between 20000 and 32000 is free"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::until;

    #[test]
    fn what_was_guarded_ends_with_the_run_and_the_directory_is_removed() {
        let scratch = Scratch::new("guard").unwrap();
        let path = scratch.path().to_path_buf();
        let mut kept = Command::new("sleep").arg("600").spawn().unwrap();
        let mut forgotten = Command::new("sleep").arg("600").spawn().unwrap();
        scratch.guard(kept.id()).unwrap();
        scratch.guard(forgotten.id()).unwrap();
        scratch.forget(forgotten.id()).unwrap();
        scratch.file("a", "b").unwrap();
        drop(scratch);
        assert!(until(Duration::from_secs(5), || kept.try_wait().unwrap().is_some()).is_some());
        assert!(!path.exists());
        assert!(forgotten.try_wait().unwrap().is_none());
        forgotten.kill().unwrap();
        forgotten.wait().unwrap();
    }

    #[test]
    fn no_address_is_given_twice() {
        assert_ne!(free_address().unwrap(), free_address().unwrap());
    }
}
