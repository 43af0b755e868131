//! Which series are what, made ready: names as bytes, expressions compiled once.

use regex::bytes::{Regex, RegexBuilder};
use watch::plan::{Compare, Mapping, Matcher, Selector};

use super::line::Labels;

/// How much a compiled expression may need, in bytes; one of a few words needs a hundredth of it.
const LARGEST_EXPRESSION: usize = 1024 * 1024;

/// A mapping that is ready.
#[derive(Debug)]
pub(super) struct Ready {
    metrics: Vec<Metric>,
    /// How many reasons there are.
    pub(super) reasons: usize,
    /// Whether durations are mapped.
    pub(super) durations: bool,
    /// What the requests are, for people.
    pub(super) requests: String,
}

/// A metric that the mapping names, and what its series are.
#[derive(Debug)]
pub(super) struct Metric {
    name: Box<[u8]>,
    roles: Vec<(Role, Vec<Test>)>,
}

/// What a series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Requests,
    Failed(usize),
    Bucket,
}

/// All that a series is. Where several selectors of requests, or of failures, select it, it still counts
/// once: as a failure for the first reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Roles {
    pub(super) requests: bool,
    pub(super) failed: Option<usize>,
    pub(super) bucket: bool,
}

impl Roles {
    pub(super) fn any(self) -> bool {
        self.requests || self.failed.is_some() || self.bucket
    }
}

impl Ready {
    /// Makes a mapping ready.
    ///
    /// # Errors
    ///
    /// Says which expression cannot be used.
    pub(super) fn new(mapping: &Mapping, reasons: usize) -> Result<Self, String> {
        let mut ready = Self {
            metrics: Vec::new(),
            reasons,
            durations: mapping.durations.is_some(),
            requests: mapping.requests.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        };
        for selector in &mapping.requests {
            ready.add(&selector.metric, Role::Requests, selector)?;
        }
        for (reason, selector) in &mapping.failed {
            ready.add(&selector.metric, Role::Failed(*reason), selector)?;
        }
        if let Some(durations) = &mapping.durations {
            let series = &durations.series;
            ready.add(&format!("{}_bucket", series.metric), Role::Bucket, series)?;
        }
        Ok(ready)
    }

    fn add(&mut self, name: &str, role: Role, selector: &Selector) -> Result<(), String> {
        let tests = selector.labels.iter().map(Test::new).collect::<Result<_, _>>()?;
        match self.metrics.iter_mut().find(|metric| *metric.name == *name.as_bytes()) {
            Some(metric) => metric.roles.push((role, tests)),
            None => self.metrics.push(Metric { name: name.as_bytes().into(), roles: vec![(role, tests)] }),
        }
        Ok(())
    }

    /// The metric that a line is of, where the mapping names it; and what follows its name.
    pub(super) fn metric<'l>(&self, line: &'l [u8]) -> Option<(&Metric, &'l [u8])> {
        self.metrics.iter().find_map(|metric| {
            let rest = line.strip_prefix(&*metric.name)?;
            matches!(rest.first(), Some(b'{' | b' ' | b'\t')).then_some((metric, rest))
        })
    }

    /// Whether a family of this name holds requests: a counter's family may lack the `_total` of its series.
    pub(super) fn counts_requests(&self, family: &[u8]) -> bool {
        self.metrics.iter().any(|metric| {
            let name = &*metric.name;
            (name == family || name.strip_suffix(b"_total") == Some(family))
                && metric.roles.iter().any(|(role, _)| *role == Role::Requests)
        })
    }
}

impl Metric {
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// What a series with such labels is.
    pub(super) fn roles(&self, labels: &Labels<'_>) -> Roles {
        let mut roles = Roles::default();
        for (role, tests) in &self.roles {
            let known = match role {
                Role::Requests => roles.requests,
                Role::Failed(_) => roles.failed.is_some(),
                Role::Bucket => roles.bucket,
            };
            if known || !tests.iter().all(|test| test.holds(labels)) {
                continue;
            }
            match role {
                Role::Requests => roles.requests = true,
                Role::Failed(reason) => roles.failed = Some(*reason),
                Role::Bucket => roles.bucket = true,
            }
        }
        roles
    }
}

/// What a label must be.
#[derive(Debug)]
struct Test {
    label: Box<[u8]>,
    /// Whether `value` must hold, or must not.
    wanted: bool,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Text(Box<[u8]>),
    Expression(Regex),
}

impl Test {
    fn new(matcher: &Matcher) -> Result<Self, String> {
        let value = match matcher.compare {
            Compare::Is | Compare::IsNot => Value::Text(matcher.value.as_bytes().into()),
            Compare::Matches | Compare::MatchesNot => Value::Expression(expression(&matcher.value)?),
        };
        let wanted = matches!(matcher.compare, Compare::Is | Compare::Matches);
        Ok(Self { label: matcher.label.as_bytes().into(), wanted, value })
    }

    fn holds(&self, labels: &Labels<'_>) -> bool {
        let found = labels.get(&self.label);
        let equal = match &self.value {
            Value::Text(text) => *found == **text,
            Value::Expression(expression) => expression.is_match(&found),
        };
        equal == self.wanted
    }
}

/// An expression that has to match all of a text, as Prometheus' do.
fn expression(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(&format!("^(?s:{text})$"))
        .size_limit(LARGEST_EXPRESSION)
        .dfa_size_limit(LARGEST_EXPRESSION)
        .build()
        .map_err(|error| format!("{text:?} is no regular expression: {error}"))
}
