//! The list of rules against what lies on the disk: a forgotten line, page or heading fails here.

#![expect(clippy::disallowed_methods, reason = "the list of rules is compared with the files")]

use std::collections::BTreeSet;
use std::path::Path;

use rules::RULES;

/// Files of this crate that hold no rule.
const NOT_RULES: &[&str] = &[
    "client",
    "fixture",
    "kept",
    "labels",
    "lib",
    "margins",
    "monitored",
    "owners",
    "patience",
    "plausible",
    "round",
    "stage",
    "sums",
];

/// What each page has, in this order.
const HEADINGS: &[&str] = &[
    "## What it finds",
    "## Why it breaks",
    "## What to do",
    "## When it is quiet",
    "## Sources",
    "## Examples",
];

/// The families of rules; a name begins with one.
const TOPICS: &[&str] = &[
    "drift",
    "keepalive",
    "monitor",
    "pool",
    "probe",
    "retry",
    "shutdown",
    "timeout",
    "token",
    "unit",
    "value",
];

fn stems(extension: &str) -> BTreeSet<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    std::fs::read_dir(directory)
        .expect("read src")
        .map(|entry| entry.expect("read src").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect()
}

#[test]
fn every_rule_stands_in_the_list_and_has_its_page() {
    let listed: BTreeSet<String> = RULES.iter().map(|rule| rule.name.replace('-', "_")).collect();
    let code: BTreeSet<String> =
        stems("rs").into_iter().filter(|stem| !NOT_RULES.contains(&stem.as_str())).collect();
    assert_eq!(code, listed, "files with rules (left) and RULES (right)");
    assert_eq!(stems("md"), listed, "pages (left) and RULES (right)");
}

#[test]
fn the_list_is_sorted_and_its_names_are_unique() {
    let names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
}

#[test]
fn names_are_words_with_the_topic_first() {
    for rule in RULES {
        let name = rule.name;
        let words: Vec<&str> = name.split('-').collect();
        assert!(words.len() >= 2 && TOPICS.contains(&words[0]), "{name}");
        let well_formed =
            words.iter().all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase()));
        assert!(well_formed, "{name}");
    }
}

#[test]
fn pages_have_the_form_that_readers_expect() {
    let mut wrong = Vec::new();
    for rule in RULES {
        let mut lines = rule.docs.lines();
        if lines.next() != Some(&*format!("# {}", rule.name)) {
            wrong.push(format!("{}: the title is not the rule's name", rule.name));
        }
        // On the page the summary is a sentence.
        let mut summary = rule.summary.to_owned();
        summary[..1].make_ascii_uppercase();
        if lines.find(|line| !line.is_empty()) != Some(&*format!("{summary}.")) {
            wrong.push(format!("{}: the first line is not `{summary}.`", rule.name));
        }
        let headings: Vec<&str> = rule.docs.lines().filter(|line| line.starts_with("## ")).collect();
        if headings != HEADINGS {
            wrong.push(format!("{}: the headings are {headings:?}", rule.name));
        }
        for kind in ["Fires", "Quiet", "Trap"] {
            if !rule.docs.lines().any(|line| line.starts_with(&format!("### {kind}: "))) {
                wrong.push(format!("{}: no example `### {kind}: ...`", rule.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
