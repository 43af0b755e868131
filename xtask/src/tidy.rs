//! The house rules as tests: floors, heads of files, names in Markdown. Reads the workspace's own
//! files, which are part of the test's input like any fixture.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The floor of each crate; see ARCHITECTURE.md. A crate imports only from floors below its own.
const FLOORS: &[(&str, u8)] = &[
    ("evidence", 0),
    ("text", 0),
    ("draw", 0),
    ("model", 1),
    ("readers", 2),
    ("rules", 2),
    ("watch", 2),
    ("wire", 3),
    ("audit", 4),
    ("daemon", 4),
    ("prove", 5),
    ("lab", 6),
    ("forewarn", 7),
];

/// What a crate may import from elsewhere. One that is not named here may import what it needs.
const FROM_ELSEWHERE: &[(&str, &[&str])] = &[
    ("evidence", &["serde"]),
    ("watch", &["serde", "postcard"]),
    ("text", &["saphyr-parser", "jsonc-parser", "toml_parser"]),
    ("draw", &[]),
    ("model", &[]),
    ("readers", &[]),
    ("rules", &[]),
    ("wire", &["serde", "serde_json", "schemars"]),
    ("audit", &["ignore", "globset", "annotate-snippets", "sha2"]),
];

/// Parts of the standard library that no crate below `audit` names: the world outside.
const OUTSIDE: &[&str] =
    &["std::fs", "std::env", "std::process", "std::net::Tcp", "std::net::Udp", "SystemTime", "Instant"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("bug: xtask lies in the workspace").to_path_buf()
}

/// All files below a directory, build output and hidden directories left out, sorted.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_path_buf()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).expect("bug: a directory of the workspace").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().expect("bug: an entry has a type");
            if kind.is_dir() && name != "target" && !name.starts_with('.') {
                open.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

fn with_extension(extension: &str) -> Vec<PathBuf> {
    files(&root()).into_iter().filter(|path| path.extension().is_some_and(|e| e == extension)).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("bug: a text file of the workspace")
}

/// The crates that a manifest names under `[dependencies]`.
fn dependencies(manifest: &str) -> BTreeSet<&str> {
    manifest
        .split("[dependencies]")
        .nth(1)
        .unwrap_or_default()
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .collect()
}

#[test]
fn every_crate_imports_only_from_floors_below() {
    let floors: BTreeMap<&str, u8> = FLOORS.iter().copied().collect();
    let crates: BTreeSet<String> = fs::read_dir(root().join("crates"))
        .expect("bug: the crates folder")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let known: BTreeSet<String> = floors.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(crates, known, "every crate has a floor and every floor's crate exists");
    for (name, floor) in &floors {
        let manifest = read(&root().join("crates").join(name).join("Cargo.toml"));
        let allowed = FROM_ELSEWHERE.iter().find(|(own, _)| own == name).map(|(_, allowed)| *allowed);
        for dependency in dependencies(&manifest) {
            let fits = match floors.get(dependency) {
                Some(below) => below < floor,
                None => allowed.is_none_or(|allowed| allowed.contains(&dependency)),
            };
            assert!(fits, "{name} (floor {floor}) must not import {dependency}");
        }
    }
}

/// The service is what Forewarn guards: it could be anybody's, and only the binary carries it along.
#[test]
fn the_service_and_the_crates_of_the_audit_do_not_know_each_other() {
    let service = read(&root().join("service/Cargo.toml"));
    for (name, _) in FLOORS {
        assert!(!dependencies(&service).contains(name), "service must not import {name}");
        let manifest = read(&root().join("crates").join(name).join("Cargo.toml"));
        let imports = dependencies(&manifest).contains("authd");
        assert_eq!(imports, *name == "forewarn", "of the crates only forewarn imports authd: {name}");
    }
    let page = read(&root().join("ARCHITECTURE.md"));
    assert!(page.contains("| - | `service` |"), "ARCHITECTURE.md lacks the row of `service`");
}

/// The part of a file before its test module. Tests may do as they like; the code they test may not.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

fn is_test(path: &Path) -> bool {
    let names = ["tests", "tests.rs", "fuzz", "fixture.rs", "fixture"];
    path.components().any(|part| names.iter().any(|name| part.as_os_str() == *name))
}

#[test]
fn no_crate_below_the_audit_names_the_disk_the_clock_or_the_environment() {
    let below =
        FLOORS.iter().filter(|(name, _)| !["audit", "daemon", "prove", "lab", "forewarn"].contains(name));
    for path in below.flat_map(|(name, _)| files(&root().join("crates").join(name).join("src"))) {
        if path.extension().is_none_or(|extension| extension != "rs") || is_test(&path) {
            continue;
        }
        let text = read(&path);
        for word in OUTSIDE {
            assert!(!code(&text).contains(word), "{} names {word}", path.display());
        }
    }
}

#[test]
fn the_floors_in_the_architecture_page_are_those_of_the_code() {
    let page = read(&root().join("ARCHITECTURE.md"));
    for (name, floor) in FLOORS {
        let row = format!("| {floor} | `{name}` |");
        assert!(page.contains(&row), "ARCHITECTURE.md lacks the row `{row} ...`");
    }
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let missing: Vec<_> =
        with_extension("rs").into_iter().filter(|path| !read(path).starts_with("//!")).collect();
    assert!(missing.is_empty(), "files without a `//!` head: {missing:?}");
}

#[test]
fn every_path_named_in_markdown_exists() {
    let mut gone = Vec::new();
    for page in with_extension("md") {
        let text = read(&page);
        let mut fenced = false;
        for line in text.lines() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            }
            if fenced {
                continue;
            }
            for word in line.split('`').skip(1).step_by(2).chain(link_targets(line)) {
                if is_path_of_ours(word) && !exists(&page, word) {
                    gone.push(format!("{}: {word}", page.display()));
                }
            }
        }
    }
    assert!(gone.is_empty(), "paths that do not exist:\n{}", gone.join("\n"));
}

/// The targets of Markdown links in a line.
fn link_targets(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(|(at, _)| {
        let rest = &line[at + 2..];
        rest.find(')').map(|end| rest[..end].split('#').next().unwrap_or_default())
    })
}

/// Whether a word claims to be a path of this repository: it starts in one of its folders.
fn is_path_of_ours(word: &str) -> bool {
    const FOLDERS: &[&str] =
        &["crates/", "xtask/", "docs/", "examples/", "schema/", "fuzz/", ".ci/", ".cargo/"];
    FOLDERS.iter().any(|folder| word.starts_with(folder)) && !word.contains(['<', '>', '*', '{', ' ', '$'])
        || (word.len() > ".md".len() && word.ends_with(".md") && !word.contains(['<', '/', ' ', '*', ':']))
}

fn exists(page: &Path, word: &str) -> bool {
    let beside = page.parent().expect("bug: a file has a directory").join(word);
    root().join(word).exists() || beside.exists()
}

#[test]
fn no_expectation_is_without_its_bug() {
    let mut bare = Vec::new();
    for path in with_extension("rs") {
        let text = read(&path);
        if is_test(&path) {
            continue;
        }
        for (number, line) in code(&text).lines().enumerate() {
            if line.contains(".expect(\"") && !line.contains(".expect(\"bug:") {
                bare.push(format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    assert!(bare.is_empty(), "`expect` says `bug: why`:\n{}", bare.join("\n"));
}

#[test]
fn every_dependency_says_why() {
    let manifest = read(&root().join("Cargo.toml"));
    let section = manifest
        .split("[workspace.dependencies]")
        .nth(1)
        .expect("bug: the workspace lists its dependencies")
        .split("\n[")
        .next()
        .unwrap_or_default();
    let mut unexplained = Vec::new();
    let mut above = "";
    for line in section.lines() {
        let names_a_crate = line.contains(" = ") && !line.starts_with('#');
        if names_a_crate && !line.contains("path = ") && !above.starts_with('#') && !above.contains(" = ") {
            unexplained.push(line);
        }
        above = line;
    }
    assert!(unexplained.is_empty(), "dependencies without a comment why: {unexplained:?}");
}
