//! Shares that stay exactly at their guards.

use evidence::random::{Stream, Table};
use watch::budget;
use watch::detect::Against;
use watch::guard::Signal;

use super::prometheus::{Alarms, Rules};
use super::world::{Alert, News};
use super::{LOOKS, Page, SERVICES, in_two_threads, plan};

/// Ten installation-years at one stated false alarm a year may have so many.
const BAR: f64 = 10.0;

/// Requests a second and the guard of each service.
pub(super) fn services() -> Vec<(f64, f64)> {
    let rate = |at: usize| [100.0, 10.0, 1.0][at / 8];
    (0..SERVICES).map(|at| (rate(at), if at.is_multiple_of(2) { 0.01 } else { 0.0005 })).collect()
}

/// The share of failures that an objective above a guard admits, as one would choose it.
fn objective(guard: f64) -> f64 {
    if guard < 0.001 { 0.001 } else { 0.01 }
}

pub(super) fn run(years: f64, page: &mut Page) -> bool {
    // Failures have half of the budget where there are other tests too; here they are alone and have all.
    let budget = budget::split(&plan(1.0));
    let looks = (LOOKS * years) as u64;
    let work: Vec<(usize, (f64, f64))> = services().into_iter().enumerate().collect();
    let results = in_two_threads("shares at their guards", &work, |&(at, (rate, guard))| {
        let threshold = budget.threshold(at, Signal::Failures);
        let against = Against { guard, dispersion: 1.0, threshold };
        let (failures, successes) = (Table::poisson(rate * guard), Table::poisson(rate * (1.0 - guard)));
        let mut stream = Stream::new(1000 + at as u64);
        let (mut alert, mut rules, mut opened) = (Alert::default(), Rules::new(objective(guard)), 0u64);
        for second in 0..looks {
            let k = failures.draw(&mut stream);
            let n = k + successes.draw(&mut stream);
            opened += u64::from(matches!(alert.look(second, k, n, &against), Some(News::Opened(_))));
            rules.second(k, n);
        }
        (opened, rules.alarms)
    });
    page.line("");
    page.line(&format!("## Shares exactly at their guards: {years} years of {SERVICES} services"));
    page.line("");
    page.line("Stated: one false alarm a year for the whole installation. Prometheus scrapes and evaluates every 15 s;");
    page.line(
        "the objectives of its burn rate are 99 % where the guard is 1 %, and 99.9 % where it is 0.05 %.",
    );
    page.line("");
    page.line(
        "| services | requests/s | guard | Forewarn | `ratio[1m] > 5 %` | ... `for: 1m` | 14.4x 1h/5m |",
    );
    page.line("|---:|---:|---:|---:|---:|---:|---:|");
    let (mut all, mut theirs) = (0, Alarms::default());
    for rate in [100.0, 10.0, 1.0] {
        for guard in [0.01, 0.0005] {
            let mut row = (0, 0, Alarms::default());
            for ((_, service), (opened, rules)) in work.iter().zip(&results) {
                if *service == (rate, guard) {
                    row = (row.0 + 1, row.1 + opened, sum(row.2, *rules));
                }
            }
            let (services, opened, rules) = row;
            page.line(&format!(
                "| {services} | {rate} | {} % | {opened} | {} | {} | {} |",
                guard * 100.0,
                rules.ratio,
                rules.held,
                rules.burn
            ));
            all += opened;
            theirs = sum(theirs, rules);
        }
    }
    page.line(&format!(
        "| {SERVICES} | | | **{all}** | {} | {} | {} |",
        theirs.ratio, theirs.held, theirs.burn
    ));
    page.line("");
    page.line(&format!("Bar: {BAR} in ten years, here {:.1}.", BAR * years / 10.0));
    // In less than ten years one is too many only by chance.
    all as f64 <= (BAR * years / 10.0).max(2.0)
}

fn sum(one: Alarms, other: Alarms) -> Alarms {
    Alarms { ratio: one.ratio + other.ratio, held: one.held + other.held, burn: one.burn + other.burn }
}
