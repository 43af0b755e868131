//! Lines of each format, as their products write them, and what they come to.

use std::time::Duration;

use text::{FileId, Span};
use watch::plan::{GuardSource, Intake, LatencyObjective, Outcome, Reason};

use super::*;

/// A service whose failures are 5xx and 429, with half a second as objective and a second as timeout.
fn service() -> Watched {
    let reason = |name: &str| Reason { name: name.to_owned(), counts: true };
    Watched {
        name: "login".to_owned(),
        span: Span { file: FileId(0), start: 0, end: 0 },
        intake: Intake::None,
        reasons: vec![reason("server"), reason("limited")],
        failures: GuardSource::Own,
        by_reason: Vec::new(),
        latency: Some(LatencyObjective { slow: Duration::from_millis(500), guard: GuardSource::Own }),
        pile_up: vec![Duration::from_secs(1)],
        traffic: None,
        objective: None,
        probe: None,
    }
}

fn log(format: LogFormat) -> Log {
    let status = |from, to| Outcome { status: vec![(from, to)], flags: Vec::new() };
    Log {
        paths: vec!["access.log".to_owned()],
        format,
        under: Vec::new(),
        failed: vec![(0, status(500, 599)), (1, status(429, 429))],
    }
}

/// What lines come to, in words.
fn counts(log: &Log, service: &Watched, lines: &str) -> String {
    let mut reader = Reader::new(log, service).unwrap();
    let mut counted = reader.nothing();
    reader.read(lines.as_bytes(), &mut counted);
    let Tally { requests, failed, timed, slow, piled } = counted.tally;
    format!(
        "{requests} requests, failed {failed:?}, {timed} timed, {slow} slow, piled {piled:?}; \
         {} malformed, {} others",
        counted.malformed, counted.others
    )
}

fn without_times() -> Watched {
    Watched { latency: None, pile_up: Vec::new(), ..service() }
}

#[test]
fn the_combined_format_of_nginx_is_the_default() {
    let lines = r#"127.0.0.1 - - [22/Nov/2026:22:00:00 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/7.88.1"
127.0.0.1 - a [b] "c [22/Nov/2026:22:00:00 +0000] "GET /\x22 500 HTTP/1.1" 429 0 "-" "-"
127.0.0.1 - - [22/Nov/2026:22:00:01 +0000] "\x16\x03\x01" 400 157 "-" "-"
127.0.0.1 - - [22/Nov/2026:22:00:01 +0000] "" 503 0 "-" "-"
127.0.0.1 - - [22/Nov/2026:22:00:02 +0000] "GET / HTTP/1.1" 20
2026/11/22 22:00:02 [error] 7#7: *1 connect() failed

"#;
    let log = log(LogFormat::Nginx(None));
    assert_eq!(
        counts(&log, &without_times(), lines),
        "4 requests, failed [1, 1], 0 timed, 0 slow, piled []; 3 malformed, 0 others"
    );
    let under = Log { under: vec!["/login".to_owned(), "/token".to_owned()], ..log };
    let lines = r#"::1 - - [22/Nov/2026:22:00:00 +0000] "POST /login HTTP/1.1" 500 612 "-" "-"
::1 - - [22/Nov/2026:22:00:00 +0000] "GET http://a.example/token?a=b HTTP/1.1" 200 612 "-" "-"
::1 - - [22/Nov/2026:22:00:00 +0000] "GET /static/login HTTP/1.1" 500 612 "-" "-"
"#;
    assert_eq!(
        counts(&under, &without_times(), lines),
        "2 requests, failed [1, 0], 0 timed, 0 slow, piled []; 0 malformed, 1 others"
    );
}

#[test]
fn a_format_that_lacks_what_is_watched_is_refused() {
    let refused = |log, service| Reader::new(&log, &service).unwrap_err();
    assert_eq!(
        refused(log(LogFormat::Nginx(None)), service()),
        "the log's format has no time, and slow requests are told by it: add it to the format"
    );
    assert_eq!(
        refused(log(LogFormat::Nginx(Some("$status$request_time".to_owned()))), service()),
        "nothing stands between status and request_time in the log's format, so that one cannot be told from \
         the other: put a space between them"
    );
}
