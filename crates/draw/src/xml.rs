//! Texts as parts of XML, for every format that is made of it. Knows no element of any of them.

/// A text as part of XML. Characters that XML 1.0 (section 2.2) has no way to write become U+FFFD.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\n' | '\t' => xml.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => xml.push('\u{fffd}'),
            c => xml.push(c),
        }
    }
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_replaced_and_the_rest_escaped() {
        assert_eq!(
            escaped("a<b> & \"c\"\u{0}\u{1b}[0m\u{85}\u{ffff}\nd"),
            "a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}\u{fffd}[0m\u{fffd}\u{fffd}\nd"
        );
    }
}
