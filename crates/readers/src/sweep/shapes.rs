//! What nodes look like from outside: lists of variables, schemas, values that could be addresses. Cheap
//! looks before anything is read.

use text::{Node, NodeKind, Syntax};

use crate::kubernetes::{Kind, Object};
use crate::variables::Variable;

/// Whether a list holds variables, and nothing but them and scalars.
pub(super) fn is_variables(list: Node<'_>) -> bool {
    let mut maps = list.items().filter(|item| item.kind() == NodeKind::Map).peekable();
    maps.peek().is_some()
        && maps.all(|map| map.get("name").is_some() || map.get("Key").is_some())
        && list.items().any(|map| variable(map).is_some())
}

/// The name and value of an item that holds one variable: `name` and `value` in Kubernetes, `Key` and
/// `Value` in CloudFormation.
pub(super) fn variable(item: Node<'_>) -> Option<Variable<'_>> {
    let (name, value) = match item.get("name") {
        Some(name) => (name, item.get("value")?),
        None => (item.get("Key")?, item.get("Value")?),
    };
    Some(Variable { name: name.scalar()?, value: value.scalar()? })
}

/// What a map is, by the keys it has.
#[derive(Default)]
pub(super) struct Shape {
    /// A schema: it says of which type a value is.
    pub(super) describes: bool,
    /// A server: it says where to listen, and names no address to call.
    pub(super) serves: bool,
    /// A manifest of a kind that is not read: what it describes (a route, a policy) makes no calls of its
    /// own. What its dialect leaves of a Secret is encoded.
    pub(super) runs_nothing: bool,
    /// It takes the entries of another one in, in YAML.
    pub(super) merges: bool,
}

impl Shape {
    pub(super) fn of(map: Node<'_>) -> Self {
        let mut shape = Self::default();
        let (mut has_type, mut has_company, mut listens, mut has_version) = (false, false, false, false);
        for entry in map.written_entries() {
            let key = entry.key.text();
            match key {
                "openAPIV3Schema" | "$schema" => shape.describes |= entry.value.kind() == NodeKind::Map,
                "type" => {
                    has_type = matches!(
                        entry.value.text(),
                        Some("object" | "integer" | "string" | "number" | "boolean" | "array")
                    );
                }
                "properties" | "format" | "items" | "$ref" | "enum" | "additionalProperties" => {
                    has_company = true;
                }
                "description" => has_company = true,
                "apiVersion" => has_version = true,
                "<<" => shape.merges = map.tree().syntax() == Syntax::Yaml,
                _ => listens |= is_listening(key),
            }
        }
        shape.describes |= has_type && has_company;
        shape.serves = listens && !calls(map);
        shape.runs_nothing = (has_version || shape.merges) && is_idle_manifest(map);
        shape
    }
}

fn is_idle_manifest(map: Node<'_>) -> bool {
    map.get("apiVersion").is_some()
        && map.get("kind").is_some()
        && Object::of(map).is_none_or(|object| !object.kind.runs() && object.kind != Kind::ConfigMap)
        && map.get("metadata").is_some_and(|metadata| metadata.kind() == NodeKind::Map)
}

/// Whether a map names an address of another, as far as a cheap look tells.
fn calls(map: Node<'_>) -> bool {
    map.written_entries().any(|entry| {
        let key = entry.key.text();
        entry.value.kind() == NodeKind::Scalar
            && !is_listening(key)
            && may_be_address(key, entry.value)
            && !entry.value.text().is_some_and(is_own_address)
    })
}

/// Whether a key says where a server listens.
fn is_listening(key: &str) -> bool {
    const KEYS: [&str; 12] = [
        "listen",
        "listenaddr",
        "listenaddress",
        "listenport",
        "bind",
        "bindaddr",
        "bindaddress",
        "bindport",
        "port",
        "httpport",
        "serverport",
        "listenon",
    ];
    let mut key =
        key.bytes().filter(|byte| !matches!(byte, b'-' | b'_')).map(|byte| byte.to_ascii_lowercase());
    let Some(first @ (b'l' | b'b' | b'p' | b'h' | b's')) = key.next() else { return false };
    KEYS.iter().any(|own| own.as_bytes()[0] == first && key.clone().eq(own.bytes().skip(1)))
}

/// Whether an address is one of the machine itself: all its interfaces, or a port alone.
fn is_own_address(text: &str) -> bool {
    let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
    matches!(host.trim_matches(['[', ']']), "" | "*" | "0.0.0.0" | "::" | "127.0.0.1" | "::1" | "localhost")
}

/// A first, cheap look at a value that could be an address.
pub(super) fn may_be_address(key: &str, value: Node<'_>) -> bool {
    const HOST_KEYS: [&str; 8] =
        ["host", "hostname", "addr", "address", "server", "endpoint", "hosts", "serviceid"];
    let Some(text) = value.text() else { return false };
    if text.len() < 2 || text.len() > 8 * 1024 {
        return false;
    }
    let bytes = text.as_bytes();
    let colon = bytes.windows(2).any(|pair| pair[0] == b':' && (pair[1] == b'/' || pair[1].is_ascii_digit()));
    colon
        || bytes.contains(&b'=') && text.contains("host=")
        || HOST_KEYS.iter().any(|host| {
            key.len() >= host.len()
                && key.is_char_boundary(key.len() - host.len())
                && key[key.len() - host.len()..].eq_ignore_ascii_case(host)
        })
}

/// Whether an argument's name is made of what keys are made of.
pub(super) fn is_plain_key(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// The scalars of a list as one text.
pub(super) fn words_of(list: Node<'_>) -> Option<String> {
    let words: Option<Vec<&str>> = list.items().map(Node::text).collect();
    words.filter(|words| !words.is_empty()).map(|words| words.join(", "))
}
