//! `cargo xtask precision DIR`: draws findings of a corpus at random, for a reader to judge, and says
//! what the verdicts come to.
//!
//! `DIR` holds `trees/NAME/...`, one repository each (`owner+name`), and `INDEX.tsv` with the commit of
//! each. Verdicts live in `docs/precision.tsv` and are found again by rule and place, so that a later
//! draw asks only for what is new. Holds no judgement of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use audit::{ConfigChoice, Outcome, Request};
use evidence::random::split_mix;
use model::{Basis, Finding, Level};

use crate::{print, say};

/// Findings of each level that are drawn.
const DRAWN: usize = 100;

/// Of these at most so many of one rule, so that a rule that fires often does not decide alone.
const OF_ONE_RULE: usize = 5;

/// The verdicts, from the root of the repository.
const VERDICTS: &str = "docs/precision.tsv";

/// The page made of them.
const PAGE: &str = "docs/precision.md";

/// The levels judged, and the share of true findings each has to reach.
const BARS: [(Level, f64); 2] = [(Level::Error, 0.95), (Level::Warning, 0.85)];

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let mut options = Options { dir: PathBuf::new(), seed: 1, write: false };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--write" => options.write = true,
            "--seed" => {
                let seed = rest.next().and_then(|seed| seed.parse().ok());
                options.seed = seed.ok_or("--seed takes a whole number")?;
            }
            dir if options.dir.as_os_str().is_empty() => options.dir = PathBuf::from(dir),
            other => return Err(format!("`{other}` is one too many: cargo xtask precision DIR")),
        }
    }
    if options.dir.as_os_str().is_empty() {
        return Err("name the corpus: cargo xtask precision DIR [--seed N] [--write]".into());
    }
    let verdicts = Verdicts::read(&root().join(VERDICTS))?;
    let all = findings(&options.dir)?;
    let mut drawn = Vec::new();
    for (level, _) in BARS {
        drawn.extend(draw(all.iter().filter(|finding| finding.level == level), options.seed));
    }
    print("level\trule\tplace\tverdict\treason\tbasis\ttitle");
    for finding in &drawn {
        let (verdict, reason) = verdicts.of(finding).map_or(("?", ""), |(v, reason)| (v.name(), reason));
        let Cited { rule, place, basis, title, .. } = finding;
        print(&format!("{}\t{rule}\t{place}\t{verdict}\t{reason}\t{basis:?}\t{title}", finding.level.name()));
    }
    let page = page(&all, &drawn, &verdicts, options.seed);
    for line in page.summary.lines() {
        say(line);
    }
    if options.write {
        std::fs::write(root().join(PAGE), &page.text).map_err(|error| format!("{PAGE}: {error}"))?;
        say(&format!("wrote {PAGE}"));
    }
    Ok(if page.met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Options {
    dir: PathBuf,
    seed: u64,
    write: bool,
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A finding with the place that a reader looks up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Cited {
    level: Level,
    rule: &'static str,
    /// `owner/name@commit:path:line`.
    place: String,
    basis: Basis,
    title: String,
}

impl Cited {
    fn of(finding: &Finding, outcome: &Outcome, repository: &str, below: &str) -> Self {
        let place = finding.labels.iter().find_map(|label| label.origin.span()).map_or_else(
            || repository.to_owned(),
            |span| {
                let source = outcome.sources.get(span.file);
                let path = source.path().strip_prefix(below).unwrap_or(source.path());
                format!("{repository}:{path}:{}", source.lines().line(span.start))
            },
        );
        let Finding { level, rule, basis, ref title, .. } = *finding;
        Self { level, rule, place, basis, title: title.clone() }
    }
}

/// The findings of every tree, sorted.
fn findings(dir: &Path) -> Result<Vec<Cited>, String> {
    let index = dir.join("INDEX.tsv");
    let index = std::fs::read_to_string(&index).map_err(|error| format!("{}: {error}", index.display()))?;
    let mut cited = Vec::new();
    for row in index.lines().skip(1) {
        let mut cells = row.split('\t');
        let (Some(name), Some(commit)) = (cells.next(), cells.next()) else { continue };
        let tree = dir.join("trees").join(name.replace('/', "+"));
        if !tree.is_dir() {
            return Err(format!("{}: named in INDEX.tsv, is no directory", tree.display()));
        }
        let below = format!("{}/", tree.to_string_lossy().trim_start_matches("./"));
        let request = Request { roots: vec![tree], config: ConfigChoice::None, ..Request::default() };
        let outcome = audit::audit(&request).map_err(|error| format!("{name}: {error}"))?;
        let repository = format!("{name}@{commit}");
        cited.extend(
            outcome
                .findings
                .iter()
                .flat_map(audit::Reported::all)
                .map(|f| Cited::of(f, &outcome, &repository, &below)),
        );
    }
    cited.sort();
    Ok(cited)
}

/// Draws without replacement, the same for the same seed and findings.
fn draw<'a>(findings: impl Iterator<Item = &'a Cited>, seed: u64) -> Vec<&'a Cited> {
    let mut pool: Vec<&Cited> = findings.collect();
    let mut random = seed;
    for last in (1..pool.len()).rev() {
        pool.swap(last, (split_mix(&mut random) % (last as u64 + 1)) as usize);
    }
    let mut of_rule: BTreeMap<&str, usize> = BTreeMap::new();
    pool.retain(|finding| {
        let drawn = of_rule.entry(finding.rule).or_default();
        *drawn += 1;
        *drawn <= OF_ONE_RULE
    });
    pool.truncate(DRAWN);
    pool.sort();
    pool
}

/// What a reader says of a finding after looking at its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It holds, and whoever runs this would want to know.
    True,
    /// The statement holds; whether it matters here is a matter of opinion.
    Defensible,
    /// The statement does not hold.
    False,
}

impl Verdict {
    const ALL: [Self; 3] = [Self::True, Self::Defensible, Self::False];

    fn name(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::Defensible => "defensible",
            Self::False => "false",
        }
    }
}

/// Verdicts by rule and place.
struct Verdicts(BTreeMap<(String, String), (Verdict, String)>);

impl Verdicts {
    fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{VERDICTS}: {error}"))?;
        let mut verdicts = BTreeMap::new();
        for (number, row) in text.lines().enumerate().skip(1) {
            let cells: Vec<&str> = row.split('\t').collect();
            let [rule, place, word, reason] = cells[..] else {
                return Err(format!("{VERDICTS}:{}: not rule, place, verdict, reason", number + 1));
            };
            let verdict = Verdict::ALL.into_iter().find(|verdict| verdict.name() == word);
            let verdict =
                verdict.ok_or_else(|| format!("{VERDICTS}:{}: `{word}` is no verdict", number + 1))?;
            if reason.is_empty() {
                return Err(format!("{VERDICTS}:{}: a verdict needs its reason", number + 1));
            }
            verdicts.insert((rule.to_owned(), place.to_owned()), (verdict, reason.to_owned()));
        }
        Ok(Self(verdicts))
    }

    fn of(&self, finding: &Cited) -> Option<(Verdict, &str)> {
        let key = (finding.rule.to_owned(), finding.place.clone());
        self.0.get(&key).map(|(verdict, reason)| (*verdict, reason.as_str()))
    }
}

/// The page, what of it is said at once, and whether the bars are met.
struct Page {
    text: String,
    summary: String,
    met: bool,
}

fn page(all: &[Cited], drawn: &[&Cited], verdicts: &Verdicts, seed: u64) -> Page {
    let mut summary = String::new();
    let mut met = true;
    for (level, bar) in BARS {
        let of_level: Vec<_> = drawn.iter().filter(|finding| finding.level == level).collect();
        let judged: Vec<Verdict> = of_level.iter().filter_map(|f| Some(verdicts.of(f)?.0)).collect();
        let count = |verdict| judged.iter().filter(|&&v| v == verdict).count();
        let n = judged.len();
        let share = if n == 0 { 0.0 } else { count(Verdict::True) as f64 / n as f64 };
        let (low, high) = if n == 0 { (0.0, 1.0) } else { model::wilson(share, n as f64) };
        met &= n == of_level.len() && share >= bar;
        let name = level.name();
        let there = all.iter().filter(|finding| finding.level == level).count();
        let _ = writeln!(
            summary,
            "| {name} | {there} | {} | {n} | {} | {} | {} | {:.1} % | {:.1} to {:.1} % | {:.0} % |",
            of_level.len(),
            count(Verdict::True),
            count(Verdict::Defensible),
            count(Verdict::False),
            100.0 * share,
            100.0 * low,
            100.0 * high,
            100.0 * bar,
        );
    }
    let summary = format!(
        "| level | findings | drawn | judged | true | defensible | false | share true | 95 % interval | bar |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---|---:|\n{summary}"
    );
    let mut text = format!(
        "# Precision\n\n\
         How many findings hold, judged on configuration of public repositories that was not written for\n\
         Forewarn. Made by `cargo xtask precision DIR --seed {seed} --write`; `DIR` holds the repositories at\n\
         the commits cited. Drawn at random: up to {DRAWN} findings of each level, at most {OF_ONE_RULE} of one rule.\n\
         Each was judged at its lines by a reader who had not written the rule:\n\n\
         - *true*: it holds, and whoever runs this would want to know;\n\
         - *defensible*: the statement holds, whether it matters here is a matter of opinion;\n\
         - *false*: the statement does not hold.\n\n\
         Intervals are Wilson's, of the share of true among all judged.\n\n{summary}"
    );
    for (level, _) in BARS {
        let of_level: Vec<_> = drawn.iter().filter(|finding| finding.level == level).collect();
        if of_level.is_empty() {
            continue;
        }
        let _ = write!(
            text,
            "\n## Level {}\n\n| rule | place | verdict | reason |\n|---|---|---|---|\n",
            level.name()
        );
        for finding in of_level {
            let (verdict, reason) =
                verdicts.of(finding).map_or(("not judged", ""), |(verdict, reason)| (verdict.name(), reason));
            let _ = writeln!(text, "| {} | {} | {verdict} | {reason} |", finding.rule, finding.place);
        }
    }
    Page { text, summary, met }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cited(rule: &'static str, line: usize) -> Cited {
        let place = format!("owner/name@0123456:app.yaml:{line}");
        Cited { level: Level::Error, rule, place, basis: Basis::InFile, title: String::new() }
    }

    #[test]
    fn a_draw_takes_at_most_five_of_a_rule_and_is_the_same_for_the_same_seed() {
        let findings: Vec<Cited> =
            (0..40).map(|line| cited(["one", "two", "three"][line % 3], line)).collect();
        let drawn = draw(findings.iter(), 7);
        assert_eq!(drawn.len(), 15);
        assert_eq!(drawn, draw(findings.iter(), 7));
        assert_ne!(drawn, draw(findings.iter(), 8));
    }

    #[test]
    fn the_page_counts_verdicts_and_leaves_the_bar_unmet_while_one_is_missing() {
        let findings: Vec<Cited> = (0..3).map(|line| cited("one", line)).collect();
        let drawn: Vec<&Cited> = findings.iter().collect();
        let mut verdicts = Verdicts(BTreeMap::new());
        for finding in &findings[..2] {
            let key = (finding.rule.to_owned(), finding.place.clone());
            verdicts.0.insert(key, (Verdict::True, "seen".to_owned()));
        }
        let half = page(&findings, &drawn, &verdicts, 1);
        assert!(
            half.summary.contains("| error | 3 | 3 | 2 | 2 | 0 | 0 | 100.0 % | 34.2 to 100.0 % | 95 % |")
        );
        assert!(!half.met);
    }
}
