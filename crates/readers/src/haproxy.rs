//! HAProxy: who accepts, who is passed on to, and within which limits. One server group a section
//! that clients connect to; one client group a section that has servers, with a pool group for its
//! queue and a probe group for its checks; what is left of our topics in loose groups.
//!
//! A frontend's limits bound what its clients do, a backend's what its servers do. So calls are made
//! with the backend's settings, whichever frontends lead to it.

mod sections;
mod servers;
mod settings;

use std::collections::BTreeSet;

use model::{Covers, GroupKind, Knob, Origin, Setting, Topic, Value};
use text::{Scalar, Span, Syntax, Tree};

use crate::{Context, Dialect, Fragment, Group, Ignored, Owner, Target};
use sections::{Kind, Section, Sections};
use servers::Server;

/// The dialect.
pub(crate) static HAPROXY: Dialect =
    Dialect { name: "haproxy", docs: include_str!("haproxy.md"), speaks, read };

fn speaks(_: &Context<'_>, tree: &Tree<'_>) -> bool {
    let opens = |key: &str| matches!(key, "global" | "defaults" | "frontend" | "backend" | "listen");
    tree.syntax() == Syntax::Haproxy
        && tree.documents().any(|root| root.written_entries().any(|entry| opens(entry.key.text())))
}

fn read(_: &Context<'_>, tree: &Tree<'_>, fragment: &mut Fragment) {
    let sections = Sections::of(tree);
    let mut reader = Reader { sections: &sections, fragment, used: BTreeSet::new() };
    for section in sections.iter().filter(|section| !sections.is_disabled(section)) {
        if section.kind.accepts() && !section.is_statistics() {
            reader.accepts(section);
        }
        if section.kind.passes_on() {
            reader.passes_on(section);
            reader.queues(section);
            reader.checks(section);
        }
        if section.kind == Kind::Global {
            reader.accepts_in_all(section);
        }
    }
    for section in sections.iter() {
        reader.rest(section);
    }
    fragment.forwards = fragment.groups.iter().any(|group| group.kind == GroupKind::Client);
}

struct Reader<'s, 't, 'f> {
    sections: &'s Sections<'t>,
    fragment: &'f mut Fragment,
    /// Where the values stand that groups have taken.
    used: BTreeSet<Span>,
}

impl<'s, 't> Reader<'s, 't, '_> {
    /// The limit on all connections of the process.
    fn accepts_in_all(&mut self, section: &'s Section<'t>) {
        let found = self.in_effect(section, "maxconn", Knob::ConnectionLimit);
        self.group(section, section.label.clone(), GroupKind::Server, found.into_iter().collect());
    }

    /// What clients meet.
    fn accepts(&mut self, section: &'s Section<'t>) {
        let mut found = Vec::new();
        if self.sections.is_http(section) {
            found.extend(self.keep_alive(section));
            found.extend(self.in_effect(section, "timeout http-request", Knob::Timeout(Covers::Headers)));
            found.extend(self.in_effect(section, "timeout client", Knob::Timeout(Covers::BetweenBytes)));
            found.extend(self.closing(section, &["option httpclose", "option forceclose"]));
        } else {
            found.extend(self.session(section));
        }
        found.extend(self.in_effect(section, "timeout client-fin", Knob::Other(Topic::KeepAlive)));
        let most = self.in_effect(section, "maxconn", Knob::ConnectionLimit);
        // 0 leaves it to the global limit.
        found.extend(most.filter(|most| most.count() != Some(0)));
        self.group(section, section.label.clone(), GroupKind::Server, found);
    }

    /// How long a connection of a client is kept between two requests: the first of three that is
    /// set decides (manual, `timeout http-keep-alive`).
    fn keep_alive(&mut self, section: &'s Section<'t>) -> Option<Setting> {
        const OWN: &str = "timeout http-keep-alive";
        let idle = Knob::Timeout(Covers::Idle);
        if self.sections.find(section, OWN).is_some() {
            return self.in_effect(section, OWN, idle);
        }
        let fallback = ["timeout http-request", "timeout client"]
            .into_iter()
            .find(|keyword| self.sections.find(section, keyword).is_some())?;
        let mut setting = self.in_effect(section, fallback, idle)?;
        setting.key = section.key(OWN);
        setting.value.origin = Origin::Derived(vec![setting.value.origin]);
        Some(setting)
    }

    /// How long a TCP session of a frontend may be silent.
    fn session(&mut self, section: &'s Section<'t>) -> Option<Setting> {
        let backend = self.sections.only_backend(section).filter(|backend| !self.sections.is_http(backend));
        self.silence(Some(section), backend, Knob::Timeout(Covers::Idle))
    }

    /// What ends a silent TCP session: the backend's `timeout tunnel`, else the shorter of the two ends'
    /// limits. An end that is not known says nothing.
    fn silence(
        &mut self,
        front: Option<&'s Section<'t>>,
        back: Option<&'s Section<'t>>,
        knob: Knob,
    ) -> Option<Setting> {
        if let Some(back) = back
            && self.sections.find(back, "timeout tunnel").is_some()
        {
            return self.in_effect(back, "timeout tunnel", knob);
        }
        let client = front.and_then(|front| self.in_effect(front, "timeout client", knob));
        let server = back.and_then(|back| self.in_effect(back, "timeout server", knob));
        match (client, server) {
            (Some(client), Some(server)) if server.limit() < client.limit() => Some(server),
            (client, server) => client.or(server),
        }
    }

    /// The calls to a section's servers.
    fn passes_on(&mut self, section: &'s Section<'t>) {
        let is_http = self.sections.is_http(section);
        let servers: Vec<Server<'s, 't>> = Server::all(section).collect();
        let mut targets: Vec<Target> = Vec::new();
        let dispatched = servers::dispatched(section, is_http);
        let named = servers.iter().filter_map(|server| server.target(self.sections, is_http));
        for target in named.chain(dispatched) {
            if !targets.iter().any(|known| known.address == target.address) {
                targets.push(target);
            }
        }
        let connect = Knob::Timeout(Covers::Connect);
        let connect = self.limit(section, "timeout connect", connect, "HAProxy timeout connect");
        let gap = Knob::Timeout(Covers::BetweenBytes);
        let silence = match is_http {
            true => None,
            false => self.silence(self.sections.only_frontend(section), Some(section), gap),
        };
        let answer = silence.or_else(|| self.limit(section, "timeout server", gap, "HAProxy timeout server"));
        let mut found: Vec<Setting> = connect.into_iter().chain(answer).collect();
        let retries = self.retries(section, is_http);
        found.extend(retries);
        if is_http {
            let close = ["option http-server-close", "option httpclose", "option forceclose"];
            found.extend(self.closing(section, &close));
        }
        found.extend(self.slots(&servers));
        if targets.is_empty() && servers.is_empty() {
            return; // It answers by itself: redirects, statistics.
        }
        let index = self.group(section, section.label.clone(), GroupKind::Client, found);
        if let Some(index) = index {
            self.fragment.groups[index].targets = targets;
        }
    }

    /// How many requests servers take at once. Where they differ, one number says nothing of a call; one
    /// above the limit of the process never acts.
    fn slots(&mut self, servers: &[Server<'s, 't>]) -> Vec<Setting> {
        let limits = servers.iter().filter_map(|server| server.parameter(self.sections, "maxconn"));
        let limits: Vec<_> = limits.filter(|limit| limit.value.text() != "0").collect();
        let texts: BTreeSet<&str> = limits.iter().map(|limit| limit.value.text()).collect();
        let number = |text: &str| text.parse::<u64>().ok();
        let most = self.sections.process_limit().and_then(number);
        let acts = |text: &&str| most.is_none_or(|most| number(text).is_none_or(|own| own <= most));
        let knob = match texts.len() == 1 && texts.iter().all(acts) {
            true => Knob::PoolSize,
            false => Knob::Other(Topic::Pool),
        };
        let mut seen = BTreeSet::new();
        let limits = limits.into_iter().filter(|limit| seen.insert(limit.value.span()));
        limits.filter_map(|limit| self.written(limit.key, knob, limit.value)).collect()
    }

    /// How often is tried again, and on what. By default only connecting is, on which a request has not been
    /// sent; conditions that come later hold for requests of every method that no rule spares.
    fn retries(&mut self, section: &'s Section<'t>, is_http: bool) -> Vec<Setting> {
        let mut found = Vec::new();
        let conditions = self.sections.find(section, "retry-on").filter(|_| is_http);
        let words = conditions.map(|(_, directive)| directive.words()).unwrap_or_default();
        let repeats = settings::repeats_requests(&words);
        let knob = if repeats { Knob::Retries } else { Knob::Other(Topic::Retry) };
        match self.sections.find(section, "retries") {
            Some(_) => found.extend(self.in_effect(section, "retries", knob)),
            None if repeats => found.push(settings::three_retries(section.key("retries"), section.at)),
            None => {}
        }
        if let Some((at, directive)) = conditions {
            let span = directive.value_span();
            self.used.insert(span);
            let spares = |line: &sections::Directive<'_>| line.words().starts_with("disable-l7-retry");
            let spared = self.sections.chain(section).any(|at| at.all("http-request").any(spares));
            let of = if repeats && !spared { ", non-idempotent requests too" } else { "" };
            let what = Value::Text(format!("{words}{of}"));
            found.push(settings::written(at.key("retry-on"), Knob::RetryOn, what, span));
        }
        if let Some((at, directive)) = self.sections.find(section, "option redispatch") {
            let (key, knob) = (at.key("option redispatch"), Knob::Other(Topic::Retry));
            found.push(settings::written(key, knob, Value::Flag(true), directive.at()));
        }
        found
    }

    /// The option, of some, that closes a connection behind each response.
    fn closing(&self, section: &'s Section<'t>, options: &[&str]) -> Option<Setting> {
        let (at, directive) = options.iter().find_map(|option| self.sections.find(section, option))?;
        let key = at.key(directive.keyword());
        Some(settings::written(key, Knob::KeepAlive, Value::Flag(false), directive.at()))
    }

    /// How long a request waits for a server's turn. Without a limit on a server's connections there
    /// is no queue. A group of its own: the wait ends before connecting starts.
    fn queues(&mut self, section: &'s Section<'t>) {
        let limited = Server::all(section)
            .filter_map(|server| server.parameter(self.sections, "maxconn"))
            .any(|most| most.value.text() != "0");
        let wait = Knob::Timeout(Covers::PoolWait);
        let knob = if limited { wait } else { Knob::Other(Topic::Timeout) };
        const OWN: &str = "timeout queue";
        let found = if self.sections.find(section, OWN).is_some() {
            self.in_effect(section, OWN, knob)
        } else if !limited {
            None
        } else if self.sections.find(section, "timeout connect").is_some() {
            self.in_effect(section, "timeout connect", wait).map(|mut setting| {
                setting.key = section.key(OWN);
                setting.value.origin = Origin::Derived(vec![setting.value.origin]);
                setting
            })
        } else {
            Some(settings::without_limit(section.key(OWN), wait, section.at, "HAProxy timeout queue"))
        };
        let label = format!("{}, queue", section.label);
        self.group(section, label, GroupKind::Pool, found.into_iter().collect());
    }

    /// The health checks of a section's servers.
    fn checks(&mut self, section: &'s Section<'t>) {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for server in Server::all(section).filter(|server| server.is(self.sections, "check")) {
            for name in ["inter", "fall", "rise"] {
                let parameter = server.parameter(self.sections, name);
                let parameter = parameter.filter(|parameter| seen.insert(parameter.value.span()));
                if let Some((parameter, knob)) = parameter.zip(settings::knob(name)) {
                    found.extend(self.written(parameter.key, knob, parameter.value));
                }
            }
        }
        if let Some(knob) = settings::knob("timeout check").filter(|_| !found.is_empty()) {
            found.extend(self.in_effect(section, "timeout check", knob));
        }
        self.group(section, format!("{}, checks", section.label), GroupKind::Probe, found);
    }

    /// The limit in effect in a section; where none is set, that there is none.
    fn limit(
        &mut self,
        section: &'s Section<'t>,
        keyword: &str,
        knob: Knob,
        of: &'static str,
    ) -> Option<Setting> {
        match self.sections.find(section, keyword) {
            Some(_) => self.in_effect(section, keyword, knob),
            None => Some(settings::without_limit(section.key(keyword), knob, section.at, of)),
        }
    }

    /// The setting of a keyword in effect in a section. A value that cannot be read is none.
    fn in_effect(&mut self, section: &'s Section<'t>, keyword: &str, knob: Knob) -> Option<Setting> {
        let (at, directive) = self.sections.find(section, keyword)?;
        self.written(at.key(keyword), knob, directive.value()?)
    }

    fn written(&mut self, key: String, knob: Knob, value: Scalar<'t>) -> Option<Setting> {
        let first = self.used.insert(value.span());
        match settings::read(key.clone(), knob, value) {
            Ok(setting) => Some(setting),
            Err(reason) => {
                if first {
                    self.fragment.ignored.push(Ignored { key, span: value.span(), reason });
                }
                None
            }
        }
    }

    /// What no group has taken of the limits that stand in a section.
    fn rest(&mut self, section: &'s Section<'t>) {
        let mut found = Vec::new();
        for directive in &section.directives {
            let Some(value) = directive.value().filter(|value| !self.used.contains(&value.span())) else {
                continue;
            };
            if let Some(knob) = settings::knob(directive.keyword()) {
                found.extend(self.written(section.key(directive.keyword()), knob, value));
            }
        }
        self.group(section, section.label.clone(), GroupKind::Loose, found);
    }

    /// Adds a group, if there is anything in it, and gives its place.
    fn group(
        &mut self,
        section: &Section<'_>,
        label: String,
        kind: GroupKind,
        settings: Vec<Setting>,
    ) -> Option<usize> {
        if settings.is_empty() {
            return None;
        }
        self.fragment.groups.push(Group { settings, ..Group::new(label, kind, Owner::File, section.at) });
        Some(self.fragment.groups.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use text::{FileId, Source};

    use super::*;

    /// The settings of the groups of a kind, one a line: group, key and value.
    fn shown(text: &str, kind: GroupKind) -> String {
        let source = Source::new(FileId(0), "haproxy.cfg", text);
        let tree = Tree::parse(Syntax::Haproxy, &source);
        let mut fragment = Fragment::default();
        read(&Context { source: &source, neighbours: &(), declared: &[] }, &tree, &mut fragment);
        let groups = fragment.groups.iter().filter(|group| group.kind == kind);
        let lines = groups.flat_map(|group| {
            group.settings.iter().map(|s| format!("{}: {} = {}\n", group.label, s.key, s.value.value))
        });
        lines.collect()
    }

    #[test]
    fn a_section_takes_from_the_defaults_it_names_and_else_from_the_last_above() {
        let text = "\
defaults base
  timeout connect 1s
  timeout server 10s
defaults long from base
  timeout server 1h
backend a from base
  server a a:80
backend b
  server b b:80
defaults
  srvtimeout 7000
backend c
  server c c:80
backend d from long
  server d d:80
";
        insta::assert_snapshot!(shown(text, GroupKind::Client), @"
        backend a: defaults[base].timeout connect = 1 s
        backend a: defaults[base].timeout server = 10 s
        backend b: defaults[base].timeout connect = 1 s
        backend b: defaults[long].timeout server = 60 min
        backend c: backend[c].timeout connect = no limit
        backend c: defaults.timeout server = 7 s
        backend d: defaults[base].timeout connect = 1 s
        backend d: defaults[long].timeout server = 60 min
        ");
    }

    #[test]
    fn a_silent_tcp_session_ends_at_the_shorter_of_both_ends() {
        let text = "\
defaults
  timeout connect 1s
  timeout client 10s
  timeout server 1m
frontend a
  default_backend a
backend a
  server a a:5432
frontend b
  use_backend b if x
  default_backend c
backend b
  timeout tunnel 1h
  server b b:5432
backend c
  timeout server 5s
  server c c:5432
listen statistics
  mode http
  stats enable
";
        insta::assert_snapshot!(shown(text, GroupKind::Client), @"
        backend a: defaults.timeout connect = 1 s
        backend a: defaults.timeout client = 10 s
        backend b: defaults.timeout connect = 1 s
        backend b: backend[b].timeout tunnel = 60 min
        backend c: defaults.timeout connect = 1 s
        backend c: backend[c].timeout server = 5 s
        ");
        insta::assert_snapshot!(shown(text, GroupKind::Server), @"
        frontend a: defaults.timeout client = 10 s
        frontend b: defaults.timeout client = 10 s
        ");
    }

    #[test]
    fn a_parameter_of_a_server_comes_from_it_or_the_default_server_above() {
        let text = "\
defaults
  timeout connect 1s
  timeout server 1s
  default-server inter 9s check
backend a
  server before a:80
  default-server inter 1s fall 5
  server own a:81 inter 500
  server late a:82
  server off a:83 no-check inter 4s
  server gone a:84 disabled inter 3s
";
        insta::assert_snapshot!(shown(text, GroupKind::Probe), @"
        backend a, checks: defaults.default-server.inter = 9 s
        backend a, checks: backend[a].server[own].inter = 500 ms
        backend a, checks: backend[a].default-server.fall = 5
        backend a, checks: backend[a].default-server.inter = 1 s
        ");
    }

    #[test]
    fn a_limit_of_servers_above_that_of_the_process_never_acts() {
        let text = "global\n maxconn 100\nbackend a\n timeout queue 2s\n server a a:80 maxconn";
        let size = |limit: u32| {
            let source = Source::new(FileId(0), "haproxy.cfg", format!("{text} {limit}\n"));
            let tree = Tree::parse(Syntax::Haproxy, &source);
            let mut fragment = Fragment::default();
            read(&Context { source: &source, neighbours: &(), declared: &[] }, &tree, &mut fragment);
            let mut settings = fragment.groups.into_iter().flat_map(|group| group.settings);
            settings.find(|setting| setting.knob == Knob::PoolSize).and_then(|setting| setting.count())
        };
        assert_eq!(size(100), Some(100));
        assert_eq!(size(101), None);
    }
}
