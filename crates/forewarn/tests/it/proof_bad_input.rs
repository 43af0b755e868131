//! Services that do not do what a configuration test needs of them, test files with mistakes, and ends in
//! the middle: one clear error each, and nothing of the run is left, neither a process nor a directory.
//! Real processes, as small as they can be.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::process::Command;
use std::time::Duration;

use rig::until;

use crate::proof_stage::{GONE, Stage, WELL, file};

fn run(text: &str) -> String {
    Stage::new(text).run(&[])
}

#[test]
fn a_service_that_never_becomes_ready() {
    let slow = "name = \"slow\"\ncommand = [\"sh\", \"-c\", \"echo still loading; sleep 600\"]\n\
                ready = { tcp = \"127.0.0.1:${port.slow}\" }\nready_within = \"300ms\"";
    insta::assert_snapshot!(run(&file(&[slow], "")), @r"
    exit 2
    error: slow: is not ready after 300ms: 127.0.0.1:PORT
      | still loading
    help: give it more time with `ready_within`, or correct `ready`
    1 file: 0 ok, 1 could not be run
    ");
}

#[test]
fn a_service_that_dies_as_it_starts() {
    let dies = "name = \"front\"\ncommand = [\"sh\", \"-c\", \"echo no such database >&2; exit 3\"]\n\
                ready = { tcp = \"127.0.0.1:${port.front}\" }";
    insta::assert_snapshot!(run(&file(&[dies], "")), @r"
    exit 2
    error: front: ended before it was ready: exit status: 3
      | no such database
    help: run its command by hand; its log says more
    1 file: 0 ok, 1 could not be run
    ");
    let unknown = "name = \"front\"\ncommand = [\"no-such-program\"]\nready = { tcp = \"127.0.0.1:1\" }";
    insta::assert_snapshot!(run(&file(&[unknown], "")), @r"
    exit 2
    error: front: cannot start `no-such-program`: No such file or directory (os error 2)
    help: the program must be in PATH or named with its path, and may be run
    1 file: 0 ok, 1 could not be run
    ");
    let fails = "name = \"migrate\"\ncommand = [\"sh\", \"-c\", \"echo table exists; exit 1\"]\nready = { ended = true }";
    insta::assert_snapshot!(run(&file(&[fails], "")), @r"
    exit 2
    error: migrate: ended with exit status: 1
      | table exists
    help: its log says why
    1 file: 0 ok, 1 could not be run
    ");
}

#[test]
fn a_service_that_dies_in_the_middle() {
    let dies = "name = \"front\"\ncommand = [\"sh\", \"-c\", \"'${forewarn}' authd directory --config '${candidate}' >/dev/null 2>&1 & sleep 1; echo out of memory; kill -9 $!; exit 9\"]\n\
                ready = { http = \"http://127.0.0.1:${port.front}/readyz\" }";
    let text = file(&[dies], "").replace("good = \"50%\"", "good = \"99.99%\"");
    insta::assert_snapshot!(run(&text), @r"
    exit 2
      a budget of 60 s is too short to show that 99.99 % succeed, even if nobody fails: that takes 57 694 people, 577 s at 100 a second; --budget 722s would do
    error: front: ended while people came: exit status: 9
      | out of memory
    help: its log says why; `--keep` keeps the directory of the run
    1 file: 0 ok, 1 could not be run
    ");
}

#[test]
fn a_service_that_does_not_end_when_it_is_asked_to_is_killed_and_its_verdict_stands() {
    let hangs = "name = \"front\"\ncommand = [\"sh\", \"-c\", \"trap '' TERM; '${forewarn}' authd directory --config '${candidate}' >/dev/null 2>&1 & echo busy; sleep 600\"]\n\
                 ready = { http = \"http://127.0.0.1:${port.front}/readyz\" }\nstop_within = \"200ms\"";
    insta::assert_snapshot!(run(&file(&[hangs], "")), @r"
    exit 0
    warning: front: has not ended 200 ms after SIGTERM, and was killed
      | busy
    help: let it end on SIGTERM, or give it more time with `stop_within`
    1 file: 1 ok
    ");
}

#[test]
fn a_service_that_prints_without_end_and_what_is_no_text() {
    let binary = "name = \"front\"\ncommand = [\"sh\", \"-c\", \"head -c 3000000 /dev/zero; printf '\\\\033[2Jbell\\\\007\\\\377\\\\n'; exit 1\"]\n\
                  ready = { tcp = \"127.0.0.1:${port.front}\" }";
    insta::assert_snapshot!(run(&file(&[binary], "")), @r"
    exit 2
    error: front: ended before it was ready: exit status: 1
      | �[2Jbell�
    help: run its command by hand; its log says more
    1 file: 0 ok, 1 could not be run
    ");

    let endless = "name = \"front\"\ncommand = [\"yes\"]\n\
                   ready = { tcp = \"127.0.0.1:${port.front}\" }\nready_within = \"500ms\"";
    let stage = Stage::new(&file(&[endless], ""));
    let output = stage.command(&["test", "a.test.toml", "--keep"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let rooms: Vec<_> = fs::read_dir(stage.bench.path("rooms")).unwrap().collect();
    let log = rooms[0].as_ref().unwrap().path().join("front.log");
    let length = fs::metadata(log).unwrap().len();
    assert!((1 << 20..5 << 20).contains(&length), "{length}");
}

#[test]
fn a_port_that_another_process_took() {
    let thief = "name = \"thief\"\ncommand = [\"${forewarn}\", \"authd\", \"directory\", \"--config\", \"${candidate}\"]\n\
                 environment = { AUTHD_SERVER__LISTEN = \"127.0.0.1:${port.front}\" }\n\
                 ready = { http = \"http://127.0.0.1:${port.front}/readyz\" }";
    let front =
        "name = \"front\"\ncommand = [\"sleep\", \"600\"]\nready = { tcp = \"127.0.0.1:${port.front}\" }";
    insta::assert_snapshot!(run(&file(&[thief, front], "")), @r"
    exit 2
    error: front: somebody listens already on PORT, its ${port.front}
    help: no process before it may listen there; run it again if another program does
    1 file: 0 ok, 1 could not be run
    ");
}

#[test]
fn a_directory_for_temporary_files_that_takes_none() {
    let stage = Stage::new(&file(&[WELL], ""));
    let nowhere = stage.bench.path("directory.toml");
    let output = stage.command(&["test", "a.test.toml"]).env("TMPDIR", nowhere).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    insta::assert_snapshot!(format!("exit {}\n{}", output.status.code().unwrap(), stage.plain(&stderr)), @r"
    exit 2
    error: this machine: cannot make a directory in BENCH/directory.toml: Not a directory (os error 20)
    help: a run needs room in a directory for temporary files that it may write to (TMPDIR), free ports of loopback and a shell
    1 file: 0 ok, 1 could not be run
    ");
}

#[test]
fn a_dependency_that_is_down_from_the_start() {
    let down = "[[dependency]]\nname = \"db\"\naddress = \"127.0.0.1:1\"\nanswer = \"5ms\"\n";
    insta::assert_snapshot!(run(&file(&[WELL], down)), @r"
    exit 2
    error: db: cannot be reached at 127.0.0.1:1: Connection refused (os error 111)
    help: start it before the test, or as a [[process]] of it; or correct `address`
    1 file: 0 ok, 1 could not be run
    ");
}

#[test]
fn children_that_outlive_their_parent_and_daemons_are_gone() {
    let forks = "name = \"front\"\ncommand = [\"sh\", \"-c\", \"setsid sleep 601 & sleep 602 & (setsid sh -c 'sleep 603 & sleep 604' &) ; exec '${forewarn}' authd directory --config '${candidate}'\"]\n\
                 ready = { http = \"http://127.0.0.1:${port.front}/readyz\" }";
    insta::assert_snapshot!(run(&file(&[forks], "")), @r"
    exit 0
    1 file: 1 ok
    ");
}

/// What is wrong with the text of a test file, in one line each.
#[test]
fn mistakes_in_a_test_file_are_told_where_they_are() {
    let sound = file(&[WELL], "");
    let without =
        |line: &str| sound.lines().filter(|other| !other.starts_with(line)).collect::<Vec<_>>().join("\n");
    let with = |from: &str, to: &str| sound.replacen(from, to, 1);
    let files = [
        ("kind", with("\"service\"", "\"servise\"")),
        ("name", without("name = \"bad input\"")),
        ("candidate", with("[candidate]\nfile = \"directory.toml\"\n", "")),
        ("file", without("file")),
        ("process", without("name = \"well\"")),
        ("command", without("command")),
        ("ready", without("ready")),
        ("ready of two kinds", with("ready = {", "ready = { ended = true,")),
        (
            "step",
            sound.split("[[step]]").next().unwrap().to_owned()
                + "[load]\nrate = 1\n[objective]\ngood = \"50%\"\n",
        ),
        ("url", without("url")),
        ("load", without("[load]").replace("rate = 100\n", "")),
        ("rate", with("rate = 100", "rate = \"fast\"")),
        ("objective", without("good")),
        ("good", with("\"50%\"", "0.5")),
        ("within", with("\"1s\"", "\"1\"")),
        ("unknown key", with("within", "withn")),
        ("unknown table", with("[load]", "[laod]")),
        ("wrong type", with("name = \"well\"", "name = [\"well\"]")),
        ("unknown word", with("${candidate}", "${candidat}")),
        ("unknown variable", with("--config", "${NO_SUCH_VARIABLE}")),
        ("a word of itself", with("\"sqlite:${work}/directory.db\"", "\"${candidate}\"")),
        ("unknown key of the candidate", with("database.url", "database.ulr")),
        ("candidate that is not there", with("directory.toml", "gone.toml")),
        ("candidate in no syntax", with("directory.toml", "a.bin")),
        ("dependency without address", sound.clone() + "[[dependency]]\nname = \"db\"\n"),
        (
            "dependency with a fault",
            sound.clone() + "[[dependency]]\nname = \"db\"\naddress = \"127.0.0.1:1\"\nfault = \"resett\"\n",
        ),
        ("broken syntax", sound.clone() + "[[dependency\n"),
        ("empty", String::new()),
        ("kind alone", "kind = \"service\"\n".to_owned()),
    ];
    let mut told = String::new();
    for (what, text) in files {
        let stage = Stage::new(&text);
        stage.bench.write("a.bin", "x");
        let said = stage.run(&[]);
        assert!(said.starts_with("exit 2\n"), "{what}: {said}");
        let lines: Vec<&str> =
            said.lines().filter(|line| line.starts_with("error") || line.contains("help: ")).collect();
        told += &format!("{what}\n    {}\n", lines.join("\n    "));
    }
    insta::assert_snapshot!(told, @r#"
    kind
        error: `kind` is unknown: `servise`
          = help: did you mean `service`? allowed: `scenario`, `service`
    name
        error: the test file without `name`
          = help: add `name = "..."`
    candidate
        error: [candidate] without `file`
          = help: add `file = "..."`
    file
        error: [candidate] without `file`
          = help: add `file = "..."`
    process
        error: [[process]] without `name`
          = help: add `name = "..."`
    command
        error: [[process]] without `command`
          = help: add `command = ["program", "argument"]`
    ready
        error: [[process]] without `ready`
          = help: add `ready = { http = "http://127.0.0.1:${port.NAME}/healthz" }`, `{ tcp = "127.0.0.1:${port.NAME}" }` or `{ ended = true }`
    ready of two kinds
        error: `ready` is one of `http`, `tcp` and `ended`
           = help: write `ready = { http = "http://127.0.0.1:${port.NAME}/healthz" }`, `{ tcp = "127.0.0.1:${port.NAME}" }` or `{ ended = true }`
    step
        error: the test file without [[step]]
          = help: add [[step]] with `name` and `url`
    url
        error: [[step]] without `url`
           = help: add `url = "..."`
    load
        error: the test file without [load]
          = help: add [load] with `rate` or `at_once`
    rate
        error: `rate` of [load] is a text, not a number
           = help: write rate = 50 (people a second) or at_once = 8 (people at a time)
    objective
        error: [objective] without `good`
           = help: add `good = "..."`
    good
        error: `good` of [objective] is a number, not a text
           = help: put it in quotes
    within
        error: `within` has no unit
           = help: write a number with its unit in quotes: "300ms", "1.5s", "2min"
    unknown key
        error: [objective] has no key `withn`
           = help: did you mean `within`? keys of [objective]: `good`, `within`, `people`
    unknown table
        error: the test file has no key `laod`
           = help: did you mean `load`? keys of the test file: `kind`, `name`, `candidate`, `process`, `dependency`, `setup`, `step`, `load`, `objective`, `search`
    wrong type
        error: `name` of [[process]] is a list, not a text
          = help: put it in quotes
    unknown word
        error: `${candidat}` stands for nothing
           = help: did you mean `candidate`? known here: `seed`, `work`, `base`, `candidate`, `forewarn`, `port.well`
    unknown variable
        error: well: `${NO_SUCH_VARIABLE}` stands for nothing
        help: it is no variable of the environment here: export NO_SUCH_VARIABLE
    a word of itself
        error: `${candidate}` stands for nothing
          = help: known here: `seed`, `work`, `base`, `forewarn`, `port.well`
    unknown key of the candidate
        error: directory.toml: has no key `database.ulr`
        help: did you mean `url`? keys there: `url`, `statement_timeout`, `pool`
    candidate that is not there
        error: gone.toml: cannot be read: No such file or directory (os error 2)
        help: `file` of [candidate] is relative to the test file
    candidate in no syntax
        error: a.bin: is in no syntax whose keys are known
        help: name its `syntax` in [candidate], or write [candidate.replace]
    dependency without address
        error: [[dependency]] without `address`
           = help: add `address = "..."`
    dependency with a fault
        error: `fault` is unknown: `resett`
           = help: did you mean `reset`? allowed: `none`, `refuse`, `reset`, `black-hole`
    broken syntax
        error: `]]` is expected here
           = help: correct the syntax here; what follows may be sound
    empty
        error: the test file is empty
          = help: add `kind = "scenario"`, a plan, series and expected alerts
    kind alone
        error: the test file without `name`, [candidate], [[process]], [[step]], [load] and [objective]
          = help: add `name = "..."`, [candidate] with `file`, [[process]] with `name`, `command` and `ready`, [[step]] with `name` and `url`, [load] with `rate` or `at_once` and [objective] with `good`
    "#);
}

#[test]
fn files_that_are_no_test_files() {
    let stage = Stage::new("");
    stage.bench.write_bytes("a.test.toml", b"kind = \"service\"\n\xff\xfe\0\0");
    insta::assert_snapshot!(stage.run(&[]), @r"
    exit 2
    error: a.test.toml: is no text: byte 18 is not UTF-8
    help: name a test file
    1 file: 0 ok, 1 could not be run
    ");
    stage.bench.write_bytes("a.test.toml", &vec![b'#'; 5 << 20]);
    insta::assert_snapshot!(stage.run(&[]), @r"
    exit 2
    error: a.test.toml: is larger than 4 MiB
    help: name a file that is written by hand
    1 file: 0 ok, 1 could not be run
    ");
    fs::remove_file(stage.bench.path("a.test.toml")).unwrap();
    fs::create_dir(stage.bench.path("a.test.toml")).unwrap();
    insta::assert_snapshot!(stage.run(&[]), @r"
    exit 2
    error: a.test.toml: cannot be read: Is a directory (os error 21)
    help: name a test file
    1 file: 0 ok, 1 could not be run
    ");
}

#[test]
fn a_candidate_in_another_syntax_or_without_a_key() {
    let stage = Stage::new(&file(&[WELL], ""));
    stage.bench.write("new.yaml", "server:\n  listen: 127.0.0.1:8081\n");
    insta::assert_snapshot!(stage.run(&["--candidate", "new.yaml"]), @r"
    exit 2
    error: letters, numbers, `-` or `_` is expected here
     --> new.yaml:1:7
      |
    1 | server:
      |       ^
      |
      = help: correct the syntax here, or name a file in the syntax of the one in force

    1 file: 0 ok, 1 could not be run
    ");
    stage.bench.write("new.toml", "[server]\nlisten = \"127.0.0.1:8081\"\n");
    insta::assert_snapshot!(stage.run(&["--candidate", "new.toml"]), @r"
    exit 2
    error: new.toml: has no key `database.url`
    help: keys there: `server`
    1 file: 0 ok, 1 could not be run
    ");
    insta::assert_snapshot!(stage.run(&["--candidate", "gone.toml"]), @r"
    exit 2
    error: gone.toml: cannot be read: No such file or directory (os error 2)
    help: name a file with --candidate
    1 file: 0 ok, 1 could not be run
    ");
}

/// The dependency is not there, which a run would be stopped by.
#[test]
fn a_setting_that_cannot_be_searched_is_told_before_anything_runs() {
    let dependency =
        "[[dependency]]\nname = \"db\"\naddress = \"127.0.0.1:1\"\nanswer = \"20ms\"\nconnect = \"5ms\"\n";
    let mut told = String::new();
    for search in [
        "key = \"database.statement_timeout\"",
        "key = \"database.statement_timeout\"\nawaits = \"pool\"",
        "key = \"database.statement_timout\"\nawaits = \"answer\"",
        "key = \"database.pool\"\nawaits = \"other\"",
        "key = \"database.pool.size\"\nawaits = \"other\"",
        "key = \"database.url\"\nawaits = \"other\"",
    ] {
        let stage = Stage::new(&(file(&[WELL], dependency) + "[search]\n" + search));
        let said = stage.run(&["--search"]);
        let lines: Vec<&str> =
            said.lines().filter(|line| line.starts_with("e") || line.contains("help: ")).collect();
        told += &format!("{search}\n    {}\n", lines.join("\n    "));
    }
    insta::assert_snapshot!(told, @r#"
    key = "database.statement_timeout"
        exit 2
        error: [search] does not say whether the setting waits for an answer or for a connection, both of which are replayed
           = help: add awaits = "answer", "connect" or, for something else, "other"
    key = "database.statement_timeout"
    awaits = "pool"
        exit 2
        error: `awaits` is unknown: `pool`
           = help: allowed: `answer`, `connect`, `other`
    key = "database.statement_timout"
    awaits = "answer"
        exit 2
        error: directory.toml: has no key `database.statement_timout`
        help: did you mean `statement_timeout`? keys there: `url`, `statement_timeout`, `pool`
    key = "database.pool"
    awaits = "other"
        exit 2
        error: directory.toml: `database.pool` is a table or a list
        help: name one of its values
    key = "database.pool.size"
    awaits = "other"
        exit 2
        error: directory.toml: `database.pool.size` is a bare number
        help: say what it counts: `unit = "s"` in [search]
    key = "database.url"
    awaits = "other"
        exit 2
        error: directory.toml: `database.url` is no length of time that can be varied
        help: known are 300ms, 1.5s, 1m30s, PT1S and, with `unit` in [search], a bare number
    "#);
}

/// Nothing is passed over in silence, and nothing runs whose result could not be had.
#[test]
fn options_that_the_named_files_cannot_serve() {
    let stage = Stage::new(&file(&[WELL], ""));
    stage.bench.write("b.test.toml", &file(&[WELL], ""));
    stage.bench.write("c.toml", "kind = \"scenario\"\n");
    let mut told = String::new();
    for arguments in [
        &["c.toml", "--candidate", "directory.toml"][..],
        &["c.toml", "--current", "directory.toml"],
        &["c.toml", "--search"],
        &["c.toml", "--mutate"],
        &["c.toml", "--picture", "a.svg"],
        &["c.toml", "--record"],
        &["c.toml", "--keep"],
        &["a.test.toml", "c.toml", "b.test.toml", "--candidate", "directory.toml"],
        &["a.test.toml", "b.test.toml", "--current", "directory.toml"],
        &["a.test.toml", "b.test.toml", "--picture", "a.svg"],
        &["a.test.toml", "--picture", "nowhere/a.svg"],
        &["a.test.toml", "--picture", "a.svg"],
        &["a.test.toml", "--search"],
    ] {
        let output = stage.command(&[&["test"], arguments].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        let lines: Vec<&str> = stderr.lines().take(2).collect();
        told += &format!("{}\n    {}\n", arguments.join(" "), lines.join("\n    "));
    }
    assert_eq!(stage.left(), Vec::<String>::new());
    insta::assert_snapshot!(told, @r#"
    c.toml --candidate directory.toml
        error: --candidate: is for configuration tests, and only scenarios are named
        help: leave it out, or name a file with kind = "service"
    c.toml --current directory.toml
        error: --current: is for configuration tests, and only scenarios are named
        help: leave it out, or name a file with kind = "service"
    c.toml --search
        error: --search: is for configuration tests, and only scenarios are named
        help: leave it out, or name a file with kind = "service"
    c.toml --mutate
        error: --mutate: is for configuration tests, and only scenarios are named
        help: leave it out, or name a file with kind = "service"
    c.toml --picture a.svg
        error: --picture: is for configuration tests, and only scenarios are named
        help: leave it out, or name a file with kind = "service"
    c.toml --record
        error: --record: is for configuration tests, and only scenarios are named
        help: leave it out, or name a file with kind = "service"
    c.toml --keep
        error: --keep: is for configuration tests, and only scenarios are named
        help: leave it out, or name a file with kind = "service"
    a.test.toml c.toml b.test.toml --candidate directory.toml
        error: --candidate: is for one configuration test, and a.test.toml and b.test.toml are named
        help: run them one after the other
    a.test.toml b.test.toml --current directory.toml
        error: --current: is for one configuration test, and a.test.toml and b.test.toml are named
        help: run them one after the other
    a.test.toml b.test.toml --picture a.svg
        error: --picture: is for one configuration test, and a.test.toml and b.test.toml are named
        help: run them one after the other
    a.test.toml --picture nowhere/a.svg
        error: nowhere/a.svg: cannot be written: No such file or directory (os error 2)
        help: name a file in a directory that exists and can be written to with --picture
    a.test.toml --picture a.svg
        error: a.test.toml: has no [search], which names the setting that --picture is about
        help: add [search] with `key = "..."`
    a.test.toml --search
        error: a.test.toml: has no [search], which names the setting that --search is about
        help: add [search] with `key = "..."`
    "#);
}

/// Something that takes its time at each stage: it starts, is set up, people come, and it does not end.
fn long() -> String {
    let slow = "name = \"slow\"\ncommand = [\"sh\", \"-c\", \"setsid sleep 605 & sleep 0.4\"]\nready = { ended = true }";
    let hangs = "name = \"front\"\ncommand = [\"sh\", \"-c\", \"trap '' TERM; '${forewarn}' authd directory --config '${candidate}' & sleep 600\"]\n\
                 ready = { http = \"http://127.0.0.1:${port.front}/readyz\" }\nstop_within = \"400ms\"";
    let setup = "[[setup]]\npersons = 100\n[[setup.step]]\nname = \"look\"\nurl = \"http://127.0.0.1:${port.front}/readyz\"\n";
    file(&[hangs, slow], setup).replace("good = \"50%\"", "good = \"99.99%\"")
}

/// Ends it in some way after so long, and looks for what is left.
fn ended(signal: &str, after: &[u64]) {
    for after in after {
        let stage = Stage::new(&long());
        let mut forewarn = stage.start();
        std::thread::sleep(Duration::from_millis(*after));
        // The standard library sends no other signal than SIGKILL.
        let sent = Command::new("kill").args([&format!("-{signal}"), &forewarn.id().to_string()]).status();
        assert!(sent.unwrap().success(), "SIG{signal} after {after} ms: it had ended");
        let status = forewarn.wait().unwrap();
        let code = match signal {
            "INT" => Some(130),
            "TERM" => Some(143),
            _ => None,
        };
        assert_eq!(status.code(), code, "SIG{signal} after {after} ms");
        let how = format!("SIG{signal} after {after} ms");
        // Who is asked to end has ended everything; who is killed leaves that to another.
        match code {
            Some(_) => assert!(stage.left().is_empty(), "{how}: {:?}", stage.left()),
            None => stage.assert_gone(&how),
        }
    }
}

#[test]
fn nothing_is_left_after_an_interrupt_at_any_moment() {
    ended("INT", &[60, 300, 700, 1500, 2500]);
}

#[test]
fn nothing_is_left_after_a_request_to_end_at_any_moment() {
    ended("TERM", &[60, 300, 700, 1500, 2500]);
}

#[test]
fn nothing_is_left_after_a_kill_at_any_moment() {
    ended("KILL", &[20, 60, 150, 300, 700, 1500, 2500]);
}

/// An end while it is being stopped already: the verdict is known, and the service does not end.
#[test]
fn nothing_is_left_after_an_end_while_it_stops() {
    for signal in ["INT", "TERM", "KILL"] {
        let text = long().replace("99.99%", "50%").replace("400ms", "3s");
        let stage = Stage::new(&text);
        let mut forewarn = stage.start();
        // The process that ends last is asked first, so that the other's end shows that it is stopping.
        let stopping = || !stage.left().iter().any(|process| process.contains("authd"));
        until(GONE, || !stopping()).unwrap();
        until(GONE, stopping).unwrap();
        Command::new("kill").args([&format!("-{signal}"), &forewarn.id().to_string()]).status().unwrap();
        forewarn.wait().unwrap();
        stage.assert_gone(&format!("SIG{signal} while it stops"));
    }
}
