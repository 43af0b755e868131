//! Sections with their directives, and what each takes from the `defaults` before it.

use std::collections::{BTreeMap, BTreeSet};

use text::{NodeKind, Scalar, Span, Tree};

/// More sections than this are left out (generated files of ingress controllers have some thousands).
const MOST_SECTIONS: usize = 10_000;
/// `defaults` that take from each other, at most so many in a row.
const DEEPEST: usize = 32;

/// What a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Global,
    Defaults,
    Frontend,
    Backend,
    /// A frontend and a backend in one.
    Listen,
    /// One that passes no requests on: `resolvers`, `peers`, `userlist`.
    Other,
}

impl Kind {
    fn of(keyword: &str) -> Self {
        match keyword {
            "global" => Self::Global,
            "defaults" => Self::Defaults,
            "frontend" => Self::Frontend,
            "backend" => Self::Backend,
            "listen" => Self::Listen,
            _ => Self::Other,
        }
    }

    /// Whether clients connect to it.
    pub(super) fn accepts(self) -> bool {
        matches!(self, Self::Frontend | Self::Listen)
    }

    /// Whether it has servers.
    pub(super) fn passes_on(self) -> bool {
        matches!(self, Self::Backend | Self::Listen)
    }
}

/// One line: a keyword and what stands behind it.
pub(super) struct Directive<'t> {
    name: Scalar<'t>,
    arguments: Vec<Scalar<'t>>,
    /// The keyword, as the manual lists it: `timeout connect`, `option redispatch`.
    keyword: String,
    /// `no` stands before it.
    negated: bool,
    /// How many of the arguments are the keyword's.
    taken: usize,
}

impl<'t> Directive<'t> {
    fn of(name: Scalar<'t>, arguments: Vec<Scalar<'t>>) -> Self {
        let negated = name.text() == "no";
        let mut words = std::iter::once(name).chain(arguments.iter().copied()).map(Scalar::text);
        let mut words = words.by_ref().skip(usize::from(negated));
        let first = words.next().unwrap_or_default();
        let (keyword, taken) = match (first, words.next()) {
            ("timeout" | "option", Some(second)) => (format!("{first} {second}"), 1),
            // The spellings of 1.4 and before, accepted until 2.0.
            ("contimeout", _) => ("timeout connect".to_owned(), 0),
            ("clitimeout", _) => ("timeout client".to_owned(), 0),
            ("srvtimeout", _) => ("timeout server".to_owned(), 0),
            _ => (first.to_owned(), 0),
        };
        Self { name, arguments, keyword, negated, taken: taken + usize::from(negated) }
    }

    pub(super) fn keyword(&self) -> &str {
        &self.keyword
    }

    /// What stands behind the keyword.
    pub(super) fn values(&self) -> &[Scalar<'t>] {
        self.arguments.get(self.taken..).unwrap_or_default()
    }

    /// The first value.
    pub(super) fn value(&self) -> Option<Scalar<'t>> {
        self.values().first().copied()
    }

    /// All values, with blanks between.
    pub(super) fn words(&self) -> String {
        self.values().iter().map(|value| value.text()).collect::<Vec<_>>().join(" ")
    }

    /// The whole line.
    pub(super) fn at(&self) -> Span {
        self.arguments.last().map_or(self.name.span(), |last| self.name.span().to(last.span()))
    }

    /// All values; the keyword where there is none.
    pub(super) fn value_span(&self) -> Span {
        match (self.values().first(), self.values().last()) {
            (Some(first), Some(last)) => first.span().to(last.span()),
            _ => self.at(),
        }
    }
}

/// A section.
pub(super) struct Section<'t> {
    pub(super) kind: Kind,
    /// As keys in it start: `backend[api]`.
    pub(super) path: String,
    /// As its operator would call it: `backend api`.
    pub(super) label: String,
    name: &'t str,
    /// The line that opens it.
    pub(super) at: Span,
    pub(super) directives: Vec<Directive<'t>>,
    /// The `defaults` it takes from.
    defaults: Option<usize>,
}

impl<'t> Section<'t> {
    /// The key of something in it.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    /// Whether it shows statistics and passes nothing on: no caller of a service meets it.
    pub(super) fn is_statistics(&self) -> bool {
        const PASSES: [&str; 5] = ["server", "server-template", "dispatch", "use_backend", "default_backend"];
        let passes = |line: &Directive<'_>| PASSES.contains(&line.keyword());
        self.all("stats").next().is_some() && !self.directives.iter().any(passes)
    }

    /// The backends that it leads its clients to.
    fn routes(&self) -> impl Iterator<Item = &str> {
        let lines = ["default_backend", "use_backend"].into_iter().flat_map(|route| self.all(route));
        lines.filter_map(|line| line.value().map(Scalar::text))
    }

    /// The directives of a keyword that stand in it.
    pub(super) fn all<'d>(
        &'d self,
        keyword: &'d str,
    ) -> impl Iterator<Item = &'d Directive<'t>> + use<'d, 't> {
        self.directives.iter().filter(move |directive| directive.keyword == keyword && !directive.negated)
    }
}

/// All sections of a file, in order.
pub(super) struct Sections<'t> {
    all: Vec<Section<'t>>,
    /// By the name of a backend: the frontend that leads to it, `None` where several do.
    fronts: BTreeMap<String, Option<usize>>,
    /// By name, the first section that has servers.
    backs: BTreeMap<&'t str, usize>,
    /// How many connections the process accepts at all, as written.
    process_limit: Option<&'t str>,
}

impl<'t> Sections<'t> {
    pub(super) fn of(tree: &'t Tree<'_>) -> Self {
        let mut all: Vec<Section<'t>> = Vec::new();
        let mut met: BTreeMap<String, usize> = BTreeMap::new();
        let mut defaults_named: BTreeMap<&str, usize> = BTreeMap::new();
        let mut latest = None;
        let entries = tree.documents().flat_map(|root| root.written_entries());
        for entry in entries.take(MOST_SECTIONS) {
            let Some(block) = entry.value.items().last().filter(|last| last.kind() == NodeKind::Map) else {
                continue;
            };
            let keyword = entry.key;
            let words: Vec<Scalar<'t>> = entry.value.items().filter_map(|item| item.scalar()).collect();
            let from = words.windows(2).find(|pair| pair[0].text() == "from").map(|pair| pair[1].text());
            let kind = Kind::of(keyword.text());
            let name = words.first().map(|word| word.text()).filter(|name| *name != "from").unwrap_or("");
            let (path, label) = match name {
                "" => (keyword.text().to_owned(), keyword.text().to_owned()),
                name => (format!("{}[{name}]", keyword.text()), format!("{} {name}", keyword.text())),
            };
            let count = met.entry(path.clone()).or_default();
            *count += 1;
            let path = if *count == 1 { path } else { format!("{path}#{count}") };
            let directives = block
                .written_entries()
                .map(|entry| {
                    let arguments = entry.value.items().filter_map(|item| item.scalar()).collect();
                    Directive::of(entry.key, arguments)
                })
                .collect();
            let defaults = match (from, kind) {
                (Some(from), _) => defaults_named.get(from).copied(),
                // A `defaults` of its own starts from what the manual says.
                (None, Kind::Defaults | Kind::Global | Kind::Other) => None,
                (None, _) => latest,
            };
            if kind == Kind::Defaults {
                latest = Some(all.len());
                defaults_named.insert(name, all.len());
            }
            let at = words.last().map_or(keyword.span(), |last| keyword.span().to(last.span()));
            all.push(Section { kind, path, label, name, at, directives, defaults });
        }
        let mut fronts = BTreeMap::new();
        let mut backs = BTreeMap::new();
        let mut process_limit = None;
        for (index, section) in all.iter().enumerate() {
            if section.kind.accepts() {
                for route in section.routes() {
                    let known = fronts.entry(route.to_owned()).or_insert(Some(index));
                    *known = known.filter(|&other| other == index);
                }
            }
            if section.kind.passes_on() {
                backs.entry(section.name).or_insert(index);
            }
            if section.kind == Kind::Global {
                let limits = section.all("maxconn").filter_map(Directive::value);
                process_limit = limits.last().map(Scalar::text).or(process_limit);
            }
        }
        Self { all, fronts, backs, process_limit }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Section<'t>> {
        self.all.iter()
    }

    /// How many connections the process accepts at all, as written.
    pub(super) fn process_limit(&self) -> Option<&str> {
        self.process_limit
    }

    /// The backend (or `listen`) of a name.
    pub(super) fn backend(&self, name: &str) -> Option<&Section<'t>> {
        self.backs.get(name).map(|&index| &self.all[index])
    }

    /// A section and the `defaults` it takes from, the nearest first.
    pub(super) fn chain<'s>(
        &'s self,
        section: &'s Section<'t>,
    ) -> impl Iterator<Item = &'s Section<'t>> + use<'s, 't> {
        // A `defaults` takes from an earlier one only, so this ends; the bound is for the eye.
        std::iter::successors(Some(section), |section| Some(&self.all[section.defaults?])).take(DEEPEST)
    }

    /// Where a section's clients are led to, if that is one place.
    pub(super) fn only_backend<'s>(&'s self, section: &'s Section<'t>) -> Option<&'s Section<'t>> {
        if section.kind == Kind::Listen {
            return Some(section);
        }
        let names: BTreeSet<&str> = section.routes().collect();
        match names.into_iter().collect::<Vec<_>>()[..] {
            [only] => self.backend(only),
            _ => None,
        }
    }

    /// Whose clients are led to a section, if that is one.
    pub(super) fn only_frontend<'s>(&'s self, section: &'s Section<'t>) -> Option<&'s Section<'t>> {
        let index = self.fronts.get(section.name).copied();
        match section.kind {
            // Frontends can lead to it as well.
            Kind::Listen => index.is_none().then_some(section),
            _ => index.flatten().map(|index| &self.all[index]),
        }
    }

    /// The directive of a keyword in effect in a section, and the section it stands in. Of several
    /// the last counts; behind a `no` there is none.
    pub(super) fn find<'s>(
        &'s self,
        section: &'s Section<'t>,
        keyword: &str,
    ) -> Option<(&'s Section<'t>, &'s Directive<'t>)> {
        self.chain(section)
            .find_map(|at| Some((at, at.directives.iter().rfind(|line| line.keyword == keyword)?)))
            .filter(|(_, directive)| !directive.negated)
    }

    /// Whether a section works on HTTP; without `mode` it does not.
    pub(super) fn is_http(&self, section: &Section<'t>) -> bool {
        let mode = self.find(section, "mode").and_then(|(_, directive)| directive.value());
        mode.is_some_and(|mode| mode.text() == "http")
    }

    /// Whether a section is switched off.
    pub(super) fn is_disabled(&self, section: &Section<'t>) -> bool {
        let last = |at: &Section<'t>| {
            let mut switches = at.directives.iter().rev();
            switches.find_map(|line| match line.keyword() {
                "disabled" => Some(true),
                "enabled" => Some(false),
                _ => None,
            })
        };
        self.chain(section).find_map(last).unwrap_or(false)
    }
}
