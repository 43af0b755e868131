//! `[audit]`: when the configuration is audited again.

use std::ops::RangeInclusive;
use std::time::Duration;

use model::declared::{Mistakes, Table};
use text::{Node, Span};

use super::{filled, positive};
use crate::plan::{Schedule, When};

pub(super) const AUDIT: &[&str] = &["every", "cron", "zone", "on_change", "roots", "overdue"];

/// A schedule.
pub(super) fn read(node: Node<'_>, m: &mut Mistakes) -> Option<Schedule> {
    let table = Table::new(node, "[audit]", AUDIT, m)?;
    let mut roots: Vec<String> =
        table.texts("roots", m).into_iter().map(|(root, _)| root.to_owned()).collect();
    if roots.is_empty() {
        roots.push(".".to_owned());
    }
    let on_change = table.flag("on_change", m).unwrap_or(true);
    let when = when(&table, m)?;
    let overdue = positive(&table, "overdue", m);
    let overdue = match (&when, overdue) {
        (When::Every(every), Some(overdue)) if overdue <= *every => {
            m.add(
                table.place("overdue"),
                format!("`overdue` is {overdue:?} and an audit is due every {every:?}"),
                "write more than `every`: how old the last audit may be",
            );
            overdue
        }
        (_, Some(overdue)) => overdue,
        // One that fails may be made up for by the next.
        (When::Every(every), None) => every.saturating_mul(2),
        (When::Cron { .. }, None) => {
            if table.get("overdue").is_none() {
                m.add(
                    table.place("cron"),
                    "`cron` without `overdue`",
                    "say how old the last audit may be, the longest pause of the expression and some more: \
                     `overdue = \"26h\"` of one a day",
                );
            }
            return None;
        }
    };
    Some(Schedule { when, on_change, roots, overdue })
}

fn when(table: &Table<'_>, m: &mut Mistakes) -> Option<When> {
    match (table.get("every"), table.get("cron")) {
        (Some(_), Some(_)) => {
            m.add(table.place("cron"), "`every` and `cron` together", "keep one of them");
            None
        }
        (None, None) => {
            m.add(table.span(), "[audit] says not when", "add `every = \"1h\"`, or `cron` and `zone`");
            None
        }
        (Some(_), None) => {
            if table.get("zone").is_some() {
                m.add(table.place("zone"), "`zone` belongs to `cron`", "remove it");
            }
            let every = positive(table, "every", m)?;
            if every < Duration::from_secs(10) {
                m.add(
                    table.place("every"),
                    "`every` is below ten seconds",
                    "write \"10s\" or more; `on_change` sees a change at once",
                );
            }
            Some(When::Every(every))
        }
        (None, Some(_)) => {
            let expression = filled(table, "cron", m)?;
            cron(&expression, table.place("cron"), m);
            let zone = filled(table, "zone", m);
            if table.get("zone").is_none() {
                m.add(
                    table.place("cron"),
                    "`cron` without `zone`",
                    "add `zone = \"UTC\"` or \"Europe/Rome\"",
                );
            }
            Some(When::Cron { expression, zone: zone? })
        }
    }
}

/// The fields of a cron expression, as cron(5) has them: what they are called, what they hold, and the
/// names that stand for numbers from the first on.
const FIELDS: [(&str, RangeInclusive<u8>, &[&str]); 5] = [
    ("minute", 0..=59, &[]),
    ("hour", 0..=23, &[]),
    ("day of the month", 1..=31, &[]),
    ("month", 1..=12, &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
    ("day of the week", 0..=7, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
];

fn cron(expression: &str, span: Span, m: &mut Mistakes) {
    const HELP: &str = "write minute, hour, day of the month, month and day of the week: \"0 6 * * 1-5\"";
    let fields: Vec<&str> = expression.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        m.add(span, format!("`cron` has {} fields, not 5", fields.len()), HELP);
        return;
    }
    for (text, (name, range, names)) in fields.into_iter().zip(&FIELDS) {
        if !text.split(',').all(|part| is_part(part, range, names)) {
            m.add(span, format!("the {name} of `cron` is out of range: `{text}`"), HELP);
        }
    }
}

/// `*`, `3`, `1-5`, `*/10`, `mon-fri`.
fn is_part(part: &str, range: &RangeInclusive<u8>, names: &[&str]) -> bool {
    let (what, step) = part.split_once('/').map_or((part, None), |(what, step)| (what, Some(step)));
    let number = |text: &str| {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let named = named.and_then(|at| u8::try_from(at).ok()).map(|at| at + range.start());
        named.or_else(|| text.parse().ok()).filter(|number| range.contains(number))
    };
    let what = match what.split_once('-') {
        _ if what == "*" => true,
        Some((from, to)) => matches!((number(from), number(to)), (Some(from), Some(to)) if from <= to),
        None => number(what).is_some(),
    };
    what && step.is_none_or(|step| step.parse::<u8>().is_ok_and(|step| step > 0))
}
