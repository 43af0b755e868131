//! What the drills came to, as a page.

use std::process::Command;

use wire::drill::Drill;

use super::super::detect::host;
use super::{End, Had, Job, Outcome};

/// The bars, in seconds.
const DETECTION_P95: f64 = 5.0;
const DETECTION_MOST: f64 = 10.0;
const HEALTHY: f64 = 30.0;
const WHOLE: f64 = 120.0;

/// One drill, in a line.
pub(super) fn line(had: &Had) -> String {
    let left = if had.left.is_empty() {
        "nothing left".to_owned()
    } else {
        format!("LEFT: {}", had.left.join(", "))
    };
    match (&had.job, &had.outcome) {
        (Job::Whole(seed, stay), Outcome::Whole { drill: Some(drill), .. }) => {
            let broken = drill.promises.iter().filter(|promise| !promise.held);
            let broken: Vec<String> =
                broken.map(|p| format!("NOT HELD {}: {}", p.what, p.measured)).collect();
            format!(
                "seed {seed}{}: told after {} s, {:.0} s in all, {left} {}",
                if *stay { ", the fault stays" } else { "" },
                digits(drill.detection_seconds),
                drill.seconds,
                broken.join("; ")
            )
        }
        (Job::Whole(seed, _), Outcome::Whole { end, said, .. }) => {
            format!("seed {seed}: {}, {left}: {said}", ended(*end))
        }
        (Job::Ended(_, after, signal), Outcome::Ended { end, gone_after }) => {
            format!(
                "SIG{} after {after:.1} s: {}, gone after {:.1} s, {left}",
                signal.name,
                ended(*end),
                gone_after.as_secs_f64()
            )
        }
        _ => left,
    }
}

fn ended(end: End) -> String {
    match end {
        End::Code(code) => format!("exit {code}"),
        End::Never => "hung".to_owned(),
    }
}

fn digits(seconds: Option<f64>) -> String {
    seconds.map_or("never".to_owned(), |seconds| format!("{seconds:.1}"))
}

/// The page, and whether all bars are met.
pub(super) fn page(had: &[Had], ports: &[u16], at_once: usize) -> (String, bool) {
    let of = |stays: bool| {
        had.iter().filter(move |had| matches!(had.job, Job::Whole(_, stay) if stay == stays)).map(|had| {
            let Outcome::Whole { drill, .. } = &had.outcome else { return None };
            drill.as_deref()
        })
    };
    let whole = || of(false).chain(of(true));
    let all = whole().count();
    let ended = had.len() - all;
    let number = |is: &dyn Fn(&Drill) -> bool| whole().flatten().filter(|drill| is(drill)).count();
    let mut told: Vec<f64> = whole().flatten().filter_map(|drill| drill.detection_seconds).collect();
    let mut lines: Vec<f64> = whole().flatten().filter_map(|drill| drill.cause_seconds).collect();
    let mut over: Vec<f64> = of(false).flatten().filter_map(|drill| drill.recovery_seconds).collect();
    let stayed: Vec<&Drill> = of(true).flatten().collect();
    let false_ends: u64 = stayed.iter().map(|drill| drill.false_ends).sum();
    let notices: u64 = whole().flatten().map(|drill| drill.healthy_notices).sum();
    let healthy: f64 = whole().flatten().map(|drill| drill.healthy_seconds).sum();
    let least = whole().flatten().map(|drill| drill.healthy_seconds).fold(f64::INFINITY, f64::min);
    let longest = whole().flatten().map(|drill| drill.seconds).fold(0.0, f64::max);
    let left: usize = had.iter().map(|had| had.left.len()).sum();
    let said: usize = whole().flatten().map(|drill| drill.left.len()).sum();
    let mut met = true;
    let mut rows = String::new();
    let mut row = |what: &str, figure: String, bar: String, holds: bool| {
        met &= holds;
        rows += &format!("| {what} | {figure} | {bar} | {} |\n", if holds { "met" } else { "missed" });
    };
    let of_all = |count: usize| format!("{count} of {all}");
    let refused = number(&|drill| drill.refused_by_check);
    row("refused by `check`", of_all(refused), of_all(all), refused == all);
    let refused = number(&|drill| drill.refused_by_test);
    row("refused by `test`", of_all(refused), of_all(all), refused == all);
    row(
        "healthy before the edit is deployed: the shortest",
        format!("{least:.1} s"),
        format!(">= {HEALTHY} s"),
        least >= HEALTHY,
    );
    row("alerts in that time, all drills", format!("{notices} in {healthy:.0} s"), "0".into(), notices == 0);
    let three = |of: &mut Vec<f64>| {
        format!("{:.1} / {:.1} / {:.1} s", quantile(of, 0.5), quantile(of, 0.95), quantile(of, 1.0))
    };
    let in_time = told.len() == all && quantile(&mut told, 0.95) <= DETECTION_P95;
    let in_time = in_time && quantile(&mut told, 1.0) <= DETECTION_MOST;
    let bar = format!("p95 <= {DETECTION_P95} s, all <= {DETECTION_MOST} s");
    row("first failed sign-in to the alert: p50 / p95 / longest", three(&mut told), bar.clone(), in_time);
    let in_time = lines.len() == all && quantile(&mut lines, 1.0) <= DETECTION_MOST;
    row(
        "... to the line that was changed: p50 / p95 / longest",
        three(&mut lines),
        format!("all <= {DETECTION_MOST} s"),
        in_time,
    );
    row(
        "ends claimed while the fault stays",
        format!("{false_ends} in {} drills", stayed.len()),
        "0".into(),
        false_ends == 0 && stayed.len() == of(true).count(),
    );
    let ends = over.len();
    let repaired = of(false).count();
    row(
        "ends confirmed after the repair",
        format!("{ends} of {repaired}; after {}", three(&mut over)),
        format!("{repaired} of {repaired}"),
        ends == repaired,
    );
    let held = number(&|drill| drill.held);
    row("drills whose every promise held", of_all(held), of_all(all), held == all);
    let coded = had.iter().filter(|had| had.is_told_by_its_code()).count();
    row(
        "exit codes that say how it ended",
        format!("{coded} of {}", had.len()),
        format!("{0} of {0}", had.len()),
        coded == had.len(),
    );
    row(
        "the longest drill, without compiling",
        format!("{longest:.0} s"),
        format!("<= {WHOLE} s"),
        longest <= WHOLE,
    );
    row(
        "processes and files left, looked for from outside",
        format!("{left} after {all} drills and {ended} that were ended early"),
        "0".into(),
        left == 0 && said == 0,
    );
    row("ports still listening at the end", ports.len().to_string(), "0".into(), ports.is_empty());
    let list: String = had.iter().map(|had| format!("- {}\n", line(had).trim_end())).collect();
    let text = format!(
        "# Drills\n\nWhat `cargo xtask bench drill` wrote: `forewarn drill auth-timeout` by seed, {at_once} at a time on one\n\
         machine, each with its service, directory, proxy, watch and 50 sign-ins a second, half of them with `--stay`;\n\
         then drills that are ended at a random second, every other one by SIGKILL.\n\n{}\n\n\
         | what | figure | bar | |\n|---|---:|---:|---|\n{rows}\n## Each of them\n\n{list}",
        head()
    );
    (text, met)
}

fn head() -> String {
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    host(&rustc.unwrap_or_default())
}

/// The smallest figure that so many are at most.
fn quantile(figures: &mut [f64], share: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    let place = (share * figures.len() as f64).ceil() as usize;
    figures.get(place.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_figures_that_were_measured() {
        let mut figures: Vec<f64> = (1..=20).rev().map(f64::from).collect();
        assert_eq!(quantile(&mut figures, 0.5), 10.0);
        assert_eq!(quantile(&mut figures, 0.95), 19.0);
        assert_eq!(quantile(&mut figures, 1.0), 20.0);
        assert!(quantile(&mut [], 0.5).is_nan());
    }
}
