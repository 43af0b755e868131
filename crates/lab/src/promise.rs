//! What was promised of a drill, beside what was measured: the table that it closes with.

use std::time::Duration;

use model::percent;

use crate::record::{Count, Record};
use crate::scenario;

/// So long it is healthy first.
pub const HEALTHY: Duration = Duration::from_secs(30);
/// So soon after the first failed sign-in the alert is there, with the line.
pub const TOLD: Duration = Duration::from_secs(10);
/// So soon after the last failed sign-in it is known to be over.
pub const OVER: Duration = Duration::from_secs(30);
/// So many standard errors what is measured may lie from what was predicted: by chance alone, one drill in 370
/// lies farther off (three-sigma limits of a proportion: NIST/SEMATECH e-Handbook of Statistical Methods,
/// 6.3.3.2).
const ERRORS: f64 = 3.0;

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
            let is_its_line = checked.place.starts_with(&format!("{}:", scenario::place()));
            let is_whole = is_its_line && !checked.sum.is_empty();
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
    let near = near(record.predicted, record.hurt.people);
    let mut promised = percent(record.predicted);
    if let Some(near) = near {
        promised += &format!(" +- {:.1} points", near * 100.0);
    }
    let measured = format!("{} of {}", percent(share), record.hurt.people);
    let held = near.is_some_and(|near| (share - record.predicted).abs() <= near);
    promise("it fails as predicted", promised, measured, held)
}

/// So far from a share that share may lie which is measured with so many people; nothing is said of nobody.
fn near(share: f64, people: u64) -> Option<f64> {
    (people > 0).then(|| ERRORS * (share * (1.0 - share) / people as f64).sqrt())
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
        cause.told <= TOLD
            && (cause.place.as_str(), cause.key.as_str()) == (scenario::place().as_str(), scenario::KEY)
            && cause.after.replace(' ', "") == scenario::AFTER
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Cause, Checked};

    #[test]
    fn the_more_people_come_the_closer_to_the_prediction_their_share_must_lie() {
        let of = |people, failed| {
            let hurt = Count { people, failed };
            let Promise { promised, measured, held, .. } =
                predicted(&Record { predicted: 0.197, hurt, ..Record::default() });
            format!("{promised}: {measured}: {held}")
        };
        insta::assert_snapshot!(
            [of(0, 0), of(160, 46), of(160, 47), of(400, 55), of(400, 54), of(4_000, 864)].join("\n"),
            @r"
            19.7 %: 0 % of 0: false
            19.7 % +- 9.4 points: 28.7 % of 160: true
            19.7 % +- 9.4 points: 29.4 % of 160: false
            19.7 % +- 6.0 points: 13.8 % of 400: true
            19.7 % +- 6.0 points: 13.5 % of 400: false
            19.7 % +- 1.9 points: 21.6 % of 4000: false
            "
        );
    }

    #[test]
    fn another_line_than_the_one_that_was_changed_is_neither_found_nor_its_cause() {
        let place = scenario::place();
        let beside = place.replace(":20", ":21");
        assert_ne!(place, beside);
        for (place, holds) in [(&place, true), (&beside, false)] {
            let cause = Cause {
                place: place.clone(),
                key: scenario::KEY.to_owned(),
                before: "1 s".to_owned(),
                after: "300 ms".to_owned(),
                told: TOLD,
            };
            let sum = "300 ms < 505 ms".to_owned();
            let found = Checked { refused: true, place: format!("{place}:19"), sum, ..Checked::default() };
            let record = Record { cause: Some(cause), checked: Some(found), ..Record::default() };
            assert_eq!((super::cause(&record).held, checked(&record).held), (holds, holds), "{place}");
        }
    }
}
