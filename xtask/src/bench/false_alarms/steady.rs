//! Shares that stay exactly at their guards.

use evidence::random::{Stream, Table};
use watch::alert::Notice;
use watch::guard::Guard;
use watch::plan::GuardSource;

use super::installation::{Counts, Installation, MONDAY, SERVICES, plan};
use super::prometheus::{Alarms, Rules};
use super::{Asked, Page, Piece};

/// Ten installation-years at one stated false alarm a year may have so many.
const BAR: f64 = 10.0;

/// Requests a second and the stated guard of each service.
pub(super) fn services() -> Vec<(f64, f64)> {
    let rate = |at: usize| [100.0, 10.0, 1.0][at / 8];
    (0..SERVICES).map(|at| (rate(at), if at.is_multiple_of(2) { 0.01 } else { 0.0005 })).collect()
}

/// The share that is exactly at a stated guard, which the watch keeps in 32 bits.
pub(super) fn exactly(guard: f64) -> f64 {
    Guard::declared(guard).at(MONDAY)
}

/// The share of failures that an objective above a guard admits, as one would choose it.
fn objective(guard: f64) -> f64 {
    if guard < 0.001 { 0.001 } else { 0.01 }
}

pub(super) fn run(asked: Asked, page: &mut Page) -> bool {
    let years = asked.years;
    let results = asked.in_threads("shares at their guards", &Piece::of(years), simulate);
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
    let services = services();
    let (mut all, mut theirs) = (0, Alarms::default());
    for rate in [100.0, 10.0, 1.0] {
        for guard in [0.01, 0.0005] {
            let mut row = (0, Alarms::default());
            let of = |at: &usize| services[*at] == (rate, guard);
            let places: Vec<usize> = (0..SERVICES).filter(of).collect();
            for result in &results {
                for &at in &places {
                    row = (row.0 + result[at].0, row.1.and(result[at].1));
                }
            }
            let (opened, rules) = row;
            page.line(&format!(
                "| {} | {rate} | {} % | {opened} | {} | {} | {} |",
                places.len(),
                guard * 100.0,
                rules.ratio,
                rules.held,
                rules.burn
            ));
            all += opened;
            theirs = theirs.and(rules);
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

/// Alerts that were told of each service, and what the rules beside it told.
fn simulate(piece: &Piece) -> Vec<(u64, Alarms)> {
    let services = services();
    let tables: Vec<(Table, Table)> = services
        .iter()
        .map(|&(rate, guard)| {
            let share = exactly(guard);
            (Table::poisson(rate * share), Table::poisson(rate * (1.0 - share)))
        })
        .collect();
    // Failures have half of the budget where there are other tests too; here they are alone and have all.
    let mut installation = Installation::begin(plan(1.0, |at| GuardSource::Declared(services[at].1)));
    let mut stream = Stream::new(1000 + piece.seed);
    let mut rules: Vec<Rules> = services.iter().map(|&(_, guard)| Rules::new(objective(guard))).collect();
    let mut opened = [0u64; SERVICES];
    piece.each_second("shares at their guards", |_| {
        installation.second(
            |at| {
                let (failures, successes) = &tables[at];
                let k = failures.draw(&mut stream);
                let n = k + successes.draw(&mut stream);
                rules[at].second(k, n);
                Counts { k, n }
            },
            |at, notice| opened[at] += u64::from(matches!(notice, Notice::Opened(_))),
        );
    });
    assert!(installation.is_tidy(), "bug: something grows");
    opened.into_iter().zip(rules.iter().map(|rules| rules.alarms)).collect()
}
