//! Whether anything of a drill is left: looked for, not taken for granted.

use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use prove::process::Group;
use tokio::time::{Instant, sleep};

/// What has ended may take a moment to be gone.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a drill had.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traces {
    pub(crate) room: PathBuf,
    pub(crate) kept: bool,
    pub(crate) groups: Vec<(String, Group)>,
    pub(crate) ports: Vec<(String, u16)>,
}

/// What is still there, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// Processes, by name or number.
    pub processes: Vec<String>,
    /// Ports that somebody listens on.
    pub ports: Vec<String>,
    /// Files.
    pub files: Vec<String>,
}

impl Left {
    /// Whether nothing is.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.names().next().is_none()
    }

    /// Whatever is.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [&self.processes, &self.ports, &self.files].into_iter().flatten().map(String::as_str)
    }
}

impl Traces {
    /// Looks until nothing is left, or patience is.
    pub(crate) async fn left(&self) -> Left {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = self.look();
            if left.is_nothing() || Instant::now() >= end {
                return left;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    fn look(&self) -> Left {
        let groups = self.groups.iter().filter(|(_, group)| group.is_there());
        let processes = groups.map(|(name, _)| name.clone()).chain(self.at_home()).collect();
        let open = |port: &u16| TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).is_ok();
        let ports = self.ports.iter().filter(|(_, port)| open(port));
        let ports = ports.map(|(name, port)| format!("{port} ({name})")).collect();
        let files = (!self.kept && self.room.exists()).then(|| self.room.display().to_string());
        Left { processes, ports, files: files.into_iter().collect() }
    }

    /// Processes whose command line or working directory lies in the room, whoever started them. Where the
    /// system has no `/proc`, the groups have to do.
    fn at_home(&self) -> Vec<String> {
        let Ok(all) = std::fs::read_dir("/proc") else { return Vec::new() };
        let room = self.room.to_string_lossy().into_owned();
        let own = std::process::id().to_string();
        let numbers = all.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let processes = numbers.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()) && *name != own);
        let is_home = |number: &String| {
            let at = PathBuf::from("/proc").join(number);
            let line = std::fs::read(at.join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&room)
                || std::fs::read_link(at.join("cwd")).is_ok_and(|cwd| cwd.starts_with(&self.room))
        };
        processes.filter(is_home).map(|number| format!("process {number}")).collect()
    }
}
