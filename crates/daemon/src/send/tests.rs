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
