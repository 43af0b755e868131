//! What was promised of a drill, beside what was measured: the table that it closes with.

use std::time::Duration;

use crate::record::{Count, Record};
use crate::scenario;

/// So long it is healthy first.
pub const HEALTHY: Duration = Duration::from_secs(30);
/// So soon after the first failed sign-in the alert is there, with the line.
pub const TOLD: Duration = Duration::from_secs(10);
/// So soon after the last failed sign-in it is known to be over.
pub const OVER: Duration = Duration::from_secs(30);
/// So far, in shares, what is measured lies from what was predicted: three standard errors of 400 sign-ins, a
/// fifth of which fail.
pub const NEAR: f64 = 0.06;

/// A promise, and whether it held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// What it is about.
    pub what: &'static str,
    /// What was promised.
    pub promised: String,
    /// What was measured.
    pub measured: String,
    /// Whether it held.
    pub held: bool,
}

/// All of them.
#[must_use]
pub fn promises(record: &Record) -> Vec<Promise> {
    let end = if record.stay { stays(record) } else { ends(record) };
    vec![
        checked(record),
        tested(record),
        unharmed(record),
        quiet(record),
        predicted(record),
        told(record),
        cause(record),
        end,
        nothing_left(record),
    ]
}

const NEVER: &str = "never";

fn promise(
    what: &'static str,
    promised: impl Into<String>,
    measured: impl Into<String>,
    held: bool,
) -> Promise {
    Promise { what, promised: promised.into(), measured: measured.into(), held }
}

fn checked(record: &Record) -> Promise {
    let (measured, held) = match &record.checked {
        Some(checked) if checked.refused => {
            let is_whole = !checked.place.is_empty() && !checked.sum.is_empty();
            (format!("{}, {}", checked.place, took(checked.took)), is_whole)
        }
        Some(_) => ("it passed".to_owned(), false),
        None => (NEVER.to_owned(), false),
    };
    promise("check refuses it", "with line and sum", measured, held)
}

fn tested(record: &Record) -> Promise {
    let (measured, held) = match &record.tested {
        Some(tested) => {
            let Count { people, failed } = tested.candidate;
            (format!("{failed} of {people} people failed"), tested.refused && failed > 0)
        }
        None => (NEVER.to_owned(), false),
    };
    promise("test refuses it", "with a measured share", measured, held)
}

fn unharmed(record: &Record) -> Promise {
    let count = record.quiet.count;
    let promised = format!("{} sign in at least", percent(record.good));
    let measured = format!("{} of {}", count.people - count.failed, count.people);
    promise("nobody is hurt by both", promised, measured, count.people > 0 && !record.quiet.busy)
}

fn quiet(record: &Record) -> Promise {
    let quiet = record.quiet;
    let promised = format!("no notice in {}", seconds(HEALTHY));
    let measured = format!("{} in {}", quiet.notices, seconds(quiet.length));
    promise("quiet while healthy", promised, measured, quiet.notices == 0 && quiet.length >= HEALTHY)
}

fn predicted(record: &Record) -> Promise {
    let share = record.hurt.share();
    let promised = format!("{} +- {:.0} points", percent(record.predicted), NEAR * 100.0);
    let measured = format!("{} of {}", percent(share), record.hurt.people);
    let held = record.hurt.people > 0 && (share - record.predicted).abs() <= NEAR;
    promise("it fails as predicted", promised, measured, held)
}

fn told(record: &Record) -> Promise {
    let after = record.detection();
    let promised = format!("within {}", seconds(TOLD));
    promise("the watch tells", promised, or_never(after), after.is_some_and(|after| after <= TOLD))
}

fn cause(record: &Record) -> Promise {
    let cause = record.cause.as_ref();
    let measured = cause.map_or(NEVER.to_owned(), |cause| format!("{}, {}", cause.place, took(cause.told)));
    let held = cause.is_some_and(|cause| {
        cause.told <= TOLD && cause.key == scenario::KEY && cause.after.replace(' ', "") == scenario::AFTER
    });
    promise("with the changed line", format!("within {}", seconds(TOLD)), measured, held)
}

fn ends(record: &Record) -> Promise {
    let after = record.recovery();
    let held = after.is_some_and(|after| after <= OVER) && record.false_ends == 0;
    let measured = match record.false_ends {
        0 => or_never(after),
        ends => format!("{ends} before the repair"),
    };
    promise("the end is confirmed", format!("within {}", seconds(OVER)), measured, held)
}

fn stays(record: &Record) -> Promise {
    let measured = format!("{} in {}", record.false_ends, seconds(record.lasted));
    promise("no end while it stays", "none", measured, record.false_ends == 0 && record.alerted.is_some())
}

fn nothing_left(record: &Record) -> Promise {
    let Some(left) = &record.left else {
        return promise("nothing is left", "process, port or file", "not looked", false);
    };
    let names: Vec<&str> = left.names().collect();
    let measured = match (names.is_empty(), &record.kept) {
        (false, _) => names.join(", "),
        (true, None) => "looked for, none".to_owned(),
        (true, Some(path)) => format!("no process, no port; {path} is kept"),
    };
    promise("nothing is left", "process, port or file", measured, names.is_empty())
}

fn or_never(length: Option<Duration>) -> String {
    length.map_or(NEVER.to_owned(), seconds)
}

fn took(length: Duration) -> String {
    format!("after {}", seconds(length))
}

/// Seconds with one digit, whole ones without.
#[must_use]
pub fn seconds(length: Duration) -> String {
    let text = format!("{:.1}", length.as_secs_f64());
    format!("{} s", text.strip_suffix(".0").unwrap_or(&text))
}

/// A share in percent with one digit.
#[must_use]
pub fn percent(share: f64) -> String {
    let text = format!("{:.1}", share * 100.0);
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}
