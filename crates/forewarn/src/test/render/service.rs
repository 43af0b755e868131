//! What a configuration test showed, below its line: the runs side by side, and what was not proved.

use std::fmt::Write as _;
use std::time::Duration;

use model::{grouped, percent, pretty};
use wire::tested::{Fate, Mutated, Run, Seen, Service};

/// Everything but the line.
pub(super) fn below(service: &Service) -> String {
    let mut text = table(service);
    if service.changes.len() > 1 {
        for change in &service.changes {
            let at = change.line.map_or_else(String::new, |line| format!(":{line}"));
            let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "left out".to_owned());
            let (before, after) = (side(&change.before), side(&change.after));
            remark(
                &mut text,
                "changed",
                &format!("{}{at} {}: {before} to {after}", service.candidate, change.key),
            );
        }
    }
    for run in &service.runs {
        for (reason, what) in run.seen.iter().flat_map(|seen| &seen.met) {
            remark(&mut text, reason, &format!("{}: {what}", run.label));
        }
    }
    for unproved in &service.unproved {
        remark(&mut text, "not proved", unproved);
    }
    for undone in &service.undone {
        remark(&mut text, "not done", &format!("{}: {}", undone.option, undone.why));
    }
    if let Some(search) = &service.search {
        remark(&mut text, "search", &search.line);
    }
    if let Some(mutations) = &service.mutations {
        remark(&mut text, "mutations", &format!("of {}: {}", mutations.of, mutations.line));
        for mutated in &mutations.all {
            let what = self::mutated(mutated);
            remark(&mut text, "", &format!("{:<9}  {what}: {}", fate(mutated.fate), mutated.why));
        }
    }
    let overhead = service.overhead;
    if overhead.turns > 0 {
        let of = |seconds: f64| format!("{:.1} ms", seconds * 1e3);
        let turns = grouped(overhead.turns);
        let (half, most, all) =
            (of(overhead.p50_seconds), of(overhead.p99_seconds), of(overhead.most_seconds));
        let added =
            format!("the proxy added {half} to half of {turns} turns, {most} to 99 % at most, {all} to all");
        remark(&mut text, "overhead", &added);
    }
    remark(&mut text, "seed", &service.seed.to_string());
    remark(&mut text, "again", &service.again);
    text
}

fn remark(text: &mut String, name: &str, words: &str) {
    let _ = writeln!(text, "  {name:<11}  {words}");
}

/// A configuration that was broken, in words.
pub(super) fn mutated(mutated: &Mutated) -> String {
    format!("{} = {} ({} of {})", mutated.key, mutated.after, mutated.how, mutated.before)
}

/// What became of it.
pub(super) fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Caught => "caught",
        Fate::Refused => "refused",
        Fate::Missed => "MISSED",
        Fate::Equal => "no change",
    }
}

/// A row a run.
fn table(service: &Service) -> String {
    let seen = || service.runs.iter().filter_map(|run| run.seen.as_ref());
    let mut dependencies: Vec<&str> = Vec::new();
    for name in seen().flat_map(|seen| seen.calls_per_person.keys()) {
        if !dependencies.contains(&name.as_str()) {
            dependencies.push(name);
        }
    }
    let mut head: Vec<String> =
        ["", "verdict", "people", "failed", "95 %", "why", "p50", "p95", "p99"].map(str::to_owned).to_vec();
    head.extend(dependencies.iter().map(|name| format!("calls at {name}")));
    let mut rows = vec![head];
    rows.extend(service.runs.iter().map(|run| row(run, &dependencies)));
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        // What was not run says why across all columns.
        let cells = rows.iter().filter(|row| row.len() == columns).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::from("  ");
        for (column, cell) in row.iter().enumerate() {
            let width = widths.get(column).copied().unwrap_or(0).max(if column == 0 { 11 } else { 0 });
            let _ = write!(line, "{cell:<width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn row(run: &Run, dependencies: &[&str]) -> Vec<String> {
    let Some(seen) = &run.seen else { return vec![run.label.clone(), without_people(run)] };
    let mut row = vec![run.label.clone(), verdict(seen), grouped(seen.people), percent(seen.share)];
    let (low, high) = (percent(seen.share_low), percent(seen.share_high));
    row.push(format!("{} to {high}", low.trim_end_matches(" %")));
    row.push(reasons(seen));
    for took in [seen.p50_seconds, seen.p95_seconds, seen.p99_seconds] {
        row.push(took.map_or_else(|| "-".to_owned(), milliseconds));
    }
    let calls =
        |name: &&str| seen.calls_per_person.get(*name).map_or_else(|| "-".to_owned(), |n| format!("{n:.2}"));
    row.extend(dependencies.iter().map(calls));
    row
}

/// Why nobody came to a run.
pub(super) fn without_people(run: &Run) -> String {
    match (&run.refused, &run.stopped) {
        (Some(why), _) => format!("refused: {why}"),
        (None, why) => format!("not run: {}", why.as_deref().unwrap_or("")),
    }
}

/// The verdict, and when it was known.
fn verdict(seen: &Seen) -> String {
    match seen.known_after_seconds {
        Some(seconds) => format!("{} after {seconds:.1} s", seen.verdict),
        None => format!("{} after {:.1} s", seen.verdict, seen.seconds),
    }
}

/// Why people failed, the commonest first.
fn reasons(seen: &Seen) -> String {
    let mut reasons: Vec<(&String, &u64)> = seen.failed.iter().collect();
    reasons.sort_by(|one, other| other.1.cmp(one.1));
    let told: Vec<String> =
        reasons.into_iter().map(|(name, count)| format!("{name} {}", grouped(*count))).collect();
    if told.is_empty() { "-".to_owned() } else { told.join(", ") }
}

fn milliseconds(seconds: f64) -> String {
    pretty(Duration::from_millis((seconds * 1e3).round() as u64))
}
