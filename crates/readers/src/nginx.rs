//! NGINX: who passes on to whom, and within which limits. One group a location that passes on, with
//! all settings in effect there; one a server block; what is left of our topics in loose groups.
//!
//! Holds no position that a directive does not have: a setting that twenty locations inherit keeps
//! the key and the place where it is written.

mod directives;
mod passes;
mod scope;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use model::{GroupKind, Origin, Setting};
use text::{Span, Syntax, Tree};

use crate::{Context, Dialect, Fragment, Group, Ignored, Owner};
use directives::{Directive, Files};
use passes::{Kept, PASSES, Pass, Upstreams};
use scope::Scope;
pub(crate) use settings::attempts;

/// The dialect.
pub(crate) static NGINX: Dialect = Dialect { name: "nginx", docs: include_str!("nginx.md"), speaks, read };

/// Directives that stand at the top of a file, or of a part of one that others include.
const TOP: [&str; 26] = [
    "http",
    "events",
    "stream",
    "server",
    "upstream",
    "location",
    "map",
    "worker_processes",
    "include",
    "load_module",
    "log_format",
    "proxy_pass",
    "proxy_set_header",
    "proxy_http_version",
    "proxy_connect_timeout",
    "proxy_read_timeout",
    "proxy_send_timeout",
    "proxy_next_upstream",
    "fastcgi_pass",
    "fastcgi_read_timeout",
    "uwsgi_pass",
    "uwsgi_read_timeout",
    "grpc_pass",
    "grpc_read_timeout",
    "keepalive_timeout",
    "limit_req_zone",
];

fn speaks(_: &Context<'_>, tree: &Tree<'_>) -> bool {
    tree.syntax() == Syntax::Nginx
        && tree.documents().any(|root| root.written_entries().any(|entry| TOP.contains(&entry.key.text())))
}

fn read(context: &Context<'_>, tree: &Tree<'_>, fragment: &mut Fragment) {
    let files = Files::of(context, tree);
    let directives = files.expand(tree);
    fragment.included = files.ids();
    let upstreams = Upstreams::of(&directives);
    let mut reader =
        Reader { upstreams: &upstreams, fragment, names: BTreeMap::new(), used: BTreeSet::new() };
    reader.block(&Scope::top(&directives), Kind::Main);
    // Groups of servers come last: locations take what is in them.
    for group in upstreams.groups() {
        reader.rest(&group.scope);
    }
    fragment.forwards = fragment.groups.iter().any(|group| group.kind == GroupKind::Client);
}

/// What a block is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The file, and `http`: what stands here is inherited by servers.
    Main,
    Stream,
    Server,
    StreamServer,
    /// `location`, and `if` and `limit_except` in it.
    Location,
}

struct Reader<'d, 't, 'f> {
    upstreams: &'f Upstreams<'d, 't>,
    fragment: &'f mut Fragment,
    /// How often each path of blocks was met, so that keys are unique.
    names: BTreeMap<String, usize>,
    /// Where the settings stand that groups have taken.
    used: BTreeSet<Span>,
}

impl<'d, 't, 'f> Reader<'d, 't, 'f> {
    fn block(&mut self, scope: &Scope<'d, 't, '_>, kind: Kind) {
        for directive in scope.directives() {
            let Some(inside) = &directive.block else { continue };
            let inner = match (directive.name(), kind) {
                ("http", Kind::Main) => Kind::Main,
                ("stream", Kind::Main) => Kind::Stream,
                ("server", Kind::Main) => Kind::Server,
                ("server", Kind::Stream) => Kind::StreamServer,
                ("location", Kind::Main | Kind::Server | Kind::Location)
                | ("if" | "limit_except", Kind::Server | Kind::Location) => Kind::Location,
                _ => continue,
            };
            let path = self.path(scope.path(), directive, inner);
            self.block(&scope.inner(path, directive, inside), inner);
        }
        match kind {
            Kind::Server => self.server(scope),
            Kind::Location | Kind::StreamServer => self.passes(scope, kind),
            Kind::Main | Kind::Stream => {}
        }
        self.rest(scope);
    }

    /// The path of a block, as keys in it start.
    fn path(&mut self, outer: &str, directive: &Directive<'t>, kind: Kind) -> String {
        let within = |part: String| match outer {
            "" | "http" => part,
            outer => format!("{outer}.{part}"),
        };
        let path = match kind {
            Kind::Main | Kind::Stream => directive.name().to_owned(),
            Kind::Server | Kind::StreamServer => within(format!("server[{}]", directive.server_name())),
            Kind::Location if directive.name() == "location" => {
                within(format!("location[{}]", directive.words()))
            }
            Kind::Location => within(directive.name().to_owned()),
        };
        let met = self.names.entry(path.clone()).or_default();
        *met += 1;
        if *met == 1 { path } else { format!("{path}#{met}") }
    }

    fn server(&mut self, scope: &Scope<'d, 't, '_>) {
        let Some(directive) = scope.directive() else { return };
        let mut settings = Vec::new();
        for (name, default) in &settings::SERVER {
            settings.extend(self.in_effect(scope, name, default.as_ref(), directive.name_span()));
        }
        self.group(
            format!("server {}", directive.server_name()),
            GroupKind::Server,
            directive.at(),
            settings,
        );
    }

    /// A group for the directive of a block that passes requests on.
    fn passes(&mut self, scope: &Scope<'d, 't, '_>, kind: Kind) {
        let stream = kind == Kind::StreamServer;
        let found = scope.directives().iter().find_map(|directive| {
            let pass = PASSES.iter().find(|pass| pass.directive() == directive.name())?;
            Some((pass, directive))
        });
        let Some((pass, directive)) = found else { return };
        let upstream = self.upstreams.behind(scope, directive, pass.scheme(stream));
        let near = directive.at();
        let mut settings = Vec::new();
        for (suffix, default) in pass.limits(stream) {
            let name = format!("{}_{suffix}", pass.prefix);
            settings.extend(self.in_effect(scope, &name, default.as_ref(), near));
        }
        let mut idempotent = None;
        if !stream {
            let (retries, repeats) = self.retries(scope, pass, &upstream, near);
            settings.extend(retries);
            idempotent = repeats.then_some(false);
            settings.extend(upgrades(scope, pass));
            if let Some(kept) = upstream.group {
                settings.extend(self.kept_connections(scope, pass, kept));
            }
        }
        if let Some(group) = upstream.group {
            settings.extend(group.servers().flat_map(|server| settings::parameters(group, server)));
        }
        let at = scope.directive().map_or(near, Directive::at);
        let index = self.group(scope.label(), GroupKind::Client, at, settings);
        self.fragment.groups[index].targets = upstream.targets;
        self.fragment.groups[index].idempotent = idempotent;
    }

    /// Attempts and their conditions; and whether requests that must not be repeated are repeated.
    fn retries(
        &mut self,
        scope: &Scope<'d, 't, '_>,
        pass: &Pass,
        upstream: &passes::Behind<'f, 'd, 't>,
        near: Span,
    ) -> (Vec<Setting>, bool) {
        let mut found = Vec::new();
        let conditions = scope.find(&format!("{}_next_upstream", pass.prefix));
        let words = conditions.map(|(_, directive)| directive.words()).unwrap_or_default();
        let has = |word: &str| words.split(' ').any(|w| w == word);
        if let Some((at, directive)) = conditions {
            found.push(settings::conditions(at.key(directive), &words, directive.value_span()));
            self.used.insert(directive.value_span());
        }
        let name = format!("{}_next_upstream_tries", pass.prefix);
        let tries = self.in_effect(scope, &name, None, near);
        let group = upstream.group;
        let servers = group.map_or(1, |group| group.servers().count().max(1) as u64);
        let most = tries.as_ref().and_then(Setting::count).filter(|&most| most > 0);
        if tries.is_some() || servers > 1 {
            // What several directives decide together is the location's own.
            let own = format!("{}.{name}", scope.path());
            let (key, origin) = match (tries, most, conditions) {
                (_, _, Some((_, directive))) if has("off") => (own, Origin::Written(directive.value_span())),
                (Some(tries), Some(most), _) if most <= servers => (tries.key, tries.value.origin),
                // More tries than servers: the group decides, within what is written.
                (Some(tries), Some(_), _) => {
                    let rest = group.map(|group| Origin::Written(group.at()));
                    (own, Origin::Derived(std::iter::once(tries.value.origin).chain(rest).collect()))
                }
                (_, _, conditions) => {
                    let first = match conditions {
                        Some((_, directive)) => Origin::Written(directive.value_span()),
                        None => settings::next_upstream(near),
                    };
                    let rest = group.map(|group| Origin::Written(group.at()));
                    (own, Origin::Derived(std::iter::once(first).chain(rest).collect()))
                }
            };
            // gRPC requests are POSTs, which are not repeated once they were sent (ngx_http_grpc_module,
            // grpc_next_upstream).
            let once = has("off") || pass.prefix == "grpc" && !has("non_idempotent");
            let attempts = if once { 1 } else { most.unwrap_or(servers).min(servers) };
            let mut setting = settings::attempts(key, attempts, origin, has("non_idempotent"));
            if !once && most.is_some_and(|most| most > servers) {
                setting.assumptions.push(settings::no_more_than(servers));
            }
            found.push(setting);
        }
        let name = format!("{}_next_upstream_timeout", pass.prefix);
        found.extend(self.in_effect(scope, &name, None, near));
        (found, has("non_idempotent") && !has("off"))
    }

    /// What a group of servers says about connections that stay open between requests.
    fn kept_connections(
        &mut self,
        scope: &Scope<'d, 't, '_>,
        pass: &Pass,
        group: &passes::Upstream<'d, 't>,
    ) -> Vec<Setting> {
        let Some(keepalive) = group.scope.own("keepalive") else { return Vec::new() };
        if keepalive.argument().is_none_or(|count| count.text() == "0") {
            return Vec::new();
        }
        let assumption = match pass.keeps_connections(scope) {
            Kept::No => return Vec::new(),
            Kept::Yes => None,
            Kept::Assuming(assumption) => Some(assumption),
        };
        let mut kept = Vec::new();
        for (name, default) in &settings::UPSTREAM {
            kept.extend(self.in_effect(&group.scope, name, default.as_ref(), keepalive.at()));
        }
        for setting in &mut kept {
            setting.assumptions.extend(assumption.map(str::to_owned));
        }
        kept
    }

    /// The setting of a directive in effect in a scope: written there or further out, else the
    /// default. A value that cannot be read is neither.
    fn in_effect(
        &mut self,
        scope: &Scope<'d, 't, '_>,
        name: &str,
        default: Option<&settings::Default>,
        near: Span,
    ) -> Option<Setting> {
        let Some((at, directive)) = scope.find(name) else {
            return default.map(|default| default.setting(format!("{}.{name}", scope.path()), name, near));
        };
        self.written(at.key(directive), directive)
    }

    fn written(&mut self, key: String, directive: &Directive<'t>) -> Option<Setting> {
        let value = directive.argument()?;
        let first = self.used.insert(value.span());
        match settings::read(key, directive.name(), value)? {
            Ok(setting) => Some(setting),
            Err((key, reason)) => {
                if first {
                    self.fragment.ignored.push(Ignored { key, span: value.span(), reason });
                }
                None
            }
        }
    }

    /// What no group has taken of the directives that stand in a block itself.
    fn rest(&mut self, scope: &Scope<'d, 't, '_>) {
        let mut settings = Vec::new();
        for directive in scope.directives() {
            let taken = directive.argument().is_none_or(|value| self.used.contains(&value.span()));
            if directive.block.is_none() && !taken {
                settings.extend(self.written(scope.key(directive), directive));
            }
        }
        let Some(first) = settings.first().and_then(|setting| setting.value.origin.span()) else { return };
        let at = scope.directive().map_or(first, Directive::at);
        self.group(scope.label(), GroupKind::Loose, at, settings);
    }

    fn group(&mut self, label: String, kind: GroupKind, at: Span, settings: Vec<Setting>) -> usize {
        self.fragment.groups.push(Group { settings, ..Group::new(label, kind, Owner::File, at) });
        self.fragment.groups.len() - 1
    }
}

/// Whether connections that pass here may become tunnels: both headers of the request for one are
/// passed on (nginx.org, "WebSocket proxying"), over a version of HTTP that knows it.
fn upgrades(scope: &Scope<'_, '_, '_>, pass: &Pass) -> Option<Setting> {
    let (at, headers) = scope.all("proxy_set_header").filter(|_| pass.prefix == "proxy")?;
    let header = |name: &str| {
        let named = |directive: &&&Directive<'_>| {
            directive.arguments.first().is_some_and(|first| first.text().eq_ignore_ascii_case(name))
        };
        headers.iter().rfind(named).and_then(|directive| directive.arguments.get(1))
    };
    // `Connection` is `upgrade` itself, or a variable that `map` makes of the client's header.
    let connection = header("connection")?.text().to_ascii_lowercase();
    let upgrade = header("upgrade").filter(|value| {
        let value = value.text();
        (value == "$http_upgrade" || value.eq_ignore_ascii_case("websocket"))
            && connection.contains("upgrade")
    })?;
    let assumption = match pass.keeps_connections(scope) {
        Kept::No => return None,
        Kept::Yes => None,
        Kept::Assuming(assumption) => Some(assumption),
    };
    let key = match at.path() {
        "" => "proxy_set_header[Upgrade]".to_owned(),
        path => format!("{path}.proxy_set_header[Upgrade]"),
    };
    let mut setting = settings::upgrades(key, upgrade.span());
    setting.assumptions.extend(assumption.map(str::to_owned));
    Some(setting)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use text::{FileId, Source};

    use super::*;
    use crate::Neighbours;

    /// Files that all see each other, by their whole paths.
    struct Beside(Vec<Source>);

    impl Neighbours for Beside {
        fn find(&self, _: FileId, pattern: &str) -> Vec<&Source> {
            self.0.iter().filter(|source| pattern == "*" || source.path() == pattern).collect()
        }
    }

    /// The first of some files, read with the others around it.
    fn fragment(files: &[(&str, &str)]) -> Fragment {
        let sources = files.iter().enumerate();
        let beside =
            Beside(sources.map(|(id, (path, text))| Source::new(FileId(id as u32), *path, *text)).collect());
        let tree = Tree::parse(Syntax::Nginx, &beside.0[0]);
        let mut fragment = Fragment::default();
        read(&Context { source: &beside.0[0], neighbours: &beside, declared: &[] }, &tree, &mut fragment);
        fragment
    }

    #[test]
    fn files_that_include_each_other_are_read_once() {
        let fragment = fragment(&[
            ("a", "include b; server { location / { proxy_pass http://auth:80; } }"),
            ("b", "include a; include b; include c;"),
            ("c", "include b; keepalive_timeout 5s;"),
        ]);
        let found: Vec<String> = fragment
            .groups
            .iter()
            .flat_map(|group| &group.settings)
            .filter(|setting| !setting.value.origin.is_default())
            .map(|setting| format!("{} = {}", setting.key, setting.value.value))
            .collect();
        assert_eq!(found, ["keepalive_timeout = 5 s"]);
        assert_eq!(fragment.included, [FileId(1), FileId(2)]);
    }

    #[test]
    fn tries_appear_once_and_are_no_more_than_the_servers() {
        let text = "upstream two { server a:80; server b:80; server c:80; }\n\
            server { proxy_next_upstream error timeout;\n\
            location /one { proxy_next_upstream_tries 3; proxy_pass http://auth:80; }\n\
            location /two { proxy_next_upstream_tries 1; proxy_pass http://two; } }";
        let fragment = fragment(&[("a", text)]);
        let settings = fragment.groups.iter().flat_map(|group| &group.settings);
        let found: Vec<String> = settings
            .filter(|setting| setting.key.ends_with("_tries"))
            .map(|setting| {
                let at = setting.value.origin.span().map_or(0, |span| span.start as usize);
                let line = text[..at].lines().count();
                format!("{line}: {} = {}; {}", setting.key, setting.value.value, setting.assumptions.concat())
            })
            .collect();
        assert_eq!(
            found,
            [
                "3: server[_].location[/one].proxy_next_upstream_tries = 1; \
                 that 1 server is all there is to try, whatever number of tries is allowed",
                "4: server[_].location[/two].proxy_next_upstream_tries = 1; ",
            ]
        );
    }

    #[test]
    fn a_file_that_brings_itself_in_many_times_over_is_cut_short() {
        let many = "include *;".repeat(50);
        let files: Vec<(String, &str)> = (0..20).map(|i| (format!("f{i}"), many.as_str())).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        assert_eq!(fragment(&files).included.len(), 19);
    }

    proptest! {
        #[test]
        fn any_directives_are_read_without_panic_to_places_in_the_text(words in prop::collection::vec(
            prop::sample::select(vec![
                "http", "server", "location", "upstream", "stream", "if", "map", "set", "include", "{", "}",
                ";", "proxy_pass", "grpc_pass", "http://$a/", "$a", "a", "http://a", "b:80", "unix:/x",
                "keepalive", "5", "keepalive_timeout", "proxy_read_timeout", "10s", "${T}", "off",
                "proxy_next_upstream", "proxy_next_upstream_tries", "down", "max_fails=", "fail_timeout=9s",
                "server_name", "listen", "''", "/é",
            ]),
            0..60,
        )) {
            let text = words.join(" ");
            let fragment = fragment(&[("a", &text)]);
            let spans = fragment.groups.iter().flat_map(|group| {
                let settings = group.settings.iter().filter_map(|setting| setting.value.origin.span());
                settings.chain(group.targets.iter().map(|target| target.span)).chain([group.at])
            });
            for span in spans {
                prop_assert!(span.start <= span.end && span.end as usize <= text.len());
            }
        }
    }
}
