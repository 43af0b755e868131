//! Whether a file is a Spring configuration, whose it is and where it holds: by the names of the file
//! and of its keys. Must not look at what a key sets.

use text::{Node, Span, Syntax, Tree};

use super::properties::{Property, is_same};
use crate::{Context, Layer, LayerOf};
use model::{Origin, Sourced};

/// Files that configure the service they are packed with.
const OWN: [&str; 2] = ["application", "bootstrap"];

/// Keys that only Spring, or a library that lives in its configuration, has.
const KEYS: &[&str] = &[
    "spring.application",
    "spring.autoconfigure",
    "spring.boot",
    "spring.cache",
    "spring.cloud",
    "spring.config",
    "spring.data",
    "spring.datasource",
    "spring.elasticsearch",
    "spring.flyway",
    "spring.http",
    "spring.jackson",
    "spring.jpa",
    "spring.kafka",
    "spring.lifecycle",
    "spring.liquibase",
    "spring.mail",
    "spring.main",
    "spring.mongodb",
    "spring.mvc",
    "spring.profiles",
    "spring.quartz",
    "spring.r2dbc",
    "spring.rabbitmq",
    "spring.redis",
    "spring.security",
    "spring.servlet",
    "spring.session",
    "spring.shardingsphere",
    "spring.sleuth",
    "spring.task",
    "spring.thymeleaf",
    "spring.transaction",
    "spring.webflux",
    "spring.zipkin",
    "server.servlet",
    "server.tomcat",
    "server.undertow",
    "server.jetty",
    "server.netty",
    "server.shutdown",
    "management.endpoint",
    "management.endpoints",
    "management.security",
    "management.server",
    "eureka.client",
    "eureka.instance",
    "feign.client",
    "feign.hystrix",
    "feign.circuitbreaker",
    "hystrix.command",
    "hystrix.threadpool",
    "resilience4j.circuitbreaker",
    "resilience4j.retry",
    "resilience4j.timelimiter",
    "resilience4j.bulkhead",
    "ribbon.ConnectTimeout",
    "ribbon.ReadTimeout",
    "ribbon.eureka",
    "security.oauth2",
    "zuul.host",
    "zuul.routes",
];

/// Roots that say it in a file whose name says it already.
const ROOTS: [&str; 6] = ["spring", "server", "management", "eureka", "security", "logging"];

/// Roots of frameworks that call their files the same.
const OTHERS: [&str; 3] = ["quarkus", "micronaut", "play"];

/// Whether a tree is a Spring configuration.
pub(super) fn speaks(context: &Context<'_>, tree: &Tree<'_>) -> bool {
    if !matches!(tree.syntax(), Syntax::Yaml | Syntax::Properties) {
        return false;
    }
    let name = FileName::of(context.source.path());
    // What a Helm chart calls its values is no file that Spring reads.
    if name.stem.starts_with("values") || tree.documents().any(|root| has_root(root, &OTHERS)) {
        return false;
    }
    tree.documents()
        .any(|root| KEYS.iter().any(|key| has(root, key)) || (name.own().is_some() && has_root(root, &ROOTS)))
}

fn has_root(root: Node<'_>, names: &[&str]) -> bool {
    root.written_entries().any(|entry| {
        let first = entry.key.text().split('.').next().unwrap_or("");
        names.contains(&first)
    })
}

/// Whether a document holds a key, or keys below it, however they are nested.
fn has(root: Node<'_>, key: &str) -> bool {
    root.written_entries().any(|entry| {
        let written = entry.key.text();
        let starts = |long: &str, short: &str| {
            long.get(..short.len()) == Some(short)
                && matches!(long.as_bytes().get(short.len()), None | Some(b'.' | b'['))
        };
        starts(written, key) || (starts(key, written) && has(entry.value, &key[written.len() + 1..]))
    })
}

/// A file's name in its parts.
struct FileName<'p> {
    stem: &'p str,
    extension: &'p str,
    in_tests: bool,
}

impl<'p> FileName<'p> {
    fn of(path: &'p str) -> Self {
        let file = path.rsplit('/').next().unwrap_or(path);
        let (stem, extension) = file.rsplit_once('.').unwrap_or((file, ""));
        // The standard directory layout of Maven and Gradle.
        Self { stem, extension, in_tests: path.starts_with("src/test/") || path.contains("/src/test/") }
    }

    /// Which of the files of its own a service has this is, and for which profile.
    fn own(&self) -> Option<(&'static str, Option<&'p str>)> {
        OWN.into_iter().find_map(|name| match self.stem.strip_prefix(name)? {
            "" => Some((name, None)),
            rest => Some((name, Some(rest.strip_prefix('-')?))),
        })
    }
}

/// The layer that a document of a file is.
pub(super) fn layer(context: &Context<'_>, properties: &[Property<'_>], extent: Span) -> Layer {
    let file = FileName::of(context.source.path());
    let own = file.own();
    let of = match own {
        _ if file.in_tests => LayerOf::Tests,
        Some(_) => LayerOf::Directory,
        None => LayerOf::Named(file.stem.to_owned()),
    };
    let mut profiles: Vec<String> =
        own.and_then(|(_, profile)| profile).map(str::to_owned).into_iter().collect();
    profiles.extend(properties.iter().filter(|property| activates(property)).flat_map(|property| {
        let said = property.text().unwrap_or_default();
        // `!a` and `a & b` are conditions of which no single profile tells.
        let is_list = !said.contains(['!', '&', '(']);
        let parts: Vec<&str> = if is_list { said.split([',', '|']).collect() } else { vec![said] };
        parts
            .into_iter()
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
    }));
    // What is not switched off by naming another profile holds as a rule.
    profiles.retain(|profile| profile != "default");
    // Properties files win over YAML files of the same place; the bootstrap context is the parent of the
    // application's, which wins (Spring Boot reference, externalized configuration).
    let rank = match (own, file.extension) {
        (Some(("bootstrap", _)), _) => 0,
        (_, "properties") => 2,
        _ => 1,
    };
    Layer { name: application(properties), of, profiles, rank, extent }
}

/// Whether a property says for which profiles its document holds.
fn activates(property: &Property<'_>) -> bool {
    let names: Vec<&str> =
        property.path.iter().map(AsRef::as_ref).filter(|name| !name.starts_with('[')).collect();
    match names.as_slice() {
        ["spring", "profiles"] => true,
        ["spring", "config", "activate", profile] => is_same(profile, "on-profile"),
        _ => false,
    }
}

/// The name that a service gives itself.
fn application(properties: &[Property<'_>]) -> Option<Sourced<String>> {
    let property = properties.iter().rev().find(|property| property.is(0, "spring.application.name"))?;
    let name = property.text()?.trim();
    let span = property.value()?.span();
    (!name.is_empty()).then(|| Sourced { value: name.to_owned(), origin: Origin::Written(span) })
}
