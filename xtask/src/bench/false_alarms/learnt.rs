//! Installations whose guards are learnt: 28 days of each service's own history, and what is told in the
//! years after it.

use evidence::random::Stream;
use watch::alert::Notice;
use watch::guard::{Guard, Learnt, Signal, learn};
use watch::history::Minute;
use watch::plan::GuardSource;
use watch::tally::Tally;
use watch::time::At;

use super::installation::{Counts, Installation, MONDAY, plan};
use super::prometheus::{Alarms, Rules};
use super::{Asked, Piece, poisson_interval};

pub(super) const DAYS: u64 = 28;
const MINUTE: u64 = 60_000;
/// Stated for the whole installation, so that alarms enough come to be counted.
pub(super) const STATED: f64 = 24.0;
/// The stated rate may be off by this factor.
pub(super) const FACTOR: f64 = 3.0;

/// The requests of a service.
pub(super) trait Load: Clone + Send + Sync {
    /// Goes on to the minute that begins at a moment.
    fn turn(&mut self, at: At, stream: &mut Stream);
    /// What a second of this minute brings.
    fn second(&self, stream: &mut Stream) -> Counts;
    /// What all of this minute brings.
    fn minute(&self, stream: &mut Stream) -> Counts;
    /// The share of failures that an objective admits, for the burn rate beside it.
    fn objective(&self) -> f64;
}

/// Learns the guards of each service from history of its own, in an installation that states so many false
/// alarms a year.
pub(super) fn guards<L: Load>(asked: Asked, what: &str, loads: &[L], stated: f64) -> Vec<Learnt> {
    let plan = plan(stated, |_| GuardSource::Own);
    let work: Vec<(usize, &L)> = loads.iter().enumerate().collect();
    asked.in_threads(&format!("{what}: guards learnt"), &work, |&(at, load)| {
        let (mut load, mut stream) = (load.clone(), Stream::new(7000 + at as u64));
        let start = MONDAY.0;
        let history: Vec<Minute> = (0..DAYS * 1440)
            .map(|minute| {
                let at = At(start + minute * MINUTE);
                load.turn(at, &mut stream);
                let Counts { k, n } = load.minute(&mut stream);
                Minute { at, tally: Tally { requests: n, failed: vec![k], ..Tally::default() } }
            })
            .collect();
        let learnt = learn(&history, &plan, at);
        let of_all = learnt.into_iter().find(|learnt| learnt.signal == Signal::Failures);
        of_all.expect("bug: 28 days are enough for a guard")
    })
}

/// An installation with guards that were learnt.
pub(super) fn installation(guards: &[Learnt], stated: f64) -> Installation {
    let mut installation = Installation::begin(plan(stated, |_| GuardSource::Own));
    for (service, learnt) in guards.iter().enumerate() {
        installation.learn(service, vec![learnt.clone()]);
    }
    installation
}

/// What was told of each service in so many years, with the rules beside it.
pub(super) fn alarms<L: Load>(
    asked: Asked,
    what: &str,
    loads: &[L],
    guards: &[Learnt],
    years: f64,
) -> Vec<(u64, Alarms)> {
    let results = asked.in_threads(what, &Piece::of(years), |piece| {
        let mut installation = installation(guards, STATED);
        let mut loads = loads.to_vec();
        let mut rules: Vec<Rules> = loads.iter().map(|load| Rules::new(load.objective())).collect();
        let mut opened = vec![0u64; loads.len()];
        let mut stream = Stream::new(9000 + piece.seed);
        piece.each_second(what, |second| {
            if second.is_multiple_of(60) {
                let at = installation.next();
                loads.iter_mut().for_each(|load| load.turn(at, &mut stream));
            }
            installation.second(
                |at| {
                    let counts = loads[at].second(&mut stream);
                    rules[at].second(counts.k, counts.n);
                    counts
                },
                |at, notice| opened[at] += u64::from(matches!(notice, Notice::Opened(_))),
            );
        });
        assert!(installation.is_tidy(), "bug: something grows");
        let both: Vec<(u64, Alarms)> =
            opened.into_iter().zip(rules.iter().map(|rules| rules.alarms)).collect();
        both
    });
    let mut sums = vec![(0, Alarms::default()); loads.len()];
    for result in results {
        for (sum, (opened, rules)) in sums.iter_mut().zip(result) {
            *sum = (sum.0 + opened, sum.1.and(rules));
        }
    }
    sums
}

/// How often a guard is stated to be wrong, a year.
pub(super) fn implied(guard: &Guard) -> f64 {
    guard.implied.expect("bug: 28 days are enough for a rate")
}

/// What came in so many years, a year, with the ends of what may be expected after that.
pub(super) fn a_year(count: u64, years: f64) -> (f64, f64, f64) {
    let (least, most) = poisson_interval(count);
    (count as f64 / years, least / years, most / years)
}
