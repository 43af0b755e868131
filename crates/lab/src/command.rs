//! What the commands of Forewarn say of the edit, run as anybody runs them.

use std::path::Path;
use std::time::Duration;

use prove::file::{Process, Ready};
use serde_json::Value;

use crate::record::{Checked, Count, Tested};

/// The rule that holds a limit against what was measured.
const RULE: &str = "timeout-below-latency";

/// `forewarn check` of the files as proposed; the findings go to a file.
pub(crate) fn check() -> Process {
    let words = ["${forewarn}", "check", "${work}/config/proposed", "--output", "json=${work}/check.json"];
    process("check", &words)
}

/// `forewarn test` of the edit. The shell only separates what it says from how it went.
pub(crate) fn test(budget: Duration) -> Process {
    let budget = format!("{}s", budget.as_secs());
    let words = [
        "sh",
        "-c",
        "exec \"$0\" \"$@\" > \"${work}/test.json\"",
        "${forewarn}",
        "test",
        "${base}/auth.test.toml",
        "--candidate",
        "${work}/config/proposed/front.toml",
        "--seed",
        "${seed}",
        "--budget",
        &budget,
        "--format",
        "json",
    ];
    let mut process = process("test", &words);
    // Rooms of its own lie in ours.
    process.environment.push(("TMPDIR".to_owned(), "${work}".to_owned()));
    process
}

fn process(name: &str, words: &[&str]) -> Process {
    Process {
        name: name.to_owned(),
        command: words.iter().map(|word| (*word).to_owned()).collect(),
        environment: Vec::new(),
        directory: None,
        ready: Ready::Ended,
        pass: Vec::new(),
        ready_within: Duration::ZERO,
        stop_within: Duration::from_secs(10),
    }
}

fn json(path: &Path) -> Value {
    std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// What a check said.
pub(crate) fn checked(room: &Path, code: Option<i32>, took: Duration) -> Checked {
    let json = json(&room.join("check.json"));
    let findings = json["findings"].as_array().map_or(&[][..], Vec::as_slice);
    let Some(finding) = findings.iter().find(|finding| finding["rule"] == RULE) else {
        return Checked { took, ..Checked::default() };
    };
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let label = &finding["labels"][0];
    let path = word(&label["path"]);
    let name = Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned();
    Checked {
        refused: code == Some(1),
        title: word(&finding["title"]),
        place: format!("{name}:{}:{}", label["start"]["line"], label["start"]["column"]),
        sum: word(&finding["arithmetic"][0]),
        took,
    }
}

/// What a test said.
pub(crate) fn tested(room: &Path, code: Option<i32>, took: Duration) -> Tested {
    let json = json(&room.join("test.json"));
    let file = &json["files"][0];
    let count = |label: &str| {
        let runs = file["service"]["runs"].as_array().map_or(&[][..], Vec::as_slice);
        let seen = runs.iter().find(|run| run["label"] == label).map_or(&Value::Null, |run| &run["seen"]);
        let people = seen["people"].as_u64().unwrap_or(0);
        Count { people, failed: people - seen["good"].as_u64().unwrap_or(people).min(people) }
    };
    Tested {
        refused: code == Some(1) && file["verdict"] == "failed",
        line: file["service"]["line"].as_str().or(file["stopped"].as_str()).unwrap_or_default().to_owned(),
        candidate: count("candidate"),
        current: count("current"),
        took,
    }
}
