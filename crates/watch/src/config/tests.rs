//! Whole `forewarn.toml` texts and what becomes of them.

use std::collections::BTreeSet;

use text::{FileId, Source};

use super::*;
use crate::plan::{ChannelKind, GuardSource, Intake, LogFormat, When};

fn plan(text: &str) -> Plan {
    let source = Source::new(FileId(0), "forewarn.toml", text);
    parse(&source).unwrap_or_else(|mistakes| panic!("{}", shown(&source, &mistakes)))
}

/// Every mistake as `line:column what` and what to do.
fn mistakes(text: &str) -> String {
    let source = Source::new(FileId(0), "forewarn.toml", text);
    parse(&source).map_or_else(|mistakes| shown(&source, &mistakes), |_| "none".to_owned())
}

fn shown(source: &Source, mistakes: &[Mistake]) -> String {
    mistakes
        .iter()
        .map(|mistake| {
            let at = source.position(mistake.span.start);
            format!("{}:{} {}\n    {}\n", at.line, at.column, mistake.what, mistake.help)
        })
        .collect()
}

#[test]
fn a_file_without_a_watch_watches_nothing_and_says_nothing_about_the_rest() {
    let plan = plan("[[service]]\nname = \"auth\"\nnonsense = 1\n");
    assert!(plan.services.is_empty() && plan.audit.is_none());
    assert_eq!((plan.look, plan.listen.as_deref()), (LOOK, Some(LISTEN)));
}

#[test]
fn a_preset_needs_an_endpoint_and_no_more() {
    let plan = plan(
        "[[watch.service]]\nname = \"auth\"\npreset = \"authd\"\nscrape = \"http://auth:8080/metrics\"\n",
    );
    let auth = &plan.services[0];
    let reasons: Vec<(&str, bool)> =
        auth.reasons.iter().map(|reason| (reason.name.as_str(), reason.counts)).collect();
    assert_eq!(
        reasons,
        [
            ("timeout", true),
            ("unreachable", true),
            ("dependency_error", true),
            ("internal", true),
            ("throttled", true),
            ("bad_credentials", false),
            ("locked", false),
        ]
    );
    assert_eq!(auth.failures, GuardSource::Own);
    let Intake::Scrape(scrape) = &auth.intake else { panic!("a scrape") };
    assert_eq!((scrape.timeout, scrape.most), (Duration::from_millis(500), 10_485_760));
    assert_eq!(scrape.mapping.requests[0].to_string(), "auth_login_total");
    assert_eq!(scrape.mapping.failed[0].1.to_string(), "auth_login_total{result=\"timeout\"}");
}

#[test]
fn what_is_written_wins_over_the_preset_key_by_key() {
    let plan = plan(
        "[[watch.service]]\nname = \"auth\"\npreset = \"authd\"\nscrape = \"http://auth:8080/metrics\"\n\
         user = { throttled = 'auth_login_total{result=\"throttled\"}' }\n\
         [[watch.service]]\nname = \"edge\"\npreset = \"nginx\"\nfailed = { late = [\"504\", \"499\"] }\n",
    );
    let reasons: Vec<(&str, bool)> =
        plan.services[0].reasons.iter().map(|reason| (reason.name.as_str(), reason.counts)).collect();
    assert_eq!(
        reasons,
        [
            ("throttled", false),
            ("timeout", true),
            ("unreachable", true),
            ("dependency_error", true),
            ("internal", true)
        ]
    );
    let Intake::Log(log) = &plan.services[1].intake else { panic!("a log") };
    assert_eq!(log.paths, ["/var/log/nginx/access.log"]);
    assert_eq!(log.failed.len(), 1);
    assert_eq!(log.failed[0].1.status, [(504, 504), (499, 499)]);
}

#[test]
fn the_labels_of_a_service_narrow_every_series_of_its_mapping() {
    let plan = plan(
        "[[watch.service]]\nname = \"auth\"\npreset = \"envoy\"\nscrape = \"http://edge:9901/stats/prometheus\"\n\
         labels = { envoy_cluster_name = \"auth\" }\n",
    );
    let Intake::Scrape(scrape) = &plan.services[0].intake else { panic!("a scrape") };
    let durations = scrape.mapping.durations.as_ref().expect("known");
    assert_eq!(durations.unit, model::TimeUnit::Milliseconds);
    let failed = scrape.mapping.failed.iter().map(|(_, selector)| selector.to_string());
    let all: Vec<String> = [scrape.mapping.requests[0].to_string(), durations.series.to_string()]
        .into_iter()
        .chain(failed)
        .collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
    envoy_cluster_upstream_rq{envoy_cluster_name="auth"}
    envoy_cluster_upstream_rq_time{envoy_cluster_name="auth"}
    envoy_cluster_upstream_rq{envoy_response_code="504",envoy_cluster_name="auth"}
    envoy_cluster_upstream_rq{envoy_response_code="503",envoy_cluster_name="auth"}
    envoy_cluster_upstream_rq{envoy_response_code=~"5..",envoy_response_code!~"503|504",envoy_cluster_name="auth"}
    "#);
}

#[test]
fn every_table_and_key_is_read() {
    let plan = plan(
        r#"
[watch]
false_alarms = 2
look = "2s"
journal = "state/journal"
keep = "30d"
listen = "never"

[[watch.service]]
name = "auth"
scrape = ["http://a:1/metrics", "https://b/metrics"]
targets_file = { glob = "targets/*.json", scheme = "https", path = "/m" }
dns = { name = "auth.internal", port = 8080 }
basic = { user = "scraper", password_file = "secret/password" }
ca = "ca.pem"
server_name = "auth"
timeout = "900ms"
most = 65536
requests = ['logins_total', 'other_total{a="b"}']
failed = { timeout = 'logins_total{result="timeout"}', "5xx" = ['x_total{code=~"5.."}'] }
user = { typo = 'logins_total{result="typo"}' }
durations = { series = 'login_ms', unit = "ms" }
guard = { history = "history/auth.tsv" }
guards = { timeout = "0.1%", typo = { own = true } }
latency = { slow = "500ms" }
pile_up = ["300ms", "1s"]
traffic = 5
objective = { good = "99.9%" }

[watch.service.probe]
every = "10s"
timeout = "5s"
guard = 0.01
bearer_file = "secret/token"

[[watch.service.probe.step]]
name = "login"
url = "http://auth/login"
headers = { content-type = "application/json" }
body = '{"login": "probe", "password": "${PROBE_PASSWORD}"}'
keep = { token = "/access_token" }

[[watch.service.probe.step]]
name = "use"
url = "http://auth/introspect"
headers = { authorization = "Bearer ${token}" }
expect = ["200", "202-204", "3xx"]

[[watch.service]]
name = "edge"
log = { paths = ["/var/log/edge/*.json"], format = "json", status = "code", duration = "ms", unit = "ms", path = "uri", reason = "why", under = ["/login"] }
failed = { late = { status = "504", flags = ["UT"] }, broken = "5xx" }
user = { wrong = ["401"] }
latency = { slow = "1s", guard = "5%" }

[[watch.channel]]
name = "page"
kind = "webhook"
url = "https://hooks/alert"
bearer_file = "secret/hook"
timeout = "3s"

[[watch.channel]]
name = "am"
kind = "alertmanager"
url = "http://am:9093/"
again = "30s"

[[watch.channel]]
name = "log"
kind = "lines"
file = "-"

[watch.heartbeat]
url = "https://beat/forewarn"
every = "30s"

[audit]
cron = "0 6 * * mon-fri"
zone = "Europe/Rome"
on_change = false
roots = ["deploy", "auth"]
overdue = "74h"
"#,
    );
    assert_eq!((plan.services.len(), plan.channels.len()), (2, 3));
}

#[test]
fn every_mistake_is_told_at_once_with_its_place_and_its_cure() {
    insta::assert_snapshot!(mistakes(
        r#"
[watch]
false_alarm = 1
false_alarms = 0
look = "50ms"
keep = "0s"
listen = "here"

[[watch.service]]
preset = "ngnix"
scrape = "auth:8080"

[[watch.service]]
name = "auth"
preset = "authd"
scrape = ["http://me:secret@auth/metrics", "http://", "http://auth/metrics"]
timeout = "1s"
most = 1
bearer_file = "a"
basic = { user = "b", password_file = "" }
targets_file = { globe = "x" }
dns = { name = "x", port = 70000, path = "m" }
labels = { a = 1 }
failed = { timeout = 'rate(x[1m])', internal = 3 }
user = { timeout = 'x' }
durations = 'x_bucket'
guard = 2
guards = { timout = 0.1, internal = "x" }
latency = {}
pile_up = ["300ms", "300ms", "soon"]
traffic = "2%"
objective = { good = "100%", period = "1d" }

[[watch.service]]
name = "auth"

[[watch.service]]
name = "forewarn"
scrape = "http://x/metrics"

[[watch.service]]
name = "edge"
preset = "nginx"
latency = { slow = "1s" }
requests = 'x'
failed = { bad = "60x", worse = { flags = [] } }

[[watch.service]]
name = "both"
preset = "nginx"
scrape = "http://edge/metrics"
log = { paths = ["x"] }

[[watch.service]]
name = "edge2"
log = { paths = [], format = "text", log_format = "", status = "s", under = ["login"] }

[[watch.service]]
name = "mesh"
preset = "envoy"
scrape = "http://edge:9901/stats/prometheus"

[[watch.service]]
name = "json"
log = { paths = ["x"], format = "json", duration = "ms", log_format = "x" }
failed = { bad = "5xx" }
objective = { good = { own = true } }

[[watch.service]]
name = "probed"
guard = "1%"
probe = { every = "100ms", timeout = "1s", guard = { history = "x" } }

[[watch.service]]
name = "walked"
[[watch.service.probe.step]]
name = "login"
url = "http://auth/${token}/${"
method = "post"
expect = ["20"]
keep = { token = "access_token", TOKEN = "/x" }
[[watch.service.probe.step]]
name = "login"

[[watch.channel]]
name = "am"
kind = "alertmanager"
url = "http://am:9093/api/v2/alerts"
again = "5min"

[[watch.channel]]
name = "am"
kind = "lines"
file = "-"
url = "http://x"

[[watch.channel]]
kind = "mail"

[watch.heartbeat]
every = "1ms"

[audit]
every = "1h"
overdue = "30min"
zone = "UTC"
"#
    ), @r#"
    3:1 [watch] has no key `false_alarm`
        did you mean `false_alarms`? keys of [watch]: `false_alarms`, `look`, `journal`, `keep`, `listen`, `service`, `channel`, `heartbeat`
    4:16 `false_alarms` of [watch] is out of range: 0
        write how many false alarms a year the whole installation may raise, from 0.001 to 1000
    5:8 `look` is out of range
        write from "100ms" to "60s"
    6:8 `keep` is 0
        write a length above 0
    7:10 `listen` is no address: `here`
        write an address and a port: "127.0.0.1:9464"; or "never"
    10:1 [[watch.service]] without `name`
        add `name = "..."`
    10:10 `preset` is unknown: `ngnix`
        did you mean `nginx`? allowed: `authd`, `nginx`, `envoy`
    11:10 `scrape` is no URL of http or https
        write it whole: "http://auth:8080/metrics"
    16:11 `scrape` holds a user or a password
        take it out, and name the user and a file that holds the rest in `basic`, as the template of `forewarn init` shows
    16:44 `scrape` is no URL
        write it whole: "http://auth:8080/metrics"
    17:11 `timeout` is 1s and the service is looked at every 50ms
        a look must end before the next begins: write a shorter one, or a longer `look` of [watch]
    18:8 `most` is out of range
        write bytes, from 1024 to 1073741824
    20:9 `bearer_file` and `basic` together
        keep one of them
    20:39 `password_file` is empty
        say what it is
    21:18 `targets_file` has no key `globe`
        did you mean `glob`? keys of `targets_file`: `glob`, `scheme`, `path`
    22:28 `dns` without a port
        add `port = 8080`, from 1 to 65535
    22:42 `path` does not begin with `/`
        write "/metrics"
    24:22 `rate(x[1m])` is no selector: it is an expression; name the series alone
        write a metric and its labels: 'auth_login_total{result="timeout"}'
    24:48 `3` is no selector: it does not begin with the name of a metric
        write a metric and its labels: 'auth_login_total{result="timeout"}'
    25:10 `timeout` stands in `failed` and in `user`
        a failure counts or it does not: keep one of them
    26:13 `durations` names a series of the histogram, `x_bucket`
        name the histogram: `x`
    27:9 `guard` is out of range: 2
        write a share as "2%" or 0.02, `{ history = "history/auth.tsv" }` or `{ own = true }`
    28:12 there is no reason `timout`
        did you mean `timeout`? reasons: `timeout`, `internal`
    28:37 `internal` is no share: `x`
        write a share as "2%" or 0.02, `{ history = "history/auth.tsv" }` or `{ own = true }`
    29:11 `latency` without `slow`
        add `slow = "500ms"`
    30:21 a timeout of `pile_up` stands twice
        remove it
    30:30 `pile_up` is no length of time
        write a number with its unit in quotes: "300ms", "1.5s", "2min"
    31:11 `traffic` is no rate: `2%`
        write requests a second (5.0), `{ history = "history/auth.tsv" }` or `{ own = true }`
    32:22 `good` is out of range: 1
        write a share below all as "99.9%" or 0.999
    32:39 `period` is shorter than a week
        write "7d" or more, such as "30d"
    35:1 nothing says where the counts of this service come from
        add `scrape = "http://..."`, `targets_file`, `dns` or `log`, or a [watch.service.probe] alone
    35:8 a second service `auth`
        name each service once; one can have several targets
    38:1 nothing says which requests of this service failed
        add `failed = { timeout = '...' }`, `latency` or `traffic`
    38:1 nothing says which series count requests
        add `requests = 'auth_login_total'`, or a `preset`
    38:8 `forewarn` is how alerts about Forewarn itself are named
        take another name
    44:11 `latency` of a log whose lines hold no duration
        log `$request_time`, and write the `log_format` of nginx.conf here, such as log_format = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent $request_time'
    45:12 `requests` belongs to a service that is scraped
        remove it
    46:18 `failed` is no status: `60x`
        write "504", "500-599" or "5xx"
    46:33 a reason without status and flags
        write `{ status = "504" }` or `{ flags = ["UT"] }`
    52:7 `scrape` and `log` together
        a request would count twice: keep one
    55:1 nothing says which requests of this service failed
        add `failed = { timeout = '...' }`, `latency` or `traffic`
    56:17 `log` without `paths`
        add `paths = ["/var/log/..."]`
    56:30 `format` is unknown: `text`
        allowed: `nginx`, `envoy`, `haproxy`, `json`
    56:78 a path of `under` does not begin with `/`
        write "/login"
    60:10 this preset counts all services behind the endpoint together without `envoy_cluster_name`
        add `labels = { envoy_cluster_name = "..." }`
    65:52 `duration` of `log` without its unit
        add `unit = "ms"`
    65:71 `log_format` belongs to NGINX and Envoy
        remove it
    67:22 `good` is a table, not a share
        write a share below all as "99.9%" or 0.999
    71:9 `guard` of a service that only a probe looks at
        add `scrape` or `log`; the guard of the probe stands in [watch.service.probe]
    72:11 a probe without a step
        add [[watch.service.probe.step]] with `name` and `url`
    72:19 `every` is below a second
        a probe is a user, not a load: write "1s" or more
    72:38 `timeout` is 1s and the probe walks every 100ms
        a walk must end before the next begins: write a shorter one, or a longer `every`
    72:52 the `guard` of a probe cannot be learnt: histories hold requests, not walks
        write the share of walks that may fail as "5%" or 0.05
    78:7 `${` without `}`
        write ${name}
    78:7 no step before this one keeps `token`
        keep it: `keep = { token = "/..." }` in a step before; a variable of the environment is written in capitals
    79:10 `post` is no method
        write "GET" or "POST"
    80:11 `expect` is no status: `20`
        write "504", "500-599" or "5xx"
    81:18 `access_token` is no JSON pointer
        write where it stands in the JSON answer (RFC 6901): "/access_token"
    81:42 `TOKEN` cannot be kept
        names in capitals stand for variables of the environment: write it in small letters
    83:1 [[watch.service.probe.step]] without `url`
        add `url = "..."`
    88:7 `url` names Alertmanager's API
        write its base URL: "http://am:9093"
    89:9 `again` is 300s: Alertmanager would hold an open alert for ended
        write at most "150s": half of its `resolve_timeout`, five minutes by default
    92:8 a second channel `am`
        name each channel once
    95:7 `url` does not belong to `kind = "lines"`
        remove it
    98:1 [[watch.channel]] without `name`
        add `name = "..."`
    98:8 `kind` is unknown: `mail`
        allowed: `webhook`, `alertmanager`, `lines`
    101:1 [watch.heartbeat] without `url`
        add `url = "..."`
    101:9 `every` is below a second
        write "1s" or more
    105:11 `overdue` is 1800s and an audit is due every 3600s
        write more than `every`: how old the last audit may be
    106:8 `zone` belongs to `cron`
        remove it
    "#);
}

#[test]
fn schedules_that_cannot_be_kept_are_refused() {
    let shown: String = [
        "[audit]\n",
        "[audit]\nroots = [\"a\"]\n",
        "[audit]\nevery = \"1s\"\n",
        "[audit]\nevery = \"1h\"\ncron = \"* * * * *\"\n",
        "[audit]\ncron = \"0 6 * *\"\nzone = \"UTC\"\noverdue = \"26h\"\n",
        "[audit]\ncron = \"60 24 0 13 8\"\nzone = \"UTC\"\noverdue = \"26h\"\n",
        "[audit]\ncron = \"*/0 5-1 x feb-jan mon-fri/2\"\nzone = \"UTC\"\noverdue = \"26h\"\n",
        "[audit]\ncron = \"0 6 * * 1-5\"\n",
        "[watch]\nlisten = \"never\"\n[[watch.service]]\nname = \"a\"\npreset = \"nginx\"\n",
    ]
    .into_iter()
    .map(mistakes)
    .collect();
    insta::assert_snapshot!(shown, @r#"
    1:1 [audit] says not when
        add `every = "1h"`, or `cron` and `zone`
    2:1 [audit] says not when
        add `every = "1h"`, or `cron` and `zone`
    2:9 `every` is below ten seconds
        write "10s" or more; `on_change` sees a change at once
    3:8 `every` and `cron` together
        keep one of them
    2:8 `cron` has 4 fields, not 5
        write minute, hour, day of the month, month and day of the week: "0 6 * * 1-5"
    2:8 the day of the month of `cron` is out of range: `0`
        write minute, hour, day of the month, month and day of the week: "0 6 * * 1-5"
    2:8 the day of the week of `cron` is out of range: `8`
        write minute, hour, day of the month, month and day of the week: "0 6 * * 1-5"
    2:8 the hour of `cron` is out of range: `24`
        write minute, hour, day of the month, month and day of the week: "0 6 * * 1-5"
    2:8 the minute of `cron` is out of range: `60`
        write minute, hour, day of the month, month and day of the week: "0 6 * * 1-5"
    2:8 the month of `cron` is out of range: `13`
        write minute, hour, day of the month, month and day of the week: "0 6 * * 1-5"
    2:8 the day of the month of `cron` is out of range: `x`
        write minute, hour, day of the month, month and day of the week: "0 6 * * 1-5"
    2:8 the hour of `cron` is out of range: `5-1`
        write minute, hour, day of the month, month and day of the week: "0 6 * * 1-5"
    2:8 the minute of `cron` is out of range: `*/0`
        write minute, hour, day of the month, month and day of the week: "0 6 * * 1-5"
    2:8 the month of `cron` is out of range: `feb-jan`
        write minute, hour, day of the month, month and day of the week: "0 6 * * 1-5"
    2:8 `cron` without `zone`
        add `zone = "UTC"` or "Europe/Rome"
    2:1 no alert can be seen: there is no [[watch.channel]], and `listen` is "never"
        add a [[watch.channel]], or take `listen` away
    "#);
    let plan = plan("[audit]\nevery = \"1h\"\n").audit.expect("one");
    assert_eq!(
        (plan.when, plan.overdue),
        (When::Every(Duration::from_secs(3600)), Duration::from_secs(7200))
    );
    assert!(plan.on_change);
    assert_eq!(plan.roots, ["."]);
}

#[test]
fn broken_toml_is_a_mistake_and_never_half_a_plan() {
    for text in ["[watch\nlook = \"1s\"", "watch = 3", "watch = { service = 1 }", "audit = []", "a = "] {
        assert_ne!(mistakes(text), "none", "{text}");
    }
}

#[test]
fn every_key_and_every_word_stands_in_the_template() {
    let template = include_str!("../../../forewarn/src/forewarn.template.toml");
    let part = template.split_once("\n#[watch]\n").map_or("", |(_, part)| part);
    let there: BTreeSet<&str> = part
        .split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    let is_key = |key: &str| {
        let forms = ["\n#", "{ ", ", ", "# ", " and "].map(|before| format!("{before}{key} = "));
        let tables = ["watch", "watch.service", "watch.service.probe"]
            .map(|parent| [format!("\n#[[{parent}.{key}]]\n"), format!("\n#[{parent}.{key}]\n")])
            .concat();
        forms.iter().chain(&tables).any(|form| part.contains(form))
    };
    let mut missing = KEYS.concat();
    missing.retain(|key| !is_key(key));
    missing.extend(PRESETS.iter().map(|preset| preset.name).filter(|word| !there.contains(word)));
    missing.extend(channel::KINDS.iter().map(|&(word, _)| word).filter(|word| !there.contains(word)));
    missing.extend(log::FORMATS.iter().map(|&(word, _)| word).filter(|word| !there.contains(word)));
    assert_eq!(missing, [""; 0], "the template of `forewarn init` does not name them");
}

#[test]
fn the_template_is_a_plan_where_its_comments_are_taken_away() {
    let template = include_str!("../../../forewarn/src/forewarn.template.toml");
    let start = template.find("\n#[watch]\n").expect("the part of the watch");
    let text: String = template[start..]
        .lines()
        .filter_map(|line| line.strip_prefix('#').filter(|line| !line.starts_with(' ')))
        .map(|line| format!("{line}\n"))
        .collect();
    let plan = plan(&text);
    assert_eq!((plan.false_alarms, plan.look, plan.keep), (FALSE_ALARMS, LOOK, KEEP), "shows the defaults");
    assert_eq!((plan.journal.as_str(), plan.listen.as_deref()), (JOURNAL, Some(LISTEN)));
    let [auth, edge, envoy] = plan.services.as_slice() else { panic!("three services") };
    assert!(matches!(auth.intake, Intake::Scrape(_)) && auth.probe.is_some());
    assert!(matches!(&edge.intake, Intake::Log(log) if matches!(log.format, LogFormat::Nginx(Some(_)))));
    assert!(matches!(envoy.intake, Intake::Log(_)));
    assert!(matches!(plan.channels[1].kind, ChannelKind::Alertmanager { .. }));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}", half in "(\\[\\[watch.service\\]\\]|\\[watch\\]|\\[audit\\])\n?[a-z_= \"\\[\\]{}0-9.%\n]{0,80}") {
        let source = Source::new(FileId(0), "forewarn.toml", text);
        let _ = parse(&source);
        let source = Source::new(FileId(0), "forewarn.toml", half);
        let _ = parse(&source);
    }
}

#[test]
fn the_guard_of_a_probe_is_stated_and_five_percent_where_it_is_not() {
    let of = |guard: &str| {
        format!(
            "[[watch.service]]\nname = \"auth\"\nprobe = {{ {guard}step = [{{ name = \"login\", url = \"http://auth/\" }}] }}\n"
        )
    };
    let plan = plan(&of(""));
    let probe = plan.services[0].probe.as_ref().unwrap();
    assert_eq!(probe.guard, GuardSource::Declared(0.05));
    insta::assert_snapshot!(mistakes(&of("guard = { own = true }, ")), @r#"
    3:19 the `guard` of a probe cannot be learnt: histories hold requests, not walks
        write the share of walks that may fail as "5%" or 0.05
    "#);
}
