//! A search as it is published.

use std::time::Duration;

use wire::tested;

use super::{Found, Searched};
use crate::report::verdict;
use crate::trial::Run;

impl Searched {
    /// As it is published.
    #[must_use]
    pub fn published(&self) -> tested::Search {
        let smallest = match self.found {
            Found::Smallest { value, low, high } => Some((value, low, high)),
            _ => None,
        };
        let seconds = |part: fn((Duration, Duration, Duration)) -> Duration| {
            smallest.map(|found| part(found).as_secs_f64())
        };
        let tried = self.tried.iter().map(|tried| tested::Tried {
            seconds: tried.value.as_secs_f64(),
            people: tried.seen.people(),
            failed: tried.seen.bad(),
            predicted: self.forecast.as_ref().map(|forecast| forecast.failed(tried.value)),
        });
        let became = |came: &Option<Run>| match came {
            None => "untried",
            Some(Run::Refused(_)) => "refused",
            Some(Run::Seen(trial)) => verdict(trial.verdict),
        };
        tested::Search {
            key: self.key.clone(),
            line: self.line(),
            smallest_seconds: seconds(|(value, ..)| value),
            smallest_low_seconds: seconds(|(_, low, _)| low),
            smallest_high_seconds: seconds(|(.., high)| high),
            safe_seconds: self.safe.as_ref().map(|safe| safe.value.as_secs_f64()),
            safe_verdict: self.safe.as_ref().map(|safe| became(&safe.came).to_owned()),
            margin: self.margin,
            predicted_seconds: self.predicted().map(|predicted| predicted.as_secs_f64()),
            monotone: !matches!(self.found, Found::NotMonotone { .. }),
            tried: tried.collect(),
            refused_seconds: self.refused.iter().map(|(value, _)| value.as_secs_f64()).collect(),
            untried_seconds: self.hindered.untried.iter().map(Duration::as_secs_f64).collect(),
            side_by_side: self.side_by_side,
            disturbed: self.hindered.again,
            seconds: self.elapsed.as_secs_f64(),
        }
    }
}
