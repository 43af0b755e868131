//! Whole `forewarn.toml` texts and what becomes of them.
use std::time::Duration;

use text::{FileId, Source};

use super::*;

const RULES: &[&str] = &["retry-storm", "timeout-inversion"];

fn config(text: &str) -> Result<Config, Vec<Mistake>> {
    parse::parse(&Source::new(FileId(0), "forewarn.toml", text), RULES, &[])
}

/// Every mistake as `line:column what (help)`.
fn mistakes(text: &str) -> String {
    let source = Source::new(FileId(0), "forewarn.toml", text);
    shown(&source, parse::parse(&source, RULES, &[]).map(drop))
}

fn shown(source: &Source, read: Result<(), Vec<Mistake>>) -> String {
    match read {
        Ok(()) => "none".to_owned(),
        Err(mistakes) => mistakes
            .iter()
            .map(|mistake| {
                let at = source.position(mistake.span.start);
                format!("{}:{} {}\n    {}\n", at.line, at.column, mistake.what, mistake.help)
            })
            .collect(),
    }
}

fn measurement(path: &str, text: &str) -> Result<Latency, String> {
    let source = Source::new(FileId(3), path, text);
    parse_measurement(&source).map_err(|mistakes| shown(&source, Err(mistakes)))
}

#[test]
fn an_empty_file_is_the_default() {
    let config = config("").expect("nothing to refuse");
    assert_eq!(config.margins, MarginSet::default());
    assert!(config.services.is_empty() && config.overrides.is_empty());
}

#[test]
fn every_table_and_key_is_read() {
    let config = config(
        r#"
exclude = ["vendor/**", "*.bak"]

[environments]
production = ["deploy/prod/**"]
staging = "deploy/staging/**"

[[service]]
name = "auth"
files = ["auth/**"]
hosts = ["Auth.internal"]
forwards = false

[[call]]
from = "auth"
to = "directory"
passes_deadline = true
idempotent = true
per_request = 2

[[call]]
from = "auth"
to = "mail"
absent = true

[[setting]]
files = ["auth/*.toml"]
key = "directory.patience"
covers = "whole-call"
unit = "ms"
zero = "never"
to = "directory"

[[setting]]
key = "directory.tries"
controls = "attempts"

[[observed]]
from = "auth"
to = "directory"
environment = "production"
window = "19:00-20:00 UTC"
calls = 41_200
timeout_in_force = "1s"
quantiles = { "p99.9" = "661ms", p50 = "222ms", p99 = "505ms" }

[[observed]]
from = "edge"
to = "auth"
file = "measured/edge.json"
timeout_in_force = "never"

[margins]
chain = "50ms"
chain_share = 0.1
keepalive = "2 s"
attempts_warning = 3
attempts_error = 6
drift = 3
false_timeouts = 0.01

[rules]
retry-storm = "off"
timeout-inversion = "warning"

[[override]]
paths = ["legacy/**"]
margins = { chain = "1s" }
rules = { retry-storm = "note" }
"#,
    )
    .unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    assert_eq!(config.exclude, ["vendor/**", "*.bak"]);
    assert_eq!(
        config.environments,
        [
            ("production".to_owned(), vec!["deploy/prod/**".to_owned()]),
            ("staging".to_owned(), vec!["deploy/staging/**".to_owned()]),
        ]
    );
    let service = &config.services[0];
    assert_eq!((service.name.value.as_str(), service.forwards), ("auth", Some(false)));
    assert_eq!(service.hosts, ["auth.internal"]);
    let [call, absent] = config.calls.as_slice() else { panic!("two calls") };
    assert_eq!((call.passes_deadline, call.idempotent, call.per_request), (Some(true), Some(true), Some(2)));
    assert!(absent.absent && !call.absent);
    let [patience, tries] = config.settings.as_slice() else { panic!("two settings") };
    assert_eq!(patience.knob, Knob::Timeout(model::Covers::WholeCall));
    assert_eq!((patience.unit, patience.zero_is_never), (Some(TimeUnit::Milliseconds), true));
    assert_eq!((tries.knob, tries.zero_is_never), (Knob::Attempts, false));
    let Measurement::Here(latency) = &config.observed[0].what else { panic!("stated in place") };
    assert_eq!((latency.calls, latency.in_force), (41_200, Some(Limit::After(Duration::from_secs(1)))));
    let shares: Vec<u128> = latency.quantiles.iter().map(|(_, length)| length.as_millis()).collect();
    assert_eq!(shares, [222, 505, 661]);
    let Measurement::File { path, in_force, .. } = &config.observed[1].what else { panic!("a file") };
    assert_eq!((path.as_str(), *in_force), ("measured/edge.json", Some(Limit::Never)));
    assert_eq!(config.margins.keepalive, Duration::from_secs(2));
    assert_eq!(config.levels[0], ("retry-storm".to_owned(), None));
    let part = &config.overrides[0];
    let margins = part.margins.as_ref().expect("stated");
    assert_eq!((margins.chain, margins.attempts_error), (Duration::from_secs(1), 6));
    assert_eq!(part.levels, [("retry-storm".to_owned(), Some(Level::Note))]);
}

#[test]
fn every_mistake_is_told_at_once_with_its_place_and_its_cure() {
    insta::assert_snapshot!(mistakes(r#"
exlude = ["a["]
exclude = ["a["]

[[call]]
from = "auth"
absent = "yes"

[[setting]]
key = "patience"
covers = "hole-call"

[[setting]]
key = "patience"

[[setting]]
key = "tries"
controls = "retrys"
unit = "msec"

[[setting]]
key = "tries"
controls = "retries"
covers = "attempt"

[[observed]]
from = "a"
to = "b"

[[observed]]
from = "a"
to = "b"
calls = -3
window = "today"
quantiles = { p99.9 = "661ms", p50 = "700", p0 = "1s", p90 = "-1s" }

[margins]
chain = 100
keepalive = "-5s"
drift = 0.5
attempts_warning = 20

[rules]
retry-strom = "off"
timeout-inversion = "fatal"

[[override]]
rules = "off"
"#), @r#"
    2:1 forewarn.toml has no key `exlude`
        did you mean `exclude`? keys of forewarn.toml: `exclude`, `environments`, `service`, `call`, `setting`, `observed`, `hash`, `margins`, `rules`, `override`, `check`, `allow`, `watch`, `audit`
    3:12 `a[` is no glob: unclosed character class; missing ']'
        `*` stands for part of a name, `**` for any directories, `{a,b}` for a or b
    6:1 [[call]] without `to`
        add `to = "..."`
    7:10 `absent` of [[call]] is a text, not a flag
        write `true` or `false`, without quotes
    11:10 `covers` is unknown: `hole-call`
        did you mean `whole-call`? allowed: `connect`, `tls`, `pool-wait`, `first-byte`, `between-bytes`, `attempt`, `whole-call`, `handler`, `response-write`, `idle`, `lifetime`, `statement`, `drain`, `validation`, `headers`
    14:1 a timeout without `covers`
        say what it spans; allowed: `connect`, `tls`, `pool-wait`, `first-byte`, `between-bytes`, `attempt`, `whole-call`, `handler`, `response-write`, `idle`, `lifetime`, `statement`, `drain`, `validation`, `headers`
    18:12 `controls` is unknown: `retrys`
        did you mean `retries`? allowed: `timeout`, `attempts`, `retries`, `backoff-base`, `backoff-max`, `backoff-factor`, `jitter`, `retry-on`, `pool-size`, `pool-idle`, `pool-floor`, `connection-limit`, `connections-reserved`, `instances`, `workers`, `processes`, `keepalive`, `ping-interval`, `ping-floor`, `streams`, `upgrades`, `grace`, `prestop`, `interval`, `token-life`, `token-refresh`, `token-lead`, `clock-skew`, `hash-algorithm`, `hash-memory`, `hash-iterations`, `hash-lanes`, `hash-cost`, `hashes-at-once`, `liveness-timeout`, `liveness-period`, `liveness-failures`, `readiness-timeout`, `readiness-period`, `readiness-failures`, `health-timeout`, `health-period`, `health-failures`
    19:8 `unit` is unknown: `msec`
        allowed: `ns`, `us`, `µs`, `ms`, `s`, `m`, `min`, `h`, `d`
    24:10 `covers` belongs to a timeout only
        remove it, or write `controls = "timeout"`
    27:1 [[observed]] says nothing that was measured
        add `quantiles = { p50 = "...", p99 = "..." }` or `file = "..."`
    33:9 `calls` of [[observed]] is a number, not a count
        write a whole number from 0 up, without quotes
    35:15 `p99` is a table, not a length of time
        write each as p and a percentage, in quotes where it has a point: { p50 = "222ms", "p99.9" = "661ms" }
    35:38 `p50` has no unit
        write a number with its unit in quotes: "300ms", "1.5s", "2min"
    35:45 `p0` is no quantile
        write each as p and a percentage, in quotes where it has a point: { p50 = "222ms", "p99.9" = "661ms" }
    35:62 `p90` is negative
        write a number with its unit in quotes: "300ms", "1.5s", "2min"
    38:1 `attempts_warning` (20) is above `attempts_error` (10)
        an error needs at least as many attempts as a warning
    38:9 `chain` has no unit
        write a number with its unit in quotes: "300ms", "1.5s", "2min"
    39:13 `keepalive` is negative
        write a number with its unit in quotes: "300ms", "1.5s", "2min"
    40:9 `drift` of [margins] is out of range: 0.5
        write a factor from 1 up: 2 allows twice as much
    44:1 there is no rule `retry-strom`
        did you mean `retry-storm`? rules: `retry-storm`, `timeout-inversion`
    45:21 `level` is unknown: `fatal`
        allowed: `error`, `warning`, `note`, `off`
    48:1 [[override]] without `paths`
        add `paths = ["..."]`: where it holds
    48:9 rules of [[override]] is a text, not a table
        write rules of [[override]] and its keys below it
    "#);
}

#[test]
fn broken_toml_is_a_mistake_and_never_half_a_configuration() {
    for text in [
        "[margins\nchain = \"1s\"",
        "a = ",
        "exclude = [\"x\"]\nexclude = [\"y\"]\n",
        "margins = 3",
        "call = 1",
    ] {
        assert!(config(text).is_err(), "{text}");
    }
}

#[test]
fn a_measurement_is_read_from_json_toml_and_the_exposition_format() {
    let json = measurement(
        "m.json",
        r#"{"window": "today", "calls": 41200, "timeout_in_force": "1s", "quantiles": {"p50": "222ms", "p99.9": "661ms"}}"#,
    )
    .expect("a measurement");
    assert_eq!((json.calls, json.window.as_str(), json.quantiles.len()), (41_200, "today", 2));
    assert_eq!(json.quantiles[1].1, Duration::from_millis(661));

    let toml = measurement("m.toml", "[quantiles]\np50 = \"222ms\"\n").expect("a measurement");
    assert_eq!((toml.calls, toml.in_force), (0, None));

    let buckets = measurement("m.json", r#"{"buckets": [["0.1", 5], [0.3, 40], ["+Inf", 50]]}"#);
    let expected = [(0.1, Duration::from_millis(100)), (0.8, Duration::from_millis(300))];
    assert_eq!(buckets.map(|latency| (latency.calls, latency.quantiles)), Ok((50, expected.to_vec())));

    let text = "# HELP call_seconds time of a call\n# TYPE call_seconds histogram\n\
        call_seconds_bucket{to=\"a,\\\"b\",le=\"0.1\"} 5\n\
        call_seconds_bucket{le=\"0.3\",to=\"a,\\\"b\"} 40 1700000000000\n\
        call_seconds_bucket{to=\"a,\\\"b\",le=\"+Inf\"} 50\n\
        call_seconds_sum{to=\"a\"} 9.5\ncall_seconds_count{to=\"a\"} 50\nother 3\n";
    let latency = measurement("m.prom", text);
    assert_eq!(latency.map(|latency| (latency.calls, latency.quantiles)), Ok((50, expected.to_vec())));

    let text = "call_ms_bucket{le=\"100\"} 5\ncall_ms_bucket{le=\"+Inf\"} 50\n";
    let latency = measurement("m.prom", text).expect("a histogram");
    assert_eq!(latency.quantiles, [(0.1, Duration::from_millis(100))]);
}

#[test]
fn a_measurement_that_cannot_be_judged_is_refused() {
    let shown: String = [
        "",
        "{}",
        r#"{"quantiles": {"p50": "2s", "p99": "1s"}}"#,
        r#"{"buckets": [["0.1", 5]]}"#,
        r#"{"buckets": [["0.1", 5], ["+Inf", 4]]}"#,
        r#"{"buckets": [["0.1", 0], ["+Inf", 0]]}"#,
        r#"{"buckets": [[1], "x"]}"#,
        r#"{"buckets": {}, "shares": 1}"#,
        "a_bucket{le=\"1\"} 5\nb_bucket{le=\"1\"} 5\n",
        "a_bucket{le=\"1\",to=\"x\"} 5\na_bucket{le=\"+Inf\",to=\"y\"} 5\n",
    ]
    .into_iter()
    .map(|text| measurement("m.json", text).expect_err("refused"))
    .collect();
    insta::assert_snapshot!(shown, @r#"
    1:1 the file holds no measurement
        quantiles as JSON or TOML, or the `_bucket` lines of one Prometheus histogram
    1:1 the file says nothing that was measured
        add `quantiles` or `buckets`
    1:36 a higher quantile is shorter than a lower one
        check both against their source
    1:14 no bucket holds all calls
        add the bucket `+Inf`: without it nobody knows how many are above
    1:26 this bucket counts fewer calls than the one below it
        counts are cumulative: each bucket holds those below it
    1:26 the histogram counts no call
        measure while there is traffic
    1:14 this is no bucket
        write [["0.1", 5], ["0.3", 40], ["+Inf", 41]]: upper bound in seconds, calls at or below it
    1:19 this is no bucket
        write [["0.1", 5], ["0.3", 40], ["+Inf", 41]]: upper bound in seconds, calls at or below it
    1:13 `buckets` is a table, not a list
        write [["0.1", 5], ["0.3", 40], ["+Inf", 41]]: upper bound in seconds, calls at or below it
    1:17 the measurement has no key `shares`
        keys of the measurement: `window`, `calls`, `timeout_in_force`, `quantiles`, `buckets`
    2:1 a second series, of `b`
        keep the lines of the one that measures this call, or sum the series by `le` first
    2:1 a second series, of `a`
        keep the lines of the one that measures this call, or sum the series by `le` first
    "#);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parsers_panic(text in "\\PC{0,200}", half in "(\\[\\[call\\]\\]|\\[margins\\]|\\{\"buckets\": \\[)\n?[a-z= \"\\[\\]{}0-9.\n]{0,80}") {
        let _ = config(&text);
        let _ = config(&half);
        let _ = measurement("m.prom", &text);
        let _ = measurement("m.json", &half);
    }
}

#[test]
fn every_key_and_every_word_stands_in_the_template() {
    let template = include_str!("../../../forewarn/src/forewarn.template.toml");
    let there: std::collections::BTreeSet<&str> = template
        .split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    let words = [
        names_of(words::LEVELS),
        names_of(words::COVERS),
        names_of(words::CONTROLS),
        names_of(words::UNITS),
        names_of(words::ZERO),
        readers::platforms::PLATFORMS.iter().map(|platform| platform.name).collect(),
    ];
    let is_key = |key: &str| {
        let forms = [format!("\n#{key} = "), format!("\n#[{key}]\n"), format!("\n#[[{key}]]\n")];
        forms.iter().any(|form| template.contains(form))
    };
    let mut missing = parse::KEYS.concat();
    missing.retain(|key| !is_key(key));
    missing.extend(words.concat().into_iter().filter(|word| !there.contains(word)));
    assert_eq!(missing, [""; 0], "the template of `forewarn init` does not name them");
}

fn names_of<T>(words: &[(&'static str, T)]) -> Vec<&'static str> {
    words.iter().map(|(word, _)| *word).collect()
}

#[test]
fn times_of_hashes_are_read_from_tables_and_from_files_of_them() {
    let text = "[[hash]]\nalgorithm = \"argon2id\"\nmemory = 65536\niterations = 3\nlanes = 4\n\
        host = \"a laptop\"\nmeasured = \"2026-11-22\"\nruns = 20\nmedian = \"310ms\"\np99 = \"352ms\"\n";
    let config = config(&format!("{text}[[hash]]\nfile = \"hash.toml\"\n")).expect("nothing to refuse");
    let [Hashes::Here(time), Hashes::File { path, .. }] = config.hashes.as_slice() else {
        panic!("{:?}", config.hashes)
    };
    assert_eq!(path, "hash.toml");
    assert_eq!(time.value.window, "2026-11-22 on a laptop");
    assert_eq!((time.value.median, time.value.runs), (Duration::from_millis(310), 20));
    let times = parse_hashes(&Source::new(FileId(3), "hash.toml", text)).expect("nothing to refuse");
    assert_eq!(times[0].value, time.value);
}

#[test]
fn mistakes_in_times_of_hashes_say_what_is_missing() {
    insta::assert_snapshot!(mistakes("[[hash]]\nalgorithm = \"md5\"\nmedian = \"1s\"\np99 = \"1ms\"\n\
        [[hash]]\nalgorithm = \"bcrypt\"\nhost = \"h\"\nmeasured = \"d\"\nruns = 0\nmedian = \"1s\"\np99 = \"1s\"\n\
        [[hash]]\nfile = \"a\"\nmedian = \"1s\"\n"), @r#"
        2:1 [[hash]] without `host` and `measured`
            add `host = "..."` and `measured = "..."`
        2:1 [[hash]] without `runs`
            `forewarn observe hash` measures it and writes the table
        2:13 `algorithm` is unknown: `md5`
            allowed: `argon2id`, `bcrypt`
        6:1 [[hash]] without `cost`
            `forewarn observe hash` measures it and writes the table
        9:8 `runs` of [[hash]] is 0
            write a whole number from 1 up
        13:8 [[hash]] with numbers and a `file`
            keep one of them
        "#);
}
