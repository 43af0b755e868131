//! A server that closes idle connections before its client stops reusing them.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{
    Basis, CallView, Environment, FailureMode, Finding, Fleet, GroupKind, Knob, Level, Limit, Setting, Value,
    pretty,
};

use crate::client::is_off;
use crate::kept::{self, DECLARE, Kept};
use crate::{Check, Found, Margins, Rule, labels, round};

/// See the page.
pub(crate) static RULE: Rule = Rule {
    name: "keepalive-race",
    summary: "a server closes idle connections before its client stops reusing them",
    mode: FailureMode::KeepAliveRace,
    level: Level::Error,
    since: "0.1",
    docs: include_str!("keepalive_race.md"),
    check: Check::Environment(check),
};

/// By how much to raise a server's limit above its proxy's. No standard states a distance: any that is
/// longer than a delayed packet and a late timer do, and 5 s is that with ease and costs nothing.
const COMFORT: Duration = Duration::from_secs(5);

fn check(fleet: &Fleet, environment: &Environment, margins: &Margins, found: &mut Found) {
    let mut seen = BTreeSet::new();
    for call in environment.calls(fleet) {
        // A client or a server that closes after each response has nothing to reuse.
        if call.knob(Knob::KeepAlive).is_some_and(closes) || server_knob(call).is_some_and(closes) {
            continue;
        }
        let kept = Kept::by_client(call);
        if kept.is_some_and(|kept| kept.by_age) {
            continue; // `pool-lifetime-above-server` says it.
        }
        let server = kept::by_server(call);
        let subject = labels::subject(call);
        let (kept, (server, server_idle)) = match (kept, server) {
            (Some(kept), Some(server)) => (kept, server),
            (Some(kept), None) if !kept.setting.value.origin.is_default() => {
                found.needs(RULE.name, subject, kept::unknown(call.to().name()));
                continue;
            }
            (None, Some((server, _))) if !server.value.origin.is_default() => {
                let name = call.from().name();
                // Whether a proxy keeps connections at all has changed between versions.
                let version = if call.from().service().forwards { ", which its version decides" } else { "" };
                let needs = format!("how long `{name}` reuses idle connections{version}; {DECLARE}");
                found.needs(RULE.name, subject, needs);
                continue;
            }
            _ => continue,
        };
        let Some(server_idle) = server_idle.finite() else { continue };
        let margin = margins.at(&server.value.origin).keepalive;
        let (client, client_idle) = (kept.setting, kept.limit);
        // Zero closes at once on both sides.
        let reuses = client_idle != Limit::After(Duration::ZERO) && !server_idle.is_zero();
        if !reuses || kept::pinged_within(call, server_idle) {
            continue;
        }
        if kept.ends_before(server_idle, margin) {
            continue;
        }
        // Routes can reach one server through several pools that are set up alike.
        if !seen.insert((call.call().from, client_idle, &server.value.origin)) {
            continue;
        }
        let both = [client, server];
        let assumed = labels::guesses_in(call, &both);
        let guessed = both.iter().all(|setting| setting.value.origin.is_default());
        let place = Place { call, client, client_idle, server, server_idle, margin };
        found.report(Finding {
            rule: RULE.name,
            level: match guessed {
                // The same product on both sides, as it comes: a race that few ever run.
                true if Limit::After(server_idle) == client_idle => Level::Note,
                true => Level::Warning,
                false => Level::Error,
            },
            basis: Basis::AcrossFiles,
            mode: RULE.mode,
            environments: Vec::new(),
            subject,
            title: place.title(),
            labels: place.labels(),
            arithmetic: place.arithmetic(),
            help: place.help(),
            assumptions: assumed,
        });
    }
}

/// Longer than this a proxy keeps idle connections only because nobody said how long: NGINX keeps them for
/// 60 s and AWS load balancers do, Envoy for an hour.
const MODERATE: Duration = Duration::from_secs(300);

/// What ends the race.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cure {
    /// A proxy's limit was chosen, and servers behind it are to keep connections longer.
    RaiseServer,
    /// The client is to let go first.
    LowerClient,
    /// The proxy's limit is one that nobody chose.
    Either,
}

/// The pair that races.
struct Place<'f> {
    call: CallView<'f>,
    client: &'f Setting,
    client_idle: Limit,
    server: &'f Setting,
    server_idle: Duration,
    margin: Duration,
}

impl Place<'_> {
    fn title(&self) -> String {
        let (from, to) = (self.call.from().name(), self.call.to().name());
        let server = pretty(self.server_idle);
        match self.client_idle {
            Limit::Never => format!(
                "`{from}` never gives up idle connections to `{to}`, which closes them after {server}: \
                 some requests meet a closed connection"
            ),
            Limit::After(client) => format!(
                "`{from}` reuses connections to `{to}` that were idle for up to {}; `{to}` closes them \
                 after {server}: some requests meet a closed connection",
                pretty(client)
            ),
        }
    }

    /// Which of the two limits to change.
    fn cure(&self) -> Cure {
        match self.client_idle {
            // Nothing is left below it for the client.
            _ if self.server_idle <= self.margin => Cure::RaiseServer,
            Limit::After(client) if client <= MODERATE && self.call.from().service().forwards => {
                if self.client.value.origin.is_default() { Cure::Either } else { Cure::RaiseServer }
            }
            // A server cannot know how long each of its clients waits, and connections that nobody uses for so
            // long are not worth keeping.
            _ => Cure::LowerClient,
        }
    }

    fn labels(&self) -> Vec<model::Label> {
        let server = labels::at(
            self.server,
            format!("`{}` closes an idle connection after this", self.call.to().name()),
        );
        let client = labels::at(
            self.client,
            format!("`{}` reuses an idle connection until then", self.call.from().name()),
        );
        if self.cure() == Cure::RaiseServer { vec![server, client] } else { vec![client, server] }
    }

    fn arithmetic(&self) -> Vec<String> {
        let server = pretty(self.server_idle);
        match self.client_idle {
            Limit::Never => Vec::new(),
            Limit::After(client) => vec![format!(
                "{server} (server) < {} (client) + {} (margin)",
                pretty(client),
                pretty(self.margin)
            )],
        }
    }

    fn help(&self) -> String {
        let lower = || {
            let below = self.server_idle.saturating_sub(self.margin);
            let below = round::down(self.client, below).unwrap_or_else(|| pretty(below));
            format!("set `{}` to at most {below}", self.client.key)
        };
        let raise = || match self.client_idle {
            Limit::After(client) => {
                let above = round::at_least(self.server, client + COMFORT.max(self.margin));
                format!("raise `{}` to {above} or more", self.server.key)
            }
            Limit::Never => {
                format!("set a limit at `{}`, and `{}` above it", self.client.key, self.server.key)
            }
        };
        let change = match self.cure() {
            Cure::RaiseServer => raise(),
            Cure::LowerClient => lower(),
            Cure::Either => format!("{}, or {}", lower(), raise()),
        };
        format!("{change}, so that the client is the one that closes")
    }
}

fn server_knob(call: CallView<'_>) -> Option<&Setting> {
    let mut groups = call.to().groups().filter(|group| group.group().kind == GroupKind::Server);
    groups.find_map(|group| group.knob(Knob::KeepAlive))
}

/// Whether a keep-alive setting means that a connection serves one request only.
fn closes(setting: &Setting) -> bool {
    is_off(setting) || matches!(setting.value.value, Value::Count(1))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::fixture::run;

    #[test]
    fn who_does_what_is_advised_is_left_alone() {
        let with = |client: &str| {
            let text = format!(
                "auth.toml: auth -> users [pool]
                   idle_timeout  idle  {client}
                 users.conf: users
                   idle  idle  30s"
            );
            run(&RULE, &text)
        };
        assert!(with("30s").contains("help: set `idle_timeout` to at most 29 s"));
        assert_eq!(with("29s"), "");
    }

    #[test]
    fn a_proxy_that_reuses_longer_than_its_server_keeps() {
        insta::assert_snapshot!(run(&RULE, r#"
            nginx.conf: gateway forwards
            nginx.conf: gateway -> auth
              keepalive_timeout  idle  60s
            auth.yml: auth
              keep-alive-timeout  idle  5s  default "Toy keep-alive-timeout"
        "#), @"
        error (across files, keepalive-race, gateway -> auth): `gateway` reuses connections to `auth` that were idle for up to 60 s; `auth` closes them after 5 s: some requests meet a closed connection
          auth.yml:5 keep-alive-timeout = 5s -- `auth` closes an idle connection after this; 5 s is the default of Toy keep-alive-timeout, not set here
          nginx.conf:3 keepalive_timeout = 60s -- `gateway` reuses an idle connection until then
          sum: 5 s (server) < 60 s (client) + 1 s (margin)
          help: raise `keep-alive-timeout` to 65 s or more, so that the client is the one that closes
        ");
    }

    #[test]
    fn a_proxy_whose_default_is_long_lets_go_first() {
        insta::assert_snapshot!(run(&RULE, r#"
            edge.yaml: edge forwards
            edge.yaml: edge -> auth
              idle_timeout  idle  60m  default "Toy idle_timeout"
            nginx.conf: auth
              keepalive_timeout  idle  75s
        "#), @r"
        error (across files, keepalive-race, edge -> auth): `edge` reuses connections to `auth` that were idle for up to 60 min; `auth` closes them after 75 s: some requests meet a closed connection
          edge.yaml:3 idle_timeout = 60m -- `edge` reuses an idle connection until then; 60 min is the default of Toy idle_timeout, not set here
          nginx.conf:5 keepalive_timeout = 75s -- `auth` closes an idle connection after this
          sum: 75 s (server) < 60 min (client) + 1 s (margin)
          help: set `idle_timeout` to at most 74 s, so that the client is the one that closes
        ");
        let moderate = run(
            &RULE,
            r#"
            edge.yaml: edge forwards
            edge.yaml: edge -> auth
              idle_timeout  idle  60s  default "Toy idle_timeout"
            nginx.conf: auth
              keepalive_timeout  idle  20s
        "#,
        );
        assert!(
            moderate
                .contains("set `idle_timeout` to at most 19 s, or raise `keepalive_timeout` to 65 s or more"),
            "{moderate}"
        );
    }

    #[test]
    fn a_client_that_never_lets_go() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth -> directory [pool]
              idle_timeout  idle  never
            directory.toml: directory
              keepalive  idle  30s
        "#), @"
        error (across files, keepalive-race, auth -> directory): `auth` never gives up idle connections to `directory`, which closes them after 30 s: some requests meet a closed connection
          auth.toml:2 idle_timeout = never -- `auth` reuses an idle connection until then
          directory.toml:4 keepalive = 30s -- `directory` closes an idle connection after this
          help: set `idle_timeout` to at most 29 s, so that the client is the one that closes
        ");
    }

    #[test]
    fn a_product_that_calls_itself_is_worth_a_note_once() {
        insta::assert_snapshot!(run(&RULE, r#"
            edge.yaml: edge -> auth
              idle_timeout  idle  60m  default "Toy idle_timeout"
            edge.yaml: edge -> auth another
              idle_timeout  idle  60m  default "Toy idle_timeout"
            auth.yaml: auth
              idle_timeout  idle  60m  default "Toy idle_timeout"
        "#), @"
        note (across files, keepalive-race, edge -> auth): `edge` reuses connections to `auth` that were idle for up to 60 min; `auth` closes them after 60 min: some requests meet a closed connection
          edge.yaml:2 idle_timeout = 60m -- `edge` reuses an idle connection until then; 60 min is the default of Toy idle_timeout, not set here
          auth.yaml:6 idle_timeout = 60m -- `auth` closes an idle connection after this; 60 min is the default of Toy idle_timeout, not set here
          sum: 60 min (server) < 60 min (client) + 1 s (margin)
          help: set `idle_timeout` to at most 3599 s, so that the client is the one that closes
        ");
    }

    #[test]
    fn one_side_alone_is_not_judged() {
        insta::assert_snapshot!(run(&RULE, r#"
            auth.toml: auth -> directory
              idle_timeout  idle  90s
            nginx.conf: gateway -> auth
              keepalive_timeout  idle  60s  default "Toy keepalive_timeout"
        "#), @r#"
        not evaluated: auth -> directory: needs how long `directory` keeps idle connections; declare its key with [[setting]] controls = "timeout", covers = "idle"
        "#);
    }

    #[test]
    fn servers_that_wait_longer_and_connections_used_once_are_quiet() {
        for fleet in [
            r#"
            auth.toml: auth -> directory
              idle_timeout  idle  30s
            directory.toml: directory
              keepalive  idle  32s
            "#,
            r#"
            auth.toml: auth -> directory
              idle_timeout  idle  30s
            directory.toml: directory
              keepalive  idle  0s
            "#,
            r#"
            auth.toml: auth -> directory
              idle_timeout  idle  30s
              keepalive     keepalive  off
            directory.toml: directory
              keepalive  idle  5s
            "#,
        ] {
            assert_eq!(run(&RULE, fleet), "", "{fleet}");
        }
    }
}
