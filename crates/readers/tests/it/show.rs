//! A fragment as text: one line a thing, places as `line:column`, with the path in front where it is
//! another file than the one read.

use std::fmt::Write;
use std::time::Duration;

use model::monitor::{Compare, Condition, Counts, Matcher, Monitor, Quantity, Route, Rule, Series};
use model::{Knob, Limit, Origin, Probe, ProbeField, Setting, Sourced, Unit, Value, pretty};
use readers::{
    Address, Component, ComponentKind, Fragment, Group, Ignored, Kustomization, Layer, LayerOf, MountKind,
    Owner, Reason, Target, Way,
};
use text::{Source, Span};

use crate::site::Site;

/// All of it.
pub(crate) fn fragment(fragment: &Fragment, site: &Site, source: &Source) -> String {
    let mut shown = Shown { out: String::new(), site, source };
    shown.fragment(fragment).expect("a String takes all");
    shown.out
}

struct Shown<'a> {
    out: String,
    site: &'a Site,
    source: &'a Source,
}

impl Shown<'_> {
    fn monitor(&mut self, monitor: &Monitor) -> std::fmt::Result {
        for (index, evaluator) in monitor.evaluators.iter().enumerate() {
            let (at, scrape) = (self.place(evaluator.at), self.length(&evaluator.scrape));
            let evaluation = self.length(&evaluator.evaluation);
            writeln!(
                self.out,
                "evaluator {index} ({at}): scrapes every {scrape}, evaluates every {evaluation}"
            )?;
            for loads in &evaluator.loads {
                let files: Vec<&str> =
                    loads.files.iter().map(|file| self.site.0[file.0 as usize].path()).collect();
                let files = if files.is_empty() { "nothing here".to_owned() } else { files.join(", ") };
                writeln!(self.out, "  loads {}: {files}", loads.pattern.value)?;
            }
        }
        for job in &monitor.jobs {
            let of = job.evaluator.map_or(String::new(), |index| format!(" of evaluator {index}"));
            let every = job.scrape.as_ref().map_or(String::new(), |s| format!(", every {}", self.length(s)));
            let also = if job.aliases.is_empty() {
                String::new()
            } else {
                format!(", also {}", job.aliases.join(", "))
            };
            let any = if job.any_name { ", or any other name" } else { "" };
            writeln!(self.out, "job {}{of}{every}{also}{any}", job.name.value)?;
        }
        for group in &monitor.groups {
            let at = self.place(group.at);
            let every =
                group.interval.as_ref().map_or(String::new(), |s| format!(", every {}", self.length(s)));
            writeln!(self.out, "rules {} in {} ({at}){every}", group.name, group.file)?;
            for rule in &group.rules {
                self.rule(rule)?;
            }
        }
        for router in &monitor.routers {
            let (at, resolve) = (self.place(router.at), self.length(&router.resolve_after));
            writeln!(self.out, "router ({at}): an alert ends {resolve} after it was last sent")?;
            self.route(&router.root, 1)?;
        }
        Ok(())
    }

    fn rule(&mut self, rule: &Rule) -> std::fmt::Result {
        match &rule.alert {
            Some(alert) => {
                let pending = self.length(&alert.pending);
                let labels: Vec<String> =
                    alert.labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
                let labels =
                    if labels.is_empty() { String::new() } else { format!(" {{{}}}", labels.join(", ")) };
                let pages = if alert.pages() { ", pages" } else { "" };
                writeln!(self.out, "  alert {}{labels}, pending {pending}{pages}", rule.name.value)?;
            }
            None => writeln!(self.out, "  records {}", rule.name.value)?,
        }
        let query = &rule.query;
        if !query.parsed {
            let at = self.place(query.at);
            return writeln!(self.out, "    no expression that is understood ({at})");
        }
        for range in &query.ranges {
            let two = if range.needs_two { ", needs two samples" } else { "" };
            let length = self.length(&range.length);
            writeln!(self.out, "    {} over {} of {length}{two}", range.function, series(&range.of))?;
        }
        if !query.watches.is_empty() {
            let watched: Vec<String> = query.watches.iter().map(series).collect();
            writeln!(self.out, "    notices that {} is gone", watched.join(", "))?;
        }
        if rule.alert.is_some() {
            writeln!(self.out, "    when {}", condition(&query.condition))?;
        } else {
            writeln!(self.out, "    {}", quantity(&query.value))?;
        }
        Ok(())
    }

    fn route(&mut self, route: &Route, depth: usize) -> std::fmt::Result {
        let matchers: Vec<String> = route.matchers.iter().map(matcher).collect();
        let what = if matchers.is_empty() { "everything".to_owned() } else { matchers.join(", ") };
        let goes_on = if route.goes_on { ", goes on" } else { "" };
        let times = [&route.group_wait, &route.group_interval, &route.repeat].map(|time| self.length(time));
        let [wait, interval, repeat] = times;
        let indent = "  ".repeat(depth);
        writeln!(self.out, "{indent}{what}: waits {wait}, then {interval}, again after {repeat}{goes_on}")?;
        for route in &route.routes {
            self.route(route, depth + 1)?;
        }
        Ok(())
    }

    fn length(&self, length: &Sourced<Duration>) -> String {
        let at = length.origin.span().map_or(String::new(), |span| self.place(span));
        match &length.origin {
            Origin::Default { of, .. } => format!("{} (default of {of}, near {at})", pretty(length.value)),
            _ => format!("{} ({at})", pretty(length.value)),
        }
    }

    fn fragment(&mut self, fragment: &Fragment) -> std::fmt::Result {
        if fragment.forwards {
            writeln!(self.out, "forwards")?;
        }
        for file in &fragment.included {
            writeln!(self.out, "includes {}", self.site.0[file.0 as usize].path())?;
        }
        if let Some(kustomization) = &fragment.kustomization {
            self.kustomization(kustomization)?;
        }
        for (index, component) in fragment.components.iter().enumerate() {
            self.component(component)?;
            for mount in fragment.mounts.iter().filter(|mount| mount.component == index) {
                let what = match &mount.what {
                    MountKind::Path(path) => format!("path {path}"),
                    MountKind::EnvFile(path) => format!("env file {path}"),
                    MountKind::Build(path) => format!("build {path}"),
                    MountKind::ConfigMap(name) => format!("ConfigMap {name}"),
                    MountKind::Secret(name) => format!("Secret {name}"),
                };
                let place = self.place(mount.span);
                writeln!(self.out, "  mounts {what} ({place})")?;
            }
            self.groups(fragment, Owner::Component(index))?;
        }
        for (index, layer) in fragment.layers.iter().enumerate() {
            self.layer(layer)?;
            self.groups(fragment, Owner::Layer(index))?;
        }
        if fragment.groups.iter().any(|group| group.owner == Owner::File) {
            writeln!(self.out, "file")?;
            self.groups(fragment, Owner::File)?;
        }
        self.monitor(&fragment.monitor)?;
        for (namespace, sidecar) in &fragment.sidecars {
            let what = if *sidecar { "a proxy" } else { "no proxy" };
            writeln!(self.out, "namespace {namespace} puts {what} beside what runs in it")?;
        }
        for Ignored { key, span, reason } in &fragment.ignored {
            let place = self.place(*span);
            writeln!(self.out, "ignored {key}: {} ({place})", why(*reason))?;
        }
        for problem in &fragment.problems {
            let place = self.place(problem.span);
            writeln!(self.out, "problem: {} ({place})", problem.message)?;
        }
        Ok(())
    }

    fn kustomization(&mut self, kustomization: &Kustomization) -> std::fmt::Result {
        writeln!(self.out, "kustomization")?;
        for resource in &kustomization.resources {
            writeln!(self.out, "  resource {resource}")?;
        }
        for patch in &kustomization.patches {
            writeln!(self.out, "  patch {patch}")?;
        }
        for (name, file) in &kustomization.generated {
            writeln!(self.out, "  ConfigMap {name} from {file}")?;
        }
        for (what, text) in [
            ("prefix", &kustomization.name_prefix),
            ("suffix", &kustomization.name_suffix),
            ("namespace", kustomization.namespace.as_ref().unwrap_or(&String::new())),
        ] {
            if !text.is_empty() {
                writeln!(self.out, "  {what} {text}")?;
            }
        }
        Ok(())
    }

    fn component(&mut self, component: &Component) -> std::fmt::Result {
        let place = self.origin(&component.name.origin);
        write!(self.out, "{}", if component.partial { "patch of " } else { "" })?;
        writeln!(self.out, "{} `{}` ({place})", component.identity, component.name.value)?;
        match &component.kind {
            ComponentKind::Workload => {}
            ComponentKind::Name { selector } => {
                writeln!(self.out, "  a name for {}", pairs(selector))?;
            }
            ComponentKind::Config => writeln!(self.out, "  configuration for whoever mounts it")?,
            ComponentKind::Gateway { of_mesh } => {
                writeln!(self.out, "  at the edge{}", if *of_mesh { " of a mesh" } else { "" })?;
            }
            ComponentKind::Route { hosts, decides } => {
                let what = if *decides { "in the way to" } else { "settings of the way to" };
                writeln!(self.out, "  {what} {}", hosts.join(", "))?;
            }
        }
        if let Some(sidecar) = component.sidecar {
            writeln!(
                self.out,
                "  {}",
                if sidecar { "with a proxy beside it" } else { "without a proxy beside it" }
            )?;
        }
        if component.forwards {
            writeln!(self.out, "  forwards")?;
        }
        if !component.aliases.is_empty() {
            writeln!(self.out, "  also {}", component.aliases.join(", "))?;
        }
        if !component.ports.is_empty() {
            let ports: Vec<String> = component.ports.iter().map(u16::to_string).collect();
            writeln!(self.out, "  ports {}", ports.join(", "))?;
        }
        if !component.labels.is_empty() {
            writeln!(self.out, "  labels {}", pairs(&component.labels))?;
        }
        Ok(())
    }

    fn layer(&mut self, layer: &Layer) -> std::fmt::Result {
        let of = match &layer.of {
            LayerOf::Directory => "its directory's service".to_owned(),
            LayerOf::Named(name) => format!("`{name}`"),
            LayerOf::Tests => "tests".to_owned(),
        };
        write!(self.out, "layer {} of {of}", layer.rank)?;
        if let Some(name) = &layer.name {
            write!(self.out, ", which is called `{}` ({})", name.value, self.origin(&name.origin))?;
        }
        if !layer.profiles.is_empty() {
            write!(self.out, ", where {} is active", layer.profiles.join(" or "))?;
        }
        self.out.push('\n');
        Ok(())
    }

    fn groups(&mut self, fragment: &Fragment, owner: Owner) -> std::fmt::Result {
        for group in fragment.groups.iter().filter(|group| group.owner == owner) {
            self.group(group)?;
        }
        Ok(())
    }

    fn group(&mut self, group: &Group) -> std::fmt::Result {
        let kind = format!("{:?}", group.kind).to_lowercase();
        let place = self.place(group.at);
        write!(self.out, "  {kind} {} ({place})", group.label)?;
        if group.passes_deadline {
            write!(self.out, ", passes its deadline on")?;
        }
        if let Some(way) = &group.governs {
            write!(self.out, ", governs {}", shown(way))?;
        }
        match group.idempotent {
            Some(true) => write!(self.out, ", idempotent")?,
            Some(false) => write!(self.out, ", not idempotent")?,
            None => {}
        }
        self.out.push('\n');
        for Target { address, names, key, span, assumptions, ways } in &group.targets {
            let place = self.place(*span);
            let ways: Vec<String> = ways.iter().map(shown).collect();
            let ways =
                if ways.is_empty() { String::new() } else { format!(", by way of {}", ways.join(" and ")) };
            let known = names.first().map_or(String::new(), |name| format!(", known as {name}"));
            let assumed = assumed(assumptions);
            writeln!(self.out, "    -> {} ({key}{known}{assumed}, {place}){ways}", url(address))?;
        }
        for setting in &group.settings {
            self.setting(setting)?;
        }
        Ok(())
    }

    fn setting(&mut self, setting: &Setting) -> std::fmt::Result {
        let Setting { key, knob, value, unit, assumptions, unheeded, variable, .. } = setting;
        let from = self.origin(&value.origin);
        let unit = match unit {
            Unit::None => "",
            Unit::InValue => "unit in the value, ",
            Unit::Product => "unit by the product, ",
            Unit::InName => "unit in the key, ",
            Unit::Declared => "unit declared, ",
            Unit::Comment => "unit in a comment, ",
            Unit::Siblings => "unit of its siblings, ",
            Unit::Unknown => "unit unknown, ",
        };
        let what = match value.value {
            Value::Time(Limit::Never) => "no limit".to_owned(),
            ref value => value.to_string(),
        };
        let unheeded = unheeded.as_ref().map_or(String::new(), |unheeded| {
            format!("; `{}` at {} is not taken: {}", unheeded.text, self.place(unheeded.at), unheeded.why)
        });
        let variable = variable.as_ref().map_or(String::new(), |name| format!(", where nothing sets {name}"));
        let assumed = assumed(assumptions);
        writeln!(self.out, "    {key} = {what} ({}, {unit}{from}{variable}{assumed}){unheeded}", words(*knob))
    }

    fn place(&self, span: Span) -> String {
        let Some(source) = self.site.0.get(span.file.0 as usize) else { return "nowhere".to_owned() };
        let at = source.position(span.start);
        if source.id() == self.source.id() {
            format!("{}:{}", at.line, at.column)
        } else {
            format!("{}:{}:{}", source.path(), at.line, at.column)
        }
    }

    fn origin(&self, origin: &Origin) -> String {
        match origin {
            Origin::Written(span) => self.place(*span),
            Origin::Default { near, of, .. } => format!("default of {of}, near {}", self.place(*near)),
            Origin::Derived(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| self.origin(part)).collect();
                parts.join(" by way of ")
            }
            Origin::Declared(span) => format!("declared {}", self.place(*span)),
            Origin::Observed { source, .. } => format!("observed {}", self.place(*source)),
        }
    }
}

fn shown(way: &Way) -> String {
    way.to.as_ref().map_or_else(|| way.name.to_owned(), |to| format!("{} to {to}", way.name))
}

fn pairs(list: &[(String, String)]) -> String {
    list.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

fn assumed(assumptions: &[String]) -> String {
    if assumptions.is_empty() { String::new() } else { format!(", assumed {}", assumptions.join(", ")) }
}

fn url(address: &Address) -> String {
    let scheme = address.scheme.as_ref().map_or(String::new(), |scheme| format!("{scheme}://"));
    let port = address.port.map_or(String::new(), |port| format!(":{port}"));
    format!("{scheme}{}{port}", address.host)
}

fn words(knob: Knob) -> String {
    match knob {
        Knob::Timeout(covers) => format!("covers {}", covers.words()),
        Knob::Probe(probe, field) => {
            let probe = match probe {
                Probe::Liveness => "liveness",
                Probe::Readiness => "readiness",
                Probe::Startup => "startup",
                Probe::Health => "health",
            };
            let field = match field {
                ProbeField::Timeout => "timeout",
                ProbeField::Period => "period",
                ProbeField::InitialDelay => "initial delay",
                ProbeField::Failures => "failures",
                ProbeField::Action => "action",
                ProbeField::Mark => "mark",
            };
            format!("{probe} {field}")
        }
        Knob::Attempts => "attempts".to_owned(),
        Knob::Retries => "retries".to_owned(),
        Knob::BackoffBase => "first back-off".to_owned(),
        Knob::BackoffMax => "longest back-off".to_owned(),
        Knob::BackoffFactor => "back-off factor".to_owned(),
        Knob::Jitter => "jitter".to_owned(),
        Knob::RetryOn => "what is retried".to_owned(),
        Knob::PoolSize => "pool size".to_owned(),
        Knob::PoolIdle => "idle connections".to_owned(),
        Knob::PoolFloor => "connections kept open".to_owned(),
        Knob::ConnectionLimit => "connections accepted".to_owned(),
        Knob::ConnectionsReserved => "connections reserved".to_owned(),
        Knob::Instances => "instances".to_owned(),
        Knob::Workers => "workers".to_owned(),
        Knob::Processes => "processes".to_owned(),
        Knob::KeepAlive => "keep-alive".to_owned(),
        Knob::PingInterval => "ping interval".to_owned(),
        Knob::PingFloor => "ping floor".to_owned(),
        Knob::Streams => "streams".to_owned(),
        Knob::Upgrades => "upgrades".to_owned(),
        Knob::Grace => "grace period".to_owned(),
        Knob::PreStop => "wait before the stop signal".to_owned(),
        Knob::Interval => "interval".to_owned(),
        Knob::TokenLife => "token life".to_owned(),
        Knob::TokenRefresh => "token refresh".to_owned(),
        Knob::TokenLead => "token lead".to_owned(),
        Knob::ClockSkew => "clock skew".to_owned(),
        Knob::Hash(field) => format!("hash {field:?}").to_lowercase(),
        Knob::Other(topic) => format!("of {topic:?}").to_lowercase(),
    }
}

fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::Template => "an expression of a template engine",
        Reason::Reference => "refers to something not known here",
        Reason::NotAnAmount => "no amount",
        Reason::NotOurs => "not ours",
        Reason::Empty => "empty",
        Reason::Description => "describes, sets nothing",
        Reason::Replaced => "set again further down",
    }
}

fn matcher(matcher: &Matcher) -> String {
    let compare = match matcher.compare {
        Compare::Is => "=",
        Compare::IsNot => "!=",
        Compare::Matches => "=~",
        Compare::MatchesNot => "!~",
    };
    format!("{}{compare}{}", matcher.label, matcher.value)
}

fn series(series: &Series) -> String {
    let labels: Vec<String> = series.labels.iter().map(matcher).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(", ")) };
    let counts = match series.counts {
        Counts::Failures => " (failures)",
        Counts::Successes => " (successes)",
        Counts::Unsaid => "",
    };
    format!("{}{labels}{counts}", series.metric)
}

fn quantity(of: &Quantity) -> String {
    match of {
        Quantity::Number(number) => format!("{number}"),
        Quantity::Flows(flows) => {
            let flows: Vec<String> = flows
                .iter()
                .map(|flow| format!("{} in {}", series(&flow.series), pretty(flow.window.value)))
                .collect();
            flows.join(" + ")
        }
        Quantity::Over(a, b) => format!("({}) / ({})", quantity(a), quantity(b)),
        Quantity::Minus(a, b) => format!("({}) - ({})", quantity(a), quantity(b)),
        Quantity::Times(factor, of) => format!("{factor} x {}", quantity(of)),
        Quantity::Series(of) => series(of),
        Quantity::Other(_) => "something".to_owned(),
    }
}

fn condition(of: &Condition) -> String {
    let all = |list: &[Condition], word: &str| {
        let parts: Vec<String> = list.iter().map(|one| format!("[{}]", condition(one))).collect();
        parts.join(word)
    };
    let share = |of: &Condition| {
        of.share().map_or(String::new(), |share| format!(": more than {:.4} of all fail", share.above))
    };
    match of {
        Condition::All(list) => all(list, " and "),
        Condition::Any(list) => all(list, " or "),
        Condition::Above(what, limit) => {
            format!("{} > {} = {}{}", quantity(what), limit.written, limit.value, share(of))
        }
        Condition::Below(what, limit) => {
            format!("{} < {} = {}{}", quantity(what), limit.written, limit.value, share(of))
        }
        Condition::Gone => "it is gone".to_owned(),
        Condition::Other(_) => "something".to_owned(),
    }
}
