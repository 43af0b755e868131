//! How an alert finds its way to a person: a tree of routes, of which the deepest that fits decides.

use std::time::Duration;

use text::Span;

use super::{Alert, Matcher};
use crate::Sourced;

/// What carries alerts to people.
#[derive(Debug, Clone, PartialEq)]
pub struct Router {
    /// As its operator would name it.
    pub name: String,
    /// Where it is configured.
    pub at: Span,
    /// The route of everything.
    pub root: Route,
    /// An alert that is not sent again within this ends.
    pub resolve_after: Sourced<Duration>,
}

/// A route. Times are those in force: its own, or its parent's.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// What an alert must carry; all hold.
    pub matchers: Vec<Matcher>,
    /// Who is told, where it is said.
    pub receiver: Option<String>,
    /// How long a first notice waits for others of its group.
    pub group_wait: Sourced<Duration>,
    /// How long what joins a group that was told waits.
    pub group_interval: Sourced<Duration>,
    /// How often what goes on is told again.
    pub repeat: Sourced<Duration>,
    /// Routes after it are tried too.
    pub goes_on: bool,
    /// Narrower routes, of which the first that fits is taken.
    pub routes: Vec<Route>,
}

impl Router {
    /// The route that tells an alert of this name first, as far as the labels of its rule say it.
    pub fn route<'r>(&'r self, name: &str, alert: &Alert) -> &'r Route {
        let label = |label: &str| match label {
            "alertname" => Some(name),
            other => alert.label(other),
        };
        deepest(&self.root, &|name| label(name).unwrap_or("").to_owned())
    }
}

fn deepest<'r>(route: &'r Route, label: &dyn Fn(&str) -> String) -> &'r Route {
    let fits = |route: &&Route| {
        route.matchers.iter().all(|matcher| matcher.holds(&label(&matcher.label)) == Some(true))
    };
    let mut soonest: Option<&Route> = None;
    for child in route.routes.iter().filter(fits) {
        let end = deepest(child, label);
        if soonest.is_none_or(|known| end.group_wait.value < known.group_wait.value) {
            soonest = Some(end);
        }
        if !child.goes_on {
            break;
        }
    }
    soonest.unwrap_or(route)
}
