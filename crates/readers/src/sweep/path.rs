//! Where a key stands: the way to it from the root, and the parts of its own dotted name. Must not
//! know what the key means.

use std::borrow::Cow;

/// The way from the root to a node, as a list on the stack: walking allocates nothing.
#[derive(Clone, Copy)]
pub(super) struct Path<'p> {
    pub(super) up: Option<&'p Path<'p>>,
    pub(super) segment: Segment<'p>,
}

#[derive(Clone, Copy)]
pub(super) enum Segment<'p> {
    Key(&'p str),
    Item(usize),
}

impl Path<'_> {
    /// The segments, the outermost first, items as `[1]`.
    pub(super) fn segments<'p>(path: Option<&Path<'p>>) -> Vec<Cow<'p, str>> {
        let mut segments = Vec::new();
        let mut next = path.copied();
        while let Some(Path { up, segment }) = next {
            segments.push(match segment {
                Segment::Key(key) => Cow::Borrowed(key),
                Segment::Item(index) => Cow::Owned(format!("[{index}]")),
            });
            next = up.copied();
        }
        segments.reverse();
        segments
    }
}

/// Takes a key apart into what stands before its last part, and that. A Kubernetes annotation
/// (`product.io/proxy-read-timeout`) keeps its domain as one part.
pub(super) fn split_key(key: &str) -> KeyParts<'_> {
    if let Some((domain, leaf)) = key.rsplit_once('/') {
        return KeyParts { domain: Some(domain), prefix: "", leaf };
    }
    match key.rsplit_once('.') {
        Some((prefix, leaf)) if !leaf.is_empty() && prefix.split('.').all(|part| !part.is_empty()) => {
            KeyParts { domain: None, prefix, leaf }
        }
        _ => KeyParts { domain: None, prefix: "", leaf: key },
    }
}

/// A key in parts.
#[derive(Clone, Copy)]
pub(super) struct KeyParts<'k> {
    domain: Option<&'k str>,
    /// Dotted parts before the last, as if the keys were nested.
    pub(super) prefix: &'k str,
    pub(super) leaf: &'k str,
}

impl<'k> KeyParts<'k> {
    /// The parts before the last.
    pub(super) fn parents(self) -> impl Iterator<Item = &'k str> {
        self.domain.into_iter().chain(self.prefix.split('.').filter(|part| !part.is_empty()))
    }
}
