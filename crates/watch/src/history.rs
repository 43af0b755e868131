//! A file of history: what was counted in each minute of the last weeks, as tab-separated values under a
//! line that names the columns. A line with a mistake refuses the file: a guard that rests on half of a
//! history would be stated with the confidence of the whole.

use std::fmt;

use crate::plan::Watched;
use crate::tally::Tally;
use crate::time::At;

/// How many mistakes are told; the others are alike, as a rule.
const TOLD: usize = 20;

/// What was counted in a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minute {
    /// When it began.
    pub at: At,
    /// What was counted, in the plan's order of reasons.
    pub tally: Tally,
}

/// A line that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it, and what to do.
    pub problem: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: {}", self.line, self.problem)
    }
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    At,
    Requests,
    Reason(usize),
    Timed,
    Slow,
}

/// Reads a history of a service: one row a minute, in order of time. `at` is the minute's beginning in
/// seconds since 1970 or as `2026-11-22T08:05:00Z`; `requests` and every reason of the service have a
/// column by their name; `timed` and `slow` stand together or not at all. Empty lines and lines that begin
/// with `#` are left out; minutes that are missing are unknown, not zero.
pub fn parse(text: &str, service: &Watched) -> Result<Vec<Minute>, Vec<Mistake>> {
    let mut rows = text
        .lines()
        .zip(1..)
        .map(|(row, line)| (row.trim_end_matches('\r'), line))
        .filter(|(row, _)| !row.is_empty() && !row.starts_with('#'));
    let Some((header, line)) = rows.next() else {
        return Err(vec![Mistake {
            line: 1,
            problem: "the file is empty; the first line names the columns".into(),
        }]);
    };
    let columns = columns(header, service).map_err(|problem| vec![Mistake { line, problem }])?;
    let (mut minutes, mut mistakes) = (Vec::<Minute>::new(), Vec::new());
    for (row, line) in rows {
        let minute = minute(row, &columns, service.reasons.len()).and_then(|minute| match minutes.last() {
            Some(last) if minute.at < At(last.at.0 + 60_000) => {
                Err("begins less than a minute after the row above it; rows stand in order of time".into())
            }
            _ => Ok(minute),
        });
        match minute {
            Ok(minute) => minutes.push(minute),
            Err(problem) => mistakes.push(Mistake { line, problem }),
        }
        if mistakes.len() == TOLD {
            break;
        }
    }
    if mistakes.is_empty() { Ok(minutes) } else { Err(mistakes) }
}

fn columns(header: &str, service: &Watched) -> Result<Vec<Column>, String> {
    let mut columns = Vec::new();
    for name in header.split('\t') {
        let column = match name {
            "at" => Column::At,
            "requests" => Column::Requests,
            "timed" => Column::Timed,
            "slow" => Column::Slow,
            name => match service.reasons.iter().position(|reason| reason.name == name) {
                Some(place) => Column::Reason(place),
                None => return Err(format!("column \"{name}\" is no reason of \"{}\"", service.name)),
            },
        };
        if columns.contains(&column) {
            return Err(format!("column \"{name}\" stands twice"));
        }
        columns.push(column);
    }
    let lacks = |column: Column, name: &str| {
        let lack = format!("there is no column \"{name}\"; columns are separated by tabs");
        if columns.contains(&column) { Ok(()) } else { Err(lack) }
    };
    lacks(Column::At, "at")?;
    lacks(Column::Requests, "requests")?;
    for (place, reason) in service.reasons.iter().enumerate() {
        lacks(Column::Reason(place), &reason.name)?;
    }
    if columns.contains(&Column::Timed) || columns.contains(&Column::Slow) {
        lacks(Column::Timed, "timed")?;
        lacks(Column::Slow, "slow")?;
    }
    Ok(columns)
}

fn minute(row: &str, columns: &[Column], reasons: usize) -> Result<Minute, String> {
    let fields: Vec<&str> = row.split('\t').collect();
    if fields.len() != columns.len() {
        return Err(format!("has {} fields where {} columns are named", fields.len(), columns.len()));
    }
    let mut minute = Minute { at: At(0), tally: Tally { failed: vec![0; reasons], ..Tally::default() } };
    for (field, column) in fields.into_iter().zip(columns) {
        let count = || field.parse::<u64>().map_err(|_| format!("\"{field}\" is no count"));
        match *column {
            Column::At => minute.at = moment(field)?,
            Column::Requests => minute.tally.requests = count()?,
            Column::Reason(place) => minute.tally.failed[place] = count()?,
            Column::Timed => minute.tally.timed = count()?,
            Column::Slow => minute.tally.slow = count()?,
        }
    }
    let Tally { requests, failed, timed, slow, .. } = &minute.tally;
    let failures = failed.iter().fold(0u64, |sum, count| sum.saturating_add(*count));
    if failures > *requests {
        return Err(format!("{failures} requests failed of {requests}"));
    }
    if slow > timed {
        return Err(format!("{slow} requests were slow of {timed} that were timed"));
    }
    Ok(minute)
}

/// Seconds since 1970, or RFC 3339 in UTC to the second.
fn moment(text: &str) -> Result<At, String> {
    let unclear = || format!("\"{text}\" is no moment; write seconds since 1970 or 2026-11-22T08:05:00Z");
    if let Ok(seconds) = text.parse::<u64>() {
        return seconds.checked_mul(1000).map(At).ok_or_else(unclear);
    }
    let part = |from: usize, to: usize| -> Option<u64> {
        let digits = text.get(from..to)?;
        if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
    };
    let parts = || -> Option<[u64; 6]> {
        let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
        let bytes = text.as_bytes();
        if bytes.len() != 20 || marks.iter().any(|&(at, mark)| bytes[at] != mark) {
            return None;
        }
        Some([part(0, 4)?, part(5, 7)?, part(8, 10)?, part(11, 13)?, part(14, 16)?, part(17, 19)?])
    };
    let [year, month, day, hour, minute, second] = parts().ok_or_else(unclear)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let known = year >= 1970 && (1..=12).contains(&month) && hour < 24 && minute < 60 && second < 60;
    if !known || day == 0 || day > days[month as usize - 1] {
        return Err(unclear());
    }
    let before = year - 1;
    let leaps = |year: u64| year / 4 - year / 100 + year / 400;
    let of_years = (year - 1970) * 365 + leaps(before) - leaps(1969);
    let of_months: u64 = days[..month as usize - 1].iter().sum();
    let days = of_years + of_months + day - 1;
    Ok(At((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::service;

    fn read(text: &str) -> Result<Vec<Minute>, String> {
        parse(text, &service(&["timeout", "error"]))
            .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn columns_are_found_by_their_names() {
        let text = "# login\nat\terror\ttimeout\trequests\ttimed\tslow\n\
                    1763800000\t1\t2\t600\t599\t7\n\
                    2025-11-22T08:27:40Z\t0\t0\t610\t610\t0\n";
        let minutes = read(text).expect("a good file");
        assert_eq!(
            minutes[0].tally,
            Tally { requests: 600, failed: vec![2, 1], timed: 599, slow: 7, piled: vec![] }
        );
        assert_eq!(minutes[1].at.0 - minutes[0].at.0, 60_000);
    }

    #[test]
    fn moments_are_those_of_the_calendar() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2026-11-22T08:05:00Z", 1_795_334_700),
        ] {
            assert_eq!(moment(text), Ok(At(seconds * 1000)), "{text}");
        }
        for text in ["2025-02-29T00:00:00Z", "2026-11-22 08:05:00", "2026-11-22T24:00:00Z", "1e9", "-60", ""]
        {
            assert!(moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lines_with_mistakes_refuse_the_file() {
        let text = "at\trequests\ttimeout\terror\n60\t10\t0\t0\n60\t10\t0\t0\n180\tten\t0\t0\n240\t5\t3\t3\n300\t5\n";
        assert_eq!(
            read(text),
            Err("line 3: begins less than a minute after the row above it; rows stand in order of time\n\
                 line 4: \"ten\" is no count\n\
                 line 5: 6 requests failed of 5\n\
                 line 6: has 2 fields where 4 columns are named"
                .into())
        );
    }

    #[test]
    fn the_header_has_every_reason_once() {
        assert_eq!(read(""), Err("line 1: the file is empty; the first line names the columns".into()));
        assert_eq!(
            read("at\trequests\ttimeout"),
            Err("line 1: there is no column \"error\"; columns are separated by tabs".into())
        );
        assert_eq!(read("at\tat"), Err("line 1: column \"at\" stands twice".into()));
        assert_eq!(
            read("at\trequests\ttimeout\terror\toops"),
            Err("line 1: column \"oops\" is no reason of \"login\"".into())
        );
        assert_eq!(
            read("at\trequests\ttimeout\terror\tslow"),
            Err("line 1: there is no column \"timed\"; columns are separated by tabs".into())
        );
    }
}
