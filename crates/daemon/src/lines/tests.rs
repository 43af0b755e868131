//! Lines of each format, as their products write them, and what they come to.

use std::time::Duration;

use proptest::prelude::*;
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

fn status(from: u16, to: u16) -> Outcome {
    Outcome { status: vec![(from, to)], flags: Vec::new() }
}

fn flags(flags: &[&str]) -> Outcome {
    Outcome { status: Vec::new(), flags: flags.iter().map(|flag| (*flag).to_owned()).collect() }
}

fn log(format: LogFormat) -> Log {
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
         {} malformed, {} elsewhere, {} notices",
        counted.malformed, counted.elsewhere, counted.notices
    )
}

/// The same, watched by statuses alone.
pub(crate) fn without_times() -> Watched {
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
        "4 requests, failed [1, 1], 0 timed, 0 slow, piled []; 3 malformed, 0 elsewhere, 0 notices"
    );
    let under = Log { under: vec!["/login".to_owned(), "/token".to_owned()], ..log };
    let lines = r#"::1 - - [22/Nov/2026:22:00:00 +0000] "POST /login HTTP/1.1" 500 612 "-" "-"
::1 - - [22/Nov/2026:22:00:00 +0000] "GET http://a.example/token?a=b HTTP/1.1" 200 612 "-" "-"
::1 - - [22/Nov/2026:22:00:00 +0000] "GET /static/login HTTP/1.1" 500 612 "-" "-"
"#;
    assert_eq!(
        counts(&under, &without_times(), lines),
        "2 requests, failed [1, 0], 0 timed, 0 slow, piled []; 0 malformed, 1 elsewhere, 0 notices"
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

#[test]
fn times_of_nginx_are_read_by_the_text_of_the_format() {
    let directive = r#"log_format timed escape=json '$remote_addr [$time_iso8601] "$request_method $request_uri"'
        ' s=$status t=$request_time u=$upstream_addr $upstream_response_time "$http_user_agent"';"#;
    let lines = r#"::1 [2026-11-22T22:00:00+00:00] "GET /a" s=200 t=0.499 u=10.0.0.1:80 0.498 "a \"q\" b"
::1 [2026-11-22T22:00:00+00:00] "GET /a" s=502 t=1.003 u=10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80 0.5, - : 0.5 "a"
::1 [2026-11-22T22:00:00+00:00] "GET /a" s=200 t=0.501 u=- - "\\"
::1 [2026-11-22T22:00:00+00:00] "GET /a" s=200 t=0,501 u=- - "a"
"#;
    let all = "3 requests, failed [1, 0], 3 timed, 2 slow, piled [1]; 1 malformed, 0 elsewhere, 0 notices";
    assert_eq!(counts(&log(LogFormat::Nginx(Some(directive.to_owned()))), &service(), lines), all);
}

#[test]
fn times_and_statuses_of_attempts_stand_in_for_those_of_the_request() {
    let text = "$upstream_status ${upstream_response_time}s $host$request_uri";
    let lines = "200 0.1s a.example/a\n502, 200 0.3, 0.3s a.example/a\n504 : 504 -, -s a.example/a\n- -s a.example/b\n";
    let log = Log { under: vec!["/a".to_owned()], ..log(LogFormat::Nginx(Some(text.to_owned()))) };
    assert_eq!(
        counts(&log, &service(), lines),
        "3 requests, failed [1, 0], 2 timed, 1 slow, piled [0]; 0 malformed, 1 elsewhere, 0 notices"
    );
}

#[test]
fn the_default_format_of_envoy_is_read() {
    let lines = r#"[2026-11-22T22:00:00.000Z] "POST /login HTTP/1.1" 200 - 10 20 497 496 "-" "curl/7.88.1" "a-b" "auth" "10.0.0.1:80"
[2026-11-22T22:00:01.000Z] "POST /login HTTP/1.1" 504 UT 10 24 1000 - "-" "a "quoted" agent" "a-b" "auth" "10.0.0.1:80"
[2026-11-22T22:00:01.000Z] "POST /login HTTP/2" 503 UF,URX 10 24 31 - "-" "-" "a-b" "auth" "10.0.0.1:80"
[2026-11-22T22:00:01.000Z] "POST /login HTTP/2" 0 DC 10 0 700 - "-" "-" "a-b" "auth" "-"
[2026-11-22T22:00:01.000Z] "- - -" 400 DPE 0 11 0 - "-" "-" "-" "-" "-"
warming up
"#;
    let plain = log(LogFormat::Envoy(None));
    assert_eq!(
        counts(&plain, &service(), lines),
        "5 requests, failed [2, 0], 5 timed, 2 slow, piled [1]; 1 malformed, 0 elsewhere, 0 notices"
    );
    let by_flags = Log { failed: vec![(1, flags(&["UT", "URX"])), (0, status(500, 599))], ..plain };
    let under = Log { under: vec!["/login".to_owned()], ..by_flags };
    assert_eq!(
        counts(&under, &service(), lines),
        "4 requests, failed [0, 2], 4 timed, 2 slow, piled [1]; 1 malformed, 1 elsewhere, 0 notices"
    );
}

#[test]
fn a_format_string_of_envoy_is_read_by_its_operators() {
    let text = "%START_TIME(%Y/%m/%d %T)% 100%% %RESPONSE_CODE%|%RESPONSE_FLAGS_LONG%|%DURATION% \
        %REQUEST_HEADER(X-ENVOY-ORIGINAL-PATH?:PATH):12%\n";
    let log = Log { under: vec!["/login".to_owned()], ..log(LogFormat::Envoy(Some(text.to_owned()))) };
    assert_eq!(
        counts(&log, &service(), "2026/11/22 22:00:00 100% 503|NoHealthyUpstream|501 /login?a=b\n"),
        "1 requests, failed [1, 0], 1 timed, 1 slow, piled [0]; 0 malformed, 0 elsewhere, 0 notices"
    );
    let refused = LogFormat::Envoy(Some("%RESPONSE_CODE% 5%".to_owned()));
    let log = Log { format: refused, ..log };
    assert_eq!(
        Reader::new(&log, &service()).unwrap_err(),
        "the log's format has a `%` that begins no command operator: %"
    );
}

#[test]
fn the_http_log_of_haproxy_is_read_behind_what_syslog_writes() {
    let request = r#"127.0.0.1:40000 [22/Nov/2026:22:00:00.123] in~ auth/a1"#;
    let end = r#"1/1/0/0/0 0/0 {a.example|#22x} "POST /login HTTP/1.1""#;
    let lines = format!(
        "<134>Nov 22 22:00:00 host haproxy[77]: {request} 0/0/1/400/499 200 80 - - ---- {end}\n\
         2026-11-22T22:00:00+00:00 host haproxy[77]: {request} 0/0/1/-1/1001 504 80 - - sH-- {end}\n\
         {request} 0/0/1/-1/700 -1 0 - - CD-- {end}\n\
         {request} 0/0/1/2/+3 200 80 - - ---- {end}\n\
         {request} 0/0/1/2/3 200 80 - - ---- 1/1/0/0/0 0/0 \"<BADREQ>\"\n\
         {request} 0/0/1/2/3 200 80 - - -- {end}\n\
         haproxy[77]: Server auth/a1 is DOWN, reason: Layer4 timeout.\n"
    );
    let plain = log(LogFormat::HaProxy);
    assert_eq!(
        counts(&plain, &service(), &lines),
        "5 requests, failed [1, 0], 4 timed, 2 slow, piled [1]; 1 malformed, 0 elsewhere, 1 notices"
    );
    let failed = vec![(1, flags(&["sH", "CD--"])), (0, status(500, 599))];
    let by_flags = Log { failed, under: vec!["/login".to_owned()], ..plain };
    assert_eq!(
        counts(&by_flags, &service(), &lines),
        "4 requests, failed [0, 2], 3 timed, 2 slow, piled [1]; 1 malformed, 1 elsewhere, 1 notices"
    );
}

fn json() -> LogFormat {
    LogFormat::Json {
        status: "http.status".to_owned(),
        duration: Some(("took".to_owned(), 1000.0)),
        path: Some("http.path".to_owned()),
        reason: Some("why".to_owned()),
    }
}

#[test]
fn members_of_json_lines_are_found_by_their_names() {
    let lines = r#"{"http":{"status":200,"path":"\/login"},"took":12.5,"why":null}
{"took":"501","http.status":"503","http.path":"/login","other":{"http":{"status":1},"a":[1,{"b":"}\""}]}}
 { "http" : { "status" : 200 , "status" : 500 , "pa\u0074h" : "/\u006cogin" } , "took" : 1e3 , "why" : "no answer" }
{"http":{"status":200,"path":"/logout"}}
{"http":{"status":503},"http":{"path":"/login"}}
{"level":"info"}
{"http":{"status":200,"path":"/login"}
{"http":{"status":"ok","path":"/login"}}
"#;
    let plain = Log { under: vec!["/login".to_owned()], ..log(json()) };
    assert_eq!(
        counts(&plain, &service(), lines),
        "3 requests, failed [2, 0], 3 timed, 2 slow, piled [1]; 2 malformed, 1 elsewhere, 2 notices"
    );
    let by_words = Log { failed: vec![(1, flags(&["no answer"]))], ..plain };
    assert!(counts(&by_words, &service(), lines).starts_with("3 requests, failed [0, 1]"));
}

/// A format of each kind, with all that can be watched in it.
fn formats() -> [LogFormat; 4] {
    let nginx = r#"$remote_addr [$time_local] "$request" $status $upstream_response_time $request_time "$http_referer""#;
    [LogFormat::Nginx(Some(nginx.to_owned())), LogFormat::Envoy(None), LogFormat::HaProxy, json()]
}

/// A request as a product writes it, in milliseconds.
fn written(format: &LogFormat, status: u16, millis: u64, path: &str) -> String {
    match format {
        LogFormat::Nginx(_) => {
            let seconds = format!("{}.{:03}", millis / 1000, millis % 1000);
            let path = path.replace('"', "\\x22");
            format!(
                "::1 [22/Nov/2026:22:00:00 +0000] \"GET {path} HTTP/2.0\" {status} 0.1, - {seconds} \"-\"\n"
            )
        }
        LogFormat::Envoy(_) => format!(
            "[2026-11-22T22:00:00Z] \"GET {path} HTTP/2\" {status} - 0 1 {millis} 1 \"-\" \"-\" \"-\" \"-\" \"-\"\n"
        ),
        LogFormat::HaProxy => {
            let path = path.replace('"', "#22");
            format!(
                "h[1]: ::1:5 [22/Nov/2026:22:00:00.0] f b/s 0/0/0/0/{millis} {status} 1 - - ---- 1/1/1/1/0 0/0 \
                 \"GET {path} HTTP/1.1\"\n"
            )
        }
        LogFormat::Json { .. } => {
            let http = serde_json::json!({ "status": status, "path": path });
            format!("{}\n", serde_json::json!({ "a": [{}], "http": http, "took": millis }))
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_counted(
        requests in proptest::collection::vec((100u16..600, 0u64..3000, "/[a-z\"/%]{0,9}"), 0..20),
    ) {
        for format in formats() {
            let log = Log { under: vec!["/a".to_owned(), "/b".to_owned()], ..log(format) };
            let lines: String = requests.iter().map(|(s, t, path)| written(&log.format, *s, *t, path)).collect();
            let mut reader = Reader::new(&log, &service()).unwrap();
            let mut counted = reader.nothing();
            reader.read(lines.as_bytes(), &mut counted);
            let is_ours = |path: &str| path.starts_with("/a") || path.starts_with("/b");
            let (ours, others): (Vec<_>, Vec<_>) = requests.iter().partition(|(.., path)| is_ours(path));
            let of = |holds: &dyn Fn(u16, u64) -> bool| {
                u64::try_from(ours.iter().filter(|(status, millis, _)| holds(*status, *millis)).count()).unwrap()
            };
            prop_assert_eq!(counted.malformed, 0, "{}", lines);
            prop_assert_eq!(counted.elsewhere, u64::try_from(others.len()).unwrap());
            prop_assert_eq!(counted.tally.requests, of(&|_, _| true));
            prop_assert_eq!(counted.tally.timed, counted.tally.requests);
            prop_assert_eq!(
                counted.tally.failed, vec![of(&|status, _| status >= 500), of(&|status, _| status == 429)]
            );
            prop_assert_eq!(counted.tally.slow, of(&|_, millis| millis > 500));
            prop_assert_eq!(counted.tally.piled, vec![of(&|_, millis| (980..=1050).contains(&millis))]);
        }
    }

    #[test]
    fn any_bytes_are_lines_or_malformed(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        written_ones in proptest::collection::vec((0usize..300, "[ \"\\[\\]{}:,\\\\/0-9a-z.-]{0,9}"), 0..20),
    ) {
        for format in formats() {
            let log = log(format);
            let mut reader = Reader::new(&log, &service()).unwrap();
            let line = written(&log.format, 200, 7, "/a");
            // Any bytes, and lines with something else in their middle.
            let broken = written_ones.iter().flat_map(|(at, text)| {
                let mut line = line.clone();
                line.insert_str(at % line.len(), text);
                line.into_bytes()
            });
            let lines: Vec<u8> = bytes.iter().copied().chain([b'\n']).chain(broken).collect();
            let feeds = lines.iter().filter(|byte| **byte == b'\n').count();
            let mut counted = reader.nothing();
            reader.read(&lines, &mut counted);
            let sum = counted.tally.requests + counted.elsewhere + counted.notices + counted.malformed;
            prop_assert_eq!(counted.lines, sum);
            prop_assert_eq!(counted.lines, u64::try_from(feeds).unwrap());
        }
    }

    #[test]
    fn members_are_those_that_a_tree_would_have(
        pairs in proptest::collection::vec(("[a-c\"\\\\/é😀\n]{0,3}", leaf()), 0..9),
        escaped in any::<bool>(),
    ) {
        let object: serde_json::Map<String, serde_json::Value> = pairs.into_iter().collect();
        let mut line = serde_json::Value::Object(object.clone()).to_string();
        if escaped {
            line = line.chars().map(|c| if c.is_ascii() { c.to_string() } else { by_number(c) }).collect();
        }
        for (name, value) in &object {
            if name.contains('.') || object.keys().any(|key| key != name && name.starts_with(key.as_str())) {
                continue;
            }
            let (status, found) = json::member(line.as_bytes(), name);
            prop_assert!(status, "{}", line);
            let found: serde_json::Value = serde_json::from_slice(&found.unwrap()).unwrap();
            prop_assert_eq!(&found, value);
        }
    }
}

fn leaf() -> impl Strategy<Value = serde_json::Value> {
    let word = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        "[a\"\\\\\\]}é😀]{0,4}".prop_map(Into::into),
    ];
    word.prop_recursive(3, 9, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
            proptest::collection::hash_map("[a-c]{0,2}", inner, 0..3)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A character as JSON may also write it.
fn by_number(character: char) -> String {
    let mut units = [0; 2];
    character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}
