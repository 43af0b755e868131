//! PromQL as far as an audit asks for it: which ranges, series and limits an expression names, each with
//! its place inside the YAML it is written in. What is no expression is said to be none; nothing is
//! guessed. (docs: prometheus.io, "Querying basics", "Operators", "Functions".)

mod counts;
mod digest;
mod length;
mod parse;

use model::Span;
use model::monitor::{Counts, Matcher, Query};
use text::Scalar;

pub(crate) use length::length;

/// What an expression asks.
pub(crate) fn query(scalar: Scalar<'_>) -> Query {
    let text = scalar.text();
    let map = scalar.position_map();
    let file = scalar.tree().file();
    let place = |range: std::ops::Range<usize>| Span {
        file,
        start: map.source(range.start as u32),
        end: map.source(range.end as u32),
    };
    match parse::parse(text) {
        Some(node) => digest::digest(&node, text, scalar.span(), &place),
        None => Query::unknown(scalar.span()),
    }
}

/// What a series counts, by its words.
fn counts(metric: &str, labels: &[Matcher]) -> Counts {
    counts::counts(metric, labels)
}
