//! What one comment says to Forewarn: `forewarn: allow(rule, rule) until 2027-03-01: the reason`. There
//! is one spelling; what comes near it is told, for a suppression that silently does nothing is
//! believed to act. Must not know where the comment stands.

use std::ops::Range;

use super::FORM;
use crate::config::no_rule;
use crate::date::Date;
use model::nearest;

/// What a comment says.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// Nothing to Forewarn.
    Nothing,
    /// Something meant for Forewarn that is not understood: what is wrong, and what to do.
    Slip { what: String, help: String },
    /// A suppression. Ranges point into the comment.
    Allow {
        rules: Vec<(String, Range<usize>)>,
        /// Names of no rule: where, what is wrong, what to do.
        unknown: Vec<(Range<usize>, String, String)>,
        until: Option<Date>,
        reason: String,
    },
}

/// What other tools call what is `allow` here.
const OTHER_WORDS: &[&str] = &[
    "disable", "except", "expect", "ignore", "mute", "nolint", "noqa", "nosec", "off", "silence", "skip",
    "snooze", "suppress",
];

/// Reads a comment with its mark, given the names of all rules.
pub(super) fn read(comment: &str, rules: &[&str]) -> Said {
    let body = comment.trim_start_matches(['#', ';', '!', '/', '*', ' ', '\t']);
    let body = body.strip_suffix("*/").unwrap_or(body).trim_end();
    let Some(rest) = after_name(body) else {
        return match body.contains("forewarn: allow(") {
            true => slip("a suppression that does not begin its comment is not read", FORM),
            false => Said::Nothing,
        };
    };
    let (has_colon, rest) = match rest.strip_prefix(':') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let rest = rest.trim_start_matches([' ', '\t', '-', '(', '[', ':']);
    let word: &str = &rest[..rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len())];
    let behind = &rest[word.len()..];
    if !(has_colon && word == "allow" && body.starts_with("forewarn: ")) {
        return match is_meant(word, behind, rest, has_colon, rules) {
            true => slip("this comment suppresses nothing: it is not spelt as a suppression is", FORM),
            false => Said::Nothing,
        };
    }
    let start = comment.len() - comment.trim_start_matches(['#', ';', '!', '/', '*', ' ', '\t']).len();
    let at = start + (behind.as_ptr() as usize - body.as_ptr() as usize);
    allow(behind, at, rules)
}

/// What follows Forewarn's name at the start of a comment.
fn after_name(body: &str) -> Option<&str> {
    let name = body.get(.."forewarn".len())?;
    let rest = &body[name.len()..];
    let ends = rest.chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '.');
    (name.eq_ignore_ascii_case("forewarn") && ends).then_some(rest)
}

/// Whether a comment that begins with Forewarn's name and is no suppression was meant as one. People
/// also write about Forewarn in prose, and a service may be called so.
fn is_meant(word: &str, behind: &str, rest: &str, has_colon: bool, rules: &[&str]) -> bool {
    let lower = word.to_ascii_lowercase();
    let is_command = lower == "allow" || OTHER_WORDS.contains(&lower.as_str());
    let has_list = behind.trim_start().starts_with(['(', '[']);
    let names_rule = || {
        let part_of_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
        rest.split(|c: char| !part_of_name(c)).any(|word| rules.contains(&word))
    };
    match has_colon {
        true => is_command || has_list || nearest(&lower, ["allow"]).is_some() || names_rule(),
        false => is_command || (has_list && nearest(&lower, ["allow"]).is_some()),
    }
}

/// Reads what stands behind `allow`, which begins at `at` in its comment.
fn allow(text: &str, at: usize, rules: &[&str]) -> Said {
    let Some(list) = text.strip_prefix('(') else {
        return slip("a suppression names its rules in round brackets", FORM);
    };
    let Some(end) = list.find(')') else {
        return slip("the list of rules does not end", FORM);
    };
    let (mut named, mut unknown) = (Vec::new(), Vec::new());
    let mut from = at + 1;
    for part in list[..end].split(',') {
        let name = part.trim();
        let start = from + (part.len() - part.trim_start().len());
        from += part.len() + 1;
        let range = start..start + name.len();
        match (name, rules.contains(&name)) {
            ("", _) => {}
            (_, true) => named.push((name.to_owned(), range)),
            (_, false) => {
                let (what, help) = no_rule(name, rules);
                unknown.push((range, what, help));
            }
        }
    }
    if named.is_empty() && unknown.is_empty() {
        return slip("a suppression that names no rule", FORM);
    }
    let rest = list[end + 1..].trim_start();
    let (until, rest) = match rest.strip_prefix("until") {
        Some(rest) if rest.starts_with([' ', '\t']) => {
            let rest = rest.trim_start();
            let day = &rest[..rest.find([':', ' ', '\t']).unwrap_or(rest.len())];
            match Date::parse(day) {
                Some(date) => (Some(date), rest[day.len()..].trim_start()),
                None => {
                    let what = format!("the last day of a suppression is no day: `{day}`");
                    return slip(what, "write year, month and day: 2027-03-01");
                }
            }
        }
        _ => (None, rest),
    };
    match rest.strip_prefix(':').map(str::trim) {
        Some(reason) if !reason.is_empty() => {
            Said::Allow { rules: named, unknown, until, reason: reason.to_owned() }
        }
        _ => slip("a suppression without a reason", FORM),
    }
}

fn slip(what: impl Into<String>, help: impl Into<String>) -> Said {
    Said::Slip { what: what.into(), help: help.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &[&str] = &["retry-storm", "timeout-missing"];

    fn said(comment: &str) -> String {
        match read(comment, RULES) {
            Said::Nothing => "nothing".into(),
            Said::Slip { what, .. } => what,
            Said::Allow { rules, unknown, until, reason } => {
                let places = rules.iter().map(|(name, range)| {
                    assert_eq!(&comment[range.clone()], name);
                    name.as_str()
                });
                let until = until.map_or_else(String::new, |day| format!(" until {day}"));
                let unknown: String =
                    unknown.iter().map(|(range, what, _)| format!(" [{what} {range:?}]")).collect();
                format!("{}{until}: {reason}{unknown}", places.collect::<Vec<_>>().join("+"))
            }
        }
    }

    #[test]
    fn a_suppression_names_rules_perhaps_a_day_and_a_reason() {
        for (comment, expected) in [
            ("# forewarn: allow(retry-storm): accepted", "retry-storm: accepted"),
            ("#forewarn: allow( retry-storm , timeout-missing ): a: b", "retry-storm+timeout-missing: a: b"),
            ("; forewarn: allow(retry-storm) until 2027-03-01: soon", "retry-storm until 2027-03-01: soon"),
            ("// forewarn: allow(retry-storm):x", "retry-storm: x"),
            ("/* forewarn: allow(retry-storm): x */", "retry-storm: x"),
            ("! forewarn: allow(retry-storm): (x)", "retry-storm: (x)"),
            (
                "# forewarn: allow(retry-strom, timeout-missing): x",
                "timeout-missing: x [there is no rule `retry-strom` 18..29]",
            ),
        ] {
            assert_eq!(said(comment), expected, "{comment}");
        }
    }

    #[test]
    fn what_comes_near_a_suppression_is_told() {
        const SPELT: &str = "this comment suppresses nothing: it is not spelt as a suppression is";
        for (comment, expected) in [
            ("# forewarn allow(retry-storm): x", SPELT),
            ("# forewarn:allow(retry-storm): x", SPELT),
            ("# Forewarn: allow(retry-storm): x", SPELT),
            ("# forewarn: Allow(retry-storm): x", SPELT),
            ("# forewarn: alow(retry-storm): x", SPELT),
            ("# forewarn:ignore", SPELT),
            ("# forewarn: ignore[retry-storm] x", SPELT),
            ("# forewarn-disable retry-storm", SPELT),
            ("# forewarn: retry-storm is accepted", SPELT),
            ("# forewarn: allow[retry-storm]: x", "a suppression names its rules in round brackets"),
            ("# forewarn: allow retry-storm: x", "a suppression names its rules in round brackets"),
            ("# forewarn: allow(retry-storm: x", "the list of rules does not end"),
            ("# forewarn: allow(): x", "a suppression that names no rule"),
            ("# forewarn: allow(retry-storm)", "a suppression without a reason"),
            ("# forewarn: allow(retry-storm):  ", "a suppression without a reason"),
            ("# forewarn: allow(retry-storm) because x", "a suppression without a reason"),
            ("# forewarn: allow(retry-storm) until 2027-03-01", "a suppression without a reason"),
            (
                "# forewarn: allow(retry-storm) until 2027-02-30: x",
                "the last day of a suppression is no day: `2027-02-30`",
            ),
            (
                "# forewarn: allow(retry-storm) until March: x",
                "the last day of a suppression is no day: `March`",
            ),
            (
                "# as agreed; forewarn: allow(retry-storm): x",
                "a suppression that does not begin its comment is not read",
            ),
        ] {
            assert_eq!(said(comment), expected, "{comment}");
        }
    }

    #[test]
    fn prose_about_forewarn_is_no_suppression() {
        for comment in [
            "# forewarn says 2 s are too short",
            "# Forewarn: see the page about retries",
            "# forewarn:",
            "# forewarn.toml allows more",
            "#forewarn:",
            "# forewarning: allow(retry-storm)",
            "# forewarn ignores this file",
            "# see retry-storm",
            "#",
            "# é",
        ] {
            assert_eq!(said(comment), "nothing", "{comment}");
        }
    }
}
