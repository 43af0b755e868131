//! Which variable a value is the fallback of: `LOGIN_TIMEOUT` of the `5s` in `${LOGIN_TIMEOUT:-5s}`.
//! Looks at the text around the value, whatever dialect read it, and changes no value.

use model::Origin;
use text::Source;

use crate::Fragment;

/// How far before a value the `${` of its placeholder can stand: longer names are none.
const REACH: usize = 128;

/// Names the variable of each setting that is written as the fallback of one.
pub(crate) fn mark(source: &Source, fragment: &mut Fragment) {
    if !source.text().contains("${") {
        return;
    }
    for setting in fragment.groups.iter_mut().flat_map(|group| &mut group.settings) {
        let Origin::Written(span) = setting.value.origin else { continue };
        if span.file == source.id() && setting.variable.is_none() {
            setting.variable = variable(source.text(), span.start as usize, span.end as usize);
        }
    }
}

/// The variable whose fallback is written from `start` on, and ends at `end` at the latest.
fn variable(text: &str, start: usize, end: usize) -> Option<String> {
    let from = start.saturating_sub(REACH);
    let near = text.as_bytes().get(from..start)?;
    let open = near.windows(2).rposition(|pair| pair == b"${")? + from + 2;
    let before = text.get(open..start)?;
    let name = before.strip_suffix(":-").or_else(|| before.strip_suffix([':', '-']))?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
    // Of a longer fallback, an address with parameters for instance, the value is only a part.
    let rest = text.get(start..)?;
    let fallback = rest.find(['}', '\n']).filter(|&close| rest[close..].starts_with('}'))?;
    (is_name && start + fallback <= end).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::variable;

    /// The variable of the part of the text between `<` and `>`.
    fn of(marked: &str) -> Option<String> {
        let start = marked.find('<').expect("a mark");
        let end = marked.find('>').expect("a mark") - 1;
        variable(&marked.replace(['<', '>'], ""), start, end)
    }

    #[test]
    fn the_placeholder_around_a_value_names_its_variable() {
        for (text, name) in [
            ("a: ${LOGIN_TIMEOUT:-<5s>}", Some("LOGIN_TIMEOUT")),
            ("a: ${LOGIN_TIMEOUT:<5s>}", Some("LOGIN_TIMEOUT")),
            ("a: ${LOGIN_TIMEOUT-<5s>}", Some("LOGIN_TIMEOUT")),
            ("a: ${my-app.timeout:<5s>}", Some("my-app.timeout")),
            ("a: ${T:-<30}s>", Some("T")),
            ("a: ${A:-${B:-<1s>}}", Some("B")),
            ("a: http://x/?connect_timeout=${T:-<5>}&b=1", Some("T")),
            ("a: ${DSN:-db://x/?connect_timeout=<5>}", None),
            ("a: ${DSN:-<5>,6}", None),
            ("a: ${A:-1}<5s>", None),
            ("a: ${A:+<5s>}", None),
            ("a: ${A:?<5s>}", None),
            ("a: ${A:-<5s>", None),
            ("a: <5s>", None),
        ] {
            assert_eq!(of(text).as_deref(), name, "{text}");
        }
    }
}
