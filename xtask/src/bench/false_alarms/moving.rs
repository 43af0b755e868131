//! Shares that move by themselves, with guards learnt from 28 days of their own: whether the rate of false
//! alarms that is stated is the one that comes.

use evidence::random::{Stream, Table};
use watch::time::At;

use super::installation::{Counts, MONDAY, SERVICES};
use super::learnt::{DAYS, FACTOR, Load, STATED, a_year, alarms, guards, implied};
use super::share::{Kind, Share};
use super::{Asked, Page};

const MEAN: f64 = 0.01;
/// Alarms are counted of single services, and are many: fewer years than of shares that stay are enough.
const MOST_YEARS: f64 = 5.0;
const SEEDS: usize = 2;

const KINDS: [(&str, Kind, f64); 4] = [
    ("lognormal, 5 min", Kind::Lognormal { minutes: 5.0 }, 0.3),
    ("lognormal, 30 min", Kind::Lognormal { minutes: 30.0 }, 0.6),
    ("beta, 1 min", Kind::Beta, 0.3),
    ("beta, 1 min", Kind::Beta, 0.6),
];
const RATES: [f64; 3] = [100.0, 10.0, 1.0];

/// Requests at a rate that stays, whose share of failures does not.
#[derive(Clone)]
struct Moving {
    name: &'static str,
    rate: f64,
    requests: Table,
    share: Share,
    now: f64,
}

impl Load for Moving {
    fn turn(&mut self, _: At, stream: &mut Stream) {
        self.now = self.share.next(stream);
    }

    fn second(&self, stream: &mut Stream) -> Counts {
        let n = self.requests.draw(stream);
        Counts { k: stream.binomial(n, self.now), n }
    }

    fn minute(&self, stream: &mut Stream) -> Counts {
        let n = stream.poisson(self.rate * 60.0);
        Counts { k: stream.binomial(n, self.now), n }
    }

    fn objective(&self) -> f64 {
        MEAN
    }
}

/// One installation of them all.
fn services() -> Vec<Moving> {
    let of = |place: usize| {
        let (name, kind, deviation) = KINDS[place / (RATES.len() * SEEDS)];
        let rate = RATES[place / SEEDS % RATES.len()];
        let share = Share::new(kind, MEAN, deviation);
        Moving { name, rate, requests: Table::poisson(rate), share, now: MEAN }
    };
    (0..SERVICES).map(of).collect()
}

pub(super) fn run(asked: Asked, page: &mut Page) -> bool {
    let years = asked.years.min(MOST_YEARS);
    let services = services();
    let what = "shares that move";
    let guards = guards(asked, what, &services, STATED);
    let results = alarms(asked, what, &services, &guards, years);
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
    let (mut within, mut stated, mut came) = (0, 0.0, 0.0);
    for ((service, learnt), (opened, rules)) in services.iter().zip(&guards).zip(&results) {
        let (guard, of_guard) = (&learnt.guard, implied(&learnt.guard));
        let (of_service, least, most) = a_year(*opened, years);
        let is_within = least <= of_guard * FACTOR && most >= of_guard / FACTOR;
        within += usize::from(is_within);
        stated += of_guard;
        came += of_service;
        page.line(&format!(
            "| {} | {} % | {} | {:.2} % | {} | {of_guard:.2} | {of_service:.2} ({least:.2}-{most:.2}) | {} | {:.0} | {:.0} |",
            service.name,
            service.share.deviation * 100.0,
            service.rate,
            guard.at(MONDAY) * 100.0,
            guard.dispersion,
            if is_within { "yes" } else { "no" },
            rules.ratio as f64 / years,
            rules.held as f64 / years,
        ));
    }
    let factor = came / stated;
    page.line("");
    page.line(&format!(
        "Within a factor of {FACTOR}, as far as so many years tell: {within} of {SERVICES}. All together: implied {stated:.1}, came {came:.1} a year, a factor of {factor:.2}.",
    ));
    page.line(&format!("Bar: a factor of {FACTOR} for the sum, and for nine of ten services."));
    (FACTOR.recip()..=FACTOR).contains(&factor) && within * 10 >= SERVICES * 9
}
