//! A workbench for configuration tests whose services are as small as they can be: what is said of them, and
//! that nothing of a run is left, neither a process nor a directory.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use regex::Regex;
use rig::until;

use crate::workbench::Workbench;

/// How long what is killed may take to be gone, on a busy machine.
pub(crate) const GONE: Duration = Duration::from_secs(10);

/// The configuration in force.
pub(crate) const DIRECTORY: &str = "[server]\nlisten = \"127.0.0.1:8081\"\nrequest_timeout = \"800ms\"\n\
                         [database]\nurl = \"sqlite:directory.db\"\nstatement_timeout = \"500ms\"\n\
                         [database.pool]\nsize = 8\nacquire_timeout = \"200ms\"\n";

/// A service that works.
pub(crate) const WELL: &str = "name = \"well\"\ncommand = [\"${forewarn}\", \"authd\", \"directory\", \"--config\", \"${candidate}\"]\n\
                    ready = { http = \"http://127.0.0.1:${port.well}/readyz\" }\n";

/// A test of these processes, whose people ask the first one.
pub(crate) fn file(processes: &[&str], more: &str) -> String {
    let first = processes[0].split('"').nth(1).unwrap();
    let processes: String = processes.iter().map(|process| format!("[[process]]\n{process}\n")).collect();
    format!(
        "kind = \"service\"\nname = \"bad input\"\n\
         [candidate]\nfile = \"directory.toml\"\n\
         [candidate.set]\n\"server.listen\" = \"127.0.0.1:${{port.{first}}}\"\n\
         \"database.url\" = \"sqlite:${{work}}/directory.db\"\n\
         {processes}{more}\
         [[step]]\nname = \"ask\"\nurl = \"http://127.0.0.1:${{port.{first}}}/readyz\"\n\
         [load]\nrate = 100\n[objective]\ngood = \"50%\"\nwithin = \"1s\"\n"
    )
}

pub(crate) struct Stage {
    pub(crate) bench: Workbench,
}

impl Stage {
    pub(crate) fn new(text: &str) -> Self {
        let bench = Workbench::with(&[("a.test.toml", text), ("directory.toml", DIRECTORY)]);
        fs::create_dir(bench.path("rooms")).unwrap();
        Self { bench }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bench.command(arguments);
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("TMPDIR", self.bench.path("rooms"));
        command
    }

    /// Runs it to its end; the exit code and what it said on stderr. Nothing of it is left.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let (code, _, stderr) = self.ran(arguments);
        format!("exit {code}\n{stderr}")
    }

    /// The same; the exit code, and what it said on stdout and on stderr.
    pub(crate) fn ran(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.command(&[&["test", "a.test.toml"], arguments].concat()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!stderr.contains("panicked"), "{stderr}");
        let left = self.left();
        assert!(left.is_empty(), "{left:?}\n{stderr}");
        let stdout = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), self.plain(&stdout), self.plain(&stderr))
    }

    pub(crate) fn start(&self) -> Child {
        self.command(&["test", "a.test.toml"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Without what is another one in each run.
    pub(crate) fn plain(&self, text: &str) -> String {
        let text = text.replace(&self.bench.path("").display().to_string(), "BENCH/");
        let text = Regex::new("forewarn-[0-9]+-[0-9]+").unwrap().replace_all(&text, "ROOM").into_owned();
        Regex::new(r"\b(2[0-9]|3[01])[0-9]{3}\b").unwrap().replace_all(&text, "PORT").into_owned()
    }

    /// Processes and directories of runs: whatever names the bench in its environment or its command.
    pub(crate) fn left(&self) -> Vec<String> {
        let bench = self.bench.path("rooms").display().to_string();
        let rooms = fs::read_dir(self.bench.path("rooms")).unwrap();
        let rooms = rooms.map(|entry| entry.unwrap().path().display().to_string());
        let names =
            |file: &str| fs::read(file).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(&bench));
        let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let process = entry.ok()?.file_name().into_string().ok()?;
            let process: u32 = process.parse().ok()?;
            let left = ["environ", "cmdline"].iter().any(|file| names(&format!("/proc/{process}/{file}")));
            left.then(|| fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default())
        });
        rooms.chain(processes).collect()
    }

    pub(crate) fn assert_gone(&self, how: &str) {
        if until(GONE, || self.left().is_empty()).is_none() {
            panic!("{how}: {:?}", self.left());
        }
    }
}
