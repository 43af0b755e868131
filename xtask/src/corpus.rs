//! `cargo xtask corpus DIR`: audits every tree of a corpus and says how much of it was understood.
//!
//! `DIR` holds `trees/NAME/...`, one project each, and `facts.tsv` (kind, path below `trees`, line, what,
//! value, note), read by hand. Nothing of a corpus is known here: any other directory of this shape
//! does as well.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use audit::{ConfigChoice, FileStatus, Outcome, Request};
use model::{Limit, Setting, TimeUnit, Unit, Value};
use regex::Regex;

use crate::print;

/// A key of a timeout, retry, back-off, keep-alive or pool class with a number behind it. Comments,
/// words in sentences and numbers without a key do not match.
pub(crate) const KEY_WITH_NUMBER: &str = concat!(
    r#"(?i)^\s*(?:-\s+|export\s+)?["']?"#,
    r"[\w.\-/]*",
    r"(?:time-?_?out|deadline|retry|retries|attempts|back-?_?off|keep-?_?alive|pool)",
    r"[\w.\-/]*",
    r#"["']?\s*(?:[:=]|\s)\s*["']?-?\d"#,
);

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let (dir, missed_to_show) = match arguments {
        [dir] => (dir, 0),
        [dir, flag, count] if flag == "--missed" => {
            (dir, count.parse().map_err(|_| "--missed takes a number")?)
        }
        _ => return Err("name the corpus: cargo xtask corpus DIR [--missed N]".into()),
    };
    let trees = Path::new(dir).join("trees");
    let mut roots: Vec<PathBuf> = std::fs::read_dir(&trees)
        .map_err(|error| format!("{}: {error}", trees.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()).filter(|path| path.is_dir()))
        .collect();
    roots.sort();
    if roots.is_empty() {
        return Err(format!("{}: no trees in it", trees.display()));
    }
    let expression = Regex::new(KEY_WITH_NUMBER).expect("bug: a fixed expression");
    let mut total = Count::default();
    let mut extracted = Extracted::default();
    print(&format!("expression: {KEY_WITH_NUMBER}\n"));
    print(
        "| tree | files | read | in part | not ours | not evaluated | lines | covered | settings | unit known | services | calls | findings |",
    );
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for root in &roots {
        let name = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let request = Request { roots: vec![root.clone()], config: ConfigChoice::None, ..Request::default() };
        let outcome = audit::audit(&request).map_err(|error| format!("{name}: {error}"))?;
        let count = Count::of(&outcome, &expression);
        print(&count.row(&name));
        extracted.add(&outcome, &trees);
        total.add(count);
    }
    print(&total.row("all"));
    print("");
    for (reason, files) in &total.reasons {
        print(&format!("  {files:5} files: {reason}"));
    }
    print("");
    print(&format!(
        "coverage: {} of {} lines ({:.1} %) are a setting or listed with the reason why not; bar 95 %",
        total.covered,
        total.lines,
        percent(total.covered, total.lines)
    ));
    print(&format!(
        "units: {} of {} settings ({:.1} %) have a known unit; bar 85 %",
        total.known,
        total.settings,
        percent(total.known, total.settings)
    ));
    for missed in total.missed.iter().take(missed_to_show) {
        print(&format!("  missed: {missed}"));
    }
    let facts = compare(&Path::new(dir).join("facts.tsv"), &extracted)?;
    let met =
        percent(total.covered, total.lines) >= 95.0 && percent(total.known, total.settings) >= 85.0 && facts;
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What was understood of a tree.
#[derive(Default)]
struct Count {
    read: usize,
    in_part: usize,
    not_ours: usize,
    not_evaluated: usize,
    reasons: BTreeMap<String, usize>,
    lines: usize,
    covered: usize,
    missed: Vec<String>,
    settings: usize,
    known: usize,
    services: usize,
    calls: usize,
    findings: usize,
}

impl Count {
    fn of(outcome: &Outcome, expression: &Regex) -> Self {
        let mut count = Self { findings: outcome.findings.len(), ..Self::default() };
        let services: BTreeSet<&str> =
            outcome.fleet.environments.iter().flat_map(|e| &e.services).map(|s| s.name.as_str()).collect();
        count.services = services.len();
        count.calls = outcome.fleet.environments.iter().map(|e| e.calls.len()).max().unwrap_or(0);
        let mut read = BTreeSet::new();
        for file in &outcome.files {
            match &file.status {
                FileStatus::Read { .. } => {
                    count.read += 1;
                    read.insert(file.path.as_str());
                }
                FileStatus::PartlyRead { .. } => {
                    count.in_part += 1;
                    read.insert(file.path.as_str());
                    *count.reasons.entry("read up to a syntax error".into()).or_default() += 1;
                }
                FileStatus::NotOurs(why) => {
                    count.not_ours += 1;
                    *count.reasons.entry(format!("not ours: {why}")).or_default() += 1;
                }
                FileStatus::NotEvaluated(why) | FileStatus::Unreadable(why) => {
                    count.not_evaluated += 1;
                    *count.reasons.entry(format!("not evaluated: {why}")).or_default() += 1;
                }
            }
        }
        let listed = listed_lines(outcome);
        for source in outcome.sources.iter().filter(|source| read.contains(source.path())) {
            for (index, line) in source.text().lines().enumerate() {
                if !expression.is_match(line) {
                    continue;
                }
                count.lines += 1;
                if listed.contains(&(source.id(), index as u32 + 1)) {
                    count.covered += 1;
                } else {
                    count.missed.push(format!("{}:{}: {}", source.path(), index + 1, line.trim()));
                }
            }
        }
        for setting in written(outcome) {
            count.settings += 1;
            count.known += usize::from(setting.unit != Unit::Unknown);
        }
        count
    }

    fn add(&mut self, other: Count) {
        self.read += other.read;
        self.in_part += other.in_part;
        self.not_ours += other.not_ours;
        self.not_evaluated += other.not_evaluated;
        for (reason, files) in other.reasons {
            *self.reasons.entry(reason).or_default() += files;
        }
        self.lines += other.lines;
        self.covered += other.covered;
        self.missed.extend(other.missed);
        self.settings += other.settings;
        self.known += other.known;
        self.services += other.services;
        self.calls += other.calls;
        self.findings += other.findings;
    }

    fn row(&self, name: &str) -> String {
        let files = self.read + self.in_part + self.not_ours + self.not_evaluated;
        format!(
            "| {name} | {files} | {} | {} | {} | {} | {} | {:.1} % | {} | {:.1} % | {} | {} | {} |",
            self.read,
            self.in_part,
            self.not_ours,
            self.not_evaluated,
            self.lines,
            percent(self.covered, self.lines),
            self.settings,
            percent(self.known, self.settings),
            self.services,
            self.calls,
            self.findings,
        )
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 100.0 } else { 100.0 * part as f64 / whole as f64 }
}

/// Settings that a file states.
fn written(outcome: &Outcome) -> impl Iterator<Item = &Setting> {
    outcome.fleet.settings.iter().filter(|setting| !setting.value.origin.is_default())
}

/// Where a value stands, and where the values stand that it overrides.
fn places(origin: &model::Origin) -> Vec<model::Span> {
    match origin {
        model::Origin::Derived(parts) => parts.iter().flat_map(places).collect(),
        origin => origin.span().into_iter().collect(),
    }
}

/// The lines at which a setting or a key that is none is listed.
fn listed_lines(outcome: &Outcome) -> BTreeSet<(model::FileId, u32)> {
    let settings = written(outcome).flat_map(|setting| places(&setting.value.origin));
    let ignored = outcome.ignored.iter().map(|ignored| ignored.span);
    settings
        .chain(ignored)
        .flat_map(|span| {
            let lines = outcome.sources.get(span.file).lines();
            (lines.line(span.start)..=lines.line(span.end.max(span.start))).map(move |line| (span.file, line))
        })
        .collect()
}

/// Every setting of all trees by path below `trees` and line.
#[derive(Default)]
struct Extracted {
    settings: BTreeMap<(String, u32), Vec<(String, Value)>>,
    findings: BTreeMap<(String, u32), Vec<&'static str>>,
    skipped: BTreeMap<String, String>,
    files: BTreeSet<String>,
}

impl Extracted {
    fn add(&mut self, outcome: &Outcome, trees: &Path) {
        let prefix = format!("{}/", trees.to_string_lossy().trim_end_matches('/').trim_start_matches("./"));
        let below = |path: &str| path.strip_prefix(&prefix).unwrap_or(path).to_owned();
        let place = |span: model::Span| {
            let source = outcome.sources.get(span.file);
            (below(source.path()), source.lines().line(span.start))
        };
        for setting in &outcome.fleet.settings {
            if let Some(span) = setting.value.origin.span() {
                let values = self.settings.entry(place(span)).or_default();
                values.push((setting.key.clone(), setting.value.value.clone()));
            }
        }
        for finding in outcome.findings.iter().flat_map(audit::Reported::all) {
            for label in &finding.labels {
                if let Some(span) = label.origin.span() {
                    self.findings.entry(place(span)).or_default().push(finding.rule);
                }
            }
        }
        for file in &outcome.files {
            self.files.insert(below(&file.path));
            if let FileStatus::NotEvaluated(why) | FileStatus::NotOurs(why) = &file.status {
                self.skipped.insert(below(&file.path), why.clone());
            }
        }
    }
}

/// Compares with facts read by hand; `true` where every setting of a file that is read came out, and
/// no trap was reported.
fn compare(path: &Path, extracted: &Extracted) -> Result<bool, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (mut right, mut wrong, mut left) = (0, 0, 0);
    for row in text.lines().skip(1) {
        let cells: Vec<&str> = row.split('\t').collect();
        let fields = match cells.as_slice() {
            [kind, file, line, what, value, ..] => {
                line.parse().ok().map(|line| (kind, file, line, what, value))
            }
            _ => None,
        };
        let Some((kind, file, line, what, value)) = fields else {
            return Err(format!("{}: a row without kind, path, line, what and value: {row}", path.display()));
        };
        if !extracted.files.contains(*file) {
            return Err(format!("{}: no file {file} below the trees", path.display()));
        }
        let key: (String, u32) = ((*file).to_owned(), line);
        let verdict = if let Some(why) = extracted.skipped.get(*file) {
            left += 1;
            format!("left out: {why}")
        } else {
            match *kind {
                "setting" => {
                    let found = extracted.settings.get(&key);
                    if found.is_some_and(|found| found.iter().any(|(_, found)| same(found, value))) {
                        right += 1;
                        "right".into()
                    } else {
                        wrong += 1;
                        let found =
                            found.map(|f| f.iter().map(|(k, v)| format!("{k} = {v}")).collect::<Vec<_>>());
                        format!("WRONG: {}", found.map_or("nothing".into(), |found| found.join("; ")))
                    }
                }
                "trap" => {
                    let found = extracted.findings.get(&key);
                    match found {
                        None => {
                            right += 1;
                            "quiet".into()
                        }
                        Some(rules) => {
                            wrong += 1;
                            format!("WRONG, reported: {}", rules.join(", "))
                        }
                    }
                }
                _ => {
                    left += 1;
                    match extracted.findings.get(&key) {
                        Some(rules) => format!("judge by hand: {}", rules.join(", ")),
                        None => "judge by hand: nothing reported here".into(),
                    }
                }
            }
        };
        print(&format!("fact: {kind} {file}:{line} {what} = {value}: {verdict}"));
    }
    print(&format!("facts: {right} right, {wrong} wrong, {left} not decided by this command"));
    Ok(wrong == 0)
}

/// Whether a value is the one a fact states: `20000 ms`, `disabled`, `5`, `15, unit unknown ...`.
fn same(found: &Value, stated: &str) -> bool {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    if let Some((bare, _)) = stated.split_once(", unit unknown") {
        return matches!(found, Value::UnitUnknown(found) if Some(*found) == number(bare));
    }
    if stated == "disabled" {
        return *found == Value::Time(Limit::Never);
    }
    let (amount, unit) = stated.split_once(' ').unwrap_or((stated, ""));
    let unit = match unit {
        "" => {
            return match found {
                Value::Count(count) => Some(*count as f64) == number(amount),
                Value::Number(found) => Some(*found) == number(amount),
                _ => false,
            };
        }
        "ms" => TimeUnit::Milliseconds,
        "s" => TimeUnit::Seconds,
        "m" => TimeUnit::Minutes,
        "h" => TimeUnit::Hours,
        _ => return false,
    };
    let length: Option<Duration> = number(amount).map(|amount| unit.times(amount));
    matches!(found, Value::Time(Limit::After(found)) if Some(*found) == length)
}
