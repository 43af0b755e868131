//! Runs every example on every rule's page through the whole audit, with that rule alone.
//!
//! An example is a `###` heading that begins with `Fires:`, `Quiet:` or `Trap:`, and fenced files,
//! each with its path: ```` ```yaml file=k8s/auth.yaml ````. What fires ends in a ```` ```text finding ````
//! block, which is the whole output; what is quiet or a trap gives no finding of the rule.
//! `FOREWARN_BLESS=1` writes what comes out into those blocks.

#![expect(clippy::disallowed_methods, reason = "on request the test writes what comes out into the pages")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use audit::render::{Detail, Style, error, summary, text};
use audit::{Request, audit_texts};
use rules::{RULES, Rule};

/// What the page says of an example.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Promise {
    Fires,
    Quiet,
}

/// One example.
struct Example<'p> {
    promise: Promise,
    heading: &'p str,
    files: Vec<(&'p str, &'p str)>,
    /// The block with the expected output: where its text stands in the page.
    expected: Option<std::ops::Range<usize>>,
}

/// The examples of a page, in its order.
///
/// # Errors
///
/// What is wrong with the page, and where.
fn examples(page: &str) -> Result<Vec<Example<'_>>, String> {
    let mut found: Vec<Example<'_>> = Vec::new();
    let mut lines = page.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line.trim_end()))
    });
    while let Some((_, line)) = lines.next() {
        if let Some(heading) = line.strip_prefix("### ") {
            let promise = match heading.split_once(": ") {
                Some(("Fires", _)) => Promise::Fires,
                Some(("Quiet" | "Trap", _)) => Promise::Quiet,
                _ => return Err(format!("`### {heading}` says neither Fires nor Quiet nor Trap")),
            };
            found.push(Example { promise, heading, files: Vec::new(), expected: None });
        }
        let Some(info) = line.strip_prefix("```") else { continue };
        let mut inside: Option<std::ops::Range<usize>> = None;
        let end = lines
            .find_map(|(start, line)| {
                let first = inside.get_or_insert(start..start).start;
                inside = Some(first..start);
                (line == "```").then_some(start)
            })
            .ok_or_else(|| format!("the block ```{info} does not end"))?;
        let inside = inside.map_or(end..end, |range| range.start..end);
        let words: Vec<&str> = info.split_whitespace().collect();
        let Some(example) = found.last_mut() else { continue };
        if words == ["text", "finding"] {
            if example.expected.replace(inside).is_some() {
                return Err(format!("`{}` expects two outputs", example.heading));
            }
        } else if let Some(path) = words.iter().find_map(|word| word.strip_prefix("file=")) {
            if example.expected.is_some() {
                return Err(format!("`{}` has a file behind its output", example.heading));
            }
            example.files.push((path, &page[inside]));
        } else {
            return Err(format!(
                "`{}` has a block ```{info} that is neither file nor output",
                example.heading
            ));
        }
    }
    for example in &found {
        let heading = example.heading;
        if example.files.is_empty() {
            return Err(format!("`{heading}` has no file"));
        }
        if (example.promise == Promise::Fires) != example.expected.is_some() {
            return Err(format!("`{heading}` must have a ```text finding block just if it fires"));
        }
    }
    Ok(found)
}

/// What an audit gave for an example.
struct Outcome {
    /// What it prints, with this rule alone.
    shown: String,
    /// What it knew, for whoever asks why.
    knew: String,
    /// Whether it found settings at all: an example that is not read proves nothing.
    read: bool,
}

fn run(rule: &Rule, example: &Example<'_>) -> Result<Outcome, String> {
    let request = Request { only_rules: vec![rule.name.to_owned()], ..Request::default() };
    let outcome = audit_texts(&example.files, &request).map_err(|stop| {
        format!("`{}` cannot be audited: {}", example.heading, error(&stop, Style::default()))
    })?;
    let shown = text(&outcome, Style::default());
    let lines: Vec<&str> = shown.trim_end().lines().map(str::trim_end).collect();
    let mut shown = lines.join("\n");
    if !shown.is_empty() {
        shown.push('\n');
    }
    let monitored = outcome.fleet.environments.iter().any(|environment| !environment.monitor.is_empty());
    let read = !outcome.fleet.settings.is_empty() || monitored;
    Ok(Outcome { shown, knew: summary(&outcome, Detail::Full), read })
}

fn page_of(rule: &Rule) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../rules/src")
        .join(format!("{}.md", rule.name.replace('-', "_")))
}

#[test]
fn examples_on_the_pages_hold() {
    let bless = std::env::var_os("FOREWARN_BLESS").is_some_and(|value| value == "1");
    let mut wrong = String::new();
    for rule in RULES {
        let examples = match examples(rule.docs) {
            Ok(examples) => examples,
            Err(what) => {
                let _ = writeln!(wrong, "== {}: {what}", rule.name);
                continue;
            }
        };
        let mut page = String::new();
        let mut done = 0;
        for example in &examples {
            let heading = example.heading;
            let Outcome { shown, knew, read } = match run(rule, example) {
                Ok(outcome) => outcome,
                Err(what) => {
                    let _ = writeln!(wrong, "== {}: {what}", rule.name);
                    continue;
                }
            };
            match (&example.expected, shown.is_empty()) {
                (Some(_), true) => {
                    let _ = writeln!(wrong, "== {}: `{heading}` is quiet\n{knew}", rule.name);
                }
                (Some(range), false) => {
                    if !bless && rule.docs[range.clone()] != shown {
                        let _ = writeln!(wrong, "== {}: `{heading}` gives\n{shown}", rule.name);
                    }
                    page.push_str(&rule.docs[done..range.start]);
                    page.push_str(&shown);
                    done = range.end;
                }
                (None, true) if !read => {
                    let _ = writeln!(wrong, "== {}: `{heading}` is not read\n{knew}", rule.name);
                }
                (None, true) => {}
                (None, false) => {
                    let _ = writeln!(wrong, "== {}: `{heading}` fires\n{shown}", rule.name);
                }
            }
        }
        page.push_str(&rule.docs[done..]);
        if bless && page != rule.docs {
            std::fs::write(page_of(rule), &page).expect("write the page");
        }
    }
    assert!(
        wrong.is_empty(),
        "\n{wrong}\nFOREWARN_BLESS=1 takes outputs over; what is quiet or fires wrongly it leaves"
    );
}

#[test]
fn a_page_that_breaks_the_form_is_refused() {
    for (page, what) in [
        ("### Sometimes: it fires\n", "`### Sometimes: it fires` says neither Fires nor Quiet nor Trap"),
        ("### Quiet: nothing\n", "`Quiet: nothing` has no file"),
        ("### Quiet: open\n```yaml file=a.yaml\na: 1\n", "the block ```yaml file=a.yaml does not end"),
        (
            "### Fires: no output\n```yaml file=a.yaml\na: 1\n```\n",
            "`Fires: no output` must have a ```text finding block just if it fires",
        ),
    ] {
        assert_eq!(examples(page).err().as_deref(), Some(what));
    }
}
