//! What Prometheus' own reader takes, ours takes: `promtool check metrics` as the oracle.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use watch::journal::Why;

use super::reads::{family, read};

/// Whether promtool can read a text, whatever its style checks say of it; nothing where it is not installed.
fn promtool_reads(text: &str) -> Option<bool> {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut promtool = command.spawn().ok()?;
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    Some(!String::from_utf8_lossy(&output.stderr).contains("error while linting"))
}

/// Notes that a test did not run, to the developer and to the file that `FOREWARN_SKIPPED` names.
#[expect(clippy::disallowed_methods, reason = "how `cargo xtask test` tells its tests where to write")]
fn skipped(test: &str) {
    let mut line = String::new();
    writeln!(line, "skipped: {test}: promtool is not installed").unwrap();
    eprint!("{line}");
    if let Ok(path) = std::env::var("FOREWARN_SKIPPED") {
        let file = OpenOptions::new().append(true).create(true).open(path);
        // One write, so that lines of several programs do not mix.
        file.unwrap().write_all(line.as_bytes()).unwrap();
    }
}

#[test]
fn what_promtool_reads_is_read() {
    if promtool_reads("a 1\n").is_none() {
        return skipped("what_promtool_reads_is_read");
    }
    assert_eq!(promtool_reads("a{ 1\n"), Some(false), "the oracle tells the two apart");
    // A process a case: a few dozen take a second.
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let change = prop::option::of((any::<prop::sample::Index>(), "[ -~\n]?"));
    let run = runner.run(&(family(), change), |(family, change)| {
        let mut text = family.text();
        let untouched = change.is_none();
        if let Some((at, with)) = change {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            let at = places[at.index(places.len())];
            let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
            text.replace_range(at..end, &with);
        }
        let theirs = promtool_reads(&text).unwrap();
        prop_assert!(theirs || !untouched, "promtool does not read what was generated:\n{}", text);
        if let (true, Err(bad)) = (theirs, read(&text)) {
            // It takes a series that stands twice; a sum must not.
            let known = bad.why != Why::Format && bad.why != Why::Body || bad.words.contains("stands twice");
            prop_assert!(known, "{:?}:\n{}", bad, text);
        }
        Ok(())
    });
    run.unwrap();
}
