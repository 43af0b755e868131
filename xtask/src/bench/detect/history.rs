//! What came before the run: minutes of requests and failures, drawn from a seed, in the form that each
//! side takes.

use std::fmt::Write as _;

use rig::draw::Draw;
use rig::source::{Target, Totals};

use super::groups::Service;

/// How much of it Forewarn learns its guards from, in minutes: two weeks.
const LEARNT: u64 = 14 * 24 * 60;
/// How much of it Prometheus needs, so that ranges of an hour are honest: six and a half hours.
const RANGES: u64 = 390;

/// What every total stands at when the source begins; more than any history adds up to.
pub(super) const BEGUN: Totals = Totals { succeeded: 10_000_000_000, failed: 1_000_000_000 };

/// A minute's requests that went well, and those that failed.
fn minute(draw: &mut Draw, rate: f64, base: f64) -> Totals {
    let mean = rate * 60.0;
    Totals { succeeded: draw.poisson(mean * (1.0 - base)), failed: draw.poisson(mean * base) }
}

/// For Forewarn: two weeks that end at a moment, in seconds since 1970.
pub(super) fn learnt(service: &Service, end: u64) -> String {
    let mut draw = Draw(service.seed);
    let mut text = String::from("at\trequests\tfailure\n");
    for number in (1..=LEARNT).rev() {
        let counts = minute(&mut draw, service.rate(), service.base);
        let _ = writeln!(text, "{}\t{}\t{}", end - number * 60, counts.requests(), counts.failed);
    }
    text
}

/// For Prometheus: the last hours before a moment of all targets, in OpenMetrics' text. The totals end
/// where the source begins.
pub(super) fn ranges(services: &[&Service], end: u64) -> String {
    let mut text = String::from("# TYPE login counter\n");
    for service in services {
        for (place, target) in (0u64..).zip(&service.targets) {
            series(&mut text, service, target, Draw(service.seed ^ place), end);
        }
    }
    text + "# EOF\n"
}

fn series(text: &mut String, service: &Service, target: &Target, mut draw: Draw, end: u64) {
    let mut now = BEGUN;
    let mut points = Vec::new();
    for number in 0..RANGES {
        points.push((end - number * 60, now));
        let counts = minute(&mut draw, target.rate, target.base);
        now.succeeded -= counts.succeeded;
        now.failed -= counts.failed;
    }
    let labels = format!("instance=\"{}\",job=\"login\",service=\"{}\"", target.name, service.name);
    for &(at, totals) in points.iter().rev() {
        let _ = writeln!(text, "login_total{{{labels},outcome=\"success\"}} {} {at}", totals.succeeded);
    }
    for &(at, totals) in points.iter().rev() {
        let _ = writeln!(text, "login_total{{{labels},outcome=\"failure\"}} {} {at}", totals.failed);
    }
}
