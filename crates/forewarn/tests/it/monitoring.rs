//! Five faults of a monitoring, in files as teams write them: each is found, and nothing is said of the same
//! files once they are mended.

use crate::workbench::Workbench;

const SERVER: &str = r#"# Scrapes the sign-in path. Owner: platform.
global:
  evaluation_interval: 15s   # scrape_interval: see the jobs
  external_labels:
    cluster: main

rule_files:
  - rules/*.yml

alerting:
  alertmanagers:
    - static_configs:
        - targets: ["alertmanager:9093"]

scrape_configs:
  - job_name: gateway
    scrape_interval: 15s
    static_configs:
      - targets: ["gateway:9113"]
  - job_name: auth
    scrape_interval: 15s
    static_configs:
      - targets: ["auth-0:9102", "auth-1:9102"]
  # The directory is slow to answer /metrics.
  - job_name: directory
    scrape_interval: 1m
    static_configs:
      - targets: ["directory:9102"]
"#;

const RECORDED: &str = r#"groups:
  - name: signin.recorded
    interval: 15s
    rules:
      # What failed by ourselves; a wrong password is the user's.
      - record: job:signin_failed:rate5m
        expr: sum by (job) (rate(signin_total{job="auth", outcome="error"}[5m]))
      - record: job:signin:rate5m
        expr: sum by (job) (rate(signin_total{job="auth"}[5m]))
      - record: job:signin_failed:ratio1h
        expr: |-
          sum by (job) (rate(signin_total{job="auth", outcome="error"}[1h]))
            /
          sum by (job) (rate(signin_total{job="auth"}[1h]))
"#;

/// Faults: the objective of 98 % puts the page out of reach; the directory's range holds one sample; the gateway's page is
/// late; its other alert flaps; nothing asks whether anything is up.
const FAULTY: &str = r#"groups:
  - name: signin
    rules:
      - alert: SigninBudgetBurns
        expr: |
          # Page: 2 % of the month's budget in an hour. SLO 98 %.
          (job:signin_failed:ratio1h > (14.4 * (1 - 0.98)))
          and
          (job:signin_failed:rate5m / job:signin:rate5m > (14.4 * (1 - 0.98)))
        labels:
          severity: page
          team: identity
        annotations:
          summary: "{{ $value | humanizePercentage }} of sign-ins fail"
          runbook: https://runbooks.example/signin

  - name: directory
    rules:
      - alert: DirectoryFails
        expr: sum(rate(lookups_total{job="directory", result="error"}[1m])) / sum(rate(lookups_total{job="directory"}[1m])) > 0.05
        for: 1m
        labels: { severity: critical }
        annotations:
          summary: Lookups fail

  - name: gateway
    rules:
      - alert: GatewayFails
        expr: >-
          100 * sum by (host) (increase(gateway_requests_total{job="gateway", code=~"5.."}[10m]))
          / sum by (host) (increase(gateway_requests_total{job="gateway"}[10m])) > 8
        for: 5m
        labels:
          severity: critical
        annotations:
          summary: "{{ $labels.host }}: {{ printf \"%.1f\" $value }} % of requests fail"
      - alert: GatewayRefuses
        expr: |
          sum(rate(gateway_refusals_failed_total{job="gateway"}[1m]))
            / sum(rate(gateway_refusals_total{job="gateway"}[1m])) > 0.02
        labels:
          severity: ticket
"#;

const MENDED: &str = r#"groups:
  - name: signin
    rules:
      - alert: SigninBudgetBurns
        expr: |
          # Page: 2 % of the month's budget in an hour. SLO 99.9 %, without wrong passwords.
          (job:signin_failed:ratio1h > (14.4 * (1 - 0.999)))
          and
          (job:signin_failed:rate5m / job:signin:rate5m > (14.4 * (1 - 0.999)))
        labels:
          severity: page
          team: identity
        annotations:
          summary: "{{ $value | humanizePercentage }} of sign-ins fail"
          runbook: https://runbooks.example/signin

  - name: directory
    rules:
      - alert: DirectoryFails
        expr: sum(rate(lookups_total{job="directory", result="error"}[4m])) / sum(rate(lookups_total{job="directory"}[4m])) > 0.05
        for: 1m
        labels: { severity: critical }
        annotations:
          summary: Lookups fail

  - name: gateway
    rules:
      - alert: GatewayFails
        expr: >-
          100 * sum by (host) (increase(gateway_requests_total{job="gateway", code=~"5.."}[10m]))
          / sum by (host) (increase(gateway_requests_total{job="gateway"}[10m])) > 5
        labels:
          severity: critical
        annotations:
          summary: "{{ $labels.host }}: {{ printf \"%.1f\" $value }} % of requests fail"
      - alert: GatewayRefuses
        expr: |
          sum(rate(gateway_refusals_failed_total{job="gateway"}[1m]))
            / sum(rate(gateway_refusals_total{job="gateway"}[1m])) > 0.02
          and sum(rate(gateway_refusals_total{job="gateway"}[1m])) > 5
        labels:
          severity: ticket

  - name: targets
    rules:
      - alert: TargetGone
        expr: up == 0
        for: 30s
        labels:
          severity: critical
      - alert: SigninsGone
        expr: absent(signin_total{job="auth"})
        for: 1m
        labels:
          severity: critical
"#;

const ROUTES: &str = r#"global:
  resolve_timeout: 5m
route:
  receiver: chat
  group_by: [alertname, cluster]
  routes:
    - matchers: ['severity=~"page|critical"']
      receiver: pager
      group_wait: 10s
receivers:
  - name: chat
  - name: pager
"#;

/// The monitoring with one or the other file of rules.
fn bench(rules: &str) -> Workbench {
    Workbench::with(&[
        ("monitoring/prometheus.yml", SERVER),
        ("monitoring/rules/recorded.yml", RECORDED),
        ("monitoring/rules/alerts.yml", rules),
        ("monitoring/alertmanager.yml", ROUTES),
        ("forewarn.toml", "[margins]\ndetect_within = \"6min\"\n"),
    ])
}

#[test]
fn five_faults_are_found_of_five() {
    insta::assert_snapshot!(bench(FAULTY).run(&["check", "--format", "short"]).whole(), @r"
    exit 1
    --- stdout
    monitoring/rules/alerts.yml:20:71: error[monitor-range-too-short]: the alert `DirectoryFails` can never fire: `rate` needs two samples, and its range of 60 s holds one at most
    monitoring/prometheus.yml:8:5: warning[monitor-target-unwatched]: no rule notices that a target is gone: SigninBudgetBurns, DirectoryFails and 2 more fall silent with it
    monitoring/rules/alerts.yml:7:40: warning[monitor-threshold-unreachable]: the alert `SigninBudgetBurns` fires when more than 28.8 % fail: an outage that fails 20 % raises none
    monitoring/rules/alerts.yml:32:14: warning[monitor-alert-late]: `GatewayFails` calls a person up to 580 s after a fault that fails 20 %; 6 min are wanted
    monitoring/rules/alerts.yml:40:62: note[monitor-ratio-flaps]: one failed request raises `GatewayRefuses` while there are 49 requests in 60 s or fewer
    --- stderr
    5 findings: 1 error, 3 warnings, 1 note
    read 4 files: 0 services, 0 calls, 0 settings; ran all rules
    ");
}

#[test]
fn once_mended_nothing_is_said() {
    insta::assert_snapshot!(bench(MENDED).run(&["check", "--format", "short"]).whole(), @r"
    exit 0
    --- stdout
    --- stderr
    0 findings
    read 4 files: 0 services, 0 calls, 0 settings; ran all rules
    ");
}

#[test]
fn alerts_are_shown_with_what_they_take_at_worst() {
    insta::assert_snapshot!(bench(FAULTY).run(&["show", "alerts"]).whole(), @r"
    exit 0
    --- stdout
    ENVIRONMENT  ALERT              RANGE          FIRES AT     FOR    GROUP WAIT  AT WORST  SUM                                                                            WHERE
    default      DirectoryFails     60 s           5 % fail     60 s   10 s        never     a range of 60 s, a sample every 60 s                                           monitoring/rules/alerts.yml:19:16
    default      GatewayFails       10 min         8 % fail     5 min  10 s        580 s     4 min range + 15 s scrape + 15 s evaluation + 5 min pending + 10 s group wait  monitoring/rules/alerts.yml:28:16
    default      GatewayRefuses     60 s           2 % fail     0 s    30 s        66 s      6 s range + 15 s scrape + 15 s evaluation + 30 s group wait                    monitoring/rules/alerts.yml:37:16
    default      SigninBudgetBurns  60 min, 5 min  28.8 % fail  0 s    10 s        never     20 % of all fail, 28.8 % must                                                  monitoring/rules/alerts.yml:4:16
    --- stderr
    ");
    insta::assert_snapshot!(bench(MENDED).run(&["show", "alerts"]).whole(), @r"
    exit 0
    --- stdout
    ENVIRONMENT  ALERT              RANGE          FIRES AT       FOR   GROUP WAIT  AT WORST  SUM                                                                               WHERE
    default      DirectoryFails     4 min          5 % fail       60 s  10 s        205 s     60 s range + 60 s scrape + 15 s evaluation + 60 s pending + 10 s group wait       monitoring/rules/alerts.yml:19:16
    default      GatewayFails       10 min         5 % fail       0 s   10 s        190 s     2.5 min range + 15 s scrape + 15 s evaluation + 10 s group wait                   monitoring/rules/alerts.yml:28:16
    default      GatewayRefuses     60 s           2 % fail, > 5  0 s   30 s        66 s      6 s range + 15 s scrape + 15 s evaluation + 30 s group wait                       monitoring/rules/alerts.yml:36:16
    default      SigninBudgetBurns  60 min, 5 min  1.44 % fail    0 s   10 s        314.2 s   259.2 s range + 15 s scrape + 15 s recording + 15 s evaluation + 10 s group wait  monitoring/rules/alerts.yml:4:16
    default      SigninsGone                       gone           60 s  10 s        100 s     15 s scrape + 15 s evaluation + 60 s pending + 10 s group wait                    monitoring/rules/alerts.yml:51:16
    default      TargetGone                        gone           30 s  10 s        70 s      15 s scrape + 15 s evaluation + 30 s pending + 10 s group wait                    monitoring/rules/alerts.yml:46:16
    --- stderr
    ");
}

#[test]
fn the_tests_of_the_watch_are_shown_beside_the_rules() {
    let plan = r#"
[[watch.service]]
name = "auth"
scrape = ["http://127.0.0.1:8080/metrics"]
requests = "auth_requests_total"
failed = { timeout = 'auth_requests_total{result="timeout"}', error = 'auth_requests_total{result="error"}' }
guard = "1%"

[[watch.service]]
name = "directory"
preset = "authd"
scrape = ["http://127.0.0.1:8081/metrics"]
guard = { history = "directory.tsv" }

[watch.service.probe]
every = "5s"
guard = "5%"

[[watch.service.probe.step]]
name = "ready"
url = "http://127.0.0.1:8081/readyz"
"#;
    let bench = Workbench::with(&[("forewarn.toml", plan), ("rules/alerts.yml", MENDED)]);
    insta::assert_snapshot!(bench.run(&["show", "alerts"]).whole(), @r"
    exit 0
    --- stdout
    ENVIRONMENT  ALERT                                  RANGE             FIRES AT                              FOR   GROUP WAIT  AT WORST                                  SUM                                                             WHERE
                 failing of auth                        a look every 1 s  more than 1 % fail                    0 s   0 s         2 s at 100/s, 11 s at 10/s, 99 s at 1/s   20 % fail; 0.25 false alarms a year if the guard is true        forewarn.toml:3:8
                 failing of directory                   a look every 1 s  its guard, learnt from directory.tsv  0 s   0 s         not known                                 0.25 false alarms a year                                        forewarn.toml:10:8
                 failing:dependency_error of directory  a look every 1 s  its guard, learnt from directory.tsv  0 s   0 s         not known                                 0.06 false alarms a year                                        forewarn.toml:10:8
                 failing:error of auth                  a look every 1 s  more than 1 % fail                    0 s   0 s         3 s at 100/s, 12 s at 10/s, 103 s at 1/s  20 % fail; 0.06 false alarms a year if the guard is true        forewarn.toml:3:8
                 failing:internal of directory          a look every 1 s  its guard, learnt from directory.tsv  0 s   0 s         not known                                 0.06 false alarms a year                                        forewarn.toml:10:8
                 failing:throttled of directory         a look every 1 s  its guard, learnt from directory.tsv  0 s   0 s         not known                                 0.06 false alarms a year                                        forewarn.toml:10:8
                 failing:timeout of auth                a look every 1 s  more than 1 % fail                    0 s   0 s         3 s at 100/s, 12 s at 10/s, 103 s at 1/s  20 % fail; 0.06 false alarms a year if the guard is true        forewarn.toml:3:8
                 failing:timeout of directory           a look every 1 s  its guard, learnt from directory.tsv  0 s   0 s         not known                                 0.06 false alarms a year                                        forewarn.toml:10:8
                 failing:unreachable of directory       a look every 1 s  its guard, learnt from directory.tsv  0 s   0 s         not known                                 0.06 false alarms a year                                        forewarn.toml:10:8
                 probe-failing of directory             a look every 5 s  more than 5 % fail                    0 s   0 s         1300 s at 0.2/s                           20 % fail; 0.06 false alarms a year if the guard is true        forewarn.toml:10:8
    default      DirectoryFails                         4 min             5 % fail                              60 s              not known                                 no file here says who evaluates it, or how often it is scraped  rules/alerts.yml:19:16
    default      GatewayFails                           10 min            5 % fail                              0 s               not known                                 no file here says who evaluates it, or how often it is scraped  rules/alerts.yml:28:16
    default      GatewayRefuses                         60 s              2 % fail, > 5                         0 s               not known                                 no file here says who evaluates it, or how often it is scraped  rules/alerts.yml:36:16
    default      SigninBudgetBurns                                        > (14.4 * (1 - 0.999))                0 s               not known                                 no file here says who evaluates it, or how often it is scraped  rules/alerts.yml:4:16
    default      SigninsGone                                              gone                                  60 s              not known                                 no file here says who evaluates it, or how often it is scraped  rules/alerts.yml:51:16
    default      TargetGone                                               gone                                  30 s              not known                                 no file here says who evaluates it, or how often it is scraped  rules/alerts.yml:46:16
    --- stderr
    ");
}

#[test]
fn rules_inside_a_config_map_are_found_where_they_stand() {
    let indented = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
    let manifest = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: prometheus\ndata:\n  prometheus.yml: |\n{}  alerts.yml: |\n{}",
        indented(&SERVER.replace("rules/*.yml", "/etc/prometheus/alerts.yml")),
        indented(FAULTY)
    );
    let bench = Workbench::with(&[("monitoring.yaml", &manifest)]);
    insta::assert_snapshot!(bench.run(&["check", "--format", "short", "--rule", "monitor-range-too-short"]).whole(), @r"
    exit 1
    --- stdout
    monitoring.yaml:55:75: error[monitor-range-too-short]: the alert `DirectoryFails` can never fire: `rate` needs two samples, and its range of 60 s holds one at most
    --- stderr
    1 finding: 1 error, 0 warnings, 0 notes
    read 1 file: 0 services, 0 calls, 0 settings; ran 1 rule
    ");
}
