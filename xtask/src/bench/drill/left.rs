//! What is left of a drill, looked for from outside.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Ports from which a drill takes its own.
const OURS: std::ops::Range<u16> = 20_000..32_000;

/// Processes whose command line or working directory lies in a directory, and what lies in it itself.
pub(super) fn of(home: &Path) -> Vec<String> {
    let files = std::fs::read_dir(home).into_iter().flatten().flatten();
    let files = files.map(|entry| entry.path().display().to_string());
    processes(home).into_iter().chain(files).collect()
}

fn processes(home: &Path) -> Vec<String> {
    let inside = format!("{}/", home.display());
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = all.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let is_there = |number: &String| {
        let at = PathBuf::from("/proc").join(number);
        let line = std::fs::read(at.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&inside)
            || std::fs::read_link(at.join("cwd")).is_ok_and(|cwd| cwd.starts_with(home))
    };
    let numbers = numbers.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    numbers.filter(is_there).map(|number| format!("process {number}")).collect()
}

/// Ports on which somebody listens, of those that a drill may take.
pub(super) fn listening() -> BTreeSet<u16> {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    // `sl local_address rem_address st ...`; 0A is LISTEN (Linux, include/net/tcp_states.h).
    let port = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let local = words.next()?;
        let listens = words.nth(1)? == "0A";
        let port = u16::from_str_radix(local.split(':').nth(1)?, 16).ok()?;
        (listens && OURS.contains(&port)).then_some(port)
    };
    table.lines().filter_map(port).collect()
}
