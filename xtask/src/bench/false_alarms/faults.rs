//! Long faults: none may be told to be over while it goes on, and each soon after.

use evidence::random::{Stream, Table};
use watch::alert::Notice;
use watch::plan::GuardSource;

use super::installation::{Counts, Installation, SERVICES, plan};
use super::steady::{exactly, services};
use super::{Asked, Page, median};

/// Installations whose services all fail at once, at each share.
const INSTALLATIONS: u64 = 5;
const SHARES: [f64; 2] = [0.2, 0.05];
/// Seconds before a fault, of it, and of the time after it in which its end is awaited.
const BEFORE: u64 = 3600;
const LENGTH: u64 = 86_400;
const AFTER: u64 = 2 * 86_400;

/// How one went.
#[derive(Debug, Clone, Copy, Default)]
struct Course {
    seen_after: Option<u64>,
    early_ends: u64,
    over_after: Option<u64>,
}

pub(super) fn run(asked: Asked, page: &mut Page) -> bool {
    page.line("");
    page.line(&format!("## {} faults of 24 hours at each share", INSTALLATIONS as usize * SERVICES));
    page.line("");
    page.line("| share | requests/s | guard | faults | seen after, median | told over too early | told over after its end, median |");
    page.line("|---:|---:|---:|---:|---:|---:|---:|");
    let services = services();
    let mut met = true;
    for share in SHARES {
        let seeds: Vec<u64> = (0..INSTALLATIONS).collect();
        let courses = asked.in_threads("long faults", &seeds, |seed| courses(share, *seed));
        for rate in [100.0, 10.0, 1.0] {
            for guard in [0.01, 0.0005] {
                let of_all = courses.iter().flat_map(|of| of.iter().zip(&services));
                let of: Vec<&Course> =
                    of_all.filter(|(_, service)| **service == (rate, guard)).map(|(one, _)| one).collect();
                let early: u64 = of.iter().map(|course| course.early_ends).sum();
                met &= early == 0 && of.iter().all(|course| course.seen_after.is_some());
                page.line(&format!(
                    "| {} % | {rate} | {} % | {} | {} | {early} | {} |",
                    share * 100.0,
                    guard * 100.0,
                    of.len(),
                    median(of.iter().map(|course| course.seen_after)),
                    median(of.iter().map(|course| course.over_after)),
                ));
            }
        }
    }
    page.line("");
    page.line("Bar: no end told too early.");
    met
}

/// An installation whose services all fail for a day.
fn courses(share: f64, seed: u64) -> Vec<Course> {
    let services = services();
    let tables = |share: &dyn Fn(f64) -> f64| -> Vec<(Table, Table)> {
        let of = |&(rate, guard): &(f64, f64)| {
            let share = share(guard);
            (Table::poisson(rate * share), Table::poisson(rate * (1.0 - share)))
        };
        services.iter().map(of).collect()
    };
    let (good, bad) = (tables(&exactly), tables(&|_| share));
    let mut installation = Installation::begin(plan(1.0, |at| GuardSource::Declared(services[at].1)));
    let mut stream = Stream::new(500 + seed);
    let mut courses = vec![Course::default(); SERVICES];
    let end = BEFORE + LENGTH;
    for second in 0..end + AFTER {
        let is_bad = (BEFORE..end).contains(&second);
        let tables = if is_bad { &bad } else { &good };
        installation.second(
            |at| {
                let k = tables[at].0.draw(&mut stream);
                Counts { k, n: k + tables[at].1.draw(&mut stream) }
            },
            |at, notice| {
                let course = &mut courses[at];
                match notice {
                    Notice::Opened(_) if is_bad => {
                        course.seen_after.get_or_insert(second - BEFORE + 1);
                    }
                    Notice::Ended(_) if is_bad => course.early_ends += 1,
                    Notice::Ended(_) if second >= end => {
                        course.over_after.get_or_insert(second - end + 1);
                    }
                    _ => {}
                }
            },
        );
        if second >= end && courses.iter().all(|course| course.over_after.is_some()) {
            break;
        }
    }
    assert!(installation.is_tidy(), "bug: something grows");
    courses
}
