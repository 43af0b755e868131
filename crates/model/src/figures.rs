//! Counts, shares and rows of names as people read them.

/// A count with a blank every three digits from four up, as people read figures in a sentence.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(' ');
        }
        shown.push(digit);
    }
    shown
}

/// A share that was measured or computed, in per cent: one decimal; below 1 % and above 99 % two digits that
/// count, from the nearer end. So only none of all is "0 %" and only all of them "100 %", as far as one in a
/// thousand million can be told from none.
#[must_use]
pub fn percent(share: f64) -> String {
    const LEAST: f64 = 1e-9;
    let percent = share * 100.0;
    let nearer = share.min(1.0 - share);
    let decimals = match nearer {
        none if none < LEAST => 0,
        few if few < 0.01 => (1.0 - (few * 100.0).log10().floor()) as usize,
        _ => 1,
    };
    format!("{} %", trimmed(&format!("{percent:.decimals$}")))
}

/// A share that somebody stated, in per cent: with the digits that it was stated with, up to four decimals.
#[must_use]
pub fn stated_percent(share: f64) -> String {
    format!("{} %", trimmed(&format!("{:.4}", share * 100.0)))
}

/// A number without zeros that say nothing.
fn trimmed(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// Names in a row: "a", "a and b", "a, b and c".
#[must_use]
pub fn in_a_row(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_set_in_groups() {
        for (count, expected) in
            [(0, "0"), (999, "999"), (1151, "1 151"), (41_200, "41 200"), (1_000_000, "1 000 000")]
        {
            assert_eq!(grouped(count), expected);
        }
    }

    #[test]
    fn shares_are_told_from_none_and_from_all() {
        for (share, expected) in [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.5, "50 %"),
            (0.1234, "12.3 %"),
            (0.995, "99.5 %"),
            (0.9996, "99.96 %"),
            (0.999_95, "99.995 %"),
            (0.000_73, "0.073 %"),
            (0.007, "0.7 %"),
            (0.009_99, "1 %"),
            (0.000_000_04, "0.000004 %"),
            // What sums leave behind is none, and all.
            (1e-17, "0 %"),
            (1.0 - 1e-16, "100 %"),
        ] {
            assert_eq!(percent(share), expected, "{share}");
        }
    }

    #[test]
    fn a_stated_share_keeps_its_digits() {
        let stated = [0.02, 0.0225, 0.999_95, 0.288, 0.0, 1.0].map(stated_percent);
        assert_eq!(stated, ["2 %", "2.25 %", "99.995 %", "28.8 %", "0 %", "100 %"]);
    }

    #[test]
    fn names_stand_in_a_row() {
        let names = ["a", "b", "c"].map(str::to_owned);
        let rows = [0, 1, 2, 3].map(|count| in_a_row(&names[..count]));
        assert_eq!(rows, ["", "a", "a and b", "a, b and c"]);
    }
}
