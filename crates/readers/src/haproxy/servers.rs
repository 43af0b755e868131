//! `server` lines: the address, and the parameters in effect, those of `default-server` included.

use text::Scalar;

use super::sections::{Directive, Section, Sections};
use crate::{Target, address};

/// More servers of one section than this are left out.
const MOST_SERVERS: usize = 200;

/// One server of a section.
pub(super) struct Server<'s, 't> {
    section: &'s Section<'t>,
    directive: &'s Directive<'t>,
    /// Where it stands among the directives of its section.
    index: usize,
}

/// Where a parameter is written: what its key starts with, and its value.
pub(super) struct Parameter<'t> {
    pub(super) key: String,
    pub(super) value: Scalar<'t>,
}

impl<'s, 't> Server<'s, 't> {
    /// The servers of a section but those switched off.
    pub(super) fn all(section: &'s Section<'t>) -> impl Iterator<Item = Self> {
        let lines = section.directives.iter().enumerate();
        let servers = lines.filter(|(_, line)| matches!(line.keyword(), "server" | "server-template"));
        servers
            .map(move |(index, directive)| Self { section, directive, index })
            .filter(|server| !server.has("disabled"))
            .take(MOST_SERVERS)
    }

    fn name(&self) -> &'t str {
        self.directive.value().map_or("", Scalar::text)
    }

    /// `server NAME ADDRESS ...`, `server-template PREFIX NUMBER ADDRESS ...`.
    fn address(&self) -> usize {
        if self.directive.keyword() == "server-template" { 2 } else { 1 }
    }

    fn own(&self) -> &'s [Scalar<'t>] {
        self.directive.values().get(self.address() + 1..).unwrap_or_default()
    }

    fn has(&self, flag: &str) -> bool {
        self.own().iter().any(|word| word.text() == flag)
    }

    /// The `default-server` lines that hold for it, the nearest first.
    fn defaults(
        &self,
        sections: &'s Sections<'t>,
    ) -> impl Iterator<Item = (&'s Section<'t>, &'s [Scalar<'t>])> {
        let before = self.index;
        sections.chain(self.section).enumerate().flat_map(move |(depth, section)| {
            let known = if depth == 0 { before } else { section.directives.len() };
            let lines = section.directives[..known].iter().rev();
            lines.filter(|line| line.keyword() == "default-server").map(move |line| (section, line.values()))
        })
    }

    /// Whether a flag is in effect: set last, not taken back by `no-`.
    pub(super) fn is(&self, sections: &'s Sections<'t>, flag: &str) -> bool {
        let says = |words: &[Scalar<'_>]| {
            words.iter().rev().find_map(|word| match word.text() {
                text if text == flag => Some(true),
                text if text.strip_prefix("no-") == Some(flag) => Some(false),
                _ => None,
            })
        };
        says(self.own())
            .or_else(|| self.defaults(sections).find_map(|(_, words)| says(words)))
            .unwrap_or(false)
    }

    /// The parameter of a name in effect.
    pub(super) fn parameter(&self, sections: &'s Sections<'t>, name: &str) -> Option<Parameter<'t>> {
        let value = |words: &[Scalar<'t>]| {
            words.windows(2).rev().find(|pair| pair[0].text() == name).map(|pair| pair[1])
        };
        if let Some(value) = value(self.own()) {
            let key = format!("{}[{}].{name}", self.section.key("server"), self.name());
            return Some(Parameter { key, value });
        }
        self.defaults(sections).find_map(|(section, words)| {
            let key = format!("{}.{name}", section.key("default-server"));
            Some(Parameter { key, value: value(words)? })
        })
    }

    /// Whom it reaches. Unix sockets, addresses made of variables and the client's own destination
    /// (`*`) are none.
    pub(super) fn target(&self, sections: &'s Sections<'t>, is_http: bool) -> Option<Target> {
        let value = *self.directive.values().get(self.address())?;
        let scheme = match (is_http, self.is(sections, "ssl")) {
            (true, true) => "https",
            (true, false) => "http",
            (false, _) => "tcp",
        };
        target(&self.section.key(self.directive.keyword()), value, scheme)
    }
}

/// The target of a `dispatch` line.
pub(super) fn dispatched(section: &Section<'_>, is_http: bool) -> Option<Target> {
    let directive = section.all("dispatch").last()?;
    let scheme = if is_http { "http" } else { "tcp" };
    target(&section.key("dispatch"), directive.value()?, scheme)
}

fn target(key: &str, value: Scalar<'_>, scheme: &str) -> Option<Target> {
    let text = value.text();
    let start = match text.split_once('@') {
        Some((family @ ("ipv4" | "ipv6" | "tcp" | "tcp4" | "tcp6"), _)) => family.len() + 1,
        Some(_) => return None,
        None => 0,
    };
    let end = port_end(&text[start..]).map_or(text.len(), |length| start + length);
    let host = &text[start..end];
    let is_open =
        host.contains(['$', '%', '/']) || host.starts_with(['*', ':']) || host.starts_with("0.0.0.0");
    if host.is_empty() || is_open {
        return None;
    }
    address::host_at(key, value, start..end, scheme)
}

/// Where the port ends of an address that goes on as a URL would, `auth:8080/login`: a server has no path,
/// and the port is read up to where its digits end (HAProxy up to 2.2 `str2sa_range`; later ones refuse it).
fn port_end(address: &str) -> Option<usize> {
    let (name, port) = address.split_once('/')?.0.rsplit_once(':')?;
    let is_port = !name.is_empty() && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    is_port.then_some(name.len() + 1 + port.len())
}
