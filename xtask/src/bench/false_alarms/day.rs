//! A load that moves over the day, a hundredfold between night and day, with guards learnt from 28 days of
//! it: whether that raises alarms, with shares that stay and with shares that move with the hour; and how
//! long a fault takes to be seen by night, by day and at weekends.

use std::f64::consts::TAU;
use std::ops::Range;
use std::sync::Arc;

use evidence::random::{Stream, Table};
use watch::alert::Notice;
use watch::guard::Learnt;
use watch::time::At;

use super::installation::{Counts, MONDAY, SERVICES};
use super::learnt::{DAYS, Load, STATED, a_year, alarms, guards, implied, installation};
use super::prometheus::Alarms;
use super::{Asked, Page, quantile};

const MOST_YEARS: f64 = 5.0;
const SEEDS: usize = 3;
/// Requests a second by night, and by day.
const LOADS: [(f64, f64); 2] = [(2.0, 200.0), (0.2, 20.0)];
/// The share of failures by night, and by day.
const SHARES: [(&str, f64, f64); 4] = [
    ("stays", 0.01, 0.01),
    ("stays", 0.0005, 0.0005),
    ("rises by day", 0.005, 0.02),
    ("rises by night", 0.02, 0.005),
];
/// At weekends a day comes so near to that of a working day, on the logarithm of the rate.
const WEEKEND: f64 = 0.7;
/// The quietest hour of the day, from 00:00.
const QUIETEST: f64 = 4.0;
/// The load is the same for so long.
const STRETCH: u64 = 15 * 60;
const STRETCHES: u64 = 7 * DAY / STRETCH;
const DAY: u64 = 86_400;
const HOUR: u64 = 3_600;

/// The share that fails in a fault.
const FAULT: f64 = 0.2;
/// Weeks in which each service has one by night and one by day, and how long they go on.
const WEEKS: u64 = 4;
const LENGTH: u64 = HOUR;
/// They begin within so long of their hour.
const WITHIN: usize = HOUR as usize / 2;
const NIGHT: u64 = 3 * HOUR;
const NOON: u64 = 15 * HOUR;

/// How far a moment is from the quietest of the day (0) to the busiest (1).
fn by_day(second_of_day: u64) -> f64 {
    let hour = second_of_day as f64 / HOUR as f64;
    (1.0 - ((hour - QUIETEST) / 24.0 * TAU).cos()) / 2.0
}

fn is_weekend(second_of_week: u64) -> bool {
    second_of_week / DAY >= 5
}

/// Requests a second and the share of failures, at a moment of the week.
fn of_week(load: (f64, f64), share: (f64, f64), second: u64) -> (f64, f64) {
    let by_day = by_day(second % DAY);
    let busy = if is_weekend(second) { by_day * WEEKEND } else { by_day };
    (load.0 * (load.1 / load.0).powf(busy), share.0 * (share.1 / share.0).powf(by_day))
}

/// A quarter of an hour of the week.
struct Stretch {
    rate: f64,
    share: f64,
    failures: Table,
    successes: Table,
    /// ... while a fault goes on.
    bad: (Table, Table),
}

impl Stretch {
    fn of((rate, share): (f64, f64)) -> Self {
        let tables = |share: f64| (Table::poisson(rate * share), Table::poisson(rate * (1.0 - share)));
        let (failures, successes) = tables(share);
        Self { rate, share, failures, successes, bad: tables(FAULT) }
    }
}

/// The requests of a service over the week.
#[derive(Clone)]
struct Week {
    stretches: Arc<Vec<Stretch>>,
    now: usize,
    objective: f64,
}

impl Week {
    fn of(load: (f64, f64), share: (f64, f64)) -> Self {
        let middle = |at: u64| at * STRETCH + STRETCH / 2;
        let stretches = (0..STRETCHES).map(|at| Stretch::of(of_week(load, share, middle(at))));
        Self { stretches: Arc::new(stretches.collect()), now: 0, objective: share.0.max(share.1) }
    }

    fn now(&self) -> &Stretch {
        &self.stretches[self.now]
    }

    fn bad_second(&self, stream: &mut Stream) -> Counts {
        let (failures, successes) = &self.now().bad;
        let k = failures.draw(stream);
        Counts { k, n: k + successes.draw(stream) }
    }
}

impl Load for Week {
    fn turn(&mut self, at: At, _: &mut Stream) {
        let stretch = (at.0 - MONDAY.0) / 1000 / STRETCH % STRETCHES;
        self.now = stretch as usize;
    }

    fn second(&self, stream: &mut Stream) -> Counts {
        let Stretch { failures, successes, .. } = self.now();
        let k = failures.draw(stream);
        Counts { k, n: k + successes.draw(stream) }
    }

    fn minute(&self, stream: &mut Stream) -> Counts {
        let &Stretch { rate, share, .. } = self.now();
        let k = stream.poisson(rate * share * 60.0);
        Counts { k, n: k + stream.poisson(rate * (1.0 - share) * 60.0) }
    }

    fn objective(&self) -> f64 {
        self.objective
    }
}

/// One installation: each load with each share, some times.
fn services() -> Vec<Week> {
    let mut services = Vec::new();
    for load in LOADS {
        for (_, night, day) in SHARES {
            let week = Week::of(load, (night, day));
            services.extend(std::iter::repeat_n(week, SEEDS));
        }
    }
    assert_eq!(services.len(), SERVICES, "bug: it is one installation");
    services
}

/// Services of a kind.
struct Row {
    load: (f64, f64),
    share: (&'static str, f64, f64),
    places: Range<usize>,
}

/// The kinds of its services.
fn rows() -> impl Iterator<Item = Row> {
    let kinds = LOADS.into_iter().flat_map(|load| SHARES.into_iter().map(move |share| (load, share)));
    let row = |(at, (load, share))| Row { load, share, places: at * SEEDS..(at + 1) * SEEDS };
    kinds.enumerate().map(row)
}

fn words((name, night, day): (&str, f64, f64)) -> String {
    if night == day {
        format!("{name} at {} %", night * 100.0)
    } else {
        format!("{name}, {}-{} %", night.min(day) * 100.0, night.max(day) * 100.0)
    }
}

pub(super) fn run(asked: Asked, page: &mut Page) -> bool {
    let services = services();
    let is_quiet = alone(asked, &services, page);
    let are_seen = faults(asked, &services, page);
    is_quiet && are_seen
}

/// False alarms.
fn alone(asked: Asked, services: &[Week], page: &mut Page) -> bool {
    let years = asked.years.min(MOST_YEARS);
    let what = "loads that move over the day";
    let guards = guards(asked, what, services, STATED);
    let results = alarms(asked, what, services, &guards, years);
    page.line("");
    page.line(&format!("## Loads that move over the day: {years} years of {SERVICES} services"));
    page.line("");
    page.line(&format!(
        "Requests follow the hour, a hundredfold from 04:00 to 16:00, and less at weekends. Guards are learnt from {DAYS}"
    ));
    page.line(&format!(
        "days of the same service, by the hour of the week where the share moves with it. Stated for the installation: {STATED} a"
    ));
    page.line(&format!("year, so {SEEDS} for the services of a row."));
    page.line("");
    page.line("| requests/s | share | guard | implied a year | came a year (95 %) | `ratio[1m] > 5 %` a year | ... `for: 1m` |");
    page.line("|---:|---|---:|---:|---:|---:|---:|");
    let (mut met, mut all) = (true, 0);
    for Row { load, share, places } in rows() {
        let guards = &guards[places.clone()];
        let levels = || guards.iter().flat_map(|learnt| &learnt.guard.level).map(|level| level * 100.0);
        let (least, most) = (levels().fold(f32::INFINITY, f32::min), levels().fold(0.0, f32::max));
        let stated: f64 = guards.iter().map(|learnt| implied(&learnt.guard)).sum();
        let of_row = &results[places];
        let opened: u64 = of_row.iter().map(|(opened, _)| opened).sum();
        let rules = of_row.iter().fold(Alarms::default(), |sum, (_, rules)| sum.and(*rules));
        let (came, from, to) = a_year(opened, years);
        met &= from <= SEEDS as f64;
        all += opened;
        page.line(&format!(
            "| {}-{} | {} | {least:.3}-{most:.3} % | {stated:.2} | {came:.2} ({from:.2}-{to:.2}) | {:.0} | {:.0} |",
            load.0,
            load.1,
            words(share),
            rules.ratio as f64 / years,
            rules.held as f64 / years,
        ));
    }
    let (came, least, most) = a_year(all, years);
    page.line("");
    page.line(&format!(
        "All together {came:.1} a year ({least:.1}-{most:.1}). Bar: no more than stated, of all and in each row, as far as so many years tell."
    ));
    met && least <= STATED
}

/// When a fault begins.
#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    Night,
    Day,
    Weekend,
}

impl When {
    const ALL: [Self; 3] = [Self::Night, Self::Day, Self::Weekend];

    /// The one of a moment, and how long ago its hour began.
    fn of(second: u64) -> Option<(Self, u64)> {
        let of_day = second % DAY;
        let since = |hour: u64| of_day.checked_sub(hour).filter(|since| *since < 2 * LENGTH);
        match (is_weekend(second % (7 * DAY)), since(NIGHT), since(NOON)) {
            (false, Some(since), _) => Some((Self::Night, since)),
            (false, _, Some(since)) => Some((Self::Day, since)),
            (true, _, Some(since)) => Some((Self::Weekend, since)),
            _ => None,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Night => "by night, 03:00",
            Self::Day => "by day, 15:00",
            Self::Weekend => "weekend, 15:00",
        }
    }

    /// A moment of the week that is one.
    fn moment(self) -> u64 {
        match self {
            Self::Night => NIGHT,
            Self::Day => NOON,
            Self::Weekend => 5 * DAY + NOON,
        }
    }
}

/// A fault of a service, that is to come, goes on or went.
#[derive(Debug, Clone, Copy)]
struct Fault {
    when: When,
    /// From so long after its hour on.
    begins: u64,
    seen_after: Option<u64>,
    early_ends: u64,
}

/// How long faults take to be seen.
fn faults(asked: Asked, services: &[Week], page: &mut Page) -> bool {
    let guards = guards(asked, "loads that move over the day", services, 1.0);
    let faults = seen(services, &guards);
    page.line("");
    page.line(&format!("### A fault of {} % in them", FAULT * 100.0));
    page.line("");
    page.line(&format!(
        "{WEEKS} weeks of an installation that states one false alarm a year, guards learnt as above: each service fails for an"
    ));
    page.line("hour once every night and once every day.");
    page.line("");
    page.line("| requests/s | share | when | requests/s then | guard then | faults | seen after, p50 | p95 | longest | not seen | told over too early |");
    page.line("|---:|---|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    let (mut met, mut all, mut ends) = (true, 0, 0);
    for Row { load, share, places } in rows() {
        for when in When::ALL {
            let of: Vec<&Fault> =
                faults[places.clone()].iter().flatten().filter(|fault| fault.when == when).collect();
            let (rate, _) = of_week(load, (share.1, share.2), when.moment());
            let guard = guards[places.start].guard.at(At(MONDAY.0 + when.moment() * 1000));
            let delays = || of.iter().map(|fault| fault.seen_after);
            let missed = of.iter().filter(|fault| fault.seen_after.is_none()).count();
            let early: u64 = of.iter().map(|fault| fault.early_ends).sum();
            met &= missed == 0;
            (all, ends) = (all + of.len() as u64, ends + early);
            page.line(&format!(
                "| {}-{} | {} | {} | {rate:.1} | {:.3} % | {} | {} | {} | {} | {missed} | {early} |",
                load.0,
                load.1,
                words(share),
                when.words(),
                guard * 100.0,
                of.len(),
                quantile(delays(), 0.5),
                quantile(delays(), 0.95),
                quantile(delays(), 1.0),
            ));
        }
    }
    page.line("");
    page.line(&format!(
        "{all} faults, {ends} told over too early. Bar: each is seen while it goes on, and fewer than one of a hundred is told over"
    ));
    page.line("too early: where few requests come, those that told of the fault may have failed more often than it makes them.");
    met && ends * 100 < all
}

/// The faults of each service.
fn seen(services: &[Week], guards: &[Learnt]) -> Vec<Vec<Fault>> {
    let mut installation = installation(guards, 1.0);
    let mut services = services.to_vec();
    let mut stream = Stream::new(11_000);
    let mut faults: Vec<Vec<Fault>> = vec![Vec::new(); services.len()];
    for second in 0..WEEKS * 7 * DAY {
        if second.is_multiple_of(60) {
            let at = installation.next();
            services.iter_mut().for_each(|service| service.turn(at, &mut stream));
        }
        let when = When::of(second);
        if let Some((when, 0)) = when {
            for faults in &mut faults {
                let begins = stream.below(WITHIN) as u64;
                faults.push(Fault { when, begins, seen_after: None, early_ends: 0 });
            }
        }
        // Since when the last fault of a service goes on, if it does.
        let goes_on = |faults: &[Fault]| {
            let since = when?.1.checked_sub(faults.last()?.begins)?;
            (since < LENGTH).then_some(since)
        };
        let since: Vec<Option<u64>> = faults.iter().map(|faults| goes_on(faults)).collect();
        installation.second(
            |at| match since[at] {
                Some(_) => services[at].bad_second(&mut stream),
                None => services[at].second(&mut stream),
            },
            |at, notice| {
                let (Some(since), Some(fault)) = (since[at], faults[at].last_mut()) else { return };
                match notice {
                    Notice::Opened(_) => {
                        fault.seen_after.get_or_insert(since + 1);
                    }
                    Notice::Ended(_) => fault.early_ends += 1,
                    Notice::Changed(_) | Notice::Again(_) => {}
                }
            },
        );
    }
    assert!(installation.is_tidy(), "bug: something grows");
    faults
}
