//! Selectors of series, as PromQL writes them: `auth_login_total{result="timeout"}`.

use std::iter::Peekable;
use std::str::Chars;

use crate::plan::{Compare, Matcher, Selector};

/// Reads a selector.
///
/// # Errors
///
/// What is wrong, in words that go on from "is no selector: ".
pub fn selector(text: &str) -> Result<Selector, String> {
    let mut rest = text.trim().chars().peekable();
    let metric = name(&mut rest, true);
    if metric.is_empty() {
        return Err("it does not begin with the name of a metric".to_owned());
    }
    let mut labels = Vec::new();
    blanks(&mut rest);
    if rest.next_if_eq(&'{').is_some() {
        loop {
            blanks(&mut rest);
            if rest.next_if_eq(&'}').is_some() {
                break;
            }
            labels.push(matcher(&mut rest)?);
            blanks(&mut rest);
            match rest.next() {
                Some(',') => {}
                Some('}') => break,
                Some(other) => return Err(format!("`{other}` where `,` or `}}` belongs")),
                None => return Err("`}` is missing".to_owned()),
            }
        }
    }
    blanks(&mut rest);
    match rest.next() {
        None => Ok(Selector { metric, labels }),
        Some('[') => Err("it selects a range; name the series alone".to_owned()),
        Some('(') => Err("it is an expression; name the series alone".to_owned()),
        Some(other) => Err(format!("`{other}` behind its end")),
    }
}

fn matcher(rest: &mut Peekable<Chars<'_>>) -> Result<Matcher, String> {
    let label = name(rest, false);
    if label.is_empty() {
        return Err("the name of a label is missing".to_owned());
    }
    blanks(rest);
    let compare = match (rest.next(), rest.peek()) {
        (Some('='), Some('~')) => Compare::Matches,
        (Some('!'), Some('=')) => Compare::IsNot,
        (Some('!'), Some('~')) => Compare::MatchesNot,
        (Some('='), _) => Compare::Is,
        _ => return Err(format!("`=`, `!=`, `=~` or `!~` is missing behind `{label}`")),
    };
    if compare != Compare::Is {
        rest.next();
    }
    blanks(rest);
    let value = quoted(rest).ok_or_else(|| format!("the value of `{label}` is not in quotes"))?;
    Ok(Matcher { label, compare, value })
}

fn blanks(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| c.is_whitespace()).is_some() {}
}

/// A name as the data model of Prometheus has it; colons belong to metrics alone.
fn name(rest: &mut Peekable<Chars<'_>>, metric: bool) -> String {
    let mut name = String::new();
    while let Some(c) = rest.next_if(|&c| {
        c == '_'
            || c.is_ascii_alphabetic()
            || (metric && c == ':')
            || (!name.is_empty() && c.is_ascii_digit())
    }) {
        name.push(c);
    }
    name
}

/// A text in double, single or back quotes; the last takes a backslash as it stands.
fn quoted(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let quote = rest.next_if(|c| ['"', '\'', '`'].contains(c))?;
    let mut value = String::new();
    loop {
        match rest.next()? {
            c if c == quote => return Some(value),
            '\\' if quote != '`' => value.push(match rest.next()? {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            c => value.push(c),
        }
    }
}

impl std::fmt::Display for Selector {
    /// As PromQL writes it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.metric)?;
        if self.labels.is_empty() {
            return Ok(());
        }
        for (at, Matcher { label, compare, value }) in self.labels.iter().enumerate() {
            let before = if at == 0 { "{" } else { "," };
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            write!(f, "{before}{label}{compare}\"{value}\"")?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_read_as_promql_has_it_and_written_back() {
        for (text, back) in [
            ("up", "up"),
            (" a:b_total {  } ", "a:b_total"),
            (r#"x{a="b", c!='d' , e=~"5..",f!~`\d`,}"#, r#"x{a="b",c!="d",e=~"5..",f!~"\\d"}"#),
            (r#"x{a="q\"\\"}"#, r#"x{a="q\"\\"}"#),
        ] {
            assert_eq!(selector(text).map(|read| read.to_string()), Ok(back.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_selector_says_why() {
        let shown: String = [
            "",
            "{a=\"b\"}",
            "x{a}",
            "x{a=b}",
            "x{a=\"b\"",
            "x{a=\"b\" c=\"d\"}",
            "x{=\"b\"}",
            "rate(x[1m])",
            "x[1m]",
            "x + y",
            "x{a=\"b",
        ]
        .into_iter()
        .map(|text| format!("{text}: {}\n", selector(text).expect_err("refused")))
        .collect();
        insta::assert_snapshot!(shown, @r#"
        : it does not begin with the name of a metric
        {a="b"}: it does not begin with the name of a metric
        x{a}: `=`, `!=`, `=~` or `!~` is missing behind `a`
        x{a=b}: the value of `a` is not in quotes
        x{a="b": `}` is missing
        x{a="b" c="d"}: `c` where `,` or `}` belongs
        x{="b"}: the name of a label is missing
        rate(x[1m]): it is an expression; name the series alone
        x[1m]: it selects a range; name the series alone
        x + y: `+` behind its end
        x{a="b: the value of `a` is not in quotes
        "#);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}", near in "[a-z]{0,2}\\{?[a-z]?(=|!=|=~)?[\"'`]?[a-z\\\\]{0,3}[\"'`},]{0,3}") {
            let _ = selector(&text);
            if let Ok(read) = selector(&near) {
                proptest::prop_assert_eq!(selector(&read.to_string()), Ok(read));
            }
        }
    }
}
