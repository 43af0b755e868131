//! What is read of a text, and what is refused.

use std::fmt::Write as _;

use insta::assert_snapshot;
use proptest::prelude::*;
use watch::plan::{Compare, Durations, Mapping, Matcher, Selector};

use super::super::*;

const SECOND: u64 = 1_000_000_000;

pub(super) fn select(metric: &str, labels: &[(&str, Compare, &str)]) -> Selector {
    let matcher = |(label, compare, value): &(&str, Compare, &str)| Matcher {
        label: (*label).to_owned(),
        compare: *compare,
        value: (*value).to_owned(),
    };
    Selector { metric: metric.to_owned(), labels: labels.iter().map(matcher).collect() }
}

/// Requests are all of `login_total`; failures those by their outcome; durations `login_seconds`.
pub(super) fn mapping() -> Mapping {
    Mapping {
        requests: vec![select("login_total", &[])],
        failed: vec![
            (0, select("login_total", &[("outcome", Compare::Is, "timeout")])),
            (1, select("login_total", &[("outcome", Compare::Matches, "5..|refused")])),
        ],
        durations: Some(Durations { series: select("login_seconds", &[]), unit: model::TimeUnit::Seconds }),
    }
}

fn limits() -> Limits {
    let millis = Duration::from_millis;
    Limits::new(Some(millis(250)), &[millis(500), millis(800)], SECOND)
}

fn read_with(
    mapping: &Mapping,
    text: &[u8],
    marks_end: bool,
    pieces: usize,
) -> Result<(Tally, Vec<Remark>), Unusable> {
    let ready = Ready::new(mapping, 2).unwrap();
    let mut exposition = Exposition::new(&ready, marks_end);
    for piece in text.chunks(pieces) {
        exposition.feed(piece)?;
    }
    let mut remarks = Vec::new();
    let tally = exposition.finish(true, &limits(), &mut remarks)?;
    Ok((tally, remarks))
}

pub(super) fn read(text: &str) -> Result<(Tally, Vec<Remark>), Unusable> {
    read_with(&mapping(), text.as_bytes(), false, usize::MAX)
}

fn counts(text: &str) -> (u64, Vec<u64>) {
    let tally = read(text).unwrap().0;
    (tally.requests, tally.failed)
}

/// Why a text is refused, in words.
fn refused(text: &str) -> String {
    match read(text) {
        Ok((tally, _)) => format!("read: {tally:?}"),
        Err(Unusable { why, words }) => format!("{why:?}: {words}"),
    }
}

const WHOLE: &str = r#"# HELP login_total Logins by outcome.
# TYPE login_total counter
login_total{outcome="ok"} 90
login_total{outcome="timeout",pool="a"} 5
login_total{outcome="timeout",pool="b"} 1e0
login_total{ outcome = "503" , } 3 1700000000000
login_total {outcome="refused"} 1.0
login_total{outcome="refused at 5"} 0
login_total_created 1.7e9

# TYPE login_seconds histogram
login_seconds_bucket{le="0.1"} 60
login_seconds_bucket{le="0.25"} 80
login_seconds_bucket{le="0.5"} 85
login_seconds_bucket{le="1"} 97
login_seconds_bucket{le="+Inf"} 99
login_seconds_sum 12.5
login_seconds_count 99
go_goroutines NaN
"#;

fn whole() -> Tally {
    Tally { requests: 100, failed: vec![6, 4], timed: 99, slow: 19, piled: vec![12, 12] }
}

#[test]
fn counts_are_summed_over_what_the_mapping_selects() {
    assert_eq!(read(WHOLE).unwrap(), (whole(), Vec::new()));
}

#[test]
fn pieces_of_any_size_give_the_same() {
    for pieces in 1..WHOLE.len() {
        let read = read_with(&mapping(), WHOLE.as_bytes(), false, pieces);
        assert_eq!(read, Ok((whole(), Vec::new())), "pieces of {pieces} bytes");
    }
}

#[test]
fn open_metrics_is_read_to_its_end() {
    let text = "# TYPE login counter\n\
        login_total{outcome=\"ok\"} 7 1700000000.123 # {trace_id=\"a b\"} 0.5 1700000000.1\n\
        login_created{outcome=\"ok\"} 1700000000\n\
        login_total{outcome=\"timeout\"} 2.0 # {} 1\n";
    let open = |text: String| read_with(&mapping(), text.as_bytes(), true, 7);
    let (tally, remarks) = open(format!("{text}# EOF\n")).unwrap();
    assert_eq!((tally.requests, tally.failed, remarks), (9, vec![2, 0], vec![Remark::NoDurations]));
    assert_eq!(open(format!("{text}# EOF")).unwrap().0.requests, 9, "the last line may lack its end");
    assert_eq!(open(text.to_owned()).unwrap_err().words, "the answer does not end with `# EOF`");
    assert_eq!(
        open(format!("{text}# EOF\nlogin_total 1\n")).unwrap_err().words,
        "line 6: something after `# EOF`"
    );
}

#[test]
fn escapes_in_labels_are_understood() {
    let mut mapping = mapping();
    mapping.failed = vec![(0, select("login_total", &[("why", Compare::Is, "a\"b\\c\nd\\e")]))];
    let text = "login_total{why=\"a\\\"b\\\\c\\nd\\e\"} 3\nlogin_total{why=\"ü}{\",x=\"\\\\\"} 4\n";
    let (tally, _) = read_with(&mapping, text.as_bytes(), false, 5).unwrap();
    assert_eq!((tally.requests, tally.failed), (7, vec![3, 0]));
}

#[test]
fn labels_are_compared_as_prometheus_does() {
    let selects = |compare, value: &str, labels: &str| {
        let requests = vec![select("a", &[("l", compare, value)])];
        let text = format!("a{labels} 1\n");
        read_with(&Mapping { requests, ..Mapping::default() }, text.as_bytes(), false, 99).is_ok()
    };
    use Compare::{Is, IsNot, Matches, MatchesNot};
    assert!(selects(Is, "x", "{l=\"x\"}") && !selects(Is, "x", "{l=\"xx\"}") && !selects(Is, "x", ""));
    assert!(selects(Is, "", "") && selects(Is, "", "{m=\"x\"}") && selects(IsNot, "x", ""));
    assert!(selects(Matches, "x|y", "{l=\"y\"}") && !selects(Matches, "x|y", "{l=\"xy\"}"));
    assert!(selects(Matches, ".*", "") && !selects(Matches, ".+", "") && selects(MatchesNot, ".+", ""));
    assert!(selects(Matches, "x.y", "{l=\"x\\ny\"}") && !selects(MatchesNot, "x|y", "{l=\"x\"}"));
}

#[test]
fn what_has_not_been_counted_yet_is_zero() {
    assert_eq!(counts("login_total{outcome=\"ok\"} 3\n"), (3, vec![0, 0]));
    assert_eq!(counts("# TYPE login_total counter\nother 1\n"), (0, vec![0, 0]));
    assert_eq!(counts("# TYPE login counter\n"), (0, vec![0, 0]));
    assert_snapshot!(refused("# TYPE logins counter\nother 1\n"), @"Absent: none of its 2 lines is a series of login_total");
    assert_snapshot!(refused(""), @"Absent: none of its 0 lines is a series of login_total");
}

#[test]
fn counts_that_are_none_are_refused() {
    let of = |value: &str| refused(&format!("login_total {value}\n"));
    assert_eq!(counts("login_total 9007199254740992\n").0, 1 << 53);
    assert_eq!(counts("login_total 3.99\n").0, 3, "what is not whole yet does not count");
    assert_snapshot!(of("NaN"), @"Number: line 1: a series of login_total is NaN");
    assert_snapshot!(of("+Inf"), @"Number: line 1: a series of login_total is beyond what can be counted");
    assert_snapshot!(of("-1"), @"Number: line 1: a series of login_total is below zero");
    assert_snapshot!(of("1e300"), @"Number: line 1: a series of login_total is beyond what can be counted");
    assert_snapshot!(of("9007199254740994"), @"Number: line 1: a series of login_total is beyond what can be counted");
    assert_snapshot!(of("one"), @"Number: line 1: a series of login_total has a value that is no number");
    assert_snapshot!(refused("login_total{a=\"1\"} 9e15\nlogin_total{a=\"2\"} 9e15\n"), @"Number: line 2: a sum of counts is beyond what can be counted");
}

#[test]
fn lines_that_are_none_are_refused() {
    assert_snapshot!(refused("<html>\n"), @"Format: line 1: no metric's name");
    assert_snapshot!(refused("404 page not found\n"), @"Format: line 1: no metric's name");
    assert_snapshot!(refused("OK\n"), @"Format: line 1: no value");
    assert_snapshot!(refused("{\"status\": \"up\"}\n"), @"Format: line 1: no sample");
    assert_eq!(counts("{\"http.count\",a=\"b\"} 1\nlogin_total 2\n").0, 2);
    assert_snapshot!(refused("login_total\n"), @"Format: line 1: no value");
    assert_snapshot!(refused("login_total{} \n"), @"Format: line 1: no value");
    assert_snapshot!(refused("login_total{a=\"1\" 2\n"), @"Format: line 1: labels without an end");
    assert_snapshot!(refused("login_total{a=\"1 2\n"), @"Format: line 1: a label's value without an end");
    assert_snapshot!(refused("login_total{a=\"1\\\n"), @"Format: line 1: a label's value without an end");
    assert_snapshot!(refused("login_total{=\"1\"} 2\n"), @"Format: line 1: a label without a name");
    assert_snapshot!(refused("login_total{a=1} 2\n"), @"Format: line 1: a label's value without quotes");
    assert_snapshot!(refused("login_total{a=\"1\",a=\"2\"} 2\n"), @"Format: line 1: a label that stands twice");
    assert_snapshot!(refused("login_total 2 soon\n"), @"Format: line 1: something after the value that is no time");
    assert_snapshot!(refused("login_total 2 3 4\n"), @"Format: line 1: something after the time");
    assert_snapshot!(refused("other 1\nlogin_total 2\n!\n"), @"Format: line 3: no metric's name");
}

#[test]
fn a_series_that_stands_twice_is_refused() {
    assert_snapshot!(refused("login_total{a=\"1\",b=\"2\"} 1\nlogin_total{b=\"2\",a=\"1\"} 1\n"), @"Format: line 2: a series of login_total stands twice");
    assert_snapshot!(refused("login_total{a=\"\"} 1\nlogin_total 1\n"), @"Format: line 2: a series of login_total stands twice");
}

#[test]
fn a_huge_label_is_passed_over_or_refused() {
    let huge = "x".repeat(1_000_000);
    assert_eq!(counts(&format!("other{{l=\"{huge}\"}} 1\nlogin_total 2\n")).0, 2);
    let ours = format!("a 1\nlogin_total{{l=\"{huge}\"}} 1\n");
    let bad = read_with(&mapping(), ours.as_bytes(), false, 32 * 1024).unwrap_err();
    assert_snapshot!(bad.words, @"line 2: longer than 65536 bytes");
}

#[test]
fn too_many_series_are_refused() {
    let mut text = String::new();
    for number in 0..60_000 {
        writeln!(text, "login_total{{l=\"{number}\"}} 1").unwrap();
    }
    assert_snapshot!(refused(&text), @"Body: line 50001: the mapping selects more than 50000 series");
}

fn histogram(buckets: &[(&str, u64)]) -> String {
    let mut text = "login_total 99\n".to_owned();
    for (edge, count) in buckets {
        writeln!(text, "login_seconds_bucket{{le=\"{edge}\"}} {count}").unwrap();
    }
    text
}

#[test]
fn an_objective_between_edges_counts_from_the_next_and_says_so() {
    let (tally, remarks) = read(&histogram(&[("0.2", 10), ("0.4", 30), ("1", 40), ("+Inf", 50)])).unwrap();
    assert_eq!((tally.timed, tally.slow, tally.piled), (50, 20, vec![10, 10]));
    assert_eq!(remarks, [Remark::SlowFrom(Duration::from_millis(250), 400.0)]);
    let (tally, remarks) = read(&histogram(&[("0.1", 10), ("+Inf", 50)])).unwrap();
    assert_eq!((tally.timed, tally.slow, tally.piled), (50, 0, vec![0, 0]));
    let millis = Duration::from_millis;
    let unknown = [
        Remark::SlowUnknown(millis(250)),
        Remark::PileUpUnknown(millis(500)),
        Remark::PileUpUnknown(millis(800)),
    ];
    assert_eq!(remarks, unknown);
}

#[test]
fn histograms_with_other_edges_are_summed_where_they_agree() {
    let text = "login_total 9\n\
        login_seconds_bucket{r=\"a\",le=\"0.25\"} 1\nlogin_seconds_bucket{r=\"a\",le=\"0.3\"} 2\n\
        login_seconds_bucket{r=\"a\",le=\"1\"} 3\nlogin_seconds_bucket{r=\"a\",le=\"+Inf\"} 4\n\
        login_seconds_bucket{r=\"b\",le=\"0.25\"} 1\nlogin_seconds_bucket{r=\"b\",le=\"1.0\"} 2\n\
        login_seconds_bucket{r=\"b\",le=\"+Inf\"} 5\n";
    let tally = read(text).unwrap().0;
    assert_eq!((tally.timed, tally.slow, tally.piled), (9, 7, vec![3, 3]));
}

#[test]
fn a_histogram_that_contradicts_itself_is_refused() {
    assert_snapshot!(refused(&histogram(&[("0.1", 9), ("1", 8), ("+Inf", 9)])), @"Format: the buckets of a histogram fall");
    assert_snapshot!(refused(&histogram(&[("0.1", 9), ("1", 9)])), @r#"Format: a histogram has no bucket with `le="+Inf"`"#);
    assert_snapshot!(refused(&histogram(&[("high", 9)])), @"Format: line 2: a bucket's `le` is no number");
}

#[test]
fn milliseconds_are_compared_as_milliseconds() {
    let ready = Ready::new(&mapping(), 2).unwrap();
    let mut exposition = Exposition::new(&ready, false);
    exposition
        .feed(histogram(&[("100", 1), ("250", 5), ("500", 7), ("1000", 8), ("+Inf", 9)]).as_bytes())
        .unwrap();
    let limits = Limits::new(Some(Duration::from_millis(250)), &[Duration::from_millis(600)], 1_000_000);
    let tally = exposition.finish(true, &limits, &mut Vec::new()).unwrap();
    assert_eq!((tally.slow, tally.piled), (4, vec![1]));
}

#[test]
fn more_failures_than_requests_are_remarked() {
    let mut mapping = mapping();
    mapping.failed = vec![(0, select("errors", &[]))];
    let (_, remarks) = read_with(&mapping, b"login_total 1\nerrors 2\n", false, 99).unwrap();
    assert_eq!(remarks, [Remark::FailuresAbove, Remark::NoDurations]);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), pieces in 1_usize..50, marks: bool) {
        let _ = read_with(&mapping(), &bytes, marks, pieces);
    }

    #[test]
    fn nothing_like_the_format_makes_it_panic(
        text in r#"((login_total|login_seconds_bucket|# TYPE login_total)(\{([a-z]{0,3}=?"[\\"a1]{0,4}"?,?){0,3}\}?)?[ \t]{0,2}([0-9NaInf+.e-]{0,9})[ #0-9]{0,5}\n?){0,8}"#,
        pieces in 1_usize..50,
    ) {
        let whole = read_with(&mapping(), text.as_bytes(), false, usize::MAX);
        prop_assert_eq!(whole, read_with(&mapping(), text.as_bytes(), false, pieces));
    }

    #[test]
    fn what_is_written_is_read(family in family(), pieces in 1_usize..99) {
        let text = family.text();
        let (tally, _) = read_with(&mapping(), text.as_bytes(), false, pieces).unwrap();
        let of = |wanted: &str| family.series.iter().filter(|(_, outcome, _)| outcome == wanted).map(|(_, _, count)| *count).sum::<u64>();
        prop_assert_eq!(tally.requests, family.series.iter().map(|(_, _, count)| *count).sum::<u64>());
        prop_assert_eq!(tally.failed, vec![of("timeout"), of("503") + of("refused")]);
    }
}

/// Series of one counter among others: another label's value, the outcome, the count.
#[derive(Debug, Clone)]
pub(super) struct Family {
    series: Vec<(String, String, u64)>,
    noise: Vec<(String, f64)>,
}

pub(super) fn family() -> impl Strategy<Value = Family> {
    let outcome =
        prop::sample::select(vec!["ok", "timeout", "503", "refused", "user\\error"]).prop_map(str::to_owned);
    let label = "[a-zA-Z0-9 \\\\\"\n{},=#é]{0,12}";
    let series = prop::collection::btree_map((label, outcome), 0..1_u64 << 40, 1..12);
    let noise = prop::collection::btree_map("z[a-z_:]{1,9}", any::<f64>(), 0..5);
    (series, noise).prop_map(|(series, noise)| Family {
        series: series.into_iter().map(|((label, outcome), count)| (label, outcome, count)).collect(),
        noise: noise.into_iter().collect(),
    })
}

impl Family {
    pub(super) fn text(&self) -> String {
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let mut text = "# HELP login_total Logins.\n# TYPE login_total counter\n".to_owned();
        for (label, outcome, count) in &self.series {
            let (label, outcome) = (escaped(label), escaped(outcome));
            writeln!(text, "login_total{{label=\"{label}\",outcome=\"{outcome}\"}} {count}").unwrap();
        }
        for (name, value) in &self.noise {
            writeln!(text, "# HELP {name} Noise.\n# TYPE {name} gauge\n{name} {value:e}").unwrap();
        }
        text
    }
}
