//! Counts as people read them.

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
}
