//! Routes of Zuul and of Spring Cloud Gateway: whom they call, on which way, and what their filters do.
//! Knows no other file: a name that stands for a service is left as a name.

use std::collections::{BTreeMap, BTreeSet};

use model::{Covers, GroupKind, Knob, Setting, TimeUnit, Value};
use text::{Scalar, Span};

use super::blocks::{
    BREAKER_DEFAULT, Default, GATEWAY, GATEWAY_DEFAULTS, HYSTRIX, RIBBON, RIBBON_DEFAULTS, TIME_LIMITER,
    ZUUL, ZUUL_DEFAULTS,
};
use super::properties::{Property, is_same};
use super::{Reader, fallback, ribbon, service};
use crate::{Group, Ignored, Meaning, Reason, Target, Way, Zero, address, keys, measure, setting};

/// Where routes of Spring Cloud Gateway stand; the last two are the servlet server's.
const GATEWAYS: [&str; 4] = [
    "spring.cloud.gateway.server.webflux",
    "spring.cloud.gateway",
    "spring.cloud.gateway.server.webmvc",
    "spring.cloud.gateway.mvc",
];

impl<'t> Reader<'_, 't> {
    /// The routes of the document, each a group.
    pub(super) fn routes(&self) -> Vec<Group> {
        let mut groups = self.zuul();
        for at in GATEWAYS {
            groups.extend(self.gateway(at));
        }
        groups
    }

    /// The defaults of a block for calls that it governs, where the document does not hold the block, which
    /// has them then.
    fn unless_written(&self, block: &str, defaults: &[Default], near: Span) -> Vec<Setting> {
        let names: Vec<&str> = block.split('.').collect();
        if self.properties.iter().any(|property| property.is_below(&names)) {
            return Vec::new();
        }
        defaults.iter().filter_map(|default| fallback(default, block, near, &[])).collect()
    }

    /// The properties below a path, by the name that follows it, in the order they are written.
    fn below(&self, at: &str) -> Vec<(String, Vec<&Property<'t>>)> {
        let names: Vec<&str> = at.split('.').collect();
        let mut found: Vec<(String, Vec<&Property<'t>>)> = Vec::new();
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        for property in self.properties.iter().filter(|property| property.is_below(&names)) {
            let name: &str = &property.path[names.len()];
            let index = *known.entry(name).or_insert(found.len());
            match found.get_mut(index) {
                Some((_, all)) => all.push(property),
                None => found.push((name.to_owned(), vec![property])),
            }
        }
        found
    }

    fn zuul(&self) -> Vec<Group> {
        const DEPTH: usize = 3;
        let mut groups = Vec::new();
        let routes = self.below("zuul.routes");
        let Some(product) = routes.first().map(|(_, properties)| properties[0].place(0)) else {
            return groups;
        };
        let of_urls = self.unless_written(ZUUL, ZUUL_DEFAULTS, product);
        let of_names = self.unless_written(RIBBON, RIBBON_DEFAULTS, product);
        let for_all = self.properties.iter().find(|property| property.is(0, "zuul.retryable"));
        for (name, properties) in routes {
            let first = properties[0];
            let of = |key: &str| properties.iter().copied().find(|property| property.is(DEPTH, key));
            let location = of("url").or_else(|| of("serviceId"));
            let (mut target, settings) =
                match location.and_then(|property| Some((property, property.text()?))) {
                    Some((property, text)) if text.starts_with("http:") || text.starts_with("https:") => {
                        let Some(mut target) = url(property) else { continue };
                        target.ways.push(Way { name: ZUUL, to: None });
                        (target, &of_urls)
                    }
                    // Forwarded within the gateway itself.
                    Some((_, text)) if text.starts_with("forward:") => continue,
                    Some((property, text)) => {
                        let Some(value) = property.value() else { continue };
                        (balanced(property.key(), text.trim(), value.span()), &of_names)
                    }
                    // Without either the route's own name is that of the service.
                    None if location.is_none() => {
                        (balanced(first.prefix(DEPTH), name.trim(), first.place(DEPTH - 1)), &of_names)
                    }
                    None => continue,
                };
            let (label, at, mut settings) = (first.prefix(DEPTH), first.place(DEPTH - 1), settings.clone());
            if let Some(way) = target.ways.iter().find_map(ribbon::retries_of) {
                let once = ribbon::once(format!("{label}.retryable"), of("retryable").or(for_all));
                if once.is_none() {
                    if !of_names.is_empty() {
                        settings.extend(ribbon::defaults(product));
                    }
                    target.ways.push(way);
                }
                settings.extend(once);
            }
            groups.push(self.route(label, at, settings, vec![target], None));
        }
        groups
    }

    fn route(
        &self,
        label: String,
        at: Span,
        settings: Vec<Setting>,
        targets: Vec<Target>,
        governs: Option<Way>,
    ) -> Group {
        Group { settings, targets, governs, ..Group::new(label, GroupKind::Client, self.owner, at) }
    }

    fn gateway(&self, at: &str) -> Vec<Group> {
        let depth = at.split('.').count();
        let is_reactive = !at.ends_with("mvc");
        let all = self.below(at);
        let Some((_, first)) = all.first() else { return Vec::new() };
        let of_client = if is_reactive {
            let block = format!("{}.httpclient", first[0].prefix(depth));
            self.unless_written(&block, GATEWAY_DEFAULTS, first[0].place(depth - 1))
        } else {
            Vec::new()
        };
        let of =
            |key: &str| all.iter().find(|(name, _)| is_same(name, key)).map(|(_, found)| found.as_slice());
        let everywhere = filters(of("default-filters").unwrap_or_default(), depth + 1);
        let mut groups = Vec::new();
        if let Some(retry) = everywhere.iter().find(|filter| filter.name == "Retry") {
            let label = format!("{}.default-filters", prefix(of("default-filters"), depth));
            let way = Way { name: GATEWAY, to: None };
            groups.push(self.route(label.clone(), retry.at, retry.retries(&label), Vec::new(), Some(way)));
        }
        let mut routes: BTreeMap<usize, Vec<&Property<'t>>> = BTreeMap::new();
        for &property in of("routes").unwrap_or_default() {
            let index =
                property.path.get(depth + 1).and_then(|name| name.trim_matches(['[', ']']).parse().ok());
            routes.entry(index.unwrap_or_default()).or_default().push(property);
        }
        for properties in routes.values() {
            let Some(uri) = properties.iter().copied().find(|property| property.is(depth + 2, "uri")) else {
                continue;
            };
            let Some(mut target) = balanced_uri(uri).or_else(|| url(uri)) else { continue };
            target.ways.push(Way { name: GATEWAY, to: None });
            let label = uri.prefix(depth + 2);
            let at = uri.place(depth + 2);
            let of = |part: &str| -> Vec<&Property<'t>> {
                let all = properties.iter().copied();
                all.filter(|property| property.path.get(depth + 2).is_some_and(|name| name == part)).collect()
            };
            let filters = of("filters");
            let own = self::filters(&filters, depth + 3);
            let metadata = of("metadata").into_iter();
            let mut settings: Vec<Setting> = metadata.filter_map(|property| self.setting(property)).collect();
            let retry = own.iter().find(|filter| filter.name == "Retry");
            if let Some(retry) = retry {
                settings.extend(retry.retries(&format!("{label}.filters")));
            }
            settings.extend(self.breaker(&everywhere, &own, &mut target));
            settings.extend(of_client.iter().cloned());
            groups.push(self.route(label, at, settings, vec![target], None));
        }
        groups
    }

    /// The limit of the circuit breaker that a route runs in: of the whole call where the retries are inside
    /// it, of one attempt where it is inside the retries. Filters of a route and of all routes are ordered by
    /// their places in their lists, those of all first.
    fn breaker(&self, everywhere: &[Filter<'_>], own: &[Filter<'_>], target: &mut Target) -> Option<Setting> {
        let all = || {
            everywhere
                .iter()
                .map(|filter| (filter.index, 0, filter))
                .chain(own.iter().map(|filter| (filter.index, 1, filter)))
        };
        let named = |name: &str| {
            all().filter(|(.., filter)| filter.name == name).min_by_key(|&(index, list, _)| (index, list))
        };
        let (index, list, filter) = named("CircuitBreaker")?;
        let (name, _) = filter.argument("name")?;
        let name = name.strip_prefix("name=").unwrap_or(name);
        let instance = format!("{TIME_LIMITER}.instances.{name}");
        let key = format!("{instance}.{}", BREAKER_DEFAULT.key);
        let written = self.properties.iter().find(|property| property.is(0, &key));
        if written.is_some_and(|property| self.is_unknown(property)) {
            return None;
        }
        let mut limit = fallback(&BREAKER_DEFAULT, &instance, filter.at, &[])?;
        if named("Retry").is_some_and(|(other, other_list, _)| (other, other_list) < (index, list)) {
            limit.knob = Knob::Timeout(Covers::Attempt);
        } else {
            target.ways.push(Way { name: TIME_LIMITER, to: Some(name.to_owned()) });
        }
        limit.assumptions.push(format!("that no code configures the circuit breaker `{name}`"));
        Some(limit)
    }
}

/// The names that routes lead to, as far as they may be those of services: what is set for such a name
/// is for the route.
pub(super) fn routed<'a>(properties: &'a [Property<'_>]) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for property in properties.iter().filter(|property| property.path.iter().any(|part| part == "routes")) {
        // A route of Zuul without address is called like its service.
        names.extend(property.path.get(2).map(AsRef::as_ref));
        names.extend(property.text().map(|text| text.rsplit_once("lb://").map_or(text, |(_, name)| name)));
    }
    names
}

/// `ribbon` below a route: Ribbon reads its settings from `SERVICE.ribbon` and `ribbon` alone.
pub(super) fn not_zuuls(properties: &[Property<'_>]) -> Vec<Ignored> {
    const DEPTH: usize = 3;
    let below = properties.iter().filter(|property| property.is_below(&["zuul", "routes"]));
    let ribbons =
        below.filter(|property| property.behind(DEPTH).first().is_some_and(|name| name == "ribbon"));
    ribbons
        .filter(|property| keys::is_suspect(&property.key()))
        .filter_map(|property| {
            Some(Ignored { key: property.key(), span: property.value()?.span(), reason: Reason::NotOurs })
        })
        .collect()
}

fn prefix(properties: Option<&[&Property<'_>]>, depth: usize) -> String {
    properties.and_then(<[_]>::first).map_or_else(String::new, |property| property.prefix(depth))
}

/// A call that Ribbon balances and Hystrix watches.
fn balanced(key: String, name: &str, span: Span) -> Target {
    let mut target = service(key, name, span);
    target.ways =
        [RIBBON, HYSTRIX].into_iter().map(|way| Way { name: way, to: Some(name.to_owned()) }).collect();
    target
}

/// The service behind `lb://NAME`.
fn balanced_uri(uri: &Property<'_>) -> Option<Target> {
    let text = uri.text()?;
    let rest = text.trim().strip_prefix("lb:")?;
    let rest = rest.strip_prefix("ws:").or_else(|| rest.strip_prefix("wss:")).unwrap_or(rest);
    let name = rest.trim_start_matches('/').split(['/', ':', '?']).next().filter(|name| !name.is_empty())?;
    let start = text.rfind(rest)? + rest.find(name)?;
    Some(service(uri.key(), name, uri.value()?.part(start..start + name.len())))
}

/// The host of a URL.
fn url(property: &Property<'_>) -> Option<Target> {
    property.text()?;
    address::locate(&property.key(), property.value()?)?.targets.into_iter().next()
}

/// A filter of a route.
struct Filter<'a> {
    name: &'a str,
    at: Span,
    /// Its place in its list.
    index: usize,
    /// Its arguments: name, value, and where that stands.
    arguments: Vec<(String, String, Span)>,
}

/// The names of the arguments of `Retry=...` in their order (Spring Cloud Gateway reference, Retry).
const RETRY_ARGUMENTS: [&str; 6] =
    ["retries", "statuses", "methods", "backoff.firstBackoff", "backoff.maxBackoff", "backoff.factor"];

/// The filters of a list, each `Name=argument,...` or a map of `name` and `args`.
fn filters<'a>(properties: &[&'a Property<'_>], depth: usize) -> Vec<Filter<'a>> {
    let mut filters: BTreeMap<usize, Filter<'a>> = BTreeMap::new();
    for property in properties {
        let Some(value) = property.value() else { continue };
        let names = property.behind(depth + 1);
        let text = match property.text() {
            Some(text) => text,
            // An argument that is not known is not absent.
            None if names.len() > 1 && !value.text().is_empty() => value.text(),
            None => continue,
        };
        let index = property.path.get(depth).and_then(|name| name.trim_matches(['[', ']']).parse().ok());
        let index: usize = index.unwrap_or_default();
        let filter = filters.entry(index).or_insert_with(|| Filter {
            name: "",
            at: value.span(),
            index,
            arguments: Vec::new(),
        });
        match names {
            [] => {
                let (name, arguments) = text.split_once('=').unwrap_or((text, ""));
                filter.name = name.trim();
                filter.at = value.span();
                filter.arguments = shortcut(name.trim(), value, text.len() - arguments.len());
            }
            [name] if name == "name" => {
                filter.name = text.trim();
                filter.at = value.span();
            }
            [args, names @ ..] if args == "args" => {
                let names: Vec<&str> =
                    names.iter().map(AsRef::as_ref).filter(|n: &&str| !n.starts_with('[')).collect();
                filter.arguments.push((names.join("."), text.to_owned(), value.span()));
            }
            _ => {}
        }
    }
    filters.into_values().collect()
}

/// The arguments of a filter in the short form, from a byte on.
fn shortcut(name: &str, value: Scalar<'_>, start: usize) -> Vec<(String, String, Span)> {
    let mut at = start;
    let mut arguments = Vec::new();
    for (index, part) in value.text()[start..].split(',').enumerate() {
        let range = at..at + part.len();
        at = range.end + 1;
        let key = match name {
            "Retry" => RETRY_ARGUMENTS.get(index).copied().unwrap_or_default(),
            _ if index == 0 => "name",
            _ => "",
        };
        if !key.is_empty() && !part.trim().is_empty() {
            arguments.push((key.to_owned(), part.trim().to_owned(), value.part(range)));
        }
    }
    arguments
}

impl Filter<'_> {
    fn argument(&self, name: &str) -> Option<(&str, Span)> {
        let found = self.arguments.iter().find(|(key, ..)| is_same(key, name));
        found.map(|(_, value, span)| (value.as_str(), *span))
    }

    /// What a `Retry` filter does.
    fn retries(&self, label: &str) -> Vec<Setting> {
        const VERSION: &str =
            "Spring Cloud Gateway 2.1 to 4.x, RetryGatewayFilterFactory.java: retries 3, methods GET";
        let mut settings = Vec::new();
        let knobs = [
            ("retries", Knob::Retries),
            ("methods", Knob::RetryOn),
            ("backoff.firstBackoff", Knob::BackoffBase),
            ("backoff.maxBackoff", Knob::BackoffMax),
            ("backoff.factor", Knob::BackoffFactor),
        ];
        for (name, knob) in knobs {
            let all = self.arguments.iter().filter(|(key, ..)| is_same(key, name));
            let texts: Vec<&str> = all.map(|(_, text, _)| text.as_str()).collect();
            let Some((_, span)) = self.argument(name) else { continue };
            let meaning =
                Meaning { knob, bare: Some(TimeUnit::Milliseconds), zero: Zero::Literal, elsewhere: None };
            let Ok(measured) = measure(&texts.join(", "), &meaning, None) else { continue };
            settings.push(setting::measured(format!("{label}.Retry.{name}"), knob, measured, span));
        }
        let defaults = [
            ("retries", Knob::Retries, Value::Count(3), "Spring Cloud Gateway Retry retries"),
            ("methods", Knob::RetryOn, Value::Text("GET".to_owned()), "Spring Cloud Gateway Retry methods"),
        ];
        for (name, knob, value, of) in defaults {
            if self.argument(name).is_none() {
                let origin = model::Origin::Default { near: self.at, of, version: VERSION };
                settings.push(setting::stated(format!("{label}.Retry.{name}"), knob, value, origin));
            }
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use text::{FileId, Source, Syntax, Tree};

    use super::super::properties::properties;
    use super::*;

    #[test]
    fn the_name_of_a_balanced_service_is_pointed_at_behind_its_scheme() {
        for (uri, at) in [("lb://b", 5), ("lb:ws://lb", 8), ("lb://lb:80/lb", 5)] {
            let source = Source::new(FileId(0), "application.yml", format!("u: {uri}\n"));
            let tree = Tree::parse(Syntax::Yaml, &source);
            let properties = properties(tree.documents().next().expect("a document"));
            let target = balanced_uri(&properties[0]).expect("a service");
            assert_eq!(target.span.start, 3 + at, "{uri}");
        }
    }
}
