//! What a drill closes with: the table of its promises, and the same as it is published.

use std::fmt::Write as _;

use audit::render::Style;
use lab::promise::{Promise, seconds};
use lab::record::Record;
use wire::drill::{self, Drill, VERSION};

use super::story::wrapped;

/// The table, and the outage in one line.
pub(super) fn text(record: &Record, promises: &[Promise], style: Style) -> String {
    let head = ["promise", "promised", "measured"];
    let columns =
        |promise: &Promise| [promise.what.to_owned(), promise.promised.clone(), promise.measured.clone()];
    let rows: Vec<[String; 3]> = promises.iter().map(columns).collect();
    let longest = |place: usize| {
        let cells = rows.iter().map(|row| row[place].chars().count());
        cells.max().unwrap_or(0).max(head[place].len())
    };
    let widths = [longest(0), longest(1)];
    let held = "NOT HELD".len();
    let last = style.width.saturating_sub(widths[0] + widths[1] + held + 6).max(16).min(longest(2));
    let mut text = String::from("\n");
    let mut row = |cells: [&str; 4]| {
        for (place, part) in wrapped(cells[2], last).iter().enumerate() {
            let [a, b, d] = if place == 0 { [cells[0], cells[1], cells[3]] } else { ["", "", ""] };
            let line = format!("{a:0$}  {b:1$}  {part:last$}  {d}", widths[0], widths[1]);
            let _ = writeln!(text, "{}", line.trim_end());
        }
    };
    row([head[0], head[1], head[2], ""]);
    for (promise, cells) in promises.iter().zip(&rows) {
        row([&cells[0], &cells[1], &cells[2], if promise.held { "held" } else { "NOT HELD" }]);
    }
    text.push('\n');
    for line in wrapped(&last_line(record, promises), style.width) {
        let _ = writeln!(text, "{line}");
    }
    text
}

fn last_line(record: &Record, promises: &[Promise]) -> String {
    let held = promises.iter().filter(|promise| promise.held).count();
    let mut line = format!("{held} of {} promises held in {}", promises.len(), seconds(record.took));
    if let Some(outage) = record.outage() {
        let _ =
            write!(line, "; the outage took {}, the one of 2023 six hours by its own dates", seconds(outage));
    }
    if record.quiet.busy {
        line.push_str(
            "; sign-ins failed before any edit was deployed, so this machine had no time for the service: run the \
             drill again when it is calm, or with --rate 20",
        );
    }
    line
}

/// As it is published.
pub(super) fn published(record: &Record, promises: Vec<Promise>) -> Drill {
    let length = |length: std::time::Duration| (length.as_secs_f64() * 1e3).round() / 1e3;
    let left = record.left.clone().unwrap_or_default();
    Drill {
        version: VERSION,
        name: "auth-timeout".to_owned(),
        seed: record.seed,
        rate: record.rate,
        database: record.database.to_owned(),
        stay: record.stay,
        held: promises.iter().all(|promise| promise.held),
        promises: promises.into_iter().map(promise).collect(),
        refused_by_check: record.checked.as_ref().is_some_and(|checked| checked.refused),
        refused_by_test: record.tested.as_ref().is_some_and(|tested| tested.refused),
        healthy_seconds: length(record.quiet.length),
        healthy_notices: record.quiet.notices,
        healthy_people: record.quiet.count.people,
        healthy_failed: record.quiet.count.failed,
        predicted_share: record.predicted,
        hurt_people: record.hurt.people,
        hurt_failed: record.hurt.failed,
        detection_seconds: record.detection().map(length),
        cause_seconds: record.cause.as_ref().map(|cause| length(cause.told)),
        cause: record.cause.as_ref().map(|cause| cause.place.clone()),
        outage_seconds: record.outage().map(length),
        recovery_seconds: record.recovery().map(length),
        false_ends: record.false_ends,
        left: [left.processes, left.ports, left.files].concat(),
        seconds: length(record.took),
    }
}

fn promise(of: Promise) -> drill::Promise {
    let Promise { what, promised, measured, held } = of;
    drill::Promise { what: what.to_owned(), promised, measured, held }
}

#[cfg(test)]
mod tests {
    use lab::promise::promises;
    use lab::record::{Checked, Count, Left, Quiet};

    use super::*;

    #[test]
    fn a_drill_that_saw_nothing_holds_nothing_and_says_so() {
        let record = Record { good: 0.995, predicted: 0.197, ..Record::default() };
        let style = Style { colour: false, width: 80 };
        insta::assert_snapshot!(text(&record, &promises(&record), style), @r"
        promise                 promised                 measured
        check refuses it        with line and sum        never       NOT HELD
        test refuses it         with a measured share    never       NOT HELD
        nobody is hurt by both  99.5 % sign in at least  0 of 0      NOT HELD
        quiet while healthy     no notice in 30 s        0 in 0 s    NOT HELD
        it fails as predicted   19.7 %                   0 % of 0    NOT HELD
        the watch tells         within 10 s              never       NOT HELD
        with the changed line   within 10 s              never       NOT HELD
        the end is confirmed    within 30 s              never       NOT HELD
        nothing is left         process, port or file    not looked  NOT HELD

        0 of 9 promises held in 0 s
        ");
    }

    #[test]
    fn a_machine_that_is_too_busy_is_told_from_an_edit_that_hurts() {
        let count = Count { people: 1_435, failed: 8 };
        let record = Record {
            good: 0.995,
            predicted: 0.197,
            checked: Some(Checked {
                refused: true,
                place: "front.toml:20:19".to_owned(),
                sum: "300 ms < 505 ms".into(),
                ..Checked::default()
            }),
            quiet: Quiet { length: std::time::Duration::from_secs(31), count, notices: 0, busy: true },
            left: Some(Left { processes: vec!["front".to_owned()], ..Left::default() }),
            ..Record::default()
        };
        let style = Style { colour: false, width: 80 };
        insta::assert_snapshot!(text(&record, &promises(&record), style), @r"
        promise                 promised                 measured
        check refuses it        with line and sum        front.toml:20:19,      held
                                                         after 0 s
        test refuses it         with a measured share    never                  NOT HELD
        nobody is hurt by both  99.5 % sign in at least  1427 of 1435           NOT HELD
        quiet while healthy     no notice in 30 s        0 in 31 s              held
        it fails as predicted   19.7 %                   0 % of 0               NOT HELD
        the watch tells         within 10 s              never                  NOT HELD
        with the changed line   within 10 s              never                  NOT HELD
        the end is confirmed    within 30 s              never                  NOT HELD
        nothing is left         process, port or file    front                  NOT HELD

        2 of 9 promises held in 0 s; sign-ins failed before any edit was deployed, so
        this machine had no time for the service: run the drill again when it is calm,
        or with --rate 20
        ");
    }
}
