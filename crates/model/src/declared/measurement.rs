//! Measured latency as people have it: quantiles, cumulative buckets, or one classic histogram in
//! the Prometheus text format. Gives shares of calls; judges nothing.

use std::time::Duration;

use text::{Node, NodeKind, ProblemKind, Source, Span, Syntax, Tree};

use super::{Mistake, Mistakes, Table, kind, length_at, plain};
use crate::Latency;

/// The keys that say what was measured.
pub const WHAT_WAS_MEASURED: &[&str] = &["window", "calls", "timeout_in_force", "quantiles", "buckets"];

/// Reads a file of quantiles (JSON or TOML) or of a histogram (buckets as JSON or TOML, or the
/// `_bucket` lines of one Prometheus histogram). What the file does not say is empty or 0.
///
/// # Errors
///
/// Every mistake in it, in order of place; at least one.
pub fn parse(source: &Source) -> Result<Latency, Vec<Mistake>> {
    let text = source.text().trim_start_matches('\u{feff}');
    let syntax = if text.trim_start().starts_with('{') {
        Syntax::Json
    } else if source.path().ends_with(".toml") {
        Syntax::Toml
    } else {
        return exposition(source);
    };
    let tree = Tree::parse(syntax, source);
    let mut m = Mistakes::default();
    self::syntax(&tree, &mut m);
    let latency = tree
        .documents()
        .next()
        .and_then(|root| Table::new(root, "the measurement", WHAT_WAS_MEASURED, &mut m))
        .and_then(|table| {
            let latency = measured(&table, &mut m);
            if table.get("quantiles").is_none() && table.get("buckets").is_none() {
                m.add(
                    table.span(),
                    "the file says nothing that was measured",
                    "add `quantiles` or `buckets`",
                );
            }
            latency
        });
    let whole = Span { file: source.id(), start: 0, end: 0 };
    match m.or(latency)? {
        Some(latency) => Ok(latency),
        None => Err(vec![empty(whole)]),
    }
}

fn empty(span: Span) -> Mistake {
    Mistake {
        span,
        what: "the file holds no measurement".to_owned(),
        help: "quantiles as JSON or TOML, or the `_bucket` lines of one Prometheus histogram".to_owned(),
    }
}

/// What disturbed the parser is a mistake: half a configuration would claim more than it knows.
pub fn syntax(tree: &Tree<'_>, m: &mut Mistakes) {
    for problem in tree.problems() {
        let help = match problem.kind {
            ProblemKind::DuplicateKey => "keep one of them",
            _ => "correct the syntax here; what follows may be sound",
        };
        m.add(problem.span, problem.message.clone(), help);
    }
}

/// What a table says was measured: `quantiles` or `buckets`.
pub fn measured(table: &Table<'_>, m: &mut Mistakes) -> Option<Latency> {
    let window = table.text("window", m).unwrap_or("").to_owned();
    let calls = table.count("calls", m);
    let in_force = table.limit("timeout_in_force", m);
    let (quantiles, counted) = match (table.get("quantiles"), table.get("buckets")) {
        (Some(_), Some(buckets)) => {
            m.add(buckets.span(), "`quantiles` and `buckets` together", "keep one of them");
            return None;
        }
        (Some(node), None) => (quantiles(node, m), None),
        (None, Some(node)) => {
            let (shares, total) = shares(&buckets(node, m), Duration::from_secs(1), m)?;
            (shares, Some(total))
        }
        (None, None) => return None,
    };
    Some(Latency { window, calls: calls.or(counted).unwrap_or(0), in_force, quantiles })
}

/// `{ p50 = "222ms", "p99.9" = "661ms" }`, in any order.
fn quantiles(node: Node<'_>, m: &mut Mistakes) -> Vec<(f64, Duration)> {
    if node.kind() != NodeKind::Map {
        m.add(node.span(), format!("`quantiles` is {}, not a table", kind(node)), QUANTILES);
        return Vec::new();
    }
    let mut list = Vec::new();
    for entry in node.entries() {
        let key = entry.key.text();
        let share = key.strip_prefix('p').and_then(|number| number.parse::<f64>().ok());
        let Some(share) = share.filter(|percent| *percent > 0.0 && *percent <= 100.0) else {
            m.add(entry.key.span(), format!("`{key}` is no quantile"), QUANTILES);
            continue;
        };
        if entry.value.kind() == NodeKind::Map {
            // `p99.9 = ...` without quotes is the key `9` in the table `p99`.
            m.add(entry.key.span(), format!("`{key}` is a table, not a length of time"), QUANTILES);
            continue;
        }
        if let Some(length) = length_at(entry.value, key, m) {
            list.push((share / 100.0, length, entry.value.span()));
        }
    }
    list.sort_by(|a, b| a.0.total_cmp(&b.0));
    for pair in list.windows(2) {
        if pair[1].1 < pair[0].1 {
            m.add(
                pair[1].2,
                "a higher quantile is shorter than a lower one",
                "check both against their source",
            );
        }
    }
    list.into_iter().map(|(share, length, _)| (share, length)).collect()
}

const QUANTILES: &str = "write each as p and a percentage, in quotes where it has a point: { p50 = \"222ms\", \"p99.9\" = \"661ms\" }";

/// One cumulative bucket: its upper bound (infinite for all calls), how many calls are at or below
/// it, and where that is written.
type Bucket = (f64, f64, Span);

const BUCKETS: &str =
    "write [[\"0.1\", 5], [\"0.3\", 40], [\"+Inf\", 41]]: upper bound in seconds, calls at or below it";

fn buckets(node: Node<'_>, m: &mut Mistakes) -> Vec<Bucket> {
    if node.kind() != NodeKind::List {
        m.add(node.span(), format!("`buckets` is {}, not a list", kind(node)), BUCKETS);
    }
    let mut list = Vec::new();
    for item in node.items() {
        let pair: Vec<Node<'_>> = item.items().collect();
        let bucket = match pair.as_slice() {
            [bound, count] => bound.text().and_then(number).zip(plain(*count).and_then(number)),
            _ => None,
        };
        match bucket {
            Some((bound, count)) => list.push((bound, count, item.span())),
            None => m.add(item.span(), "this is no bucket", BUCKETS),
        }
    }
    list
}

/// A number of the exposition format: `+Inf`, `0.1`, `1e-3`.
fn number(text: &str) -> Option<f64> {
    match text.trim() {
        "+Inf" | "Inf" => Some(f64::INFINITY),
        text => text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0),
    }
}

/// Cumulative shares of calls from cumulative counts, and how many calls there are in all.
fn shares(buckets: &[Bucket], unit: Duration, m: &mut Mistakes) -> Option<(Vec<(f64, Duration)>, u64)> {
    let mut buckets = buckets.to_vec();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let &(bound, total, span) = buckets.last()?;
    if bound.is_finite() {
        m.add(
            span,
            "no bucket holds all calls",
            "add the bucket `+Inf`: without it nobody knows how many are above",
        );
        return None;
    }
    if total < 1.0 {
        m.add(span, "the histogram counts no call", "measure while there is traffic");
        return None;
    }
    for pair in buckets.windows(2) {
        if pair[1].1 < pair[0].1 {
            m.add(
                pair[1].2,
                "this bucket counts fewer calls than the one below it",
                "counts are cumulative: each bucket holds those below it",
            );
            return None;
        }
    }
    let shares = buckets
        .iter()
        .filter(|(bound, ..)| bound.is_finite())
        .map(|&(bound, count, _)| {
            let seconds = bound * unit.as_secs_f64();
            (count / total, Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
        })
        .collect();
    Some((shares, total as u64))
}

/// The `_bucket` lines of one series of a classic histogram. Bounds are seconds, as the naming
/// rules of the format want it, unless the name says milliseconds.
fn exposition(source: &Source) -> Result<Latency, Vec<Mistake>> {
    let mut m = Mistakes::default();
    let mut series: Option<Line<'_>> = None;
    let mut list: Vec<Bucket> = Vec::new();
    let mut start = 0;
    for line in source.text().split_inclusive('\n') {
        let end = start + line.trim_end().len() as u32;
        let span = Span { file: source.id(), start, end };
        start += line.len() as u32;
        let Some(read) = Line::read(line) else { continue };
        match &series {
            Some(first) if first.name != read.name || first.labels != read.labels => {
                return Err(vec![Mistake {
                    span,
                    what: format!("a second series, of `{}`", read.name),
                    help:
                        "keep the lines of the one that measures this call, or sum the series by `le` first"
                            .to_owned(),
                }]);
            }
            _ => {}
        }
        list.push((read.bound, read.count, span));
        series = Some(read);
    }
    let name = series.map_or("", |line| line.name);
    let milliseconds = name.ends_with("_ms") || name.ends_with("_milliseconds");
    let unit = if milliseconds { Duration::from_millis(1) } else { Duration::from_secs(1) };
    let shares = shares(&list, unit, &mut m);
    match m.or(shares)? {
        Some((quantiles, calls)) => Ok(Latency { window: String::new(), calls, in_force: None, quantiles }),
        None => Err(vec![empty(Span { file: source.id(), start: 0, end: 0 })]),
    }
}

/// A line `NAME_bucket{label="...",le="0.3"} 123 [timestamp]`.
struct Line<'s> {
    name: &'s str,
    /// Labels but `le`, as written and sorted.
    labels: Vec<&'s str>,
    bound: f64,
    count: f64,
}

impl<'s> Line<'s> {
    fn read(line: &'s str) -> Option<Self> {
        let (head, rest) = line.trim().split_once('{')?;
        let (labels, rest) = rest.rsplit_once('}')?;
        let name = head.trim().strip_suffix("_bucket")?;
        let count = number(rest.split_whitespace().next()?)?;
        let mut bound = None;
        let mut others = Vec::new();
        for label in split_labels(labels) {
            match label.split_once('=') {
                Some((key, value)) if key.trim() == "le" => bound = number(value.trim().trim_matches('"')),
                _ => others.push(label),
            }
        }
        others.sort_unstable();
        Some(Self { name, labels: others, bound: bound?, count })
    }
}

/// Splits labels at the commas outside quotes.
fn split_labels(labels: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    labels
        .split(|c: char| {
            let at_comma = c == ',' && !quoted;
            if c == '"' && !escaped {
                quoted = !quoted;
            }
            escaped = c == '\\' && !escaped;
            at_comma
        })
        .map(str::trim)
        .filter(|label| !label.is_empty())
        .collect()
}
