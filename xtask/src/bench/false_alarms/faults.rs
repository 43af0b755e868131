//! Long faults: none may be told to be over while it goes on, and each soon after.

use evidence::random::Stream;
use watch::budget;
use watch::detect::Against;
use watch::guard::Signal;

use super::steady::services;
use super::world::{Alert, News};
use super::{Page, in_two_threads, plan};

const FAULTS: usize = 20;
/// Seconds of a fault, and of the time after it in which its end is awaited.
const LENGTH: u64 = 86_400;
const AFTER: u64 = 2 * 86_400;

/// How one went.
struct Course {
    seen_after: Option<u64>,
    early_ends: u64,
    over_after: Option<u64>,
}

pub(super) fn run(page: &mut Page) -> bool {
    page.line("");
    page.line(&format!("## {FAULTS} faults of 24 hours at each share"));
    page.line("");
    page.line("| share | requests/s | guard | faults | seen after, median | told over too early | told over after its end, median |");
    page.line("|---:|---:|---:|---:|---:|---:|---:|");
    let budget = budget::split(&plan(1.0));
    let services = services();
    let mut met = true;
    for share in [0.2, 0.05] {
        let work: Vec<usize> = (0..FAULTS).collect();
        let courses = in_two_threads("long faults", &work, |&at| {
            // Services in an order that has every pair of rate and guard.
            let (rate, guard) = services[at * 5 % services.len()];
            let against =
                Against { guard, dispersion: 1.0, threshold: budget.threshold(at, Signal::Failures) };
            ((rate, guard), course(rate, &against, share, at as u64))
        });
        for rate in [100.0, 10.0, 1.0] {
            for guard in [0.01, 0.0005] {
                let of: Vec<&Course> = courses
                    .iter()
                    .filter(|(service, _)| *service == (rate, guard))
                    .map(|(_, one)| one)
                    .collect();
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

fn course(rate: f64, against: &Against, share: f64, seed: u64) -> Course {
    let mut stream = Stream::new(500 + seed);
    let mut alert = Alert::default();
    let mut course = Course { seen_after: None, early_ends: 0, over_after: None };
    let begin = 3600;
    let end = begin + LENGTH;
    for second in 0..end + AFTER {
        let is_bad = (begin..end).contains(&second);
        let n = stream.poisson(rate);
        let k = stream.binomial(n, if is_bad { share } else { against.guard });
        match alert.look(second, k, n, against) {
            Some(News::Opened(_)) if is_bad && course.seen_after.is_none() => {
                course.seen_after = Some(second - begin + 1);
            }
            Some(News::Ended) if is_bad => course.early_ends += 1,
            Some(News::Ended) if second >= end => {
                course.over_after = Some(second - end + 1);
                break;
            }
            _ => {}
        }
    }
    course
}

fn median(figures: impl Iterator<Item = Option<u64>>) -> String {
    let mut figures: Vec<u64> = figures.map(|figure| figure.unwrap_or(u64::MAX)).collect();
    figures.sort_unstable();
    match figures.get(figures.len() / 2) {
        None => String::new(),
        Some(&u64::MAX) => "never".to_owned(),
        Some(figure) => format!("{figure} s"),
    }
}
