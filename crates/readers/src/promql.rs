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

#[cfg(test)]
mod tests {
    use text::FileId;

    use super::*;

    /// The thread of a test has 2 MiB of stack, as every thread has that does not say otherwise. That this
    /// ends at all says that no part is walked twice for each part around it.
    #[test]
    fn the_longest_chains_are_walked_on_a_small_stack() {
        let at = Span { file: FileId(0), start: 0, end: 0 };
        let parts = [
            "+1",
            "+x",
            "/x",
            "-rate(x[5m])",
            "*2",
            " > x",
            " > bool x",
            " < 1",
            " and x",
            " or x",
            "[5m:1m]",
        ];
        for part in parts {
            let text = format!("x{}", part.repeat(199));
            for text in [text.clone(), format!("{text} > 1"), format!("1 < sum({text})")] {
                let node = parse::parse(&text).expect("not beyond the bound");
                assert!(digest::digest(&node, &text, at, &|_| at).parsed);
            }
        }
    }
}
