//! `[watch.service.probe]`: a way through a service, step by step.

use std::time::Duration;

use model::declared::{Mistakes, Table, kind};
use text::{Node, Span};

use super::guard::{self, Of};
use super::{access, log, positive};
use crate::plan::{GuardSource, Probe, Step};

pub(super) const PROBE: &[&str] =
    &["every", "timeout", "guard", "step", "bearer_file", "basic", "ca", "server_name"];
pub(super) const STEP: &[&str] = &["name", "method", "url", "headers", "body", "expect", "keep"];

/// How often a probe walks where the file does not say: often enough that a sequential test over walks
/// takes minutes and not hours.
const EVERY: Duration = Duration::from_secs(5);
/// How many walks may fail where the file does not say: one in twenty, above what a network loses now and
/// then, and far below what a fault does.
const GUARD: GuardSource = GuardSource::Declared(0.05);
/// What a step expects where the file does not say.
const EXPECT: (u16, u16) = (200, 299);

/// A probe.
pub(super) fn read(node: Node<'_>, m: &mut Mistakes) -> Option<Probe> {
    let table = Table::new(node, "[watch.service.probe]", PROBE, m)?;
    let every = positive(&table, "every", m).unwrap_or(EVERY);
    if every < Duration::from_secs(1) {
        m.add(
            table.place("every"),
            "`every` is below a second",
            "a probe is a user, not a load: write \"1s\" or more",
        );
    }
    let timeout = positive(&table, "timeout", m).unwrap_or(every);
    if timeout > every {
        m.add(
            table.place("timeout"),
            format!("`timeout` is {timeout:?} and the probe walks every {every:?}"),
            "a walk must end before the next begins: write a shorter one, or a longer `every`",
        );
    }
    let guard = guard::read(&table, "guard", Of::Walks, m).unwrap_or(GUARD);
    let steps = steps(table.get("step"), "[[watch.service.probe.step]]", &[], m);
    if table.get("step").is_none() {
        m.add(
            table.span(),
            "a probe without a step",
            "add [[watch.service.probe.step]] with `name` and `url`",
        );
    }
    Some(Probe { every, timeout, steps, access: access::read(&table, m), guard })
}

/// Steps, one after the other, as a list of tables of this name states them. `known` are names that stand
/// for something before the first step.
pub fn steps(node: Option<Node<'_>>, name: &str, known: &[String], m: &mut Mistakes) -> Vec<Step> {
    let mut kept = known.to_vec();
    let mut steps: Vec<Step> = Vec::new();
    for table in Table::list(node, name, STEP, m) {
        let read = step(&table, &mut kept, m);
        // What a step keeps, later ones may name, whatever else is wrong with it.
        let keeps = table.get("keep").into_iter().flat_map(Node::entries);
        kept.extend(keeps.map(|entry| entry.key.text().to_owned()));
        let Some(step) = read else { continue };
        if steps.iter().any(|other| other.name == step.name) {
            m.add(table.place("name"), format!("a second step `{}`", step.name), "name each step once");
        }
        steps.push(step);
    }
    steps
}

fn step(table: &Table<'_>, kept: &mut Vec<String>, m: &mut Mistakes) -> Option<Step> {
    let name = table.needed_text("name", m);
    let url = access::needed_url(table, "url", m);
    let body = table.text("body", m).map(str::to_owned);
    let usual = if body.is_some() { "POST" } else { "GET" };
    let method = table.text("method", m).unwrap_or(usual).to_owned();
    // RFC 9110, section 9.1: a token; ours are upper case, as all registered ones are.
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        m.add(table.place("method"), format!("`{method}` is no method"), "write \"GET\" or \"POST\"");
    }
    let headers = texts_of(table, "headers", m);
    let keep = texts_of(table, "keep", m);
    for (name, pointer, span) in &keep {
        if !pointer.starts_with('/') {
            let help = "write where it stands in the JSON answer (RFC 6901): \"/access_token\"";
            m.add(*span, format!("`{pointer}` is no JSON pointer"), help);
        }
        if of_environment(name) {
            let help = "names in capitals stand for variables of the environment: write it in small letters";
            m.add(*span, format!("`{name}` cannot be kept"), help);
        }
    }
    let expect = match table.get("expect") {
        Some(node) => log::statuses("expect", node, m),
        None => vec![EXPECT],
    };
    for key in ["url", "body"] {
        if let Some(text) = table.get(key).and_then(Node::text) {
            placeholders(text, table.place(key), kept, m);
        }
    }
    for (_, text, span) in &headers {
        placeholders(text, *span, kept, m);
    }
    let pairs =
        |list: Vec<(String, String, Span)>| list.into_iter().map(|(key, value, _)| (key, value)).collect();
    Some(Step {
        name: name?.to_owned(),
        method,
        url: url?,
        headers: pairs(headers),
        body,
        expect,
        keep: pairs(keep),
    })
}

/// The entries of a table of texts, with where each stands.
fn texts_of(table: &Table<'_>, key: &str, m: &mut Mistakes) -> Vec<(String, String, Span)> {
    let mut list = Vec::new();
    for entry in Table::named(table.get(key), &format!("`{key}`"), m) {
        match entry.value.text() {
            Some(text) => list.push((entry.key.text().to_owned(), text.to_owned(), entry.value.span())),
            None => m.add(
                entry.value.span(),
                format!("`{}` of `{key}` is {}, not a text", entry.key.text(), kind(entry.value)),
                "put it in quotes",
            ),
        }
    }
    list
}

/// Whether a name stands for a variable of the environment: `${LOGIN_PASSWORD}`.
fn of_environment(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Every `${name}` is something that an earlier step kept, or a variable of the environment. What is said to
/// be kept by none is not said again.
fn placeholders(text: &str, span: Span, kept: &mut Vec<String>, m: &mut Mistakes) {
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("${") {
        let Some((name, behind)) = behind.split_once('}') else {
            m.add(span, "`${` without `}`", "write ${name}");
            return;
        };
        if !of_environment(name) && !kept.iter().any(|known| known == name) {
            let help = format!(
                "keep it: `keep = {{ {name} = \"/...\" }}` in a step before; a variable of the environment is \
                 written in capitals"
            );
            m.add(span, format!("no step before this one keeps `{name}`"), help);
            kept.push(name.to_owned());
        }
        rest = behind;
    }
}
