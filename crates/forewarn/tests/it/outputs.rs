//! Several files in several formats from one run, and what code hosts are told about places.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::runs::SIGN_IN;
use crate::workbench::{Ran, Workbench};

#[test]
fn every_format_is_written_once_to_its_file_or_to_stdout() {
    let bench = Workbench::with(SIGN_IN);
    let begins = |text: &str| match text.chars().next() {
        None => "nothing",
        Some('{') if text.contains("\"$schema\"") => "sarif",
        Some('{') => "json",
        Some('<') => "junit",
        Some(':') => "github",
        Some(_) if text.starts_with("auth/") => "short",
        Some(_) => "text",
    };
    for (arguments, stdout, files) in [
        (&["--output", "a.sarif"][..], "text", &[("a.sarif", "sarif")][..]),
        (&["--output", "a.sarif.json", "-q"], "text", &[("a.sarif.json", "sarif")]),
        (&["--output", "a.json", "--output", "a.XML"], "text", &[("a.json", "json"), ("a.XML", "junit")]),
        (&["--output", "a.txt"], "nothing", &[("a.txt", "text")]),
        (&["--output", "a.log"], "nothing", &[("a.log", "text")]),
        (&["--output", "a.log", "--format", "json"], "nothing", &[("a.log", "json")]),
        (&["--output", "sarif=a.json", "--format", "github"], "github", &[("a.json", "sarif")]),
        (&["--output", "short=a", "--output", "./a=b.xml"], "text", &[("a", "short"), ("a=b.xml", "junit")]),
        (&["--output", "auth/../a.json"], "text", &[("a.json", "json")]),
    ] {
        let ran = bench.run(&[&["check"], arguments].concat());
        assert_eq!((ran.code, begins(&ran.stdout)), (1, stdout), "{arguments:?} {}", ran.whole());
        for (file, format) in files {
            assert_eq!(begins(&bench.read(file).expect("written")), *format, "{arguments:?} {file}");
            std::fs::remove_file(bench.path(file)).expect("there");
        }
    }
    assert_eq!(bench.names(), ["auth", "directory", "forewarn.toml"], "nothing is left beside them");
}

#[test]
fn a_file_that_is_written_is_not_read() {
    let bench = Workbench::with(SIGN_IN);
    let report =
        "{\"version\": 1, \"summary\": {}, \"users\": {\"url\": \"http://users:80\", \"timeout\": 0}}";
    bench.write("report.json", report);
    let first = bench.run(&["check", "--output", "report.json"]);
    let second = bench.run(&["check", "--output", "./report.json"]);
    assert_eq!(first.whole(), second.whole());
    assert!(!bench.read("report.json").expect("written").contains("report.json"));
}

#[test]
fn a_file_that_cannot_be_one_of_several_is_told_before_anything_is_read() {
    let bench = Workbench::with(&[("auth/a.yaml", "a: 1\n")]);
    let said: String = [
        &["--output", "a.json", "--output", "sarif=./a.json"][..],
        &["--output", "a.json", "--output", "auth/../a.json"],
        &["--output", "-"],
        &["--output", "json=-"],
        &["--output", ".."],
        &["--output", "foo=x.json"],
        &["--output", "sarfi=x.json"],
    ]
    .iter()
    .map(|arguments| bench.run(&[&["check"], *arguments].concat()))
    .map(|ran| {
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
        ran.stderr
    })
    .collect();
    insta::assert_snapshot!(said, @r"
    error: --output ./a.json: is named twice
    help: name a file of its own for each format
    error: --output auth/../a.json: is named twice
    help: name a file of its own for each format
    error: --output -: names no file
    help: stdout gets the findings by itself, as --format says
    error: --output -: names no file
    help: stdout gets the findings by itself, as --format says
    error: --output ..: names no file
    help: name a file to write to
    error: --output foo=x.json: there is no format `foo`
    help: formats: `text`, `short`, `json`, `sarif`, `github`, `junit`; write `./foo=x.json` for a file of that name
    error: --output sarfi=x.json: there is no format `sarfi`
    help: did you mean `sarif`? formats: `text`, `short`, `json`, `sarif`, `github`, `junit`; write `./sarfi=x.json` for a file of that name
    ");
    assert_eq!(bench.names(), ["auth"]);
    let ran = bench.run(&["check", "--output", "nowhere/a.json"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("nowhere/a.json: cannot be written: "), "{}", ran.stderr);
}

#[test]
fn configuration_is_never_replaced_by_a_report() {
    let bench = Workbench::with(SIGN_IN);
    let mut said = String::new();
    for (typed, file) in [
        ("auth/application.yml", "auth/application.yml"),
        ("k8s/db.yaml", "k8s/db.yaml"),
        ("forewarn.toml", "forewarn.toml"),
        ("json=auth/../NGINX.CONF", "NGINX.CONF"),
        ("text=.env", ".env"),
        (".env.production", ".env.production"),
        ("haproxy.cfg", "haproxy.cfg"),
        ("a.ini", "a.ini"),
        ("a.properties", "a.properties"),
        ("service.json", "service.json"),
        ("sarif=forewarn-baseline.json", "forewarn-baseline.json"),
    ] {
        // Not even readable as configuration: that it is refused shows that nothing was audited.
        bench.write(file, "[ not to be lost");
        let ran = bench.run(&["check", "--output", typed]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{typed}");
        assert_eq!(bench.read(file).as_deref(), Some("[ not to be lost"), "{typed}");
        said += &ran.stderr;
    }
    insta::assert_snapshot!(said, @r"
    error: --output auth/application.yml: is configuration, and configuration is never replaced
    help: name another file to write to
    error: --output k8s/db.yaml: is configuration, and configuration is never replaced
    help: name another file to write to
    error: --output forewarn.toml: is configuration, and configuration is never replaced
    help: name another file to write to
    error: --output auth/../NGINX.CONF: is configuration, and configuration is never replaced
    help: name another file to write to
    error: --output .env: is configuration, and configuration is never replaced
    help: name another file to write to
    error: --output .env.production: is configuration, and configuration is never replaced
    help: name another file to write to
    error: --output haproxy.cfg: is configuration, and configuration is never replaced
    help: name another file to write to
    error: --output a.ini: is configuration, and configuration is never replaced
    help: name another file to write to
    error: --output a.properties: is configuration, and configuration is never replaced
    help: name another file to write to
    error: --output service.json: is no report of Forewarn's, and other JSON is never replaced
    help: name another file to write to
    error: --output forewarn-baseline.json: is no report of Forewarn's, and other JSON is never replaced
    help: name another file to write to
    ");
}

#[test]
fn a_report_of_the_run_before_is_replaced_and_so_is_what_is_not_there() {
    let bench = Workbench::with(SIGN_IN);
    for file in
        ["out.json", "out.sarif", "out.sarif.json", "sarif=code.json", "out.xml", "out.txt", "json=new.conf"]
    {
        for _ in 0..if file == "json=new.conf" { 1 } else { 2 } {
            let ran = bench.run(&["check", "--output", file]);
            assert_eq!(ran.code, 1, "{}", ran.whole());
        }
    }
}

#[test]
fn a_file_that_cannot_be_written_is_told_before_the_audit_and_nothing_else_is_written() {
    let bench = Workbench::with(SIGN_IN);
    let ran = bench.run(&["check", "--output", "a.json", "--output", "nowhere/b.json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.whole());
    assert!(ran.stderr.starts_with("error: nowhere/b.json: cannot be written: "), "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 2, "no summary: {}", ran.stderr);
    assert_eq!(bench.names(), ["auth", "directory", "forewarn.toml"]);
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_written_to_and_stays_what_it_is() {
    let bench = Workbench::with(SIGN_IN);
    let ran = bench.run(&["check", "--output", "/dev/null"]);
    assert_eq!(ran.code, 1, "{}", ran.whole());
    assert!(!std::fs::metadata("/dev/null").expect("there").is_file());
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_whole_files_or_none() {
    use std::os::unix::process::ExitStatusExt as _;
    let bench = Workbench::with(SIGN_IN);
    bench.write("c.xml", "old");
    let made = std::process::Command::new("mkfifo").arg(bench.path("b")).status().expect("mkfifo");
    assert!(made.success());
    // Nobody reads the pipe, so the run stands still between its first file and its last.
    let arguments = ["check", "-q", "--output", "a.json", "--output", "short=b", "--output", "c.xml"];
    let mut child = bench.command(&arguments).spawn().expect("the binary starts");
    while bench.read("a.json").is_none() {
        assert!(child.try_wait().expect("known").is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    // SIGINT is 2 everywhere.
    assert_eq!(child.wait().expect("an end").signal(), Some(2));
    assert!(bench.read("a.json").is_some_and(|text| text.ends_with("}\n")));
    assert_eq!(bench.read("c.xml").as_deref(), Some("old"));
    assert_eq!(bench.names(), ["a.json", "auth", "b", "c.xml", "directory", "forewarn.toml"]);
}

/// Paths and the number of results that have none.
fn places(ran: &Ran) -> (BTreeSet<String>, usize) {
    let log: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.whole()));
    let results = log["runs"][0]["results"].as_array().expect("results");
    let uri =
        |place: &Value| place["physicalLocation"]["artifactLocation"]["uri"].as_str().map(str::to_owned);
    let of = |key: &str, result: &Value| -> Vec<Option<String>> {
        result[key].as_array().into_iter().flatten().map(uri).collect()
    };
    let first = |result: &Value| of("locations", result).remove(0);
    let all =
        results.iter().flat_map(|result| [of("locations", result), of("relatedLocations", result)].concat());
    (all.flatten().collect(), results.iter().filter(|result| first(result).is_none()).count())
}

#[test]
fn places_are_told_from_the_top_of_the_repository_wherever_forewarn_runs() {
    let bench = Workbench::with(SIGN_IN);
    let all: BTreeSet<String> = ["auth/auth.toml", "directory/directory.toml"].map(str::to_owned).into();
    let top = bench.path("");
    let absolute = top.to_str().expect("UTF-8");
    let elsewhere = top.ancestors().last().expect("a root").to_path_buf();
    for (directory, root) in
        [(top.clone(), "."), (bench.path("auth"), ".."), (top.clone(), absolute), (elsewhere, absolute)]
    {
        let ran = bench.run_in(&directory, &["check", "--format", "sarif", root]);
        assert_eq!(places(&ran), (all.clone(), 0), "{} {root}", directory.display());
    }
}

#[test]
fn a_finding_is_placed_at_its_first_label_inside_the_repository() {
    let bench = Workbench::with(SIGN_IN);
    // The caller alone is the repository; forewarn.toml and the callee lie around it.
    std::fs::create_dir(bench.path("auth/.git")).expect("a border");
    let ran = bench.run_in("auth", &["check", "--format", "sarif", ".", "../directory"]);
    assert_eq!(places(&ran), (["auth.toml".to_owned()].into(), 0));
    assert!(
        ran.stdout.contains("../directory/directory.toml:3:19 (outside the repository)"),
        "{}",
        ran.stdout
    );
    let annotated = bench.run_in("auth", &["check", "--format", "github", ".", "../directory"]).stdout;
    assert!(annotated.contains(" file=auth.toml,line=3,"), "{annotated}");
    // Turned round: the first label lies outside.
    std::fs::rename(bench.path("auth/.git"), bench.path("directory/.git")).expect("moved");
    let turned = bench.run_in("directory", &["check", "--format", "sarif", ".", "../auth"]);
    assert_eq!(places(&turned), (["directory.toml".to_owned()].into(), 0));
}

#[test]
fn findings_outside_the_repository_are_told_all_the_same() {
    let bench = Workbench::with(SIGN_IN);
    bench.write("own/a.yaml", "a: 1\n");
    std::fs::create_dir(bench.path("own/.git")).expect("a border");
    let roots = [".", "../auth", "../directory"];
    let ran = bench.run_in("own", &[&["check", "-q", "--format", "sarif"], &roots[..]].concat());
    assert_eq!((ran.code, places(&ran)), (1, (BTreeSet::new(), 1)), "{}", ran.whole());
    assert!(ran.stderr.contains("point outside the repository"), "{}", ran.stderr);
}

#[test]
fn completions_and_manual_pages_know_every_verb_and_option() {
    let bench = Workbench::with(&[]);
    let help = bench.run(&["--help"]).stdout;
    let options: Vec<&str> =
        help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 4).collect();
    let verbs = ["check", "explain", "init", "show", "completions", "man"];
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = bench.run(&["completions", shell]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        assert!(verbs.iter().all(|verb| ran.stdout.contains(verb)), "{shell}");
        assert!(ran.stdout.contains("fail-on"), "{shell}");
    }
    let page = bench.run(&["man"]).stdout;
    let plain = page.replace('\\', "");
    for option in options {
        let name = option.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
        assert!(plain.contains(name), "{name}");
    }
    assert!(page.starts_with(".ie") || page.starts_with(".TH"), "{page}");
    for verb in verbs {
        assert!(plain.contains(&format!("forewarn-{verb}(1)")), "{verb}");
        let page = bench.run(&["man", verb]);
        assert_eq!(page.code, 0);
        assert!(page.stdout.contains(&format!("forewarn\\-{verb} \\-")), "{}", page.stdout);
    }
    let ran = bench.run(&["man", "chekc"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("help: did you mean `check`? verbs: check, "), "{}", ran.stderr);
}
