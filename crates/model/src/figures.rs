//! Counts and rows of names as people read them.

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
    fn names_stand_in_a_row() {
        let names = ["a", "b", "c"].map(str::to_owned);
        let rows = [0, 1, 2, 3].map(|count| in_a_row(&names[..count]));
        assert_eq!(rows, ["", "a", "a and b", "a, b and c"]);
    }
}
