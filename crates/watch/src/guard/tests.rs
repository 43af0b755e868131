//! Guards of invented histories, and how soon faults are seen with them.

use evidence::random::Stream;

use super::*;
use crate::detect::RatioTest;
use crate::fixture::{plan, service};

/// Minutes of a service: requests a second and the share that fails, by the minute.
fn history(days: u64, seed: u64, world: impl Fn(At, &mut Stream) -> (f64, f64)) -> Vec<Minute> {
    let mut stream = Stream::new(seed);
    // A Monday.
    let begin = 4 * 86_400_000;
    (0..days * 1440)
        .map(|minute| {
            let at = At(begin + minute * 60_000);
            let (rate, share) = world(at, &mut stream);
            let requests = stream.poisson(rate * 60.0);
            let failed = vec![stream.binomial(requests, share)];
            Minute { at, tally: Tally { requests, failed, ..Tally::default() } }
        })
        .collect()
}

fn learnt(history: &[Minute]) -> Guard {
    let mut learnt = learn(history, &plan(vec![service(&["error"]); 24]), 0);
    assert_eq!(learnt.len(), 1, "with one reason there is one test");
    learnt.remove(0).guard
}

/// The median and the 95th percentile of looks to see a fault, of a hundred.
fn looks(guard: &Guard, before: f64, share: f64, rate: f64) -> (u64, u64) {
    let threshold = budget::split(&plan(vec![service(&["error"]); 24])).threshold(0, Signal::Failures);
    let mut stream = Stream::new(11);
    let mut delays: Vec<u64> = (0..100)
        .map(|_| {
            let mut test = RatioTest::default();
            for at in 0.. {
                let n = stream.poisson(rate);
                let k = stream.binomial(n, if at < 300 { before } else { share });
                if test.look(At(at * 1000), k, n, &guard.against(At(0), threshold)).is_some() {
                    return at.saturating_sub(300) + 1;
                }
            }
            unreachable!("a fault is seen at some time")
        })
        .collect();
    delays.sort_unstable();
    (delays[49], delays[94])
}

#[test]
fn the_guard_of_a_homogeneous_history_is_hardly_above_its_mean_and_faults_are_seen_in_time() {
    for mean in [0.01, 0.0005] {
        for (rate, at_20, at_5) in [(1.0, 60, u64::MAX), (10.0, 8, 180), (100.0, 2, 25)] {
            let guard = learnt(&history(14, 3, |_, _| (rate, mean)));
            assert_eq!((guard.level.len(), guard.dispersion), (1, 1.0));
            let over = f64::from(guard.level[0]) / mean;
            assert!((0.95..1.2).contains(&over), "{mean} at {rate}/s: {over}");
            let implied = guard.implied.expect("14 days are enough");
            assert!(implied <= 1.0 / 24.0, "{mean} at {rate}/s: {implied}");
            let (median, _) = looks(&guard, mean, 0.2, rate);
            assert!(median <= at_20, "20 % over {mean} at {rate}/s: {median} s");
            let (median, _) = looks(&guard, mean, 0.05, rate);
            assert!(median <= at_5, "5 % over {mean} at {rate}/s: {median} s");
        }
    }
}

#[test]
fn a_share_that_moves_has_a_guard_above_where_it_moves() {
    let moving = history(7, 5, |at, stream| {
        // A quarter of an hour of three times as much, now and then.
        let is_high = Stream::new(at.0 / 900_000).unit() < 0.1;
        let _ = stream;
        (20.0, if is_high { 0.03 } else { 0.01 })
    });
    let guard = learnt(&moving);
    assert!(guard.level[0] > 0.015, "{guard:?}");
    assert!(guard.implied.is_some());
    let (median, _) = looks(&guard, 0.01, 0.2, 20.0);
    assert!(median <= 60, "{median}");
}

#[test]
fn the_hour_of_the_week_counts_where_it_was_seen_three_times_and_matters() {
    let nightly = |days| {
        history(days, 9, |at, _| {
            let hour = at.hour_of_week() % 24;
            (10.0, if hour == 3 { 0.05 } else { 0.01 })
        })
    };
    let guard = learnt(&nightly(22));
    assert_eq!(guard.level.len(), 168);
    assert!((0.045..0.065).contains(&guard.level[3]), "{}", guard.level[3]);
    assert!((0.009..0.0125).contains(&guard.level[12]), "{}", guard.level[12]);
    assert_eq!(guard.dispersion, 1.0);
    assert_eq!(learnt(&nightly(13)).level.len(), 1);
}

#[test]
fn of_a_short_history_no_rate_is_stated_and_of_none_no_guard() {
    let guard = learnt(&history(2, 1, |_, _| (10.0, 0.01)));
    assert_eq!(guard.implied, None);
    assert_eq!(guard.days, 2.0);
    assert_eq!(learn(&[], &plan(vec![service(&["error"])]), 0), []);
    assert_eq!(learn(&[], &plan(vec![]), 0), []);
}

#[test]
fn a_reason_that_never_came_up_has_a_guard_that_the_days_without_it_support() {
    let guard = learnt(&history(7, 1, |_, _| (1.0, 0.0)));
    // One of 223 000 at 95 % one-sided, but not below the least.
    assert!((1e-6..2e-5).contains(&guard.level[0]), "{:?}", guard.level);
}

#[test]
fn traffic_has_a_floor_by_the_hour_of_the_week_below_which_it_is_missed() {
    let daily = history(22, 2, |at, _| {
        let phase = at.hour_of_week() as f64 / 24.0 * std::f64::consts::TAU;
        (20.0 + 15.0 * phase.sin(), 0.0)
    });
    let mut service = service(&["error"]);
    service.failures = GuardSource::Declared(0.01);
    service.traffic = Some(GuardSource::Own);
    let learnt = learn(&daily, &plan(vec![service]), 0);
    let [Learnt { signal: Signal::Traffic, guard }] = &learnt[..] else { panic!("{learnt:?}") };
    assert_eq!(guard.level.len(), 168);
    assert!(guard.level[18] < 5.0 && guard.level[18] > 1.0, "{}", guard.level[18]);
    assert!(guard.level[6] > 15.0 && guard.level[6] < 34.0, "{}", guard.level[6]);
    assert!(guard.implied.expect("22 days are enough") <= 0.5);
}
