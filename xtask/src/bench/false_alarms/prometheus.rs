//! Prometheus' usual rules on the same counts: scraped and evaluated every fifteen seconds, one after the
//! other. The ratio of two `rate()`s over the same samples is that of their increases, as both are
//! extrapolated alike.

/// Seconds between scrapes, and between evaluations.
pub(super) const SCRAPE: u64 = 15;
/// Samples that lie within an hour, in five minutes, in one.
const HOUR: usize = 240;
const FIVE_MINUTES: usize = 20;
const MINUTE: usize = 4;
/// The factor of the fast page of the SRE workbook.
const BURN: f64 = 14.4;

/// Alarms of three rules.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Alarms {
    /// `ratio[1m] > 5 %`
    pub(super) ratio: u64,
    /// ... `for: 1m`
    pub(super) held: u64,
    /// 14.4 times too fast over an hour and five minutes.
    pub(super) burn: u64,
}

impl Alarms {
    pub(super) fn and(self, other: Self) -> Self {
        Self { ratio: self.ratio + other.ratio, held: self.held + other.held, burn: self.burn + other.burn }
    }
}

/// The rules' view of a service.
pub(super) struct Rules {
    objective: f64,
    /// The last samples of the running totals, the newest at `at`.
    samples: Vec<(u64, u64)>,
    at: usize,
    total: (u64, u64),
    since: u64,
    ratio_for: u64,
    burns: bool,
    pub(super) alarms: Alarms,
}

impl Rules {
    /// `objective` is the share of failures that the objective admits.
    pub(super) fn new(objective: f64) -> Self {
        let samples = vec![(0, 0); HOUR];
        let alarms = Alarms::default();
        Self { objective, samples, at: 0, total: (0, 0), since: 0, ratio_for: 0, burns: false, alarms }
    }

    #[inline]
    pub(super) fn second(&mut self, k: u64, n: u64) {
        self.total.0 += k;
        self.total.1 += n;
        self.since += 1;
        if self.since == SCRAPE {
            self.since = 0;
            self.at = (self.at + 1) % HOUR;
            self.samples[self.at] = self.total;
            self.evaluate();
        }
    }

    fn evaluate(&mut self) {
        let is_above = self.ratio(MINUTE) > 0.05;
        self.ratio_for = if is_above { self.ratio_for + 1 } else { 0 };
        self.alarms.ratio += u64::from(self.ratio_for == 1);
        self.alarms.held += u64::from(self.ratio_for == 60 / SCRAPE + 1);
        let bar = BURN * self.objective;
        let burns = self.ratio(FIVE_MINUTES) > bar && self.ratio(HOUR) > bar;
        self.alarms.burn += u64::from(burns && !self.burns);
        self.burns = burns;
    }

    /// The share of failures between the first and the last of so many samples.
    fn ratio(&self, samples: usize) -> f64 {
        let first = self.samples[(self.at + HOUR + 1 - samples) % HOUR];
        let (k, n) = (self.total.0 - first.0, self.total.1 - first.1);
        // Nothing by nothing is no number, and no number is above anything.
        if n == 0 { 0.0 } else { k as f64 / n as f64 }
    }
}
