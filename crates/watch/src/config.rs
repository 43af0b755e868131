//! `[watch]` and `[audit]` of `forewarn.toml`: from the file to a [`Plan`]. The rest of the file belongs to
//! the audit and is read there. Unknown keys are refused with "did you mean"; every mistake is told at once,
//! with its place and its cure. Reads no other file: what the plan names, whoever runs it opens.

mod access;
mod channel;
mod guard;
mod log;
mod preset;
mod probe;
mod schedule;
mod scrape;
mod selector;
mod service;
#[cfg(test)]
mod tests;

use std::time::Duration;

use model::declared::{Mistake, Mistakes, Table};
use text::{Node, NodeKind, ProblemKind, Source, Syntax, Tree};

use crate::plan::Plan;

pub use log::log;
pub use preset::PRESETS;
pub use probe::steps;
pub use selector::selector;

const WATCH: &[&str] =
    &["false_alarms", "look", "journal", "keep", "listen", "service", "channel", "heartbeat"];

/// How many false alarms a year are allowed where the file does not say.
const FALSE_ALARMS: f64 = 1.0;
/// How often services are looked at where the file does not say.
const LOOK: Duration = Duration::from_secs(1);
/// Where the journal is where the file does not say.
const JOURNAL: &str = "forewarn-journal";
/// How long the journal is kept where the file does not say: two of each hour of the week.
const KEEP: Duration = Duration::from_secs(14 * 86_400);
/// Where the watch shows itself where the file does not say: this host alone, above the ports that
/// Prometheus' exporters use.
const LISTEN: &str = "127.0.0.1:9464";

/// Reads the watching part of a `forewarn.toml`. A file without `[watch]` gives a plan that watches no
/// service.
///
/// # Errors
///
/// Every mistake, in order of place. A plan with a mistake is not used at all: a watch that leaves out
/// half of what it was told would be silent about it.
pub fn parse(source: &Source) -> Result<Plan, Vec<Mistake>> {
    let tree = Tree::parse(Syntax::Toml, source);
    let mut m = Mistakes::default();
    for problem in tree.problems() {
        let help = match problem.kind {
            ProblemKind::DuplicateKey => "keep one of them",
            _ => "correct the syntax here; what follows may be sound",
        };
        m.add(problem.span, problem.message.clone(), help);
    }
    let root = tree.documents().next().filter(|root| root.kind() == NodeKind::Map);
    let plan = plan(root, &mut m);
    m.or(plan)
}

/// The plan of the root table of a file that may hold more.
pub(crate) fn plan(root: Option<Node<'_>>, m: &mut Mistakes) -> Plan {
    let mut plan = Plan {
        false_alarms: FALSE_ALARMS,
        look: LOOK,
        services: Vec::new(),
        channels: Vec::new(),
        heartbeat: None,
        audit: None,
        journal: JOURNAL.to_owned(),
        keep: KEEP,
        listen: Some(LISTEN.to_owned()),
    };
    plan.audit = root.and_then(|root| root.get("audit")).and_then(|node| schedule::read(node, m));
    let watch = root.and_then(|root| root.get("watch"));
    let Some(watch) = watch.and_then(|node| Table::new(node, "[watch]", WATCH, m)) else { return plan };
    let help = "write how many false alarms a year the whole installation may raise, from 0.001 to 1000";
    if let Some(rate) = watch.number("false_alarms", 0.001..=1000.0, help, m) {
        plan.false_alarms = rate;
    }
    if let Some(look) = positive(&watch, "look", m) {
        plan.look = look;
        // Slower, an outage is minutes old before the first look; faster, a look costs more than it shows.
        if !(Duration::from_millis(100)..=Duration::from_secs(60)).contains(&look) {
            m.add(watch.place("look"), "`look` is out of range", "write from \"100ms\" to \"60s\"");
        }
    }
    if let Some(journal) = filled(&watch, "journal", m) {
        plan.journal = journal;
    }
    if let Some(keep) = positive(&watch, "keep", m) {
        plan.keep = keep;
    }
    listen(&watch, &mut plan, m);
    plan.services = service::read(watch.get("service"), plan.look, m);
    plan.channels = channel::read(watch.get("channel"), m);
    plan.heartbeat = watch.get("heartbeat").and_then(|node| channel::heartbeat(node, m));
    if !plan.services.is_empty() && plan.channels.is_empty() && plan.listen.is_none() {
        m.add(
            watch.span(),
            "no alert can be seen: there is no [[watch.channel]], and `listen` is \"never\"",
            "add a [[watch.channel]], or take `listen` away",
        );
    }
    plan
}

fn listen(watch: &Table<'_>, plan: &mut Plan, m: &mut Mistakes) {
    let Some(listen) = filled(watch, "listen", m) else { return };
    if listen == "never" {
        plan.listen = None;
        return;
    }
    let port = listen.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    if port.and_then(|(_, port)| port.parse::<u16>().ok()).is_none() {
        let help = "write an address and a port: \"127.0.0.1:9464\"; or \"never\"";
        m.add(watch.place("listen"), format!("`listen` is no address: `{listen}`"), help);
    }
    plan.listen = Some(listen);
}

/// A text that is not empty, where there is one.
fn filled(table: &Table<'_>, key: &str, m: &mut Mistakes) -> Option<String> {
    table.get(key)?;
    table.needed_text(key, m).map(str::to_owned)
}

/// A length of time above zero.
fn positive(table: &Table<'_>, key: &str, m: &mut Mistakes) -> Option<Duration> {
    let length = table.length(key, m)?;
    if length.is_zero() {
        m.add(table.place(key), format!("`{key}` is 0"), "write a length above 0");
        return None;
    }
    Some(length)
}

/// The keys of every table, for the test of the template.
#[cfg(test)]
const KEYS: [&[&str]; 16] = [
    WATCH,
    service::SERVICE,
    scrape::TARGETS_FILE,
    scrape::DNS,
    scrape::DURATIONS,
    log::LOG,
    log::OUTCOME,
    guard::GUARD,
    service::LATENCY,
    service::OBJECTIVE,
    probe::PROBE,
    probe::STEP,
    channel::CHANNEL,
    channel::HEARTBEAT,
    access::BASIC,
    schedule::AUDIT,
];
