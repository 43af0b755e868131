//! Searches among simulated people, on virtual time: no service, no socket.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::file::{Objective, Reason};
use crate::proxy::draws::Draws;
use crate::verdict::judge;

const MS: Duration = Duration::from_millis(1);
const OBJECTIVE: Objective = Objective { good: 0.995, within: Duration::from_secs(5), people: None };
/// People a second.
const RATE: f64 = 50.0;

fn latency() -> Latency {
    let quantiles = vec![(0.5, MS * 222), (0.99, MS * 505), (0.999, MS * 661)];
    Latency { window: String::new(), calls: 41_200, in_force: None, quantiles }
}

/// A service with a limit on its calls.
#[derive(Clone, Copy)]
struct Service {
    /// Calls of a person, one after the other.
    calls: u32,
    /// The share of people who fail whatever the limit is, by the limit.
    besides: fn(Duration) -> f64,
    /// Limits that it does not take.
    refuses: fn(Duration) -> bool,
    /// The whole latency is so many times the one that is replayed.
    slower: f64,
}

const SOUND: Service = Service { calls: 1, besides: |_| 0.0, refuses: |_| false, slower: 1.0 };

impl Service {
    fn trial(self, wanted: &Wanted) -> Trial {
        let replay = latency().replay().unwrap();
        let mut draws = Draws::of(wanted.seed, 0);
        let mut seen = Seen::default();
        let mut late = |limit: Duration| replay.at(draws.share()).mul_f64(self.slower) > limit;
        let mut others = Draws::of(wanted.seed, 1);
        let most = match wanted.until {
            Until::People(people, cap) => people.min((RATE * cap.as_secs_f64()) as u64),
            Until::Known(budget) | Until::Measured { within: budget, .. } => {
                (RATE * budget.as_secs_f64()) as u64
            }
        };
        let is_over = |seen: &Seen| match wanted.until {
            Until::Known(_) | Until::Measured { .. } => {
                judge(&OBJECTIVE, seen) != crate::verdict::Verdict::Open
            }
            Until::People(..) => false,
        };
        while seen.people() < most && !is_over(&seen) {
            let failed = (0..self.calls).filter(|_| late(wanted.value)).count() > 0
                || others.share() < (self.besides)(wanted.value);
            seen.note(if failed { Err(Reason::Timeout) } else { Ok(()) });
        }
        let calls = seen.people() * u64::from(self.calls);
        let counted = crate::proxy::Counted { calls, ..Default::default() };
        let elapsed = Duration::from_secs_f64(seen.people() as f64 / RATE);
        Trial {
            seed: wanted.seed,
            came: seen.people(),
            verdict: judge(&OBJECTIVE, &seen),
            seen,
            dependencies: vec![("d".to_owned(), counted)],
            elapsed,
            ..Trial::of_nobody("simulated")
        }
    }

    /// A search, the processor used by so much in each second of a trial, and how long it took.
    fn searched(self, ask: &Ask<'_>, used: f64) -> Searched {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let cpu = RefCell::new(Duration::ZERO);
        let trial = async |wanted: Wanted| {
            if (self.refuses)(wanted.value) {
                return Ok::<_, Trouble>(Came::Refused("out of range".to_owned()));
            }
            let trial = self.trial(&wanted);
            *cpu.borrow_mut() += trial.elapsed.mul_f64(used);
            tokio::time::sleep(trial.elapsed + Duration::from_secs(1)).await;
            Ok(Came::Seen(Box::new(trial)))
        };
        let means = Means { trial, used: &|| Some(*cpu.borrow()), told: &|_| {} };
        runtime.unwrap().block_on(search(ask, &means)).unwrap()
    }
}

fn ask(latency: &Latency) -> Ask<'_> {
    Ask {
        key: "limit",
        between: (MS * 100, MS * 5000),
        margin: 1.5,
        objective: &OBJECTIVE,
        latency: Some(latency),
        dependency: "d",
        form: Form::of("300ms", None).unwrap(),
        seed: 1,
        time: Duration::from_secs(150),
    }
}

/// The part of the value that is computed; 0 where none was found.
fn ratio(searched: &Searched, computed: Duration) -> f64 {
    match searched.found {
        Found::Smallest { value, .. } => value.as_secs_f64() / computed.as_secs_f64(),
        _ => 0.0,
    }
}

#[test]
fn the_value_is_found_in_time_whatever_the_seed_and_held_in_its_own_run() {
    let latency = latency();
    let computed = predict(&latency, 0.995, 1.0).unwrap();
    let mut near = 0;
    for seed in 0..40 {
        let searched = SOUND.searched(&Ask { seed, ..ask(&latency) }, 0.3);
        assert!(searched.elapsed <= Duration::from_secs(150), "{seed}: {:?}", searched.elapsed);
        let Some(Safe { came: Came::Seen(trial), .. }) = &searched.safe else { panic!("{seed}") };
        assert_ne!(trial.verdict, crate::verdict::Verdict::Failed, "{seed}");
        near += u32::from((0.8..=1.2).contains(&ratio(&searched, computed)));
    }
    assert!(near >= 39, "{near} of 40");
}

#[test]
fn a_machine_that_carries_one_run_alone_is_given_one_and_it_is_still_in_time() {
    let latency = latency();
    let searched = SOUND.searched(&ask(&latency), 1.5);
    assert_eq!(searched.side_by_side, 1);
    assert!(searched.elapsed <= Duration::from_secs(150), "{:?}", searched.elapsed);
    let near = ratio(&searched, predict(&latency, 0.995, 1.0).unwrap());
    assert!((0.8..=1.2).contains(&near), "{near}");
}

#[test]
fn a_service_slower_than_predicted_is_followed_to_where_it_holds() {
    let latency = latency();
    let service = Service { slower: 2.2, ..SOUND };
    let searched = service.searched(&ask(&latency), 0.1);
    let near = ratio(&searched, predict(&latency, 0.995, 1.0).unwrap().mul_f64(2.2));
    assert!((0.8..=1.2).contains(&near), "{near} {}", searched.line());
}

#[test]
fn calls_of_a_person_are_counted_and_predicted_with() {
    let latency = latency();
    let service = Service { calls: 3, ..SOUND };
    let searched = service.searched(&ask(&latency), 0.1);
    assert_eq!(searched.calls, 3.0);
    assert_eq!(searched.predicted, predict(&latency, 0.995, 3.0));
    assert!((0.8..=1.2).contains(&ratio(&searched, searched.predicted.unwrap())));
}

#[test]
fn what_the_service_refuses_bounds_the_search_and_is_said() {
    let latency = latency();
    let service = Service { refuses: |limit| limit < MS * 300 || limit > MS * 1200, ..SOUND };
    let searched = service.searched(&ask(&latency), 0.1);
    assert_eq!(searched.refused.len(), 2);
    assert!((0.8..=1.2).contains(&ratio(&searched, searched.predicted.unwrap())));
    let refusals = "; the service refuses 221 ms and less; the service refuses 1.379 s and more";
    assert!(searched.line().ends_with(refusals), "{}", searched.line());
}

#[test]
fn more_that_fails_more_is_said() {
    let latency = latency();
    // Whoever waits long keeps others waiting.
    let service = Service { besides: |limit| if limit > MS * 1000 { 0.2 } else { 0.0 }, ..SOUND };
    let searched = service.searched(&ask(&latency), 0.1);
    assert!(matches!(searched.found, Found::NotMonotone { .. }), "{}", searched.line());
    assert_eq!(searched.safe, None);
}

#[test]
fn a_moment_without_a_machine_is_no_contradiction() {
    let latency = latency();
    // Of the first trial at 689 ms everybody within half a second failed.
    let hiccup = RefCell::new(true);
    let computed = predict(&latency, 0.995, 1.0).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let trial = async |wanted: Wanted| {
        let mut trial = SOUND.trial(&wanted);
        if wanted.value == MS * 689 && hiccup.replace(false) {
            trial.seen.good -= 25;
            *trial.seen.failed.entry(Reason::Timeout).or_default() += 25;
        }
        Ok::<_, Trouble>(Came::Seen(Box::new(trial)))
    };
    let ask = ask(&latency);
    let means = Means { trial, used: &|| None, told: &|_| {} };
    let searched = runtime.unwrap().block_on(search(&ask, &means)).unwrap();
    assert!(!*hiccup.borrow());
    assert!((0.8..=1.2).contains(&ratio(&searched, computed)), "{}", searched.line());
}

#[test]
fn people_who_fail_for_another_reason_leave_no_value_to_state() {
    let latency = latency();
    let service = Service { besides: |_| 0.04, ..SOUND };
    let searched = service.searched(&ask(&latency), 0.1);
    let Found::MoreThan(value) = searched.found else { panic!("{}", searched.line()) };
    assert_eq!(value, MS * 5000);
}

#[test]
fn without_a_prediction_the_whole_range_is_walked() {
    let computed = predict(&latency(), 0.995, 1.0).unwrap();
    let nothing = Latency { quantiles: Vec::new(), ..latency() };
    let searched = SOUND.searched(&ask(&nothing), 0.1);
    assert_eq!(searched.predicted, None);
    let near = ratio(&searched, computed);
    assert!((0.8..=1.2).contains(&near), "{near} {}", searched.line());
}

#[test]
fn in_whole_seconds_the_value_is_between_two_of_them() {
    let latency = latency();
    let form = Form::of("1", Some(model::TimeUnit::Seconds)).unwrap();
    let searched = Service { slower: 5.0, ..SOUND }.searched(&Ask { form, ..ask(&latency) }, 0.1);
    let Found::Smallest { value, .. } = searched.found else { panic!("{}", searched.line()) };
    assert!((MS * 2000..=MS * 3400).contains(&value), "{}", searched.line());
    assert!(searched.tried.iter().all(|tried| tried.value.subsec_nanos() == 0));
}

#[test]
fn a_line_says_what_was_found_from_how_much_and_where_it_held() {
    let latency = latency();
    let tried = vec![Tried {
        value: MS * 500,
        seen: Seen { good: 590, failed: BTreeMap::from([(Reason::Timeout, 10)]) },
    }];
    let seen = Seen { good: 1151, failed: BTreeMap::new() };
    let trial = Trial { seen, verdict: crate::verdict::Verdict::Held, ..Trial::of_nobody("") };
    let safe = Safe { value: MS * 830, written: "830ms".to_owned(), came: Came::Seen(Box::new(trial)) };
    let found = Found::Smallest { value: MS * 548, low: MS * 521, high: MS * 577 };
    let searched = Searched {
        key: "limit".to_owned(),
        good: 0.995,
        margin: 1.5,
        predicted: predict(&latency, 0.995, 1.0),
        calls: 1.0,
        replayed: latency.replay(),
        tried,
        refused: Vec::new(),
        found,
        form: Form::of("1s", None).unwrap(),
        safe: Some(safe),
        side_by_side: 3,
        disturbed: 0,
        elapsed: MS * 90_000,
    };
    let expected = "limit: 99.5 % succeed from 548 ms on (95 % interval 521 ms to 577 ms; 600 people at 1 \
                    value); the replayed latency alone predicts 551 ms; safe with a margin of 1.5: 830ms, \
                    where it held (0 of 1151 failed)";
    assert_eq!(searched.line(), expected);
}
