//! Products whose own file tells by its keys whose it is, whatever its name. Only there a key's path
//! is taken as a whole, and only there a default is known to hold. Compares keys; reads no value but
//! the one that chooses between alternatives.

use std::borrow::Cow;

use model::{Knob, Origin, Setting, Topic};
use text::{Node, NodeKind, Span, Tree};

use super::{Absent, Choice, Row, authentication};
use crate::setting;

/// A product with a file of its own.
#[derive(Debug)]
pub(crate) struct Product {
    /// Its name as printed.
    pub(crate) name: &'static str,
    /// What its file has, all of it: keys with their path from the root, `|` between alternatives. Case
    /// counts here.
    pub(super) signs: &'static [&'static str],
    /// What its keys mean, each with its whole path.
    pub(super) rows: &'static [Row],
}

/// All of them. No file has the signs of two.
pub(super) static PRODUCTS: &[&Product] = authentication::PRODUCTS;

/// The product whose own file a tree is.
pub(crate) fn recognise(tree: &Tree<'_>) -> Option<&'static Product> {
    let mut documents = tree.documents();
    let root = documents.next().filter(|root| root.kind() == NodeKind::Map)?;
    if documents.next().is_some() {
        return None;
    }
    let has = |path: &str| root.at(&path.split('.').collect::<Vec<_>>()).is_some();
    PRODUCTS.iter().copied().find(|product| product.signs.iter().all(|sign| sign.split('|').any(has)))
}

/// A key that is absent, with what then holds.
pub(crate) struct Default {
    /// The key, from the map it is missed in.
    pub(crate) key: &'static str,
    row: &'static Row,
    absent: Absent,
}

impl Product {
    /// The defaults that hold because the map at `path` lacks the key, or the block that would hold it.
    pub(crate) fn absent(&self, tree: &Tree<'_>, path: &[Cow<'_, str>], map: Node<'_>) -> Vec<Default> {
        let has = |name: &str| map.written_entries().any(|entry| same(first_of(entry.key.text()).0, name));
        let absent = self.rows.iter().filter_map(|row| {
            let absent = row.default?;
            let key = below(row.key(), path)?;
            let is_asked_for = absent.needs.is_empty() || lies_in(path, absent.needs);
            let is_chosen = || absent.when.is_none_or(|choice| is_chosen(tree, choice));
            (is_asked_for && !has(first_of(key).0) && is_chosen()).then_some(Default { key, row, absent })
        });
        absent.collect()
    }
}

impl Default {
    /// The setting as it holds in the map at `path`.
    pub(crate) fn setting(&self, path: &[Cow<'_, str>], near: Span) -> Setting {
        let Absent { holds, of, version, .. } = self.absent;
        let mut key = path.join(".");
        if !key.is_empty() {
            key.push('.');
        }
        key.push_str(self.key);
        let knob = self.row.knob.unwrap_or(Knob::Other(Topic::Timeout));
        setting::stated(key, knob, holds.value(), Origin::Default { near, of, version })
    }
}

/// The first part of a dotted path, and the others.
fn first_of(path: &str) -> (&str, &str) {
    path.split_once('.').unwrap_or((path, ""))
}

/// What of a key's path is left behind the way to a map; `None` where that leads elsewhere.
fn below(key: &'static str, path: &[Cow<'_, str>]) -> Option<&'static str> {
    let rest = path.iter().try_fold(key, |rest, part| {
        let (first, rest) = first_of(rest);
        same(first, part).then_some(rest)
    })?;
    (!rest.is_empty()).then_some(rest)
}

/// Whether a path leads to a block or into it.
fn lies_in(path: &[Cow<'_, str>], block: &str) -> bool {
    let mut parts = path.iter();
    block.split('.').all(|part| parts.next().is_some_and(|own| same(own, part)))
}

/// Whether two keys are the same to products that take no notice of case.
fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Whether the file makes a choice.
fn is_chosen(tree: &Tree<'_>, choice: Choice) -> bool {
    let root = tree.documents().next();
    let found = root.and_then(|root| {
        choice.key.split('.').try_fold(root, |node, part| {
            node.written_entries().find(|entry| same(entry.key.text(), part)).map(|entry| entry.value)
        })
    });
    match found.and_then(Node::text) {
        Some(text) => choice.says.split('|').any(|says| same(says, text)),
        None => choice.unsaid,
    }
}
