//! Targets of files and of names, as they change.

use std::fs;
use std::path::PathBuf;

use tokio::sync::mpsc;

use super::*;

/// A directory of its own for a test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("forewarn-targets-{}-{name}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    /// Written beside and renamed, as what writes such files does.
    fn write(&self, name: &str, text: &str) {
        let beside = self.0.join("new");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, self.0.join(name)).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn start(targets: &[Targets], base: &Path) -> (Known, mpsc::Receiver<String>) {
    let (notes, lines) = Notes::new();
    (discover("auth", targets, base, &Network::default(), &notes).unwrap(), lines)
}

fn files(glob: &str) -> Targets {
    Targets::File { glob: glob.to_owned(), scheme: "http".to_owned(), path: "/metrics".to_owned() }
}

fn names(known: &Known) -> Vec<String> {
    known.borrow().iter().flat_map(|targets| targets.iter()).map(|target| target.name.clone()).collect()
}

/// The next set of targets that differs from the last.
async fn next(known: &mut Known) -> Vec<String> {
    known.changed().await.unwrap();
    known.mark_unchanged();
    names(known)
}

#[tokio::test]
async fn stated_targets_are_known_at_once() {
    let url = |url: &str| Targets::Url(url.to_owned());
    let all = [
        "http://a:1/metrics",
        "https://a/m",
        "http://a:1/metrics",
        "http://a:1/metrics?x=1",
        "http://[::1]:2/metrics",
        "http://b:1/x?token=s3cret",
        "http://b:1/y",
    ];
    let (known, _lines) = start(&all.map(url), Path::new("/"));
    assert_eq!(names(&known), ["a:1", "a:443", "a:1 (2)", "[::1]:2", "b:1/x", "b:1/y"]);
    let (notes, _lines) = Notes::new();
    let wrong = discover("auth", &[url("http://u:s3cret@a/")], Path::new("/"), &Network::default(), &notes);
    let why = "a target carries a user or a password: name a file with it under `basic`";
    assert_eq!(wrong.err().unwrap(), why);
}

#[tokio::test(start_paused = true)]
async fn files_are_read_again_when_they_change() {
    let scratch = Scratch::new("change");
    scratch.write("a.json", r#"[{"targets": ["a:1", "b:1"], "labels": {"team": "x"}}]"#);
    scratch.write(
        "b.json",
        r#"[{"targets": ["c"], "labels": {"__scheme__": "https", "__metrics_path__": "/m"}}]"#,
    );
    scratch.write("c.yaml", "- targets: [d]");
    let (mut known, mut lines) =
        start(&[files("*.json"), Targets::Url("http://s/metrics".to_owned())], &scratch.0);
    assert_eq!(next(&mut known).await, ["a:1", "b:1", "c:443", "s:80"]);
    scratch.write("a.json", r#"[{"targets": ["b:1"]}, {"targets": ["e:1"]}]"#);
    assert_eq!(next(&mut known).await, ["b:1", "e:1", "c:443", "s:80"]);
    fs::remove_file(scratch.0.join("b.json")).unwrap();
    assert_eq!(next(&mut known).await, ["b:1", "e:1", "s:80"]);
    assert!(lines.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_broken_file_keeps_its_last_targets_and_says_so() {
    let scratch = Scratch::new("broken");
    scratch.write("a.json", r#"[{"targets": ["a:1"]}]"#);
    let (mut known, mut lines) = start(&[files("a.json")], &scratch.0);
    assert_eq!(next(&mut known).await, ["a:1"]);
    let path = scratch.0.join("a.json").display().to_string();
    let broken = [
        (r#"[{"targets": ["a:1""#, "is no JSON: EOF while parsing a list at line 1 column 19"),
        ("{}", "is no list of target groups"),
        (r#"[{"target": ["a:1"]}]"#, "group 1: has no list `targets`"),
        (r#"[{"targets": [1]}]"#, "group 1: has a target that is no text"),
        (r#"[{"targets": ["b:1", "a:x"]}]"#, "group 1: target 2 names no port that can be"),
        (
            r#"[{"targets": ["u:s3cret@b:1"]}]"#,
            "group 1: target 1 carries a user or a password: name a file with it under `basic`",
        ),
    ];
    for (text, why) in broken {
        scratch.write("a.json", text);
        let line = lines.recv().await.unwrap();
        assert_eq!(line, format!("auth: targets: {path}: {why}; those known before are kept"));
        assert_eq!(names(&known), ["a:1"]);
        scratch.write("a.json", r#"[{"targets": ["a:1"]}]"#);
        assert_eq!(lines.recv().await.unwrap(), format!("auth: targets: {path}: is fine again"));
    }
    fs::remove_file(scratch.0.join("a.json")).unwrap();
    let line = lines.recv().await.unwrap();
    assert_eq!(line, "auth: targets: a.json: no file matches; those known before are kept");
    assert_eq!(names(&known), ["a:1"]);
}

#[tokio::test]
async fn a_name_gives_its_addresses_and_one_that_does_not_resolve_is_said() {
    let dns = |name: &str| Targets::Dns {
        name: name.to_owned(),
        port: 9100,
        scheme: "http".to_owned(),
        path: "/metrics".to_owned(),
    };
    let (mut known, mut lines) = start(&[dns("localhost"), dns("forewarn.invalid")], Path::new("/"));
    assert!(next(&mut known).await.contains(&"127.0.0.1:9100".to_owned()));
    let line = lines.recv().await.unwrap();
    assert!(line.starts_with("auth: targets: forewarn.invalid: "), "{line}");
}

#[tokio::test]
async fn the_search_ends_with_whoever_wanted_to_know() {
    let (known, mut lines) = start(&[files("none.json")], Path::new("/nonexistent"));
    drop(known);
    assert!(lines.recv().await.unwrap().starts_with("auth: targets: none.json: "));
    assert_eq!(lines.recv().await, None);
}
