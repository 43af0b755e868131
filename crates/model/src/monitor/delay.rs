//! How long a fault takes to become a notice: the range fills with failures, a scrape brings the last of
//! them, an evaluation looks, the alert is pending, and the notice waits for others to join it.

use std::time::Duration;

use super::{Alert, Condition, FoundBy, Monitor, Rule, RuleGroup, Series, Share};
use crate::Sourced;

/// When a condition comes to hold after a fault that fails a share of all requests.
#[derive(Debug, Clone, PartialEq)]
pub enum Reach {
    /// So long after it began, at the latest; the share that comes last.
    After(Duration, Option<Share>),
    /// Never: this share is not reached.
    Never(Share),
    /// That cannot be said, but not before a range of this length is full where there is one.
    Unknown(Duration),
}

impl Condition {
    /// When it holds, for a fault that fails `failing` of all requests where none failed before. A range
    /// fills evenly: of a range W a share p fails as soon as p / `failing` of W has passed.
    pub fn reach(&self, failing: f64) -> Reach {
        match self {
            Self::All(list) => {
                let mut last = Reach::After(Duration::ZERO, None);
                // A least traffic is asked for beside a share: it holds before a fault and during it.
                let beside_a_share = list.iter().any(|one| !one.shares().is_empty());
                for one in list.iter().filter(|one| !(beside_a_share && one.is_traffic())) {
                    last = later(last, one.reach(failing));
                }
                last
            }
            Self::Any(list) => {
                let all = list.iter().map(|one| one.reach(failing));
                all.reduce(earlier).unwrap_or(Reach::Unknown(Duration::ZERO))
            }
            Self::Gone => Reach::After(Duration::ZERO, None),
            Self::Other(window) => Reach::Unknown(window.as_ref().map_or(Duration::ZERO, |w| w.value)),
            Self::Above(quantity, _) | Self::Below(quantity, _) => match self.share() {
                Some(share) if share.above >= failing => Reach::Never(share),
                Some(share) => {
                    let filled = share.window.value.mul_f64((share.above / failing).clamp(0.0, 1.0));
                    Reach::After(filled, Some(share))
                }
                None => Reach::Unknown(quantity.window().map_or(Duration::ZERO, |window| window.value)),
            },
        }
    }
}

/// Both must hold.
fn later(a: Reach, b: Reach) -> Reach {
    match (a, b) {
        (Reach::Never(share), _) | (_, Reach::Never(share)) => Reach::Never(share),
        (Reach::After(a, of), Reach::After(b, other)) => {
            if b >= a {
                Reach::After(b, other.or(of))
            } else {
                Reach::After(a, of)
            }
        }
        (Reach::Unknown(a) | Reach::After(a, _), Reach::Unknown(b) | Reach::After(b, _)) => {
            Reach::Unknown(a.max(b))
        }
    }
}

/// One of them is enough.
fn earlier(a: Reach, b: Reach) -> Reach {
    match (a, b) {
        (Reach::Never(_), other) | (other, Reach::Never(_)) => other,
        (Reach::After(a, of), Reach::After(b, other)) => {
            if b < a {
                Reach::After(b, other)
            } else {
                Reach::After(a, of)
            }
        }
        (Reach::Unknown(a) | Reach::After(a, _), Reach::Unknown(b) | Reach::After(b, _)) => {
            Reach::Unknown(a.min(b))
        }
    }
}

/// The parts of the time from a fault to its notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay {
    /// Until the range is full enough of failures.
    pub fill: Duration,
    /// Until a scrape brings the last of them.
    pub scrape: Duration,
    /// Until what is recorded is recorded again; nothing where the alert looks at what is scraped.
    pub recording: Duration,
    /// Until the next evaluation.
    pub evaluation: Duration,
    /// While the alert is pending, in whole evaluations.
    pub pending: Duration,
    /// While the notice waits for others of its group.
    pub group_wait: Duration,
}

impl Delay {
    /// At worst all follow each other.
    pub fn worst(self) -> Duration {
        self.fill + self.scrape + self.recording + self.evaluation + self.pending + self.group_wait
    }
}

/// How long an alert is pending: only an evaluation ends it, so that it lasts whole intervals.
pub fn pending(stated: Duration, evaluation: Duration) -> Duration {
    if evaluation.is_zero() {
        return stated;
    }
    let rounds = stated.as_nanos().div_ceil(evaluation.as_nanos());
    evaluation.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
}

/// The way of an alert from a fault to a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// The share of failures that comes last; `None` where the condition is about something else.
    pub share: Option<Share>,
    /// Every part of it is known; else the time until the condition holds comes on top.
    pub complete: bool,
    /// How often its series get a sample.
    pub scrape: Option<Sourced<Duration>>,
    /// How often what it looks at is recorded, where it is.
    pub recording: Option<Sourced<Duration>>,
    /// How often it is evaluated.
    pub evaluation: Sourced<Duration>,
    /// How long its first notice waits; `None` where no router is known, or several are.
    pub wait: Option<Sourced<Duration>>,
    /// The sum.
    pub delay: Delay,
}

/// Why an alert has no way to a person that could be timed.
#[derive(Debug, Clone, PartialEq)]
pub enum NoWay {
    /// More than this share must fail, which is not reached.
    Unreached(f64),
    /// A range holds fewer than two samples, so that there is never a value: the range, and the time
    /// between samples.
    Blind(Duration, Duration),
    /// Nothing here says who evaluates it, or how often its series are scraped.
    NotKnown,
}

impl Monitor {
    /// The condition of a rule, with what rules record put in.
    pub fn condition(&self, group: &RuleGroup, rule: &Rule) -> Condition {
        let recorded = |name: &str| self.recorded(group, name).map(|(_, rule)| &rule.query.value);
        rule.query.condition.resolved(&recorded)
    }

    /// How often series get a sample: as often as they are scraped, or recorded. Where several jobs can
    /// give them, the most often; `None` where nothing is known of it.
    pub fn sampled(&self, group: &RuleGroup, series: &Series) -> Option<Sourced<Duration>> {
        if let Some((by, _)) = self.recorded(group, &series.metric) {
            return self.evaluation(by);
        }
        let possible: Vec<_> = self.jobs_of(group).map(|job| (series.can_be_of(job), job)).collect();
        let certain = possible.iter().any(|(can, _)| *can == Some(true));
        let mut all: Vec<Sourced<Duration>> = Vec::new();
        for (can, job) in possible {
            if can == Some(true) || !certain && can.is_none() {
                all.push(self.scrape(job)?);
            }
        }
        // In a cluster others may be scraped that no file here shows.
        if group.by == FoundBy::Label && !certain {
            all.extend(self.evaluator_of(group).map(|evaluator| evaluator.scrape.clone()));
        }
        all.into_iter().min_by_key(|interval| interval.value)
    }

    /// The way of an alert, for a fault that fails a share of all requests.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn way(&self, group: &RuleGroup, rule: &Rule, alert: &Alert, failing: f64) -> Result<Way, NoWay> {
        let evaluation = self.evaluation(group).ok_or(NoWay::NotKnown)?;
        let condition = self.condition(group, rule);
        let (fill, share, complete) = match condition.reach(failing) {
            Reach::Never(share) => return Err(NoWay::Unreached(share.above)),
            Reach::After(fill, share) => (fill, share, true),
            Reach::Unknown(_) => (Duration::ZERO, None, false),
        };
        for range in rule.query.ranges.iter().filter(|range| range.needs_two) {
            let every = self.sampled(group, &range.of).map(|every| every.value);
            if let Some(every) = every.filter(|every| range.length.value <= *every)
                && !matches!(condition, Condition::Any(_))
            {
                return Err(NoWay::Blind(range.length.value, every));
            }
        }
        let series = share.as_ref().map(|share| &share.whole).or(rule.query.series.first());
        let scrape = match series {
            Some(series) => Some(self.sampled(group, series).ok_or(NoWay::NotKnown)?),
            None => None,
        };
        let wait = match &self.routers[..] {
            [router] => Some(router.route(&rule.name.value, alert).group_wait.clone()),
            _ => None,
        };
        let length = |of: &Option<Sourced<Duration>>| of.as_ref().map_or(Duration::ZERO, |of| of.value);
        let recording = rule
            .query
            .series
            .iter()
            .filter_map(|series| self.recorded(group, &series.metric))
            .filter_map(|(by, _)| self.evaluation(by))
            .max_by_key(|every| every.value);
        let delay = Delay {
            fill,
            scrape: length(&scrape),
            recording: length(&recording),
            evaluation: evaluation.value,
            pending: pending(alert.pending.value, evaluation.value),
            group_wait: length(&wait),
        };
        Ok(Way { share, complete, scrape, recording, evaluation, wait, delay })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pending_lasts_whole_evaluations() {
        let s = Duration::from_secs;
        assert_eq!(pending(s(120), s(60)), s(120));
        assert_eq!(pending(s(90), s(60)), s(120));
        assert_eq!(pending(s(0), s(60)), s(0));
        assert_eq!(pending(s(90), s(0)), s(90));
    }
}
