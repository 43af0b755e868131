//! Texts of PromQL and of the YAML around it.

use std::fmt::Write as _;
use std::time::Duration;

use crate::plan::{Compare, Matcher, Selector};

/// A length as PromQL writes it, in the largest unit that holds it whole.
pub(super) fn length(length: Duration) -> String {
    let millis = length.as_millis();
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        if millis >= size && millis.is_multiple_of(size) {
            return format!("{}{unit}", millis / size);
        }
    }
    format!("{millis}ms")
}

/// The sum of a function over all series that any of the selectors selects. Series of two selectors may
/// have the same labels, and a union would take them for one: each selector gets a label of its own.
pub(super) fn sum(function: &str, selectors: &[&Selector], range: &str) -> String {
    let parts = merged(selectors);
    let parts = parts.iter().enumerate().map(|(at, selector)| {
        let of = format!("{function}({selector}[{range}])");
        if at == 0 { of } else { format!("label_replace({of}, \"forewarn_part\", \"{at}\", \"\", \"\")") }
    });
    format!("sum({})", parts.collect::<Vec<_>>().join(" or "))
}

/// Selectors of one metric that differ in the value of one label alone, as one with all these values: what
/// people would have written.
fn merged(selectors: &[&Selector]) -> Vec<Selector> {
    let mut list: Vec<Selector> = Vec::new();
    for &selector in selectors {
        let widened = list.iter_mut().find_map(|known| {
            let label = one_label(known, selector)?;
            Some((known, label))
        });
        match widened {
            Some((known, label)) => {
                known.labels[label].compare = Compare::Matches;
                known.labels[label].value.push('|');
                known.labels[label].value.push_str(&selector.labels[label].value);
            }
            None => list.push(selector.clone()),
        }
    }
    list
}

/// The place of the label in which two selectors differ, where the second asks for a plain word and the
/// first for such words.
fn one_label(known: &Selector, other: &Selector) -> Option<usize> {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if known.metric != other.metric || known.labels.len() != other.labels.len() {
        return None;
    }
    let mut differing = (0..known.labels.len()).filter(|&at| known.labels[at] != other.labels[at]);
    let at = differing.next().filter(|_| differing.next().is_none())?;
    let (left, right) = (&known.labels[at], &other.labels[at]);
    let words = matches!(left.compare, Compare::Is | Compare::Matches) && left.value.split('|').all(plain);
    (left.label == right.label && words && right.compare == Compare::Is && plain(&right.value)).then_some(at)
}

/// A text in single quotes of YAML, on one line.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''").replace('\n', " "))
}

/// A number without a tail of digits that nobody needs.
pub(super) fn number(number: f64) -> String {
    let rounded = format!("{number:.6}");
    rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A text of labels.
pub(super) fn labels(labels: &[(String, String)]) -> String {
    let mut text = String::new();
    for (at, (label, value)) in labels.iter().enumerate() {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = write!(text, "{}{label}=\"{value}\"", if at == 0 { "" } else { "," });
    }
    text
}

/// Labels that a selector selects; `None` where its patterns are beyond what is understood here.
pub(super) fn example(selector: &Selector) -> Option<Vec<(String, String)>> {
    let mut labels: Vec<(String, String)> = Vec::new();
    for Matcher { label, compare, value } in &selector.labels {
        let value = match compare {
            Compare::Is => value.clone(),
            Compare::Matches => instance(value)?,
            Compare::IsNot | Compare::MatchesNot => continue,
        };
        if labels.iter().all(|(known, _)| known != label) {
            labels.push((label.clone(), value));
        }
    }
    selects(selector, &labels)?.then_some(labels)
}

/// Whether a selector selects a series of its metric with these labels; `None` where its patterns are
/// beyond what is understood here.
pub(super) fn selects(selector: &Selector, labels: &[(String, String)]) -> Option<bool> {
    let mut all = true;
    for Matcher { label, compare, value } in &selector.labels {
        let there = labels.iter().find(|(known, _)| known == label).map_or("", |(_, value)| value.as_str());
        all &= match compare {
            Compare::Is => there == value,
            Compare::IsNot => there != value,
            Compare::Matches => matches(value, there)?,
            Compare::MatchesNot => !matches(value, there)?,
        };
    }
    Some(all)
}

/// A text that a pattern of plain words, dots and bars matches.
fn instance(pattern: &str) -> Option<String> {
    let first = pattern.split('|').next()?;
    let text: String = first.replace(".*", "").replace(".+", "x").replace('.', "0");
    matches(pattern, &text)?.then_some(text)
}

/// Whether a pattern matches the whole of a text; `None` for a pattern with more than words, dots, `.*`,
/// `.+` and bars.
fn matches(pattern: &str, text: &str) -> Option<bool> {
    if pattern.contains(['(', ')', '[', ']', '{', '}', '\\', '^', '$', '?']) {
        return None;
    }
    let text: Vec<char> = text.chars().collect();
    Some(pattern.split('|').any(|part| matched(&part.chars().collect::<Vec<_>>(), &text)))
}

fn matched(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [c, '*', rest @ ..] => matched(rest, text) || (fits(*c, text) && matched(pattern, &text[1..])),
        [c, '+', rest @ ..] => fits(*c, text) && (matched(rest, &text[1..]) || matched(pattern, &text[1..])),
        [c, rest @ ..] => fits(*c, text) && matched(rest, &text[1..]),
    }
}

fn fits(c: char, text: &[char]) -> bool {
    text.first().is_some_and(|first| c == '.' || c == *first)
}
