//! Which trace a request belongs to, as W3C Trace Context (Level 1) writes it, and what a request is
//! called in logs. Records no spans: it passes the context on, so that those who do can join them.

use std::fmt;

use axum::http::HeaderMap;

use crate::entropy::Entropy;

/// The header that names a request.
pub(super) const REQUEST_ID: &str = "x-request-id";

/// The longest `tracestate` that is passed on in full: what section 3.3.1.5 asks for at least.
const LONGEST_STATE: usize = 512;

/// The longest name of a request that is taken over from the caller.
const LONGEST_ID: usize = 64;

/// The sampled flag; section 3.2.2.5 has the others set to zero.
const SAMPLED: u8 = 1;

/// A trace and a span of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    trace: [u8; 16],
    span: [u8; 8],
    flags: u8,
    /// The caller's `tracestate`.
    pub state: Option<String>,
}

impl Trace {
    /// The caller's trace with a new span for us; a new trace where the caller names none, or in a form
    /// that is not of version 00. Its `tracestate` counts only beside a `traceparent` that holds.
    pub fn of(headers: &HeaderMap, entropy: &dyn Entropy) -> Self {
        let span = nonzero(entropy);
        let mut values = headers.get_all("traceparent").iter();
        let caller = match (values.next(), values.next()) {
            (Some(only), None) => parent(only.as_bytes()),
            _ => None,
        };
        match caller {
            Some((trace, flags)) => Self { trace, span, flags: flags & SAMPLED, state: state(headers) },
            None => Self { trace: nonzero(entropy), span, flags: 0, state: None },
        }
    }

    /// The trace's identifier, as logs of all components know it.
    #[must_use]
    pub fn id(&self) -> String {
        Hex(&self.trace).to_string()
    }

    /// The `traceparent` for those who are asked next.
    #[must_use]
    pub fn parent(&self) -> String {
        format!("00-{}-{}-{:02x}", Hex(&self.trace), Hex(&self.span), self.flags)
    }
}

/// Bytes in small hexadecimal digits.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Random bytes that are not all zero, since that means "none".
fn nonzero<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    if bytes == [0; N] {
        bytes[N - 1] = 1;
    }
    bytes
}

/// Trace and flags of a `traceparent` of version 00: `00-TRACE-SPAN-FLAGS`, nothing more.
fn parent(value: &[u8]) -> Option<([u8; 16], u8)> {
    let rest = value.strip_prefix(b"00-")?;
    if rest.len() != 52 || rest[32] != b'-' || rest[49] != b'-' {
        return None;
    }
    let trace: [u8; 16] = hexadecimal(&rest[..32])?;
    let span: [u8; 8] = hexadecimal(&rest[33..49])?;
    let [flags] = hexadecimal(&rest[50..])?;
    (trace != [0; 16] && span != [0; 8]).then_some((trace, flags))
}

/// Bytes of small hexadecimal digits; capitals do not count (section 3.2.2).
fn hexadecimal<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// The caller's `tracestate`: several headers are one list; one that is too long loses whole entries
/// from its right end (section 3.3.1.5).
fn state(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all("tracestate").iter();
    let mut list = values.next()?.to_str().ok()?.to_owned();
    for value in values {
        list.push(',');
        list.push_str(value.to_str().ok()?);
    }
    while list.len() > LONGEST_STATE {
        list.truncate(list.rfind(',')?);
    }
    (!list.is_empty()).then_some(list)
}

/// The caller's name for the request, where it is short and harmless in a log; else a random one.
pub(super) fn request_id(headers: &HeaderMap, entropy: &dyn Entropy) -> String {
    let plausible = |text: &&str| {
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(harmless)
    };
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(plausible);
    given.map_or_else(|| Hex(&entropy.id()).to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entropy::SeededEntropy;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn trace(pairs: &[(&'static str, &str)]) -> Trace {
        Trace::of(&headers(pairs), &SeededEntropy::new(1))
    }

    #[test]
    fn a_trace_goes_on_with_a_span_of_ours() {
        let trace = trace(&[("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2")]);
        let parent = trace.parent();
        assert_eq!(trace.id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(
            parent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && parent.ends_with("-01"),
            "{parent}"
        );
        assert!(!parent.contains("00f067aa0ba902b7"), "{parent}");
        assert_eq!(trace.state.as_deref(), Some("a=1,b=2"));
    }

    #[test]
    fn without_a_trace_that_holds_one_begins() {
        let bad = [
            "",
            "00",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473600f067aa0ba902b7-0101",
        ];
        for text in bad {
            let trace = trace(&[("traceparent", text), ("tracestate", "a=1")]);
            assert_ne!(trace.id(), "4bf92f3577b34da6a3ce929d0e0e4736", "{text}");
            assert_eq!(trace.state, None, "{text}");
            assert!(parent(trace.parent().as_bytes()).is_some(), "{text}");
        }
        let twice = trace(&[("traceparent", PARENT), ("traceparent", PARENT)]);
        assert_ne!(twice.id(), "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn flags_that_are_not_defined_are_not_passed_on() {
        let trace = trace(&[("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff")]);
        assert!(trace.parent().ends_with("-01"));
    }

    #[test]
    fn a_state_that_is_too_long_loses_whole_entries() {
        let entry = format!("k={}", "v".repeat(198));
        let long = [entry.as_str(); 3].join(",");
        let trace = trace(&[("traceparent", PARENT), ("tracestate", &long)]);
        assert_eq!(trace.state, Some([entry.as_str(); 2].join(",")));
        let one = "v".repeat(600);
        assert_eq!(self::trace(&[("traceparent", PARENT), ("tracestate", &one)]).state, None);
    }

    #[test]
    fn the_callers_name_of_a_request_is_kept_when_it_is_harmless() {
        let id = |text: &str| request_id(&headers(&[(REQUEST_ID, text)]), &SeededEntropy::new(1));
        assert_eq!(id("a-b_c.9"), "a-b_c.9");
        let long = "x".repeat(65);
        for text in ["", "a b", "a\"b", long.as_str()] {
            assert_eq!(id(text).len(), 32, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_what_goes_on_is_well_formed(text in "[ -~]{0,70}") {
            let trace = trace(&[("traceparent", &text)]);
            prop_assert!(parent(trace.parent().as_bytes()).is_some());
        }
    }
}
