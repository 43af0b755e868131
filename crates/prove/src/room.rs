//! Where a run takes place: a directory, free ports, and the promise that nothing of the run is left
//! behind, however it ends.
//!
//! A `Drop` does not run where Forewarn itself is killed. So a shell in a process group of its own holds
//! the reading end of a pipe and knows the groups of the run; when the pipe ends, as it does with its
//! writer in any case, it asks them to end, kills those that have not a second later, and removes the
//! directory. What has left its group, as a daemon does, is known by a variable of its environment that names
//! the room, where the system shows environments.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::trial::{Kind, Trouble};

/// The variable that names the room in the environment of its processes.
const MARK: &str = "FOREWARN_ROOM";

/// What the shell does: its first argument is the directory, its second says whether that is kept, its third
/// is what stands in the environment of the processes.
const CARETAKER: &str = r#"
trap '' INT TERM HUP
groups=
while read -r change group; do
  case $change in
    +) groups="$groups $group" ;;
    -) left=
       for other in $groups; do [ "$other" = "$group" ] || left="$left $other"; done
       groups=$left ;;
  esac
done
# Asked first: a database that is killed leaves its shared memory behind.
for group in $groups; do kill -s TERM -- "-$group" 2>/dev/null; done
tries=0
while [ $tries -lt 20 ]; do
  alive=
  for group in $groups; do if kill -s 0 -- "-$group" 2>/dev/null; then alive=1; fi; done
  [ -n "$alive" ] || break
  tries=$((tries + 1))
  sleep 0.05
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
tries=0
while [ $tries -lt 20 ]; do
  strays=
  for file in $(grep -lsF "$3" /proc/[0-9]*/environ); do
    stray=${file#/proc/}
    strays="$strays ${stray%/environ}"
  done
  [ -n "$strays" ] || break
  kill -s KILL $strays 2>/dev/null
  tries=$((tries + 1))
  sleep 0.05
done
[ "$2" = keep ] && exit
# A room within this one has a caretaker of its own, whose processes may write to the last.
tries=0
until rm -rf -- "$1" 2>/dev/null || [ $tries -ge 100 ]; do tries=$((tries + 1)); sleep 0.1; done
"#;

/// The room of one run; emptied when it is dropped.
#[derive(Debug)]
pub struct Room {
    path: PathBuf,
    caretaker: Child,
    pipe: Mutex<Option<ChildStdin>>,
    ports: Mutex<BTreeMap<String, u16>>,
}

impl Room {
    /// A new directory below another one. It stays after the end where it is to be kept.
    ///
    /// # Errors
    /// The directory cannot be made, which the error names, or no shell started.
    pub fn below(parent: &Path, keep: bool) -> io::Result<Self> {
        let path = fresh(parent)?;
        let caretaker = Command::new("sh")
            .args(["-c", CARETAKER, "sh"])
            .arg(&path)
            .arg(if keep { "keep" } else { "remove" })
            .arg(format!("{MARK}={}", mark(&path)))
            // A room within another one: its caretaker is none of the other one's processes.
            .env_remove(MARK)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let mut caretaker = caretaker.map_err(|error| {
            // Nothing is in it yet, and nobody else will remove it.
            let _ = std::fs::remove_dir(&path);
            io::Error::new(error.kind(), format!("cannot start the shell `sh`: {error}"))
        })?;
        let pipe = Mutex::new(caretaker.stdin.take());
        Ok(Self { path, caretaker, pipe, ports: Mutex::default() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The variable by which processes of the run are known, and its value.
    pub(crate) fn mark(&self) -> (&'static str, String) {
        (MARK, mark(&self.path))
    }

    /// Whether nobody listens on a port.
    pub(crate) fn is_free(port: u16) -> bool {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
    }

    /// A process group belongs to the run.
    ///
    /// # Errors
    /// The caretaker is gone.
    pub fn guard(&self, group: u32) -> io::Result<()> {
        self.tell('+', group)
    }

    /// A process group has ended; its number may soon be another's.
    ///
    /// # Errors
    /// The caretaker is gone.
    pub fn forget(&self, group: u32) -> io::Result<()> {
        self.tell('-', group)
    }

    /// Empties it while others go on, which its drop keeps from it: that waits.
    pub(crate) async fn close(self) {
        // A runtime that ends meanwhile drops it as well.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }

    fn tell(&self, change: char, group: u32) -> io::Result<()> {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        pipe.as_mut().map_or(Ok(()), |pipe| writeln!(pipe, "{change} {group}"))
    }

    /// The ports that were given out, and to whom.
    pub(crate) fn ports(&self) -> BTreeMap<String, u16> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A port of loopback where nobody listens; the same name gives the same one.
    ///
    /// # Errors
    /// None can be had.
    pub fn port(&self, name: &str) -> io::Result<u16> {
        let mut ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(port) = ports.get(name) {
            return Ok(*port);
        }
        let port = free_port(ports.values().copied().collect())?;
        ports.insert(name.to_owned(), port);
        Ok(port)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.pipe.lock().unwrap_or_else(PoisonError::into_inner).take();
        // It ends once everything is gone; whoever looks after the drop finds nothing.
        let _ = self.caretaker.wait();
    }
}

/// A new file that only its owner reads: what a service is told and what it says may hold secrets.
pub(crate) fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// What kept a run from having its room: at a path in it, or before there is one.
#[must_use]
pub fn trouble(place: impl Into<String>, error: &io::Error) -> Trouble {
    let help = "a run needs room in a directory for temporary files that it may write to (TMPDIR), free ports of \
                loopback and a shell";
    Trouble::new(Kind::Host, place, error.to_string(), help)
}

/// Where a trouble is said to be that no file is to blame for.
pub const MACHINE: &str = "this machine";

/// No room's name begins with another's.
fn mark(path: &Path) -> String {
    format!("{}/", path.display())
}

/// Makes a directory that nobody else has, and into which nobody else can look: what services write there
/// may hold secrets, whatever rights they give it. A service that goes on as another user, as PostgreSQL must
/// where root starts it, lets that one pass by itself.
fn fresh(parent: &Path) -> io::Result<PathBuf> {
    let process = std::process::id();
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    for number in 0..10_000 {
        let path = parent.join(format!("forewarn-{process}-{number}"));
        match builder.create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                let what = format!("cannot make a directory in {}: {error}", parent.display());
                return Err(io::Error::new(error.kind(), what));
            }
            Ok(()) => return Ok(path),
        }
    }
    Err(io::Error::other(format!("{} is full of earlier runs; remove forewarn-*", parent.display())))
}

/// Below the ports that Linux gives to outgoing connections (32768 and up), so that none of those takes it
/// before its owner does.
fn free_port(taken: Vec<u16>) -> io::Result<u16> {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    /// How far ports were given out. A port is free until its owner listens on it, so rooms of one process
    /// never look at the same one.
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    // Processes at the same time begin at different places.
    let start = std::process::id().wrapping_mul(97);
    (0..COUNT)
        .map(|_| start.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % u32::from(COUNT))
        .map(|step| FIRST + step as u16)
        .filter(|port| !taken.contains(port))
        .find(|&port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
        .ok_or_else(|| io::Error::other("no port of loopback between 20000 and 32000 is free"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_guarded_ends_with_the_room_and_the_directory_is_gone() {
        let room = Room::below(&std::env::temp_dir(), false).unwrap();
        let path = room.path().to_path_buf();
        // A child of the child belongs to its group.
        let mut child = Command::new("sh").args(["-c", "sleep 600 & wait"]).process_group(0).spawn().unwrap();
        room.guard(child.id()).unwrap();
        drop(room);
        assert!(!path.exists());
        assert!(!child.wait().unwrap().success());
    }

    #[tokio::test]
    async fn others_go_on_while_a_room_is_closed() {
        let room = Room::below(&std::env::temp_dir(), false).unwrap();
        let path = room.path().to_path_buf();
        // It does not end when it is asked to, which the room waits for.
        let stubborn = ["-c", "trap '' TERM; echo; while :; do sleep 600; done"];
        let mut child =
            Command::new("sh").args(stubborn).process_group(0).stdout(Stdio::piped()).spawn().unwrap();
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
        room.guard(child.id()).unwrap();
        let mut closing = std::pin::pin!(room.close());
        tokio::select! {
            biased;
            () = &mut closing => panic!("nobody else came to it"),
            () = std::future::ready(()) => {}
        }
        closing.await;
        assert!(!path.exists());
        assert!(!child.wait().unwrap().success());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_has_left_its_group_ends_with_the_room_too() {
        let room = Room::below(&std::env::temp_dir(), false).unwrap();
        let (name, mark) = room.mark();
        let mut child = Command::new("sleep").arg("600").env(name, mark).process_group(0).spawn().unwrap();
        drop(room);
        assert!(!child.wait().unwrap().success());
    }

    #[test]
    fn nobody_else_reads_what_is_in_a_room() {
        use std::os::unix::fs::PermissionsExt as _;
        let room = Room::below(&std::env::temp_dir(), false).unwrap();
        let of = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let file = room.path().join("front.log");
        private(&file).unwrap();
        assert_eq!((of(room.path()), of(&file)), (0o700, 0o600));
    }

    #[test]
    fn where_no_room_can_be_made_is_named() {
        let nowhere = std::env::temp_dir().join("no-such-directory");
        insta::assert_snapshot!(
            Room::below(&nowhere, false).unwrap_err().to_string().replace(nowhere.to_str().unwrap(), "NOWHERE"),
            @"cannot make a directory in NOWHERE: No such file or directory (os error 2)"
        );
    }

    #[test]
    fn a_room_that_is_kept_stays_and_a_port_keeps_its_name() {
        let room = Room::below(&std::env::temp_dir(), true).unwrap();
        let path = room.path().to_path_buf();
        assert_eq!(room.port("front").unwrap(), room.port("front").unwrap());
        assert_ne!(room.port("front").unwrap(), room.port("directory").unwrap());
        let beside = Room::below(&std::env::temp_dir(), false).unwrap();
        assert_ne!(room.port("front").unwrap(), beside.port("front").unwrap());
        drop(room);
        assert!(path.exists());
        std::fs::remove_dir(path).unwrap();
    }
}
