//! What came of a load: a table by kind and result, and how well the generator itself kept the time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::histogram::Histogram;
use super::plan::Kind;

/// How a request ended, in a word.
pub type Outcome = &'static str;

/// The outcome of a request that was under way when the load ended.
pub const UNFINISHED: Outcome = "unfinished";

/// A generator that is later than this for one request in a hundred says so: below, timers of the
/// system are the reason.
const LATE: Duration = Duration::from_millis(10);

/// What is counted while the load runs.
#[derive(Debug, Default)]
pub struct Tally {
    ended: BTreeMap<(Kind, Outcome), Histogram>,
    /// From the moment a request was due to the moment a connection was free for it.
    waits: Histogram,
    /// From the moment a request was due to the moment the generator turned to it.
    late: Histogram,
    begun: u64,
}

impl Tally {
    /// The generator turned to a request.
    pub fn began(&mut self, late: Duration) {
        self.begun += 1;
        self.late.add(late);
    }

    /// A connection was free for a request.
    pub fn sent(&mut self, waited: Duration) {
        self.waits.add(waited);
    }

    /// A request ended, so long after it was due.
    pub fn ended(&mut self, kind: Kind, outcome: Outcome, took: Duration) {
        self.ended.entry((kind, outcome)).or_default().add(took);
    }

    /// What came of it. `during`: how long requests were due; `until`: to the last answer.
    #[must_use]
    pub fn report(&self, asked_rate: f64, during: Duration, until: Duration) -> Report {
        let finished: u64 = self.ended.values().map(Histogram::count).sum();
        let seconds = during.as_secs_f64().max(f64::MIN_POSITIVE);
        let rate = |count: u64| count as f64 / seconds;
        let unfinished = self.begun.saturating_sub(finished);
        let rows = self.ended.iter().map(|((kind, outcome), times)| Row {
            kind: kind.as_str(),
            outcome,
            count: times.count(),
            share: times.count() as f64 / self.begun.max(1) as f64,
            rate: rate(times.count()),
            times: Times::of(times),
        });
        Report {
            rows: rows.collect(),
            asked_rate,
            offered_rate: rate(self.begun),
            answered_rate: finished as f64 / until.max(during).as_secs_f64().max(f64::MIN_POSITIVE),
            seconds: during.as_secs_f64(),
            unfinished,
            waits: Times::of(&self.waits),
            late: Times::of(&self.late),
            kept_up: self.late.quantile(990) <= LATE,
        }
    }
}

/// What came of a load. Times run from the moment a request was due.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// By kind and outcome.
    pub rows: Vec<Row>,
    /// Requests a second that were asked for.
    pub asked_rate: f64,
    /// Requests a second that the generator began.
    pub offered_rate: f64,
    /// Requests a second that ended, up to the last end.
    pub answered_rate: f64,
    /// How long requests were due.
    pub seconds: f64,
    /// Requests without an end.
    pub unfinished: u64,
    /// The wait for one of the generator's connections; part of the times above.
    pub waits: Times,
    /// How late the generator turned to requests; part of the times above.
    pub late: Times,
    /// Whether the generator kept up: if not, the times say more of it than of the service.
    pub kept_up: bool,
}

/// One kind and outcome.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// What was asked.
    pub kind: &'static str,
    /// How it ended.
    pub outcome: &'static str,
    /// How often.
    pub count: u64,
    /// Its share of all requests that began.
    pub share: f64,
    /// How often a second.
    pub rate: f64,
    /// How long it took.
    pub times: Times,
}

/// Quantiles in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Times {
    /// Half took no longer.
    pub p50_ms: f64,
    /// Nine in ten.
    pub p90_ms: f64,
    /// Ninety-nine in a hundred.
    pub p99_ms: f64,
    /// All.
    pub max_ms: f64,
}

impl Times {
    fn of(times: &Histogram) -> Self {
        let millis = |length: Duration| length.as_micros() as f64 / 1000.0;
        let at = |per_thousand| millis(times.quantile(per_thousand));
        Self { p50_ms: at(500), p90_ms: at(900), p99_ms: at(990), max_ms: millis(times.max()) }
    }
}

impl Report {
    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::new();
        let head = ["kind", "result", "count", "share", "per s", "p50 ms", "p90 ms", "p99 ms", "max ms"];
        line(&mut text, &head.map(str::to_owned));
        for row in &self.rows {
            let [p50, p90, p99, max] = figures(row.times);
            let (share, rate) = (format!("{:.1} %", row.share * 100.0), format!("{:.1}", row.rate));
            let cells = [row.kind.to_owned(), row.outcome.to_owned(), row.count.to_string(), share, rate];
            let [kind, outcome, count, share, rate] = cells;
            line(&mut text, &[kind, outcome, count, share, rate, p50, p90, p99, max]);
        }
        if self.unfinished > 0 {
            let _ =
                writeln!(text, "{} requests were under way at the end and are in no line", self.unfinished);
        }
        let Self { asked_rate, offered_rate, answered_rate, seconds, .. } = self;
        let _ = writeln!(
            text,
            "\nasked {asked_rate:.1} a second, offered {offered_rate:.1}, answered {answered_rate:.1}, over {seconds:.1} s"
        );
        let of = |times: Times| {
            format!("p50 {:.1}, p99 {:.1}, max {:.1} ms", times.p50_ms, times.p99_ms, times.max_ms)
        };
        let _ = writeln!(text, "wait for a connection of the generator's: {}", of(self.waits));
        let _ = writeln!(text, "generator late by: {}", of(self.late));
        if !self.kept_up {
            text.push_str("warning: the generator did not keep up: its lateness is part of all times; ask for less, or give it a processor of its own\n");
        }
        text
    }
}

fn figures(times: Times) -> [String; 4] {
    [times.p50_ms, times.p90_ms, times.p99_ms, times.max_ms].map(|millis| format!("{millis:.1}"))
}

fn line(text: &mut String, [kind, outcome, rest @ ..]: &[String; 9]) {
    let _ = write!(text, "{kind:<8} {outcome:<14}");
    for cell in rest {
        let _ = write!(text, " {cell:>9}");
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_line_for_each_kind_and_outcome() {
        let mut tally = Tally::default();
        for at in 0..100 {
            tally.began(Duration::from_micros(50));
            tally.sent(Duration::from_micros(50));
            let (kind, outcome) =
                if at % 10 == 0 { (Kind::Refresh, "throttled") } else { (Kind::Login, "ok") };
            if at > 1 {
                tally.ended(kind, outcome, Duration::from_millis(at));
            }
        }
        let report = tally.report(50.0, Duration::from_secs(2), Duration::from_secs(2));
        insta::assert_snapshot!(report.table(), @r"
        kind     result             count     share     per s    p50 ms    p90 ms    p99 ms    max ms
        login    ok                    89    89.0 %      44.5      51.2      91.1      99.0      99.0
        refresh  throttled              9     9.0 %       4.5      50.2      90.0      90.0      90.0
        2 requests were under way at the end and are in no line

        asked 50.0 a second, offered 50.0, answered 49.0, over 2.0 s
        wait for a connection of the generator's: p50 0.1, p99 0.1, max 0.1 ms
        generator late by: p50 0.1, p99 0.1, max 0.1 ms
        ");
        tally.began(Duration::from_secs(1));
        tally.began(Duration::from_secs(1));
        assert!(!tally.report(50.0, Duration::from_secs(2), Duration::from_secs(2)).kept_up);
    }

    #[test]
    fn nothing_at_all_is_a_table_too() {
        insta::assert_snapshot!(Tally::default().report(1.0, Duration::ZERO, Duration::ZERO).table(), @r"
        kind     result             count     share     per s    p50 ms    p90 ms    p99 ms    max ms

        asked 1.0 a second, offered 0.0, answered 0.0, over 0.0 s
        wait for a connection of the generator's: p50 0.0, p99 0.0, max 0.0 ms
        generator late by: p50 0.0, p99 0.0, max 0.0 ms
        ");
    }
}
