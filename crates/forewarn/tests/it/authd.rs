//! The configurations that the authentication service ships, as its users check them: the good ones are
//! clean, and each stack with a fault is convicted by the rule it is named after, and by no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::workbench::{Ran, Workbench};

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../service/config")
}

/// A bench with the files of a directory, without those below.
fn bench(directory: &Path) -> Workbench {
    let bench = Workbench::with(&[]);
    for entry in fs::read_dir(directory).expect("it is shipped").flatten() {
        if entry.path().is_file() {
            let text = fs::read_to_string(entry.path()).expect("text");
            bench.write(&entry.file_name().to_string_lossy(), &text);
        }
    }
    bench
}

/// The rules of all findings.
fn rules(ran: &Ran) -> BTreeSet<String> {
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let findings = report["findings"].as_array().expect("a list of findings");
    findings.iter().map(|finding| finding["rule"].as_str().expect("a rule").to_owned()).collect()
}

#[test]
fn what_authd_ships_is_clean() {
    let bench = bench(&shipped());
    let ran = bench.run(&["check", "--format", "json"]);
    assert_eq!((ran.code, rules(&ran)), (0, BTreeSet::new()), "{}", ran.stdout);
}

#[test]
fn each_fault_that_authd_ships_is_found_by_its_rule_alone() {
    let mut names = Vec::new();
    for entry in fs::read_dir(shipped().join("bad")).expect("it is shipped").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let ran = bench(&entry.path()).run(&["check", "--format", "json"]);
        assert_eq!((ran.code, rules(&ran)), (1, BTreeSet::from([name.clone()])), "{}", ran.stdout);
        names.push(name);
    }
    names.sort();
    insta::assert_snapshot!(names.join("\n"), @r"
    keepalive-race
    pool-acquire-above-request
    pool-connect-above-acquire
    retry-amplification
    timeout-below-hash-cost
    timeout-below-latency
    timeout-below-nested-sum
    timeout-shorter-than-callee
    ");
}
