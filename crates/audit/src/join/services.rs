//! What runs in one environment: workloads of all files with the same identity are one service;
//! names that select workloads become host names; declared services are added or corrected.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{Call, Environment, FileId, GroupId, Origin, Service, ServiceId};
use readers::{Component, ComponentKind};

use super::Part;
use super::naming::{stem, telling};
use super::ownership::Owned;
use super::territory::{common_directories, is_below};
use crate::config::Config;

/// A service in the making.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) origin: Origin,
    /// Place of the file that introduces it, for distances.
    pub(crate) place: String,
    pub(crate) territory: String,
    hosts: BTreeSet<String>,
    ports: BTreeSet<u16>,
    labels: Vec<(String, String)>,
    pub(crate) forwards: bool,
    finishes: bool,
    external: bool,
    declared: bool,
    namespace: Option<String>,
    /// Whether its calls pass a proxy beside it, where the files say so.
    pub(crate) sidecar: Option<bool>,
}

/// What stands in the way of calls to some hosts.
#[derive(Debug)]
struct Route {
    /// Its own service.
    service: usize,
    /// The object that describes it.
    identity: String,
    hosts: BTreeSet<String>,
    /// The service that the hosts lead to; none where it is not among the files.
    leads_to: Option<usize>,
    /// It says where the calls go.
    decides: bool,
}

/// Services by a label of their workloads.
type ByLabel = HashMap<(String, String), Vec<usize>>;

/// A component of a part, both by index.
pub(crate) type ComponentKey = (usize, usize);

/// The services of one environment.
#[derive(Debug, Default)]
pub(crate) struct Services {
    list: Vec<Draft>,
    of_component: HashMap<ComponentKey, usize>,
    by_host: BTreeMap<String, Vec<usize>>,
    /// By name in small letters, the first introduced first.
    by_name: HashMap<String, Vec<usize>>,
    routes: Vec<Route>,
}

impl Services {
    pub(crate) fn new(
        parts: &[Part<'_>],
        active: &[usize],
        idle_patches: &BTreeSet<FileId>,
        config: &Config,
    ) -> Self {
        let mut services = Self::default();
        let mut by_identity: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let components = || {
            active.iter().flat_map(|&part| {
                parts[part]
                    .fragment
                    .components
                    .iter()
                    .enumerate()
                    .map(move |(i, component)| ((part, i), component))
            })
        };
        let stands =
            |c: &Component| matches!(c.kind, ComponentKind::Workload | ComponentKind::Gateway { .. });
        for (key, component) in components().filter(|(_, c)| stands(c) && !c.partial) {
            let part = &parts[key.0];
            let index = *by_identity.entry((&part.territory, &component.identity)).or_insert_with(|| {
                let name = component.name.value.to_ascii_lowercase();
                // What stands at the edge is known by the hosts it serves alone.
                let hosts = if component.kind == ComponentKind::Workload { vec![name] } else { Vec::new() };
                services.push(Draft::of(component, part, hosts.into_iter()))
            });
            services.list[index].absorb(component);
            services.of_component.insert(key, index);
        }
        // Patches join what they patch; where a patch lies says which territory's workload it means.
        for (key, component) in components().filter(|(_, c)| stands(c) && c.partial) {
            let part = &parts[key.0];
            if idle_patches.contains(&part.place.id) {
                continue;
            }
            let target = services.nearest_with_identity(&by_identity, &component.identity, &part.place.place);
            if let Some(index) = target {
                services.of_component.insert(key, index);
            }
        }
        let by_label = services.by_label();
        for (key, component) in components() {
            let part = &parts[key.0];
            match &component.kind {
                ComponentKind::Workload
                | ComponentKind::Config
                | ComponentKind::Gateway { .. }
                | ComponentKind::Route { .. } => {}
                ComponentKind::Name { selector } => services.add_name(part, component, selector, &by_label),
            }
        }
        for declared in &config.services {
            services.declare(declared);
        }
        services.index_hosts();
        services.add_sidecars(parts, active);
        // Those that say where calls go first: others add to them.
        for decides in [true, false] {
            for (key, component) in components().filter(|(_, c)| !c.partial) {
                match &component.kind {
                    ComponentKind::Route { hosts, decides: own } if *own == decides => {
                        services.add_route(key, &parts[key.0], component, hosts, decides);
                    }
                    _ => {}
                }
            }
        }
        services
    }

    /// What namespaces say of the proxies beside what runs in them holds for workloads that do not
    /// speak for themselves.
    fn add_sidecars(&mut self, parts: &[Part<'_>], active: &[usize]) {
        for &index in active {
            let part = &parts[index];
            for (namespace, sidecar) in &part.fragment.sidecars {
                let members = self.list.iter_mut().filter(|draft| {
                    draft.territory == part.territory && draft.namespace.as_ref() == Some(namespace)
                });
                for draft in members.filter(|draft| draft.sidecar.is_none()) {
                    draft.sidecar = Some(*sidecar);
                }
            }
        }
    }

    /// Puts a route in the way to its hosts. Two that both decide are two; one that does not is part of
    /// the one that does.
    fn add_route(
        &mut self,
        key: ComponentKey,
        part: &Part<'_>,
        component: &Component,
        hosts: &[String],
        decides: bool,
    ) {
        let hosts: BTreeSet<String> = hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        let lookup: Vec<&str> = hosts.iter().rev().map(String::as_str).collect();
        let leads_to = self.resolve_any(&lookup, None, &part.place.place, &part.territory);
        let same = |route: &&Route| {
            self.list[route.service].territory == part.territory
                && route.leads_to == leads_to
                && !route.hosts.is_disjoint(&hosts)
        };
        // One object that two files describe is one route, and the later holds.
        let again = self.routes.iter_mut().filter(|route| route.decides && decides).find(|route| {
            route.identity == component.identity && self.list[route.service].territory == part.territory
        });
        if let Some(route) = again {
            (route.hosts, route.leads_to) = (hosts, leads_to);
            self.of_component.insert(key, route.service);
            return;
        }
        let known = self.routes.iter().filter(|_| !decides).find(same).map(|route| route.service);
        let service = known.unwrap_or_else(|| {
            let service = self.push(Draft::of(component, part, std::iter::empty()));
            self.list[service].forwards = true;
            let identity = component.identity.clone();
            self.routes.push(Route { service, identity, hosts, leads_to, decides });
            service
        });
        self.of_component.insert(key, service);
    }

    /// The route that stands before a service, on the way of calls to it under one of these names. Of
    /// several it is not known which holds.
    pub(crate) fn route_to(&self, names: &[&str], to: Option<usize>, territory: &str) -> Option<usize> {
        let mut found = self.routes.iter().filter(|route| {
            route.leads_to == to
                && self.list[route.service].territory == territory
                && names.iter().any(|name| route.hosts.contains(&name.to_ascii_lowercase()))
        });
        found.next().filter(|_| found.next().is_none()).map(|route| route.service)
    }

    /// Whether a service is a route that stands before another.
    pub(crate) fn stands_before(&self, service: usize, to: usize) -> bool {
        self.routes.iter().any(|route| route.service == service && route.leads_to == Some(to))
    }

    /// Whether a service is a route that says where its calls go.
    pub(crate) fn decides(&self, service: usize) -> bool {
        self.routes.iter().any(|route| route.service == service && route.decides)
    }

    fn nearest_with_identity(
        &self,
        by_identity: &BTreeMap<(&str, &str), usize>,
        identity: &str,
        place: &str,
    ) -> Option<usize> {
        by_identity.iter().filter(|((_, other), _)| *other == identity).map(|(_, &index)| index).max_by_key(
            |&index| (common_directories(&self.list[index].place, place), std::cmp::Reverse(index)),
        )
    }

    fn by_label(&self) -> ByLabel {
        let mut by_label = ByLabel::new();
        for (index, draft) in self.list.iter().enumerate() {
            for label in &draft.labels {
                by_label.entry(label.clone()).or_default().push(index);
            }
        }
        by_label
    }

    fn add_name(
        &mut self,
        part: &Part<'_>,
        component: &Component,
        selector: &[(String, String)],
        by_label: &ByLabel,
    ) {
        let hosts =
            component.aliases.iter().chain([&component.name.value]).map(|host| host.to_ascii_lowercase());
        let labelled = |label| by_label.get(label).map_or(&[] as &[usize], Vec::as_slice);
        let fewest = selector.iter().map(labelled).min_by_key(|services| services.len());
        let selected: Vec<usize> = fewest
            .into_iter()
            .flatten()
            .copied()
            .filter(|&index| {
                let draft = &self.list[index];
                draft.territory == part.territory && selector.iter().all(|label| draft.labels.contains(label))
            })
            .collect();
        if selected.is_empty() {
            // What it leads to is not here: the name is all there is.
            self.push(Draft {
                name: component.name.value.clone(),
                origin: component.name.origin.clone(),
                place: part.place.place.clone(),
                territory: part.territory.clone(),
                hosts: hosts.collect(),
                ports: component.ports.iter().copied().collect(),
                labels: Vec::new(),
                forwards: false,
                finishes: false,
                external: true,
                declared: false,
                namespace: component.namespace.clone(),
                sidecar: None,
            });
            return;
        }
        let hosts: Vec<String> = hosts.collect();
        for index in selected {
            self.list[index].hosts.extend(hosts.iter().cloned());
        }
    }

    fn declare(&mut self, declared: &crate::config::DeclaredService) {
        let name = &declared.name.value;
        let index = self.named(name).unwrap_or_else(|| {
            self.push(Draft {
                name: name.clone(),
                origin: declared.name.origin.clone(),
                place: String::new(),
                territory: String::new(),
                hosts: BTreeSet::from([name.to_ascii_lowercase()]),
                ports: BTreeSet::new(),
                labels: Vec::new(),
                forwards: false,
                finishes: false,
                external: false,
                declared: true,
                namespace: None,
                sidecar: None,
            })
        });
        let draft = &mut self.list[index];
        draft.declared = true;
        draft.external = false;
        draft.forwards = declared.forwards.unwrap_or(draft.forwards);
        draft.hosts.extend(declared.hosts.iter().map(|host| {
            let host =
                host.rsplit_once(':').filter(|(_, p)| p.parse::<u16>().is_ok()).map_or(&**host, |(h, _)| h);
            host.to_ascii_lowercase()
        }));
    }

    fn index_hosts(&mut self) {
        self.by_host.clear();
        for (index, draft) in self.list.iter().enumerate() {
            for host in &draft.hosts {
                self.by_host.entry(host.clone()).or_default().push(index);
            }
        }
    }

    fn push(&mut self, draft: Draft) -> usize {
        let index = self.list.len();
        self.by_name.entry(draft.name.to_ascii_lowercase()).or_default().push(index);
        self.list.push(draft);
        index
    }

    /// The services of a name, in any territory, in the order of their introduction.
    fn all_named(&self, name: &str) -> impl Iterator<Item = (usize, &Draft)> {
        let found = self.by_name.get(&name.to_ascii_lowercase());
        found.into_iter().flatten().map(|&index| (index, &self.list[index]))
    }

    /// How many services of a territory run: not only addresses of them are known.
    pub(crate) fn workloads(&self, territory: &str) -> usize {
        self.list.iter().filter(|draft| draft.territory == territory && !draft.external).count()
    }

    /// The service of a component.
    pub(crate) fn of_component(&self, key: ComponentKey) -> Option<usize> {
        self.of_component.get(&key).copied()
    }

    /// A service in the making.
    pub(crate) fn get(&self, index: usize) -> &Draft {
        &self.list[index]
    }

    /// The service of a name, wherever it runs.
    pub(crate) fn named(&self, name: &str) -> Option<usize> {
        self.all_named(name).next().map(|(index, _)| index)
    }

    /// The service of a name that runs in a territory.
    pub(crate) fn in_territory(&self, name: &str, territory: &str) -> Option<usize> {
        let mut found = self.all_named(name);
        found.find(|(_, draft)| draft.territory == territory && !draft.external).map(|(index, _)| index)
    }

    /// A further name under which a service is called.
    pub(crate) fn add_host(&mut self, index: usize, name: &str) {
        let name = name.to_ascii_lowercase();
        if self.list[index].hosts.insert(name.clone()) {
            self.by_host.entry(name).or_default().push(index);
        }
    }

    /// Marks a service as one that only forwards.
    pub(crate) fn set_forwards(&mut self, index: usize) {
        self.list[index].forwards = true;
    }

    /// The service that a host name, written in a file of this place and territory, leads to. A
    /// name that leads to several equally near services leads nowhere.
    pub(crate) fn resolve(
        &self,
        host: &str,
        port: Option<u16>,
        place: &str,
        territory: &str,
    ) -> Option<usize> {
        let candidates: Vec<usize> = self
            .by_host
            .get(&host.to_ascii_lowercase())?
            .iter()
            .copied()
            .filter(|&index| self.list[index].declared || self.list[index].territory == territory)
            .collect();
        let rank = |index: usize| {
            let draft = &self.list[index];
            let listens = port.is_some_and(|port| draft.ports.contains(&port));
            (draft.declared, !draft.external, listens, common_directories(&draft.place, place))
        };
        let best = candidates.iter().copied().max_by_key(|&index| rank(index))?;
        let ties = candidates.iter().filter(|&&index| rank(index) == rank(best)).count();
        (ties == 1).then_some(best)
    }

    /// The service that the first known of several names leads to. A name without its domain is not
    /// enough where the service is known to be of another one.
    pub(crate) fn resolve_any(
        &self,
        names: &[&str],
        port: Option<u16>,
        place: &str,
        territory: &str,
    ) -> Option<usize> {
        let (name, service) =
            names.iter().find_map(|name| Some((name, self.resolve(name, port, place, territory)?)))?;
        let qualified = format!("{}.", name.to_ascii_lowercase());
        let elsewhere = names.len() > 1
            && !name.contains('.')
            && self.list[service].hosts.iter().any(|host| host.starts_with(&qualified));
        (!elsewhere).then_some(service)
    }

    /// The only service that bears one of these names in a territory around this one or within it, where
    /// nothing here does. Of two territories beside each other neither knows the other's names.
    pub(crate) fn around(&self, names: &[&str], territory: &str) -> Option<usize> {
        let bearers = names.iter().find_map(|name| self.by_host.get(&name.to_ascii_lowercase()))?;
        let lies_around = |other: &str| is_below(other, territory) || is_below(territory, other);
        let runs = |&index: &usize| !self.list[index].external;
        let mut bearers = bearers.iter().copied().filter(runs);
        let only = bearers.next().filter(|_| bearers.next().is_none())?;
        let other = &self.list[only].territory;
        (other != territory && lies_around(other)).then_some(only)
    }

    /// The service of this territory whose name stands in a path: as the nearest directory, or as
    /// the file's name.
    pub(crate) fn in_path(&self, place: &str, territory: &str) -> Option<usize> {
        place.rsplit('/').enumerate().find_map(|(up, segment)| {
            let stem = if up == 0 { stem(segment) } else { segment };
            let mut found =
                self.all_named(stem).filter(|(_, draft)| draft.territory == territory && !draft.external);
            found.next().filter(|_| found.next().is_none()).map(|(index, _)| index)
        })
    }

    /// Whether a file is called as a service.
    pub(crate) fn is_named_by_file(&self, service: usize, place: &str) -> bool {
        let file = place.rsplit('/').next().unwrap_or(place);
        self.list[service].name.eq_ignore_ascii_case(stem(file))
    }

    /// Adds a service that only an address or a file of settings tells of.
    pub(crate) fn add_implicit(
        &mut self,
        name: String,
        origin: Origin,
        place: &str,
        territory: &str,
        external: bool,
    ) -> usize {
        let same = self
            .all_named(&name)
            .find(|(_, draft)| {
                draft.name == name && draft.territory == territory && draft.external == external
            })
            .map(|(index, _)| index);
        same.unwrap_or_else(|| {
            self.push(Draft {
                hosts: if external { BTreeSet::from([name.to_ascii_lowercase()]) } else { BTreeSet::new() },
                name,
                origin,
                place: place.to_owned(),
                territory: territory.to_owned(),
                ports: BTreeSet::new(),
                labels: Vec::new(),
                forwards: false,
                finishes: false,
                external,
                declared: false,
                namespace: None,
                sidecar: None,
            })
        })
    }

    /// The environment, its services sorted by name and renumbered, names made unique.
    pub(crate) fn into_environment(self, name: &str, owned: &Owned, calls: Vec<Call>) -> Environment {
        let mut order: Vec<usize> = (0..self.list.len()).collect();
        let shown = self.unique_names();
        order.sort_by(|&a, &b| shown[a].cmp(&shown[b]));
        let mut number = vec![ServiceId(0); order.len()];
        for (new, &old) in order.iter().enumerate() {
            number[old] = ServiceId(new as u32);
        }
        let mut own_groups = owned.of_services();
        let services = order
            .iter()
            .map(|&old| {
                let draft = &self.list[old];
                Service {
                    name: shown[old].clone(),
                    origin: draft.origin.clone(),
                    groups: own_groups.remove(&old).unwrap_or_default(),
                    forwards: draft.forwards,
                    finishes: draft.finishes,
                    external: draft.external,
                }
            })
            .collect();
        let mut calls: Vec<Call> = calls
            .into_iter()
            .map(|call| Call { from: number[call.from.0 as usize], to: number[call.to.0 as usize], ..call })
            .collect();
        calls.sort_by(|a, b| (a.from, a.to, &a.origin).cmp(&(b.from, b.to, &b.origin)));
        let groups: BTreeSet<GroupId> =
            owned.all_groups().chain(calls.iter().flat_map(|call| call.groups.iter().copied())).collect();
        let groups = groups.into_iter().collect();
        Environment { name: name.to_owned(), services, calls, groups, ..Environment::default() }
    }

    /// Names as shown: qualified by territory, then by place, where several services share one; of both
    /// by as much as tells it from others.
    fn unique_names(&self) -> Vec<String> {
        let territories: BTreeSet<&str> = self.list.iter().map(|draft| draft.territory.as_str()).collect();
        let mut names: Vec<String> = self.list.iter().map(|draft| draft.name.clone()).collect();
        for by_territory in [true, false] {
            let mut places: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
            let mut count: BTreeMap<String, usize> = BTreeMap::new();
            for (name, draft) in names.iter().zip(&self.list) {
                places.entry(name.clone()).or_default().insert(&draft.place);
                *count.entry(name.clone()).or_default() += 1;
            }
            for (name, draft) in names.iter_mut().zip(&self.list).filter(|(name, _)| count[*name] > 1) {
                if !by_territory {
                    *name = format!("{} ({})", draft.name, telling(&draft.place, &places[name]));
                } else if !draft.territory.is_empty() {
                    *name = format!("{}/{}", telling(&draft.territory, &territories), draft.name);
                }
            }
        }
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for name in &mut names {
            let times = seen.entry(name.clone()).or_default();
            *times += 1;
            if *times > 1 {
                *name = format!("{name} #{times}");
            }
        }
        names
    }
}

impl Draft {
    /// The service that a component introduces, with the hosts that lead to it.
    fn of(component: &Component, part: &Part<'_>, hosts: impl Iterator<Item = String>) -> Self {
        Self {
            name: component.name.value.clone(),
            origin: component.name.origin.clone(),
            place: part.place.place.clone(),
            territory: part.territory.clone(),
            hosts: hosts.collect(),
            ports: BTreeSet::new(),
            labels: Vec::new(),
            forwards: false,
            finishes: false,
            external: false,
            declared: false,
            namespace: component.namespace.clone(),
            sidecar: None,
        }
    }

    fn absorb(&mut self, component: &Component) {
        self.hosts.extend(component.aliases.iter().map(|host| host.to_ascii_lowercase()));
        self.ports.extend(&component.ports);
        for label in &component.labels {
            if !self.labels.contains(label) {
                self.labels.push(label.clone());
            }
        }
        self.forwards |= component.forwards;
        self.finishes |= component.finishes;
        self.sidecar = self.sidecar.or(component.sidecar);
    }

    /// Only its address is known.
    pub(crate) fn is_external(&self) -> bool {
        self.external
    }

    /// Whether a place lies in its territory.
    pub(crate) fn reaches(&self, place: &str) -> bool {
        is_below(place, &self.territory)
    }
}
