//! What an expression computes and when it speaks: amounts, the share of failures among them, and the
//! limits they are held against.

use std::time::Duration;

use text::Span;

use super::{Counts, Series};
use crate::Sourced;

/// An amount.
#[derive(Debug, Clone, PartialEq)]
pub enum Quantity {
    /// So much.
    Number(f64),
    /// How fast series grow; several are added.
    Flows(Vec<Flow>),
    /// One amount divided by another.
    Over(Box<Quantity>, Box<Quantity>),
    /// One less the other.
    Minus(Box<Quantity>, Box<Quantity>),
    /// So many times an amount.
    Times(f64, Box<Quantity>),
    /// A series as it is; it may be recorded.
    Series(Series),
    /// Something else, over a range where there is one: the longest.
    Other(Option<Sourced<Duration>>),
}

/// How fast a series grows over a range.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// The series.
    pub series: Series,
    /// The range.
    pub window: Sourced<Duration>,
}

/// When an expression gives a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// When all hold.
    All(Vec<Condition>),
    /// When any holds.
    Any(Vec<Condition>),
    /// When an amount is above (or at) a limit.
    Above(Quantity, Limit),
    /// When an amount is below (or at) a limit.
    Below(Quantity, Limit),
    /// When series are gone.
    Gone,
    /// Something else.
    Other(Option<Sourced<Duration>>),
}

/// A limit that an amount is held against.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// What it comes to.
    pub value: f64,
    /// As it is written: "14.4 * 0.02".
    pub written: String,
    /// Where.
    pub at: Span,
}

/// The share of what fails, held against a limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// It speaks when a larger share than this fails; above 1 where it cannot.
    pub above: f64,
    /// The limit that says so.
    pub limit: Limit,
    /// The range over which it is taken: the longest.
    pub window: Sourced<Duration>,
    /// What is counted among what.
    pub part: Series,
    /// The series of everything.
    pub whole: Series,
    /// The part is counted by the same metric as the whole, so that it cannot be more.
    pub within: bool,
}

/// Finds what is recorded under a name.
pub type Recorded<'r> = &'r dyn Fn(&str) -> Option<&'r Quantity>;

impl Quantity {
    /// The same with the series that rules record put in for their names, one level deep.
    #[must_use]
    pub fn resolved(&self, recorded: Recorded<'_>) -> Self {
        let inner = |quantity: &Self| Box::new(quantity.resolved(recorded));
        match self {
            Self::Series(series) => recorded(&series.metric).unwrap_or(self).clone(),
            Self::Over(part, whole) => Self::Over(inner(part), inner(whole)),
            Self::Minus(from, what) => Self::Minus(inner(from), inner(what)),
            Self::Times(factor, quantity) => Self::Times(*factor, inner(quantity)),
            Self::Number(_) | Self::Flows(_) | Self::Other(_) => self.clone(),
        }
    }

    /// Takes constant factors out.
    fn scaled(&self) -> (f64, &Self) {
        match self {
            Self::Times(factor, quantity) => {
                let (inner, quantity) = quantity.scaled();
                (factor * inner, quantity)
            }
            other => (1.0, other),
        }
    }

    /// Its flows, if it is nothing but flows that are added.
    fn flows(&self) -> Option<&[Flow]> {
        match self {
            Self::Flows(flows) if !flows.is_empty() => Some(flows),
            _ => None,
        }
    }

    /// The longest range in it.
    pub fn window(&self) -> Option<&Sourced<Duration>> {
        match self {
            Self::Flows(flows) => flows.iter().map(|flow| &flow.window).max_by_key(|window| window.value),
            Self::Over(a, b) | Self::Minus(a, b) => {
                a.window().into_iter().chain(b.window()).max_by_key(|window| window.value)
            }
            Self::Times(_, quantity) => quantity.window(),
            Self::Other(window) => window.as_ref(),
            Self::Number(_) | Self::Series(_) => None,
        }
    }

    /// Which part of what: the flows of each, and whether what is left counts instead.
    fn ratio(&self) -> Option<(f64, bool, &Flow, &Flow)> {
        let (factor, quantity) = self.scaled();
        match quantity {
            Self::Over(part, whole) => {
                let (times, part) = part.scaled();
                let (of, whole) = whole.scaled();
                let whole = whole.flows()?;
                // Of several that make up everything, the one that the part is of.
                let among = |part: &Flow| {
                    whole.iter().find(|flow| flow.series.metric == part.series.metric).or(whole.first())
                };
                let scale = factor * times / of;
                match part {
                    Self::Minus(from, what) => {
                        let (from, what) = (from.flows()?.first()?, what.flows()?.first()?);
                        let whole = whole.first()?;
                        (from.series.metric == whole.series.metric).then_some((scale, true, what, whole))
                    }
                    part => {
                        let part = part.flows()?.first()?;
                        Some((scale, false, part, among(part)?))
                    }
                }
            }
            // 1 - good / all, and 100 - 100 * good / all.
            Self::Minus(one, rest) => {
                let (scale, complement, part, whole) = rest.ratio()?;
                let Self::Number(one) = **one else { return None };
                ((one - scale).abs() < 1e-9).then_some((factor * scale, !complement, part, whole))
            }
            _ => None,
        }
    }
}

impl Condition {
    /// The same with what rules record put in, one level deep.
    #[must_use]
    pub fn resolved(&self, recorded: Recorded<'_>) -> Self {
        let all = |list: &[Self]| list.iter().map(|one| one.resolved(recorded)).collect();
        match self {
            Self::All(list) => Self::All(all(list)),
            Self::Any(list) => Self::Any(all(list)),
            Self::Above(quantity, limit) => Self::Above(quantity.resolved(recorded), limit.clone()),
            Self::Below(quantity, limit) => Self::Below(quantity.resolved(recorded), limit.clone()),
            Self::Gone | Self::Other(_) => self.clone(),
        }
    }

    /// The share of failures that it holds against a limit, if it is one such comparison.
    pub fn share(&self) -> Option<Share> {
        let (quantity, limit, above) = match self {
            Self::Above(quantity, limit) => (quantity, limit, true),
            Self::Below(quantity, limit) => (quantity, limit, false),
            _ => return None,
        };
        let (scale, complement, part, whole) = quantity.ratio()?;
        if scale <= 0.0 || !scale.is_finite() {
            return None;
        }
        // The share of the part, taken by itself, that the limit stands for.
        let at = limit.value / scale;
        if !at.is_finite() {
            return None;
        }
        let (at, above) = if complement { (1.0 - at, !above) } else { (at, above) };
        let fails_above = match (part.series.counts, above) {
            (Counts::Failures, true) => at,
            (Counts::Successes, false) => 1.0 - at,
            _ => return None,
        };
        let window = quantity.window()?.clone();
        Some(Share {
            above: fails_above,
            limit: limit.clone(),
            window,
            within: part.series.metric == whole.series.metric && !part.series.metric.is_empty(),
            part: part.series.clone(),
            whole: whole.series.clone(),
        })
    }

    /// Whether it asks for a least traffic: of requests, not of failures.
    pub fn is_traffic(&self) -> bool {
        match self {
            Self::Above(quantity, limit) => quantity.flows().is_some_and(|flows| {
                limit.value >= 0.0 && flows.iter().all(|flow| flow.series.counts == Counts::Unsaid)
            }),
            _ => false,
        }
    }

    /// Every comparison of a share of failures in it.
    pub fn shares(&self) -> Vec<Share> {
        match self {
            Self::All(list) | Self::Any(list) => list.iter().flat_map(Self::shares).collect(),
            one => one.share().into_iter().collect(),
        }
    }
}
