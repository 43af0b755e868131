//! Prometheus with Alertmanager, as Debian ships them, on the same targets: in several settings, each a
//! pair of processes of its own.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rig::http::{Client, Request};
use rig::process::Process;
use rig::scratch::{Scratch, free_address};
use serde_json::Value;

use super::super::service::told;
use super::super::succeed;
use super::groups::Service;

const PROMETHEUS: &str = "prometheus";
const ALERTMANAGER: &str = "prometheus-alertmanager";
const PROMTOOL: &str = "promtool";

/// How long a process may take to be ready: it reads the blocks of the history first.
const PATIENCE: Duration = Duration::from_secs(60);

/// The share over a minute above which the usual rule fires.
pub(super) const RATIO: f64 = 0.05;
/// 14.4 times the budget of an objective of 99.9 %: the page of Google's SRE workbook.
pub(super) const BURN: f64 = 14.4 * 0.001;

/// How often is scraped and evaluated, and how long Alertmanager waits; all in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) interval: u32,
    pub(super) group_wait: u32,
    pub(super) group_interval: u32,
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting { name: "15s/15s/30s", interval: 15, group_wait: 30, group_interval: 300 },
    Setting { name: "5s/5s/0s", interval: 5, group_wait: 0, group_interval: 60 },
    Setting { name: "1s/1s/0s", interval: 1, group_wait: 0, group_interval: 60 },
];

/// A rule of each service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    Ratio,
    Burn,
}

impl Rule {
    pub(super) const ALL: [Self; 2] = [Self::Ratio, Self::Burn];

    /// Its name, as alerts carry it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ratio => "ratio",
            Self::Burn => "burn",
        }
    }

    /// As the report says it.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::Ratio => "ratio[1m] > 5 %",
            Self::Burn => "14.4x of 99.9 %, 1h and 5m",
        }
    }

    /// Whether it is written for a service: an objective of 99.9 % is none where 1 % always fails.
    fn fits(self, service: &Service) -> bool {
        self == Self::Ratio || service.base < 0.001
    }

    fn expression(self, instance: &str) -> String {
        let share = |range: &str| {
            format!(
                "(sum by(instance) (rate(login_total{{outcome=\"failure\",instance=\"{instance}\"}}[{range}])) \
                 / sum by(instance) (rate(login_total{{instance=\"{instance}\"}}[{range}])))"
            )
        };
        match self {
            Self::Ratio => format!("{} > {RATIO}", share("1m")),
            Self::Burn => format!("{} > {BURN} and {} > {BURN}", share("1h"), share("5m")),
        }
    }
}

/// A Prometheus and its Alertmanager.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) setting: Setting,
    /// What the path of its webhook ends with.
    pub(super) key: String,
    pub(super) prometheus: Process,
    pub(super) alertmanager: Process,
    address: SocketAddr,
    receives: SocketAddr,
}

/// Why the peers cannot run here, if so.
pub(super) fn missing() -> Option<&'static str> {
    [PROMETHEUS, ALERTMANAGER, PROMTOOL]
        .into_iter()
        .find(|program| Command::new(program).arg("--version").output().is_err())
}

/// What they call themselves.
pub(super) fn versions() -> String {
    let first = |program: &str| {
        let output = Command::new(program).arg("--version").output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let text = text.unwrap_or_default();
        text.split(" (").next().unwrap_or_default().replace(", version", "")
    };
    format!("{}, {}", first(PROMETHEUS), first(ALERTMANAGER))
}

/// Turns a history in OpenMetrics' text into blocks, below a directory.
pub(super) fn blocks(history: &Path, to: &Path) -> Result<(), String> {
    succeed(Command::new(PROMTOOL).args(["tsdb", "create-blocks-from", "openmetrics"]).arg(history).arg(to))
}

impl Pair {
    /// A pair that is not started yet, on the services that the source shows.
    pub(super) fn new(
        key: &str,
        setting: Setting,
        services: &[&Service],
        source: SocketAddr,
        webhook: &str,
        history: &Path,
        scratch: &Arc<Scratch>,
    ) -> Result<Self, String> {
        let home = scratch.path().join(key);
        std::fs::create_dir(&home).map_err(told)?;
        succeed(Command::new("cp").arg("-r").arg(history).arg(home.join("data")))?;
        let (address, receives) = (free_address().map_err(told)?, free_address().map_err(told)?);
        let files = [
            ("rules.yml", rules(services)),
            ("prometheus.yml", configuration(setting, services, source, receives)),
            ("alertmanager.yml", routes(setting, webhook)),
        ];
        let written: Vec<PathBuf> = files.iter().map(|(name, _)| home.join(name)).collect();
        for (path, (_, text)) in written.iter().zip(&files) {
            std::fs::write(path, text).map_err(told)?;
        }
        let process = |kind: &str, program: &str, arguments: &[String]| {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            Process::new(&format!("{key}-{kind}"), Path::new(program), &arguments, scratch).within(&home)
        };
        let prometheus = process(
            "prometheus",
            PROMETHEUS,
            &[
                format!("--config.file={}", written[1].display()),
                format!("--storage.tsdb.path={}", home.join("data").display()),
                format!("--web.listen-address={address}"),
                "--log.level=warn".to_owned(),
            ],
        );
        let alertmanager = process(
            "alertmanager",
            ALERTMANAGER,
            &[
                format!("--config.file={}", written[2].display()),
                format!("--storage.path={}", home.join("notices").display()),
                format!("--web.listen-address={receives}"),
                "--cluster.listen-address=".to_owned(),
                "--log.level=warn".to_owned(),
            ],
        );
        Ok(Self { setting, key: key.to_owned(), prometheus, alertmanager, address, receives })
    }

    /// Starts both.
    pub(super) fn start(&mut self) -> Result<(), String> {
        self.alertmanager.start().map_err(told)?;
        self.prometheus.start().map_err(told)
    }

    /// Waits until both are ready.
    pub(super) fn ready(&mut self) -> Result<(), String> {
        let says = |address: SocketAddr| {
            move || {
                let mut client = Client::new(address, Duration::from_secs(2));
                client.send(&Request::get("/-/ready")).is_ok_and(|reply| reply.status == 200)
            }
        };
        self.alertmanager.when("ready", PATIENCE, says(self.receives)).map_err(told)?;
        self.prometheus.when("ready", PATIENCE, says(self.address)).map_err(told)?;
        Ok(())
    }

    /// The value of an expression that is one number.
    pub(super) fn query(&self, expression: &str) -> Option<f64> {
        let mut client = Client::new(self.address, Duration::from_secs(10));
        let reply = client.send(&Request::get(&format!("/api/v1/query?query={expression}"))).ok()?.json();
        reply["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }

    pub(super) fn processes(&self) -> [&Process; 2] {
        [&self.prometheus, &self.alertmanager]
    }
}

/// One group for each service, so that each has its own phase of evaluation.
fn rules(services: &[&Service]) -> String {
    let mut text = String::from("groups:\n");
    for service in services {
        let _ = writeln!(text, "- name: {}\n  rules:", service.name);
        for target in &service.targets {
            for rule in Rule::ALL.into_iter().filter(|rule| rule.fits(service)) {
                let _ = writeln!(
                    text,
                    "  - alert: {}\n    expr: '{}'\n    labels: {{service: {}}}",
                    rule.name(),
                    rule.expression(&target.name),
                    service.name
                );
            }
        }
    }
    text
}

fn configuration(
    setting: Setting,
    services: &[&Service],
    source: SocketAddr,
    alertmanager: SocketAddr,
) -> String {
    let interval = setting.interval;
    let mut text = format!(
        "global: {{scrape_interval: {interval}s, scrape_timeout: {interval}s, evaluation_interval: {interval}s}}\n\
         rule_files: [rules.yml]\n\
         alerting:\n  alertmanagers:\n  - static_configs: [{{targets: ['{alertmanager}']}}]\n\
         scrape_configs:\n- job_name: login\n  static_configs:\n"
    );
    for service in services {
        for target in &service.targets {
            let _ = writeln!(
                text,
                "  - targets: ['{source}']\n    labels: {{__metrics_path__: /m/{name}, instance: {name}, service: {}}}",
                service.name,
                name = target.name,
            );
        }
    }
    text
}

fn routes(setting: Setting, webhook: &str) -> String {
    format!(
        "route:\n  receiver: pager\n  group_by: [alertname, instance]\n  group_wait: {}s\n  group_interval: {}s\n\
         receivers:\n- name: pager\n  webhook_configs: [{{url: '{webhook}'}}]\n",
        setting.group_wait, setting.group_interval
    )
}

/// What a webhook of Alertmanager says of each alert: its rule, its service, and whether it is resolved.
pub(super) fn notices(body: &Value) -> Vec<(Rule, String, bool)> {
    let alerts = body["alerts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let read = |alert: &Value| {
        let name = alert["labels"]["alertname"].as_str()?;
        let rule = Rule::ALL.into_iter().find(|rule| rule.name() == name)?;
        Some((rule, alert["labels"]["service"].as_str()?.to_owned(), alert["status"] == "resolved"))
    };
    alerts.iter().filter_map(read).collect()
}
