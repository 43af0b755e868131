//! The contract of the ways out, held against each of them.

use super::*;
use watch::alert::{Alert, Health, Symptom};

/// An alert that was opened.
pub(super) fn opened() -> Alert {
    let at = At(1_800_000_000_000);
    Alert {
        id: 7,
        service: "login".into(),
        symptom: Symptom::Failing(Some("timeout".into())),
        opened: at,
        since: At(at.0 - 4_000),
        health: Health::Bad,
        evidence: None,
        replicas: Vec::new(),
        findings: Vec::new(),
        changes: Vec::new(),
        ended: None,
    }
}

/// A letter that was put into its queue when its alert was opened.
pub(super) fn letter(notice: Notice) -> Letter {
    Letter::of(&Effect { key: 1, channel: 0, notice }, "j", At(1_800_000_000_000))
}

#[test]
fn waits_differ_by_key_and_are_the_same_again() {
    let waits: Vec<Duration> =
        (0..4).map(|n| jittered(Duration::from_secs(1), &format!("j-{n}"), 0)).collect();
    assert!(waits.iter().all(|wait| (500..1_000).contains(&wait.as_millis())), "{waits:?}");
    assert!(waits.windows(2).any(|pair| pair[0] != pair[1]));
    assert_eq!(waits[1], jittered(Duration::from_secs(1), "j-1", 0));
}

/// A way that answers as it is told, the last answer again and again.
struct Scripted {
    answers: std::sync::Mutex<Vec<Result<(), Refusal>>>,
    takes: Duration,
}

impl Scripted {
    fn way(takes: Duration, answers: Vec<Result<(), Refusal>>) -> Arc<dyn Way> {
        Arc::new(Self { answers: std::sync::Mutex::new(answers), takes })
    }
}

impl Way for Scripted {
    fn hand_over<'a>(&'a self, _: &'a Letter) -> Attempt<'a> {
        Box::pin(async move {
            sleep(self.takes).await;
            let mut answers = self.answers.lock().unwrap();
            if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
        })
    }
}

/// What becomes of one letter over such a way, and after how long.
async fn outcome(answers: Vec<Result<(), Refusal>>) -> (Result<(), String>, Duration) {
    let start = Instant::now();
    let way = Scripted::way(Duration::ZERO, answers);
    let outcome = insist(way.as_ref(), &letter(Notice::Opened(opened()))).await;
    (outcome, start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn what_may_be_taken_later_is_tried_again_and_what_is_refused_for_good_is_not() {
    let busy = || Err(Refusal::of_status(503));
    let (taken, after) = outcome(vec![busy(), busy(), Ok(())]).await;
    assert_eq!(taken, Ok(()));
    assert!((750..1_500).contains(&after.as_millis()), "half a second and a second, with jitter: {after:?}");
    let (refused, after) = outcome(vec![Err(Refusal::of_status(400))]).await;
    assert_eq!((refused, after), (Err("answered with status 400".to_owned()), Duration::ZERO));
    let (given_up, after) = outcome(vec![busy()]).await;
    assert_eq!(given_up, Err("answered with status 503".to_owned()));
    assert!(after <= PATIENCE && after > PATIENCE - LONGEST_WAIT, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_takes_nothing_delays_no_other() {
    let mut tasks = tokio::task::JoinSet::new();
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let stuck = Scripted::way(Duration::from_secs(60), vec![Err(Refusal::for_now("no"))]);
    let stuck = Queue::begin(stuck, told.clone(), &mut tasks);
    let sound = Queue::begin(Scripted::way(Duration::ZERO, vec![Ok(())]), told, &mut tasks);
    let start = Instant::now();
    for key in 0..3 {
        stuck.put(key, letter(Notice::Opened(opened())));
        sound.put(10 + key, letter(Notice::Opened(opened())));
    }
    for key in 10..13 {
        assert_eq!(heard.recv().await, Some(Input::Delivered { key, outcome: Ok(()) }));
    }
    assert_eq!((start.elapsed(), stuck.length(), sound.length()), (Duration::ZERO, 3, 0));
}
