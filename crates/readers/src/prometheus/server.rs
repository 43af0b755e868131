//! `prometheus.yml`: how often targets are scraped and rules evaluated, and which files of rules are loaded.

use model::Sourced;
use model::monitor::{Evaluator, FoundBy, Job, Loads};
use text::Node;

use super::{Default, is_list, length, length_or, text_at};
use crate::{Context, Fragment};

const VERSION: &str = "all versions, prometheus.io Configuration";
/// prometheus.io, "Configuration", `<global>`.
const SCRAPE: Default = Default { seconds: 60, of: "Prometheus global.scrape_interval", version: VERSION };
/// The same.
const EVALUATION: Default =
    Default { seconds: 60, of: "Prometheus global.evaluation_interval", version: VERSION };

/// Whether a document is the configuration of a server.
pub(super) fn is_server(root: Node<'_>) -> bool {
    let jobs = root.entry("scrape_configs").filter(is_list);
    let is_job = |job: Node<'_>| job.get("job_name").is_some();
    let has_jobs = jobs.is_some_and(|jobs| jobs.value.items().any(is_job));
    let global = root.get("global");
    let has_intervals = global.is_some_and(|global| {
        global.get("scrape_interval").is_some() || global.get("evaluation_interval").is_some()
    });
    has_jobs || has_intervals && (root.get("rule_files").is_some() || root.get("alerting").is_some())
}

/// Reads a server and its jobs.
pub(super) fn read(context: &Context<'_>, root: Node<'_>, fragment: &mut Fragment) {
    let global = root.entry("global");
    let near = match &global {
        Some(entry) => entry.key.span(),
        None => root.written_entries().next().map_or_else(|| root.span(), |entry| entry.key.span()),
    };
    let global = global.map(|entry| entry.value);
    let scrape = length_or(global, "scrape_interval", "global", SCRAPE, near, fragment);
    let evaluation = length_or(global, "evaluation_interval", "global", EVALUATION, near, fragment);
    let loads = root.get("rule_files").into_iter().flat_map(Node::items).filter_map(Node::scalar);
    let loads = loads
        .filter(|pattern| !pattern.text().is_empty())
        .map(|pattern| Loads {
            pattern: Sourced::written(pattern.text().to_owned(), pattern.span()),
            files: context
                .neighbours
                .find(context.source.id(), pattern.text())
                .into_iter()
                .map(text::Source::id)
                .collect(),
        })
        .collect();
    let evaluator = fragment.monitor.evaluators.len();
    fragment.monitor.evaluators.push(Evaluator {
        name: context.source.path().to_owned(),
        at: near,
        by: FoundBy::Path,
        scrape,
        evaluation,
        loads,
    });
    for (index, node) in root.get("scrape_configs").into_iter().flat_map(Node::items).enumerate() {
        let Some(name) = text_at(node, "job_name") else { continue };
        let interval = length(node, "scrape_interval", &format!("scrape_configs[{index}]"), fragment);
        fragment.monitor.jobs.push(Job {
            name: Sourced::written(name.text().to_owned(), name.span()),
            aliases: Vec::new(),
            any_name: names_its_series(node),
            scrape: interval.filter(|interval| !interval.value.is_zero()),
            by: FoundBy::Path,
            evaluator: Some(evaluator),
        });
    }
}

/// Whether the label `job` of a job's series can be another one than its name: the targets' own is kept, or
/// a step of relabelling writes it.
fn names_its_series(job: Node<'_>) -> bool {
    let honours = job.get("honor_labels").and_then(Node::text) == Some("true");
    let writes = |step: Node<'_>| match step.get("action").and_then(Node::text) {
        Some("labelmap") => true,
        Some("keep" | "drop" | "labeldrop" | "labelkeep") => false,
        _ => step.get("target_label").and_then(Node::text) == Some("job"),
    };
    let steps = ["relabel_configs", "metric_relabel_configs"];
    let groups = job.get("static_configs").into_iter().flat_map(Node::items);
    let labelled = groups.filter_map(|group| group.get("labels")).any(|labels| labels.get("job").is_some());
    honours || labelled || steps.iter().filter_map(|key| job.get(key)).flat_map(Node::items).any(writes)
}
