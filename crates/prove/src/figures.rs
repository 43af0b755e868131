//! Shares and lengths of time, for people.

use std::time::Duration;

use model::pretty;

/// A share in per cent with as many digits as tell it from none and from all.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let least = if (1.0..=99.0).contains(&percent) || percent == 100.0 { 1 } else { 2 };
    let is_told_apart = |text: &String| text.parse().is_ok_and(|shown: f64| shown > 0.0 && shown < 100.0);
    let text = (least..=6).map(|digits| format!("{percent:.digits$}")).find(is_told_apart);
    let text = text.unwrap_or_else(|| format!("{percent:.0}"));
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

/// A length in whole milliseconds: finer than that nobody notices, and nobody writes.
pub fn ms(length: Duration) -> String {
    pretty(Duration::from_millis((length.as_secs_f64() * 1000.0).round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_told_from_none_and_from_all() {
        for (share, expected) in
            [(0.995, "99.5 %"), (0.1234, "12.3 %"), (0.0007, "0.07 %"), (0.5, "50 %"), (0.0, "0 %")]
                .into_iter()
                .chain([(0.99996, "99.996 %"), (0.000_012, "0.001 %"), (1.0, "100 %"), (1e-17, "0 %")])
        {
            assert_eq!(percent(share), expected);
        }
    }
}
