//! A directory with files in it, and the binary run inside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory of its own, gone with its value.
pub(crate) struct Workbench {
    root: PathBuf,
}

/// What a run left behind.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Workbench {
    /// A directory with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{number}", std::process::id()));
        fs::create_dir_all(&root).expect("a directory for the test");
        // The directory lies in a repository that ignores it; its own ends the search upward.
        fs::create_dir(root.join(".git")).expect("a border for ignore files");
        let bench = Self { root };
        for (path, text) in files {
            bench.write(path, text);
        }
        bench
    }

    /// Adds or replaces a file.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.root.join(path);
        fs::create_dir_all(file.parent().expect("inside the bench")).expect("a directory");
        fs::write(file, text).expect("a file");
    }

    /// Where a file lies or would.
    pub(crate) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// Adds a file that need not be text.
    pub(crate) fn write_bytes(&self, path: &str, bytes: &[u8]) {
        fs::write(self.path(path), bytes).expect("a file");
    }

    /// A file's text, if it is there.
    pub(crate) fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root.join(path)).ok()
    }

    /// Names in the top directory, but for the border.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.root)
            .expect("there")
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .filter(|name| name != ".git")
            .collect();
        names.sort();
        names
    }

    /// The binary, not yet started: no variable of ours reaches it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_forewarn"));
        command.args(arguments).current_dir(&self.root).env_clear().stdin(Stdio::null());
        command
    }

    /// Runs the binary.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_in("", arguments)
    }

    /// Runs the binary in another directory, named from the bench.
    pub(crate) fn run_in(&self, directory: impl AsRef<Path>, arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        let output = command.current_dir(self.path(directory)).output().expect("the binary starts");
        Ran {
            code: output.status.code().expect("it ends by itself"),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Drop for Workbench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

impl Ran {
    /// Everything in one text, for snapshots. That all rules ran is said without their number, which
    /// grows.
    pub(crate) fn whole(&self) -> String {
        let stderr = self.stderr.replace(&format!("ran {} rules", rules::RULES.len()), "ran all rules");
        format!("exit {}\n--- stdout\n{}--- stderr\n{stderr}", self.code, self.stdout)
    }
}
