//! Scenarios: what inputs say over time, and which alerts are expected of the watch. Run on virtual time
//! through [`crate::step`], so that a day takes moments and the same file gives the same answer for ever.
//! Reads no file and knows no format of reports.

mod judge;
mod read;
mod run;
mod series;
#[cfg(test)]
mod tests;

use std::time::Duration;

use model::declared::{Mistake, Mistakes, Table};
use text::{NodeKind, Source, Syntax, Tree};

use crate::alert::Symptom;
use crate::audits::Audited;
use crate::config;
use crate::guard::Learnt;
use crate::journal::Walk;
use crate::plan::Plan;

pub use judge::{Difference, judge};
pub use run::{Told, run};

/// The name of the plan's file where a scenario does not say; it stands beside the scenario.
const PLAN: &str = "forewarn.toml";

/// The kinds of test files that there are.
const KINDS: &[(&str, ())] = &[("scenario", ())];

/// Where the plan of a scenario is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanAt {
    /// In the scenario itself.
    Here,
    /// In a file, relative to the scenario.
    File(String),
}

/// A scenario that can be run.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it shows, in words; may be empty.
    pub name: String,
    /// What is watched.
    pub plan: Plan,
    /// How long it goes on.
    pub length: Duration,
    /// What the services of the plan say.
    feeds: Vec<Feed>,
    /// What audits find, and when.
    audits: Vec<(Duration, Audited)>,
    /// When alerts are silenced: from, until, of which service, why.
    silences: Vec<(Duration, Duration, Option<String>, String)>,
    /// When the watch is started again.
    restarts: Vec<Duration>,
    /// Which alerts are expected.
    expected: Vec<Expected>,
    /// Whether alerts that are not expected are a failure.
    others: bool,
}

/// What one service says.
#[derive(Debug, Clone)]
struct Feed {
    /// Its place in the plan.
    service: u16,
    targets: Vec<Target>,
    /// Walks of the probe, one after the other.
    walks: Vec<Walk>,
    /// Guards that history would teach.
    learnt: Vec<Learnt>,
}

/// What one target says, look by look.
#[derive(Debug, Clone)]
struct Target {
    name: String,
    /// Running totals; `None` where it says nothing. Beyond the end it says nothing.
    totals: Vec<Option<crate::tally::Tally>>,
}

/// An alert that is expected.
#[derive(Debug, Clone)]
struct Expected {
    service: String,
    symptom: Symptom,
    opened: Window,
    unknown: Option<Window>,
    ended: Option<Window>,
    /// How many failures the alert may count when it opens.
    failures: Option<(u64, u64)>,
    /// How long the alert says that a fault like it takes at most.
    delay: Option<Window>,
    /// Targets that the alert must name.
    replicas: Vec<String>,
    /// Places that the alert must show.
    shows: Vec<String>,
}

/// When something is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Window {
    Never,
    Within(Duration, Duration),
}

/// Where a scenario says that its plan is; read before the scenario itself, since a scenario can only be
/// read beside its plan.
///
/// # Errors
///
/// The file is no scenario: the kind is missing or unknown.
pub fn plan_of(source: &Source) -> Result<PlanAt, Vec<Mistake>> {
    let tree = Tree::parse(Syntax::Toml, source);
    let mut m = Mistakes::default();
    for problem in tree.problems() {
        m.add(problem.span, problem.message.clone(), "correct the syntax here; what follows may be sound");
    }
    let mut at = PlanAt::File(PLAN.to_owned());
    if let Some(top) = tree.documents().next().and_then(|root| Table::open(root, "the test file", &mut m)) {
        if top.get("kind").is_none() {
            m.add(top.span(), "the test file does not say its kind", "add `kind = \"scenario\"`");
        }
        top.word("kind", KINDS, &mut m);
        if top.get("watch").is_some() {
            at = PlanAt::Here;
            if top.get("plan").is_some() {
                m.add(top.place("plan"), "`plan` and [watch] together", "keep one of them");
            }
        } else if let Some(file) = top.text("plan", &mut m) {
            at = PlanAt::File(file.to_owned());
        }
    } else if tree.documents().next().is_none() {
        let start = text::Span { file: source.id(), start: 0, end: 0 };
        m.add(
            start,
            "the test file is empty",
            "add `kind = \"scenario\"`, a plan, series and expected alerts",
        );
    }
    m.or(at)
}

/// Reads a scenario, given the plan of the file that it names; `None` where the plan stands in it.
///
/// # Errors
///
/// Every mistake, in order of place.
pub fn parse(source: &Source, plan: Option<&Plan>) -> Result<Scenario, Vec<Mistake>> {
    plan_of(source)?;
    let tree = Tree::parse(Syntax::Toml, source);
    let mut m = Mistakes::default();
    let root = tree.documents().next().filter(|root| root.kind() == NodeKind::Map);
    let plan = plan.cloned().unwrap_or_else(|| config::plan(root, &mut m));
    let scenario = root.and_then(|root| read::scenario(root, plan, &mut m));
    match m.or(scenario)? {
        Some(scenario) => Ok(scenario),
        None => Err(Vec::new()),
    }
}

/// A symptom, as a scenario names it.
#[must_use]
pub fn name_of(symptom: &Symptom) -> String {
    match symptom {
        Symptom::Failing(None) => "failing".to_owned(),
        Symptom::Failing(Some(reason)) => format!("failing:{reason}"),
        Symptom::ReplicaFailing => "replica-failing".to_owned(),
        Symptom::Slow => "slow".to_owned(),
        Symptom::PileUp(at) => format!("pile-up:{at}ms"),
        Symptom::TrafficGone => "traffic-gone".to_owned(),
        Symptom::ProbeFailing(step) => format!("probe-failing:{step}"),
        Symptom::Burning(burn) => {
            format!("burning:{}", read::BURNS.iter().find(|(_, b)| b == burn).map_or("", |(w, _)| w))
        }
        Symptom::Blind => "blind".to_owned(),
        Symptom::Finding(finding) => format!("finding:{finding}"),
        Symptom::AuditOverdue => "audit-overdue".to_owned(),
        Symptom::Hindered(by) => format!("hindered:{by}"),
    }
}

/// A length of virtual time as people read it: "1m5s", "2h", "500ms".
#[must_use]
pub fn clock(length: Duration) -> String {
    let millis = length.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    let (mut rest, mut shown) = (millis, String::new());
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        if rest >= size {
            shown.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    shown
}
