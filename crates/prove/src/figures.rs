//! Shares in per cent, for people.

/// A share in per cent with as many digits as tell it from none and from all.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let digits = if (1.0..=99.0).contains(&percent) || percent == 100.0 { 1 } else { 2 };
    let text = format!("{percent:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_told_from_none_and_from_all() {
        for (share, expected) in
            [(0.995, "99.5 %"), (0.1234, "12.3 %"), (0.0007, "0.07 %"), (0.5, "50 %"), (0.0, "0 %")]
        {
            assert_eq!(percent(share), expected);
        }
    }
}
