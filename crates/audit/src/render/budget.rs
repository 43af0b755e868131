//! Chains of time budgets as text: a tree of calls, each with how long its caller waits at most, what
//! that leaves, what was measured, and where it is written.

use std::fmt::Write as _;

use model::{Limit, Origin, pretty};

use super::table::{Table, place};
use super::{count, plain};
use crate::Outcome;
use crate::chain::{Chain, Hop, Slack};
use crate::plain::{columns, padded};

/// Chains one under the other.
pub fn budget(outcome: &Outcome, chains: &[Chain]) -> String {
    let mut shown = String::new();
    for chain in chains {
        if !shown.is_empty() {
            shown.push('\n');
        }
        let edge = &chain.hops[0].service;
        let _ = writeln!(shown, "{}, environment {}", plain(edge), plain(&chain.environment));
        let rows: Vec<[String; 5]> = std::iter::once(["CALL", "WAITS AT MOST", "LEFT", "MEASURED", "WHERE"])
            .map(|names| names.map(str::to_owned))
            .chain((0..chain.hops.len()).map(|index| row(outcome, chain, index)))
            .collect();
        let width = |column: usize| rows.iter().map(|row| columns(&row[column])).max().unwrap_or(0);
        let widths = [0, 1, 2, 3, 4].map(width);
        for row in &rows {
            let mut line = String::from("  ");
            for (cell, width) in row.iter().zip(widths).filter(|(_, width)| *width > 0) {
                line.push_str(&padded(cell, width));
                line.push_str("  ");
            }
            shown.push_str(line.trim_end());
            shown.push('\n');
        }
        if chain.left_out > 0 {
            let _ = writeln!(shown, "  and {} more, with all they lead to", count(chain.left_out, "call"));
        }
        for line in assumptions(chain) {
            let _ = writeln!(shown, "  assuming {}", plain(&line));
        }
    }
    shown
}

/// Every hop as a row, for machines.
pub fn budget_table(outcome: &Outcome, chains: &[Chain]) -> Table {
    const COLUMNS: [&str; 10] = [
        "environment",
        "edge",
        "depth",
        "from",
        "to",
        "waits_at_most",
        "made_of",
        "left",
        "measured",
        "where",
    ];
    let rows = chains.iter().flat_map(|chain| {
        chain.hops.iter().skip(1).map(|hop| {
            let (most, sum, origin) = match &hop.wait {
                Some(wait) => (wait.most.to_string(), wait.sum.clone(), place(outcome, &wait.origin)),
                None => ("not known".to_owned(), String::new(), String::new().into()),
            };
            vec![
                chain.environment.clone().into(),
                chain.hops[0].service.clone().into(),
                hop.depth.to_string().into(),
                chain.hops[hop.caller].service.clone().into(),
                hop.service.clone().into(),
                most.into(),
                sum.into(),
                left(hop).into(),
                measured(hop).into(),
                origin,
            ]
        })
    });
    Table::new(&COLUMNS, rows)
}

fn row(outcome: &Outcome, chain: &Chain, index: usize) -> [String; 5] {
    let hop = &chain.hops[index];
    let mut name = branches(chain, index) + &plain(&hop.service);
    if hop.calls > 1 {
        let _ = write!(name, " ({})", count(hop.calls, "call"));
    }
    if hop.again {
        name.push_str(" (its calls stand above)");
    }
    if let Some((limit, _)) = &hop.own {
        let _ = write!(name, " [ends its own work: {limit}]");
    }
    let (waits, origin) = match &hop.wait {
        Some(wait) if matches!(wait.most, Limit::Never) => ("no limit".to_owned(), Some(&wait.origin)),
        Some(wait) => (wait.sum.clone(), Some(&wait.origin)),
        None if index == 0 => (String::new(), hop.own.as_ref().map(|(_, origin)| origin)),
        None => ("not known".to_owned(), None),
    };
    let place = origin.map_or_else(String::new, |origin| {
        let default = if matches!(origin, Origin::Default { .. }) { " (default)" } else { "" };
        format!("{}{default}", place(outcome, origin).shown())
    });
    [name, waits, left(hop), measured(hop), place]
}

/// The lines that lead from a caller to its callees.
fn branches(chain: &Chain, index: usize) -> String {
    let hop = &chain.hops[index];
    if index == 0 {
        return String::new();
    }
    let is_last = |index: usize| {
        let caller = chain.hops[index].caller;
        !chain.hops[index + 1..].iter().any(|later| later.caller == caller && later.depth > 0)
    };
    let mut drawn = if is_last(index) { "└─ " } else { "├─ " }.to_owned();
    let mut above = hop.caller;
    while above != 0 {
        drawn.insert_str(0, if is_last(above) { "   " } else { "│  " });
        above = chain.hops[above].caller;
    }
    drawn
}

/// What a wait leaves of its caller's budget.
pub(super) fn left(hop: &Hop) -> String {
    match hop.wait.as_ref().and_then(|wait| wait.slack) {
        Some(Slack::Left(left)) => pretty(left),
        Some(Slack::Over(over)) => format!("over by {}", pretty(over)),
        None => String::new(),
    }
}

/// The quantiles measured, in a row.
pub(super) fn measured(hop: &Hop) -> String {
    let quantiles =
        hop.observed.iter().map(|&(share, latency)| format!("{} {}", quantile(share), pretty(latency)));
    quantiles.collect::<Vec<_>>().join(", ")
}

/// A quantile's usual name: p50, p99.9.
pub(super) fn quantile(share: f64) -> String {
    format!("p{}", (share * 1e6).round() / 1e4)
}

/// What had to be guessed, each once.
pub(super) fn assumptions(chain: &Chain) -> Vec<String> {
    let mut lines: Vec<String> = chain.hops.iter().flat_map(|hop| hop.assumptions.iter().cloned()).collect();
    lines.sort();
    lines.dedup();
    lines
}
