//! Lengths of time as Prometheus and Alertmanager write them: `1h30m`, largest unit first.

use std::time::Duration;

/// A length; `None` where the text is none.
pub(crate) fn length(text: &str) -> Option<Duration> {
    /// Units, largest first, in milliseconds; days have 24 hours and years 365 days (prometheus.io,
    /// "Querying basics", Time durations).
    const UNITS: [(&str, u64); 7] = [
        ("y", 31_536_000_000),
        ("w", 604_800_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut rest, mut sum, mut from) = (text, 0_u64, 0);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let name = rest.bytes().take_while(u8::is_ascii_lowercase).count();
        let place = UNITS[from..].iter().position(|(unit, _)| *unit == &rest[..name])? + from;
        sum = sum.checked_add(count.checked_mul(UNITS[place].1)?)?;
        from = place + 1;
        rest = &rest[name..];
    }
    (!text.is_empty()).then(|| Duration::from_millis(sum))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths() {
        for (text, ms) in [
            ("5m", Some(300_000)),
            ("1h30m", Some(5_400_000)),
            ("100ms", Some(100)),
            ("1s500ms", Some(1_500)),
            ("1d", Some(86_400_000)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("", None),
            ("5", None),
            ("m", None),
            ("1.5h", None),
            ("30m1h", None),
            ("5m ", None),
            ("5min", None),
            ("99999999999y", None),
        ] {
            assert_eq!(length(text), ms.map(Duration::from_millis), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9ymwdhs. ]{0,12}|\\PC{0,6}") {
            length(&text);
        }
    }
}
