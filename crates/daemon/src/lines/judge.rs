//! What a request comes to in the counts of its service: its reason, whether it was slow, whether it ended
//! at the length of a timeout. Knows no format.

use std::time::Duration;

use watch::plan::{Log, LogFormat, Outcome, Watched};
use watch::tally::Tally;

use super::Heard;

/// Statuses have three digits.
const STATUSES: usize = 1000;

#[derive(Debug)]
pub(super) struct Judge {
    under: Vec<Box<[u8]>>,
    rules: Vec<Rule>,
    /// The place in `rules` of the first one that holds for a status, where no rule asks for flags.
    by_status: Option<Box<[Option<u16>]>>,
    words: Words,
    reasons: usize,
    slow: Option<u64>,
    limits: Vec<Limit>,
}

/// What requests must be to fail for a reason.
#[derive(Debug)]
struct Rule {
    reason: usize,
    status: Vec<(u16, u16)>,
    flags: Vec<Box<[u8]>>,
}

/// How flags stand in the field that tells why.
#[derive(Debug, Clone, Copy)]
enum Words {
    /// The whole field, or one of its words.
    Among,
    /// The field begins with the flag: HAProxy's termination state, whose first two characters say it all
    /// and whose other two are about cookies.
    First,
}

/// Durations around a timeout, ends included, in microseconds.
#[derive(Debug, Clone, Copy)]
struct Limit {
    from: u64,
    to: u64,
}

impl Judge {
    pub(super) fn new(log: &Log, service: &Watched) -> Self {
        let rules: Vec<Rule> =
            log.failed.iter().map(|(reason, outcome)| Rule::new(*reason, outcome)).collect();
        let plain = rules.iter().all(|rule| rule.flags.is_empty());
        let first = |status: usize| {
            let holds = |rule: &Rule| u16::try_from(status).is_ok_and(|status| rule.has(status));
            rules.iter().position(holds).and_then(|place| u16::try_from(place).ok())
        };
        Self {
            under: log.under.iter().map(|path| path.as_bytes().into()).collect(),
            by_status: plain.then(|| (0..STATUSES).map(first).collect()),
            rules,
            words: if matches!(log.format, LogFormat::HaProxy) { Words::First } else { Words::Among },
            reasons: service.reasons.len(),
            slow: service.latency.as_ref().map(|latency| micros(latency.slow)),
            limits: service.pile_up.iter().map(|limit| Limit::around(micros(*limit))).collect(),
        }
    }

    /// No request.
    pub(super) fn nothing(&self) -> Tally {
        Tally { failed: vec![0; self.reasons], piled: vec![0; self.limits.len()], ..Tally::default() }
    }

    /// Counts a request, if it is one of the service's.
    pub(super) fn count(&self, heard: &Heard<'_>, tally: &mut Tally) -> bool {
        if !self.under.is_empty() && !self.under.iter().any(|path| heard.path.starts_with(path)) {
            return false;
        }
        tally.requests += 1;
        if let Some(failed) = self.reason(heard).and_then(|reason| tally.failed.get_mut(reason)) {
            *failed += 1;
        }
        if let Some(micros) = heard.micros {
            tally.timed += 1;
            tally.slow += u64::from(self.slow.is_some_and(|slow| micros > slow));
            for (limit, piled) in self.limits.iter().zip(&mut tally.piled) {
                *piled += u64::from(limit.from <= micros && micros <= limit.to);
            }
        }
        true
    }

    fn reason(&self, heard: &Heard<'_>) -> Option<usize> {
        let rule = match &self.by_status {
            Some(by_status) => {
                let place = by_status.get(usize::from(heard.status)).copied().flatten()?;
                self.rules.get(usize::from(place))?
            }
            None => self.rules.iter().find(|rule| {
                rule.has(heard.status)
                    && (rule.flags.is_empty()
                        || rule.flags.iter().any(|flag| self.words.hold(heard.why, flag)))
            })?,
        };
        Some(rule.reason)
    }
}

impl Rule {
    fn new(reason: usize, outcome: &Outcome) -> Self {
        let flags = outcome.flags.iter().map(|flag| flag.as_bytes().into()).collect();
        Self { reason, status: outcome.status.clone(), flags }
    }

    fn has(&self, status: u16) -> bool {
        self.status.is_empty() || self.status.iter().any(|(from, to)| (*from..=*to).contains(&status))
    }
}

impl Words {
    fn hold(self, field: &[u8], flag: &[u8]) -> bool {
        let parts = |byte: &u8| matches!(byte, b',' | b';' | b'|' | b' ');
        match self {
            Self::First => field.starts_with(flag),
            Self::Among => field == flag || field.split(parts).any(|word| word == flag),
        }
    }
}

impl Limit {
    /// From 2 % before a timeout to 5 % after it, at least a millisecond wide: what ends at a timeout ends
    /// there or soon after, but clocks of two hosts and rounding may put it a little before.
    fn around(limit: u64) -> Self {
        let width = (limit / 100 * 7).max(1000);
        let from = limit.saturating_sub(width / 7 * 2);
        Self { from, to: from + width }
    }
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}
