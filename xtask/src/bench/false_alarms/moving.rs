//! Shares that move by themselves, with guards learnt from 28 days of their own: whether the rate of false
//! alarms that is stated is the one that comes.

use evidence::random::{Stream, Table};
use watch::budget;
use watch::guard::{Signal, learn};
use watch::history::Minute;
use watch::tally::Tally;
use watch::time::At;

use super::prometheus::{Alarms, Rules};
use super::world::{Alert, Kind, News, Share};
use super::{Page, in_two_threads, plan};

const DAYS: u64 = 28;
const MEAN: f64 = 0.01;
const MINUTES_A_YEAR: f64 = 525_960.0;
/// Stated for the whole installation, so that alarms enough come to be counted.
const STATED: f64 = 24.0;
/// Years for each that is asked for: alarms are counted of single services.
const TIMES: f64 = 1.0;
/// The stated rate may be off by this factor.
const FACTOR: f64 = 3.0;
const SEEDS: u64 = 3;

struct Case {
    name: &'static str,
    kind: Kind,
    deviation: f64,
    rate: f64,
    seed: u64,
}

struct Result {
    guard: f64,
    dispersion: f64,
    implied: f64,
    alarms: u64,
    rules: Alarms,
}

pub(super) fn run(years: f64, page: &mut Page) -> bool {
    let years = (years * TIMES).max(2.0);
    let kinds = [
        ("lognormal, 5 min", Kind::Lognormal { minutes: 5.0 }, 0.3),
        ("lognormal, 30 min", Kind::Lognormal { minutes: 30.0 }, 0.6),
        ("beta, 1 min", Kind::Beta, 0.3),
        ("beta, 1 min", Kind::Beta, 0.6),
    ];
    let mut work = Vec::new();
    for (name, kind, deviation) in kinds {
        for rate in [100.0, 10.0, 1.0] {
            work.extend((0..SEEDS).map(|seed| Case { name, kind, deviation, rate, seed }));
        }
    }
    let results = in_two_threads("shares that move", &work, |case| simulate(case, years));
    page.line("");
    page.line(&format!("## Shares that move, around 1 %: {years} years of each service"));
    page.line("");
    page.line(&format!(
        "Guards are learnt from {DAYS} days of the same service. Stated for the installation: {STATED} a year, so one a"
    ));
    page.line("year for each service; `implied` is what the product prints beside it.");
    page.line("");
    page.line("| share | deviation | requests/s | guard | dispersion | implied a year | came a year (95 %) | within 3x | `ratio[1m] > 5 %` a year | ... `for: 1m` |");
    page.line("|---|---:|---:|---:|---:|---:|---:|---|---:|---:|");
    let (mut within, mut implied, mut came) = (0, 0.0, 0.0);
    for (case, result) in work.iter().zip(&results) {
        let a_year = result.alarms as f64 / years;
        let (least, most) = poisson_interval(result.alarms);
        let (least, most) = (least / years, most / years);
        let is_within = least <= result.implied * FACTOR && most >= result.implied / FACTOR;
        within += usize::from(is_within);
        implied += result.implied;
        came += a_year;
        page.line(&format!(
            "| {} | {} % | {} | {:.2} % | {} | {:.2} | {a_year:.2} ({least:.2}-{most:.2}) | {} | {:.0} | {:.0} |",
            case.name,
            case.deviation * 100.0,
            case.rate,
            result.guard * 100.0,
            result.dispersion,
            result.implied,
            if is_within { "yes" } else { "no" },
            result.rules.ratio as f64 / years,
            result.rules.held as f64 / years,
        ));
    }
    let factor = came / implied;
    page.line("");
    page.line(&format!(
        "Within a factor of {FACTOR}, as far as so many years tell: {within} of {}. All together: implied {implied:.1}, came {came:.1} a year, a factor of {factor:.2}.",
        work.len()
    ));
    page.line(&format!("Bar: a factor of {FACTOR} for the sum, and for nine of ten services."));
    (FACTOR.recip()..=FACTOR).contains(&factor) && within * 10 >= work.len() * 9
}

fn simulate(case: &Case, years: f64) -> Result {
    let mut stream = Stream::new(7000 + case.seed);
    let mut share = Share::new(case.kind, MEAN, case.deviation);
    let history: Vec<Minute> = (0..DAYS * 1440)
        .map(|minute| {
            let requests = stream.poisson(case.rate * 60.0);
            let share = share.next(&mut stream);
            let failed = vec![stream.binomial(requests, share)];
            Minute { at: At(minute * 60_000), tally: Tally { requests, failed, ..Tally::default() } }
        })
        .collect();
    let plan = plan(STATED);
    let learnt = learn(&history, &plan, 0);
    let guard = &learnt.first().expect("bug: 28 days are enough for a guard").guard;
    let threshold = budget::split(&plan).threshold(0, Signal::Failures);
    let requests = Table::poisson(case.rate);
    let (mut alert, mut rules, mut alarms) = (Alert::default(), Rules::new(MEAN), 0);
    for minute in 0..(MINUTES_A_YEAR * years) as u64 {
        let share = share.next(&mut stream);
        let against = guard.against(At(minute * 60_000), threshold);
        for second in 0..60 {
            let n = requests.draw(&mut stream);
            let k = stream.binomial(n, share);
            alarms +=
                u64::from(matches!(alert.look(minute * 60 + second, k, n, &against), Some(News::Opened(_))));
            rules.second(k, n);
        }
    }
    Result {
        guard: guard.at(At(0)),
        dispersion: f64::from(guard.dispersion),
        implied: guard.implied.expect("bug: 28 days are enough for a rate"),
        alarms,
        rules: rules.alarms,
    }
}

/// What may be expected where so many came, with 95 %, by the normal approximation of a Poisson count's
/// root, which is good from a few on.
fn poisson_interval(count: u64) -> (f64, f64) {
    let root = |count: f64| count.max(0.0).sqrt();
    let least = (root(count as f64) - 0.98).max(0.0).powi(2);
    (least, (root(count as f64 + 1.0) + 0.98).powi(2))
}
