//! Hosts and ports inside a text, each with its place. Nothing here knows a scheme or a key.

use std::ops::Range;

/// What stands in a masked text where the file had an expression of a template engine.
const MASK: char = '\u{1}';

/// A text of the same length in which every expression that something else fills in (`${X}`,
/// `{{ x }}`, `$(x)`, `#{x}`, `<x>`) is blotted out, so that what it contains separates nothing.
pub(super) fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = expression(rest).unwrap_or(0);
        if length > 0 {
            masked.extend(std::iter::repeat_n(MASK, length));
            rest = &rest[length..];
        } else {
            // A mark that the text itself holds must not read as an expression.
            masked.push(if first == MASK { ' ' } else { first });
            rest = &rest[first.len_utf8()..];
        }
    }
    masked
}

/// The length of the expression at the start of a text. One that is never closed reaches to its end.
fn expression(text: &str) -> Option<usize> {
    const MARKS: [(&str, &str); 5] = [("${", "}"), ("{{", "}}"), ("$(", ")"), ("#{", "}"), ("<", ">")];
    for (open, close) in MARKS {
        if let Some(inside) = text.strip_prefix(open) {
            return Some(inside.find(close).map_or(text.len(), |end| open.len() + end + close.len()));
        }
    }
    let name = text.strip_prefix('$')?;
    let length = name.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    (length > 0).then_some(length + 1)
}

/// A part of a text and the byte at which it starts there.
#[derive(Clone, Copy)]
pub(super) struct Piece<'t> {
    pub(super) text: &'t str,
    at: usize,
}

impl<'t> Piece<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// Where it stands in the whole text.
    pub(super) fn place(self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }

    /// The part before a byte and the part from it on.
    pub(super) fn split_at(self, index: usize) -> (Self, Self) {
        let (before, after) = self.text.split_at(index);
        (Self { text: before, at: self.at }, Self { text: after, at: self.at + index })
    }

    /// The part from a byte on.
    pub(super) fn from(self, index: usize) -> Self {
        self.split_at(index).1
    }

    /// Both sides of the first `mark`.
    pub(super) fn split_once(self, mark: &str) -> Option<(Self, Self)> {
        let index = self.text.find(mark)?;
        let (before, after) = self.split_at(index);
        Some((before, after.from(mark.len())))
    }

    /// Both sides of the last `mark`.
    pub(super) fn rsplit_once(self, mark: &str) -> Option<(Self, Self)> {
        let index = self.text.rfind(mark)?;
        let (before, after) = self.split_at(index);
        Some((before, after.from(mark.len())))
    }

    /// What follows `prefix`, in any case of letters.
    pub(super) fn strip(self, prefix: &str) -> Option<Self> {
        let start = self.text.get(..prefix.len())?;
        start.eq_ignore_ascii_case(prefix).then(|| self.from(prefix.len()))
    }

    /// The parts between `mark`s.
    pub(super) fn split(self, mark: char) -> impl Iterator<Item = Self> {
        let mut at = self.at;
        self.text.split(mark).map(move |text| {
            let piece = Self { text, at };
            at += text.len() + mark.len_utf8();
            piece
        })
    }

    /// Without white space around it.
    pub(super) fn trim(self) -> Self {
        let start = self.text.len() - self.text.trim_start().len();
        Self { text: self.text.trim(), at: self.at + start }
    }
}

/// One host.
pub(super) struct Host<'t> {
    text: &'t str,
    /// Where its name stands, brackets and port not included.
    pub(super) place: Range<usize>,
    /// Its port, where it is a number.
    pub(super) port: Option<u16>,
}

impl<'t> Host<'t> {
    /// Reads `name`, `name:port`, `1.2.3.4:port` or `[v6]:port`; `None` for anything else, and for
    /// the wildcard addresses on which one listens.
    pub(super) fn read(piece: Piece<'t>) -> Option<Self> {
        if let Some(inside) = piece.strip("[") {
            let (name, rest) = inside.split_once("]")?;
            let port = if rest.text.is_empty() { None } else { port(rest.text.strip_prefix(':')?)? };
            let numbers = name.text.bytes().all(|b| b.is_ascii_hexdigit() || b == b':' || b == b'.');
            let named =
                numbers && name.text.contains(':') && name.text.bytes().any(|b| b.is_ascii_hexdigit());
            return named.then(|| Self { text: name.text, place: name.place(), port });
        }
        let (name, port) = match piece.split_once(":") {
            Some((name, rest)) => (name, port(rest.text)?),
            None => (piece, None),
        };
        is_name(name.text).then(|| Self { text: name.text, place: name.place(), port })
    }

    /// Reads a comma-separated list; hosts that are not known are left out.
    pub(super) fn list(piece: Piece<'t>) -> Vec<Self> {
        piece.split(',').filter_map(|part| Self::read(part.trim())).collect()
    }

    /// Its name in lower case.
    pub(super) fn name(&self) -> String {
        self.text.trim_end_matches('.').to_ascii_lowercase()
    }

    /// Whether it is a number or this machine: nothing that tells a callee from one's own address.
    pub(super) fn is_local_or_number(&self) -> bool {
        self.text.eq_ignore_ascii_case("localhost") || !self.text.bytes().any(|b| b.is_ascii_alphabetic())
    }
}

/// The number of a port. `Some(None)` where none is written or something else will fill it in.
#[expect(clippy::option_option, reason = "no port, a port, and no port number are three answers")]
fn port(text: &str) -> Option<Option<u16>> {
    if text.chars().all(|c| c == MASK) {
        return Some(None);
    }
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|&port| port > 0).map(Some)
}

/// Whether a text is a host name (RFC 1123, with the underscores that container names have) or an
/// IPv4 address other than the wildcard.
fn is_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let labels = name.split('.').all(|label| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
    });
    let number = !name.bytes().any(|b| b.is_ascii_alphabetic());
    name.len() <= 253
        && labels
        && (!number || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| !address.is_unspecified()))
}
