//! What people at the terminal are told of alerts: each of them once when it opens, when it becomes
//! unknown or known again, and when it ends; whoever else is told, and however often.

use std::collections::BTreeMap;

use watch::State;
use watch::alert::{Alert, Health, Notice};
use watch::time::At;

use crate::send::published::moment;
use crate::send::words;

/// The alerts that were told as open.
#[derive(Debug, Default)]
pub(super) struct Speech {
    open: BTreeMap<u64, Health>,
}

impl Speech {
    /// What of the state was not said yet, a line each, with the moment in front.
    pub(super) fn lines(&mut self, state: &State, now: At) -> Vec<String> {
        let mut lines = Vec::new();
        let mut open = BTreeMap::new();
        for alert in state.alerts() {
            let told = self.open.remove(&alert.id);
            open.insert(alert.id, alert.health);
            if told.is_none() {
                lines.push(line(now, "opened", &Notice::Opened(alert.clone())));
            } else if told != Some(alert.health) {
                lines.push(line(now, "changed", &Notice::Changed(alert.clone())));
            }
        }
        // What is left was open and is no more.
        for id in std::mem::replace(&mut self.open, open).into_keys() {
            let ended = |alert: &&Alert| alert.id == id;
            if let Some(alert) = state.ended().find(ended) {
                lines.push(line(now, "ended", &Notice::Ended(alert.clone())));
            }
        }
        lines
    }
}

fn line(now: At, verb: &str, notice: &Notice) -> String {
    format!("{} {verb:<7} {}", moment(now), words::notice(notice))
}
