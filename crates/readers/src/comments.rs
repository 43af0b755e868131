//! Units that a comment at a key names: `# seconds`, `in ms`, `(ms)`. Knows no key.

use model::TimeUnit;
use text::{Span, Tree};

/// The unit that the comment behind a value names, or else the comment lines right above its key.
pub(crate) fn unit_in_comments(tree: &Tree<'_>, key: Span, value: Span) -> Option<TimeUnit> {
    if let Some(comment) = tree.comment_behind(value)
        && let Some(unit) = unit_in(comment.text)
    {
        return Some(unit);
    }
    tree.comments_above(key).iter().rev().find_map(|comment| unit_in(comment.text))
}

/// The one unit that a comment speaks of. A comment with a number before the unit (`12 hours`)
/// gives an example, not the unit of a bare number; one with two units says nothing.
fn unit_in(comment: &str) -> Option<TimeUnit> {
    // The reason of a suppression may speak of any length of time.
    if comment.trim_start_matches(['#', ';', '/', '*', '!', ' ']).starts_with("forewarn:") {
        return None;
    }
    const NAMES: &[(&str, TimeUnit)] = &[
        ("ns", TimeUnit::Nanoseconds),
        ("nanoseconds", TimeUnit::Nanoseconds),
        ("microseconds", TimeUnit::Microseconds),
        ("ms", TimeUnit::Milliseconds),
        ("msec", TimeUnit::Milliseconds),
        ("millis", TimeUnit::Milliseconds),
        ("milliseconds", TimeUnit::Milliseconds),
        ("sec", TimeUnit::Seconds),
        ("secs", TimeUnit::Seconds),
        ("seconds", TimeUnit::Seconds),
        ("minutes", TimeUnit::Minutes),
        ("hours", TimeUnit::Hours),
        ("days", TimeUnit::Days),
    ];
    let mut found = None;
    let mut after_number = false;
    for word in comment.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let unit = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|&(_, unit)| unit);
        if let Some(unit) = unit.filter(|_| !after_number) {
            if found.is_some_and(|earlier| earlier != unit) {
                return None;
            }
            found = Some(unit);
        }
        after_number = word.bytes().all(|byte| byte.is_ascii_digit());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_names_a_unit_in_words() {
        for (comment, unit) in [
            ("# seconds", Some(TimeUnit::Seconds)),
            ("# timeout in ms, see the manual", Some(TimeUnit::Milliseconds)),
            ("; (milliseconds)", Some(TimeUnit::Milliseconds)),
            ("# default 5 seconds", None),
            ("# forewarn: allow(unit-driver): seconds, as agreed", None),
            ("# seconds, not ms", None),
            ("# how long to wait", None),
            ("# the second attempt", None),
        ] {
            assert_eq!(unit_in(comment), unit, "{comment}");
        }
    }
}
