//! Latency as a test file gives it: in place, or by a file that was measured: quantiles, a histogram, a
//! table of durations (CSV), an access log.

use std::time::Duration;

use daemon::lines::Took;
use model::declared::measurement::{self, WHAT_WAS_MEASURED};
use model::declared::{Mistakes, Table, length_at, length_of};
use model::{Latency, TimeUnit};
use text::{Node, Source};

/// Gives the text of a file by its path relative to the test file.
pub(crate) type Files<'f> = &'f dyn Fn(&str) -> Result<Source, String>;

/// The window of a latency that the test file itself states.
pub(crate) const STATED: &str = "stated";
/// Beside [`WHAT_WAS_MEASURED`].
const BY_FILE: &[&str] = &["file", "column", "unit", "log"];

/// The units of a column of bare numbers.
const UNITS: &[(&str, TimeUnit)] = &[
    ("s", TimeUnit::Seconds),
    ("ms", TimeUnit::Milliseconds),
    ("us", TimeUnit::Microseconds),
    ("ns", TimeUnit::Nanoseconds),
];

/// The latency of a phase.
pub(crate) fn latency(node: Node<'_>, key: &str, file: Files<'_>, m: &mut Mistakes) -> Option<Latency> {
    if node.scalar().is_some() {
        let length = length_at(node, key, m)?;
        // Always the same: two quantiles of one length.
        let quantiles = vec![(0.001, length), (0.999, length)];
        return Some(Latency { window: STATED.to_owned(), calls: 1000, in_force: None, quantiles });
    }
    let known: Vec<&str> = WHAT_WAS_MEASURED.iter().chain(BY_FILE).copied().collect();
    let table = Table::new(node, format!("`{key}`"), &known, m)?;
    let ways: Vec<&str> =
        ["quantiles", "buckets", "file", "log"].into_iter().filter(|way| table.get(way).is_some()).collect();
    let latency = match ways.as_slice() {
        ["file"] => of_file(&table, file, m),
        ["log"] => of_log(&table, file, m),
        [_in_place] => measurement::measured(&table, m),
        [] if !table.is_sound() => None,
        [] => {
            let help = "add `quantiles`, `buckets`, `file` or `log`";
            m.add(table.span(), format!("`{key}` says no latency"), help);
            None
        }
        [first, second, ..] => {
            m.add(table.place(second), format!("`{first}` and `{second}` together"), "keep one of them");
            None
        }
    }?;
    if latency.replay().is_none() {
        let help = "a replay needs one quantile below the timeout then in force";
        m.add(table.span(), format!("`{key}` holds nothing that was seen"), help);
        return None;
    }
    Some(latency)
}

fn of_file(table: &Table<'_>, file: Files<'_>, m: &mut Mistakes) -> Option<Latency> {
    let path = table.text("file", m)?;
    let source = read(path, "file", table, file, m)?;
    if is_table(path) {
        let took = column(path, &source, table, m)?;
        return circumstances(Latency::of_durations(took), table, m);
    }
    for key in ["column", "unit"].into_iter().filter(|key| table.get(key).is_some()) {
        m.add(table.place(key), format!("`{key}` belongs to a table of durations"), "name a file *.csv");
    }
    match measurement::parse(&source) {
        Ok(latency) => circumstances(latency, table, m),
        Err(mistakes) => {
            for mistake in mistakes {
                let at = source.position(mistake.span.start);
                let what = format!("{path}:{}:{}: {}", at.line, at.column, mistake.what);
                m.add(table.place("file"), what, mistake.help);
            }
            None
        }
    }
}

/// What the table says beside a file holds for the file: a histogram knows nothing of timeouts.
fn circumstances(mut latency: Latency, table: &Table<'_>, m: &mut Mistakes) -> Option<Latency> {
    if let Some(window) = table.text("window", m) {
        window.clone_into(&mut latency.window);
    }
    latency.in_force = table.limit("timeout_in_force", m).or(latency.in_force);
    latency.calls = table.count("calls", m).unwrap_or(latency.calls);
    Some(latency)
}

fn read(path: &str, key: &str, table: &Table<'_>, file: Files<'_>, m: &mut Mistakes) -> Option<Source> {
    file(path)
        .map_err(|why| {
            m.add(table.place(key), format!("{path}: {why}"), "paths are relative to the test file");
        })
        .ok()
}

fn is_table(path: &str) -> bool {
    let end = path.rsplit('.').next().unwrap_or_default();
    end.eq_ignore_ascii_case("csv") || end.eq_ignore_ascii_case("tsv")
}

/// The durations of one column.
fn column(path: &str, source: &Source, table: &Table<'_>, m: &mut Mistakes) -> Option<Vec<Duration>> {
    let wanted = table.text("column", m);
    let unit = table.word("unit", UNITS, m);
    let mut lines = source.text().trim_start_matches('\u{feff}').lines().zip(1_usize..);
    let mut first = lines.clone();
    let head = cells(first.next().map_or("", |(line, _)| line));
    let length = |text: &str| {
        let bare = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
        bare.zip(unit).map(|(number, unit)| unit.times(number)).or_else(|| length_of(text))
    };
    let by_name = wanted.and_then(|name| head.iter().position(|cell| *cell == name));
    let place = match (wanted, head.len()) {
        (None, 1) => 0,
        (Some(_), _) if by_name.is_some() => by_name?,
        (named, _) => {
            let what = match named {
                Some(name) => format!("{path} has no column `{name}`"),
                None => format!("{path} has {} columns", head.len()),
            };
            let help = model::did_you_mean(named.unwrap_or(""), "columns there", &head);
            m.add(table.place(if named.is_some() { "column" } else { "file" }), what, help);
            return None;
        }
    };
    // A head is what is no duration itself.
    if by_name.is_some() || length(head[place]).is_none() && head[place].parse::<f64>().is_err() {
        lines.next();
    }
    let mut durations = Vec::new();
    for (line, number) in lines.filter(|(line, _)| !line.trim().is_empty()) {
        let cell = cells(line).get(place).copied().unwrap_or("");
        let Some(length) = length(cell) else {
            let bare = cell.parse::<f64>().is_ok();
            let help = if bare { "add `unit = \"ms\"`" } else { "write 0.222, with `unit`, or 222ms" };
            m.add(table.place("file"), format!("{path}:{number}: `{cell}` is no duration"), help);
            return None;
        };
        durations.push(length);
    }
    if durations.is_empty() {
        m.add(table.place("file"), format!("{path} holds no duration"), "measure while there is traffic");
        return None;
    }
    Some(durations)
}

/// The cells of a line, without quotes around them; durations hold neither quotes nor separators.
fn cells(line: &str) -> Vec<&str> {
    let separator = [';', '\t', ','].into_iter().find(|c| line.contains(*c)).unwrap_or(',');
    line.split(separator).map(|cell| cell.trim().trim_matches('"').trim()).collect()
}

/// How long requests took by lines of access logs, in the form in which a watched service names its own.
fn of_log(table: &Table<'_>, file: Files<'_>, m: &mut Mistakes) -> Option<Latency> {
    let log = watch::config::log(table.get("log")?, m)?;
    let mut took = Took::default();
    for path in &log.paths {
        let source = read(path, "log", table, file, m)?;
        if let Err(why) = took.read(&log, source.text().as_bytes()) {
            m.add(table.place("log"), why, "name the format that the lines are written in");
            return None;
        }
    }
    if took.durations.is_empty() || took.malformed > took.lines / 10 {
        let what = format!(
            "{} lines: {} are not of the format, {} are of other paths, {} say how long they took",
            took.lines,
            took.malformed,
            took.elsewhere,
            took.durations.len()
        );
        m.add(table.place("log"), what, "name the format that the lines are written in, with its time");
        return None;
    }
    circumstances(Latency::of_durations(took.durations), table, m)
}

#[cfg(test)]
mod tests {
    use model::declared::Mistake;
    use text::{FileId, Syntax, Tree};

    use super::*;

    const CSV: &str = "at,path,took\n1,/a,10\n2,/a,20\n3,/b,30\n4,/b,40\n";
    const NGINX: &str = "1 200 0.010 /lookup\n2 200 0.020 /lookup\n3 200 0.500 /other\n";
    const HISTOGRAM: &str = "d_bucket{le=\"0.1\"} 50\nd_bucket{le=\"1\"} 90\nd_bucket{le=\"+Inf\"} 100\n";

    fn read(text: &str) -> Result<Latency, Vec<Mistake>> {
        let source = Source::new(FileId(0), "a.test.toml", text.to_owned());
        let file = |name: &str| {
            let text = match name {
                "took.csv" => CSV,
                "one.csv" => "12ms\n1.5s\n",
                "bare.csv" => "12\n",
                "empty.csv" => "took\n",
                "access.log" => NGINX,
                "d.prom" => HISTOGRAM,
                _ => return Err("no such file".to_owned()),
            };
            Ok(Source::new(FileId(1), name, text.to_owned()))
        };
        let tree = Tree::parse(Syntax::Toml, &source);
        let mut m = Mistakes::default();
        let node = tree.documents().next().and_then(|root| root.get("answer")).expect("a test's own text");
        let latency = latency(node, "answer", &file, &mut m);
        m.or(latency).map(|latency| latency.expect("no mistake"))
    }

    fn refused(text: &str) -> Vec<(String, String)> {
        let mistakes = read(text).expect_err("a mistake");
        mistakes.into_iter().map(|mistake| (mistake.what, mistake.help)).collect()
    }

    #[test]
    fn each_form_is_read_and_what_stands_beside_a_file_holds_for_it() {
        let ms = Duration::from_millis;
        let csv = read("answer = { file = \"took.csv\", column = \"took\", unit = \"ms\" }").unwrap();
        assert_eq!((csv.calls, csv.quantile(0.5)), (4, Some(ms(20))));
        let one = read("answer = { file = \"one.csv\", timeout_in_force = \"1s\" }").unwrap();
        assert_eq!((one.calls, one.visible()), (2, [(0.5, ms(12))].as_slice()));
        let log = read(
            "answer = { log = { paths = [\"access.log\"], format = \"nginx\", under = [\"/lookup\"], \
             log_format = \"$connection $status $request_time $uri\" } }",
        )
        .unwrap();
        assert_eq!((log.calls, log.quantile(1.0)), (2, Some(ms(20))));
        let histogram = read("answer = { file = \"d.prom\", timeout_in_force = \"1s\" }").unwrap();
        assert_eq!(histogram.visible(), [(0.5, ms(100))]);
        assert_eq!(read("answer = \"20ms\"").unwrap().quantile(0.5), Some(ms(20)));
    }

    #[test]
    fn each_mistake_says_where_what_and_what_to_do() {
        let all = [
            "answer = { file = \"took.csv\", column = \"tuk\", unit = \"ms\" }",
            "answer = { file = \"took.csv\", unit = \"ms\" }",
            "answer = { file = \"bare.csv\" }",
            "answer = { file = \"empty.csv\", unit = \"ms\" }",
            "answer = { file = \"gone.csv\" }",
            "answer = { file = \"d.prom\", unit = \"ms\" }",
            "answer = { log = { paths = [\"access.log\"], format = \"haproxy\" } }",
            "answer = { log = { paths = [\"access.log\"], format = \"nginx\" } }",
            "answer = { file = \"took.csv\", quantiles = { p50 = \"1ms\" } }",
            "answer = { window = \"noon\" }",
        ]
        .map(refused);
        insta::assert_snapshot!(
            all.iter().flatten().map(|(what, help)| format!("{what}\n    {help}\n")).collect::<String>(),
            @r#"
            took.csv has no column `tuk`
                columns there: `at`, `path`, `took`
            took.csv has 3 columns
                columns there: `at`, `path`, `took`
            bare.csv:1: `12` is no duration
                add `unit = "ms"`
            empty.csv holds no duration
                measure while there is traffic
            gone.csv: no such file
                paths are relative to the test file
            `unit` belongs to a table of durations
                name a file *.csv
            3 lines: 0 are not of the format, 0 are of other paths, 0 say how long they took
                name the format that the lines are written in, with its time
            the log's format has no time: name a format that has it
                name the format that the lines are written in
            `quantiles` and `file` together
                keep one of them
            `answer` says no latency
                add `quantiles`, `buckets`, `file` or `log`
            "#
        );
    }
}
