//! What people and programs leave lying about in trees: broken, huge, hostile and unreadable files.
//! Each is named with a reason, the rest is audited, nothing hangs and nothing fails. The order of
//! tables and lines is part of what is promised.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::workbench::{Ran, Workbench};

/// A file with a fault that is found whatever lies beside it.
const KNOWN: (&str, &str) = ("known.yaml", "directory:\n  url: http://directory:8080\n  timeout: 0\n");

/// What a check and a table of files say about a tree. In every tree the known fault must come.
fn told(bench: &Workbench, roots: &[&str]) -> String {
    told_with(bench, roots, (0, 1))
}

/// The same, with these exit codes of the table and of the check.
fn told_with(bench: &Workbench, roots: &[&str], codes: (i32, i32)) -> String {
    let files = bench.run(&[&["show", "files"], roots].concat());
    let check = bench.run(&[&["check", "--format", "short"], roots].concat());
    for ran in [&files, &check, &bench.run(&[&["check", "-v"], roots].concat())] {
        assert_fit_to_read(ran);
    }
    assert_eq!((files.code, check.code), codes, "{}\n{}", files.whole(), check.whole());
    assert!(check.stdout.contains("known.yaml:3:12: warning[timeout-missing]"), "{}", check.whole());
    let rows: Vec<String> = files
        .stdout
        .lines()
        .skip(1)
        .filter(|line| !line.starts_with(KNOWN.0))
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>())
        .map(|cells| cells.join(" | "))
        .collect();
    rows.join("\n")
}

/// No failure, nothing that a terminal obeys.
fn assert_fit_to_read(ran: &Ran) {
    let whole = ran.whole();
    assert!(!whole.contains("panicked") && !whole.contains("bug"), "{whole}");
    let control = whole.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(control, None, "{whole:?}");
}

fn bench() -> Workbench {
    Workbench::with(&[KNOWN])
}

#[test]
fn bytes_that_are_no_utf8_are_named_with_what_they_are() {
    let bench = bench();
    bench.write_bytes("binary.yaml", &[0; 100]);
    bench.write_bytes("latin.yaml", b"timeout: 3s\nname: caf\xe9\n");
    bench.write_bytes("picture.png", &[0x89, b'P', 0, 0xff]);
    bench.write_bytes("utf16.yaml", b"\xff\xfet\0i\0m\0e\0o\0u\0t\0:\0 \x003\0s\0\n\0");
    bench.write_bytes("utf16be.properties", b"\xfe\xff\0a\0=\x001\0\n");
    insta::assert_snapshot!(told(&bench, &[]), @r#"
    binary.yaml | not evaluated | binary: it holds NUL bytes
    latin.yaml | not evaluated | not UTF-8 at line 2
    picture.png | not ours | no known syntax
    utf16.yaml | not evaluated | UTF-16; save it as UTF-8 to have it audited
    utf16be.properties | not evaluated | UTF-16; save it as UTF-8 to have it audited
    "#);
}

#[test]
fn odd_but_readable_text_is_read() {
    let bench = bench();
    bench.write_bytes("bom.yaml", b"\xef\xbb\xbftimeout: 3s\n");
    bench.write("comment.toml", "# nothing\n");
    bench.write("crlf.toml", "[a]\r\ntimeout = \"3s\"\r\n");
    bench.write("crlf.yaml", "timeout: 3s\r\nretries: 3\r\n");
    bench.write("empty.json", "");
    bench.write("empty.yaml", "");
    bench.write("twice.properties", "timeout=3s\ntimeout=4s\n");
    bench.write("twice.yaml", "timeout: 3s\ntimeout: 4s\n");
    insta::assert_snapshot!(told(&bench, &[]), @r#"
    bom.yaml | read | yaml | 1
    comment.toml | read | toml | 0
    crlf.toml | read | toml | 1
    crlf.yaml | read | yaml | 2
    empty.json | read | json | 0
    empty.yaml | read | yaml | 0
    twice.properties | read | properties | 1
    twice.yaml | read | yaml | 1
    "#);
    assert!(bench.run(&["check", "-v"]).stderr.contains("twice.yaml:2:1: `timeout` is written twice"));
}

#[test]
fn files_cut_in_the_middle_are_read_in_part_in_every_syntax() {
    let bench = bench();
    for (path, text) in [
        ("cut.conf", "server {\n  proxy_read_timeout 3s;\n  location / {"),
        ("cut.env", "A_TIMEOUT=3s\nB_TIMEOUT=\"3"),
        ("cut.ini", "timeout=3\n[a"),
        ("cut.json", "{\"timeout\": 3, \"b\": "),
        ("cut.properties", "timeout=3s\na=\\u00"),
        ("cut.toml", "timeout = \"3s\"\nb = \"3"),
        ("cut.yaml", "a: {timeout: 3s, b: \"x"),
        ("tabs.yaml", "timeout: 3s\na:\n\tb: 1\n"),
        ("template.yaml", "timeout: {{ .Values.timeout }}\n"),
    ] {
        bench.write(path, text);
    }
    insta::assert_snapshot!(told(&bench, &[]), @r#"
    cut.conf | partly read | nginx | 1 | not all: line 3: this block is never closed
    cut.env | partly read | env | 1 | not all: line 2: a quote is opened here and not closed
    cut.ini | partly read | ini | 1 | not all: line 2: a section's name without `]`
    cut.json | partly read | json | 1 | not from line 1 on: the text ends before what is opened here is closed
    cut.properties | partly read | properties | 1 | not all: line 2: `\u` without four hexadecimal digits
    cut.toml | partly read | toml | 1 | not all: line 2: `\"` is expected here
    cut.yaml | partly read | yaml | 1 | not from line 1 on: not readable as YAML: while scanning a quoted scalar, found unexpected end of stream
    tabs.yaml | partly read | yaml | 1 | not from line 3 on: not readable as YAML: tabs disallowed within this context (block indentation)
    template.yaml | not evaluated | template: it holds a template engine's expressions
    "#);
}

#[test]
fn nesting_without_end_is_left_out_and_said() {
    let bench = bench();
    let aliases = (1..12).map(|level| {
        let below = vec![format!("*a{}", level - 1); 10].join(",");
        format!("a{level}: &a{level} [{below}]\n")
    });
    bench.write("bomb.yaml", &format!("a0: &a0 [x]\n{}", aliases.collect::<String>()));
    for depth in [200, 100_000] {
        let nested = |open: &str, close: &str| open.repeat(depth) + &close.repeat(depth);
        for (path, text) in [
            ("blocks.conf", nested("a {\n", "}\n")),
            ("keys.toml", vec!["a"; depth].join(".") + " = 1\n"),
            ("list.json", nested("[", "]")),
            ("list.toml", format!("a = {}\n", nested("[", "]"))),
            ("list.yaml", nested("[", "]")),
            ("items.yaml", "- ".repeat(depth) + "x\n"),
            ("map.json", "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth)),
            ("path.properties", vec!["a"; depth].join(".") + "=1\n"),
            ("value.env", "A=".to_owned() + &nested("{\"a\":", "}")),
        ] {
            bench.write(&format!("{depth}-{path}"), &text);
        }
    }
    insta::assert_snapshot!(told(&bench, &[]), @r#"
    100000-blocks.conf | partly read | nginx | 0 | not all: line 128: nested deeper than 256 levels
    100000-items.yaml | partly read | yaml | 0 | not all: line 1: nested deeper than 256 levels
    100000-keys.toml | partly read | toml | 0 | not all: line 1: nested deeper than 256 levels
    100000-list.json | partly read | json | 0 | not all: line 1: nested deeper than 256 levels
    100000-list.toml | partly read | toml | 0 | not all: line 1: nested deeper than 256 levels; and 1 more; `check -v` shows all
    100000-list.yaml | partly read | yaml | 0 | not from line 1 on: not readable as YAML: recursion limit exceeded
    100000-map.json | partly read | json | 0 | not all: line 1: nested deeper than 256 levels
    100000-path.properties | read | properties | 0
    100000-value.env | read | env | 0
    200-blocks.conf | partly read | nginx | 0 | not all: line 128: nested deeper than 256 levels
    200-items.yaml | read | yaml | 0
    200-keys.toml | read | toml | 0
    200-list.json | read | json | 0
    200-list.toml | read | toml | 0
    200-list.yaml | read | yaml | 0
    200-map.json | read | json | 0
    200-path.properties | read | properties | 0
    200-value.env | read | env | 0
    bomb.yaml | partly read | yaml | 0 | not all: line 1: aliases expand without measure
    "#);
}

#[test]
fn what_is_no_plain_file_is_never_opened() {
    let bench = bench();
    // A sparse file: its size is all there is to it.
    let huge = fs::File::create(bench.path("huge.yaml")).expect("a file");
    huge.set_len(50 * 1024 * 1024).expect("a size");
    std::os::unix::fs::symlink("/", bench.path("outside")).expect("a link");
    std::os::unix::fs::symlink("loop.yaml", bench.path("loop.yaml")).expect("a link");
    std::os::unix::fs::symlink("known.yaml", bench.path("link.yaml")).expect("a link");
    let fifo = Fifo::new(&bench, "fifo.yaml");
    let ignoring = Fifo::new(&bench, "sub/.gitignore");
    bench.write("sub/a.yaml", "timeout: 3s\n");
    bench.write("directory.yaml/a.txt", "");
    insta::assert_snapshot!(told(&bench, &[]), @r#"
    directory.yaml/a.txt | not ours | no known syntax
    fifo.yaml | not evaluated | not a regular file
    huge.yaml | not evaluated | 50.0 MiB, above the limit of 10 MiB for one file
    link.yaml | not evaluated | symbolic link, not followed
    loop.yaml | not evaluated | symbolic link, not followed
    outside | not evaluated | symbolic link, not followed
    sub | not evaluated | not entered: its `.gitignore` is no regular file, or above 10 MiB
    "#);
    assert!(!fifo.was_opened() && !ignoring.was_opened());
}

#[test]
fn a_socket_is_named() {
    let bench = bench();
    // The path of a socket has at most 108 bytes (unix(7)): a link near the top shortens it.
    let short = std::env::temp_dir().join(format!("forewarn-{}", std::process::id()));
    let _ = fs::remove_file(&short);
    std::os::unix::fs::symlink(bench.path(""), &short).expect("a link");
    let socket = std::os::unix::net::UnixListener::bind(short.join("a.yaml"));
    fs::remove_file(&short).expect("made above");
    let _socket = socket.expect("a socket in the bench");
    assert_eq!(told(&bench, &[]), "a.yaml | not evaluated | not a regular file");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let bench = bench();
    bench.write("closed.yaml", "timeout: 3s\n");
    let closed = bench.path("closed.yaml");
    let mut permissions = fs::metadata(&closed).expect("there").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0);
    fs::set_permissions(&closed, permissions).expect("ours");
    let expected = match fs::File::open(&closed) {
        Ok(_) => "closed.yaml | read | yaml | 1", // The tests run as root, whom nothing stops.
        Err(_) => "closed.yaml | not evaluated | cannot be read: permission denied",
    };
    assert_eq!(told(&bench, &[]), expected);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_fails_while_it_is_read_is_named() {
    let bench = bench();
    // Its first page is never mapped: opened by its owner, it cannot be read.
    std::os::unix::fs::symlink("/proc/self/mem", bench.path("memory.yaml")).expect("a link");
    insta::assert_snapshot!(told_with(&bench, &[".", "memory.yaml"], (2, 2)), @r#"
    memory.yaml | not evaluated | symbolic link, not followed
    memory.yaml | not evaluated | cannot be read: input/output error
    "#);
}

#[test]
fn a_root_that_cannot_be_audited_is_told_after_the_rest_is_audited() {
    let bench = bench();
    let fifo = Fifo::new(&bench, "fifo");
    std::os::unix::fs::symlink("loop", bench.path("loop")).expect("a link");
    let ignoring = Fifo::new(&bench, "closed/.ignore");
    bench.write("cut.json", "{\"timeout\": ");
    bench.write_bytes("latin.yaml", b"name: caf\xe9\n");
    let roots = ["fifo", "loop", "closed", "cut.json", "latin.yaml", "known.yaml/a", "nowhere\u{1b}[31m"];
    let finding = bench.run(&["check", "-q", "--format", "short", "known.yaml"]).stdout;
    assert_eq!(finding.lines().count(), 1);
    let runs = roots.map(|root| {
        let ran = bench.run(&["check", "-q", "--format", "short", "known.yaml", root]);
        assert_fit_to_read(&ran);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, finding.as_str()), "{}", ran.whole());
        ran.stderr
    });
    insta::assert_snapshot!(runs.join("\n"), @r"
    error: fifo: is neither a file nor a directory
    help: name files or directories that exist and can be read

    error: loop: too many levels of symbolic links
    help: name files or directories that exist and can be read

    error: closed: its `.ignore` is no regular file, or above 10 MiB
    help: name files or directories that exist and can be read

    error: cut.json: not read from line 1 on: the text ends before what is opened here is closed
    help: name files or directories that exist and can be read

    error: latin.yaml: not UTF-8 at line 1
    help: name files or directories that exist and can be read

    error: known.yaml/a: not a directory
    help: name files or directories that exist and can be read

    error: nowhere\u{1b}[31m: does not exist
    help: name files or directories that exist and can be read
    ");
    assert!(!fifo.was_opened() && !ignoring.was_opened());
    // All of them, and first of all the one that does not exist.
    let told = |roots: &[&str]| bench.run(&[&["check", "-q", "--format", "short"], roots].concat());
    let ran = told(&["nowhere", "known.yaml", "cut.json"]);
    assert_eq!((ran.code, ran.stdout, ran.stderr.matches("error: ").count()), (2, finding, 2));
    let ran = told(&["nowhere", "fifo"]);
    assert_eq!((ran.code, ran.stderr.matches("error: ").count()), (2, 2), "{}", ran.whole());
}

#[test]
fn a_device_is_no_tree_and_has_no_baseline() {
    let ran = bench().run(&["check", "/dev/null"]);
    insta::assert_snapshot!(ran.whole(), @r"
    exit 2
    --- stdout
    --- stderr
    error: /dev/null: is neither a file nor a directory
    help: name files or directories that exist and can be read
    ");
}

#[test]
fn a_baseline_is_not_rewritten_after_a_look_at_less_than_was_named() {
    let bench = bench();
    assert_eq!(bench.run(&["baseline"]).code, 0);
    let before = bench.read("forewarn-baseline.json");
    bench.write("known.yaml", "a: 1\n");
    let ran = bench.run(&["baseline", ".", "nowhere"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.whole());
    assert_eq!(bench.read("forewarn-baseline.json"), before);
}

#[test]
fn broken_files_are_named_without_options_however_much_else_is_left_out() {
    let bench = bench();
    for number in 0..9 {
        bench.write(&format!("{number}/cut.json"), "{\"timeout\": ");
        bench.write(&format!("{number}/template.yaml"), "timeout: {{ .Values.timeout }}\n");
    }
    let ran = bench.run(&["check", "--format", "short"]);
    assert_eq!(ran.code, 1, "{}", ran.whole());
    insta::assert_snapshot!(ran.whole(), @r"
    exit 1
    --- stdout
    known.yaml:3:12: warning[timeout-missing]: known waits for directory without limit: one peer that hangs holds its requests for ever
    --- stderr
    1 finding: 0 errors, 1 warning, 0 notes
    read 10 files (9 in part, skipped 9): 2 services, 1 call, 1 setting; ran all rules
    files not read to their end: 9
      1 × 0/cut.json: not read from line 1 on: the text ends before what is opened here is closed
      1 × 1/cut.json: not read from line 1 on: the text ends before what is opened here is closed
      1 × 2/cut.json: not read from line 1 on: the text ends before what is opened here is closed
      1 × 3/cut.json: not read from line 1 on: the text ends before what is opened here is closed
      1 × 4/cut.json: not read from line 1 on: the text ends before what is opened here is closed
      1 × 5/cut.json: not read from line 1 on: the text ends before what is opened here is closed
      1 × 6/cut.json: not read from line 1 on: the text ends before what is opened here is closed
      1 × 7/cut.json: not read from line 1 on: the text ends before what is opened here is closed
      1 × 8/cut.json: not read from line 1 on: the text ends before what is opened here is closed
    files not evaluated: 9
      9 × template: it holds a template engine's expressions
    ");
}

#[test]
fn a_forewarn_toml_that_cannot_be_read_stops_the_run() {
    let bench = bench();
    let fifo = Fifo::new(&bench, "forewarn.toml");
    let ran = bench.run(&["check"]);
    insta::assert_snapshot!(ran.whole(), @r#"
    exit 2
    --- stdout
    --- stderr
    error: ./forewarn.toml: not a regular file
    help: name a file that can be read with --config
    "#);
    assert!(!fifo.was_opened());
}

#[test]
fn names_of_files_cannot_forge_lines_or_obey_a_terminal() {
    let bench = bench();
    let text = "directory: {url: \"http://directory:8080\", timeout: 0}\n";
    for name in [
        b"a b.yaml".as_slice(),
        b"caf\xe9.yaml",
        b"caf\xea.yaml",
        b"line\nerror: forged.yaml",
        b"red\x1b[31m.yaml",
        b"one\xc2\x9b31mbyte.yaml",
        b"right\xe2\x80\xaeleft.yaml",
    ] {
        fs::write(bench.path(OsStr::from_bytes(name)), text).expect("a file");
    }
    insta::assert_snapshot!(told(&bench, &[]), @r#"
    a b.yaml | read | yaml | 1
    caf\xe9.yaml | read | yaml | 1
    caf\xea.yaml | read | yaml | 1
    line\nerror: forged.yaml | read | yaml | 1
    one\u{9b}31mbyte.yaml | read | yaml | 1
    red\u{1b}[31m.yaml | read | yaml | 1
    right\u{202e}left.yaml | read | yaml | 1
    "#);
    insta::assert_snapshot!(bench.run(&["check", "-q", "--format", "short"]).stdout, @r#"
    a b.yaml:1:52: warning[timeout-missing]: a b waits for directory without limit: one peer that hangs holds its requests for ever
    caf\xe9.yaml:1:52: warning[timeout-missing]: caf\xe9 waits for directory without limit: one peer that hangs holds its requests for ever
    caf\xea.yaml:1:52: warning[timeout-missing]: caf\xea waits for directory without limit: one peer that hangs holds its requests for ever
    known.yaml:3:12: warning[timeout-missing]: known waits for directory without limit: one peer that hangs holds its requests for ever
    line\nerror: forged.yaml:1:52: warning[timeout-missing]: line\nerror: forged waits for directory without limit: one peer that hangs holds its requests for ever
    one\u{9b}31mbyte.yaml:1:52: warning[timeout-missing]: one\u{9b}31mbyte waits for directory without limit: one peer that hangs holds its requests for ever
    red\u{1b}[31m.yaml:1:52: warning[timeout-missing]: red\u{1b}[31m waits for directory without limit: one peer that hangs holds its requests for ever
    right\u{202e}left.yaml:1:52: warning[timeout-missing]: right\u{202e}left waits for directory without limit: one peer that hangs holds its requests for ever
    "#);
    for arguments in [
        ["check", "--format", "text"],
        ["check", "--format", "json"],
        ["show", "services", "--format=text"],
        ["show", "services", "--format=json"],
        ["show", "calls", "--format=text"],
        ["show", "settings", "--format=text"],
        ["show", "settings", "--format=json"],
    ] {
        assert_fit_to_read(&bench.run(&arguments));
    }
}

#[test]
fn keys_and_values_cannot_forge_lines_or_obey_a_terminal() {
    let bench = bench();
    bench.write(
        "a.yaml",
        "\"x\\e[31m\\nerror\": # \u{1b}[31m \u{9b}31m \u{202e} \u{7}\n  url: \"http://a\\e[31mb\\n:80\"\n  timeout: 0\n",
    );
    bench.write("a.toml", "[\"\\u001b[31mx\\n\"]\nurl = \"http://\\u001b[31md\"\ntimeout = 0\n");
    bench.write("a.json", "{\"\\u001b[31m\\u009b\": {\"url\": \"http://\\u001b\\n\", \"timeout\": 0}}\n");
    bench.write("a.properties", "a\\u001b[31m.url=http://x\\u001b\na\\u001b[31m.timeout=0\n");
    bench.write("a.env", "A\u{1b}_TIMEOUT=0\nA\u{1b}_URL=http://x\u{1b}y\n");
    bench.write(
        "nginx.conf",
        "server { location /\u{1b}[31m { proxy_pass http://x\u{1b}; proxy_read_timeout \u{1b}; } }\n",
    );
    told(&bench, &[]);
    for arguments in [
        ["check", "--format=text"],
        ["check", "--format=json"],
        ["show", "services"],
        ["show", "calls"],
        ["show", "settings"],
    ] {
        assert_fit_to_read(&bench.run(&arguments));
    }
    bench.write("forewarn.toml", "[margins]\n\"\\u001b[31mx\" = 1 # \u{9b}\n");
    assert_fit_to_read(&bench.run(&["check"]));
}

/// A FIFO that ends for whoever opens it, so that a run that does fails a test rather than hanging.
struct Fifo {
    opened: Arc<AtomicBool>,
}

impl Fifo {
    fn new(bench: &Workbench, path: &str) -> Self {
        let path: PathBuf = bench.path(path);
        fs::create_dir_all(path.parent().expect("inside the bench")).expect("a directory");
        let made = Command::new("mkfifo").arg(&path).status().expect("mkfifo is there");
        assert!(made.success());
        let opened = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&opened);
        // Waits until somebody opens the other end, which is never, or ends it for them.
        std::thread::spawn(move || {
            let end = OpenOptions::new().write(true).open(path);
            told.store(end.is_ok(), Ordering::SeqCst);
        });
        Self { opened }
    }

    fn was_opened(&self) -> bool {
        self.opened.load(Ordering::SeqCst)
    }
}
