//! Tests of the rules for `promtool test rules`: counts at half the guard are quiet, a fault is told in
//! the time that the rule states and ends with the fault, and no alert ends when the target dies.

use std::fmt::Write as _;
use std::time::Duration;

use super::promql::{example, labels, length, quoted, selects};
use super::rules::{Alert, blind, burning, failed, failing, target_down};
use super::{Known, Pace, RULES, delay};

/// Requests a second of the tests.
const RATE: u64 = 100;
/// Scrapes of each phase of a test: what comes before the fault, the fault, what comes after.
const PHASE: u64 = 40;

pub(super) fn written(all: &[Known<'_>], pace: Pace, left_out: &mut Vec<String>) -> String {
    let mut cases = String::new();
    for known in all {
        match Load::of(known, pace) {
            Some(load) => load.cases(&mut cases, known, all, pace),
            None => left_out.push(format!(
                "tests of the rules of {}, whose selectors or guard give no simple series",
                known.name()
            )),
        }
    }
    let cases = if cases.is_empty() { " []\n".to_owned() } else { format!("\n{cases}") };
    format!(
        "# Written by `forewarn export prometheus`; run with `promtool test rules`.\n\
         rule_files:\n  - {RULES}\nevaluation_interval: {}\ntests:{cases}",
        length(pace.scrape)
    )
}

/// Series of a service, and how fast they count.
struct Load {
    fine: String,
    bad: String,
    target: String,
    /// The failing series is one of those that count requests.
    within: bool,
    /// Requests a scrape.
    all: u64,
    /// Failures a scrape, when all is as usual and during the fault.
    usual: u64,
    fault: u64,
    /// How long the rule may take.
    within_time: Duration,
}

impl Load {
    fn of(known: &Known<'_>, pace: Pace) -> Option<Self> {
        let (guard, dispersion) = known.failures?;
        let bad = failed(known).into_iter().find_map(|selector| Some((selector, example(selector)?)))?;
        let fine = known.mapping.requests.first()?;
        let fine = (fine, example(fine)?);
        for selector in failed(known) {
            // Fine requests that would count as failed make no test.
            if selector.metric == fine.0.metric && selects(selector, &fine.1)? {
                return None;
            }
        }
        let mut within = false;
        for selector in &known.mapping.requests {
            within |= selector.metric == bad.0.metric && selects(selector, &bad.1)?;
        }
        let target = format!("job=\"{0}\",instance=\"{0}-1\"", known.name());
        let series = |metric: &str, mut given: Vec<(String, String)>| {
            given.retain(|(label, _)| label != "job" && label != "instance");
            let text = labels(&given);
            format!("{metric}{{{target}{}{text}}}", if text.is_empty() { "" } else { "," })
        };
        let share = (1.0 + guard) / 2.0;
        let within_time = delay(share, RATE as f64, guard, pace.failures * dispersion, pace)?;
        let all = (RATE as f64 * pace.scrape.as_secs_f64()).round().max(1.0);
        Some(Self {
            fine: series(&fine.0.metric, fine.1),
            bad: series(&bad.0.metric, bad.1),
            target: target.clone(),
            within,
            all: all as u64,
            usual: (all * guard / 2.0) as u64,
            fault: (all * share).ceil() as u64,
            within_time,
        })
    }

    /// The values of both series, phase by phase: failures a scrape, for [`PHASE`] scrapes each.
    fn values(&self, phases: &[u64]) -> (String, String) {
        let (mut fine, mut bad) = (String::from("0"), String::from("0"));
        let (mut fine_total, mut bad_total) = (0, 0);
        for failures in phases {
            let good = if self.within { self.all.saturating_sub(*failures) } else { self.all };
            let _ = write!(fine, " {}+{good}x{}", fine_total + good, PHASE - 1);
            let _ = write!(bad, " {}+{failures}x{}", bad_total + failures, PHASE - 1);
            fine_total += good * PHASE;
            bad_total += failures * PHASE;
        }
        (fine, bad)
    }

    fn cases(&self, yaml: &mut String, known: &Known<'_>, all: &[Known<'_>], pace: Pace) {
        let Some(failing) = failing(known, pace) else { return };
        let phase = |phases: u64| pace.scrape * u32::try_from(phases * PHASE).unwrap_or(u32::MAX);
        let seen = round_up(phase(1) + self.within_time, pace.scrape);
        let name = known.name();

        self.begin(
            yaml,
            &format!("{name}: a fault is told in time and ends with the fault"),
            pace,
            &[self.usual, self.fault, self.usual],
        );
        alerts(yaml, phase(1), failing.name, &[]);
        alerts(yaml, seen, failing.name, &[&failing]);
        alerts(yaml, phase(2), failing.name, &[&failing]);
        alerts(yaml, phase(3), failing.name, &[]);

        self.begin(
            yaml,
            &format!("{name}: the target dies in the middle of a fault, and no alert ends"),
            pace,
            &[self.usual, self.fault],
        );
        let down = target_down(known, pace);
        // A test has series of one service alone: the others are not seen at all.
        let blind: Vec<Alert> = all.iter().map(|known| blind(known, pace)).collect();
        for later in [1, 2, 4, 8, 20, 80, 200] {
            alerts(yaml, phase(2) + pace.scrape * later, failing.name, &[&failing]);
        }
        let later = phase(2) + pace.scrape * 8;
        down_alerts(yaml, later, &down, name);
        alerts(yaml, later, "ForewarnBlind", &blind.iter().collect::<Vec<_>>());

        let burning = burning(known);
        if !burning.is_empty() {
            self.begin(yaml, &format!("{name}: the budget burns"), pace, &[0, self.fault]);
            let burning: Vec<&Alert> = burning.iter().map(|(alert, ..)| alert).collect();
            alerts(yaml, phase(1), "ForewarnBurning", &[]);
            alerts(yaml, phase(2), "ForewarnBurning", &burning);
        }
    }

    fn begin(&self, yaml: &mut String, name: &str, pace: Pace, phases: &[u64]) {
        let (fine, bad) = self.values(phases);
        let _ = writeln!(
            yaml,
            "  - name: {}\n    interval: {}\n    input_series:",
            quoted(name),
            length(pace.scrape)
        );
        let scrapes = phases.len() as u64 * PHASE;
        let up = format!("1x{scrapes} 0x240");
        for (series, values) in [(&self.fine, format!("{fine} stale")), (&self.bad, format!("{bad} stale"))] {
            let _ = writeln!(yaml, "      - series: {}\n        values: {}", quoted(series), quoted(&values));
        }
        let series = quoted(&format!("up{{{}}}", self.target));
        let _ = writeln!(yaml, "      - series: {series}\n        values: {}", quoted(&up));
        yaml.push_str("    alert_rule_test:\n");
    }
}

fn round_up(length: Duration, step: Duration) -> Duration {
    let steps = length.as_millis().div_ceil(step.as_millis().max(1));
    step * u32::try_from(steps).unwrap_or(u32::MAX)
}

fn alerts(yaml: &mut String, at: Duration, name: &str, expected: &[&Alert]) {
    let _ = writeln!(yaml, "      - eval_time: {}\n        alertname: {name}", length(at));
    if expected.is_empty() {
        yaml.push_str("        exp_alerts: []\n");
        return;
    }
    yaml.push_str("        exp_alerts:\n");
    for alert in expected {
        one(yaml, alert, &[]);
    }
}

/// An alert that names its target too.
fn down_alerts(yaml: &mut String, at: Duration, alert: &Alert, service: &str) {
    let _ = writeln!(
        yaml,
        "      - eval_time: {}\n        alertname: {}\n        exp_alerts:",
        length(at),
        alert.name
    );
    one(yaml, alert, &[("job", service.to_owned()), ("instance", format!("{service}-1"))]);
}

fn one(yaml: &mut String, alert: &Alert, more: &[(&str, String)]) {
    yaml.push_str("          - exp_labels:\n");
    for (label, value) in alert.labels.iter().chain(more) {
        let _ = writeln!(yaml, "              {label}: {}", quoted(value));
    }
    yaml.push_str("            exp_annotations:\n");
    for (name, text) in &alert.annotations {
        let _ = writeln!(yaml, "              {name}: {}", quoted(text));
    }
}
