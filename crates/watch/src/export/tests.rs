//! What is written for several plans, and what Prometheus' own promtool says to it.

#![allow(clippy::disallowed_methods, reason = "promtool reads files")]

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use text::{FileId, Source};

use super::*;
use crate::guard::Guard;

const AUTHD: &str = r#"
[[watch.service]]
name = "auth"
preset = "authd"
scrape = "http://auth:8080/metrics"
guard = "2%"
latency = { slow = "500ms", guard = "5%" }
traffic = 5
objective = { good = "99.9%" }
"#;

fn plan(text: &str) -> Plan {
    let source = Source::new(FileId(0), "forewarn.toml", text);
    crate::config::parse(&source).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

fn exported(text: &str, learnt: &[Vec<Learnt>], scrape: u64) -> Exported {
    export(&plan(text), learnt, Duration::from_secs(scrape))
}

fn learnt(signal: Signal, level: &[f32]) -> Learnt {
    Learnt { signal, guard: Guard { level: level.to_vec(), days: 14.0, dispersion: 2.0, implied: None } }
}

#[test]
fn the_rules_of_a_plan_are_written_whole() {
    insta::assert_snapshot!(exported(AUTHD, &[], 15).rules, @r#"
    # Written by `forewarn export prometheus`: a fallback while Forewarn is down, which tells earlier and
    # with evidence. For Prometheus 2.42 and later, which scrape every 15s.
    groups:
      - name: 'forewarn_auth'
        interval: 15s
        rules:
          - record: service:forewarn_requests:increase1m
            expr: 'sum(increase(auth_login_total[1m]))'
            labels:
              service: 'auth'
          - record: service:forewarn_failures:increase1m
            expr: 'sum(increase(auth_login_total{result=~"timeout|unreachable|dependency_error|internal|throttled"}[1m])) or vector(0)'
            labels:
              service: 'auth'
          - record: service:forewarn_timed:increase1m
            expr: 'sum(increase(auth_request_duration_seconds_count{route="/login"}[1m]))'
            labels:
              service: 'auth'
          - record: service:forewarn_slow:increase1m
            expr: 'sum(increase(auth_request_duration_seconds_count{route="/login"}[1m])) - sum(increase(auth_request_duration_seconds_bucket{route="/login",le=~"0\\.50*"}[1m]))'
            labels:
              service: 'auth'
          - alert: ForewarnFailing
            expr: |-
              (
                service:forewarn_failures:increase1m{service="auth"} / service:forewarn_requests:increase1m{service="auth"}
                and
                (service:forewarn_failures:increase1m{service="auth"} - 0.02 * service:forewarn_requests:increase1m{service="auth"}) * 0.75
                  > 5.084141 + sqrt(25.848486 + 0.448421 * service:forewarn_requests:increase1m{service="auth"})
              )
              or
              (
                max by (service) (ALERTS{alertname="ForewarnFailing",alertstate="firing",service="auth",source="forewarn_export"})
                unless on (service) service:forewarn_requests:increase1m{service="auth"}
              )
            keep_firing_for: 75s
            labels:
              service: 'auth'
              severity: 'page'
              source: 'forewarn_export'
            annotations:
              summary: 'auth: more requests fail than the guard of 2 % lets pass'
              worst_delay: 'where 20 % fail: never at 1/s, 46s at 10/s, 38s at 100/s; and what Alertmanager adds'
              fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
          - alert: ForewarnSlow
            expr: |-
              (
                service:forewarn_slow:increase1m{service="auth"} / service:forewarn_timed:increase1m{service="auth"}
                and
                (service:forewarn_slow:increase1m{service="auth"} - 0.05 * service:forewarn_timed:increase1m{service="auth"}) * 0.75
                  > 5.31519 + sqrt(28.251242 + 1.136122 * service:forewarn_timed:increase1m{service="auth"})
              )
              or
              (
                max by (service) (ALERTS{alertname="ForewarnSlow",alertstate="firing",service="auth",source="forewarn_export"})
                unless on (service) service:forewarn_timed:increase1m{service="auth"}
              )
            keep_firing_for: 75s
            labels:
              service: 'auth'
              severity: 'page'
              source: 'forewarn_export'
            annotations:
              summary: 'auth: more requests are slow than the guard of 5 % lets pass'
              worst_delay: 'where 20 % are slow: never at 1/s, 58s at 10/s, 46s at 100/s; and what Alertmanager adds'
              fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
              needs: 'a bucket of the histogram at 0.5'
          - alert: ForewarnTrafficGone
            expr: |-
              sum(increase(auth_login_total[1m])) * 0.75 < 140.291641
            keep_firing_for: 1m
            labels:
              service: 'auth'
              severity: 'page'
              source: 'forewarn_export'
            annotations:
              summary: 'auth: fewer requests than 5 a second'
              worst_delay: 'where all requests stay away: 90s; and what Alertmanager adds'
              fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
          - alert: ForewarnTargetDown
            expr: |-
              up == 0
              and on (job, instance) (count by (job, instance) (count_over_time(auth_login_total[1h])))
            for: 30s
            labels:
              service: 'auth'
              severity: 'ticket'
              source: 'forewarn_export'
            annotations:
              summary: 'auth: a target does not answer scrapes'
              worst_delay: '1m; and what Alertmanager adds'
              fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
          - alert: ForewarnBlind
            expr: |-
              absent(count(auth_login_total))
            for: 30s
            labels:
              service: 'auth'
              severity: 'page'
              source: 'forewarn_export'
            annotations:
              summary: 'auth: Prometheus has none of its series, so no rule can fire'
              worst_delay: '1m; and what Alertmanager adds'
              fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
      - name: 'forewarn_auth_burn'
        interval: 1m
        rules:
          - record: service:forewarn_failure_ratio:rate5m
            expr: '(sum(rate(auth_login_total{result=~"timeout|unreachable|dependency_error|internal|throttled"}[5m])) or vector(0)) / sum(rate(auth_login_total[5m]))'
            labels:
              service: 'auth'
          - record: service:forewarn_failure_ratio:rate30m
            expr: '(sum(rate(auth_login_total{result=~"timeout|unreachable|dependency_error|internal|throttled"}[30m])) or vector(0)) / sum(rate(auth_login_total[30m]))'
            labels:
              service: 'auth'
          - record: service:forewarn_failure_ratio:rate1h
            expr: '(sum(rate(auth_login_total{result=~"timeout|unreachable|dependency_error|internal|throttled"}[1h])) or vector(0)) / sum(rate(auth_login_total[1h]))'
            labels:
              service: 'auth'
          - record: service:forewarn_failure_ratio:rate2h
            expr: '(sum(rate(auth_login_total{result=~"timeout|unreachable|dependency_error|internal|throttled"}[2h])) or vector(0)) / sum(rate(auth_login_total[2h]))'
            labels:
              service: 'auth'
          - record: service:forewarn_failure_ratio:rate6h
            expr: '(sum(rate(auth_login_total{result=~"timeout|unreachable|dependency_error|internal|throttled"}[6h])) or vector(0)) / sum(rate(auth_login_total[6h]))'
            labels:
              service: 'auth'
          - record: service:forewarn_failure_ratio:rate1d
            expr: '(sum(rate(auth_login_total{result=~"timeout|unreachable|dependency_error|internal|throttled"}[1d])) or vector(0)) / sum(rate(auth_login_total[1d]))'
            labels:
              service: 'auth'
          - record: service:forewarn_failure_ratio:rate3d
            expr: '(sum(rate(auth_login_total{result=~"timeout|unreachable|dependency_error|internal|throttled"}[3d])) or vector(0)) / sum(rate(auth_login_total[3d]))'
            labels:
              service: 'auth'
          - alert: ForewarnBurning
            expr: |-
              (
                service:forewarn_failure_ratio:rate1h{service="auth"} > 0.0144
                and
                service:forewarn_failure_ratio:rate5m{service="auth"} > 0.0144
                and on ()
                sum(increase(auth_login_total{result=~"timeout|unreachable|dependency_error|internal|throttled"}[1h])) > 10
              )
              or
              (
                max by (service) (ALERTS{alertname="ForewarnBurning",alertstate="firing",service="auth",source="forewarn_export",window="1h"})
                unless on (service) service:forewarn_failure_ratio:rate5m{service="auth"}
              )
            keep_firing_for: 5m
            labels:
              service: 'auth'
              severity: 'page'
              source: 'forewarn_export'
              window: '1h'
            annotations:
              summary: 'auth: the budget of 99.9 % burns 14.4 times too fast over 1h and 5m'
              worst_delay: 'where 20 % fail and nothing failed before: 6m; and what Alertmanager adds'
              fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
          - alert: ForewarnBurning
            expr: |-
              (
                service:forewarn_failure_ratio:rate6h{service="auth"} > 0.006
                and
                service:forewarn_failure_ratio:rate30m{service="auth"} > 0.006
                and on ()
                sum(increase(auth_login_total{result=~"timeout|unreachable|dependency_error|internal|throttled"}[6h])) > 10
              )
              or
              (
                max by (service) (ALERTS{alertname="ForewarnBurning",alertstate="firing",service="auth",source="forewarn_export",window="6h"})
                unless on (service) service:forewarn_failure_ratio:rate30m{service="auth"}
              )
            keep_firing_for: 5m
            labels:
              service: 'auth'
              severity: 'page'
              source: 'forewarn_export'
              window: '6h'
            annotations:
              summary: 'auth: the budget of 99.9 % burns 6 times too fast over 6h and 30m'
              worst_delay: 'where 20 % fail and nothing failed before: 12m; and what Alertmanager adds'
              fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
          - alert: ForewarnBurning
            expr: |-
              (
                service:forewarn_failure_ratio:rate1d{service="auth"} > 0.003
                and
                service:forewarn_failure_ratio:rate2h{service="auth"} > 0.003
                and on ()
                sum(increase(auth_login_total{result=~"timeout|unreachable|dependency_error|internal|throttled"}[1d])) > 10
              )
              or
              (
                max by (service) (ALERTS{alertname="ForewarnBurning",alertstate="firing",service="auth",source="forewarn_export",window="1d"})
                unless on (service) service:forewarn_failure_ratio:rate2h{service="auth"}
              )
            keep_firing_for: 5m
            labels:
              service: 'auth'
              severity: 'ticket'
              source: 'forewarn_export'
              window: '1d'
            annotations:
              summary: 'auth: the budget of 99.9 % burns 3 times too fast over 1d and 2h'
              worst_delay: 'where 20 % fail and nothing failed before: 23m; and what Alertmanager adds'
              fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
          - alert: ForewarnBurning
            expr: |-
              (
                service:forewarn_failure_ratio:rate3d{service="auth"} > 0.001
                and
                service:forewarn_failure_ratio:rate6h{service="auth"} > 0.001
                and on ()
                sum(increase(auth_login_total{result=~"timeout|unreachable|dependency_error|internal|throttled"}[3d])) > 10
              )
              or
              (
                max by (service) (ALERTS{alertname="ForewarnBurning",alertstate="firing",service="auth",source="forewarn_export",window="3d"})
                unless on (service) service:forewarn_failure_ratio:rate6h{service="auth"}
              )
            keep_firing_for: 5m
            labels:
              service: 'auth'
              severity: 'ticket'
              source: 'forewarn_export'
              window: '3d'
            annotations:
              summary: 'auth: the budget of 99.9 % burns 1 times too fast over 3d and 6h'
              worst_delay: 'where 20 % fail and nothing failed before: 23m; and what Alertmanager adds'
              fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
    "#);
}

#[test]
fn the_tests_of_the_rules_are_written_whole() {
    let plan = "[[watch.service]]\nname = \"auth\"\npreset = \"authd\"\nscrape = \"http://auth/metrics\"\nguard = \"2%\"\n";
    insta::assert_snapshot!(exported(plan, &[], 15).tests, @r#"
    # Written by `forewarn export prometheus`; run with `promtool test rules`.
    rule_files:
      - forewarn.rules.yml
    evaluation_interval: 15s
    tests:
      - name: 'auth: a fault is told in time and ends with the fault'
        interval: 15s
        input_series:
          - series: 'auth_login_total{job="auth",instance="auth-1"}'
            values: '0 1485+1485x39 60135+735x39 90285+1485x39 stale'
          - series: 'auth_login_total{job="auth",instance="auth-1",result="timeout"}'
            values: '0 15+15x39 1365+765x39 31215+15x39 stale'
          - series: 'up{job="auth",instance="auth-1"}'
            values: '1x120 0x240'
        alert_rule_test:
          - eval_time: 10m
            alertname: ForewarnFailing
            exp_alerts: []
          - eval_time: 645s
            alertname: ForewarnFailing
            exp_alerts:
              - exp_labels:
                  service: 'auth'
                  severity: 'page'
                  source: 'forewarn_export'
                exp_annotations:
                  summary: 'auth: more requests fail than the guard of 2 % lets pass'
                  worst_delay: 'where 20 % fail: never at 1/s, 46s at 10/s, 38s at 100/s; and what Alertmanager adds'
                  fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
          - eval_time: 20m
            alertname: ForewarnFailing
            exp_alerts:
              - exp_labels:
                  service: 'auth'
                  severity: 'page'
                  source: 'forewarn_export'
                exp_annotations:
                  summary: 'auth: more requests fail than the guard of 2 % lets pass'
                  worst_delay: 'where 20 % fail: never at 1/s, 46s at 10/s, 38s at 100/s; and what Alertmanager adds'
                  fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
          - eval_time: 30m
            alertname: ForewarnFailing
            exp_alerts: []
      - name: 'auth: the target dies in the middle of a fault, and no alert ends'
        interval: 15s
        input_series:
          - series: 'auth_login_total{job="auth",instance="auth-1"}'
            values: '0 1485+1485x39 60135+735x39 stale'
          - series: 'auth_login_total{job="auth",instance="auth-1",result="timeout"}'
            values: '0 15+15x39 1365+765x39 stale'
          - series: 'up{job="auth",instance="auth-1"}'
            values: '1x80 0x240'
        alert_rule_test:
          - eval_time: 1215s
            alertname: ForewarnFailing
            exp_alerts:
              - exp_labels:
                  service: 'auth'
                  severity: 'page'
                  source: 'forewarn_export'
                exp_annotations:
                  summary: 'auth: more requests fail than the guard of 2 % lets pass'
                  worst_delay: 'where 20 % fail: never at 1/s, 46s at 10/s, 38s at 100/s; and what Alertmanager adds'
                  fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
          - eval_time: 1230s
            alertname: ForewarnFailing
            exp_alerts:
              - exp_labels:
                  service: 'auth'
                  severity: 'page'
                  source: 'forewarn_export'
                exp_annotations:
                  summary: 'auth: more requests fail than the guard of 2 % lets pass'
                  worst_delay: 'where 20 % fail: never at 1/s, 46s at 10/s, 38s at 100/s; and what Alertmanager adds'
                  fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
          - eval_time: 21m
            alertname: ForewarnFailing
            exp_alerts:
              - exp_labels:
                  service: 'auth'
                  severity: 'page'
                  source: 'forewarn_export'
                exp_annotations:
                  summary: 'auth: more requests fail than the guard of 2 % lets pass'
                  worst_delay: 'where 20 % fail: never at 1/s, 46s at 10/s, 38s at 100/s; and what Alertmanager adds'
                  fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
          - eval_time: 22m
            alertname: ForewarnFailing
            exp_alerts:
              - exp_labels:
                  service: 'auth'
                  severity: 'page'
                  source: 'forewarn_export'
                exp_annotations:
                  summary: 'auth: more requests fail than the guard of 2 % lets pass'
                  worst_delay: 'where 20 % fail: never at 1/s, 46s at 10/s, 38s at 100/s; and what Alertmanager adds'
                  fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
          - eval_time: 25m
            alertname: ForewarnFailing
            exp_alerts:
              - exp_labels:
                  service: 'auth'
                  severity: 'page'
                  source: 'forewarn_export'
                exp_annotations:
                  summary: 'auth: more requests fail than the guard of 2 % lets pass'
                  worst_delay: 'where 20 % fail: never at 1/s, 46s at 10/s, 38s at 100/s; and what Alertmanager adds'
                  fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
          - eval_time: 40m
            alertname: ForewarnFailing
            exp_alerts:
              - exp_labels:
                  service: 'auth'
                  severity: 'page'
                  source: 'forewarn_export'
                exp_annotations:
                  summary: 'auth: more requests fail than the guard of 2 % lets pass'
                  worst_delay: 'where 20 % fail: never at 1/s, 46s at 10/s, 38s at 100/s; and what Alertmanager adds'
                  fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
          - eval_time: 70m
            alertname: ForewarnFailing
            exp_alerts:
              - exp_labels:
                  service: 'auth'
                  severity: 'page'
                  source: 'forewarn_export'
                exp_annotations:
                  summary: 'auth: more requests fail than the guard of 2 % lets pass'
                  worst_delay: 'where 20 % fail: never at 1/s, 46s at 10/s, 38s at 100/s; and what Alertmanager adds'
                  fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
          - eval_time: 22m
            alertname: ForewarnTargetDown
            exp_alerts:
              - exp_labels:
                  service: 'auth'
                  severity: 'ticket'
                  source: 'forewarn_export'
                  job: 'auth'
                  instance: 'auth-1'
                exp_annotations:
                  summary: 'auth: a target does not answer scrapes'
                  worst_delay: '1m; and what Alertmanager adds'
                  fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
          - eval_time: 22m
            alertname: ForewarnBlind
            exp_alerts:
              - exp_labels:
                  service: 'auth'
                  severity: 'page'
                  source: 'forewarn_export'
                exp_annotations:
                  summary: 'auth: Prometheus has none of its series, so no rule can fire'
                  worst_delay: '1m; and what Alertmanager adds'
                  fallback: 'Stands in while Forewarn is down; Forewarn itself tells earlier, and with evidence.'
    "#);
}

#[test]
fn what_rules_cannot_watch_is_told() {
    let left_out = exported(
        r#"
[[watch.service]]
name = "edge"
preset = "nginx"
[[watch.service]]
name = "walked"
[[watch.service.probe.step]]
name = "login"
url = "http://auth/login"
[[watch.service]]
name = "auth"
preset = "authd"
scrape = "http://auth:8080/metrics"
pile_up = ["300ms"]
traffic = 0.01
objective = { good = "80%" }
"#,
        &[],
        15,
    )
    .left_out;
    insta::assert_snapshot!(left_out.join("\n"), @r"
    edge, since its counts come from a log, which Prometheus does not read
    walked, since only a probe looks at it
    failures of auth, whose guard only the watch itself learns; state one
    durations that pile up of auth
    the floor of the traffic of auth, which is too low to be told from chance within an hour
    burn rates of auth that its objective makes unreachable: more than all requests would have to fail
    tests of the rules of auth, whose selectors or guard give no simple series
    ");
}

#[test]
fn promtool_takes_the_rules_and_their_tests_pass() {
    if Command::new("promtool").arg("--version").output().is_err() {
        return skipped("promtool_takes_the_rules_and_their_tests_pass: promtool is not installed");
    }
    let mesh = r#"
[[watch.service]]
name = "mesh"
preset = "envoy"
scrape = "http://edge:9901/stats/prometheus"
labels = { envoy_cluster_name = "auth" }
latency = { slow = "1s" }
[[watch.service]]
name = "own"
dns = { name = "own", port = 80 }
requests = ['a_total{kind="x"}', 'b_total']
failed = { bad = 'a_failed_total{code=~"5..|timeout"}', worse = ['b_failed_total', 'c_total{x!="y"}'] }
guard = "30%"
objective = { good = "99%" }
"#;
    let twins = r#"
[[watch.service]]
name = "auth-eu"
preset = "authd"
scrape = "http://eu:8080/metrics"
guard = "2%"
[[watch.service]]
name = "auth-us"
preset = "authd"
scrape = "http://us:8080/metrics"
guard = "1%"
"#;
    let weekly: Vec<f32> = (0..168u16).map(|hour| 0.001 + f32::from(hour) * 0.0001).collect();
    let plans = [
        (AUTHD, vec![], 15),
        (twins, vec![], 60),
        (mesh, vec![vec![learnt(Signal::Failures, &weekly), learnt(Signal::Slow, &[0.02])], vec![]], 15),
        ("[[watch.service]]\nname = \"edge\"\npreset = \"nginx\"\n", vec![], 15),
    ];
    for (at, (text, learnt, scrape)) in plans.into_iter().enumerate() {
        let exported = exported(text, &learnt, scrape);
        let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("../../target/tmp/export-{}-{at}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        std::fs::write(directory.join(RULES), &exported.rules).expect("rules");
        std::fs::write(directory.join(TESTS), &exported.tests).expect("tests");
        for arguments in [["check", "rules", RULES], ["test", "rules", TESTS]] {
            let ran = Command::new("promtool").args(arguments).current_dir(&directory).output().expect("run");
            let said = [ran.stdout, ran.stderr].concat();
            assert!(ran.status.success(), "plan {at}, {arguments:?}: {}", String::from_utf8_lossy(&said));
        }
        std::fs::remove_dir_all(&directory).expect("removed");
    }
}

/// Says that a test did nothing, also to the file that the runner of all tests names.
fn skipped(why: &str) {
    let line = format!("skipped: {why}\n");
    eprint!("{line}");
    if let Ok(path) = std::env::var("FOREWARN_SKIPPED") {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        // One write, so that lines of several programs do not mix.
        file.expect("a file").write_all(line.as_bytes()).expect("written");
    }
}
