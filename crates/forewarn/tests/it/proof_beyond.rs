//! What is asked of a configuration test beyond its verdict, and something comes in the way: said before
//! anything runs where it is known, and beside the verdict where it is not. Real processes, as small as they
//! can be.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::Value;

use crate::proof_stage::{Stage, WELL, file};

/// A dependency of a service that has none, for a search needs one.
const ITSELF: &str = "[[dependency]]\nname = \"itself\"\naddress = \"127.0.0.1:${port.well}\"\n";

/// A dependency that is not there, which a run would be stopped by.
const NOWHERE: &str = "[[dependency]]\nname = \"itself\"\naddress = \"127.0.0.1:1\"\n";

fn search(key: &str) -> String {
    file(&[WELL], ITSELF) + &format!("[search]\nkey = \"{key}\"\nfrom = \"100ms\"\n")
}

#[test]
fn what_cannot_be_had_is_said_before_anything_runs() {
    let mut told = String::new();
    for (text, arguments) in [
        (file(&[WELL], ITSELF), ["--search"].as_slice()),
        (search("server.timeout"), &["--search"]),
        (search("database.pool.size"), &["--search"]),
        (search("server"), &["--picture", "a.svg"]),
        (search("server.request_timeout"), &["--picture", "gone/a.svg"]),
    ] {
        let stage = Stage::new(&text.replace(ITSELF, NOWHERE));
        told += &format!("{}: {}", arguments.join(" "), stage.run(arguments));
    }
    insta::assert_snapshot!(told, @r#"
    --search: exit 2
    error: a.test.toml: has no [search], which names the setting that --search is about
    help: add [search] with `key = "..."`
    1 file: 0 ok, 1 could not be run
    --search: exit 2
    error: directory.toml: has no key `server.timeout`
    help: keys there: `listen`, `request_timeout`
    1 file: 0 ok, 1 could not be run
    --search: exit 2
    error: directory.toml: `database.pool.size` is a bare number
    help: say what it counts: `unit = "s"` in [search]
    1 file: 0 ok, 1 could not be run
    --picture a.svg: exit 2
    error: directory.toml: `server` is a table or a list
    help: name one of its values
    1 file: 0 ok, 1 could not be run
    --picture gone/a.svg: exit 2
    error: gone/a.svg: cannot be written: No such file or directory (os error 2)
    help: name a file in a directory that exists and can be written to with --picture
    "#);
}

/// The exit code, what was said on stderr, the verdict and what was not done.
fn told(stage: &Stage, arguments: &[&str]) -> String {
    let (code, stdout, stderr) = stage.ran(&[&["--format", "json"], arguments].concat());
    // How people fare in a trial is not what is looked at.
    let stderr: String =
        stderr.lines().filter(|line| !line.ends_with(" fail")).map(|line| format!("{line}\n")).collect();
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let file = &report["files"][0];
    let undone = file["service"]["undone"].as_array().into_iter().flatten();
    let undone: Vec<String> =
        undone.map(|undone| format!("{} {}", undone["option"], undone["why"])).collect();
    format!("exit {code}\n{stderr}{} {}", file["verdict"].as_str().unwrap(), undone.join(", "))
}

#[test]
fn a_picture_that_cannot_be_written_any_more_leaves_the_verdict() {
    let well = WELL.replace(
        "[\"${forewarn}\", \"authd\", \"directory\", \"--config\", \"${candidate}\"]",
        "[\"sh\", \"-c\", \"rmdir ${base}/pictures; exec '${forewarn}' authd directory --config '${candidate}'\"]",
    );
    let stage = Stage::new(&search("server.request_timeout").replace(WELL, &well));
    std::fs::create_dir(stage.bench.path("pictures")).unwrap();
    insta::assert_snapshot!(told(&stage, &["--picture", "pictures/a.svg"]), @r#"
    exit 2
    error: pictures/a.svg: cannot be written: No such file or directory (os error 2)
    help: name a file in a directory that exists and can be written to with --picture
    passed "--picture" "pictures/a.svg: cannot be written: No such file or directory (os error 2)"
    "#);
}

#[test]
fn a_search_that_comes_to_nothing_leaves_the_verdict_and_says_who_did_not_end() {
    // From its second start on the service does not end when it is asked to; the third does not begin.
    let counts = "name = \"counts\"\ncommand = [\"sh\", \"-c\", \"echo >> ${base}/starts; test $(wc -l < ${base}/starts) -lt 3\"]\n\
                  ready = { ended = true }";
    let lingers = "name = \"well\"\ncommand = [\"sh\", \"-c\", \"test $(wc -l < ${base}/starts) -lt 2 || trap '' TERM; \
                   '${forewarn}' authd directory --config '${candidate}' >/dev/null 2>&1 & wait; sleep 600\"]\n\
                   ready = { http = \"http://127.0.0.1:${port.well}/readyz\" }\nstop_within = \"200ms\"";
    let text = file(&[lingers], ITSELF).replace("rate = 100", "rate = 1000")
        + "[search]\nkey = \"server.request_timeout\"\nfrom = \"100ms\"\n";
    let first = text.find("[[process]]").unwrap();
    let text = format!("{}[[process]]\n{counts}\n{}", &text[..first], &text[first..]);
    insta::assert_snapshot!(told(&Stage::new(&text), &["--search"]), @r#"
    exit 2
      searching in directory.toml: at most 110 s
    warning: well: has not ended 200 ms after SIGTERM, and was killed
    help: let it end on SIGTERM, or give it more time with `stop_within`
    error: counts: ended with exit status: 1
    help: its log says why
    passed "--search" "counts: ended with exit status: 1"
    "#);
}

#[test]
fn a_budget_that_cannot_do_is_told_before_the_runs_and_beside_the_verdict() {
    let text = file(&[WELL], "").replace("good = \"50%\"", "good = \"99.5%\"");
    let stage = Stage::new(&text);
    let (code, stdout, stderr) = stage.ran(&["--budget", "1s"]);
    let unproved: Vec<&str> = stdout.lines().filter(|line| line.contains("too short")).collect();
    insta::assert_snapshot!(format!("exit {code}\n{stderr}{}", unproved.join("\n")), @r"
    exit 2
      a budget of 1 s is too short to show that 99.5 % succeed, even if nobody fails: that takes 1 151 people, 12 s at 100 a second; --budget 15s would do
    1 file: 0 ok, 1 not known within the budget
      not proved   a budget of 1 s is too short to show that 99.5 % succeed, even if nobody fails: that takes 1 151 people, 12 s at 100 a second; --budget 15s would do
    ");
}
