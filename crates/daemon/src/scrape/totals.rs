//! Running totals of one answer: sums over the series that the mapping selects.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use watch::journal::Why;
use watch::tally::Tally;

use super::Unusable;
use super::line::{Labels, number};
use super::mapping::Roles;

/// Up to here a float counts each one: 2 to the power of 53.
const LARGEST_COUNT: u64 = 1 << 53;

/// The most series that a mapping may select at one target: what keeps track of them takes 16 bytes each.
const MOST_SERIES: usize = 50_000;

/// The most edges of buckets. Libraries make about a dozen; hundreds are beyond reason.
const MOST_EDGES: usize = 500;

/// Sums, as far as the answer has been read.
#[derive(Debug)]
pub(super) struct Totals {
    /// Whether there was a series of requests.
    found: bool,
    requests: u64,
    failed: Vec<u64>,
    /// By their upper edge, ascending.
    buckets: Vec<Bucket>,
    seen: HashSet<u64>,
}

/// A bucket of all histograms together: what took at most so long.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    edge: f64,
    count: u64,
    /// How many histograms have it.
    series: u32,
}

/// A length of time, and where it stands among the edges of the histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limit {
    length: Duration,
    edge: f64,
}

/// What is wanted of the durations.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Limits {
    /// How many nanoseconds an edge of 1 stands for.
    nanos: f64,
    /// What takes longer is slow.
    slow: Option<Limit>,
    /// Timeouts at which durations may pile up.
    pile_up: Vec<Limit>,
}

impl Limits {
    /// For a histogram whose unit has so many nanoseconds.
    #[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days")]
    pub(super) fn new(slow: Option<Duration>, pile_up: &[Duration], nanos: u64) -> Self {
        let nanos = nanos as f64;
        let limit = |length: Duration| Limit { length, edge: length.as_nanos() as f64 / nanos };
        Self { nanos, slow: slow.map(limit), pile_up: pile_up.iter().copied().map(limit).collect() }
    }
}

/// Something about totals that people should know, once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Remark {
    /// No edge stands at the objective; the next above it is used, in milliseconds.
    SlowFrom(Duration, f64),
    /// No edge stands at or above the objective.
    SlowUnknown(Duration),
    /// The bucket around a timeout begins with the shortest or has no upper end.
    PileUpUnknown(Duration),
    /// There are requests, but no histogram.
    NoDurations,
    /// There are more failures than requests.
    FailuresAbove,
}

impl Totals {
    pub(super) fn new(reasons: usize) -> Self {
        Self {
            found: false,
            requests: 0,
            failed: vec![0; reasons],
            buckets: Vec::new(),
            seen: HashSet::new(),
        }
    }

    /// Adds a series that is something.
    pub(super) fn add(
        &mut self,
        name: &[u8],
        labels: &Labels<'_>,
        roles: Roles,
        value: &[u8],
    ) -> Result<(), Unusable> {
        let shown = || String::from_utf8_lossy(name).into_owned();
        let identity = labels.identity().wrapping_add(hash(name));
        if !self.seen.insert(identity) {
            return Err(Unusable::new(Why::Format, format!("a series of {} stands twice", shown())));
        }
        if self.seen.len() > MOST_SERIES {
            let words = format!("the mapping selects more than {MOST_SERIES} series");
            return Err(Unusable::new(Why::Body, words));
        }
        let value = count(value)
            .map_err(|what| Unusable::new(Why::Number, format!("a series of {} {what}", shown())))?;
        if roles.requests {
            self.found = true;
            sum(&mut self.requests, value)?;
        }
        if let Some(failed) = roles.failed.and_then(|reason| self.failed.get_mut(reason)) {
            sum(failed, value)?;
        }
        if roles.bucket {
            self.bucket(&labels.get(b"le"), value)?;
        }
        Ok(())
    }

    fn bucket(&mut self, edge: &[u8], count: u64) -> Result<(), Unusable> {
        let bad = |words: &str| Unusable::new(Why::Format, words.to_owned());
        let edge =
            number(edge).filter(|edge| !edge.is_nan()).ok_or_else(|| bad("a bucket's `le` is no number"))?;
        match self.buckets.binary_search_by(|bucket| bucket.edge.total_cmp(&edge)) {
            Ok(at) => {
                let bucket = &mut self.buckets[at];
                bucket.series += 1;
                sum(&mut bucket.count, count)
            }
            Err(_) if self.buckets.len() == MOST_EDGES => Err(bad("a histogram has more than 500 edges")),
            Err(at) => {
                self.buckets.insert(at, Bucket { edge, count, series: 1 });
                Ok(())
            }
        }
    }

    /// What was counted. `declared`: the family of requests is there, but may have no series yet.
    pub(super) fn finish(
        mut self,
        limits: &Limits,
        declared: bool,
        durations: bool,
        remarks: &mut Vec<Remark>,
    ) -> Result<Option<Tally>, Unusable> {
        let none_yet = declared && self.seen.is_empty();
        if !self.found && !none_yet {
            return Ok(None);
        }
        let failed = self.failed.iter().fold(0_u64, |sum, failed| sum.saturating_add(*failed));
        if failed > self.requests {
            remarks.push(Remark::FailuresAbove);
        }
        let mut tally = Tally {
            requests: self.requests,
            failed: std::mem::take(&mut self.failed),
            piled: vec![0; limits.pile_up.len()],
            ..Tally::default()
        };
        if self.buckets.is_empty() {
            if durations && self.requests > 0 {
                remarks.push(Remark::NoDurations);
            }
            return Ok(Some(tally));
        }
        self.durations(limits, &mut tally, remarks)?;
        Ok(Some(tally))
    }

    fn durations(
        mut self,
        limits: &Limits,
        tally: &mut Tally,
        remarks: &mut Vec<Remark>,
    ) -> Result<(), Unusable> {
        let bad = |words: &str| Unusable::new(Why::Format, words.to_owned());
        let all = self.buckets.last().copied().filter(|last| last.edge == f64::INFINITY);
        let all = all.ok_or_else(|| bad("a histogram has no bucket with `le=\"+Inf\"`"))?;
        // The sum at an edge that not all histograms have would lack the others' counts.
        self.buckets.retain(|bucket| bucket.series == all.series);
        if self.buckets.windows(2).any(|pair| pair[1].count < pair[0].count) {
            return Err(bad("the buckets of a histogram fall"));
        }
        tally.timed = all.count;
        if let Some(slow) = limits.slow {
            match self.at_or_above(slow.edge) {
                Some(bucket) if bucket.edge.is_finite() => {
                    tally.slow = all.count - bucket.count;
                    if bucket.edge > slow.edge {
                        remarks.push(Remark::SlowFrom(slow.length, bucket.edge * limits.nanos / 1e6));
                    }
                }
                _ => remarks.push(Remark::SlowUnknown(slow.length)),
            }
        }
        for (piled, limit) in tally.piled.iter_mut().zip(&limits.pile_up) {
            // What ends just after a timeout took a little longer than it.
            let above = self.buckets.partition_point(|bucket| bucket.edge <= limit.edge);
            let below = above.checked_sub(1).and_then(|at| self.buckets.get(at));
            match (below, self.buckets.get(above)) {
                (Some(below), Some(above)) if above.edge.is_finite() => *piled = above.count - below.count,
                _ => remarks.push(Remark::PileUpUnknown(limit.length)),
            }
        }
        Ok(())
    }

    fn at_or_above(&self, edge: f64) -> Option<Bucket> {
        self.buckets.get(self.buckets.partition_point(|bucket| bucket.edge < edge)).copied()
    }
}

/// A number for a metric's name, so that series of two metrics with the same labels differ.
fn hash(name: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

fn sum(total: &mut u64, more: u64) -> Result<(), Unusable> {
    *total = total.saturating_add(more);
    if *total <= LARGEST_COUNT {
        return Ok(());
    }
    Err(Unusable::new(Why::Number, "a sum of counts is beyond what can be counted".to_owned()))
}

/// A count. Some exporters count in parts; what is not whole yet does not count.
fn count(text: &[u8]) -> Result<u64, &'static str> {
    if text.len() <= 15 && text.iter().all(u8::is_ascii_digit) {
        return Ok(text.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')));
    }
    let value = number(text).ok_or("has a value that is no number")?;
    if value.is_nan() {
        return Err("is NaN");
    }
    if value < 0.0 {
        return Err("is below zero");
    }
    if value > 9_007_199_254_740_992.0 {
        return Err("is beyond what can be counted");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 2^53")]
    Ok(value as u64)
}
