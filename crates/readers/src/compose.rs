//! Compose files: services with their environment, health check, stop and restart times, and the files
//! they take in. Must not know which file overrides which: `audit::join` applies that by identity.

mod interpolate;
mod service;
mod times;

use text::{Entry, Node, NodeKind, Syntax, Tree};

use crate::{Context, Dialect, Fragment, Platform, Role};
use interpolate::Interpolation;

/// Compose files.
pub(crate) static COMPOSE: Dialect =
    Dialect { name: "compose", docs: include_str!("compose.md"), speaks, read };

/// Keys of which a service has at least one, docs.docker.com Compose file reference "services".
const SERVICE_KEYS: [&str; 12] = [
    "image",
    "build",
    "extends",
    "environment",
    "env_file",
    "command",
    "ports",
    "volumes",
    "depends_on",
    "healthcheck",
    "deploy",
    "container_name",
];

fn speaks(context: &Context<'_>, tree: &Tree<'_>) -> bool {
    matches!(tree.syntax(), Syntax::Yaml | Syntax::Json) && services(context, tree).is_some()
}

/// The map of services: at `services`, or the whole file in the oldest version of the format.
fn services<'t>(context: &Context<'_>, tree: &'t Tree<'t>) -> Option<Node<'t>> {
    let root = tree.documents().next().filter(|root| root.kind() == NodeKind::Map)?;
    let has = |node: Node<'_>, keys: &[&str]| {
        node.kind() == NodeKind::Map && keys.iter().any(|key| node.get(key).is_some())
    };
    if let Some(services) = root.get("services") {
        let found = services.entries().iter().any(|entry| has(entry.value, &SERVICE_KEYS));
        return (found && root.get("apiVersion").is_none()).then_some(services);
    }
    let path = context.source.path();
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let entries = root.entries();
    let is_old = name.starts_with("docker-compose")
        && !entries.is_empty()
        && entries.iter().all(|entry| has(entry.value, &["image", "build"]));
    is_old.then_some(root)
}

fn read(context: &Context<'_>, tree: &Tree<'_>, fragment: &mut Fragment) {
    let Some(services) = services(context, tree) else { return };
    let Some(root) = tree.documents().next() else { return };
    fragment.platform = Some(Platform { name: COMPOSE.name, role: role(context.source.path()) });
    let interpolation = Interpolation::of(context);
    let first = fragment.components.len();
    let entries: Vec<Entry<'_>> = services.entries();
    for entry in entries.iter().filter(|entry| entry.value.kind() == NodeKind::Map) {
        service::read(context, &interpolation, root, services, entry, fragment);
    }
    service::link(services, &interpolation, first, fragment);
    fragment.interpolated.extend(interpolation.taken());
}

/// What a file is to the other Compose files of its directory, by its name (docs.docker.com, Merge Compose
/// files): `compose.override.yaml` is put on `compose.yaml`, any other name is an alternative.
fn role(path: &str) -> Role {
    let file = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let stem = file.trim_end_matches(".yaml").trim_end_matches(".yml");
    let ordinary = ["compose", "docker-compose", "podman-compose", "container-compose"];
    let Some(rest) = ordinary.into_iter().find_map(|base| stem.strip_prefix(base)) else {
        return Role::Variant;
    };
    match rest.strip_prefix(['.', '-', '_']) {
        None if rest.is_empty() => Role::Ordinary,
        Some("override") => Role::Extension,
        Some(word) => Role::Called(word.to_owned()),
        None => Role::Variant,
    }
}
