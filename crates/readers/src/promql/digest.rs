//! What a tree asks: its ranges and series, when it gives a value, and which amount.

use std::ops::Range as Bytes;
use std::time::Duration;

use model::monitor::{Condition, Flow, Limit, Quantity, Query, Range, Series};
use model::{Sourced, Span};

use super::counts;
use super::parse::{Node, What};

/// Functions that give nothing for a series of fewer than two samples (prometheus.io, "Functions":
/// each of them compares samples of the range).
const NEED_TWO: [&str; 9] = [
    "delta",
    "deriv",
    "double_exponential_smoothing",
    "holt_winters",
    "idelta",
    "increase",
    "irate",
    "predict_linear",
    "rate",
];

/// Series that every scrape leaves, and those of probes, whose value says whether a target is there.
const PRESENCE: [&str; 3] = ["up", "probe_success", "scrape_samples_scraped"];

struct Digest<'a> {
    text: &'a str,
    place: &'a dyn Fn(Bytes<usize>) -> Span,
}

pub(super) fn digest(node: &Node, text: &str, at: Span, place: &dyn Fn(Bytes<usize>) -> Span) -> Query {
    let digest = Digest { text, place };
    let mut query = Query { parsed: true, ..Query::unknown(at) };
    digest.walk(node, None, &mut query);
    query.value = digest.quantity(node);
    query.condition = digest.condition(node);
    query
}

impl Digest<'_> {
    fn series(&self, node: &Node) -> Option<Series> {
        let What::Select { metric, labels, .. } = &node.what else { return None };
        Some(Series {
            metric: metric.clone(),
            labels: labels.clone(),
            counts: counts(metric, labels),
            at: (self.place)(node.at.clone()),
        })
    }

    /// Collects ranges and series. `function` is the one that takes this node.
    fn walk(&self, node: &Node, function: Option<&str>, query: &mut Query) {
        match &node.what {
            What::Number(_) | What::Text => {}
            What::Select { metric, range, .. } => {
                let Some(series) = self.series(node) else { return };
                if PRESENCE.contains(&metric.as_str()) {
                    query.watches.push(series.clone());
                }
                if let Some((length, at)) = range {
                    let function = function.unwrap_or_default();
                    query.ranges.push(Range {
                        of: series.clone(),
                        length: Sourced::written(*length, (self.place)(at.clone())),
                        function: function.to_owned(),
                        needs_two: NEED_TWO.contains(&function),
                    });
                }
                query.series.push(series);
            }
            What::Again(inner) | What::Negative(inner) => self.walk(inner, None, query),
            What::Call { name, arguments } => {
                let before = query.series.len();
                for argument in arguments {
                    self.walk(argument, Some(name), query);
                }
                if matches!(name.as_str(), "absent" | "absent_over_time") {
                    let watched: Vec<Series> = query.series[before..].to_vec();
                    query.watches.extend(watched);
                }
            }
            What::Binary { op, left, right, .. } => {
                let before = query.series.len();
                self.walk(left, None, query);
                self.walk(right, None, query);
                // `x or vector(0)`: where x is gone there is a value still, to be held against a limit.
                if *op == "or" && matches!(self.quantity(right), Quantity::Number(_)) {
                    let watched: Vec<Series> = query.series[before..].to_vec();
                    query.watches.extend(watched);
                }
                let bounds = |amount: &Node, limit: &Node| {
                    let is_flow = matches!(self.quantity(amount), Quantity::Flows(_));
                    is_flow && matches!(self.quantity(limit), Quantity::Number(limit) if limit > 0.0)
                };
                query.bounds_traffic |= match *op {
                    ">" | ">=" => bounds(left, right),
                    "<" | "<=" => bounds(right, left),
                    _ => false,
                };
            }
        }
    }

    /// The longest range below a node.
    fn window(&self, node: &Node) -> Option<Sourced<Duration>> {
        let (length, at) = longest(node)?;
        Some(Sourced::written(length, (self.place)(at)))
    }

    fn quantity(&self, node: &Node) -> Quantity {
        let other = || Quantity::Other(self.window(node));
        match &node.what {
            What::Number(number) => Quantity::Number(*number),
            What::Select { range: None, .. } => self.series(node).map_or_else(other, Quantity::Series),
            What::Negative(inner) => match self.quantity(inner) {
                Quantity::Number(number) => Quantity::Number(-number),
                quantity => Quantity::Times(-1.0, Box::new(quantity)),
            },
            What::Call { name, arguments } => match (name.as_str(), &arguments[..]) {
                ("rate" | "irate" | "increase", [argument]) => {
                    let What::Select { range: Some((length, at)), .. } = &argument.what else {
                        return other();
                    };
                    let Some(series) = self.series(argument) else { return other() };
                    let window = Sourced::written(*length, (self.place)(at.clone()));
                    Quantity::Flows(vec![Flow { series, window }])
                }
                // None of them changes the amount, as far as shares go.
                ("sum" | "avg" | "max" | "min" | "vector" | "scalar" | "sort" | "sort_desc", [inner]) => {
                    self.quantity(inner)
                }
                ("label_replace" | "label_join" | "clamp_min", [inner, ..]) => self.quantity(inner),
                _ => other(),
            },
            What::Binary { op, as_number, left, right } => {
                let (a, b) = (self.quantity(left), self.quantity(right));
                match (*op, a, b) {
                    (op, Quantity::Number(a), Quantity::Number(b)) => {
                        fold(op, a, b).map_or_else(other, Quantity::Number)
                    }
                    ("/", a, Quantity::Number(by)) => Quantity::Times(1.0 / by, Box::new(a)),
                    ("/", a, b) => Quantity::Over(Box::new(a), Box::new(b)),
                    ("*", Quantity::Number(by), of) | ("*", of, Quantity::Number(by)) => {
                        Quantity::Times(by, Box::new(of))
                    }
                    ("+", Quantity::Flows(a), Quantity::Flows(b)) => {
                        Quantity::Flows(a.into_iter().chain(b).collect())
                    }
                    // A little is added to a divisor lest it be nothing.
                    ("+", flows @ Quantity::Flows(_), Quantity::Number(little))
                    | ("+", Quantity::Number(little), flows @ Quantity::Flows(_))
                        if little.abs() < 0.1 =>
                    {
                        flows
                    }
                    ("-", a, b) => Quantity::Minus(Box::new(a), Box::new(b)),
                    ("or", a, Quantity::Number(_)) | ("and" | "unless", a, _) => a,
                    // A comparison takes away what it does not hold for, and changes no amount.
                    ("==" | "!=" | "<" | ">" | "<=" | ">=", a, Quantity::Number(_)) if !as_number => a,
                    _ => other(),
                }
            }
            _ => other(),
        }
    }

    fn condition(&self, node: &Node) -> Condition {
        let other = || Condition::Other(self.window(node));
        match &node.what {
            What::Call { name, arguments } => match (name.as_str(), &arguments[..]) {
                ("absent" | "absent_over_time", _) => Condition::Gone,
                ("sum" | "avg" | "max" | "min" | "count" | "group", [inner]) if compares(inner) => {
                    self.condition(inner)
                }
                _ => other(),
            },
            What::Binary { op, as_number: false, left, right } => match *op {
                "and" => Condition::All(vec![self.condition(left), self.condition(right)]),
                "or" => Condition::Any(vec![self.condition(left), self.condition(right)]),
                "unless" => Condition::All(vec![self.condition(left), Condition::Other(None)]),
                ">" | ">=" => self.comparison(node, left, right, true),
                "<" | "<=" => self.comparison(node, left, right, false),
                "==" | "!=" if self.is_presence(left) => Condition::Gone,
                _ => other(),
            },
            _ => other(),
        }
    }

    /// An amount above (or below) a limit, or the limit below the amount.
    fn comparison(&self, node: &Node, left: &Node, right: &Node, above: bool) -> Condition {
        let side = |above: bool, what: Quantity, limit: Limit| {
            if above { Condition::Above(what, limit) } else { Condition::Below(what, limit) }
        };
        if self.is_presence(left) {
            return Condition::Gone;
        }
        match (self.quantity(left), self.quantity(right)) {
            (Quantity::Number(_), Quantity::Number(_)) => Condition::Other(None),
            (what, Quantity::Number(limit)) => side(above, what, self.limit(limit, right)),
            (Quantity::Number(limit), what) => side(!above, what, self.limit(limit, left)),
            // failures > 0.05 * all
            (what @ Quantity::Flows(_), Quantity::Times(limit, all))
                if matches!(*all, Quantity::Flows(_)) =>
            {
                side(above, Quantity::Over(Box::new(what), all), self.limit(limit, right))
            }
            _ => Condition::Other(self.window(node)),
        }
    }

    fn limit(&self, value: f64, node: &Node) -> Limit {
        let written: Vec<&str> = self.text[node.at.clone()].split_whitespace().collect();
        Limit { value, written: written.join(" "), at: (self.place)(node.at.clone()) }
    }

    /// Whether a node is the presence of targets, or says that series are absent.
    fn is_presence(&self, node: &Node) -> bool {
        match (&node.what, self.quantity(node)) {
            (What::Call { name, .. }, _) if name.starts_with("absent") => true,
            (_, Quantity::Series(series)) => PRESENCE.contains(&series.metric.as_str()),
            _ => false,
        }
    }
}

/// The longest range below a node, and where it stands.
fn longest(node: &Node) -> Option<(Duration, Bytes<usize>)> {
    match &node.what {
        What::Number(_) | What::Text => None,
        What::Select { range, .. } => range.clone(),
        What::Again(inner) | What::Negative(inner) => longest(inner),
        What::Call { arguments, .. } => {
            arguments.iter().filter_map(longest).max_by_key(|(length, _)| *length)
        }
        What::Binary { left, right, .. } => {
            [left, right].into_iter().filter_map(|side| longest(side)).max_by_key(|(length, _)| *length)
        }
    }
}

/// Whether a node holds a comparison at its top, so that an aggregation over it counts what is left.
fn compares(node: &Node) -> bool {
    matches!(&node.what, What::Binary { op, .. } if matches!(*op, "==" | "!=" | "<" | ">" | "<=" | ">=" | "and" | "or"))
}

fn fold(op: &str, a: f64, b: f64) -> Option<f64> {
    Some(match op {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        "%" => a % b,
        "^" => a.powf(b),
        _ => return None,
    })
}
