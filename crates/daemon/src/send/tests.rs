//! The contract of the ways out, held against each of them.

use std::time::Duration;

use tokio::time::sleep;

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

#[tokio::test(start_paused = true)]
async fn a_letter_is_tried_once_and_the_core_is_told_whether_it_makes_sense_to_try_again() {
    let mut tasks = tokio::task::JoinSet::new();
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let answers = [503, 429, 400].map(|status| Err(refused(status)));
    let answers = answers.into_iter().chain([Ok(())]).collect();
    let queue = Queue::begin(Scripted::way(Duration::ZERO, answers), told, &mut tasks);
    let start = Instant::now();
    for (key, again) in [(0, Some(true)), (1, Some(true)), (2, Some(false)), (3, None)] {
        queue.put(key, letter(Notice::Opened(opened())));
        let Some(Input::Delivered { key: of, outcome }) = heard.recv().await else { panic!("told") };
        assert_eq!((of, outcome.err().map(|refusal| refusal.again)), (key, again));
    }
    assert_eq!((start.elapsed(), queue.length()), (Duration::ZERO, 0));
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
