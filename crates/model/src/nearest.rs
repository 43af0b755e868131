//! "Did you mean": the known name nearest to one that is not known. Pure.

/// The candidate nearest to a word, if one is near enough that a slip of the finger explains it.
/// Of several equally near the first wins.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let allowed = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|&(distance, _)| distance <= allowed)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, dropped, replaced or swapped with their neighbour to make one
/// word the other (Damerau's distance between neighbours). `-` and `_` and case do not count.
fn distance(one: &str, other: &str) -> usize {
    let letters = |word: &str| -> Vec<char> {
        word.chars().map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect()
    };
    let (one, other) = (letters(one), letters(other));
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for i in 0..one.len() {
        let mut row = vec![i + 1];
        for j in 0..other.len() {
            let replaced = last[j] + usize::from(one[i] != other[j]);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && one[i] == other[j - 1] && one[i - 1] == other[j] {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

/// A help line for a name that is not known: the nearest one, and all there are.
pub fn did_you_mean(word: &str, what: &str, candidates: &[&str]) -> String {
    let all = candidates.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match nearest(word, candidates.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? {what}: {all}"),
        None => format!("{what}: {all}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_word_is_not() {
        let names = ["retry-storm", "timeout-inversion", "pool-size"];
        for (word, expected) in [
            ("retry-strom", Some("retry-storm")),
            ("Retry_Storm", Some("retry-storm")),
            ("timeout-inversoin", Some("timeout-inversion")),
            ("poolsize", Some("pool-size")),
            ("drift", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, names), expected, "{word}");
        }
    }

    #[test]
    fn the_distance_of_a_word_to_itself_is_zero_and_to_nothing_its_length() {
        assert_eq!(distance("timeout", "timeout"), 0);
        assert_eq!(distance("timeout", ""), 7);
        assert_eq!(distance("", "timeout"), 7);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("ab", "ba"), 1);
    }
}
