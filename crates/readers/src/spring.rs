//! Spring Boot: `application.yml`, its profiles and documents, and the files of a configuration server.
//! One group a client, pool or server; one a route of Zuul or Spring Cloud Gateway. Every document is a
//! layer, for Spring merges them key by key.
//!
//! Decides neither whose a layer is nor which layers hold: that takes other files.

mod blocks;
mod druid;
mod keys;
mod layer;
mod properties;
mod ribbon;
mod routes;
mod taken;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use model::{Covers, GroupKind, Knob, Limit, Origin, Setting, Sourced, Value};
use text::{Span, Tree};

use crate::setting::{self, Place};
use crate::{Address, Context, Dialect, Fragment, Group, Owner, Target, Way, address};
use blocks::{BLOCKS, Block, REDIS, SHUTDOWN_DEFAULT, SINCE_BOOT_2, When};
use properties::{Property, is_same, properties};

pub(crate) use keys::ROWS;

/// The dialect.
pub(crate) static SPRING: Dialect =
    Dialect { name: "spring", docs: include_str!("spring.md"), speaks: layer::speaks, read };

fn read(context: &Context<'_>, tree: &Tree<'_>, fragment: &mut Fragment) {
    for document in tree.documents() {
        let properties = properties(document);
        let owner = Owner::Layer(fragment.layers.len());
        fragment.layers.push(layer::layer(context, &properties, document.span()));
        fragment.ignored.extend(routes::not_zuuls(&properties));
        let reader = Reader::of(context, &properties, owner);
        let mut groups = reader.blocks();
        let routes = reader.routes();
        fragment.forwards |= !routes.is_empty();
        groups.extend(routes);
        groups.extend(reader.shutdown());
        fragment
            .groups
            .extend(groups.into_iter().filter(|g| !g.settings.is_empty() || !g.targets.is_empty()));
    }
}

/// What one document says.
struct Reader<'a, 't> {
    context: &'a Context<'a>,
    properties: &'a [Property<'t>],
    owner: Owner,
    /// The paths of blocks with an address of a data source of their own.
    sources: BTreeSet<&'a [Cow<'t, str>]>,
    /// Names of services that routes lead to.
    routed: BTreeSet<&'a str>,
}

/// A block that stands in the document, with its properties.
struct Instance<'a, 't> {
    block: &'static Block,
    /// How many names lead to it.
    depth: usize,
    /// What `*` stands for, and where.
    name: Option<(&'a str, Span)>,
    properties: Vec<&'a Property<'t>>,
}

impl<'a, 't> Reader<'a, 't> {
    fn of(context: &'a Context<'a>, properties: &'a [Property<'t>], owner: Owner) -> Self {
        let sources = properties.iter().filter_map(|property| {
            let (leaf, above) = property.path.split_last()?;
            ["url", "jdbc-url"].iter().any(|key| is_same(leaf, key)).then_some(above)
        });
        let routed = routes::routed(properties);
        Self { context, properties, owner, sources: sources.collect(), routed }
    }

    fn blocks(&self) -> Vec<Group> {
        let mut instances: Vec<(String, Instance<'a, 't>)> = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        for property in self.properties {
            let Some((block, depth, star)) = block_of(property) else { continue };
            let depth = depth + self.source_within(property, block, depth);
            let prefix = property.prefix(depth);
            match known.get(&prefix) {
                Some(&index) => instances[index].1.properties.push(property),
                None => {
                    known.insert(prefix.clone(), instances.len());
                    let name = star.map(|star| (property.path[star].as_ref(), property.place(star)));
                    instances.push((prefix, Instance { block, depth, name, properties: vec![property] }));
                }
            }
        }
        instances
            .iter()
            .flat_map(|(prefix, instance)| {
                let mut group = self.group(prefix, instance);
                let retries = ribbon::apart(&mut group);
                [Some(group), retries].into_iter().flatten()
            })
            .collect()
    }

    /// How many names below a block of data sources the one lies that a property belongs to: the nearest
    /// above it that has an address of its own.
    fn source_within(&self, property: &Property<'t>, block: &Block, depth: usize) -> usize {
        if block.at != "spring.datasource" {
            return 0;
        }
        let has_address = |&below: &usize| self.sources.contains(&property.path[..depth + below]);
        (1..property.path.len() - depth).rev().find(has_address).unwrap_or(0)
    }

    fn group(&self, prefix: &str, instance: &Instance<'a, 't>) -> Group {
        let Instance { block, depth, name, ref properties } = *instance;
        let mut settings: Vec<Setting> =
            properties.iter().filter_map(|property| self.setting(property)).collect();
        let at = properties[0].place(depth - 1);
        let is_default = name.is_some_and(|(name, _)| name == "default");
        let called = name.filter(|_| !is_default);
        let governs = block.governs.map(|way| Way { name: way, to: called.map(|(name, _)| name.to_owned()) });
        let mut targets = Vec::new();
        for property in properties {
            let is_address = |key: &str| {
                property.is(depth, key)
                    || property.path.last().is_some_and(|l| l.starts_with('[')) && {
                        // A list of addresses.
                        let behind = property.behind(depth);
                        behind.len() > 1
                            && key.split('.').eq(behind[..behind.len() - 1].iter().map(AsRef::as_ref))
                    }
            };
            if block.addresses.split('|').any(|key| !key.is_empty() && is_address(key)) {
                let (found, more) = self.address(property, instance);
                targets.extend(found);
                settings.extend(more);
            }
        }
        if let (true, true, Some((name, place))) = (block.calls_its_name, targets.is_empty(), called)
            && !self.routed.contains(name)
        {
            let guess = format!("that the client `{name}` calls the service of this name");
            let mut target = service(prefix.to_owned(), name, place);
            target.assumptions.push(guess);
            targets.push(target);
        }
        for target in &mut targets {
            target.ways.extend(governs.iter().cloned());
            target.ways.extend(governs.as_ref().and_then(ribbon::retries_of));
        }
        ribbon::count_retries(block, prefix, at, &mut settings);
        hystrix_switch(properties, depth, &mut settings);
        self.doubt_no_limit(block, &mut settings);
        let written = settings.len();
        for default in block.defaults {
            let is_unknown =
                |property: &&Property<'t>| property.is(depth, default.key) && self.is_unknown(property);
            if self.holds(default.when, instance)
                && !settings[..written].iter().any(|s| s.knob == default.knob)
                && !properties.iter().copied().any(|property| is_unknown(&property))
            {
                let fallback = fallback(default, prefix, at, &settings);
                settings.extend(fallback);
            }
        }
        settings.extend(druid::limits(block, prefix, self.properties, at, &settings));
        let kind = if targets.is_empty() { block.kind } else { GroupKind::Client };
        Group { settings, targets, governs, ..Group::new(prefix.to_owned(), kind, self.owner, at) }
    }

    /// Spring Boot 1.x hands `spring.redis.timeout` on where it is more than 0 alone, so that Jedis' own 2 s
    /// stand at 0; from 2.0 on 0 is no limit.
    fn doubt_no_limit(&self, block: &Block, settings: &mut [Setting]) {
        const GUESS: &str =
            "that it is Spring Boot 2.0 or later: 1.x does not pass 0 on, and the client's own 2 s hold";
        let is_there = |key: &&str| {
            let names: Vec<&str> = key.split('.').collect();
            self.properties.iter().any(|property| property.is_below(&names) || property.is(0, key))
        };
        if block.at != REDIS || SINCE_BOOT_2.iter().any(is_there) {
            return;
        }
        let unlimited = settings.iter_mut().filter(|setting| {
            setting.knob == Knob::Timeout(Covers::Attempt)
                && setting.value.value == Value::Time(Limit::Never)
                && matches!(setting.value.origin, Origin::Written(_))
        });
        for setting in unlimited {
            setting.assumptions.push(GUESS.to_owned());
        }
    }

    fn holds(&self, when: When, instance: &Instance<'a, 't>) -> bool {
        let has = |key: &str| {
            instance.properties.iter().any(|property| {
                let behind = property.behind(instance.depth);
                let names: Vec<&str> = key.split('.').collect();
                behind.len() >= names.len()
                    && behind.iter().zip(names).all(|(name, wanted)| is_same(name, wanted))
            })
        };
        match when {
            When::Always => true,
            When::With(key) => has(key),
            When::Only(keys) => {
                let mut keys = keys.split('|');
                keys.next().is_some_and(has) && !keys.any(has)
            }
        }
    }

    /// Whether a property of our topics has a value, but none that is known: it stands for something that
    /// other files say, or its consumer refuses it. No default holds in its place.
    fn is_unknown(&self, property: &Property<'t>) -> bool {
        let is_written = property.value().is_some_and(|value| !matches!(value.text(), "" | "~" | "null"));
        is_written && self.setting(property).is_none()
    }

    /// The setting of a property, if its key is one of our topics.
    fn setting(&self, property: &Property<'t>) -> Option<Setting> {
        let names: Vec<&str> = property.path.iter().map(AsRef::as_ref).collect();
        let (leaf, parents) = names.split_last()?;
        let place = Place { file: self.context.source.path(), parents, leaf, product: None };
        let known = setting::known(&place, self.context.declared)?.ok()?;
        let value = property.value()?;
        let mut setting = setting::read(&place, &known, value).ok()?;
        taken::heed(&mut setting, value.text());
        Some(setting)
    }

    /// The address at a property, with the settings among its parameters.
    fn address(&self, property: &Property<'t>, instance: &Instance<'a, 't>) -> (Vec<Target>, Vec<Setting>) {
        let Instance { block, depth, .. } = *instance;
        let key = property.key();
        let Some(value) = property.value() else { return Default::default() };
        let Some(mut located) = address::locate(&key, value).filter(|_| property.text().is_some()) else {
            return Default::default();
        };
        let port = || {
            let mut beside = instance.properties.iter().filter(|other| other.is(depth, "port"));
            beside.next()?.text()?.trim().parse().ok()
        };
        // The driver is Java's, of which nothing has to be guessed.
        for default in located.settings.iter_mut().filter(|setting| setting.value.origin.is_default()) {
            default.assumptions.clear();
        }
        for target in &mut located.targets {
            if target.address.port.is_none() && property.is(depth, "host") {
                target.address.port = port();
            }
            if target.address.scheme.is_none() && !block.scheme.is_empty() {
                target.address.scheme = Some(block.scheme.to_owned());
            }
        }
        (located.targets, located.settings)
    }

    /// The time for an orderly shutdown where one is asked for and no key says how long it may take.
    fn shutdown(&self) -> Option<Group> {
        let asked = self.properties.iter().find(|property| property.is(0, "server.shutdown"))?;
        let limited = || self.properties.iter().any(|property| property.is(0, SHUTDOWN_DEFAULT.key));
        if asked.text() != Some("graceful") || limited() {
            return None;
        }
        let at = asked.place(1);
        Some(Group {
            settings: fallback(&SHUTDOWN_DEFAULT, "", at, &[]).into_iter().collect(),
            ..Group::new("spring.lifecycle".to_owned(), GroupKind::Lifecycle, self.owner, at)
        })
    }
}

/// The block that a property lies in, how many names lead to it, and which of them `*` stands for.
fn block_of(property: &Property<'_>) -> Option<(&'static Block, usize, Option<usize>)> {
    BLOCKS.iter().find_map(|block| {
        block.at.split('|').find_map(|at| {
            let names: Vec<&str> = at.split('.').collect();
            let fits = property.path.len() > names.len()
                && property
                    .path
                    .iter()
                    .zip(&names)
                    .all(|(name, wanted)| *wanted == "*" || is_same(name, wanted));
            fits.then(|| (block, names.len(), names.iter().position(|name| *name == "*")))
        })
    })
}

/// A default as a setting, pointed at `near`.
fn fallback(default: &blocks::Default, prefix: &str, near: Span, beside: &[Setting]) -> Option<Setting> {
    let is_words = default.key.contains(' ');
    let key = match prefix {
        "" => default.key.to_owned(),
        prefix if is_words => format!("{prefix}: {}", default.key),
        prefix => format!("{prefix}.{}", default.key),
    };
    let value = default.value(beside)?;
    let origin = Origin::Default { near, of: default.of, version: default.version };
    let guess = Some(default.guess).filter(|guess| !guess.is_empty());
    Some(Setting {
        assumptions: guess.map(str::to_owned).into_iter().collect(),
        ..setting::stated(key, default.knob, value, origin)
    })
}

/// A call to a service that is known by its name alone.
fn service(key: String, name: &str, span: Span) -> Target {
    let host = name.to_ascii_lowercase();
    let address = Address { scheme: None, host, port: None };
    Target { address, names: Vec::new(), key, span, assumptions: Vec::new(), ways: Vec::new() }
}

/// `execution.timeout.enabled: false` takes a command's limit away.
fn hystrix_switch(properties: &[&Property<'_>], depth: usize, settings: &mut Vec<Setting>) {
    let switch = properties.iter().find(|property| property.is(depth, "execution.timeout.enabled"));
    let Some(switch) = switch.filter(|switch| switch.text() == Some("false")) else { return };
    let Some(value) = switch.value() else { return };
    let whole = Knob::Timeout(Covers::WholeCall);
    settings.retain(|setting| setting.knob != whole);
    settings.push(Setting::new(
        switch.key(),
        whole,
        Sourced::written(Value::Time(Limit::Never), value.span()),
    ));
}
