//! From the text of a test file to its nouns: every table, every key.

use std::time::Duration;

use model::declared::measurement;
use model::declared::{Mistake, Mistakes, Table, UNITS, kind, plain};
use text::{Node, NodeKind, Source, Syntax, Tree};

use crate::candidate::{SYNTAXES, by_name};
use crate::file::{
    Awaits, Candidate, Dependency, Edit, Load, Objective, Process, Ready, Replayed, Search, Setup, Test,
};
use crate::observed::{self, Files};
use crate::proxy::Fault;
use crate::words;

const TOP: &[&str] =
    &["kind", "name", "candidate", "process", "dependency", "setup", "step", "load", "objective", "search"];
const CANDIDATE: &[&str] = &["file", "syntax", "replace", "set"];
const PROCESS: &[&str] =
    &["name", "command", "environment", "pass", "directory", "ready", "ready_within", "stop_within"];
const READY: &[&str] = &["http", "tcp", "ended"];
const DEPENDENCY: &[&str] =
    &["name", "address", "connect", "answer", "request", "on_top", "fault", "slow_close", "bandwidth"];
const SETUP: &[&str] = &["persons", "step"];
const LOAD: &[&str] = &["rate", "at_once"];
const OBJECTIVE: &[&str] = &["good", "within", "people"];
const SEARCH: &[&str] = &["key", "unit", "from", "to", "margin", "dependency", "awaits"];

/// How long a process may take to be ready where the file does not say: a cold start of a small service.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// How long it may take to end: the grace of most supervisors is 10 s or more.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// Patience of a person where the file does not say (Nielsen 1993, "Usability Engineering": 10 s is how
/// long attention is kept).
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Reads a file of `kind = "service"`. `file` gives the text of a measurement that it names, by its path
/// relative to the test file.
///
/// # Errors
/// Every mistake in it, in order of place.
pub fn parse(source: &Source, file: &dyn Fn(&str) -> Result<Source, String>) -> Result<Test, Vec<Mistake>> {
    let tree = Tree::parse(Syntax::Toml, source);
    let mut m = Mistakes::default();
    measurement::syntax(&tree, &mut m);
    // What stands behind a broken line is not what was meant.
    m.or(())?;
    let mut m = Mistakes::default();
    let test = tree
        .documents()
        .next()
        .and_then(|root| Table::new(root, "the test file", TOP, &mut m))
        .and_then(|top| test(&top, source.text(), file, &mut m));
    match (test, m.or(())) {
        (Some(test), Ok(())) => Ok(test),
        (_, Err(mistakes)) => Err(mistakes),
        (None, Ok(())) => {
            let span = text::Span { file: source.id(), start: 0, end: 0 };
            let help = "write [candidate], [[process]], [[step]] and [objective]".to_owned();
            Err(vec![Mistake { span, what: "the test file is empty".to_owned(), help }])
        }
    }
}

fn test(top: &Table<'_>, text: &str, file: Files<'_>, m: &mut Mistakes) -> Option<Test> {
    let name = top.needed_text("name", m).map(str::to_owned);
    let candidate = needed(top, "candidate", "`file`", m).and_then(|node| candidate(node, m));
    let processes = processes(top, m);
    let dependencies = dependencies(top, file, m);
    let mut words = known(top, text);
    for (key, unknown_there) in [
        ("candidate", &["user", "candidate"][..]),
        ("process", &["user"]),
        ("dependency", &["user", "candidate"]),
    ] {
        if let Some(node) = top.get(key) {
            placeholders(node, unknown_there, &mut words, m);
        }
    }
    let setup = Table::list(top.get("setup"), "[[setup]]", SETUP, m)
        .iter()
        .map(|table| setup(table, &words, m))
        .collect();
    let steps = watch::config::steps(top.get("step"), "[[step]]", &words, m);
    if top.get("step").is_none() {
        top.lacks("[[step]]", "[[step]] with `name` and `url`", m);
    }
    let load = needed(top, "load", "`rate` or `at_once`", m).and_then(|node| load(node, m));
    let objective = needed(top, "objective", "`good`", m).and_then(|node| objective(node, m));
    let all_read = names(top, "dependency").is_some_and(|names| names.len() == dependencies.len());
    let search = top.get("search").and_then(|node| search(node, &dependencies, all_read, m));
    Some(Test {
        name: name?,
        candidate: candidate?,
        processes,
        dependencies,
        setup,
        steps,
        load: load?,
        objective: objective?,
        search,
    })
}

/// A table of the top, and what must stand in it.
fn needed<'t>(top: &Table<'t>, key: &str, of: &str, m: &mut Mistakes) -> Option<Node<'t>> {
    let node = top.get(key);
    if node.is_none() {
        top.lacks(format!("[{key}]"), format!("[{key}] with {of}"), m);
    }
    node
}

fn candidate(node: Node<'_>, m: &mut Mistakes) -> Option<Candidate> {
    let table = Table::new(node, "[candidate]", CANDIDATE, m)?;
    let stated = table.word("syntax", SYNTAXES, m);
    let quotes = "keys with dots stand in quotes: \"directory.url\" = \"...\"";
    let set = edits(table.get("set"), "[candidate.set]", quotes, m);
    let quotes = "what is replaced stands in quotes: \"10.0.0.1:5432\" = \"...\"";
    let replace = edits(table.get("replace"), "[candidate.replace]", quotes, m);
    for edit in replace.iter().filter(|edit| edit.key.is_empty()) {
        m.add(edit.span, "nothing is to be replaced", quotes);
    }
    let file = table.needed_text("file", m)?.to_owned();
    let syntax = stated.or_else(|| by_name(&file));
    Some(Candidate { file, syntax, replace, set })
}

/// What is written over, and with what.
fn edits(node: Option<Node<'_>>, place: &str, help: &str, m: &mut Mistakes) -> Vec<Edit> {
    let mut edits = Vec::new();
    for entry in Table::named(node, place, m) {
        let (key, span) = (entry.key.text().to_owned(), entry.key.span());
        match entry.value.text() {
            Some(text) => edits.push(Edit { key, value: text.to_owned(), span }),
            None => m.add(entry.value.span(), format!("`{key}` of {place} is {}", kind(entry.value)), help),
        }
    }
    edits
}

fn processes(top: &Table<'_>, m: &mut Mistakes) -> Vec<Process> {
    let mut processes: Vec<Process> = Vec::new();
    for table in Table::list(top.get("process"), "[[process]]", PROCESS, m) {
        let name = table.needed_text("name", m).map(str::to_owned);
        let command: Vec<String> =
            table.texts("command", m).into_iter().map(|(text, _)| text.to_owned()).collect();
        let is_said = |node: Node<'_>| node.kind() != NodeKind::List || node.items().next().is_some();
        if !table.get("command").is_some_and(is_said) {
            table.lacks("`command`", "`command = [\"program\", \"argument\"]`", m);
        }
        let environment = Table::named(table.get("environment"), "`environment`", m)
            .into_iter()
            .map(|entry| (entry.key.text().to_owned(), entry.value.text().unwrap_or("").to_owned()))
            .collect();
        let ready = ready(&table, m);
        let (Some(name), Some(ready)) = (name, ready) else { continue };
        if processes.iter().any(|other| other.name == name) {
            m.add(table.place("name"), format!("a second process `{name}`"), "name each once");
        }
        processes.push(Process {
            name,
            command,
            environment,
            pass: passed(&table, m),
            directory: table.text("directory", m).map(str::to_owned),
            ready,
            ready_within: table.length("ready_within", m).unwrap_or(READY_WITHIN),
            stop_within: table.length("stop_within", m).unwrap_or(STOP_WITHIN),
        });
    }
    if top.get("process").is_none() {
        top.lacks("[[process]]", "[[process]] with `name`, `command` and `ready`", m);
    }
    processes
}

/// Names of variables; a `*` stands at the end or nowhere.
fn passed(table: &Table<'_>, m: &mut Mistakes) -> Vec<String> {
    let mut names = Vec::new();
    for (name, span) in table.texts("pass", m) {
        let word = name.strip_suffix('*').unwrap_or(name);
        if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            m.add(
                span,
                format!("`{name}` of `pass` names no variable"),
                "write pass = [\"HTTPS_PROXY\", \"PIP_*\"]",
            );
        }
        names.push(name.to_owned());
    }
    names
}

fn ready(table: &Table<'_>, m: &mut Mistakes) -> Option<Ready> {
    const ADD: &str = "`ready = { http = \"http://127.0.0.1:${port.NAME}/healthz\" }`, `{ tcp = \"127.0.0.1:${port.NAME}\" }` or `{ ended = true }`";
    let Some(node) = table.get("ready") else {
        table.lacks("`ready`", ADD, m);
        return None;
    };
    let ready = Table::new(node, "`ready`", READY, m)?;
    let said: Vec<&str> = READY.iter().copied().filter(|key| ready.get(key).is_some()).collect();
    match said.as_slice() {
        ["http"] => return Some(Ready::Http(ready.text("http", m)?.to_owned())),
        ["tcp"] => return Some(Ready::Tcp(ready.text("tcp", m)?.to_owned())),
        ["ended"] if ready.flag("ended", m)? => return Some(Ready::Ended),
        _ if !ready.is_sound() => {}
        _ => m.add(node.span(), "`ready` is one of `http`, `tcp` and `ended`", format!("write {ADD}")),
    }
    None
}

fn dependencies(top: &Table<'_>, file: Files<'_>, m: &mut Mistakes) -> Vec<Dependency> {
    let mut dependencies: Vec<Dependency> = Vec::new();
    for table in Table::list(top.get("dependency"), "[[dependency]]", DEPENDENCY, m) {
        let name = table.needed_text("name", m).map(str::to_owned);
        let address = table.needed_text("address", m).map(str::to_owned);
        let mut phase = |key: &str| table.get(key).and_then(|node| observed::latency(node, key, file, m));
        let (connect, answer, request) = (phase("connect"), phase("answer"), phase("request"));
        let on_top = table.flag("on_top", m).unwrap_or(false);
        let fault = fault(&table, m);
        let bandwidth = table.count("bandwidth", m);
        let (Some(name), Some(address)) = (name, address) else { continue };
        if dependencies.iter().any(|other| other.name == name) {
            m.add(table.place("name"), format!("a second dependency `{name}`"), "name each once");
        }
        let replayed = Replayed { connect, answer, request, on_top };
        dependencies.push(Dependency { name, address, replayed, fault, bandwidth });
    }
    dependencies
}

fn fault(table: &Table<'_>, m: &mut Mistakes) -> Fault {
    let slow = table.length("slow_close", m).map(Fault::SlowClose);
    let words = [
        ("none", Fault::None),
        ("refuse", Fault::Refuse),
        ("reset", Fault::Reset),
        ("black-hole", Fault::BlackHole),
    ];
    match (table.word("fault", &words, m), slow) {
        (Some(_), Some(slow)) => {
            m.add(table.place("slow_close"), "`fault` and `slow_close` together", "keep one of them");
            slow
        }
        (fault, slow) => slow.or(fault).unwrap_or_default(),
    }
}

/// The names of processes or dependencies, those of broken ones too; `None` where one cannot be read.
fn names<'t>(top: &Table<'t>, key: &str) -> Option<Vec<&'t str>> {
    if !top.is_sound() {
        return None;
    }
    let Some(node) = top.get(key) else { return Some(Vec::new()) };
    let named = |item: Node<'t>| item.get("name").filter(|name| plain(*name).is_none())?.text();
    let named = |item| named(item).filter(|name| !name.is_empty());
    (node.kind() == NodeKind::List).then(|| node.items().map(named).collect())?
}

/// What a step may name that no step keeps. Where a name cannot be read it may be any that is used.
fn known(top: &Table<'_>, text: &str) -> Vec<String> {
    let mut known = ["user", "seed", "work", "base", "candidate", "forewarn"].map(str::to_owned).to_vec();
    for (key, kind) in [("process", "port."), ("dependency", "proxy.")] {
        match names(top, key) {
            Some(names) => known.extend(names.iter().map(|name| format!("{kind}{name}"))),
            None => {
                known.extend(words::names(text).filter(|name| name.starts_with(kind)).map(str::to_owned));
            }
        }
    }
    let ports: Vec<String> =
        known.iter().filter(|name| name.starts_with("proxy.")).map(|name| format!("{name}.port")).collect();
    known.extend(ports);
    known
}

/// Every `${name}` below a node is known there, or a variable of the environment, of which only the run can
/// tell whether it is set. What is said to be unknown is known from then on.
fn placeholders(node: Node<'_>, unknown_there: &[&str], known: &mut Vec<String>, m: &mut Mistakes) {
    for item in node.items() {
        placeholders(item, unknown_there, known, m);
    }
    for entry in node.entries() {
        placeholders(entry.value, unknown_there, known, m);
    }
    for name in words::names(node.text().unwrap_or_default()) {
        let there = |known: &&str| !unknown_there.contains(known);
        let words: Vec<&str> = known.iter().map(String::as_str).filter(there).collect();
        if words.contains(&name) || words::is_variable(name) {
            continue;
        }
        let help = model::did_you_mean(name, "known here", &words);
        m.add(node.span(), format!("`${{{name}}}` stands for nothing"), help);
        known.push(name.to_owned());
    }
}

fn setup(table: &Table<'_>, words: &[String], m: &mut Mistakes) -> Setup {
    let persons = match table.count("persons", m) {
        None => 1,
        Some(count @ 1..=100_000) => count as u32,
        Some(_) => {
            m.add(table.place("persons"), "`persons` is not from 1 to 100000", "write persons = 10");
            1
        }
    };
    let steps = watch::config::steps(table.get("step"), "[[setup.step]]", words, m);
    Setup { steps, persons }
}

fn load(node: Node<'_>, m: &mut Mistakes) -> Option<Load> {
    const HELP: &str = "write rate = 50 (people a second) or at_once = 8 (people at a time)";
    let table = Table::new(node, "[load]", LOAD, m)?;
    match (table.get("rate"), table.get("at_once")) {
        (Some(_), None) => return table.number("rate", 0.1..=10_000.0, HELP, m).map(Load::Rate),
        (None, Some(node)) => match table.count("at_once", m)? {
            count @ 1..=10_000 => return Some(Load::AtOnce(count as u32)),
            _ => m.add(node.span(), "`at_once` is not from 1 to 10000", HELP),
        },
        _ => m.add(table.span(), "[load] is one of `rate` and `at_once`", HELP),
    }
    None
}

fn objective(node: Node<'_>, m: &mut Mistakes) -> Option<Objective> {
    let table = Table::new(node, "[objective]", OBJECTIVE, m)?;
    let text = table.needed_text("good", m)?;
    let people = table.count("people", m);
    if let Some(0 | 1_000_001..) = people {
        m.add(table.place("people"), "`people` is not from 1 to 1000000", "write people = 24");
    }
    let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    // That nobody at all ever fails cannot be shown; that nobody of so many does, can.
    let most = if people.is_some() { 100.0 } else { 100.0_f64.next_down() };
    let Some(percent) = percent.filter(|percent| *percent > 0.0 && *percent <= most) else {
        let help = "write \"99.5%\"; \"100%\" only beside `people`, how many come";
        m.add(table.place("good"), format!("`{text}` is no objective"), help);
        return None;
    };
    let within = table.length("within", m).unwrap_or(PATIENCE);
    Some(Objective { good: percent / 100.0, within, people })
}

/// Where not all dependencies can be read, one that is missing may be the one that is meant.
fn search(node: Node<'_>, dependencies: &[Dependency], all_read: bool, m: &mut Mistakes) -> Option<Search> {
    let table = Table::new(node, "[search]", SEARCH, m)?;
    let least = Duration::from_millis(1);
    let from = table.length("from", m).unwrap_or(least).max(least);
    let to = table.length("to", m).unwrap_or(Duration::from_secs(60));
    if from >= to {
        let help = "write the lower end as `from` [1ms] and the upper one as `to` [60s]";
        m.add(table.place("from"), "`from` is not below `to`", help);
    }
    let key = table.needed_text("key", m)?.to_owned();
    let named = table.text("dependency", m);
    let known = match (named, dependencies) {
        (Some(name), _) => dependencies.iter().find(|known| known.name == name),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let Some(dependency) = known else {
        let is_no_text = named.is_none() && table.get("dependency").is_some();
        if all_read && !is_no_text {
            let names: Vec<&str> = dependencies.iter().map(|known| known.name.as_str()).collect();
            let help = model::did_you_mean(named.unwrap_or(""), "dependencies", &names);
            m.add(table.place("dependency"), "the dependency that the setting waits for is not said", help);
        }
        return None;
    };
    let margin = table.number("margin", 1.0..=100.0, "write a factor: margin = 2.0", m).unwrap_or(1.5);
    let unit = table.word("unit", UNITS, m);
    let awaits = awaits(&table, &dependency.replayed, m);
    Some(Search { key, unit, from, to, margin, dependency: dependency.name.clone(), awaits })
}

/// What the setting waits for: where the file does not say, the one thing that is replayed.
fn awaits(table: &Table<'_>, replayed: &Replayed, m: &mut Mistakes) -> Awaits {
    const WORDS: &[(&str, Awaits)] =
        &[("answer", Awaits::Answer), ("connect", Awaits::Connect), ("other", Awaits::Other)];
    if table.get("awaits").is_some() {
        return table.word("awaits", WORDS, m).unwrap_or(Awaits::Other);
    }
    match (&replayed.answer, &replayed.connect) {
        (Some(_), Some(_)) => {
            let what = "[search] does not say whether the setting waits for an answer or for a connection, both \
                        of which are replayed";
            m.add(
                table.span(),
                what,
                "add awaits = \"answer\", \"connect\" or, for something else, \"other\"",
            );
            Awaits::Other
        }
        (None, Some(_)) => Awaits::Connect,
        (_, None) => Awaits::Answer,
    }
}

#[cfg(test)]
mod tests {
    use text::FileId;

    use super::*;

    fn persons(count: &str) -> Result<u32, Vec<String>> {
        let step = "name = \"ask\"\nurl = \"http://127.0.0.1/\"\n";
        let text = format!(
            "kind = \"service\"\nname = \"n\"\n[candidate]\nfile = \"a.toml\"\n\
             [[process]]\nname = \"p\"\ncommand = [\"true\"]\nready = {{ ended = true }}\n\
             [[setup]]\n{count}\n[[setup.step]]\n{step}[[step]]\n{step}\
             [load]\nat_once = 8\n[objective]\ngood = \"95%\"\n"
        );
        let source = Source::new(FileId(0), "n.test.toml", text);
        let said = |mistake: Mistake| format!("{}: {}", mistake.what, mistake.help);
        parse(&source, &|name| Err(format!("no {name}")))
            .map(|test| test.setup[0].persons)
            .map_err(|mistakes| mistakes.into_iter().map(said).collect())
    }

    #[test]
    fn a_setup_is_for_a_number_of_persons_within_its_bounds() {
        for (count, expected) in [("", 1), ("persons = 1", 1), ("persons = 100_000", 100_000)] {
            assert_eq!(persons(count), Ok(expected), "{count}");
        }
        for count in ["persons = 0", "persons = 100_001", "persons = 4294967297"] {
            let expected = "`persons` is not from 1 to 100000: write persons = 10".to_owned();
            assert_eq!(persons(count), Err(vec![expected]), "{count}");
        }
    }
}
