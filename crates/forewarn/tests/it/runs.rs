//! Whole runs: what is printed where, and the exit code.

use std::io::Read as _;
use std::process::Stdio;

use crate::workbench::Workbench;

/// A caller that gives up before its callee does, and an address with a password in it.
pub(crate) const SIGN_IN: &[(&str, &str)] = &[
    (
        "forewarn.toml",
        r#"
[[service]]
name = "auth"
files = ["auth/**"]

[[service]]
name = "directory"
files = ["directory/**"]

[[setting]]
files = ["auth/auth.toml"]
key = "directory.request_timeout"
covers = "whole-call"
to = "directory"

[[setting]]
files = ["directory/directory.toml"]
key = "server.request_timeout"
covers = "handler"
"#,
    ),
    (
        "auth/auth.toml",
        "[directory]\nurl = \"http://auth:hunter2@directory:8080\"\nrequest_timeout = \"300ms\"\n",
    ),
    ("directory/directory.toml", "[server]\nport = 8080\nrequest_timeout = \"2s\"\n"),
];

#[test]
fn a_check_shows_findings_on_stdout_and_the_summary_on_stderr() {
    let ran = Workbench::with(SIGN_IN).run(&["check", "--rule", "timeout-shorter-than-callee"]);
    insta::assert_snapshot!(ran.whole(), @r#"
    exit 1
    --- stdout
    error[timeout-shorter-than-callee]: auth gives up on directory after 300 ms, directory works for up to 2 s
     --> auth/auth.toml:3:19
      |
    3 | request_timeout = "300ms"
      |                   ^^^^^^^ covers the whole call, 1 attempt
      |
     ::: directory/directory.toml:3:19
      |
    3 | request_timeout = "2s"
      |                   ---- directory may work this long on one request
      |
      = sum: 300 ms < 2 s + 100 ms margin
      = help: raise `directory.request_timeout` to at least 2.2 s, or lower `server.request_timeout` of directory to at most 200 ms; see `forewarn explain timeout-shorter-than-callee`

    --- stderr
    1 finding: 1 error, 0 warnings, 0 notes
    read 2 files: 2 services, 1 call, 2 settings; ran 1 rule
    "#);
}

#[test]
fn check_is_what_happens_without_a_verb() {
    let bench = Workbench::with(SIGN_IN);
    assert_eq!(bench.run(&[]).whole(), bench.run(&["check"]).whole());
    assert_eq!(bench.run(&["auth", "directory"]).whole(), bench.run(&["check", "auth", "directory"]).whole());
}

#[test]
fn the_same_files_give_the_same_bytes_with_any_number_of_threads() {
    let bench = Workbench::with(SIGN_IN);
    for format in ["text", "short", "json"] {
        let one = bench.run(&["check", "--format", format, "--threads", "1"]);
        let four = bench.run(&["check", "--format", format, "--threads", "4"]);
        assert_eq!(one.whole(), four.whole());
    }
}

#[test]
fn the_exit_code_says_clean_findings_or_not_done_and_never_depends_on_the_format() {
    let bench = Workbench::with(SIGN_IN);
    bench.write("broken/forewarn.toml", "[margins]\nchian = \"1s\"\n");
    for format in ["text", "short", "json", "sarif", "github", "junit"] {
        for (expected, arguments) in [
            (1, vec![]),
            (0, vec!["--exit-zero"]),
            (0, vec!["--rule", "retry-without-backoff"]),
            (2, vec!["--rule", "retry-without-bakoff"]),
            (2, vec!["--exclude", "a["]),
            (2, vec!["--config", "broken/forewarn.toml"]),
            (2, vec!["--config", "nowhere.toml"]),
            (2, vec!["--config", "forewarn.toml", "--no-config"]),
            (2, vec!["--threads", "0"]),
            (2, vec!["nowhere"]),
            (2, vec!["--env", "nowhere"]),
            (1, vec!["--env", "default"]),
            (2, vec!["--exclude", "**"]),
            (2, vec!["--output", "nowhere/out.txt"]),
        ] {
            let ran = bench.run(&[&["check", "--format", format], arguments.as_slice()].concat());
            assert_eq!(ran.code, expected, "{arguments:?}\n{}", ran.whole());
            if expected == 2 {
                assert_eq!(ran.stdout, "", "{arguments:?}");
                assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
            }
        }
    }
}

#[test]
fn the_exit_code_does_not_depend_on_the_level_shown() {
    let bench = Workbench::with(SIGN_IN);
    let config = format!("{}\n[rules]\ntimeout-shorter-than-callee = \"warning\"\n", SIGN_IN[0].1);
    bench.write("forewarn.toml", &config);
    for (fail_on, expected) in [("note", 1), ("warning", 1), ("error", 0)] {
        let ran = bench.run(&["check", "--level", "error", "--fail-on", fail_on]);
        assert_eq!((ran.code, ran.stdout.as_str()), (expected, ""), "{fail_on}\n{}", ran.whole());
    }
}

#[test]
fn a_mistake_in_forewarn_toml_stops_the_audit_and_is_pointed_at() {
    let bench = Workbench::with(SIGN_IN);
    bench.write("forewarn.toml", "[margins]\nchian = \"1s\"\nkeepalive = \"-1s\"\n");
    insta::assert_snapshot!(bench.run(&[]).whole(), @r#"
    exit 2
    --- stdout
    --- stderr
    error: [margins] has no key `chian`
     --> forewarn.toml:2:1
      |
    2 | chian = "1s"
      | ^^^^^
      |
      = help: did you mean `chain`? keys of [margins]: `chain`, `chain_share`, `keepalive`, `attempts_warning`, `attempts_error`, `drift`, `false_timeouts`, `plausible_failure`, `detect_within`

    error: `keepalive` is negative
     --> forewarn.toml:3:13
      |
    3 | keepalive = "-1s"
      |             ^^^^^
      |
      = help: write a number with its unit in quotes: "300ms", "1.5s", "2min"
    "#);
}

#[test]
fn no_secret_leaves_in_any_format() {
    let bench = Workbench::with(SIGN_IN);
    for format in ["text", "short", "json"] {
        let ran = bench.run(&["check", "-v", "--format", format]);
        assert!(!ran.whole().contains("hunter2"), "{}", ran.whole());
    }
    for what in ["files", "services", "calls", "settings"] {
        let ran = bench.run(&["show", what]);
        assert_eq!(ran.code, 0, "{}", ran.whole());
        assert!(!ran.whole().contains("hunter2"), "{}", ran.whole());
    }
}

#[test]
fn an_output_file_is_replaced_whole_and_nothing_is_left_beside_it() {
    let bench = Workbench::with(SIGN_IN);
    bench.write("report.json", "{\"version\": 1, \"summary\": {}, \"old\": true}");
    let ran =
        bench.run(&["check", "--format", "json", "--output", "report.json", "--exclude", "report.json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert!(bench.read("report.json").is_some_and(|text| text.ends_with("}\n") && !text.contains("\"old\"")));
    assert_eq!(bench.names(), ["auth", "directory", "forewarn.toml", "report.json"]);
}

#[test]
fn quiet_says_nothing_beside_the_findings() {
    let bench = Workbench::with(SIGN_IN);
    let ran = bench.run(&["check", "-q"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    assert!(bench.run(&["check", "-v"]).stderr.contains("took "));
}

#[test]
fn colour_is_used_when_asked_for_and_not_into_a_pipe() {
    let bench = Workbench::with(SIGN_IN);
    let coloured = |name: &str, value: &str, arguments: &[&str]| {
        let output = bench.command(arguments).env(name, value).output().expect("the binary starts");
        output.stdout.contains(&0x1b)
    };
    assert!(!coloured("NOTHING", "", &["check"]));
    assert!(coloured("NOTHING", "", &["check", "--color", "always"]));
    assert!(coloured("CLICOLOR_FORCE", "1", &["check"]));
    assert!(!coloured("CLICOLOR_FORCE", "1", &["check", "--color", "never"]));
    assert!(coloured("NO_COLOR", "1", &["check", "--color", "always"]));
}

#[test]
fn errors_follow_the_colour_asked_for() {
    let bench = Workbench::with(SIGN_IN);
    let coloured = |arguments: &[&str]| {
        let output = bench.command(arguments).env("CLICOLOR_FORCE", "1").output().expect("the binary starts");
        assert_eq!(output.status.code(), Some(2));
        output.stderr.contains(&0x1b)
    };
    for verb in [&["check"][..], &[]] {
        let with = |color| [verb, &["nowhere", "--color", color]].concat();
        assert!(coloured(&with("auto")));
        assert!(coloured(&with("always")));
        assert!(!coloured(&with("never")));
    }
    assert!(coloured(&["explain", "nowhere"]));
}

#[test]
fn a_misspelt_environment_is_recognised_and_all_are_named() {
    let bench = Workbench::with(&[("prod/a.yaml", "a: 1\n"), ("staging/a.yaml", "a: 1\n")]);
    insta::assert_snapshot!(bench.run(&["check", "--env", "stagign"]).whole(), @"
    exit 2
    --- stdout
    --- stderr
    error: --env stagign: there is no such environment
    help: did you mean `staging`? environments: `production`, `staging`; [environments] in forewarn.toml declares them
    ");
}

#[test]
fn files_that_all_break_at_once_are_no_clean_result() {
    let bench = Workbench::with(&[("a.yaml", "a: [1\n"), ("b.json", "{\"a\": ")]);
    insta::assert_snapshot!(bench.run(&["check"]).whole(), @"
    exit 2
    --- stdout
    --- stderr
    error: .: none of 2 files of configuration is in a syntax that can be read
    help: name other paths; `forewarn show files` says what became of each file
    ");
    bench.write("c.yaml", "timeout: 3s\n");
    assert_eq!(bench.run(&["check"]).code, 0);
}

#[test]
fn a_misspelt_verb_is_recognised() {
    let bench = Workbench::with(SIGN_IN);
    insta::assert_snapshot!(bench.run(&["chekc"]).whole(), @r"
    exit 2
    --- stdout
    --- stderr
    error: chekc: does not exist
    help: did you mean `forewarn check`? Else name files or directories that exist and can be read
    ");
    assert!(!bench.run(&["nowhere"]).stderr.contains("did you mean"));
}

#[test]
fn a_rule_that_is_none_is_told_in_the_same_words_everywhere() {
    let bench = Workbench::with(SIGN_IN);
    bench.write("own/forewarn.toml", "[rules]\ntimeout-mising = \"off\"\n");
    for arguments in [
        &["--rule", "timeout-mising"][..],
        &["--skip", "timeout-mising"],
        &["--config", "own/forewarn.toml"],
        &["explain", "timeout-mising"],
    ] {
        let said = bench.run(arguments).stderr;
        assert!(said.contains("there is no rule `timeout-mising`\n"), "{said}");
        assert!(said.contains("help: did you mean `timeout-missing`? rules: "), "{said}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let bench = Workbench::with(SIGN_IN);
    let mut child = bench
        .command(&["check", "--format", "json", "--exit-zero"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut said).expect("UTF-8");
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{said}");
    assert!(said.starts_with("1 finding"), "{said}");
}

#[test]
fn explain_prints_the_page_and_helps_with_a_misspelt_name() {
    let bench = Workbench::with(&[]);
    let ran = bench.run(&["explain", "timeout-missing"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.starts_with("TIMEOUT-MISSING\n"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("\nIn Forewarn since 0.1.\n"), "{}", ran.stdout);
    let ran = bench.run(&["explain", "timeout-mising"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("did you mean `timeout-missing`?"), "{}", ran.stderr);
    let listed = bench.run(&["explain"]);
    let (rules, notices) = listed.stdout.split_once("\n\n").expect("rules, then notices");
    assert_eq!(rules.lines().count(), rules::RULES.len());
    for notice in notices.lines().skip(1) {
        let name = notice.split(' ').next().expect("a name");
        assert!(bench.run(&["explain", name]).stdout.starts_with("SUPPRESSIONS\n"), "{name}");
    }
}

#[test]
fn init_writes_a_template_once() {
    let bench = Workbench::with(&[]);
    assert_eq!(bench.run(&["init"]).code, 0);
    let template = bench.read("forewarn.toml").expect("written");
    bench.write("forewarn.toml", "# mine\n");
    let again = bench.run(&["init"]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("already exists"), "{}", again.stderr);
    assert_eq!(bench.read("forewarn.toml").as_deref(), Some("# mine\n"));
    assert!(template.contains("[margins]"));
}

#[test]
fn show_prints_sorted_tables() {
    let bench = Workbench::with(SIGN_IN);
    let shown: String = ["files", "services", "calls", "settings"]
        .into_iter()
        .map(|what| format!("{what}\n{}\n", bench.run(&["show", what]).stdout))
        .collect();
    insta::assert_snapshot!(shown, @r#"
    files
    PATH                      STATUS  READ AS  SETTINGS  REASON
    auth/auth.toml            read    toml     1
    directory/directory.toml  read    toml     1

    services
    ENVIRONMENT  SERVICE    KIND  SETTINGS  WHERE
    default      auth             0 groups  forewarn.toml:3:8
    default      directory        1 group   forewarn.toml:7:8

    calls
    ENVIRONMENT  FROM  TO         ATTEMPTS  AT WORST  MEASURED  WHERE                ASSUMED
    default      auth  directory  1         300 ms              auth/auth.toml:2:28

    settings
    WHERE                          KEY                        VALUE   CONTROLS                 FROM  ASSUMED
    auth/auth.toml:3:19            directory.request_timeout  300 ms  limit of the whole call
    directory/directory.toml:3:19  server.request_timeout     2 s     limit of the handler
    "#);
}

#[test]
fn tables_are_json_where_asked_for() {
    let bench = Workbench::with(SIGN_IN);
    for what in ["files", "services", "calls", "settings", "rules"] {
        let ran = bench.run(&["show", what, "--format", "json"]);
        let rows: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert!(rows.as_array().is_some_and(|rows| !rows.is_empty()), "{what}: {}", ran.stdout);
    }
}

#[test]
fn the_budget_of_a_service_is_shown_or_told_why_not() {
    let bench = Workbench::with(SIGN_IN);
    insta::assert_snapshot!(bench.run(&["show", "budget"]).whole(), @r"
        exit 0
        --- stdout
        auth, environment default
          CALL                                   WAITS AT MOST  LEFT  MEASURED  WHERE
          auth
          └─ directory [ends its own work: 2 s]  300 ms                         auth/auth.toml:3:19
        --- stderr
        ");
    insta::assert_snapshot!(bench.run(&["show", "budget", "directory", "."]).whole(), @r"
        exit 0
        --- stdout
        auth, environment default
          CALL                                   WAITS AT MOST  LEFT  MEASURED  WHERE
          auth
          └─ directory [ends its own work: 2 s]  300 ms                         auth/auth.toml:3:19
        --- stderr
        ");
    insta::assert_snapshot!(bench.run(&["show", "budget", "dirctory"]).whole(), @r"
        exit 2
        --- stdout
        --- stderr
        error: dirctory: is no service here, and no path
        help: did you mean `directory`? `forewarn show services` lists them all
        ");
    insta::assert_snapshot!(bench.run(&["show", "calls", "--format", "svg"]).whole(), @r"
        exit 2
        --- stdout
        --- stderr
        error: --format svg: belongs to `forewarn show budget`
        help: write `text` or `json`; only `budget` is drawn
        ");
    insta::assert_snapshot!(bench.run(&["show", "calls", "--service", "auth"]).whole(), @r"
        exit 2
        --- stdout
        --- stderr
        error: --service auth: belongs to `forewarn show budget`
        help: leave it out, or show `budget`
        ");
    let drawn = bench.run(&["show", "budget", "--format", "svg"]).whole();
    assert!(drawn.contains("</svg>"), "{drawn}");
}
