//! Guards: stated, from a file of history, or from the watch's own journal.

use model::declared::{Mistakes, Table, kind, plain};
use text::{Node, NodeKind};

use crate::plan::GuardSource;

pub(super) const GUARD: &[&str] = &["history", "own"];

/// What a guard is a number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// A share, above 0 and below 1.
    Share,
    /// Requests a second.
    Rate,
    /// The share of good requests that is aimed at; stated and never learnt.
    Goal,
    /// The share of walks of a probe that fail; stated, as histories and minutes hold requests alone.
    Walks,
}

const SHARE: &str =
    "write a share as \"2%\" or 0.02, `{ history = \"history/auth.tsv\" }` or `{ own = true }`";
const WALKS: &str = "write the share of walks that may fail as \"5%\" or 0.05";
const GOAL: &str = "write a share below all as \"99.9%\" or 0.999";
const RATE: &str = "write requests a second (5.0), `{ history = \"history/auth.tsv\" }` or `{ own = true }`";

/// The guard at a key.
pub(super) fn read(table: &Table<'_>, key: &str, of: Of, m: &mut Mistakes) -> Option<GuardSource> {
    guard(table.get(key)?, key, of, m)
}

/// The guard at a node.
pub(super) fn guard(node: Node<'_>, key: &str, of: Of, m: &mut Mistakes) -> Option<GuardSource> {
    match of {
        Of::Share | Of::Rate if node.kind() == NodeKind::Map => return learnt(node, key, m),
        Of::Walks if node.kind() == NodeKind::Map => {
            let what = format!("the `{key}` of a probe cannot be learnt: histories hold requests, not walks");
            m.add(node.span(), what, WALKS);
            return None;
        }
        Of::Share | Of::Rate | Of::Goal | Of::Walks => {}
    }
    let help = match of {
        Of::Walks => WALKS,
        Of::Share => SHARE,
        Of::Rate => RATE,
        Of::Goal => GOAL,
    };
    let number = match (of, plain(node)) {
        (_, Some(number)) => number.replace('_', "").parse().ok(),
        (Of::Share | Of::Goal | Of::Walks, None) => node.text().and_then(percentage),
        (Of::Rate, None) => None,
    };
    let Some(number) = number else {
        let what = match node.text() {
            Some(text) => format!("`{key}` is no {}: `{text}`", of.noun()),
            None => format!("`{key}` is {}, not a {}", kind(node), of.noun()),
        };
        m.add(node.span(), what, help);
        return None;
    };
    if of.holds(number) {
        return Some(GuardSource::Declared(number));
    }
    m.add(node.span(), format!("`{key}` is out of range: {number}"), help);
    None
}

impl Of {
    fn noun(self) -> &'static str {
        match self {
            Self::Share | Self::Goal | Self::Walks => "share",
            Self::Rate => "rate",
        }
    }

    fn holds(self, number: f64) -> bool {
        match self {
            Self::Share | Self::Goal | Self::Walks => number > 0.0 && number < 1.0,
            Self::Rate => number > 0.0 && number.is_finite(),
        }
    }
}

fn learnt(node: Node<'_>, key: &str, m: &mut Mistakes) -> Option<GuardSource> {
    let table = Table::new(node, format!("`{key}`"), GUARD, m)?;
    match (table.get("history"), table.flag("own", m)) {
        (Some(_), None) => Some(GuardSource::History(table.needed_text("history", m)?.to_owned())),
        (None, Some(true)) => Some(GuardSource::Own),
        _ => {
            let help = "write `{ history = \"history/auth.tsv\" }` or `{ own = true }`";
            m.add(node.span(), format!("`{key}` says not where its guard comes from"), help);
            None
        }
    }
}

/// "2%" as 0.02.
pub(super) fn percentage(text: &str) -> Option<f64> {
    // Moving the point in the text keeps 99.9 % the nearest number to 0.999, which a division does not.
    let number = text.trim().strip_suffix('%')?.trim_end();
    number.parse::<f64>().ok()?;
    format!("{number}e-2").parse().ok()
}
