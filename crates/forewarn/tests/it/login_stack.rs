//! A time limit below the latency that it meets: the login stack in `examples`, with and without measurements, broken and mended.

use std::fs;
use std::path::Path;

use crate::workbench::Workbench;

/// The example as it is delivered.
fn login_stack() -> Workbench {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/login-stack");
    let bench = Workbench::with(&[]);
    let mut open = vec![example.clone()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).expect("the example is there").flatten() {
            if entry.file_type().expect("an entry has a type").is_dir() {
                open.push(entry.path());
            } else {
                let path = entry.path();
                let below = path.strip_prefix(&example).expect("below the example").to_string_lossy();
                bench.write(&below, &fs::read_to_string(&path).expect("text"));
            }
        }
    }
    bench
}

fn edit(bench: &Workbench, path: &str, from: &str, to: &str) {
    let text = bench.read(path).expect("a file of the example");
    assert!(text.contains(from), "{path} no longer says {from:?}");
    bench.write(path, &text.replace(from, to));
}

fn without_measurements(bench: &Workbench) {
    let text = bench.read("forewarn.toml").expect("a file of the example");
    let before = text.split("# Measured at auth").next().expect("there is always a first part");
    assert!(!before.contains("[[observed]]"), "the measurement stands behind its comment");
    bench.write("forewarn.toml", before);
}

#[test]
fn the_fault_is_found_along_the_chain_and_in_the_measurements() {
    insta::assert_snapshot!(login_stack().run(&["check"]).whole());
}

#[test]
fn without_measurements_the_chain_alone_finds_it() {
    let bench = login_stack();
    without_measurements(&bench);
    insta::assert_snapshot!(bench.run(&["check"]).whole());
}

#[test]
fn at_one_second_both_are_quiet() {
    let bench = login_stack();
    edit(&bench, "auth/auth.toml", "request_timeout = \"300ms\"", "request_timeout = \"1s\"");
    insta::assert_snapshot!(bench.run(&["check"]).whole());
    without_measurements(&bench);
    assert_eq!(bench.run(&["check"]).code, 0);
}

#[test]
fn the_readme_shows_what_its_first_command_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = fs::read_to_string(root.join("README.md")).expect("the README is there");
    let shown = readme.split("```text\n").nth(1).and_then(|rest| rest.split("```").next());
    let shown = shown.expect("the README shows a finding");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_forewarn"))
        .args(["check", "examples/login-stack"])
        .current_dir(root)
        .env_clear()
        .output()
        .expect("the binary starts");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        printed.contains(shown.trim_end()),
        "the README shows\n{shown}\nand the command prints\n{printed}"
    );
}
