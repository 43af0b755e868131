//! Text from files and file names made fit for a terminal. Control characters can move the cursor,
//! recolour what follows or forge lines; marks of writing direction can show a line in another order
//! than it has. Must not hide or shorten anything: every such character leaves a visible sign.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write as _;

use draw::is_wide;

/// Whether a terminal shows something else than this character in its place.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A text with blanks behind it, up to so many columns of a terminal.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(self::columns(text))))
}

/// How many columns of a terminal a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(|c| 1 + usize::from(is_wide(c))).sum()
}

/// A name from the disk. What cannot be seen and bytes that are not UTF-8 are escaped, so that
/// different names stay different.
pub(crate) fn name(name: &OsStr) -> String {
    let mut shown = String::new();
    push_name(&mut shown, name);
    shown
}

/// The same, put behind a text.
pub(crate) fn push_name(shown: &mut String, name: &OsStr) {
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_unseen(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
        }
        for byte in chunk.invalid() {
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
}

/// A text as part of one line: breaks and tabs become blanks, what cannot be seen U+FFFD.
pub(crate) fn line(text: &str) -> String {
    let seen = |c| match c {
        '\n' | '\r' | '\t' => ' ',
        c if is_unseen(c) => '\u{fffd}',
        c => c,
    };
    text.chars().map(seen).collect()
}

/// Lines of a source: what cannot be seen gives way to a sign of the same length in bytes, so that
/// offsets stay true. ASCII is left to who draws the lines.
pub(crate) fn lines(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_ours = |c: char| !c.is_ascii() && is_unseen(c);
    if !text.contains(is_ours) {
        return text;
    }
    let seen = |c: char| match c.len_utf8() {
        2 if is_ours(c) => '·',
        3 if is_ours(c) => '\u{fffd}',
        _ => c,
    };
    Cow::Owned(text.chars().map(seen).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_readable_and_different() {
        for (given, shown) in [
            ("auth/größe.toml", "auth/größe.toml"),
            ("a b.yaml", "a b.yaml"),
            ("a\nb.yaml", r"a\nb.yaml"),
            ("\u{1b}[31mred", r"\u{1b}[31mred"),
            ("\u{9b}31m\u{202e}x", r"\u{9b}31m\u{202e}x"),
        ] {
            assert_eq!(name(OsStr::new(given)), shown);
        }
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_escaped() {
        use std::os::unix::ffi::OsStrExt as _;
        assert_eq!(name(OsStr::from_bytes(b"caf\xe9\xff.yaml")), r"caf\xe9\xff.yaml");
    }

    #[test]
    fn a_line_has_no_break_and_nothing_unseen() {
        assert_eq!(line("a\tb\r\nc\u{1b}[0m\u{85}\u{2066}d"), "a b  c\u{fffd}[0m\u{fffd}\u{fffd}d");
    }

    #[test]
    fn lines_keep_their_length() {
        let text = "a\tb\u{9b}31m\r\n\u{202e}c\u{feff}é€😀";
        let seen = lines(text.into());
        assert_eq!(seen, "a\tb·31m\r\n\u{fffd}c\u{fffd}é€😀");
        assert_eq!(seen.len(), text.len());
        assert!(matches!(lines("größe".into()), Cow::Borrowed(_)));
    }
}
