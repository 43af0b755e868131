//! A fleet from a few lines of text, and findings as a few lines of text: what a rule's unit tests
//! read and compare. Reads no real dialect; the spans it makes lead back to its own lines.
//!
//! ```text
//! auth/auth.toml: auth -> directory
//!   request_timeout  whole-call  300ms
//!   retries          retries     2       assumed "that `retries` leaves out the first try"
//! directory/directory.toml: directory
//!   handler_timeout  handler     5s      default "Toy handler_timeout"
//! ```
//!
//! | line | meaning |
//! |---|---|
//! | `FILE: SERVICE` | a group of the service's own settings (kind server) |
//! | `FILE: FROM -> TO` | a group with which the call is made (kind client); the same header again adds a group |
//! | `FILE: FROM,FROM -> TO,TO` | one group with which several calls are made |
//! | `... [client]`, `[pool]`, `[probe]`, `[lifecycle]`, `[loose]` | the group's kind |
//! | `... process=NAME` | the process of the service that a group is of |
//! | `... forwards`, `finishes`, `external` | about the service |
//! | `... another` | a further call between the same two |
//! | `... idempotent`, `unsafe`, `passes-deadline`, `per-request=3` | about the call |
//! | `... assumed "that ..."` | the call rests on a guess |
//! | `KEY KNOB VALUE` | a setting; value `300ms`, `5s`, `never`, `3`, `0.5`, `on`, `off`, `7?` (unit unknown), a word |
//! | `... default "PRODUCT KEY"` | nothing is written: the product's default |
//! | `... assumed "that ..."` | read by a guess |
//! | `... unheeded "120s" "the reason"` | what is written is not taken; the value is what holds instead |
//! | `... variable=NAME` | the value is the fallback of a variable |
//! | `... above=KEY`, `at-least=KEY`, `at-most=KEY`, `below=KEY` | what a comment asks of it |
//! | `... name=ms bare=s elsewhere=ms` | what the key's name, its product, another product say of the unit; a bare number takes the product's, else the name's |
//! | `observed FROM -> TO: 41200 calls, in force 1s, p50 222ms, p99.9 661ms` | measured latency |
//! | `hash bcrypt 12: 20 runs, p50 250ms, p99 271ms` | measured time of a hash; `argon2id MEMORY ITERATIONS LANES` |
//! | `environment staging` | what follows belongs to another environment; several names: to each |

mod words;

use std::fmt::Write as _;
use std::time::Duration;

use model::{
    Basis, Call, Covers, Environment, FileId, Finding, Fleet, Group, GroupId, GroupKind, HashSpec, HashTime,
    Knob, Latency, Level, Limit, Origin, Relation, Service, ServiceId, Setting, SettingId, Side, Sourced,
    Span, Subject, Unheeded, Unit, Value, Written,
};

use crate::{Check, Found, Margins, Rule, Seen};
use words::{is_time, knob, limit, time_unit, value};

/// What a rule finds in a fleet written in the language of this file, under the default margins.
pub(crate) fn run(rule: &Rule, text: &str) -> String {
    run_with(rule, text, &Margins::default())
}

/// [`run`] under other margins.
pub(crate) fn run_with(rule: &Rule, text: &str, margins: &Margins) -> String {
    let fixture = Fixture::new(text);
    let seen = Seen::of(&fixture.fleet);
    let fleet = seen.by(rule);
    let mut out = String::new();
    match rule.check {
        Check::Fleet(check) => {
            let mut found = Found::default();
            check(fleet, margins, &mut found);
            fixture.render(&found, &mut out);
        }
        Check::Environment(check) => {
            for environment in &fleet.environments {
                if fixture.fleet.environments.len() > 1 {
                    writeln!(out, "== {}", environment.name).unwrap();
                }
                let mut found = Found::default();
                check(fleet, environment, margins, &mut found);
                fixture.render(&found, &mut out);
            }
        }
    }
    out
}

/// A fleet and what is needed to show places in it.
pub(crate) struct Fixture {
    /// The fleet.
    pub(crate) fleet: Fleet,
    files: Vec<String>,
    /// What stands at a span, in the words of the fixture's line.
    places: Vec<(Span, String)>,
    /// The environments that lines now belong to.
    current: Vec<usize>,
    offset: u32,
}

impl Fixture {
    /// Reads a fleet.
    pub(crate) fn new(text: &str) -> Self {
        let mut fixture = Self {
            fleet: Fleet::default(),
            files: Vec::new(),
            places: Vec::new(),
            current: Vec::new(),
            offset: 0,
        };
        let mut open = None;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            fixture.offset += 1;
            if let Some(names) = line.strip_prefix("environment ") {
                fixture.current = names
                    .split([',', ' '])
                    .filter(|n| !n.is_empty())
                    .map(|n| fixture.fleet.environment_named(n))
                    .collect();
            } else if let Some(observed) = line.strip_prefix("observed ") {
                fixture.observe(observed);
            } else if let Some(time) = line.strip_prefix("hash ") {
                fixture.hash(time);
            } else if let Some((file, header)) = line.split_once(": ") {
                open = Some(fixture.open(file, header));
            } else {
                let (file, group) = open.expect("a setting stands under a header");
                fixture.set(file, group, line);
            }
        }
        fixture
    }

    fn span(&mut self, file: FileId, what: String) -> Span {
        let span = Span { file, start: self.offset * 100, end: self.offset * 100 + 9 };
        self.places.push((span, what));
        span
    }

    fn open(&mut self, file: &str, header: &str) -> (FileId, GroupId) {
        let index = self.files.iter().position(|known| known == file).unwrap_or_else(|| {
            self.files.push(file.to_owned());
            self.files.len() - 1
        });
        let file = FileId(index as u32);
        let words = words(header);
        let (from, to) = match words.get(1).map(String::as_str) {
            Some("->") => (words[0].clone(), Some(words[2].clone())),
            _ => (words[0].clone(), None),
        };
        let flags = &words[if to.is_some() { 3 } else { 1 }..];
        let label = to.as_ref().map_or_else(|| from.clone(), |to| format!("{from} -> {to}"));
        let at = self.span(file, format!("[{label}]"));
        let group = GroupId(self.fleet.groups.len() as u32);
        let kind = flags.iter().find_map(|flag| match flag.as_str() {
            "[client]" => Some(GroupKind::Client),
            "[pool]" => Some(GroupKind::Pool),
            "[probe]" => Some(GroupKind::Probe),
            "[lifecycle]" => Some(GroupKind::Lifecycle),
            "[loose]" => Some(GroupKind::Loose),
            _ => None,
        });
        let kind = kind.unwrap_or(if to.is_some() { GroupKind::Client } else { GroupKind::Server });
        let process = flags.iter().find_map(|flag| flag.strip_prefix("process=")).map(str::to_owned);
        self.fleet.groups.push(Group { label, kind, at, process, settings: Vec::new() });
        if self.current.is_empty() {
            self.current = vec![self.fleet.environment_named("default")];
        }
        for &index in &self.current {
            let environment = &mut self.fleet.environments[index];
            environment.groups.push(group);
            for from in from.split(',') {
                let from = service_named(environment, from, at);
                if to.is_none() {
                    let service = &mut environment.services[from.0 as usize];
                    service.groups.push(group);
                    service.forwards |= flags.iter().any(|flag| flag == "forwards");
                    service.finishes |= flags.iter().any(|flag| flag == "finishes");
                    service.external |= flags.iter().any(|flag| flag == "external");
                }
                for to in to.iter().flat_map(|names| names.split(',')) {
                    let to = service_named(environment, to, at);
                    open_call(environment, (from, to), at, group, flags);
                }
            }
        }
        (file, group)
    }

    fn set(&mut self, file: FileId, group: GroupId, line: &str) {
        let words = words(line);
        let (key, knob, text) = (&words[0], knob(&words[1]), &words[2]);
        let span = self.span(file, format!("{key} = {text}"));
        let mut written = Written::default();
        let mut setting =
            Setting::new(key.clone(), knob, Sourced::written(value(knob, text, &mut written), span));
        let mut rest = words[3..].iter();
        let mut defaulted = false;
        while let Some(flag) = rest.next() {
            match (flag.as_str(), flag.split_once('=')) {
                ("default", _) => {
                    let of: &'static str = Box::leak(rest.next().unwrap().clone().into_boxed_str());
                    setting.value.origin = Origin::Default { near: span, of, version: "all versions" };
                    defaulted = true;
                }
                ("unheeded", _) => {
                    let mut next = || rest.next().unwrap().clone();
                    setting.unheeded = Some(Unheeded { at: span, text: next(), why: next() });
                }
                ("assumed", _) => setting.assumptions.push(rest.next().unwrap().clone()),
                (_, Some((side @ ("above" | "at-least" | "at-most" | "below"), than))) => {
                    let side = match side {
                        "above" => Side::Above,
                        "at-least" => Side::AtLeast,
                        "at-most" => Side::AtMost,
                        _ => Side::Below,
                    };
                    setting.relations.push(Relation { side, than: than.to_owned(), at: span });
                }
                (_, Some(("variable", name))) => setting.variable = Some(name.to_owned()),
                (_, Some(("name", unit))) => written.name = Some(time_unit(unit)),
                (_, Some(("bare", unit))) => written.bare = Some(time_unit(unit)),
                (_, Some(("elsewhere", unit))) => written.elsewhere = Some(time_unit(unit)),
                _ => panic!("unknown word {flag:?} in {line:?}"),
            }
        }
        // A bare number of a time takes its unit from the product, else from the key's name.
        if let (true, Some(unit)) = (is_time(knob), written.bare.or(written.name))
            && matches!(setting.value.value, Value::Count(_) | Value::Number(_))
        {
            setting.value.value = Value::Time(Limit::After(unit.times(written.number)));
        }
        setting.unit = match setting.value.value {
            Value::UnitUnknown(_) => Unit::Unknown,
            Value::Time(_) if written.suffix.is_some() => Unit::InValue,
            Value::Time(_) if written.bare.is_some() => Unit::Product,
            Value::Time(_) if written.name.is_some() => Unit::InName,
            _ => Unit::None,
        };
        setting.written = (!defaulted && !matches!(setting.value.value, Value::Text(_))).then_some(written);
        self.fleet.groups[group.0 as usize].settings.push(SettingId(self.fleet.settings.len() as u32));
        self.fleet.settings.push(setting);
    }

    fn observe(&mut self, line: &str) {
        let (call, facts) = line.split_once(": ").expect("observed FROM -> TO: facts");
        let (from, to) = call.split_once(" -> ").expect("observed FROM -> TO");
        let file = self.declared();
        let source = self.span(file, "[[observed]]".to_owned());
        let mut latency = Latency {
            window: "2026-11-20 19:00-20:00 UTC".into(),
            calls: 0,
            in_force: None,
            quantiles: Vec::new(),
        };
        for fact in facts.split(", ") {
            let (first, last) = fact.split_once(' ').expect("two words");
            if last == "calls" {
                latency.calls = first.parse().unwrap();
            } else if first == "in" {
                latency.in_force = Some(limit(last.trim_start_matches("force ")));
            } else {
                let share: f64 = first.trim_start_matches('p').parse().unwrap();
                latency.quantiles.push((share / 100.0, limit(last).finite().unwrap()));
            }
        }
        let window = latency.window.clone();
        for &index in &self.current {
            let environment = &mut self.fleet.environments[index];
            let id = |name: &str| {
                ServiceId(environment.services.iter().position(|s| s.name == name).unwrap() as u32)
            };
            let (from, to) = (id(from), id(to));
            for call in environment.calls.iter_mut().filter(|call| call.from == from && call.to == to) {
                let origin = Origin::Observed { source, window: window.clone() };
                call.latency = Some(Sourced { value: latency.clone(), origin });
            }
        }
    }

    fn hash(&mut self, line: &str) {
        let (spec, facts) = line.split_once(": ").expect("hash SPEC: facts");
        let numbers: Vec<u64> = spec.split(' ').skip(1).map(|number| number.parse().unwrap()).collect();
        let spec = match numbers[..] {
            [cost] => HashSpec::Bcrypt { cost },
            [memory, iterations, lanes] => HashSpec::Argon2id { memory, iterations, lanes },
            _ => panic!("bcrypt COST or argon2id MEMORY ITERATIONS LANES: {line}"),
        };
        let fact = |name: &str| {
            let words = facts.split(", ").map(|fact| fact.split_once(' ').expect("two words"));
            words.into_iter().find_map(|(a, b)| match () {
                () if a == name => Some(b),
                () if b == name => Some(a),
                () => None,
            })
        };
        let length = |name| limit(fact(name).expect("a quantile")).finite().unwrap();
        let window = "2026-11-22 on a host".to_owned();
        let time = HashTime {
            spec,
            window: window.clone(),
            runs: fact("runs").expect("runs").parse().unwrap(),
            median: length("p50"),
            p99: length("p99"),
        };
        let file = self.declared();
        let source = self.span(file, "[[hash]]".to_owned());
        self.fleet.hash_times.push(Sourced { value: time, origin: Origin::Observed { source, window } });
    }

    /// The file that declares and measures.
    fn declared(&mut self) -> FileId {
        let index = self.files.iter().position(|file| file == "forewarn.toml").unwrap_or_else(|| {
            self.files.push("forewarn.toml".to_owned());
            self.files.len() - 1
        });
        FileId(index as u32)
    }

    /// Findings and what was not evaluated, in the order reported.
    pub(crate) fn render(&self, found: &Found, out: &mut String) {
        for finding in &found.findings {
            self.render_finding(finding, out);
        }
        for not in &found.not_evaluated {
            writeln!(out, "not evaluated: {}: needs {}", subject(&not.subject), not.needs).unwrap();
        }
    }

    fn render_finding(&self, finding: &Finding, out: &mut String) {
        let level = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        };
        let basis = match finding.basis {
            Basis::InFile => "in file",
            Basis::AcrossFiles => "across files",
            Basis::Observed => "observed",
            Basis::Assumed => "assumed",
        };
        let (mode, about) = (finding.mode.name(), subject(&finding.subject));
        writeln!(out, "{level} ({basis}, {mode}, {about}): {}", finding.title).unwrap();
        for label in &finding.labels {
            let place = label.origin.span().map_or("nowhere".to_owned(), |span| {
                let what = self.places.iter().find(|(place, _)| *place == span).map_or("?", |(_, what)| what);
                let line = span.start / 100;
                format!("{}:{line} {what}", self.files[span.file.0 as usize])
            });
            writeln!(out, "  {place} -- {}", label.text).unwrap();
        }
        for line in &finding.arithmetic {
            writeln!(out, "  sum: {line}").unwrap();
        }
        writeln!(out, "  help: {}", finding.help).unwrap();
        for assumption in &finding.assumptions {
            writeln!(out, "  assumed: {assumption}").unwrap();
        }
    }
}

/// Environments are made when first named.
trait Named {
    fn environment_named(&mut self, name: &str) -> usize;
}

impl Named for Fleet {
    fn environment_named(&mut self, name: &str) -> usize {
        self.environments.iter().position(|known| known.name == name).unwrap_or_else(|| {
            self.environments.push(Environment { name: name.to_owned(), ..Environment::default() });
            self.environments.len() - 1
        })
    }
}

fn service_named(environment: &mut Environment, name: &str, at: Span) -> ServiceId {
    let known = environment.services.iter().position(|service| service.name == name);
    let index = known.unwrap_or_else(|| {
        environment.services.push(Service {
            name: name.to_owned(),
            origin: Origin::Written(at),
            groups: Vec::new(),
            forwards: false,
            finishes: false,
            external: false,
        });
        environment.services.len() - 1
    });
    ServiceId(index as u32)
}

/// Adds a group to the call between two services, or to a further one.
fn open_call(
    environment: &mut Environment,
    (from, to): (ServiceId, ServiceId),
    at: Span,
    group: GroupId,
    flags: &[String],
) {
    let known = environment.calls.iter().rposition(|call| call.from == from && call.to == to);
    let index = known.filter(|_| flags.iter().all(|flag| flag != "another")).unwrap_or_else(|| {
        environment.calls.push(Call {
            from,
            to,
            origin: Origin::Written(at),
            groups: Vec::new(),
            passes_deadline: false,
            idempotent: None,
            per_request: 1,
            latency: None,
            assumptions: Vec::new(),
        });
        environment.calls.len() - 1
    });
    let call = &mut environment.calls[index];
    call.groups.push(group);
    for (i, flag) in flags.iter().enumerate() {
        match flag.as_str() {
            "idempotent" => call.idempotent = Some(true),
            "unsafe" => call.idempotent = Some(false),
            "passes-deadline" => call.passes_deadline = true,
            "assumed" => call.assumptions.push(flags[i + 1].clone()),
            flag => {
                if let Some(count) = flag.strip_prefix("per-request=") {
                    call.per_request = count.parse().unwrap();
                }
            }
        }
    }
}

/// Words apart from each other by space; `"..."` is one word.
fn words(line: &str) -> Vec<String> {
    let quoted = line.split('"').enumerate();
    quoted
        .flat_map(|(i, part)| match i % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}

fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Service(name) | Subject::Setting(name) => name.clone(),
        Subject::Call(from, to) => format!("{from} -> {to}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_a_fleet() {
        let fixture = Fixture::new(
            r#"
            auth/auth.toml: auth -> directory per-request=3
              request_timeout  whole-call  300ms
              read_timeout     first-byte  60s    default "Toy read_timeout"
            directory/directory.toml: directory
              handler_timeout  handler     7?     assumed "that it covers the handler"
            observed auth -> directory: 41200 calls, in force 1s, p50 222ms, p99.9 661ms
            "#,
        );
        let environment = &fixture.fleet.environments[0];
        assert_eq!(environment.name, "default");
        let call = environment.calls(&fixture.fleet).next().unwrap();
        assert_eq!((call.from().name(), call.to().name(), call.call().per_request), ("auth", "directory", 3));
        assert_eq!(call.limit(Covers::WholeCall).unwrap().1, Limit::After(Duration::from_millis(300)));
        assert!(call.limit(Covers::FirstByte).unwrap().0.value.origin.is_default());
        assert_eq!(call.call().latency.as_ref().unwrap().value.quantiles.len(), 2);
        let handler = call.to().knob(Knob::Timeout(Covers::Handler)).unwrap();
        assert_eq!((handler.unit, handler.assumptions.len()), (Unit::Unknown, 1));
    }

    #[test]
    fn findings_become_text() {
        const TOY: Rule = Rule {
            name: "toy",
            summary: "",
            mode: model::FailureMode::MissingDeadline,
            level: Level::Error,
            since: "0.1",
            docs: "",
            check: Check::Environment(|fleet, environment, _, found| {
                for call in environment.calls(fleet) {
                    let subject = Subject::Call(call.from().name().into(), call.to().name().into());
                    found.needs("toy", subject.clone(), "a page");
                    found.report(Finding {
                        rule: "toy",
                        level: Level::Error,
                        basis: Basis::InFile,
                        mode: model::FailureMode::MissingDeadline,
                        environments: Vec::new(),
                        subject,
                        title: "nothing happens".into(),
                        labels: call.settings().map(|s| model::Label::of(s, "here")).collect(),
                        arithmetic: vec!["1 < 2".into()],
                        help: "wait".into(),
                        assumptions: vec!["that this is a toy".into()],
                    });
                }
            }),
        };
        insta::assert_snapshot!(run(&TOY, "
            a.toml: a -> b
              read_timeout  first-byte  60  bare=s
        "), @r"
        warning (assumed, missing-deadline, a -> b): nothing happens
          a.toml:2 read_timeout = 60 -- here
          sum: 1 < 2
          help: wait
          assumed: that this is a toy
        not evaluated: a -> b: needs a page
        ");
    }
}
