//! From the tree of a `forewarn.toml` to its nouns: every table, every key.

use model::{Knob, Latency, Origin, Sourced};
use readers::platforms::{PLATFORMS, Platform};
use rules::MarginSet;
use text::{Entry, Node, Source, Span, Syntax, Tree};

#[cfg(test)]
use super::hash::HASH;
use super::hash::hashes;
use super::words::{CONTROLS, COVERS, Control, LEVELS, UNITS, ZERO};
use super::{
    Config, DeclaredCall, DeclaredService, DeclaredSetting, Measurement, Mistake, Observed, Override,
};
use super::{globs, no_rule};
use crate::allow::{Allow, Description, Scope};
use crate::date::Date;
use crate::globs::Globs;
use model::declared::measurement::{self, WHAT_WAS_MEASURED};
use model::declared::{Mistakes, Table, word_of};
use model::did_you_mean;

const TOP: &[&str] = &[
    "exclude",
    "environments",
    "service",
    "call",
    "setting",
    "observed",
    "hash",
    "margins",
    "rules",
    "override",
    "check",
    "allow",
    "watch",
    "audit",
];
const MARGINS: &[&str] = &[
    "chain",
    "chain_share",
    "keepalive",
    "attempts_warning",
    "attempts_error",
    "drift",
    "false_timeouts",
    "plausible_failure",
    "detect_within",
];
const SERVICE: &[&str] = &["name", "files", "hosts", "forwards", "platform"];
const CALL: &[&str] = &["from", "to", "absent", "passes_deadline", "idempotent", "per_request"];
const SETTING: &[&str] = &["files", "key", "controls", "covers", "unit", "zero", "to"];
/// Beside [`WHAT_WAS_MEASURED`].
const OBSERVED: &[&str] = &["from", "to", "environment", "file"];
const OVERRIDE: &[&str] = &["paths", "margins", "rules"];
const CHECK: &[&str] = &["baseline"];
const ALLOW: &[&str] = &["rule", "environment", "service", "from", "to", "key", "paths", "reason", "until"];

/// The keys of every table, for the test of the template.
#[cfg(test)]
pub(super) const KEYS: [&[&str]; 11] =
    [TOP, MARGINS, SERVICE, CALL, SETTING, OBSERVED, WHAT_WAS_MEASURED, HASH, OVERRIDE, CHECK, ALLOW];

/// Reads a `forewarn.toml`, given the names of all rules, and of what else has a level.
pub(super) fn parse(source: &Source, rules: &[&str], notices: &[&str]) -> Result<Config, Vec<Mistake>> {
    let tree = Tree::parse(Syntax::Toml, source);
    let mut m = Mistakes::default();
    measurement::syntax(&tree, &mut m);
    let Some(root) = tree.documents().next() else {
        return m.or(Config::default());
    };
    let Some(top) = Table::new(root, "forewarn.toml", TOP, &mut m) else {
        return m.or(Config::default());
    };
    let levelled = [rules, notices].concat();
    let margins = margins(top.get("margins"), MarginSet::default(), &mut m);
    let config = Config {
        // They stand in the plan of the watch, which its own crate reads.
        watched: None,
        exclude: globs(&top, "exclude", &mut m),
        environments: environments(top.get("environments"), &mut m),
        services: services(top.get("service"), &mut m),
        calls: calls(top.get("call"), &mut m),
        settings: settings(top.get("setting"), &mut m),
        observed: observed(top.get("observed"), &mut m),
        hashes: hashes(top.get("hash"), &mut m),
        levels: levels(top.get("rules"), "[rules]", &levelled, &mut m),
        overrides: overrides(top.get("override"), &margins, &levelled, &mut m),
        allows: allows(top.get("allow"), rules, &mut m),
        baseline: baseline(top.get("check"), &mut m),
        margins,
    };
    m.or(config)
}

fn environments(node: Option<Node<'_>>, m: &mut Mistakes) -> Vec<(String, Vec<String>)> {
    let Some(node) = node else { return Vec::new() };
    // The names are free, so each is read as the key of a table that knows it.
    let entries = Table::named(Some(node), "[environments]", m);
    let names: Vec<&str> = entries.iter().map(|entry| entry.key.text()).collect();
    let Some(table) = Table::new(node, "[environments]", &names, &mut Mistakes::default()) else {
        return Vec::new();
    };
    names.iter().map(|name| ((*name).to_owned(), globs(&table, name, m))).collect()
}

fn services(node: Option<Node<'_>>, m: &mut Mistakes) -> Vec<DeclaredService> {
    Table::list(node, "[[service]]", SERVICE, m)
        .into_iter()
        .filter_map(|table| {
            let name = table.needed_text("name", m);
            let files = globs(&table, "files", m);
            let hosts = table.texts("hosts", m).into_iter().map(|(host, _)| host.to_lowercase()).collect();
            let platform = platform(&table, m);
            let forwards = table.flag("forwards", m).or(platform.map(|_| true));
            let origin = Origin::Declared(table.place("name"));
            Some(DeclaredService {
                name: Sourced { value: name?.to_owned(), origin },
                files,
                hosts,
                forwards,
                platform,
            })
        })
        .collect()
}

fn platform(table: &Table<'_>, m: &mut Mistakes) -> Option<(&'static Platform, Span)> {
    let names: Vec<(&str, &'static Platform)> = PLATFORMS.iter().map(|known| (known.name, known)).collect();
    Some((table.word("platform", &names, m)?, table.place("platform")))
}

fn calls(node: Option<Node<'_>>, m: &mut Mistakes) -> Vec<DeclaredCall> {
    Table::list(node, "[[call]]", CALL, m)
        .into_iter()
        .filter_map(|table| {
            let (from, to) = (table.needed_text("from", m), table.needed_text("to", m));
            let absent = table.flag("absent", m).unwrap_or(false);
            let passes_deadline = table.flag("passes_deadline", m);
            let idempotent = table.flag("idempotent", m);
            let per_request = table.count("per_request", m);
            if per_request == Some(0) {
                m.add(
                    table.place("per_request"),
                    "`per_request` of [[call]] is 0",
                    "write `absent = true` where the call is not made",
                );
            }
            Some(DeclaredCall {
                from: from?.to_owned(),
                to: to?.to_owned(),
                span: table.place("to"),
                absent,
                passes_deadline,
                idempotent,
                per_request,
            })
        })
        .collect()
}

fn settings(node: Option<Node<'_>>, m: &mut Mistakes) -> Vec<DeclaredSetting> {
    Table::list(node, "[[setting]]", SETTING, m)
        .into_iter()
        .filter_map(|table| {
            let files = globs(&table, "files", m);
            let key = table.needed_text("key", m);
            let unit = table.word("unit", UNITS, m);
            let zero_is_never = table.word("zero", ZERO, m).unwrap_or(false);
            let to = table.text("to", m).map(str::to_owned);
            let knob = knob(&table, m);
            let span = table.place("key");
            Some(DeclaredSetting { files, key: key?.to_owned(), knob: knob?, unit, zero_is_never, to, span })
        })
        .collect()
}

/// What a declared setting controls: `covers` belongs to a timeout and to nothing else.
fn knob(table: &Table<'_>, m: &mut Mistakes) -> Option<Knob> {
    let control = match table.get("controls") {
        Some(_) => table.word("controls", CONTROLS, m)?,
        None => Control::Timeout,
    };
    let covers = table.word("covers", COVERS, m);
    match (control, table.get("covers")) {
        (Control::Timeout, Some(_)) => covers.map(Knob::Timeout),
        (Control::Timeout, None) => {
            let names: Vec<&str> = COVERS.iter().map(|&(name, _)| name).collect();
            m.add(
                table.span(),
                "a timeout without `covers`",
                did_you_mean("", "say what it spans; allowed", &names),
            );
            None
        }
        (Control::Other(knob), None) => Some(knob),
        (Control::Other(_), Some(_)) => {
            m.add(
                table.place("covers"),
                "`covers` belongs to a timeout only",
                "remove it, or write `controls = \"timeout\"`",
            );
            None
        }
    }
}

fn observed(node: Option<Node<'_>>, m: &mut Mistakes) -> Vec<Observed> {
    let keys = [OBSERVED, WHAT_WAS_MEASURED].concat();
    Table::list(node, "[[observed]]", &keys, m)
        .into_iter()
        .filter_map(|table| {
            let (from, to) = (table.needed_text("from", m), table.needed_text("to", m));
            let environment = table.text("environment", m).map(str::to_owned);
            let numbers = ["quantiles", "buckets"].into_iter().find(|key| table.get(key).is_some());
            let (what, place) = match (table.get("file"), numbers) {
                (Some(file), Some(_)) => {
                    m.add(file.span(), "[[observed]] with numbers and a `file`", "keep one of them");
                    return None;
                }
                (Some(_), None) => {
                    let what = table.text("file", m).map(|path| Measurement::File {
                        path: path.to_owned(),
                        window: table.text("window", m).map(str::to_owned),
                        calls: table.count("calls", m),
                        in_force: table.limit("timeout_in_force", m),
                    });
                    (what, "file")
                }
                (None, Some(place)) => (here(&table, m).map(Measurement::Here), place),
                (None, None) => {
                    m.add(
                        table.span(),
                        "[[observed]] says nothing that was measured",
                        "add `quantiles = { p50 = \"...\", p99 = \"...\" }` or `file = \"...\"`",
                    );
                    return None;
                }
            };
            let span = table.place(place);
            Some(Observed { from: from?.to_owned(), to: to?.to_owned(), environment, what: what?, span })
        })
        .collect()
}

/// A measurement stated in place says when it was taken and of how many calls: a quantile without
/// them cannot be judged.
fn here(table: &Table<'_>, m: &mut Mistakes) -> Option<Latency> {
    let latency = measurement::measured(table, m);
    table.needed_text("window", m);
    if table.get("calls").is_none() && table.get("buckets").is_none() {
        m.add(
            table.span(),
            "[[observed]] without `calls`",
            "add how many calls were measured: a rare share cannot be seen in few calls",
        );
    }
    latency
}

fn margins(node: Option<Node<'_>>, base: MarginSet, m: &mut Mistakes) -> MarginSet {
    let Some(table) = node.and_then(|node| Table::new(node, "[margins]", MARGINS, m)) else {
        return base;
    };
    const SHARE: &str = "write a share of 1: 0.05 is 5 %";
    let margins = MarginSet {
        chain: table.length("chain", m).unwrap_or(base.chain),
        chain_share: table.number("chain_share", 0.0..=10.0, SHARE, m).unwrap_or(base.chain_share),
        keepalive: table.length("keepalive", m).unwrap_or(base.keepalive),
        attempts_warning: table.count("attempts_warning", m).unwrap_or(base.attempts_warning),
        attempts_error: table.count("attempts_error", m).unwrap_or(base.attempts_error),
        drift: table
            .number("drift", 1.0..=1e9, "write a factor from 1 up: 2 allows twice as much", m)
            .unwrap_or(base.drift),
        false_timeouts: table.number("false_timeouts", 0.0..=1.0, SHARE, m).unwrap_or(base.false_timeouts),
        plausible_failure: table
            .number("plausible_failure", 0.001..=1.0, SHARE, m)
            .unwrap_or(base.plausible_failure),
        detect_within: table.length("detect_within", m).or(base.detect_within),
    };
    if margins.attempts_warning > margins.attempts_error {
        m.add(
            table.span(),
            format!(
                "`attempts_warning` ({}) is above `attempts_error` ({})",
                margins.attempts_warning, margins.attempts_error
            ),
            "an error needs at least as many attempts as a warning",
        );
    }
    margins
}

fn levels(
    node: Option<Node<'_>>,
    name: &str,
    rules: &[&str],
    m: &mut Mistakes,
) -> Vec<(String, Option<model::Level>)> {
    Table::named(node, name, m)
        .into_iter()
        .filter_map(|Entry { key, value }| {
            let rule = key.text();
            if !rules.contains(&rule) {
                let (what, help) = no_rule(rule, rules);
                m.add(key.span(), what, help);
            }
            let Some(word) = value.text() else {
                m.add(
                    value.span(),
                    format!("the level of `{rule}` is {}", model::declared::kind(value)),
                    "write `\"error\"`, `\"warning\"`, `\"note\"` or `\"off\"`",
                );
                return None;
            };
            Some((rule.to_owned(), word_of("level", word, value.span(), LEVELS, m)?))
        })
        .collect()
}

fn overrides(node: Option<Node<'_>>, base: &MarginSet, rules: &[&str], m: &mut Mistakes) -> Vec<Override> {
    Table::list(node, "[[override]]", OVERRIDE, m)
        .into_iter()
        .map(|table| {
            let paths = globs(&table, "paths", m);
            if table.get("paths").is_none() {
                m.add(
                    table.span(),
                    "[[override]] without `paths`",
                    "add `paths = [\"...\"]`: where it holds",
                );
            }
            let own = table.get("margins").map(|node| margins(Some(node), base.clone(), m));
            let levels = levels(table.get("rules"), "rules of [[override]]", rules, m);
            Override { paths, margins: own, levels }
        })
        .collect()
}

fn baseline(node: Option<Node<'_>>, m: &mut Mistakes) -> Option<(String, text::Span)> {
    let table = Table::new(node?, "[check]", CHECK, m)?;
    let file = table.text("baseline", m)?.to_owned();
    Some((file, table.place("baseline")))
}

fn allows(node: Option<Node<'_>>, rules: &[&str], m: &mut Mistakes) -> Vec<Allow> {
    Table::list(node, "[[allow]]", ALLOW, m)
        .into_iter()
        .filter_map(|table| {
            let named = table.texts("rule", m);
            if named.is_empty() && table.get("rule").is_none_or(|node| node.text().is_none()) {
                table.lacks("`rule`", "`rule = \"...\"` (what is accepted)", m);
            }
            for &(name, span) in &named {
                if !rules.contains(&name) {
                    let (what, help) = no_rule(name, rules);
                    m.add(span, what, help);
                }
            }
            let reason = table.needed_text("reason", m);
            let until = until(&table, m);
            let text = |key: &str, m: &mut Mistakes| table.text(key, m).map(str::to_owned);
            let described = Description {
                environment: text("environment", m),
                service: text("service", m),
                from: text("from", m),
                to: text("to", m),
                key: text("key", m),
                paths: table.get("paths").is_some().then(|| Globs::new(&globs(&table, "paths", m))),
            };
            Some(Allow {
                span: table.span(),
                rules: named.into_iter().map(|(name, span)| (name.to_owned(), span)).collect(),
                scope: Scope::Described(described),
                until: until?,
                reason: reason?.to_owned(),
            })
        })
        .collect()
}

/// The last day of a suppression; `None` where what is written is no day.
fn until(table: &Table<'_>, m: &mut Mistakes) -> Option<Option<Date>> {
    let Some(node) = table.get("until") else { return Some(None) };
    let date = node.text().and_then(Date::parse);
    if date.is_none() {
        let what = "`until` of [[allow]] is no day";
        m.add(node.span(), what, "write year, month and day: `until = 2027-03-01`");
    }
    date.map(Some)
}
